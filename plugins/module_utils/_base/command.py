# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Run outside commands the one way this collection runs them: C locale, no stdin, little environment, and limits.

A command has a limit of time and one of output: what prints without end would otherwise fill the memory of the host.
"""

import os
import selectors
import signal
import subprocess
import time
import typing as t

from .children import Family
from .errors import CommandError
from .text import printable

__all__ = ["OUTPUT_TAIL", "CommandRunner", "Completed", "run_command"]

OUTPUT_TAIL = 2000

# Bytes of both streams together; the longest answers, about packages of 100,000 files, are a quarter of that.
_OUTPUT_LIMIT = 128 << 20
_CHUNK = 1 << 16
# Characters of an argument in a message.
_SHOWN = 80
# Seconds for the output of a command that was killed.
_AFTER_KILL = 2.0

# A fixed PATH: the caller's may lead to the very impostor that is looked for.
_ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C",
    "LANGUAGE": "C",
    "HOME": "/root",
}

# rpm and dnf take their proxy and certificate settings from here.
_PASSED_ON = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE")


class Completed(t.NamedTuple):
    """What a command left behind; C(out) and C(err) are text with undecodable bytes as surrogate escapes.

    C(timed_out) and C(flooded): it was killed because its time was over, or because it printed too much.
    """

    argv: t.Tuple[str, ...]
    rc: int
    out: str
    err: str
    timed_out: bool
    flooded: bool = False

    def tail(self) -> str:
        """Return the end of the output, the error stream last, at most C(OUTPUT_TAIL) characters."""
        return (self.out[-OUTPUT_TAIL:] + self.err)[-OUTPUT_TAIL:].strip()

    def how(self) -> str:
        """Say how it ended, in words that follow its name."""
        if self.timed_out:
            return "did not end within its time limit"
        if self.flooded:
            return "printed without end and was stopped"
        if self.rc < 0:
            return "was ended by signal {0}".format(-self.rc)
        return "ended with exit code {0}".format(self.rc)

    def error(self, what: str) -> CommandError:
        """Return the error that reports this command: C(what) says in a sentence what could not be done."""
        message = "{0}: {1} {2}. Its output ends with: {3}".format(
            what, " ".join(map(_shown, self.argv)), self.how(), self.tail() or "(nothing)"
        )
        return CommandError(message, argv=list(self.argv), rc=self.rc, output=self.tail(), timed_out=self.timed_out)


def _shown(argument: str) -> str:
    text = printable(argument)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


# What every loader takes, so that tests can give recorded output instead: (argv, timeout=seconds, env=extra variables).
CommandRunner = t.Callable[..., Completed]


def run_command(
    argv: t.Sequence[str],
    timeout: float = 60,
    env: t.Optional[t.Mapping[str, str]] = None,
    output: int = _OUTPUT_LIMIT,
) -> Completed:
    """Run C(argv) without a shell and return its Completed.

    C(timeout) is in seconds, C(output) in bytes; it is killed when it takes longer or prints more, with all that it has
    started, also what has left its process group.
    C(env) adds variables. A command that cannot be started gives exit code 127 and the reason in C(err).
    """
    environment = dict(_ENVIRONMENT)
    environment.update({name: os.environ[name] for name in _PASSED_ON if name in os.environ})
    environment.update(env or {})
    family = Family()
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        return Completed(tuple(argv), 127, "", "cannot start {0}: {1}".format(argv[0], error), False)
    deadline = time.monotonic() + timeout
    with _Output(process, output) as printed:
        in_time = False
        try:
            in_time = printed.read(deadline) and (printed.flooded or _has_ended(process, deadline))
        finally:
            # Also when this process is asked to end.
            if printed.flooded or not in_time:
                os.killpg(process.pid, signal.SIGKILL)
                # One in the kernel does not die.
                _has_ended(process, time.monotonic() + _AFTER_KILL)
                family.end()
                printed.read(time.monotonic() + _AFTER_KILL)
    rc = -signal.SIGKILL if process.returncode is None or printed.flooded else process.returncode
    return Completed(tuple(argv), rc, printed.text(0), printed.text(1), not in_time, printed.flooded)


class _Output:
    """What a process prints on both streams, up to C(limit) bytes."""

    def __init__(self, process: "subprocess.Popen[bytes]", limit: int) -> None:
        self._streams = [stream for stream in (process.stdout, process.stderr) if stream is not None]
        self._printed = [bytearray() for _stream in self._streams]
        self._limit = limit

    def __enter__(self) -> "_Output":
        return self

    def __exit__(self, *_error: object) -> None:
        for stream in self._streams:
            stream.close()

    @property
    def flooded(self) -> bool:
        """Whether it printed more than the limit."""
        return sum(map(len, self._printed)) > self._limit

    def read(self, deadline: float) -> bool:
        """Read until it has said all, or too much; return False when that was not before C(deadline)."""
        with selectors.DefaultSelector() as selector:
            for number, stream in enumerate(self._streams):
                selector.register(stream, selectors.EVENT_READ, number)
            while selector.get_map() and not self.flooded:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                for key, _events in selector.select(left):
                    chunk = os.read(key.fd, _CHUNK)
                    self._printed[key.data].extend(chunk)
                    if not chunk:
                        selector.unregister(key.fileobj)
        return True

    def text(self, number: int) -> str:
        """Return what was read of standard output (0) or the error stream (1)."""
        return self._printed[number].decode("utf-8", "surrogateescape")


def _has_ended(process: "subprocess.Popen[bytes]", deadline: float) -> bool:
    try:
        process.wait(timeout=max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return False
    return True
