# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_core import supported_minors
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_errors import (
    NoInterpreterError,
    NoUsableVersionError,
)
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_plan import (
    Wanted,
    is_part_of,
    plan_targets,
    split_nevra,
)
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_probe import Candidate, Owner, Probe

SUPPORTED = supported_minors("2.19.0")
PYTHON3 = Owner("python3", "python3-3.9.2-1.el9.x86_64")
LIBS = Owner("python3-libs", "python3-libs-3.9.2-1.el9.x86_64")
PARALLEL = Owner("python3.11", "python3.11-3.11.2-1.el9.x86_64")
OLD = Owner("python3-base", "python3-base-3.6.15-1.x86_64")


def probe(
    installed: dict[str, dict[str, list[Owner]]], verified: dict[str, str], candidates: list[Candidate] | None = None
) -> Probe:
    return Probe({}, True, None, candidates or [], {}, installed, verified, [], SUPPORTED)


SYSTEM = {"3.9": {"/usr/bin/python3.9": [PYTHON3, LIBS, LIBS]}}


def test_only_what_differs_is_wanted() -> None:
    (target,) = plan_targets(
        probe(SYSTEM, {PYTHON3.nvra: "S.5....T.    /usr/bin/python3.9", LIBS.nvra: "S.5....T.  c /etc/x\n"}), SUPPORTED
    )
    assert (target.minor, target.binary) == ("3.9", "/usr/bin/python3.9")
    assert target.as_plan() == {"version": "3.9", "packages": [PYTHON3.nevra], "move_aside": []}


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
        plan_targets(probe(SYSTEM, {PYTHON3.nvra: line}), SUPPORTED)


def test_every_version_is_a_target_in_the_order_of_the_probe() -> None:
    installed = {**SYSTEM, "3.11": {"/usr/bin/python3.11": [PARALLEL]}}
    verified = {PYTHON3.nvra: "missing     /usr/bin/python3.9", PARALLEL.nvra: "missing     /usr/bin/python3.11"}
    assert [target.minor for target in plan_targets(probe(installed, verified), SUPPORTED)] == ["3.9", "3.11"]


def test_a_file_that_another_package_took_is_taken_back() -> None:
    (target,) = plan_targets(probe(SYSTEM, {PYTHON3.nvra: ".........    /usr/bin/python3.9 (replaced)"}), SUPPORTED)
    assert target.wanted[0].replaced


def test_planted_files_are_moved_aside() -> None:
    candidate = Candidate("/usr/bin/python3.9", "3.9", planted=["/usr/lib64/python3.9/os.so"])
    (target,) = plan_targets(probe(SYSTEM, {}, [candidate]), SUPPORTED)
    assert (target.wanted, target.in_the_way) == ([], ["/usr/lib64/python3.9/os.so"])


@pytest.mark.parametrize(
    ("installed", "said"),
    [({}, "installed: none"), ({"3.6": {"/usr/bin/python3.6": [OLD]}}, r"installed: 3\.6 \(python3-base-3\.6\.15")],
)
def test_no_usable_version(installed: dict[str, dict[str, list[Owner]]], said: str) -> None:
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


@pytest.mark.parametrize(
    ("nevra", "parts", "nvra", "evr"),
    [
        ("a-b-1:2.3-4.el9.x86_64", ("a-b", "1", "2.3", "4.el9", "x86_64"), "a-b-2.3-4.el9.x86_64", "1:2.3-4.el9"),
        ("a-2-1.noarch", ("a", "", "2", "1", "noarch"), "a-2-1.noarch", "2-1"),
        ("a-0:2-1.noarch", ("a", "", "2", "1", "noarch"), "a-2-1.noarch", "2-1"),
    ],
)
def test_names_of_packages(nevra: str, parts: tuple[str, ...], nvra: str, evr: str) -> None:
    assert split_nevra(nevra) == parts
    wanted = Wanted(parts[0], nevra)
    assert (wanted.nvra, wanted.evr) == (nvra, evr)


@pytest.mark.parametrize("nevra", ["", "python3", "a-1.x86_64", "a b"])
def test_what_is_no_package(nevra: str) -> None:
    with pytest.raises(ValueError, match="not a package"):
        split_nevra(nevra)
