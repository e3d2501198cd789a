# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""State files of alternatives groups and the links they govern."""

import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._alternatives import (
    concerns_python,
    parse_state,
    python_groups,
    without_choices,
)
from ansible_collections.fleet.system_python.plugins.module_utils._errors import InvalidDataError

CHKCONFIG = """auto
/usr/bin/python3
pip3
/usr/bin/pip3
python3-man
/usr/share/man/man1/python3.1.gz

/usr/bin/python3.6
@python@1000000
/usr/bin/pip3.6

/usr/bin/python3.11
31100

/usr/share/man/man1/python3.11.1.gz
"""


def test_a_slave_that_a_choice_lacks_is_a_blank_line() -> None:
    group = parse_state("python3", CHKCONFIG)
    assert group["mode"] == "auto"
    assert group["slaves"][1] == {"name": "python3-man", "link": "/usr/share/man/man1/python3.1.gz"}
    first, second = group["choices"]
    assert first["priority"] == 1000000
    assert first["family"] == "python"
    assert first["slaves"] == {"pip3": "/usr/bin/pip3.6", "python3-man": None}
    assert second["slaves"] == {"pip3": None, "python3-man": "/usr/share/man/man1/python3.11.1.gz"}


def test_dpkg_ends_with_one_blank_line_more() -> None:
    text = "manual\n/usr/bin/python3\n\n/usr/bin/python3.12\n20\n/usr/bin/python3.9\n10\n\n"
    group = parse_state("python3", text)
    assert [choice["target"] for choice in group["choices"]] == ["/usr/bin/python3.12", "/usr/bin/python3.9"]


@pytest.mark.parametrize(
    "text",
    ["", "auto", "auto\n/usr/bin/python3", "sometimes\n/usr/bin/python3\n\n", "auto\nnot-a-path\n\n",
     "auto\n/usr/bin/python3\n\n/usr/bin/python3.9\nmuch\n"],
)  # fmt: skip
def test_a_damaged_state_file_is_an_error(text: t.Any) -> None:
    with pytest.raises(InvalidDataError):
        parse_state("python3", text)


@pytest.mark.parametrize("name", ["python", "python3", "python3.12", "pip3", "unversioned-python", "python3-config"])
def test_names_of_python(name: t.Any) -> None:
    assert concerns_python(name)


@pytest.mark.parametrize("name", ["pythonista", "java", "libpython", "pipx", "python3-foo", "my-python"])
def test_other_names(name: t.Any) -> None:
    assert not concerns_python(name)


@pytest.fixture
def host(tmp_path: t.Any) -> t.Any:
    """Make a folder tree with an admin folder, the entries and /usr/bin."""
    for name in ("admin", "entries", "bin"):
        (tmp_path / name).mkdir()
    for version in ("3.9", "3.12"):
        (tmp_path / "bin" / ("python" + version)).write_text("")
    return tmp_path


def _state(host: t.Any, *choices: t.Any) -> None:
    lines = ["auto", str(host / "bin" / "python3"), ""]
    for target, priority in choices:
        lines += [str(host / "bin" / target), str(priority)]
    (host / "admin" / "python3").write_text("\n".join(lines) + "\n\n")


def _groups(host: t.Any) -> t.Any:
    return python_groups([str(host / "gone"), str(host / "admin")], str(host / "entries"))


def test_a_whole_group_has_no_problems(host: t.Any) -> None:
    _state(host, ("python3.9", 10), ("python3.12", 20))
    (host / "entries" / "python3").symlink_to(host / "bin" / "python3.12")
    (host / "bin" / "python3").symlink_to(host / "entries" / "python3")
    (group,) = _groups(host)
    assert group["problems"] == []
    assert group["chosen"] == str(host / "bin" / "python3.12")


def test_the_public_link_itself_is_looked_at(host: t.Any) -> None:
    _state(host, ("python3.9", 10))
    (host / "entries" / "python3").symlink_to(host / "bin" / "python3.9")
    (host / "bin" / "python3").symlink_to("python3.12")
    (group,) = _groups(host)
    assert "does not lead to" in group["problems"][0]


def test_a_target_that_is_gone_and_one_that_nobody_registered(host: t.Any) -> None:
    _state(host, ("python3.8", 30))
    (host / "entries" / "python3").symlink_to(host / "bin" / "python3.9")
    (host / "bin" / "python3").symlink_to(host / "entries" / "python3")
    (group,) = _groups(host)
    assert any("not registered" in problem for problem in group["problems"])
    assert any("python3.8 is gone" in problem for problem in group["problems"])


def test_a_choice_is_taken_out_and_all_else_stays() -> None:
    left = without_choices("python3", CHKCONFIG.replace("auto", "manual", 1), ["/usr/bin/python3.6"])
    assert left == CHKCONFIG.replace("/usr/bin/python3.6\n@python@1000000\n/usr/bin/pip3.6\n\n", "")
    assert without_choices("python3", CHKCONFIG, ["/usr/bin/python3.12"]) == CHKCONFIG
    # dpkg's ends with a blank line.
    assert without_choices("pip", "auto\n/usr/bin/pip\n\n/opt/pip\n9\n/usr/bin/pip3\n1\n\n", ["/opt/pip"]) == (
        "auto\n/usr/bin/pip\n\n/usr/bin/pip3\n1\n\n"
    )


def test_where_each_public_link_leads(host: t.Any) -> None:
    _state(host, ("python3.9", 10))
    (host / "entries" / "python3").symlink_to(host / "bin" / "python3.9")
    (host / "bin" / "python3").symlink_to("python3.12")
    (group,) = _groups(host)
    (governed,) = group["governs"]
    assert governed["kind"] == "link"
    assert governed["entry_target"] == str(host / "bin" / "python3.9")
    assert governed["leads_to"] == str(host / "bin" / "python3.12")


def test_other_groups_are_passed_over_and_damaged_ones_reported(host: t.Any) -> None:
    (host / "admin" / "editor").write_text("auto\n/usr/bin/editor\n\n/usr/bin/vim\n1\n\n")
    (host / "admin" / "java").write_bytes(b"\xff\xfe")
    (host / "admin" / "python3").write_bytes(b"\xff\xfe")
    (group,) = _groups(host)
    assert group["name"] == "python3"
    assert "ends in the middle" in group["problems"][0]
