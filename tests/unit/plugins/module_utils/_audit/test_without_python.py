# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A system without any Python of its own is healthy, as long as nothing of one is there or needs it."""

import os
import pathlib
import shutil
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.contract import contract_for
from ansible_collections.fleet.system_python.plugins.module_utils._audit.facts import summarize
from ansible_collections.fleet.system_python.plugins.module_utils._audit.packaged_files import PackagedFiles
from ansible_collections.fleet.system_python.plugins.module_utils._audit.rule import Policy
from ansible_collections.fleet.system_python.plugins.module_utils._audit.run import audit
from ansible_collections.fleet.system_python.plugins.module_utils._disk.root import Root
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.database import Query, Rpm
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.packages import Needing
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.rpm_packages import (
    DATABASE,
    skip_unless,
)

IMAGE = os.path.join(os.path.dirname(DATABASE), "sle15-bci", "Packages.db")
SLES = contract_for({"ID": "sles", "VERSION_ID": "15.3"})


@pytest.fixture
def image(tmp_path: pathlib.Path) -> pathlib.Path:
    """Return a folder with the database of a vendor's base image."""
    skip_unless("rpm", root=True)
    if not os.path.exists(IMAGE):
        pytest.skip("there is no recorded database " + IMAGE)
    for folder in ("usr/lib/sysimage/rpm", "usr/bin", "etc"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(IMAGE, str(tmp_path / "usr/lib/sysimage/rpm"))
    return tmp_path


def ids_in(image: pathlib.Path) -> t.Tuple[t.Set[str], t.List[str]]:
    observation, findings = audit(SLES, Policy(), {}, root=Root(str(image)))
    return {one["id"] for one in findings}, summarize(observation, findings)


def test_a_base_image_without_python_is_healthy(image: pathlib.Path) -> None:
    assert ids_in(image) == (set(), ["healthy: no system Python is installed"])


@pytest.mark.parametrize(("policy", "reason"), [(Policy(), "not asked for"), (Policy(unversioned="absent"), None)])
def test_what_was_not_asked_for_is_not_checked(image: pathlib.Path, policy: Policy, reason: t.Optional[str]) -> None:
    observation, _findings = audit(SLES, policy, {}, root=Root(str(image)))
    assert observation["not_checked"].get("SP108") == reason


def test_what_is_left_of_one_is_not(image: pathlib.Path) -> None:
    (image / "usr/bin/python3").symlink_to("python3.6")
    found, summary = ids_in(image)
    assert {"SP202", "SP301"} <= found
    assert not summary[0].startswith("healthy")


class _Empty(Rpm):
    """Knows no package of the contract, and perhaps one that needs some."""

    def __init__(self, needing: t.List[Needing]) -> None:
        super().__init__(check_database=False)
        self._needing = needing
        self.asked: t.Set[str] = set()

    def query(self, *_arguments: t.Any, **_options: t.Any) -> Query:
        return Query([], [])

    def needing(self, capabilities: t.Iterable[str]) -> t.List[Needing]:
        self.asked = set(capabilities)
        return self._needing


@pytest.mark.parametrize("is_needed", [False, True])
def test_where_a_package_needs_it_the_packages_are_missing(tmp_path: pathlib.Path, is_needed: bool) -> None:
    needing = [t.cast("Needing", "cloud-init")] if is_needed else []
    rpm = _Empty(needing)
    files = PackagedFiles(SLES, rpm, Root(str(tmp_path)))
    assert {"python3-base", "/usr/bin/python3", "/usr/bin/python3.6m"} <= rpm.asked
    assert (files.is_due, files.missing()) == (is_needed, SLES["packages"] if is_needed else [])


@pytest.mark.parametrize(
    ("installed", "shipped_by", "package", "unlinked"),
    [
        (["python313-base"], "python313-base", "python313-base", {}),
        (["python313-base", "python3-base"], "python3-base", "python3-base", {}),
        (["python313-base"], None, "python3-base", {"python3-base": "/usr/bin/python3"}),
        ([], None, "python313-base", {}),
    ],
)
def test_the_link_may_be_in_a_package_of_its_own(
    tmp_path: pathlib.Path,
    installed: t.List[str],
    shipped_by: t.Optional[str],
    package: str,
    unlinked: t.Dict[str, str],
) -> None:
    contract = contract_for({"ID": "sles", "VERSION_ID": "16.0"})
    files = PackagedFiles(contract, _Empty([t.cast("Needing", "anything")]), Root(str(tmp_path)))
    files.packages.update({name: t.cast("t.Any", name) for name in installed})
    files.records.update({"/usr/bin/python3": (shipped_by, t.cast("t.Any", None))} if shipped_by else {})
    assert (files.package_of(contract["links"][0]), files.unlinked()) == (package, unlinked)
