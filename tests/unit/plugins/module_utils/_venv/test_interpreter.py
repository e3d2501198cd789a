# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which interpreter root runs."""

import os
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._rpm.verify_output import VerifyEntry
from ansible_collections.fleet.system_python.plugins.module_utils._trust import vouch
from ansible_collections.fleet.system_python.plugins.module_utils._venv.interpreter import (
    BaseInterpreter,
    InterpreterError,
    require_trusted,
)
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.package_database import FakeDatabase

# A program of every host that belongs to root.
PROGRAM = os.path.realpath("/usr/bin/env")
PYTHON = BaseInterpreter("/usr/bin/env", PROGRAM, "3.11.2")


def host(monkeypatch: pytest.MonkeyPatch, database: t.Optional[FakeDatabase]) -> None:
    """Let the host have this package database."""
    monkeypatch.setattr(vouch, "system_database", lambda: database)


def test_an_intact_packaged_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    host(monkeypatch, FakeDatabase({PROGRAM: "python3.11-minimal"}))
    require_trusted(PYTHON, 0)


def test_a_byte_more(monkeypatch: pytest.MonkeyPatch) -> None:
    altered = VerifyEntry(PROGRAM, "..5......", "", False, "", "")
    host(monkeypatch, FakeDatabase({PROGRAM: "python3.11-minimal"}, [altered]))
    with pytest.raises(InterpreterError, match=r"root: python3\.11-minimal owns it, but its content differs"):
        require_trusted(PYTHON, 0)
    # Others run what they name.
    require_trusted(PYTHON, 1000)


def test_a_library_that_was_altered(monkeypatch: pytest.MonkeyPatch) -> None:
    altered = VerifyEntry("/usr/lib/python3.11/os.py", "..5......", "", False, "", "")
    host(monkeypatch, FakeDatabase({PROGRAM: "python3.11-minimal"}, [altered]))
    with pytest.raises(InterpreterError, match=r"/usr/lib/python3\.11/os\.py: its content differs"):
        require_trusted(PYTHON, 0)


@pytest.mark.parametrize("database", [FakeDatabase({}), None])
def test_what_nobody_owns(monkeypatch: pytest.MonkeyPatch, database: t.Optional[FakeDatabase]) -> None:
    host(monkeypatch, database)
    with pytest.raises(InterpreterError, match="no package owns it"):
        require_trusted(PYTHON, 0)
