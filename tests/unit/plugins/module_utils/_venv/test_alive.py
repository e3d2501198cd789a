# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Alive means that it runs: real venvs that lost what they need, that were moved, that hang on what others own."""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import ProofError
from ansible_collections.fleet.system_python.plugins.module_utils._venv.census import take_census
from ansible_collections.fleet.system_python.plugins.module_utils._venv.findings import find_in_census
from ansible_collections.fleet.system_python.plugins.module_utils._venv.plan import VenvOptions
from ansible_collections.fleet.system_python.plugins.module_utils._venv.records import CensusSettings, Venv
from ansible_collections.fleet.system_python.plugins.module_utils._venv.run import VenvRun

MINOR = "{0}.{1}".format(*sys.version_info)
BASE = os.path.realpath(sys.executable)


def seen(root: Path) -> Venv:
    found = take_census(
        CensusSettings(roots=(str(root),), usage=False, system=("/x",), runtimes="/nowhere"), owners=lambda _paths: {}
    )
    (venv,) = found.venvs
    return venv


def make_venv(path: Path, *options: str, base: str = BASE) -> Path:
    subprocess.run([base, "-m", "venv", "--without-pip", *options, str(path)], check=True)
    return path


def own_python(folder: Path) -> Path:
    """Make a Python whose library has its one landmark, which can be taken away; return its program."""
    (folder / "bin").mkdir(parents=True)
    (folder / "lib" / ("python" + MINOR)).mkdir(parents=True)
    (folder / "lib" / ("python" + MINOR) / "os.py").write_text("")
    program = folder / "bin" / ("python" + MINOR)
    shutil.copy(BASE, str(program))
    return program


def venv_of(program: Path, path: Path, is_copy: bool) -> Path:
    (path / "bin").mkdir(parents=True)
    (path / "lib" / ("python" + MINOR) / "site-packages").mkdir(parents=True)
    (path / "pyvenv.cfg").write_text(f"home = {program.parent}\nversion = {MINOR}.0\n")
    if is_copy:
        shutil.copy(str(program), str(path / "bin/python"))
    else:
        (path / "bin/python").symlink_to(program)
    return path


@pytest.mark.parametrize("is_copy", [True, False])
def test_the_standard_library_is_gone(tmp_path: Path, is_copy: bool) -> None:
    program = own_python(tmp_path / "opt/py")
    venv_of(program, tmp_path / "srv/app", is_copy)
    assert seen(tmp_path / "srv").state == "alive"
    (tmp_path / "opt/py/lib" / ("python" + MINOR) / "os.py").unlink()
    one = seen(tmp_path / "srv")
    assert (one.state, "standard library is gone" in one.reasons[0]) == ("dead", True), one


@pytest.mark.parametrize("is_copy", [True, False])
def test_a_library_that_the_interpreter_is_linked_with_is_gone(tmp_path: Path, is_copy: bool) -> None:
    program = own_python(tmp_path / "opt/py")
    data = program.read_bytes()
    if b"libc.so.6\0" not in data:
        pytest.skip("this Python is linked in another way")
    program.write_bytes(data.replace(b"libc.so.6\0", b"libx.so.6\0"))
    venv_of(program, tmp_path / "srv/app", is_copy)
    one = seen(tmp_path / "srv")
    assert (one.state, "libx.so.6" in one.reasons[0]) == ("dead", True), one


@pytest.mark.parametrize("left", [["python3"], ["python"], [], ["python3", "python"]])
def test_a_copy_does_not_hang_on_another_version_that_is_left(tmp_path: Path, left: t.List[str]) -> None:
    program = own_python(tmp_path / "opt/py")
    venv_of(program, tmp_path / "srv/app", is_copy=True)
    other = program.parent / "python3.1"
    program.rename(other)
    for name in left:
        (program.parent / name).symlink_to(other.name)
    one = seen(tmp_path / "srv")
    assert (one.state, one.runtime.kind) == ("dead", "gone"), one


def test_what_it_hangs_on_belongs_to_others(tmp_path: Path) -> None:
    shim = tmp_path / ".pyenv/shims/python3"
    shim.parent.mkdir(parents=True)
    shim.write_text('#!/bin/sh\nexec python3 "$@"\n')
    shim.chmod(0o755)
    venv_of(shim, tmp_path / "a/app", is_copy=False)
    conda = own_python(tmp_path / "conda")
    (tmp_path / "conda/conda-meta").mkdir()
    venv_of(conda, tmp_path / "b/app", is_copy=False)
    first = venv_of(own_python(tmp_path / "opt/py"), tmp_path / "first", is_copy=False)
    venv_of(first / "bin/python", tmp_path / "c/app", is_copy=False)
    assert [seen(tmp_path / name).runtime.kind for name in "abc"] == ["shim", "conda", "venv"]


# --- moved -----------------------------------------------------------------------------------------------------------


def application(venv: Path, script: str = "print('app')\n") -> Path:
    """Add a package with a script, as pip installs them, and what is told of places elsewhere."""
    site = venv / "lib" / ("python" + MINOR) / "site-packages"
    info = site / "app-1.0.dist-info"
    info.mkdir()
    (site / "app").mkdir()
    (site / "app/__init__.py").write_text("")
    program = venv / "bin/app"
    program.write_text(f"#!{venv}/bin/python\n{script}")
    program.chmod(0o755)
    content = program.read_bytes()
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    (info / "METADATA").write_text("Name: app\nVersion: 1.0\n")
    (info / "RECORD").write_text(f"app/__init__.py,,\n../../../bin/app,sha256={digest},{len(content)}\n")
    (info / "direct_url.json").write_text(json.dumps({"url": f"file://{venv}/src/app", "dir_info": {}}))
    (site / "app.pth").write_text(f"{venv}/src/app\n{venv}-other/src\n/mnt{venv}/src\n")
    (venv / "data.txt").write_text(f"{venv} is mine")
    return program


@pytest.fixture(name="moved")
def moved_fixture(tmp_path: Path) -> Path:
    """An application in a venv, moved from srv/app-1.0 to srv/app-2.0."""
    old = make_venv(tmp_path / "srv/app-1.0/venv")
    application(old)
    (tmp_path / "srv/app-1.0").rename(tmp_path / "srv/app-2.0")
    return tmp_path / "srv/app-2.0/venv"


def repair(venv: Path, **more: t.Any) -> VenvRun:
    return VenvRun(VenvOptions(str(venv), "repaired", trust_interpreter=True, folders=(os.path.dirname(BASE),), **more))


def test_a_moved_venv_is_told_and_runs_again(moved: Path) -> None:
    one = seen(moved)
    assert (one.state, one.moved_from) == ("moved", str(moved).replace("2.0", "1.0")), one
    assert repair(moved).predict()["action"] == "rewrite"
    assert seen(moved).state == "moved"
    done = repair(moved).apply()
    assert (done["changed"], done["imports"]) == (True, {"app": "ok"})
    assert subprocess.check_output([str(moved / "bin/app")]) == b"app\n"
    activated = subprocess.check_output(["sh", "-c", '. "$0"/bin/activate; command -v app', str(moved)])
    assert activated.decode().strip() == str(moved / "bin/app")
    assert seen(moved).state == "alive"
    again = repair(moved).apply()
    assert (again["changed"], again["action"]) == (False, "none")


def test_what_names_the_old_place_names_the_new_one_and_nothing_else_changes(moved: Path) -> None:
    old = str(moved).replace("2.0", "1.0")
    repair(moved).apply()
    site = moved / "lib" / ("python" + MINOR) / "site-packages"
    assert (site / "app.pth").read_text() == f"{moved}/src/app\n{old}-other/src\n/mnt{old}/src\n"
    assert json.loads((site / "app-1.0.dist-info/direct_url.json").read_text())["url"] == f"file://{moved}/src/app"
    content = (moved / "bin/app").read_bytes()
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    assert f"../../../bin/app,sha256={digest},{len(content)}\n" in (site / "app-1.0.dist-info/RECORD").read_text()
    # Data that are nobody's package are left as they are.
    assert (moved / "data.txt").read_text() == f"{old} is mine"


def test_a_repair_that_does_not_help_is_undone(moved: Path) -> None:
    (moved / "lib" / ("python" + MINOR) / "site-packages/app/__init__.py").write_text("raise RuntimeError('no')\n")
    before = {path: path.read_bytes() for path in moved.rglob("*") if path.is_file() and not path.is_symlink()}
    with pytest.raises(ProofError, match="no"):
        repair(moved).apply()
    assert {path: path.read_bytes() for path in before} == before


def test_a_copy_beside_the_old_one_starts_its_own_scripts(tmp_path: Path) -> None:
    old = make_venv(tmp_path / "one")
    application(old, "import sys; print(sys.prefix)\n")
    shutil.copytree(str(old), str(tmp_path / "two"), symlinks=True)
    assert seen(tmp_path / "two").state == "moved"
    repair(tmp_path / "two").apply()
    for name in ("one", "two"):
        said = subprocess.check_output([str(tmp_path / name / "bin/app")]).decode().strip()
        assert said == str(tmp_path / name)


def test_a_venv_that_is_reached_by_a_link_was_not_moved(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    make_venv(tmp_path / "link/app")
    assert seen(tmp_path / "real").state == "alive"


@pytest.mark.parametrize(
    ("line", "state"),
    [
        ("VIRTUAL_ENV='/srv/else where'", "moved"),
        ("    export VIRTUAL_ENV=/srv/elsewhere", "moved"),
        ('VIRTUAL_ENV="$(dirname "$0")"', "alive"),
        ('VIRTUAL_ENV=$(cygpath "/srv/elsewhere")', "alive"),
        ("VIRTUAL_ENV=''", "alive"),
        ("# VIRTUAL_ENV=/srv/elsewhere", "alive"),
        ("VIRTUAL_ENV=/", "alive"),
        ("VIRTUAL_ENV='/usr'", "alive"),
    ],
)
def test_what_an_activate_says(tmp_path: Path, line: str, state: str) -> None:
    venv = make_venv(tmp_path / "app")
    (venv / "bin/activate").write_text(line + "\n")
    assert seen(tmp_path).state == state


def test_what_many_venvs_hang_on_is_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = own_python(tmp_path / "opt/py")
    opened: t.List[str] = []
    real_open = os.open

    def counted(path: t.Any, *arguments: t.Any, **named: t.Any) -> int:
        opened.append(os.fsdecode(path))
        return real_open(path, *arguments, **named)

    for number in range(40):
        venv_of(program, tmp_path / "srv" / str(number), is_copy=False)
    monkeypatch.setattr(os, "open", counted)
    found = take_census(CensusSettings(roots=(str(tmp_path / "srv"),), usage=False), owners=lambda _paths: {})
    assert {one.state for one in found.venvs} == {"alive"}
    # Once for what it is, once for what it loads.
    assert opened.count(str(program)) <= 2
    assert len(opened) < 40 * 4, opened[:200]


def test_a_virtualenv_from_before_pyvenv_cfg_is_told(tmp_path: Path) -> None:
    old = tmp_path / "srv/old"
    library = old / "lib/python2.7"
    library.mkdir(parents=True)
    (library / "orig-prefix.txt").write_text("/usr")
    (old / "bin").mkdir()
    (old / "bin/activate").write_text(f'VIRTUAL_ENV="{old}"\n')
    make_venv(tmp_path / "srv/new")
    (tmp_path / "srv/none/bin").mkdir(parents=True)
    (tmp_path / "srv/none/lib").mkdir()
    found = take_census(CensusSettings(roots=(str(tmp_path / "srv"),), usage=False), owners=lambda _paths: {})
    assert [one.path for one in found.venvs] == [str(tmp_path / "srv/new")]
    assert found.without_config == (str(old),)
    assert "SP409" in [one["id"] for one in find_in_census(found)]
