# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The contract in the form that the checker reads."""

import os
import re
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.contract import (
    CONTRACTS,
    Contract,
    contract_for,
)
from ansible_collections.fleet.system_python.plugins.module_utils._audit.findings import RULES
from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import ContractError
from ansible_collections.fleet.system_python.plugins.module_utils._guard.config import GuardSettings, render

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 5))


def lines(contract: Contract, settings: t.Optional[GuardSettings] = None) -> t.List[t.List[str]]:
    text = render(contract, settings)
    return [line.split("\t") for line in text.splitlines() if not line.startswith("#")]


def values(found: t.List[t.List[str]], key: str) -> t.List[t.List[str]]:
    return [line[1:] for line in found if line[0] == key]


def known(name: str) -> Contract:
    match = next(contract for contract in CONTRACTS if contract["id"] == name)["match"][0]
    return contract_for({"ID": match["ids"][0], "VERSION_ID": match["major"]})


@pytest.mark.parametrize("name", [contract["id"] for contract in CONTRACTS])
def test_every_contract_is_there_and_every_key_is_one_that_the_checker_reads(name: str) -> None:
    contract = known(name)
    found = lines(contract, GuardSettings(metrics="/m", notify=("/bin/x",), baseline="0" * 64))
    with open(os.path.join(ROOT, "plugins/plugin_utils/_guard/parts/config.sh")) as stream:
        read = set(re.findall(r"^        (\w+)\) ", stream.read(), re.MULTILINE))
    assert {line[0] for line in found} <= read
    assert [one[0] for one in values(found, "required")] == list(contract["packages"])
    assert [one[:2] for one in values(found, "link")] == [[one["path"], one["target"]] for one in contract["links"]]
    twins = [twin for binary in contract["binaries"] for twin in binary["twins"]]
    assert [one[0] for one in values(found, "twin")] == twins
    assert [one[:1] for one in values(found, "rule")[:-1]] == [[rule.id] for rule in RULES]
    assert all(all(field for field in line) for line in found), "the shell's read would drop an empty field"


@pytest.mark.parametrize(
    ("name", "policy", "expected"),
    [
        ("el9", "unmanaged", ["/usr/bin/python", "unmanaged"]),
        ("el9", "absent", ["/usr/bin/python", "absent", "absent"]),
        ("el9", "python3", ["/usr/bin/python", "python3", "./python3"]),
        ("sles16", "python3", ["/usr/bin/python", "unmanaged"]),
    ],
)
def test_a_policy_that_the_distribution_cannot_fulfil_is_not_judged(
    name: str, policy: str, expected: t.List[str]
) -> None:
    assert values(lines(known(name), GuardSettings(unversioned=policy)), "unversioned") == [expected]


@pytest.mark.parametrize("bad", ["pyth\ton3", "pyth\non3"])
def test_what_would_break_a_line_is_refused(bad: str) -> None:
    contract = contract_for({"ID": "rhel", "VERSION_ID": "9"}, {"packages": ["python3", bad]})
    with pytest.raises(ContractError):
        render(contract)


def test_a_command_for_alerts_keeps_its_words() -> None:
    command = ("/usr/bin/curl", "--header", "Content-Type: application/json", "@-")
    found = values(lines(known("el9"), GuardSettings(notify=command)), "notify")
    assert tuple(word for (word,) in found) == command
