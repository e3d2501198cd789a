# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real images of disks with real file systems, on loop devices. Logical volumes are told by what lvm2 would print."""

import os
import struct
import subprocess
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.command import Completed
from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import (
    InvalidDataError,
    SystemPythonError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._image.attached import mount_root, unmount_root
from ansible_collections.fleet.system_python.plugins.module_utils._image.block_devices import (
    DiskError,
    Volume,
    activate,
)
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.rpm_packages import run, skip_unless

MIB = 1 << 20
ROOT_UUID, VAR_UUID = "11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-000000000000"
ROOT = {"etc/os-release": "ID=rhel\n", "etc/fstab": "# fstab\n", "usr/bin/x": "x", "var/empty": ""}


class Part(t.NamedTuple):
    """A partition of 8 MiB with ext4 and some files."""

    uuid: str
    files: t.Mapping[str, str]
    label: str = ""


def disk(folder: t.Any, *parts: Part) -> str:
    """Return an image with these partitions, by a table of the old kind."""
    path = str(folder / "disk.img")
    table = b""
    with open(path, "wb") as stream:
        stream.truncate((1 + 8 * len(parts)) * MIB)
    for number, part in enumerate(parts):
        start = (1 + 8 * number) * MIB
        tree = folder / "tree{0}".format(number)
        for name, text in part.files.items():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_text(text)
        options = ["-U", part.uuid, "-d", str(tree), "-E", "offset={0}".format(start)]
        options += ["-L", part.label] if part.label else []
        run("mkfs.ext4", "-q", "-F", *options, path, "8M")
        table += struct.pack("<B3sB3sII", 0, b"\0\0\0", 0x83, b"\0\0\0", start // 512, 8 * MIB // 512)
    with open(path, "r+b") as stream:
        stream.seek(446)
        stream.write(table.ljust(64, b"\0") + b"\x55\xaa")
    return path


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: t.Any) -> t.Iterator[None]:
    """Skip where there are no loop devices, and see that nothing stays, whatever happens."""
    skip_unless("losetup", "mkfs.ext4", "lsblk", "blkid", "partx", "debugfs", root=True)
    if subprocess.call(["losetup", "--find"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        pytest.skip("this machine has no loop devices")
    yield
    assert str(tmp_path) not in run("losetup", "--list", "--noheadings", "--output", "BACK-FILE")
    with open("/proc/self/mountinfo") as stream:
        assert str(tmp_path) not in stream.read()
    assert [name for name in os.listdir(str(tmp_path)) if name.startswith("fleet-system-python")] == []


def with_fstab(*lines: str) -> t.Dict[str, str]:
    return dict(ROOT, **{"etc/fstab": "\n".join(lines) + "\n"})


def test_a_root_with_a_volume_of_its_own_is_mounted_and_put_away(tmp_path: t.Any) -> None:
    fstab = with_fstab(
        "UUID=" + ROOT_UUID + " / ext4 defaults 0 1",
        "UUID=" + VAR_UUID + " /var/lib ext4 defaults 0 2",
        "/dev/sda9 /home ext4 defaults 0 2",
        "tmpfs /var/tmp tmpfs defaults 0 0",
    )
    fstab["var/lib/.keep"] = ""
    image = disk(
        tmp_path,
        Part("00000000-0000-0000-0000-000000000001", {"grub": "x"}),
        Part(ROOT_UUID, fstab),
        Part(VAR_UUID, {"rpm/database": "of rpm"}),
    )
    mounted = mount_root([image], parent=str(tmp_path))
    root = mounted["root"]
    assert [line.partition(" ")[2] for line in mounted["mounts"]] == ["at /", "at /var/lib"]
    with open("/proc/self/mountinfo") as stream:
        options = [line.split()[5] for line in stream if root in line]
    assert all({"rw", "nodev", "nosuid", "noexec"} <= set(one.split(",")) for one in options), options
    with open(root + "/var/lib/rpm/database") as stream:
        assert stream.read() == "of rpm"
    with pytest.raises(DiskError, match="is attached to /dev/loop"):
        mount_root([image], parent=str(tmp_path))
    with open(root + "/usr/bin/x", "w") as stream:
        stream.write("repaired")
    assert unmount_root(root, check_mode=True)
    assert unmount_root(root)
    assert not unmount_root(root)
    again = mount_root([image], parent=str(tmp_path))["root"]
    with open(again + "/usr/bin/x") as stream:
        assert stream.read() == "repaired"
    assert unmount_root(again)


def test_a_disk_in_use_is_left_alone(tmp_path: t.Any) -> None:
    image = disk(tmp_path, Part(ROOT_UUID, ROOT))
    loop = run("losetup", "--find", "--show", "--partscan", image).strip()
    run("partx", "--update", loop)
    try:
        root = mount_root([loop], parent=str(tmp_path))["root"]
        with pytest.raises(DiskError, match="is mounted at " + root):
            mount_root([loop], parent=str(tmp_path))
        busy = os.open(root, os.O_RDONLY)
        try:
            with pytest.raises(SystemPythonError, match="cannot be unmounted"):
                unmount_root(root)
        finally:
            os.close(busy)
        assert unmount_root(root)
    finally:
        run("losetup", "--detach", loop)


def test_a_journal_that_has_to_be_replayed_is_refused_and_left(tmp_path: t.Any) -> None:
    image = disk(tmp_path, Part(ROOT_UUID, ROOT))
    run("debugfs", "-w", "-R", "feature needs_recovery", image + "?offset={0}".format(MIB))
    with open(image, "rb") as stream:
        before = stream.read()
    with pytest.raises(DiskError, match=r"no root on these disks.*journal has to be replayed"):
        mount_root([image], parent=str(tmp_path))
    with open(image, "rb") as stream:
        assert stream.read() == before


def test_of_several_roots_one_has_to_be_named(tmp_path: t.Any) -> None:
    image = disk(tmp_path, Part(ROOT_UUID, ROOT, "old"), Part(VAR_UUID, ROOT, "new"))
    for wanted, message in (("", "more than one root"), ("other", "no root on these disks that is called other")):
        with pytest.raises(DiskError, match=message):
            mount_root([image], wanted, str(tmp_path))
    for wanted in ("new", VAR_UUID):
        mounted = mount_root([image], wanted, str(tmp_path))
        assert mounted["mounts"][0].endswith("p2 at /")
        unmount_root(mounted["root"])


@pytest.mark.parametrize("name", ["UUID=" + VAR_UUID, "/dev/sda2", "/dev/vg/var", "LABEL=var"])
def test_a_volume_that_is_not_there_is_named(tmp_path: t.Any, name: str) -> None:
    image = disk(tmp_path, Part(ROOT_UUID, with_fstab(name + " /usr ext4 defaults 0 0")))
    with pytest.raises(DiskError, match="/usr lies on " + name):
        mount_root([image], parent=str(tmp_path))


def test_what_is_no_disk(tmp_path: t.Any) -> None:
    for path, message in ((str(tmp_path), "no disk and no image"), (str(tmp_path / "gone"), "cannot be looked at")):
        with pytest.raises(InvalidDataError, match=message):
            mount_root([path], parent=str(tmp_path))
    with pytest.raises(InvalidDataError, match="not mounted by this collection"):
        unmount_root(str(tmp_path))


def volume(device: str, kind: str = "ext4", **names: str) -> Volume:
    return Volume(device, kind, names, "", False)


def test_names_that_stay_the_same() -> None:
    one = volume("/dev/mapper/vg--a-var", UUID="u", LABEL="l", PARTUUID="p")
    for name in ("UUID=u", 'LABEL="l"', "PARTUUID=p", "/dev/vg-a/var", "/dev/mapper/vg--a-var", "/dev/disk/by-uuid/u"):
        assert one.is_called(name), name
    for name in ("UUID=x", "PARTLABEL=l", "/dev/vg/var", "/dev/sda2", "/dev/disk/by-path/u", "u"):
        assert not one.is_called(name), name
    assert not volume("/dev/sda2").is_called("/dev/sda2")
    assert one.is_wanted("u")


def test_volume_groups_are_made_active_and_only_those_are_noted() -> None:
    asked: t.List[str] = []

    def lvm(argv: t.Sequence[str], **_options: t.Any) -> Completed:
        asked.append(" ".join(argv))
        said = {"pvs": "  vg\n  other\n", "vgs": "  vg\n  other\n  own\n", "lvs": ""}
        out = "  active\n" if argv[-1] == "other" else said.get(argv[0], "")
        return Completed(tuple(argv), 0, out, "", False)

    members = [volume("/dev/sdb1", "LVM2_member"), volume("/dev/sdb2")]
    assert list(activate(members, lvm)) == ["vg"]
    assert "vgchange --activate y vg" in asked
    assert list(activate(members[1:], lvm)) == []

    def twice(argv: t.Sequence[str], **_options: t.Any) -> Completed:
        return Completed(tuple(argv), 0, "  vg\n" * (2 if argv[0] == "vgs" else 1), "", False)

    with pytest.raises(DiskError, match="another volume group called vg"):
        list(activate(members, twice))
