# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import os
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.contract import CONTRACTS, contract_for
from ansible_collections.fleet.system_python.plugins.module_utils._audit.finding_records import Acceptance
from ansible_collections.fleet.system_python.plugins.module_utils._audit.records import Contract, ContractBinary
from ansible_collections.fleet.system_python.plugins.module_utils._base.command import Completed
from ansible_collections.fleet.system_python.plugins.module_utils._repair import proof
from ansible_collections.fleet.system_python.plugins.module_utils._repair.proof import ProofLine, failures, prove
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.audit_records import finding_of


def contract_of(program: str) -> Contract:
    contract = CONTRACTS[0].copy()
    contract["proof"], contract["manager"], contract["alternatives"] = [], None, {}
    contract["binaries"] = [ContractBinary(path=program, package="python3", twins=[])]
    return contract


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
@pytest.mark.parametrize(("mode", "works"), [(0o755, True), (0o700, False)])
def test_a_user_without_rights_can_start_the_interpreter(tmp_path: t.Any, mode: int, works: bool) -> None:
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)
    program = tmp_path / "python3.9"
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(mode)
    proven, (line,) = prove(contract_of(str(program)), [])
    assert (proven, line["ok"]) == (works, works)
    assert line["command"] == "nobody: {0} -I -S -c pass".format(program)
    assert works or "Permission denied" in line["output"]


def test_where_somebody_took_rights_from_others_they_prove_nothing() -> None:
    hardened = finding_of("SP207", stricter=True)
    assert prove(contract_of("/bin/true"), [hardened]) == (True, [])


def test_nothing_is_run_that_others_could_have_written() -> None:
    proven, (line,) = prove(contract_of("/bin/true"), [finding_of("SP215", severity="critical")])
    assert (proven, line["command"], line["output"]) == (False, None, "not run because of SP215")


def test_what_is_accepted_is_not_run_either_and_nothing_is_left_to_prove() -> None:
    accepted = finding_of("SP209")
    accepted["accepted"] = Acceptance(reason="ours", expires=None)
    proven, (line,) = prove(contract_of("/bin/true"), [accepted])
    assert (proven, line["command"], line["output"]) == (True, None, "not run because of SP209")
    assert not prove(contract_of("/bin/true"), [accepted, finding_of("SP205")])[0]


@pytest.mark.parametrize(("known", "found"), [([], 1), (["SP217"], 0), (["SP211"], 0), (["SP108"], 1)])
def test_a_proof_that_failed_is_a_finding_if_nothing_else_says_so(known: t.List[str], found: int) -> None:
    lines = [
        ProofLine(command="a --version", ok=True, output="1"),
        ProofLine(command="nobody: a", ok=False, output="Permission denied"),
        ProofLine(command=None, ok=False, output="not run because of SP110"),
    ]
    findings = failures(lines, [finding_of(one) for one in known])
    assert [one["id"] for one in findings] == ["SP217"] * found
    assert all("nobody: a: Permission denied" in one["summary"] and not one["repairable"] for one in findings)


# --- the command that a group makes ---

EL8 = contract_for({"ID": "rhel", "VERSION_ID": "8.10"})
EL9 = contract_for({"ID": "rhel", "VERSION_ID": "9.7"})
COMMAND = "/usr/bin/python3 --version"


def _run(argv: t.Sequence[str], **_options: t.Any) -> Completed:
    own = "3.9" if "/usr/libexec/platform-python" not in argv[0] else "3.6"
    said = "imports" if "-c" in argv else "Python {0}.1".format("3.12" if argv[0] == "/usr/bin/python3" else own)
    return Completed(tuple(argv), 0, said, "", False)


@pytest.mark.parametrize(
    ("kind", "findings", "is_run"),
    [
        ("link", [], True),
        ("missing", [], False),
        # What a foreign group may lead it to is not started.
        ("link", [finding_of("SP104")], False),
        ("link", [finding_of("SP105", "minor")], False),
        ("link", [finding_of("SP107")], True),
    ],
)
def test_the_command_that_a_group_makes_is_any_python(
    monkeypatch: t.Any, kind: str, findings: t.List[t.Any], is_run: bool
) -> None:
    monkeypatch.setattr(proof, "kind_of", lambda path: kind if path == "/usr/bin/python3" else "missing")
    proven, lines = prove(EL8, findings, _run)
    assert proven
    assert (COMMAND in [line["command"] for line in lines]) == is_run


@pytest.mark.parametrize(("evidence", "is_run"), [({"paths": ["/opt/x.py"]}, False), ({"command": ["dnf"]}, True)])
def test_a_manager_that_would_run_what_nobody_vouches_for_is_not_started(
    monkeypatch: t.Any, evidence: t.Any, is_run: bool
) -> None:
    monkeypatch.setattr(proof, "kind_of", lambda _path: "link")
    _proven, lines = prove(EL9, [finding_of("SP211", "critical", **evidence)], _run)
    assert ("/usr/bin/dnf --version" in [line["command"] for line in lines]) == is_run


def test_the_command_that_a_package_ships_is_that_of_the_contract(monkeypatch: t.Any) -> None:
    monkeypatch.setattr(proof, "kind_of", lambda path: "missing" if "dnf" in path else "link")
    proven, lines = prove(EL9, [], _run)
    (command,) = [line for line in lines if line["command"] == COMMAND]
    assert (proven, command["ok"]) == (False, False)
