# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import struct

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import InvalidDataError
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.headers import ndb_headers
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.ndb_file import ndb_file

MAGIC = b"\x8e\xad\xe8\x01\0\0\0\0"
BLOBS = [b"first", b"x" * 100, b"second one"]


def test_headers_come_in_the_order_of_their_installation() -> None:
    assert list(ndb_headers(ndb_file(BLOBS))) == [MAGIC + blob for blob in BLOBS]
    assert list(ndb_headers(ndb_file([]))) == []


@pytest.mark.parametrize(
    ("at", "value", "reason"),
    [
        (0, b"RpmX", "does not begin"),
        (4, b"\1", "does not begin"),
        (12, struct.pack("<I", 900), "index is not whole"),
        (32, b"Slit", "index is damaged at byte 32"),
        (40, struct.pack("<I", 1 << 20), "not whole"),
        (44, struct.pack("<I", 1), "not whole"),
        (4096, b"BlbX", "entry 1 is damaged"),
        (4100, b"\x09", "entry 1 is damaged"),
        (4108, struct.pack("<I", 1 << 30), "entry 1 is damaged"),
        (4112, b"F", "entry 1 is damaged"),
    ],
)
def test_whatever_is_not_whole_is_refused(at: int, value: bytes, reason: str) -> None:
    data = bytearray(ndb_file(BLOBS))
    data[at : at + len(value)] = value
    with pytest.raises(InvalidDataError, match=reason):
        list(ndb_headers(bytes(data)))


def test_a_truncated_file_is_refused() -> None:
    data = ndb_file(BLOBS)
    for size in (0, 10, 4095, len(data) - 1):
        with pytest.raises(InvalidDataError):
            list(ndb_headers(data[:size]))
