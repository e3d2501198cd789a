# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The parts of a report; docs/report.schema.json describes every key. Each is made by calling its type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypedDict

from ...module_utils._evidence.records import HostEvidence
from ...module_utils._usage.records import Dependents
from .._border.collected import Facts, OsFacts, QuarantinedItem
from .._first_aid.records import Attempt, BroughtBack
from .._run.outcome import ErrorRecord

__all__ = [
    "FORMAT",
    "Advice",
    "BlastRadius",
    "Check",
    "Difference",
    "Event",
    "Exhibit",
    "FirstAidPart",
    "GuardAdvice",
    "Hypothesis",
    "LeftFinding",
    "Piece",
    "PlanStep",
    "QuarantinePart",
    "ReinstalledPackage",
    "RepairPart",
    "Report",
    "RunRecord",
    "SecondRun",
    "Summary",
    "Validation",
]

# Raised when a key changes its meaning or goes away; new keys do not raise it.
FORMAT = 1


class RunRecord(TypedDict):
    """The run: its name and folder, what it was for, and by which versions."""

    id: str
    kind: str
    started: str | None
    ended: str
    core: str
    collection: str
    check_mode: bool
    # Whether it left hosts of the inventory out.
    partial: bool


class Summary(TypedDict):
    """The report in a few sentences."""

    headline: str
    symptoms: list[str]
    accepted: list[str]
    since: str | None
    since_source: str | None
    cause: str | None


class FirstAidPart(TypedDict):
    """What first aid found and did."""

    interpreter: str | None
    version: str | None
    changed: bool
    summary: str
    rejected: list[Mapping[str, object]]
    hazards: list[Mapping[str, object]]
    brought_back: BroughtBack | None


class PlanStep(TypedDict):
    """A step of the repair."""

    action: str
    description: str
    findings: list[str]
    done: bool


class LeftFinding(TypedDict):
    """A finding that the repair left alone."""

    id: str
    summary: str


class ReinstalledPackage(TypedDict):
    """A package that was installed again."""

    nevra: str
    source: str | None


class QuarantinePart(TypedDict):
    """The quarantine of this run."""

    folder: str
    items: list[QuarantinedItem]


class RepairPart(TypedDict):
    """The repair, or what it would be."""

    carried_out: bool
    plan: list[PlanStep]
    categories: list[str]
    left_alone: list[LeftFinding]
    packages: list[ReinstalledPackage]
    tried: list[Attempt]
    quarantine: QuarantinePart | None
    warnings: list[str]


class Difference(TypedDict):
    """Something that the observations before and after differ in."""

    what: str
    subject: str
    before: str | None
    after: str | None


class Exhibit(TypedDict):
    """A numbered piece of evidence."""

    id: str
    what: str
    source: str
    shows: str
    time: str | None


class Piece(TypedDict):
    """An exhibit, and what it shows about a hypothesis."""

    ref: str
    shows: str


class Hypothesis(TypedDict):
    """An explanation that was tested; C(missing) is what would decide it where it is open."""

    id: str
    title: str
    verdict: str
    evidence: list[Piece]
    missing: str | None


class Check(TypedDict):
    """A check of the proof, in one of its rounds."""

    time: str | None
    round: str
    what: str
    ok: bool
    detail: str


class SecondRun(TypedDict):
    """The second run, which should have changed nothing."""

    time: str | None
    changed: bool
    healthy: bool
    findings: list[str]


class Validation(TypedDict):
    """The proof: none, a restart or a reboot lay between its rounds."""

    checks: list[Check]
    across: str
    second_run: SecondRun | None


class Event(TypedDict):
    """A line of the timeline."""

    time: str
    what: str
    source: str


# "for" is a keyword.
Advice = TypedDict("Advice", {"for": str, "advice": str, "guard": str | None})


class GuardAdvice(TypedDict):
    """What a part of the collection does about findings."""

    effect: str
    guard: str
    option: str | None
    what: str
    findings: list[str]


if TYPE_CHECKING:

    class BlastRadius(Dependents):
        """What depends on the interpreter, with the changes that happened."""

        happened: list[str]

else:
    BlastRadius = dict


class Report(TypedDict):
    """The report of a host."""

    format: int
    host: str
    groups: list[str]
    run: RunRecord
    status: str
    note: str
    error: ErrorRecord | None
    summary: Summary
    os: OsFacts | None
    first_aid: FirstAidPart | None
    before: Facts | None
    evidence: HostEvidence | None
    dependents: BlastRadius | None
    repair: RepairPart | None
    after: Facts | None
    difference: list[Difference]
    exhibits: list[Exhibit]
    hypotheses: list[Hypothesis]
    validation: Validation | None
    timeline: list[Event]
    prevention: list[Advice]
    guards: list[GuardAdvice]
