# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the run lock with real processes and the real flock(1)."""

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import (
    LockedError,
    PrivilegeError,
    ReadOnlyError,
    UnsafeLockError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._disk import lock as disk_lock
from ansible_collections.fleet.system_python.plugins.module_utils._disk.lock import RunLock

ME = os.geteuid()
OPEN_MODE = 0o666
needs_root = pytest.mark.skipif(ME != 0, reason="only root can give files away and mount")
needs_flock = pytest.mark.skipif(shutil.which("flock") is None, reason="flock(1) is not installed here")


@pytest.fixture
def path(tmp_path: t.Any) -> str:
    return str(tmp_path / "lock" / "fleet.system_python.lock")


def lock(path: str, **options: t.Any) -> RunLock:
    return RunLock(path, owner=ME, **options)


def text_of(path: str) -> str:
    with open(path, encoding="utf-8") as stream:
        return stream.read()


class Process:
    """A process that holds the lock in its own way until it is told to end."""

    def __init__(self, argv: t.Sequence[str], path: str) -> None:
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"held\n"
        self.path = path

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_error: t.Any) -> None:
        self.process.kill()
        self.process.communicate()


def by_python(path: str) -> Process:
    root = os.path.abspath(os.path.join(os.path.dirname(disk_lock.__file__), *[os.pardir] * 3))
    program = (
        "import sys, types\n"
        "names = ['ansible_collections', 'ansible_collections.fleet', 'ansible_collections.fleet.system_python']\n"
        "for name, path in zip(names, [[], [], [sys.argv[1]]]):\n"
        "    sys.modules[name] = types.ModuleType(name)\n"
        "    sys.modules[name].__path__ = path\n"
        "from ansible_collections.fleet.system_python.plugins.module_utils._disk.lock import RunLock\n"
        "with RunLock(sys.argv[2], what='test', owner=int(sys.argv[3])):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    return Process([sys.executable, "-c", program, root, path, str(ME)], path)


def by_shell(path: str) -> Process:
    # As first aid takes it on hosts without any Python.
    note = json.dumps({"pid": 0, "since": "then", "command": "first aid"}).replace("0", "@PID@")
    program = 'exec 9>>"$1"; flock -w 5 9 || exit; printf "%s\\n" "$2" | sed s/@PID@/$$/ >"$1"; echo held; read x'
    return Process(["sh", "-c", program, "sh", path, note], path)


def by_shell_without_a_word(path: str) -> Process:
    return Process(["sh", "-c", 'exec 9>>"$1"; flock 9; echo held; read x', "sh", path], path)


def by_flock(path: str) -> Process:
    return Process(["flock", path, "sh", "-c", "echo held; read x"], path)


def test_hold_and_release(path: str) -> None:
    with lock(path, what="odd \n what", now=lambda: 1764000000):
        note = {"pid": os.getpid(), "since": "2025-11-24T16:00:00Z", "command": "odd \n what"}
        assert json.loads(text_of(path)) == note
        assert text_of(path).count("\n") == 1
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert text_of(path) == ""
    with lock(path):
        pass


def test_the_lock_is_given_back_after_an_error(path: str) -> None:
    with pytest.raises(ZeroDivisionError), lock(path):
        raise ZeroDivisionError
    with lock(path):
        pass
    lock(path).release()


def test_another_lock_of_the_same_process_is_refused_too(path: str) -> None:
    with lock(path), pytest.raises(LockedError) as caught, lock(path):
        pass
    assert caught.value.details["pid"] == os.getpid()


def test_another_run_is_named(path: str) -> None:
    os.makedirs(os.path.dirname(path))
    with by_python(path) as other:
        with pytest.raises(LockedError) as caught:
            lock(path).acquire()
        details = caught.value.details
        assert details["pid"] == other.process.pid
        assert details["what"] == "test"
        assert details["host"] == os.uname().nodename
        assert details["waited"] == 0
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", details["since"])
        assert os.path.basename(sys.executable) in details["command"]
        for word in (path, "process {0}".format(other.process.pid), details["since"], "Waited 0 s"):
            assert word in caught.value.message


def test_a_killed_run_leaves_no_lock(path: str) -> None:
    os.makedirs(os.path.dirname(path))
    with by_python(path) as other:
        os.kill(other.process.pid, signal.SIGKILL)
        other.process.wait()
        assert json.loads(text_of(path))["pid"] == other.process.pid
        with lock(path):
            assert json.loads(text_of(path))["pid"] == os.getpid()


@needs_flock
@pytest.mark.parametrize("holder", [by_shell, by_shell_without_a_word, by_flock])
def test_a_shell_that_holds_it_is_respected_and_named(path: str, holder: t.Callable[[str], Process]) -> None:
    os.makedirs(os.path.dirname(path))
    with holder(path) as other:
        with pytest.raises(LockedError) as caught:
            lock(path).acquire()
        details = caught.value.details
        assert details["pid"] == other.process.pid
        assert details["command"].startswith("flock " if holder is by_flock else "sh -c ")
        if holder is by_shell:
            assert (details["since"], details["what"]) == ("then", "first aid")
        else:
            began = time.mktime(time.strptime(details["since"], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
            assert abs(began - time.time()) < 60
    with lock(path):
        pass


@needs_flock
def test_a_shell_respects_us(path: str) -> None:
    with lock(path):
        assert subprocess.run(["flock", "-n", path, "true"], check=False).returncode == 1
        program = 'exec 9>>"$1"; flock -w 0 9 || { cat "$1"; exit 7; }'
        done = subprocess.run(["sh", "-c", program, "sh", path], stdout=subprocess.PIPE, check=False)
        assert done.returncode == 7
        assert json.loads(done.stdout.decode())["pid"] == os.getpid()
    assert subprocess.run(["flock", "-n", path, "true"], check=False).returncode == 0


@needs_flock
def test_commands_that_we_start_do_not_inherit_it(path: str) -> None:
    with lock(path):
        child = subprocess.Popen(["sleep", "30"], close_fds=False)
    try:
        assert subprocess.run(["flock", "-n", path, "true"], check=False).returncode == 0
    finally:
        child.kill()
        child.wait()


class Time:
    """A clock that only sleeping moves."""

    def __init__(self, at: t.Optional[t.Dict[int, t.Callable[[], None]]] = None) -> None:
        self.now = 100.0
        self.naps: t.List[float] = []
        self.at = at or {}

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds
        self.at.get(len(self.naps), lambda: None)()


def test_waiting_ends_with_the_timeout(path: str) -> None:
    moments = Time()
    with lock(path), pytest.raises(LockedError, match="Waited 1 s") as caught:
        lock(path, timeout=1, clock=moments.clock, sleep=moments.sleep).acquire()
    assert caught.value.details["waited"] == 1
    assert abs(sum(moments.naps) - 1) < 0.001
    assert min(moments.naps) > 0


def test_waiting_ends_with_the_other_run(path: str) -> None:
    first = lock(path)
    first.acquire()
    moments = Time({3: first.release})
    with lock(path, timeout=60, clock=moments.clock, sleep=moments.sleep):
        assert len(moments.naps) == 3


def test_a_lock_file_that_was_deleted_meanwhile_does_not_count(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: t.List[bool] = []
    flock = disk_lock._flock

    def deleted_first(descriptor: int) -> bool:
        if not taken:
            os.unlink(path)
        taken.append(flock(descriptor))
        return taken[-1]

    monkeypatch.setattr(disk_lock, "_flock", deleted_first)
    with lock(path):
        assert taken == [True, True]
        with pytest.raises(LockedError):
            lock(path).acquire()


def test_only_the_owner_may(path: str) -> None:
    with pytest.raises(PrivilegeError, match="become"):
        RunLock(path, owner=ME + 1).acquire()
    assert not os.path.exists(path)


@pytest.mark.parametrize("trap", ["link", "hard link", "fifo", "folder"])
def test_traps_are_refused_and_not_written(path: str, tmp_path: t.Any, trap: str) -> None:
    os.makedirs(os.path.dirname(path))
    victim = str(tmp_path / "victim")
    with open(victim, "w", encoding="ascii") as stream:
        stream.write("precious")
    if trap == "link":
        os.symlink(victim, path)
    elif trap == "hard link":
        os.link(victim, path)
    elif trap == "fifo":
        os.mkfifo(path)
    else:
        os.mkdir(path)
    with pytest.raises(UnsafeLockError, match="cannot be used as the lock") as caught:
        lock(path).acquire()
    assert caught.value.details == {"path": path}
    assert text_of(victim) == "precious"


@needs_root
def test_a_file_of_somebody_else_is_refused(path: str) -> None:
    os.makedirs(os.path.dirname(path))
    with open(path, "w", encoding="ascii"):
        os.chown(path, 65534, 65534)
    with pytest.raises(UnsafeLockError, match="user id 65534"):
        lock(path).acquire()


@needs_root
def test_a_file_of_somebody_else_in_a_shared_folder(path: str) -> None:
    os.makedirs(os.path.dirname(path))
    shared = OPEN_MODE | stat.S_ISVTX | 0o111
    os.chmod(os.path.dirname(path), shared)
    with open(path, "w", encoding="ascii"):
        os.chown(path, 65534, 65534)
    with pytest.raises(UnsafeLockError):
        lock(path).acquire()


def test_a_file_that_others_can_open_is_closed(path: str) -> None:
    os.makedirs(os.path.dirname(path))
    with open(path, "w", encoding="ascii"):
        os.chmod(path, OPEN_MODE)
    with lock(path):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


@needs_root
def test_a_read_only_file_system_is_told(tmp_path: t.Any, mounter: t.Any) -> None:
    folder = mounter.mount(str(tmp_path / "run"), "-t", "tmpfs", "-o", "ro", "tmpfs")
    for path in (os.path.join(folder, "x.lock"), os.path.join(folder, "lock", "x.lock")):
        with pytest.raises(ReadOnlyError):
            lock(path).acquire()


def test_a_holder_that_cannot_be_seen(path: str, tmp_path: t.Any) -> None:
    os.mkdir(str(tmp_path / "proc"))
    with lock(path, what="x", now=lambda: 0):
        with pytest.raises(LockedError, match="process {0} since 1970-01-01T00:00:00Z".format(os.getpid())):
            lock(path, proc=str(tmp_path / "proc")).acquire()
        for text in ("", "{", "[]", '{"pid": "1"}', "\x00" * 9):
            with open(path, "w", encoding="ascii") as stream:
                stream.write(text)
            with pytest.raises(LockedError, match="cannot be seen from here") as caught:
                lock(path, proc=str(tmp_path / "proc")).acquire()
            assert caught.value.details["pid"] is None


def test_the_default_path() -> None:
    assert disk_lock.DEFAULT_LOCK_PATH == "/run/lock/fleet.system_python.lock"
