# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""dpkg and rpm: a dpkg of this machine works in a folder; what it prints was recorded with dpkg 1.21.22."""

import os
import shutil
import subprocess
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.command import Completed, run_command
from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import CommandError, DatabaseError
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.database import Query, Rpm, Verification
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.packages import PackageId, RpmFile, RpmPackage
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.verify_output import VerifyEntry
from ansible_collections.fleet.system_python.plugins.module_utils._trust import database as databases
from ansible_collections.fleet.system_python.plugins.module_utils._trust.database import (
    DpkgDatabase,
    FileOwners,
    RpmDatabase,
    system_database,
)
from ansible_collections.fleet.system_python.plugins.module_utils._trust.owners import package_owners

Folder = t.Any
PYTHON = "/usr/bin/python3.13"
SEARCHED = (
    "python3.13-minimal: /usr/bin/python3.13\nlibc6:amd64, libx: /usr/lib/x\n"
    "diversion by dash from: /bin/sh\ndiversion by dash to: /bin/sh.distrib\ndash: /bin/sh\n"
    "other: /usr/bin/python3.13x\n"
)


class Recorded:
    """Answers by the second word of a command; keeps what was asked."""

    def __init__(self, rc: int = 0, err: str = "", timed_out: bool = False, **answers: str) -> None:
        self.rc = rc
        self.err = err
        self.timed_out = timed_out
        self.answers = answers
        self.asked: t.List[t.List[str]] = []

    def __call__(self, argv: t.Sequence[str], **_options: t.Any) -> Completed:
        self.asked.append(list(argv))
        out = self.answers.get({"-S": "search", "--verify": "verify"}.get(argv[1], "sums"), "")
        return Completed(tuple(argv), self.rc, out, self.err, self.timed_out)


# --- dpkg, recorded --------------------------------------------------------------------------------------------------


def test_dpkg_tells_the_owner() -> None:
    run = Recorded(rc=1, err="dpkg-query: no path found matching pattern /opt/x\n", search=SEARCHED)
    found = package_owners([PYTHON, "/usr/lib/x", "/opt/x", "/opt/[a]"], database=DpkgDatabase(run))
    assert found == {PYTHON: "python3.13-minimal", "/usr/lib/x": "libc6"}
    assert [name for name in run.asked[0][3:] if not name.startswith(("/bin/", "/lib/"))] == [
        "/opt/\\[a\\]",
        "/opt/x",
        PYTHON,
        "/usr/lib/x",
    ]
    assert package_owners([], database=DpkgDatabase(run)) == {}


def test_a_package_may_be_older_than_the_merge_of_usr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "islink", lambda path: path == "/bin")
    run = Recorded(search="bash: /bin/bash\n", sums="0123  bin/bash\n")
    assert DpkgDatabase(run).owners(["/usr/bin/bash"]) == {"/usr/bin/bash": FileOwners(("bash",), "/bin/bash")}
    assert run.asked[0][3:] == ["/usr/bin/bash", "/bin/bash"]


def test_packages_keep_their_architecture() -> None:
    run = Recorded(search="libpython3.13:amd64: /usr/lib/libpython.so\n", sums="0123  usr/lib/libpython.so\n")
    assert DpkgDatabase(run).owners(["/usr/lib/libpython.so"])["/usr/lib/libpython.so"].packages == (
        "libpython3.13:amd64",
    )
    assert run.asked[-1] == ["/usr/bin/dpkg-query", "--control-show", "libpython3.13:amd64", "md5sums"]


def test_dpkg_reports_what_is_altered() -> None:
    lines = (
        "??5??????   /usr/bin/python3.13\n??5?????? c /etc/x.conf\nmissing     /usr/lib/a b\nmissing   c /etc/y\n"
        "missing     /root/x (Permission denied)\n???????????\n?????????   /usr/odd\n"
    )
    found = DpkgDatabase(Recorded(verify=lines)).verify(["python3.13-minimal"])
    assert [(one.path, one.altered, one.attribute, one.missing) for one in found] == [
        (PYTHON, ("digest",), "", False),
        ("/etc/x.conf", ("digest",), "c", False),
        ("/usr/lib/a b", (), "", True),
        ("/etc/y", (), "c", True),
        ("/root/x", (), "", True),
        ("/usr/odd", (), "", False),
    ]
    assert found[-2].reason == "Permission denied"
    assert found[-1].unreadable != ()


@pytest.mark.parametrize(
    "run",
    [
        Recorded(rc=127, err="cannot start /usr/bin/dpkg"),
        Recorded(rc=2, err="dpkg: error: cannot read", verify="??5??????   /usr/bin/python3.13\n"),
        Recorded(rc=1, err="dpkg: package 'x' is not installed\n"),
        Recorded(rc=-9, timed_out=True),
    ],
)
def test_a_dpkg_that_does_not_work_is_no_pass(run: Recorded) -> None:
    with pytest.raises(CommandError, match="Cannot verify x"):
        DpkgDatabase(run).verify(["x"])


def test_dpkg_without_a_name_would_verify_everything() -> None:
    run = Recorded()
    assert DpkgDatabase(run).verify([]) == []
    assert run.asked == []


# --- dpkg, real ------------------------------------------------------------------------------------------------------


class DpkgRoot:
    """A folder that the dpkg of this machine works in."""

    def __init__(self, folder: Folder) -> None:
        self.folder = str(folder / "root")
        self._work = folder
        os.makedirs(self.folder + "/var/lib/dpkg/info")
        os.makedirs(self.folder + "/var/lib/dpkg/updates")
        for name in ("status", "available"):
            with open("{0}/var/lib/dpkg/{1}".format(self.folder, name), "w"):
                pass

    def __call__(self, argv: t.Sequence[str], **options: t.Any) -> Completed:
        return run_command([argv[0], "--root=" + self.folder] + list(argv[1:]), **options)

    def install(self, name: str, *files: str) -> None:
        """Install a package with C(files), each of which holds its package's name."""
        tree = self._work / name
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "DEBIAN").chmod(0o755)
        fields = ("Package: " + name, "Version: 1", "Architecture: all", "Maintainer: x <x@x.x>", "Description: x")
        (tree / "DEBIAN/control").write_text("\n".join(fields) + "\n")
        for file in files:
            (tree / file[1:]).parent.mkdir(parents=True, exist_ok=True)
            (tree / file[1:]).write_text(name)
        package = str(self._work / name) + ".deb"
        subprocess.check_output(["dpkg-deb", "-b", str(tree), package])
        self.tool("dpkg", "--force-not-root", "--force-script-chrootless", "-i", package)

    def tool(self, name: str, *arguments: str) -> None:
        """Run a tool of dpkg's in the folder."""
        subprocess.check_output([name, "--root=" + self.folder] + list(arguments))

    def append(self, path: str) -> None:
        """Append a byte to a file."""
        with open(self.folder + path, "a") as stream:
            stream.write("x")


@pytest.fixture
def root(tmp_path: Folder) -> DpkgRoot:
    if not all(map(shutil.which, ("dpkg", "dpkg-deb", "dpkg-divert"))):
        pytest.skip("there is no dpkg on this machine")
    if subprocess.call(["dpkg-query", "--root=/", "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        pytest.skip("dpkg is too old for another root")
    return DpkgRoot(tmp_path)


def test_a_byte_more_is_seen(root: DpkgRoot) -> None:
    root.install("tiny", "/usr/bin/tiny")
    database = DpkgDatabase(root)
    assert database.owners(["/usr/bin/tiny", "/usr/bin/none"]) == {
        "/usr/bin/tiny": FileOwners(("tiny",), "/usr/bin/tiny")
    }
    assert database.verify(["tiny"]) == []
    root.append("/usr/bin/tiny")
    assert [(one.path, one.altered) for one in database.verify(["tiny"])] == [("/usr/bin/tiny", ("digest",))]


def test_a_file_without_checksum_is_no_pass(root: DpkgRoot) -> None:
    root.install("tiny", "/usr/bin/tiny")
    os.unlink(root.folder + "/var/lib/dpkg/info/tiny.md5sums")
    root.append("/usr/bin/tiny")
    assert DpkgDatabase(root).verify(["tiny"]) == []
    assert DpkgDatabase(root).owners(["/usr/bin/tiny"])["/usr/bin/tiny"].objection == "dpkg has no checksum of it"


def test_a_folder_of_a_package_without_checksums_is_no_pass(root: DpkgRoot) -> None:
    root.install("tiny", "/usr/bin/tiny")
    assert DpkgDatabase(root).owners(["/usr/bin"]) == {"/usr/bin": FileOwners(("tiny",), "/usr/bin")}
    os.unlink(root.folder + "/var/lib/dpkg/info/tiny.md5sums")
    assert DpkgDatabase(root).owners(["/usr/bin"])["/usr/bin"].objection == "dpkg has no checksums of tiny"


def test_a_package_diverts_the_file_of_another(root: DpkgRoot) -> None:
    root.install("tiny", "/usr/bin/tiny")
    root.tool("dpkg-divert", "--package", "wrapper", "--rename", "--add", "/usr/bin/tiny")
    root.install("wrapper", "/usr/bin/tiny")
    database = DpkgDatabase(root)
    expected = {
        "/usr/bin/tiny": FileOwners(("wrapper",), "/usr/bin/tiny"),
        "/usr/bin/tiny.distrib": FileOwners(
            ("tiny",), "/usr/bin/tiny.distrib", "dpkg does not verify what it calls /usr/bin/tiny, but was diverted"
        ),
    }
    assert database.owners(sorted(expected)) == expected
    assert database.owners(["/usr/bin/tiny.distrib"])["/usr/bin/tiny.distrib"] == expected["/usr/bin/tiny.distrib"]
    root.append("/usr/bin/tiny.distrib")
    # This is why there is the objection.
    assert database.verify(["wrapper", "tiny"]) == []
    root.append("/usr/bin/tiny")
    assert [one.path for one in database.verify(["tiny", "wrapper"])] == ["/usr/bin/tiny"]


def test_nobody_owns_what_the_administrator_put_in_a_diverted_place(root: DpkgRoot) -> None:
    root.install("tiny", "/usr/bin/tiny")
    root.tool("dpkg-divert", "--local", "--rename", "--add", "/usr/bin/tiny")
    found = DpkgDatabase(root).owners(["/usr/bin/tiny", "/usr/bin/tiny.distrib"])
    assert {path: one.packages for path, one in found.items()} == {"/usr/bin/tiny.distrib": ("tiny",)}


# --- rpm -------------------------------------------------------------------------------------------------------------


def record(path: str, ghost: bool = False) -> RpmFile:
    return RpmFile(path, 1, 0o100755, 0, "00", "root", "root", "", (1 << 6) * ghost, "normal", "", 1)


class OnePackage(Rpm):
    """A database with one package that has some files."""

    def __init__(self, *files: RpmFile, **verification: t.Any) -> None:
        super().__init__(check_database=False)
        self._package = RpmPackage(PackageId("python3", 1, "3.9", "1", "noarch"), "", 0, files, "sha256")
        self._verification = dict(
            {"entries": [], "partial": False, "elapsed": 0.0, "missing": [], "unverified": [], "places": []},
            **verification,
        )

    def owners(self, paths: t.Iterable[str]) -> t.Dict[str, t.List[PackageId]]:
        owned = {file.path for file in self._package.files}
        return {path: [self._package.id] if path in owned else [] for path in paths}

    def query(self, names: t.Sequence[str], files: bool = True) -> Query:
        assert files
        return Query([self._package] if names else [], [])

    def verify(self, *_arguments: t.Any, **_options: t.Any) -> Verification:
        return Verification(**self._verification)


def test_rpm_answers_for_files_and_not_for_ghosts() -> None:
    database = RpmDatabase(OnePackage(record("/usr/bin/a"), record("/usr/bin/b", ghost=True)))
    assert database.owners(["/usr/bin/a", "/usr/bin/b", "/usr/bin/c"]) == {
        "/usr/bin/a": FileOwners(("python3-1:3.9-1.noarch",), "/usr/bin/a"),
        "/usr/bin/b": FileOwners(("python3-1:3.9-1.noarch",), "/usr/bin/b", "it only reserves the name"),
    }
    assert package_owners(["/usr/bin/a", "/usr/bin/c"], database=database) == {"/usr/bin/a": "python3"}


def test_a_verification_that_is_not_whole_is_no_pass() -> None:
    entry = VerifyEntry("/usr/bin/a", "..5......", "", False, "", "")
    assert RpmDatabase(OnePackage(entries=[entry])).verify(["python3"]) == [entry]
    for verification in ({"partial": True}, {"missing": ["python3"]}):
        with pytest.raises(DatabaseError, match="could not verify python3"):
            RpmDatabase(OnePackage(**verification)).verify(["python3"])


# --- which of the two ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dpkg", "debian", "rpm", "expected"),
    [
        ("Package: dpkg\n", True, None, "dpkg"),
        # The tool rpm on Debian, with a database of its own.
        ("Package: dpkg\n", True, "/var/lib/rpm", "dpkg"),
        ("Package: dpkg\n", False, None, "dpkg"),
        # The tool dpkg on an rpm host.
        ("", False, "/var/lib/rpm", "rpm"),
        ("Package: dpkg\n", False, "/var/lib/rpm", "rpm"),
        ("", True, None, None),
        (None, False, "/var/lib/rpm", "rpm"),
        (None, False, None, None),
    ],
)
def test_the_system_s_own_manager_decides(
    tmp_path: Folder,
    monkeypatch: pytest.MonkeyPatch,
    dpkg: t.Optional[str],
    debian: bool,
    rpm: t.Optional[str],
    expected: t.Optional[str],
) -> None:
    tool = tmp_path / "dpkg-query"
    tool.write_text("")
    monkeypatch.setattr(databases, "_DPKG_QUERY", str(tool))
    monkeypatch.setattr(databases, "database_folder", lambda: rpm)
    status, version = tmp_path / "status", tmp_path / "debian_version"
    if dpkg is not None:
        status.write_text(dpkg)
    if debian:
        version.write_text("12.0\n")
    found = system_database(dpkg_status=str(status), debian_version=str(version))
    assert (found.name if found else None) == expected
