# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the durable file operations, on real file systems and with real kills."""

import ctypes
import errno
import os
import socket
import stat
import threading
import time
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils import _files
from ansible_collections.fleet.system_python.plugins.module_utils._errors import DiskFullError, ReadOnlyError
from ansible_collections.fleet.system_python.plugins.module_utils._files import CopyError

ROOT = os.geteuid() == 0
ODD_MODE = 0o4751
needs_root = pytest.mark.skipif(not ROOT, reason="only root can mount file systems and make devices")


def names(folder: t.Any) -> t.List[str]:
    return sorted(os.listdir(str(folder)))


def write(path: t.Any, data: bytes = b"x") -> str:
    with open(str(path), "wb") as stream:
        stream.write(data)
    return str(path)


def tree(path: str) -> t.Dict[str, t.Tuple[t.Any, ...]]:
    """All that matters of a tree, as plain data."""
    found = {}
    for entry, relative in _files._walk(path):
        status = os.lstat(entry)
        content: t.Any = None
        if stat.S_ISREG(status.st_mode):
            with open(entry, "rb") as stream:
                content = stream.read()
        elif stat.S_ISLNK(status.st_mode):
            content = os.readlink(entry)
        times = None if stat.S_ISLNK(status.st_mode) else status.st_mtime_ns
        found[relative] = (status.st_mode, status.st_uid, status.st_gid, status.st_rdev, times, content)
    return found


def make_tree(path: t.Any) -> str:
    top = str(path)
    os.makedirs(os.path.join(top, "lib", "deep"))
    write(os.path.join(top, "lib", "one.py"), b"one\n" * 1000)
    os.link(os.path.join(top, "lib", "one.py"), os.path.join(top, "lib", "twin.py"))
    write(os.path.join(top, "lib", "deep", os.fsdecode(b"odd\n\xff name")), b"odd")
    os.symlink("one.py", os.path.join(top, "lib", "link"))
    os.symlink("nowhere", os.path.join(top, "dangling"))
    os.mkfifo(os.path.join(top, "fifo"), 0o640)
    os.chmod(os.path.join(top, "lib", "one.py"), ODD_MODE)
    os.mkdir(os.path.join(top, "empty"), 0o711)
    if ROOT:
        os.mknod(os.path.join(top, "null"), stat.S_IFCHR | 0o666, os.makedev(1, 3))
        os.chown(os.path.join(top, "lib", "one.py"), 12, 34)
        os.chmod(os.path.join(top, "lib", "one.py"), ODD_MODE)
        os.chown(os.path.join(top, "lib", "link"), 12, 34, follow_symlinks=False)
    for entry, _relative in list(_files._walk(top)):
        os.utime(entry, ns=(10**18, 10**18 + 7), follow_symlinks=False)
    return top


# --- looking


def test_sha256_reads_a_regular_file_only(tmp_path: t.Any) -> None:
    path = write(tmp_path / "a", b"abc")
    assert _files.sha256_of(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    os.symlink(path, str(tmp_path / "link"))
    os.mkfifo(str(tmp_path / "fifo"))
    with pytest.raises(OSError, match="ymbolic") as link_error:
        _files.sha256_of(str(tmp_path / "link"))
    assert link_error.value.errno == errno.ELOOP
    with pytest.raises(OSError, match="not a regular file"):
        _files.sha256_of(str(tmp_path / "fifo"))
    with pytest.raises(OSError, match="not a regular file"):
        _files.sha256_of(str(tmp_path))


def test_kinds(tmp_path: t.Any) -> None:
    write(tmp_path / "f")
    os.symlink("f", str(tmp_path / "l"))
    os.mkfifo(str(tmp_path / "p"))
    found = {name: _files.kind_of(os.lstat(str(tmp_path / name)).st_mode) for name in names(tmp_path)}
    assert found == {"f": "file", "l": "link", "p": "fifo"}
    assert _files.kind_of(os.stat("/dev/null").st_mode) == "character device"
    assert _files.kind_of(os.stat("/").st_mode) == "directory"
    assert _files.kind_of(0) == "unknown"


def test_size_counts_hard_links_once(tmp_path: t.Any) -> None:
    write(tmp_path / "a", b"x" * 5000)
    before = _files.size_of(str(tmp_path))
    os.link(str(tmp_path / "a"), str(tmp_path / "b"))
    assert _files.size_of(str(tmp_path)) == before
    assert _files.size_of(str(tmp_path / "a")) == 5000


def test_room_is_told_for_paths_that_do_not_exist_yet(tmp_path: t.Any) -> None:
    path = str(tmp_path / "not" / "yet")
    assert _files.free_bytes(path) > 0
    _files.ensure_room(path, 1)
    with pytest.raises(DiskFullError) as caught:
        _files.ensure_room(path, 1 << 60)
    assert caught.value.details["needed"] == 1 << 60
    assert caught.value.details["path"] == path
    assert 0 < caught.value.details["available"] < 1 << 60


def test_a_writable_folder_is_not_read_only_and_the_question_leaves_no_trace(tmp_path: t.Any) -> None:
    before = os.stat(str(tmp_path)).st_mtime_ns
    assert not _files.is_read_only(str(tmp_path))
    assert not _files.is_read_only(str(tmp_path / "new"))
    assert names(tmp_path) == []
    assert os.stat(str(tmp_path)).st_mtime_ns == before


@needs_root
def test_a_read_only_mount_is_read_only(tmp_path: t.Any, mounter: t.Any) -> None:
    folder = mounter.tmpfs(str(tmp_path / "m"))
    path = write(os.path.join(folder, "file"))
    assert not _files.is_read_only(path)
    mounter.mount(folder, "-o", "remount,bind,ro")
    mounter.points.pop()
    assert _files.is_read_only(path)
    assert _files.is_read_only(folder)
    assert _files.is_read_only(os.path.join(folder, "not", "there"))
    with pytest.raises(ReadOnlyError, match="read-only"):
        _files.write_durably(path, b"new")
    with pytest.raises(ReadOnlyError):
        _files.replace_link(path, "target")
    with pytest.raises(ReadOnlyError) as caught:
        _files.move(path, str(tmp_path / "out"))
    assert caught.value.details == {"path": path}
    assert names(tmp_path) == ["m"]
    assert names(folder) == ["file"]


def test_mount_points(tmp_path: t.Any) -> None:
    table = tmp_path / "mountinfo"
    folder = os.path.realpath(str(tmp_path))
    points = (folder + "/a\\040b", folder + "/a\\040b/c", "/")
    table.write_text("".join("1 2 0:1 / {0} rw - tmpfs x rw\n".format(point) for point in points))
    assert _files.mount_points_in(folder + "/a b", str(table)) == [folder + "/a b", folder + "/a b/c"]
    assert _files.mount_points_in(folder + "/a", str(table)) == []
    assert _files.mount_points_in("/nowhere/at/all") == []


# --- writing


def test_write_durably_replaces_and_sets_the_mode(tmp_path: t.Any) -> None:
    path = str(tmp_path / "file")
    _files.write_durably(path, b"one" * 100000)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    _files.write_durably(path, b"two", mode=0o644)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o644
    with open(path, "rb") as stream:
        assert stream.read() == b"two"
    assert names(tmp_path) == ["file"]


def test_write_durably_does_not_follow_a_link(tmp_path: t.Any) -> None:
    victim = write(tmp_path / "victim", b"precious")
    os.symlink("victim", str(tmp_path / "file"))
    _files.write_durably(str(tmp_path / "file"), b"new")
    assert not os.path.islink(str(tmp_path / "file"))
    with open(victim, "rb") as stream:
        assert stream.read() == b"precious"


def test_killed_writes_leave_the_old_content(tmp_path: t.Any, killed_at_every_step: t.Any) -> None:
    path = str(tmp_path / "file")

    def work(prepared: str, checkpoint: t.Callable[[str], None]) -> None:
        _files.write_durably(prepared, b"new", checkpoint=checkpoint)

    seen = []
    for step, prepared in killed_at_every_step(lambda: write(path, b"old"), work):
        seen.append(step)
        with open(prepared, "rb") as stream:
            assert stream.read() == (b"new" if step is None else b"old")
        _files.remove_leftovers([str(tmp_path)])
        assert names(tmp_path) == ["file"]
    assert seen == ["written", None]


@needs_root
def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: t.Any, mounter: t.Any) -> None:
    folder = mounter.tmpfs(str(tmp_path / "small"), "64k")
    path = os.path.join(folder, "file")
    _files.write_durably(path, b"old")
    with pytest.raises(DiskFullError) as caught:
        _files.write_durably(path, b"n" * 1000000)
    assert caught.value.details["path"] == path
    assert caught.value.details["available"] < 64 * 1024
    assert names(folder) == ["file"]
    big = write(tmp_path / "big", b"b" * 1000000)
    with pytest.raises(DiskFullError) as caught:
        _files.move(big, os.path.join(folder, "big"))
    assert caught.value.details["needed"] == 1000000
    assert names(folder) == ["file"]
    assert os.path.getsize(big) == 1000000


@needs_root
def test_a_disk_that_fills_up_during_the_copy(tmp_path: t.Any, mounter: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = mounter.tmpfs(str(tmp_path / "small"), "64k")
    big = write(tmp_path / "big", b"b" * 1000000)
    monkeypatch.setattr(_files, "ensure_room", lambda *_sizes: None)
    with pytest.raises(DiskFullError, match="more room needed"):
        _files.move(big, os.path.join(folder, "big"))
    assert names(folder) == []
    assert os.path.getsize(big) == 1000000


# --- links


@pytest.mark.parametrize("before", ["nothing", "file", "link", "loop", "fifo"])
def test_replace_link_over_anything_but_a_directory(tmp_path: t.Any, before: str) -> None:
    path = str(tmp_path / "python3")
    if before == "file":
        write(path)
    elif before == "link":
        os.symlink("/usr/local/bin/python3.13", path)
    elif before == "loop":
        os.symlink("python3", path)
    elif before == "fifo":
        os.mkfifo(path)
    assert _files.replace_link(path, "python3.9") is None
    assert os.readlink(path) == "python3.9"
    assert names(tmp_path) == ["python3"]


def test_replace_link_exchanges_a_directory(tmp_path: t.Any) -> None:
    make_tree(tmp_path / "python3")
    before = tree(str(tmp_path / "python3"))
    aside = _files.replace_link(str(tmp_path / "python3"), "python3.9")
    assert aside is not None
    assert os.readlink(str(tmp_path / "python3")) == "python3.9"
    assert tree(aside) == before
    assert _files.remove_leftovers([str(tmp_path)]) == []
    assert _files.set_aside([str(tmp_path)]) == [_files.SetAside(aside, "python3")]


@pytest.mark.parametrize("how", ["no ctypes", "syscall"])
def test_replace_link_over_a_directory_without_renameat2(
    tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    if how == "no ctypes":
        monkeypatch.setattr(_files, "_LIBC", None)
    else:
        monkeypatch.setattr(_files, "_LIBC", OldLibrary())
    make_tree(tmp_path / "python3")
    before = tree(str(tmp_path / "python3"))
    steps: t.List[str] = []
    aside = _files.replace_link(str(tmp_path / "python3"), "python3.9", checkpoint=steps.append)
    assert aside is not None
    assert ("exchanged in steps" in steps) == (how == "no ctypes")
    assert os.readlink(str(tmp_path / "python3")) == "python3.9"
    assert tree(aside) == before


class OldLibrary:
    """A C library from before renameat2() and syncfs()."""

    syscall = ctypes.CDLL(None, use_errno=True).syscall


def test_an_error_between_the_steps_puts_the_directory_back(tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_files, "_LIBC", None)
    make_tree(tmp_path / "python3")
    before = tree(str(tmp_path))

    def checkpoint(step: str) -> None:
        if step == "directory stepped aside":
            raise OSError(errno.EIO, "the disk has died")

    with pytest.raises(OSError, match="died"):
        _files.replace_link(str(tmp_path / "python3"), "python3.9", checkpoint=checkpoint)
    after = tree(str(tmp_path))
    del before[""], after[""]
    assert after == before


def test_the_link_is_never_missing(tmp_path: t.Any) -> None:
    path = str(tmp_path / "python3")
    os.symlink("one", path)
    missing: t.List[str] = []
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            if not os.path.lexists(path):
                missing.append("missing")

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        end = time.monotonic() + 1
        while time.monotonic() < end:
            _files.replace_link(path, "two")
            os.mkdir(str(tmp_path / "folder"))
            _files._exchange(str(tmp_path / "folder"), path)
            aside = _files.replace_link(path, "three")
            os.unlink(str(tmp_path / "folder"))
            os.rmdir(str(aside))
    finally:
        over.set()
        watcher.join()
    assert missing == []


@pytest.mark.parametrize("library", [True, False])
@pytest.mark.parametrize("kind", ["file", "directory"])
def test_killed_replacements(
    tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch, kind: str, library: bool, killed_at_every_step: t.Any
) -> None:
    if not library:
        monkeypatch.setattr(_files, "_LIBC", None)
    path = str(tmp_path / "python3")

    def prepare() -> t.Dict[str, t.Any]:
        _files.remove_any(path)
        if kind == "file":
            write(path)
        else:
            make_tree(path)
        return tree(path)

    def work(_prepared: t.Any, checkpoint: t.Callable[[str], None]) -> None:
        _files.replace_link(path, "python3.9", checkpoint=checkpoint)

    for step, before in killed_at_every_step(prepare, work):
        _files.remove_leftovers([str(tmp_path)])
        asides = _files.set_aside([str(tmp_path)])
        if os.path.islink(path):
            assert kind == "file" or tree(asides[0].path) == before
        elif asides:
            assert not library
            assert step == "directory stepped aside"
            assert tree(asides[0].path) == before
        else:
            assert tree(path) == before
        for aside in asides:
            _files.remove_any(aside.path)
        assert set(names(tmp_path)) <= {"python3"}


def test_hidden_names_fit_for_long_names(tmp_path: t.Any) -> None:
    path = str(tmp_path / ("n" * 255))
    write(path)
    _files.replace_link(path, "x")
    assert os.readlink(path) == "x"


# --- copying and moving


def test_a_move_in_one_file_system_is_a_rename(tmp_path: t.Any) -> None:
    source = make_tree(tmp_path / "source")
    before, inode = tree(source), os.stat(source).st_ino
    assert _files.move(source, str(tmp_path / "target")) == _files.Placed(False, ())
    assert tree(str(tmp_path / "target")) == before
    assert os.stat(str(tmp_path / "target")).st_ino == inode
    assert names(tmp_path) == ["target"]


@pytest.mark.parametrize("library", [True, False])
def test_a_move_never_overwrites(tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch, library: bool) -> None:
    if not library:
        monkeypatch.setattr(_files, "_LIBC", None)
    write(tmp_path / "source", b"source")
    write(tmp_path / "target", b"target")
    with pytest.raises(OSError, match="exists"):
        _files.move(str(tmp_path / "source"), str(tmp_path / "target"))
    assert (tmp_path / "target").read_bytes() == b"target"
    assert names(tmp_path) == ["source", "target"]


@needs_root
def test_a_move_between_file_systems_keeps_everything(tmp_path: t.Any, mounter: t.Any) -> None:
    other = mounter.tmpfs(str(tmp_path / "other"))
    source = make_tree(tmp_path / "source")
    before = tree(source)
    target = os.path.join(other, "target")
    assert _files.move(source, target).copied
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
        assert _files.move(str(folder / name), os.path.join(other, name)).copied
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
    assert _files.move(source, target).not_kept == ()
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
    not_kept = _files.keep_copy(source, os.path.join(other, "target"))
    assert len(not_kept) == 1
    assert not_kept[0].startswith("user.note of " + source)


def test_metadata_errors_that_mean_damage_are_raised() -> None:
    noted: t.List[str] = []
    with _files._noting(noted, "owner", "/x"):
        raise OSError(errno.EPERM, "no")
    assert noted == ["owner of /x: no"]
    with pytest.raises(OSError, match="disk"), _files._noting(noted, "owner", "/x"):
        raise OSError(errno.EIO, "disk")


def test_kept_evidence_does_not_change_with_the_original(tmp_path: t.Any) -> None:
    source = write(tmp_path / "source", b"evidence")
    _files.keep_copy(source, str(tmp_path / "kept"))
    with open(source, "r+b") as stream:
        stream.write(b"EVIDENCE")
    assert (tmp_path / "kept").read_bytes() == b"evidence"
    assert names(tmp_path) == ["kept", "source"]


def test_a_copy_of_something_that_changes_is_refused(tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_tree(tmp_path / "source")
    flush = _files._flush

    def meddle(target: str) -> None:
        flush(target)
        write(os.path.join(source, "lib", "new.py"))

    monkeypatch.setattr(_files, "_flush", meddle)
    with pytest.raises(CopyError, match=r"lib"):
        _files.keep_copy(source, str(tmp_path / "kept"))
    assert names(tmp_path) == ["source"]


def test_differences(tmp_path: t.Any) -> None:
    source = make_tree(tmp_path / "source")
    target = str(tmp_path / "target")
    _files.keep_copy(source, target)
    assert _files.differences(source, target) == []
    write(os.path.join(target, "added"))
    write(os.path.join(target, "lib", "deep", "added"))
    os.unlink(os.path.join(target, "lib", "link"))
    os.chmod(os.path.join(target, "empty"), 0o700)
    os.unlink(os.path.join(target, "dangling"))
    os.symlink("elsewhere", os.path.join(target, "dangling"))
    assert sorted(_files.differences(source, target)) == [
        os.path.join(source, "dangling"),
        os.path.join(source, "empty"),
        os.path.join(source, "lib", "link"),
        os.path.join(target, "added"),
        os.path.join(target, "lib", "deep", "added"),
    ]


def test_what_changed_after_the_copy_is_not_deleted(tmp_path: t.Any) -> None:
    source = make_tree(tmp_path / "source")
    target = str(tmp_path / "target")
    _files.keep_copy(source, target)
    write(os.path.join(source, "lib", "new.py"), b"new")
    write(os.path.join(source, "lib", "deep", "late"), b"late")
    os.mkdir(os.path.join(source, "lib", "folder"))
    stayed = [os.path.relpath(path, source) for path in _files.remove_copied(source, target)]
    assert stayed == [".", "lib", "lib/deep", "lib/deep/late", "lib/folder", "lib/new.py"]
    with pytest.raises(CopyError, match="not deleted"):
        _files._remove_all_copied(source, target)
    assert _files.remove_copied(str(tmp_path / "nothing"), target) == []


@needs_root
@pytest.mark.parametrize("kind", ["file", "tree"])
def test_killed_moves_between_file_systems(
    tmp_path: t.Any, mounter: t.Any, kind: str, killed_at_every_step: t.Any
) -> None:
    other = mounter.tmpfs(str(tmp_path / "other"))
    source, target = str(tmp_path / "source"), os.path.join(other, "target")

    def prepare() -> t.Dict[str, t.Any]:
        _files.remove_any(source)
        _files.remove_any(target)
        if kind == "file":
            write(source, b"data")
        else:
            make_tree(source)
        return tree(source)

    def work(_prepared: t.Any, checkpoint: t.Callable[[str], None]) -> None:
        _files.move(source, target, checkpoint)

    seen = []
    for step, before in killed_at_every_step(prepare, work):
        seen.append(step)
        _files.remove_leftovers([other, str(tmp_path)])
        if os.path.lexists(target):
            assert tree(target) == before
            assert _files.remove_copied(source, target) == []
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
    _files.keep_copy(source, target)
    os.unlink(os.path.join(source, "lib", "one.py"))
    os.rmdir(os.path.join(source, "empty"))
    assert _files.remove_copied(source, target) == []
    assert not os.path.lexists(source)
    assert tree(target) == before


@needs_root
def test_a_mount_is_never_moved(tmp_path: t.Any, mounter: t.Any) -> None:
    source = tmp_path / "source"
    inside = mounter.tmpfs(str(source / "a" / "b"))
    precious = write(os.path.join(inside, "precious"))
    for path in (str(source), inside):
        with pytest.raises(CopyError, match="mounted at") as caught:
            _files.move(path, str(tmp_path / "target"))
        assert caught.value.details["mounted"] == [os.path.realpath(inside)]
    with pytest.raises(CopyError):
        _files.remove_any(str(source))
    assert os.path.exists(precious)


@pytest.mark.parametrize("library", [True, False])
@pytest.mark.parametrize("there", ["file", "tree"])
@pytest.mark.parametrize("new", ["file", "tree"])
def test_install_copy_overwrites_at_once(
    tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch, new: str, there: str, library: bool
) -> None:
    if not library:
        monkeypatch.setattr(_files, "_LIBC", None)
    for path, kind in (("new", new), ("there", there)):
        if kind == "file":
            write(tmp_path / path, path.encode())
        else:
            make_tree(tmp_path / path)
    before = tree(str(tmp_path / "new"))
    with pytest.raises(OSError, match="exists"):
        _files.install_copy(str(tmp_path / "new"), str(tmp_path / "there"))
    _files.install_copy(str(tmp_path / "new"), str(tmp_path / "there"), overwrite=True)
    assert tree(str(tmp_path / "there")) == before
    assert names(tmp_path) == ["new", "there"]


# --- overlays: what /usr is in a container


@needs_root
def test_a_directory_of_a_lower_layer(tmp_path: t.Any, mounter: t.Any) -> None:
    base = mounter.tmpfs(str(tmp_path / "base"))
    for name in ("lower/bin", "upper", "work"):
        os.makedirs(os.path.join(base, name))
    make_tree(os.path.join(base, "lower/bin/python3"))
    make_tree(os.path.join(base, "lower/bin/other"))
    options = "redirect_dir=off,lowerdir={0}/lower,upperdir={0}/upper,workdir={0}/work".format(base)
    merged = mounter.mount(str(tmp_path / "merged"), "-t", "overlay", "-o", options, "overlay")
    path = os.path.join(merged, "bin", "python3")
    before = tree(path)
    with pytest.raises(OSError, match="ross-device"):
        os.rename(path, path + "x")
    aside = _files.replace_link(path, "python3.9")
    assert os.readlink(path) == "python3.9"
    assert aside is not None
    assert tree(aside) == before
    other = os.path.join(merged, "bin", "other")
    assert _files.move(other, os.path.join(merged, "moved")).copied
    assert tree(os.path.join(merged, "moved")) == before
    assert sorted(names(os.path.join(merged, "bin"))) == sorted([os.path.basename(aside), "python3"])


# --- leftovers


def test_only_our_own_names_are_removed(tmp_path: t.Any) -> None:
    write(tmp_path / "python3")
    write(tmp_path / ".fleet-system")
    write(tmp_path / (_files.PREFIX + "new-1-x"))
    make_tree(tmp_path / (_files.PREFIX + "new-2-y"))
    os.symlink("python3", str(tmp_path / (_files.PREFIX + "aside-3-z")))
    os.mkdir(str(tmp_path / (_files.PREFIX + "aside-4-my-dir")))
    removed = _files.remove_leftovers([str(tmp_path), str(tmp_path / "missing")])
    assert [os.path.basename(path)[len(_files.PREFIX) :] for path in removed] == ["aside-3-z", "new-1-x", "new-2-y"]
    assert [found.name for found in _files.set_aside([str(tmp_path)])] == ["my-dir"]
    assert len(names(tmp_path)) == 3


def test_other_errors_stay_what_they_are(tmp_path: t.Any) -> None:
    with pytest.raises(FileNotFoundError), _files.clear_errors(str(tmp_path)):
        os.stat(str(tmp_path / "missing"))
    with pytest.raises(FileNotFoundError):
        _files.replace_link(str(tmp_path / "missing" / "python3"), "x")
    with pytest.raises(FileNotFoundError):
        _files.move(str(tmp_path / "missing"), str(tmp_path / "target"))
