# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run's summary says."""

from typing import Any

import pytest

from ansible_collections.fleet.system_python.plugins.plugin_utils._fleet.summary import RunSummary

FACTS = "fleet.system_python.python_facts"
REPAIR = "fleet.system_python.system_python"


def audited(*ids: str) -> dict[str, Any]:
    return {"ansible_facts": {"system_python": {"healthy": not ids, "findings": [{"id": one} for one in ids]}}}


def repaired(before: list[str], after: list[str], **more: Any) -> dict[str, Any]:
    result = {"findings": [{"id": one} for one in before], "findings_after": [{"id": one} for one in after]}
    return {"healthy": not after, "changed": bool(before), "proof": [], **result, **more}


def said(status: str) -> dict[str, Any]:
    return {"ansible_facts": {"system_python_outcome": {"state": status}}}


@pytest.fixture
def summary() -> RunSummary:
    return RunSummary()


def test_a_run_of_others_says_nothing(summary: RunSummary) -> None:
    summary.ok("web1", "ansible.builtin.command", {"stdout": "x"})
    summary.failed("web2", "ansible.builtin.command", {"msg": "x"})
    summary.unreachable("web3", "ansible.builtin.setup")
    assert summary.lines() == []


def test_an_audit(summary: RunSummary) -> None:
    summary.ok("web1", FACTS, audited())
    summary.ok("web2", FACTS, audited("SP201", "SP101"))
    summary.unreachable("web3", FACTS)
    summary.failed("web4", "ansible.builtin.command", {"msg": "x"})
    assert summary.lines() == [
        "4 hosts: 1 failed, 1 unreachable, 1 drift found, 1 healthy",
        "  SP101 link-redirected      web2",
        "  SP201 interpreter-altered  web2",
        "  error task ansible.builtin.command: web4",
        "next: examine web4: a repair or a task went wrong there",
        "next: make web3 reachable, and run again with --limit",
        "next: repair web2: fleet.system_python.remediate, first with --check --diff",
    ]


def test_a_repair(summary: RunSummary) -> None:
    summary.ok("web1", REPAIR, repaired([], []))
    summary.ok("web2", REPAIR, repaired(["SP201"], []))
    summary.ok("web3", REPAIR, repaired(["SP201", "SP212"], ["SP212"]))
    assert summary.lines() == [
        "3 hosts: 1 findings left, 1 repaired, 1 healthy",
        "  SP201 interpreter-altered  web2 (repaired) web3 (repaired)",
        "  SP212 selinux-weakened     web3",
        "next: what is left on web3 is repaired only on request, or by hand: docs/findings.md",
    ]


def test_a_second_run_does_not_hide_what_the_first_one_repaired(summary: RunSummary) -> None:
    summary.ok("web1", REPAIR, repaired(["SP201"], []))
    summary.ok("web1", REPAIR, repaired([], []))
    summary.ok("web1", FACTS, audited())
    assert summary.lines()[:2] == ["1 host: 1 repaired", "  SP201 interpreter-altered  web1 (repaired)"]


def test_check_mode(summary: RunSummary) -> None:
    result = repaired(["SP101"], [])
    del result["proof"]
    summary.ok("web1", REPAIR, {**result, "healthy": False})
    assert summary.lines()[0] == "1 host: 1 would be repaired"
    assert summary.lines()[-1] == "next: run again without --check to repair web1"


def test_all_is_well(summary: RunSummary) -> None:
    summary.ok("web1", FACTS, audited())
    assert summary.lines() == ["1 host: 1 healthy", "next: nothing"]


def test_the_word_of_the_playbook_counts(summary: RunSummary) -> None:
    """remediate.yml knows more than one module: first aid may have repaired, and an error may have changed nothing."""
    summary.ok("web1", REPAIR, repaired([], []))
    summary.ok("web1", "ansible.builtin.set_fact", said("repaired"))
    summary.failed("web2", REPAIR, {"kind": "no_source", "msg": "secret"})
    summary.ok("web2", "ansible.builtin.set_fact", said("not helped"))
    summary.ok("web3", "ansible.builtin.set_fact", said("unreachable"))
    lines = summary.lines()
    assert lines[0] == "3 hosts: 1 not helped, 1 unreachable, 1 repaired"
    assert "  error no_source: web2" in lines


def test_states_are_those_of_the_report_without_a_playbook_too(summary: RunSummary) -> None:
    summary.failed("web1", REPAIR, {"kind": "no_source", "changed_nothing": True})
    summary.failed("web2", REPAIR, {"kind": "not_proven", "changed_nothing": False})
    # It only tidied up behind a killed run.
    summary.ok("web3", REPAIR, repaired([], [], changed=True))
    summary.failed("web4", FACTS, {"kind": "rpmdb_unreadable", "changed_nothing": True})
    assert summary.lines()[0] == "4 hosts: 2 failed, 1 not helped, 1 repaired"


def test_other_systems_are_no_failure_of_the_collection(summary: RunSummary) -> None:
    summary.ok("web1", FACTS, {"kind": "not_applicable", "msg": "No packages of rpm."})
    summary.failed("web2", FACTS, {"kind": "unknown_platform", "changed_nothing": True})
    summary.failed("web3", REPAIR, {"kind": "not_applicable", "changed_nothing": True})
    lines = summary.lines()
    assert lines[0] == "3 hosts: 1 unknown platform, 2 not applicable"
    assert [line for line in lines if "error" in line] == ["  error unknown_platform: web2"]


def test_what_the_audit_playbook_says_is_told_in_the_same_words(summary: RunSummary) -> None:
    summary.ok("web1", FACTS, audited("SP201"))
    summary.ok("web1", "ansible.builtin.set_fact", said("drift found"))
    summary.failed("web2", FACTS, {"kind": "rpmdb_unreadable"})
    summary.ok("web2", "ansible.builtin.set_fact", said("failed"))
    assert summary.lines()[0] == "2 hosts: 1 failed, 1 drift found"


def test_a_failure_after_a_repair_does_not_hide_it(summary: RunSummary) -> None:
    summary.ok("web1", REPAIR, repaired(["SP101"], []))
    summary.failed("web1", "ansible.builtin.fail", {"msg": "Not well"})
    summary.failed("localhost", "ansible.builtin.fail", {"msg": "Not well: web1"})
    assert summary.lines()[0] == "1 host: 1 repaired"


def test_a_host_that_came_back_is_not_unreachable(summary: RunSummary) -> None:
    summary.unreachable("web1", FACTS)
    summary.ok("web1", FACTS, audited())
    assert summary.lines()[0] == "1 host: 1 healthy"


def test_messages_are_never_told(summary: RunSummary) -> None:
    summary.ok("web1", FACTS, {**audited("SP201"), "msg": "secret", "invocation": {"module_args": {"x": "secret"}}})
    summary.failed(
        "web2", REPAIR, {"kind": "repository", "msg": "https://user:secret@repo", "details": {"a": "secret"}}
    )
    summary.failed("web3", "ansible.builtin.uri", {"msg": "secret"})
    assert "secret" not in "\n".join(summary.lines())


def test_nobody_could_be_reached(summary: RunSummary) -> None:
    summary.unreachable("web1", FACTS)
    assert summary.lines()[0] == "1 host: 1 unreachable"


def test_many_hosts_are_counted_and_hostile_names_are_printed_safely() -> None:
    summary = RunSummary(shown=2)
    for name in ("c", "b", "a\x1b[31m"):
        summary.ok(name, FACTS, audited("SP201"))
    lines = summary.lines()
    assert lines[1] == "  SP201 interpreter-altered  a\\x1b[31m b and 1 more"


def test_the_page_is_named(summary: RunSummary) -> None:
    summary.ok(
        "localhost", "fleet.system_python.python_fleet_page", {"files": {"html": "/r/fleet.html", "sarif": "/r/f"}}
    )
    assert summary.lines() == ["page: /r/fleet.html", "sarif: /r/f"]


@pytest.mark.parametrize("odd", [{"ansible_facts": None}, {"ansible_facts": {"system_python": 3}}, {"findings": 3}, {}])
def test_odd_results_do_no_harm(summary: RunSummary, odd: dict[str, Any]) -> None:
    summary.ok("web1", FACTS, odd)
    summary.ok("web2", REPAIR, odd)
    summary.failed("web3", REPAIR, odd)
    assert summary.lines()
