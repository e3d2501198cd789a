# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A user who owns a folder in which root works: he exchanges it by links meanwhile, or lets it have no end."""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import JournalError, SystemPythonError
from ansible_collections.fleet.system_python.plugins.module_utils._disk.root import user_of
from ansible_collections.fleet.system_python.plugins.module_utils._disk.trees import remove_any
from ansible_collections.fleet.system_python.plugins.module_utils._rights.account import Account, account_of
from ansible_collections.fleet.system_python.plugins.module_utils._rights.reading import reading_as
from ansible_collections.fleet.system_python.plugins.module_utils._usage.places import Places
from ansible_collections.fleet.system_python.plugins.module_utils._venv import describe, walk
from ansible_collections.fleet.system_python.plugins.module_utils._venv.census import take_census
from ansible_collections.fleet.system_python.plugins.module_utils._venv.packages import site_folders
from ansible_collections.fleet.system_python.plugins.module_utils._venv.plan import OriginError, VenvOptions
from ansible_collections.fleet.system_python.plugins.module_utils._venv.records import Census, CensusSettings
from ansible_collections.fleet.system_python.plugins.module_utils._venv.relink import JOURNAL, require_of_root, undo
from ansible_collections.fleet.system_python.plugins.module_utils._venv.run import VenvRun
from ansible_collections.fleet.system_python.plugins.module_utils._venv.swap import (
    MARKER,
    UnsafeVenvError,
    VenvPlace,
)
from ansible_collections.fleet.system_python.tests.hostile.traps import bounded, python_of_all

USER = 65534
NOWHERE = Places((), (), (), (), (), (), (), (), "/nowhere")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be misled by a user")


@pytest.fixture(name="top")
def top_fixture() -> t.Iterator[Path]:
    """A folder of root's that everybody may enter."""
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(name="home")
def home_fixture(top: Path) -> Path:
    """The user's own folder."""
    home = top / "home"
    home.mkdir()
    if os.geteuid() == 0:
        os.chown(home, USER, USER)
    return home


def give(path: Path) -> None:
    for parent, folders, files in os.walk(path):
        for name in ["", *folders, *files]:
            os.lchown(Path(parent, name), USER, USER)


def make_venv(path: Path, minor: str = "3.11") -> Path:
    """A folder that is a venv for all who only read."""
    (path / f"lib/python{minor}/site-packages").mkdir(parents=True)
    (path / "bin").mkdir()
    (path / "bin/python").symlink_to(python_of_all())
    (path / "pyvenv.cfg").write_text(f"home = /usr/bin\nversion = {minor}.1\n")
    return path


def options(path: Path, **more: t.Any) -> VenvOptions:
    chosen = VenvOptions(
        path=str(path), interpreter=python_of_all(), trust_interpreter=True, places=NOWHERE, folders=(), timeout=30
    )
    return chosen._replace(**more)


def census(folder: Path, **more: t.Any) -> Census:
    settings = CensusSettings(roots=(str(folder),), usage=False, system=("/x",), **more)
    return take_census(settings, owners=lambda _paths: {})


@contextlib.contextmanager
def user_who(code: str, *arguments: object) -> t.Iterator[None]:
    """Let the user run C(code) for ever, meanwhile."""
    argv = [python_of_all(), "-I", "-S", "-c", code, *map(str, arguments)]
    process = subprocess.Popen(argv, user=USER, group=USER)
    try:
        time.sleep(0.3)
        assert process.poll() is None
        yield
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


EXCHANGES = """
import ctypes, os, sys
path, target = map(os.fsencode, sys.argv[1:])
os.symlink(target, path + b".link")
exchange = ctypes.CDLL(None).renameat2
while True:
    exchange(-100, path, -100, path + b".link", 2)
"""


# A folder that many may change.


@needs_root
@pytest.mark.parametrize("change", ["owner", "group", "all", "sticky", "link", "above"])
@pytest.mark.parametrize("state", ["present", "repaired", "absent"])
def test_root_does_not_work_where_others_decide(top: Path, home: Path, change: str, state: str) -> None:
    folder = {"link": top / "way", "above": home / "more"}.get(change, home)
    if change in ("group", "all", "sticky"):
        os.chown(home, 0, USER)
        home.chmod({"group": 0o775, "all": 0o777, "sticky": 0o1777}[change])
    elif change == "link":
        os.chown(home, 0, 0)
        (top / "users").mkdir()
        os.chown(top / "users", USER, USER)
        (top / "users/way").symlink_to(home)
        folder = top / "users/way"
    folder.mkdir(exist_ok=True)
    venv = make_venv(folder / "app", "3.4")
    if state == "present":
        (venv / "pyvenv.cfg").unlink()
        remove_any(str(venv))
    before = sorted(map(str, top.rglob("*")))
    more = {"interpreter": python_of_all()} if state != "absent" else {"interpreter": None}
    for run in (VenvRun(options(venv, state=state, **more)).predict, VenvRun(options(venv, state=state, **more)).apply):
        with pytest.raises(UnsafeVenvError, match="can be changed by"):
            run()
    assert sorted(map(str, top.rglob("*"))) == before


@needs_root
def test_who_decides(top: Path, home: Path) -> None:
    (home / "app").mkdir()
    (top / "tmp").mkdir()
    (top / "tmp").chmod(0o1777)
    (top / "tmp/mine").touch()
    os.chown(top / "tmp/mine", 4242, 4242)
    (top / "tmp/link").symlink_to(home)
    os.lchown(top / "tmp/link", 4242, 4242)
    names = ("", "home", "home/app", "home/none", "tmp/mine", "tmp/link", "tmp", "tmp/none")
    found = {name: user_of(str(top / name)) for name in names}
    assert found == dict.fromkeys(found, USER) | {"": 0, "tmp/mine": 0, "tmp/link": 4242}


@needs_root
def test_root_runs_nothing_of_a_venv_that_others_can_change(top: Path) -> None:
    venv = make_venv(top / "app")
    require_of_root(str(venv))
    site = venv / "lib/python3.11/site-packages"
    (top / "evil").mkdir()
    os.chown(top / "evil", USER, USER)

    def owned(path: Path) -> None:
        path.touch()
        os.chown(path, USER, USER)

    def writable(path: Path) -> None:
        path.touch()
        path.chmod(0o666)

    def folder(path: Path) -> None:
        path.mkdir()
        path.chmod(0o777)

    cases: list[t.Callable[[Path], object]] = [
        owned,
        writable,
        folder,
        lambda path: path.symlink_to(top / "evil"),
        lambda path: path.with_suffix(".pth").write_text(f"{top}/evil\n"),
    ]
    for make in cases:
        make(site / "x")
        with pytest.raises(UnsafeVenvError, match="others than root may change"):
            require_of_root(str(venv))
        for one in site.iterdir():
            remove_any(str(one))
    require_of_root(str(venv))


@needs_root
@pytest.mark.parametrize("moment", ["journal", "config"])
def test_a_user_does_not_get_his_module_into_root(top: Path, home: Path, moment: str) -> None:
    """H1: when root looks it is root's venv, and when root proves that it works the user's folder is there."""
    minor = subprocess.check_output(
        [python_of_all(), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], text=True
    )
    venv, evil = make_venv(home / "app", minor.strip()), make_venv(top / "evil/app", minor.strip())
    site = evil / f"lib/python{minor.strip()}/site-packages"
    (site / "x.pth").write_text(f"import os; open('{top}/evil/ran-' + str(os.geteuid()), 'w')\n")
    (venv / "bin/python").unlink()
    (venv / "bin/python").symlink_to("/gone")
    give(top / "evil")
    moved: list[str] = []

    def exchange(step: str) -> None:
        if step == moment and not moved:
            venv.rename(home / "kept")
            (top / "evil/app").rename(venv)
            moved.append(step)

    with bounded(60, 4 << 30), pytest.raises(UnsafeVenvError):
        VenvRun(options(venv, state="repaired"), checkpoint=exchange).apply()
    assert moved == []
    with user_who(EXCHANGES, venv, evil):
        for _try in range(5):
            with bounded(60, 4 << 30), contextlib.suppress(SystemPythonError):
                VenvRun(options(venv, state="repaired")).apply()
    assert not (top / "evil/ran-0").exists()


@needs_root
def test_nothing_is_made_where_a_link_of_the_user_leads(top: Path, home: Path) -> None:
    """H1: the folder of the venv is exchanged by a link into root's while the venv is built, swapped and kept."""
    (home / "srv").mkdir()
    os.chown(home / "srv", USER, USER)
    target = top / "etc"
    (target / "app").mkdir(parents=True)
    (target / "app/pyvenv.cfg").write_text("root's own")
    account, before = account_of("nobody"), target.stat().st_mtime_ns
    with user_who(EXCHANGES, home / "srv", target):
        for _try in range(60):
            place = VenvPlace(str(home / "srv/app"))
            for step in (lambda p=place: p.begin(account), place.swap, lambda p=place: p.retire(0), place.take_back):
                with contextlib.suppress(OSError, SystemPythonError):
                    step()
    assert [str(path.relative_to(target)) for path in sorted(target.rglob("*"))] == ["app", "app/pyvenv.cfg"]
    assert (target / "app/pyvenv.cfg").read_text() == "root's own"
    assert target.stat().st_mtime_ns == before, "something was made there meanwhile"


@needs_root
def test_the_marker_of_a_user_exchanges_nothing_of_others(top: Path) -> None:
    """The folder is root's, the venv is the user's: what he writes into it names a folder of somebody else."""
    venv, other = make_venv(top / "app"), make_venv(top / "other")
    (other / "secret").touch()
    for name in ("other", "../etc", ".", "..", ""):
        venv = top / "app"
        venv.exists() or make_venv(venv)
        (venv / MARKER).write_text(json.dumps({"old": name}))
        give(venv)
        VenvPlace(str(venv)).take_back()
        assert (other / "secret").exists()
        assert not (venv / "secret").exists()


# What is only read.


@needs_root
@pytest.mark.parametrize("folder", ["x-1.dist-info", "x-1.egg-info"])
def test_what_the_user_may_not_read_is_not_told_of_his_venv(top: Path, home: Path, folder: str) -> None:
    secret = top / "root"
    secret.mkdir(mode=0o700)
    for name in ("METADATA", "PKG-INFO"):
        (secret / name).write_text("Name: secret\nVersion: 1\n")
    venv = make_venv(home / "app")
    (venv / "lib/python3.11/site-packages" / folder).symlink_to(secret)
    give(venv)
    with bounded():
        found = census(home, packages=True)
    assert [[package.name for package in one.packages or ()] for one in found.venvs] == [["x"]]
    assert os.geteuid() == 0


@needs_root
def test_a_walk_does_not_leave_by_a_folder_that_becomes_a_link(top: Path, home: Path) -> None:
    secret = top / "root"
    for number in range(20):
        make_venv(secret / f"deep/{number}")
    secret.chmod(0o700)
    (home / "way/deep").mkdir(parents=True)
    give(home)
    with user_who(EXCHANGES, home / "way", secret):
        end = time.monotonic() + 2
        while time.monotonic() < end:
            found = walk.VenvWalk(CensusSettings(roots=(str(home),)), time.monotonic, end + 20)
            assert found.run() == []


@needs_root
def test_rights_come_back_whatever_happens() -> None:
    before = os.getresuid(), os.getresgid(), os.getgroups()

    def fail(error: "type[BaseException]") -> None:
        with reading_as(USER):
            assert os.geteuid() == USER
            with pytest.raises(PermissionError):
                Path("/etc/shadow").read_text()
            raise error("x")

    for error in (OSError, SystemPythonError, KeyboardInterrupt):
        with pytest.raises(error):
            fail(error)
    assert (os.getresuid(), os.getresgid(), os.getgroups()) == before


# What has no end.


def make_deep(path: Path, levels: int) -> None:
    """Make folders in each other, deeper than a path can name."""
    path.mkdir()
    here = os.open(path, os.O_DIRECTORY)
    for _level in range(levels):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_DIRECTORY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


def test_folders_without_bottom_end_no_run(tmp_path: Path) -> None:
    venv = make_venv(tmp_path / "app")
    make_deep(venv / "lib/python3.11/site-packages/deep", 3000)
    make_deep(tmp_path / "deep", 3000)
    with bounded(60, 4 << 30):
        found = census(tmp_path, sizes=True, depth=100000)
        assert [one.path for one in found.venvs] == [str(venv)]
        assert found.venvs[0].size is not None
        for path in (venv, tmp_path / "deep"):
            remove_any(str(path))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_millions_is_left_out_from_a_number_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "_MOST_NAMES", 50)
    (tmp_path / "many").mkdir()
    for number in range(60):
        (tmp_path / f"many/{number}").touch()
    found = census(tmp_path)
    assert found.partial
    assert "has more than 50 names" in found.reasons[0]


def test_a_venv_that_takes_long_is_left_out_and_the_others_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, fine = make_venv(tmp_path / "a-slow"), make_venv(tmp_path / "b-fine")

    def held_up(path: str) -> "dict[str, str]":
        while path == str(slow):
            time.sleep(0.01)
        return site_folders(path)

    monkeypatch.setattr(describe.__name__ + ".site_folders", held_up)
    with bounded(20):
        found = census(tmp_path, time_limit=1)
    assert str(slow) in found.reasons[0]
    assert "took longer" in found.reasons[0]
    assert str(fine) in [one.path for one in found.venvs] or any("were not looked into" in one for one in found.reasons)


def test_check_mode_has_the_time_limit_of_the_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    venv = make_venv(tmp_path / "app")
    monkeypatch.setattr(describe.__name__ + ".site_folders", lambda _path: time.sleep(60))
    with bounded(20), pytest.raises(SystemPythonError, match="took longer than 1 s"):
        VenvRun(options(venv, state="repaired", timeout=1)).predict()


# What he writes down.


@pytest.mark.parametrize(
    ("name", "version", "origin"),
    [
        ("x @ file:///srv/u/evil", "1", None),
        ("-r /srv/u/evil.txt", "1", None),
        ("x", "1\n--index-url http://evil", None),
        ("x", "1 --hash=a", None),
        ("x", "1", "https://good/x.whl\n--extra-index-url http://evil"),
    ],
)
def test_what_a_package_says_of_itself_is_no_option_of_pip(
    tmp_path: Path, name: str, version: str, origin: "str | None"
) -> None:
    venv = make_venv(tmp_path / "app", "3.4")
    info = venv / "lib/python3.4/site-packages/x-1.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text(f"Name: {name}\nVersion: {version}\n")
    if origin:
        info.joinpath("direct_url.json").write_text(json.dumps({"url": origin, "archive_info": {}}))
    chosen = options(venv, state="repaired", origins="reinstall")
    if "\n" in version:
        # It is another header of the metadata, and not read.
        assert VenvRun(chosen).predict()["action"] == "rebuild"
        return
    with pytest.raises(OriginError, match="not such as an installer writes"):
        VenvRun(chosen).predict()


JOURNALS = ["", "{", "[]", "5", "{}", '{"links": 5}', "[" * 99999]
JOURNALS += ['{"links": {"a": "b"}, "files": [], "lib64": null, "config": "\\ud800"}']
JOURNALS += ['{"links": {"a": "b"}, "files": [], "lib64": "\\u0000", "config": ""}']
JOURNALS += ['{"links": {"a": 5}, "files": [], "lib64": null, "config": ""}']


@pytest.mark.parametrize("text", JOURNALS)
def test_a_journal_that_the_user_wrote_is_an_error(tmp_path: Path, text: str) -> None:
    venv = make_venv(tmp_path / "app")
    (venv / JOURNAL).write_text(text)
    with bounded(), pytest.raises(JournalError):
        undo(str(venv))


def test_a_journal_names_nothing_outside_of_the_venv(tmp_path: Path) -> None:
    venv = make_venv(tmp_path / "app")
    (tmp_path / "victim").symlink_to("before")
    saved = {"links": {"../../victim": "after"}, "files": ["../../victim"], "lib64": None, "config": "home = /x\n"}
    (venv / JOURNAL).write_text(json.dumps(saved))
    with pytest.raises(JournalError, match="something else than names"):
        undo(str(venv))
    assert (tmp_path / "victim").readlink() == Path("before")


def test_an_account_is_what_root_works_as(tmp_path: Path) -> None:
    assert VenvPlace(str(tmp_path / "app")).who().uid == os.geteuid()
    VenvPlace(str(tmp_path / "app")).require_safe(Account("x", 4242, 4242))
