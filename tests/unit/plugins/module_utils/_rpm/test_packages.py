# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import random

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import InvalidDataError
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.packages import PackageId, parse_nevra
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.query import (
    HEADS,
    OWNERS,
    parse_owners,
    parse_packages,
)

ARCHES = ("x86_64", "x86_64_v2", "aarch64", "s390x", "ppc64le", "i686", "noarch")
# What may be in a name, and in a version or a release: the latter have no hyphen (rpm's own rule).
NAME_CHARACTERS = "abcXYZ059_.+-"
VERSION_CHARACTERS = "abc059_.+~^"


def any_id(chosen: random.Random) -> PackageId:
    """Return any package's identity."""

    def text(characters: str) -> str:
        return "a" + "".join(chosen.choice(characters) for _number in range(chosen.randrange(8)))

    return PackageId(
        text(NAME_CHARACTERS),
        chosen.choice([0, 0, 1, 2**31]),
        text(VERSION_CHARACTERS),
        text(VERSION_CHARACTERS),
        chosen.choice(ARCHES),
    )


IDS = [any_id(random.Random(seed)) for seed in range(300)]  # noqa: S311  # nothing secret


@pytest.mark.parametrize("one", IDS[:30])
def test_every_part_tells_two_packages_apart(one: PackageId) -> None:
    others = [
        one._replace(name=one.name + "x"),
        one._replace(epoch=one.epoch + 1),
        one._replace(version=one.version + "x"),
        one._replace(release=one.release + "x"),
        one._replace(arch="x" + one.arch),
    ]
    assert all(one.nevra != other.nevra and one.label != other.label for other in others)


def test_a_name_is_read_as_it_is_written() -> None:
    for one in IDS:
        assert parse_nevra(one.nevra) == one
        assert parse_nevra(one.label) == one
        assert parse_nevra(one.nvra) == one._replace(epoch=0)


def test_rpm_s_answer_is_read_as_it_is_written() -> None:
    for one in IDS:
        values = {
            "NAME": one.name,
            "EPOCHNUM": str(one.epoch),
            "VERSION": one.version,
            "RELEASE": one.release,
            "ARCH": one.arch,
            "VENDOR:shescape": "'it'\\''s'",
            "INSTALLTIME": "7",
            "FILEDIGESTALGO": "8",
            "PROVIDENAME:shescape": "'/bin/sh'",
        }
        head, owner = HEADS, OWNERS.replace("[", "").replace("]", "")
        for tag, value in values.items():
            head, owner = head.replace("%{" + tag + "}", value), owner.replace("%{" + tag + "}", value)
        ((package,), rest) = parse_packages(head)
        assert (package.id, package.vendor, rest) == (one, "it's", "")
        assert parse_owners(owner, "/bin/sh") == [(one, True)]


@pytest.mark.parametrize(
    ("nevra", "parts", "nvra", "label"),
    [
        (
            "a-b-1:2.3-4.el9.x86_64",
            ("a-b", 1, "2.3", "4.el9", "x86_64"),
            "a-b-2.3-4.el9.x86_64",
            "a-b-1:2.3-4.el9.x86_64",
        ),
        ("a-2-1.noarch", ("a", 0, "2", "1", "noarch"), "a-2-1.noarch", "a-0:2-1.noarch"),
        ("a-0:2-1.noarch", ("a", 0, "2", "1", "noarch"), "a-2-1.noarch", "a-0:2-1.noarch"),
    ],
)
def test_names_of_packages(nevra: str, parts: "tuple[object, ...]", nvra: str, label: str) -> None:
    found = parse_nevra(nevra)
    assert (found, found.nvra, found.label) == (parts, nvra, label)


@pytest.mark.parametrize("nevra", ["", "python3", "a-1.x86_64", "a b", "a-1:2.x86_64", "a-1-2"])
def test_what_is_no_package(nevra: str) -> None:
    with pytest.raises(InvalidDataError, match="Not a package's full name"):
        parse_nevra(nevra)
