# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Collect, before anything is repaired, what tells who changed what and when. Reads only, in bounded time and size.

The result keeps to "evidence" in docs/report.schema.json. No source can stop a repair: what fails, is absent or is cut
off is named in C(sources). Secrets are taken out here, on the host (_base/redact.py).
"""

import os
import time
import typing as t

from .._audit.findings import Finding
from .._audit.records import Observation
from .._base.clock import parse_stamp, utc_stamp
from .._base.command import CommandRunner, run_command
from .._base.errors import SystemPythonError
from .._base.text import safe
from .._disk.files import read_bytes, read_text
from .._usage.records import Dependents
from .._usage.run import Question, dependents_of
from .files import altered_files, alternatives_states, link_chains
from .history import logins, packages_by_time, transactions
from .logs import log_lines
from .records import BootRecord, EvidenceFile, EvidenceLink, HostEvidence, StateFile
from .shells import fewer_lines, shell_lines
from .sources import AbsentError, Notes, Search

__all__ = ["FORMAT", "boot_record", "collect", "shorten", "window"]

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

_Record = t.TypeVar("_Record")


def collect(
    observation: Observation,
    findings: t.Sequence[Finding],
    when: str,
    runner: CommandRunner = run_command,
    clock: t.Callable[[], float] = time.time,
    root: str = "/",
) -> HostEvidence:
    """Return the evidence about C(findings); C(when) says at which point of the run this is.

    C(root) is put before every path that is read, for tests; what a command says is about this host.
    """
    began = time.monotonic()
    now = clock()
    notes = Notes()
    search = Search(runner, notes, root, now, _SOURCE_SECONDS, lambda: _TOTAL_SECONDS - (time.monotonic() - began))
    files = _read_source(search, "files", lambda: altered_files(search, observation, findings))
    links = _read_source(search, "links", lambda: link_chains(search, observation))
    alternatives = _read_source(search, "alternatives", lambda: alternatives_states(search, observation))
    since, until = window(files, links, alternatives, now)
    search = search._replace(since=since, until=min(until, now))
    evidence = HostEvidence(
        format=FORMAT,
        collected=utc_stamp(now),
        when=when,
        files=files,
        links=links,
        alternatives=alternatives,
        packages=_read_source(search, "packages", lambda: packages_by_time(search, observation)),
        transactions=_read_source(search, "transactions", lambda: transactions(search)),
        shell_history=_read_source(search, "shell_history", lambda: shell_lines(search)),
        log=_read_source(search, "log", lambda: log_lines(search)),
        logins=_read_source(search, "logins", lambda: logins(search)),
        sources=[],
        redactions=0,
        partial=False,
        seconds=0.0,
    )
    shorten(evidence, notes)
    # It is about this host, whatever folder the files are read from.
    if root == os.sep:
        evidence["dependents"] = _dependents(search, observation)
    evidence["sources"] = notes.sources
    evidence["redactions"] = notes.redactions
    evidence["partial"] = any(one["status"] in ("partial", "failed") for one in notes.sources)
    evidence["seconds"] = round(time.monotonic() - began, 3)
    return safe(evidence)


def _read_source(search: Search, name: str, source: t.Callable[[], t.List[_Record]]) -> t.List[_Record]:
    """Return what a source has; what it cannot read is noted, because evidence must never stop a repair."""
    if search.remaining() <= 0:
        search.notes.add(name, "-", "partial", f"not asked: {_TOTAL_SECONDS:.0f} seconds were over")
        return []
    try:
        return source()
    except AbsentError as absent:
        search.notes.add(name, absent.source, "absent", absent.detail)
    except _UNREADABLE as error:
        search.notes.add(name, "-", "failed", f"{type(error).__name__}: {error}")
    return []


def _dependents(search: Search, observation: Observation) -> t.Optional[Dependents]:
    """Return who depends on the interpreter, null when it cannot be told."""
    seconds = max(0.0, min(_SOURCE_SECONDS, search.remaining()))
    try:
        found = dependents_of(observation["contract"], Question(time_limit=seconds, limit=_DEPENDENTS), search.runner)
    except _UNREADABLE as error:
        search.notes.add("dependents", "-", "failed", f"{type(error).__name__}: {error}")
        return None
    for reason in found["reasons"]:
        search.notes.add("dependents", "-", "partial", reason)
    return found


def window(
    files: t.Sequence[EvidenceFile], links: t.Sequence[EvidenceLink], states: t.Sequence[StateFile], now: float
) -> t.Tuple[float, float]:
    """Return from when to when the logs are of interest, as seconds since the epoch."""
    times = [file["ctime"] for file in files if file["ctime"]]
    times += [state["ctime"] for state in states if state["ctime"]]
    times += [hop["ctime"] for one in links for hop in one["hops"] if hop["kind"] == "link" and hop["ctime"]]
    if not times:
        return now - _BEFORE, now
    return parse_stamp(min(times)) - _BEFORE, parse_stamp(max(times)) + _AFTER


def shorten(evidence: t.Any, notes: Notes) -> None:
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
        notes.add(longest, "-", "partial", f"the oldest were left out: {half} are shown")


def _size(value: object) -> int:
    if isinstance(value, dict):
        return sum(_size(one) + len(key) + 4 for key, one in value.items()) + 2
    if isinstance(value, (list, tuple)):
        return sum(_size(one) + 1 for one in value) + 2
    return len(str(value)) + 2


def boot_record(proc: str = "/proc") -> BootRecord:
    """Return C({kernel, init}): words that differ after a boot of the kernel, and after a start of process 1."""
    return BootRecord(kernel=_kernel(proc), init=_init(proc))


def _kernel(proc: str) -> t.Optional[str]:
    try:
        return read_text(os.path.join(proc, "sys/kernel/random/boot_id")).strip()
    except OSError:
        return None


def _init(proc: str) -> t.Optional[str]:
    """Return when process 1 was started, in ticks since the kernel's boot (field 22 of proc(5) stat)."""
    try:
        fields = read_bytes(os.path.join(proc, "1/stat")).rpartition(b")")[2].split()
    except OSError:
        return None
    return fields[19].decode("ascii") if len(fields) > 19 else None
