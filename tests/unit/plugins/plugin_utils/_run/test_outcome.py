# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what the plays left with a host to its state."""

import json
from pathlib import Path

import pytest

from ansible_collections.fleet.system_python.plugins.plugin_utils._run.outcome import (
    Outcome,
    failed,
    host_outcome,
    outcome_lines,
    repaired,
    totals,
    unreachable,
)
from ansible_collections.fleet.system_python.plugins.plugin_utils._run.states import PAGE_LABELS, HostState, by_urgency

ROOT = Path(__file__).resolve().parents[5]
BEGAN = {"system_python_began": "2026-01-31T12:00:00Z"}


def result(*found: str, left: tuple[str, ...] = (), **more: object) -> dict[str, object]:
    """Return what the module system_python returns."""
    findings = [{"id": one} for one in found]
    after = [{"id": one} for one in left]
    return {"changed": bool(found), "healthy": not left, "findings": findings, "findings_after": after, **more}


def finding(number: str, **more: object) -> dict[str, object]:
    known = {"name": "a-name", "severity": "major", "path": None, "summary": "A sentence.", "repairable": True}
    return {"id": number, **known, "expected": None, "actual": None, "evidence": {}, **more}


ACCEPTED = finding("SP207", accepted={"reason": "ours", "expires": None})
HEALTHY: dict[str, object] = {
    "healthy": True,
    "worst": None,
    "os": {"id": "rhel", "version": "9.6"},
    "contract": {"id": "el9", "version": "3.9", "binary": "/b", "link": "/l", "packages": []},
    "findings": [],
    "resolution": {},
    "interpreters": [],
    "alternatives": [],
    "packages": {},
    "manager": {"name": "dnf", "state": "works", "reason": ""},
    "search_paths": {},
    "selinux": None,
    "verification": {"partial": False},
}


def facts(*found: str) -> dict[str, object]:
    """Return a host's variables after an audit."""
    worst = "critical" if found else None
    seen = {**HEALTHY, "healthy": not found, "worst": worst, "findings": [finding(one) for one in found]}
    return {**BEGAN, "ansible_facts": {"system_python": seen}}


@pytest.mark.parametrize(
    ("found", "left", "aid", "check_mode", "state", "note"),
    [
        ((), (), False, False, HostState.HEALTHY, ""),
        (("SP201", "SP101", "SP201"), (), False, False, HostState.REPAIRED, "SP201 SP101"),
        ((), (), True, False, HostState.REPAIRED, "first aid brought a Python back"),
        (("SP201", "SP212"), ("SP212",), False, False, HostState.FINDINGS_LEFT, "SP201 SP212 (left: SP212)"),
        (("SP201",), ("SP201",), False, True, HostState.WOULD_BE_REPAIRED, "SP201"),
        ((), (), True, True, HostState.WOULD_BE_REPAIRED, "first aid brought a Python back"),
    ],
)
def test_a_repair_that_came_to_its_end(
    found: tuple[str, ...], left: tuple[str, ...], aid: bool, check_mode: bool, state: HostState, note: str
) -> None:
    variables = {"python_restore_result": result(*found, left=left), "python_first_aid_result": {"changed": aid}}
    outcome = repaired(variables, check_mode)
    assert (outcome.state, outcome.note) == (state, note)
    assert not outcome.needs_somebody


def test_what_waits_for_a_reboot_is_told() -> None:
    result = {"changed": True, "healthy": False, "findings": [{"id": "SP201"}], "staged": {"packages": ["p"]}}
    assert repaired({"python_restore_result": result}, check_mode=False).note == "SP201; waits for the reboot"
    assert repaired({"python_restore_result": result}, check_mode=True).note == "SP201"


def test_what_the_user_decided_is_in_the_note() -> None:
    over = finding("SP209", expired={"reason": "ours", "expires": "2020-01-31"})
    seen = {**HEALTHY, "accepted": [ACCEPTED, ACCEPTED]}
    audited = host_outcome({"ansible_facts": {"system_python": seen}}, "audit")
    assert (audited.state, audited.note) == (HostState.HEALTHY, "(accepted: SP207)")
    seen.update(healthy=False, worst="major", findings=[over])
    audited = host_outcome({"ansible_facts": {"system_python": seen}}, "audit")
    assert (audited.word, audited.note) == ("major", "SP209 (EXCEPTION EXPIRED: SP209) (accepted: SP207)")
    done = result("SP101", accepted=[{"id": "SP207"}])
    assert repaired({"python_restore_result": done}, check_mode=False).note == "SP101 (accepted: SP207)"


def test_what_could_not_be_looked_at_is_never_healthy() -> None:
    unread = ["/etc/sudoers", "/root"]
    seen: dict[str, object] = {**HEALTHY, "healthy": False, "unreadable": unread}
    audited = host_outcome({"ansible_facts": {"system_python": seen}}, "audit")
    assert (audited.state, audited.needs_somebody) == (HostState.PARTIAL, False)
    assert audited.note == "(use -b: /etc/sudoers, /root could not be read)"
    assert host_outcome({"ansible_facts": {"system_python": seen}}).state is HostState.PARTIAL
    seen.update(worst="major", findings=[finding("SP101")])
    audited = host_outcome({"ansible_facts": {"system_python": seen}}, "audit")
    assert (audited.state, audited.word) == (HostState.DRIFT_FOUND, "major")
    assert audited.note == "SP101 (use -b: /etc/sudoers, /root could not be read)"


def test_a_host_whose_proof_failed_needs_somebody() -> None:
    unproven = result("SP110", left=("SP110",), changed=False, proof=[{"command": None, "ok": False, "output": "no"}])
    outcome = repaired({"python_restore_result": unproven}, check_mode=False)
    assert (outcome.state, outcome.needs_somebody) == (HostState.FINDINGS_LEFT, True)
    assert not repaired({"python_restore_result": unproven}, check_mode=True).needs_somebody


def test_first_aid_that_ran_again_for_the_proof_does_not_hide_the_first_one() -> None:
    variables = {"python_restore_result": result(), "python_first_aid_result": {"changed": False}}
    assert repaired({**variables, "python_report_first_aid": {"changed": True}}, False).state is HostState.REPAIRED


@pytest.mark.parametrize(
    ("restore", "aid", "answer", "kind", "state"),
    [
        ({"kind": "no_source", "changed_nothing": True}, {}, {}, "no_source", HostState.NOT_HELPED),
        ({}, {"kind": "no_interpreter", "changed_nothing": True}, {}, "no_interpreter", HostState.NOT_HELPED),
        ({"kind": "transaction", "changed_nothing": False}, {}, {}, "transaction", HostState.FAILED),
        ({"kind": "transaction"}, {}, {"changed_nothing": True}, "transaction", HostState.FAILED),
        ({"changed": True}, {}, {"kind": "no_source", "changed_nothing": True}, "no_source", HostState.FAILED),
        ({}, {}, {}, "unknown", HostState.FAILED),
    ],
)
def test_an_error_that_changed_nothing_is_no_failure(
    restore: dict[str, object], aid: dict[str, object], answer: dict[str, object], kind: str, state: HostState
) -> None:
    variables = {"python_restore_result": restore, "python_first_aid_result": aid}
    outcome = failed(variables, {"msg": "No.", **answer})
    assert (outcome.state, outcome.note, outcome.needs_somebody) == (state, "No.", True)
    assert outcome.error == {"kind": kind, "msg": "No.", "details": {}}


@pytest.mark.parametrize("name", ["python_first_aid_result", "python_report_first_aid"])
def test_first_aid_that_brought_a_python_back_is_told_of_a_host_that_is_not_helped(name: str) -> None:
    variables = {
        "python_first_aid_result": {"changed": False},
        name: {"changed": True, "brought_back": {"version": "3.9"}},
        "python_restore_result": {"failed": True, "kind": "no_source", "changed_nothing": True},
    }
    outcome = failed(variables, {"msg": "No source has it."})
    assert (outcome.state, outcome.note) == (
        HostState.NOT_HELPED,
        "first aid brought a Python back; then: No source has it.",
    )
    assert outcome.error == {"kind": "no_source", "msg": "No source has it.", "details": {}}


def test_an_error_of_first_aid_itself_comes_without_that() -> None:
    aid = {"changed": True, "brought_back": {"version": "3.9"}, "kind": "not_proven", "changed_nothing": False}
    outcome = failed({"python_first_aid_result": aid}, {"msg": "No.", "kind": "not_proven"})
    assert (outcome.state, outcome.note) == (HostState.FAILED, "No.")


def test_an_error_in_an_audit() -> None:
    outcome = failed(BEGAN, {"msg": "No.", "kind": "rpmdb_unreadable", "details": {"output": "x"}}, "audit")
    assert (outcome.state, outcome.word, outcome.note) == (HostState.FAILED, "not audited", "No.")
    assert outcome.error == {"kind": "rpmdb_unreadable", "msg": "No.", "details": {"output": "x"}}
    assert failed({}, {}, "image").word == "not checked"


def test_findings_beyond_the_limit_of_an_audit_are_no_error() -> None:
    outcome = failed(facts("SP201"), {"msg": ["web1: 1 finding"]}, "audit")
    assert (outcome.state, outcome.word, outcome.note) == (HostState.DRIFT_FOUND, "critical", "SP201")
    assert (outcome.error, outcome.needs_somebody) == (None, True)


def test_what_fails_on_a_healthy_host_is_told() -> None:
    assert failed(facts(), {"msg": "No."}, "audit").state is HostState.FAILED


def test_an_unreachable_host_says_why() -> None:
    assert unreachable({"stderr": " sudo: no \n", "msg": "x"}).note == "sudo: no"
    assert unreachable({"stderr": "", "stdout": "", "msg": "timed out"}).note == "timed out"
    assert unreachable({}).state is HostState.UNREACHABLE


def test_what_was_noted_counts() -> None:
    outcome = failed({"python_restore_result": {"kind": "transaction"}}, {"msg": "No."})
    variables = {**BEGAN, "system_python_outcome": json.loads(json.dumps(outcome.as_fact()))}
    assert host_outcome(variables).as_fact() == outcome.as_fact()


@pytest.mark.parametrize(
    ("variables", "kind", "state"),
    [
        ({}, "remediate", HostState.NOT_STARTED),
        (BEGAN, "remediate", HostState.FAILED),
        ({**BEGAN, "python_restore_result": result()}, "remediate", HostState.FAILED),
        ({"python_restore_result": result("SP201")}, "remediate", HostState.REPAIRED),
        (
            {"python_restore_result": {"failed": True, "kind": "locked", "changed_nothing": True}},
            "remediate",
            HostState.NOT_HELPED,
        ),
        ({}, "audit", HostState.UNREACHABLE),
        (facts(), "audit", HostState.HEALTHY),
        (facts("SP201"), "audit", HostState.DRIFT_FOUND),
    ],
)
def test_where_nothing_was_noted(variables: dict[str, object], kind: str, state: HostState) -> None:
    outcome = host_outcome(variables, kind)
    assert outcome.state is state
    assert outcome.state.stops_rollout is (state is HostState.FAILED)


def test_the_table() -> None:
    hosts = {
        "web1": Outcome(HostState.HEALTHY),
        "database1": Outcome(HostState.DRIFT_FOUND, "SP201", word="critical"),
        "web2": Outcome(HostState.FAILED, "two\nlines"),
    }
    assert outcome_lines(hosts) == [
        "web1       healthy",
        "database1  critical  SP201",
        "web2       failed    two; lines",
    ]
    assert totals(hosts) == "3 hosts: 1 failed, 1 critical, 1 healthy. Not well: --limit web2"


def test_every_state_fits_its_column() -> None:
    hosts = {state.name: Outcome(state, "note") for state in HostState}
    assert len({line.index("note") for line in outcome_lines(hosts)}) == 1


def test_the_worst_findings_are_counted_first_and_hosts_are_named_as_a_shell_takes_them() -> None:
    words = ["minor", "critical", "minor", "major"]
    hosts = {f"web{number}": Outcome(HostState.DRIFT_FOUND, word=word) for number, word in enumerate(words)}
    assert totals(hosts) == "4 hosts: 1 critical, 1 major, 2 minor"
    hosts = {"web1": Outcome(HostState.FAILED), "odd name": Outcome(HostState.UNREACHABLE)}
    assert totals(hosts) == "2 hosts: 1 failed, 1 unreachable. Not well: --limit 'web1,odd name'"
    assert totals({"web1": Outcome(HostState.HEALTHY)}) == "1 host: 1 healthy"
    assert totals(hosts, "image") == "2 images: 1 failed, 1 unreachable"


def test_findings_left_beyond_the_limit_of_a_repair_are_no_error() -> None:
    judged = {"msg": ["web1: repaired as far as it may be"], "failed_when_result": True}
    variables = {**BEGAN, "python_restore_result": result("SP201", left=("SP218",))}
    outcome = failed(variables, judged)
    assert (outcome.state, outcome.note) == (HostState.FINDINGS_LEFT, "SP201 (left: SP218)")
    assert (outcome.error, outcome.needs_somebody, outcome.state.stops_rollout) == (None, True, False)
    refused = {"msg": "No.", "kind": "not_proven", "failed_when_result": True}
    assert failed(variables, refused).state is HostState.FAILED


@pytest.mark.parametrize("kind", ["audit", "remediate"])
def test_a_host_that_this_is_not_about_needs_nobody(kind: str) -> None:
    answer = {"kind": "not_applicable", "msg": "Debian has no packages of rpm.", "changed_nothing": True}
    outcome = failed(BEGAN, answer, kind)
    assert (outcome.state, outcome.note) == (HostState.NOT_APPLICABLE, "Debian has no packages of rpm.")
    assert not outcome.needs_somebody
    aided = {"python_first_aid_result": answer}
    assert repaired(aided, check_mode=False).state is host_outcome(aided).state is HostState.NOT_APPLICABLE
    assert host_outcome({**aided, "python_restore_result": answer}).state is HostState.NOT_APPLICABLE


@pytest.mark.parametrize("kind", ["audit", "remediate", "image"])
def test_an_unknown_system_is_called_so(kind: str) -> None:
    outcome = failed(BEGAN, {"kind": "unknown_platform", "msg": "No contract.", "changed_nothing": True}, kind)
    assert (outcome.state, outcome.shown, outcome.needs_somebody) == (
        HostState.UNKNOWN_PLATFORM,
        "unknown platform",
        True,
    )


def test_the_schema_of_a_report_knows_every_state() -> None:
    schema = json.loads((ROOT / "docs/report.schema.json").read_text(encoding="utf-8"))
    reported = {state.status for state in HostState if state is not HostState.NOT_APPLICABLE}
    assert reported == set(schema["properties"]["status"]["enum"])
    assert {state.page for state in HostState} == set(PAGE_LABELS)


@pytest.mark.parametrize("state", HostState)
def test_a_state_is_found_by_the_status_of_a_report(state: HostState) -> None:
    kind = "audit" if state is HostState.DRIFT_FOUND else "remediate"
    assert HostState.of_status(state.status, kind) is state
    assert HostState.of_status("splendid", kind) is None


def test_what_needs_somebody_comes_first() -> None:
    words = [state.word for state in by_urgency([HostState.HEALTHY, HostState.UNREACHABLE, HostState.FAILED])]
    assert words == ["failed", "unreachable", "healthy"]
    assert [state for state in HostState if state.needs_somebody] == list(HostState)[:5]


@pytest.mark.parametrize(
    "seen",
    [5, "healthy", {}, {**HEALTHY, "findings": 5}, {**HEALTHY, "findings": [{"id": {}}]}, {**HEALTHY, "worst": "<b>"}],
)
@pytest.mark.parametrize("kind", ["audit", "remediate"])
def test_a_host_that_answers_nonsense_has_a_row_and_stops_nobody(seen: object, kind: str) -> None:
    outcome = host_outcome({"ansible_facts": {"system_python": seen}}, kind)
    assert outcome.state is HostState.FAILED
    assert outcome.error
    assert outcome.error["kind"] == "host_answer_invalid"
    assert str(outcome.error["details"]["field"]).startswith("ansible_facts.system_python")
    assert not outcome.as_fact()["stops_rollout"]
    assert outcome.as_fact()["needs_somebody"]


def test_an_audit_that_had_nothing_to_look_at() -> None:
    gone = host_outcome({"python_audit_result": {"unreachable": True, "msg": "no route"}}, "audit")
    assert (gone.state, gone.note) == (HostState.UNREACHABLE, "no route")
    other = host_outcome({"python_audit_result": {"kind": "not_applicable", "msg": "no rpm"}}, "audit")
    assert (other.state, other.note) == (HostState.NOT_APPLICABLE, "no rpm")
    assert host_outcome({}, "audit").state == HostState.UNREACHABLE
