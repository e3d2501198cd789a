# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Room on a file system, whether it can be written, and the errors that say so."""

import contextlib
import errno
import os
import sys
import typing as t

from .._base.errors import DiskFullError, ReadOnlyError
from .._base.text import json_text, printable, shortened
from .files import folder_of

__all__ = ["clear_errors", "ensure_room", "free_bytes", "is_read_only", "read_only_error", "unchangeable"]

_MOST_SHOWN = 5


def free_bytes(path: str) -> int:
    """Return the free bytes, without the reserve for root, of the file system that C(path) is or would be on.

    C(sys.maxsize) where the file system counts nothing (a tmpfs without a limit, ramfs).
    """
    found = os.statvfs(_existing(path))
    if found.f_blocks == 0:
        return sys.maxsize
    return found.f_bavail * found.f_frsize


def ensure_room(path: str, needed: int) -> None:
    """Raise DiskFullError unless C(needed) bytes fit on the file system that C(path) is or would be on."""
    available = free_bytes(path)
    if needed > available:
        raise _disk_full(path, needed, available)


def is_read_only(path: str) -> bool:
    """Tell whether the file system that C(path) is or would be on refuses to be written. Leaves no trace.

    The mount's own word is not enough: a file system that met an error refuses writes while its mount still says rw.
    """
    existing = _existing(path)
    if os.statvfs(existing).f_flag & os.ST_RDONLY:
        return True
    folder = existing if os.path.isdir(existing) else folder_of(existing)
    try:
        # A file without a name: it is gone when it is closed.
        os.close(os.open(folder, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except OSError as error:
        return error.errno == errno.EROFS
    return False


def _existing(path: str) -> str:
    while not os.path.exists(path):
        path = folder_of(path)
    return path


@contextlib.contextmanager
def clear_errors(path: str) -> t.Iterator[None]:
    """Turn "no space" and "read-only" of the operating system into DiskFullError and ReadOnlyError about C(path)."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _disk_full(path, None, free_bytes(path)) from error
        if error.errno == errno.EROFS:
            raise read_only_error(path) from error
        raise


def _disk_full(path: str, needed: t.Optional[int], available: int) -> DiskFullError:
    wants = "more room" if needed is None else "{0} bytes".format(needed)
    return DiskFullError(
        "There is not enough room for {0}: {1} needed, {2} bytes available. Free some and run again.".format(
            printable(path), wants, available
        ),
        path=json_text(path),
        needed=needed,
        available=available,
    )


def read_only_error(path: str) -> ReadOnlyError:
    """Return the error about C(path), whose file system refuses to be written."""
    return ReadOnlyError(
        "{0} cannot be written: its file system is read-only. Mount it writable and run again.".format(printable(path)),
        path=json_text(path),
    )


def unchangeable(found: t.Mapping[str, str]) -> ReadOnlyError:
    """Return the error that names what cannot be changed; C(found) maps paths to why."""
    paths = sorted(found)
    shown = shortened(("{0} ({1})".format(printable(path), found[path]) for path in paths), _MOST_SHOWN)
    return ReadOnlyError(
        "Nothing was changed, because this cannot be changed: {0}. If that is not on purpose, take the attribute "
        "away (chattr -i -a) or unmount what is mounted, and run again.".format(shown),
        path=json_text(paths[0]),
        paths=[json_text(path) for path in paths],
        reasons=[found[path] for path in paths],
    )
