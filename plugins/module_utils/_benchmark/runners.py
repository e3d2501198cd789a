# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What is measured, and the two ways to take one timing: our own, and pyperf's. One timing is one fresh process."""

import json
import math
import typing as t

from .._base.errors import SystemPythonError
from .._base.text import from_json
from .._rights.confined import Ended
from .records import Subject
from .stage import Stage

__all__ = [
    "BuiltinRunner",
    "MeasurementError",
    "PyperfRunner",
    "PyperfSource",
    "RunnerUnusableError",
    "Timer",
    "Workload",
    "describe",
]

_NOT_OURS = "it printed something else than the measuring program does"
_VERSION = "import pyperf; print(pyperf.__version__)"


class MeasurementError(SystemPythonError):
    """One interpreter gave no timing; the message says why, in words that follow its name."""

    kind = "measurement"


class RunnerUnusableError(SystemPythonError):
    """pyperf was asked for and cannot be used; details: interpreter."""

    kind = "no_pyperf"


class Workload(t.NamedTuple):
    """One thing that is measured.

    With C(size) it is a workload of the worker program, which takes its own time. Else it is a command: what follows
    the interpreter is in C(arguments), and the time is the process's.
    """

    name: str
    title: str
    size: t.Optional[int] = None
    arguments: t.Tuple[str, ...] = ()
    fsync: bool = False


class Timer:
    """What takes one timing."""

    name = ""
    version: t.Optional[str] = None

    def measure(self, subject: Subject, workload: Workload) -> float:
        """Return the seconds of one run; raises MeasurementError."""
        raise NotImplementedError


class BuiltinRunner(Timer):
    """Starts the worker program, or the command, itself."""

    name = "builtin"

    def __init__(self, stage: Stage, clock: str = "wall") -> None:
        self._stage = stage
        self._key = "cpu_seconds" if clock == "cpu" else "seconds"

    def measure(self, subject: Subject, workload: Workload) -> float:
        if workload.size is None:
            ended = self._stage.run([subject["path"]] + list(workload.arguments))
            if ended.rc != 0 or ended.timed_out or ended.seconds is None:
                raise MeasurementError(ended.problem())
            return ended.cpu_seconds if self._key == "cpu_seconds" else ended.seconds
        answer = ask_worker(self._stage, subject["path"], _worker_arguments(workload))
        return _seconds(answer.get(self._key))


def _worker_arguments(workload: Workload) -> t.List[str]:
    return ["run", workload.name, str(workload.size)] + (["fsync"] if workload.fsync else [])


def ask_worker(stage: Stage, path: str, arguments: t.Sequence[str]) -> t.Dict[str, object]:
    """Run the worker program under the interpreter C(path) and return what it printed; raises MeasurementError."""
    return _answer_of_worker(stage.run([path, "-I", "-S", "-B", stage.program] + list(arguments)))


def describe(stage: Stage, subject: Subject) -> t.Mapping[str, object]:
    """Note in C(subject) what it says of itself, and return what it computes; raises MeasurementError."""
    answer = ask_worker(stage, subject["path"], ["describe"])
    texts = [one for one in map(answer.get, ("version", "implementation", "build")) if isinstance(one, str)]
    flags = [one for one in map(answer.get, ("debug", "free_threaded")) if isinstance(one, bool)]
    results, optimized = answer.get("results"), answer.get("optimized")
    # It may be anything.
    if len(texts) != 3 or len(flags) != 2 or not isinstance(results, dict):
        raise MeasurementError(_NOT_OURS)
    subject["version"], subject["implementation"], subject["build"] = texts
    subject["debug"], subject["free_threaded"] = flags
    subject["optimized"] = optimized if isinstance(optimized, bool) else None
    return results


def _answer_of_worker(ended: Ended) -> t.Dict[str, object]:
    """Return what the worker program printed on its last line; raises MeasurementError."""
    if ended.rc != 0 or ended.timed_out:
        raise MeasurementError(ended.problem())
    try:
        answer = from_json(ended.out.strip().rpartition("\n")[2])
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise MeasurementError(_NOT_OURS)
    return answer


def _seconds(value: object) -> float:
    if not isinstance(value, float) or not math.isfinite(value) or value <= 0:
        raise MeasurementError("it printed no timing")
    return value


class PyperfSource(t.NamedTuple):
    """Where pyperf may be installed from, into a throw-away venv: a folder of wheels on the host, or pip's index."""

    wheelhouse: t.Optional[str]
    from_index: bool


class PyperfRunner(Timer):
    """Lets pyperf take each timing. Every interpreter must have it, or get it: else RunnerUnusableError."""

    name = "pyperf"

    def __init__(self, stage: Stage, subjects: t.Sequence[Subject], source: PyperfSource) -> None:
        self._stage = stage
        self._pythons = {}  # type: t.Dict[str, str]
        versions = set()
        for number, subject in enumerate(subjects):
            python, version = self._prepare(subject["path"], number, source)
            self._pythons[subject["path"]] = python
            versions.add(version)
        self.version = ", ".join(sorted(versions))

    def _prepare(self, path: str, number: int, source: PyperfSource) -> t.Tuple[str, str]:
        """Return the interpreter that has pyperf, and pyperf's version."""
        has = self._stage.run([path, "-B", "-c", _VERSION])
        if has.rc == 0:
            return path, has.out.strip()
        if source.wheelhouse is None and not source.from_index:
            raise RunnerUnusableError(f"{path} has no pyperf, and none may be installed", interpreter=path)
        venv = self._stage.room(f"venv-{number}")
        python = venv + "/bin/python"
        origin = ["--no-index", "--find-links", source.wheelhouse] if source.wheelhouse else []
        quiet = ["--disable-pip-version-check", "--no-input", "--no-cache-dir"]
        pip = [python, "-m", "pip", "install", *quiet, *origin, "pyperf"]
        for argv in ([path, "-B", "-m", "venv", venv], pip):
            done = self._stage.run(argv)
            if done.rc != 0:
                raise RunnerUnusableError(f"pyperf cannot be installed for {path}: {done.problem()}", interpreter=path)
        return python, self._stage.run([python, "-B", "-c", _VERSION]).out.strip()

    def measure(self, subject: Subject, workload: Workload) -> float:
        python = self._pythons[subject["path"]]
        if workload.size is None:
            what: t.Dict[str, object] = {"command": [subject["path"]] + list(workload.arguments)}
        else:
            what = {"workload": workload.name, "size": workload.size, "fsync": workload.fsync}
        ended = self._stage.run([python, "-B", self._stage.program, "pyperf", "--quiet", json.dumps(what)])
        return _seconds(_answer_of_worker(ended).get("seconds"))
