# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Read of an ELF file what tells what it loads, and which Python it is. Nothing is run, little is read.

The format: elf(5). Files come from anywhere, so every number in them is doubted.
"""

import os
import struct
import typing as t

from .._base.errors import InvalidDataError
from .._base.text import printable

__all__ = ["MAGIC", "Elf", "ElfError", "read_elf", "read_rodata"]

MAGIC = b"\x7fELF"

_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_DT_NULL, _DT_NEEDED, _DT_STRTAB, _DT_STRSZ, _DT_SONAME, _DT_RPATH, _DT_RUNPATH = 0, 1, 5, 10, 14, 15, 29

# Here are the headers, and the name of the loader.
_BEGIN = 4096
_MOST_HEADERS = 4096
# A header has 64 bytes at most; names, lists of folders and lists of libraries are far shorter, too.
_LONGEST_HEADER = 256
_LONGEST_NAME = 1 << 16
_MOST_LIBRARIES = 1024
_MOST_TABLE = 4 << 20
_MOST_RODATA = 64 << 20


class ElfError(InvalidDataError):
    """A file that begins like ELF is none, or is cut off."""

    kind = "elf_damaged"


class Elf(t.NamedTuple):
    """What was read: libraries wanted, own library name, search folders, processor (e_machine), place of the constants.

    C(rodata) is (offset, size) in the file, or None where the section headers are stripped, or were not read.
    C(is_rpath): the search folders are those of DT_RPATH, which hold for the libraries wanted by libraries, too, and go
    before all others. C(form) is class and byte order: a process is of one form and one processor. C(interpreter) is
    the loader itself.
    """

    needed: t.Tuple[str, ...]
    soname: str
    runpath: t.Tuple[str, ...]
    machine: int
    rodata: t.Optional[t.Tuple[int, int]]
    is_rpath: bool = False
    form: t.Tuple[int, int] = (0, 0)
    interpreter: str = ""

    def goes_with(self, other: "Elf") -> bool:
        """Tell whether both may be in one process."""
        return (self.form, self.machine) == (other.form, other.machine)


class _Layout(t.NamedTuple):
    """The differences between the four forms of ELF (32 and 64 bit, both byte orders), as struct formats."""

    header: struct.Struct
    segment: struct.Struct
    section: struct.Struct
    dynamic: struct.Struct
    is_64: bool


def _layout(order: str, is_64: bool) -> _Layout:
    word, half = ("Q", "IIQQQQQQ") if is_64 else ("I", "IIIIIIII")
    return _Layout(
        header=struct.Struct(order + "16sHHI" + word * 3 + "IHHHHHH"),
        segment=struct.Struct(order + half),
        section=struct.Struct(order + "II" + word * 4 + "II" + word * 2),
        dynamic=struct.Struct(order + word * 2),
        is_64=is_64,
    )


_LAYOUTS = {
    (1, 1): _layout("<", False),
    (1, 2): _layout(">", False),
    (2, 1): _layout("<", True),
    (2, 2): _layout(">", True),
}


class _Segment(t.NamedTuple):
    kind: int
    offset: int
    address: int
    size: int


def read_elf(descriptor: int, name: str, constants: bool = True) -> Elf:
    """Return what the open ELF file says; C(name) is for the message. Raises ElfError.

    Without C(constants), nothing that the loader does not read: not where they are.
    """
    try:
        return _ElfReader(descriptor).read(constants)
    except (struct.error, ValueError) as error:
        raise ElfError(
            "{0} is damaged: it begins like a program, but {1}.".format(printable(name), error),
            path=printable(name),
            reason=str(error),
        ) from error


def read_rodata(descriptor: int, elf: Elf) -> bytes:
    """Return the constants of the file: its .rodata section, or all of it where the sections are not named."""
    offset, size = elf.rodata or (0, os.fstat(descriptor).st_size)
    return os.pread(descriptor, min(size, _MOST_RODATA), offset)


class _ElfReader:
    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.size = os.fstat(descriptor).st_size
        self.begin = os.pread(descriptor, _BEGIN, 0)
        magic = self._bytes(0, 16)
        layout = _LAYOUTS.get((magic[4], magic[5]))
        if magic[:4] != MAGIC or layout is None:
            raise ValueError("its first bytes are none of ELF")
        self.layout = layout
        self.form = magic[4], magic[5]
        fields = layout.header.unpack(self._bytes(0, layout.header.size))
        self.machine = fields[2]
        self.segments_at, self.sections_at = fields[5], fields[6]
        self.segment_size, self.segment_count = fields[9], fields[10]
        self.section_size, self.section_count, self.names_index = fields[11:14]

    def read(self, constants: bool) -> Elf:
        segments = self._segments()
        needed, soname, runpath, is_rpath = self._dynamic(segments)
        rodata = self._rodata() if constants else None
        return Elf(needed, soname, runpath, self.machine, rodata, is_rpath, self.form, self._interpreter(segments))

    def _bytes(self, offset: int, size: int) -> bytes:
        if offset + size > self.size:
            raise ValueError("it ends too early: {0} bytes, {1} needed".format(self.size, offset + size))
        if offset + size <= _BEGIN:
            return self.begin[offset : offset + size]
        return os.pread(self.descriptor, size, offset)

    def _table(self, offset: int, size: int, count: int, form: struct.Struct) -> t.List[t.Tuple[t.Any, ...]]:
        if not count:
            return []
        if not form.size <= size <= _LONGEST_HEADER or count > _MOST_HEADERS:
            raise ValueError("it has {0} headers of {1} bytes".format(count, size))
        data = self._bytes(offset, size * count)
        return [form.unpack_from(data, number * size) for number in range(count)]

    def _segments(self) -> t.List[_Segment]:
        table = self._table(self.segments_at, self.segment_size, self.segment_count, self.layout.segment)
        if self.layout.is_64:
            segments = [_Segment(row[0], row[2], row[3], row[5]) for row in table]
        else:
            segments = [_Segment(row[0], row[1], row[2], row[4]) for row in table]
        needed = max((one.offset + one.size for one in segments if one.kind == _PT_LOAD), default=0)
        if needed > self.size:
            # The kernel maps it all the same; who touches what is not there is ended by a signal.
            raise ValueError("it ends too early: {0} bytes, {1} needed".format(self.size, needed))
        return segments

    def _interpreter(self, segments: t.Sequence[_Segment]) -> str:
        for segment in segments:
            if segment.kind == _PT_INTERP:
                return os.fsdecode(self._bytes(segment.offset, min(segment.size, _MOST_TABLE)).rstrip(b"\0"))
        return ""

    def _dynamic(self, segments: t.Sequence[_Segment]) -> t.Tuple[t.Tuple[str, ...], str, t.Tuple[str, ...], bool]:
        entries: t.List[t.Tuple[int, int]] = []
        for segment in segments:
            if segment.kind == _PT_DYNAMIC:
                data = self._bytes(segment.offset, min(segment.size, _MOST_TABLE))
                whole = len(data) - len(data) % self.layout.dynamic.size
                entries = list(self.layout.dynamic.iter_unpack(data[:whole]))
        values = dict(entries)
        if _DT_STRTAB not in values:
            return (), "", (), False
        start = self._file_offset(values[_DT_STRTAB], segments)
        strings = self._bytes(start, min(values.get(_DT_STRSZ, 0), _MOST_TABLE))
        wanted = [value for key, value in entries if key == _DT_NEEDED]
        if len(wanted) > _MOST_LIBRARIES:
            raise ValueError("it wants {0} libraries".format(len(wanted)))
        needed = tuple(_string(strings, value) for value in wanted)
        soname = _string(strings, values[_DT_SONAME]) if _DT_SONAME in values else ""
        path = values.get(_DT_RUNPATH, values.get(_DT_RPATH))
        folders = _string(strings, path).split(":") if path is not None else []
        is_rpath = _DT_RPATH in values and _DT_RUNPATH not in values
        return needed, soname, tuple(folder for folder in folders if folder), is_rpath

    def _file_offset(self, address: int, segments: t.Sequence[_Segment]) -> int:
        for segment in segments:
            if segment.kind == _PT_LOAD and segment.address <= address < segment.address + segment.size:
                return address - segment.address + segment.offset
        raise ValueError("its table of names is outside of it")

    def _rodata(self) -> t.Optional[t.Tuple[int, int]]:
        if not self.sections_at:
            return None
        sections = self._table(self.sections_at, self.section_size, self.section_count, self.layout.section)
        if self.names_index >= len(sections):
            return None
        names = self._bytes(sections[self.names_index][4], min(sections[self.names_index][5], _MOST_TABLE))
        for section in sections:
            if _string(names, section[0]) == ".rodata":
                # Programs that were split from their debug symbols have sections that are not in the file.
                if section[4] + section[5] > self.size:
                    raise ValueError("its constants are outside of it")
                return section[4], section[5]
        return None


def _string(table: bytes, offset: int) -> str:
    end = table.find(b"\0", offset, offset + _LONGEST_NAME)
    if offset >= len(table) or end < 0:
        raise ValueError("a name is outside of its table")
    return os.fsdecode(table[offset:end])
