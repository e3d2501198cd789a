# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""From the report of a host to its row in a fleet."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from ...module_utils._audit.findings import RULES, SEVERITIES
from ...module_utils._audit.waivers import until
from .._run.states import page_of
from .._run.untyped import mapping, mappings, strings
from .load import ReportFile
from .records import FindingRow, HostRow
from .text import natural_order, safe_text, short_text

__all__ = ["counted_findings", "host_row", "open_findings"]

_Untyped = Mapping[str, object]

_BY_VERIFICATION = {rule.id for rule in RULES if rule.differs}
_MINOR = re.compile(r"^(\d+\.\d+)")


def host_row(report: ReportFile, base: Path) -> HostRow:
    """Return the row; the link to the report is relative to the folder C(base)."""
    data = report.data
    before, after = mapping(data.get("before")), mapping(data.get("after"))
    facts = after or before
    findings = _findings(mappings(before.get("findings")), mappings(after.get("findings")), proven=bool(after))
    counted = bool(findings)
    findings += [_finding(one, "accepted") for one in mappings(facts.get("accepted"))]
    return HostRow(
        host=safe_text(data["host"]),
        groups=sorted({safe_text(group) for group in strings(data["groups"])} - {"all"}),
        state=page_of(str(data["status"]), str(mapping(data["run"]).get("kind")), counted if facts else None),
        status=safe_text(data["status"]),
        note=short_text(data.get("note") or mapping(data.get("error")).get("msg")),
        cause=short_text(mapping(data.get("summary")).get("cause")),
        os=_os_name(facts),
        python=_system_version(facts),
        manager=safe_text(mapping(facts.get("manager")).get("state")),
        worst=_worst(findings),
        findings=findings,
        not_checked=_not_checked(facts) if facts else None,
        interpreters=_in_use(facts),
        report=_link(report.path, base),
        drifts=0,
    )


def open_findings(row: HostRow) -> list[FindingRow]:
    """Return the findings of a host that were neither repaired nor are accepted."""
    return [one for one in row["findings"] if one["state"] not in ("repaired", "accepted")]


def counted_findings(row: HostRow) -> list[FindingRow]:
    """Return the findings of a host that no exception accepts."""
    return [one for one in row["findings"] if one["state"] != "accepted"]


def _findings(before: Sequence[_Untyped], after: Sequence[_Untyped], proven: bool) -> list[FindingRow]:
    """Return those of before, each with what became of it, then those that only the second look has."""
    found, still = ({(one["id"], one.get("path")) for one in findings} for findings in (before, after))
    shown = []
    for one in before:
        left = "left" if (one["id"], one.get("path")) in still else "repaired"
        shown.append(_finding(one, left if proven else "found"))
    return shown + [_finding(one, "new") for one in after if (one["id"], one.get("path")) not in found]


def _finding(one: _Untyped, state: str) -> FindingRow:
    severity = str(one["severity"])
    return FindingRow(
        id=safe_text(one["id"]),
        name=safe_text(one.get("name")),
        severity=severity if severity in SEVERITIES else "info",
        path=short_text(one.get("path")),
        summary=short_text(one.get("summary")),
        repairable=bool(one.get("repairable")),
        state=state,
        accepted=_decision(mapping(one.get("accepted"))),
    )


def _decision(accepted: _Untyped) -> str:
    """Return end and reason of an exception."""
    expires = accepted.get("expires")
    return short_text(f"{until(str(expires) if expires else None)}: {accepted.get('reason')}") if accepted else ""


def _worst(findings: Iterable[FindingRow]) -> str:
    ranks = [SEVERITIES.index(one["severity"]) for one in findings if one["state"] not in ("repaired", "accepted")]
    return SEVERITIES[max(ranks)] if ranks else ""


def _not_checked(facts: _Untyped) -> dict[str, str]:
    """Return the rules that were not, or only in part, applied."""
    found = {safe_text(rule): short_text(why) for rule, why in mapping(facts.get("not_checked")).items()}
    if mapping(facts.get("verification")).get("partial"):
        found |= dict.fromkeys(_BY_VERIFICATION - found.keys(), "rpm -V did not end in time")
    return found


def _os_name(facts: _Untyped) -> str:
    found = mapping(facts.get("os"))
    return f"{safe_text(found.get('id'))} {safe_text(found.get('version'))}".strip()


def _system_version(facts: _Untyped) -> str:
    """Return the version of the file that the contract calls the system's Python, whoever put it there."""
    binary = mapping(facts.get("contract")).get("binary")
    for one in mappings(facts.get("interpreters")):
        if binary and one.get("path") == binary:
            return safe_text(one.get("version"))
    return ""


def _in_use(facts: _Untyped) -> list[str]:
    """Return what Pythons a host has, each as "3.11 packaged", "3.15 unowned" or "3.9 altered"; the same one once."""
    found = set()
    for one in mappings(facts.get("interpreters")):
        if one.get("reason"):
            continue
        version = safe_text(one.get("version"))
        minor = _MINOR.match(version)
        origin = "unowned" if not one.get("owner") else "altered" if one.get("verified") is False else "packaged"
        found.add(f"{minor[1] if minor else version or 'unknown version'} {origin}")
    return sorted(found, key=natural_order)


def _link(path: Path, base: Path) -> str:
    """Return the relative address of a host's page next to its data, or of the data where there is no page."""
    for suffix in (".html", ".md"):
        page = path.with_suffix(suffix)
        if page.is_file():
            path = page
            break
    relative = os.path.relpath(path, base)
    return "./" + quote(os.fsencode(relative), safe="/")
