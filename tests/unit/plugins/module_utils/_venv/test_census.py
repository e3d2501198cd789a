# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the census: real venvs of the running interpreter, broken and rebuilt in the ways that real ones are."""

import json
import os
import shutil
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._usage.places import Places
from ansible_collections.fleet.system_python.plugins.module_utils._venv import walk
from ansible_collections.fleet.system_python.plugins.module_utils._venv.census import take_census
from ansible_collections.fleet.system_python.plugins.module_utils._venv.config import changed_config, parse_config
from ansible_collections.fleet.system_python.plugins.module_utils._venv.describe import describe_venv
from ansible_collections.fleet.system_python.plugins.module_utils._venv.packages import (
    installed_packages,
    top_level_modules,
)
from ansible_collections.fleet.system_python.plugins.module_utils._venv.records import (
    BasePython,
    Census,
    CensusSettings,
    Origin,
    Package,
    Venv,
)
from ansible_collections.fleet.system_python.plugins.module_utils._venv.usage import users_of
from ansible_collections.fleet.system_python.plugins.module_utils._venv.walk import is_hidden_venv

MINOR = "{0}.{1}".format(*sys.version_info)
EXECUTABLE = 0o755
NOBODY = 65534
BASE = os.path.realpath(sys.executable)
Json = t.Dict[str, t.Any]


def write(path: str, text: str = "", mode: int = 0o644) -> str:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)
    os.chmod(path, mode)
    return path


def make_venv(path: str, *options: str) -> str:
    subprocess.run([BASE, "-m", "venv", "--without-pip"] + list(options) + [path], check=True)
    return path


def add_package(venv: str, name: str, version: str, minor: str = MINOR, **files: str) -> str:
    site = os.path.join(venv, "lib", "python" + minor, "site-packages")
    info = os.path.join(site, "{0}-{1}.dist-info".format(name, version))
    write(os.path.join(info, "METADATA"), "Metadata-Version: 2.1\nName: {0}\nVersion: {1}\n\n".format(name, version))
    for file, text in files.items():
        write(os.path.join(info, file.replace("__", ".")), text)
    write(os.path.join(site, name, "__init__.py"))
    return site


def census(root: t.Any, owners: t.Optional[t.Dict[str, str]] = None, **settings: t.Any) -> Census:
    defaults: Json = {"roots": (str(root),), "usage": False, "sizes": True, "system": (BASE,), "runtimes": "/nowhere"}
    defaults.update(settings)
    return take_census(CensusSettings(**defaults), owners=lambda _paths: owners or {})


def only(found: Census) -> Venv:
    assert len(found.venvs) == 1, found
    return found.venvs[0]


@pytest.fixture
def venv(tmp_path: t.Any) -> str:
    made = make_venv(str(tmp_path / "srv" / "app"))
    add_package(made, "shop", "1.2", INSTALLER="uv\n")
    return made


def test_a_venv_is_described(venv: str, tmp_path: t.Any) -> None:
    found = census(tmp_path)
    one = only(found)
    assert (found.partial, found.reasons, found.conda) == (False, (), ())
    assert (one.path, one.tool, one.state, one.reasons) == (venv, "venv", "alive", ())
    assert (one.interpreter, one.packages_minor, one.site_packages) == (BASE, MINOR, (MINOR,))
    assert str(one.interpreter_version).startswith(MINOR)
    assert one.packages == (Package("shop", "1.2", "uv"),)
    assert one.runtime == BasePython("system", BASE)
    assert (one.uid, one.mode[-2:], one.system_site_packages) == (os.geteuid(), "55", False)
    assert int(one.size or 0) > 50


def test_the_package_that_it_hangs_on(venv: str, tmp_path: t.Any) -> None:
    assert only(census(tmp_path, {BASE: "python3.11"}, system=("/x",))).runtime.kind == "package"
    assert only(census(tmp_path, system=("/x",))).runtime.kind == "other"
    own = only(census(tmp_path, runtimes=os.path.dirname(os.path.dirname(BASE))))
    assert own.runtime.kind == "own"
    assert describe_venv(venv).interpreter == BASE


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        (".local/share/uv/python/cpython-3.12.13-linux-x86_64-gnu", "uv-managed"),
        ("shared/cpython-3.13.1+freethreaded-linux-aarch64-gnu", "uv-managed"),
        ("shared/pypy-3.10.16-linux-x86_64-gnu", "uv-managed"),
        ("shared/cpython-3.12.13", "other"),
    ],
)
def test_pythons_that_uv_installed(tmp_path: t.Any, folder: str, kind: str) -> None:
    minor = ".".join(folder.partition("-")[2].split(".")[:2])
    python = str(tmp_path / folder / "bin" / ("python" + minor))
    os.makedirs(os.path.dirname(python))
    shutil.copy(BASE, python)
    # As uv makes them: home is the link of the minor version.
    link = str(tmp_path / folder).replace(folder.partition("-")[2].split("-")[0], minor)
    if link != str(tmp_path / folder):
        os.symlink(str(tmp_path / folder), link)
    made = str(tmp_path / "srv/app")
    write(made + "/pyvenv.cfg", f"home = {link}/bin\nuv = 0.13.0\nversion_info = 3.12.13\n")
    os.makedirs(made + "/bin")
    os.symlink(link + "/bin/python" + minor, made + "/bin/python")
    runtime = only(census(tmp_path / "srv")).runtime
    assert (runtime.kind, runtime.path) == (kind, python)


def test_the_interpreter_is_gone(venv: str, tmp_path: t.Any) -> None:
    for name in os.listdir(venv + "/bin"):
        if os.path.islink(venv + "/bin/" + name) and os.readlink(venv + "/bin/" + name).startswith("/"):
            os.unlink(venv + "/bin/" + name)
            os.symlink("/usr/bin/python3.80", venv + "/bin/" + name)
    one = only(census(tmp_path))
    assert (one.state, one.interpreter, one.interpreter_version) == ("dead", None, None)
    assert one.reasons == ("its interpreter is gone: /usr/bin/python3.80",)
    assert one.runtime.kind == "gone"
    assert one.packages == (Package("shop", "1.2", "uv"),)


def test_one_name_of_the_interpreter_is_gone(venv: str, tmp_path: t.Any) -> None:
    os.symlink("/usr/bin/python3.80", venv + "/bin/python3.80")
    one = only(census(tmp_path))
    assert (one.state, one.dangling) == ("alive", {"python3.80": "/usr/bin/python3.80"})
    assert one.reasons == ("bin/python3.80 leads to /usr/bin/python3.80, which is gone",)


def test_the_folder_of_the_interpreter_is_gone(venv: str, tmp_path: t.Any) -> None:
    config = venv + "/pyvenv.cfg"
    with open(config) as stream:
        text = stream.read()
    write(config, changed_config(text, {"home": "/opt/python/3.80/bin"}))
    one = only(census(tmp_path))
    assert (one.state, one.reasons) == ("dead", ("the folder of its interpreter is gone: /opt/python/3.80/bin",))


def test_links_that_lead_in_a_circle(venv: str, tmp_path: t.Any) -> None:
    for name in os.listdir(venv + "/bin"):
        if name.startswith("python"):
            os.unlink(venv + "/bin/" + name)
    os.symlink("python3", venv + "/bin/python")
    os.symlink("python", venv + "/bin/python3")
    os.symlink(venv, venv + "/lib/again")
    assert only(census(tmp_path)).state == "dead"


def test_packages_of_another_minor_version(venv: str, tmp_path: t.Any) -> None:
    os.rename(venv + "/lib/python" + MINOR, venv + "/lib/python3.80")
    one = only(census(tmp_path))
    assert (one.state, one.packages_minor) == ("drifted", "3.80")
    assert one.reasons == ("its interpreter is Python {0}, its packages are in lib/python3.80".format(MINOR),)
    # As after "python3 -m venv" over the old one: a new folder with nothing but pip.
    add_package(venv, "pip", "23.0")
    assert only(census(tmp_path)).state == "drifted"
    add_package(venv, "web", "1")
    add_package(venv, "shop", "1.2")
    assert only(census(tmp_path)).state == "alive"


def test_a_new_venv_has_only_pip_and_is_alive(tmp_path: t.Any) -> None:
    made = make_venv(str(tmp_path / "app"))
    assert only(census(tmp_path)).state == "alive"
    add_package(made, "pip", "23.0", minor="3.80")
    assert only(census(tmp_path)).state == "alive"


def test_a_copied_interpreter_hangs_on_its_home(tmp_path: t.Any) -> None:
    made = make_venv(str(tmp_path / "app"), "--copies")
    one = only(census(tmp_path))
    assert str(one.interpreter).startswith(made)
    assert (one.state, one.runtime.path) == ("alive", BASE)
    with open(made + "/pyvenv.cfg") as stream:
        text = stream.read()
    empty = tmp_path / "empty"
    empty.mkdir()
    write(made + "/pyvenv.cfg", changed_config(text, {"home": str(empty)}))
    assert only(census(tmp_path)).state == "dead"


@pytest.mark.parametrize(
    ("text", "tool", "version"),
    [
        ("home = /usr/bin\nversion = 3.11.2\n", "venv", "3.11.2"),
        ("home=/usr/bin\nversion_info = 3.11.2.final.0\nvirtualenv = 20.24.1\n", "virtualenv", "3.11.2"),
        ("home = /usr/bin\nuv = 0.5.1\nversion_info = 3.12.3\n", "uv", "3.12.3"),
        ("HOME = /usr/bin\nhome = /opt\n", "venv", ""),
        ("no equals sign\n\n", "venv", ""),
    ],
)
def test_dialects_of_the_configuration(text: str, tool: str, version: str) -> None:
    config = parse_config(text)
    assert (config.tool, config.version) == (tool, version)


def test_pipx_and_uv_tools(venv: str, tmp_path: t.Any) -> None:
    write(venv + "/uv-receipt.toml")
    assert only(census(tmp_path)).tool == "uv tool"
    write(venv + "/pipx_metadata.json", "{}")
    assert only(census(tmp_path)).tool == "pipx"


def test_changed_config_keeps_the_rest() -> None:
    text = "home = /a\nuv = 1\nprompt = 'x = y'\nInclude-System-Site-Packages = true\n"
    changed = changed_config(text, {"home": "/b", "version": "3.9.1"})
    assert changed.splitlines() == [
        "home = /b",
        "uv = 1",
        "prompt = 'x = y'",
        "Include-System-Site-Packages = true",
        "version = 3.9.1",
    ]
    assert parse_config(changed).system_site_packages


def test_damage_is_told_and_stops_nothing(tmp_path: t.Any) -> None:
    write(str(tmp_path / "empty" / "pyvenv.cfg"))
    os.makedirs(str(tmp_path / "folder" / "pyvenv.cfg"))
    binary = str(tmp_path / "binary" / "pyvenv.cfg")
    os.makedirs(os.path.dirname(binary))
    with open(binary, "wb") as stream:
        stream.write(b"\xff\xfe\0home = /usr\0")
    write(str(tmp_path / "odd name\n$(x)" / "pyvenv.cfg"), "home = /usr/bin\n")
    found = census(tmp_path)
    assert [os.path.basename(venv.path) for venv in found.venvs] == ["binary", "empty", "odd name\n$(x)"]
    assert {venv.state for venv in found.venvs} == {"dead"}
    json.dumps(found.as_dict())


def test_a_name_that_is_no_text(tmp_path: t.Any) -> None:
    folder = os.path.join(os.fsencode(str(tmp_path)), b"\xff")
    os.mkdir(folder)
    shutil.copy(write(str(tmp_path / "pyvenv"), "home = /x\n"), os.path.join(os.fsdecode(folder), "pyvenv.cfg"))
    assert only(census(tmp_path)).path.endswith("\\xff")


def test_conda_environments_are_told_and_are_no_venvs(venv: str, tmp_path: t.Any) -> None:
    write(str(tmp_path / "conda" / "conda-meta" / "history"))
    write(str(tmp_path / "conda" / "envs" / "two" / "conda-meta" / "history"))
    found = census(tmp_path)
    assert found.conda == (str(tmp_path / "conda"), str(tmp_path / "conda" / "envs" / "two"))
    assert only(found).path == venv


def test_the_walk_follows_no_link_and_goes_no_deeper_than_told(venv: str, tmp_path: t.Any) -> None:
    os.symlink(str(tmp_path), str(tmp_path / "srv" / "circle"))
    os.symlink(venv, str(tmp_path / "other name"))
    assert only(census(tmp_path)).path == venv
    assert census(tmp_path, depth=1).venvs == ()
    assert only(census(tmp_path, depth=2)).path == venv
    assert census(tmp_path, exclude=(str(tmp_path / "srv"),)).venvs == ()
    assert only(census(venv)).path == venv


def test_a_venv_in_a_venv(venv: str, tmp_path: t.Any) -> None:
    inner = make_venv(venv + "/tox/py")
    hidden = make_venv(str(tmp_path / "srv" / ".old-20260101T000000Z-app.fleet.system_python"))
    assert [one.path for one in census(tmp_path).venvs] == [venv, inner]
    assert is_hidden_venv(os.path.basename(hidden))
    assert [one.path for one in census(tmp_path, kept=True).venvs] == sorted([venv, inner, hidden])


def test_the_time_limit_gives_a_partial_answer(venv: str, tmp_path: t.Any) -> None:
    for number in range(5):
        shutil.copytree(venv, str(tmp_path / "more" / str(number)), symlinks=True)
    ticks = iter(range(1000))
    settings = CensusSettings(roots=(str(tmp_path),), usage=False, time_limit=4, system=("/x",))
    found = take_census(settings, owners=lambda _paths: {}, clock=lambda: float(next(ticks)))
    assert found.partial
    assert "the time limit of 4 s was over in " in found.reasons[0]
    settings = settings._replace(time_limit=14)
    found = take_census(settings, owners=lambda _paths: {}, clock=lambda: float(next(ticks)))
    assert found.reasons == ("1 of 6 venvs were not looked into: the time limit of 14 s was over",)
    assert len(found.venvs) == 5


def test_mount_points(venv: str, tmp_path: t.Any, mounter: t.Any) -> None:
    point = mounter.tmpfs(str(tmp_path / "mounted"))
    make_venv(point + "/app")
    assert [one.path for one in census(tmp_path).venvs] == [point + "/app", venv]
    assert only(census(tmp_path, cross_mounts=False)).path == venv
    table = write(str(tmp_path / "table"), "1 0 0:1 / {0} rw - nfs4 host:/x rw\n".format(point))
    assert only(census(tmp_path, mountinfo=table)).path == venv
    assert len(census(tmp_path, mountinfo=table, network=True).venvs) == 2


def test_what_is_on_the_network(venv: str, tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    point = str(tmp_path / "srv")
    line = "1 0 0:1 / {0} rw - {1} host:/x rw\n"
    nfs, lxcfs = write(str(tmp_path / "nfs"), line.format(point, "nfs4")), line.format(point, "fuse.lxcfs")
    found = census(tmp_path, mountinfo=nfs, whole=True)
    assert (found.venvs, found.reasons) == ((), (point + " is on the network (nfs4) and was left out",))
    assert not census(tmp_path, mountinfo=nfs).partial
    assert not census(tmp_path, mountinfo=write(str(tmp_path / "lxcfs"), lxcfs), whole=True).partial
    # The root itself is searched where somebody named it.
    assert only(census(point, mountinfo=nfs)).path == venv
    monkeypatch.setattr(walk, "DEFAULT_ROOTS", (point,))
    assert census(point, mountinfo=nfs).venvs == ()
    assert census(point, mountinfo=nfs, whole=True).partial
    assert only(census(point, mountinfo=nfs, network=True)).path == venv


@pytest.mark.usefixtures("venv")
def test_a_folder_mounted_below_itself(tmp_path: t.Any, mounter: t.Any) -> None:
    mounter.mount(str(tmp_path / "srv" / "again"), "--bind", str(tmp_path))
    found = census(tmp_path, depth=30)
    assert len(found.venvs) == 2
    assert found.folders < 50


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_folders_that_may_not_be_read_make_it_partial(tmp_path: t.Any) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    read, write_end = os.pipe()
    child = os.fork()
    if not child:
        os.setuid(NOBODY)
        found = [census(root).reasons for root in (tmp_path, closed / "below")]
        os.write(write_end, json.dumps(found).encode())
        os._exit(0)
    os.close(write_end)
    os.waitpid(child, 0)
    for reasons in json.loads(os.read(read, 65536).decode()):
        assert len(reasons) == 1
        assert reasons[0].endswith(" cannot be read: Permission denied")


# --- packages --------------------------------------------------------------------------------------------------------


def test_where_packages_came_from(tmp_path: t.Any) -> None:
    def direct(**told: t.Any) -> str:
        return json.dumps(dict({"url": "file:///srv/src"}, **told))

    venv = str(tmp_path)
    add_package(venv, "local", "1", direct_url__json=direct(dir_info={}))
    add_package(venv, "work", "1", direct_url__json=direct(dir_info={"editable": True}))
    add_package(
        venv, "tip", "1", direct_url__json=direct(url="https://x/r", vcs_info={"vcs": "git", "commit_id": "ab"})
    )
    add_package(venv, "wheel_file", "1", direct_url__json=direct(archive_info={"hash": "sha256=00"}))
    site = add_package(venv, "torn", "1", direct_url__json="{")
    write(site + "/olden-0.3-py3.8.egg-info/PKG-INFO", "Name: Olden\nVersion: 0.3\n")
    write(site + "/flat-2.egg-info", "Name: flat\nVersion: 2\n")
    write(site + "/dev.egg-link", "/srv/dev\n.")
    write(site + "/bare-7.1.dist-info/RECORD", "")
    found = {package.name: package for package in installed_packages(site)}
    assert {name: package.version for name, package in found.items()} == {
        "local": "1",
        "work": "1",
        "tip": "1",
        "wheel_file": "1",
        "torn": "1",
        "Olden": "0.3",
        "flat": "2",
        "dev": "",
        "bare": "7.1",
    }
    assert {name: package.origin.kind for name, package in found.items() if package.origin} == {
        "local": "local",
        "work": "editable",
        "tip": "vcs",
        "wheel_file": "archive",
        "torn": "unknown",
        "dev": "editable",
    }
    assert found["tip"].origin == Origin("vcs", "git+https://x/r@ab")


def test_what_a_package_has_to_import(tmp_path: t.Any) -> None:
    site = add_package(str(tmp_path), "shop", "1", RECORD="shop/__init__.py,,\nshop/a.py,,\n../../../bin/shop,,\n")
    info = add_package(
        str(tmp_path), "speed", "1", RECORD="_speed.cpython-311-x86_64-linux-gnu.so,,\n__pycache__/x.pyc,,\nfast.py,,\n"
    )
    write(info + "/_speed.cpython-311-x86_64-linux-gnu.so")
    write(info + "/fast.py")
    add_package(str(tmp_path), "data", "1", RECORD="../../../share/x,,\n")
    add_package(str(tmp_path), "gone", "1", RECORD="missing/__init__.py,,\n")
    assert top_level_modules(site) == {"data": [], "gone": [], "shop": ["shop"], "speed": ["_speed", "fast"]}


# --- who uses it -----------------------------------------------------------------------------------------------------


@pytest.fixture
def places(tmp_path: t.Any) -> Places:
    root = str(tmp_path / "host")
    return Places(
        units=(root + "/units", root + "/users/*/units"),
        crontabs=(root + "/crontab",),
        spools=(),
        anacrontabs=(root + "/anacrontab",),
        cron_scripts=(root + "/cron.*/*",),
        commands=(root + "/bin",),
        personal=(),
        proc=root + "/proc",
    )


def used(venv: str, places: Places) -> t.List[t.Tuple[str, str]]:
    return [(use.kind, use.name) for use in users_of([venv, "/other/venv"], places)[venv]]


def test_service_units(tmp_path: t.Any, places: Places) -> None:
    venv, root = "/srv/app", str(tmp_path / "host")
    write(root + "/units/plain.service", "[Service]\nExecStart=-/srv/app/bin/python -m app\n")
    write(root + "/units/drop.service.d/10.conf", '[Service]\nEnvironment="PATH=/srv/app/bin:/usr/bin"\n')
    write(root + "/users/ann/units/hers.service", "[Service]\nExecStart=/srv/app/bin/gunicorn\n")
    write(root + "/units/near.service", "[Service]\nExecStart=/srv/app2/bin/python\n# /srv/app/bin/python\n")
    script = write(root + "/start", "#!/srv/app/bin/python\n", EXECUTABLE)
    wrapper = write(root + "/wrap", "#!/bin/sh\n# /other/venv\nexec /srv/app/bin/python $0\n", EXECUTABLE)
    write(root + "/units/script.service", "[Service]\nExecStart={0} --now\nExecStop={1}\n".format(script, wrapper))
    os.symlink("plain.service", root + "/units/alias.service")
    assert used(venv, places) == [
        ("systemd", "drop.service"),
        ("systemd", "hers.service"),
        ("systemd", "plain.service"),
        ("systemd", "script.service"),
        ("systemd", "script.service"),
    ]
    assert used("/other/venv", places) == []


def test_cron_scripts_and_links(tmp_path: t.Any, places: Places) -> None:
    venv, root = "/srv/my app", str(tmp_path / "host")
    write(root + "/crontab", "# /srv/my app/bin/old\n5 4 * * * root '/srv/my app/bin/job'\n")
    write(root + "/cron.daily/tidy", "#!/bin/sh\n'/srv/my app/bin/python' -m tidy\n", EXECUTABLE)
    write(root + "/bin/tool", "#!/srv/my app/bin/python\n", EXECUTABLE)
    write(root + "/bin/text", "#!/srv/my app/bin/python\n")
    os.symlink("/srv/my app/bin/black", root + "/bin/black")
    write(root + "/anacrontab", "1 5 backup nice '/srv/my app/bin/backup'\n")
    jobs = [("cron", "anacrontab"), ("cron", "crontab"), ("cron", "tidy")]
    assert used(venv, places) == [*jobs, ("link", "black"), ("script", "tool")]


def test_a_running_process_is_found(venv: str, places: Places) -> None:
    code = "import time; print(1, flush=True); time.sleep(60)"
    process = subprocess.Popen([venv + "/bin/python", "-c", code], stdout=subprocess.PIPE)
    try:
        assert process.stdout
        process.stdout.readline()
        assert used(venv, places._replace(proc="/proc")) == [("process", str(process.pid))]
    finally:
        process.kill()
        process.communicate()
    assert used(venv, places._replace(proc="/proc")) == []
