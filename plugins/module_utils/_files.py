# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Durable file operations: after each of them a power cut leaves the old state or the new one, never half of either.

Two kinds of hidden names are made next to the files that are worked on, both beginning with C(PREFIX):
C(PREFIX + "new-") is something half made, which anybody may delete; C(PREFIX + "aside-") is somebody's directory that
had to step aside, which nobody may delete (a symlink under such a name is ours and not yet in use).

Errors: DiskFullError, ReadOnlyError and CopyError for what an operator can act on, OSError for everything else.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import shutil
import stat
import struct
import sys
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._errors import (
    DiskFullError,
    ReadOnlyError,
    SystemPythonError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._text import json_text, printable

# Minimal interpreters are packaged without it.
try:
    import ctypes

    _LIBC: t.Optional[t.Any] = ctypes.CDLL(None, use_errno=True)
except (ImportError, OSError):
    _LIBC = None

__all__ = [
    "APPEND_ONLY",
    "IMMUTABLE",
    "PREFIX",
    "Checkpoint",
    "CopyError",
    "Placed",
    "SetAside",
    "aside_name",
    "clear_errors",
    "copy",
    "differences",
    "ensure_room",
    "exchange",
    "file_flags",
    "flush_file_system",
    "free_bytes",
    "install_copy",
    "is_read_only",
    "keep_copy",
    "kind_of",
    "mount_points_in",
    "move",
    "no_checkpoint",
    "open_regular",
    "place",
    "remove_any",
    "remove_copied",
    "remove_leftovers",
    "replace_link",
    "rewrite_durably",
    "set_aside",
    "set_file_flags",
    "sha256_of",
    "size_of",
    "sync_folder",
    "write_durably",
]

PREFIX = ".fleet-system-python-"
_NEW = PREFIX + "new-"
_ASIDE = PREFIX + "aside-"

# Called with the name of every step that is over, so that a test can stop the process exactly there.
Checkpoint = t.Callable[[str], None]

_CHUNK = 1 << 20
_NAME_MAX = 255

_RENAME_NOREPLACE = 1
_RENAME_EXCHANGE = 2
_AT_FDCWD = -100
# SLES 15 began with a C library that has no renameat2(); the kernel has it.
_RENAMEAT2 = {"x86_64": 316, "aarch64": 276, "s390x": 347, "ppc64le": 357}.get(os.uname().machine)
_FICLONE = 0x40049409

# What lsattr shows as i and a.
IMMUTABLE = 0x10
APPEND_ONLY = 0x20
# FS_IOC_GETFLAGS and FS_IOC_SETFLAGS, as include/uapi/linux/fs.h makes them: the direction bits differ on POWER.
_READS, _WRITES = (1, 2) if os.uname().machine.startswith("ppc") else (2, 1)
_LONG = struct.calcsize("l") << 16
_GETFLAGS = _READS << 30 | _LONG | 0x6601
_SETFLAGS = _WRITES << 30 | _LONG | 0x6602

_KINDS = (
    (stat.S_ISREG, "file"),
    (stat.S_ISLNK, "link"),
    (stat.S_ISDIR, "directory"),
    (stat.S_ISFIFO, "fifo"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISBLK, "block device"),
    (stat.S_ISCHR, "character device"),
)


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


class SetAside(t.NamedTuple):
    """A directory that stepped aside for a link: where it is now, and the name (the folder's entry) that it had."""

    path: str
    name: str


def no_checkpoint(_step: str) -> None:
    """Do nothing: the checkpoint of every run that is not a test."""


def kind_of(mode: int) -> str:
    """Return the kind that C(st_mode) says: file, link, directory, fifo, socket, block device, character device."""
    for test, name in _KINDS:
        if test(mode):
            return name
    return "unknown"


# ---------------------------------------------------------------------------------------------------------------------
# Looking


def sha256_of(path: str) -> str:
    """Return the hex SHA-256 of the regular file C(path).

    A symlink is not followed (OSError ELOOP), anything else that is not a regular file is an OSError EINVAL.
    """
    descriptor = open_regular(path)
    try:
        return _digest(descriptor)
    finally:
        os.close(descriptor)


def open_regular(path: str) -> int:
    """Return a descriptor to read the regular file C(path); errors as C(sha256_of)."""
    # Without O_NONBLOCK a fifo that waits for a writer would hold up the run for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", path)
    return descriptor


def _digest(descriptor: int) -> str:
    digest = hashlib.sha256()
    os.lseek(descriptor, 0, os.SEEK_SET)
    while True:
        chunk = os.read(descriptor, _CHUNK)
        if not chunk:
            return digest.hexdigest()
        digest.update(chunk)


def size_of(path: str) -> int:
    """Return how many bytes a copy of C(path), a file or a whole tree, would need; links are not followed."""
    seen: t.Set[t.Tuple[int, int]] = set()
    total = 0
    for entry, _relative in _walk(path):
        found = os.lstat(entry)
        if (found.st_dev, found.st_ino) not in seen:
            seen.add((found.st_dev, found.st_ino))
            total += found.st_size
    return total


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
    folder = existing if os.path.isdir(existing) else _folder(existing)
    try:
        # A file without a name: it is gone when it is closed.
        os.close(os.open(folder, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except OSError as error:
        return error.errno == errno.EROFS
    return False


def file_flags(path: str) -> t.Optional[int]:
    """Return the attributes of a file or directory (IMMUTABLE and others), null where the file system has none."""
    try:
        mode = os.lstat(path).st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            return None
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        answer = fcntl.ioctl(descriptor, _GETFLAGS, struct.pack("l", 0))
    except OSError:
        # File systems without such flags do not know the question.
        return None
    finally:
        os.close(descriptor)
    flags: int = struct.unpack("l", answer)[0]
    return flags


def set_file_flags(path: str, flags: int) -> None:
    """Set the attributes of a regular file; OSError EPERM without the capability, ENOTTY where there are none."""
    descriptor = open_regular(path)
    try:
        fcntl.ioctl(descriptor, _SETFLAGS, struct.pack("l", flags))
    finally:
        os.close(descriptor)


def mount_points_in(path: str, mountinfo: str = "/proc/self/mountinfo") -> t.List[str]:
    """Return the mount points at and below C(path). C(mountinfo) is the kernel's table, see proc(5)."""
    wanted = os.fsencode(os.path.join(os.path.realpath(_folder(path)), os.path.basename(path)))
    with open(mountinfo, "rb") as table:
        points = [_unescape(line.split(b" ")[4]) for line in table]
    return sorted(os.fsdecode(point) for point in points if point == wanted or point.startswith(wanted + b"/"))


def _unescape(field: bytes) -> bytes:
    return re.sub(rb"\\([0-7]{3})", lambda found: bytes((int(found.group(1), 8),)), field)


def _existing(path: str) -> str:
    while not os.path.exists(path):
        path = _folder(path)
    return path


def _folder(path: str) -> str:
    return os.path.dirname(path) or "."


def _walk(path: str) -> t.Iterator[t.Tuple[str, str]]:
    """Yield (path, path relative to the top) of an entry and all below it, a directory before what is in it."""
    stack = [(path, "")]
    while stack:
        entry, relative = stack.pop()
        yield entry, relative
        if stat.S_ISDIR(os.lstat(entry).st_mode):
            names = sorted(os.listdir(entry), reverse=True)
            stack.extend((os.path.join(entry, name), os.path.join(relative, name)) for name in names)


# ---------------------------------------------------------------------------------------------------------------------
# Errors


@contextlib.contextmanager
def clear_errors(path: str) -> t.Iterator[None]:
    """Turn "no space" and "read-only" of the operating system into DiskFullError and ReadOnlyError about C(path)."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _disk_full(path, None, free_bytes(path)) from error
        if error.errno == errno.EROFS:
            raise _read_only(path) from error
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


def _read_only(path: str) -> ReadOnlyError:
    return ReadOnlyError(
        "{0} cannot be written: its file system is read-only. Mount it writable and run again.".format(printable(path)),
        path=json_text(path),
    )


# ---------------------------------------------------------------------------------------------------------------------
# Writing


def sync_folder(folder: str) -> None:
    """Make the names in C(folder) durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network and FUSE file systems cannot do it for folders; there is nothing better to ask for.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def write_durably(path: str, data: bytes, mode: int = 0o600, checkpoint: Checkpoint = no_checkpoint) -> None:
    """Give the file C(path) the content C(data), at once and durably: readers see the old content or the new."""
    temporary = _hidden_name(path, _NEW)
    with clear_errors(path):
        try:
            _write_file(temporary, data, mode)
            checkpoint("written")
            os.rename(temporary, path)
        except BaseException:
            remove_any(temporary)
            raise
        sync_folder(_folder(path))


def rewrite_durably(path: str, data: bytes) -> None:
    """Give C(path) other content as C(write_durably) does; it keeps mode and owner, a new one is readable to all."""
    try:
        known: t.Optional[os.stat_result] = os.stat(path)
    except FileNotFoundError:
        known = None
    write_durably(path, data, stat.S_IMODE(known.st_mode) if known else 0o644)
    if known and (known.st_uid, known.st_gid) != (os.geteuid(), os.getegid()):
        os.chown(path, known.st_uid, known.st_gid)


def _write_file(path: str, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        _write_all(descriptor, data)
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def replace_link(
    path: str, target: str, aside: t.Optional[str] = None, checkpoint: Checkpoint = no_checkpoint
) -> t.Optional[str]:
    """Make C(path) a symlink to C(target) without C(path) ever being missing.

    A file or link in the way is replaced by the rename, so keep a copy before if it is worth one. A directory in the
    way is exchanged with the link in one step and stays whole: its new path is returned (C(aside), by default a hidden
    name in the same folder, see C(set_aside)). Returns None when there was no directory.

    Where the kernel cannot exchange (no ctypes, an old file system, a directory of an overlay's lower layer) the
    directory is renamed, or else moved by copy, first; only then C(path) is missing for the time of one rename.
    """
    directory = _is_directory(path)
    hidden = (aside or aside_name(path)) if directory else _hidden_name(path, _NEW)
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
        sync_folder(_folder(path))
    return hidden if directory else None


def _is_directory(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)


def _unlink_link(path: str) -> None:
    # Only a link: after a half-done exchange the name may hold somebody's directory.
    if os.path.islink(path):
        os.unlink(path)


def aside_name(path: str) -> str:
    """Return a hidden name next to C(path) under which a directory can step aside."""
    return _hidden_name(path, _ASIDE)


def _hidden_name(path: str, prefix: str) -> str:
    start = prefix + os.urandom(6).hex() + "-"
    name = os.fsencode(os.path.basename(path))[: _NAME_MAX - len(start)]
    return os.path.join(os.path.dirname(path), start + os.fsdecode(name))


def _exchange(new: str, path: str, checkpoint: Checkpoint = no_checkpoint) -> None:
    """Put what is at C(new) to C(path), and what was at C(path) to C(new)."""
    try:
        exchanged = _renameat2(new, path, _RENAME_EXCHANGE)
    except OSError as error:
        # An overlay does not rename directories of its lower layers.
        if error.errno != errno.EXDEV:
            raise
        exchanged = False
    if not exchanged:
        _exchange_in_steps(new, path, checkpoint)


def exchange(new: str, path: str) -> None:
    """Exchange two entries of one file system, in one step where the kernel can; durable when it returns."""
    with clear_errors(path):
        _exchange(new, path)
        sync_folder(_folder(path))
        sync_folder(_folder(new))


def _exchange_in_steps(new: str, path: str, checkpoint: Checkpoint) -> None:
    """Exchange where the kernel cannot: C(path) is missing between the last two steps."""
    waiting = _hidden_name(path, _NEW)
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
        _remove_all_copied(path, aside)


def _renameat2(source: str, target: str, flags: int) -> bool:
    """Call renameat2(2); false when kernel, file system or interpreter cannot do it."""
    if _LIBC is None or _RENAMEAT2 is None:
        return False
    paths = os.fsencode(source), os.fsencode(target)
    if hasattr(_LIBC, "renameat2"):
        result = _LIBC.renameat2(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], flags)
    else:
        result = _LIBC.syscall(_RENAMEAT2, _AT_FDCWD, paths[0], _AT_FDCWD, paths[1], flags)
    if result == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):
        return False
    raise OSError(code, os.strerror(code), source, None, target)


def _rename_new(source: str, target: str) -> None:
    """Rename to a name that must be free: OSError EEXIST otherwise."""
    if _renameat2(source, target, _RENAME_NOREPLACE):
        return
    if os.path.lexists(target):
        raise OSError(errno.EEXIST, os.strerror(errno.EEXIST), target)
    os.rename(source, target)


# ---------------------------------------------------------------------------------------------------------------------
# Copying and moving


def move(source: str, target: str, checkpoint: Checkpoint = no_checkpoint) -> Placed:
    """Move a file, link, directory or device to the free name C(target): C(place), then C(remove_copied).

    Killed at any point, at least one of the two is whole; C(remove_copied(source, target)) finishes it when C(target)
    exists.
    """
    placed = place(source, target, checkpoint)
    if placed.copied:
        _remove_all_copied(source, target)
        checkpoint("source removed")
    return placed


def place(source: str, target: str, checkpoint: Checkpoint = no_checkpoint) -> Placed:
    """Rename C(source) to the free name C(target) or, where that is impossible (another file system, a directory of an
    overlay's lower layer), make C(target) a complete and durable copy of it; then C(source) is still there.

    C(target) appears at once and whole. Raises CopyError when something is mounted at or in C(source).
    """
    _refuse_mounts(source)
    try:
        with clear_errors(source):
            _rename_new(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        if is_read_only(source):
            raise _read_only(source) from error
        return Placed(True, copy(source, target, checkpoint))
    checkpoint("renamed")
    sync_folder(_folder(target))
    sync_folder(_folder(source))
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


def keep_copy(source: str, target: str, checkpoint: Checkpoint = no_checkpoint) -> t.Tuple[str, ...]:
    """Keep evidence: C(copy), with data blocks shared where the file system can.

    Never a hard link: a write into the original would change it too.
    """
    return copy(source, target, checkpoint)


def copy(source: str, target: str, checkpoint: Checkpoint = no_checkpoint) -> t.Tuple[str, ...]:
    """Make the free name C(target) a copy of C(source), any kind, whole trees. It appears at once, complete, durable.

    Hard links inside a tree, owner, mode, times, extended attributes (SELinux label, capabilities) and holes are kept;
    returns what could not be kept, in words.
    """
    temporary = _hidden_name(target, _NEW)
    with clear_errors(target):
        try:
            not_kept = _copy_verified(source, temporary)
            checkpoint("copied")
            _rename_new(temporary, target)
        except BaseException:
            remove_any(temporary)
            raise
        checkpoint("copy in place")
        sync_folder(_folder(target))
    return not_kept


def install_copy(source: str, target: str, overwrite: bool = False, checkpoint: Checkpoint = no_checkpoint) -> None:
    """Like C(copy), but with C(overwrite) what is at C(target) is replaced, in one step, and deleted."""
    if not overwrite or not os.path.lexists(target):
        copy(source, target, checkpoint)
        return
    temporary = _hidden_name(target, _NEW)
    with clear_errors(target):
        try:
            _copy_verified(source, temporary)
            checkpoint("copied")
            if _is_directory(temporary) or _is_directory(target):
                _exchange(temporary, target, checkpoint)
            else:
                os.rename(temporary, target)
            checkpoint("copy in place")
            sync_folder(_folder(target))
        finally:
            remove_any(temporary)


def _copy_verified(source: str, target: str) -> t.Tuple[str, ...]:
    ensure_room(_folder(target), size_of(source))
    not_kept = _copy_tree(source, target)
    _flush(target)
    different = differences(source, target)
    if different:
        raise CopyError(
            "The copy of {0} differs from it, so somebody is changing it at the moment: {1}. Run again.".format(
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
    for entry, relative in _walk(source):
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
    reader = open_regular(source)
    try:
        writer = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            if not _share_blocks(reader, writer):
                _copy_bytes(reader, writer)
        finally:
            os.close(writer)
    finally:
        os.close(reader)


def _share_blocks(reader: int, writer: int) -> bool:
    try:
        fcntl.ioctl(writer, _FICLONE, reader)
    except OSError:
        # Whatever the reason is, the plain copy either works or reports it.
        return False
    return True


def _copy_bytes(reader: int, writer: int) -> None:
    size = 0
    while True:
        chunk = os.read(reader, _CHUNK)
        if not chunk:
            break
        size += len(chunk)
        if chunk.strip(b"\0"):
            _write_all(writer, chunk)
        else:
            os.lseek(writer, len(chunk), os.SEEK_CUR)
    os.ftruncate(writer, size)


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
    if _is_directory(path) and hasattr(_LIBC, "syncfs"):
        _flush_file_system(path)
        return
    for entry, _relative in _walk(path):
        mode = os.lstat(entry).st_mode
        if stat.S_ISDIR(mode):
            sync_folder(entry)
        elif stat.S_ISREG(mode):
            _flush_file(entry)


def flush_file_system(path: str) -> None:
    """Make everything durable that was written to the file system of the folder C(path)."""
    if hasattr(_LIBC, "syncfs"):
        _flush_file_system(path)
    else:
        os.sync()


def _flush_file(path: str) -> None:
    descriptor = open_regular(path)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_file_system(path: str) -> None:
    # One call instead of one fsync per file: a standard library has thousands.
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if t.cast(t.Any, _LIBC).syncfs(descriptor) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), path)
    finally:
        os.close(descriptor)


def differences(source: str, target: str) -> t.List[str]:
    """Return the paths of entries that are not the same (kind, mode, content, link target, device, names) in both."""
    different = []
    for entry, relative in _walk(source):
        other = os.path.join(target, relative) if relative else target
        if not _same_entry(entry, other):
            different.append(entry)
        elif _is_directory(entry):
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
    for entry, relative in list(_walk(source)):
        other = os.path.join(target, relative) if relative else target
        if _is_directory(entry):
            directories.append(entry)
        elif _same_entry(entry, other):
            os.unlink(entry)
        else:
            stayed.append(entry)
    for entry in reversed(directories):
        if os.listdir(entry) or not _is_directory(_counterpart(entry, source, target)):
            stayed.append(entry)
        else:
            os.rmdir(entry)
    sync_folder(_folder(source))
    return sorted(stayed)


def _counterpart(entry: str, source: str, target: str) -> str:
    return target + entry[len(source) :]


def _remove_all_copied(source: str, target: str) -> None:
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
    if _is_directory(path):
        _refuse_mounts(path)
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


# ---------------------------------------------------------------------------------------------------------------------
# After a killed run


def remove_leftovers(folders: t.Iterable[str]) -> t.List[str]:
    """Delete what killed runs left half made directly in C(folders) and return its paths; C(set_aside) has the rest."""
    removed = []
    for folder in folders:
        for name in _own_names(folder):
            path = os.path.join(folder, name)
            if not name.startswith(_ASIDE) or os.path.islink(path):
                with clear_errors(path):
                    remove_any(path)
                removed.append(path)
    return removed


def set_aside(folders: t.Iterable[str]) -> t.List[SetAside]:
    """Return the directories in C(folders) that stepped aside for a link and were not fetched by a killed run."""
    found = []
    for folder in folders:
        for name in _own_names(folder):
            path = os.path.join(folder, name)
            if name.startswith(_ASIDE) and not os.path.islink(path):
                found.append(SetAside(path, name[len(_ASIDE) :].partition("-")[2]))
    return found


def _own_names(folder: str) -> t.List[str]:
    if not os.path.isdir(folder):
        return []
    return sorted(name for name in os.listdir(folder) if name.startswith(PREFIX))
