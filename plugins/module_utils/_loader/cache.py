# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What ldconfig wrote for the dynamic loader, and the configuration that it went by.

Sources: ld.so(8), ldconfig(8); for the format of the cache and the order in it glibc, sysdeps/generic/dl-cache.h and
elf/cache.c; for the configuration elf/ldconfig.c (parse_conf).
"""

import os
import re
import struct
import typing as t

from .._disk.root import Root

__all__ = ["CACHE", "CONFIGURATION", "CachedLibrary", "ConfiguredFolder", "configured_folders", "read_cache"]

CACHE = "/etc/ld.so.cache"
CONFIGURATION = "/etc/ld.so.conf"

_MAGIC = b"glibc-ld.so.cache1.1"
# Until glibc 2.32 a table of the older form comes first, with this magic, the number of its entries, and them.
_OLD_MAGIC, _OLD_HEADER, _OLD_ENTRY = b"ld.so-1.7.0", 16, 12
_HEADER, _ENTRY = 48, 24
_MOST_BYTES = 1 << 26
# A configuration may include itself.
_DEEPEST = 8


class CachedLibrary(t.NamedTuple):
    """An entry: C(for_some) is whether it counts on processors with certain abilities only."""

    path: str
    for_some: bool


class ConfiguredFolder(t.NamedTuple):
    """A folder, and where it is configured."""

    folder: str
    file: str
    line: int


def read_cache(root: Root) -> t.Dict[str, t.List[CachedLibrary]]:
    """Return the entries by the name of the library, those of one name in the order of the file.

    Of a cache that is not there, or no cache, nothing: so does the loader.
    """
    if not root.isfile(CACHE):
        return {}
    with root.open(CACHE) as stream:
        data = stream.read(_MOST_BYTES)
    found: t.Dict[str, t.List[CachedLibrary]] = {}
    try:
        for name, library in _entries(data):
            found.setdefault(name, []).append(library)
    except (struct.error, ValueError):
        return {}
    return found


def _entries(data: bytes) -> t.Iterator[t.Tuple[str, CachedLibrary]]:
    start = _start_of_table(data)
    number, order = _number_of_entries(data, start)
    entry = struct.Struct(order + "iIIIQ")
    for place in range(number):
        _flags, name, path, _version, abilities = entry.unpack_from(data, start + _HEADER + place * _ENTRY)
        yield _string(data, start + name), CachedLibrary(_string(data, start + path), abilities != 0)


def _start_of_table(data: bytes) -> int:
    start = 0
    if data.startswith(_OLD_MAGIC):
        order = _order_of(data, 12, _OLD_HEADER, _OLD_ENTRY)
        start = _OLD_HEADER + struct.unpack_from(order + "I", data, 12)[0] * _OLD_ENTRY
        start += -start % 8
    if data[start : start + len(_MAGIC)] != _MAGIC:
        raise ValueError("no cache of the dynamic loader")
    return start


def _number_of_entries(data: bytes, start: int) -> t.Tuple[int, str]:
    order = _order_of(data, start + len(_MAGIC), start + _HEADER, _ENTRY)
    return struct.unpack_from(order + "I", data, start + len(_MAGIC))[0], order


def _order_of(data: bytes, place: int, begin: int, size: int) -> str:
    """Return the byte order of the host that wrote the cache: only in one of them are its entries all there."""
    for order in "<>":
        if begin + struct.unpack_from(order + "I", data, place)[0] * size <= len(data):
            return order
    raise ValueError("a cache that is cut off")


def _string(data: bytes, begin: int) -> str:
    return os.fsdecode(data[begin : data.index(b"\0", begin)])


def configured_folders(root: Root) -> t.List[ConfiguredFolder]:
    """Return the folders that ldconfig looks into before the two that are its own, in its order."""
    return list(_folders_of(CONFIGURATION, root, _DEEPEST))


def _folders_of(file: str, root: Root, depth: int) -> t.Iterator[ConfiguredFolder]:
    if not depth or not root.isfile(file):
        return
    with root.open(file) as stream:
        lines = os.fsdecode(stream.read(_MOST_BYTES)).split("\n")
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        include = re.match(r"include[ \t]+(.*)", text)
        if include:
            for pattern in include.group(1).split():
                for path in root.glob(os.path.join(os.path.dirname(file), pattern)):
                    yield from _folders_of(path, root, depth - 1)
        elif text and not re.match(r"hwcap[ \t]", text, re.IGNORECASE):
            # Until glibc 2.35 a type may follow: /opt/lib=libc6.
            folder = os.path.normpath(re.sub(r"\s*=\s*libc[456]$", "", text))
            yield ConfiguredFolder(folder, file, number)
