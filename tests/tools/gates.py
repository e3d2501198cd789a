"""Run the gates side by side: gates.py [--only NAME,...] [--list] [--workers N].

Each gate's whole output goes to build/logs/<gate>.log. The last line counts: N passed, N failed, N skipped.

Hosts are slow where the machine is busy, and a time limit or a race may then fail a check that is right. So what failed
on hosts runs once more, alone, and the table says so. Nothing runs a third time.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from environment import BUILD, LOGS, ROOT, ToolError
from gate_table import Gate, all_gates, select
from processes import nothing_left_behind, run_logged, say, tail
from results import AGAIN_VARIABLE, RESULT_VARIABLE, Counts, collect

TAIL = 60
# More failures than this at once are no bad luck.
SECOND_ATTEMPTS = 4


@dataclass(frozen=True)
class Outcome:
    gate: Gate
    ok: bool
    seconds: float
    counts: Counts
    note: str = ""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Run the gates side by side.")
    parser.add_argument("--only", help="these gates or groups of gates, and what they need")
    parser.add_argument("--list", action="store_true", help="print the gates and run none")
    parser.add_argument("--workers", type=int, default=2, help="how many run at a time (default: %(default)s)")
    options = parser.parse_args(arguments)
    try:
        gates = select(all_gates(), options.only.split(",")) if options.only else all_gates()
    except ToolError as error:
        print(f"gates: {error}", file=sys.stderr)
        return 2
    if options.list:
        print("\n".join(f"{gate.name:<28}{gate.group:<14}{gate.about}" for gate in gates))
        return 0
    started = time.monotonic()
    with nothing_left_behind():
        outcomes = Runner(gates, max(1, options.workers)).run()
    print(summary(outcomes, time.monotonic() - started))
    return 0 if all(outcome.ok for outcome in outcomes) else 1


class Runner:
    """Starts each gate as soon as what it needs has succeeded and a worker is free."""

    def __init__(self, gates: Iterable[Gate], workers: int) -> None:
        self.waiting = list(gates)
        self.workers = workers
        self.running: dict[Future[Outcome], Gate] = {}
        self.outcomes: list[Outcome] = []

    def run(self) -> list[Outcome]:
        pool = ThreadPoolExecutor(max_workers=self.workers)
        try:
            while self.waiting or self.running:
                self._give_up()
                self._start(pool)
                if self.running:
                    self._finish()
            self._run_again()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        return self.outcomes

    def _run_again(self) -> None:
        """Give gates that failed on hosts their second attempt, one after the other."""
        failed = [outcome for outcome in self.outcomes if not outcome.ok and outcome.gate.on_hosts and not outcome.note]
        if len(failed) > SECOND_ATTEMPTS:
            return
        for first in failed:
            second = run_gate(first.gate, again=True)
            note = f"{second.counts}; failed at first, see {first.gate.name}.log"
            counts = Counts(first.counts.passed, 0, first.counts.skipped) + second.counts
            outcome = Outcome(first.gate, second.ok, first.seconds + second.seconds, counts, note)
            self.outcomes[self.outcomes.index(first)] = outcome

    def _start(self, pool: ThreadPoolExecutor) -> None:
        succeeded = {outcome.gate.name for outcome in self.outcomes if outcome.ok}
        for gate in list(self.waiting):
            if len(self.running) < self.workers and succeeded.issuperset(gate.needs):
                self.waiting.remove(gate)
                self.running[pool.submit(run_gate, gate)] = gate

    def _finish(self) -> None:
        for future in wait(self.running, return_when=FIRST_COMPLETED).done:
            del self.running[future]
            self.outcomes.append(future.result())

    def _give_up(self) -> None:
        """Fail the gates that wait for one that failed."""
        broken = {outcome.gate.name for outcome in self.outcomes if not outcome.ok}
        for gate in list(self.waiting):
            causes = sorted(broken.intersection(gate.needs))
            if causes:
                self.waiting.remove(gate)
                note = f"not run, because {', '.join(causes)} failed"
                say(f"FAILED  {gate.name}: {note}")
                self.outcomes.append(Outcome(gate, False, 0.0, Counts(failed=1), note))


def run_gate(gate: Gate, again: bool = False) -> Outcome:
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{gate.name}{'-again' if again else ''}.log"
    result = BUILD / "results" / f"{gate.name}.json"
    result.parent.mkdir(parents=True, exist_ok=True)
    result.unlink(missing_ok=True)
    say(f"{'again' if again else 'start'}   {gate.name}: {gate.about}")
    started = time.monotonic()
    ok = run_commands(
        gate, log, {**os.environ, RESULT_VARIABLE: str(result), **({AGAIN_VARIABLE: "1"} if again else {})}
    )
    seconds = time.monotonic() - started
    counts = collect(result, ok) if gate.judges or not ok else Counts()
    say(f"{'passed' if ok else 'FAILED'}  {gate.name} ({duration(seconds)}){_remark(log)}")
    if not ok:
        say(tail(log, TAIL, ROOT))
    return Outcome(gate, ok, seconds, counts)


def run_commands(gate: Gate, log: Path, env: dict[str, str]) -> bool:
    with log.open("wb", buffering=0) as output:
        for command in gate.commands:
            output.write(f"$ {' '.join(command)}\n".encode())
            code = run_logged(command, output, ROOT, env, gate.minutes * 60)
            if code:
                output.write(f"exit code {code}\n".encode())
                return False
    return True


def summary(outcomes: Sequence[Outcome], seconds: float) -> str:
    width = max((len(outcome.gate.name) for outcome in outcomes), default=0) + 2
    lines = ["", f"{'gate':<{width}}{'result':<8}{'time':>8}  counts"]
    for outcome in outcomes:
        result = "passed" if outcome.ok else "FAILED"
        counts = str(outcome.counts) if outcome.gate.judges else ""
        note = outcome.note or counts
        lines.append(f"{outcome.gate.name:<{width}}{result:<8}{duration(outcome.seconds):>8}  {note}".rstrip())
    total = sum((outcome.counts for outcome in outcomes), Counts())
    return "\n".join([*lines, "", f"whole run: {duration(seconds)}", str(total)])


def _remark(log: Path) -> str:
    """What a gate that had nothing to do said about it."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((f": {line}" for line in lines if line.startswith("nothing to ")), "")


def duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
