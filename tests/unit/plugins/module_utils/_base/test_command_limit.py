# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import time
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.command import run_command


def test_a_child_that_left_the_group_cannot_hold_the_time_limit_up() -> None:
    began = time.monotonic()
    done = run_command(["sh", "-c", "echo said; setsid sleep 20 & sleep 20"], timeout=0.5)
    assert done.timed_out
    assert done.rc != 0
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("how", ["yes", "yes >&2", "trap '' TERM; while :; do echo x; echo y >&2; done"])
def test_what_prints_without_end_is_stopped(how: str) -> None:
    began = time.monotonic()
    done = run_command(["sh", "-c", how], timeout=60, output=100000)
    assert (done.flooded, done.timed_out) == (True, False)
    assert done.rc != 0
    # What one read takes at once may come on top.
    assert 100000 < len(done.out + done.err) <= 100000 + (1 << 17)
    assert time.monotonic() - began < 30
    assert "printed without end and was stopped" in done.error("No").message


def test_a_flood_that_has_ended_is_one_too() -> None:
    done = run_command(["head", "-c", "300000", "/dev/zero"], output=100000)
    assert (done.flooded, done.rc) == (True, -9)


def test_both_streams_are_read_at_once() -> None:
    done = run_command(
        ["sh", "-c", "head -c 300000 /dev/zero | tr '\\0' a; head -c 300000 /dev/zero | tr '\\0' b >&2; exit 3"]
    )
    assert (done.rc, done.out, done.err) == (3, "a" * 300000, "b" * 300000)
    assert not done.flooded


def test_a_command_that_closes_its_streams_has_its_time_limit_all_the_same() -> None:
    done = run_command(["sh", "-c", "exec >&- 2>&-; exec sleep 20"], timeout=0.5)
    assert (done.timed_out, done.rc) == (True, -9)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["sh", "-c", "kill -SEGV $$"], "was ended by signal 11"),
        (["sh", "-c", "exit 4"], "ended with exit code 4"),
        (["/no/such/program"], "ended with exit code 127"),
    ],
)
def test_an_error_says_how_it_ended(argv: t.List[str], words: str) -> None:
    assert words in run_command(argv).error("It failed").message
