# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The blast radius: who depends on the system's Python, by which name of it, and what would break them. Reads only.

No interpreter is started; two rpm processes, a third where a package provides a path by name.
"""

import time
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._command import CommandRunner, run_command
from ansible_collections.fleet.system_python.plugins.module_utils._contract import Contract
from ansible_collections.fleet.system_python.plugins.module_utils._dependents_read import CHANGES, FOLDERS, Reader
from ansible_collections.fleet.system_python.plugins.module_utils._dependents_sources import (
    KINDS,
    Dependent,
    Found,
    Sites,
    commands,
    cron_jobs,
    packages,
    processes,
    units,
)
from ansible_collections.fleet.system_python.plugins.module_utils._errors import SystemPythonError
from ansible_collections.fleet.system_python.plugins.module_utils._facts import safe
from ansible_collections.fleet.system_python.plugins.module_utils._rpm import Rpm
from ansible_collections.fleet.system_python.plugins.module_utils._text import printable

__all__ = ["Question", "dependents_of", "summarize"]

_WORDS = {
    "unit": ("systemd unit", "systemd units"),
    "cron": ("cron job", "cron jobs"),
    "process": ("running process", "running processes"),
    "command": ("command", "commands"),
    "package": ("package", "packages"),
}


class Question(t.NamedTuple):
    """What is asked: more C(folders) with commands, C(kinds), C(time_limit) in seconds, at most C(limit) dependents."""

    folders: t.Tuple[str, ...] = ()
    kinds: t.Tuple[str, ...] = KINDS
    time_limit: float = 30.0
    limit: int = 1000
    sites: Sites = Sites()
    path: t.Tuple[str, ...] = FOLDERS


class _Time:
    def __init__(self, limit: float, clock: t.Callable[[], float]) -> None:
        self.limit = limit
        self._clock = clock
        self._began = clock()

    def spent(self) -> float:
        return self._clock() - self._began

    def left(self) -> float:
        return self.limit - self.spent()


def dependents_of(
    contract: Contract,
    question: Question,
    runner: CommandRunner = run_command,
    clock: t.Callable[[], float] = time.monotonic,
) -> t.Dict[str, t.Any]:
    """Return who depends on the interpreter of C(contract); the module python_dependents_info documents every key."""
    limit = _Time(question.time_limit, clock)
    reader = Reader(contract, question.path, lambda: limit.left() <= 0)
    rpm = Rpm(runner)
    reasons: t.List[str] = []
    closed: t.List[str] = []
    sources: t.Dict[str, t.Callable[[], Found]] = {
        "package": lambda: packages(reader, contract, _within(rpm, limit)),
        "unit": lambda: units(reader, question.sites),
        "cron": lambda: cron_jobs(reader, question.sites),
        "process": lambda: processes(reader, question.sites, closed),
        "command": lambda: commands(reader, question.sites, question.folders),
    }
    found: t.List[Dependent] = []
    for kind in KINDS:
        if kind in question.kinds:
            found += _bounded(kind, sources[kind], limit, reasons)
    if closed:
        reasons.append("process: {0} cannot be looked at; it needs root and CAP_SYS_PTRACE".format(len(closed)))
    _add_owners(found, rpm, limit, reasons)
    found.sort(key=lambda one: (KINDS.index(one["kind"]), one["path"] or "", one["name"], one["detail"]))
    answer = _shaped(contract, reader, found, question.limit, reasons)
    answer.update(seconds=round(limit.spent(), 3), rpm_processes=rpm.calls)
    shaped: t.Dict[str, t.Any] = safe(answer)
    return shaped


def _bounded(kind: str, source: t.Callable[[], Found], limit: _Time, reasons: t.List[str]) -> t.List[Dependent]:
    """Return what a source has until the time is over; what stops it is told."""
    found: t.List[Dependent] = []
    over = "{0}: {1}, the time limit of {2:g} s was over"
    if limit.left() <= 0:
        reasons.append(over.format(kind, "not looked at", limit.limit))
        return found
    try:
        for one in source():
            if one is not None:
                found.append(one)
            if limit.left() <= 0:
                reasons.append(over.format(kind, "not looked at to its end", limit.limit))
                break
    except SystemPythonError as error:
        reasons.append("{0}: {1}".format(kind, error.message))
    except OSError as error:
        reasons.append("{0}: not looked at to its end: {1}".format(kind, error))
    return found


def _within(rpm: Rpm, limit: _Time) -> Rpm:
    """Return C(rpm), whose processes get what is left of the time."""
    rpm.timeout = max(1.0, limit.left())
    return rpm


def _add_owners(found: t.Sequence[Dependent], rpm: Rpm, limit: _Time, reasons: t.List[str]) -> None:
    """Say which package each file is of; of a process, the script that it runs."""
    files = {index: _owned(one) for index, one in enumerate(found) if one["kind"] != "package"}
    wanted = sorted({path for path in files.values() if path.startswith("/")})
    if not wanted:
        return
    if limit.left() <= 0:
        reasons.append("owner: not asked, the time limit of {0:g} s was over".format(limit.limit))
        return
    try:
        owners = _within(rpm, limit).owners(wanted)
    except SystemPythonError as error:
        reasons.append("owner: {0}".format(error.message))
        return
    for index, path in files.items():
        if owners.get(path):
            found[index]["owner"] = owners[path][0].name


def _owned(one: Dependent) -> str:
    return str((one["via"] or one["path"]) if one["kind"] == "process" else one["path"])


def _shaped(
    contract: Contract, reader: Reader, found: t.List[Dependent], limit: int, reasons: t.List[str]
) -> t.Dict[str, t.Any]:
    kept, used = _fair(found, limit), [one["interpreter"] for one in found]
    return {
        "version": contract["version"],
        "interpreters": [
            {"path": name, "breaks": reader.breaks_by(name), "dependents": used.count(name)} for name in reader.names
        ],
        "changes": _changes(contract, reader),
        "counts": _counts(found),
        "breaks": {change: _counts([one for one in found if change in one["breaks"]]) for change in CHANGES},
        "needs_restart": sorted({one["unit"] or one["name"] for one in found if one["needs_restart"]}),
        "dependents": kept,
        "left_out": len(found) - len(kept),
        "partial": bool(reasons),
        "reasons": reasons,
    }


def _fair(found: t.List[Dependent], limit: int) -> t.List[Dependent]:
    """Return at most C(limit) of them: of every kind a share, what one kind leaves goes to those that come first."""
    if len(found) <= limit:
        return found
    share = limit // len(KINDS)
    kept = {id(one) for kind in KINDS for one in [one for one in found if one["kind"] == kind][:share]}
    for one in found:
        if len(kept) >= limit:
            break
        kept.add(id(one))
    return [one for one in found if id(one) in kept]


def _changes(contract: Contract, reader: Reader) -> t.Dict[str, str]:
    binary = contract["binaries"][0]["path"]
    return {
        "redirected": "{0} leads to another Python".format(reader.link),
        "overwritten": "{0} is overwritten by another minor version".format(binary),
        "gone": "{0} and its packages are gone".format(binary),
    }


def _counts(found: t.Iterable[Dependent]) -> t.Dict[str, int]:
    counts = dict.fromkeys(KINDS, 0)
    for one in found:
        counts[one["kind"]] += 1
    return counts


def counted(counts: t.Mapping[str, int]) -> str:
    """Return counts by kind in words."""
    told = ["{0} {1}".format(counts[kind], _WORDS[kind][counts[kind] != 1]) for kind in KINDS if counts[kind]]
    return ", ".join(told) or "nothing"


def summarize(answer: t.Mapping[str, t.Any]) -> t.List[str]:
    """Return the answer as lines for people: what would break, then a line per dependent."""
    lines = ["on the system's Python {0} depend: {1}".format(answer["version"], counted(answer["counts"]))]
    lines += [
        "if {0}: {1}".format(text, counted(answer["breaks"][change])) for change, text in answer["changes"].items()
    ]
    if answer["needs_restart"]:
        names = ", ".join("process " + name if name.isdigit() else printable(name) for name in answer["needs_restart"])
        lines.append("to be restarted, because another file lies where theirs was: " + names)
    lines += ["not complete: " + printable(reason) for reason in answer["reasons"]]
    lines += [_line(one) for one in answer["dependents"]]
    return lines + (["{0} more are not listed".format(answer["left_out"])] if answer["left_out"] else [])


def _line(one: Dependent) -> str:
    name = one["name"] if one["kind"] in ("package", "process", "unit") else one["path"]
    words = ["{0} {1}".format(one["kind"], printable(name))]
    if one["kind"] == "package":
        words.append(": requires {0}".format(printable(one["detail"])))
    else:
        words.append(" of {0}".format(printable(one["owner"])) if one["owner"] else "")
        words.append(": {0}".format(one["interpreter"]))
        words.append(" via {0}".format(printable(one["via"])) if one["via"] else "")
        words.append(" ({0})".format(printable(one["detail"])))
        words.append(", PATH has {0} before it".format(printable(one["shadowed_by"])) if one["shadowed_by"] else "")
        words.append(", needs a restart" if one["needs_restart"] else "")
    return "{0}; breaks if {1}".format("".join(words), ", ".join(one["breaks"]))
