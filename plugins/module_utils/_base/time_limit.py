# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""A limit of time for work that somebody else can hold up: files without end, folders without bottom, a slow disk."""

import contextlib
import signal
import threading
import time
import typing as t

from .errors import SystemPythonError

__all__ = ["TimeOverError", "time_limit"]


class TimeOverError(SystemPythonError):
    """Something did not end within its time limit; details: seconds."""

    kind = "time_limit"


@contextlib.contextmanager
def time_limit(seconds: float, what: str) -> t.Iterator[None]:
    """Raise TimeOverError where what is in here takes longer; C(what) names it, in a sentence of the error.

    It ends what only reads, at any point of it. Outside of the main thread there is no limit.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: object) -> None:
        raise TimeOverError(f"{what} took longer than {seconds:.0f} s and was stopped.", seconds=seconds)

    began = time.monotonic()
    before = signal.signal(signal.SIGALRM, stop)
    rest, _interval = signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if rest:
            # The alarm of whoever waits for this goes on.
            signal.setitimer(signal.ITIMER_REAL, max(0.001, rest - (time.monotonic() - began)))
