# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What keeps paths from being changed, found out before the first one is: who changes paths asks here.

A rename needs a folder that is neither on a read-only file system nor immutable or append-only, and a name that is
neither, and over which nothing is mounted (rename(2): EROFS, EPERM, EBUSY; ioctl_iflags(2)).
"""

import os
import typing as t

from .._base.errors import ReadOnlyError
from .._base.text import json_text, printable
from .files import is_directory, walk
from .host_mode import require_mutable
from .kernel import APPEND_ONLY, IMMUTABLE, file_flags
from .mounts import read_mounts
from .root import HOST
from .space import is_read_only, unchangeable

__all__ = ["Changes", "require_changeable"]

_ATTRIBUTES = ((IMMUTABLE, "immutable"), (APPEND_ONLY, "append-only"))


class Changes(t.NamedTuple):
    """What is going to happen to paths, which need not exist.

    C(replaced): names that are made, renamed over or deleted; C(touched): files whose mode and owner are set;
    C(moved): what goes away with all that is in it.
    """

    replaced: t.Collection[str] = ()
    touched: t.Collection[str] = ()
    moved: t.Collection[str] = ()


def require_changeable(changes: Changes) -> None:
    """Raise ReadOnlyError, which names all that is in the way, unless all of C(changes) are possible.

    ImmutableHostError where they are not made on this host at all.
    """
    require_mutable({*changes.replaced, *changes.touched, *changes.moved})
    folders = {_existing_folder(path) for path in [*changes.replaced, *changes.touched, *changes.moved]}
    for folder in _one_per_device(folders.union(filter(is_directory, changes.touched))):
        if is_read_only(folder):
            raise ReadOnlyError(
                "{0} is on a file system that is mounted read-only, so nothing was changed. Mount it read-write "
                "(mount -o remount,rw ...) and run again.".format(printable(folder)),
                path=json_text(folder),
            )
    found = dict(_obstacles(changes))
    if found:
        raise unchangeable(found)


def _existing_folder(path: str) -> str:
    """Return the folder in which C(path) is, or its nearest existing ancestor is."""
    folder = os.path.dirname(path)
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    return folder


def _one_per_device(folders: t.Iterable[str]) -> t.List[str]:
    found: t.Dict[int, str] = {}
    for folder in sorted(folders):
        if os.path.isdir(folder):
            found.setdefault(os.stat(folder).st_dev, folder)
    return sorted(found.values())


def _obstacles(changes: Changes) -> t.Iterator[t.Tuple[str, str]]:
    """Yield each path that is in the way, and why."""
    for folder in {_existing_folder(path) for path in [*changes.replaced, *changes.moved]}:
        if not os.path.isdir(folder):
            yield folder, "a folder is needed in its place: move it away"
        yield from _attributes(folder)
    # A folder on which a file system is mounted can be touched: it is that file system's own.
    kept = {*changes.replaced, *(path for path in changes.touched if not is_directory(path))}
    kept.update(path for top in changes.moved if os.path.lexists(top) for path, _relative in walk(top))
    for path in kept.union(changes.touched):
        yield from _attributes(path)
    for path in _mounted_over(kept):
        yield path, "something is mounted over it"


def _attributes(path: str) -> t.Iterator[t.Tuple[str, str]]:
    flags = file_flags(path) or 0
    words = [word for flag, word in _ATTRIBUTES if flags & flag]
    if words:
        yield path, " and ".join(words)


def _mounted_over(paths: t.Iterable[str]) -> t.List[str]:
    """Return those of C(paths) that are mount points. Raises ReadOnlyError where the kernel cannot be asked."""
    try:
        points = {mount.point for mount in read_mounts()}
    except OSError as error:
        raise ReadOnlyError(
            "What is mounted on this host cannot be known ({0}), so nothing was changed. Mount /proc and run "
            "again.".format(error.strerror)
        ) from error
    # Links are followed for the few whose names come into question.
    names = {os.path.basename(point) for point in points}
    return [path for path in paths if os.path.basename(path) in names and HOST.canonical(path) in points]
