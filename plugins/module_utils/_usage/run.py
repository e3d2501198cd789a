# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The blast radius: who depends on the system's Python, by which name of it, and what would break them. Reads only.

No interpreter is started; two rpm processes, a third where a package provides a path by name.
"""

import time
import typing as t
from collections import Counter

from .._audit.contract import Contract
from .._base.command import CommandRunner, run_command
from .._base.errors import SystemPythonError
from .._base.text import printable, safe
from .._rpm.database import Rpm
from .places import PLACES, Places
from .read import CHANGES, FOLDERS, Reader
from .records import Dependent, Dependents, UsedInterpreter
from .sources import KINDS, Found, commands, cron_jobs, packages, processes, units

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
    places: Places = PLACES
    path: t.Tuple[str, ...] = FOLDERS


class _TimeLimit:
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
) -> Dependents:
    """Return who depends on the interpreter of C(contract); the module python_dependents_info documents every key."""
    limit = _TimeLimit(question.time_limit, clock)
    reader = Reader(contract, question.path, lambda: limit.left() <= 0)
    rpm = Rpm(runner)
    reasons: t.List[str] = []
    closed: t.List[str] = []
    sources: t.Dict[str, t.Callable[[], Found]] = {
        "package": lambda: packages(reader, contract, _with_rest_of_time(rpm, limit)),
        "unit": lambda: units(reader, question.places),
        "cron": lambda: cron_jobs(reader, question.places),
        "process": lambda: processes(reader, question.places, closed),
        "command": lambda: commands(reader, question.places, question.folders),
    }
    found: t.List[Dependent] = []
    for kind in KINDS:
        if kind in question.kinds:
            found += _bounded(kind, sources[kind], limit, reasons)
    if closed:
        reasons.append(f"process: {len(closed)} cannot be looked at; it needs root and CAP_SYS_PTRACE")
    _add_owners(found, rpm, limit, reasons)
    found.sort(key=lambda one: (KINDS.index(one["kind"]), one["path"] or "", one["name"], one["detail"]))
    shown = _shared_among_kinds(found, question.limit)
    answer: Dependents = safe(
        Dependents(
            version=contract["version"],
            interpreters=_used_interpreters(reader, [one["interpreter"] for one in found]),
            changes=_changes(contract, reader),
            counts=_counts(found),
            breaks={change: _counts([one for one in found if change in one["breaks"]]) for change in CHANGES},
            needs_restart=sorted({one["unit"] or one["name"] for one in found if one["needs_restart"]}),
            dependents=shown,
            left_out=len(found) - len(shown),
            partial=bool(reasons),
            reasons=reasons,
            seconds=round(limit.spent(), 3),
            rpm_processes=rpm.calls,
        )
    )
    return answer


def _bounded(kind: str, source: t.Callable[[], Found], limit: _TimeLimit, reasons: t.List[str]) -> t.List[Dependent]:
    """Return what a source has until the time is over; what stops it is reported."""
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
        reasons.append(f"{kind}: {error.message}")
    except OSError as error:
        reasons.append(f"{kind}: not looked at to its end: {error}")
    return found


def _with_rest_of_time(rpm: Rpm, limit: _TimeLimit) -> Rpm:
    """Return C(rpm), whose processes get what is left of the time."""
    rpm.timeout = max(1.0, limit.left())
    return rpm


def _add_owners(found: t.Sequence[Dependent], rpm: Rpm, limit: _TimeLimit, reasons: t.List[str]) -> None:
    """Say which package each file is of; of a process, the script that it runs."""
    files = {index: _owned(one) for index, one in enumerate(found) if one["kind"] != "package"}
    wanted = sorted({path for path in files.values() if path.startswith("/")})
    if not wanted:
        return
    if limit.left() <= 0:
        reasons.append(f"owner: not asked, the time limit of {limit.limit:g} s was over")
        return
    try:
        owners = _with_rest_of_time(rpm, limit).owners(wanted)
    except SystemPythonError as error:
        reasons.append(f"owner: {error.message}")
        return
    for index, path in files.items():
        if owners.get(path):
            found[index]["owner"] = owners[path][0].name


def _owned(one: Dependent) -> str:
    return str((one["via"] or one["path"]) if one["kind"] == "process" else one["path"])


def _used_interpreters(reader: Reader, used: t.Sequence[t.Optional[str]]) -> t.List[UsedInterpreter]:
    return [
        UsedInterpreter(path=name, breaks=reader.breaks_by(name), dependents=used.count(name)) for name in reader.names
    ]


def _shared_among_kinds(found: t.List[Dependent], limit: int) -> t.List[Dependent]:
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
        "redirected": f"{reader.link} leads to another Python",
        "overwritten": f"{binary} is overwritten by another minor version",
        "gone": f"{binary} and its packages are gone",
    }


def _counts(found: t.Iterable[Dependent]) -> t.Dict[str, int]:
    counts = Counter(one["kind"] for one in found)
    return {kind: counts[kind] for kind in KINDS}


def counted(counts: t.Mapping[str, int]) -> str:
    """Return counts by kind in words."""
    parts = [f"{counts[kind]} {_WORDS[kind][counts[kind] != 1]}" for kind in KINDS if counts[kind]]
    return ", ".join(parts) or "nothing"


def summarize(answer: Dependents) -> t.List[str]:
    """Return the answer as lines for people: what would break, then a line per dependent."""
    lines = [f"on the system's Python {answer['version']} depend: {counted(answer['counts'])}"]
    lines += [f"if {text}: {counted(answer['breaks'][change])}" for change, text in answer["changes"].items()]
    if answer["needs_restart"]:
        names = ", ".join("process " + name if name.isdigit() else printable(name) for name in answer["needs_restart"])
        lines.append("to be restarted, because their file was replaced: " + names)
    lines += ["not complete: " + printable(reason) for reason in answer["reasons"]]
    lines += [_line(one) for one in answer["dependents"]]
    return lines + ([f"{answer['left_out']} more are not listed"] if answer["left_out"] else [])


def _line(one: Dependent) -> str:
    name = one["name"] if one["kind"] in ("package", "process", "unit") else one["path"]
    words = [f"{one['kind']} {printable(name or '')}"]
    if one["kind"] == "package":
        words.append(f": requires {printable(one['detail'])}")
    else:
        words.append(f" of {printable(one['owner'])}" if one["owner"] else "")
        words.append(f": {one['interpreter']}")
        words.append(f" via {printable(one['via'])}" if one["via"] else "")
        words.append(f" ({printable(one['detail'])})")
        words.append(f", PATH has {printable(one['shadowed_by'])} before it" if one["shadowed_by"] else "")
        words.append(", needs a restart" if one["needs_restart"] else "")
    return f"{''.join(words)}; breaks if {', '.join(one['breaks'])}"
