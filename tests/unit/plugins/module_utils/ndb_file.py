# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the package database that SUSE's containers have: Packages.db in the format ndb."""

import struct
import typing as t
import zlib


def ndb_file(blobs: t.Sequence[bytes]) -> bytes:
    """Return a database with the headers C(blobs), without their magic, in slots from the last to the first."""
    slots, data, offset = [], b"", 4096
    for number, blob in enumerate(blobs, 1):
        head = struct.pack("<4sIII", b"BlbS", number, 7, len(blob)) + blob
        head += b"\0" * (-(len(head) + 12) % 16)
        entry = head + struct.pack("<II4s", zlib.adler32(head) & 0xFFFFFFFF, len(blob), b"BlbE")
        slots.append(struct.pack("<4sIII", b"Slot", number, offset // 16, len(entry) // 16))
        data += entry
        offset += len(entry)
    slots = slots[::-1] + [struct.pack("<4sIII", b"Slot", 0, 0, 0)] * (254 - len(slots))
    return struct.pack("<4sIIIIIII", b"RpmP", 0, 1, 1, len(blobs) + 1, 0, 0, 0) + b"".join(slots) + data


def headers_of(dump: bytes) -> t.List[bytes]:
    """Return the headers in what C(rpmdb --exportdb) wrote, without their magic."""
    found, at = [], 0
    while at < len(dump):
        assert dump[at : at + 8] == b"\x8e\xad\xe8\x01\0\0\0\0"
        entries, store = struct.unpack_from(">II", dump, at + 8)
        end = at + 16 + 16 * entries + store
        found.append(dump[at + 8 : end])
        at = end
    return found
