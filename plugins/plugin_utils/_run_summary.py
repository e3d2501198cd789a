# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.
"""What a run did to the system Python of its hosts, collected while it runs and told in a few lines at its end.

Only states, ids and kinds of errors are kept, never a message: those may quote what a program printed, and so a secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ansible_collections.fleet.system_python.plugins.module_utils._findings import RULES, SEVERITIES
from ansible_collections.fleet.system_python.plugins.module_utils._text import printable

__all__ = ["Outcome", "RunSummary"]

_PREFIX = "fleet.system_python."
_NAMES = {rule.id: rule.name for rule in RULES}

# From what needs somebody to what does not.
_ORDER = (
    "failed",
    "not helped",
    "unreachable",
    "findings left",
    "drift found",
    "would be repaired",
    "repaired",
    "healthy",
)
_NEXT = {
    "failed": "look at {hosts}: a repair or a task went wrong there",
    "not helped": "{hosts} could not be helped, nothing was changed: docs/troubleshooting.md has each error kind",
    "unreachable": "make {hosts} reachable, and run again with --limit",
    "findings left": "what is left on {hosts} is repaired only on request, or by hand: docs/findings.md",
    "drift found": "repair {hosts}: fleet.system_python.remediate, first with --check --diff",
    "would be repaired": "run again without --check to repair {hosts}",
}


class Outcome(NamedTuple):
    """One host's state, the ids that were found and those that are left, and the kind of its error."""

    state: str
    found: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    kind: str = ""


class RunSummary:
    """Collects results by host. Of several for a host the later one counts; a playbook's own word always does."""

    def __init__(self, shown: int = 10) -> None:
        self._shown = shown
        self._hosts: dict[str, Outcome] = {}
        self._said: dict[str, str] = {}
        self._unreachable: set[str] = set()
        self._files: dict[str, str] = {}
        # Whether a task of this collection took part at all.
        self._ours = False

    def ok(self, host: str, action: str, result: Mapping[str, Any]) -> None:
        """Note what a task returned."""
        self._unreachable.discard(host)
        facts = _mapping(result.get("ansible_facts"))
        status = facts.get("system_python_status")
        if isinstance(status, str) and status:
            self._said[host] = status.strip()
        name = _own(action)
        if name == "python_fleet_page":
            self._files.update({key: str(path) for key, path in _mapping(result.get("files")).items()})
        elif name == "system_python":
            self._note(host, _repaired(result))
        elif isinstance(facts.get("system_python"), Mapping):
            self._audited(host, facts["system_python"])

    def failed(self, host: str, action: str, result: Mapping[str, Any]) -> None:
        """Note a task that failed; one of another collection counts only where nothing else is known."""
        name, known = _own(action), self._hosts.get(host)
        # On localhost the playbooks sum up, and fail when a host needs somebody.
        if name is None and (known is not None or host == "localhost"):
            return
        if name is None and host not in self._said:
            # Said only when the run turns out to be ours.
            self._hosts[host] = Outcome("failed", kind=f"task {action}")
        elif name is not None:
            kind = result.get("kind")
            found = known.found if known else ()
            self._hosts[host] = Outcome("failed", found, found, str(kind) if isinstance(kind, str) else "")

    def unreachable(self, host: str, action: str) -> None:
        """Note that a host could not be reached."""
        self._unreachable.add(host)
        self._ours = self._ours or _own(action) is not None

    def lines(self) -> list[str]:
        """Return the summary; nothing where no task of this collection said anything."""
        outcomes = self._outcomes()
        if not self._ours and not self._files and not self._said and not any(map(_told, outcomes.values())):
            return []
        by_state: dict[str, list[str]] = {}
        for host, outcome in sorted(outcomes.items()):
            by_state.setdefault(outcome.state, []).append(host)
        return [
            *self._counts(by_state, len(outcomes)),
            *self._findings(outcomes),
            *self._errors(outcomes),
            *self._next(by_state),
            *(f"{'page' if name == 'html' else name}: {printable(path)}" for name, path in sorted(self._files.items())),
        ]

    def _audited(self, host: str, facts: Mapping[str, Any]) -> None:
        found = _ids(facts.get("findings"))
        self._note(host, Outcome("drift found" if found else "healthy", found, found))

    def _note(self, host: str, outcome: Outcome) -> None:
        """Keep what the run found before: a repair is proved by a second one, which finds nothing."""
        known = self._hosts.get(host)
        found = tuple(sorted({*outcome.found, *(known.found if known else ())}))
        state = "repaired" if found and outcome.state == "healthy" else outcome.state
        self._hosts[host] = outcome._replace(state=state, found=found)

    def _outcomes(self) -> dict[str, Outcome]:
        """What is known of every host; a playbook's own word and the severities of an audit are one language."""
        shown: dict[str, Outcome] = {}
        for host in self._hosts.keys() | self._said.keys() | self._unreachable:
            outcome = self._hosts.get(host, Outcome(""))
            said = self._said.get(host, "")
            if host in self._unreachable or said == "unreachable":
                shown[host] = Outcome("unreachable")
            elif said and said not in SEVERITIES and said != "not audited":
                shown[host] = outcome._replace(state=said)
            else:
                shown[host] = outcome if outcome.state else Outcome("failed")
        return shown

    def _counts(self, by_state: Mapping[str, list[str]], total: int) -> Iterator[str]:
        if total:
            counts = ", ".join(f"{len(by_state[state])} {state}" for state in _ordered(by_state))
            yield f"{total} host{'' if total == 1 else 's'}: {printable(counts)}"

    def _findings(self, outcomes: Mapping[str, Outcome]) -> Iterator[str]:
        found: dict[str, list[str]] = {}
        for host, outcome in sorted(outcomes.items()):
            for kind in outcome.found:
                found.setdefault(kind, []).append(host if kind in outcome.left else f"{host} (repaired)")
        width = max((len(f"{kind} {_NAMES.get(kind, '')}") for kind in found), default=0)
        for kind in sorted(found):
            yield f"  {printable(f'{kind} {_NAMES.get(kind, str())}'):<{width}}  {self._some(found[kind])}"

    def _errors(self, outcomes: Mapping[str, Outcome]) -> Iterator[str]:
        kinds: dict[str, list[str]] = {}
        for host, outcome in sorted(outcomes.items()):
            if outcome.kind:
                kinds.setdefault(outcome.kind, []).append(host)
        for kind in sorted(kinds):
            yield f"  error {printable(kind)}: {self._some(kinds[kind])}"

    def _next(self, by_state: Mapping[str, list[str]]) -> Iterator[str]:
        todo = [
            _NEXT[state].format(hosts=self._some(by_state[state])) for state in _ordered(by_state) if state in _NEXT
        ]
        if not todo and by_state:
            yield "next: nothing"
        yield from (f"next: {text}" for text in todo)

    def _some(self, names: Iterable[str]) -> str:
        shown = [printable(name) for name in names]
        rest = len(shown) - self._shown
        return " ".join(shown[: self._shown]) + (f" and {rest} more" if rest > 0 else "")


def _told(outcome: Outcome) -> bool:
    """Whether one of our own tasks said something about the host."""
    return outcome.state != "unreachable" and not outcome.kind.startswith("task ")


def _own(action: str) -> str | None:
    return action[len(_PREFIX) :] if action.startswith(_PREFIX) else None


def _repaired(result: Mapping[str, Any]) -> Outcome:
    found, left = _ids(result.get("findings")), _ids(result.get("findings_after"))
    if not found and not left:
        return Outcome("healthy")
    if "proof" not in result and result.get("changed"):
        return Outcome("would be repaired", found, found)
    return Outcome("repaired" if result.get("healthy") else "findings left", found, left)


def _ids(findings: Any) -> tuple[str, ...]:
    if not isinstance(findings, list):
        return ()
    return tuple(sorted({str(one["id"]) for one in findings if isinstance(one, dict) and "id" in one}))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _ordered(states: Iterable[str]) -> list[str]:
    return sorted(states, key=lambda state: (_ORDER.index(state) if state in _ORDER else len(_ORDER), state))
