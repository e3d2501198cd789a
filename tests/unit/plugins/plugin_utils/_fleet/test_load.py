# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The loader: a damaged file is named, and the others are read."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from simulated_fleet import simulate

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import InvalidDataError
from ansible_collections.fleet.system_python.plugins.plugin_utils._fleet.load import earlier_runs, reports
from ansible_collections.fleet.system_python.plugins.plugin_utils._fleet.records import FaultRow

GOOD = simulate(1)[0]


def read(folder: Path) -> tuple[list[str], list[FaultRow]]:
    faults: list[FaultRow] = []
    return [str(one.data["host"]) for one in reports(folder, faults)], faults


def put(folder: Path, name: str, data: Any) -> None:
    (folder / name).write_text(json.dumps(data))


def test_reports_are_read_by_name_and_other_files_are_left_alone(tmp_path: Path) -> None:
    put(tmp_path, "b.json", {**GOOD, "host": "b"})
    put(tmp_path, "a.json", {**GOOD, "host": "a"})
    put(tmp_path, ".new.json", {"half": "written"})
    (tmp_path / "a.html").write_text("no data")
    assert read(tmp_path) == (["a", "b"], [])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"host": "x", ', "is damaged: no JSON from line 1, column 15"),
        (b"", "is damaged: no JSON from line 1, column 1"),
        (b"\xff\xfe", "is not UTF-8 text (byte 0)"),
        (b"[1]", "holds a list where a mapping is expected"),
        (b"[" * 100_000, "is not usable JSON"),
        (b"{}", "is no report: it has no host"),
        (b'{"host": ""}', "is no report: it has no host"),
        (b'{"host": "x", "format": 2}', "has the format 2; this version of the collection reads up to 1"),
        (b'{"host": "x", "format": true}', "has the format true"),
        (b'{"host": "x"}', "has the format null"),
        (b'{"host": "x", "format": 1, "groups": {}}', "has dict in 'groups' where list is expected"),
        (b'{"host": "x", "format": 1, "groups": [], "run": {}}', "has NoneType in 'status' where str is expected"),
        (
            b'{"host": "x", "format": 1, "groups": [], "run": {}, "status": "", "before": 1}',
            "has int in 'before' where facts are expected",
        ),
        (
            b'{"host": "x", "format": 1, "groups": [], "run": {}, "status": "", "after": {"findings": [{"id": 1}]}}',
            "has a finding in 'after' that is none",
        ),
    ],
)
def test_a_damaged_report_is_named_and_the_others_are_read(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "bad.json").write_bytes(content)
    put(tmp_path, "good.json", GOOD)
    hosts, faults = read(tmp_path)
    assert hosts == [GOOD["host"]]
    assert [fault["file"] for fault in faults] == [str(tmp_path / "bad.json")]
    assert said in faults[0]["reason"]


def test_what_is_no_file_does_not_stop_the_run(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "gone.json").symlink_to("nowhere")
    put(tmp_path, "good.json", GOOD)
    hosts, faults = read(tmp_path)
    assert hosts == [GOOD["host"]]
    assert [Path(fault["file"]).name for fault in faults] == ["folder.json", "gone.json", "pipe.json"]
    assert "No such file" in faults[1]["reason"]
    assert "it is not a file" in faults[2]["reason"]


def test_a_file_far_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "large.json").open("wb") as handle:
        handle.truncate(40 * 1024 * 1024)
    _hosts, faults = read(tmp_path)
    assert "more than" in faults[0]["reason"]


def test_no_folder_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InvalidDataError, match=r"cannot be read \(No such file.*name the folder"):
        read(tmp_path / "none")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "x"}, "is no kept run"),
        ({"format": 9}, "has the format 9"),
        ({"hosts": []}, "has list in 'hosts'"),
        ({"hosts": {"x": {}}}, "has no state for the host 'x'"),
        ({"hosts": {"x": {"state": "healthy", "found": None}}}, "has no list of findings for the host 'x'"),
    ],
)
def test_a_damaged_kept_run_is_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    run = {"kind": "fleet.system_python/run", "format": 1, "run": "r", "time": "t", "hosts": {}}
    put(tmp_path, "good.json", run)
    put(tmp_path, "bad.json", {**run, **change})
    faults: list[FaultRow] = []
    assert list(earlier_runs(tmp_path, faults)) == [run]
    assert len(faults) == 1
    assert said in faults[0]["reason"]
