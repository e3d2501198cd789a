# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""From what the plays left with a host to the state in which the run left it, and a line about it.

What is read of a host's variables, beside the facts C(system_python):

- C(system_python_began): when the run came to the host; C(system_python_outcome): what C(Outcome.as_fact) gave when it
  was done with it. A host that has the first one only was lost on the way.
- C(python_restore_result), C(python_first_aid_result): of the modules; C(python_report_first_aid): the first result of
  first aid, when it ran again to prove a repair; C(python_report_evidence): of python_evidence.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypedDict

from ...module_utils._audit.rule import SEVERITIES
from ...module_utils._base.errors import HostAnswerError
from ...module_utils._base.text import for_people, shortened
from .._border.answers import checked_facts
from .settings import require_own_variables
from .states import HostState
from .untyped import mapping, mappings, strings

__all__ = [
    "KINDS",
    "ErrorRecord",
    "Outcome",
    "OutcomeFact",
    "audited_state",
    "failed",
    "failed_state",
    "finding_ids",
    "host_outcome",
    "looked",
    "outcome_lines",
    "repaired",
    "repaired_state",
    "totals",
    "unreachable",
]

_Variables = Mapping[str, object]

# What modules say of a host that is no case for them, by the kind of their error.
_OTHER_SYSTEMS = {"not_applicable": HostState.NOT_APPLICABLE, "unknown_platform": HostState.UNKNOWN_PLATFORM}

# Of the words for a state, which another version, or a host, may have left.
_LONGEST_WORD = 40
_FIRST_AID = "first aid brought a Python back"

# What a run was to do with its hosts, and the word for one of which it found nothing out.
KINDS = {"remediate": "failed", "audit": "not audited", "image": "not checked"}


class ErrorRecord(TypedDict):
    """The error with which a run ended on a host: a stable word, the message, and plain data."""

    kind: str
    msg: str
    details: Mapping[str, object]


class OutcomeFact(TypedDict):
    """An outcome as the variable of a host, C(system_python_outcome)."""

    state: str
    word: str
    note: str
    error: ErrorRecord | None
    needs_somebody: bool
    stops_rollout: bool


@dataclass(frozen=True)
class Outcome:
    """How a run ended on a host."""

    state: HostState
    note: str = ""
    error: ErrorRecord | None = None
    # What the table prints for the state: of an audit the severity of the worst finding.
    word: str = ""
    # Whether a task failed, or the proof; an audit's does when its findings are worse than what the user accepts.
    failed: bool = False

    @property
    def needs_somebody(self) -> bool:
        """Whether the playbook names the host at its end, and fails."""
        return self.failed or self.state.needs_somebody

    @property
    def shown(self) -> str:
        """The word that the table prints."""
        return for_people(self.word or self.state.word, _LONGEST_WORD)

    @property
    def stops_rollout(self) -> bool:
        """Whether no further batch may begin. What answers nonsense says nothing about the other hosts."""
        is_nonsense = self.error is not None and self.error["kind"] == HostAnswerError.kind
        return self.state.stops_rollout and not is_nonsense

    def as_fact(self) -> OutcomeFact:
        """Return it as a variable of the host."""
        return OutcomeFact(
            state=self.state.word,
            word=self.shown,
            note=self.note,
            error=self.error,
            needs_somebody=self.needs_somebody,
            stops_rollout=self.stops_rollout,
        )


def host_outcome(variables: _Variables, kind: str = "remediate") -> Outcome:
    """Return how a run of C(kind) left the host with these variables, as far as it was noted or can be seen.

    What the host itself said must be what our modules say; else it failed, with the field that is not.
    """
    try:
        require_own_variables(variables)
        checked_facts(variables.get("ansible_facts"))
    except HostAnswerError as error:
        record = ErrorRecord(kind=error.kind, msg=error.message, details=error.details)
        return Outcome(HostState.FAILED, error.message, record)
    noted = mapping(variables.get("system_python_outcome"))
    state = HostState.of_word(noted.get("state"))
    if state:
        failed = bool(noted.get("needs_somebody"))
        return Outcome(state, _text(noted.get("note")), _error(noted.get("error")), _text(noted.get("word")), failed)
    if kind == "remediate":
        return _unfinished(variables)
    facts, answer = _facts(variables), mapping(variables.get("python_audit_result"))
    if answer and "summary" not in answer:
        return looked(answer)
    return _audited(facts) if facts else Outcome(HostState.UNREACHABLE)


def unreachable(answer: Mapping[str, object]) -> Outcome:
    """Return the outcome on a host that cannot be reached; C(answer) is what the task returned."""
    said = (_text(answer.get(key)).strip() for key in ("stderr", "stdout", "msg"))
    return Outcome(HostState.UNREACHABLE, next(filter(None, said), ""))


def looked(answer: Mapping[str, object]) -> Outcome:
    """Return the outcome on a host on which a look, which returned C(answer), was all that was to be done."""
    if answer.get("unreachable"):
        return unreachable(answer)
    if answer.get("kind") == "not_applicable":
        return Outcome(HostState.NOT_APPLICABLE, _text(answer.get("msg")))
    return Outcome(HostState.HEALTHY)


def repaired(variables: _Variables, check_mode: bool) -> Outcome:
    """Return the outcome on a host on which first aid and the repair ran to their end."""
    aid = mapping(variables.get("python_first_aid_result"))
    if aid.get("kind") == "not_applicable":
        return looked(aid)
    result = mapping(variables.get("python_restore_result"))
    aided = bool(_first_aid(variables).get("changed"))
    found = [_FIRST_AID] if aided else []
    found += finding_ids(result.get("findings"))
    left = finding_ids(result.get("findings_after"))
    note = " ".join(found) + (f" (left: {' '.join(left)})" if left and not check_mode else "")
    note += "; waits for the reboot" if result.get("staged") and not check_mode else ""
    note = _with_decisions(note, result)
    unproven = not check_mode and any(not one.get("ok") for one in mappings(result.get("proof")))
    return Outcome(repaired_state(result, check_mode, first_aid_changed=aided), note, failed=unproven)


def repaired_state(result: Mapping[str, object], check_mode: bool, first_aid_changed: bool = False) -> HostState:
    """Return the state after the module system_python returned C(result)."""
    changed = bool(result.get("changed")) or first_aid_changed
    if check_mode and changed:
        return HostState.WOULD_BE_REPAIRED
    if not result.get("healthy"):
        return HostState.FINDINGS_LEFT
    return HostState.REPAIRED if changed else HostState.HEALTHY


def failed_state(answer: Mapping[str, object]) -> HostState:
    """Return the state after a task of this collection failed with C(answer)."""
    other = _OTHER_SYSTEMS.get(_text(answer.get("kind")))
    helpless = answer.get("changed_nothing") and answer.get("kind") != HostAnswerError.kind
    return other or (HostState.NOT_HELPED if helpless else HostState.FAILED)


def failed(variables: _Variables, answer: Mapping[str, object], kind: str = "remediate") -> Outcome:
    """Return the outcome on a host on which a task of a run of C(kind) failed; C(answer) is what it returned."""
    note = _text(answer.get("msg")) or "see above"
    if kind == "remediate":
        return _not_repaired(variables, answer, note)
    error: ErrorRecord = ErrorRecord(
        kind=_text(answer.get("kind")) or "unknown", msg=note, details=mapping(answer.get("details"))
    )
    facts = _facts(variables)
    if facts and audited_state(facts) is HostState.DRIFT_FOUND:
        # That findings are worse than what the user accepts is no error.
        return replace(_audited(facts), failed=True, error=error if answer.get("kind") else None)
    other = _OTHER_SYSTEMS.get(error["kind"])
    return Outcome(other, note, error) if other else Outcome(HostState.FAILED, note, error, word=KINDS[kind])


def outcome_lines(outcomes: Mapping[str, Outcome]) -> list[str]:
    """Return the table of the hosts, a line for each: a note of several lines, as ssh writes them, becomes one."""
    width = max(map(len, outcomes), default=0)
    column = max((len(one.shown) for one in outcomes.values()), default=0)
    return [
        f"{for_people(host):<{width}}  {one.shown:<{column}}  {_in_one_line(one.note)}".rstrip()
        for host, one in outcomes.items()
    ]


def totals(outcomes: Mapping[str, Outcome], kind: str = "remediate") -> str:
    """Return the last line of the table: how many hosts are how, and those that are not well as --limit takes them.

    Images are no hosts of an inventory, so that cannot limit them.
    """
    counts = Counter(one.shown for one in sorted(outcomes.values(), key=_urgency))
    what = "image" if kind == "image" else "host"
    text = f"{len(outcomes)} {what}{'' if len(outcomes) == 1 else 's'}"
    text += "".join(f"{', ' if number else ': '}{counts[word]} {word}" for number, word in enumerate(counts))
    not_well = ",".join(host for host, one in outcomes.items() if one.needs_somebody)
    return f"{text}. Not well: --limit {shlex.quote(not_well)}" if not_well and what == "host" else text


def _urgency(outcome: Outcome) -> tuple[int, int]:
    """Of an audit the worst finding first."""
    worst = SEVERITIES.index(outcome.word) if outcome.word in SEVERITIES else 0
    return list(HostState).index(outcome.state), -worst


def _in_one_line(note: str) -> str:
    return for_people("; ".join(filter(None, (line.strip() for line in note.splitlines()))))


def finding_ids(findings: object) -> list[str]:
    """Return the ids of findings, each once."""
    return list(dict.fromkeys(str(one["id"]) for one in mappings(findings) if "id" in one))


def _with_decisions(note: str, seen: Mapping[str, object]) -> str:
    """Return the note with what exceptions accept, and those that are over."""
    expired = [one for one in mappings(seen.get("findings")) if one.get("expired")]
    decided = {"EXCEPTION EXPIRED": finding_ids(expired), "accepted": finding_ids(seen.get("accepted"))}
    return " ".join([*filter(None, [note]), *(f"({word}: {' '.join(ids)})" for word, ids in decided.items() if ids)])


def _unfinished(variables: _Variables) -> Outcome:
    """Return the outcome on a host for which a run that repairs noted none."""
    if variables.get("system_python_began"):
        # The playbook notes it before anything can fail.
        return Outcome(HostState.FAILED, "the connection was lost")
    answers = [mapping(variables.get(name)) for name in ("python_restore_result", "python_first_aid_result")]
    for answer in answers:
        if answer.get("failed") or answer.get("kind") == "not_applicable":
            return failed(variables, answer)
    if answers[0]:
        return repaired(variables, check_mode=bool(variables.get("ansible_check_mode")))
    facts = _facts(variables)
    if not facts:
        return Outcome(HostState.NOT_STARTED)
    state = audited_state(facts)
    return Outcome(HostState.FINDINGS_LEFT if state is HostState.DRIFT_FOUND else state)


def _not_repaired(variables: _Variables, answer: Mapping[str, object], note: str) -> Outcome:
    result = mapping(variables.get("python_restore_result"))
    aid = mapping(variables.get("python_first_aid_result"))
    error = next((one for one in (result, aid, answer) if one.get("kind")), answer)
    kind = _text(error.get("kind")) or "unknown"
    details = mapping(result.get("details") or aid.get("details"))
    if answer.get("failed_when_result") and not answer.get("kind") and result.get("healthy") is False:
        # No error: the role says that what is left is worse than what the user accepts.
        return replace(repaired(variables, check_mode=False), failed=True)
    # An error of what proves a repair comes after the repair: then something was changed.
    state = HostState.FAILED if result.get("changed") else failed_state(error)
    # That the repair changed nothing does not say that first aid, which comes before it, did not.
    before = f"{_FIRST_AID}; then: " if _first_aid(variables).get("brought_back") and error is not aid else ""
    return Outcome(state, before + note, ErrorRecord(kind=kind, msg=note, details=details))


def _first_aid(variables: _Variables) -> Mapping[str, object]:
    """Return the result of first aid: of the first one, where it ran again to prove a repair."""
    return mapping(variables.get("python_report_first_aid") or variables.get("python_first_aid_result"))


def _audited(facts: Mapping[str, object]) -> Outcome:
    note = _with_decisions(" ".join(finding_ids(facts.get("findings"))), facts)
    unseen = strings(facts.get("unreadable"))
    if unseen:
        note = f"{note} (use -b: {shortened(unseen, 3)} could not be read)".lstrip()
    state = audited_state(facts)
    return Outcome(state, note, word=_text(facts.get("worst")) if state is HostState.DRIFT_FOUND else "")


def audited_state(facts: Mapping[str, object]) -> HostState:
    """Return the state of a host of which an audit found C(facts)."""
    if mappings(facts.get("findings")):
        return HostState.DRIFT_FOUND
    return HostState.PARTIAL if facts.get("unreadable") else HostState.HEALTHY


def _facts(variables: _Variables) -> Mapping[str, object]:
    """Return the observation of an audit: that which the evidence was collected with, where it was."""
    collected = mapping(mapping(variables.get("python_report_evidence")).get("report"))
    return mapping(collected.get("facts") or mapping(variables.get("ansible_facts")).get("system_python"))


def _error(value: object) -> ErrorRecord | None:
    if not value:
        return None
    error = mapping(value)
    return ErrorRecord(
        kind=_text(error.get("kind")), msg=_text(error.get("msg")), details=mapping(error.get("details"))
    )


def _text(value: object) -> str:
    return "" if value is None else str(value)
