# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Run what nobody vouches for: as an unprivileged user, with nothing of ours but a clock.

The environment is exactly the one given, there is no input, the output is limited, no rights can be gained, and at the
end all that it has started is killed, also what has left its process group.
"""

import contextlib
import errno
import os
import resource
import signal
import stat
import subprocess
import tempfile
import threading
import time
import typing as t

from .._base.children import Family
from .._base.text import printable
from .account import Account
from .become import ResourceLimits, become

__all__ = ["STRICT", "Ended", "refuse_to_run", "run_confined"]

# What is kept of what a command says, in bytes.
_OUTPUT = 1 << 20

STRICT = ResourceLimits(umask=0o077, file_bytes=1 << 30)


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
            how = f"was ended by signal {-self.rc}"
        else:
            how = f"ended with exit code {self.rc}"
        said = printable((self.err or self.out)[-400:].strip())
        return f"it {how}: {said}" if said else f"it {how}"


def refuse_to_run(path: str) -> t.Optional[str]:
    """Return why C(path) must not be run even by an unprivileged user: it would give him rights. Raises OSError."""
    mode = os.stat(path).st_mode
    if mode & (stat.S_ISUID | stat.S_ISGID):
        return f"it is not run, because its mode {stat.S_IMODE(mode):04o} would give it rights"
    try:
        os.getxattr(path, "security.capability")
    except OSError as error:
        if error.errno not in (errno.ENODATA, errno.ENOTSUP):
            return f"it is not run, because its capabilities cannot be read: {error.strerror}"
        return None
    return "it is not run, because its capabilities would give it rights"


def run_confined(
    argv: t.Sequence[str],
    account: Account,
    folder: str,
    env: t.Mapping[str, str],
    timeout: float,
    limits: ResourceLimits = STRICT,
    log: str = "",
) -> Ended:
    """Run C(argv) in C(folder) as C(account) with the environment C(env), for C(timeout) seconds at most.

    It dies with this process. What it leaves running is killed. With C(log), what it says is
    appended to that file, which the caller of this opens, and not returned.
    """
    reader, writer = os.pipe()
    used = _children_used()
    parent = os.getpid()
    family = Family()
    with _output(log) as (out, err):
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
                preexec_fn=lambda: _confine(account, folder, limits, parent, writer),  # noqa: PLW1509
            )
        except (OSError, subprocess.SubprocessError) as error:
            os.close(reader)
            os.close(writer)
            return Ended(127, "", f"it cannot be started: {_reason_of(error)}", None, False)
        os.close(writer)
        try:
            in_time = _wait(process.pid, timeout)
            ended = time.perf_counter()
        finally:
            # Also when this process is asked to end: nothing of it stays behind.
            _kill_group(process.pid)
            code = process.wait()
            family.end()
        with os.fdopen(reader, "rb") as stamps:
            stamp = stamps.read().decode("utf-8")
        if code == 126 and not stamp[:1].isdigit():
            return Ended(127, "", stamp, None, False)
        texts = ("", "") if log else (_text_of(out), _text_of(err))
        return Ended(code, texts[0], texts[1], ended - float(stamp), not in_time, _children_used() - used)


def _children_used() -> float:
    """Return the processor time, in seconds, of all children that have ended. One runs at a time."""
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found.ru_utime + found.ru_stime


def _confine(account: Account, folder: str, limits: ResourceLimits, parent: int, writer: int) -> None:
    """Run in the child, between fork and exec. The last thing is the time, on the clock that all processes share."""
    try:
        become(account, parent, limits)
        os.chdir(folder)
    except OSError as error:
        os.write(writer, printable(f"it cannot be started: {error}").encode("utf-8"))
        os._exit(126)
    os.write(writer, repr(time.perf_counter()).encode("ascii"))


@contextlib.contextmanager
def _output(log: str) -> t.Iterator[t.Tuple[t.BinaryIO, t.BinaryIO]]:
    if log:
        with open(log, "ab") as stream:
            yield stream, stream
    else:
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            yield t.cast(t.BinaryIO, out), t.cast(t.BinaryIO, err)


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
    # The child is not reaped yet, so the number still is its own. It may be all that is left of the group.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _reason_of(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return printable(str(error))


def _text_of(stream: t.BinaryIO) -> str:
    stream.seek(0)
    return stream.read(_OUTPUT).decode("utf-8", "surrogateescape")
