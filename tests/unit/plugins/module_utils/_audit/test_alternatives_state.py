# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of the state files of alternatives groups."""

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.alternatives_state import (
    parse_state,
    readable_links,
    without,
)
from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import InvalidDataError

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
    ("text", "said"),
    [
        ("", "is empty"),
        ("\n", "does not begin"),
        ("auto", "in the middle"),
        ("auto\n/usr/bin/python3", "in the middle"),
        ("auto\n/usr/bin/python3\npip3\n/usr/bin", "in the middle"),
        ("auto\n/usr/bin/python3\npip3\n\n", "where the link of a slave belongs"),
        ("auto\n/usr/bin/python3\n/usr/bin/pip3\n/usr/bin/pip3\n\n", "where the link of a slave belongs"),
        ("sometimes\n/usr/bin/python3\n\n", "does not begin"),
        ("auto\nnot-a-path\n\n", "does not begin"),
        ("auto\n/usr/bin/python3\n\n/usr/bin/python3.9\nmuch\n", "where the priority"),
        ("auto\n/usr/bin/python3\n\n/usr/bin/python3.9\n", "where the priority"),
        ("auto\n/usr/bin/python3\n\npython3.9\n1\n", "where a target belongs"),
        ("auto\n/usr/bin/python3\npip3\n/usr/bin/pip3\n\n/usr/bin/python3.9\n1\npip3.9\n", "where a target belongs"),
        ("auto\n/usr/bin/python3\n\n", "offers no choices"),
        ("auto\n/usr/bin/python3\n\n/usr/bin/python3.9\n1\n\n\nmore\n", "after its end"),
        ('{"mode": "auto", "link": "/usr/bin/python3"}\n', "does not begin"),
        ("\0" * 512, "in the middle"),
    ],
)
def test_a_damaged_state_file_is_an_error(text: str, said: str) -> None:
    with pytest.raises(InvalidDataError, match=said):
        parse_state("python3", text)


def test_every_cut_of_a_state_file_is_an_error_or_has_lost_whole_choices() -> None:
    whole = parse_state("python3", CHKCONFIG)
    for length in range(len(CHKCONFIG) - 1):
        try:
            cut = parse_state("python3", CHKCONFIG[:length])
        except InvalidDataError:
            continue
        # What is left of a target or a number may look like a whole one; then what it leads to tells.
        assert cut["slaves"] == whole["slaves"]
        assert len(cut["choices"]) == 1 or length > CHKCONFIG.index("31100")


def test_what_can_be_read_of_a_cut_state_file() -> None:
    slave = {"name": "pip3", "link": "/usr/bin/pip3"}
    assert readable_links(CHKCONFIG)[1][0] == slave
    assert readable_links("auto\n/usr/bin/python3\npip3\n/usr/bin/pip3\npython3-m") == ("/usr/bin/python3", [slave])
    assert readable_links("auto\n/usr/bin/python3\npip3\n") == ("/usr/bin/python3", [])
    assert readable_links("") == readable_links("{\n}\na\n/b\n") == (None, [])


def test_a_choice_is_taken_out_and_all_else_stays() -> None:
    left = without("python3", CHKCONFIG.replace("auto", "manual", 1), ["/usr/bin/python3.6"])
    assert left == CHKCONFIG.replace("/usr/bin/python3.6\n@python@1000000\n/usr/bin/pip3.6\n\n", "")
    assert without("python3", CHKCONFIG, ["/usr/bin/python3.12"]) == CHKCONFIG
    # dpkg's ends with a blank line.
    assert without("pip", "auto\n/usr/bin/pip\n\n/opt/pip\n9\n/usr/bin/pip3\n1\n\n", ["/opt/pip"]) == (
        "auto\n/usr/bin/pip\n\n/usr/bin/pip3\n1\n\n"
    )


def test_a_slave_is_taken_out_of_every_choice() -> None:
    left = without("python3", CHKCONFIG, [], ["pip3"])
    assert left == CHKCONFIG.replace("pip3\n/usr/bin/pip3\n", "").replace("/usr/bin/pip3.6\n", "").replace(
        "31100\n\n", "31100\n"
    )
    assert parse_state("python3", left)["choices"][1]["slaves"] == {
        "python3-man": "/usr/share/man/man1/python3.11.1.gz"
    }
    assert without("python3", CHKCONFIG, ["/usr/bin/python3.6"], ["pip3", "python3-man"]) == (
        "auto\n/usr/bin/python3\n\n/usr/bin/python3.11\n31100\n"
    )
