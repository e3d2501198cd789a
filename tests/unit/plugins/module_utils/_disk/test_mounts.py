# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the table of mounts."""

import os
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._disk.mounts import (
    Mount,
    is_network,
    mount_points_in,
    read_mounts,
)


def test_mount_points(tmp_path: t.Any) -> None:
    table = tmp_path / "mountinfo"
    folder = os.path.realpath(str(tmp_path))
    points = (folder + "/a\\040b", folder + "/a\\040b/c", "/")
    table.write_text("".join("1 2 0:1 / {0} rw - tmpfs x rw\n".format(point) for point in points))
    assert mount_points_in(folder + "/a b", str(table)) == [folder + "/a b", folder + "/a b/c"]
    assert mount_points_in(folder + "/a", str(table)) == []
    assert mount_points_in("/nowhere/at/all") == []


def test_a_table_has_points_with_odd_names_and_kinds(tmp_path: t.Any) -> None:
    table = tmp_path / "mountinfo"
    table.write_bytes(
        b"36 35 98:0 / /mnt rw,noatime master:1 shared:7 - ext3 /dev/root rw,errors=continue\n"
        b"37 35 0:44 / /data/the\\040homes\\134\\377 rw - nfs4 server:/h rw\n"
    )
    assert read_mounts(str(table)) == [
        Mount("/mnt", "ext3", "98:0"),
        Mount("/data/the homes\\\udcff", "nfs4", "0:44"),
    ]
    assert any(mount.point == "/" for mount in read_mounts())
    with pytest.raises(OSError, match="No such file"):
        read_mounts(str(tmp_path / "missing"))


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "autofs", "ceph", "fuse.sshfs"])
def test_file_systems_on_a_network(kind: str) -> None:
    assert is_network(kind)


@pytest.mark.parametrize("kind", ["xfs", "btrfs", "tmpfs", "overlay", "fuseblk", "fuse.ext4", "fuse.ntfs-3g", "nfsd"])
def test_local_file_systems(kind: str) -> None:
    assert not is_network(kind)
