# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Who holds a lock that rpm waits for, as the kernel says in /proc/locks."""

import os
import typing as t

from .._base.text import printable
from .._disk.files import read_text

__all__ = ["Holder", "lock_holder", "lock_holder_in"]


class Holder(t.NamedTuple):
    """A process that locks C(path); C(pid) is null for one that cannot be seen from here, as in another container."""

    path: str
    pid: t.Optional[int]
    command: str

    def __str__(self) -> str:
        if self.pid is None:
            return "another process"
        return "process {0} ({1})".format(self.pid, printable(self.command))


def lock_holder_in(folder: str) -> t.Optional[Holder]:
    """Return who locks a file in C(folder), null when nobody does."""
    try:
        paths = sorted(entry.path for entry in os.scandir(folder) if entry.is_file())
    except OSError:
        return None
    holders = [holder for holder in map(lock_holder, paths) if holder]
    return next((holder for holder in holders if holder.pid is not None), next(iter(holders), None))


def lock_holder(path: str, table: str = "/proc/locks") -> t.Optional[Holder]:
    """Return who locks the file C(path), null when nobody does."""
    try:
        inode = ":{0}".format(os.stat(path).st_ino)
        lines = read_text(table).splitlines()
    except OSError:
        return None
    # "1: POSIX  ADVISORY  WRITE 1234 00:2d:123456 0 EOF"; who waits for a lock has an arrow in the second field.
    held = [fields for fields in map(str.split, lines) if len(fields) > 5 and fields[1] != "->"]
    pids = [int(fields[4]) for fields in held if fields[5].endswith(inode)]
    if not pids:
        return None
    pid = next((pid for pid in pids if pid > 0), None)
    return Holder(path, pid, _command_of(pid) if pid else "")


def _command_of(pid: int) -> str:
    try:
        return read_text("/proc/{0}/cmdline".format(pid)).replace("\0", " ").strip()
    except OSError:
        # It may be over by now.
        return "gone"
