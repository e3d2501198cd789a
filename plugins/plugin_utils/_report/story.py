# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The parts of a report that tell a story: since when, the timeline, what the incident could break."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ...module_utils._base.text import printable
from ...module_utils._evidence.records import EvidenceFile, HostEvidence
from ...module_utils._usage.records import Dependents
from .._border.collected import Collected, Facts, ShownFinding
from .records import BlastRadius, Event, RepairPart, Validation
from .rules import CHANGES, LINKS, TELLING

__all__ = ["blast_radius", "since", "timeline"]

_MOST_EVENTS = 60

_THIS_RUN = "this run"
_ACROSS = {"reboot": "reboot", "restart": "restart of the container", "none": "boot that was asked for"}


class Moment(NamedTuple):
    """Something that happened; C(source) says so."""

    time: str
    what: str
    source: str


def blast_radius(dependents: Dependents | None, findings: Iterable[ShownFinding]) -> BlastRadius | None:
    """Return what depends on the interpreter, with the changes that the findings are; null where it was not asked."""
    if not dependents:
        return None
    found = {CHANGES.get(one["id"]) for one in findings}
    happened = [change for change in dependents["changes"] if change in found]
    return BlastRadius(**dependents, happened=happened)


def since(evidence: HostEvidence | None, before: Facts | None) -> tuple[str | None, str | None]:
    """Return the earliest trace of the change and what says so; nulls when there is none."""
    # Of one second, the first that is yielded: files of the worst findings.
    earliest = min(_traces(evidence, before), key=lambda one: one.time, default=None)
    return (earliest.time, earliest.source) if earliest else (None, None)


def timeline(
    evidence: HostEvidence | None,
    before: Facts | None,
    repair: RepairPart | None,
    validation: Validation | None,
    collected: Collected,
) -> list[Event]:
    """Return what happened, oldest first. Of many files that changed in one second, the first ones are shown."""
    events = list(_grouped(_traces(evidence, before)))
    if evidence:
        events += _history(evidence)
        if collected.get("started"):
            events.append(Moment(evidence["collected"], "the evidence was collected", _THIS_RUN))
    if repair and repair["carried_out"] and collected.get("proved"):
        events.append(Moment(collected["proved"], "the repair was done and its proof was taken", _THIS_RUN))
    if validation:
        events += _proofs(validation)
    unique = list(dict.fromkeys(sorted(events)))
    if len(unique) > _MOST_EVENTS:
        # The end is this run, the beginning is the incident; of both something must stay.
        unique = unique[: _MOST_EVENTS // 2] + unique[-_MOST_EVENTS // 2 :]
    return [Event(time=one.time, what=one.what, source=one.source) for one in unique]


def _traces(evidence: HostEvidence | None, before: Facts | None) -> Iterator[Moment]:
    """Yield everything that was altered."""
    if not evidence or not before:
        return
    for file in evidence["files"]:
        if file["ctime"] and file["finding"] in TELLING and file["kind"] != "directory":
            name = printable(file["path"])
            yield Moment(file["ctime"], f"{name} {_file_change(file)}", f"ctime of {name}")
    broken = {one["path"] for one in before["findings"] if one["id"] in LINKS}
    for chain in evidence["links"]:
        hop = chain["hops"][0]
        if chain["path"] in broken and hop["ctime"] and hop["kind"] == "link":
            name = printable(chain["path"])
            what = f"{name} became a link to {printable(str(hop['target']))}"
            yield Moment(hop["ctime"], what, f"ctime of {name}")
    foreign = {one["evidence"].get("state_file") for one in before["findings"] if one["id"] == "SP104"}
    for state in evidence["alternatives"]:
        if state["path"] in foreign and state["mtime"]:
            source = f"mtime of {printable(state['path'])}"
            yield Moment(state["mtime"], "the alternatives group was last written", source)


def _file_change(file: EvidenceFile) -> str:
    if file["finding"] == "SP207":
        return "got its present mode, owner or capabilities"
    return "was put there" if file["package"] is None else "got its present content"


def _grouped(traces: Iterable[Moment]) -> Iterator[Moment]:
    """Yield the traces, with those of one kind in one second together."""
    groups: dict[tuple[str, str], list[Moment]] = {}
    for one in traces:
        kind = one.what.rpartition(" ")[2] if "became a link" in one.what else " ".join(one.what.split(" ")[1:])
        groups.setdefault((one.time, kind), []).append(one)
    for members in groups.values():
        first = members[0]
        more = f" (and {len(members) - 1} more files in the same second)" if len(members) > 1 else ""
        yield first._replace(what=first.what + more)


def _history(evidence: HostEvidence) -> Iterator[Moment]:
    for entry in evidence["transactions"]:
        if entry["time"]:
            number = f" (transaction {entry['id']})" if entry["id"] else ""
            yield Moment(entry["time"], f"{entry['what']}{number}", entry["source"])
    for line in evidence["log"][:30]:
        if line["time"]:
            yield Moment(line["time"], line["text"], line["source"])
    typed = [
        Moment(
            line["time"],
            f"{line['user']} typed: {line['text']}",
            f"{line['source']}:{line['line']}" if line["line"] else line["source"],
        )
        for line in evidence["shell_history"]
        if line["time"]
    ]
    yield from sorted(typed, key=lambda one: one.time)[-30:]
    for login in evidence["logins"]:
        if login["time"]:
            yield Moment(login["time"], f"login: {login['text']}", login["source"])


def _proofs(validation: Validation) -> Iterator[Moment]:
    second = validation["second_run"]
    if second and second["time"]:
        did = "something" if second["changed"] else "nothing"
        yield Moment(second["time"], f"the second run changed {did}", _THIS_RUN)
    booted = [one["time"] for one in validation["checks"] if one["round"] == "after the boot" and one["time"]]
    if booted:
        yield Moment(booted[0], f"the checks were repeated after the {_ACROSS[validation['across']]}", _THIS_RUN)
