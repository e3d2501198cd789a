# Copyright (c) 2026, The fleet.system_python contributors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from pathlib import Path

from interpreters import find_interpreters


def write_fake(path: Path, says: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{says}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_only_interpreters_that_are_what_their_name_says_are_found(tmp_path: Path) -> None:
    good = write_fake(tmp_path / "bin/python3.9", "echo CPython 3.9")
    write_fake(tmp_path / "bin/python3.6", "exit 127")
    write_fake(tmp_path / "bin/python3.7", "echo CPython 3.8")
    write_fake(tmp_path / "bin/python3.8", "echo PyPy 3.8")
    write_fake(tmp_path / "bin/python3.9-config", "echo CPython 3.9")
    assert find_interpreters({"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)}) == {"3.9": good}


def test_path_comes_before_pyenv_and_versions_are_sorted(tmp_path: Path) -> None:
    first = write_fake(tmp_path / "bin/python3.10", "echo CPython 3.10")
    write_fake(tmp_path / ".pyenv/versions/3.10.1/bin/python3.10", "echo CPython 3.10")
    second = write_fake(tmp_path / ".pyenv/versions/3.6.15/bin/python3.6", "echo CPython 3.6")
    found = find_interpreters({"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)})
    assert list(found.items()) == [("3.6", second), ("3.10", first)]


def test_venvs_are_no_interpreters(tmp_path: Path) -> None:
    write_fake(tmp_path / "venv/bin/python3.9", "echo CPython 3.9")
    (tmp_path / "venv/pyvenv.cfg").write_text("", encoding="utf-8")
    assert find_interpreters({"PATH": str(tmp_path / "venv/bin"), "HOME": str(tmp_path)}) == {}
