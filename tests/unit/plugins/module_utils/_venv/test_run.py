# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of making, repairing and removing venvs: real interpreters, real pip, real kills, no network."""

import glob
import hashlib
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import typing as t
import zipfile

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.command import Completed, run_command
from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import (
    DiskFullError,
    InvalidDataError,
    ProofError,
    SystemPythonError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._rights.account import Account
from ansible_collections.fleet.system_python.plugins.module_utils._usage.places import Places
from ansible_collections.fleet.system_python.plugins.module_utils._venv import plan
from ansible_collections.fleet.system_python.plugins.module_utils._venv import run as venv_run
from ansible_collections.fleet.system_python.plugins.module_utils._venv.describe import describe_venv
from ansible_collections.fleet.system_python.plugins.module_utils._venv.plan import VenvOptions, plan_venv
from ansible_collections.fleet.system_python.plugins.module_utils._venv.requirements import Requirements
from ansible_collections.fleet.system_python.plugins.module_utils._venv.run import VenvRun
from ansible_collections.fleet.system_python.plugins.module_utils._venv.swap import UnsafeVenvError, VenvPlace
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.tiny_wheel import make_wheel

MINOR = "{0}.{1}".format(*sys.version_info)
EXECUTABLE = 0o755
BASE = os.path.realpath(sys.executable)
ROOT = os.geteuid() == 0
NOWHERE = Places((), (), (), (), (), (), (), (), "/nowhere")
Json = t.Dict[str, t.Any]


@pytest.fixture
def wheels(tmp_path: t.Any) -> str:
    folder = str(tmp_path / "wheels")
    make_wheel(folder, "shop", "1.0", ["till"])
    make_wheel(folder, "shop", "2.0", ["till"])
    make_wheel(folder, "till", "0.5")
    make_wheel(folder, "broken", "1.0", source="import no_such_module\n")
    make_wheel(folder, "deadly", "1.0", source="import os\nos._exit(7)\n")
    return folder


@pytest.fixture
def runtimes(tmp_path: t.Any) -> str:
    """A folder of runtimes with this interpreter under its minor version."""
    binaries = tmp_path / "runtimes" / MINOR / "bin"
    binaries.mkdir(parents=True)
    os.symlink(BASE, str(binaries / ("python" + MINOR)))
    return str(tmp_path / "runtimes")


@pytest.fixture
def options(tmp_path: t.Any, wheels: str, runtimes: str) -> VenvOptions:
    return VenvOptions(
        path=str(tmp_path / "srv" / "app"),
        interpreter=MINOR,
        requirements=Requirements(lines=("shop==1.0",), wheelhouse=wheels),
        trust_interpreter=True,
        runtimes=runtimes,
        folders=(),
        places=NOWHERE,
    )


def say(path: str, script: str = "shop") -> str:
    return subprocess.check_output([os.path.join(path, "bin", script)]).decode().strip()


def beside(options: VenvOptions) -> t.List[str]:
    return sorted(name for name in os.listdir(os.path.dirname(options.path)) if name.startswith("."))


def quick(argv: t.Sequence[str], **arguments: t.Any) -> Completed:
    """The real thing, but for pip, which takes seconds to unpack: wheels of the wheelhouse are unpacked by hand."""
    if "install" in argv:
        _unpack(os.path.dirname(argv[0]), list(argv))
        return Completed(tuple(argv), 0, "", "", False)
    return run_command(list(argv) + (["--without-pip"] if argv[1:5] == ["-I", "-S", "-m", "venv"] else []), **arguments)


def fast(options: VenvOptions) -> VenvRun:
    return VenvRun(options, quick)


def _unpack(binaries: str, argv: t.List[str]) -> None:
    site = glob.glob(os.path.dirname(binaries) + "/lib/python*/site-packages")[0]
    with open(argv[argv.index("-r") + 1]) as stream:
        lines = stream.read().split()
    for line in lines + ["till==0.5"]:
        name, _equals, version = line.partition("==")
        wheel = "{0}-{1}-py3-none-any.whl".format(name, version or "1.0")
        with zipfile.ZipFile(os.path.join(argv[argv.index("--find-links") + 1], wheel)) as archive:
            archive.extractall(site)
        with open(os.path.join(binaries, name), "w") as stream:
            stream.write("#!{0}/python\nimport {1}\n{1}.main()\n".format(binaries, name))
        os.chmod(os.path.join(binaries, name), EXECUTABLE)
        with open(glob.glob("{0}/{1}-*.dist-info/RECORD".format(site, name))[0], "a") as stream:
            stream.write("../../../bin/{0},,\n".format(name))


def digest(folder: str) -> str:
    found = hashlib.sha256()
    for path in sorted(glob.glob(folder + "/**", recursive=True)):
        found.update(os.fsencode(path) + os.fsencode(str(os.lstat(path).st_mtime_ns) if os.path.isfile(path) else ""))
    return found.hexdigest()


def test_made_once_and_then_left_alone(options: VenvOptions) -> None:
    assert VenvRun(options).predict()["action"] == "create"
    assert not os.path.exists(options.path)
    made = VenvRun(options).apply()
    assert (made["changed"], made["action"], made["kept"]) == (True, "create", None)
    assert (made["packages"]["shop"], made["packages"]["till"]) == ("1.0", "0.5")
    assert made["imports"] == {"shop": "ok", "till": "ok"}
    assert say(options.path) == "shop 1.0 on " + sys.version.split()[0]
    activate = subprocess.check_output(["sh", "-c", '. "$0"/bin/activate; command -v shop', options.path])
    assert activate.decode().strip() == options.path + "/bin/shop"
    for path in glob.glob(options.path + "/bin/*") + [options.path + "/pyvenv.cfg"]:
        with open(path, "rb") as stream:
            assert os.path.islink(path) or b".new-" not in stream.read(), path
    assert beside(options) == []
    again = VenvRun(options).apply()
    assert (again["changed"], again["action"], again["reasons"]) == (False, "none", [])
    assert again["interpreter"]
    assert again["interpreter"]["realpath"] == BASE


def test_an_account_without_a_home_locks_beside_the_venv(
    options: VenvOptions, tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    for home, folder in (("/proc/none", os.path.dirname(options.path)), (str(tmp_path), str(tmp_path / ".cache"))):
        monkeypatch.setattr(venv_run, "account_of", lambda uid, home=home: Account("x", uid, uid, home))
        assert os.path.dirname(venv_run._lock_path(options.path)) == folder


def test_a_user_who_may_not_write_there(options: VenvOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    monkeypatch.setattr(os, "access", lambda *_arguments: False)
    with pytest.raises(SystemPythonError, match="cannot write to") as caught:
        fast(options).apply()
    assert caught.value.kind == "not_root"


def test_others_may_use_it_under_a_strict_umask(options: VenvOptions) -> None:
    umask = os.umask(0o077)
    try:
        fast(options).apply()
    finally:
        os.umask(umask)
    for name in ("", "bin", "bin/shop", "lib/python{0}/site-packages/till".format(MINOR)):
        assert os.stat(os.path.join(options.path, name)).st_mode & 0o055 == 0o055, name


def test_what_is_really_there_decides(options: VenvOptions) -> None:
    fast(options).apply()
    newer = options._replace(requirements=options.requirements._replace(lines=("shop==2.0",)))
    assert fast(newer).predict()["reasons"][0].startswith("digest of the requirements: ")
    changed = fast(newer).apply()
    assert (changed["action"], say(options.path).split()[1]) == ("rebuild", "2.0")
    assert describe_venv(str(changed["kept"])).state == "alive"
    shutil.rmtree("{0}/lib/python{1}/site-packages/till-0.5.dist-info".format(options.path, MINOR))
    assert fast(newer).predict()["reasons"] == ["till 0.5 was installed, now it is gone"]
    fast(newer).apply()
    assert len(beside(options)) == 1
    assert fast(newer).apply()["changed"] is False
    os.unlink(options.path + "/.fleet.system_python.json")
    assert fast(newer).predict()["reasons"] == ["it is not known what it was made from"]


@pytest.mark.parametrize("name", ["broken", "deadly"])
def test_what_cannot_be_proven_never_gets_into_its_place(options: VenvOptions, name: str) -> None:
    bad = options._replace(requirements=options.requirements._replace(lines=("shop==2.0", name)))
    with pytest.raises(ProofError, match=name):
        fast(bad).apply()
    assert not os.path.exists(options.path)
    fast(options).apply()
    before = digest(options.path)
    with pytest.raises(ProofError) as caught:
        fast(bad).apply()
    assert caught.value.details["proof"]["imports"]["shop"] == "ok"
    assert (digest(options.path), beside(options)) == (before, [])
    made = fast(bad._replace(import_exceptions=(name,))).apply()
    assert made["imports"][name] != "ok"


@pytest.mark.parametrize(
    ("lines", "hashes", "message"),
    [
        (("shop==1.0 --hash=sha256:" + 64 * "0",), True, "DO NOT MATCH"),
        (("shop==1.0",), True, "--hash|[Hh]ash"),
    ],
)
def test_what_cannot_be_installed(options: VenvOptions, lines: t.Tuple[str, ...], hashes: bool, message: str) -> None:
    wanted = options.requirements._replace(lines=lines, require_hashes=hashes, dependencies=False)
    with pytest.raises(SystemPythonError, match=message) as caught:
        VenvRun(options._replace(requirements=wanted)).apply()
    assert caught.value.kind == "venv_build"
    assert (os.path.exists(options.path), beside(options)) == (False, [])


def test_an_interpreter_without_a_working_pip(options: VenvOptions) -> None:
    def run(argv: t.Sequence[str], **_arguments: t.Any) -> Completed:
        if list(argv[1:5]) == ["-I", "-S", "-m", "venv"]:
            return Completed(tuple(argv), 1, "Error: Command '[python -m ensurepip]' returned 1.\n", "", False)
        return Completed(tuple(argv), 1, "", "ImportError: no pkgutil.ImpImporter\n", False)

    with pytest.raises(SystemPythonError, match=r"no pkgutil\.ImpImporter") as caught:
        VenvRun(options, run).apply()
    assert caught.value.kind == "venv_build"
    assert beside(options) == []


def test_hashes_constraints_and_files(options: VenvOptions, wheels: str, tmp_path: t.Any) -> None:
    def hashed(name: str) -> str:
        with open(os.path.join(wheels, name + "-py3-none-any.whl"), "rb") as stream:
            return "--hash=sha256:" + hashlib.sha256(stream.read()).hexdigest()

    nested = tmp_path / "base.txt"
    nested.write_text("till==0.5 {0}\n".format(hashed("till-0.5")))
    file = tmp_path / "requirements.txt"
    file.write_text("-r base.txt\nshop==1.0 {0} {1}\n".format(hashed("shop-1.0"), hashed("shop-2.0")))
    wanted = Requirements(
        file=str(file),
        constraints=("shop==1.0 " + hashed("shop-1.0"),),
        require_hashes=True,
        wheelhouse=wheels,
        dependencies=False,
    )
    chosen = options._replace(requirements=wanted)
    assert VenvRun(chosen).apply()["packages"]["shop"] == "1.0"
    assert VenvRun(chosen).apply()["changed"] is False
    nested.write_text(nested.read_text() + "# read\n")
    assert VenvRun(chosen).predict()["changed"] is True
    with pytest.raises(InvalidDataError, match="cannot be read"):
        VenvRun(options._replace(requirements=Requirements(file="/no/such/file"))).apply()


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"interpreter": "3.99"}, "interpreter_not_found"),
        ({"interpreter": "snake"}, "interpreter_not_found"),
        ({"interpreter": "/etc/passwd"}, "interpreter_not_found"),
        ({"interpreter": None}, "invalid_data"),
        ({"user": "no-such-user"}, "user_unknown"),
        ({"tool": "uv", "uv": "/no/such/uv"}, "tool_missing"),
        ({"requirements": Requirements(lines=("shop",), wheelhouse="/no/such/folder")}, "invalid_data"),
        ({"state": "repaired"}, "not_a_venv"),
    ],
)
def test_bad_input_changes_nothing(options: VenvOptions, changes: Json, kind: str) -> None:
    with pytest.raises(SystemPythonError) as caught:
        VenvRun(options._replace(**changes)).apply()
    assert caught.value.kind == kind
    assert not os.path.exists(os.path.dirname(options.path))


@pytest.mark.parametrize("path", ["relative", "/top", "/srv/../etc/x", "/srv/a'b", "/srv/a:b", "/srv/a\nb", "/srv/a/"])
def test_paths_that_no_venv_can_have(options: VenvOptions, path: str) -> None:
    with pytest.raises(InvalidDataError):
        VenvRun(options._replace(path=path))


def test_a_path_with_a_blank(options: VenvOptions, tmp_path: t.Any) -> None:
    chosen = options._replace(path=str(tmp_path / "my apps" / "the shop"))
    VenvRun(chosen).apply()
    assert say(chosen.path).startswith("shop 1.0")
    assert VenvRun(chosen).apply()["changed"] is False


@pytest.mark.skipif(not ROOT, reason="only root is refused")
def test_root_runs_only_what_can_be_trusted(options: VenvOptions) -> None:
    with pytest.raises(SystemPythonError, match="is not run as root"):
        VenvRun(options._replace(trust_interpreter=False, runtimes="/nowhere", interpreter=BASE)).apply()


def test_something_else_is_at_the_path(options: VenvOptions, tmp_path: t.Any) -> None:
    os.makedirs(options.path)
    VenvRun(options)._look()
    with open(options.path + "/data", "w"):
        pass
    for state in ("present", "repaired", "absent"):
        with pytest.raises(SystemPythonError) as caught:
            VenvRun(options._replace(state=state)).apply()
        assert caught.value.kind == "not_a_venv"
    assert os.listdir(options.path) == ["data"]
    os.symlink(options.path, str(tmp_path / "link"))
    with pytest.raises(SystemPythonError, match="it is a link or a file"):
        VenvRun(options._replace(path=str(tmp_path / "link"))).apply()


# --- repaired --------------------------------------------------------------------------------------------------------


def forget_interpreter(options: VenvOptions) -> VenvOptions:
    """Make a venv whose interpreter then goes away, and give the options that repair it."""
    gone = options.runtimes + "/gone"
    os.rename(options.runtimes + "/" + MINOR, gone)
    VenvRun(options._replace(interpreter=gone + "/bin/python" + MINOR), quick).apply()
    os.rename(gone, options.runtimes + "/" + MINOR)
    return options._replace(state="repaired", interpreter=None)


def test_relinked_with_the_packages_untouched(options: VenvOptions) -> None:
    repair = forget_interpreter(options)
    assert describe_venv(options.path).state == "dead"
    site = "{0}/lib/python{1}/site-packages".format(options.path, MINOR)
    before = digest(site)
    assert VenvRun(repair).predict()["action"] == "relink"
    assert describe_venv(options.path).state == "dead"
    done = VenvRun(repair, quick).apply()
    assert (done["action"], done["imports"]) == ("relink", {"shop": "ok", "till": "ok"})
    assert (describe_venv(options.path).state, digest(site)) == ("alive", before)
    assert say(options.path).startswith("shop 1.0")
    with open(options.path + "/pyvenv.cfg") as stream:
        assert "home = {0}/{1}/bin\n".format(options.runtimes, MINOR) in stream.read()
    assert VenvRun(repair, quick).apply()["changed"] is False
    assert VenvRun(options, quick).apply()["changed"] is False


def test_a_drifted_venv_is_relinked(options: VenvOptions) -> None:
    VenvRun(options, quick).apply()
    for name in ("python3.80", "python3.1"):
        os.symlink("python3", options.path + "/bin/" + name)
    os.unlink(options.path + "/bin/python")
    os.symlink("/usr/bin/python3.80", options.path + "/bin/python")
    done = VenvRun(options._replace(state="repaired", interpreter=None), quick).apply()
    assert done["action"] == "relink"
    names = sorted(name for name in os.listdir(options.path + "/bin") if name.startswith("python"))
    assert names == ["python", "python3", "python" + MINOR]


def test_a_relinking_that_proves_nothing_is_undone(options: VenvOptions) -> None:
    repair = forget_interpreter(options)
    site = "{0}/lib/python{1}/site-packages".format(options.path, MINOR)
    with open(site + "/shop/__init__.py", "w") as stream:
        stream.write("import no_such_module\n")
    links = {name: os.readlink(options.path + "/bin/" + name) for name in ("python", "python3")}
    with pytest.raises(ProofError, match="no_such_module"):
        VenvRun(repair, quick).apply()
    assert {name: os.readlink(options.path + "/bin/" + name) for name in links} == links
    assert not os.path.exists(options.path + "/.fleet.system_python.relinking")
    assert describe_venv(options.path).state == "dead"


def test_nothing_is_written_through_links_out_of_the_venv(options: VenvOptions, tmp_path: t.Any) -> None:
    repair = forget_interpreter(options)
    for name in ("bin", "lib"):
        system = str(tmp_path / ("system-" + name))
        os.rename(options.path + "/" + name, system)
        os.symlink(system, options.path + "/" + name)
        before = digest(system)
        with pytest.raises(SystemPythonError) as caught:
            VenvRun(repair, quick).apply()
        assert caught.value.kind == "venv_unsafe"
        assert digest(system) == before
        os.unlink(options.path + "/" + name)
        os.rename(system, options.path + "/" + name)
    # A configuration that is a link is replaced, not written.
    config = str(tmp_path / "somewhere.cfg")
    os.rename(options.path + "/pyvenv.cfg", config)
    os.symlink(config, options.path + "/pyvenv.cfg")
    with open(config) as stream:
        text = stream.read()
    VenvRun(repair, quick).apply()
    with open(config) as stream:
        assert stream.read() == text


def other_interpreter() -> str:
    pyenv = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    found = glob.glob(pyenv + "/versions/*/bin/python3.*") + glob.glob("/usr/bin/python3.*")
    for path in sorted(found):
        minor = os.path.basename(path)[len("python") :]
        is_other = minor != MINOR and minor.count(".") == 1 and minor[2:].isdigit()
        if is_other and subprocess.call([path, "-c", "import ensurepip, venv"], stderr=subprocess.DEVNULL) == 0:
            return path
    pytest.skip("there is no Python of another minor version here")
    raise AssertionError


def test_built_anew_on_another_minor_version(options: VenvOptions) -> None:
    repair = forget_interpreter(options)
    os.rename(options.runtimes + "/" + MINOR, options.runtimes + "/nothing")
    with pytest.raises(SystemPythonError, match="needs Python " + MINOR):
        VenvRun(repair, quick).apply()
    other = other_interpreter()
    moved = repair._replace(interpreter=other, requirements=repair.requirements._replace(lines=()))
    done = VenvRun(moved, quick).apply()
    assert (done["action"], done["packages"]["shop"], done["packages"]["till"]) == ("rebuild", "1.0", "0.5")
    assert describe_venv(str(done["kept"])).state == "dead"
    assert describe_venv(options.path).interpreter == os.path.realpath(other)
    assert VenvRun(moved, quick).apply()["changed"] is False


def test_repaired_as_its_owner_only(options: VenvOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    repair = forget_interpreter(options)
    monkeypatch.setattr(plan, "account_of", lambda user: Account(user, 4242, 4242, "/"))
    for run in (VenvRun(repair._replace(user="other")).predict, VenvRun(repair._replace(user="other")).apply):
        with pytest.raises(InvalidDataError, match="with the rights of its owner, not with those of other"):
            run()
    assert describe_venv(options.path).state == "dead"


def test_packages_of_no_index_need_a_word(options: VenvOptions) -> None:
    repair = forget_interpreter(options)
    info = "{0}/lib/python{1}/site-packages/till-0.5.dist-info".format(options.path, MINOR)
    with open(info + "/direct_url.json", "w") as stream:
        json.dump({"url": "file:///srv/till", "dir_info": {"editable": True}}, stream)
    moved = repair._replace(interpreter=other_interpreter(), requirements=repair.requirements._replace(lines=()))
    with pytest.raises(SystemPythonError, match=r"till \(editable file:///srv/till\)") as caught:
        VenvRun(moved).predict()
    assert caught.value.kind == "venv_origin"
    assert VenvRun(moved._replace(origins="leave_out")).predict()["left_out"] == ["till"]
    recipe = plan_venv(moved._replace(origins="reinstall"), describe_venv(options.path)).recipe
    assert recipe
    assert recipe.requirements.lines == ("shop==1.0", "-e /srv/till")
    with open(info + "/direct_url.json", "w") as stream:
        json.dump({"url": "file:///srv/my%20till", "dir_info": {"editable": True}}, stream)
    recipe = plan_venv(moved._replace(origins="reinstall"), describe_venv(options.path)).recipe
    assert recipe
    assert recipe.requirements.lines[-1] == "-e file:///srv/my%20till"


def test_an_application_in_the_same_folder_is_not_taken_away(options: VenvOptions) -> None:
    repair = forget_interpreter(options)
    site = "{0}/lib/python{1}/site-packages".format(options.path, MINOR)
    extras = ["data", ".env", "bin/run-shop", os.path.relpath(site + "/shop-source.pth", options.path)]
    os.mkdir(options.path + "/data")
    for name in ["data/base", "pipx_metadata.json"] + extras[1:]:
        with open(os.path.join(options.path, name), "w") as stream:
            stream.write("precious")
    os.chmod(options.path, 0o750)  # noqa: S103
    moved = repair._replace(interpreter=other_interpreter(), requirements=repair.requirements._replace(lines=()))
    for run in (VenvRun(moved, quick).predict, VenvRun(moved, quick).apply):
        with pytest.raises(SystemPythonError, match=r"not part of a venv: \.env, data, bin/run-shop, ") as caught:
            run()
        assert (caught.value.kind, sorted(caught.value.details["files"])) == ("venv_extra_files", sorted(extras))
    assert beside(options) == []
    done = VenvRun(moved._replace(extra_files="leave_behind"), quick).apply()
    assert sorted(done["left_behind"]) == sorted(extras)
    assert os.path.exists(str(done["kept"]) + "/data/base")
    # Where pipx finds its tools, and who may look into the venv. Python 3.13 and newer write a .gitignore.
    new, old = set(os.listdir(options.path)), set(os.listdir(str(done["kept"])))
    assert new - {".gitignore"} == old - {"data", ".env", ".gitignore"}
    assert os.stat(options.path).st_mode & 0o7777 == 0o750


# --- absent ----------------------------------------------------------------------------------------------------------


def test_absent(options: VenvOptions, tmp_path: t.Any) -> None:
    VenvRun(options, quick).apply()
    unit = tmp_path / "units" / "shop.service"
    unit.parent.mkdir()
    unit.write_text("[Service]\nExecStart={0}/bin/python\n".format(options.path))
    gone = options._replace(state="absent", places=NOWHERE._replace(units=(str(unit.parent),)))
    with pytest.raises(SystemPythonError, match=r"is used by systemd shop\.service"):
        VenvRun(gone, quick).apply()
    allowed = gone._replace(ignore_users=("shop.service",))
    assert VenvRun(allowed).predict()["action"] == "remove"
    done = VenvRun(allowed, quick).apply()
    assert (os.path.exists(options.path), os.path.exists(str(done["kept"]))) == (False, True)
    assert VenvRun(allowed, quick).apply()["changed"] is False
    VenvRun(options, quick).apply()
    assert VenvRun(allowed._replace(keep=0), quick).apply()["kept"] is None
    assert beside(options) == []


# --- kills, other users, full disks ----------------------------------------------------------------------------------


@pytest.mark.parametrize("has_old", [False, True])
def test_a_killed_run_is_undone_by_the_next(
    options: VenvOptions, tmp_path: t.Any, killed_at_every_step: t.Any, has_old: bool
) -> None:
    numbers = iter(range(100))
    run = quick

    def prepare() -> VenvOptions:
        chosen = options._replace(path=str(tmp_path / str(next(numbers)) / "app"))
        if has_old:
            VenvRun(chosen, run).apply()
        return chosen._replace(requirements=chosen.requirements._replace(constraints=("x==1",)))

    steps = []
    for step, chosen in killed_at_every_step(prepare, lambda one, check: VenvRun(one, run, check).apply()):
        steps.append(step)
        alive = os.path.exists(chosen.path + "/bin/python")
        assert alive or not has_old
        done = VenvRun(chosen, run).apply()
        assert describe_venv(chosen.path).state == "alive"
        assert done["changed"] is (step not in (None, "finished"))
        assert len(beside(chosen)) == (1 if has_old else 0), (step, beside(chosen))
        assert VenvRun(chosen, run).apply()["changed"] is False
    assert steps[-1] is None
    assert set(steps) >= {"begun", "built", "swapped", "finished"}


def test_a_killed_relinking_is_undone_by_the_next(options: VenvOptions, killed_at_every_step: t.Any) -> None:
    run = quick
    gone = options.runtimes + "/gone"
    os.rename(options.runtimes + "/" + MINOR, gone)
    numbers = iter(range(100))

    def prepare() -> VenvOptions:
        path = "{0}-{1}".format(options.path, next(numbers))
        with_gone = options._replace(path=path, interpreter=gone + "/bin/python" + MINOR)
        if not os.path.exists(gone):
            os.rename(options.runtimes + "/" + MINOR, gone)
        VenvRun(with_gone, run).apply()
        os.rename(gone, options.runtimes + "/" + MINOR)
        return with_gone._replace(state="repaired", interpreter=None)

    steps = []
    for step, chosen in killed_at_every_step(prepare, lambda one, check: VenvRun(one, run, check).apply()):
        steps.append(step)
        VenvRun(chosen, run).apply()
        assert describe_venv(chosen.path).state == "alive", step
        assert not os.path.exists(chosen.path + "/.fleet.system_python.relinking")
        assert VenvRun(chosen, run).apply()["changed"] is False
    assert "journal" in steps


@pytest.mark.skipif(not ROOT, reason="only root can work as another user")
def test_the_work_is_done_as_the_owner(options: VenvOptions, wheels: str) -> None:
    nobody = pwd.getpwnam("nobody")
    system = os.path.realpath("/usr/bin/python3")
    if not os.path.exists(system) or subprocess.call([system, "-c", "import ensurepip, venv"]):
        pytest.skip("there is no /usr/bin/python3 with venv here, which other users than root may run")
    # Another session of pytest closes the usual folder to others at any time.
    with tempfile.TemporaryDirectory() as top:
        os.chmod(top, EXECUTABLE)
        shutil.copytree(wheels, top + "/wheels")
        chosen = options._replace(
            path=top + "/srv/app",
            requirements=options.requirements._replace(wheelhouse=top + "/wheels"),
            user="nobody",
            trust_interpreter=False,
            interpreter=system,
        )
        made = VenvRun(chosen).apply()
        assert made["user"] == "nobody"
        for path in glob.glob(chosen.path + "/**", recursive=True):
            assert os.lstat(path).st_uid == nobody.pw_uid, path
        assert VenvRun(chosen._replace(user=None)).apply()["changed"] is False


def test_a_full_disk(options: VenvOptions, tmp_path: t.Any, mounter: t.Any) -> None:
    small = mounter.tmpfs(str(tmp_path / "small"), "3m")
    os.chmod(small, EXECUTABLE)
    chosen = options._replace(path=small + "/app")
    with pytest.raises(SystemPythonError) as caught:
        VenvRun(chosen).apply()
    assert isinstance(caught.value, DiskFullError)
    assert os.listdir(os.path.dirname(chosen.path)) == []


def test_nobody_leads_root_into_another_folder_by_a_link(options: VenvOptions, tmp_path: t.Any) -> None:
    link = str(tmp_path / "mine")
    os.symlink("/etc", link)
    os.lchown(link, os.geteuid() or 4242, -1)
    if ROOT:
        os.lchown(link, 4242, -1)
        os.chown(str(tmp_path), 4242, -1)
        with pytest.raises(UnsafeVenvError, match="can be changed by 4242"):
            VenvPlace(link + "/app").begin(Account("root", 0, 0))
        os.chown(str(tmp_path), 0, -1)
    made = VenvPlace(options.path)
    made.begin(Account("me", os.geteuid(), os.getegid(), "/"))
    assert os.path.isdir(made.new)


@pytest.mark.skipif(not ROOT, reason="only root can work as another user")
def test_folders_above_are_made_as_the_owner_where_he_may(tmp_path: t.Any) -> None:
    top = str(tmp_path)
    while top != "/":
        os.chmod(top, os.stat(top).st_mode | 0o011)  # noqa: S103
        top = os.path.dirname(top)
    (tmp_path / "home").mkdir()
    other = Account("4242", 4242, 4242, "/")
    os.chown(str(tmp_path / "home"), 4242, 4242)
    for folder, uid in (("home", 4242), ("srv", 0)):
        new = VenvPlace(str(tmp_path / folder / "more" / "app")).begin(other)
        assert (os.stat(new).st_uid, os.stat(os.path.dirname(new)).st_uid) == (4242, uid)
