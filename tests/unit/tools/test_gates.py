# Copyright (c) 2026, The fleet.system_python contributors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
import json
from pathlib import Path

import gates
import pytest
from environment import ToolError
from gate_table import GROUPS, Gate, all_gates, select
from results import Counts, collect, from_junit

PASSES, FAILS = (("true",),), (("false",),)


@pytest.fixture(autouse=True)
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(gates, "BUILD", tmp_path)
    monkeypatch.setattr(gates, "LOGS", tmp_path / "logs")
    monkeypatch.setattr(gates, "ROOT", tmp_path)
    return tmp_path / "logs"


def run(*table: Gate, workers: int = 2) -> dict[str, gates.Outcome]:
    return {outcome.gate.name: outcome for outcome in gates.Runner(table, workers).run()}


def test_gates_wait_for_what_they_need(logs: Path) -> None:
    mark = (("sh", "-c", "sleep 0.2; echo first >> order"),)
    outcomes = run(Gate("b", "", (("sh", "-c", "echo second >> order"),), needs=("a",)), Gate("a", "", mark))
    assert all(outcome.ok for outcome in outcomes.values())
    assert (logs.parent / "order").read_text(encoding="utf-8").split() == ["first", "second"]


def test_a_gate_whose_need_failed_fails_without_running() -> None:
    outcomes = run(Gate("a", "", FAILS, judges=False), Gate("b", "", PASSES, needs=("a",)), Gate("c", "", PASSES))
    assert [outcomes[name].ok for name in "abc"] == [False, False, True]
    assert outcomes["b"].note == "not run, because a failed"


def test_no_more_gates_than_workers_run_at_a_time() -> None:
    alone = (("sh", "-c", "test ! -e busy && touch busy && sleep 0.1 && rm busy"),)
    assert all(outcome.ok for outcome in run(*(Gate(name, "", alone) for name in "abc"), workers=1).values())


def test_the_first_failing_command_ends_a_gate(logs: Path) -> None:
    outcome = run(Gate("a", "", (("sh", "-c", "echo said; exit 3"), ("touch", "reached"))))["a"]
    assert not outcome.ok
    assert not (logs.parent / "reached").exists()
    text = (logs / "a.log").read_text(encoding="utf-8")
    assert "said" in text
    assert "exit code 3" in text


def test_a_command_that_does_not_exist_fails(logs: Path) -> None:
    assert not run(Gate("a", "", (("no-such-program",),)))["a"].ok
    assert "cannot be started" in (logs / "a.log").read_text(encoding="utf-8")


def test_what_failed_on_hosts_has_one_second_attempt(logs: Path) -> None:
    flaky = (("sh", "-c", 'echo "again: $GATE_AGAIN"; test -n "$GATE_AGAIN"'),)
    outcomes = run(
        Gate("flaky", "", flaky, on_hosts=True), Gate("broken", "", FAILS, on_hosts=True), Gate("judge", "", flaky)
    )
    assert {name: outcome.ok for name, outcome in outcomes.items()} == {"flaky": True, "broken": False, "judge": False}
    assert outcomes["flaky"].note == "1 passed, 0 failed, 0 skipped; failed at first, see flaky.log"
    assert (logs / "flaky.log").read_text(encoding="utf-8").splitlines()[1] == "again: "
    assert (logs / "flaky-again.log").exists()
    assert not (logs / "judge-again.log").exists()
    assert gates.summary(list(outcomes.values()), 1).splitlines()[-1] == "1 passed, 2 failed, 0 skipped"


def test_many_failures_are_no_bad_luck(logs: Path) -> None:
    flaky = (("sh", "-c", 'test -n "$GATE_AGAIN"'),)
    names = [f"gate{number}" for number in range(gates.SECOND_ATTEMPTS + 1)]
    outcomes = run(*(Gate(name, "", flaky, on_hosts=True) for name in names))
    assert not any(outcome.ok for outcome in outcomes.values())
    assert not list(logs.glob("*-again.log"))


def test_the_last_line_counts() -> None:
    outcomes = run(Gate("a", "", PASSES), Gate("b", "", FAILS), Gate("c", "", PASSES, judges=False))
    assert gates.summary(list(outcomes.values()), 61.2).splitlines()[-2:] == [
        "whole run: 1m01s",
        "1 passed, 1 failed, 0 skipped",
    ]


def test_select_takes_needs_along_and_keeps_the_order() -> None:
    table = [Gate("a", "", PASSES), Gate("b", "", PASSES, needs=("a",)), Gate("c", "", PASSES)]
    assert [gate.name for gate in select(table, ["c", "b"])] == ["a", "b", "c"]
    with pytest.raises(ToolError, match=r"no gate or group 'x'; groups: lint, .*; gates: a, b, c"):
        select(table, ["x"])


def test_the_table_is_consistent() -> None:
    table = all_gates()
    names = [gate.name for gate in table]
    assert len(names) == len(set(names))
    assert {need for gate in table for need in gate.needs} <= set(names)
    assert {gate.group for gate in table} <= set(GROUPS)
    assert {gate.group for gate in select(table, ["lint"])} == {"lint"}


@pytest.mark.parametrize(
    ("published", "succeeded", "counts"),
    [
        (None, True, Counts(passed=1)),
        (None, False, Counts(failed=1)),
        ({"passed": 5, "failed": 0, "skipped": 2}, True, Counts(5, 0, 2)),
        ({"passed": 5, "failed": 2, "skipped": 0}, False, Counts(5, 2, 0)),
        ({"passed": 5, "failed": 0, "skipped": 0}, False, Counts(5, 1, 0)),
    ],
)
def test_collect(tmp_path: Path, published: dict[str, int] | None, succeeded: bool, counts: Counts) -> None:
    path = tmp_path / "result.json"
    if published is not None:
        path.write_text(json.dumps(published), encoding="utf-8")
    assert collect(path, succeeded) == counts


def test_junit_errors_count_as_failures(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    suite = '<testsuite tests="7" failures="1" errors="1" skipped="2"/>'
    report.write_text(f"<testsuites>{suite}</testsuites>", encoding="utf-8")
    assert from_junit(report) == Counts(passed=3, failed=2, skipped=2)
