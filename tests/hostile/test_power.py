# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The power goes after each call that changes the disk: what is there then is the old or the new, and nothing is lost.

A model of the disk is told every such call. It loses what was written to a file and not flushed (fsync, sync), and of
names it keeps, at each cut, once none and once all that nobody has flushed.
"""

import errno
import functools
import json
import os
import stat
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._disk import kernel, trees
from ansible_collections.fleet.system_python.plugins.module_utils._disk.atomic import (
    install_copy,
    replace_link,
    rewrite_durably,
    write_durably,
)
from ansible_collections.fleet.system_python.plugins.module_utils._disk.journal import Journal
from ansible_collections.fleet.system_python.plugins.module_utils._disk.quarantine import Quarantine

State = dict[str, bytes]
CHANGES = ("open", "rename", "replace", "unlink", "remove", "link", "symlink", "mkdir", "rmdir", "fsync", "sync")


class Disk:
    """What would be on the disk below C(top), if the power went now."""

    def __init__(self, top: Path) -> None:
        self.top = str(top)
        self.live: dict[str, int] = {}
        self.data: dict[int, bytes] = {}
        self._look(flush=True)
        self.names = dict(self.live)
        self.cuts: list[State] = [self._state(self.names)]
        self.calls: list[str] = []

    def _look(self, flush: bool) -> None:
        """Learn the names that are there; with C(flush), also what is in the files."""
        self.live = {}
        for path in Path(self.top).rglob("*"):
            found = path.lstat()
            self.live[str(path)] = found.st_ino
            if stat.S_ISLNK(found.st_mode):
                # It lies in the name itself.
                self.data[found.st_ino] = os.fsencode(path.readlink())
            elif stat.S_ISREG(found.st_mode) and flush:
                self.data[found.st_ino] = path.read_bytes()
            elif stat.S_ISREG(found.st_mode):
                self.data.setdefault(found.st_ino, b"")

    def changed(self, call: str, place: Path) -> None:
        if call == "open":
            # A number that was another file's before.
            self.data[place.lstat().st_ino] = b""
        self._look(flush=call == "sync")
        if call == "sync":
            self.names = dict(self.live)
        elif call == "fsync" and place.is_dir():
            self.names = {path: node for path, node in self.names.items() if Path(path).parent != place}
            self.names.update((path, node) for path, node in self.live.items() if Path(path).parent == place)
        elif call == "fsync":
            self.data[place.stat().st_ino] = place.read_bytes()
        self.calls.append(f"{call} {place}")
        self.cuts += [self._state(self.names), self._state(self.live)]

    def _state(self, names: "dict[str, int]") -> State:
        """What whoever starts the host again finds: a name counts where the folders above it are there."""
        there = {path for path in names if self._is_reached(path, names)}
        return {path: self.data[names[path]] for path in there if names[path] in self.data}

    def _is_reached(self, path: str, names: "dict[str, int]") -> bool:
        parent = str(Path(path).parent)
        return parent == self.top or (parent in names and self._is_reached(parent, names))


@pytest.fixture(name="disk")
def disk_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "t.Callable[[], Disk]":
    """Return how the model begins; until then everything made is on the disk."""
    # What ctypes does cannot be seen from here; without it there are the plain calls.
    monkeypatch.setattr(kernel, "_LIBC", None)

    def begin() -> Disk:
        model = Disk(tmp_path)
        watching = False

        def tell(name: str, real: "t.Callable[..., t.Any]", *values: t.Any, **named: t.Any) -> t.Any:
            nonlocal watching
            done = real(*values, **named)
            counts = name != "open" or (len(values) > 1 and values[1] & os.O_EXCL)
            if counts and not watching:
                watching = True
                first = values[0] if values else ""
                place = Path(f"/proc/self/fd/{first}").readlink() if isinstance(first, int) else Path(first)
                model.changed(name, place)
                watching = False
            return done

        for name in CHANGES:
            monkeypatch.setattr(os, name, functools.partial(tell, name, getattr(os, name)))
        return model

    return begin


def check(disk: Disk, holds: "t.Callable[[State], bool]") -> None:
    assert len(disk.calls) > 2
    for number, cut in enumerate(disk.cuts):
        assert holds(cut), f"after {disk.calls[: (number + 1) // 2][-3:]}: {cut}"


@pytest.mark.parametrize("write", [write_durably, rewrite_durably])
@pytest.mark.parametrize("there", [True, False])
def test_a_file_is_the_old_or_the_new(
    tmp_path: Path, disk: "t.Callable[[], Disk]", write: "t.Callable[[str, bytes], None]", there: bool
) -> None:
    path = tmp_path / "x"
    if there:
        path.write_bytes(b"old")
    model = disk()
    write(str(path), b"new")
    check(model, lambda cut: cut.get(str(path)) in ((b"old", b"new") if there else (None, b"new")))
    assert model.cuts[-2][str(path)] == b"new", "it returned before it was durable"


@pytest.mark.parametrize("there", ["file", "link"])
def test_a_link_replaces_what_was_there(tmp_path: Path, disk: "t.Callable[[], Disk]", there: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old") if there == "file" else path.symlink_to("old")
    model = disk()
    replace_link(str(path), "new")
    check(model, lambda cut: cut.get(str(path)) in (b"old", b"new"))
    assert model.cuts[-2][str(path)] == b"new"


def test_a_copy_is_whole_or_not_there(tmp_path: Path, disk: "t.Callable[[], Disk]") -> None:
    (tmp_path / "source").write_bytes(b"new")
    (tmp_path / "x").write_bytes(b"old")
    model = disk()
    install_copy(str(tmp_path / "source"), str(tmp_path / "x"))
    check(model, lambda cut: cut.get(str(tmp_path / "x")) in (b"old", b"new"))
    assert model.cuts[-2][str(tmp_path / "x")] == b"new"


def known_to(cut: State, path: str) -> "list[str]":
    """The names under which a manifest on the disk says that C(path) is kept."""
    found = []
    for name, data in cut.items():
        if name.endswith("/manifest.json"):
            entries = json.loads(data)["entries"]
            found += [str(Path(name).parent) for entry in entries if path in json.dumps(entry)]
    return found


def is_safe(cut: State, path: str, content: bytes) -> bool:
    """It is where it was; or it is kept, whole, and the manifest tells of it."""
    if cut.get(path) == content:
        return True
    return any(data == content and name.startswith(run) for run in known_to(cut, path) for name, data in cut.items())


@pytest.mark.parametrize("way", ["rename", "copy"])
@pytest.mark.parametrize("action", ["take", "replace", "keep"])
def test_evidence_is_on_the_disk_before_the_original_goes(
    tmp_path: Path, disk: "t.Callable[[], Disk]", monkeypatch: pytest.MonkeyPatch, action: str, way: str
) -> None:
    path, folder = tmp_path / "usr/x", str(tmp_path / "var/quarantine")
    path.parent.mkdir()
    path.write_bytes(b"evidence")
    (tmp_path / "var").mkdir()
    if way == "copy":

        def elsewhere(source: str, target: str) -> None:
            if source == str(path):
                raise OSError(errno.EXDEV, "another file system")
            kernel.rename_new(source, target)

        monkeypatch.setattr(trees, "rename_new", elsewhere)
    model = disk()
    quarantine = Quarantine(folder, "run-1")
    if action == "take":
        quarantine.take(str(path), "x", "SP102")
    elif action == "replace":
        quarantine.replace(str(path), "new", "x", "SP102")
    else:
        quarantine.keep(str(path), "x", "SP102")
        write_durably(str(path), b"new")
    check(model, lambda cut: is_safe(cut, str(path), b"evidence"))
    assert known_to(model.cuts[-2], str(path))


def test_what_comes_back_is_never_in_neither_place(tmp_path: Path, disk: "t.Callable[[], Disk]") -> None:
    path, folder = tmp_path / "x", str(tmp_path / "quarantine")
    path.write_bytes(b"evidence")
    Quarantine(folder, "run-1").take(str(path), "x", "SP102")
    model = disk()
    Quarantine(folder, "run-2").put_back("run-1")
    check(model, lambda cut: is_safe(cut, str(path), b"evidence"))
    assert model.cuts[-2][str(path)] == b"evidence"


def test_a_journal_is_whole_from_before_the_first_step_to_after_the_last(
    tmp_path: Path, disk: "t.Callable[[], Disk]"
) -> None:
    path, mark = str(tmp_path / "var/journal.json"), tmp_path / "mark"
    (tmp_path / "var").mkdir()
    model = disk()
    journal = Journal(path)
    journal.begin("run-1", [{"action": "x"}])
    journal.running(0)
    write_durably(str(mark), b"done")
    journal.done(0)
    journal.finish()

    def holds(cut: State) -> bool:
        """Where the step has left something, the journal tells that it began."""
        return str(mark) not in cut or (path in cut and json.loads(cut[path])["actions"][0]["state"] != "planned")

    over = model.calls.index(f"unlink {path}")
    for number, cut in enumerate(model.cuts[: 2 * over + 1]):
        assert holds(cut), model.calls[: (number + 1) // 2][-3:]
    assert path not in model.cuts[-2]


def test_the_model_sees_what_is_not_flushed(tmp_path: Path, disk: "t.Callable[[], Disk]") -> None:
    """A file that is written and renamed without fsync is empty after a power cut, or not there."""
    path = tmp_path / "x"
    path.write_bytes(b"old")
    model = disk()
    with open(os.open(tmp_path / "new", os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as stream:  # noqa: PTH123
        stream.write(b"new")
    os.rename(tmp_path / "new", path)  # noqa: PTH104
    assert b"" in [cut.get(str(path)) for cut in model.cuts]
    assert model.cuts[-2][str(path)] == b"old"
