# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The processes of this host, as /proc lists them."""

import os
import signal
import typing as t

from .._base.paths import is_in

__all__ = ["end_processes", "processes", "processes_in"]


def processes(proc: str = "/proc") -> t.Iterator[t.Tuple[int, int]]:
    """Yield (process id, user id) of each process."""
    for name in os.listdir(proc):
        if name.isdigit():
            try:
                yield int(name), os.stat(os.path.join(proc, name)).st_uid
            except FileNotFoundError:
                # It ended meanwhile.
                continue


def processes_in(folders: t.Sequence[str], link: str, proc: str = "/proc") -> t.Dict[int, str]:
    """Return the processes whose C(link), C(cwd) or C(exe), is in one of the folders, as {pid: what it points to}."""
    found = {}
    for pid, _uid in processes(proc):
        try:
            target = os.readlink(os.path.join(proc, str(pid), link))
        except OSError:
            # It ended meanwhile, or is one of the kernel's own.
            continue
        if is_in(target, *folders):
            found[pid] = target
    return found


def end_processes(pids: t.Iterable[int]) -> t.List[int]:
    """Kill processes by their ids and return those that were there."""
    ended = []
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        ended.append(pid)
    return ended
