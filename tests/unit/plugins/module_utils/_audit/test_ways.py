# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import os
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit import ways
from ansible_collections.fleet.system_python.plugins.module_utils._audit.records import FileFacts, WayPart
from ansible_collections.fleet.system_python.plugins.module_utils._audit.ways import parts_of_ways, with_records
from ansible_collections.fleet.system_python.plugins.module_utils._disk.root import HOST
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.packages import RpmFile

Folder = t.Any
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root owns what nobody else may change")


@pytest.fixture
def tree(tmp_path: Folder, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.setattr(ways, "_CODE", (str(tmp_path) + "/",))
    monkeypatch.setattr(ways, "VOUCHER", str(tmp_path / "rpm"))
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "rpm").write_text("")
    (tmp_path / "rpm").chmod(0o755)
    (tmp_path / "link").symlink_to("usr/bin")
    for folder in (tmp_path, tmp_path / "usr", tmp_path / "usr/bin"):
        folder.chmod(0o755)
    return tmp_path


def troubles(tree: Folder, *paths: str) -> t.Dict[str, str]:
    found = parts_of_ways([str(tree / path) for path in paths], HOST)
    top = str(tree)
    return {part["path"][len(top) + 1 :]: part["trouble"] for part in found if part["path"].startswith(top)}


@needs_root
def test_what_is_closed_to_changes_and_open_to_all_is_well(tree: Folder) -> None:
    assert troubles(tree, "usr/bin/python3.9", "link/python3.9", "usr/gone/python3.9") == {}


@needs_root
@pytest.mark.parametrize(
    ("mode", "owner", "trouble"),
    [
        (0o777, 0, "open"),
        (0o1777, 0, "open"),
        # An access control list shows there, too.
        (0o775, 0, "open"),
        (0o755, 1000, "open"),
        (0o700, 1000, "open"),
        (0o700, 0, "closed"),
        (0o711, 0, "closed"),
        (0o750, 0, "closed"),
        (0o2755, 0, None),
        (0o555, 0, None),
    ],
)
def test_each_folder_above_counts(tree: Folder, mode: int, owner: int, trouble: t.Optional[str]) -> None:
    os.chown(str(tree / "usr"), owner, 0)
    (tree / "usr").chmod(mode)
    expected = {"usr": trouble} if trouble else {}
    assert troubles(tree, "usr/bin/python3.9", "usr/bin/pydoc3") == expected
    assert troubles(tree, "link/python3.9") == expected
    # rpm verifies it with the packages.
    assert troubles(tree, "usr/bin/python3.9", "usr") == {}


@needs_root
@pytest.mark.parametrize(("mode", "expected"), [(0o777, {"rpm": "open"}), (0o700, {})])
def test_what_vouches_for_all_counts_where_others_may_change_it(
    tree: Folder, mode: int, expected: t.Dict[str, str]
) -> None:
    (tree / "rpm").chmod(mode)
    assert troubles(tree) == expected


class Recorded:
    """The packages' files, of which one has the way."""

    def __init__(self, mode: int, path: str = "/usr/bin") -> None:
        record = RpmFile(path, 0, 0o40000 | mode, 0, "", "root", "root", "", 0, "normal", "", 1)
        self.records = {path: ("filesystem", record)}

    def shipped_by(self, path: str) -> t.Optional[str]:
        return self.records[path][0] if path in self.records else None


def part(path: str, trouble: str, mode: str, uid: int = 0) -> WayPart:
    return WayPart(path=path, trouble=trouble, package=None, expected=None, actual=FileFacts(mode=mode, uid=uid, gid=0))


@pytest.mark.parametrize(
    ("seen", "recorded", "expected"),
    [
        (part("/usr/bin", "open", "0777"), 0o555, FileFacts(mode="0555", owner="root", group="root")),
        # Its vendor shipped it so.
        (part("/usr/bin", "open", "0775"), 0o775, None),
        (part("/usr/bin", "closed", "0700"), 0o700, None),
        (part("/usr/bin", "open", "0775", uid=1000), 0o775, FileFacts(mode="0775", owner="root", group="root")),
        # No package recorded it.
        (part("/usr/lib64", "open", "0777"), 0o555, FileFacts(mode="0755", owner="root", group="root")),
        (part("/usr/lib64", "closed", "0700"), 0o555, FileFacts(mode="0755", owner="root", group="root")),
    ],
)
def test_how_it_should_be(seen: WayPart, recorded: int, expected: t.Optional[FileFacts]) -> None:
    found = with_records([seen], t.cast(t.Any, Recorded(recorded)))
    assert [one["expected"] for one in found] == ([expected] if expected else [])


def test_what_nobody_recorded_is_reported_where_others_may_change_it() -> None:
    seen = [part("/usr/own", "open", "0777"), part("/usr/other", "closed", "0700")]
    (found,) = with_records(seen, t.cast(t.Any, Recorded(0o755)))
    assert (found["path"], found["expected"]) == ("/usr/own", None)
