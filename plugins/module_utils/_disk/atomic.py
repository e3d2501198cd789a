# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Write, link, exchange and replace durably: readers see the old or the new, and so does who comes after a power cut.

Errors: DiskFullError and ReadOnlyError for what an operator can act on, OSError for everything else.
"""

import errno
import os
import stat
import typing as t

from .files import folder_of, is_directory, open_new
from .hidden import PREFIX, Checkpoint, aside_name, is_aside, new_name, no_checkpoint
from .kernel import exchange_at_once, sync_folder
from .space import clear_errors
from .trees import copy, copy_verified, half_made, remove_all_copied, remove_any

__all__ = ["exchange", "install_copy", "remove_leftovers", "replace_link", "rewrite_durably", "write_durably"]


def write_durably(path: str, data: bytes, mode: int = 0o600, checkpoint: Checkpoint = no_checkpoint) -> None:
    """Give the file C(path) the content C(data), at once and durably: readers see the old content or the new."""
    with half_made(path) as temporary:
        with open_new(temporary) as stream:
            stream.write(data)
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        checkpoint("written")
        os.rename(temporary, path)


def rewrite_durably(path: str, data: bytes) -> None:
    """Give C(path) other content as C(write_durably) does; it keeps mode and owner, a new one is readable to all."""
    try:
        known: t.Optional[os.stat_result] = os.stat(path)
    except FileNotFoundError:
        known = None
    write_durably(path, data, stat.S_IMODE(known.st_mode) if known else 0o644)
    if known and (known.st_uid, known.st_gid) != (os.geteuid(), os.getegid()):
        os.chown(path, known.st_uid, known.st_gid)


def replace_link(
    path: str, target: str, aside: t.Optional[str] = None, checkpoint: Checkpoint = no_checkpoint
) -> t.Optional[str]:
    """Make C(path) a symlink to C(target) without C(path) ever being missing.

    A file or link in the way is replaced by the rename, so keep a copy before if it is worth one. A directory in the
    way is exchanged with the link in one step and stays whole: its new path is returned (C(aside), by default a hidden
    name in the same folder, see hidden.py). Returns None when there was no directory.

    Where the kernel cannot exchange (no ctypes, an old file system, a directory of an overlay's lower layer) the
    directory is renamed, or else moved by copy, first; only then C(path) is missing for the time of one rename.
    """
    directory = is_directory(path)
    hidden = (aside or aside_name(path)) if directory else new_name(path)
    with clear_errors(path):
        os.symlink(target, hidden)
        try:
            checkpoint("link made")
            if directory:
                _exchange(hidden, path, checkpoint)
            else:
                os.rename(hidden, path)
        except BaseException:
            _unlink_link(hidden)
            raise
        sync_folder(folder_of(path))
    return hidden if directory else None


def _unlink_link(path: str) -> None:
    # Only a link: after a half-done exchange the name may hold somebody's directory.
    if os.path.islink(path):
        os.unlink(path)


def exchange(new: str, path: str) -> None:
    """Exchange two entries of one file system, in one step where the kernel can; durable when it returns."""
    with clear_errors(path):
        _exchange(new, path)
        sync_folder(folder_of(path))
        sync_folder(folder_of(new))


def _exchange(new: str, path: str, checkpoint: Checkpoint = no_checkpoint) -> None:
    """Put what is at C(new) to C(path), and what was at C(path) to C(new)."""
    if not exchange_at_once(new, path):
        _exchange_in_steps(new, path, checkpoint)


def _exchange_in_steps(new: str, path: str, checkpoint: Checkpoint) -> None:
    """Exchange where the kernel cannot: C(path) is missing between the last two steps."""
    waiting = new_name(path)
    os.rename(new, waiting)
    checkpoint("link waits")
    try:
        _step_aside(path, new)
        checkpoint("directory stepped aside")
        os.rename(waiting, path)
    except BaseException:
        if not os.path.lexists(path):
            os.rename(new, path)
        remove_any(waiting)
        raise
    checkpoint("exchanged in steps")


def _step_aside(path: str, aside: str) -> None:
    try:
        os.rename(path, aside)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copy(path, aside)
        remove_all_copied(path, aside)


def install_copy(source: str, target: str, checkpoint: Checkpoint = no_checkpoint) -> None:
    """Make C(target) a copy of C(source); what is there now is replaced, in one step, and deleted."""
    if not os.path.lexists(target):
        copy(source, target, checkpoint)
        return
    with half_made(target) as temporary:
        copy_verified(source, temporary)
        checkpoint("copied")
        if is_directory(temporary) or is_directory(target):
            _exchange(temporary, target, checkpoint)
        else:
            os.rename(temporary, target)
        checkpoint("copy in place")


def remove_leftovers(folders: t.Iterable[str]) -> t.List[str]:
    """Delete what killed runs left half made directly in C(folders) and return its paths.

    A directory that had to step aside is somebody's and stays.
    """
    removed = []
    for folder in filter(os.path.isdir, folders):
        for name in sorted(name for name in os.listdir(folder) if name.startswith(PREFIX)):
            path = os.path.join(folder, name)
            if not is_aside(name) or os.path.islink(path):
                with clear_errors(path):
                    remove_any(path)
                removed.append(path)
    return removed
