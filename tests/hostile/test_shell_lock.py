# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Others may write the folder of the lock: first aid writes nothing through a name that is theirs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.fleet.system_python.tests.hostile.hostilekit import SHELLS, ShellHost

SETTINGS = {"lock_timeout": "1", "lock_note": '{"pid": @PID@}'}
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root may hold the lock")


def take(tmp_path: Path, shell: list[str], meanwhile: str = ":") -> tuple[bool, Path]:
    lock = tmp_path / "lock/x.lock"
    host = ShellHost(tmp_path / "host", f"meanwhile() {{ take_lock || return 0; section taken; {meanwhile}; }}", shell)
    answer = host.ask(["stage", "install"], {**SETTINGS, "lock_path": str(lock)}, [["meanwhile"]])
    assert answer.has("taken") != answer.has("unsafe-lock")
    return answer.has("taken"), lock


@AS_ROOT
@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_the_holder_is_noted_and_the_note_goes(tmp_path: Path, shell: list[str]) -> None:
    taken, lock = take(tmp_path, shell, f"cp {tmp_path}/lock/x.lock {tmp_path}/seen")
    assert taken
    assert (tmp_path / "seen").read_text().startswith('{"pid": ')
    assert (lock.read_text(), lock.stat().st_mode & 0o777) == ("", 0o600)
    assert take(tmp_path / "again", shell)[0]


@AS_ROOT
@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize("kind", ["link", "dangling link", "fifo", "folder", "hard link", "of another user"])
def test_what_is_not_roots_own_file_is_no_lock(tmp_path: Path, shell: list[str], kind: str) -> None:
    folder, victim = tmp_path / "lock", tmp_path / "victim"
    folder.mkdir()
    lock = folder / "x.lock"
    victim.write_text("precious")
    if kind == "link":
        lock.symlink_to(victim)
    elif kind == "dangling link":
        lock.symlink_to(tmp_path / "new")
    elif kind == "fifo":
        os.mkfifo(lock)
    elif kind == "folder":
        lock.mkdir()
    elif kind == "hard link":
        os.link(victim, lock)
    else:
        lock.write_text("")
        os.chown(lock, 12345, 12345)
    assert not take(tmp_path, shell)[0]
    assert victim.read_text() == "precious"
    assert not (tmp_path / "new").exists()


@AS_ROOT
@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize("exchange", ["ln -sf VICTIM LOCK", "ln -f VICTIM LOCK", "rm LOCK && cp VICTIM LOCK"])
def test_a_lock_that_is_exchanged_costs_nobody_a_file(tmp_path: Path, shell: list[str], exchange: str) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    command = exchange.replace("VICTIM", str(victim)).replace("LOCK", f"{tmp_path}/lock/x.lock")
    assert take(tmp_path, shell, command)[0]
    assert (victim.read_text(), (tmp_path / "lock/x.lock").read_text()) == ("precious", "precious")
