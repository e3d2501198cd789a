# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cache of the dynamic loader, the real one and hand-made ones, and the configuration of ldconfig."""

import struct
import subprocess
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._disk.root import HOST, Root
from ansible_collections.fleet.system_python.plugins.module_utils._loader.cache import (
    CachedLibrary,
    ConfiguredFolder,
    configured_folders,
    read_cache,
)

ENTRIES = [("libz.so.1", "/opt/libz.so.1", 0), ("libz.so.1", "/lib64/v3/libz.so.1", 1 << 62), ("libc.so.6", "/c", 0)]
READ = {
    "libz.so.1": [CachedLibrary("/opt/libz.so.1", False), CachedLibrary("/lib64/v3/libz.so.1", True)],
    "libc.so.6": [CachedLibrary("/c", False)],
}


def new_cache(order: str = "<") -> bytes:
    rows, strings = b"", b""
    begin = 48 + 24 * len(ENTRIES)
    for name, path, abilities in ENTRIES:
        places = []
        for text in (name, path):
            places.append(begin + len(strings))
            strings += text.encode() + b"\0"
        rows += struct.pack(order + "iIIIQ", 0x0303, places[0], places[1], 0, abilities)
    header = b"glibc-ld.so.cache1.1" + struct.pack(order + "II20x", len(ENTRIES), len(strings))
    return header + rows + strings


def old_cache(order: str = "<") -> bytes:
    """Return what glibc before 2.32 writes: a table of the older form with one entry, then the new one."""
    return b"ld.so-1.7.0\0" + struct.pack(order + "I", 1) + bytes(12) + bytes(4) + new_cache(order)


def root_with(tmp_path: t.Any, files: t.Mapping[str, t.Union[str, bytes]]) -> Root:
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Root(str(tmp_path))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("make", [new_cache, old_cache])
def test_both_forms_of_both_byte_orders(tmp_path: t.Any, order: str, make: t.Callable[[str], bytes]) -> None:
    assert read_cache(root_with(tmp_path, {"etc/ld.so.cache": make(order)})) == READ


@pytest.mark.parametrize("data", [b"", b"ld.so-1.7.0", b"ld.so-1.7.0\0" + b"\xff" * 40, b"no cache at all" * 9])
def test_no_cache(tmp_path: t.Any, data: bytes) -> None:
    assert read_cache(root_with(tmp_path, {"etc/ld.so.cache": data})) == {}


def test_a_cache_that_is_cut_off_anywhere(tmp_path: t.Any) -> None:
    whole = old_cache()
    for length in range(len(whole)):
        assert read_cache(root_with(tmp_path, {"etc/ld.so.cache": whole[:length]})) == {}


def test_there_is_none(tmp_path: t.Any) -> None:
    assert read_cache(Root(str(tmp_path))) == {}


def test_the_cache_of_this_machine() -> None:
    try:
        done = subprocess.run(["/sbin/ldconfig", "-p"], stdout=subprocess.PIPE, check=True, universal_newlines=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("ldconfig cannot tell here what is in its cache")
    told = [line.strip().split(" => ") for line in done.stdout.splitlines() if " => " in line]
    assert {name.partition(" (")[0] for name, _path in told} == set(read_cache(HOST))
    assert [path for _name, path in told] == [one.path for found in read_cache(HOST).values() for one in found]


def test_the_configuration(tmp_path: t.Any) -> None:
    files = {
        "etc/ld.so.conf": "# 1\ninclude ld.so.conf.d/*.conf /etc/more/*\n /opt/last/lib/ # why\nhwcap 1 nosegneg\n",
        "etc/ld.so.conf.d/b.conf": "/opt/b\n\n/opt/b two=libc6\n",
        "etc/ld.so.conf.d/a.conf": "/usr/local/lib",
        "etc/ld.so.conf.d/not.this": "/opt/no",
        "etc/more/c": "include /etc/more/nothing/*\n/opt/include\n",
    }
    assert configured_folders(root_with(tmp_path, files)) == [
        ConfiguredFolder("/usr/local/lib", "/etc/ld.so.conf.d/a.conf", 1),
        ConfiguredFolder("/opt/b", "/etc/ld.so.conf.d/b.conf", 1),
        ConfiguredFolder("/opt/b two", "/etc/ld.so.conf.d/b.conf", 3),
        ConfiguredFolder("/opt/include", "/etc/more/c", 2),
        ConfiguredFolder("/opt/last/lib", "/etc/ld.so.conf", 3),
    ]


def test_a_configuration_that_includes_itself(tmp_path: t.Any) -> None:
    root = root_with(tmp_path, {"etc/ld.so.conf": "include /etc/ld.so.conf\n/opt/lib\n"})
    assert ConfiguredFolder("/opt/lib", "/etc/ld.so.conf", 2) in configured_folders(root)
