# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.
"""What a run did to the system Python of its hosts, collected while it runs and told in a few lines at its end.

Only states, ids and kinds of errors are kept, never a message: those may quote what a program printed, and so a secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from ...module_utils._audit.findings import RULES
from ...module_utils._base.text import for_people, shortened
from .._run.outcome import audited_state, failed_state, finding_ids, repaired_state
from .._run.states import HostState, by_urgency
from .._run.untyped import mapping

__all__ = ["RunSummary"]

_Key = TypeVar("_Key")
# Of what a host says: ids and kinds are words.
_LONGEST = 100
_PREFIX = "fleet.system_python."
# What a run that repairs consists of; where only a look fails, nothing was to be helped.
_REPAIRS = ("python_first_aid", "system_python")
_NAMES = {rule.id: rule.name for rule in RULES}


class HostSummary(NamedTuple):
    """One host's state, the ids that were found and those that are left, and the kind of its error."""

    state: HostState
    found: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    error_kind: str = ""
    # The task of another collection that failed; it counts only when the run turns out to be ours.
    foreign_task: str = ""


class RunSummary:
    """Collects results by host. Of several for a host the later one counts; a playbook's own word always does."""

    def __init__(self, shown: int = 10) -> None:
        self._shown = shown
        self._hosts: dict[str, HostSummary] = {}
        self._noted: dict[str, HostState] = {}
        self._unreachable: set[str] = set()
        self._files: dict[str, str] = {}
        # Whether a task of this collection took part at all.
        self._ours = False

    def ok(self, host: str, action: str, result: Mapping[str, object]) -> None:
        """Note what a task returned."""
        self._unreachable.discard(host)
        facts = mapping(result.get("ansible_facts"))
        noted = HostState.of_word(mapping(facts.get("system_python_outcome")).get("state"))
        if noted:
            self._noted[host] = noted
        name = _own_action(action)
        if name == "python_fleet_page":
            self._files.update({key: str(path) for key, path in mapping(result.get("files")).items()})
        elif name and isinstance(result.get("kind"), str):
            # An error that the play does not take for a failure.
            self.failed(host, action, result)
        elif name == "system_python":
            self._note_repair(host, result)
        # Of any module where nothing else is known: it must not take back what one of ours said.
        elif (name or host not in self._hosts) and isinstance(facts.get("system_python"), Mapping):
            found = _ids(mapping(facts["system_python"]).get("findings"))
            self._keep_findings(host, HostSummary(audited_state(mapping(facts["system_python"])), found, found))

    def failed(self, host: str, action: str, result: Mapping[str, object]) -> None:
        """Note a task that failed; one of another collection counts only where nothing else is known."""
        name, known = _own_action(action), self._hosts.get(host)
        if name is not None:
            kind = result.get("kind")
            found = known.found if known else ()
            state = failed_state(result)
            if name not in _REPAIRS and state is HostState.NOT_HELPED:
                state = HostState.FAILED
            is_error = isinstance(kind, str) and state is not HostState.NOT_APPLICABLE
            self._hosts[host] = HostSummary(state, found, found, str(kind) if is_error else "")
        # On localhost the playbooks sum up, and fail when a host needs somebody.
        elif known is None and host != "localhost" and host not in self._noted:
            self._hosts[host] = HostSummary(HostState.FAILED, foreign_task=action)

    def unreachable(self, host: str, action: str) -> None:
        """Note that a host could not be reached."""
        self._unreachable.add(host)
        self._ours = self._ours or _own_action(action) is not None

    def lines(self) -> list[str]:
        """Return the summary; nothing where no task of this collection said anything."""
        hosts = dict(sorted(self._known().items()))
        ours = self._ours or self._files or self._noted
        if not ours and all(one.foreign_task or one.state is HostState.UNREACHABLE for one in hosts.values()):
            return []
        by_state = _grouped((known.state, host) for host, known in hosts.items())
        return [
            *self._counts(by_state, len(hosts)),
            *self._findings(hosts),
            *self._errors(hosts),
            *self._next_steps(by_state),
            *(
                f"{'page' if name == 'html' else name}: {for_people(path)}"
                for name, path in sorted(self._files.items())
            ),
        ]

    def _note_repair(self, host: str, result: Mapping[str, object]) -> None:
        found, left = _ids(result.get("findings")), _ids(result.get("findings_after"))
        only_looked = "proof" not in result
        drifted = only_looked and bool(result.get("plan"))
        state = repaired_state(result, check_mode=only_looked, first_aid_changed=drifted)
        self._keep_findings(host, HostSummary(state, found, found if state is HostState.WOULD_BE_REPAIRED else left))

    def _keep_findings(self, host: str, new: HostSummary) -> None:
        """Keep what the run found before: a repair is proved by a second one, which finds nothing."""
        known = self._hosts.get(host)
        found = tuple(sorted({*new.found, *(known.found if known else ())}))
        state = HostState.REPAIRED if found and new.state is HostState.HEALTHY else new.state
        self._hosts[host] = new._replace(state=state, found=found)

    def _known(self) -> dict[str, HostSummary]:
        """Return what is known of every host, with the state that a playbook noted where one did."""
        shown: dict[str, HostSummary] = {}
        for host in self._hosts.keys() | self._noted.keys() | self._unreachable:
            state = HostState.UNREACHABLE if host in self._unreachable else self._noted.get(host)
            known = self._hosts.get(host)
            if state is HostState.UNREACHABLE or known is None:
                shown[host] = HostSummary(state or HostState.FAILED)
            else:
                shown[host] = known._replace(state=state or known.state)
        return shown

    def _counts(self, by_state: Mapping[HostState, list[str]], total: int) -> Iterator[str]:
        if total:
            counts = ", ".join(f"{len(by_state[state])} {state.word}" for state in by_urgency(by_state))
            yield f"{total} host{'' if total == 1 else 's'}: {counts}"

    def _findings(self, hosts: Mapping[str, HostSummary]) -> Iterator[str]:
        found = _grouped(
            (kind, host if kind in known.left else f"{host} (repaired)")
            for host, known in hosts.items()
            for kind in known.found
        )
        names = {kind: for_people(f"{kind} {_NAMES.get(kind, '')}", _LONGEST) for kind in sorted(found)}
        width = max(map(len, names.values()), default=0)
        for kind, name in names.items():
            yield f"  {name:<{width}}  {self._some_hosts(found[kind])}"

    def _errors(self, hosts: Mapping[str, HostSummary]) -> Iterator[str]:
        kinds = _grouped(
            (f"task {known.foreign_task}" if known.foreign_task else known.error_kind, host)
            for host, known in hosts.items()
        )
        for kind in sorted(filter(None, kinds)):
            yield f"  error {for_people(kind, _LONGEST)}: {self._some_hosts(kinds[kind])}"

    def _next_steps(self, by_state: Mapping[HostState, list[str]]) -> Iterator[str]:
        urgent = [state for state in by_urgency(by_state) if state.advice]
        if not urgent and by_state:
            yield "next: nothing"
        yield from (f"next: {state.advice.format(hosts=self._some_hosts(by_state[state]))}" for state in urgent)

    def _some_hosts(self, names: Iterable[str]) -> str:
        return shortened(map(for_people, names), self._shown, " ")


def _grouped(pairs: Iterable[tuple[_Key, str]]) -> dict[_Key, list[str]]:
    groups: dict[_Key, list[str]] = {}
    for key, name in pairs:
        groups.setdefault(key, []).append(name)
    return groups


def _own_action(action: str) -> str | None:
    return action[len(_PREFIX) :] if action.startswith(_PREFIX) else None


def _ids(findings: object) -> tuple[str, ...]:
    return tuple(sorted(finding_ids(findings)))
