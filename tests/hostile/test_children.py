# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a program starts ends with it, also what left its process group, and nothing lasts longer than its limit."""

import os
import signal
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.command import run_command
from ansible_collections.fleet.system_python.plugins.module_utils._base.time_limit import TimeOverError
from ansible_collections.fleet.system_python.plugins.module_utils._rights.account import Account, account_of
from ansible_collections.fleet.system_python.plugins.module_utils._rights.confined import run_confined
from ansible_collections.fleet.system_python.plugins.module_utils._rights.unprivileged import Unprivileged
from ansible_collections.fleet.system_python.plugins.module_utils._rights.work import run_as
from ansible_collections.fleet.system_python.tests.hostile.traps import bounded, python_of_all

# Leaves in one of the ways that there are, writes its number, and stays.
STAYS = """
import os, sys, time
way, note = sys.argv[1], sys.argv[2]
if way == "setsid":
    if os.fork(): os._exit(0)
    os.setsid()
elif way == "daemon":
    if os.fork(): os._exit(0)
    os.setsid()
    if os.fork(): os._exit(0)
elif way == "group":
    if os.fork(): time.sleep(60)
    os.setpgid(0, 0)
elif way == "deep":
    for number in range(8):
        if os.fork(): os._exit(0)
        os.setsid()
import signal
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
    signal.signal(number, signal.SIG_IGN)
with open(note + ".new", "w") as stream: stream.write(str(os.getpid()))
os.rename(note + ".new", note)
time.sleep(60)
"""
WAYS = ("setsid", "daemon", "group", "deep", "stays")


def gone(note: Path) -> bool:
    try:
        os.kill(int(note.read_text()), 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture(name="public")
def public_fixture(tmp_path: Path) -> Path:
    """A folder that everybody may enter and write to."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.owner() == "root" and str(folder) not in ("/", "/tmp"):  # noqa: S108
            folder.chmod(folder.stat().st_mode | 0o011)
    room = tmp_path / "room"
    room.mkdir()
    room.chmod(0o777)
    return room


def account() -> Account:
    return account_of("nobody") if os.geteuid() == 0 else account_of(os.geteuid())


def wait_for(note: Path) -> None:
    for _attempt in range(500):
        if note.exists():
            return
        time.sleep(0.01)
    raise AssertionError("it never began")


@pytest.mark.parametrize("way", WAYS)
def test_an_impostor_does_not_outlive_its_turn(public: Path, way: str) -> None:
    note = public / "note"
    argv = [python_of_all(), "-I", "-S", "-c", STAYS, way, str(note)]
    with bounded(20):
        # The one that leaves ends at once; it is given the time to write its number.
        slow = ["/bin/sh", "-c", '"$@"; while [ ! -e "$0" ]; do sleep 0.02; done', str(note), *argv]
        ended = run_confined(slow, account(), str(public), {"PATH": "/usr/bin:/bin"}, 2)
    assert note.exists(), ended
    assert gone(note)


def test_nor_does_what_a_build_starts(public: Path) -> None:
    note = public / "note"
    argv = ["/bin/sh", "-c", f'"$@"; while [ ! -e {note} ]; do sleep 0.02; done', "sh", python_of_all(), "-c", STAYS]
    with bounded(20):
        Unprivileged(account(), str(public), caller=1).run([*argv, "daemon", str(note)], str(public), 5)
    assert gone(note)


@pytest.mark.parametrize("way", WAYS)
def test_a_command_that_is_stopped_takes_with_it_what_left_its_group(tmp_path: Path, way: str) -> None:
    note = tmp_path / "note"
    script = '"$@" & while [ ! -e "$0" ]; do sleep 0.02; done; sleep 60'
    began = time.monotonic()
    with bounded(20):
        done = run_command(
            ["/bin/sh", "-c", script, str(note), python_of_all(), "-I", "-S", "-c", STAYS, way, str(note)], timeout=2
        )
    assert done.timed_out
    assert gone(note)
    assert time.monotonic() - began < 8


def test_what_a_command_leaves_that_ended_well_is_a_service_and_stays(tmp_path: Path) -> None:
    note = tmp_path / "note"
    script = '"$@" >/dev/null 2>&1; while [ ! -e "$0" ]; do sleep 0.02; done'
    argv = ["/bin/sh", "-c", script, str(note), python_of_all(), "-I", "-S", "-c", STAYS, "daemon", str(note)]
    assert run_command(argv, timeout=10).rc == 0
    assert not gone(note)
    os.kill(int(note.read_text()), signal.SIGKILL)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def stop_itself() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def leave_another_waiting() -> None:
    os.fork()
    signal.pause()


def listen_to_nothing() -> None:
    for number in (signal.SIGALRM, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    while True:
        time.sleep(60)


@pytest.mark.parametrize("hold_up", [stop_itself, leave_another_waiting, listen_to_nothing])
def test_work_as_a_user_who_holds_it_up_has_an_end(hold_up: "t.Callable[[], None]") -> None:
    began = time.monotonic()
    with bounded(20), pytest.raises(TimeOverError):
        run_as(account_of("nobody"), hold_up, timeout=1)
    assert time.monotonic() - began < 8


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
@pytest.mark.parametrize("way", WAYS[:2])
def test_what_work_as_a_user_starts_ends_with_it(public: Path, way: str) -> None:
    note, python = public / "note", python_of_all()

    def work() -> int:
        done = run_command([python, "-I", "-S", "-c", STAYS, way, str(note)], timeout=2)
        wait_for(note)
        return done.rc

    with bounded(20):
        run_as(account_of("nobody"), work, timeout=10)
    assert gone(note)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_an_answer_without_end_is_no_answer() -> None:
    with bounded(30, 2 << 30), pytest.raises(Exception, match="more than"):
        run_as(account_of("nobody"), lambda: "x" * (80 << 20), timeout=20)
