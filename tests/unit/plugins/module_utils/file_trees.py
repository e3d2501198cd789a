# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trees with everything that a file system can hold, for tests of operations on files."""

import os
import stat
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._disk.files import walk
from ansible_collections.fleet.system_python.plugins.module_utils._disk.hidden import PREFIX, Checkpoint, no_checkpoint
from ansible_collections.fleet.system_python.plugins.module_utils._disk.trees import Placed, place, remove_copied

ROOT = os.geteuid() == 0
ODD_MODE = 0o4751


def names(folder: t.Any) -> t.List[str]:
    return sorted(os.listdir(str(folder)))


def write(path: t.Any, data: bytes = b"x") -> str:
    with open(str(path), "wb") as stream:
        stream.write(data)
    return str(path)


def tree(path: str) -> t.Dict[str, t.Tuple[t.Any, ...]]:
    """All that matters of a tree, as plain data."""
    found = {}
    for entry, relative in walk(path):
        status = os.lstat(entry)
        content: t.Any = None
        if stat.S_ISREG(status.st_mode):
            with open(entry, "rb") as stream:
                content = stream.read()
        elif stat.S_ISLNK(status.st_mode):
            content = os.readlink(entry)
        times = None if stat.S_ISLNK(status.st_mode) else status.st_mtime_ns
        found[relative] = (status.st_mode, status.st_uid, status.st_gid, status.st_rdev, times, content)
    return found


def make_tree(path: t.Any) -> str:
    top = str(path)
    os.makedirs(os.path.join(top, "lib", "deep"))
    write(os.path.join(top, "lib", "one.py"), b"one\n" * 1000)
    os.link(os.path.join(top, "lib", "one.py"), os.path.join(top, "lib", "twin.py"))
    write(os.path.join(top, "lib", "deep", os.fsdecode(b"odd\n\xff name")), b"odd")
    os.symlink("one.py", os.path.join(top, "lib", "link"))
    os.symlink("nowhere", os.path.join(top, "dangling"))
    os.mkfifo(os.path.join(top, "fifo"), 0o640)
    os.chmod(os.path.join(top, "lib", "one.py"), ODD_MODE)
    os.mkdir(os.path.join(top, "empty"), 0o711)
    if ROOT:
        os.mknod(os.path.join(top, "null"), stat.S_IFCHR | 0o666, os.makedev(1, 3))
        os.chown(os.path.join(top, "lib", "one.py"), 12, 34)
        os.chmod(os.path.join(top, "lib", "one.py"), ODD_MODE)
        os.chown(os.path.join(top, "lib", "link"), 12, 34, follow_symlinks=False)
    for entry, _relative in list(walk(top)):
        os.utime(entry, ns=(10**18, 10**18 + 7), follow_symlinks=False)
    return top


def move(source: str, target: str, checkpoint: Checkpoint = no_checkpoint) -> Placed:
    """Move as the quarantine does: a copy first where it cannot be a rename, and then the source goes."""
    placed = place(source, target, checkpoint)
    if placed.copied:
        assert remove_copied(source, target) == []
        checkpoint("source removed")
    return placed


def asides(folder: t.Any) -> t.List[str]:
    """The directories that stepped aside for a link, as paths."""
    found = [str(folder / name) for name in names(folder) if name.startswith(PREFIX + "aside-")]
    return [path for path in found if not os.path.islink(path)]
