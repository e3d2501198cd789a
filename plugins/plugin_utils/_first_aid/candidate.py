# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""One interpreter of a host, as the probe script saw it: what speaks against it, and what would run beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ...module_utils._base.text import printable, shortened
from ...module_utils._rpm.packages import PackageId, parse_nevra
from ...module_utils._rpm.verify_output import VerifyEntry, is_drift, parse_verify
from .._border.types import HOST
from .script import Section

__all__ = ["METADATA", "ProbedInterpreter", "parse_owners", "read_section"]

# What rpm says of a file that has the package's content.
METADATA = {"mode", "user", "group", "mtime"}
_SHOWN = 3
_VERDICTS_OF_A_START = ("does-not-start", "wrong-version")


@dataclass
class ProbedInterpreter:
    """One interpreter found on the host. C(reason) is empty while nothing speaks against it."""

    path: str
    minor: str
    owners: list[PackageId] = field(default_factory=list)
    reason: str = ""
    kind: str = ""
    version: str = ""
    altered: str = ""
    metadata: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    entries: list[VerifyEntry] = field(default_factory=list)
    planted: list[str] = field(default_factory=list)
    ways: list[str] = field(default_factory=list)
    astray: list[str] = field(default_factory=list)
    foreign_libraries: list[str] = field(default_factory=list)
    hooks: list[str] = field(default_factory=list)
    launcher: str = ""
    isolated: str = ""
    runtime: str = ""
    verified_files: int = 0

    def reject(self, kind: str, reason: str) -> None:
        """Note the first thing that speaks against it."""
        if not self.reason:
            self.kind, self.reason = kind, reason

    def accept_difference(self, accepted: ProbedInterpreter | None) -> None:
        """Forget that it is altered where that is exactly what was accepted before."""
        if accepted and (self.kind, self.path, self.altered) == ("altered", accepted.path, accepted.altered):
            self.kind = self.reason = ""

    @property
    def may_be_harmless(self) -> bool:
        """Return whether what differs is only mode and owner, in a way that lets nobody but root change the file."""
        lines = [line for line in self.altered.split("\n") if line]
        return (
            self.kind == "altered"
            and bool(lines)
            and len(self.entries) == len(lines)
            and all(self._is_harmless(entry) for entry in self.entries)
        )

    def _is_harmless(self, entry: VerifyEntry) -> bool:
        if not is_drift(entry):
            return True
        if entry.missing or entry.note or entry.unreadable or not set(entry.altered) <= METADATA:
            return False
        # An access control list shows in the bits of the group, even where that is root.
        mode, user, _group = self.metadata.get(entry.path, (0o777, -1, -1))
        return user == 0 and not mode & 0o022


def parse_owners(lines: Sequence[str]) -> list[PackageId]:
    """Return the packages of lines with name, a tab and NEVRA, each once. Raises HostAnswerError."""
    return list(dict.fromkeys(parse_nevra(HOST.nevra(line.partition("\t")[2], "owners")) for line in lines))


def read_section(candidate: ProbedInterpreter, section: Section) -> None:
    """Note what a section of the probe's answer says about the candidate; others are passed over."""
    reader = _READERS.get(section.name)
    if reader:
        reader(candidate, section)


def _read_owners(candidate: ProbedInterpreter, section: Section) -> None:
    candidate.owners = parse_owners(section.lines)


def _read_rejected(candidate: ProbedInterpreter, section: Section) -> None:
    candidate.reject(section.word, section.text)


def _read_altered(candidate: ProbedInterpreter, section: Section) -> None:
    candidate.altered = section.body
    candidate.entries = parse_verify(section.body)
    candidate.reject("altered", _altered_reason(candidate))


def _altered_reason(candidate: ProbedInterpreter) -> str:
    drifted = [entry for entry in candidate.entries if is_drift(entry)]
    if not drifted:
        return f"rpm -V says: {printable(candidate.altered.strip()[:300])}"
    return "rpm -V reports " + shortened(
        (f"{printable(entry.path)} ({_difference(entry)})" for entry in drifted), _SHOWN
    )


def _difference(entry: VerifyEntry) -> str:
    if entry.missing:
        return entry.reason or "missing"
    words = [*entry.altered, *(f"{word} unreadable" for word in entry.unreadable)]
    return ", ".join([*words, *([entry.note] if entry.note else [])])


def _read_metadata(candidate: ProbedInterpreter, section: Section) -> None:
    for line in section.lines:
        fields = line.split("\t", 3)
        if len(fields) == 4:
            mode, user, group, path = fields
            bits = HOST.number(mode, "metadata", most=0o7777, base=8)
            candidate.metadata[path] = (bits, HOST.number(user, "metadata"), HOST.number(group, "metadata"))


def _read_way(candidate: ProbedInterpreter, section: Section) -> None:
    candidate.ways = section.lines
    candidate.reject("way-open", f"others than root may change {_shown_paths(section)}, and so exchange it")


def _read_astray(candidate: ProbedInterpreter, section: Section) -> None:
    candidate.astray = section.lines
    shown = _shown_paths(section)
    candidate.reject("astray", f"it is a link that leads through folders that others than root may write: {shown}")


def _read_planted(candidate: ProbedInterpreter, section: Section) -> None:
    candidate.planted = section.lines
    count = len(candidate.planted)
    candidate.reject("planted", f"no package owns what it would import: {_shown_paths(section)} ({count} in all)")


def _shown_paths(section: Section) -> str:
    return ", ".join(printable(path) for path in section.lines[:_SHOWN])


def _read_foreign_library(candidate: ProbedInterpreter, section: Section) -> None:
    candidate.foreign_libraries += section.lines


def _read_hooks(candidate: ProbedInterpreter, section: Section) -> None:
    candidate.hooks += section.lines


def _read_altered_hooks(candidate: ProbedInterpreter, section: Section) -> None:
    candidate.hooks += [entry.path for entry in parse_verify(section.body) if is_drift(entry) and _is_hook(entry.path)]


def _is_hook(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.endswith(".pth") or name.startswith(("sitecustomize", "usercustomize"))


def _read_runtime(candidate: ProbedInterpreter, section: Section) -> None:
    candidate.runtime = HOST.absolute_path(section.word, "runtime")


def _read_verified(candidate: ProbedInterpreter, section: Section) -> None:
    candidate.verified_files = HOST.number(section.word, "verified")


def _read_launcher(candidate: ProbedInterpreter, section: Section) -> None:
    """Each launcher is an attempt of its own: what an earlier one in another folder ended with no longer counts."""
    candidate.launcher = HOST.absolute_path(section.word, "launcher")
    if candidate.kind in _VERDICTS_OF_A_START:
        candidate.kind = candidate.reason = ""


def _read_isolated(candidate: ProbedInterpreter, section: Section) -> None:
    candidate.isolated = HOST.absolute_path(section.word, "isolated")


def _read_start(candidate: ProbedInterpreter, section: Section) -> None:
    output = section.body.strip()
    if section.words != ("0",):
        candidate.reject("does-not-start", f"it is intact but does not start: {printable(output[-500:])}")
    elif candidate.runtime and not candidate.verified_files:
        candidate.reject("unknown", "it was started before its manifest was compared")
    elif not output.startswith(candidate.minor + "."):
        candidate.reject("wrong-version", f"it says that its version is {printable(output[:40])}")
    else:
        candidate.version = output


_READERS: dict[str, Callable[[ProbedInterpreter, Section], None]] = {
    "owners": _read_owners,
    "rejected": _read_rejected,
    "altered": _read_altered,
    "metadata": _read_metadata,
    "way": _read_way,
    "astray": _read_astray,
    "planted": _read_planted,
    "foreign-library": _read_foreign_library,
    "hooks": _read_hooks,
    "altered-hooks": _read_altered_hooks,
    "launcher": _read_launcher,
    "isolated": _read_isolated,
    "runtime": _read_runtime,
    "verified": _read_verified,
    "start": _read_start,
}
