# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What decides that a host's system is not changed where it runs, and what is said then."""

import os
import subprocess
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._disk import host_mode as modes
from ansible_collections.fleet.system_python.plugins.module_utils._disk import obstacles
from ansible_collections.fleet.system_python.plugins.module_utils._disk.host_mode import (
    IMAGE,
    PACKAGES,
    TRANSACTIONAL,
    HostMode,
    ImmutableHostError,
    host_mode,
    mode_of,
    refusal,
    require_mutable,
)
from ansible_collections.fleet.system_python.plugins.module_utils._disk.obstacles import Changes, require_changeable
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.file_trees import write

BOTH = HostMode(IMAGE, ["bootc", "rpm-ostree"])
SNAPSHOTS = HostMode(TRANSACTIONAL, ["transactional-update"])


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], HostMode(PACKAGES)),
        (["read-only"], HostMode(PACKAGES)),
        (["ostree"], HostMode(IMAGE, [])),
        (["ostree", "rpm-ostree", "bootc", "read-only"], BOTH),
        (["bootc", "read-only"], HostMode(IMAGE, ["bootc"])),
        # Packages for the build of an image; a host that is none.
        (["bootc", "rpm-ostree"], HostMode(PACKAGES)),
        (["transactional-update", "read-only"], SNAPSHOTS),
        # A SUSE host with a writable system has the program, too.
        (["transactional-update"], HostMode(PACKAGES)),
    ],
)
def test_the_mode_follows_from_what_is_there(found: t.List[str], expected: HostMode) -> None:
    assert mode_of(found) == expected


def test_this_host_is_looked_at(tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = write(str(tmp_path / "rpm-ostree"))
    monkeypatch.setattr(modes, "TOOLS", [tool, str(tmp_path / "bootc")])
    monkeypatch.setattr(modes, "OSTREE_BOOTED", str(tmp_path / "booted"))
    assert host_mode() == HostMode(PACKAGES)
    os.chmod(tool, 0o700)
    write(str(tmp_path / "booted"))
    assert host_mode() == HostMode(IMAGE, ["rpm-ostree"])


def test_of_an_image_everything_below_usr_is_fixed_and_what_links_lead_out_of_it_is_not(
    tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    usr = tmp_path / "usr"
    (tmp_path / "var").mkdir()
    usr.mkdir()
    (usr / "local").symlink_to(tmp_path / "var")
    monkeypatch.setattr(modes, "SYSTEM", str(usr))
    assert BOTH.is_fixed(str(usr / "bin/python3"))
    assert not BOTH.is_fixed(str(usr / "local/bin/python3"))
    assert not HostMode(PACKAGES).is_fixed(str(usr / "bin/python3"))


def test_of_snapshots_only_what_is_read_only_is_fixed(tmp_path: t.Any, mounter: t.Any) -> None:
    point = mounter.tmpfs(str(tmp_path / "usr"))
    subprocess.run(["mount", "-o", "remount,ro", point], check=True)
    with pytest.raises(ImmutableHostError) as caught:
        require_mutable([str(tmp_path / "etc"), point + "/bin/python3"], ["python3-base=3.6.15-1"], SNAPSHOTS)
    details = caught.value.details
    assert details["paths"] == [point + "/bin/python3"]
    assert details["commands"] == [
        "transactional-update --non-interactive --no-selfupdate pkg install --force --oldpackage python3-base=3.6.15-1"
    ]
    require_mutable([str(tmp_path / "etc")], mode=SNAPSHOTS)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (BOTH, ["bootc upgrade", "bootc rollback", "rpm-ostree reset"]),
        (HostMode(IMAGE, ["bootc"]), ["bootc upgrade", "bootc rollback"]),
        (
            HostMode(IMAGE, ["rpm-ostree"]),
            ["rpm-ostree upgrade", "rpm-ostree rollback", "rpm-ostree reset"],
        ),
        (HostMode(IMAGE), ["ostree admin upgrade"]),
        (SNAPSHOTS, ["transactional-update shell", "transactional-update rollback"]),
    ],
)
def test_the_error_says_the_right_way_and_never_to_mount(mode: HostMode, expected: t.List[str]) -> None:
    error = refusal(mode, ["/usr/bin/python3"])
    assert error.details["commands"] == expected
    assert all(command in error.message for command in expected)
    assert "/usr/bin/python3" in error.message
    assert "mount" not in error.message
    assert (error.kind, error.changed_nothing) == ("immutable_host", True)


def test_who_changes_paths_is_told_before_anything_else(tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modes, "host_mode", lambda: BOTH)
    monkeypatch.setattr(modes, "SYSTEM", str(tmp_path))
    monkeypatch.setattr(obstacles, "is_read_only", lambda _path: True)
    with pytest.raises(ImmutableHostError, match="image_check"):
        require_changeable(Changes(replaced={str(tmp_path / "bin/python3")}))
