# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import hashlib
import os
import stat
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.contract import contract_for
from ansible_collections.fleet.system_python.plugins.module_utils._audit.packaged_files import PackagedFiles
from ansible_collections.fleet.system_python.plugins.module_utils._disk.root import Root
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.database import Query, Rpm
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.packages import (
    PackageId,
    RpmFile,
    RpmPackage,
    parse_nevra,
)
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.verify_output import parse_verify
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.rpm_packages import shipped_by_centos

Folder = t.Any
CONTRACT = contract_for({"ID": "rhel", "VERSION_ID": "9.7"})
BINARY = "/usr/bin/python3.9"


def record(path: str, content: str = "") -> RpmFile:
    digest = hashlib.sha256(content.encode()).hexdigest()
    return RpmFile(path, len(content), stat.S_IFREG | 0o644, 0, digest, "root", "root", "", 0, "normal", "", 0xFFFFFFFF)


def package(nevra: str, *records: RpmFile, **when: int) -> RpmPackage:
    return RpmPackage(parse_nevra(nevra), "", when.get("installed", 0), records, "sha256")


class KnownRpm(Rpm):
    """A database with some packages; C(owners) has who owns paths now."""

    def __init__(self, *packages: RpmPackage, **owners: t.List[PackageId]) -> None:
        super().__init__(check_database=False)
        self.packages = packages
        self.now = owners.get("taken", [])

    def query(self, names: t.Sequence[str], files: bool = True) -> Query:
        assert files or list(names) == ["rpm"]
        found = [one for name in names for one in self.packages if name in (one.name, one.id.label)]
        return Query(found, [name for name in names if name not in [one.name for one in found]])

    def owners(self, paths: t.Iterable[str]) -> t.Dict[str, t.List[PackageId]]:
        return dict.fromkeys(paths, self.now)


def files_of(rpm: Rpm, root: str = "/") -> PackagedFiles:
    return PackagedFiles(CONTRACT, rpm, Root(root))


def chosen(files: PackagedFiles) -> t.Dict[str, str]:
    return {name: one.nevra for name, one in files.packages.items()}


@pytest.mark.parametrize("arch", ["x86_64", "x86_64_v2", "aarch64", "s390x"])
def test_the_system_python_is_of_one_architecture(arch: str) -> None:
    libraries = [package("python3-libs-3.9.21-1.el9." + one, record("/usr/lib/" + one)) for one in ("i686", arch)]
    files = files_of(KnownRpm(*libraries, package("python3-3.9.21-1.el9." + arch, record(BINARY))))
    assert files.architecture == arch
    assert chosen(files)["python3-libs"] == "python3-libs-3.9.21-1.el9." + arch
    assert not any(one.is_unfinished for one in files.releases)
    assert files.owner("/usr/lib/i686") is None
    assert "/usr/lib/i686" in files.owned


def test_where_the_binary_has_no_package_rpm_s_own_tells_the_architecture() -> None:
    libraries = [package("python3-libs-3.9.21-1.el9." + arch) for arch in ("i686", "x86_64_v2")]
    files = files_of(KnownRpm(*libraries, package("rpm-4.16.1-1.el9.x86_64_v2")))
    assert (files.architecture, files.missing()) == ("x86_64_v2", ["python3"])


def test_the_packages_that_centos_ships_for_two_architectures() -> None:
    every = shipped_by_centos()
    shipped = [package(one.nevra, *map(record, every[one])) for one in every if one.name in CONTRACT["packages"]]
    assert [one.nevra for one in shipped] == [
        "python3-3.9.21-1.el9.x86_64",
        "python3-libs-3.9.21-1.el9.i686",
        "python3-libs-3.9.21-1.el9.x86_64",
    ]
    for packages in (shipped, shipped[::-1]):
        files = files_of(KnownRpm(*packages))
        assert [one.counts.arch for one in files.releases] == ["x86_64", "x86_64"]
        assert files.shipped_by("/usr/lib64/python3.9/os.py") == "python3-libs"
        assert files.shipped_by("/usr/lib/python3.9/os.py") is None


OLD, NEW = "python3-libs-3.9.21-1.el9.x86_64", "python3-libs-3.9.21-2.el9.x86_64"
PATHS = ["/usr/lib64/python3.9/{0}.py".format(name) for name in ("os", "re", "ssl")]


def upgraded(root: str, *on_disk: str) -> PackagedFiles:
    """Return the files of a host with two releases; of each path, C(on_disk) is the content."""
    os.makedirs(root + os.path.dirname(PATHS[0]))
    for path, content in zip(PATHS, on_disk):
        with open(root + path, "w") as stream:
            stream.write(content)
        os.chmod(root + path, 0o644)
    releases = [
        package(nevra, *[record(path, content) for path in PATHS], installed=number)
        for number, (nevra, content) in enumerate([(OLD, "old"), (NEW, "new")])
    ]
    return files_of(KnownRpm(*releases, package("python3-3.9.21-1.el9.x86_64", record(BINARY))), root)


@pytest.mark.parametrize(
    ("contents", "on_disk", "drifted"),
    [
        (["new", "new", "new"], NEW, []),
        (["old", "old", "damaged"], OLD, ["ssl"]),
        (["new", "old", "damaged"], None, ["ssl"]),
        (["damaged", "damaged", "damaged"], None, ["os", "re", "ssl"]),
    ],
    ids=["newer", "older", "of both", "of none"],
)
def test_the_disk_tells_which_release_counts(
    tmp_path: Folder, contents: t.List[str], on_disk: t.Optional[str], drifted: t.List[str]
) -> None:
    if os.geteuid():
        pytest.skip("packaged files are root's")
    files = upgraded(str(tmp_path), *contents)
    (libraries,) = [one for one in files.releases if one.is_unfinished]
    assert (libraries.on_disk.nevra if libraries.on_disk else None) == on_disk
    assert chosen(files)["python3-libs"] == (on_disk or NEW)
    assert [parse_nevra(on_disk or NEW).label] == [one for one in files.labels() if "libs" in one]
    # What rpm says of the one that counts; where that is not known, only what is nobody's is drift.
    counts = "old" if on_disk == OLD else "new"
    lines = ["S.5....T.    " + path for path, content in zip(PATHS, contents) if content != counts]
    files.take_verification(parse_verify("\n".join(lines)))
    assert sorted(files.drift) == [path for path in PATHS if os.path.basename(path)[:-3] in drifted]


def test_who_took_a_file_over_is_asked() -> None:
    thief = parse_nevra("thief-1-1.noarch")
    files = files_of(KnownRpm(package("python3-3.9.21-1.el9.x86_64", record(BINARY)), taken=[thief]))
    files.take_verification(parse_verify(".........    {0} (replaced)\n".format(BINARY), [BINARY]))
    assert files.takers(BINARY) == [thief]


def test_what_a_group_leads_to_is_verified_with_the_contracts_packages(tmp_path: Folder) -> None:
    chosen = "/usr/bin/python3.12"
    other = package("python3.12-3.12.1-1.el9.x86_64", record(chosen, "promised"))
    rpm = KnownRpm(package("python3-3.9.21-1.el9.x86_64", record(BINARY)), other, taken=[other.id])
    files = files_of(rpm, str(tmp_path))
    files.ask_owners([chosen])
    files.read_owners([chosen])
    assert other.id.label not in files.labels()
    files.take_in([chosen])
    assert files.labels()[-1] == other.id.label
    files.take_verification(parse_verify("missing     {0}\n".format(chosen), [chosen]))
    assert (files.shipped_by(chosen), files.verified(chosen), files.is_missing(chosen)) == ("python3.12", False, True)


@pytest.mark.skipif(os.geteuid() != 0, reason="the files have to be root's")
def test_the_rights_of_what_another_package_runs(tmp_path: Folder) -> None:
    paths = ["/usr/lib/rpm/" + name for name in ("macros", "altered", "fine", "gone")]
    os.makedirs(str(tmp_path / "usr/lib/rpm"))
    for path, content in zip(paths, ("a", "x", "a")):
        with open(str(tmp_path) + path, "w") as stream:
            stream.write(content)
        os.chmod(str(tmp_path) + path, 0o644 if path.endswith("fine") else 0o777)
    other = package("rpm-libs-4.16.1-1.x86_64", *(record(path, "a") for path in paths))
    own = package("python3-3.9.2-1.el9.x86_64", record(BINARY))
    files = files_of(KnownRpm(own, other, taken=[other.id]), str(tmp_path))
    files.ask_owners(paths)
    files.read_owners(paths)
    astray = files.rights_astray(paths)
    assert [(one.path, one.altered) for one in astray] == [("/usr/lib/rpm/macros", ("mode",))]


@pytest.mark.parametrize(
    ("mode", "said", "sound"),
    [(0o640, ".M.......", True), (0o640, ".M.....T.", True), (0o646, ".M.......", False), (0o640, ".M...U...", False)],
)
def test_a_stricter_mode_keeps_nothing_from_being_trusted(tmp_path: Folder, mode: int, said: str, sound: bool) -> None:
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / BINARY[1:]).write_text("")
    (tmp_path / BINARY[1:]).chmod(mode)
    files = files_of(KnownRpm(package("python3-3.9.21-1.el9.x86_64", record(BINARY))), str(tmp_path))
    files.take_verification(parse_verify("{0}    {1}".format(said, BINARY)))
    assert (files.verified(BINARY), files.drifted(["python3"]) == set()) == (sound, sound)
    assert set(files.drift) == {BINARY}


@pytest.mark.parametrize("recorded", ["/lib64/libpython3.9.so.1.0", "/usr/lib64/libpython3.9.so.1.0"])
@pytest.mark.parametrize("asked", ["/lib64/libpython3.9.so.1.0", "/usr/lib64/libpython3.9.so.1.0"])
def test_where_usr_is_merged_two_names_are_one_file(tmp_path: Folder, recorded: str, asked: str) -> None:
    (tmp_path / "usr/lib64").mkdir(parents=True)
    (tmp_path / "lib64").symlink_to("usr/lib64")
    (tmp_path / "usr/lib64/libpython3.9.so.1.0").write_text("x")
    libraries = package("python3-libs-3.9.21-1.el9.x86_64", record(recorded, "x"))
    files = files_of(KnownRpm(libraries), str(tmp_path))
    files.ask_owners([asked])
    assert (files.owner(asked), files.shipped_by(asked)) == ("python3-libs",) * 2
    assert files.shipped_file(asked) == "/usr/lib64/libpython3.9.so.1.0"
    files.take_verification(parse_verify("..5......    " + recorded))
    assert files.verified(asked) is False
    assert files.drifted(["python3-libs"]) == {"/usr/lib64/libpython3.9.so.1.0"} <= files.owned
    files.take_verification(parse_verify("missing     " + recorded))
    assert files.is_missing(asked)


def test_a_folder_further_down_that_became_a_link_keeps_its_name(tmp_path: Folder) -> None:
    (tmp_path / "data/json").mkdir(parents=True)
    (tmp_path / "usr/lib64").mkdir(parents=True)
    (tmp_path / "usr/lib64/json").symlink_to("/data/json")
    path = "/usr/lib64/json/decoder.py"
    files = files_of(KnownRpm(package("python3-libs-3.9.21-1.el9.x86_64", record(path))), str(tmp_path))
    assert (files.name(path), list(files.records)) == (path, [path])
