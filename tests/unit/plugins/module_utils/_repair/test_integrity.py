# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real packages in a root of the test, damaged in every way and given back by files of the operator."""

import json
import os
import stat
import time
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.command import Completed, run_command
from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import (
    AcquisitionError,
    DiskFullError,
    LockedError,
    PrivilegeError,
    ProofError,
    SignatureError,
    SystemPythonError,
    VersionGoneError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._disk.lock import RunLock
from ansible_collections.fleet.system_python.plugins.module_utils._repair.integrity import (
    IncompleteError,
    InstalledTwiceError,
    IntegrityRun,
    IntegritySettings,
    NotInstalledError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._repair.packages import PackageOptions
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.database import Rpm
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.rpm_packages import (
    PackagedFile,
    build,
    install,
    new_key,
    new_root,
    run,
    sign,
    skip_unless,
    stop_agent,
)

Folder = t.Any
ALPHA, BETA = "alpha-1.0-1.noarch", "beta-2:1.0-1.noarch"
ODD = "/opt/alpha/odd\udce9"


class Built(t.NamedTuple):
    """Package files by what they are."""

    alpha: str
    beta: str
    newer: str
    thief: str
    public: str


@pytest.fixture(scope="module")
def built(tmp_path_factory: t.Any) -> t.Iterator[Built]:
    skip_unless("rpm", "rpmbuild", "gpg", "rpmsign", root=True)
    folder = str(tmp_path_factory.mktemp("packages"))
    home, public = new_key(folder)
    files = [
        PackagedFile("/opt/alpha", is_folder=True),
        PackagedFile("/opt/alpha/tool", b"tool", mode=0o755, directive="hidden"),
        PackagedFile("/opt/alpha/other", b"other", directive="hidden"),
        PackagedFile(ODD, b"odd", directive="hidden"),
        PackagedFile("/opt/alpha/link", linkto="tool", directive="hidden"),
        PackagedFile("/opt/alpha/README", b"doc", directive="%doc"),
        PackagedFile("/etc/alpha.conf", b"conf", directive="%config(noreplace)"),
    ]
    made = {
        "alpha": build(folder, "alpha", files),
        "beta": build(folder, "beta", [PackagedFile("/opt/beta", b"beta")], epoch=2),
        "newer": build(folder, "alpha", files, version="1.1"),
        "thief": build(folder, "thief", [PackagedFile("/opt/alpha/tool", b"stolen")]),
    }
    for name in ("alpha", "beta", "newer"):
        sign(made[name], home)
    yield Built(public=public, **made)
    stop_agent(home)


class Host:
    """A root in which alpha and beta are installed."""

    def __init__(self, folder: str, built: Built) -> None:
        self.folder = folder
        self.built = built
        self.root = new_root(folder)
        install(self.root, built.alpha, built.beta)
        self.rpm("--import", built.public)
        self.state = os.path.join(folder, "state")
        os.mkdir(self.state)

    def rpm(self, *arguments: str) -> str:
        return run("rpm", "--root", self.root, "--dbpath", "/var/lib/rpm", *arguments)

    def settings(self, **options: t.Any) -> IntegritySettings:
        packages: t.Dict[str, t.Any] = {"files": (self.built.alpha, self.built.beta), "use": ["files"]}
        packages.update({name: options.pop(name) for name in ("files", "use", "check_signatures") if name in options})
        defaults: t.Dict[str, t.Any] = {
            "names": ["alpha", "beta"],
            "packages": PackageOptions(**packages),
            "lock_path": os.path.join(self.state, "lock"),
            "quarantine_folder": os.path.join(self.state, "quarantine"),
            "staging_parent": self.state,
        }
        return IntegritySettings(**dict(defaults, **options))

    def run(self, **options: t.Any) -> IntegrityRun:
        runner = options.pop("runner", run_command)
        settings = self.settings(**options)
        rpm = Rpm(runner, root=self.root, dbpath="/var/lib/rpm", timeout=settings.timeout)
        return IntegrityRun(settings, rpm, {}, runner)

    def path(self, path: str) -> str:
        return os.path.join(self.root, path.lstrip("/"))

    def write(self, path: str, data: bytes = b"damaged") -> None:
        with open(self.path(path), "wb") as stream:
            stream.write(data)

    def read(self, path: str) -> bytes:
        with open(self.path(path), "rb") as stream:
            return stream.read()

    def picture(self) -> t.Dict[str, t.Any]:
        """Everything that a run must not change when it fails."""
        found: t.Dict[str, t.Any] = {}
        for top in (self.path("/opt"), self.path("/etc"), self.state):
            for parent, folders, files in os.walk(top):
                for name in folders + files:
                    path = os.path.join(parent, name)
                    seen = os.lstat(path)
                    content = os.readlink(path) if stat.S_ISLNK(seen.st_mode) else None
                    if stat.S_ISREG(seen.st_mode):
                        with open(path, "rb") as stream:
                            content = stream.read().decode("latin-1")
                    found[path] = (seen.st_mode, content)
        return found

    def installed(self) -> t.List[str]:
        return sorted(name for name in self.rpm("-qa").split() if "pubkey" not in name)


@pytest.fixture
def host(tmp_path: Folder, built: Built) -> Host:
    return Host(str(tmp_path), built)


def break_everything(host: Host) -> None:
    host.write("/opt/alpha/tool", b"impostor")
    os.unlink(host.path("/opt/alpha/link"))
    os.symlink("elsewhere", host.path("/opt/alpha/link"))
    os.unlink(host.path("/opt/alpha/other"))
    os.mkdir(host.path("/opt/alpha/other"))
    host.write("/opt/alpha/other/kept", b"somebody's")
    host.write(ODD, b"changed")
    os.chmod(host.path("/opt/beta"), 0o600)
    host.write("/etc/alpha.conf", b"mine")
    host.write("/opt/alpha/README", b"mine")


def kept(host: Host) -> t.Set[bytes]:
    found = set()
    for parent, _folders, files in os.walk(os.path.join(host.state, "quarantine")):
        for path in (os.path.join(parent, name) for name in files):
            if not os.path.islink(path):
                with open(path, "rb") as stream:
                    found.add(stream.read())
    return found


def by_nevra(result: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    return {package["nevra"]: package for package in result["packages"]}


class TestHealthy:
    def test_nothing_is_written(self, host: Host) -> None:
        before = host.picture()
        result = host.run().apply()
        assert (result["changed"], result["intact"], result["files"], result["diff"]["before"]) == (False, True, [], "")
        assert [package["intact_after"] for package in result["packages"]] == [True, True]
        assert host.picture() == before

    def test_what_minimal_images_and_administrators_do(self, host: Host) -> None:
        host.write("/etc/alpha.conf", b"mine")
        os.unlink(host.path("/opt/alpha/README"))
        os.utime(host.path("/opt/alpha/tool"), (1, 1))
        assert not host.run().apply()["changed"]
        assert host.read("/etc/alpha.conf") == b"mine"

    def test_excluded_types(self, host: Host) -> None:
        host.write("/opt/alpha/tool")
        assert host.run().predict()["changed"]
        assert host.run(names=["beta"]).predict()["intact"]


class TestRepair:
    def test_everything_at_once(self, host: Host) -> None:
        break_everything(host)
        before = host.picture()
        predicted = host.run().predict()
        assert host.picture() == before
        result = host.run().apply()
        for key in ("changed", "files", "leftovers", "diff"):
            assert predicted[key] == result[key]
        assert (predicted["intact"], result["intact"]) == (False, True)
        names = {nevra for nevra, package in by_nevra(result).items() if package["reinstalled"]}
        assert names == {nevra for nevra, package in by_nevra(predicted).items() if package["reinstalled"]}
        assert names == {ALPHA, BETA}
        assert {package["source"] for package in result["packages"]} == {"files"}
        assert host.read("/opt/alpha/tool") == b"tool"
        assert os.readlink(host.path("/opt/alpha/link")) == "tool"
        assert host.read("/opt/alpha/other") == b"other"
        assert host.read("/etc/alpha.conf") == b"mine"
        assert stat.S_IMODE(os.stat(host.path("/opt/beta")).st_mode) == 0o644
        assert kept(host) >= {b"impostor", b"somebody's", b"changed"}
        assert str(result["quarantine"]).startswith(host.state)
        json.dumps(result).encode("utf-8")
        again = host.run().apply()
        assert (again["changed"], again["quarantine"]) == (False, None)
        assert sorted(os.listdir(host.state)) == ["lock", "quarantine"]

    def test_only_what_differs(self, host: Host) -> None:
        host.write("/opt/beta")
        result = host.run().apply()
        assert by_nevra(result)[BETA]["reinstalled"]
        assert not by_nevra(result)[ALPHA]["reinstalled"]
        assert by_nevra(result)[ALPHA]["source"] is None

    def test_files_are_told_with_what_differs(self, host: Host) -> None:
        break_everything(host)
        files = {file["path"]: file for file in host.run().predict()["files"]}
        assert files["/opt/alpha/tool"]["altered"][:2] == ["size", "digest"]
        assert files["/opt/alpha/link"]["flags"] == "....L...."
        assert files["/opt/alpha/odd\\xe9"]["package"] == ALPHA
        assert "/etc/alpha.conf" not in files
        assert "/opt/alpha/link: altered (link_target)\n" in host.run().predict()["diff"]["before"]

    def test_taken_over_by_another_package(self, host: Host) -> None:
        install(host.root, host.built.thief)
        result = host.run().apply()
        assert [file["state"] for file in result["files"]] == ["replaced"]
        assert host.read("/opt/alpha/tool") == b"tool"
        assert b"stolen" in kept(host)
        assert "thief-1.0-1.noarch" in host.installed()
        assert not host.run().apply()["changed"]

    def test_scripts_that_fail_are_warnings(self, host: Host) -> None:
        script = "%post -p <lua>\nerror('this went wrong')\n"
        noisy = build(host.folder, "noisy", [PackagedFile("/opt/noisy", b"x")], preamble=script)
        install(host.root, noisy)
        host.write("/opt/noisy", b"y")
        result = host.run(names=["noisy"], files=(noisy,), check_signatures=False).apply()
        assert result["intact"]
        assert any("this went wrong" in warning for warning in result["warnings"])


class TestAfterAKill:
    def test_leftovers_go_and_are_predicted(self, host: Host) -> None:
        host.write("/opt/beta;0123abcd", b"half")
        assert host.run().predict()["leftovers"] == [host.path("/opt/beta;0123abcd")]
        assert host.run().predict()["changed"]
        result = host.run().apply()
        assert (result["changed"], result["intact"]) == (True, True)
        assert not os.path.exists(host.path("/opt/beta;0123abcd"))
        assert not host.run().apply()["changed"]

    def test_installed_twice_becomes_once(self, host: Host) -> None:
        script = "%post -p <lua>\nif posix.stat('/kill-me') then posix.kill(posix.getprocessid('pid'), 9) end\n"
        fragile = build(host.folder, "fragile", [PackagedFile("/opt/fragile", b"x")], preamble=script)
        install(host.root, fragile)
        host.write("/kill-me")
        run_command(["rpm", "--root", host.root, "--dbpath", "/var/lib/rpm", "--reinstall", "--nodeps", fragile])
        os.unlink(host.path("/kill-me"))
        assert host.installed().count("fragile-1.0-1.noarch") == 2
        options: t.Dict[str, t.Any] = {"names": ["fragile"], "files": (fragile,), "check_signatures": False}
        predicted = host.run(**options).predict()
        assert (predicted["changed"], predicted["packages"][0]["installed_twice"]) == (True, True)
        result = host.run(**options).apply()
        assert (result["intact"], result["packages"][0]["reinstalled"]) == (True, True)
        assert host.installed().count("fragile-1.0-1.noarch") == 1
        assert not host.run(**options).apply()["changed"]


class TestErrors:
    @pytest.mark.parametrize(
        ("options", "error", "says"),
        [
            ({"files": ()}, AcquisitionError, "no files were given"),
            ({"files": ("newer",)}, VersionGoneError, r"Available are alpha: 1\.1-1"),
            ({"files": ("unsigned",)}, SignatureError, "no signature|not signed"),
            ({"files": ("/nowhere.rpm",)}, SystemPythonError, "No such file"),
            ({"names": ["alpha", "gamma"]}, NotInstalledError, "gamma"),
            ({"use": ["nonsense"]}, AcquisitionError, "no source called nonsense"),
        ],
    )
    def test_clear_and_without_effect(
        self, host: Host, options: t.Dict[str, t.Any], error: t.Any, says: str, tmp_path: Folder
    ) -> None:
        break_everything(host)
        unsigned = str(tmp_path / "unsigned.rpm")
        run("cp", host.built.alpha, unsigned)
        run("rpmsign", "--delsign", unsigned)
        names = dict(host.built._asdict(), unsigned=unsigned)
        if "files" in options:
            options = dict(options, files=tuple(names.get(name, name) for name in options["files"]))
        before = host.picture()
        with pytest.raises(error, match=says):
            host.run(**options).apply()
        after = host.picture()
        after.pop(os.path.join(host.state, "lock"), None)
        assert after == before

    def test_not_root(self, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        for work in (host.run().apply, host.run().predict):
            with pytest.raises(PrivilegeError):
                work()

    def test_locked(self, host: Host) -> None:
        host.write("/opt/beta")
        settings = host.settings()
        with RunLock(settings.lock_path), pytest.raises(LockedError):
            host.run().apply()
        assert host.run().apply()["changed"]

    def test_healthy_does_not_wait_for_the_lock(self, host: Host) -> None:
        with RunLock(host.settings().lock_path):
            assert not host.run().apply()["changed"]

    def test_no_room_for_what_would_be_kept(self, host: Host, mounter: t.Any) -> None:
        host.write("/opt/beta", b"x" * 200000)
        small = mounter.tmpfs(os.path.join(host.folder, "small"), "100k")
        with pytest.raises(DiskFullError):
            host.run(quarantine_folder=small).apply()
        with pytest.raises(DiskFullError):
            host.run(quarantine_folder=small).predict()
        assert len(host.read("/opt/beta")) == 200000

    def test_verification_that_takes_too_long(self, host: Host) -> None:
        def slow(argv: t.Sequence[str], **options: t.Any) -> Completed:
            done = run_command(argv, **options)
            return done._replace(timed_out=True, rc=-9, out="") if "-V" in argv else done

        with pytest.raises(IncompleteError, match="option 'timeout'"):
            host.run(runner=slow).apply()

    def test_several_versions(self, host: Host) -> None:
        host.rpm("-i", "--replacefiles", host.built.newer)
        assert not host.run().apply()["changed"]
        host.write("/opt/alpha/tool")
        before = host.picture()
        with pytest.raises(InstalledTwiceError, match=r"alpha-1\.0-1\.noarch, alpha-1\.1-1\.noarch"):
            host.run().apply()
        assert host.picture() == before

    def test_somebody_changes_it_again(self, host: Host) -> None:
        def vandal(argv: t.Sequence[str], **options: t.Any) -> Completed:
            done = run_command(argv, **options)
            if "--reinstall" in argv and "--test" not in argv:
                host.write("/opt/beta", b"again")
            return done

        host.write("/opt/beta")
        with pytest.raises(ProofError, match="/opt/beta") as caught:
            host.run(runner=vandal).apply()
        assert caught.value.details["files"][0]["path"] == "/opt/beta"

    def test_waits_for_the_lock_and_looks_again(self, host: Host) -> None:
        host.write("/opt/beta")
        begin = time.time()
        with RunLock(host.settings().lock_path), pytest.raises(LockedError):
            host.run(lock_timeout=0.5).apply()
        assert time.time() - begin >= 0.5
