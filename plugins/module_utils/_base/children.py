# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""End all that a child has started, also what left its process group (setsid, a double fork): it comes back to us."""

import contextlib
import os
import signal
import time
import typing as t

from .libc import LIBC

__all__ = ["Family"]

_PR_SET_CHILD_SUBREAPER = 36
# Seconds for what is killed to be gone: who is in the kernel does not die, and nobody who forks without end is chased.
_MOST = 5.0
_PAUSE = 0.005


class Family:
    """All that children of this process start from now on: whoever loses its parent becomes a child of this process.

    That of process 1 otherwise, and where there is no C library to ask.
    """

    def __init__(self) -> None:
        if LIBC is not None:
            LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._before = _children()

    def end(self) -> bool:
        """Kill all of them, wait for them, and return whether none is left. Children that were there before stay."""
        over = time.monotonic() + _MOST
        while True:
            left = _children() - self._before
            if not left or time.monotonic() > over:
                return not left
            for pid in left:
                # The number is its own as long as nobody has waited for it, and nobody else may.
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
            # Its own children become ours when it is gone.
            time.sleep(_PAUSE)


def _children(proc: str = "/proc") -> t.Set[int]:
    """Return the process ids of the children of this process, those that ended and were not waited for too."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        # As most often: the processes of the host need not be looked through.
        return set()
    mine = str(os.getpid()).encode("ascii")
    return {int(name) for name in os.listdir(proc) if name.isdigit() and _parent_of(os.path.join(proc, name)) == mine}


def _parent_of(folder: str) -> bytes:
    try:
        with open(os.path.join(folder, "stat"), "rb") as stream:
            return stream.read().rpartition(b")")[2].split()[1]
    except (OSError, IndexError):
        # It ended meanwhile.
        return b""
