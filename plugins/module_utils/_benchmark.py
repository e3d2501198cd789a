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

from ansible_collections.fleet.system_python.plugins.module_utils._benchmark_runners import (
    BuiltinRunner,
    MeasurementError,
    PyperfRunner,
    PyperfSource,
    RunnerUnusableError,
    Workload,
    ask_worker,
)
from ansible_collections.fleet.system_python.plugins.module_utils._benchmark_stage import Runner, Stage, open_stage
from ansible_collections.fleet.system_python.plugins.module_utils._benchmark_statistics import (
    CONFIDENCE,
    compare,
    summarize_times,
)
from ansible_collections.fleet.system_python.plugins.module_utils._benchmark_subjects import Subject, choose, vouch
from ansible_collections.fleet.system_python.plugins.module_utils._confined import (
    account_of,
    refuse_to_run,
    run_confined,
)
from ansible_collections.fleet.system_python.plugins.module_utils._errors import InvalidDataError, SystemPythonError
from ansible_collections.fleet.system_python.plugins.module_utils._facts import safe
from ansible_collections.fleet.system_python.plugins.module_utils._text import printable

__all__ = [
    "SCHEMA",
    "WORKLOAD_NAMES",
    "BaselineFailedError",
    "Settings",
    "benchmark",
    "plan",
    "short_facts",
    "summarize",
    "summarize_plan",
]

# Raised when a key changes its meaning or goes away; new keys do not raise it.
SCHEMA = 1

_PROGRAMS = {
    "nbody": ("n-body, three bodies, {0:,} steps", 900000),
    "words": ("dict, str and sort, {0:,} words", 1000000),
    "files": ("{0:,} files of 4 KiB written, read, removed", 2000),
}
_COMMANDS = {
    "startup": ("start-up", ("-c", "pass")),
    "startup_isolated": ("start-up without site (-I -S)", ("-I", "-S", "-c", "pass")),
}
WORKLOAD_NAMES = tuple(_PROGRAMS) + tuple(_COMMANDS)

_CLOCKS = {"wall": "times", "cpu": "processor times"}

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")


class BaselineFailedError(SystemPythonError):
    """The interpreter that all others are compared with gave no timing; details: interpreter, reason."""

    kind = "baseline_failed"


class Settings(t.NamedTuple):
    """The options of the module python_benchmark."""

    interpreters: t.Optional[t.Sequence[str]] = None
    baseline: t.Optional[str] = None
    workloads: t.Sequence[str] = ("nbody", "words", "files", "startup")
    scripts: t.Sequence[t.Mapping[str, t.Any]] = ()
    scale: float = 1.0
    fsync: bool = False
    rounds: int = 9
    warmups: int = 1
    tolerance: float = 0.02
    clock: str = "wall"
    runner: str = "auto"
    pyperf: PyperfSource = PyperfSource(None, False)
    user: str = "nobody"
    folder: str = "/var/tmp"  # noqa: S108  # the files that are measured shall be on a disk
    niceness: int = 0
    timeout: float = 300.0


# ---------------------------------------------------------------------------------------------------------------------
# What would be done


def check(settings: Settings) -> None:
    """Raise InvalidDataError for options that make no sense; the message names the option."""
    limits = (
        ("rounds", settings.rounds, 1, 1000),
        ("warmups", settings.warmups, 0, 100),
        ("scale", settings.scale, 0.0001, 1000),
        ("tolerance", settings.tolerance, 0, 1),
        ("timeout", settings.timeout, 1, 86400),
        ("niceness", settings.niceness, -20, 19),
    )
    for name, value, least, most in limits:
        if not least <= value <= most:
            raise InvalidDataError(
                "{0} is {1}; it must be from {2} to {3}.".format(name, value, least, most), option=name
            )
    unknown = [name for name in settings.workloads if name not in WORKLOAD_NAMES]
    if unknown:
        raise InvalidDataError("No such workload: {0}.".format(", ".join(map(printable, unknown))), option="workloads")
    names = list(settings.workloads) + [script["name"] for script in settings.scripts]
    for name in names:
        if not _NAME.fullmatch(name) or names.count(name) > 1:
            raise InvalidDataError(
                "A workload cannot be called '{0}': names differ, and have letters, digits, '_', '.' and '-'.".format(
                    printable(name)
                ),
                option="scripts",
            )
    if not names:
        raise InvalidDataError("There is nothing to measure: name workloads or scripts.", option="workloads")


def workloads_of(settings: Settings, scripts: t.Mapping[str, str]) -> t.List[Workload]:
    """Return what is measured; C(scripts) has the paths of the user's own by their names."""
    found = []
    for name in settings.workloads:
        if name in _PROGRAMS:
            title, size = _PROGRAMS[name]
            size = max(1, int(size * settings.scale))
            fsync = settings.fsync and name == "files"
            found.append(Workload(name, title.format(size) + (", with fsync" if fsync else ""), size, fsync=fsync))
        else:
            title, arguments = _COMMANDS[name]
            found.append(Workload(name, title, arguments=arguments))
    for script in settings.scripts:
        arguments = ("-B", scripts[script["name"]]) + tuple(script.get("arguments") or ())
        found.append(Workload(script["name"], "own script {0}".format(script["name"]), arguments=arguments))
    return found


def plan(settings: Settings) -> t.Dict[str, t.Any]:
    """Return what a run would measure, without starting anything."""
    check(settings)
    subjects = choose(settings.interpreters, settings.baseline)
    if subjects[0]["problem"]:
        raise _baseline_failed(subjects[0], subjects[0]["problem"])
    vouch(subjects)
    workloads = workloads_of(settings, {script["name"]: "" for script in settings.scripts})
    usable = [subject for subject in subjects if subject["problem"] is None]
    processes = len(usable) * (1 + len(workloads) * (settings.rounds + settings.warmups))
    found: t.Dict[str, t.Any] = safe(
        {
            "schema": SCHEMA,
            "interpreters": subjects,
            "baseline": subjects[0]["path"],
            "workloads": [{"name": one.name, "title": one.title, "size": one.size} for one in workloads],
            "rounds": settings.rounds,
            "warmups": settings.warmups,
            "processes": processes,
            "user": account_of(settings.user).name,
        }
    )
    return found


# ---------------------------------------------------------------------------------------------------------------------
# The run


def benchmark(settings: Settings, runner: Runner = run_confined) -> t.Dict[str, t.Any]:
    """Measure, and return the whole result; docs/benchmark.md describes its keys.

    C(runner) starts processes; tests give made-up timings with it. Raises SystemPythonError.
    """
    check(settings)
    account = account_of(settings.user)
    subjects = choose(settings.interpreters, settings.baseline)
    vouch(subjects)
    texts = {script["name"]: _script(script) for script in settings.scripts}
    began, load = time.time(), os.getloadavg()
    with open_stage(settings.folder, account, settings.timeout, settings.niceness, runner) as stage:
        _describe(stage, subjects)
        usable = [subject for subject in subjects if subject["problem"] is None]
        scripts = {name: stage.put("script-{0}.py".format(name), text) for name, text in texts.items()}
        taker, reason = _taker(stage, usable, settings)
        results = [_measure(taker, workload, usable, settings) for workload in workloads_of(settings, scripts)]  # type: t.List[t.Dict[str, t.Any]]
    found: t.Dict[str, t.Any] = safe(
        {
            "schema": SCHEMA,
            "machine": dict(_machine(), load_before=load, load_after=os.getloadavg()),
            "began": began,
            "seconds": time.time() - began,
            "user": account.name,
            "runner": {"name": taker.name, "version": taker.version, "reason": reason},
            "rounds": settings.rounds,
            "warmups": settings.warmups,
            "tolerance": settings.tolerance,
            "clock": settings.clock,
            "confidence": CONFIDENCE,
            "baseline": subjects[0]["path"],
            "interpreters": subjects,
            "workloads": results,
        }
    )
    return found


def _script(script: t.Mapping[str, t.Any]) -> str:
    """Return the text of the user's script; raises InvalidDataError."""
    if script.get("content") is not None:
        return str(script["content"])
    try:
        with open(script["path"], encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read()
    except OSError as error:
        raise InvalidDataError(
            "The script {0} cannot be read: {1}.".format(printable(script["path"]), error.strerror), option="scripts"
        ) from error


def _describe(stage: Stage, subjects: t.Sequence[Subject]) -> None:
    """Start each interpreter once and note what it is, or why it does not take part."""
    for subject in subjects:
        if subject["problem"] is None:
            subject["problem"] = _refusal(subject)
        if subject["problem"] is None:
            try:
                subject.update(_description(ask_worker(stage, subject["path"], ["describe"])))
            except MeasurementError as error:
                subject["problem"] = error.message
    first = subjects[0]
    for subject in subjects:
        results = subject.pop("results", None)
        if subject is first:
            expected = results
        elif subject["problem"] is None and results != expected:
            subject["problem"] = "it computes {0}, the baseline {1}".format(results, expected)
    if first["problem"]:
        raise _baseline_failed(first, first["problem"])


def _refusal(subject: Subject) -> t.Optional[str]:
    try:
        return refuse_to_run(subject["realpath"])
    except OSError as error:
        return "it cannot be looked at: {0}".format(error.strerror)


def _description(answer: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    """Return what an interpreter says of itself, checked: it may be anything."""
    kinds = {"version": str, "implementation": str, "build": str, "debug": bool, "free_threaded": bool}
    if not isinstance(answer.get("results"), dict) or any(
        not isinstance(answer.get(key), kind) for key, kind in kinds.items()
    ):
        raise MeasurementError("it printed something else than the measuring program does")
    described = {key: answer[key] for key in kinds}
    described["optimized"] = answer.get("optimized") if isinstance(answer.get("optimized"), bool) else None
    described["results"] = answer["results"]
    return described


def _baseline_failed(subject: Subject, reason: str) -> BaselineFailedError:
    return BaselineFailedError(
        "The baseline {0} cannot be measured: {1}. Name another one in the option 'baseline'.".format(
            printable(subject["path"]), reason
        ),
        interpreter=safe(subject["path"]),
        reason=reason,
    )


def _taker(
    stage: Stage, subjects: t.Sequence[Subject], settings: Settings
) -> t.Tuple[t.Union[BuiltinRunner, PyperfRunner], str]:
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


def _measure(
    taker: t.Union[BuiltinRunner, PyperfRunner],
    workload: Workload,
    subjects: t.Sequence[Subject],
    settings: Settings,
) -> t.Dict[str, t.Any]:
    """Measure one workload: rounds in which each interpreter runs once, each round beginning with another one."""
    times = {subject["path"]: [] for subject in subjects}  # type: t.Dict[str, t.List[float]]
    problems = {}  # type: t.Dict[str, str]
    for turn in range(-settings.warmups, settings.rounds):
        shift = turn % len(subjects)
        for subject in list(subjects[shift:]) + list(subjects[:shift]):
            path = subject["path"]
            if path in problems:
                continue
            try:
                seconds = taker.measure(subject, workload)
            except MeasurementError as error:
                if subject is subjects[0]:
                    raise _baseline_failed(subject, "{0}: {1}".format(workload.name, error.message)) from error
                problems[path] = error.message
                continue
            if turn >= 0:
                times[path].append(seconds)
    baseline = times[subjects[0]["path"]]
    results = [
        _result(subject["path"], times[subject["path"]], baseline, settings.tolerance, subject is subjects[0])
        for subject in subjects
        if subject["path"] not in problems
    ]
    return {
        "name": workload.name,
        "title": workload.title,
        "size": workload.size,
        "results": results,
        "problems": problems,
    }


def _result(
    path: str, times: t.Sequence[float], baseline: t.Sequence[float], tolerance: float, is_baseline: bool
) -> t.Dict[str, t.Any]:
    found = dict(summarize_times(times), path=path, times=list(times))  # type: t.Dict[str, t.Any]
    if is_baseline:
        found.update(ratio=1.0, interval=None, different=None, reason="baseline")
    else:
        found.update(compare(times, baseline, tolerance)._asdict())
    return found


def _machine() -> t.Dict[str, t.Any]:
    return {
        "architecture": platform.machine(),
        "kernel": platform.release(),
        "processor": _processor(),
        "processors": len(os.sched_getaffinity(0)),
    }


def _processor() -> t.Optional[str]:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as stream:
            found = re.search(r"^model name\s*:\s*(.+)$", stream.read(), re.MULTILINE)
    except FileNotFoundError:
        # No proc file system: the name is a remark only.
        return None
    return found.group(1).strip() if found else None


# ---------------------------------------------------------------------------------------------------------------------
# What is told


def short_facts(result: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    """Return the small part of the result that is kept as facts."""
    return {
        "schema": SCHEMA,
        "runner": result["runner"]["name"],
        "clock": result["clock"],
        "baseline": result["baseline"],
        "interpreters": {one["path"]: one["version"] for one in result["interpreters"]},
        "unverified": [one["path"] for one in result["interpreters"] if not one["verified"]],
        "problems": _problems(result),
        "workloads": {
            workload["name"]: {
                one["path"]: {key: one[key] for key in ("median", "spread", "ratio", "interval", "different")}
                for one in workload["results"]
            }
            for workload in result["workloads"]
        },
    }


def _problems(result: t.Mapping[str, t.Any]) -> t.Dict[str, str]:
    """Return why an interpreter is missing, by its path or by its path and the workload."""
    found = {one["path"]: one["problem"] for one in result["interpreters"] if one["problem"]}
    for workload in result["workloads"]:
        for path, reason in workload["problems"].items():
            found["{0} ({1})".format(path, workload["name"])] = reason
    return found


def summarize_plan(planned: t.Mapping[str, t.Any]) -> t.List[str]:
    """Return the plan as lines for people."""
    lines = [
        "would run {0} processes as user {1}: {2} rounds after {3} to warm up, baseline {4}".format(
            planned["processes"], planned["user"], planned["rounds"], planned["warmups"], planned["baseline"]
        )
    ]
    lines.extend("workload {0}: {1}".format(one["name"], one["title"]) for one in planned["workloads"])
    for one in planned["interpreters"]:
        vouched = one["problem"] or one["owner"] or "unverified: {0}".format(one["note"])
        lines.append("interpreter {0}: {1}".format(one["path"], vouched))
    return lines


def summarize(result: t.Mapping[str, t.Any]) -> t.List[str]:
    """Return the result as lines for people."""
    versions = {one["path"]: "{0} ({1})".format(one["version"], one["path"]) for one in result["interpreters"]}
    lines = [
        "ratios of {0} to those of Python {1}, runner {2}, {3} rounds as user {4}".format(
            _CLOCKS[result["clock"]],
            versions[result["baseline"]],
            result["runner"]["name"],
            result["rounds"],
            result["user"],
        )
    ]
    for workload in result["workloads"]:
        lines.append("{0}:".format(workload["title"]))
        lines.extend("  " + _line(one, versions[one["path"]]) for one in workload["results"])
    lines.extend("not measured: {0}: {1}".format(path, reason) for path, reason in sorted(_problems(result).items()))
    for one in result["interpreters"]:
        if not one["verified"]:
            lines.append("unverified, run as {0} only: {1}: {2}".format(result["user"], one["path"], one["note"]))
    return lines


def _line(one: t.Mapping[str, t.Any], name: str) -> str:
    spread = "median {0:.4g} s, spread {1:.2g} s".format(one["median"], one["spread"])
    if one["different"] is None:
        return "{0}: baseline, {1}".format(name, spread)
    interval = "{0:.2f} to {1:.2f}".format(*one["interval"]) if one["interval"] else "unknown"
    words = {"true": one["reason"], "false": "no difference", "undecided": "undecided: {0}".format(one["reason"])}
    return "{0}: ratio {1:.2f} [{2}], {3}, {4}".format(name, one["ratio"], interval, words[one["different"]], spread)
