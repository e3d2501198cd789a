# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What a page or another format shows of a fleet: plain data, small per host, each made by calling its type.

Every text in it is safe to print: invisible and control characters are written as escapes. A C(state) is a key of
PAGE_LABELS.
"""

from __future__ import annotations

from typing import TypedDict

__all__ = [
    "CauseCount",
    "FaultRow",
    "FindingRow",
    "Fleet",
    "FleetRun",
    "GroupCount",
    "HostRow",
    "InterpreterCount",
    "KeptHost",
    "KindCount",
    "PastRun",
    "RunCount",
]


class FindingRow(TypedDict):
    """A finding of a host.

    C(state) is what became of it: C(found) (nobody looked again), C(repaired), C(left), C(new) (only the second look
    has it), or C(accepted) by an exception, whose reason and end C(accepted) has; that is empty for all others.
    """

    id: str
    name: str
    severity: str
    path: str
    summary: str
    repairable: bool
    state: str
    accepted: str


class HostRow(TypedDict):
    """A host. C(interpreters) are as "3.11 packaged", C(report) is a relative address, C(drifts) a number of runs.

    C(not_checked) has the rules that were not applied, or only in part, with the reason; null where none was.
    """

    host: str
    groups: list[str]
    state: str
    status: str
    note: str
    cause: str
    os: str
    python: str
    manager: str
    worst: str
    findings: list[FindingRow]
    not_checked: dict[str, str] | None
    interpreters: list[str]
    report: str
    drifts: int


class FleetRun(TypedDict):
    """The run that most of the reports are of; C(mixed) when there are others, C(partial) when it left hosts out."""

    id: str
    time: str
    mixed: bool
    partial: bool


class KindCount(TypedDict):
    """On how many hosts a kind of finding was found, and on how many it was repaired, and is open."""

    id: str
    name: str
    severity: str
    hosts: int
    open: int
    repaired: int


class CauseCount(TypedDict):
    """On how many hosts something was the cause."""

    cause: str
    hosts: int


class GroupCount(TypedDict):
    """A group: its hosts, their states, and on how many of them each kind of finding was found."""

    group: str
    hosts: int
    states: dict[str, int]
    kinds: dict[str, int]


class InterpreterCount(TypedDict):
    """How many hosts have a Python of a version and origin."""

    label: str
    hosts: int


class RunCount(TypedDict):
    """A run: its hosts by state, and those that drifted since they were last looked at.

    Of a C(partial) one the states are also those in which the other hosts were left by the runs before.
    """

    run: str
    time: str
    partial: bool
    states: dict[str, int]
    drifted: list[str]


class FaultRow(TypedDict):
    """A file that could not be used, and why."""

    file: str
    reason: str


class Fleet(TypedDict):
    """All of it; hosts and groups are in natural order, runs from old to new."""

    run: FleetRun
    hosts: list[HostRow]
    states: dict[str, int]
    kinds: list[KindCount]
    causes: list[CauseCount]
    groups: list[GroupCount]
    interpreters: list[InterpreterCount]
    history: list[RunCount]
    faults: list[FaultRow]


class KeptHost(TypedDict):
    """What is kept of a host: its state, and the ids of what was found."""

    state: str
    found: list[str]


class PastRun(TypedDict):
    """What is kept of a run, so that later pages can show the drift over time. Older ones are without C(partial)."""

    kind: str
    format: int
    run: str
    time: str
    partial: bool
    hosts: dict[str, KeptHost]
