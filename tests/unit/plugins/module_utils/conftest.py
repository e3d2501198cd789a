# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real mounts, real kills and hand-made programs for the tests of target-side code."""

import os
import signal
import struct
import subprocess
import typing as t

import pytest

Work = t.Callable[[t.Any, t.Callable[[str], None]], t.Any]
KilledAtEveryStep = t.Callable[[t.Callable[[], t.Any], Work], t.Iterator[t.Any]]


class Mounter:
    """Mounts for one test, and a skip where this machine does not allow them."""

    def __init__(self) -> None:
        self.points: t.List[str] = []

    def mount(self, point: str, *arguments: str) -> str:
        if not os.path.exists(point):
            os.makedirs(point)
        done = subprocess.run(
            ["mount"] + list(arguments) + [point], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
        if done.returncode:
            pytest.skip("mount is not possible here: " + done.stdout.decode("utf-8", "replace").strip())
        self.points.append(point)
        return point

    def tmpfs(self, point: str, size: str = "16m") -> str:
        return self.mount(point, "-t", "tmpfs", "-o", "size=" + size, "tmpfs")

    def close(self) -> None:
        for point in reversed(self.points):
            subprocess.run(["umount", point], check=True)


@pytest.fixture
def mounter() -> t.Iterator[Mounter]:
    """Mount file systems for one test."""
    made = Mounter()
    yield made
    made.close()


def _killed_at_every_step(prepare: t.Callable[[], t.Any], work: Work) -> t.Iterator[t.Any]:
    """Run C(work(prepared, checkpoint)) in a child that is killed at its first, second, ... step, until one survives.

    Yields (name of the step or None for the run that was not killed, prepared) after each child's end.
    """
    number = 0
    while True:
        prepared = prepare()
        step = _in_child(work, prepared, number)
        yield step, prepared
        if step is None:
            return
        number += 1


def _in_child(work: Work, prepared: t.Any, number: int) -> t.Optional[str]:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reader)
            countdown = [number]

            def checkpoint(step: str) -> None:
                if countdown[0] == 0:
                    os.write(writer, step.encode())
                    os.kill(os.getpid(), signal.SIGKILL)
                countdown[0] -= 1

            work(prepared, checkpoint)
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        step = pipe.read().decode()
    _pid, status = os.waitpid(child, 0)
    if step:
        assert os.WIFSIGNALED(status)
        return step
    assert status == 0, "the child failed"
    return None


@pytest.fixture
def killed_at_every_step() -> KilledAtEveryStep:
    """Return the generator that kills a child at each of its steps."""
    return _killed_at_every_step


def _make_elf(
    order: str = "<",
    bits: int = 64,
    needed: t.Sequence[str] = ("libpython3.9.so.1.0", "libc.so.6"),
    runpath: str = "$ORIGIN/../lib:/opt/lib",
    soname: str = "",
    rodata: bytes = b"\0",
    machine: int = 62,
    sections: bool = True,
    rpath: bool = False,
) -> bytes:
    """Build the parts of a program that the reader reads."""
    wide = bits == 64
    word = "Q" if wide else "I"
    strings = b"\0"
    entries: t.List[t.Tuple[int, int]] = []
    for tag, name in [(1, name) for name in needed] + [(15 if rpath else 29, runpath), (14, soname)]:
        if name:
            entries.append((tag, len(strings)))
            strings += os.fsencode(name) + b"\0"
    base = 0x400000
    header_size, segment_size, section_size = (64, 56, 64) if wide else (52, 32, 40)
    strings_at = header_size + 2 * segment_size
    dynamic_at = strings_at + len(strings)
    entries += [(5, base + strings_at), (10, len(strings)), (0, 0)]
    dynamic = b"".join(struct.pack(order + word * 2, *entry) for entry in entries)
    rodata_at = dynamic_at + len(dynamic)
    names = b"\0.rodata\0.shstrtab\0"
    names_at = rodata_at + len(rodata)
    sections_at = names_at + len(names) if sections else 0
    total = names_at + len(names)

    def segment(kind: int, offset: int, size: int) -> bytes:
        if wide:
            return struct.pack(order + "IIQQQQQQ", kind, 4, offset, base + offset, base + offset, size, size, 1)
        return struct.pack(order + "IIIIIIII", kind, offset, base + offset, base + offset, size, size, 4, 1)

    def section(name: int, offset: int, size: int) -> bytes:
        return struct.pack(order + "II" + word * 4 + "II" + word * 2, name, 1, 0, 0, offset, size, 0, 0, 1, 0)

    identity = b"\x7fELF" + bytes((2 if wide else 1, 1 if order == "<" else 2, 1)) + b"\0" * 9
    counts = (header_size, segment_size, 2, section_size, 3 if sections else 0, 2 if sections else 0)
    header = struct.pack(
        order + "16sHHI" + word * 3 + "IHHHHHH", identity, 3, machine, 1, 0, header_size, sections_at, 0, *counts
    )
    body = header + segment(1, 0, total) + segment(2, dynamic_at, len(dynamic)) + strings + dynamic + rodata + names
    assert len(body) == total
    if sections:
        body += section(0, 0, 0) + section(1, rodata_at, len(rodata)) + section(9, names_at, len(names))
    return body


@pytest.fixture
def make_elf() -> t.Callable[..., bytes]:
    """Return what builds the content of a program."""
    return _make_elf
