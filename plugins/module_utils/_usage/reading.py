# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Read what users have with no more rights than they have themselves."""

import contextlib
import functools
import os
import typing as t

from .._disk.root import user_of
from .._rights.reading import reading_as

__all__ = ["reading_below", "with_rights_of_owner"]

_Function = t.TypeVar("_Function", bound=t.Callable[..., t.Any])


@contextlib.contextmanager
def reading_below(path: str) -> t.Iterator[None]:
    """Have, in here, no more rights than who may change C(path) or the way to it."""
    if os.geteuid() != 0:
        # There are none to give up; who it is would be looked up for every file of ten thousand venvs.
        yield
        return
    with reading_as(user_of(path)):
        yield


def with_rights_of_owner(function: _Function) -> _Function:
    """Let C(function), whose first argument is a path, read below that as C(reading_below) says."""

    @functools.wraps(function)
    def read(path: str, *others: t.Any, **named: t.Any) -> t.Any:
        with reading_below(path):
            return function(path, *others, **named)

    return t.cast(_Function, read)
