# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real mounts and real kills for the tests of target-side code."""

import os
import signal
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
