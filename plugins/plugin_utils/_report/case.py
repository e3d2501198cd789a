# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What a hypothesis is tested with: the facts and the evidence of a host, and the exhibits taken from them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ...module_utils._audit.contract import COMMAND
from ...module_utils._base.text import printable
from ...module_utils._evidence.records import EvidenceFile, HostEvidence
from .._border.collected import Facts, ShownFinding
from .records import Exhibit
from .rules import DIFFERENCES

__all__ = ["Case", "Proving", "Verdict", "left_open", "path_list", "ruled_in", "ruled_out"]

# The id of an exhibit, and what it shows about a hypothesis.
Proving = tuple[str, str]


@dataclass(frozen=True)
class Verdict:
    """What became of one hypothesis: ruled_in, ruled_out or open; C(missing) is what would decide it."""

    verdict: str
    evidence: Sequence[Proving] = ()
    missing: str | None = None


def ruled_in(*evidence: Proving) -> Verdict:
    return Verdict("ruled_in", evidence)


def ruled_out(*evidence: Proving) -> Verdict:
    return Verdict("ruled_out", evidence)


def left_open(missing: str, *evidence: Proving) -> Verdict:
    return Verdict("open", evidence, missing)


@dataclass
class Case:
    """The data of one host, and the exhibits that were taken from it so far."""

    facts: Facts
    evidence: HostEvidence
    exhibits: list[Exhibit] = field(default_factory=list)

    def exhibit(self, what: str, source: str, shows: str, time: str | None = None) -> str:
        """Return the id of this piece of evidence; the same piece is numbered once."""
        for known in self.exhibits:
            if (known["what"], known["source"], known["shows"]) == (what, source, shows):
                return known["id"]
        number = f"E{len(self.exhibits) + 1}"
        self.exhibits.append(Exhibit(id=number, what=what, source=source, shows=shows, time=time))
        return number

    def findings(self, *ids: str) -> list[ShownFinding]:
        """Return the findings with one of these ids."""
        return [finding for finding in self.facts["findings"] if finding["id"] in ids]

    def files(self, *ids: str) -> list[EvidenceFile]:
        """Return the collected files that findings with one of these ids name."""
        return [one for one in self.evidence["files"] if one["finding"] in ids]

    @property
    def version(self) -> str:
        """Return the minor version of the system Python, "3.9"."""
        return self.facts["contract"]["version"]

    @property
    def whole(self) -> bool:
        """Tell whether rpm verified everything."""
        return not self.facts["verification"]["partial"]

    @property
    def packages(self) -> str:
        """Return the packages of the contract, as a list for people."""
        return ", ".join(sorted(self.facts["contract"]["packages"]))

    def verified(self) -> str:
        """Return the exhibit of the verification."""
        named = ", ".join(sorted({finding["id"] for finding in self.findings(*DIFFERENCES)}))
        shows = f"differences are in the findings {named} only" if named else "no file differs from what was shipped"
        if not self.whole:
            shows = f"it did not end in time; until then: {named or 'no difference'}"
        return self.exhibit(f"files of {self.packages} and the package manager", "rpm -V --nodeps --noscripts", shows)

    def packages_asked(self) -> str:
        """Return the exhibit of the first finding about the packages of the contract."""
        return self.exhibit("packages of the contract", "rpm -q", self.findings("SP301", "SP303")[0]["summary"])

    def file_shown(self, file: EvidenceFile) -> str:
        """Return the exhibit of a file's content."""
        source = "lstat, SHA-256, ELF constants, rpm's record"
        return self.exhibit(printable(file["path"]), source, _content_text(file), file["ctime"])

    def link_changed(self, path: str) -> str | None:
        """Return when a link of the contract was changed, null where that is not known."""
        hops = next((one["hops"] for one in self.evidence["links"] if one["path"] == path and one["hops"]), None)
        return hops[0]["ctime"] if hops else None

    def way_of_python3(self) -> str:
        """Return the exhibit of where /usr/bin/python3 leads."""
        hops = self.facts["resolution"]["python3"]
        shows = " -> ".join(printable(hop["path"]) for hop in hops) if hops else "missing"
        return self.exhibit(f"where {COMMAND} leads", "readlink, hop by hop", shows, self.link_changed(COMMAND))

    def typed(self, pattern: str) -> list[Proving]:
        """Return the shell lines that match, two at most: they support, they do not decide."""
        found = [one for one in self.evidence["shell_history"] if re.search(pattern, one["text"])]
        return [
            (
                self.exhibit(
                    f"shell history of {one['user']}",
                    f"{one['source']}:{one['line']}" if one["line"] else one["source"],
                    f"'{one['text']}'",
                    one["time"],
                ),
                "a user typed it",
            )
            for one in found[-2:]
        ]


def path_list(paths: Iterable[str]) -> str:
    """Return the first paths as a list for people."""
    return ", ".join(printable(path) for path in list(paths)[:5])


def _content_text(file: EvidenceFile) -> str:
    """Return in words what lies where a file was shipped."""
    actual, expected = file["actual"], file["expected"]
    if file["kind"] == "missing":
        return "it is missing"
    if file["kind"] == "link":
        return f"it is a link to {printable(str(actual.get('link_target')))}"
    if file["kind"] != "file":
        return f"it is a {file['kind']}"
    text = f"SHA-256 {_short_digest(actual.get('digest'))}, {actual.get('size')} bytes"
    if file["same_as"]:
        text += f", the same content as {', '.join(printable(name) for name in file['same_as'])}"
    if file["version"]:
        text += f"; a program of CPython {file['version']}"
    elif file["content"]:
        text += f"; content: {file['content']}"
    if expected.get("digest"):
        text += f"; shipped was {_short_digest(expected['digest'])}, {expected.get('size')} bytes"
    return text


def _short_digest(digest: str | None) -> str:
    return f"{digest[:12]}..." if digest else "unknown"
