# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The records of a benchmark, as python_benchmark returns them; docs/benchmark.md describes the keys."""

import typing as t

from .statistics import Times, summarize_times

__all__ = [
    "SCHEMA",
    "BenchmarkPlan",
    "BenchmarkResult",
    "Machine",
    "MeasuredWorkload",
    "OwnScript",
    "PlannedWorkload",
    "RunnerUsed",
    "Subject",
    "Timing",
    "make_timing",
]

# Raised when a key changes its meaning or goes away; new keys do not raise it.
SCHEMA = 1

if t.TYPE_CHECKING:

    class _Description(t.TypedDict, total=False):
        """What an interpreter says of itself."""

        implementation: str
        build: str
        debug: bool
        free_threaded: bool
        optimized: t.Optional[bool]

    class Subject(_Description):
        """An interpreter that is compared. C(note): why nobody vouches for it; C(problem): why it is not measured."""

        path: str
        realpath: t.Optional[str]
        version: t.Optional[str]
        owner: t.Optional[str]
        vouched_by: t.Optional[str]
        verified: bool
        note: t.Optional[str]
        problem: t.Optional[str]

    class OwnScript(t.TypedDict, total=False):
        """A script of the user's; it has a path or a content."""

        name: str
        path: t.Optional[str]
        content: t.Optional[str]
        arguments: t.Optional[t.Sequence[str]]

    class Timing(Times):
        """What one interpreter showed under one workload; times in seconds, the rest as in Comparison."""

        path: str
        times: t.List[float]
        ratio: float
        interval: t.Optional[t.Sequence[float]]
        different: t.Optional[str]
        reason: str

    class PlannedWorkload(t.TypedDict):
        """A workload; C(size) is null for a command."""

        name: str
        title: str
        size: t.Optional[int]

    class MeasuredWorkload(PlannedWorkload):
        """A workload with its timings, and why an interpreter (by its path) has none."""

        results: t.List[Timing]
        problems: t.Dict[str, str]

    class RunnerUsed(t.TypedDict):
        """What took the timings, and why."""

        name: str
        version: t.Optional[str]
        reason: str

    class Machine(t.TypedDict):
        """The host; the loads are those of the last 1, 5 and 15 minutes."""

        architecture: str
        kernel: str
        processor: t.Optional[str]
        processors: int
        load_before: t.Sequence[float]
        load_after: t.Sequence[float]

    class BenchmarkResult(t.TypedDict):
        """The whole. C(began) in seconds of Unix time."""

        schema: int
        machine: Machine
        began: float
        seconds: float
        user: str
        runner: RunnerUsed
        rounds: int
        warmups: int
        tolerance: float
        clock: str
        confidence: float
        baseline: str
        interpreters: t.List[Subject]
        workloads: t.List[MeasuredWorkload]

    class BenchmarkPlan(t.TypedDict):
        """What would be measured."""

        schema: int
        interpreters: t.List[Subject]
        baseline: str
        workloads: t.List[PlannedWorkload]
        rounds: int
        warmups: int
        processes: int
        user: str

else:
    Subject = OwnScript = Timing = PlannedWorkload = MeasuredWorkload = dict
    RunnerUsed = Machine = BenchmarkResult = BenchmarkPlan = dict


def make_timing(
    path: str,
    times: t.Sequence[float],
    ratio: float = 1.0,
    interval: t.Optional[t.Sequence[float]] = None,
    different: t.Optional[str] = None,
    reason: str = "baseline",
) -> Timing:
    """Return the timing of an interpreter with these C(times) in seconds, by default the baseline's."""
    return Timing(
        path=path,
        times=list(times),
        ratio=ratio,
        interval=interval,
        different=different,
        reason=reason,
        **summarize_times(times),
    )
