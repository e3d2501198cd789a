# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible import constants
from ansible.release import __version__ as core_version

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import InvalidDataError
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.core import supported_minors

FALLBACK = ["python3.13", "python3.12", "python3.8", "/usr/bin/python3", "python3", "python2.7"]


def test_the_core_names_its_own_range() -> None:
    supported = supported_minors("2.99.0", FALLBACK)
    assert (supported.oldest, supported.newest) == ("3.8", "3.13")
    assert supported.newer[0] == "3.14"
    assert "3.10" in supported.minors


@pytest.mark.parametrize(
    ("version", "oldest", "newest"),
    [
        ("2.16.19", "3.6", "3.12"),
        ("2.17.14", "3.7", "3.12"),
        ("2.18.1", "3.8", "3.13"),
        ("2.19.14rc1", "3.8", "3.13"),
        ("2.21.5", "3.9", "3.14"),
        ("2.30.0", "3.9", "3.14"),
    ],
)
def test_the_table_answers_where_the_core_does_not(version: str, oldest: str, newest: str) -> None:
    supported = supported_minors(version, ["/usr/bin/python3"])
    assert (supported.oldest, supported.newest) == (oldest, newest)


@pytest.mark.parametrize("version", ["2.15.9", "devel"])
def test_an_unknown_core_is_an_error(version: str) -> None:
    with pytest.raises(InvalidDataError):
        supported_minors(version)


def test_the_running_core_and_the_table_agree() -> None:
    definition = constants.config.get_configuration_definition("INTERPRETER_PYTHON_FALLBACK")
    assert supported_minors(core_version, definition["default"]) == supported_minors(core_version)
