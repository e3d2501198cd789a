# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What the shell kept of a host before first aid changed it (scripts/evidence.sh), read."""

from __future__ import annotations

import base64
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...module_utils._audit.alternatives import ADMIN_FOLDERS
from ...module_utils._audit.contract import COMMAND, CONTRACTS, Contract
from ...module_utils._audit.records import ContractBinary, FileFacts
from ...module_utils._base.clock import utc_stamp_or_none
from ...module_utils._base.text import json_text, printable
from ...module_utils._disk.files import octal_mode
from ...module_utils._disk.links import Hop, plain_kind
from ...module_utils._evidence.history import DNF_LOG, ZYPP_HISTORY
from ...module_utils._evidence.logs import ALTERNATIVES_LOGS
from ...module_utils._evidence.records import InstalledPackage, StateFile
from ...module_utils._rpm.packages import PackageId, parse_nevra
from ...module_utils._rpm.verify_output import VerifyEntry, parse_verify
from .._border.types import HOST
from .script import Answer, Section, Settings

__all__ = ["Seen", "SeenFile", "evidence_settings", "names_of", "read_seen"]

_MOST_HOPS = 40


@dataclass(frozen=True)
class SeenFile:
    """What lay at a path; C(mode) is st_mode, C(head) are the first bytes of a regular file."""

    path: str
    mode: int
    uid: int
    gid: int
    size: int
    mtime: int
    ctime: int
    links: int
    target: str | None = None
    digest: str | None = None
    head: bytes | None = None

    @property
    def kind(self) -> str:
        """Return link, file, directory or other."""
        return plain_kind(self.mode)

    @property
    def facts(self) -> FileFacts:
        """Return it in the form of the audit."""
        if self.target is not None:
            return FileFacts(link_target=self.target, uid=self.uid, gid=self.gid)
        facts = FileFacts(size=self.size, mode=octal_mode(self.mode), uid=self.uid, gid=self.gid)
        return FileFacts(**facts, digest=self.digest) if self.digest else facts


@dataclass(frozen=True)
class Seen:
    """All of it. C(verified) is what rpm -V said of each package, C(records) what rpm promises of altered files.

    C(logs) are the ends of files; C(logins) is the program that told who was there, and what it said.
    """

    moment: int
    files: dict[str, SeenFile]
    verified: dict[PackageId, list[VerifyEntry]]
    records: dict[str, FileFacts]
    installs: list[tuple[str, InstalledPackage]]
    states: list[StateFile]
    logs: dict[str, str]
    logins: tuple[str, str]

    def hops(self, path: str) -> list[Hop]:
        """Return where a name leads, hop by hop, as far as it was seen."""
        found: list[Hop] = []
        while len(found) < _MOST_HOPS:
            one = self.files.get(path)
            target = one.target if one else None
            found.append(Hop(path=path, kind=one.kind if one else "missing", target=target))
            if target is None:
                break
            path = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        return found


def read_seen(answer: Answer) -> Seen | None:
    """Return what was kept, null where nothing was. Raises HostAnswerError where it is not what the script prints."""
    if not answer.has("evidence"):
        return None
    try:
        return _seen(answer)
    except (ArithmeticError, LookupError, ValueError) as error:
        raise HOST.refused(None, "evidence", "what was seen before first aid") from error


def _seen(answer: Answer) -> Seen:
    logins = answer.first("evidence-logins")
    return Seen(
        moment=int(answer.first("evidence").word),
        files={one.path: one for one in _files(answer)},
        verified={parse_nevra(one.word): parse_verify(one.body + "\n") for one in answer.named("package")},
        records=dict(_records(answer.first("evidence-records"))),
        installs=list(_installs(answer.first("evidence-packages"))),
        states=list(_states(answer)),
        logs={one.word: one.body for one in answer.named("evidence-log")},
        logins=(logins.word, logins.body),
    )


def _pairs(answer: Answer, name: str) -> Iterator[tuple[Section, Section]]:
    """Yield each section of a name with the one that follows it."""
    for section, after in zip(answer.sections, answer.sections[1:], strict=False):
        if section.name == name:
            yield section, after


def _files(answer: Answer) -> Iterator[SeenFile]:
    for section, after in _pairs(answer, "evidence-file"):
        mode, *numbers = section.words
        uid, gid, size, mtime, ctime, links = map(int, numbers)
        digest = after if after.name == "evidence-digest" else None
        yield SeenFile(
            path=posixpath.normpath(section.body),
            mode=int(mode, 16),
            uid=uid,
            gid=gid,
            size=size,
            mtime=mtime,
            ctime=ctime,
            links=links,
            target=after.body if after.name == "evidence-link" else None,
            digest=digest.word if digest else None,
            head=base64.b64decode(digest.body) if digest else None,
        )


def _records(section: Section) -> Iterator[tuple[str, FileFacts]]:
    for line in section.lines:
        digest, size, mode, owner, group, target, path = line.split("\t", 6)
        facts = FileFacts(link_target=target, owner=owner, group=group)
        if not target:
            facts = FileFacts(digest=digest, size=int(size), mode=octal_mode(int(mode, 8)), owner=owner, group=group)
        yield path, facts


def _installs(section: Section) -> Iterator[tuple[str, InstalledPackage]]:
    """Yield each installed package with its name, the newest first."""
    rows = [line.split("\t", 3) for line in section.lines if line.count("\t") >= 3]
    for seconds, name, label, vendor in sorted(rows, key=lambda row: -int(row[0])):
        stamp = utc_stamp_or_none(int(seconds))
        if stamp:
            shown = None if vendor in ("", "(none)") else printable(vendor)
            yield name, InstalledPackage(time=stamp, nevra=parse_nevra(label).nevra, vendor=shown)


def _states(answer: Answer) -> Iterator[StateFile]:
    for section, after in _pairs(answer, "evidence-state"):
        mtime, ctime = (utc_stamp_or_none(int(word)) for word in section.words)
        yield StateFile(path=json_text(section.body), text=json_text(after.body), mtime=mtime, ctime=ctime)


def evidence_settings(contract: Contract | None) -> Settings:
    """Return the settings with which the probe keeps evidence; C(contract) is the user's own, or some keys of one."""
    contracts = [*CONTRACTS, *([contract] if contract else [])]
    packages = [name for one in contracts for name in [*_listed(one, "packages"), *_listed(one, "optional_packages")]]
    paths = [link["path"] for one in contracts for link in one.get("links") or ()]
    paths += [path for one in contracts for name in one.get("binaries") or () for path in names_of(name)]
    return {
        "evidence_packages": list(dict.fromkeys(packages)),
        "evidence_paths": list(dict.fromkeys([COMMAND, "/usr/bin/python", *paths])),
        "evidence_states": ADMIN_FOLDERS,
        "evidence_logs": (DNF_LOG, ZYPP_HISTORY, *ALTERNATIVES_LOGS),
    }


def _listed(contract: Mapping[str, Any], key: str) -> list[str]:
    # A user's own may have some of the keys.
    return list(contract.get(key) or ())


def names_of(binary: ContractBinary) -> list[str]:
    """Return the paths of a binary and of its twins."""
    return [binary["path"], *(binary.get("twins") or ())]
