# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The contracts and their lookup."""

import re
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.contract import CONTRACTS, contract_for
from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import (
    ContractError,
    UnknownPlatformError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._disk.os_release import parse_os_release
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.rpm_packages import shipped_by_centos

OWN = {
    "id": "amzn2023",
    "version": "3.9",
    "binaries": [{"path": "/usr/bin/python3.9", "package": "python3"}],
    "links": [{"path": "/usr/bin/python3", "target": "python3.9", "package": "python3"}],
    "packages": ["python3", "python3-libs"],
}


def test_os_release_is_parsed_as_a_shell_would() -> None:
    text = 'NAME="Red Hat \\"x\\""\nID=\'rhel\'\nVERSION_ID=9.7\n# comment\nnonsense\n'
    assert parse_os_release(text) == {"NAME": 'Red Hat "x"', "ID": "rhel", "VERSION_ID": "9.7"}


@pytest.mark.parametrize(
    ("os_id", "version", "expected"),
    [
        ("rhel", "8.10", "el8"),
        ("almalinux", "8.9", "el8"),
        ("centos", "10", "el10"),
        ("ol", "10.1", "el10"),
        ("sles", "16.0", "sles16"),
        ("opensuse-leap", "16.0", "sles16"),
        ("rhel", "9.7", "el9"),
        ("rocky", "9.3", "el9"),
        ("centos", "9", "el9"),
        ("ol", "9.4", "el9"),
        ("sles", "15.7", "sles15"),
        ("sles_sap", "15.5", "sles15"),
        ("opensuse-leap", "15.6", "sles15"),
    ],
)
def test_relatives_share_a_contract(os_id: t.Any, version: t.Any, expected: t.Any) -> None:
    assert contract_for({"ID": os_id, "VERSION_ID": version})["id"] == expected


@pytest.mark.parametrize("os_release", [{"ID": "rhel", "VERSION_ID": "7.9"}, {"ID": "debian", "VERSION_ID": "12"}, {}])
def test_an_unknown_system_is_an_error_that_lists_the_known_ones(os_release: t.Any) -> None:
    with pytest.raises(UnknownPlatformError) as caught:
        contract_for(os_release)
    assert "Enterprise Linux 9" in caught.value.message
    assert "'contract'" in caught.value.message


def test_a_contract_of_ones_own_serves_an_unknown_system() -> None:
    contract = contract_for({"ID": "amzn", "VERSION_ID": "2023"}, OWN)
    assert contract["binaries"][0]["twins"] == []
    assert contract["optional_packages"] == []
    assert contract["manager"] is None


def test_single_keys_replace_those_of_the_known_contract() -> None:
    contract = contract_for({"ID": "rhel", "VERSION_ID": "9.7"}, {"optional_packages": ["dnf"]})
    assert contract["optional_packages"] == ["dnf"]
    assert contract["packages"] == ["python3", "python3-libs"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"binaries": []}, "lacks: binaries"),
        ({"version": "3.9.1"}, "must look like '3.9'"),
        ({"links": [{"path": "/usr/bin/python3"}]}, "links[0] lacks: target, package"),
        (
            {"links": [{"path": "/usr/bin/python3.9", "target": "x", "package": "python3"}]},
            "links lack /usr/bin/python3",
        ),
        ({"alternatives": ["python3"]}, "must have the links of each group"),
        ({"alternatives": {"python3": {"pip3": "/usr/bin/pip3"}}}, "must have the links of each group"),
    ],
)
def test_a_contract_with_a_mistake_says_which(change: t.Any, said: t.Any) -> None:
    with pytest.raises(ContractError) as caught:
        contract_for({"ID": "amzn"}, dict(OWN, **change))
    assert said in caught.value.message


def test_a_group_of_the_release_may_make_the_command() -> None:
    links = [{"path": "/usr/libexec/platform-python", "target": "./platform-python3.6", "package": "platform-python"}]
    groups = {"python3": {"python3": "/usr/bin/python3"}}
    assert contract_for({"ID": "amzn"}, dict(OWN, links=links, alternatives=groups))["alternatives"] == groups


def test_every_contract_is_consistent() -> None:
    for contract in CONTRACTS:
        assert contract_for({"ID": contract["match"][0]["ids"][0], "VERSION_ID": contract["match"][0]["major"]})
        # The same checks as for one of the user's own.
        assert contract_for({}, contract)["id"] == contract["id"]
        assert {one["package"] for one in contract["binaries"]} <= set(contract["packages"])
        assert contract["links"][0]["package"] in contract["packages"]
        known = set(contract["packages"] + contract["optional_packages"])
        assert {one["package"] for one in contract["links"]} <= known
        assert contract["binaries"][0]["path"].endswith("python" + contract["version"])


# What EL 9 ships (data/packages). Which packages ship a path: those of other architectures, too.
EL9 = contract_for({"ID": "centos", "VERSION_ID": "9"})
SHIPPED = shipped_by_centos()
PLACES = EL9["binaries"] + t.cast("t.List[t.Any]", EL9["links"]) + [EL9["unversioned"]]


@pytest.mark.parametrize(("path", "package"), [(one["path"], one["package"]) for one in PLACES])
def test_each_path_is_shipped_by_the_package_that_is_named(path: str, package: str) -> None:
    assert [one.name for one in SHIPPED if path in SHIPPED[one]] == [package]


def test_no_packaged_name_of_the_interpreter_is_left_out() -> None:
    name = re.compile(r"/usr/(bin/python|libexec/platform-python)[\d.]*m?$")
    assert {path for files in SHIPPED.values() for path in files if name.match(path)} == {one["path"] for one in PLACES}


def test_each_package_that_is_named_is_shipped_once_for_the_system_s_architecture() -> None:
    manager = t.cast("t.Any", EL9["manager"])
    named = set(EL9["packages"] + EL9["optional_packages"] + manager["packages"])
    assert sorted(one.name for one in SHIPPED if one.arch != "i686") == sorted(named)
    assert [one.name for one in SHIPPED if manager["argv"][0] in SHIPPED[one]] == ["dnf"]
    assert manager["interpreter"] in [one["path"] for one in EL9["binaries"]]
