# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What evidence is made of: "evidence" in docs/report.schema.json, which describes every key.

Times are C(2026-01-31T12:00:00Z), sizes bytes; null is not there, or not known.
"""

import typing as t

from .._usage.records import Dependents

__all__ = [
    "BootRecord",
    "EvidenceFile",
    "EvidenceHop",
    "EvidenceLink",
    "EvidenceSource",
    "FileRecord",
    "HostEvidence",
    "InstalledPackage",
    "LoggedLine",
    "PastTransaction",
    "ShellLine",
    "StateFile",
]

if t.TYPE_CHECKING:

    class FileRecord(t.TypedDict, total=False):
        """What of a file was shipped, or is there."""

        digest: t.Optional[str]
        size: t.Optional[int]
        link_target: t.Optional[str]
        mode: str
        uid: int
        gid: int
        links: int

    class EvidenceFile(t.TypedDict):
        """A file that a finding names; C(content) says in a word what its bytes are."""

        path: str
        kind: str
        package: t.Optional[str]
        finding: str
        expected: FileRecord
        actual: FileRecord
        mtime: t.Optional[str]
        ctime: t.Optional[str]
        content: t.Optional[str]
        version: t.Optional[str]
        same_as: t.List[str]

    class EvidenceHop(t.TypedDict):
        """A hop of a link of the contract."""

        path: str
        kind: str
        target: t.Optional[str]
        mtime: t.Optional[str]
        ctime: t.Optional[str]

    class EvidenceLink(t.TypedDict):
        """A link of the contract, hop by hop."""

        path: str
        hops: t.List[EvidenceHop]

    class StateFile(t.TypedDict):
        """A state file of alternatives."""

        path: str
        text: str
        mtime: t.Optional[str]
        ctime: t.Optional[str]

    class InstalledPackage(t.TypedDict):
        """A package, and when it was installed."""

        time: str
        nevra: str
        vendor: t.Optional[str]

    class PastTransaction(t.TypedDict):
        """An entry in the history of the package manager; C(ok) is null where it does not say."""

        time: t.Optional[str]
        id: t.Optional[str]
        what: str
        who: t.Optional[str]
        packages: t.List[str]
        ok: t.Optional[bool]
        source: str

    class LoggedLine(t.TypedDict):
        """A line of a log, or a login."""

        time: t.Optional[str]
        text: str
        source: str

    class ShellLine(LoggedLine):
        """A line of a shell history; C(line) is its number, 0 where it has none."""

        user: str
        line: int

    class EvidenceSource(t.TypedDict):
        """A source: complete, partial, absent or failed."""

        name: str
        source: str
        status: str
        detail: str

    class HostEvidence(t.TypedDict):
        """What python_evidence collected."""

        format: int
        collected: str
        when: str
        seconds: float
        partial: bool
        redactions: int
        sources: t.List[EvidenceSource]
        files: t.List[EvidenceFile]
        links: t.List[EvidenceLink]
        alternatives: t.List[StateFile]
        packages: t.List[InstalledPackage]
        transactions: t.List[PastTransaction]
        logins: t.List[LoggedLine]
        log: t.List[LoggedLine]
        shell_history: t.List[ShellLine]
        dependents: t.NotRequired[t.Optional[Dependents]]

    class BootRecord(t.TypedDict):
        """The boot id of the kernel, and when process 1 was started."""

        kernel: t.Optional[str]
        init: t.Optional[str]

else:
    FileRecord = EvidenceFile = EvidenceHop = EvidenceLink = StateFile = InstalledPackage = dict
    PastTransaction = LoggedLine = ShellLine = EvidenceSource = HostEvidence = BootRecord = dict
