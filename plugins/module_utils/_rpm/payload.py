# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What a package file holds, without its scriptlets: the cpio archive that rpm2cpio makes of it (cpio(5), newc)."""

import typing as t

from .._base.command import CommandRunner
from .._base.errors import InvalidDataError
from .._base.text import printable

__all__ = ["Member", "read_members", "unpack"]

_MAGICS = (b"070701", b"070702")
_HEADER = 110
# Where inode, number of links, size, device (two) and the length of the name are in it.
_NUMBERS = (6, 38, 54, 62, 70, 94)
_TRAILER = "TRAILER!!!"
# The kernel's limit for a path; no name in a package is longer.
_LONGEST_NAME = 4096
_TIME_LIMIT = 600.0


class Member(t.NamedTuple):
    """A file of the archive: C(path) from the root on; those with one C(file) are names of one file.

    C(size) bytes from C(offset) on are its content. Of several names, only the last one has it.
    """

    path: str
    file: t.Tuple[int, ...]
    offset: int
    size: int


def unpack(package: str, archive: str, runner: CommandRunner) -> None:
    """Write what the package file C(package) holds to the new file C(archive). Raises CommandError."""
    # Both names are words for the shell, not text of its; rpm2cpio is of this machine.
    script = 'set -C; exec rpm2cpio "$1" >"$2"'
    done = runner(["/bin/sh", "-c", script, "sh", package, archive], timeout=_TIME_LIMIT)
    if done.rc != 0:
        raise done.error("The package file {0} cannot be unpacked".format(printable(package)))


def read_members(stream: t.BinaryIO, name: str) -> t.Iterator[Member]:
    """Yield what the archive has, which C(name) calls in messages. Raises InvalidDataError."""
    offset = 0
    while True:
        stream.seek(offset)
        header = stream.read(_HEADER)
        fields = _fields(header)
        if not fields:
            raise InvalidDataError(
                "{0} holds no cpio archive of the form that rpm packages have.".format(printable(name)), file=name
            )
        file, size, length = fields
        text = stream.read(length)[:-1].decode("utf-8", "surrogateescape")
        if text == _TRAILER:
            return
        content = _padded(offset + _HEADER + length)
        yield Member("/" + text[2 if text.startswith("./") else 0 :].lstrip("/"), file or (offset,), content, size)
        offset = _padded(content + size)


def _fields(header: bytes) -> t.Optional[t.Tuple[t.Tuple[int, ...], int, int]]:
    """Return what identifies a file of several names (empty for one of one name), its size and the length of the name.

    Null for what is no header.
    """
    if len(header) != _HEADER or header[:6] not in _MAGICS:
        return None
    try:
        inode, links, size, major, minor, length = (int(header[start : start + 8], 16) for start in _NUMBERS)
    except ValueError:
        return None
    return ((inode, major, minor) if links > 1 else (), size, length) if 0 < length <= _LONGEST_NAME else None


def _padded(offset: int) -> int:
    return offset + -offset % 4
