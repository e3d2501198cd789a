# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nearly everything here runs the real rpm, on a recorded database and on packages that are built for the test."""

import os
import shutil
import stat
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.command import Completed, run_command
from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import (
    CommandError,
    DatabaseError,
    InvalidDataError,
    PrivilegeError,
    SignatureError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.asking import database_folder
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.database import Rpm
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.package_files import (
    check_signatures,
    package_files,
    plain_names,
)
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.packages import RpmFile, parse_nevra
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.rpm_packages import (
    REAL_PACKAGES,
    PackagedFile,
    build,
    copied_database,
    install,
    new_key,
    new_root,
    run,
    sign,
    skip_unless,
    stop_agent,
)

Folder = t.Any

# Renamed after the build, see rpm_packages.build.
RENAMED = {
    "newZline": "new\nline",
    "sepZZZZx": "sep\x1c\x1d\x1e\x1fx",
    "escZ31m": "esc\x1b31m",
    "fakeZmissing": "fake\nmissing",
}
ODD = [
    "with blank",
    "quote'quote\"s",
    "'",
    "gone (replaced)",
    "missing   c x",
    "(none)",
    "latin\udce9",
    "snow\u2603",
    "-rf",
    "$(id)",
    "%{name}",
    "newZline",
    "sepZZZZx",
    "escZ31m",
    "fakeZmissing     /sbin",
]

FILES = [
    PackagedFile("/opt/tiny", is_folder=True, directive="%dir"),
    PackagedFile("/opt/tiny/plain", b"plain"),
    PackagedFile("/opt/tiny/link", linkto="plain"),
    PackagedFile("/opt/tiny/nolink", linkto="(none)"),
    PackagedFile("/opt/tiny/set", b"set", directive="%attr(4755,alice,root)"),
    PackagedFile("/opt/tiny/twin1", b"twin"),
    PackagedFile("/opt/tiny/twin2", hardlink="/opt/tiny/twin1"),
    PackagedFile("/etc/tiny.conf", b"conf", directive="%config(noreplace)"),
    PackagedFile("/etc/tiny.maybe", b"maybe", directive="%config(missingok)"),
    PackagedFile("/etc/tiny.ghost", b"ghost", directive="%ghost"),
    PackagedFile("/opt/tiny/README", b"doc", directive="%doc"),
    PackagedFile("/opt/tiny/LICENSE", b"licence", directive="%license"),
    PackagedFile("/opt/odd", is_folder=True),
] + [PackagedFile("/opt/odd/{0}/{1}".format(number, name), directive="hidden") for number, name in enumerate(ODD)]


def renamed(path: str) -> str:
    for old, new in RENAMED.items():
        path = path.replace(old, new)
    return path


ODD_PATHS = ["/opt/odd/{0}/{1}".format(number, renamed(name)) for number, name in enumerate(ODD)]


@pytest.fixture(scope="module")
def packages(tmp_path_factory: t.Any) -> t.Dict[str, str]:
    """Return the files of built packages by name."""
    skip_unless("rpm", "rpmbuild")
    folder = str(tmp_path_factory.mktemp("packages"))
    taker = [PackagedFile("/opt/tiny/plain", b"taken over")]
    provider = [PackagedFile("/opt/provider/own", b"x")]
    return {
        "tiny": build(folder, "tiny", FILES, epoch=2, preamble="Vendor: A 'vendor'", renamed=RENAMED),
        "taker": build(folder, "taker", taker),
        "provider": build(folder, "provider", provider, preamble="Provides: /opt/by-name /opt/provider/own"),
        "empty": build(folder, "empty", []),
    }


@pytest.fixture
def root(tmp_path: Folder, packages: t.Mapping[str, str]) -> str:
    """Return a root in which the package tiny is installed."""
    skip_unless("rpm", root=True)
    folder = new_root(str(tmp_path))
    install(folder, packages["tiny"])
    return folder


@pytest.fixture(scope="module")
def database(tmp_path_factory: t.Any) -> str:
    return copied_database(str(tmp_path_factory.mktemp("database")))


def by_path(files: t.Iterable[RpmFile]) -> t.Dict[str, RpmFile]:
    return {file.path: file for file in files}


# The recorded database: Amazon Linux 2023, rpm 4.16, sqlite.


def test_queries_a_real_database_in_one_process(database: str) -> None:
    rpm = Rpm(dbpath=database)
    found = rpm.query(["python3", "no-such-package", "python3-libs", "python3", "basesystem"])
    assert rpm.calls == 1
    assert [package.name for package in found.packages] == ["python3", "python3-libs", "python3", "basesystem"]
    assert found.missing == ["no-such-package"]
    assert found.packages[3].files == ()
    python = found.packages[0]
    assert python.nevra == "python3-3.9.16-1.amzn2023.0.3.x86_64"
    assert python.evr == "3.9.16-1.amzn2023.0.3"
    assert (python.vendor, python.install_time, python.digest_algorithm) == ("Amazon Linux", 1692921927, "sha256")
    files = by_path(python.files)
    assert files["/usr/bin/python3"] == RpmFile(
        path="/usr/bin/python3",
        size=9,
        mode=stat.S_IFLNK | 0o777,
        mtime=1677644908,
        digest="",
        owner="root",
        group="root",
        linkto="python3.9",
        flags=0,
        state="normal",
        caps="",
        verify_flags=0xFFFFFFFF,
    )
    binary = files["/usr/bin/python3.9"]
    assert (binary.kind, stat.S_IMODE(binary.mode), binary.size) == ("file", 0o755, 16168)
    assert binary.digest == "c2407c40cfb7505431649de2a9d1f73bff1a1c86b320ff169a266d14bce1ddfe"


def test_queries_without_files(database: str) -> None:
    package = Rpm(dbpath=database).query(["python3"], files=False).packages[0]
    assert (package.name, package.files) == ("python3", ())


def test_owners_of_a_real_database_in_one_process(database: str) -> None:
    rpm = Rpm(dbpath=database)
    assert rpm.owners(["/usr/bin/python3.9"]) == {
        "/usr/bin/python3.9": [parse_nevra("python3-3.9.16-1.amzn2023.0.3.x86_64")]
    }
    assert rpm.calls == 1


def test_verifies_against_a_real_database(database: str) -> None:
    rpm = Rpm(dbpath=database)
    packages = rpm.query(["python3", "basesystem"]).packages
    quiet = rpm.verify(["python3", "basesystem", "no-such-package"])
    assert quiet.missing == ["no-such-package"]
    assert not quiet.partial
    assert quiet.unverified == []
    full = rpm.verify(["python3", "basesystem"], packages=packages)
    assert full.entries == quiet.entries


# Packages built here.


def test_reads_a_package_file(packages: t.Mapping[str, str]) -> None:
    tiny, empty = package_files(Rpm(check_database=False), [packages["tiny"], packages["empty"]])
    assert (tiny.nevra, tiny.id.nvra, tiny.vendor) == ("tiny-2:1.0-1.noarch", "tiny-1.0-1.noarch", "A 'vendor'")
    assert (tiny.install_time, {file.state for file in tiny.files}) == (0, {"missing"})
    assert (empty.name, empty.files) == ("empty", ())
    files = by_path(tiny.files)
    assert sorted(set(ODD_PATHS) - set(files)) == []
    assert files["/opt/tiny/nolink"].linkto == "(none)"
    assert files["/opt/tiny/plain"].linkto == ""
    assert files["/etc/tiny.conf"].types == ("config", "noreplace")
    assert [
        name
        for name, file in sorted(files.items())
        if file.is_config or file.is_doc or file.is_ghost or file.is_type("license") or file.is_missingok
    ] == ["/etc/tiny.conf", "/etc/tiny.ghost", "/etc/tiny.maybe", "/opt/tiny/LICENSE", "/opt/tiny/README"]
    assert [files[path].attribute for path in ("/etc/tiny.maybe", "/etc/tiny.ghost", "/opt/tiny")] == ["c", "g", ""]
    assert (files["/opt/tiny"].kind, files["/opt/tiny/link"].kind) == ("directory", "link")
    assert (stat.S_IMODE(files["/opt/tiny/set"].mode), files["/opt/tiny/set"].owner) == (0o4755, "alice")


def test_an_installed_package_is_intact(root: str) -> None:
    rpm = Rpm(root=root)
    packages = rpm.query(["tiny"]).packages
    assert rpm.dbpath == "/var/lib/rpm"
    assert {file.state for file in packages[0].files} == {"normal"}
    assert sorted(set(ODD_PATHS) - {file.path for file in packages[0].files}) == []
    assert rpm.verify(["tiny"]).entries == []
    assert rpm.verify(["tiny"], packages=packages).entries == []


@pytest.mark.parametrize("given", [True, False])
def test_finds_what_was_done(root: str, given: bool) -> None:
    with open(root + "/opt/tiny/plain", "w") as stream:
        stream.write("tampered")
    os.utime(root + "/opt/tiny/plain", (1, 1))
    os.chmod(root + "/opt/tiny/set", 0o700)
    os.unlink(root + "/opt/tiny/link")
    os.symlink("../elsewhere", root + "/opt/tiny/link")
    os.unlink(root + "/opt/tiny/twin1")
    os.symlink("plain", root + "/opt/tiny/twin1")
    os.unlink(root + "/etc/tiny.maybe")
    os.unlink(root + "/opt/tiny/README")
    os.utime(root + "/opt/tiny/twin2", (1, 1))
    os.chown(root + "/opt/tiny", 1000, 1000)
    for path in ODD_PATHS:
        os.unlink(os.fsencode(root + path))
    rpm = Rpm(root=root)
    packages = rpm.query(["tiny"]).packages
    entries = {entry.path: entry for entry in rpm.verify(["tiny"], packages=packages if given else ()).entries}
    assert entries["/opt/tiny/plain"].flags == "S.5....T."
    assert entries["/opt/tiny/set"].altered == ("mode",)
    assert entries["/opt/tiny/link"].flags == "....L...."
    assert entries["/opt/tiny/twin1"].flags == "....L...."
    assert entries["/opt/tiny/twin2"].flags == ".......T."
    assert entries["/opt/tiny"].altered == ("user", "group")
    assert (entries["/opt/tiny/README"].missing, entries["/opt/tiny/README"].attribute) == (True, "d")
    assert "/etc/tiny.maybe" not in entries
    missing = sorted(path for path, entry in entries.items() if entry.missing)
    assert missing == sorted(ODD_PATHS + ["/opt/tiny/README"])


def test_a_name_that_ends_like_a_note_is_no_note(root: str) -> None:
    rpm = Rpm(root=root)
    packages = rpm.query(["tiny"]).packages
    os.chmod(root + "/opt/odd/3/gone (replaced)", 0o600)
    for given in ((), packages):
        (entry,) = rpm.verify(["tiny"], packages=given).entries
        assert (entry.path, entry.note, entry.altered) == ("/opt/odd/3/gone (replaced)", "", ("mode",))


def test_leaves_out_types(root: str) -> None:
    for path in ("/etc/tiny.conf", "/opt/tiny/README", "/opt/tiny/LICENSE", "/opt/tiny/plain"):
        with open(root + path, "w") as stream:
            stream.write("changed here")
    rpm = Rpm(root=root)
    packages = rpm.query(["tiny"]).packages
    for given in ((), packages):
        found = rpm.verify(["tiny"], exclude=["config", "doc"], packages=given).entries
        assert [entry.path for entry in found] == ["/opt/tiny/LICENSE", "/opt/tiny/plain"]
    # Only the packages tell that the configuration file has a second type.
    assert len(rpm.verify(["tiny"], exclude=["noreplace"]).entries) == 4
    assert len(rpm.verify(["tiny"], exclude=["noreplace"], packages=packages).entries) == 3


def test_sees_a_file_that_another_package_took(root: str, packages: t.Mapping[str, str]) -> None:
    install(root, packages["taker"])
    rpm = Rpm(root=root)
    both = rpm.query(["tiny", "taker"]).packages
    assert by_path(both[0].files)["/opt/tiny/plain"].state == "replaced"
    for given in ((), both):
        entries = rpm.verify(["tiny", "taker"], packages=given).entries
        assert [(entry.path, entry.note, entry.altered) for entry in entries] == [("/opt/tiny/plain", "replaced", ())]
    assert rpm.owners(["/opt/tiny/plain"]) == {"/opt/tiny/plain": [parse_nevra("taker-1.0-1.noarch")]}


def test_capabilities(tmp_path: Folder) -> None:
    skip_unless("rpm", "rpmbuild", root=True)
    file = PackagedFile("/opt/capable", b"x", directive="%caps(cap_net_raw,cap_net_admin=ep)")
    folder = new_root(str(tmp_path))
    install(folder, build(str(tmp_path), "capable", [file]))
    rpm = Rpm(root=folder)
    assert rpm.query(["capable"]).packages[0].files[0].caps == "cap_net_admin,cap_net_raw=ep"
    assert rpm.verify(["capable"]).entries == []
    os.removexattr(folder + "/opt/capable", "security.capability")
    assert [entry.altered for entry in rpm.verify(["capable"]).entries] == [("capabilities",)]


def test_owners_of_odd_absent_and_unowned_paths(root: str, packages: t.Mapping[str, str]) -> None:
    install(root, packages["provider"])
    with open(root + "/opt/stranger", "w") as stream:
        stream.write("x")
    os.unlink(root + "/opt/tiny/plain")
    tiny = [parse_nevra("tiny-2:1.0-1.noarch")]
    wanted = dict.fromkeys(ODD_PATHS, tiny)
    wanted.update(
        {
            "/opt/tiny/plain": tiny,
            "/opt/stranger": [],
            "/opt/nothing\nerror: cannot open Packages database in /var/lib/rpm": [],
            "/opt/nothing\n/.fleet-system-python-mark": [],
            "/opt/by-name": [],
            "/opt/provider/own": [parse_nevra("provider-1.0-1.noarch")],
        }
    )
    assert Rpm(root=root).owners(wanted) == wanted


def test_several_owners(root: str, tmp_path: Folder) -> None:
    also = build(str(tmp_path), "also", [PackagedFile("/opt/tiny", is_folder=True, directive="%dir")])
    install(root, also)
    rpm = Rpm(root=root)
    assert sorted(owner.name for owner in rpm.owners(["/opt/tiny", "/opt/tiny/plain"])["/opt/tiny"]) == ["also", "tiny"]
    assert rpm.calls == 1


def test_many_owners_are_asked_for_in_few_processes(root: str) -> None:
    paths = ["/opt/{0}/{1}".format("x" * 200, number) for number in range(5000)]
    rpm = Rpm(root=root)
    answers = rpm.owners(paths + ["/opt/tiny/plain"])
    assert len(answers) == 5001
    assert [path for path, found in answers.items() if found] == ["/opt/tiny/plain"]
    assert rpm.calls == 2


def test_a_package_that_is_installed_twice(root: str, tmp_path: Folder) -> None:
    newer = build(str(tmp_path), "tiny", [PackagedFile("/opt/newer", b"x")], version="2.0", epoch=2)
    install(root, newer)
    rpm = Rpm(root=root)
    found = rpm.query(["tiny", "tiny-2.0"]).packages
    assert sorted(package.evr for package in found[:2]) == ["2:1.0-1", "2:2.0-1"]
    assert [package.evr for package in found[2:]] == ["2:2.0-1"]
    assert rpm.verify(["tiny"], packages=found[:2]).entries == []


def test_a_time_limit_gives_what_was_seen_so_far(root: str, packages: t.Mapping[str, str]) -> None:
    install(root, packages["taker"])
    rpm = Rpm(root=root)
    both = rpm.query(["taker", "tiny"]).packages
    os.unlink(root + "/opt/tiny/link")

    def killed(argv: t.Sequence[str], timeout: float = 0, env: t.Any = None) -> Completed:
        done = run_command(argv, timeout=timeout, env=env)
        shown, _found, _rest = done.out.partition("olink")
        return done._replace(out=shown, rc=-9, timed_out=True)

    rest = Rpm(runner=killed, root=root).verify(["taker", "tiny"], packages=both)
    assert rest.partial
    assert rest.unverified == ["tiny-2:1.0-1.noarch"]
    assert "/opt/tiny/link" in [entry.path for entry in rest.entries]
    assert "/opt/tiny/n" not in [entry.path for entry in rest.entries]
    assert Rpm(runner=killed, root=root).verify(["taker", "tiny"]).unverified == ["taker", "tiny"]


def test_a_real_time_limit(root: str) -> None:
    rpm = Rpm(root=root)
    packages = rpm.query(["tiny"]).packages
    # Gigabytes of nothing take rpm long to read. Not more: what a killed test leaves may get into an image.
    try:
        with open(root + "/opt/tiny/plain", "wb") as stream:
            stream.truncate(1 << 33)
        found = rpm.verify(["tiny"], timeout=0.5, packages=packages)
    finally:
        os.unlink(root + "/opt/tiny/plain")
    assert found.partial
    assert found.unverified == ["tiny-2:1.0-1.noarch"]
    assert 0.4 < found.elapsed < 30


# What is wrong is said.


@pytest.mark.parametrize("name", ["", "-a", "two words", "a\nb", "/usr/bin/x", "x.rpm", "*", "a=b", "(x"])
def test_refuses_what_is_no_package_name(name: str) -> None:
    for method in (Rpm(check_database=False).query, Rpm(check_database=False).verify):
        with pytest.raises(InvalidDataError, match="Not a package name"):
            method([name])


@pytest.mark.parametrize("path", ["relative", "", "/nul\0"])
def test_refuses_what_is_no_path(path: str) -> None:
    with pytest.raises(InvalidDataError, match="Not an absolute path"):
        Rpm(check_database=False).owners([path])


def test_nothing_asked_nothing_started() -> None:
    rpm = Rpm()
    assert rpm.query([]) == ([], [])
    assert rpm.verify([]).entries == []
    assert rpm.owners([]) == {}
    assert package_files(rpm, []) == []
    check_signatures(rpm, [])
    assert rpm.calls == 0


def damaged(kind: str, folder: str, database: str) -> str:
    path = os.path.join(folder, "db")
    if kind == "absent":
        return path
    shutil.copytree(database, path)
    file = os.path.join(path, "rpmdb.sqlite")
    if kind == "no file":
        os.unlink(file)
    elif kind == "empty file":
        open(file, "w").close()
    elif kind == "folder":
        os.unlink(file)
        os.mkdir(file)
    elif kind == "garbage":
        with open(file, "r+b") as stream:
            stream.write(os.urandom(100000))
    elif kind == "cut":
        with open(file, "r+b") as stream:
            stream.truncate(1000000)
    return path


@pytest.mark.parametrize("kind", ["absent", "no file", "empty file", "folder", "garbage", "cut"])
def test_a_database_that_cannot_be_read(kind: str, tmp_path: Folder, database: str) -> None:
    path = damaged(kind, str(tmp_path), database)
    before = os.path.isdir(path) and sorted(os.listdir(path))
    for ask in (
        lambda rpm: rpm.query(["python3"]),
        lambda rpm: rpm.verify(["python3"]),
        lambda rpm: rpm.owners(["/usr/bin/python3", "/nothing"]),
    ):  # type: t.Callable[[Rpm], t.Any]
        with pytest.raises(DatabaseError) as caught:
            ask(Rpm(dbpath=path))
        assert path in caught.value.message
        assert caught.value.details["path"] == path
    # rpm itself would have put an empty database in its place.
    if kind in ("absent", "no file"):
        assert (os.path.isdir(path) and sorted(os.listdir(path))) == before


def test_a_damaged_page_is_not_taken_for_an_absent_package(tmp_path: Folder, database: str) -> None:
    path = damaged("copy", str(tmp_path), database)
    with open(os.path.join(path, "rpmdb.sqlite"), "r+b") as stream:
        stream.seek(100 * 4096)
        stream.write(os.urandom(3000 * 4096))
    with pytest.raises(DatabaseError):
        Rpm(dbpath=path).query(["python3", "python3-libs"])


def test_an_empty_database_counts_as_unreadable(tmp_path: Folder) -> None:
    skip_unless("rpm")
    run("rpm", "--dbpath", str(tmp_path), "--initdb")
    for ask in (
        lambda rpm: rpm.query(["python3"]),
        lambda rpm: rpm.verify(["python3"]),
        lambda rpm: rpm.owners(["/usr/bin/python3"]),
    ):  # type: t.Callable[[Rpm], t.Any]
        with pytest.raises(DatabaseError, match="no package at all"):
            ask(Rpm(dbpath=str(tmp_path)))


def test_unknown_names_in_a_full_database_are_just_missing(database: str) -> None:
    rpm = Rpm(dbpath=database)
    assert rpm.query(["no-such-package"]) == ([], ["no-such-package"])
    assert rpm.verify(["no-such-package"]).missing == ["no-such-package"]
    assert rpm.owners(["/no/such/path"]) == {"/no/such/path": []}


def test_the_database_of_another_root_is_found(tmp_path: Folder) -> None:
    folder = tmp_path / "usr" / "lib" / "sysimage" / "rpm"
    folder.mkdir(parents=True)
    assert database_folder(str(tmp_path)) is None
    (folder / "Packages.db").write_bytes(b"x")
    assert database_folder(str(tmp_path)) == "/usr/lib/sysimage/rpm"
    assert database_folder(str(tmp_path), "/var/lib/rpm") is None
    assert database_folder(None, str(folder)) == str(folder)


def test_a_root_that_does_not_exist(tmp_path: Folder) -> None:
    with pytest.raises(InvalidDataError, match=r"root folder .* does not exist"):
        Rpm(root=str(tmp_path / "nothing")).query(["x"])
    with pytest.raises(InvalidDataError, match="Not an absolute path"):
        Rpm(dbpath="relative").query(["x"])
    with pytest.raises(DatabaseError, match="no database file"):
        Rpm(root=str(tmp_path)).query(["x"])


def recorded(out: str = "", err: str = "", rc: int = 0, timed_out: bool = False) -> t.Callable[..., Completed]:
    def runner(argv: t.Sequence[str], timeout: float = 0, env: t.Any = None) -> Completed:  # noqa: ARG001
        if "--eval" in argv:
            return Completed(tuple(argv), 0, "\n", "", False)
        return Completed(tuple(argv), rc, out, err, timed_out)

    return runner


# What rpm 4.14 with Berkeley DB and ndb, and rpm 4.16 and 4.20 with sqlite, print.
SAID = [
    (
        "error: rpmdb: BDB0113 Thread/process 10/139 failed: BDB1507 Thread died in Berkeley DB library\n"
        "error: db5 error(-30973) from dbenv->failchk: BDB0087 DB_RUNRECOVERY: Fatal error, run database recovery\n"
        "error: cannot open Packages index using db5 -  (-30973)\n"
        "error: cannot open Packages database in /var/lib/rpm\n"
    ),
    "error: rpmdbNextIterator: skipping h#      12 \nHeader SHA256 digest: BAD (Expected aa != bb)\n",
    "error: Unable to open sqlite database /var/lib/rpm/rpmdb.sqlite: unable to open database file\n",
    "error: rpmpkg: Version mismatch. Expected version: 0. Found version: 7\n",
]


@pytest.mark.parametrize("said", SAID)
def test_what_other_versions_say_of_a_broken_database(said: str) -> None:
    rpm = Rpm(runner=recorded("package x is not installed\n", said, 1), check_database=False)
    with pytest.raises(DatabaseError, match="rpm said: "):
        rpm.query(["x"])
    with pytest.raises(DatabaseError, match="rpm said: "):
        rpm.verify(["x"])


def test_errors_between_the_answers_about_owners() -> None:
    answer = "{0}file /x is not owned by any package\n{0}error: file /.fleet-system-python-mark: No such file\n"
    rpm = Rpm(runner=recorded(answer.format(SAID[2]), rc=1), check_database=False)
    with pytest.raises(DatabaseError, match="unable to open database file"):
        rpm.owners(["/x"])


def test_an_answer_that_breaks_off() -> None:
    rpm = Rpm(runner=recorded("file /x is not owned by any package\n", rc=1), check_database=False)
    with pytest.raises(CommandError, match="Cannot ask for the owners"):
        rpm.owners(["/x"])


def test_an_answer_in_another_form() -> None:
    rpm = Rpm(runner=recorded("\x1dpython3\x1f0\x1f"), check_database=False)
    with pytest.raises(InvalidDataError, match="not in the form"):
        rpm.query(["python3"])


def test_a_hanging_rpm() -> None:
    rpm = Rpm(runner=recorded(rc=-9, timed_out=True), check_database=False)
    for ask in (lambda: rpm.query(["x"]), lambda: rpm.owners(["/x"])):  # type: t.Callable[[], t.Any]
        with pytest.raises(DatabaseError, match="time limit"):
            ask()


def test_no_rpm() -> None:
    rpm = Rpm(runner=recorded(err="cannot start rpm: [Errno 2]", rc=127), check_database=False)
    with pytest.raises(CommandError, match="rpm itself cannot be run"):
        rpm.query(["x"])


def test_a_tag_that_this_rpm_does_not_know() -> None:
    rpm = Rpm(runner=recorded(err='error: incorrect format: unknown tag: "X"\n'), check_database=False)
    with pytest.raises(CommandError, match="unknown tag"):
        rpm.query(["x"])


def test_another_root_without_root() -> None:
    said = "error: Unable to change root directory: Operation not permitted\n"
    rpm = Rpm(runner=recorded(err=said, rc=1), check_database=False, root="/mnt")
    with pytest.raises(PrivilegeError, match="needs root"):
        rpm.verify(["x"])


# Package files and signatures.


def test_package_files_with_odd_names(tmp_path: Folder, packages: t.Mapping[str, str]) -> None:
    files = [str(tmp_path / name) for name in ("a b.rpm", "c*.rpm", "d'e\"f\n.rpm", "back\\slash.rpm", "[x]{y,z}~.rpm")]
    for file in files:
        shutil.copy(packages["taker"], file)
    rpm = Rpm(check_database=False)
    assert [package.name for package in package_files(rpm, files)] == ["taker"] * 5
    check_signatures(rpm, files, allow_unsigned=True)
    with pytest.raises(SignatureError, match=r"a b\.rpm is not used: it has no signature"):
        check_signatures(rpm, files)


def test_plain_names_leave_nothing_behind() -> None:
    with plain_names(["/srv/a b.rpm", "/srv/c.rpm"]) as names:
        assert [os.readlink(name) for name in names] == ["/srv/a b.rpm", "/srv/c.rpm"]
    assert not os.path.exists(os.path.dirname(names[0]))
    with plain_names(["/x/python3-3.13~rc1-1.el9+2.x86_64.rpm"]) as names:
        assert names == ["/x/python3-3.13~rc1-1.el9+2.x86_64.rpm"]


def test_what_is_no_package(tmp_path: Folder, packages: t.Mapping[str, str]) -> None:
    rpm = Rpm(check_database=False)
    text = tmp_path / "list.rpm"
    text.write_text(packages["taker"] + "\n")
    for ask in (package_files, check_signatures):  # type: t.Callable[[Rpm, t.Sequence[str]], t.Any]
        with pytest.raises(InvalidDataError, match="is not an rpm package"):
            ask(rpm, [str(text)])
        with pytest.raises(InvalidDataError, match="Cannot read the package file"):
            ask(rpm, [str(tmp_path / "absent.rpm")])
        with pytest.raises(InvalidDataError, match="Not an absolute path"):
            ask(rpm, ["relative.rpm"])
    assert rpm.calls == 0


def test_a_package_file_that_is_cut_off(tmp_path: Folder, packages: t.Mapping[str, str]) -> None:
    file = tmp_path / "cut here.rpm"
    with open(packages["tiny"], "rb") as stream:
        file.write_bytes(stream.read(2000))
    with pytest.raises(InvalidDataError, match=r"cannot read the package files .*cut here\.rpm"):
        package_files(Rpm(check_database=False), [str(file)])
    with pytest.raises(SignatureError, match="cut here"):
        check_signatures(Rpm(check_database=False), [str(file)], allow_unsigned=True)


@pytest.fixture(scope="module")
def signed(tmp_path_factory: t.Any, packages: t.Mapping[str, str]) -> t.Iterator[t.Tuple[str, str]]:
    """Return a signed package and the public key."""
    skip_unless("rpm", "rpmsign", "gpg", "gpgconf")
    # The agent's socket has a short name only below a short folder.
    folder = str(tmp_path_factory.mktemp("s"))
    home, key = new_key(folder)
    file = os.path.join(folder, "signed.rpm")
    shutil.copy(packages["tiny"], file)
    sign(file, home)
    yield file, key
    stop_agent(home)


def test_signatures(tmp_path: Folder, packages: t.Mapping[str, str], signed: t.Tuple[str, str]) -> None:
    file, key = signed
    database = str(tmp_path / "db")
    run("rpm", "--dbpath", database, "--initdb")
    rpm = Rpm(dbpath=database, check_database=False)
    with pytest.raises(SignatureError, match=r"signed\.rpm is not used: its .*[Ss]ignature.* is NOKEY"):
        check_signatures(rpm, [file])
    check_signatures(rpm, [file, packages["taker"]], allow_unsigned=True)
    run("rpm", "--dbpath", database, "--import", key)
    check_signatures(rpm, [file])
    with pytest.raises(SignatureError, match="it has no signature") as caught:
        check_signatures(rpm, [file, packages["taker"]])
    assert caught.value.details["file"] == packages["taker"]


@pytest.mark.parametrize("where", [-20, 5000])
def test_a_changed_package_never_passes(
    tmp_path: Folder, packages: t.Mapping[str, str], signed: t.Tuple[str, str], where: int
) -> None:
    database = str(tmp_path / "db")
    run("rpm", "--dbpath", database, "--initdb")
    run("rpm", "--dbpath", database, "--import", signed[1])
    for number, original in enumerate((signed[0], packages["tiny"])):
        with open(original, "rb") as stream:
            data = bytearray(stream.read())
        data[where] ^= 0xFF
        file = tmp_path / "changed-{0}.rpm".format(number)
        file.write_bytes(bytes(data))
        with pytest.raises(SignatureError, match=r"changed-.\.rpm is not used"):
            check_signatures(Rpm(dbpath=database, check_database=False), [str(file)], allow_unsigned=True)


@pytest.mark.parametrize(
    ("name", "complaint"), [("signed", ""), ("signed_broken", "BAD"), ("signed_broken_header", "BAD")]
)
def test_packages_that_somebody_else_signed_and_broke(tmp_path: Folder, name: str, complaint: str) -> None:
    skip_unless("rpm")
    database = str(tmp_path / "db")
    run("rpm", "--dbpath", database, "--initdb")
    run("rpm", "--dbpath", database, "--import", os.path.join(REAL_PACKAGES, "signed.key"))
    file, rpm = os.path.join(REAL_PACKAGES, name + ".rpm"), Rpm(dbpath=database, check_database=False)
    if complaint:
        with pytest.raises(SignatureError, match=complaint):
            check_signatures(rpm, [file])
    else:
        check_signatures(rpm, [file])


CHECKED = [
    # rpm 4.14, 4.18 and 6.0.
    ("    Header V3 RSA/SHA256 Signature, key ID fd431d51: OK\n    Header SHA1 digest: OK\n    MD5 digest: OK\n", ""),
    ("    Header OpenPGP V4 RSA/SHA256 signature, key fingerprint: ab: OK\n    Header SHA256 digest: OK\n", ""),
    ("    Header OpenPGP V4 RSA/SHA256 signature, key ID ab: NOTTRUSTED\n    Header SHA256 digest: OK\n", "NOTTRUSTED"),
    ("    Header SHA256 digest: OK\n    Payload SHA256 digest: BAD (Expected a != b)\n", "digest is BAD"),
    ("    Header V4 RSA/SHA256 Signature, key ID ab: BAD\n    Header SHA256 digest: OK\n", "is BAD"),
    ("    Header SHA256 digest: OK\n    MD5 digest: NOTFOUND\n", "no signature"),
    ("    Header RSA signature: NOTFOUND\n    Header DSA signature: NOTFOUND\n    MD5 digest: OK\n", "no signature"),
    ("    Header V4 RSA/SHA256 Signature, key ID ab: OK\n", "digests could not be checked"),
    ("", "digests could not be checked"),
]


@pytest.mark.parametrize(("lines", "complaint"), CHECKED)
def test_what_other_versions_say_of_signatures(tmp_path: Folder, lines: str, complaint: str) -> None:
    file = tmp_path / "x.rpm"
    file.write_bytes(b"\xed\xab\xee\xdb")
    runner = recorded("{0}:\n{1}".format(file, lines), rc=1 if complaint else 0)
    rpm = Rpm(runner=runner, check_database=False)
    if complaint:
        with pytest.raises(SignatureError, match=complaint):
            check_signatures(rpm, [str(file)])
    else:
        check_signatures(rpm, [str(file)])


def test_a_failed_signature_check_without_a_reason_does_not_pass(tmp_path: Folder) -> None:
    file = tmp_path / "x.rpm"
    file.write_bytes(b"\xed\xab\xee\xdb")
    rpm = Rpm(runner=recorded("{0}:\n{1}".format(file, CHECKED[0][0]), rc=1), check_database=False)
    with pytest.raises(SignatureError, match="rpm -K failed"):
        check_signatures(rpm, [str(file)])
