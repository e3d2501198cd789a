# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import random
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._rpm.packages import (
    RpmFile,
    RpmPackage,
    parse_nevra,
)
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.releases import (
    architecture_at,
    by_name,
    compare_releases,
    of_architecture,
)

OLD, NEW, NEWEST = ("python3-libs-3.9.2-{0}.el9.x86_64".format(number) for number in (1, 2, 3))
CONFIG, GHOST = 1 << 0, 1 << 6


def file(path: str, digest: str = "aa", mode: int = 0o100644, state: str = "normal", flags: int = 0) -> RpmFile:
    return RpmFile(path, 1, mode, 0, digest, "root", "root", "", flags, state, "", 1)


def package(nevra: str, *files: RpmFile, **when: int) -> RpmPackage:
    return RpmPackage(parse_nevra(nevra), "", when.get("installed", 0), files, "sha256")


def release(nevra: str, contents: t.Mapping[str, str], **when: int) -> RpmPackage:
    return package(nevra, *[file(path, digest) for path, digest in contents.items()], **when)


def on(disk: t.Mapping[str, str]) -> t.Callable[[RpmFile], bool]:
    return lambda record: disk.get(record.path) == record.digest


def decided(disk: t.Mapping[str, str], *packages: RpmPackage) -> t.Optional[str]:
    found = compare_releases(packages, on(disk)).on_disk
    return found.nevra if found else None


SAME = {"/same": "s"}
OLD_FILES = dict(SAME, **{"/one": "1", "/two": "1", "/three": "1", "/only-old": "o"})
NEW_FILES = dict(SAME, **{"/one": "2", "/two": "2", "/three": "1", "/only-new": "n"})
NEWEST_FILES = dict(SAME, **{"/one": "3", "/two": "2", "/three": "3"})
BOTH = (release(NEW, NEW_FILES), release(OLD, OLD_FILES))


@pytest.mark.parametrize("packages", [BOTH, BOTH[::-1]], ids=["as recorded", "the other way round"])
@pytest.mark.parametrize(
    ("disk", "expected"),
    [
        (dict(OLD_FILES, **NEW_FILES), NEW),
        (OLD_FILES, OLD),
        (dict(NEW_FILES, **{"/same": "damaged", "/two": "damaged"}), NEW),
        ({"/one": "2"}, NEW),
        # Of both, of none, and nothing but what both have.
        (dict(NEW_FILES, **{"/two": "1"}), None),
        (dict(NEW_FILES, **{"/one": "x", "/two": "x"}), None),
        (SAME, None),
        ({}, None),
    ],
    ids=["new", "old", "damaged", "mostly gone", "mixed", "overwritten", "same", "empty"],
)
def test_the_disk_decides(
    disk: t.Mapping[str, str], expected: t.Optional[str], packages: t.Sequence[RpmPackage]
) -> None:
    assert decided(disk, *packages) == expected


@pytest.mark.parametrize("disk", [OLD_FILES, NEW_FILES, NEWEST_FILES])
def test_of_three_releases_one_is_there(disk: t.Mapping[str, str]) -> None:
    packages = [release(OLD, OLD_FILES), release(NEWEST, NEWEST_FILES), release(NEW, NEW_FILES)]
    wanted = next(one for one in packages if {file.path: file.digest for file in one.files} == disk)
    assert decided(disk, *packages) == wanted.nevra


def test_releases_with_the_same_files_do_not_tell() -> None:
    twice = compare_releases([release(OLD, SAME, installed=1), release(NEW, SAME, installed=2)], on(SAME))
    assert (twice.on_disk, twice.is_unfinished, twice.counts.nevra) == (None, True, NEW)
    assert list(twice.found.values()) == [[], []]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("python3-libs-3.9.2-1.el9.x86_64", "python3-libs-1:3.9.2-1.el9.x86_64"),
        ("python3-libs-3.9.2-1.el9.noarch", "python3-libs-3.9.2-2.el9.x86_64"),
        ("python3-libs-3.9.2-1.el9.x86_64_v2", "python3-libs-3.9.10-1.el9.x86_64_v2"),
    ],
    ids=["epoch", "noarch before", "version"],
)
def test_it_is_no_matter_in_what_they_differ(one: str, other: str) -> None:
    packages = [release(one, OLD_FILES), release(other, NEW_FILES)]
    assert decided(NEW_FILES, *packages) == other
    assert decided(OLD_FILES, *packages) == one


def test_one_package_recorded_twice_is_no_upgrade() -> None:
    twice = compare_releases([release(OLD, OLD_FILES)] * 2, on({}))
    assert (twice.is_unfinished, twice.counts.nevra) == (False, OLD)


def test_what_administrators_change_and_folders_tell_nothing() -> None:
    def with_folder(nevra: str, digest: str, mode: int) -> RpmPackage:
        return package(
            nevra,
            file("/etc/conf", digest, flags=CONFIG),
            file("/run/ghost", digest, flags=GHOST),
            file("/folder", "", mode),
        )

    packages = [with_folder(OLD, "1", 0o40755), with_folder(NEW, "2", 0o40700)]
    assert decided({"/etc/conf": "1", "/run/ghost": "1", "/folder": ""}, *packages) is None


def test_any_disk_with_files_of_two_releases_is_left_undecided() -> None:
    for seed in range(200):
        chosen = random.Random(seed)  # noqa: S311  # nothing secret
        paths = ["/{0}".format(number) for number in range(chosen.randrange(2, 12))]
        packages = [
            release("p-1-{0}.x86_64".format(number), {path: str(number) for path in paths})
            for number in range(chosen.randrange(2, 4))
        ]
        disk = {path: chosen.choice(["0", "1", "2", "damaged"]) for path in paths}
        there = {digest for digest in disk.values() if digest != "damaged" and int(digest) < len(packages)}
        chosen.shuffle(packages)
        expected = "p-1-{0}.x86_64".format(*there) if len(there) == 1 else None
        assert decided(disk, *packages) == expected, (seed, disk)


BINARY = "/usr/bin/python3.9"


@pytest.mark.parametrize("arch", ["x86_64", "x86_64_v2", "aarch64", "s390x"])
def test_the_architecture_is_that_of_the_package_that_has_the_file(arch: str) -> None:
    packages = [
        package("python3-libs-1-1.i686"),
        package("python3-1-1.i686", file(BINARY, state="wrong color")),
        package("python3-1-1." + arch, file(BINARY)),
        package("python3-pip-1-1.noarch", file(BINARY)),
    ]
    assert architecture_at(BINARY, packages) == arch
    assert [one.nevra for one in of_architecture(packages, arch)] == [
        "python3-1-1." + arch,
        "python3-pip-1-1.noarch",
    ]


@pytest.mark.parametrize(
    ("nevras", "expected"),
    [
        ([], ""),
        (["python3-libs-1-1.aarch64", "python3-pip-1-1.noarch"], "aarch64"),
        (["python3-libs-1-1.i686", "python3-libs-1-1.x86_64"], ""),
    ],
    ids=["nothing installed", "one", "two"],
)
def test_without_the_file_only_one_architecture_tells(nevras: t.Sequence[str], expected: str) -> None:
    assert architecture_at(BINARY, [package(nevra) for nevra in nevras]) == expected


def test_packages_by_name() -> None:
    packages = [package(nevra) for nevra in (NEW, "python3-3.9.2-1.el9.x86_64", OLD)]
    assert {name: [one.nevra for one in found] for name, found in by_name(packages).items()} == {
        "python3-libs": [NEW, OLD],
        "python3": ["python3-3.9.2-1.el9.x86_64"],
    }
