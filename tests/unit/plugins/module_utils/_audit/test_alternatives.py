# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Alternatives groups, and the links they govern, on a real file system."""

import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.alternatives import (
    add_promised,
    concerns_python,
    judge_links,
    python_groups,
    unfinished_states,
)
from ansible_collections.fleet.system_python.plugins.module_utils._audit.records import AlternativesGroup


@pytest.mark.parametrize("name", ["python", "python3", "python3.12", "pip3", "unversioned-python", "python3-config"])
def test_names_of_python(name: str) -> None:
    assert concerns_python(name)


@pytest.mark.parametrize("name", ["pythonista", "java", "libpython", "pipx", "python3-foo", "my-python"])
def test_other_names(name: str) -> None:
    assert not concerns_python(name)


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A folder tree with an admin folder, the entries, and a bin that leads to usr/bin."""
    for name in ("admin", "entries", "usr/bin"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "bin").symlink_to("usr/bin")
    for version in ("3.9", "3.12"):
        (tmp_path / "bin" / ("python" + version)).write_text("")
        (tmp_path / "bin" / ("pip" + version)).write_text("")
    return tmp_path


def _write(host: Path, *choices: t.Tuple[str, int], **more: str) -> None:
    """Write a state file with the slave pip3; a choice is a version of Python and its priority."""
    bin_folder = more.get("folder", str(host / "usr/bin"))
    lines = ["auto", bin_folder + "/python3", "pip3", bin_folder + "/pip3", ""]
    for version, priority in choices:
        lines += ["{0}/python{1}".format(bin_folder, version), str(priority), "{0}/pip{1}".format(bin_folder, version)]
    (host / "admin" / more.get("name", "python3")).write_text("\n".join(lines) + "\n\n")


def _lead(host: Path, version: str, name: str = "python3") -> None:
    """Make all links as the programs do."""
    for entry, public, target in ((name, "python3", "python"), ("pip3", "pip3", "pip")):
        (host / "entries" / entry).symlink_to(host / "usr/bin" / (target + version))
        (host / "bin" / public).symlink_to(host / "entries" / entry)


def _read(host: Path, *concerned: str, **more: t.Any) -> t.List[AlternativesGroup]:
    groups = python_groups(
        concerns={str(host / path) for path in concerned}.__contains__,
        admin_folders=[str(host / "gone"), str(host / "admin")],
        entries_folder=str(host / "entries"),
        **more,
    )
    for group in groups:
        judge_links(group)
    return groups


def test_a_whole_group_has_no_problems(host: Path) -> None:
    _write(host, ("3.9", 10), ("3.12", 20))
    _lead(host, "3.12")
    (group,) = _read(host)
    assert group["problems"] == []
    assert [choice["chosen"] for choice in group["choices"]] == [False, True]
    # The slaves are those of the choice that is chosen.
    assert [choice["astray"] for choice in group["choices"]] == [["pip3"], []]


@pytest.mark.parametrize("folder", ["bin", "usr/bin/../bin", "bin/.", "usr//bin"])
def test_two_names_of_one_file_are_one(host: Path, folder: str) -> None:
    _write(host, ("3.9", 10), ("3.12", 20), folder="{0}/{1}".format(host, folder))
    _lead(host, "3.12")
    (group,) = _read(host)
    assert [one["path"] for one in group["governs"]] == [str(host / "usr/bin/python3"), str(host / "usr/bin/pip3")]
    assert [choice["place"] for choice in group["choices"]] == [
        str(host / "usr/bin" / name) for name in ("python3.9", "python3.12")
    ]
    assert group["problems"] == []


def test_a_link_that_is_written_relatively_leads_to_the_entry_all_the_same(host: Path) -> None:
    _write(host, ("3.9", 10))
    (host / "entries/python3").symlink_to("../bin/python3.9")
    (host / "bin/python3").symlink_to("../../entries/python3")
    (group,) = _read(host)
    assert (group["problems"], group["governs"][0]["governed"], group["choices"][0]["chosen"]) == ([], True, True)


def test_the_public_link_itself_is_looked_at(host: Path) -> None:
    _write(host, ("3.9", 10))
    (host / "entries" / "python3").symlink_to(host / "bin" / "python3.9")
    (host / "bin" / "python3").symlink_to("python3.12")
    (group,) = _read(host)
    assert "does not lead to" in group["problems"][0]
    assert group["governs"][0]["kind"] == "link"
    assert group["governs"][0]["leads_to"] == str(host / "usr/bin/python3.12")


def test_a_target_that_is_gone_and_one_that_nobody_registered(host: Path) -> None:
    _write(host, ("3.8", 30))
    _lead(host, "3.9")
    (group,) = _read(host)
    assert any("not registered" in problem for problem in group["problems"])
    assert any("python3.8 is gone" in problem for problem in group["problems"])
    # That comes back with its package.
    judge_links(group, comes_back={str(host / "usr/bin/python3.8")}.__contains__)
    assert not any("is gone" in problem for problem in group["problems"])


@pytest.mark.parametrize("state", ["missing", "elsewhere", "file"])
def test_a_slave_of_a_group_of_the_release(host: Path, state: str) -> None:
    _write(host, ("3.9", 10))
    _lead(host, "3.9")
    (host / "bin/pip3").unlink()
    if state == "elsewhere":
        (host / "bin/pip3").symlink_to("pip3.12")
    elif state == "file":
        (host / "bin/pip3").write_text("")
    (group,) = _read(host)
    assert (group["choices"][0]["astray"], group["problems"]) == (["pip3"], [])
    group["own"] = True
    judge_links(group)
    assert group["problems"] == ["{0}/usr/bin/pip3 does not lead to {0}/usr/bin/pip3.9".format(host)]
    # Nobody links a manual page that is not installed.
    (host / "bin/pip3.9").unlink()
    judge_links(group)
    assert group["problems"] == []
    judge_links(group, comes_back={str(host / "usr/bin/pip3.9")}.__contains__)
    assert len(group["problems"]) == 1


def test_groups_are_found_by_what_they_govern(host: Path) -> None:
    for name in ("py3", "editor", "dnf", "app"):
        public = {"py3": "python3", "app": "app\nsub\n/usr/bin/pydoc3"}.get(name, name)
        state = "auto\n{0}/bin/{1}\n\n/usr/bin/vim\n1\n".format(host, public)
        (host / "admin" / name).write_text(state + "\n" * (name == "app"))
    assert [group["name"] for group in _read(host, "usr/bin/dnf")] == ["app", "dnf", "py3"]


def test_other_groups_are_passed_over_and_damaged_ones_reported(host: Path) -> None:
    (host / "admin" / "editor").write_text("auto\n/usr/bin/editor\n\n/usr/bin/vim\n1\n\n")
    (host / "admin" / "java").write_bytes(b"\xff\xfe")
    (host / "admin" / "python3").write_bytes(b"\xff\xfe")
    (host / "admin" / "python3.new").write_bytes(b"")
    (group,) = _read(host)
    assert (group["name"], group["governs"], group["choices"]) == ("python3", [], [])
    assert "ends in the middle" in group["problems"][0]


def test_new_states_that_were_left_are_those_of_python_s_groups(host: Path) -> None:
    _write(host, ("3.9", 10), name="py3")
    for name in ("python3.new", "py3.new", "awk.new", "python3.dpkg-tmp"):
        (host / "admin" / name).write_text("auto\n")
    folder = str(host / "admin")
    found = unfinished_states(_read(host), (folder, folder + "/"))
    assert found == [folder + "/py3.new", folder + "/python3.new"]


def test_what_leads_to_the_entry_of_a_damaged_group_is_governed_by_it(host: Path) -> None:
    (host / "admin/py3").write_text("")
    _lead(host, "3.9", "py3")
    assert _read(host) == []
    (group,) = _read(host, "usr/bin/python3", commands=[str(host / "bin/python3"), str(host / "bin/python")])
    assert [(one["path"], one["governed"]) for one in group["governs"]] == [(str(host / "usr/bin/python3"), True)]


def _promised(host: Path, groups: t.List[AlternativesGroup]) -> t.List[AlternativesGroup]:
    links = {name: str(host / "bin" / name) for name in ("python3", "pip3", "pydoc3")}
    add_promised(groups, {"python3": links}, str(host / "admin"), str(host / "entries"))
    return groups


def test_a_promised_group_is_known_by_its_name_and_its_link(host: Path) -> None:
    _write(host, ("3.9", 10))
    (group,) = _promised(host, _read(host))
    assert (group["own"], len(group["governs"])) == (True, 2)
    _write(host, ("3.9", 10), folder="/usr/local/bin")
    other, lost = _promised(host, _read(host))
    assert (other["own"], lost["own"]) == (False, True)
    assert lost["state_file"] == other["state_file"]
    assert "of a group for /usr/local/bin/python3" in lost["problems"][0]


@pytest.mark.parametrize("text", [None, "", "auto\n", "auto\n{0}/bin/python3\npip3\n{0}/bin/pip3\n\n"])
def test_a_promised_group_without_a_state_has_the_links_of_the_contract(host: Path, text: t.Optional[str]) -> None:
    if text is not None:
        (host / "admin/python3").write_text(text.format(host))
    (group,) = _promised(host, _read(host))
    assert (group["own"], group["choices"], len(group["problems"])) == (True, [], 1)
    assert {one["path"] for one in group["governs"]} == {
        str(host / "usr/bin" / name) for name in ("python3", "pip3", "pydoc3")
    }
    assert group["governs"][0]["name"] == "python3"
    assert group["state_file"] == str(host / "admin/python3")
