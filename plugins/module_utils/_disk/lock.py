# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""One run at a time on a host: a lock that flock(1) of a shell respects, and that dies with its process.

The kernel keeps the lock (flock(2)), so one of a killed run needs no cleaning up. The file stays between runs, because
taking it away would let two runs lock two different files. Its text is for people and for C(LockedError): a holder
writes one line of JSON, C({"pid", "since" (UTC), "command"}), and empties it at the end. A shell takes the same lock
with C(exec 9>>FILE; flock -w SECONDS 9).
"""

import errno
import fcntl
import json
import os
import stat
import time
import types
import typing as t

from .._base.clock import utc_stamp
from .._base.errors import LockedError, PrivilegeError, UnsafeLockError
from .._base.text import from_json, json_text, printable
from .files import open_to_read
from .space import clear_errors

__all__ = ["DEFAULT_LOCK_PATH", "Holder", "RunLock", "find_holder"]

DEFAULT_LOCK_PATH = "/run/lock/fleet.system_python.lock"

_INTERVAL = 0.2
_TEXT_LIMIT = 4096
_COMMAND_LIMIT = 300


class Holder(t.NamedTuple):
    """Who holds a lock, as far as it can be known: null and empty where it cannot."""

    pid: t.Optional[int]
    since: str
    what: str
    command: str


class RunLock:
    """A context manager that holds the lock file C(path).

    C(timeout): how many seconds to wait for another run, 0 for not at all. C(what) says in the file what the run does.
    C(clock) is monotonic, C(now) gives seconds since the epoch. C(owner) is the user id that must run this and own the
    file: root. Raises LockedError, PrivilegeError, UnsafeLockError, ReadOnlyError or DiskFullError.
    """

    def __init__(
        self,
        path: str = DEFAULT_LOCK_PATH,
        timeout: float = 0.0,
        what: str = "repair of the system Python",
        clock: t.Callable[[], float] = time.monotonic,
        sleep: t.Callable[[float], None] = time.sleep,
        now: t.Callable[[], float] = time.time,
        owner: int = 0,
        proc: str = "/proc",
    ) -> None:
        self.path = path
        self.timeout = timeout
        self.what = what
        self.clock = clock
        self.sleep = sleep
        self.now = now
        self.owner = owner
        self.proc = proc
        self._descriptor: t.Optional[int] = None

    def __enter__(self) -> "RunLock":
        self.acquire()
        return self

    def __exit__(
        self,
        kind: t.Optional[t.Type[BaseException]],
        error: t.Optional[BaseException],
        trace: t.Optional[types.TracebackType],
    ) -> None:
        self.release()

    def acquire(self) -> None:
        """Take the lock, waiting up to the timeout."""
        if os.geteuid() != self.owner:
            raise PrivilegeError(
                "Only user id {0} may take the lock {1}; this run is user id {2}. Use 'become: true'.".format(
                    self.owner, printable(self.path), os.geteuid()
                ),
                path=json_text(self.path),
            )
        began = self.clock()
        while not self._take_if_free():
            waited = self.clock() - began
            if waited >= self.timeout:
                raise self._locked(waited)
            self.sleep(min(_INTERVAL, self.timeout - waited))

    def release(self) -> None:
        """Give the lock back; nothing happens when it is not held."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            try:
                os.ftruncate(descriptor, 0)
            finally:
                os.close(descriptor)

    def _take_if_free(self) -> bool:
        """Take the lock if it is free."""
        while True:
            descriptor = self._open()
            try:
                taken = _flock(descriptor)
                # The file may have been deleted, and made again by another run, since it was opened.
                current = taken and _is_at(descriptor, self.path)
                if current:
                    self._write_text(descriptor)
            except BaseException:
                os.close(descriptor)
                raise
            if current:
                self._descriptor = descriptor
                return True
            os.close(descriptor)
            if not taken:
                return False

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with clear_errors(self.path):
            os.makedirs(os.path.dirname(self.path), 0o755, exist_ok=True)
            try:
                descriptor = os.open(self.path, flags, 0o600)
            except OSError as error:
                if error.errno in (errno.ELOOP, errno.EISDIR, errno.EACCES, errno.ENXIO):
                    raise self._unsafe(error.strerror or str(error)) from error
                raise
        try:
            self._require_own(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _require_own(self, descriptor: int) -> None:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise self._unsafe("it is not a regular file")
        if found.st_uid != self.owner:
            raise self._unsafe("it belongs to user id {0}".format(found.st_uid))
        if found.st_nlink > 1:
            raise self._unsafe("it has another name, so that writing it could damage another file")
        # Whoever can open it can lock it and hold every run up; a shell makes it with its own umask.
        if stat.S_IMODE(found.st_mode) != 0o600:
            os.fchmod(descriptor, 0o600)

    def _unsafe(self, problem: str) -> UnsafeLockError:
        return UnsafeLockError(
            "{0} cannot be used as the lock: {1}. Find out who made it, remove it, and run again.".format(
                printable(self.path), problem
            ),
            path=json_text(self.path),
        )

    def _write_text(self, descriptor: int) -> None:
        os.ftruncate(descriptor, 0)
        with clear_errors(self.path):
            note = {"pid": os.getpid(), "since": utc_stamp(self.now()), "command": self.what}
            os.pwrite(descriptor, json.dumps(note).encode("ascii") + b"\n", 0)

    def _locked(self, waited: float) -> LockedError:
        holder = find_holder(self.path, self.proc)
        who = "process {0}".format(holder.pid) if holder.pid else "a process that cannot be seen from here"
        about = [text for text in (holder.what, holder.command) if text]
        return LockedError(
            "Another run holds the lock {0}: {1}{2}{3}. Waited {4:.0f} s. "
            "Let it end, or wait longer (lock_timeout).".format(
                printable(self.path),
                who,
                " since " + holder.since if holder.since else "",
                " ({0})".format("; ".join(about)) if about else "",
                waited,
            ),
            path=json_text(self.path),
            pid=holder.pid,
            since=holder.since,
            what=holder.what,
            command=holder.command,
            host=os.uname().nodename,
            waited=round(waited, 1),
        )


def _flock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
            raise
        return False
    return True


def _is_at(descriptor: int, path: str) -> bool:
    try:
        there = os.lstat(path)
    except FileNotFoundError:
        return False
    mine = os.fstat(descriptor)
    return (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino)


# ---------------------------------------------------------------------------------------------------------------------
# Who holds it


def find_holder(path: str, proc: str = "/proc") -> Holder:
    """Return who holds the lock file C(path): from the kernel's tables where they can be read, else from its text.

    The tables name the process that has the locked file open. /proc/locks is no help: it names who called flock(2),
    which for a shell was flock(1), long gone.
    """
    noted, since, what = _read_note(path)
    found = _holding_processes(path, proc)
    if not found:
        return Holder(noted, since, what, _command(noted, proc) if noted else "")
    if noted in found:
        return Holder(noted, since, what, _command(noted, proc))
    return Holder(found[0], _start_of(found[0], proc), "", _command(found[0], proc))


def _read_note(path: str) -> t.Tuple[t.Optional[int], str, str]:
    """Return pid, since and command of the lock file's text; nothing where it is not as a holder writes it."""
    try:
        note = from_json(_read(path).decode("utf-8", "replace"))
    except ValueError:
        return None, "", ""
    if not isinstance(note, dict):
        return None, "", ""
    pid = note.get("pid")
    return pid if isinstance(pid, int) else None, _text_in_note(note, "since"), _text_in_note(note, "command")


def _text_in_note(note: t.Mapping[str, t.Any], key: str) -> str:
    return printable(str(note.get(key, "")))[:_COMMAND_LIMIT]


def _holding_processes(path: str, proc: str) -> t.List[int]:
    real = os.path.realpath(path)
    pids = sorted(int(name) for name in os.listdir(proc) if name.isdigit())
    return [pid for pid in pids if _holds_lock(pid, real, proc)]


def _holds_lock(pid: int, path: str, proc: str) -> bool:
    folder = os.path.join(proc, str(pid))
    try:
        numbers = os.listdir(os.path.join(folder, "fd"))
        opened = [number for number in numbers if os.readlink(os.path.join(folder, "fd", number)) == path]
    except OSError:
        # It ended meanwhile, or the kernel does not show it to us.
        return False
    return any(b"FLOCK" in _read(os.path.join(folder, "fdinfo", number)) for number in opened)


def _command(pid: int, proc: str) -> str:
    words = _read(os.path.join(proc, str(pid), "cmdline")).rstrip(b"\0").split(b"\0")
    return printable(os.fsdecode(b" ".join(words)))[:_COMMAND_LIMIT]


def _start_of(pid: int, proc: str) -> str:
    # The second field may hold anything, blanks and brackets too.
    fields = _read(os.path.join(proc, str(pid), "stat")).rpartition(b")")[2].split()
    boot = [line.split()[1] for line in _read(os.path.join(proc, "stat"), None).splitlines() if line[:6] == b"btime "]
    if len(fields) < 20 or not boot:
        return ""
    return utc_stamp(int(boot[0]) + int(fields[19]) / os.sysconf("SC_CLK_TCK"))


def _read(path: str, limit: t.Optional[int] = _TEXT_LIMIT) -> bytes:
    """Return the beginning of a file, nothing when it is gone or closed to us: it only makes a message better."""
    try:
        with open_to_read(path) as stream:
            return stream.read(-1 if limit is None else limit)
    except OSError:
        return b""
