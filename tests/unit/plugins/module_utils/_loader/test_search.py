# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which libraries the loader takes: compared with the loader of this machine, and in roots made by hand."""

import os
import struct
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._disk.root import HOST, Root
from ansible_collections.fleet.system_python.plugins.module_utils._loader.search import (
    Loader,
    Wanted,
    c_libraries,
    what_is_loaded,
)

MakeElf = t.Callable[..., bytes]
PROGRAM = "/usr/bin/python3.9"
LIBRARY = "libpython3.9.so.1.0"


@pytest.mark.parametrize("program", [sys.executable, "/bin/sh", "/usr/bin/git", "/usr/bin/curl"])
def test_the_loader_of_this_machine_says_the_same(program: str) -> None:
    if not os.path.exists(program):
        pytest.skip("it is not installed here")
    real = os.path.realpath(program)
    try:
        done = subprocess.run(["ldd", real], stdout=subprocess.PIPE, check=True, universal_newlines=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("ldd cannot tell here what the loader takes")
    told = [line.split(" (")[0].strip().split(" => ") for line in done.stdout.splitlines() if " => " in line]
    wanted = what_is_loaded(Loader(HOST), real)
    found = {each.name: each.taken[-1].path for each in wanted if each.taken}
    assert {name: found.get(name) for name, _path in told} == dict(told)
    assert c_libraries(wanted) == [os.path.realpath(dict(told)["libc.so.6"])]


class System:
    """A system in a folder: a program, its library and the C library."""

    def __init__(self, folder: t.Any, make_elf: MakeElf) -> None:
        self._folder = folder
        self._make = make_elf
        self.add(PROGRAM, needed=(LIBRARY, "libc.so.6"))
        self.add("/usr/lib64/" + LIBRARY, needed=("libz.so.1", "libc.so.6"))
        self.add("/usr/lib64/libz.so.1.2.11", needed=("libc.so.6",))
        self.add("/usr/lib64/libc.so.6", needed=())
        self.link("/usr/lib64/libz.so.1", "libz.so.1.2.11")

    def add(self, path: str, **form: t.Any) -> None:
        self.write(path, self._make(runpath=form.pop("runpath", ""), **form))

    def write(self, path: str, data: bytes) -> None:
        place = self._folder / path[1:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)

    def link(self, path: str, target: str) -> None:
        (self._folder / path[1:]).symlink_to(target)

    def cache(self, *entries: t.Tuple[str, str, int]) -> None:
        begin, rows, strings = 48 + 24 * len(entries), b"", b""
        for name, path, abilities in entries:
            first = begin + len(strings)
            strings += name.encode() + b"\0" + path.encode() + b"\0"
            rows += struct.pack("<iIIIQ", 0x0303, first, first + len(name) + 1, 0, abilities)
        header = b"glibc-ld.so.cache1.1" + struct.pack("<II20x", len(entries), 0)
        self.write("/etc/ld.so.cache", header + rows + strings)

    def wanted(self, library_path: str = "", more: t.Sequence[str] = ()) -> t.Dict[str, Wanted]:
        loader = Loader(Root(str(self._folder)), library_path)
        return {each.name: each for each in what_is_loaded(loader, PROGRAM, more)}

    def taken(self, name: str = LIBRARY, library_path: str = "") -> t.List[str]:
        return [one.real for one in self.wanted(library_path)[name].taken]


@pytest.fixture
def system(tmp_path: t.Any, make_elf: MakeElf) -> System:
    return System(tmp_path, make_elf)


def test_without_a_cache_its_own_folders_count(system: System) -> None:
    assert {name: each.taken[0].real for name, each in system.wanted().items()} == {
        LIBRARY: "/usr/lib64/" + LIBRARY,
        "libz.so.1": "/usr/lib64/libz.so.1.2.11",
        "libc.so.6": "/usr/lib64/libc.so.6",
    }
    assert system.wanted()["libz.so.1"].by == "/usr/lib64/" + LIBRARY


def test_the_cache_comes_before_its_own_folders(system: System) -> None:
    system.add("/usr/local/lib/" + LIBRARY)
    assert system.taken() == ["/usr/lib64/" + LIBRARY]
    system.cache((LIBRARY, "/usr/local/lib/" + LIBRARY, 0), (LIBRARY, "/usr/lib64/" + LIBRARY, 0))
    found = system.wanted()[LIBRARY].found
    assert [(one.real, one.where) for one in found] == [
        ("/usr/local/lib/" + LIBRARY, "/etc/ld.so.cache"),
        ("/usr/lib64/" + LIBRARY, "/etc/ld.so.cache"),
    ]


def test_what_is_for_some_processors_may_be_taken_and_the_next_one_too(system: System) -> None:
    system.add("/usr/lib64/glibc-hwcaps/x86-64-v3/" + LIBRARY)
    system.cache(
        (LIBRARY, "/usr/lib64/" + LIBRARY, 0), (LIBRARY, "/usr/lib64/glibc-hwcaps/x86-64-v3/" + LIBRARY, 1 << 62)
    )
    assert system.taken() == ["/usr/lib64/glibc-hwcaps/x86-64-v3/" + LIBRARY, "/usr/lib64/" + LIBRARY]


@pytest.mark.parametrize("library_path", ["/opt/a:/opt/b", "/nothing;/opt/b/", ":/opt/b::"])
def test_the_variable_comes_before_the_cache(system: System, library_path: str) -> None:
    system.add("/opt/b/" + LIBRARY)
    system.add("/opt/b/glibc-hwcaps/power10/libc.so.6")
    system.cache((LIBRARY, "/usr/lib64/" + LIBRARY, 0))
    assert system.taken(library_path=library_path) == ["/opt/b/" + LIBRARY]
    assert system.taken("libc.so.6", library_path) == [
        "/opt/b/glibc-hwcaps/power10/libc.so.6",
        "/usr/lib64/libc.so.6",
    ]


def test_the_programs_own_folders(system: System) -> None:
    system.add(PROGRAM, needed=(LIBRARY,), runpath="$ORIGIN/../own/${LIB}:/opt/$PLATFORM")
    system.add("/usr/own/lib64/" + LIBRARY)
    system.add("/opt/variable/" + LIBRARY)
    system.cache((LIBRARY, "/usr/lib64/" + LIBRARY, 0))
    assert system.taken() == ["/usr/own/lib64/" + LIBRARY]
    assert system.taken(library_path="/opt/variable") == ["/opt/variable/" + LIBRARY]


def test_older_folders_come_before_the_variable_and_hold_below(system: System) -> None:
    system.add(PROGRAM, needed=(LIBRARY,), runpath="/own", rpath=True)
    system.add("/own/libz.so.1")
    system.add("/opt/variable/libz.so.1")
    assert system.taken("libz.so.1", "/opt/variable") == ["/own/libz.so.1"]


def test_another_kind_is_passed_over_and_what_is_damaged_is_taken(system: System) -> None:
    system.add("/opt/a/" + LIBRARY, bits=32)
    system.add("/opt/b/" + LIBRARY, machine=183)
    system.write("/opt/c/" + LIBRARY, b"not at all")
    (one,) = system.wanted("/opt/a:/opt/b:/opt/c")[LIBRARY].taken
    assert (one.real, one.elf, bool(one.damage)) == ("/opt/c/" + LIBRARY, None, True)


def test_what_is_nowhere(system: System) -> None:
    system.add("/module.so", needed=("libgone.so.1", "_other.so"))
    system.add("/_other.so", soname="_other.so", needed=())
    wanted = system.wanted(more=["/module.so", "/_other.so", "/nothing.so"])
    assert [(name, each.by) for name, each in wanted.items() if not each.taken] == [("libgone.so.1", "/module.so")]


def test_a_program_that_is_none(tmp_path: t.Any) -> None:
    assert what_is_loaded(Loader(Root(str(tmp_path))), PROGRAM) == []
