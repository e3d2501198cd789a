# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the quarantine, on real file systems and with real kills."""

import base64
import json
import os
import stat
import subprocess
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import (
    DiskFullError,
    QuarantineError,
    ReadOnlyError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._disk import kernel
from ansible_collections.fleet.system_python.plugins.module_utils._disk.atomic import replace_link, write_durably
from ansible_collections.fleet.system_python.plugins.module_utils._disk.files import sha256_of, walk
from ansible_collections.fleet.system_python.plugins.module_utils._disk.hidden import PREFIX
from ansible_collections.fleet.system_python.plugins.module_utils._disk.kept import DEFAULT_FOLDER
from ansible_collections.fleet.system_python.plugins.module_utils._disk.quarantine import Keeping, Quarantine
from ansible_collections.fleet.system_python.plugins.module_utils._disk.space import free_bytes
from ansible_collections.fleet.system_python.plugins.module_utils._disk.trees import CopyError, remove_any

ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not ROOT, reason="only root can mount file systems")

MODE = 0o755
NOW = 1764000000.25
REASON = "no package owns it"


class Host:
    """A folder that stands for /usr/bin and a quarantine, perhaps on another file system."""

    def __init__(self, folder: str, store: str) -> None:
        self.bin = os.path.join(folder, "bin")
        self.store = os.path.join(store, "state", "quarantine")
        os.makedirs(self.bin, exist_ok=True)

    def path(self, name: str) -> str:
        return os.path.join(self.bin, name)

    def quarantine(self, run_id: str = "run-1", **options: t.Any) -> Quarantine:
        return Quarantine(self.store, run_id, clock=lambda: NOW, **options)

    def manifest(self, run_id: str = "run-1") -> t.Dict[str, t.Any]:
        with open(os.path.join(self.store, run_id, "manifest.json"), encoding="ascii") as stream:
            loaded = json.load(stream)
        assert isinstance(loaded, dict)
        return loaded

    def items(self) -> t.List[str]:
        """All that is stored, as paths relative to the quarantine."""
        found = []
        for run_id in sorted(os.listdir(self.store)) if os.path.isdir(self.store) else []:
            items = os.path.join(self.store, run_id, "items")
            found += ["{0}/{1}".format(run_id, name) for name in sorted(os.listdir(items))]
        return found

    def leftovers(self) -> t.List[str]:
        """Every hidden name of ours anywhere."""
        found = []
        for top in (self.bin, self.store):
            for folder, folders, files in os.walk(top):
                found += [os.path.join(folder, name) for name in folders + files if name.startswith(PREFIX)]
        return found


@pytest.fixture
def host(tmp_path: t.Any) -> Host:
    return Host(str(tmp_path), str(tmp_path))


@pytest.fixture(params=["one file system", "two file systems"])
def any_host(request: t.Any, tmp_path: t.Any, mounter: t.Any) -> Host:
    if request.param == "one file system":
        # In memory where possible: thousands of kills and fsyncs would take half a minute on a disk.
        one = mounter.tmpfs(str(tmp_path / "one")) if ROOT else str(tmp_path)
        return Host(one, one)
    if not ROOT:
        pytest.skip("only root can mount a second file system")
    return Host(str(tmp_path), mounter.tmpfs(str(tmp_path / "var")))


def put(path: str, kind: str) -> str:
    """Make an impostor of one kind."""
    if kind == "link":
        os.symlink("/usr/local/bin/python3.13", path)
    elif kind == "file":
        with open(path, "wb") as stream:
            stream.write(b"#!impostor\n" * 1000)
        os.chmod(path, MODE)
    else:
        os.makedirs(os.path.join(path, "lib"))
        put(os.path.join(path, "python"), "file")
        os.link(os.path.join(path, "python"), os.path.join(path, "lib", "twin"))
        put(os.path.join(path, "lib", "link"), "link")
    return path


def tree(path: str) -> t.Dict[str, t.Any]:
    found = {}
    for entry, relative in walk(path):
        status = os.lstat(entry)
        content = None
        if stat.S_ISREG(status.st_mode):
            content = sha256_of(entry)
        elif stat.S_ISLNK(status.st_mode):
            content = os.readlink(entry)
        found[relative] = (status.st_mode, status.st_uid, status.st_gid, content)
    return found


# --- taking and keeping


@pytest.mark.parametrize("kind", ["link", "file", "directory"])
def test_take_moves(any_host: Host, kind: str) -> None:
    path = put(any_host.path("python3"), kind)
    before = tree(path)
    record = any_host.quarantine().take(path, REASON, "SP210")
    assert not os.path.lexists(path)
    assert tree(record["stored_path"]) == before
    assert record["state"] == "done"
    assert (record["path"], record["kind"], record["finding"], record["run_id"]) == (path, kind, "SP210", "run-1")
    assert any_host.leftovers() == []


@pytest.mark.parametrize("kind", ["link", "file", "directory"])
def test_keep_copies(any_host: Host, kind: str) -> None:
    path = put(any_host.path("python3"), kind)
    before = tree(path)
    record = any_host.quarantine().keep(path, REASON, "SP201")
    assert tree(path) == before
    assert tree(record["stored_path"]) == before
    assert any_host.leftovers() == []


def test_what_is_kept_already_is_not_kept_twice(host: Host) -> None:
    path = put(host.path("python3.9"), "file")
    quarantine = host.quarantine()
    first = quarantine.keep(path, REASON, "SP201")
    assert quarantine.keep(path, REASON, "SP201") == first
    assert host.quarantine().keep(path, REASON, "SP201")["index"] == 1
    os.chmod(path, 0o700)
    assert quarantine.keep(path, REASON, "SP207")["index"] == 2
    assert host.items() == ["run-1/0001", "run-1/0002"]


@pytest.mark.parametrize("kind", ["link", "file", "directory"])
def test_replace_puts_a_link_in_place(any_host: Host, kind: str) -> None:
    path = put(any_host.path("python3"), kind)
    before = tree(path)
    record = any_host.quarantine().replace(path, "python3.9", "it was redirected", "SP101")
    assert os.readlink(path) == "python3.9"
    assert tree(record["stored_path"]) == before
    assert any_host.leftovers() == []
    assert os.listdir(any_host.bin) == ["python3"]


def test_take_knows_the_name_of_what_stepped_aside(host: Host) -> None:
    path = put(host.path("python3"), "directory")
    before = tree(path)
    aside = replace_link(path, "python3.9")
    assert aside is not None
    record = host.quarantine().take(aside, REASON, "SP102", original=path)
    assert (record["path"], record["aside"]) == (path, aside)
    os.unlink(path)
    host.quarantine("run-2").put_back("run-1")
    assert tree(path) == before


def test_the_manifest(host: Host) -> None:
    odd = put(host.path(os.fsdecode(b"py\xff\nthon")), "file")
    link = host.path("link")
    os.symlink(os.fsdecode(b"to\xfe"), link)
    quarantine = host.quarantine()
    quarantine.take(odd, REASON, "SP210")
    quarantine.take(link, REASON, "SP101")
    manifest = host.manifest()
    first, second = manifest["entries"]
    assert (manifest["format"], manifest["run_id"], manifest["time"]) == (1, "run-1", "2025-11-24T16:00:00Z")
    assert os.fsdecode(base64.b64decode(first["path_base64"])) == odd
    assert first["path"].endswith("py\\xff\\nthon")
    assert first["sha256"] == sha256_of(os.path.join(host.store, "run-1", first["stored"]))
    assert (first["mode"], first["uid"], first["size"]) == ("0755", os.geteuid(), 11000)
    assert (first["reason"], first["finding"], first["state"]) == (REASON, "SP210", "done")
    assert second["kind"] == "link"
    assert second["sha256"] is None
    assert base64.b64decode(second["link_target_base64"]) == b"to\xfe"
    assert "path_base64" not in second
    assert stat.S_IMODE(os.stat(host.store).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(os.path.join(host.store, "run-1", "manifest.json")).st_mode) == 0o600
    host.quarantine("run-2").put_back("run-1")
    assert os.readlink(link) == os.fsdecode(b"to\xfe")
    assert os.path.isfile(odd)


def test_a_run_that_keeps_nothing_leaves_nothing(host: Host) -> None:
    quarantine = host.quarantine()
    assert quarantine.recover() == []
    assert quarantine.list_runs() == []
    with pytest.raises(QuarantineError, match="No such file"):
        quarantine.take(host.path("missing"), REASON, "SP210")
    assert not os.path.exists(host.store)


@pytest.mark.parametrize("run_id", ["", "..", "a/b", ".hidden", "a\n", "x" * 300])
def test_impossible_run_ids(host: Host, run_id: str) -> None:
    with pytest.raises(QuarantineError, match="name of a run"):
        host.quarantine(run_id)


def test_a_quarantine_of_somebody_else_is_refused(host: Host) -> None:
    path = put(host.path("python3"), "file")
    os.makedirs(os.path.dirname(host.store))
    os.symlink(host.bin, host.store)
    with pytest.raises(QuarantineError, match="it is a link"):
        host.quarantine().take(path, REASON, "SP210")
    assert os.listdir(host.bin) == ["python3"]


def test_an_open_quarantine_is_closed(host: Host) -> None:
    os.makedirs(host.store, 0o755)
    host.quarantine().take(put(host.path("python3"), "file"), REASON, "SP210")
    assert stat.S_IMODE(os.stat(host.store).st_mode) == 0o700


# --- refusals change nothing


@needs_root
def test_a_full_disk(tmp_path: t.Any, mounter: t.Any) -> None:
    host = Host(str(tmp_path), mounter.tmpfs(str(tmp_path / "var"), "64k"))
    for kind in ("file", "directory"):
        path = put(host.path(kind), kind)
        with open(path if kind == "file" else os.path.join(path, "big"), "ab") as stream:
            stream.write(b"x" * 1000000)
        before = tree(host.bin)
        for work in (host.quarantine().take, host.quarantine().keep):
            with pytest.raises(DiskFullError) as caught:
                work(path, REASON, "SP210")
            assert caught.value.details["needed"] > 1000000
        with pytest.raises(DiskFullError):
            host.quarantine().replace(path, "python3.9", REASON, "SP102")
        assert tree(host.bin) == before
    assert host.items() == []
    assert host.leftovers() == []


@needs_root
def test_not_even_room_for_the_manifest(tmp_path: t.Any, mounter: t.Any) -> None:
    host = Host(str(tmp_path), mounter.mount(str(tmp_path / "var"), "-t", "tmpfs", "-o", "size=64k", "tmpfs"))
    path = put(host.path("python3"), "link")
    with open(str(tmp_path / "var" / "full"), "wb", buffering=0) as stream:
        while free_bytes(str(tmp_path / "var")):
            stream.write(b"x" * 4096)
    with pytest.raises(DiskFullError):
        host.quarantine().take(path, REASON, "SP101")
    assert os.path.islink(path)
    assert host.items() == []


@needs_root
def test_read_only_sides(tmp_path: t.Any, mounter: t.Any) -> None:
    usr = mounter.tmpfs(str(tmp_path / "usr"))
    host = Host(usr, str(tmp_path))
    path = put(host.path("python3"), "file")
    mounter.mount(usr, "-o", "remount,ro")
    mounter.points.pop()
    with pytest.raises(ReadOnlyError):
        host.quarantine().take(path, REASON, "SP102")
    with pytest.raises(ReadOnlyError):
        host.quarantine().replace(path, "python3.9", REASON, "SP102")
    assert os.path.isfile(path)
    assert host.items() == []
    other = Host(str(tmp_path / "other"), usr)
    with pytest.raises(ReadOnlyError):
        other.quarantine().take(put(other.path("python3"), "file"), REASON, "SP102")


@needs_root
def test_an_immutable_file_is_named(host: Host) -> None:
    path = put(host.path("python3"), "file")
    if subprocess.run(["chattr", "+i", path], stderr=subprocess.DEVNULL, check=False).returncode:
        pytest.skip("this file system has no immutable files")
    try:
        with pytest.raises(QuarantineError, match=r"immutable \(lsattr\)"):
            host.quarantine().take(path, REASON, "SP102")
    finally:
        subprocess.run(["chattr", "-i", path], check=True)
    assert host.items() == []


@needs_root
def test_a_mount_point_is_named(host: Host, mounter: t.Any) -> None:
    path = mounter.tmpfs(host.path("python3"))
    with pytest.raises(CopyError, match="mounted at"):
        host.quarantine().take(path, REASON, "SP102")
    assert host.items() == []


def test_an_error_after_the_rename_does_not_destroy_the_only_copy(host: Host) -> None:
    path = put(host.path("python3"), "directory")
    before = tree(path)

    def fail(step: str) -> None:
        if step == "renamed":
            raise OSError(5, "Input/output error")

    with pytest.raises(QuarantineError, match="Input/output"):
        host.quarantine(checkpoint=fail).take(path, REASON, "SP102")
    assert [record["recovered"] for record in host.quarantine("run-2").recover()] == ["finished"]
    host.quarantine("run-2").put_back("run-1")
    assert tree(path) == before


# --- many at once


def many(host: Host, count: int) -> t.List[Keeping]:
    kinds = ("file", "link", "directory")
    paths = [put(host.path("python{0}".format(number)), kinds[number % 3]) for number in range(count)]
    return [Keeping("keep" if number % 2 else "take", path, REASON, "SP209") for number, path in enumerate(paths)]


def test_the_manifest_is_written_as_often_for_many_as_for_one(host: Host) -> None:
    written = {}
    for count in (1, 6):
        remove_any(host.bin)
        os.mkdir(host.bin)
        steps: t.List[str] = []
        records = host.quarantine("of-{0}".format(count), checkpoint=steps.append).secure(many(host, count))
        assert [record["index"] for record in records] == list(range(1, count + 1))
        written[count] = sum(step == "written" for step in steps)
    assert written[1] == written[6] == 2


def test_what_lies_in_a_folder_that_is_moved_goes_with_it(host: Host) -> None:
    folder = put(host.path("python3.15"), "directory")
    inside = [Keeping(action, os.path.join(folder, "lib", "link"), REASON, "SP209") for action in ("take", "keep")]
    records = host.quarantine().secure([inside[0], Keeping("take", folder, REASON, "SP209"), inside[1]])
    assert [record["path"] for record in records] == [folder]


def test_an_error_in_the_middle_leaves_the_rest_where_it_was(host: Host) -> None:
    things = many(host, 4)
    before = [tree(one.path) for one in things]

    def fail(step: str) -> None:
        if step == "take done" and len(host.items()) == 1:
            os.rename(things[2].path, things[2].path + ".elsewhere")

    with pytest.raises(QuarantineError, match="cannot be moved"):
        host.quarantine(checkpoint=fail).secure(things)
    # Of what disappeared without us, recovery says so.
    assert [entry["state"] for entry in host.manifest()["entries"]] == ["done", "done", "intended"]
    assert [one["recovered"] for one in host.quarantine("run-2").recover()] == ["gone"]
    assert tree(things[3].path) == before[3]
    host.quarantine("run-2").put_back("run-1")
    assert [tree(one.path) for one in things[:2]] == before[:2]


def test_a_kill_among_many(any_host: Host, killed_at_every_step: t.Any) -> None:
    host = any_host

    def prepare() -> t.List[Keeping]:
        remove_any(host.bin)
        remove_any(host.store)
        os.mkdir(host.bin)
        return many(host, 3)

    def work(things: t.List[Keeping], checkpoint: t.Callable[[str], None]) -> None:
        host.quarantine(checkpoint=checkpoint).secure(things)

    for _step, things in killed_at_every_step(prepare, work):
        host.quarantine("run-2").recover()
        assert host.leftovers() == []
        kept = [entry for run in host.quarantine().list_runs() for entry in run["entries"]]
        assert len(host.items()) == len(kept)
        paths = {entry["path"] for entry in kept}
        assert all(os.path.lexists(one.path) or one.path in paths for one in things)
        host.quarantine("run-3").secure([one for one in things if os.path.lexists(one.path)])
        assert not any(os.path.lexists(one.path) for one in things if one.action == "take")


# --- putting back


@pytest.mark.parametrize("kind", ["link", "file", "directory"])
def test_put_back(any_host: Host, kind: str) -> None:
    path = put(any_host.path("python3"), kind)
    before = tree(path)
    any_host.quarantine().take(path, REASON, "SP210")
    records = any_host.quarantine("run-2").put_back("run-1")
    assert [(record["path"], record["state"]) for record in records] == [(path, "put_back")]
    assert tree(path) == before
    assert any_host.items() == []
    assert any_host.leftovers() == []
    assert any_host.quarantine("run-2").put_back("run-1") == []


def test_put_back_of_chosen_paths(host: Host) -> None:
    paths = [put(host.path(name), "file") for name in ("a", "b")]
    quarantine = host.quarantine()
    for path in paths:
        quarantine.take(path, REASON, "SP210")
    quarantine.put_back("run-1", [paths[1]])
    assert os.listdir(host.bin) == ["b"]
    with pytest.raises(QuarantineError, match=r"does not keep .*/c"):
        quarantine.put_back("run-1", [paths[0], host.path("c")])
    assert os.listdir(host.bin) == ["b"]
    assert [record["path"] for record in quarantine.would_put_back("run-1", paths)] == [paths[0]]
    assert os.listdir(host.bin) == ["b"]
    assert [record["path"] for record in quarantine.put_back("run-1", paths)] == [paths[0]]
    assert sorted(os.listdir(host.bin)) == ["a", "b"]
    assert quarantine.put_back("run-1", paths) == []
    with pytest.raises(QuarantineError, match="there are: run-1"):
        quarantine.put_back("run-7")


def test_put_back_refuses_to_overwrite(host: Host) -> None:
    first, second = (put(host.path(name), "file") for name in ("a", "b"))
    quarantine = host.quarantine()
    quarantine.take(first, REASON, "SP210")
    quarantine.take(second, REASON, "SP210")
    os.symlink("new", first)
    with pytest.raises(QuarantineError, match="would overwrite what is there now") as caught:
        quarantine.put_back("run-1")
    assert caught.value.details["paths"] == [first]
    assert os.readlink(first) == "new"
    assert not os.path.lexists(second)


@pytest.mark.parametrize("now", ["link", "file", "directory"])
@pytest.mark.parametrize("kind", ["link", "file", "directory"])
@pytest.mark.parametrize("run_id", ["run-1", "run-2"])
def test_put_back_overwrites_when_told_and_keeps_what_was_there(host: Host, kind: str, now: str, run_id: str) -> None:
    path = put(host.path("python3"), kind)
    before = tree(path)
    host.quarantine().take(path, REASON, "SP210")
    put(path, now)
    if now == "file":
        os.chmod(path, 0o600)
    elif now == "link":
        os.unlink(path)
        os.symlink("python3.9", path)
    else:
        os.mkdir(os.path.join(path, "only now"))
    replaced = tree(path)
    host.quarantine(run_id).put_back("run-1", overwrite=True)
    assert tree(path) == before
    kept = [entry for entry in host.manifest(run_id)["entries"] if entry["action"] == "keep"]
    assert [tree(os.path.join(host.store, run_id, entry["stored"])) for entry in kept] == [replaced]
    assert host.leftovers() == []


def test_put_back_in_the_opposite_order(host: Host) -> None:
    folder = put(host.path("folder"), "directory")
    before = tree(folder)
    quarantine = host.quarantine()
    quarantine.take(os.path.join(folder, "lib", "link"), REASON, "SP209")
    quarantine.take(folder, REASON, "SP210")
    quarantine.put_back("run-1")
    assert tree(folder) == before


def test_put_back_needs_the_folder(host: Host) -> None:
    folder = put(host.path("folder"), "directory")
    host.quarantine().take(os.path.join(folder, "lib", "link"), REASON, "SP209")
    remove_any(folder)
    with pytest.raises(QuarantineError, match=r"do not exist: .*/folder/lib"):
        host.quarantine().put_back("run-1")


# --- runs


def test_runs_are_listed_oldest_first(host: Host) -> None:
    assert host.quarantine().list_runs() == []
    for number, run_id in enumerate(("b", "a")):
        quarantine = Quarantine(host.store, run_id, clock=lambda number=number: NOW + 60 * number)  # type: ignore[misc]
        quarantine.take(put(host.path(run_id), "file"), REASON, "SP210")
    os.mkdir(os.path.join(host.store, "empty"))
    runs = host.quarantine().list_runs()
    assert [(run["run_id"], run["error"], len(run["entries"])) for run in runs] == [("b", None, 1), ("a", None, 1)]
    assert os.path.isfile(runs[0]["entries"][0]["stored_path"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[]", "format 1"),
        (b'{"format": 2}', "format 1"),
        (b'{"format": 1, "time": "x"}', "no entries"),
        (b'{"format": 1, "time": "x", "entries": [3]}', "entry 1 is not an object"),
        (b'{"format": 1, "time": "x", "entries": [{"path": "/x"}]}', "entry 1 lacks index"),
    ],
)
def test_a_damaged_manifest_is_named(host: Host, content: bytes, message: str) -> None:
    os.makedirs(os.path.join(host.store, "run-1"))
    path = os.path.join(host.store, "run-1", "manifest.json")
    write_durably(path, content)
    with pytest.raises(QuarantineError, match=message) as caught:
        host.quarantine("run-2").recover()
    assert path in caught.value.message
    assert "Move the whole folder" in caught.value.message
    assert message in str(host.quarantine("run-2").list_runs()[0]["error"])


@pytest.mark.parametrize(
    ("key", "value"),
    [("state", "lost"), ("stored", "../../etc/passwd"), ("stored", 3), ("path", None), ("path_base64", "%")],
)
def test_a_manifest_cannot_name_other_places(host: Host, key: str, value: t.Any) -> None:
    host.quarantine().take(put(host.path("python3"), "file"), REASON, "SP210")
    manifest = host.manifest()
    manifest["entries"][0][key] = value
    write_durably(os.path.join(host.store, "run-1", "manifest.json"), json.dumps(manifest).encode())
    with pytest.raises(QuarantineError, match="damaged"):
        host.quarantine("run-2").recover()


def test_what_is_not_ours_in_the_quarantine_stays(host: Host) -> None:
    host.quarantine().take(put(host.path("python3"), "file"), REASON, "SP210")
    os.makedirs(os.path.join(host.store, "notes", "items"))
    put(os.path.join(host.store, "notes", "items", "note"), "file")
    host.quarantine("run-2").recover()
    assert os.path.isfile(os.path.join(host.store, "notes", "items", "note"))


# --- kills


@pytest.mark.parametrize("library", [True, False])
@pytest.mark.parametrize("kind", ["link", "file", "directory"])
@pytest.mark.parametrize("action", ["take", "keep", "replace"])
def test_a_kill_at_every_step(
    any_host: Host, killed_at_every_step: t.Any, monkeypatch: t.Any, action: str, kind: str, library: bool
) -> None:
    if not library:
        monkeypatch.setattr(kernel, "_LIBC", None)
    host, path = any_host, any_host.path("python3")

    def prepare() -> t.Dict[str, t.Any]:
        remove_any(host.bin)
        remove_any(host.store)
        os.mkdir(host.bin)
        return tree(put(path, kind))

    def work(_before: t.Any, checkpoint: t.Callable[[str], None]) -> None:
        do(host.quarantine(checkpoint=checkpoint), action, path)

    steps = []
    for step, before in killed_at_every_step(prepare, work):
        steps.append(step)
        settled = host.quarantine("run-2").recover()
        assert host.leftovers() == []
        assert host.quarantine("run-3").recover() == []
        entries = [entry for run in host.quarantine().list_runs() for entry in run["entries"]]
        assert all(entry["state"] == "done" for entry in entries)
        assert host.items() == ["run-1/0001"] * len(entries)
        if entries:
            assert tree(entries[0]["stored_path"]) == before
        else:
            assert tree(path) == before, step
            assert [record["recovered"] for record in settled] == ([] if step == "written" else ["undone"])
            assert os.listdir(host.store) == []
        after_the_next_run(host, action, path, before)
    assert steps[:2] == ["written", action + " intended"]
    # Where several things are moved, one writing at the end does for all.
    assert steps[-3:] == (
        ["written", "replace done", None] if action == "replace" else [action + " done", "written", None]
    )


def do(quarantine: Quarantine, action: str, path: str) -> None:
    if action == "replace":
        quarantine.replace(path, "python3.9", REASON, "SP101")
    else:
        getattr(quarantine, action)(path, REASON, "SP210")


def after_the_next_run(host: Host, action: str, path: str, before: t.Dict[str, t.Any]) -> None:
    if action == "keep":
        assert tree(path) == before
    elif not (action == "replace" and os.path.islink(path) and os.readlink(path) == "python3.9"):
        if os.path.lexists(path):
            do(host.quarantine("run-4"), action, path)
        elif action == "replace":
            replace_link(path, "python3.9")
    if action == "take":
        assert os.listdir(host.bin) == []
    elif action == "replace":
        assert os.readlink(path) == "python3.9"
        assert os.listdir(host.bin) == ["python3"]
    assert len(host.items()) == 1 or action == "keep"


@pytest.mark.parametrize("overwrite", [True, False])
@pytest.mark.parametrize("kind", ["link", "file", "directory"])
def test_a_kill_at_every_step_of_putting_back(
    any_host: Host, killed_at_every_step: t.Any, kind: str, overwrite: bool
) -> None:
    host, path = any_host, any_host.path("python3")

    def prepare() -> t.Dict[str, t.Any]:
        remove_any(host.bin)
        remove_any(host.store)
        os.mkdir(host.bin)
        before = tree(put(path, kind))
        host.quarantine().take(path, REASON, "SP210")
        if overwrite:
            os.symlink("python3.9", path)
        return before

    def work(_before: t.Any, checkpoint: t.Callable[[str], None]) -> None:
        host.quarantine("run-2", checkpoint=checkpoint).put_back("run-1", overwrite=overwrite)

    steps = []
    for step, before in killed_at_every_step(prepare, work):
        steps.append(step)
        host.quarantine("run-3").recover()
        assert host.leftovers() == []
        assert host.quarantine("run-3").recover() == []
        state = host.manifest()["entries"][0]["state"]
        if state == "done":
            assert tree(os.path.join(host.store, "run-1", "items", "0001")) == before
            assert os.path.lexists(path) == overwrite
            host.quarantine("run-2").put_back("run-1", overwrite=overwrite)
        assert host.manifest()["entries"][0]["state"] == "put_back"
        assert tree(path) == before
        assert host.items() == (["run-2/0001"] if overwrite else [])
    assert "returning" in steps
    assert "returned" in steps


def test_recovery_tells_when_the_original_is_gone(host: Host, killed_at_every_step: t.Any) -> None:
    path = host.path("python3")

    def work(_before: t.Any, checkpoint: t.Callable[[str], None]) -> None:
        host.quarantine(checkpoint=checkpoint).take(path, REASON, "SP210")

    kills = killed_at_every_step(lambda: put(path, "link"), work)
    assert next(kills)[0] == "written"
    os.unlink(path)
    assert next(kills)[0] == "take intended"
    os.unlink(path)
    assert [record["recovered"] for record in host.quarantine("run-2").recover()] == ["gone"]


def test_something_new_under_the_old_name_survives_the_recovery(host: Host, killed_at_every_step: t.Any) -> None:
    path = host.path("python3")

    def work(_before: t.Any, checkpoint: t.Callable[[str], None]) -> None:
        host.quarantine(checkpoint=checkpoint).take(path, REASON, "SP210")

    for step, _before in killed_at_every_step(lambda: put(path, "file"), work):
        if step == "renamed":
            break
    os.symlink("python3.9", path)
    assert host.quarantine("run-2").recover()[-1]["recovered"] == "finished"
    assert os.readlink(path) == "python3.9"


def test_the_default_folder() -> None:
    assert DEFAULT_FOLDER == "/var/lib/fleet.system_python/quarantine"


def test_a_kill_at_every_step_of_taking_what_stepped_aside(any_host: Host, killed_at_every_step: t.Any) -> None:
    host, path = any_host, any_host.path("python3")

    def prepare() -> t.Tuple[t.Dict[str, t.Any], str]:
        remove_any(host.bin)
        remove_any(host.store)
        os.mkdir(host.bin)
        before = tree(put(path, "directory"))
        return before, str(replace_link(path, "python3.9"))

    def work(prepared: t.Any, checkpoint: t.Callable[[str], None]) -> None:
        host.quarantine(checkpoint=checkpoint).take(prepared[1], REASON, "SP102", original=path)

    for _step, (before, aside) in killed_at_every_step(prepare, work):
        host.quarantine("run-2").recover()
        assert os.readlink(path) == "python3.9"
        if os.path.lexists(aside):
            assert tree(aside) == before
            assert host.items() == []
            host.quarantine().take(aside, REASON, "SP102", original=path)
        assert host.leftovers() == []
        assert host.items() == ["run-1/0001"]
        assert tree(os.path.join(host.store, "run-1", "items", "0001")) == before
