# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of durable writes, links and exchanges, on real file systems and with real kills."""

import ctypes
import errno
import os
import stat
import threading
import time
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import DiskFullError
from ansible_collections.fleet.system_python.plugins.module_utils._disk import atomic, kernel
from ansible_collections.fleet.system_python.plugins.module_utils._disk.atomic import (
    install_copy,
    remove_leftovers,
    replace_link,
    write_durably,
)
from ansible_collections.fleet.system_python.plugins.module_utils._disk.hidden import PREFIX
from ansible_collections.fleet.system_python.plugins.module_utils._disk.trees import remove_any
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.file_trees import (
    asides,
    make_tree,
    move,
    names,
    tree,
    write,
)

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount file systems and make devices")


def test_write_durably_replaces_and_sets_the_mode(tmp_path: t.Any) -> None:
    path = str(tmp_path / "file")
    write_durably(path, b"one" * 100000)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    write_durably(path, b"two", mode=0o644)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o644
    with open(path, "rb") as stream:
        assert stream.read() == b"two"
    assert names(tmp_path) == ["file"]


def test_write_durably_does_not_follow_a_link(tmp_path: t.Any) -> None:
    victim = write(tmp_path / "victim", b"precious")
    os.symlink("victim", str(tmp_path / "file"))
    write_durably(str(tmp_path / "file"), b"new")
    assert not os.path.islink(str(tmp_path / "file"))
    with open(victim, "rb") as stream:
        assert stream.read() == b"precious"


def test_killed_writes_leave_the_old_content(tmp_path: t.Any, killed_at_every_step: t.Any) -> None:
    path = str(tmp_path / "file")

    def work(prepared: str, checkpoint: t.Callable[[str], None]) -> None:
        write_durably(prepared, b"new", checkpoint=checkpoint)

    seen = []
    for step, prepared in killed_at_every_step(lambda: write(path, b"old"), work):
        seen.append(step)
        with open(prepared, "rb") as stream:
            assert stream.read() == (b"new" if step is None else b"old")
        remove_leftovers([str(tmp_path)])
        assert names(tmp_path) == ["file"]
    assert seen == ["written", None]


@needs_root
def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: t.Any, mounter: t.Any) -> None:
    folder = mounter.tmpfs(str(tmp_path / "small"), "64k")
    path = os.path.join(folder, "file")
    write_durably(path, b"old")
    with pytest.raises(DiskFullError) as caught:
        write_durably(path, b"n" * 1000000)
    assert caught.value.details["path"] == path
    assert caught.value.details["available"] < 64 * 1024
    assert names(folder) == ["file"]
    big = write(tmp_path / "big", b"b" * 1000000)
    with pytest.raises(DiskFullError) as caught:
        move(big, os.path.join(folder, "big"))
    assert caught.value.details["needed"] == 1000000
    assert names(folder) == ["file"]
    assert os.path.getsize(big) == 1000000


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
    assert replace_link(path, "python3.9") is None
    assert os.readlink(path) == "python3.9"
    assert names(tmp_path) == ["python3"]


def test_replace_link_exchanges_a_directory(tmp_path: t.Any) -> None:
    make_tree(tmp_path / "python3")
    before = tree(str(tmp_path / "python3"))
    aside = replace_link(str(tmp_path / "python3"), "python3.9")
    assert aside is not None
    assert os.readlink(str(tmp_path / "python3")) == "python3.9"
    assert tree(aside) == before
    assert remove_leftovers([str(tmp_path)]) == []
    assert asides(tmp_path) == [aside]
    assert aside.endswith("-python3")


@pytest.mark.parametrize("how", ["no ctypes", "syscall"])
def test_replace_link_over_a_directory_without_renameat2(
    tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    if how == "no ctypes":
        monkeypatch.setattr(kernel, "_LIBC", None)
    else:
        monkeypatch.setattr(kernel, "_LIBC", OldLibrary())
    make_tree(tmp_path / "python3")
    before = tree(str(tmp_path / "python3"))
    steps: t.List[str] = []
    aside = replace_link(str(tmp_path / "python3"), "python3.9", checkpoint=steps.append)
    assert aside is not None
    assert ("exchanged in steps" in steps) == (how == "no ctypes")
    assert os.readlink(str(tmp_path / "python3")) == "python3.9"
    assert tree(aside) == before


def test_an_error_between_the_steps_puts_the_directory_back(tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "_LIBC", None)
    make_tree(tmp_path / "python3")
    before = tree(str(tmp_path))

    def checkpoint(step: str) -> None:
        if step == "directory stepped aside":
            raise OSError(errno.EIO, "the disk has died")

    with pytest.raises(OSError, match="died"):
        replace_link(str(tmp_path / "python3"), "python3.9", checkpoint=checkpoint)
    after = tree(str(tmp_path))
    del before[""], after[""]
    assert after == before


class OldLibrary:
    """A C library from before renameat2() and syncfs()."""

    syscall = ctypes.CDLL(None, use_errno=True).syscall


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
            replace_link(path, "two")
            os.mkdir(str(tmp_path / "folder"))
            atomic._exchange(str(tmp_path / "folder"), path)
            aside = replace_link(path, "three")
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
        monkeypatch.setattr(kernel, "_LIBC", None)
    path = str(tmp_path / "python3")

    def prepare() -> t.Dict[str, t.Any]:
        remove_any(path)
        if kind == "file":
            write(path)
        else:
            make_tree(path)
        return tree(path)

    def work(_prepared: t.Any, checkpoint: t.Callable[[str], None]) -> None:
        replace_link(path, "python3.9", checkpoint=checkpoint)

    for step, before in killed_at_every_step(prepare, work):
        remove_leftovers([str(tmp_path)])
        found = asides(tmp_path)
        if os.path.islink(path):
            assert kind == "file" or tree(found[0]) == before
        elif found:
            assert not library
            assert step == "directory stepped aside"
            assert tree(found[0]) == before
        else:
            assert tree(path) == before
        for aside in found:
            remove_any(aside)
        assert set(names(tmp_path)) <= {"python3"}


def test_hidden_names_fit_for_long_names(tmp_path: t.Any) -> None:
    path = str(tmp_path / ("n" * 255))
    write(path)
    replace_link(path, "x")
    assert os.readlink(path) == "x"


@pytest.mark.parametrize("library", [True, False])
@pytest.mark.parametrize("there", ["file", "tree"])
@pytest.mark.parametrize("new", ["file", "tree"])
def test_install_copy_overwrites_at_once(
    tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch, new: str, there: str, library: bool
) -> None:
    if not library:
        monkeypatch.setattr(kernel, "_LIBC", None)
    for path, kind in (("new", new), ("there", there)):
        if kind == "file":
            write(tmp_path / path, path.encode())
        else:
            make_tree(tmp_path / path)
    before = tree(str(tmp_path / "new"))
    install_copy(str(tmp_path / "new"), str(tmp_path / "there"))
    assert tree(str(tmp_path / "there")) == before
    assert names(tmp_path) == ["new", "there"]


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
    aside = replace_link(path, "python3.9")
    assert os.readlink(path) == "python3.9"
    assert aside is not None
    assert tree(aside) == before
    other = os.path.join(merged, "bin", "other")
    assert move(other, os.path.join(merged, "moved")).copied
    assert tree(os.path.join(merged, "moved")) == before
    assert sorted(names(os.path.join(merged, "bin"))) == sorted([os.path.basename(aside), "python3"])


def test_only_our_own_names_are_removed(tmp_path: t.Any) -> None:
    write(tmp_path / "python3")
    write(tmp_path / ".fleet-system")
    write(tmp_path / (PREFIX + "new-1-x"))
    make_tree(tmp_path / (PREFIX + "new-2-y"))
    os.symlink("python3", str(tmp_path / (PREFIX + "aside-3-z")))
    os.mkdir(str(tmp_path / (PREFIX + "aside-4-my-dir")))
    removed = remove_leftovers([str(tmp_path), str(tmp_path / "missing")])
    assert [os.path.basename(path)[len(PREFIX) :] for path in removed] == ["aside-3-z", "new-1-x", "new-2-y"]
    assert names(tmp_path) == [".fleet-system", PREFIX + "aside-4-my-dir", "python3"]
