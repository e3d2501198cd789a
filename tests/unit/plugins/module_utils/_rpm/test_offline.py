# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real packages in a real root, looked at without rpm's own --root; rpm --root -V says whether that is right."""

import gzip
import os
import subprocess
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.command import Completed, run_command
from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import (
    DatabaseError,
    InvalidDataError,
    PrivilegeError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._disk.root import Root
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.database import Rpm
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.offline import open_offline
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.packages import parse_nevra
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.verify_output import VerifyEntry
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.ndb_file import headers_of, ndb_file
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.rpm_packages import (
    REAL_PACKAGES,
    PackagedFile,
    build,
    install,
    new_root,
    real_data,
    skip_unless,
)

Folder = t.Any
DATABASE = "/var/lib/rpm"

FILES = [
    PackagedFile("/opt/tiny", is_folder=True, directive="%dir"),
    PackagedFile("/opt/tiny/folder", is_folder=True, directive="%dir"),
    PackagedFile("/opt/tiny/linked", is_folder=True, directive="%dir"),
    PackagedFile("/opt/tiny/strange", is_folder=True, directive="%dir"),
    PackagedFile("/opt/tiny/plain", b"plain"),
    PackagedFile("/opt/tiny/same-size", b"same"),
    PackagedFile("/opt/tiny/empty", b""),
    PackagedFile("/opt/tiny/link", linkto="plain"),
    PackagedFile("/opt/tiny/absolute", linkto="/opt/tiny/plain"),
    PackagedFile("/opt/tiny/gone-link", linkto="plain"),
    PackagedFile("/opt/tiny/file-for-link", linkto="plain"),
    PackagedFile("/opt/tiny/set", b"set", directive="%attr(4755,alice,root)"),
    PackagedFile("/opt/tiny/capable", b"x", directive="%caps(cap_net_raw,cap_net_admin=ep)"),
    PackagedFile("/opt/tiny/powerless", b"x", directive="%caps(cap_net_raw=ep)"),
    PackagedFile("/opt/tiny/twin1", b"twin"),
    PackagedFile("/opt/tiny/twin2", hardlink="/opt/tiny/twin1"),
    PackagedFile("/opt/tiny/pipe", b"x"),
    PackagedFile("/opt/tiny/lax", b"x", directive="%verify(not mtime size filedigest)"),
    PackagedFile("/etc/tiny.conf", b"conf", directive="%config(noreplace)"),
    PackagedFile("/etc/tiny.maybe", b"maybe", directive="%config(missingok)"),
    PackagedFile("/etc/tiny.ghost", b"ghost", directive="%ghost"),
    PackagedFile("/opt/tiny/README", b"doc", directive="%doc"),
]


@pytest.fixture(scope="module")
def packages(tmp_path_factory: t.Any) -> t.Dict[str, str]:
    """Return the files of built packages by name."""
    skip_unless("rpm", "rpmbuild", root=True)
    folder = str(tmp_path_factory.mktemp("packages"))
    taker = [PackagedFile("/opt/tiny/plain", b"taken over")]
    return {"tiny": build(folder, "tiny", FILES), "taker": build(folder, "taker", taker)}


@pytest.fixture
def root(tmp_path: Folder, packages: t.Mapping[str, str]) -> str:
    """Return a root in which the package tiny is installed."""
    folder = new_root(str(tmp_path))
    install(folder, packages["tiny"])
    return folder


def verified(root: str, *names: str) -> t.Tuple[t.List[VerifyEntry], t.List[VerifyEntry]]:
    """Return what this collection says of the packages, and what rpm says when it enters the root."""
    with open_offline(Root(root)) as rpm:
        mine = rpm.verify(names or ["tiny"]).entries
    return mine, Rpm(root=root, dbpath=DATABASE).verify(names or ["tiny"]).entries


def tamper(root: str) -> None:
    """Do to each file what its name says."""
    inside = root + "/opt/tiny/"
    with open(inside + "plain", "w") as stream:
        stream.write("tampered")
    with open(inside + "same-size", "w") as stream:
        stream.write("SAME")
    with open(inside + "lax", "w") as stream:
        stream.write("tampered")
    with open(root + "/etc/tiny.ghost", "w") as stream:
        stream.write("of an administrator")
    os.utime(inside + "twin2", (1, 1))
    os.chmod(inside + "set", 0o700)
    os.chmod(inside + "folder", 0o700)
    os.chown(inside + "empty", 54321, 1000)
    os.removexattr(inside + "powerless", "security.capability")
    for name, target in (("link", "../elsewhere"), ("absolute", "plain"), ("twin1", "plain")):
        os.unlink(inside + name)
        os.symlink(target, inside + name)
    for name, owner in (("linked", 0), ("strange", 54321)):
        os.rmdir(inside + name)
        os.symlink("folder", inside + name)
        os.chown(inside + name, owner, owner, follow_symlinks=False)
    for name in ("gone-link", "README", "pipe", "file-for-link"):
        os.unlink(inside + name)
    os.mkfifo(inside + "pipe")
    os.mkdir(inside + "file-for-link")
    os.unlink(root + "/etc/tiny.maybe")


def test_what_is_installed_is_intact(root: str) -> None:
    assert verified(root) == ([], [])


def test_every_deviation_is_told_as_rpm_tells_it(root: str) -> None:
    tamper(root)
    mine, rpms = verified(root)
    assert mine == rpms
    assert len(mine) > 15


def test_a_file_that_another_package_took(root: str, packages: t.Mapping[str, str]) -> None:
    install(root, packages["taker"])
    mine, rpms = verified(root, "tiny", "taker")
    assert mine == rpms
    assert [entry.note for entry in mine] == ["replaced"]


def test_a_folder_that_leads_out_of_the_root_does_not_lead_there(root: str, tmp_path: Folder) -> None:
    os.rename(root + "/opt/tiny", str(tmp_path / "outside"))
    os.symlink(str(tmp_path / "outside"), root + "/opt/tiny")
    with open_offline(Root(root)) as rpm:
        missing = [entry.path for entry in rpm.verify(["tiny"]).entries if entry.missing]
    assert "/opt/tiny/plain" in missing


def test_a_folder_that_leads_in_a_circle(root: str) -> None:
    os.rename(root + "/opt", root + "/old")
    os.symlink("/opt", root + "/opt")
    with open_offline(Root(root)) as rpm:
        entries = {entry.path: entry for entry in rpm.verify(["tiny"]).entries}
    assert (entries["/opt/tiny/plain"].missing, entries["/opt/tiny/plain"].reason) == (True, os.strerror(40))


def test_the_time_limit_gives_what_was_seen_until_then(root: str) -> None:
    with open_offline(Root(root)) as rpm:
        found = rpm.verify(["tiny"], timeout=-1)
    assert (found.partial, found.unverified, found.entries) == (True, ["tiny-1.0-1.noarch"], [])


def test_types_are_left_out_and_absent_packages_named(root: str) -> None:
    tamper(root)
    with open_offline(Root(root)) as rpm:
        found = rpm.verify(["tiny", "nothing"], exclude=["doc"])
    assert found.missing == ["nothing"]
    assert "/opt/tiny/README" not in [entry.path for entry in found.entries]


def test_owners_and_no_more_than_the_processes_of_a_running_host(root: str) -> None:
    with open_offline(Root(root)) as rpm:
        assert [package.name for package in rpm.query(["tiny", "nothing"]).packages] == ["tiny"]
        assert rpm.verify(["tiny"]).entries == []
        assert rpm.owners(["/opt/tiny/plain", "/opt/none"]) == {
            "/opt/tiny/plain": [parse_nevra("tiny-1.0-1.noarch")],
            "/opt/none": [],
        }
        assert rpm.calls == 2


def snapshot(root: str) -> t.List[t.Tuple[str, int, int, int]]:
    found = []
    for parent, folders, files in os.walk(root):
        for path in [os.path.join(parent, name) for name in folders + files] + [parent]:
            status = os.lstat(path)
            found.append((path, status.st_ino, status.st_size, status.st_ctime_ns))
    return sorted(found)


def test_the_root_is_not_changed_and_nothing_else_is_left(
    root: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Folder
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    before = snapshot(root)
    with open_offline(Root(root)) as rpm:
        rpm.query(["tiny"])
        rpm.verify(["tiny"])
        rpm.owners(["/opt/tiny/plain"])
    assert snapshot(root) == before
    assert os.listdir(str(tmp_path / "temporary")) == []


# The database.


def test_settings_of_a_database_of_the_root_are_not_obeyed(root: str) -> None:
    with open(os.path.join(root + DATABASE, "DB_CONFIG"), "w") as stream:
        stream.write("set_create_dir /root\n")
    copied = []

    def run(argv: t.Sequence[str], timeout: float, env: t.Mapping[str, str]) -> Completed:
        copied.extend(os.listdir(argv[argv.index("--dbpath") + 1]))
        return run_command(argv, timeout, env)

    with open_offline(Root(root), run) as rpm:
        rpm.query(["tiny"])
    assert copied
    assert "DB_CONFIG" not in copied


def exported(root: str) -> t.List[bytes]:
    return headers_of(subprocess.check_output(["rpmdb", "--dbpath", root + DATABASE, "--exportdb"]))


def with_database(root: str, name: str, data: bytes) -> None:
    for other in os.listdir(root + DATABASE):
        os.unlink(os.path.join(root + DATABASE, other))
    with open(os.path.join(root + DATABASE, name), "wb") as stream:
        stream.write(data)


def test_a_format_that_this_rpm_does_not_know_is_converted(root: str) -> None:
    tamper(root)
    expected = verified(root)[0]
    with_database(root, "Packages.db", ndb_file(exported(root)))

    def without_ndb(argv: t.Sequence[str], timeout: float, env: t.Mapping[str, str]) -> Completed:
        if argv[argv.index("--dbpath") + 1].endswith("/copy"):
            return Completed(tuple(argv), 0, "", "", False)
        return run_command(argv, timeout, env)

    with open_offline(Root(root), runner=without_ndb) as rpm:
        assert rpm.verify(["tiny"]).entries == expected
    assert os.listdir(root + DATABASE) == ["Packages.db"]


def test_a_damaged_database_is_an_error_that_names_its_format(root: str) -> None:
    with_database(root, "Packages.db", ndb_file(exported(root))[:-1])
    with pytest.raises(DatabaseError, match="not a complete ndb database: the entry 1 is not whole"), open_offline(
        Root(root)
    ):
        pass


@pytest.mark.parametrize(("name", "form"), [("rpmdb.sqlite", "sqlite"), ("Packages", "bdb")])
def test_a_database_that_rpm_cannot_read_is_an_error_that_says_what_can(root: str, name: str, form: str) -> None:
    with_database(root, name, b"no database" * 1000)
    told = "its format is {0}, and this machine's rpm".format(form)
    with pytest.raises(DatabaseError, match=told) as caught, open_offline(Root(root)):
        pass
    assert caught.value.details["format"] == form
    assert DATABASE + " of the root " + root in caught.value.message


def test_two_databases_are_one_too_many(root: str) -> None:
    with open(root + DATABASE + "/Packages", "w") as stream:
        stream.write("left over")
    with pytest.raises(DatabaseError, match=r"(rpmdb\.sqlite|Packages\.db) and Packages,"), open_offline(Root(root)):
        pass


def test_a_root_without_a_database(tmp_path: Folder) -> None:
    skip_unless("rpm", root=True)
    with pytest.raises(DatabaseError, match="there is no database file"), open_offline(Root(str(tmp_path))):
        pass


def test_a_machine_without_rpm(root: str) -> None:
    def absent(argv: t.Sequence[str], timeout: float, env: t.Mapping[str, str]) -> Completed:
        return run_command(["/nowhere/rpm"] + list(argv[1:]), timeout, env)

    with pytest.raises(DatabaseError, match="Install the package rpm"), open_offline(Root(root), runner=absent):
        pass


def test_only_root_can_tell(root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(PrivilegeError, match="podman unshare"), open_offline(Root(root)):
        pass


FORMS = [("rpmdb.sqlite", "sqlite"), ("Packages", "bdb"), ("Packages.db", "ndb")]


@pytest.mark.parametrize(("name", "form"), FORMS)
def test_a_database_elsewhere_is_named_and_never_written_to(root: str, name: str, form: str) -> None:
    with_database(root, name, b"no database" * 1000)
    before = listing(root)
    with pytest.raises(DatabaseError, match="ndb database" if form == "ndb" else "its format is " + form), open_offline(
        Root("/"), dbpath=root + DATABASE
    ):
        pass
    assert listing(root) == before


def test_a_database_elsewhere_describes_the_files_of_this_host(root: str) -> None:
    before = listing(root)
    with open_offline(Root("/"), dbpath=root + DATABASE) as rpm:
        assert [package.name for package in rpm.query(["tiny"]).packages] == ["tiny"]
        entries = rpm.verify(["tiny"]).entries
    assert {entry.path for entry in entries if entry.missing} >= {"/opt/tiny/plain"}
    assert listing(root) == before


def test_headers_of_a_vendor_in_the_database_of_its_images(root: str) -> None:
    with gzip.open(os.path.join(REAL_PACKAGES, "sle-15-headers.gz")) as stream:
        with_database(root, "Packages.db", ndb_file(headers_of(stream.read())))
    with open_offline(Root(root)) as rpm:
        found = {one.name: one for one in rpm.query(["libz1", "rpm-config-SUSE", "system-user-root"]).packages}
    assert [one.nevra for one in found.values()] == [
        "libz1-1.2.11-150000.3.36.1.x86_64",
        "rpm-config-SUSE-1-5.6.1.noarch",
        "system-user-root-20190513-3.3.1.noarch",
    ]
    assert {file.path for file in found["libz1"].files} >= {"/lib64/libz.so.1", "/lib64/libz.so.1.2.11"}


@pytest.mark.parametrize(
    ("name", "packages"),
    [
        ("amazonlinux-2023", ["python3-3.9.16-1.amzn2023.0.3.x86_64"]),
        ("sle15-bci", ["rpm-ndb-4.14.3-150300.52.1.x86_64"]),
    ],
)
def test_databases_of_vendors_in_their_formats(name: str, packages: t.List[str]) -> None:
    skip_unless("rpm")
    folder = real_data("rpmdb", name)
    before = sorted(os.listdir(folder))
    with open_offline(Root("/"), dbpath=os.path.abspath(folder)) as rpm:
        found = rpm.query([parse_nevra(nevra).name for nevra in packages]).packages
    assert [one.nevra for one in found] == packages
    assert all(file.digest for one in found for file in one.files if file.kind == "file" and not file.is_ghost)
    assert sorted(os.listdir(folder)) == before


@pytest.mark.parametrize("dbpath", ["relative", "/no/such/folder"])
def test_a_database_that_is_not_there(root: str, dbpath: str) -> None:
    with pytest.raises((DatabaseError, InvalidDataError)), open_offline(Root(root), dbpath=dbpath):
        pass


def listing(root: str) -> t.List[t.Tuple[str, int, bytes]]:
    found = []
    for entry in sorted(os.scandir(root + DATABASE), key=lambda entry: entry.name):
        with open(entry.path, "rb") as stream:
            found.append((entry.name, entry.stat().st_mtime_ns, stream.read()))
    return found
