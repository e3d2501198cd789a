# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of hostile parties share: files that are traps, and a limit of time and memory for who meets them."""

import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

TRAPS = ("fifo", "socket", "zero", "link to fifo", "loop", "folder", "sparse", "device")
# Apparent bytes of a sparse file: nothing of it is on the disk.
SPARSE = 30 << 30


def python_of_all() -> str:
    """Return a Python that every user can start; the tests' own may be in root's home."""
    if os.geteuid() != 0:
        return sys.executable
    for one in ("/usr/bin/python3", "/usr/local/bin/python3", sys.executable):
        if (
            os.access(one, os.X_OK)
            and subprocess.run([one, "-c", ""], user=65534, group=65534, check=False).returncode == 0
        ):
            return one
    return str(pytest.skip("no Python here that the user nobody can start"))


def set_trap(path: Path, kind: str) -> None:
    """Make C(path) what nobody should read to its end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        # The name of a socket may have 108 bytes.
        here = os.open(path.parent, os.O_DIRECTORY)
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as server:
            server.bind(f"/proc/self/fd/{here}/{path.name}")
        os.close(here)
    elif kind == "zero":
        path.symlink_to("/dev/zero")
    elif kind == "link to fifo":
        os.mkfifo(path.with_name(path.name + ".fifo"))
        path.symlink_to(path.name + ".fifo")
    elif kind == "loop":
        path.symlink_to(path.name)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        # Without the right to make one, a link does.
        path.symlink_to("/dev/full")
    else:
        path.touch()
        os.truncate(path, SPARSE)


@contextlib.contextmanager
def bounded(seconds: int = 10, memory: int = 1 << 30) -> t.Iterator[None]:
    """Raise AssertionError where what is in here takes longer; more memory than C(memory) is MemoryError."""

    def late(_number: int, _frame: object) -> None:
        raise AssertionError(f"it still goes on after {seconds} s")

    used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
    limits = resource.getrlimit(resource.RLIMIT_AS)
    before = signal.signal(signal.SIGALRM, late)
    resource.setrlimit(resource.RLIMIT_AS, (used + memory, limits[1]))
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        resource.setrlimit(resource.RLIMIT_AS, limits)
