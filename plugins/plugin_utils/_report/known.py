# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What a run knows of a host, read from the variables that its plays left there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict, cast

from ...module_utils._base.errors import HostAnswerError
from .._border.collected import Collected, EvidenceAnswer, Facts, FirstAidAnswer, RepairAnswer
from .._border.schema import record_named
from .._run.outcome import ErrorRecord, host_outcome
from .._run.settings import require_own_variables
from .._run.states import HostState
from .._run.untyped import strings

__all__ = ["KnownHost", "Round", "known_of", "nonsense"]


class Round(TypedDict):
    """A repair that was run again to prove the first one: C(second run) or C(after the boot)."""

    round: str
    result: RepairAnswer


class _Answers(TypedDict, total=False):
    """The variables with results of modules, in the form that those document."""

    ansible_facts: Mapping[str, Facts | None] | None
    python_first_aid_result: FirstAidAnswer
    python_report_evidence: EvidenceAnswer
    python_report_first_aid: FirstAidAnswer
    python_report_result: RepairAnswer
    python_report_rounds: list[Round]
    python_restore_result: RepairAnswer


@dataclass(frozen=True)
class KnownHost:
    """All but the name and the state may be missing."""

    host: str
    state: HostState
    groups: Sequence[str] = ()
    note: str = ""
    error: ErrorRecord | None = None
    first_aid: FirstAidAnswer = field(default_factory=FirstAidAnswer)
    # Of system_python, also a failed one.
    result: RepairAnswer = field(default_factory=RepairAnswer)
    # Of python_evidence, in a run that only looks.
    collected: Collected = field(default_factory=Collected)
    # Of python_facts.
    facts: Facts | None = None
    rounds: Sequence[Round] = ()
    began: str | None = None


def known_of(host: str, variables: Mapping[str, object], kind: str) -> KnownHost:
    """Return what is known of a host after a run of C(kind) audit or remediate."""
    outcome = host_outcome(variables, kind)
    groups = [name for name in strings(variables.get("group_names")) if name not in ("all", "ungrouped")]
    try:
        answers = _answers(variables)
    except HostAnswerError as error:
        return nonsense(host, error, groups)
    # What the repair itself said; what ran again to prove it may have taken the name since.
    result = answers.get("python_report_result") or answers.get("python_restore_result")
    began = variables.get("system_python_began")
    return KnownHost(
        host=host,
        state=outcome.state,
        groups=groups,
        note=outcome.note,
        error=outcome.error,
        first_aid=answers.get("python_report_first_aid") or answers.get("python_first_aid_result") or FirstAidAnswer(),
        result=(result if kind == "remediate" else None) or RepairAnswer(),
        collected=(answers.get("python_report_evidence") or {}).get("report") or Collected(),
        facts=(answers.get("ansible_facts") or {}).get("system_python"),
        rounds=answers.get("python_report_rounds") or (),
        began=str(began) if began else None,
    )


def nonsense(host: str, error: HostAnswerError, groups: Sequence[str] = ()) -> KnownHost:
    """Return what is known of a host of whose answers nothing can be used."""
    record = ErrorRecord(kind=error.kind, msg=error.message, details=error.details)
    return KnownHost(host, HostState.FAILED, groups, error.message, record)


def _answers(variables: Mapping[str, object]) -> _Answers:
    """Return the results that were left with a host. Raises HostAnswerError where one is not what its record says."""
    require_own_variables(variables)
    record_named(__name__, _Answers.__name__).check(variables, "", partial=True)
    return cast("_Answers", variables)
