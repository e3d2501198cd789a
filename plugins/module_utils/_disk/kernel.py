# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What the kernel can do and Python has no plain call for: exchange two names, overwrite none, flush, attributes."""

import errno
import fcntl
import os
import stat
import struct
import typing as t

from .._base.libc import LIBC as _LIBC
from .._base.libc import last_error
from .files import open_regular

__all__ = [
    "APPEND_ONLY",
    "IMMUTABLE",
    "exchange_at_once",
    "file_flags",
    "flush_file_system",
    "rename_new",
    "set_file_flags",
    "share_blocks",
    "sync_folder",
]

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


def exchange_at_once(one: str, other: str) -> bool:
    """Exchange two entries of one file system; false where kernel, file system or interpreter cannot do it."""
    try:
        return _renameat2(one, other, _RENAME_EXCHANGE)
    except OSError as error:
        # An overlay does not rename directories of its lower layers.
        if error.errno != errno.EXDEV:
            raise
        return False


def rename_new(source: str, target: str) -> None:
    """Rename to a name that must be free: OSError EEXIST otherwise."""
    if _renameat2(source, target, _RENAME_NOREPLACE):
        return
    if os.path.lexists(target):
        raise OSError(errno.EEXIST, os.strerror(errno.EEXIST), target)
    os.rename(source, target)


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
    code = last_error()
    if code in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):
        return False
    raise OSError(code, os.strerror(code), source, None, target)


def share_blocks(reader: int, writer: int) -> bool:
    """Make one file the copy of another without copying; false where the file system cannot."""
    try:
        fcntl.ioctl(writer, _FICLONE, reader)
    except OSError:
        # Whatever the reason is, the plain copy either works or reports it.
        return False
    return True


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


def flush_file_system(folder: str) -> None:
    """Make everything durable that was written to the file system of C(folder)."""
    if not hasattr(_LIBC, "syncfs"):
        os.sync()
        return
    # One call instead of one fsync per file: a standard library has thousands.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if t.cast(t.Any, _LIBC).syncfs(descriptor) != 0:
            code = last_error()
            raise OSError(code, os.strerror(code), folder)
    finally:
        os.close(descriptor)


def file_flags(path: str) -> t.Optional[int]:
    """Return the attributes of a file or directory (IMMUTABLE and others), null where there are none."""
    try:
        mode = os.lstat(path).st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            return None
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            raise
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
