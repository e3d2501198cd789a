# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Run outside commands the one way this collection runs them: C locale, no stdin, a time limit, a small environment."""

import os
import signal
import subprocess
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._errors import CommandError

__all__ = ["OUTPUT_TAIL", "CommandRunner", "Completed", "run_command"]

OUTPUT_TAIL = 2000

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
    """What a command left behind; C(out) and C(err) are text with undecodable bytes as surrogate escapes."""

    argv: t.Tuple[str, ...]
    rc: int
    out: str
    err: str
    timed_out: bool

    def tail(self) -> str:
        """Return the end of the output, the error stream last, at most C(OUTPUT_TAIL) characters."""
        return (self.out + self.err)[-OUTPUT_TAIL:].strip()

    def error(self, what: str) -> CommandError:
        """Return the error that reports this command: C(what) says in a sentence what could not be done."""
        how = "did not end within its time limit" if self.timed_out else "ended with exit code {0}".format(self.rc)
        message = "{0}: {1} {2}. Its output ends with: {3}".format(
            what, " ".join(self.argv), how, self.tail() or "(nothing)"
        )
        return CommandError(message, argv=list(self.argv), rc=self.rc, output=self.tail(), timed_out=self.timed_out)


# What every loader takes, so that tests can give recorded output instead: (argv, timeout=seconds, env=extra variables).
CommandRunner = t.Callable[..., Completed]


def run_command(argv: t.Sequence[str], timeout: float = 60, env: t.Optional[t.Mapping[str, str]] = None) -> Completed:
    """Run C(argv) without a shell and return its Completed.

    C(timeout) is in seconds; the whole process group is killed when it is over. C(env) adds variables.
    A command that cannot be started gives exit code 127 and the reason in C(err).
    """
    environment = dict(_ENVIRONMENT)
    environment.update({name: os.environ[name] for name in _PASSED_ON if name in os.environ})
    environment.update(env or {})
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
    timed_out = False
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        timed_out = True
        os.killpg(process.pid, signal.SIGKILL)
        out, err = _rest(process)
    rc = -signal.SIGKILL if process.returncode is None else process.returncode
    return Completed(tuple(argv), rc, _decode(out), _decode(err), timed_out)


def _rest(process: "subprocess.Popen[bytes]") -> t.Tuple[bytes, bytes]:
    """Return what a killed command wrote; a child that left its group may keep the pipes open for long."""
    try:
        return process.communicate(timeout=_AFTER_KILL)
    except subprocess.TimeoutExpired as late:
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
        return late.output or b"", late.stderr or b""


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
