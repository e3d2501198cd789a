# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Collect, before anything is repaired, what tells who changed what and when. Reads only, in bounded time and size.

The result keeps to "evidence" in docs/report.schema.json. No source can stop a repair: what fails, is absent or is cut
off is told in C(sources). Secrets are taken out here, on the host (_redact.py).
"""

import os
import time
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._command import CommandRunner, run_command
from ansible_collections.fleet.system_python.plugins.module_utils._dependents import Question, dependents_of
from ansible_collections.fleet.system_python.plugins.module_utils._errors import SystemPythonError
from ansible_collections.fleet.system_python.plugins.module_utils._evidence_files import (
    altered_files,
    alternatives_states,
    link_chains,
)
from ansible_collections.fleet.system_python.plugins.module_utils._evidence_history import (
    fewer_lines,
    log_lines,
    logins,
    packages_by_time,
    shell_lines,
    transactions,
)
from ansible_collections.fleet.system_python.plugins.module_utils._evidence_sources import (
    AbsentError,
    Notes,
    Search,
    stamp,
)
from ansible_collections.fleet.system_python.plugins.module_utils._facts import safe
from ansible_collections.fleet.system_python.plugins.module_utils._findings import Finding

__all__ = ["FORMAT", "boot_record", "collect"]

FORMAT = 1

# What is asked of a host, all sources together and each; seconds.
_TOTAL_SECONDS = 25.0
_SOURCE_SECONDS = 6.0

# Who depends on the interpreter: so many are listed, all are counted.
_DEPENDENTS = 80

# What odd content and odd files raise. It costs a source, never the repair; the sources say so.
_UNREADABLE = (OSError, ValueError, LookupError, TypeError, ArithmeticError, SystemPythonError)

# About so many characters of evidence; the oldest lines of the longest lists go first.
_TOTAL_SIZE = 96 << 10
_SHORTENED = ("shell_history", "log", "logins", "transactions", "packages")

# Who did it is looked for this long before the first trace, and after the last.
_BEFORE = 24 * 3600
_AFTER = 2 * 3600


def collect(
    observation: t.Mapping[str, t.Any],
    findings: t.Sequence[Finding],
    when: str,
    runner: CommandRunner = run_command,
    clock: t.Callable[[], float] = time.time,
    monotonic: t.Callable[[], float] = time.monotonic,
    root: str = "/",
) -> t.Dict[str, t.Any]:
    """Return the evidence about C(findings); C(when) says at which point of the run this is.

    C(root) is put before every path that is read, for tests; what a command says is about this host.
    """
    began = monotonic()
    now = clock()
    notes = Notes()
    search = Search(runner, notes, root, now, _SOURCE_SECONDS, lambda: _TOTAL_SECONDS - (monotonic() - began))
    evidence: t.Dict[str, t.Any] = {"format": FORMAT, "collected": stamp(now), "when": when}
    evidence["files"] = _ask(search, "files", lambda: altered_files(search, observation, findings))
    evidence["links"] = _ask(search, "links", lambda: link_chains(search, observation))
    evidence["alternatives"] = _ask(search, "alternatives", lambda: alternatives_states(search, observation))
    search = search.around(*_window(evidence, now))
    evidence["packages"] = _ask(search, "packages", lambda: packages_by_time(search, observation))
    evidence["transactions"] = _ask(search, "transactions", lambda: transactions(search))
    evidence["shell_history"] = _ask(search, "shell_history", lambda: shell_lines(search))
    evidence["log"] = _ask(search, "log", lambda: log_lines(search))
    evidence["logins"] = _ask(search, "logins", lambda: logins(search))
    _shorten(evidence, notes)
    # It is about this host, whatever folder the files are read from.
    if root == os.sep:
        evidence["dependents"] = _dependents(search, observation)
    evidence["sources"] = notes.sources
    evidence["redactions"] = notes.redactions
    evidence["partial"] = any(one["status"] in ("partial", "failed") for one in notes.sources)
    evidence["seconds"] = round(monotonic() - began, 3)
    shaped: t.Dict[str, t.Any] = safe(evidence)
    return shaped


def _ask(search: Search, name: str, source: t.Callable[[], t.List[t.Dict[str, t.Any]]]) -> t.List[t.Dict[str, t.Any]]:
    """Return what a source has; what it cannot read is noted, because evidence must never stop a repair."""
    if search.remaining() <= 0:
        search.notes.add(name, "-", "partial", "not asked: {0:.0f} seconds were over".format(_TOTAL_SECONDS))
        return []
    try:
        return source()
    except AbsentError as absent:
        search.notes.add(name, absent.source, "absent", absent.detail)
    except _UNREADABLE as error:
        search.notes.add(name, "-", "failed", "{0}: {1}".format(type(error).__name__, error))
    return []


def _dependents(search: Search, observation: t.Mapping[str, t.Any]) -> t.Optional[t.Dict[str, t.Any]]:
    """Return who depends on the interpreter, null when it cannot be told."""
    seconds = max(0.0, min(_SOURCE_SECONDS, search.remaining()))
    try:
        found = dependents_of(observation["contract"], Question(time_limit=seconds, limit=_DEPENDENTS), search.runner)
    except _UNREADABLE as error:
        search.notes.add("dependents", "-", "failed", "{0}: {1}".format(type(error).__name__, error))
        return None
    for reason in found["reasons"]:
        search.notes.add("dependents", "-", "partial", reason)
    return found


def _window(evidence: t.Mapping[str, t.Any], now: float) -> t.Tuple[float, float]:
    """Return from when to when the logs are of interest, as seconds since the epoch."""
    times = [one["ctime"] for one in evidence["files"] + evidence["alternatives"] if one["ctime"]]
    times += [
        hop["ctime"] for one in evidence["links"] for hop in one["hops"] if hop["kind"] == "link" and hop["ctime"]
    ]
    if not times:
        return now - _BEFORE, now
    return Search.seconds(min(times)) - _BEFORE, Search.seconds(max(times)) + _AFTER


def _shorten(evidence: t.Dict[str, t.Any], notes: Notes) -> None:
    """Take the oldest lines away until all of it is of a bounded size."""
    while _size(evidence) > _TOTAL_SIZE:
        longest = max(_SHORTENED, key=lambda name: _size(evidence[name]))
        if not evidence[longest]:
            return
        half = len(evidence[longest]) // 2
        if longest == "shell_history":
            evidence[longest] = fewer_lines(evidence[longest], half)
        elif longest == "log":
            # Logs are oldest first, the others newest first.
            evidence[longest] = evidence[longest][len(evidence[longest]) - half :]
        else:
            evidence[longest] = evidence[longest][:half]
        notes.add(longest, "-", "partial", "the oldest were left out: {0} are shown".format(half))


def _size(value: t.Any) -> int:
    if isinstance(value, dict):
        return sum(_size(one) + len(key) + 4 for key, one in value.items()) + 2
    if isinstance(value, (list, tuple)):
        return sum(_size(one) + 1 for one in value) + 2
    return len(str(value)) + 2


def boot_record(proc: str = "/proc") -> t.Dict[str, t.Optional[str]]:
    """Return C({kernel, init}): words that differ after a boot of the kernel, and after a start of process 1."""
    return {"kernel": _kernel(proc), "init": _init(proc)}


def _kernel(proc: str) -> t.Optional[str]:
    try:
        with open(os.path.join(proc, "sys/kernel/random/boot_id")) as stream:
            return stream.read().strip()
    except OSError:
        return None


def _init(proc: str) -> t.Optional[str]:
    """Return when process 1 was started, in ticks since the kernel's boot (field 22 of proc(5) stat)."""
    try:
        with open(os.path.join(proc, "1/stat"), "rb") as stream:
            fields = stream.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return fields[19].decode("ascii") if len(fields) > 19 else None
