# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the journal, with real kills."""

import json
import os
import stat
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import (
    DiskFullError,
    JournalError,
    ReadOnlyError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._disk.journal import Interrupted, Journal

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount file systems")

NOW = 1764000000.9
STARTED = "2025-11-24T16:00:00Z"
PLAN: t.List[t.Dict[str, t.Any]] = [
    {"action": "restore_link", "path": "/usr/bin/python3", "target": "python3.9"},
    {"action": "quarantine", "paths": [os.fsdecode(b"/usr/bin/py\xff\nthon"), "/usr/bin/pyth\u00f6n"]},
    {"action": "reinstall", "packages": []},
]


@pytest.fixture
def journal(tmp_path: t.Any) -> Journal:
    return Journal(str(tmp_path / "state" / "journal.json"), clock=lambda: NOW)


def test_a_whole_run(journal: Journal) -> None:
    assert journal.load() is None
    journal.begin("run-1", PLAN)
    assert journal.load() == Interrupted("run-1", STARTED, PLAN, ["planned", "planned", "planned"])
    journal.running(0)
    journal.done(0)
    journal.running(1)
    assert journal.load() == Interrupted("run-1", STARTED, PLAN, ["done", "running", "planned"])
    assert stat.S_IMODE(os.stat(journal.path).st_mode) == 0o600
    journal.finish()
    assert journal.load() is None
    assert os.listdir(os.path.dirname(journal.path)) == []


def test_several_actions_are_noted_at_once(journal: Journal) -> None:
    journal.begin("run-1", PLAN)
    journal.running(0, 2)
    assert journal.load() == Interrupted("run-1", STARTED, PLAN, ["running", "planned", "running"])
    journal.done(0, 2)
    assert journal.load() == Interrupted("run-1", STARTED, PLAN, ["done", "planned", "done"])


def test_finish_without_a_journal(journal: Journal) -> None:
    journal.finish()
    assert not os.path.exists(os.path.dirname(journal.path))


def test_an_empty_plan(journal: Journal) -> None:
    journal.begin("run-1", [])
    assert journal.load() == Interrupted("run-1", STARTED, [], [])


def test_the_next_run_replaces_what_was_left(journal: Journal) -> None:
    journal.begin("run-1", PLAN)
    journal.running(0)
    following = Journal(journal.path, clock=lambda: NOW + 60)
    following.begin("run-2", PLAN[:1])
    assert following.load() == Interrupted("run-2", "2025-11-24T16:01:00Z", PLAN[:1], ["planned"])


def test_the_caller_s_plan_is_not_touched(journal: Journal) -> None:
    plan = [dict(action) for action in PLAN]
    journal.begin("run-1", plan)
    plan.pop()
    journal.done(2)
    assert journal.load() == Interrupted("run-1", STARTED, PLAN, ["planned", "planned", "done"])


def test_misuse_is_an_error(journal: Journal) -> None:
    with pytest.raises(ValueError, match="begin"):
        journal.running(0)
    journal.begin("run-1", PLAN)
    with pytest.raises(IndexError):
        journal.done(3)
    with pytest.raises(TypeError):
        journal.begin("run-1", [{"action": object()}])


def test_a_kill_at_every_step(journal: Journal, killed_at_every_step: t.Any) -> None:
    folder = os.path.dirname(journal.path)

    def work(_prepared: t.Any, checkpoint: t.Callable[[str], None]) -> None:
        mine = Journal(journal.path, clock=lambda: NOW, checkpoint=checkpoint)
        mine.begin("run-1", PLAN)
        for index in range(len(PLAN)):
            mine.running(index)
            mine.done(index)
        mine.finish()

    expected = [None]
    for states in (
        ("planned", "planned", "planned"),
        ("running", "planned", "planned"),
        ("done", "planned", "planned"),
        ("done", "running", "planned"),
        ("done", "done", "planned"),
        ("done", "done", "running"),
        ("done", "done", "done"),
    ):
        # Killed after the step is on the disk; killed when the next one is written but not yet in place.
        expected += [list(states)] * 2  # type: ignore[list-item]
    expected[-1:] = [None, None]
    found = []
    for _step, _prepared in killed_at_every_step(lambda: None, work):
        interrupted = journal.load()
        if interrupted is not None:
            assert interrupted[:3] == ("run-1", STARTED, PLAN)
        found.append(interrupted and interrupted.states)
        journal.finish()
        assert os.listdir(folder) == []
    assert found == expected


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "not JSON"),
        (b'{"format": 1, "run_id": "ru', "not JSON"),
        (b"\x00" * 512, "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[]", "not of format 1"),
        (b'{"format": 2}', "not of format 1"),
        (b'{"format": 1, "started": "x", "actions": []}', "no run_id"),
        (b'{"format": 1, "run_id": "x", "started": 3, "actions": []}', "no started"),
        (b'{"format": 1, "run_id": "x", "started": "y", "actions": {}}', "no list of actions"),
        (b'{"format": 1, "run_id": "x", "started": "y", "actions": [{}]}', "action 1 has no content"),
        (
            b'{"format": 1, "run_id": "x", "started": "y", "actions": [{"action": {}, "state": "lost"}]}',
            "action 1 has the unknown state 'lost'",
        ),
    ],
)
def test_a_damaged_journal(journal: Journal, content: bytes, problem: str) -> None:
    os.makedirs(os.path.dirname(journal.path))
    with open(journal.path, "wb") as stream:
        stream.write(content)
    with pytest.raises(JournalError, match=problem) as caught:
        journal.load()
    assert journal.path in caught.value.message
    assert "Move it away and run again; that is safe" in caught.value.message
    assert caught.value.details["path"] == journal.path


@pytest.mark.parametrize("kind", ["link", "folder", "fifo"])
def test_a_journal_that_is_no_file(journal: Journal, kind: str) -> None:
    os.makedirs(os.path.dirname(journal.path))
    if kind == "link":
        os.symlink("/etc/passwd", journal.path)
    elif kind == "folder":
        os.mkdir(journal.path)
    else:
        os.mkfifo(journal.path)
    with pytest.raises(JournalError, match="cannot be read"):
        journal.load()


@needs_root
def test_a_full_disk_keeps_the_last_state(tmp_path: t.Any, mounter: t.Any) -> None:
    journal = Journal(os.path.join(mounter.tmpfs(str(tmp_path / "var"), "64k"), "journal.json"), clock=lambda: NOW)
    journal.begin("run-1", PLAN)
    with pytest.raises(DiskFullError):
        journal.begin("run-2", PLAN + [{"action": "x" * 200000}])
    assert journal.load() == Interrupted("run-1", STARTED, PLAN, ["planned"] * 3)
    assert os.listdir(os.path.dirname(journal.path)) == ["journal.json"]


@needs_root
def test_a_read_only_file_system(tmp_path: t.Any, mounter: t.Any) -> None:
    folder = mounter.mount(str(tmp_path / "var"), "-t", "tmpfs", "-o", "ro", "tmpfs")
    for path in ("journal.json", "new/journal.json"):
        with pytest.raises(ReadOnlyError):
            Journal(os.path.join(folder, path)).begin("run-1", PLAN)


def test_the_file_is_plain_json(journal: Journal) -> None:
    journal.begin("run-1", PLAN)
    with open(journal.path, encoding="ascii") as stream:
        loaded = json.load(stream)
    assert loaded["pid"] == os.getpid()
    assert [action["action"] for action in loaded["actions"]] == PLAN
