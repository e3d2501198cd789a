# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of room on a file system, on real ones."""

import os
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import DiskFullError, ReadOnlyError
from ansible_collections.fleet.system_python.plugins.module_utils._disk.atomic import replace_link, write_durably
from ansible_collections.fleet.system_python.plugins.module_utils._disk.space import (
    clear_errors,
    ensure_room,
    free_bytes,
    is_read_only,
)
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.file_trees import move, names, write

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount file systems and make devices")


def test_room_is_told_for_paths_that_do_not_exist_yet(tmp_path: t.Any) -> None:
    path = str(tmp_path / "not" / "yet")
    assert free_bytes(path) > 0
    ensure_room(path, 1)
    with pytest.raises(DiskFullError) as caught:
        ensure_room(path, 1 << 60)
    assert caught.value.details["needed"] == 1 << 60
    assert caught.value.details["path"] == path
    assert 0 < caught.value.details["available"] < 1 << 60


def test_a_writable_folder_is_not_read_only_and_the_question_leaves_no_trace(tmp_path: t.Any) -> None:
    before = os.stat(str(tmp_path)).st_mtime_ns
    assert not is_read_only(str(tmp_path))
    assert not is_read_only(str(tmp_path / "new"))
    assert names(tmp_path) == []
    assert os.stat(str(tmp_path)).st_mtime_ns == before


@needs_root
def test_a_read_only_mount_is_read_only(tmp_path: t.Any, mounter: t.Any) -> None:
    folder = mounter.tmpfs(str(tmp_path / "m"))
    path = write(os.path.join(folder, "file"))
    assert not is_read_only(path)
    mounter.mount(folder, "-o", "remount,bind,ro")
    mounter.points.pop()
    assert is_read_only(path)
    assert is_read_only(folder)
    assert is_read_only(os.path.join(folder, "not", "there"))
    with pytest.raises(ReadOnlyError, match="read-only"):
        write_durably(path, b"new")
    with pytest.raises(ReadOnlyError):
        replace_link(path, "target")
    with pytest.raises(ReadOnlyError) as caught:
        move(path, str(tmp_path / "out"))
    assert caught.value.details == {"path": path}
    assert names(tmp_path) == ["m"]
    assert names(folder) == ["file"]


def test_other_errors_stay_what_they_are(tmp_path: t.Any) -> None:
    with pytest.raises(FileNotFoundError), clear_errors(str(tmp_path)):
        os.stat(str(tmp_path / "missing"))
    with pytest.raises(FileNotFoundError):
        replace_link(str(tmp_path / "missing" / "python3"), "x")
    with pytest.raises(FileNotFoundError):
        move(str(tmp_path / "missing"), str(tmp_path / "target"))
