# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies at the paths themselves is tried in _repair/test_steps.py, with every step."""

import os
import subprocess
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import ReadOnlyError
from ansible_collections.fleet.system_python.plugins.module_utils._disk import obstacles
from ansible_collections.fleet.system_python.plugins.module_utils._disk.obstacles import Changes, require_changeable
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.file_trees import make_tree, write


def test_nothing_is_in_the_way_of_what_does_not_exist(tmp_path: t.Any) -> None:
    path = str(tmp_path / "not" / "there")
    require_changeable(Changes({path}, {path}, {path}))


def test_what_is_deep_in_a_tree_keeps_it_from_moving(tmp_path: t.Any) -> None:
    top = make_tree(tmp_path / "top")
    deep = os.path.join(top, "lib", "deep", "x")
    if subprocess.run(["chattr", "+i", write(deep)], stderr=subprocess.DEVNULL, check=False).returncode:
        pytest.skip("this file system has no immutable files")
    try:
        require_changeable(Changes(replaced={top}, touched={top}))
        with pytest.raises(ReadOnlyError, match=r"deep/x \(immutable\)"):
            require_changeable(Changes(moved={top}))
    finally:
        subprocess.run(["chattr", "-i", deep], check=True)


def test_a_mounted_file_system_has_metadata_of_its_own(tmp_path: t.Any, mounter: t.Any) -> None:
    point = mounter.tmpfs(str(tmp_path / "usr"))
    require_changeable(Changes(replaced={point + "/python3"}, touched={point}))
    with pytest.raises(ReadOnlyError, match="something is mounted over it") as caught:
        require_changeable(Changes(replaced={point}, moved={str(tmp_path)}))
    assert (caught.value.details["paths"], caught.value.details["reasons"]) == (
        [point],
        ["something is mounted over it"],
    )


@pytest.mark.parametrize("what", ["replaced", "touched", "moved"])
def test_a_file_system_that_is_read_only_is_named(tmp_path: t.Any, mounter: t.Any, what: str) -> None:
    point = mounter.tmpfs(str(tmp_path / "usr"))
    subprocess.run(["mount", "-o", "remount,ro", point], check=True)
    with pytest.raises(ReadOnlyError, match=r"usr is on a file system that is mounted read-only"):
        require_changeable(Changes(**{what: {point + "/bin/python3"}}))


def test_a_host_that_does_not_say_what_is_mounted_is_refused(tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> t.List[str]:
        raise FileNotFoundError(2, "No such file or directory", "/proc/self/mountinfo")

    monkeypatch.setattr(obstacles, "read_mounts", gone)
    with pytest.raises(ReadOnlyError, match="Mount /proc"):
        require_changeable(Changes({str(tmp_path / "x")}))


def test_what_lies_in_the_place_of_a_folder_is_named(tmp_path: t.Any) -> None:
    os.mkfifo(str(tmp_path / "json"))
    with pytest.raises(ReadOnlyError, match=r"json \(a folder is needed in its place: move it away\)"):
        require_changeable(Changes(replaced={str(tmp_path / "json/decoder.py")}))
