# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of what the pinning made: kept over runs, and gone with the last part."""

import os
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import InvalidDataError
from ansible_collections.fleet.system_python.plugins.module_utils._pin.record import Record


def test_it_lasts_from_the_first_part_to_the_last(tmp_path: t.Any) -> None:
    path = tmp_path / "state/pin.json"
    record = Record(str(path))
    assert record.entry("marker") is None
    assert not path.parent.exists()
    record.note("marker", {"path": "/m", "sha256": "0", "folders": []})
    record.note("attributes", {"paths": ["/b"]})
    assert Record(str(path)).entry("marker") == {"path": "/m", "sha256": "0", "folders": []}
    record.drop("marker")
    assert Record(str(path)).parts == {"attributes": {"paths": ["/b"]}}
    record.drop("attributes")
    record.drop("attributes")
    assert not path.parent.exists()


def test_the_folder_stays_while_it_holds_something_else(tmp_path: t.Any) -> None:
    record = Record(str(tmp_path / "state/pin.json"))
    record.note("marker", {})
    (tmp_path / "state/quarantine").mkdir()
    record.drop("marker")
    assert [one.name for one in (tmp_path / "state").iterdir()] == ["quarantine"]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"format": 2, "parts": {}}',
        '{"format": 1}',
        "\udcff",
        '{"format": 1, "parts": {"marker": "/m"}}',
        '{"format": 1, "parts": {"marker": {}}}',
        '{"format": 1, "parts": {"protection": {"path": 1, "sha256": "0", "folders": []}}}',
        '{"format": 1, "parts": {"pip_config": {"path": "/p", "text": "x", "created": false, "folders": [1]}}}',
        '{"format": 1, "parts": {"unversioned": {"made": [{}]}}}',
        '{"format": 1, "parts": {"attributes": {"paths": [null]}}}',
    ],
)
def test_a_damaged_one_is_told_and_not_written_over(tmp_path: t.Any, text: t.Any) -> None:
    path = tmp_path / "pin.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InvalidDataError, match="says what may be removed"):
        Record(str(path))


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: os.symlink(path, path)])
def test_what_is_no_file_is_told(tmp_path: t.Any, make: t.Callable[[str], None]) -> None:
    path = str(tmp_path / "pin.json")
    make(path)
    with pytest.raises(InvalidDataError, match="says what may be removed"):
        Record(path)
