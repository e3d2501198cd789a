# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the ELF reader: real programs, all four forms made by hand, and damaged files."""

import hashlib
import os
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._loader.elf import (
    Elf,
    ElfError,
    read_elf,
    read_rodata,
)

RODATA = b"\0one\0two\0"
MakeElf = t.Callable[..., bytes]


def read(path: t.Any) -> t.Tuple[Elf, bytes]:
    descriptor = os.open(str(path), os.O_RDONLY)
    try:
        elf = read_elf(descriptor, str(path))
        return elf, read_rodata(descriptor, elf)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [32, 64])
def test_all_forms(tmp_path: t.Any, make_elf: MakeElf, order: str, bits: int) -> None:
    path = tmp_path / "program"
    path.write_bytes(make_elf(order, bits, rodata=RODATA, soname="libself.so", machine=22))
    elf, rodata = read(path)
    assert elf.needed == ("libpython3.9.so.1.0", "libc.so.6")
    assert elf.runpath == ("$ORIGIN/../lib", "/opt/lib")
    assert (elf.soname, elf.machine) == ("libself.so", 22)
    assert rodata == RODATA


def test_stripped_of_its_section_headers(tmp_path: t.Any, make_elf: MakeElf) -> None:
    path = tmp_path / "program"
    path.write_bytes(make_elf(rodata=RODATA, sections=False))
    elf, rodata = read(path)
    assert elf.needed[0] == "libpython3.9.so.1.0"
    assert elf.rodata is None
    assert RODATA in rodata


def test_a_real_program() -> None:
    path = os.path.realpath(sys.executable)
    elf, rodata = read(path)
    try:
        done = subprocess.run(["readelf", "-d", path], stdout=subprocess.PIPE, check=True)
    except FileNotFoundError:
        pytest.skip("readelf is not installed here to compare with")
    for name in elf.needed:
        assert "[{0}]".format(name) in done.stdout.decode()
    assert done.stdout.decode().count("(NEEDED)") == len(elf.needed)
    assert 0 < len(rodata) < os.path.getsize(path)


@pytest.mark.parametrize("length", [4, 16, 40, 64, 100, 200, 250, 300])
def test_cut_off_files_are_damaged(tmp_path: t.Any, make_elf: MakeElf, length: int) -> None:
    path = tmp_path / "odd\nname"
    whole = make_elf()
    assert length < len(whole)
    path.write_bytes(whole[:length])
    with pytest.raises(ElfError, match="damaged") as caught:
        read(path)
    assert "odd\\nname" in caught.value.message


def test_random_damage_never_does_more_than_an_elf_error(tmp_path: t.Any, make_elf: MakeElf) -> None:
    path = tmp_path / "program"
    whole = make_elf()
    damaged = 0
    for attempt in range(1000):
        # Arbitrary, and the same in every run.
        noise = hashlib.sha256(b"%d" % attempt).digest()
        data = bytearray(whole)
        for index in range(0, 4 * (1 + noise[31] % 7), 4):
            place = int.from_bytes(noise[index : index + 2], "big")
            data[4 + place % (len(data) - 4)] = (0, 1, 0x7F, 0xFF, noise[index + 3])[noise[index + 2] % 5]
        path.write_bytes(bytes(data))
        try:
            read(path)
        except ElfError:
            damaged += 1
    assert 100 < damaged < 1000
