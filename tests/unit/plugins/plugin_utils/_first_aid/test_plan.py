# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.waivers import Waiver
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.packages import PackageId, parse_nevra
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.candidate import ProbedInterpreter
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.core import supported_minors
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.errors import (
    NoInterpreterError,
    NoUsableVersionError,
    UnfinishedUpgradeError,
)
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.plan import (
    is_part_of,
    plan_targets,
)
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.probe import Probe

SUPPORTED = supported_minors("2.19.0")
PYTHON3 = parse_nevra("python3-3.9.2-1.el9.x86_64")
LIBS = parse_nevra("python3-libs-3.9.2-1.el9.x86_64")
PARALLEL = parse_nevra("python3.11-3.11.2-1.el9.x86_64")
OLD = parse_nevra("python3-base-3.6.15-1.x86_64")


def probe(
    installed: dict[str, dict[str, list[PackageId]]],
    verified: dict[str, str],
    candidates: list[ProbedInterpreter] | None = None,
) -> Probe:
    return Probe({}, True, None, candidates or [], {}, installed, verified, [], SUPPORTED)


SYSTEM = {"3.9": {"/usr/bin/python3.9": [PYTHON3, LIBS, LIBS]}}


def test_only_what_differs_is_wanted() -> None:
    (target,) = plan_targets(
        probe(SYSTEM, {PYTHON3.nevra: "S.5....T.    /usr/bin/python3.9", LIBS.nevra: "S.5....T.  c /etc/x\n"}),
        SUPPORTED,
    )
    assert (target.minor, target.binary) == ("3.9", "/usr/bin/python3.9")
    assert target.as_plan() == {"version": "3.9", "packages": [PYTHON3.nevra], "move_aside": [], "close": []}


@pytest.mark.parametrize(
    "line",
    [
        "....L....    /usr/bin/python3",
        "missing     /usr/bin/pydoc3.9",
        ".......T.    /usr/bin/python3.9",
        "missing     /usr/lib/python3.9/site-packages/README.txt",
        "missing   d /usr/share/doc/python3/README.rst",
    ],
)
def test_what_the_interpreter_does_not_execute_is_not_first_aid(line: str) -> None:
    with pytest.raises(NoInterpreterError, match="would not change that"):
        plan_targets(probe(SYSTEM, {PYTHON3.nevra: line}), SUPPORTED)


def test_every_version_is_a_target_in_the_order_of_the_probe() -> None:
    installed = {**SYSTEM, "3.11": {"/usr/bin/python3.11": [PARALLEL]}}
    verified = {PYTHON3.nevra: "missing     /usr/bin/python3.9", PARALLEL.nevra: "missing     /usr/bin/python3.11"}
    assert [target.minor for target in plan_targets(probe(installed, verified), SUPPORTED)] == ["3.9", "3.11"]


def test_a_file_that_another_package_took_is_taken_back() -> None:
    (target,) = plan_targets(probe(SYSTEM, {PYTHON3.nevra: ".........    /usr/bin/python3.9 (replaced)"}), SUPPORTED)
    assert target.nevras == [PYTHON3.nevra]


def accept(rule: str, path: str, expires: str | None = None) -> Waiver:
    return Waiver(rule=rule, pattern=path, reason="OPS-1", expires=expires)


OS_LINE = "..5......    /usr/lib64/python3.9/os.py"


@pytest.mark.parametrize(
    ("line", "waiver", "stays"),
    [
        (OS_LINE, accept("SP205", "/usr/lib64/python3.9/os.py"), True),
        (OS_LINE, accept("SP205", "/usr/lib64/python3.9/os.py", "2020-01-31"), False),
        (OS_LINE, accept("SP205", "/usr/lib64/python3.9/re.py"), False),
        # What is gone comes back, and a mode is the package's again.
        ("missing     /usr/lib64/python3.9/os.py", accept("SP205", "/usr/lib64/python3.9/os.py"), False),
        (".M.......    /usr/lib64/python3.9/os.py", accept("SP205", "/usr/lib64/python3.9/os.py"), False),
        (OS_LINE, accept("SP207", "/usr/lib64/python3.9/os.py"), False),
        # What does not count for first aid is overwritten with the package all the same.
        (OS_LINE + "\n....L....    /usr/bin/python3", accept("SP101", "/usr/bin/python3"), True),
        (".........    /usr/bin/python3.9 (replaced)", accept("SP206", "/usr/bin/python3.9"), True),
    ],
)
def test_what_is_accepted_is_not_overwritten(line: str, waiver: Waiver, stays: bool) -> None:
    seen = probe(SYSTEM, {LIBS.nevra: line})
    if stays:
        with pytest.raises(NoInterpreterError, match=r"what an exception accepts: .*OPS-1") as caught:
            plan_targets(seen, SUPPORTED, [waiver])
        assert caught.value.details["accepted"] == [waiver.pattern]
    else:
        assert plan_targets(seen, SUPPORTED, [waiver]) == plan_targets(seen, SUPPORTED)


def test_another_version_is_brought_back_instead() -> None:
    installed = {**SYSTEM, "3.11": {"/usr/bin/python3.11": [PARALLEL]}}
    verified = {PYTHON3.nevra: "..5......    /usr/bin/python3.9", PARALLEL.nevra: "missing     /usr/bin/python3.11"}
    targets = plan_targets(probe(installed, verified), SUPPORTED, [accept("SP201", "/usr/bin/python3.9")])
    assert [target.minor for target in targets] == ["3.11"]


def test_neither_what_lies_there_nor_a_way_is_changed_that_is_accepted() -> None:
    one = ProbedInterpreter("/usr/bin/python3.9", "3.9", planted=["/usr/lib64/python3.9/x.py"], ways=["/usr/bin"])
    seen = probe(SYSTEM, {}, [one])
    for waiver in accept("SP209", "/usr/lib64/python3.9/*"), accept("SP215", "/usr/bin"):
        with pytest.raises(NoInterpreterError, match="what an exception accepts"):
            plan_targets(seen, SUPPORTED, [waiver])


OLDER = parse_nevra("python3-libs-3.9.2-1.el9.x86_64")
NEWER = parse_nevra("python3-libs-3.9.2-3.el9.x86_64")
THIRD = parse_nevra("python3-libs-1:3.9.2-1.el9.x86_64")
OS = "..5......    /usr/lib64/python3.9/os.py\n"
SSL = "..5......    /usr/lib64/python3.9/ssl.py\n"
RE = "missing     /usr/lib64/python3.9/re.py\n"


@pytest.mark.parametrize(
    ("libraries", "wanted"),
    [
        # What the older one finds altered is the newer one's; what both do is damaged.
        ({OLDER: OS + SSL, NEWER: ""}, []),
        ({OLDER: OS + SSL + RE, NEWER: RE}, [NEWER]),
        ({OLDER: RE, NEWER: OS + SSL + RE}, [OLDER]),
        ({OLDER: "", NEWER: ""}, []),
        ({OLDER: OS, NEWER: "", THIRD: ""}, []),
        ({OLDER: OS + SSL, NEWER: OS + RE, THIRD: OS}, [THIRD]),
    ],
    ids=["newer, intact", "newer, damaged", "older, damaged", "both", "two of three", "third, damaged"],
)
@pytest.mark.parametrize("order", [1, -1])
def test_of_several_releases_the_one_on_the_disk_comes_back(
    libraries: dict[PackageId, str], wanted: list[PackageId], order: int
) -> None:
    verified = {PYTHON3: "missing     /usr/bin/python3.9", **dict([*libraries.items()][::order])}
    found = probe({"3.9": {"/usr/bin/python3.9": list(verified)}}, {one.nevra: said for one, said in verified.items()})
    (target,) = plan_targets(found, SUPPORTED)
    assert [one.id for one in target.wanted] == [PYTHON3, *wanted]


@pytest.mark.parametrize(
    "verified",
    [{OLDER: OS, NEWER: SSL}, {OLDER: RE, NEWER: RE}, {OLDER: OS + SSL, NEWER: OS + RE, THIRD: SSL + RE}],
    ids=["mixed", "both damaged alike", "three mixed"],
)
def test_releases_of_which_none_is_on_the_disk_are_an_error(verified: dict[PackageId, str]) -> None:
    found = probe({"3.9": {"/usr/bin/python3.9": list(verified)}}, {one.nevra: said for one, said in verified.items()})
    with pytest.raises(UnfinishedUpgradeError, match=r"dnf distro-sync python3-libs") as caught:
        plan_targets(found, SUPPORTED)
    assert caught.value.details["packages"] == [one.nevra for one in verified]


def test_planted_files_are_moved_aside() -> None:
    candidate = ProbedInterpreter("/usr/bin/python3.9", "3.9", planted=["/usr/lib64/python3.9/os.so"])
    (target,) = plan_targets(probe(SYSTEM, {}, [candidate]), SUPPORTED)
    assert (target.wanted, target.in_the_way) == ([], ["/usr/lib64/python3.9/os.so"])


@pytest.mark.parametrize(
    ("installed", "said"),
    [({}, "installed: none"), ({"3.6": {"/usr/bin/python3.6": [OLD]}}, r"installed: 3\.6 \(python3-base-3\.6\.15")],
)
def test_no_usable_version(installed: dict[str, dict[str, list[PackageId]]], said: str) -> None:
    with pytest.raises(NoUsableVersionError, match=said) as caught:
        plan_targets(probe(installed, {}), SUPPORTED)
    assert "python311" in caught.value.message
    assert caught.value.details["installed"] == list(installed)


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("/usr/bin/python3.9", True),
        ("/usr/libexec/platform-python3.9", True),
        ("/usr/lib64/python3.9", True),
        ("/usr/lib/python3.9/os.py", True),
        ("/usr/lib64/libpython3.9.so.1.0", True),
        ("/lib64/libpython3.9.so", True),
        ("/usr/bin/python3", False),
        ("/usr/bin/python3.90", False),
        ("/usr/bin/python3x9", False),
        ("/usr/lib64/python3.9/site-packages/x.py", False),
        ("/usr/lib64/python3.9/EXTERNALLY-MANAGED", False),
        ("/usr/lib64/libpython3.so", False),
        ("/usr/lib64/python3.11/os.py", False),
    ],
)
def test_what_belongs_to_an_interpreter(path: str, part: bool) -> None:
    assert is_part_of(path, "3.9") == part
