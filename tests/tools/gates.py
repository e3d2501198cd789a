"""Run the gates side by side: gates.py [--only NAME,...] [--list] [--workers N].

Each gate's whole output goes to build/logs/<gate>.log. The last line counts: N passed, N failed, N skipped.
"""

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

from environment import BUILD, ROOT, SKIPPED, ToolError
from gate_table import Gate, all_gates, select

LOGS = BUILD / "logs"
TAIL = 60
PATIENCE, PAUSE = 5.0, 0.1


class Failure(NamedTuple):
    """A test of pytest that failed; TIMING is why it may do so where nothing is wrong, or empty."""

    name: str
    error: str
    timing: str


class Outcome(NamedTuple):
    """How a gate ended; COUNTS are of passed, failed and skipped."""

    gate: Gate
    ok: bool
    seconds: float
    counts: Counter[str]
    note: str = ""
    failures: Sequence[Failure] = ()


def read_report(report: Path) -> tuple[Counter[str], list[Failure]]:
    """What pytest reported, if it did; errors (a fixture, a collection) count as failed."""
    counts, failures = Counter[str](), []
    root = ET.parse(report).getroot() if report.exists() else ET.Element("testsuites")
    for suite in root.iter("testsuite"):
        tests, failed, errors, skipped = (int(suite.get(k, 0)) for k in ("tests", "failures", "errors", "skipped"))
        counts.update(passed=max(0, tests - failed - errors - skipped), failed=failed + errors, skipped=skipped)
    for case in root.iter("testcase"):
        for broken in (*case.findall("failure"), *case.findall("error")):
            timing = next((one.get("value", "") for one in case.iter("property") if one.get("name") == "timing"), "")
            failures.append(Failure(case.get("name", ""), broken.get("message", "").partition("\n")[0], timing))
    return counts, failures


class Attempt:
    """A gate at work."""

    def __init__(self, gate: Gate, again: bool = False) -> None:
        self.gate = gate
        self.log = LOGS / f"{gate.name}{'-again' if again else ''}.log"
        self.report = BUILD / f"results/{gate.name}.xml"
        for folder in (LOGS, self.report.parent):
            folder.mkdir(parents=True, exist_ok=True)
        self.report.unlink(missing_ok=True)
        options = f"--junit-xml={self.report} --durations=10 -o cache_dir={BUILD}/pytest-cache/{gate.name}"
        env = {**os.environ, "PYTEST_ADDOPTS": f"{options} --last-failed" if again else options}
        say(f"{'again' if again else 'start'}   {gate.name}: {gate.about}")
        self.started = time.monotonic()
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                gate.command,
                cwd=ROOT,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def finished(self) -> bool:
        """Whether it ended; nothing runs longer than its gate may."""
        if self.process.poll() is None and time.monotonic() - self.started > self.gate.minutes * 60:
            self.stop()
            with self.log.open("a", encoding="utf-8") as output:
                output.write(f"stopped: it took more than {self.gate.minutes} minutes\n")
        return self.process.poll() is not None

    def stop(self) -> None:
        """End the command and all that it started: politely first, so that it can put away what it made."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
            for _pause in range(round(PATIENCE / PAUSE)):
                time.sleep(PAUSE)
                # Unless it is waited for, the group seems to live on.
                self.process.poll()
                os.killpg(self.process.pid, 0)
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def outcome(self) -> Outcome:
        code, lines = self.process.wait(), self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        complaints = [line for line in lines if self.gate.complaint and re.match(self.gate.complaint, line)]
        ok = code in (0, SKIPPED) and not complaints
        counts, failures = read_report(self.report)
        if not ok and not counts["failed"]:
            counts.update(failed=1)
        elif code == SKIPPED:
            counts.update(skipped=1)
        elif not counts.total() and self.gate.judges:
            counts.update(passed=1)
        note = lines[-1] if code == SKIPPED and lines else ""
        outcome = Outcome(self.gate, ok, time.monotonic() - self.started, counts, note, failures)
        say(f"{'passed' if ok else 'FAILED'}  {self.gate.name} ({duration(outcome.seconds)}) {note}".rstrip())
        if not ok:
            above = [f"... {len(lines) - TAIL} lines above"] if len(lines) > TAIL else []
            shown = [*above, *lines[-TAIL:], f"(all of it: {self.log.relative_to(ROOT)})"]
            say("\n".join(f"    {line}" for line in shown))
        return outcome


class Runner:
    """Starts each gate as soon as what it needs has succeeded and a worker is free."""

    def __init__(self, gates: Iterable[Gate], workers: int) -> None:
        self.waiting, self.workers = list(gates), workers
        self.running: list[Attempt] = []
        self.outcomes: list[Outcome] = []

    def run(self) -> list[Outcome]:
        previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            while self.waiting or self.running:
                self._start()
                self.outcomes += self._ended()
            self.outcomes = [self._second_attempt(outcome) for outcome in self.outcomes]
        finally:
            signal.signal(signal.SIGTERM, previous)
            for attempt in self.running:
                attempt.stop()
        return self.outcomes

    def _start(self) -> None:
        """Start what may start, and fail the gates that wait for one that failed."""
        for gate in list(self.waiting):
            known = {outcome.gate.name: outcome.ok for outcome in self.outcomes}
            broken = sorted(need for need in gate.needs if known.get(need) is False)
            if broken:
                note = f"not run, because {', '.join(broken)} failed"
                say(f"FAILED  {gate.name}: {note}")
                self.outcomes.append(Outcome(gate, False, 0.0, Counter(failed=1), note))
            elif len(self.running) < self.workers and all(map(known.get, gate.needs)):
                self.running.append(Attempt(gate))
            else:
                continue
            self.waiting.remove(gate)

    def _ended(self) -> list[Outcome]:
        time.sleep(PAUSE)
        ended = [attempt for attempt in self.running if attempt.finished()]
        self.running = [attempt for attempt in self.running if attempt not in ended]
        return [attempt.outcome() for attempt in ended]

    def _second_attempt(self, first: Outcome) -> Outcome:
        """Run alone what failed, if each test of it is known to depend on time (tests/hosts_checks/conftest.py)."""
        if first.ok or not first.failures or not all(failure.timing for failure in first.failures):
            return first
        self.running = [Attempt(first.gate, again=True)]
        second = next(outcomes[0] for outcomes in iter(self._ended, None) if outcomes)
        note = "; ".join(f"second attempt of {one.name} ({one.timing}): {one.error}" for one in first.failures)
        counts = Counter(passed=first.counts["passed"], skipped=first.counts["skipped"]) + second.counts
        return second._replace(seconds=first.seconds + second.seconds, counts=counts, note=note, failures=())


def summary(outcomes: Sequence[Outcome], seconds: float) -> str:
    """The table; what a note says stands below, so that a second attempt is not overlooked."""
    lines = ["", f"{'gate':<26}{'result':<8}{'time':>8}  counts"]
    for outcome in outcomes:
        counts = counted(outcome.counts) if outcome.gate.judges else ""
        result = "passed" if outcome.ok else "FAILED"
        lines.append(f"{outcome.gate.name:<26}{result:<8}{duration(outcome.seconds):>8}  {counts}".rstrip())
        lines += [f"    {outcome.note}"] if outcome.note else []
    total = sum((outcome.counts for outcome in outcomes), Counter[str]())
    return "\n".join([*lines, "", f"whole run: {duration(seconds)}", counted(total)])


def counted(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[word]} {word}" for word in ("passed", "failed", "skipped"))


def say(text: str) -> None:
    """One line of progress, with the time."""
    print(time.strftime("%H:%M:%S"), text, flush=True)


def duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Run the gates side by side.")
    parser.add_argument("--only", help="these gates or groups of gates, and what they need")
    parser.add_argument("--list", action="store_true", help="print the gates and run none")
    parser.add_argument("--workers", type=int, default=3, help="how many run at a time (default: %(default)s)")
    options = parser.parse_args(arguments)
    try:
        gates = select(all_gates(), options.only.split(",")) if options.only else all_gates()
    except ToolError as error:
        print(f"gates: {error}", file=sys.stderr)
        return 2
    if options.list:
        print("\n".join(f"{gate.name:<26}{gate.group:<14}{gate.about}" for gate in gates))
        return 0
    started = time.monotonic()
    outcomes = Runner(gates, max(1, options.workers)).run()
    print(summary(outcomes, time.monotonic() - started))
    return 0 if all(outcome.ok for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
