# Copyright (c) 2026, The fleet.system_python contributors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import gates
import pytest
from environment import SKIPPED, ToolError
from gate_table import Gate, all_gates, select

PASSES, FAILS = ("true",), ("false",)
TIMING = '<properties><property name="timing" value="a race"/></properties>'
REPORT = """\
<testsuites><testsuite tests="3" failures="1" errors="0" skipped="1"><testcase name="test_a"/>
<testcase name="test_b">{}<failure message="assert 1 == 2&#10;more"/></testcase></testsuite></testsuites>
"""
# Runs a gate whose command would live on.
PARENT = """\
import signal
from pathlib import Path
import gates
# A shell lets its background commands ignore it, and what they start inherits that.
signal.signal(signal.SIGINT, signal.default_int_handler)
gates.BUILD, gates.LOGS, gates.ROOT = Path.cwd(), Path.cwd(), Path.cwd()
gates.Runner([gates.Gate("a", "", ("sh", "-c", "sleep 60 & echo $! > pid; wait"))], 1).run()
"""


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(gates, "BUILD", tmp_path)
    monkeypatch.setattr(gates, "LOGS", tmp_path / "logs")
    monkeypatch.setattr(gates, "ROOT", tmp_path)
    return tmp_path


def shell(script: str) -> tuple[str, ...]:
    return ("sh", "-c", script)


def run(*table: Gate, workers: int = 2) -> dict[str, gates.Outcome]:
    return {outcome.gate.name: outcome for outcome in gates.Runner(table, workers).run()}


def alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text(encoding="utf-8")


def wait_for(path: Path) -> str:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if path.exists() and path.read_text(encoding="utf-8").strip():
            return path.read_text(encoding="utf-8").strip()
        time.sleep(0.05)
    pytest.fail(f"{path} was not written")


def test_gates_wait_for_what_they_need(tree: Path) -> None:
    outcomes = run(
        Gate("b", "", shell("echo second >> order"), needs=("a",)),
        Gate("a", "", shell("sleep 0.2; echo first >> order")),
    )
    assert all(outcome.ok for outcome in outcomes.values())
    assert (tree / "order").read_text(encoding="utf-8").split() == ["first", "second"]


def test_a_gate_whose_need_failed_fails_without_running() -> None:
    outcomes = run(Gate("a", "", FAILS, judges=False), Gate("b", "", PASSES, needs=("a",)), Gate("c", "", PASSES))
    assert [outcomes[name].ok for name in "abc"] == [False, False, True]
    assert outcomes["b"].note == "not run, because a failed"


def test_no_more_gates_than_workers_run_at_a_time() -> None:
    alone = shell("test ! -e busy && touch busy && sleep 0.1 && rm busy")
    assert all(outcome.ok for outcome in run(*(Gate(name, "", alone) for name in "abc"), workers=1).values())


def test_the_output_is_in_the_log(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not run(Gate("a", "", shell("seq 100; echo said >&2; exit 3")))["a"].ok
    assert (tree / "logs/a.log").read_text(encoding="utf-8").splitlines()[-1] == "said"
    shown = capsys.readouterr().out
    assert "... 41 lines above" in shown
    assert "(all of it: logs/a.log)" in shown


def test_a_complaint_in_the_log_fails_a_gate() -> None:
    outcomes = run(
        *(Gate(name, "", ("echo", name), complaint="(WARNING|ERROR)") for name in ("WARNING: x", "no WARNING"))
    )
    assert [outcome.ok for outcome in outcomes.values()] == [False, True]


def test_a_gate_that_cannot_run_here_is_skipped() -> None:
    outcome = run(Gate("a", "", shell(f"echo because; exit {SKIPPED}")))["a"]
    assert (outcome.ok, outcome.counts, outcome.note) == (True, Counter(skipped=1), "because")


def test_the_time_limit_ends_the_command_and_what_it_started(tree: Path) -> None:
    assert not run(Gate("a", "", shell("sleep 60 & echo $! > pid; wait"), minutes=0))["a"].ok
    assert "it took more than" in (tree / "logs/a.log").read_text(encoding="utf-8")
    assert not alive(int(wait_for(tree / "pid")))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_behind(tree: Path, number: signal.Signals) -> None:
    env = {**os.environ, "PYTHONPATH": str(Path(gates.__file__).parent)}
    parent = subprocess.Popen([sys.executable, "-c", PARENT], cwd=tree, env=env, stderr=subprocess.DEVNULL)
    child = int(wait_for(tree / "pid"))
    parent.send_signal(number)
    assert parent.wait(15) != 0
    assert not alive(child)


def reporting(tree: Path, timing: str) -> tuple[str, ...]:
    """A command that fails and reports it as pytest does; the second time it passes."""
    (tree / "report").write_text(REPORT.format(timing), encoding="utf-8")
    return shell("[ -e again ] && exit; touch again; cp report results/a.xml; exit 1")


def test_a_failure_that_is_known_to_depend_on_time_has_one_second_attempt(tree: Path) -> None:
    outcomes = run(Gate("a", "", reporting(tree, TIMING)))
    assert outcomes["a"].ok
    assert gates.counted(outcomes["a"].counts) == "2 passed, 0 failed, 1 skipped"
    table = gates.summary(list(outcomes.values()), 1)
    assert "second attempt of test_b (a race): assert 1 == 2" in table
    assert (tree / "logs/a-again.log").exists()


def test_another_failure_has_none(tree: Path) -> None:
    outcome = run(Gate("a", "", reporting(tree, "")))["a"]
    assert (outcome.ok, gates.counted(outcome.counts)) == (False, "1 passed, 1 failed, 1 skipped")
    assert not (tree / "logs/a-again.log").exists()


def test_the_checks_that_are_known_to_depend_on_time_exist() -> None:
    folder = Path(gates.__file__).parents[1] / "hosts_checks"
    names = re.findall(r'^    "(test_\w+)": ', (folder / "conftest.py").read_text(encoding="utf-8"), re.MULTILINE)
    checks = "".join(path.read_text(encoding="utf-8") for path in folder.glob("test_*.py"))
    assert names
    assert [name for name in names if f"def {name}(" not in checks] == []


def test_the_last_line_counts() -> None:
    outcomes = run(Gate("a", "", PASSES), Gate("b", "", FAILS), Gate("c", "", PASSES, judges=False))
    assert gates.summary(list(outcomes.values()), 61.2).splitlines()[-2:] == [
        "whole run: 1m01s",
        "1 passed, 1 failed, 0 skipped",
    ]


def test_select_takes_needs_along_and_keeps_the_order() -> None:
    table = [Gate("a", "", PASSES), Gate("b", "", PASSES, needs=("a",)), Gate("c", "", PASSES)]
    assert [gate.name for gate in select(table, ["c", "b"])] == ["a", "b", "c"]
    with pytest.raises(ToolError, match=r"no gate or group x; groups: lint; gates: a, b, c"):
        select(table, ["x"])


def test_the_table_is_consistent() -> None:
    table = all_gates()
    names = [gate.name for gate in table]
    assert len(names) == len(set(names))
    assert all(names.index(need) < names.index(gate.name) for gate in table for need in gate.needs)
    assert {gate.group for gate in table} == {"lint", "unit", "hosts", "hosts-checks", "scenarios"}
    assert {gate.group for gate in select(table, ["lint"])} == {"lint"}
