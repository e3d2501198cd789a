# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Compare interpreters: who takes part, what is measured in which order, and what the timings show."""

import os
import platform
import re
import time
import typing as t

from .._base.errors import InvalidDataError, SystemPythonError
from .._base.text import printable, safe
from .._disk.files import read_text
from .._rights.account import unprivileged_account
from .._rights.confined import refuse_to_run, run_confined
from .records import (
    SCHEMA,
    BenchmarkPlan,
    BenchmarkResult,
    Machine,
    MeasuredWorkload,
    OwnScript,
    PlannedWorkload,
    RunnerUsed,
    Subject,
    make_timing,
)
from .runners import BuiltinRunner, MeasurementError, PyperfRunner, RunnerUnusableError, Timer, Workload, describe
from .settings import Settings, check, workloads_of
from .stage import Runner, Stage, open_stage
from .statistics import CONFIDENCE, compare
from .subjects import choose, note_vouchers

__all__ = ["BaselineFailedError", "benchmark", "plan"]


class BaselineFailedError(SystemPythonError):
    """The interpreter that all others are compared with gave no timing; details: interpreter, reason."""

    kind = "baseline_failed"


def plan(settings: Settings) -> BenchmarkPlan:
    """Return what a run would measure, without starting anything."""
    check(settings)
    subjects = choose(settings.interpreters, settings.baseline)
    if subjects[0]["problem"]:
        raise _baseline_failed(subjects[0], subjects[0]["problem"])
    note_vouchers(subjects)
    workloads = workloads_of(settings, {script["name"]: "" for script in settings.scripts})
    usable = [subject for subject in subjects if subject["problem"] is None]
    planned = BenchmarkPlan(
        schema=SCHEMA,
        interpreters=subjects,
        baseline=subjects[0]["path"],
        workloads=[PlannedWorkload(name=one.name, title=one.title, size=one.size) for one in workloads],
        rounds=settings.rounds,
        warmups=settings.warmups,
        processes=len(usable) * (1 + len(workloads) * (settings.rounds + settings.warmups)),
        user=unprivileged_account(settings.user).name,
    )
    return safe(planned)


def benchmark(settings: Settings, runner: Runner = run_confined) -> BenchmarkResult:
    """Measure, and return the whole result.

    C(runner) starts processes; tests give made-up timings with it. Raises SystemPythonError.
    """
    check(settings)
    account = unprivileged_account(settings.user)
    subjects = choose(settings.interpreters, settings.baseline)
    note_vouchers(subjects)
    texts = {script["name"]: _script(script) for script in settings.scripts}
    began, load = time.time(), os.getloadavg()
    with open_stage(settings.folder, account, settings.timeout, settings.niceness, runner) as stage:
        _describe(stage, subjects)
        usable = [subject for subject in subjects if subject["problem"] is None]
        scripts = {name: stage.put(f"script-{name}.py", text) for name, text in texts.items()}
        timer, reason = _choose_timer(stage, usable, settings)
        workloads = [_measure(timer, workload, usable, settings) for workload in workloads_of(settings, scripts)]
    if not any(workload["results"] for workload in workloads):
        raise _baseline_failed(subjects[0], _first_problem(workloads, subjects[0]))
    result = BenchmarkResult(
        schema=SCHEMA,
        machine=_machine(load),
        began=began,
        seconds=time.time() - began,
        user=account.name,
        runner=RunnerUsed(name=timer.name, version=timer.version, reason=reason),
        rounds=settings.rounds,
        warmups=settings.warmups,
        tolerance=settings.tolerance,
        clock=settings.clock,
        confidence=CONFIDENCE,
        baseline=subjects[0]["path"],
        interpreters=subjects,
        workloads=workloads,
    )
    return safe(result)


def _script(script: OwnScript) -> str:
    """Return the text of the user's script; raises InvalidDataError."""
    content, path = script.get("content"), script.get("path") or ""
    try:
        return read_text(path, follow=True) if content is None else content
    except OSError as error:
        raise InvalidDataError(
            f"The script {printable(path)} cannot be read: {error.strerror}.", option="scripts"
        ) from error


def _describe(stage: Stage, subjects: t.Sequence[Subject]) -> None:
    """Start each interpreter once and note what it is, or why it does not take part."""
    computed: t.Dict[str, object] = {}
    first = subjects[0]
    for subject in subjects:
        subject["problem"] = subject["problem"] or _refusal(subject)
        if subject["problem"] is None:
            try:
                computed[subject["path"]] = describe(stage, subject)
            except MeasurementError as error:
                subject["problem"] = error.message
    if first["problem"]:
        raise _baseline_failed(first, first["problem"])
    for subject in subjects:
        results = computed.get(subject["path"])
        if subject["problem"] is None and results != computed[first["path"]]:
            subject["problem"] = f"it computes {results}, the baseline {computed[first['path']]}"


def _refusal(subject: Subject) -> t.Optional[str]:
    try:
        return refuse_to_run(subject["realpath"] or subject["path"])
    except OSError as error:
        return f"it cannot be looked at: {error.strerror}"


def _baseline_failed(subject: Subject, reason: str) -> BaselineFailedError:
    return BaselineFailedError(
        f"The baseline {printable(subject['path'])} cannot be measured: {reason}. Name another one in the option "
        "'baseline'.",
        interpreter=safe(subject["path"]),
        reason=reason,
    )


def _choose_timer(stage: Stage, subjects: t.Sequence[Subject], settings: Settings) -> t.Tuple[Timer, str]:
    """Return what takes the timings, the same for all interpreters, and why."""
    builtin = BuiltinRunner(stage, settings.clock)
    if settings.runner == "builtin":
        return builtin, "asked for"
    try:
        if settings.clock != "wall":
            raise RunnerUnusableError("pyperf measures no processor time", clock=settings.clock)
        return PyperfRunner(stage, subjects, settings.pyperf), "every interpreter has it or got it"
    except RunnerUnusableError as error:
        if settings.runner == "pyperf":
            raise
        return builtin, error.message


def _measure(timer: Timer, workload: Workload, subjects: t.Sequence[Subject], settings: Settings) -> MeasuredWorkload:
    """Measure one workload: rounds in which each interpreter runs once, each round beginning with another one.

    It ends when the baseline fails: there is nothing to compare with.
    """
    times = {subject["path"]: [] for subject in subjects}  # type: t.Dict[str, t.List[float]]
    problems = {}  # type: t.Dict[str, str]
    first = subjects[0]["path"]
    for turn in range(-settings.warmups, settings.rounds):
        shift = turn % len(subjects)
        for subject in list(subjects[shift:]) + list(subjects[:shift]):
            path = subject["path"]
            if path in problems or first in problems:
                continue
            try:
                seconds = timer.measure(subject, workload)
            except MeasurementError as error:
                problems[path] = error.message
                continue
            if turn >= 0:
                times[path].append(seconds)
    if first in problems:
        problems.update({path: "the baseline gave no timing" for path in times if path not in problems})
    baseline = times[first]
    return MeasuredWorkload(
        name=workload.name,
        title=workload.title,
        size=workload.size,
        results=[
            make_timing(path, taken, *(compare(taken, baseline, settings.tolerance) if taken is not baseline else ()))
            for path, taken in times.items()
            if path not in problems
        ],
        problems=problems,
    )


def _first_problem(workloads: t.Sequence[MeasuredWorkload], baseline: Subject) -> str:
    return "{0}: {1}".format(workloads[0]["name"], workloads[0]["problems"][baseline["path"]])


def _machine(load_before: t.Sequence[float]) -> Machine:
    return Machine(
        architecture=platform.machine(),
        kernel=platform.release(),
        processor=_processor(),
        processors=len(os.sched_getaffinity(0)),
        load_before=load_before,
        load_after=os.getloadavg(),
    )


def _processor() -> t.Optional[str]:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", read_text("/proc/cpuinfo"), re.MULTILINE)
    except FileNotFoundError:
        # No proc file system: the name is a remark only.
        return None
    return found.group(1).strip() if found else None
