# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""There is one way to a file that somebody else may have made, and no file ends or delays who takes it."""

import ast
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.leftovers import PipRecords
from ansible_collections.fleet.system_python.plugins.module_utils._audit.path_files import read_path_file
from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import SystemPythonError
from ansible_collections.fleet.system_python.plugins.module_utils._disk import files
from ansible_collections.fleet.system_python.plugins.module_utils._disk.journal import Journal
from ansible_collections.fleet.system_python.plugins.module_utils._disk.kept import load_run
from ansible_collections.fleet.system_python.plugins.module_utils._disk.root import HOST
from ansible_collections.fleet.system_python.plugins.module_utils._pin.record import Record
from ansible_collections.fleet.system_python.plugins.module_utils._trust.manifest import MANIFEST, load_manifest
from ansible_collections.fleet.system_python.plugins.module_utils._usage.read import script_text
from ansible_collections.fleet.system_python.plugins.module_utils._venv.build import read_record
from ansible_collections.fleet.system_python.plugins.module_utils._venv.census import take_census
from ansible_collections.fleet.system_python.plugins.module_utils._venv.extras import extra_files
from ansible_collections.fleet.system_python.plugins.module_utils._venv.packages import (
    installed_packages,
    top_level_modules,
)
from ansible_collections.fleet.system_python.plugins.module_utils._venv.records import CensusSettings
from ansible_collections.fleet.system_python.plugins.modules import python_venv, python_venv_info
from ansible_collections.fleet.system_python.tests.hostile.traps import TRAPS, bounded, set_trap

SOURCE = Path(__file__).parents[2] / "plugins/module_utils"

# Who opens a file in another way than _disk/files.py does, and why that is no way to somebody else's file.
ELSEWHERE = {
    "_base/children.py": "the kernel's list of processes",
    "_disk/files.py": "this is the way",
    "_disk/kernel.py": "descriptors of folders, and of files for their flags: nothing is read",
    "_disk/lock.py": "the lock's file, which is made, and is the run's own",
    "_disk/space.py": "a file without a name, which tells whether a file system takes writes",
    "_disk/archive.py": "archives: opened to be unpacked within limits, and made",
    "_disk/new_tree.py": "folders that are being filled, each from the one above, and new files in them",
    "_disk/tar_members.py": "tar archives, from an open stream",
    "_packages/acquisition.py": "a folder, to lock it",
    "_repair/steps.py": "O_PATH: it opens nothing",
    "_rights/confined.py": "the log of a build, which root writes to in a folder of its own",
    "_benchmark/worker.py": "the program that is measured; it runs as nobody, in a folder of its own",
    "_disk/trees.py": "folders, to delete them",
    "_venv/walk.py": "folders, which are entered by descriptors",
    "_venv/work.py": "the folder of a new venv, to give it its mode",
}
_OPENERS = {"os", "io", "codecs", "tarfile", "gzip", "bz2", "lzma", "zipfile", "tokenize", "shelve", "dbm"}
_ALSO = {
    "shutil": {"copy", "copy2", "copyfile", "copytree", "move", "unpack_archive"},
    "json": {"load"},
    "io": {"FileIO"},
    "zipfile": {"ZipFile"},
    "tarfile": {"TarFile"},
}


def other_ways(tree: ast.AST) -> "list[str]":
    found = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            found += [f"imports {name}" for name in names if name in ("pathlib", "fileinput", "linecache", "mmap")]
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        if isinstance(function, ast.Name) and function.id == "open":
            found.append("open()")
        elif isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
            module, name = function.value.id, function.attr
            if (name == "open" and module in _OPENERS) or name in _ALSO.get(module, ()):
                found.append(f"{module}.{name}()")
        elif isinstance(function, ast.Attribute) and function.attr in ("read_text", "read_bytes", "read_file"):
            found.append(f".{function.attr}()")
    return found


def test_nothing_is_opened_in_another_way() -> None:
    ways = {
        str(path.relative_to(SOURCE)): other_ways(ast.parse(path.read_text(encoding="utf-8")))
        for path in SOURCE.rglob("*.py")
    }
    assert {path: found for path, found in ways.items() if found and path not in ELSEWHERE} == {}
    assert [path for path in ELSEWHERE if not ways[path]] == [], "these open nothing any more: take them off the list"


@pytest.mark.parametrize(
    "line",
    ["open(a)", "io.open(a)", "os.open(a, 0)", "from pathlib import Path", "Path(a).read_text()", "shutil.copy(a, b)"],
)
def test_another_way_is_seen(line: str) -> None:
    assert other_ways(ast.parse(line))


READERS: "dict[str, t.Callable[[str], object]]" = {
    "bytes": files.read_bytes,
    "text": files.read_text,
    "text behind a link": lambda path: files.read_text(path, follow=True),
    "small": lambda path: len(files.read_small(path)) <= 1 << 16 and files.read_text(path),
    "line": lambda path: files.open_to_read(path).readline(),
    "lines": lambda path: list(files.open_to_read(path, follow=True)),
    "host": lambda path: HOST.open(path).read(),
    "append": lambda path: (files.open_to_append(path), files.read_bytes(path)),
}


@pytest.mark.parametrize("kind", TRAPS)
@pytest.mark.parametrize("reader", READERS)
def test_a_trap_is_an_error(tmp_path: Path, kind: str, reader: str) -> None:
    set_trap(tmp_path / "x", kind)
    with bounded(), pytest.raises(OSError, match=r".") as raised:
        READERS[reader](str(tmp_path / "x"))
    assert raised.value.errno
    (tmp_path / "x").rename(tmp_path / "gone")


def test_a_file_that_grows_meanwhile_has_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"a" * 10)
    with files.open_to_read(str(path), most=100) as stream:
        path.write_bytes(b"a" * 101)
        with pytest.raises(OSError, match="more than 100 bytes"):
            stream.read()
    with files.open_to_read(str(path), most=101) as stream:
        assert len(stream.read()) == 101


def make_site(tmp_path: Path) -> Path:
    """A venv with two packages, of which the first has nothing but its folder."""
    venv = tmp_path / "venv"
    site = venv / "lib/python3.11/site-packages"
    (site / "x-1.dist-info").mkdir(parents=True)
    (site / "y-1.dist-info").mkdir()
    (site / "y-1.dist-info/METADATA").write_text("Name: y\nVersion: 1\n")
    (site / "unowned.py").touch()
    (venv / "bin").mkdir()
    (venv / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.11.1\n")
    return venv


def census_of(venv: Path) -> object:
    settings = CensusSettings(roots=(str(venv.parent),), system=("/usr/bin/python3",), usage=False, packages=True)
    return take_census(settings, owners=lambda _paths: {}).venvs


def look_at_all(venv: Path) -> None:
    """Whatever the census, the plan of python_venv and the audit read of a folder of packages."""
    site = venv / "lib/python3.11/site-packages"
    census_of(venv)
    assert "y" in [package.name for package in installed_packages(str(site))]
    extra_files(str(venv))
    top_level_modules(str(site))
    read_record(str(venv))
    pip = PipRecords()
    pip.claim(str(site / "unowned.py"))
    pip.installed(str(site / "x-1.dist-info"))
    read_path_file(str(site / "x.pth"))
    for name in ("python", "tool"):
        script_text(str(venv / "bin" / name))


PLACES = [
    "pyvenv.cfg",
    ".fleet.system_python.json",
    ".fleet.system_python.building",
    ".fleet.system_python.relinking",
    "bin/python",
    "bin/tool",
    *(
        "lib/python3.11/site-packages/" + name
        for name in (
            "x.pth",
            "x.egg-link",
            "x.egg-info",
            "x-1.dist-info/INSTALLER",
            "x-1.dist-info/RECORD",
            "x-1.dist-info/METADATA",
            "x-1.dist-info/direct_url.json",
            "x-1.dist-info/top_level.txt",
        )
    ),
]


@pytest.mark.parametrize("kind", TRAPS)
@pytest.mark.parametrize("place", PLACES)
def test_no_file_of_a_venv_holds_up_or_ends_a_look(tmp_path: Path, place: str, kind: str) -> None:
    venv = make_site(tmp_path)
    (venv / place).unlink() if (venv / place).exists() else None
    if place.endswith("RECORD"):
        (venv / place).with_name("INSTALLER").write_text("pip\n")
    set_trap(venv / place, kind)
    with bounded():
        look_at_all(venv)


@pytest.mark.parametrize("kind", ["fifo", "zero", "sparse"])
@pytest.mark.parametrize("name", ["RECORD", "METADATA", "direct_url.json"])
def test_the_nightly_run_and_a_rehearsal_end_whatever_a_user_puts_there(
    tmp_path: Path, run_module: "t.Callable[..., dict[str, t.Any]]", name: str, kind: str
) -> None:
    """H2, with the modules as they are."""
    venv = make_site(tmp_path)
    set_trap(venv / "lib/python3.11/site-packages/x-1.dist-info" / name, kind)
    told = {"roots": [str(tmp_path)], "usage": False}
    for check_mode in (True, False):
        with bounded(60):
            found = run_module(python_venv_info.main, told, check_mode=check_mode)
        assert [one["path"] for one in found["venvs"]] == [str(venv)], found
    for state in ("repaired", "absent"):
        with bounded(60):
            found = run_module(python_venv.main, {"path": str(venv), "state": state}, check_mode=True)
        assert found.get("action") or found.get("kind") in (
            "interpreter_not_found",
            "venv_extra_files",
            "venv_unsafe",
        ), found


@pytest.mark.parametrize("line", [b"\n", b"ab,,\n"])
@pytest.mark.parametrize("size", [files.MOST_OF_A_USER, files.MOST])
def test_a_list_that_is_long_does_not_fill_the_memory(tmp_path: Path, line: bytes, size: int) -> None:
    venv = make_site(tmp_path)
    info = venv / "lib/python3.11/site-packages/x-1.dist-info"
    (info / "INSTALLER").write_text("pip\n")
    (info / "RECORD").write_bytes(line * (size // len(line)))
    with bounded(60):
        look_at_all(venv)
    (info / "RECORD").unlink()


@pytest.mark.parametrize("kind", TRAPS)
@pytest.mark.parametrize(
    "load",
    [
        lambda folder: Journal(folder + "/run/manifest.json").load(),
        lambda folder: load_run(folder, "run"),
        lambda folder: Record(folder + "/run/manifest.json"),
    ],
)
def test_no_note_of_ours_that_somebody_exchanged_holds_up_a_run(
    tmp_path: Path, kind: str, load: "t.Callable[[str], object]"
) -> None:
    set_trap(tmp_path / "run/manifest.json", kind)
    with bounded(), pytest.raises(SystemPythonError):
        load(str(tmp_path))


@pytest.mark.parametrize("kind", TRAPS)
def test_no_manifest_of_a_runtime_holds_up_who_asks_whether_it_is_whole(tmp_path: Path, kind: str) -> None:
    set_trap(tmp_path / MANIFEST, kind)
    with bounded(), pytest.raises(SystemPythonError, match="cannot be read"):
        load_manifest(str(tmp_path))
