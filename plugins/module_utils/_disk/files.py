# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Look at files, and open them: the one way to a file that somebody else may have made.

Nothing is opened but regular files, through no link unless that is asked for, without waiting for a pipe, and whoever
asks for the whole of a file gets no more than a limit. tests/hostile/test_reading.py forbids every other way.
"""

import errno
import hashlib
import io
import os
import stat
import typing as t

__all__ = [
    "MOST",
    "MOST_OF_A_USER",
    "digest_of",
    "folder_of",
    "is_directory",
    "kind_of",
    "new_hash",
    "octal_mode",
    "open_new",
    "open_regular",
    "open_to_append",
    "open_to_others",
    "open_to_read",
    "read_bytes",
    "read_small",
    "read_text",
    "sha256_of",
    "size_of",
    "walk",
]

_CHUNK = 1 << 20
_SMALL_FILE = 1 << 16
# In bytes. The largest lists that are read whole, /etc/ld.so.cache and the RECORD of a package, have a few million.
MOST = 64 << 20
# Of a list of lines, or a note, that a user may have written: as objects of Python it takes many times as much.
MOST_OF_A_USER = 16 << 20
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
    with open_to_read(path) as stream:
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


def open_regular(path: str, follow: bool = False) -> int:
    """Return a descriptor to read the regular file C(path); errors as C(sha256_of). C(follow): links are followed."""
    # A device may do something already when it is opened, and a fifo without O_NONBLOCK waits for a writer for ever.
    if follow and not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(errno.EINVAL, "not a regular file", path)
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    descriptor = os.open(path, flags if follow else flags | os.O_NOFOLLOW)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", path)
    return descriptor


class _Limited(io.BufferedReader):
    """A file of which nobody gets more than C(most) bytes at once without having asked for so many.

    OSError EFBIG where it, or a line of it, has more.
    """

    def __init__(self, path: str, descriptor: int, most: int) -> None:
        super().__init__(io.FileIO(descriptor, "rb"))
        self._path = path
        self._most = most

    def read(self, size: t.Optional[int] = -1) -> bytes:
        if size is not None and size >= 0:
            return super().read(size)
        chunks: t.List[bytes] = []
        left = self._most + 1
        while left > 0:
            chunk = super().read(min(_CHUNK, left))
            if not chunk:
                return b"".join(chunks)
            chunks.append(chunk)
            left -= len(chunk)
        raise self._too_large()

    def readline(self, size: t.Optional[int] = -1) -> bytes:
        if size is not None and size >= 0:
            return super().readline(size)
        line = super().readline(self._most + 1)
        if len(line) > self._most:
            raise self._too_large()
        return line

    def _too_large(self) -> OSError:
        return OSError(errno.EFBIG, "more than {0} bytes".format(self._most), self._path)


def open_to_read(path: str, most: int = MOST, follow: bool = False) -> t.BinaryIO:
    """Open the regular file C(path) to read its bytes, at most C(most) with one C(read()) or C(readline()).

    Errors as C(open_regular); OSError EFBIG for a file, or a line, that is larger.
    """
    return t.cast(t.BinaryIO, _Limited(path, open_regular(path, follow), most))


def open_new(path: str) -> t.BinaryIO:
    """Make the file C(path), for its owner only, and open it for writing. OSError EEXIST when the name is taken."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return open(os.open(path, flags, 0o600), "wb")


def open_to_append(path: str) -> t.BinaryIO:
    """Open the regular file C(path), which is made where it is missing, to write at its end; errors as C(sha256_of)."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o644)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", path)
    return open(descriptor, "ab")


def read_bytes(path: str, most: int = MOST, follow: bool = False) -> bytes:
    """Return the whole content of a regular file; errors as C(open_to_read)."""
    with open_to_read(path, most, follow) as stream:
        return stream.read()


def read_text(path: str, most: int = MOST, follow: bool = False) -> str:
    """Return the whole text of a regular file, undecodable bytes as surrogates; errors as C(open_to_read)."""
    return read_bytes(path, most, follow).decode("utf-8", "surrogateescape")


def read_small(path: str) -> str:
    """Return a text file's first 65,536 bytes, undecodable ones as surrogates. OSError; links are not followed."""
    with open_to_read(path) as stream:
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
