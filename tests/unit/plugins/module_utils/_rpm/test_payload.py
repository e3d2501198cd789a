# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import io
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import InvalidDataError
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.capabilities import (
    capability_bytes,
    capability_text,
    normal_capabilities,
)
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.payload import read_members


def entry(name: str, content: bytes = b"", inode: int = 1, links: int = 1) -> bytes:
    numbers = [inode, 0o100644, 0, 0, links, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0]
    data = b"070701" + "".join("{0:08x}".format(number) for number in numbers).encode("ascii") + name.encode() + b"\0"
    data += b"\0" * (-len(data) % 4) + content
    return data + b"\0" * (-len(data) % 4)


def members(data: bytes) -> t.List[t.Tuple[str, bytes]]:
    found = read_members(io.BytesIO(data), "/x.rpm")
    return [(one.path, data[one.offset : one.offset + one.size]) for one in found]


def test_names_and_contents_are_read_as_cpio_has_them() -> None:
    data = entry("./usr/bin/x", b"12345") + entry("/absolute") + entry("./.hidden", b"h") + entry("plain", b"")
    expected = [("/usr/bin/x", b"12345"), ("/absolute", b""), ("/.hidden", b"h"), ("/plain", b"")]
    assert members(data + entry("TRAILER!!!")) == expected


def test_names_of_one_file_are_told_from_files_with_one_number() -> None:
    pair = entry("./a", inode=7, links=2) + entry("./b", b"both", inode=7, links=2)
    data = pair + entry("./c", inode=7) + entry("./d", inode=7) + entry("TRAILER!!!")
    a, b, c, d = read_members(io.BytesIO(data), "/x.rpm")
    assert a.file == b.file
    assert len({a.file, c.file, d.file}) == 3


@pytest.mark.parametrize(
    "data",
    [
        b"",
        entry("./a", b"1"),
        b"07070X" + b"0" * 104,
        entry("./a").replace(b"00000004", b"ffffffff", 1),
        entry("./a").replace(b"0000", b"zzzz", 1),
        b"\x1f\x8b" * 100,
    ],
)
def test_what_is_no_whole_archive_is_an_error(data: bytes) -> None:
    with pytest.raises(InvalidDataError, match=r"/x\.rpm holds no cpio archive"):
        list(read_members(io.BytesIO(data), "/x.rpm"))


@pytest.mark.parametrize("text", ["cap_net_raw=ep", "cap_net_raw,cap_net_admin=eip", "cap_sys_admin,38=p", "=ep"])
def test_capabilities_are_stored_as_they_are_read(text: str) -> None:
    assert capability_text(capability_bytes(text)) == normal_capabilities(text)
    with pytest.raises(ValueError, match="not capabilities"):
        capability_bytes("nonsense!")
