# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What the modules return of a host, as far as a report reads it. It has come as JSON, in the form that they document.

Times are C(2026-01-31T12:00:00Z), sizes bytes; null is not there, or not known. C(Facts) is described key by
key in docs/facts.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypedDict

from ...module_utils._audit.finding_records import Acceptance
from ...module_utils._audit.records import LinkHop
from ...module_utils._benchmark.records import BenchmarkPlan, BenchmarkResult
from ...module_utils._evidence.records import BootRecord, HostEvidence
from ...module_utils._repair.proof import ProofLine
from ...module_utils._usage.records import Dependents

__all__ = [
    "AcceptedFinding",
    "Attempt",
    "AuditAnswer",
    "AuditFacts",
    "BenchmarkAnswer",
    "BroughtBack",
    "CensusAnswer",
    "Collected",
    "DependentsAnswer",
    "EvidenceAnswer",
    "Facts",
    "FirstAidAnswer",
    "FoundEvidence",
    "GroupFacts",
    "IncidentAnswer",
    "InterpreterFacts",
    "OsFacts",
    "QuarantinedItem",
    "RepairAnswer",
    "RepairDetails",
    "Severity",
    "ShownFinding",
    "ShownStep",
]

Severity = Literal["info", "minor", "major", "critical"]

# --- the facts of an audit -------------------------------------------------------------------------------------------


class OsFacts(TypedDict):
    """ID and VERSION_ID of os-release."""

    id: str | None
    version: str | None


class ContractFacts(TypedDict):
    """What the host was compared with."""

    id: str
    version: str
    binary: str
    link: str
    packages: list[str]


class ManagerFacts(TypedDict):
    """The package manager: works, broken or not checked."""

    name: str | None
    state: str
    reason: str | None


class VerificationFacts(TypedDict):
    """Whether rpm -V was broken off."""

    partial: bool


class InterpreterFacts(TypedDict, total=False):
    """A name of a Python; C(verified) is null where no package owns it."""

    path: str
    version: str | None
    owner: str | None
    verified: bool | None
    reason: str


class GroupFacts(TypedDict):
    """An alternatives group."""

    name: str
    mode: str | None
    chosen: str | None


class ChoiceFacts(TypedDict):
    """What an alternatives group may lead to."""

    target: str
    priority: int


class FoundEvidence(TypedDict, total=False):
    """What a rule went by; which keys there are depends on the rule."""

    paths: list[str]
    count: int
    package: str | None
    search_paths: list[str]
    state_file: str
    choices: list[ChoiceFacts]
    mode: str | None
    installed_by: str | None
    source: str | None


class ShownFinding(TypedDict):
    """A finding without its remedy."""

    id: str
    name: str
    severity: Severity
    path: str | None
    summary: str
    repairable: bool
    expected: object
    actual: object
    evidence: FoundEvidence


class AcceptedFinding(ShownFinding):
    """A finding that the user accepts."""

    accepted: Acceptance


class _LaterFacts(TypedDict, total=False):
    # Not in those that an earlier version left in a cache.
    accepted: list[AcceptedFinding]
    unreadable: list[str]


class Facts(_LaterFacts):
    """The facts C(system_python)."""

    healthy: bool
    worst: Severity | None
    os: OsFacts
    contract: ContractFacts
    findings: list[ShownFinding]
    resolution: dict[str, list[LinkHop]]
    interpreters: list[InterpreterFacts]
    alternatives: list[GroupFacts]
    packages: dict[str, str]
    manager: ManagerFacts
    search_paths: dict[str, str]
    selinux: str | None
    verification: VerificationFacts


class QuarantinedItem(TypedDict):
    """What was taken, kept or replaced."""

    path: str
    kind: str
    action: str
    finding: str | None
    sha256: str | None
    size: int | None


class Collected(TypedDict, total=False):
    """C(report) of system_python and of python_evidence, as far as the module came."""

    started: str
    boot: BootRecord
    facts: Facts
    facts_after: Facts
    evidence: HostEvidence
    proof: list[ProofLine]
    proved: str
    quarantine: list[QuarantinedItem]


# --- the results of the modules --------------------------------------------------------------------------------------


class Attempt(TypedDict):
    """A source that did not give everything."""

    source: str
    reason: str


class _BroughtBack(TypedDict):
    version: str | None
    packages: list[str]
    source: dict[str, str]
    quarantine: str


class BroughtBack(_BroughtBack, total=False):
    """What was put in place: NEVRAs, where each came from, and the folder with what was there before, if anything.

    C(closed) says of each folder which mode and owner it had, and has.
    """

    moved_aside: list[str]
    closed: list[str]


class ShownStep(TypedDict):
    """A step of a repair."""

    action: str
    description: str
    findings: list[str]


class RepairDetails(TypedDict, total=False):
    """The details of an error of a repair."""

    actions: list[ShownStep]
    quarantine: str


class RepairAnswer(TypedDict, total=False):
    """The result of system_python, also a failed one."""

    changed: bool
    healthy: bool
    findings: list[ShownFinding]
    findings_after: list[ShownFinding]
    plan: list[ShownStep]
    actions: list[ShownStep]
    accepted: list[AcceptedFinding]
    contract: str
    packages: dict[str, str]
    proof: list[ProofLine]
    summary: list[str]
    sources: dict[str, str]
    tried: list[Attempt]
    quarantine: str | None
    report: Collected
    kind: str
    details: RepairDetails


class IncidentAnswer(TypedDict):
    """The host before first aid, as python_evidence returns one."""

    facts: Facts
    evidence: HostEvidence


class FirstAidAnswer(TypedDict, total=False):
    """The result of python_first_aid, also a failed one."""

    changed: bool
    interpreter: str | None
    interpreter_version: str | None
    summary: str
    msg: str
    rejected: list[Mapping[str, object]]
    hazards: list[Mapping[str, object]]
    tried: list[Attempt]
    brought_back: BroughtBack | None
    incident: IncidentAnswer
    os: Mapping[str, str | None]


class AuditFacts(TypedDict):
    """The facts that python_facts brings."""

    system_python: Facts


class AuditAnswer(TypedDict, total=False):
    """The result of python_facts."""

    ansible_facts: AuditFacts


class _DependentsFacts(TypedDict):
    system_python_dependents: Dependents


class DependentsAnswer(TypedDict, total=False):
    """The result of python_dependents_info."""

    ansible_facts: _DependentsFacts


class EvidenceAnswer(TypedDict, total=False):
    """The result of python_evidence."""

    report: Collected


class BenchmarkAnswer(TypedDict, total=False):
    """The result of python_benchmark."""

    benchmark: BenchmarkResult
    plan: BenchmarkPlan


class _Venv(TypedDict):
    path: str
    state: str
    packages_minor: str | None


class _VenvFinding(TypedDict):
    id: str
    path: str | None


class CensusAnswer(TypedDict, total=False):
    """The result of python_venv_info, as far as the role goes on with it."""

    venvs: list[_Venv]
    findings: list[_VenvFinding]
    partial: bool
    reasons: list[str]
