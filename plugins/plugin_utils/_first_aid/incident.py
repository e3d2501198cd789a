# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The host as it was before first aid, in the form in which modules tell it: the same rules judge what the shell saw.

What the shell did not look at is in C(not_checked) of the facts, and in C(sources) of the evidence.
"""

from __future__ import annotations

import posixpath
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypedDict, TypeVar, cast

from ...module_utils._audit.contract import COMMAND, Contract
from ...module_utils._audit.facts import shape_facts
from ...module_utils._audit.findings import RULES, find
from ...module_utils._audit.manager import not_checked, not_started
from ...module_utils._audit.records import (
    AnsibleChoice,
    BinaryName,
    Command,
    ContractBinary,
    ContractLink,
    Drift,
    LinkHop,
    Observation,
    ObservedBinary,
    ObservedLink,
    SelinuxConfig,
    VerificationState,
)
from ...module_utils._base.clock import utc_stamp, utc_stamp_or_none
from ...module_utils._base.command import CommandRunner, Completed
from ...module_utils._base.text import safe
from ...module_utils._disk.host_mode import HostMode
from ...module_utils._disk.links import end_of
from ...module_utils._evidence.files import MOST_FILES, files_named_by, kind_of_data
from ...module_utils._evidence.history import logins, transactions
from ...module_utils._evidence.logs import log_lines
from ...module_utils._evidence.records import EvidenceFile, EvidenceHop, EvidenceLink, FileRecord, HostEvidence
from ...module_utils._evidence.run import FORMAT, shorten, window
from ...module_utils._evidence.sources import AbsentError, Notes, Search
from ...module_utils._rpm.verify_output import VerifyEntry, is_drift
from .script import Answer
from .seen import Seen, SeenFile, names_of, read_seen

__all__ = ["BEFORE_FIRST_AID", "Incident", "incident_of"]

BEFORE_FIRST_AID = "before first aid"
_NOT_LOOKED_AT = "not looked at before first aid, where no Python was left"
# The rules that can be told from what the shell keeps.
_SUBJECTS = ("link", "binary", "packaged", "package")
_SECONDS = 6.0
# As scripts/evidence.sh: of a longer one the first line is not whole.
_MOST_OF_LOG = 32768

_Record = TypeVar("_Record")


class Incident(TypedDict):
    """The host before first aid: facts and evidence as python_evidence returns them."""

    facts: dict[str, object]
    evidence: HostEvidence


def incident_of(answer: Answer, contract: Contract, os_release: Mapping[str, str], mode: HostMode) -> Incident | None:
    """Return what the probe kept, judged; null where it kept nothing."""
    seen = read_seen(answer)
    if seen is None:
        return None
    host = _Host(contract, seen)
    observation = host.observation(mode)
    findings = find(observation)
    facts = shape_facts(observation, findings, os_release)
    names = list(files_named_by(findings))
    return Incident(facts=facts, evidence=safe(_evidence(host, names)))


class _Host:
    """What was seen, compared with the contract."""

    def __init__(self, contract: Contract, seen: Seen) -> None:
        self.contract = contract
        self.seen = seen
        wanted = {*contract["packages"], *contract["optional_packages"]}
        self.packages = {one.name: one for one in seen.verified if one.name in wanted}
        self.drift = {
            entry.path: _drift(seen, one.name, entry)
            for one in self.packages.values()
            for entry in seen.verified[one]
            if is_drift(entry)
        }
        self.links = [link for link in contract["links"] if self._is_expected(link)]

    def _is_expected(self, link: ContractLink) -> bool:
        return link["package"] in self.packages or link["package"] in self.contract["packages"]

    def observation(self, mode: HostMode) -> Observation:
        """Return what an audit would have seen of links, binaries and packages."""
        return Observation(
            contract=self.contract,
            root="/",
            packages={name: one.nevra for name, one in sorted(self.packages.items())},
            evr={name: one.evr for name, one in self.packages.items()},
            architecture=next((one.arch for one in self.packages.values()), ""),
            installed=True,
            missing_packages=[name for name in self.contract["packages"] if name not in self.packages],
            unlinked={},
            duplicate_packages={},
            unfinished_upgrades=[],
            verification=VerificationState(partial=False, seconds=0.0),
            links=[self._link(link) for link in self.links],
            binaries=[self._binary(one) for one in self.contract["binaries"]],
            drift=list(self.drift.values()),
            ways=[],
            resolution={name: self._way(f"/usr/bin/{name}") for name in ("python3", "python")},
            command=Command(path=COMMAND, kind="missing", target=None, leads_to=None, owner=None),
            interpreters=[],
            alternatives=[],
            unfinished_states=[],
            search_paths=[],
            shadowing=[],
            hijacks=[],
            preloaded=[],
            rpm_settings=[],
            manager_plugins=[],
            libraries=[],
            loader_variables=[],
            planted=[],
            astray=[],
            traces=[],
            put_back=[],
            ansible=AnsibleChoice(path=None, realpath=None, verified=None, owner=None),
            selinux=SelinuxConfig(configured=None, source=None),
            mode=mode,
            manager=not_checked("no Python could be trusted"),
            start=not_started("no Python could be trusted"),
            not_checked={rule.id: _NOT_LOOKED_AT for rule in RULES if rule.subject not in _SUBJECTS},
            unreadable=[],
            rpm_processes=0,
        )

    def _way(self, path: str) -> list[LinkHop]:
        if path not in self.seen.files:
            return []
        hops = self.seen.hops(path)
        owners = {link["path"]: link["package"] for link in self.links}
        owners.update((path, one["package"]) for one in self.contract["binaries"] for path in names_of(one))
        return [
            LinkHop(
                path=hop["path"],
                kind=hop["kind"],
                target=hop["target"],
                owner=owners.get(hop["path"]),
                verified=hop["path"] not in self.drift if hop["path"] in owners else None,
            )
            for hop in hops
        ]

    def _link(self, link: ContractLink) -> ObservedLink:
        path, chain = link["path"], self.seen.hops(link["path"])
        return ObservedLink(
            path=path,
            package=link["package"],
            owner=link["package"],
            expected=link["target"],
            kind=chain[0]["kind"],
            target=chain[0]["target"],
            chain=chain,
            leads_to=end_of(chain),
            due=posixpath.normpath(posixpath.join(posixpath.dirname(path), link["target"])),
        )

    def _binary(self, binary: ContractBinary) -> ObservedBinary:
        names = [self._name(path, binary["package"]) for path in names_of(binary)]
        return ObservedBinary(path=binary["path"], package=binary["package"], names=names)

    def _name(self, path: str, package: str) -> BinaryName:
        one = self.seen.files.get(path)
        return BinaryName(
            path=path,
            kind=one.kind if one else "missing",
            target=one.target if one else None,
            size=one.size if one else None,
            mode=one.mode if one else None,
            inode=None,
            owner=package,
            drift=self.drift.get(path),
        )


def _drift(seen: Seen, package: str, entry: VerifyEntry) -> Drift:
    one = seen.files.get(entry.path)
    return Drift(
        path=entry.path,
        package=package,
        missing=entry.missing,
        flags=entry.flags,
        altered=list(entry.altered),
        unreadable=list(entry.unreadable),
        note=entry.note,
        taken_by=[],
        reason=entry.reason,
        kind=one.kind if one else "missing" if entry.missing else "file",
        pip_record=None,
        expected=seen.records.get(entry.path, {}),
        actual=one.facts if one else {},
    )


# --- the evidence ----------------------------------------------------------------------------------------------------


def _evidence(host: _Host, named: Sequence[tuple[str, str]]) -> HostEvidence:
    seen = host.seen
    files = [_file(host, path, finding) for path, finding in named[:MOST_FILES]]
    paths = dict.fromkeys([link["path"] for link in host.links] + [COMMAND, "/usr/bin/python"])
    links = [_chain(seen, path) for path in paths if path in seen.files]
    since, until = window(files, links, seen.states, float(seen.moment))
    notes = Notes()
    notes.add("files", "stat, SHA-256", "partial" if len(named) > MOST_FILES else "complete")
    notes.add("links", "stat, readlink", "complete")
    notes.add("alternatives", "state files", "complete")
    notes.add("packages", "rpm -q", "partial", "only those of the contract")
    notes.add("shell_history", "-", "partial", _NOT_LOOKED_AT)
    with tempfile.TemporaryDirectory(prefix="fleet-system-python-") as folder:
        _lay_out(seen.logs, Path(folder), notes)
        search = Search(_answering(seen), notes, folder, float(seen.moment), _SECONDS, lambda: _SECONDS, since, until)
        evidence = HostEvidence(
            format=FORMAT,
            collected=utc_stamp(seen.moment),
            when=BEFORE_FIRST_AID,
            files=files,
            links=links,
            alternatives=seen.states,
            packages=[one for name, one in seen.installs if name in host.packages],
            transactions=_unless_absent(search, "transactions", transactions),
            shell_history=[],
            log=_unless_absent(search, "log", log_lines),
            logins=_unless_absent(search, "logins", logins),
            sources=[],
            redactions=0,
            partial=True,
            seconds=0.0,
        )
    shorten(evidence, notes)
    # Logs that nobody asked for are not absent.
    evidence["sources"] = [one for one in notes.sources if (one["name"], one["status"]) != ("log", "absent")]
    evidence["redactions"] = notes.redactions
    return evidence


def _lay_out(logs: Mapping[str, str], folder: Path, notes: Notes) -> None:
    """Write the ends of logs where those who read logs look for them."""
    for path, text in logs.items():
        data = text.encode("utf-8", "surrogateescape")
        if len(data) >= _MOST_OF_LOG - 1:
            data = data.partition(b"\n")[2]
            notes.add("log", path, "partial", "only its end was read")
        place = folder / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)


def _answering(seen: Seen) -> CommandRunner:
    """Return a runner that has the one answer that was kept."""
    program, said = seen.logins

    def run(argv: Sequence[str], **_options: object) -> Completed:
        known = bool(program) and argv[0] == program
        return Completed(tuple(argv), 0 if known else 127, said if known else "", "", False)

    return run


def _unless_absent(search: Search, name: str, source: Callable[[Search], list[_Record]]) -> list[_Record]:
    try:
        return source(search)
    except AbsentError as absent:
        search.notes.add(name, absent.source, "absent", absent.detail)
        return []


def _file(host: _Host, path: str, finding: str) -> EvidenceFile:
    one, drift = host.seen.files.get(path), host.drift.get(path)
    expected = {key: value for key, value in (drift["expected"] if drift else {}).items() if key in _TOLD}
    return EvidenceFile(
        path=path,
        kind=one.kind if one else "missing",
        package=drift["package"] if drift else None,
        finding=finding,
        expected=cast("FileRecord", expected),
        actual=_actual(one) if one else FileRecord(),
        mtime=utc_stamp_or_none(one.mtime) if one else None,
        ctime=utc_stamp_or_none(one.ctime) if one else None,
        content=_content(one, host.seen.records.get(path, {}).get("size")) if one else None,
        version=None,
        same_as=[],
    )


_TOLD = ("digest", "size", "link_target")


def _actual(one: SeenFile) -> FileRecord:
    if one.target is not None:
        return FileRecord(link_target=one.target)
    return cast("FileRecord", {**one.facts, "links": one.links})


def _content(one: SeenFile, shipped: int | None) -> str | None:
    """Return what the bytes are; of a program that may be cut off that is not known."""
    if one.head is None:
        return None
    if not one.head.startswith(b"\x7fELF"):
        return kind_of_data(one.head)
    return "elf" if shipped is None or one.size >= shipped else None


def _chain(seen: Seen, path: str) -> EvidenceLink:
    return EvidenceLink(
        path=path, hops=[_hop(seen, hop["path"], hop["kind"], hop["target"]) for hop in seen.hops(path)]
    )


def _hop(seen: Seen, path: str, kind: str, target: str | None) -> EvidenceHop:
    one = seen.files.get(path)
    return EvidenceHop(
        path=path,
        kind=kind,
        target=target,
        mtime=utc_stamp_or_none(one.mtime) if one else None,
        ctime=utc_stamp_or_none(one.ctime) if one else None,
    )
