# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import (
    DiskFullError,
    LockedError,
    QuarantineError,
    ReadOnlyError,
    SystemPythonError,
    TransactionError,
    UnsafeLockError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._disk.files import sha256_of
from ansible_collections.fleet.system_python.plugins.module_utils._disk.quarantine import Quarantine
from ansible_collections.fleet.system_python.plugins.module_utils._packages.moved import MovedFolderError
from ansible_collections.fleet.system_python.plugins.module_utils._packages.wanted import Wanted
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.packages import parse_nevra
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.acquire import Acquisition, AidOptions
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.errors import (
    ChangedMeanwhileError,
    OpenWayError,
)
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.evidence import (
    Kept,
    manifest_texts,
    reason_of,
)
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.install import PackageInstallation
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.plan import Target
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.remote import Remote
from ansible_collections.fleet.system_python.tests.unit.plugins.plugin_utils._first_aid.recorded_host import (
    RecordedHost,
)

TARGET = Target("3.9", "/usr/bin/python3.9", [Wanted(parse_nevra("python3-3.9.2-1.el9.x86_64"))])
PREPARED = ("state abc", "room", "test 0")


def installation(remote: Remote) -> PackageInstallation:
    return PackageInstallation(
        Acquisition(remote, AidOptions(), TARGET.wanted, "/var/cache/.fleet-system-python-aid-x"),
        AidOptions(),
        TARGET,
        [],
    )


@pytest.mark.parametrize(
    ("sections", "error"),
    [
        (("state abc", "read-only\n/usr/bin"), ReadOnlyError),
        (("state abc", "obstacle\n/usr/bin/python3.9\timmutable"), ReadOnlyError),
        (("state abc", "unrecorded\n/srv/usr"), OpenWayError),
        (("state abc", "test 1\ninstalling package x needs 9MB more space on the / filesystem"), DiskFullError),
        # rpm before 4.16.
        (("state abc", "test 1\ninstalling package x needs 9MB on the / filesystem"), DiskFullError),
        (("state abc", "test 1\ninstalling package x needs 12 inodes on the / filesystem"), DiskFullError),
        (("state abc", "test 2\nfile /x conflicts with file from package y"), TransactionError),
    ],
)
def test_what_would_fail_is_said_before(sections: tuple[str, ...], error: type[SystemPythonError]) -> None:
    with pytest.raises(error, match="Nothing was changed"):
        installation(RecordedHost(sections)).prepare()


@pytest.mark.parametrize(
    ("sections", "error", "said"),
    [
        (('locked\n{"pid": 7, "since": "now"}',), LockedError, '"pid": 7'),
        (("unsafe-lock\n/run/lock/x",), UnsafeLockError, "/run/lock/x cannot be used as the lock"),
        (("changed-meanwhile",), ChangedMeanwhileError, "Another run"),
        (("not-kept\nmkdir: No space left on device",), DiskFullError, "no room"),
        (("not-kept\nmkdir: Read-only file system",), ReadOnlyError, "read-only"),
        (("not-kept\nmkdir: odd",), QuarantineError, "odd"),
        (("not-closed\n/usr/bin: odd",), OpenWayError, "/usr/bin: odd"),
        (("quarantine /q/run", "installed 1\nerror: unpacking of archive failed"), TransactionError, "/q/run"),
    ],
)
def test_what_failed_is_said_as_what_it_is(
    sections: tuple[str, ...], error: type[SystemPythonError], said: str
) -> None:
    work = installation(RecordedHost(PREPARED, sections))
    work.prepare()
    with pytest.raises(error, match=said):
        work.carry_out()


def test_evidence_and_what_is_in_the_way() -> None:
    remote = RecordedHost(
        (
            "state abc",
            "blocked 41ed 0 0 4096 1700000000\n/usr/bin/python3.9",
            "overwritten a1ff 0 0 9 1700000001\n/usr/bin/python3",
            "link\npython3.15",
            "overwritten 81ed 0 5 12 1700000002\n/usr/lib64/x y",
            f"sha256 {'0f' * 32}",
            "overwritten 81ed 0 0 12 1700000002\n/usr/bin/python3.9/inside",
            f"sha256 {'0f' * 32}",
        ),
        (),
        ("quarantine /q/run", "installed 0\n"),
    )
    work = installation(remote)
    work.prepare()
    assert [(one.action, one.kind, one.path) for one in work.kept] == [
        ("take", "directory", "/usr/bin/python3.9"),
        ("keep", "link", "/usr/bin/python3"),
        ("keep", "file", "/usr/lib64/x y"),
    ]
    work.carry_out()
    assert work.quarantine == "/q/run"
    assert remote.uploads["manifest.items"].splitlines() == [
        "take\t0001\t/usr/bin/python3.9",
        "keep\t0002\t/usr/bin/python3",
        "keep\t0003\t/usr/lib64/x y",
    ]
    intended, done = (json.loads(remote.uploads[f"manifest.{state}"]) for state in ("intended", "done"))
    assert {entry["state"] for entry in intended["entries"]} == {"intended"}
    assert [(entry["state"], entry["sha256"], entry.get("link_target")) for entry in done["entries"]] == [
        ("done", None, None),
        ("done", None, "python3.15"),
        ("done", "0f" * 32, None),
    ]


def test_a_folder_that_others_live_in_is_not_rebuilt() -> None:
    moved = "moved-folder\n/usr/lib64/python3.9\n/data/python3.9\n/usr/lib64/python3.9/site-packages/agent"
    with pytest.raises(MovedFolderError, match="site-packages/agent") as raised:
        installation(RecordedHost(("state abc", moved, "room", "test 0"))).prepare()
    assert raised.value.details["leads_to"] == "/data/python3.9"


def test_however_much_is_in_the_way_it_comes_as_a_file() -> None:
    paths = [f"/usr/lib64/python3.9/planted_{number}.py" for number in range(5000)]
    remote = RecordedHost((), PREPARED)
    work = installation(remote)
    work.target = replace(TARGET, in_the_way=paths)
    work.prepare()
    assert remote.uploads["in-the-way"].splitlines() == paths


def described(path: Path, action: str) -> Kept:
    found = path.lstat()
    return Kept(
        action=action,
        path=str(path),
        mode=found.st_mode,
        uid=found.st_uid,
        gid=found.st_gid,
        size=found.st_size,
        mtime=int(found.st_mtime),
        sha256=sha256_of(str(path)) if path.is_file() and not path.is_symlink() else None,
        link_target=str(path.readlink()) if path.is_symlink() else None,
    )


def test_the_modules_can_put_back_what_first_aid_kept(tmp_path: Path) -> None:
    system, run = tmp_path / "usr", tmp_path / "quarantine" / "20260131T120000Z-aid-1"
    (system / "folder").mkdir(parents=True)
    (system / "folder" / "file").write_text("mine")
    (system / "plänted.py").write_text("planted")
    kept = [described(system / "folder", "take"), described(system / "plänted.py", "take")]
    texts = manifest_texts(kept, run.name, reason_of(TARGET))
    (run / "items").mkdir(parents=True)
    (run / "manifest.json").write_text(texts["done"])
    for line in texts["items"].splitlines():
        _action, number, path = line.split("\t")
        shutil.move(path, run / "items" / number)
    records = Quarantine(str(run.parent), "another").put_back(run.name)
    assert [record["state"] for record in records] == ["put_back", "put_back"]
    assert (system / "folder" / "file").read_text() == "mine"
    assert (system / "plänted.py").read_text() == "planted"


def test_a_killed_run_is_recovered(tmp_path: Path) -> None:
    system, run = tmp_path / "usr", tmp_path / "quarantine" / "20260131T120000Z-aid-1"
    system.mkdir()
    (system / "file").write_text("original")
    texts = manifest_texts([described(system / "file", "keep")], run.name, reason_of(TARGET))
    (run / "items").mkdir(parents=True)
    (run / "manifest.json").write_text(texts["intended"])
    Quarantine(str(run.parent), "another").recover()
    assert (system / "file").read_text() == "original"
    assert not run.exists()
