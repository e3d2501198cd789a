# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Copy, move and delete files and whole trees: after each step a power cut leaves the old state or the new one.

Errors: CopyError for what somebody can act on, DiskFullError, ReadOnlyError, and OSError for everything else.
"""

import contextlib
import errno
import os
import shutil
import stat
import typing as t

from .._base.errors import SystemPythonError
from .._base.text import json_text, printable
from .files import folder_of, is_directory, open_new, open_to_read, sha256_of, size_of, walk
from .hidden import PREFIX, Checkpoint, new_name, no_checkpoint
from .kernel import flush_file_system, rename_new, share_blocks, sync_folder
from .mounts import mount_points_in
from .space import clear_errors, ensure_room, is_read_only, read_only_error

__all__ = [
    "CopyError",
    "Placed",
    "copy",
    "copy_verified",
    "differences",
    "half_made",
    "place",
    "remove_all_copied",
    "remove_any",
    "remove_copied",
]

_CHUNK = 1 << 20
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_BROUGHT_UP = PREFIX + "deep-"


class CopyError(SystemPythonError):
    """A copy is not what was copied, or a tree cannot be copied as a whole; nothing was deleted."""

    kind = "copy"


class Placed(t.NamedTuple):
    """How something came to its new place.

    C(copied): false when it was renamed. C(not_kept): what could not be kept, in words
    ("security.selinux of /x: Operation not permitted").
    """

    copied: bool
    not_kept: t.Tuple[str, ...]


def place(source: str, target: str, checkpoint: Checkpoint = no_checkpoint) -> Placed:
    """Rename C(source) to the free name C(target) or, where that is impossible (another file system, a directory of an
    overlay's lower layer), make C(target) a complete and durable copy of it; then C(source) is still there.

    C(target) appears at once and whole. Raises CopyError when something is mounted at or in C(source).
    """
    _refuse_mounts(source)
    try:
        with clear_errors(source):
            rename_new(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        if is_read_only(source):
            raise read_only_error(source) from error
        return Placed(True, copy(source, target, checkpoint))
    checkpoint("renamed")
    sync_folder(folder_of(target))
    sync_folder(folder_of(source))
    return Placed(False, ())


def _refuse_mounts(source: str) -> None:
    mounted = mount_points_in(source)
    if mounted:
        names = [json_text(name) for name in mounted]
        raise CopyError(
            "{0} cannot be moved: something is mounted at {1}. Unmount it and run again.".format(
                printable(source), ", ".join(printable(name) for name in mounted)
            ),
            path=json_text(source),
            mounted=names,
        )


def copy(source: str, target: str, checkpoint: Checkpoint = no_checkpoint) -> t.Tuple[str, ...]:
    """Make the free name C(target) a copy of C(source), any kind, whole trees. It appears at once, complete, durable.

    Data blocks are shared where the file system can; it is never a hard link, which a write into the original would
    change, too.

    Hard links inside a tree, owner, mode, times, extended attributes (SELinux label, capabilities) and holes are kept;
    returns what could not be kept, in words.
    """
    with half_made(target) as temporary:
        not_kept = copy_verified(source, temporary)
        checkpoint("copied")
        rename_new(temporary, target)
        checkpoint("copy in place")
    return not_kept


@contextlib.contextmanager
def half_made(path: str) -> t.Iterator[str]:
    """Give a name to make something under that then becomes C(path), durably; what is still there at the end goes."""
    temporary = new_name(path)
    with clear_errors(path):
        try:
            yield temporary
            sync_folder(folder_of(path))
        finally:
            remove_any(temporary)


def copy_verified(source: str, target: str) -> t.Tuple[str, ...]:
    """Copy to C(target), flush it and compare; as C(copy), but half a copy stays where an error ends it."""
    ensure_room(folder_of(target), size_of(source))
    not_kept = _copy_tree(source, target)
    _flush(target)
    different = differences(source, target)
    if different:
        raise CopyError(
            "The copy of {0} differs from it, so it is being changed at the moment: {1}. Run again.".format(
                printable(source), ", ".join(printable(name) for name in different[:5])
            ),
            path=json_text(source),
            different=[json_text(name) for name in different],
        )
    return not_kept


def _copy_tree(source: str, target: str) -> t.Tuple[str, ...]:
    not_kept: t.List[str] = []
    first_names: t.Dict[t.Tuple[int, int], str] = {}
    directories: t.List[t.Tuple[str, str]] = []
    for entry, relative in walk(source):
        made = os.path.join(target, relative) if relative else target
        found = os.lstat(entry)
        if stat.S_ISDIR(found.st_mode):
            os.mkdir(made, 0o700)
            directories.append((entry, made))
            continue
        first_name = first_names.setdefault((found.st_dev, found.st_ino), made)
        if first_name != made and found.st_nlink > 1:
            os.link(first_name, made, follow_symlinks=False)
            continue
        _copy_leaf(entry, made, found)
        not_kept += _copy_metadata(entry, made, found)
    # Backwards: making an entry changes the time of the directory around it.
    for entry, made in reversed(directories):
        not_kept += _copy_metadata(entry, made, os.lstat(entry))
    return tuple(not_kept)


def _copy_leaf(source: str, target: str, found: os.stat_result) -> None:
    if stat.S_ISREG(found.st_mode):
        _copy_content(source, target)
    elif stat.S_ISLNK(found.st_mode):
        os.symlink(os.readlink(source), target)
    else:
        os.mknod(target, stat.S_IFMT(found.st_mode) | 0o600, found.st_rdev)


def _copy_content(source: str, target: str) -> None:
    with open_to_read(source) as reader, open_new(target) as writer:
        if share_blocks(reader.fileno(), writer.fileno()):
            return
        for chunk in iter(lambda: reader.read(_CHUNK), b""):
            if chunk.strip(b"\0"):
                writer.write(chunk)
            else:
                writer.seek(len(chunk), os.SEEK_CUR)
        writer.truncate()


def _copy_metadata(source: str, target: str, found: os.stat_result) -> t.List[str]:
    """Give C(target) owner, mode, extended attributes and times, in this order: the former clear the latter."""
    not_kept: t.List[str] = []
    with _noting(not_kept, "owner", source):
        os.chown(target, found.st_uid, found.st_gid, follow_symlinks=False)
    if not stat.S_ISLNK(found.st_mode):
        os.chmod(target, stat.S_IMODE(found.st_mode))
    with _noting(not_kept, "extended attributes", source):
        for name in os.listxattr(source, follow_symlinks=False):
            with _noting(not_kept, name, source):
                value = os.getxattr(source, name, follow_symlinks=False)
                os.setxattr(target, name, value, follow_symlinks=False)
    os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns), follow_symlinks=False)
    return not_kept


@contextlib.contextmanager
def _noting(not_kept: t.List[str], what: str, path: str) -> t.Iterator[None]:
    """Note instead of fail where the other file system, or the caller's rights, cannot hold a piece of metadata."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.ENODATA, errno.EINVAL):
            raise
        not_kept.append("{0} of {1}: {2}".format(printable(what), printable(path), error.strerror))


def _flush(path: str) -> None:
    if is_directory(path):
        flush_file_system(path)
    elif stat.S_ISREG(os.lstat(path).st_mode):
        with open_to_read(path) as stream:
            os.fsync(stream.fileno())


def differences(source: str, target: str) -> t.List[str]:
    """Return the paths of entries that are not the same (kind, mode, content, link target, device, names) in both."""
    different = []
    for entry, relative in walk(source):
        other = os.path.join(target, relative) if relative else target
        if not _same_entry(entry, other):
            different.append(entry)
        elif is_directory(entry):
            only_there = sorted(set(os.listdir(other)) - set(os.listdir(entry)))
            different += [os.path.join(other, name) for name in only_there]
    return different


def _same_entry(one: str, other: str) -> bool:
    if not os.path.lexists(other):
        return False
    first, second = os.lstat(one), os.lstat(other)
    if stat.S_IFMT(first.st_mode) != stat.S_IFMT(second.st_mode):
        return False
    if stat.S_ISLNK(first.st_mode):
        return os.readlink(one) == os.readlink(other)
    if first.st_mode != second.st_mode or first.st_rdev != second.st_rdev:
        return False
    if stat.S_ISREG(first.st_mode):
        return first.st_size == second.st_size and sha256_of(one) == sha256_of(other)
    return True


def remove_copied(source: str, target: str) -> t.List[str]:
    """Delete from C(source) what is the same in its copy C(target), and return what therefore stayed, as paths.

    This is the second half of a move by copy, and it finishes one that was killed: a source that is no longer there, or
    half there, is fine; something new under its name stays.
    """
    if not os.path.lexists(source):
        return []
    stayed: t.List[str] = []
    directories: t.List[str] = []
    for entry, relative in list(walk(source)):
        other = os.path.join(target, relative) if relative else target
        if is_directory(entry):
            directories.append(entry)
        elif _same_entry(entry, other):
            os.unlink(entry)
        else:
            stayed.append(entry)
    for entry in reversed(directories):
        if os.listdir(entry) or not is_directory(_counterpart(entry, source, target)):
            stayed.append(entry)
        else:
            os.rmdir(entry)
    sync_folder(folder_of(source))
    return sorted(stayed)


def _counterpart(entry: str, source: str, target: str) -> str:
    return target + entry[len(source) :]


def remove_all_copied(source: str, target: str) -> None:
    """C(remove_copied), but raise CopyError when something stays."""
    with clear_errors(source):
        stayed = remove_copied(source, target)
    if stayed:
        raise CopyError(
            "{0} was copied to {1}, but then changed, so that this was not deleted: {2}".format(
                printable(source), printable(target), ", ".join(printable(name) for name in stayed[:5])
            ),
            path=json_text(source),
            stayed=[json_text(name) for name in stayed],
        )


def remove_any(path: str) -> None:
    """Delete C(path), whatever it is, with all that is in it, if it is there. Links are not followed."""
    if is_directory(path):
        _refuse_mounts(path)
        try:
            shutil.rmtree(path)
        except (RecursionError, OSError) as error:
            if getattr(error, "errno", None) not in (None, errno.ENAMETOOLONG, errno.EMFILE):
                raise
            _remove_deep(path)
    elif os.path.lexists(path):
        os.unlink(path)


def _remove_deep(path: str) -> None:
    """Delete a folder that is deeper than a path, or a process, can reach: what is deep is brought up first."""
    top = os.open(path, _FOLDER)
    try:
        number = 0
        waiting = os.listdir(top)
        while waiting:
            name = waiting.pop()
            if not stat.S_ISDIR(os.lstat(name, dir_fd=top).st_mode):
                os.unlink(name, dir_fd=top)
                continue
            inner = os.open(name, _FOLDER, dir_fd=top)
            try:
                for one in os.listdir(inner):
                    number += 1
                    waiting.append("{0}{1}".format(_BROUGHT_UP, number))
                    os.rename(one, waiting[-1], src_dir_fd=inner, dst_dir_fd=top)
            finally:
                os.close(inner)
            os.rmdir(name, dir_fd=top)
    finally:
        os.close(top)
    os.rmdir(path)
