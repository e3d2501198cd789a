# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real packages in real folders; what package managers print was recorded with zypper 1.14.89 and dnf 4.5.2."""

import os
import shutil
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.command import Completed, run_command
from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import (
    AcquisitionError,
    CommandError,
    InvalidDataError,
    RepositoryError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._packages.ladder import (
    SOURCES,
    Dnf,
    GivenFiles,
    Microdnf,
    PackageCache,
    SourceSettings,
    Zypper,
    ladder,
)
from ansible_collections.fleet.system_python.plugins.module_utils._packages.wanted import Wanted
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.database import Query, Rpm, Verification
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.package_files import package_files
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.packages import (
    PackageId,
    RpmFile,
    RpmPackage,
    parse_nevra,
)
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.verify_output import VerifyEntry
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.rpm_packages import (
    PackagedFile,
    build,
    skip_unless,
)

Folder = t.Any
ALPHA = Wanted(parse_nevra("alpha-1.0-1.noarch"))
BETA = Wanted(parse_nevra("beta-2:1.0-1.noarch"))

ZYPPER_DOWNLOADED = """<?xml version='1.0'?>
<stream>
<message type="info">Loading repository data...</message>
<download-result>
<solvable kind="package" name="alpha" edition="1.0-1" arch="noarch" vendor=""/>
<localfile path="{0}"/>
</download-result>
</stream>
"""
ZYPPER_NOT_FOUND = """<?xml version='1.0'?>
<stream>
<message type="info">Loading repository data...</message>
<message type="warning">Repository &apos;x&apos; is out-of-date.</message>
<message type="error">Argument resolves to no package: alpha.noarch=1.0-1</message>
</stream>
"""
ZYPPER_FOUND = """<?xml version='1.0'?>
<stream>
<search-result version="0.0">
<solvable-list>
<solvable status="installed" name="alpha" kind="package" edition="1.0-1" arch="noarch" repository="(System Packages)"/>
<solvable status="other-version" name="alpha" kind="package" edition="1.2-1" arch="noarch" repository="Pool"/>
<solvable status="not-installed" name="beta" kind="package" edition="0:1.2-1" arch="noarch" repository="Pool"/>
</solvable-list>
</search-result>
</stream>
"""


class FakeRunner:
    """Answers every command with the same output; may leave files where it was told to download to."""

    def __init__(self, out: str = "", rc: int = 0, timed_out: bool = False, leaves: t.Sequence[str] = ()) -> None:
        self.out = out
        self.rc = rc
        self.timed_out = timed_out
        self.leaves = leaves
        self.calls: t.List[t.List[str]] = []

    def __call__(self, argv: t.Sequence[str], **_options: t.Any) -> Completed:
        self.calls.append(list(argv))
        for argument in argv:
            if argument.startswith("--destdir="):
                for path in self.leaves:
                    shutil.copy(path, argument.partition("=")[2])
        return Completed(tuple(argv), self.rc, self.out, "", self.timed_out)


class FakeRpm(Rpm):
    """Knows who owns the tools, and what of it is altered."""

    def __init__(self, owner: str = "tool", altered: t.Sequence[VerifyEntry] = ()) -> None:
        super().__init__(check_database=False)
        self.owner = owner
        self.package = PackageId(owner, 0, "1", "1", "noarch")
        self.altered = altered
        self.asked: t.List[str] = []

    def owners(self, paths: t.Iterable[str]) -> t.Dict[str, t.List[PackageId]]:
        self.asked = list(paths)
        return {path: [self.package] if self.owner else [] for path in self.asked}

    def query(self, *_arguments: t.Any, **_options: t.Any) -> Query:
        records = [RpmFile(path, 1, 0o100755, 0, "00", "root", "root", "", 0, "normal", "", 1) for path in self.asked]
        return Query([RpmPackage(self.package, "", 0, tuple(records), "sha256")], [])

    def verify(self, *_arguments: t.Any, **_options: t.Any) -> Verification:
        return Verification(list(self.altered), False, 0.0, [], [], [])


@pytest.fixture(scope="module")
def built(tmp_path_factory: t.Any) -> t.Dict[str, str]:
    skip_unless("rpm", "rpmbuild")
    folder = str(tmp_path_factory.mktemp("packages"))
    return {
        "alpha": build(folder, "alpha", [PackagedFile("/opt/alpha", b"x")]),
        "beta": build(folder, "beta", [PackagedFile("/opt/beta", b"x")], epoch=2),
        "newer": build(folder, "alpha", [PackagedFile("/opt/alpha", b"x")], version="1.1"),
    }


def settings(**values: t.Any) -> SourceSettings:
    return SourceSettings(**dict({"rpm": Rpm(check_database=False)}, **values))


def proposed(found: t.Any) -> t.Dict[str, str]:
    return {proposal.wanted.name: os.path.basename(proposal.path) for proposal in found.proposals}


class TestRegistry:
    def test_order(self) -> None:
        assert list(SOURCES) == ["files", "cache", "zypper", "microdnf", "dnf", "repositories"]
        assert [source.name for source in ladder(settings())] == list(SOURCES)

    def test_choice(self) -> None:
        assert [source.name for source in ladder(settings(), ["dnf", "files"])] == ["dnf", "files"]

    def test_unknown(self) -> None:
        with pytest.raises(AcquisitionError, match="no source called yum; there are files, cache"):
            ladder(settings(), ["yum"])


class TestGivenFiles:
    def test_by_header_not_by_name(self, built: t.Dict[str, str], tmp_path: Folder) -> None:
        odd = shutil.copy(built["alpha"], str(tmp_path / "some name.bin"))
        source = GivenFiles(settings(files=(built["beta"], odd, built["newer"])))
        assert source.obstacle() == ""
        found = source.fetch([ALPHA, BETA], "")
        assert proposed(found) == {"alpha": "some name.bin", "beta": "beta-1.0-1.noarch.rpm"}
        assert found.reasons == []

    def test_other_version(self, built: t.Dict[str, str]) -> None:
        source = GivenFiles(settings(files=(built["newer"],)))
        found = source.fetch([ALPHA], "")
        assert found.reasons == ["alpha-1.0-1.noarch is not among the files"]
        assert source.versions() == {"alpha": ["1.1-1"]}

    def test_folder(self, built: t.Dict[str, str], tmp_path: Folder) -> None:
        for name in ("alpha", "beta"):
            shutil.copy(built[name], str(tmp_path))
        (tmp_path / "other-1-1.noarch.rpm").write_bytes(b"not looked at")
        source = GivenFiles(settings(files=(str(tmp_path),)))
        assert proposed(source.fetch([ALPHA], "")) == {"alpha": "alpha-1.0-1.noarch.rpm"}

    def test_none(self) -> None:
        assert GivenFiles(settings()).obstacle() == "no files were given"

    def test_unreadable(self, tmp_path: Folder) -> None:
        with pytest.raises(InvalidDataError, match="No such file"):
            GivenFiles(settings(files=(str(tmp_path / "lost.rpm"),))).fetch([ALPHA], "")


class TestPackageCache:
    def test_all_of_them(self, built: t.Dict[str, str], tmp_path: Folder) -> None:
        dnf = tmp_path / "var/cache/dnf/baseos-0123/packages"
        zypp = tmp_path / "var/cache/zypp/packages/Pool/noarch"
        for folder in (dnf, zypp):
            folder.mkdir(parents=True)
        shutil.copy(built["alpha"], str(dnf))
        shutil.copy(built["newer"], str(dnf))
        shutil.copy(built["beta"], str(zypp))
        (zypp / "alpha-1.0-1.noarch.rpm.part").write_bytes(b"half")
        source = PackageCache(settings(root=str(tmp_path)))
        assert source.obstacle() == ""
        found = source.fetch([ALPHA, BETA, Wanted(parse_nevra("alpha-1.1-1.noarch"))], "")
        assert [os.path.basename(proposal.path) for proposal in found.proposals] == [
            "alpha-1.0-1.noarch.rpm",
            "beta-1.0-1.noarch.rpm",
            "alpha-1.1-1.noarch.rpm",
        ]
        assert found.reasons == []
        assert source.fetch([Wanted(parse_nevra("gamma-1-1.noarch"))], "").reasons == ["gamma-1-1.noarch is not in it"]
        assert source.versions() == {}

    def test_none(self, tmp_path: Folder) -> None:
        assert PackageCache(settings(root=str(tmp_path))).obstacle() == "there is no package cache"


@pytest.fixture
def tool(tmp_path: Folder, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file that stands for each of the package managers."""
    path = tmp_path / "tool"
    path.write_bytes(b"")
    for source in (Zypper, Microdnf, Dnf):
        monkeypatch.setattr(source, "path", str(path))
    return str(path)


@pytest.mark.usefixtures("tool")
class TestWhatMayBeRun:
    def test_not_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for source in (Zypper, Microdnf, Dnf):
            monkeypatch.setattr(source, "path", "/nowhere/tool")
            assert source(settings(manager_trusted=True)).obstacle() == "/nowhere/tool is not installed"

    @pytest.mark.parametrize("source", [Zypper, Microdnf, Dnf])
    def test_owned_and_intact(self, source: t.Any) -> None:
        assert source(settings(rpm=FakeRpm(), manager_trusted=True)).obstacle() == ""

    @pytest.mark.parametrize("source", [Zypper, Microdnf, Dnf])
    def test_nobody_owns_it(self, source: t.Any) -> None:
        assert "no package owns it" in source(settings(rpm=FakeRpm(owner=""), manager_trusted=True)).obstacle()

    @pytest.mark.parametrize("source", [Zypper, Microdnf, Dnf])
    def test_altered(self, source: t.Any) -> None:
        entry = VerifyEntry("/usr/lib64/lib\x1btool.so", "..5......", "", False, "", "")
        said = source(settings(rpm=FakeRpm(altered=[entry]), manager_trusted=True)).obstacle()
        assert said.endswith(
            "is not run: tool-1-1.noarch owns it, but what it needs is not as it was shipped: "
            "/usr/lib64/lib\\x1btool.so: its content differs"
        )

    def test_dnf_needs_a_python_that_is_trusted(self) -> None:
        assert "Python" in Dnf(settings(rpm=FakeRpm())).obstacle()


@pytest.mark.usefixtures("tool")
class TestZypper:
    def test_download(self, tool: str, built: t.Dict[str, str]) -> None:
        runner = FakeRunner(ZYPPER_DOWNLOADED.format(built["alpha"]))
        found = Zypper(settings(runner=runner)).fetch([ALPHA, BETA], "/staging")
        assert proposed(found) == {"alpha": "alpha-1.0-1.noarch.rpm"}
        assert found.proposals[0].origin == "alpha-1.0-1.noarch from zypper"
        assert found.reasons[0].startswith("it did not download beta-2:1.0-1.noarch. It said: ")
        assert runner.calls == [
            [tool, "--non-interactive", "--xmlout", "--pkg-cache-dir", "/staging", "download", "--"]
            + ["alpha.noarch=1.0-1", "beta.noarch=2:1.0-1"]
        ]

    def test_not_found(self) -> None:
        found = Zypper(settings(runner=FakeRunner(ZYPPER_NOT_FOUND, rc=104))).fetch([ALPHA], "/staging")
        said = "Repository 'x' is out-of-date. Argument resolves to no package: alpha.noarch=1.0-1"
        assert found.reasons == ["it did not download alpha-1.0-1.noarch. It said: " + said]

    def test_versions(self) -> None:
        source = Zypper(settings(runner=FakeRunner(ZYPPER_FOUND)))
        source.fetch([ALPHA, BETA], "/staging")
        assert source.versions() == {"alpha": ["1.2-1"], "beta": ["1.2-1"]}

    def test_no_xml(self) -> None:
        with pytest.raises(RepositoryError, match="not valid XML"):
            Zypper(settings(runner=FakeRunner("Segmentation fault"))).fetch([ALPHA], "/staging")

    def test_too_slow(self) -> None:
        with pytest.raises(CommandError, match="time limit"):
            Zypper(settings(runner=FakeRunner(timed_out=True, rc=-9))).fetch([ALPHA], "/staging")


@pytest.mark.usefixtures("tool")
class TestDnf:
    def test_installed_and_missing_are_two_commands(self, built: t.Dict[str, str], tmp_path: Folder) -> None:
        runner = FakeRunner("Complete!", leaves=[built["alpha"], built["beta"]])
        package = package_files(Rpm(check_database=False), [built["alpha"]])[0]
        source = Dnf(settings(runner=runner))
        found = source.fetch([ALPHA._replace(installed=package), BETA], str(tmp_path))
        assert sorted(proposed(found)) == ["alpha", "beta"]
        assert [call[1:4] for call in runner.calls] == [
            ["-y", "reinstall", "--downloadonly"],
            ["-y", "install", "--downloadonly"],
        ]
        assert runner.calls[1][-1] == "beta-2:1.0-1.noarch"

    def test_gone(self, tmp_path: Folder) -> None:
        runner = FakeRunner("Error: No packages {marked} for reinstall.", rc=1)
        found = Dnf(settings(runner=runner)).fetch([BETA], str(tmp_path))
        assert found.reasons == [
            "it did not download beta-2:1.0-1.noarch. It said: Error: No packages {marked} for reinstall."
        ]

    def test_versions(self, tmp_path: Folder) -> None:
        source = Dnf(settings(runner=FakeRunner("alpha-1.2-1.noarch\nbeta-2:1.3-1.noarch\nalpha-doc-9-9.noarch\n")))
        source.fetch([ALPHA, BETA], str(tmp_path))
        assert source.versions() == {"alpha": ["1.2-1"], "beta": ["2:1.3-1"]}


@pytest.mark.usefixtures("tool")
class TestMicrodnf:
    def test_success_without_files_is_no_success(self, tmp_path: Folder) -> None:
        found = Microdnf(settings(runner=FakeRunner("Complete."))).fetch([ALPHA], str(tmp_path))
        assert found.proposals == []
        assert found.reasons == ["it did not download alpha-1.0-1.noarch. It said: Complete."]

    def test_download(self, built: t.Dict[str, str], tmp_path: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
        # As the real one: no option that names a folder, the file comes to the current one.
        program = tmp_path / "microdnf"
        program.write_text('#!/bin/sh\n[ "$1 $2 $#" = "download -- 3" ] && cp {0} ./\n'.format(built["alpha"]))
        program.chmod(0o755)
        monkeypatch.setattr(Microdnf, "path", str(program))
        (tmp_path / "private").mkdir()
        source = Microdnf(settings(runner=run_command))
        assert proposed(source.fetch([ALPHA], str(tmp_path / "private"))) == {"alpha": "alpha-1.0-1.noarch.rpm"}

    def test_versions(self, tmp_path: Folder) -> None:
        source = Microdnf(settings(runner=FakeRunner("alpha-0:1.2-1.noarch")))
        source.fetch([ALPHA], str(tmp_path))
        assert source.versions() == {"alpha": ["1.2-1"]}
