# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a fleet are made whole, once, and only where they differ."""

import json
import stat
from pathlib import Path

import pytest
from simulated_fleet import simulate, write_history, write_reports

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import InvalidDataError
from ansible_collections.fleet.system_python.plugins.plugin_utils._fleet.build import FORMATS, PageRequest, build


@pytest.fixture
def request_(tmp_path: Path) -> PageRequest:
    write_reports(tmp_path / "reports", simulate(20))
    write_history(tmp_path / "history", 20, 3)
    return PageRequest(tmp_path / "reports", tmp_path / "out", tmp_path / "history", tuple(FORMATS), 0o640, "1")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_all_formats_are_written_and_a_second_run_changes_nothing(request_: PageRequest, tmp_path: Path) -> None:
    first = build(request_)
    assert first["changed"] is True
    assert set(first["files"]) == set(FORMATS)
    assert names(tmp_path / "out") == sorted(Path(path).name for path in first["files"].values())
    assert all(stat.S_IMODE(Path(path).stat().st_mode) == 0o640 for path in first["files"].values())
    assert (first["hosts"], first["runs"], first["faults"]) == (20, 3, [])
    assert sum(first["states"].values()) == 20
    before = {path: Path(path).stat().st_mtime_ns for path in first["files"].values()}
    assert build(request_) == {**first, "changed": False}
    assert {path: Path(path).stat().st_mtime_ns for path in before} == before


def test_check_mode_tells_and_writes_nothing(request_: PageRequest, tmp_path: Path) -> None:
    kept = names(tmp_path / "history")
    assert build(request_._replace(check_mode=True))["changed"] is True
    assert not (tmp_path / "out").exists()
    assert names(tmp_path / "history") == kept


def test_the_run_is_kept_for_the_next_page(request_: PageRequest, tmp_path: Path) -> None:
    build(request_)
    kept = json.loads((tmp_path / "history/20261120T023000Z.json").read_text())
    assert len(kept["hosts"]) == 20


def test_a_run_with_an_odd_name_stays_in_the_folder(request_: PageRequest, tmp_path: Path) -> None:
    data = simulate(1)
    data[0]["run"]["id"] = "../../evil"
    write_reports(tmp_path / "odd", data)
    build(request_._replace(reports=tmp_path / "odd", history=tmp_path / "new"))
    (kept,) = names(tmp_path / "new")
    assert kept.startswith("run-")


def test_only_what_was_asked_for_is_made(request_: PageRequest, tmp_path: Path) -> None:
    result = build(request_._replace(formats=("jsonl",), history=None))
    assert names(tmp_path / "out") == ["fleet-findings.jsonl"]
    assert result["page"] is None
    assert result["runs"] == 1


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidDataError, match="holds no report of a host; name the folder"):
        build(PageRequest(tmp_path, tmp_path))


def test_damaged_reports_alone_still_make_a_page_that_names_them(tmp_path: Path) -> None:
    (tmp_path / "web1.json").write_text("{")
    result = build(PageRequest(tmp_path, tmp_path))
    assert result["hosts"] == 0
    assert result["faults"][0]["file"].endswith("web1.json")
    assert "is damaged" in (tmp_path / "fleet.html").read_text()


def test_the_report_of_a_host_named_as_our_file_is_kept(tmp_path: Path) -> None:
    data = simulate(1)
    data[0]["host"] = "fleet"
    write_reports(tmp_path / "r", data)
    report = (tmp_path / "r/fleet.html").read_text()
    assert build(PageRequest(tmp_path / "r", tmp_path / "r"))["page"] == str(tmp_path / "r/_fleet.html")
    assert (tmp_path / "r/fleet.html").read_text() == report
    assert build(PageRequest(tmp_path / "r", tmp_path))["page"] == str(tmp_path / "fleet.html")


def test_a_folder_that_cannot_be_made_is_named(request_: PageRequest, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidDataError, match=r"file/out/fleet.html cannot be written: Not a directory"):
        build(request_._replace(dest=tmp_path / "file/out"))
