# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The states that a host can be in after a run: what playbooks, reports, the page, the summary and exports print."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

__all__ = ["GOOD", "NOT_EXAMINED", "PAGE_LABELS", "HostState", "by_urgency", "known_page", "page_of"]

# How the page of a fleet and the exports group hosts, with the page's words. From good to bad, the order of its charts.
PAGE_LABELS = {
    "healthy": "healthy",
    "repaired": "repaired",
    "partial": "partly checked",
    "drifted": "drift found",
    "left": "not repairable",
    "failed": "failed",
    "unreachable": "unreachable",
    "unknown": "not examined",
}

# The groups of the page in which a host is as it should be, and those in which it could not be looked at.
GOOD = ("healthy", "repaired")
NOT_EXAMINED = ("failed", "unreachable", "unknown")


# Members of an enumeration are told apart by themselves.
@dataclass(eq=False)
class _State:
    word: str
    """The word that is printed."""
    page: str
    """The key of PAGE_LABELS under which the page counts it."""
    advice: str = ""
    """What to do next, with C({hosts}) in it; empty when there is nothing to do."""


class HostState(_State, Enum):
    """A host's state, from what needs attention at once to what does not."""

    FAILED = "failed", "failed", "examine {hosts}: a repair or a task went wrong there"
    NOT_HELPED = "not helped", "left", "{hosts} could not be helped: docs/troubleshooting.md explains each error kind"
    UNKNOWN_PLATFORM = (
        "unknown platform",
        "unknown",
        "no contract knows the system of {hosts}: give one (docs/adding-an-os.md), or leave them out",
    )
    UNREACHABLE = "unreachable", "unreachable", "make {hosts} reachable, and run again with --limit"
    NOT_STARTED = "not started", "unknown", "run again for {hosts}: the run ended before their turn"
    FINDINGS_LEFT = (
        "findings left",
        "left",
        "what is left on {hosts} is repaired only on request, or by hand: docs/findings.md",
    )
    DRIFT_FOUND = "drift found", "drifted", "repair {hosts}: fleet.system_python.remediate, first with --check --diff"
    WOULD_BE_REPAIRED = "would be repaired", "drifted", "run again without --check to repair {hosts}"
    PARTIAL = (
        "partial",
        "partial",
        "audit {hosts} again, with -b: nothing was found, but not everything could be looked at",
    )
    REPAIRED = "repaired", "repaired"
    HEALTHY = "healthy", "healthy"
    # It gets no report, so no page shows it.
    NOT_APPLICABLE = "not applicable", "healthy"

    @property
    def needs_somebody(self) -> bool:
        """Whether the playbooks name the host at their end, and fail."""
        return self in _NEED_SOMEBODY

    @property
    def stops_rollout(self) -> bool:
        """Whether no further batch may begin."""
        return self is HostState.FAILED

    @property
    def status(self) -> str:
        """The word in a report's data (docs/report.schema.json), which tells an audit's findings by the kind of run."""
        return HostState.FINDINGS_LEFT.word if self is HostState.DRIFT_FOUND else self.word

    @property
    def tone(self) -> str:
        """How a report shows it: good, warn or bad; nothing where the host was not looked at."""
        if self is HostState.NOT_STARTED:
            return ""
        if self.page in GOOD:
            return "good"
        return "bad" if self.needs_somebody else "warn"

    @classmethod
    def of_word(cls, word: object) -> HostState | None:
        """Return the state that is printed as C(word), null where there is none."""
        return next((state for state in cls if state.word == word), None)

    @classmethod
    def of_status(cls, status: str, kind: str) -> HostState | None:
        """Return the state that a report of a run of C(kind) has; null for a status of a later version."""
        found = cls.of_word(status)
        return cls.DRIFT_FOUND if found is cls.FINDINGS_LEFT and kind == "audit" else found


_NEED_SOMEBODY = (
    HostState.FAILED,
    HostState.NOT_HELPED,
    HostState.UNKNOWN_PLATFORM,
    HostState.UNREACHABLE,
    HostState.NOT_STARTED,
)


def page_of(status: str, kind: str, is_found: bool | None) -> str:
    """Return the key of PAGE_LABELS of a report of a run of C(kind).

    Where its status is of a later version: by whether something was found, null where nothing was looked at.
    """
    state = HostState.of_status(status, kind)
    if state is None and is_found is not None:
        state = HostState.DRIFT_FOUND if is_found else HostState.HEALTHY
    return (state or HostState.NOT_STARTED).page


def known_page(page: str) -> str:
    """Return a key of PAGE_LABELS that was kept; one of a later version counts as not examined."""
    return page if page in PAGE_LABELS else HostState.NOT_STARTED.page


def by_urgency(states: Iterable[HostState]) -> list[HostState]:
    """Return the states, what needs attention first."""
    wanted = set(states)
    return [state for state in HostState if state in wanted]
