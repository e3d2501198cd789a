"""What a gate counted: tests passed, failed and skipped, handed from the gate's process to the runner in a file."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

RESULT_VARIABLE = "GATE_RESULT"
# Set for the second attempt of a gate: only what failed has to run.
AGAIN_VARIABLE = "GATE_AGAIN"


@dataclass(frozen=True)
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def from_junit(report: Path) -> Counts:
    """Counts of a pytest run; errors (a fixture, a collection) count as failed."""
    total = Counts()
    for suite in ET.parse(report).getroot().iter("testsuite"):
        tests, failures, errors, skipped = (int(suite.get(k, 0)) for k in ("tests", "failures", "errors", "skipped"))
        broken = failures + errors
        total += Counts(max(0, tests - broken - skipped), broken, skipped)
    return total


def publish(counts: Counts) -> None:
    """Hand the counts to the runner, where one asked for them."""
    target = os.environ.get(RESULT_VARIABLE)
    if target:
        Path(target).write_text(json.dumps(asdict(counts)), encoding="utf-8")


def collect(path: Path, succeeded: bool) -> Counts:
    """The counts that a gate published, or the gate itself as one test; a failed gate has at least one failure."""
    try:
        counts = Counts(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Counts(passed=1) if succeeded else Counts(failed=1)
    if succeeded or counts.failed:
        return counts
    return counts + Counts(failed=1)
