# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import functools
import os
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.contract import CONTRACTS
from ansible_collections.fleet.system_python.plugins.module_utils._audit.finding_records import (
    Acceptance,
    Finding,
    QuarantineFiles,
)
from ansible_collections.fleet.system_python.plugins.module_utils._audit.findings import Policy
from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import (
    JournalError,
    ProofError,
    ReadOnlyError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._packages.acquisition import Staging
from ansible_collections.fleet.system_python.plugins.module_utils._repair import notes, proof
from ansible_collections.fleet.system_python.plugins.module_utils._repair import run as repairs
from ansible_collections.fleet.system_python.plugins.module_utils._repair.plan import RepairStep
from ansible_collections.fleet.system_python.plugins.module_utils._repair.proof import ProofLine
from ansible_collections.fleet.system_python.plugins.module_utils._repair.run import Repair, RepairSettings
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.audit_records import finding_of, healthy

RUN_ID_AT = 1700000000.0


class UnharmedNeighbours:
    """There are none."""

    line = ProofLine(command="other packages", ok=True, output="0 verified, none worse")

    def __init__(self, *_what: object) -> None:
        pass

    def judged(self) -> ProofLine:
        return self.line


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: t.Any) -> None:
    """Nothing of this host is looked at, or changed."""
    monkeypatch.setattr(repairs, "require_root", lambda _what: None)
    monkeypatch.setattr(proof, "_prove_for_others", lambda *_what: [])
    monkeypatch.setattr(repairs, "refuse_owned", lambda *_what: None)
    monkeypatch.setattr(repairs, "Neighbours", UnharmedNeighbours)
    monkeypatch.setattr(repairs, "Staging", functools.partial(Staging, str(tmp_path)))


def planted(path: t.Any) -> Finding:
    remedy = QuarantineFiles(action="quarantine", paths=[str(path)])
    return finding_of("SP106", path=str(path), remedy=remedy)


def a_repair(
    monkeypatch: pytest.MonkeyPatch, folder: t.Any, *seen: t.Sequence[Finding], report: bool = False, **hooks: t.Any
) -> Repair:
    """Return a repair that finds C(seen), one look after the other."""
    looks = list(seen)
    observation = healthy()
    monkeypatch.setattr(repairs, "audit", lambda *_args, **_options: (observation, looks.pop(0)))
    contract = CONTRACTS[0].copy()
    contract["proof"], contract["manager"], contract["alternatives"] = [], None, {}
    settings = RepairSettings(
        contract,
        Policy(),
        {},
        state_folder=str(folder / "state"),
        lock_path=str(folder / "lock"),
        report={"ID": "rhel"} if report else None,
    )
    return Repair(settings, clock=lambda: RUN_ID_AT, **hooks)


@pytest.fixture
def stray(tmp_path: t.Any) -> t.Any:
    path = tmp_path / "python3"
    path.write_text("#!/bin/sh\n")
    return path


def test_a_healthy_host_is_not_written_to(monkeypatch: pytest.MonkeyPatch, tmp_path: t.Any) -> None:
    result = a_repair(monkeypatch, tmp_path, []).apply()
    assert (result["changed"], result["healthy"], result["summary"]) == (False, True, ["healthy, nothing to do"])
    assert "actions" not in result
    assert os.listdir(str(tmp_path)) == []


def test_a_prediction_is_what_a_repair_does(monkeypatch: pytest.MonkeyPatch, tmp_path: t.Any, stray: t.Any) -> None:
    found = [planted(stray)]
    predicted = a_repair(monkeypatch, tmp_path, found).predict()
    assert (predicted["changed"], predicted["healthy"], stray.exists()) == (True, False, True)
    assert predicted["summary"][0] == "would be repaired"
    done = a_repair(monkeypatch, tmp_path, found, found, []).apply()
    assert (done["plan"], done["diff"]) == (predicted["plan"], predicted["diff"])
    assert (done["changed"], done["healthy"], stray.exists()) == (True, True, False)
    assert done["actions"][0]["result"] == {"moved": [str(stray)]}
    assert done["summary"] == [
        "repaired, and proven",
        "what was wrong:",
        "  SP106 name-of-SP106: summary of SP106",
        "what was done:",
        "  move to the quarantine: {0}".format(stray),
        "what proves it:",
        "  other packages: 0 verified, none worse",
        "kept, with a way back: {0}".format(done["quarantine"]),
    ]
    assert sorted(os.listdir(str(tmp_path / "state"))) == ["quarantine"]


def test_what_is_accepted_is_told_and_left(monkeypatch: pytest.MonkeyPatch, tmp_path: t.Any) -> None:
    accepted = finding_of("SP207")
    accepted["accepted"] = Acceptance(reason="hardening", expires="9999-12-31")
    result = a_repair(monkeypatch, tmp_path, [accepted]).apply()
    assert (result["changed"], result["healthy"], result["findings"], result["findings_after"]) == (False, True, [], [])
    assert [one["id"] for one in result["accepted"]] == ["SP207"]
    assert result["summary"] == [
        "healthy, nothing to do",
        "what is accepted:",
        "  accepted until 9999-12-31, hardening: SP207 name-of-SP207: summary of SP207",
    ]


def test_what_another_run_did_meanwhile_is_not_done_again(monkeypatch: pytest.MonkeyPatch, tmp_path: t.Any) -> None:
    found = [planted(tmp_path / "python3")]
    done = a_repair(monkeypatch, tmp_path, found, [], []).apply()
    assert (done["changed"], done["healthy"], done["actions"]) == (False, True, [])


def test_a_host_that_is_not_healthy_afterwards_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: t.Any, stray: t.Any
) -> None:
    found = [planted(stray)]
    with pytest.raises(ProofError, match="not proven healthy: summary of SP106") as raised:
        a_repair(monkeypatch, tmp_path, found, found, found).apply()
    assert raised.value.changed_nothing is False
    assert raised.value.details["findings"][0]["id"] == "SP106"


def test_a_repair_that_harmed_another_package_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: t.Any, stray: t.Any
) -> None:
    harmed = ProofLine(command="other packages", ok=False, output="/x of the package y: it is missing")
    monkeypatch.setattr(UnharmedNeighbours, "line", harmed)
    found = [planted(stray)]
    with pytest.raises(ProofError, match="other packages: /x of the package y: it is missing"):
        a_repair(monkeypatch, tmp_path, found, found, []).apply()


class KilledError(Exception):
    """The run was killed."""


def test_a_killed_run_is_finished_first(monkeypatch: pytest.MonkeyPatch, tmp_path: t.Any, stray: t.Any) -> None:
    def die(step: str) -> None:
        if step == "after quarantine":
            raise KilledError

    found = [planted(stray)]
    with pytest.raises(KilledError):
        a_repair(monkeypatch, tmp_path, found, found, checkpoint=die).apply()
    assert (tmp_path / "state" / "journal.json").exists()
    done = a_repair(monkeypatch, tmp_path, [], [], []).apply()
    assert (done["changed"], done["healthy"], done["plan"]) == (True, True, [])
    assert not (tmp_path / "state" / "journal.json").exists()


def test_the_error_of_a_read_only_host_says_that_nothing_was_changed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: t.Any, stray: t.Any
) -> None:
    def refuse(_plan: t.Sequence[RepairStep], *_where: t.Any) -> None:
        raise ReadOnlyError("no")

    monkeypatch.setattr(repairs, "require_possible", refuse)
    with pytest.raises(ReadOnlyError) as raised:
        a_repair(monkeypatch, tmp_path, [planted(stray)]).apply()
    assert raised.value.changed_nothing is True
    assert "report" not in raised.value.returned


@pytest.mark.parametrize("always", [True, False])
def test_evidence_of_a_healthy_host_is_collected_on_request(monkeypatch: pytest.MonkeyPatch, always: bool) -> None:
    monkeypatch.setattr(notes, "collect", lambda *_what: {"when": "before the repair"})
    kept = notes.RepairNotes({"ID": "rhel"}, always=always)
    kept.before("run", healthy(), [])
    assert ("evidence" in kept.content) == always


def test_an_error_returns_the_report_as_far_as_it_came(monkeypatch: pytest.MonkeyPatch, tmp_path: t.Any) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "journal.json").write_text("damaged")
    repair = a_repair(monkeypatch, tmp_path, [], report=True)
    monkeypatch.setattr(repair.notes, "before", lambda run_id, *_audited: repair.notes.content.update(run_id=run_id))
    with pytest.raises(JournalError) as raised:
        repair.result(check_mode=False)
    assert raised.value.changed_nothing is True
    assert raised.value.returned["report"] == {"run_id": repair.quarantine.run_id}
