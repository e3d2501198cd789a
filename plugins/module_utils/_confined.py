# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Run what nobody vouches for: as an unprivileged user, with nothing of ours but a clock.

The environment is exactly the one given, there is no input, the output is limited, no rights can be gained, and the
whole process group is killed at the end.
"""

import errno
import os
import pwd
import resource
import signal
import stat
import subprocess
import tempfile
import threading
import time
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._errors import PrivilegeError
from ansible_collections.fleet.system_python.plugins.module_utils._text import printable

# Minimal interpreters are packaged without it.
try:
    import ctypes

    _LIBC: t.Optional[t.Any] = ctypes.CDLL(None, use_errno=True)
except (ImportError, OSError):
    _LIBC = None

__all__ = [
    "NOBODY",
    "Account",
    "Ended",
    "account_of",
    "drop_rights",
    "refuse_to_run",
    "run_confined",
]

NOBODY = 65534

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38

# What a command may say and write, in bytes.
_OUTPUT = 1 << 20
_FILE = 1 << 30


class Account(t.NamedTuple):
    """Whom something runs as; C(home) is not used, everything gets a folder of its own."""

    name: str
    user: int
    group: int


class Ended(t.NamedTuple):
    """How a confined command ended.

    C(seconds) is from just before exec to its end, None when it did not start; C(cpu_seconds) is the processor time
    that it and its children took.
    """

    rc: int
    out: str
    err: str
    seconds: t.Optional[float]
    timed_out: bool
    cpu_seconds: float = 0.0

    def problem(self) -> str:
        """Say in words how it ended, with the end of what it said."""
        if self.seconds is None:
            return self.err
        if self.timed_out:
            how = "did not end within its time limit"
        elif self.rc < 0:
            how = "was ended by signal {0}".format(-self.rc)
        else:
            how = "ended with exit code {0}".format(self.rc)
        said = printable((self.err or self.out)[-400:].strip())
        return "it {0}{1}".format(how, ": " + said if said else "")


def account_of(name: str) -> Account:
    """Return the account of the user C(name), which must not be root's; for another caller than root, his own.

    Raises PrivilegeError. A host without the user nobody still has the number that stands for it.
    """
    if os.geteuid() != 0:
        return Account(str(os.geteuid()), os.geteuid(), os.getegid())
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        if name == "nobody":
            return Account(name, NOBODY, NOBODY)
        raise PrivilegeError(
            "There is no user '{0}' on this host; name one that exists, or leave it at nobody.".format(printable(name)),
            user=printable(name),
        ) from None
    if found.pw_uid == 0 or found.pw_gid == 0:
        raise PrivilegeError(
            "'{0}' has root's rights; name an unprivileged user.".format(printable(name)), user=printable(name)
        )
    return Account(name, found.pw_uid, found.pw_gid)


def refuse_to_run(path: str) -> t.Optional[str]:
    """Return why C(path) must not be run even by an unprivileged user: it would give him rights. Raises OSError."""
    mode = os.stat(path).st_mode
    if mode & (stat.S_ISUID | stat.S_ISGID):
        return "it is not run, because its mode {0:04o} would give it rights".format(stat.S_IMODE(mode))
    try:
        os.getxattr(path, "security.capability")
    except OSError as error:
        if error.errno not in (errno.ENODATA, errno.ENOTSUP):
            return "it is not run, because its capabilities cannot be read: {0}".format(error.strerror)
        return None
    return "it is not run, because its capabilities would give it rights"


def drop_rights(user: int, group: int) -> None:
    """Become C(user) and C(group) for good, where the caller is root. Raises OSError when root's rights remain."""
    if _LIBC is not None:
        # Then a set-user-id program that it starts gains nothing.
        _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(group, group, group)
        os.setresuid(user, user, user)
    if 0 in os.getresuid() + os.getresgid():
        raise PermissionError(errno.EPERM, "root's rights are still there")


def run_confined(
    argv: t.Sequence[str],
    account: Account,
    folder: str,
    env: t.Mapping[str, str],
    timeout: float,
    niceness: int = 0,
) -> Ended:
    """Run C(argv) in C(folder) as C(account) with the environment C(env), for C(timeout) seconds at most.

    It dies with this process. What it leaves running in its process group is killed.
    """
    reader, writer = os.pipe()
    used = _children_used()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            process = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=dict(env),
                cwd="/",
                start_new_session=True,
                # No thread of this process runs at this moment, so none can hold a lock over the fork.
                preexec_fn=lambda: _confine(account, folder, niceness, writer),  # noqa: PLW1509
            )
        except (OSError, subprocess.SubprocessError) as error:
            os.close(reader)
            os.close(writer)
            return Ended(127, "", "it cannot be started: {0}".format(_reason(error)), None, False)
        os.close(writer)
        try:
            in_time = _wait(process.pid, timeout)
            ended = time.perf_counter()
        finally:
            # Also when this process is asked to end: nothing of it stays behind.
            _kill_group(process.pid)
            code = process.wait()
        with os.fdopen(reader, "rb") as stamps:
            stamp = stamps.read().decode("utf-8")
        if code == 126 and not stamp[:1].isdigit():
            return Ended(127, "", stamp, None, False)
        return Ended(code, _text(out), _text(err), ended - float(stamp), not in_time, _children_used() - used)


def _children_used() -> float:
    """Return the processor time, in seconds, of all children that have ended. One runs at a time."""
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found.ru_utime + found.ru_stime


def _confine(account: Account, folder: str, niceness: int, writer: int) -> None:
    """Run in the child, between fork and exec. The last thing is the time, on the clock that all processes share."""
    try:
        _prepare(account, folder, niceness)
    except OSError as error:
        os.write(writer, printable("it cannot be started: {0}".format(error)).encode("utf-8"))
        os._exit(126)
    os.write(writer, repr(time.perf_counter()).encode("ascii"))


def _prepare(account: Account, folder: str, niceness: int) -> None:
    if niceness:
        os.nice(niceness)
    for limit, value in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, _FILE)):
        _soft, hard = resource.getrlimit(limit)
        lowered = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (lowered, lowered))
    if account.user != os.geteuid():
        drop_rights(account.user, account.group)
    if _LIBC is not None:
        # After the change of user, which takes it away.
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    os.umask(0o077)
    os.chdir(folder)


def _wait(pid: int, timeout: float) -> bool:
    """Wait for the end of the child without reaping it; after C(timeout) kill its group and return False."""
    late = threading.Event()

    def stop() -> None:
        late.set()
        _kill_group(pid)

    timer = threading.Timer(timeout, stop)
    timer.start()
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    finally:
        timer.cancel()
        timer.join()
    return not late.is_set()


def _kill_group(pid: int) -> None:
    # The child is not reaped yet, so the number still is its own.
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    except PermissionError:
        # All that is left of the group is the ended child.
        pass


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return printable(str(error))


def _text(stream: t.Any) -> str:
    stream.seek(0)
    data: bytes = stream.read(_OUTPUT)
    return data.decode("utf-8", "surrogateescape")
