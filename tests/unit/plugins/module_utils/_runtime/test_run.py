# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import functools
import os
import tempfile
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import (
    AcquisitionError,
    ArchiveError,
    ChecksumError,
    ForeignRuntimeError,
    InUseError,
    InvalidDataError,
    LockedError,
    UnsafeRootError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._disk.lock import RunLock
from ansible_collections.fleet.system_python.plugins.module_utils._runtime import run as runtime_run
from ansible_collections.fleet.system_python.plugins.module_utils._runtime.install import Installation, about_runtime
from ansible_collections.fleet.system_python.plugins.module_utils._runtime.look import check_root
from ansible_collections.fleet.system_python.plugins.module_utils._runtime.publish import publish, quarantine_lock
from ansible_collections.fleet.system_python.plugins.module_utils._runtime.records import RuntimeResult, RuntimeSettings
from ansible_collections.fleet.system_python.plugins.module_utils._runtime.run import RuntimeRun
from ansible_collections.fleet.system_python.plugins.module_utils._runtime.users import TakeCensus
from ansible_collections.fleet.system_python.plugins.module_utils._trust.manifest import (
    RuntimeSource,
    make_about,
    make_source,
    new_manifest,
    write_manifest,
)
from ansible_collections.fleet.system_python.plugins.module_utils._venv.records import (
    BinPython,
    Census,
    Venv,
    minor_of,
)

OWNER = os.geteuid()
SHA = "a" * 64


def venv(path: str = "/srv/app", home: str = "", **links: str) -> Venv:
    pythons = tuple(BinPython(name, target, target) for name, target in links.items())
    return Venv(path, home=home, pythons=pythons)


def no_venvs() -> Census:
    return Census()


@pytest.fixture(name="root")
def root_fixture(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[str]:
    # Whose temporary folder lies where is the machine's business.
    monkeypatch.setattr(runtime_run, "check_root", lambda *_arguments: None)
    # Runtimes are tried as somebody whom pytest's own folder is closed to.
    with tempfile.TemporaryDirectory() as parent:
        Path(parent).chmod(0o755)
        root = os.path.join(parent, "python")
        os.mkdir(root, 0o755)
        yield root


# What a Python says that passes all checks.
ANSWERS = """#!/bin/sh
echo '{"version": "%s", "failed": {}}'
"""


def install(root: str, version: str, link: bool = False, source: t.Optional[RuntimeSource] = None) -> None:
    folder = os.path.join(root, version)
    os.makedirs(os.path.join(folder, "bin"), 0o755)
    interpreter = os.path.join(folder, "bin/python" + minor_of(version))
    with open(interpreter, "w") as stream:
        stream.write(ANSWERS % version)
    Path(interpreter).chmod(0o755)
    about = make_about(version, source or make_source("/srv/a", SHA))
    write_manifest(folder, new_manifest(folder, about, {}))
    if link:
        os.symlink(version, os.path.join(root, minor_of(version)))


def asked(root: str, state: str = "present", version: str = "3.13.5", **more: t.Any) -> RuntimeSettings:
    lock = os.path.join(root, "..", "lock")
    return RuntimeSettings(state=state, version=version, root=root, owner=OWNER, lock_path=lock, **more)


def run(root: str, *wanted: str, census: TakeCensus = no_venvs, **more: t.Any) -> RuntimeRun:
    return RuntimeRun(asked(root, *wanted, **more), census)


def names(result: RuntimeResult) -> t.List[str]:
    return [action["action"] for action in result["actions"]]


@pytest.mark.parametrize(
    "root", ["/usr/local/python", "/usr", "/", "/etc/python", "/opt", "/run/x", "relative", "/opt/../usr/x"]
)
def test_folders_of_the_operating_system_are_refused(root: str) -> None:
    with pytest.raises(UnsafeRootError):
        check_root(root)


def test_a_folder_that_others_can_change_is_refused(tmp_path: t.Any) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(UnsafeRootError):
        check_root(str(tmp_path / "open" / "python"), OWNER)


@pytest.mark.parametrize("version", ["3.13", "3", "latest", "3.13.5/../..", "3.13.5\n", "3.13.5b"])
def test_a_version_must_be_complete(root: str, version: str) -> None:
    with pytest.raises(InvalidDataError):
        run(root, version=version)


def test_what_is_there_from_the_same_archive_is_left_alone(root: str) -> None:
    install(root, "3.13.5", link=True)
    result = run(root, place="/srv/b", sha256=SHA).apply()
    assert (result["changed"], result["actions"], result["runtimes"]) == (False, [], ["3.13.5"])
    other = run(root, place="/srv/b", sha256="b" * 64).predict()
    assert names(other) == ["install"]
    assert "another archive" in other["actions"][0]["reason"]


def test_the_link_alone(root: str) -> None:
    install(root, "3.13.4", link=True)
    install(root, "3.13.5")
    predicted = run(root).predict()
    assert predicted["actions"] == [
        {"action": "link", "path": os.path.join(root, "3.13"), "target": "3.13.5", "was": "3.13.4"}
    ]
    assert run(root).apply()["actions"] == predicted["actions"]
    assert os.readlink(os.path.join(root, "3.13")) == "3.13.5"
    assert not run(root, link=False, version="3.13.4").predict()["changed"]


def test_the_name_of_an_archive_has_no_secrets(root: str, tmp_path: t.Any) -> None:
    wanted = asked(root, place="https://joe:hunter2@mirror.example/cpython.tar.gz?token=hunter2#x", sha256=SHA)
    source = about_runtime(wanted)["source"]
    assert (source["place"], source["shortened"]) == ("https://mirror.example/cpython.tar.gz", True)
    install(root, "3.13.5", source=source)
    os.unlink(os.path.join(root, "3.13.5/bin/python3.13"))
    with pytest.raises(AcquisitionError, match="password and query are not kept"):
        run(root, "intact").apply()
    broken = tmp_path / "archive"
    broken.write_bytes(b"no tar")
    named = Installation(asked(root, place=str(broken), shown_place="files/cpython.tar.gz", sha256=SHA), print)
    (tmp_path / "staging").mkdir()
    with pytest.raises(ArchiveError, match=r"The archive files/cpython\.tar\.gz is damaged"):
        named._unpacked(str(tmp_path / "staging"), str(broken))


def test_an_archive_of_the_controller_is_asked_for_only_when_it_is_needed(root: str) -> None:
    assert run(root, shown_place="files/a", sha256=SHA).apply()["needs_archive"] is True
    assert os.listdir(root) == []
    install(root, "3.13.5", link=True)
    assert "needs_archive" not in run(root, shown_place="files/a", sha256=SHA).apply()
    with pytest.raises(AcquisitionError, match="no archive is given"):
        run(root, version="3.13.6").predict()


def test_intact_names_what_differs(root: str) -> None:
    install(root, "3.13.5", link=True)
    assert run(root, "intact").apply()["intact"] is True
    with open(os.path.join(root, "3.13.5/bin/python3.13"), "a") as stream:
        stream.write("more")
    result = run(root, "intact", place="/srv/a", sha256=SHA).predict()
    assert result["deviations"] == [{"path": "bin/python3.13", "what": "altered"}]
    assert (names(result), result["intact"]) == (["install"], False)


def test_pruning(root: str) -> None:
    for version in ("3.13.9", "3.13.10", "3.13.11rc1", "3.12.1"):
        install(root, version)
    install(root, "3.13.11", link=True)
    result = run(root, version="3.13.11", keep=2).predict()
    removed = [os.path.basename(action["path"]) for action in result["actions"]]
    assert removed == ["3.13.9", "3.13.10"]
    interpreter = os.path.join(root, "3.13.9/bin/python3.13")
    used = Census((venv(python=interpreter),))
    result = run(root, version="3.13.11", keep=2, census=lambda: used).apply()
    assert sorted(os.listdir(root)) == ["3.12.1", "3.13", "3.13.11", "3.13.11rc1", "3.13.9"]
    assert "/srv/app" in result["warnings"][0]


def test_nothing_is_exchanged_whose_evidence_cannot_be_kept(root: str, tmp_path: t.Any) -> None:
    install(root, "3.13.5", link=True)
    mine = os.path.join(root, "3.13.5/mine.py")
    with open(mine, "w") as stream:
        stream.write("precious")
    staging = tmp_path / "staging"
    (staging / "made").mkdir(parents=True)
    quarantine = str(tmp_path / "quarantine")
    wanted, made, nobody = (
        asked(root, "intact", quarantine_folder=quarantine),
        str(staging / "made"),
        t.cast(t.Any, None),
    )
    with RunLock(quarantine_lock(wanted)), pytest.raises(LockedError):
        publish(wanted, str(staging), made, nobody)
    assert os.path.exists(mine)
    with pytest.raises(AttributeError):
        # Killed after the exchange, before the proof.
        publish(wanted, str(staging), made, nobody)
    assert not os.path.exists(mine)
    kept = [os.path.join(parent, name) for parent, _folders, names in os.walk(quarantine) for name in names]
    assert [path for path in kept if os.path.getsize(path) == len("precious")]


def make_venv(path: str, home: str, **links: str) -> Venv:
    os.makedirs(os.path.join(path, "bin"))
    for name, target in links.items():
        os.symlink(target, os.path.join(path, "bin", name))
    real = os.path.realpath(os.path.join(path, "bin/python"))
    return venv(path, home, **dict.fromkeys(links, real))


def test_pruning_leaves_what_is_newer(root: str) -> None:
    for version in ("3.13.8", "3.13.9", "3.13.10"):
        install(root, version)
    actions = run(root, version="3.13.9", keep=1).predict()["actions"]
    assert [action["path"] for action in actions if action["action"] == "remove"] == [os.path.join(root, "3.13.8")]


def test_venvs_that_follow_the_link_do_not_hold_up_pruning(root: str) -> None:
    install(root, "3.13.4", link=True)
    install(root, "3.13.5")
    link, old = os.path.join(root, "3.13/bin"), os.path.join(root, "3.13.4/bin")
    follower = make_venv(os.path.join(root, "app"), link, python=link + "/python3.13", python3="python")
    stays = make_venv(os.path.join(root, "stays"), old, python=old + "/python3.13", python3="python")
    mixed = make_venv(os.path.join(root, "mixed"), link, python=link + "/python3.13", python3=old + "/python3.13")
    odd = follower._replace(path=follower.path + "\\xff")

    def predict(*venvs: Venv, **more: t.Any) -> t.List[str]:
        return names(run(root, keep=1, census=lambda: Census(venvs), **more).predict())

    assert predict(follower) == ["link", "remove"]
    for other in (stays, mixed, odd):
        assert predict(follower, other) == ["link"]
    # Where the link stays, so does what it leads to.
    assert predict(follower, link=False) == []


def test_removal_is_refused_while_something_hangs_on_it(root: str) -> None:
    install(root, "3.13.5", link=True)
    by_link = BinPython("python", "/elsewhere", "/elsewhere", (os.path.join(root, "3.13/bin/python3.13"),))
    for one in (Venv("/srv/app", pythons=(by_link,)), venv(home=os.path.join(root, "3.13.5/bin"))):
        with pytest.raises(InUseError, match="/srv/app") as caught:
            run(root, "absent", census=functools.partial(Census, (one,))).predict()
        assert caught.value.details["venvs"] == ["/srv/app"]
    partial = Census(reasons=("/home cannot be read",))
    with pytest.raises(InUseError, match="/home cannot be read"):
        run(root, "absent", census=lambda: partial).apply()
    assert run(root, "absent", census=lambda: partial, ignore_partial_census=True).apply()["changed"]
    assert os.listdir(root) == []
    assert not run(root, "absent").apply()["changed"]


def test_after_a_removal_the_link_leads_to_the_newest_other(root: str) -> None:
    install(root, "3.13.9")
    install(root, "3.13.10")
    install(root, "3.13.11", link=True)
    run(root, "absent", version="3.13.11").apply()
    assert os.readlink(os.path.join(root, "3.13")) == "3.13.10"
    assert sorted(os.listdir(root)) == ["3.13", "3.13.10", "3.13.9"]


def test_what_is_not_ours_is_not_touched(root: str) -> None:
    os.mkdir(os.path.join(root, "3.13.5"))
    for state in ("present", "absent", "intact"):
        with pytest.raises(ForeignRuntimeError):
            run(root, state).predict()
    os.rmdir(os.path.join(root, "3.13.5"))
    os.mkdir(os.path.join(root, "3.13"))
    with pytest.raises(ForeignRuntimeError, match="in the way"):
        run(root, place="/srv/a", sha256=SHA).predict()


def test_leftovers_of_a_killed_run_are_removed(root: str) -> None:
    install(root, "3.13.5", link=True)
    os.makedirs(os.path.join(root, ".fleet-system-python-new-abc/source"))
    predicted = run(root).predict()
    assert names(predicted) == ["clean"]
    assert run(root).apply()["changed"]
    assert sorted(os.listdir(root)) == ["3.13", "3.13.5"]


def test_packing(root: str, tmp_path_factory: t.Any) -> None:
    install(root, "3.13.5", link=True)
    target = str(tmp_path_factory.mktemp("packed") / "a.tar.gz")
    assert run(root, "packed", destination=target).apply()["changed"]
    assert not run(root, "packed", destination=target).apply()["changed"]
    with open(target, "rb+") as stream:
        whole = stream.read()
        stream.truncate(len(whole) // 2)
    assert run(root, "packed", destination=target).apply()["changed"]
    with open(target, "rb") as stream:
        assert stream.read() == whole
    with pytest.raises(AcquisitionError, match="no runtime"):
        run(root, "packed", version="3.13.6", destination=target).apply()


def test_the_root_is_open_under_a_strict_umask(root: str) -> None:
    archive = os.path.join(root, "archive")
    with open(archive, "w") as stream:
        stream.write("none")
    settings = asked(os.path.join(root, "python"), place=archive, sha256=SHA)
    settings = settings._replace(lock_path=os.path.join(root, "lock"))
    umask = os.umask(0o077)
    try:
        with pytest.raises(ChecksumError):
            RuntimeRun(settings, no_venvs).apply()
        assert os.umask(0o077) == 0o077
    finally:
        os.umask(umask)
    assert os.stat(os.path.join(root, "python")).st_mode & 0o777 == 0o755
