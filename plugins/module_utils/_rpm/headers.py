# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Take the headers of the packages out of a database of rpm's own format, ndb, which not every rpm can read.

The form of the result is that of C(rpmdb --exportdb): any rpm makes a database of its own format of it.
"""

import struct
import typing as t
import zlib

from .._base.errors import InvalidDataError

__all__ = ["ndb_headers"]

_PAGE = 4096
_SLOT = struct.Struct("<4sIII")
_FILE_HEAD = struct.Struct("<4sIIII")
# What the slots of the first page leave to the head of the file.
_FILE_HEAD_SIZE = 32
_TAIL = struct.Struct("<II4s")
# Offsets and sizes in slots are in blocks.
_BLOCK = 16
_HEADER_MAGIC = b"\x8e\xad\xe8\x01\0\0\0\0"


def ndb_headers(data: bytes) -> t.Iterator[bytes]:
    """Yield the header of each package in C(data), the content of Packages.db, in the order of their installation.

    Raises InvalidDataError for anything that is not whole.
    """
    if len(data) < _PAGE:
        raise _damaged("it has {0} bytes".format(len(data)))
    magic, version, _generation, pages, _next = _FILE_HEAD.unpack_from(data)
    if magic != b"RpmP" or version != 0:
        raise _damaged("it does not begin as one of version 0")
    if pages * _PAGE > len(data):
        raise _damaged("its index is not whole")
    for number, offset, size in sorted(_used_slots(data, pages)):
        yield _HEADER_MAGIC + _blob(data, number, offset, size)


def _used_slots(data: bytes, pages: int) -> t.Iterator[t.Tuple[int, int, int]]:
    for at in range(_FILE_HEAD_SIZE, pages * _PAGE, _SLOT.size):
        magic, number, offset, count = _SLOT.unpack_from(data, at)
        if magic != b"Slot":
            raise _damaged("its index is damaged at byte {0}".format(at))
        if offset:
            yield number, offset * _BLOCK, count * _BLOCK


def _blob(data: bytes, number: int, offset: int, size: int) -> bytes:
    end = offset + size - _TAIL.size
    if end < offset + _SLOT.size or offset + size > len(data):
        raise _damaged("the entry {0} is not whole".format(number))
    magic, named, _generation, length = _SLOT.unpack_from(data, offset)
    checksum, repeated, tail = _TAIL.unpack_from(data, end)
    is_whole = magic == b"BlbS" and tail == b"BlbE" and named == number and repeated == length
    if not is_whole or length > end - offset - _SLOT.size or zlib.adler32(data[offset:end]) & 0xFFFFFFFF != checksum:
        raise _damaged("the entry {0} is damaged".format(number))
    return data[offset + _SLOT.size : offset + _SLOT.size + length]


def _damaged(how: str) -> InvalidDataError:
    return InvalidDataError("This is not a complete ndb database: {0}.".format(how))
