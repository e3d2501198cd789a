# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of copies, moves and deletions of whole trees, on real file systems and with real kills."""

import errno
import os
import socket
import stat
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import DiskFullError
from ansible_collections.fleet.system_python.plugins.module_utils._disk import kernel, trees
from ansible_collections.fleet.system_python.plugins.module_utils._disk.atomic import remove_leftovers
from ansible_collections.fleet.system_python.plugins.module_utils._disk.trees import (
    CopyError,
    Placed,
    copy,
    differences,
    remove_all_copied,
    remove_any,
    remove_copied,
)
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.file_trees import (
    make_tree,
    move,
    names,
    tree,
    write,
)

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount file systems and make devices")


@needs_root
def test_a_disk_that_fills_up_during_the_copy(tmp_path: t.Any, mounter: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = mounter.tmpfs(str(tmp_path / "small"), "64k")
    big = write(tmp_path / "big", b"b" * 1000000)
    monkeypatch.setattr(trees, "ensure_room", lambda *_sizes: None)
    with pytest.raises(DiskFullError, match="more room needed"):
        move(big, os.path.join(folder, "big"))
    assert names(folder) == []
    assert os.path.getsize(big) == 1000000


def test_a_move_in_one_file_system_is_a_rename(tmp_path: t.Any) -> None:
    source = make_tree(tmp_path / "source")
    before, inode = tree(source), os.stat(source).st_ino
    assert move(source, str(tmp_path / "target")) == Placed(False, ())
    assert tree(str(tmp_path / "target")) == before
    assert os.stat(str(tmp_path / "target")).st_ino == inode
    assert names(tmp_path) == ["target"]


@pytest.mark.parametrize("library", [True, False])
def test_a_move_never_overwrites(tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch, library: bool) -> None:
    if not library:
        monkeypatch.setattr(kernel, "_LIBC", None)
    write(tmp_path / "source", b"source")
    write(tmp_path / "target", b"target")
    with pytest.raises(OSError, match="exists"):
        move(str(tmp_path / "source"), str(tmp_path / "target"))
    assert (tmp_path / "target").read_bytes() == b"target"
    assert names(tmp_path) == ["source", "target"]


@needs_root
def test_a_move_between_file_systems_keeps_everything(tmp_path: t.Any, mounter: t.Any) -> None:
    other = mounter.tmpfs(str(tmp_path / "other"))
    source = make_tree(tmp_path / "source")
    before = tree(source)
    target = os.path.join(other, "target")
    assert move(source, target).copied
    assert tree(target) == before
    assert os.stat(target + "/lib/one.py").st_ino == os.stat(target + "/lib/twin.py").st_ino
    assert names(tmp_path) == ["other"]
    assert names(other) == ["target"]


@needs_root
def test_single_files_of_every_kind_move_between_file_systems(tmp_path: t.Any, mounter: t.Any) -> None:
    other = mounter.tmpfs(str(tmp_path / "other"))
    folder = tmp_path / "folder"
    folder.mkdir()
    write(folder / "file", b"\0" * (3 << 20) + b"end")
    os.symlink("x y\n", str(folder / "link"))
    os.mkfifo(str(folder / "fifo"))
    os.mknod(str(folder / "device"), stat.S_IFBLK | 0o600, os.makedev(7, 99))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
    for name in names(folder):
        before = tree(str(folder / name))
        assert move(str(folder / name), os.path.join(other, name)).copied
        assert tree(os.path.join(other, name)) == before
    assert names(folder) == []
    assert names(other) == ["device", "fifo", "file", "link", "socket"]
    assert os.stat(os.path.join(other, "file")).st_blocks * 512 < 1 << 20, "the hole was filled"


@needs_root
def test_extended_attributes_are_kept(tmp_path: t.Any, mounter: t.Any) -> None:
    other = mounter.tmpfs(str(tmp_path / "other"))
    source = write(tmp_path / "source")
    # cap_net_bind_service+ep as the kernel stores it.
    capability = bytes.fromhex("0100000200040000000000000000000000000000")
    try:
        os.setxattr(source, "security.capability", capability)
        os.setxattr(source, "trusted.note", b"kept")
    except OSError as error:
        pytest.skip("this file system has no such attributes: {0}".format(error))
    target = os.path.join(other, "target")
    assert move(source, target).not_kept == ()
    assert os.getxattr(target, "security.capability") == capability
    assert os.getxattr(target, "trusted.note") == b"kept"


@needs_root
def test_attributes_that_the_other_file_system_cannot_hold_are_told(tmp_path: t.Any, mounter: t.Any) -> None:
    other = mounter.mount(str(tmp_path / "other"), "-t", "ramfs", "ramfs")
    source = write(tmp_path / "source")
    try:
        os.setxattr(source, "user.note", b"lost")
    except OSError as error:
        pytest.skip("this file system has no such attributes: {0}".format(error))
    not_kept = copy(source, os.path.join(other, "target"))
    assert len(not_kept) == 1
    assert not_kept[0].startswith("user.note of " + source)


def test_metadata_errors_that_mean_damage_are_raised() -> None:
    noted: t.List[str] = []
    with trees._noting(noted, "owner", "/x"):
        raise OSError(errno.EPERM, "no")
    assert noted == ["owner of /x: no"]
    with pytest.raises(OSError, match="disk"), trees._noting(noted, "owner", "/x"):
        raise OSError(errno.EIO, "disk")


def test_kept_evidence_does_not_change_with_the_original(tmp_path: t.Any) -> None:
    source = write(tmp_path / "source", b"evidence")
    copy(source, str(tmp_path / "kept"))
    with open(source, "r+b") as stream:
        stream.write(b"EVIDENCE")
    assert (tmp_path / "kept").read_bytes() == b"evidence"
    assert names(tmp_path) == ["kept", "source"]


def test_a_copy_of_something_that_changes_is_refused(tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_tree(tmp_path / "source")
    flush = trees._flush

    def meddle(target: str) -> None:
        flush(target)
        write(os.path.join(source, "lib", "new.py"))

    monkeypatch.setattr(trees, "_flush", meddle)
    with pytest.raises(CopyError, match=r"lib"):
        copy(source, str(tmp_path / "kept"))
    assert names(tmp_path) == ["source"]


def test_differences(tmp_path: t.Any) -> None:
    source = make_tree(tmp_path / "source")
    target = str(tmp_path / "target")
    copy(source, target)
    assert differences(source, target) == []
    write(os.path.join(target, "added"))
    write(os.path.join(target, "lib", "deep", "added"))
    os.unlink(os.path.join(target, "lib", "link"))
    os.chmod(os.path.join(target, "empty"), 0o700)
    os.unlink(os.path.join(target, "dangling"))
    os.symlink("elsewhere", os.path.join(target, "dangling"))
    assert sorted(differences(source, target)) == [
        os.path.join(source, "dangling"),
        os.path.join(source, "empty"),
        os.path.join(source, "lib", "link"),
        os.path.join(target, "added"),
        os.path.join(target, "lib", "deep", "added"),
    ]


def test_what_changed_after_the_copy_is_not_deleted(tmp_path: t.Any) -> None:
    source = make_tree(tmp_path / "source")
    target = str(tmp_path / "target")
    copy(source, target)
    write(os.path.join(source, "lib", "new.py"), b"new")
    write(os.path.join(source, "lib", "deep", "late"), b"late")
    os.mkdir(os.path.join(source, "lib", "folder"))
    stayed = [os.path.relpath(path, source) for path in remove_copied(source, target)]
    assert stayed == [".", "lib", "lib/deep", "lib/deep/late", "lib/folder", "lib/new.py"]
    with pytest.raises(CopyError, match="not deleted"):
        remove_all_copied(source, target)
    assert remove_copied(str(tmp_path / "nothing"), target) == []


@needs_root
@pytest.mark.parametrize("kind", ["file", "tree"])
def test_killed_moves_between_file_systems(
    tmp_path: t.Any, mounter: t.Any, kind: str, killed_at_every_step: t.Any
) -> None:
    other = mounter.tmpfs(str(tmp_path / "other"))
    source, target = str(tmp_path / "source"), os.path.join(other, "target")

    def prepare() -> t.Dict[str, t.Any]:
        remove_any(source)
        remove_any(target)
        if kind == "file":
            write(source, b"data")
        else:
            make_tree(source)
        return tree(source)

    def work(_prepared: t.Any, checkpoint: t.Callable[[str], None]) -> None:
        move(source, target, checkpoint)

    seen = []
    for step, before in killed_at_every_step(prepare, work):
        seen.append(step)
        remove_leftovers([other, str(tmp_path)])
        if os.path.lexists(target):
            assert tree(target) == before
            assert remove_copied(source, target) == []
            assert not os.path.lexists(source)
        else:
            assert tree(source) == before
        assert len(names(other)) + len(names(tmp_path)) == 2
    assert seen == ["copied", "copy in place", "source removed", None]


@needs_root
def test_a_move_that_died_in_the_middle_of_the_deletion_is_finished(tmp_path: t.Any, mounter: t.Any) -> None:
    other = mounter.tmpfs(str(tmp_path / "other"))
    source, target = make_tree(tmp_path / "source"), os.path.join(other, "target")
    before = tree(source)
    copy(source, target)
    os.unlink(os.path.join(source, "lib", "one.py"))
    os.rmdir(os.path.join(source, "empty"))
    assert remove_copied(source, target) == []
    assert not os.path.lexists(source)
    assert tree(target) == before


@needs_root
def test_a_mount_is_never_moved(tmp_path: t.Any, mounter: t.Any) -> None:
    source = tmp_path / "source"
    inside = mounter.tmpfs(str(source / "a" / "b"))
    precious = write(os.path.join(inside, "precious"))
    for path in (str(source), inside):
        with pytest.raises(CopyError, match="mounted at") as caught:
            move(path, str(tmp_path / "target"))
        assert caught.value.details["mounted"] == [os.path.realpath(inside)]
    with pytest.raises(CopyError):
        remove_any(str(source))
    assert os.path.exists(precious)
