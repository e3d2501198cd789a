# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Look at files, and open them: never through a link, never waiting for a pipe."""

import errno
import hashlib
import os
import stat
import typing as t

__all__ = [
    "digest_of",
    "folder_of",
    "is_directory",
    "kind_of",
    "new_hash",
    "octal_mode",
    "open_new",
    "open_regular",
    "open_to_others",
    "read_bytes",
    "read_small",
    "read_text",
    "sha256_of",
    "size_of",
    "walk",
]

_CHUNK = 1 << 20
_SMALL_FILE = 1 << 16
_NOT_FOR_SECURITY = {"usedforsecurity": False}  # type: t.Dict[str, t.Any]
_KINDS = (
    (stat.S_ISREG, "file"),
    (stat.S_ISLNK, "link"),
    (stat.S_ISDIR, "directory"),
    (stat.S_ISFIFO, "fifo"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISBLK, "block device"),
    (stat.S_ISCHR, "character device"),
)


def kind_of(mode: int) -> str:
    """Return the kind that C(st_mode) says: file, link, directory, fifo, socket, block device, character device."""
    for test, name in _KINDS:
        if test(mode):
            return name
    return "unknown"


def octal_mode(mode: int) -> str:
    """Return the permission bits of C(st_mode) as text of at least four octal digits: C(0755)."""
    return "{0:04o}".format(stat.S_IMODE(mode))


def open_to_others(found: os.stat_result) -> bool:
    """Tell whether others than root may change what C(found) describes. A link has no mode.

    Where there is an access control list, the bits of the group are its mask: the most that it gives anybody (acl(5)).
    """
    writable = 0 if stat.S_ISLNK(found.st_mode) else found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return found.st_uid != 0 or bool(writable)


def is_directory(path: str) -> bool:
    """Tell whether C(path) is a directory, and no link to one."""
    return os.path.isdir(path) and not os.path.islink(path)


def folder_of(path: str) -> str:
    """Return the folder that has the name C(path)."""
    return os.path.dirname(path) or "."


def sha256_of(path: str) -> str:
    """Return the hex SHA-256 of the regular file C(path).

    A symlink is not followed (OSError ELOOP), anything else that is not a regular file is an OSError EINVAL.
    """
    with open(open_regular(path), "rb") as stream:
        return digest_of(stream)


def new_hash(algorithm: str) -> "hashlib._Hash":
    """Return hashlib's C(algorithm) for comparing with what somebody recorded: where FIPS rules, md5 too.

    Raises ValueError where it cannot be had all the same.
    """
    try:
        return hashlib.new(algorithm, **_NOT_FOR_SECURITY)
    except TypeError:
        # Python 3.8 and older know no such distinction, but for those of RHEL.
        return hashlib.new(algorithm)


def digest_of(
    stream: t.IO[bytes], hasher: t.Optional["hashlib._Hash"] = None, target: t.Optional[t.IO[bytes]] = None
) -> str:
    """Read C(stream) to its end and return its digest in hexadecimal, SHA-256 without C(hasher).

    C(target) gets what was read.
    """
    hasher = hasher or hashlib.sha256()
    for chunk in iter(lambda: stream.read(_CHUNK), b""):
        hasher.update(chunk)
        if target is not None:
            target.write(chunk)
    return hasher.hexdigest()


def open_regular(path: str) -> int:
    """Return a descriptor to read the regular file C(path); errors as C(sha256_of)."""
    # Without O_NONBLOCK a fifo that waits for a writer would hold up the run for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", path)
    return descriptor


def open_new(path: str) -> t.BinaryIO:
    """Make the file C(path), for its owner only, and open it for writing. OSError EEXIST when the name is taken."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return open(os.open(path, flags, 0o600), "wb")


def read_bytes(path: str) -> bytes:
    """Return the whole content of the file that C(path) leads to. Raises OSError."""
    with open(path, "rb") as stream:
        return stream.read()


def read_text(path: str) -> str:
    """Return the whole text of the file that C(path) leads to, undecodable bytes as surrogates. Raises OSError."""
    return read_bytes(path).decode("utf-8", "surrogateescape")


def read_small(path: str) -> str:
    """Return a small text file, undecodable bytes as surrogates. Raises OSError; links are not followed."""
    with open(open_regular(path), "rb") as stream:
        return stream.read(_SMALL_FILE).decode("utf-8", "surrogateescape")


def size_of(path: str) -> int:
    """Return how many bytes a copy of C(path), a file or a whole tree, would need; links are not followed."""
    seen: t.Set[t.Tuple[int, int]] = set()
    total = 0
    for entry, _relative in walk(path):
        found = os.lstat(entry)
        if (found.st_dev, found.st_ino) not in seen:
            seen.add((found.st_dev, found.st_ino))
            total += found.st_size
    return total


def walk(path: str) -> t.Iterator[t.Tuple[str, str]]:
    """Yield (path, path relative to the top) of an entry and all below it, a directory before what is in it."""
    stack = [(path, "")]
    while stack:
        entry, relative = stack.pop()
        yield entry, relative
        if stat.S_ISDIR(os.lstat(entry).st_mode):
            names = sorted(os.listdir(entry), reverse=True)
            stack.extend((os.path.join(entry, name), os.path.join(relative, name)) for name in names)
