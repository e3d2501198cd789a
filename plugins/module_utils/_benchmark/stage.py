# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Where a benchmark happens: a private temporary folder, in which programs run as an unprivileged user."""

import contextlib
import os
import signal
import tempfile
import typing as t

from .._base.errors import SystemPythonError
from .._disk.atomic import write_durably
from .._disk.trees import remove_any
from .._rights.account import Account
from .._rights.confined import STRICT, Ended, run_confined
from . import worker

__all__ = ["InterruptedRunError", "Stage", "open_stage"]

_PREFIX = ".fleet-system-python-benchmark-"
_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)

# (argv, account, folder, env, timeout, limits) -> Ended
Runner = t.Callable[..., Ended]


class InterruptedRunError(SystemPythonError):
    """The run was asked to end by a signal; details: signal."""

    kind = "interrupted"


class Stage:
    """The folder, and how programs are run in it. Made by C(open_stage)."""

    def __init__(self, folder: str, account: Account, timeout: float, niceness: int, runner: Runner) -> None:
        self.folder = folder
        self.account = account
        self.timeout = timeout
        self._limits = STRICT._replace(niceness=niceness)
        self._runner = runner
        self.program = self.put("worker.py", _source())

    def put(self, name: str, content: str) -> str:
        """Write a file that the user can read and not change; return its path."""
        path = os.path.join(self.folder, name)
        write_durably(path, content.encode("utf-8", "surrogateescape"), 0o644)
        return path

    def room(self, name: str) -> str:
        """Make a folder of the user's and return its path; it lasts as long as the stage."""
        path = os.path.join(self.folder, name)
        os.mkdir(path, 0o700)
        if self.account.uid != os.geteuid():
            os.chown(path, self.account.uid, self.account.gid)
        return path

    def run(self, argv: t.Sequence[str]) -> Ended:
        """Run C(argv) in a fresh folder, which is also its HOME and its place for temporary files."""
        work = self.room("work")
        env = {"HOME": work, "TMPDIR": work, "PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
        try:
            return self._runner(argv, self.account, work, env, self.timeout, self._limits)
        finally:
            remove_any(work)


def _source() -> str:
    """Return the text of the worker program; it may be in the archive that Ansible sends."""
    loader = t.cast(t.Any, worker.__loader__)
    text: str = loader.get_source(worker.__name__)
    return text


@contextlib.contextmanager
def open_stage(
    parent: str, account: Account, timeout: float, niceness: int, runner: Runner = run_confined
) -> t.Iterator[Stage]:
    """Make a stage below the folder C(parent), and remove it whatever happens but a kill -9.

    Raises SystemPythonError when the folder cannot be made, InterruptedRunError for SIGTERM, SIGHUP and SIGINT.
    """
    try:
        folder = tempfile.mkdtemp(prefix=_PREFIX, dir=parent)
    except OSError as error:
        raise SystemPythonError(
            f"No temporary folder can be made below {parent}: {error.strerror}. Give another one in the option "
            "'folder'.",
            folder=parent,
        ) from error
    previous = {number: signal.signal(number, _interrupt) for number in _SIGNALS}
    try:
        # The user may pass through it and not list it; nothing in it but his own rooms is his to change.
        os.chmod(folder, 0o711)  # noqa: S103
        yield Stage(folder, account, timeout, niceness, runner)
    finally:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        remove_any(folder)
        for number, handler in previous.items():
            signal.signal(number, handler)


def _interrupt(number: int, _frame: object) -> None:
    raise InterruptedRunError(f"The benchmark was ended by signal {number}.", signal=number)
