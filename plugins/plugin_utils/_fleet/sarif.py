# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""A fleet as SARIF 2.1.0: one result per finding that is still there; one that is accepted is suppressed.

A result's place is a file URI with the host in it (C(file://web1/usr/bin/python3.9)). Hosts that could not be looked at
and reports that cannot be read are notifications of the invocation.
"""

from __future__ import annotations

import hashlib
import json
from urllib.parse import quote

from ...module_utils._audit.findings import RULES
from .._run.states import NOT_EXAMINED, PAGE_LABELS
from .records import FindingRow, Fleet
from .shape import all_findings

__all__ = ["sarif"]

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_HOME = "https://github.com/fleet-system-python/fleet.system_python"
_LEVELS = {"critical": "error", "major": "error", "minor": "warning", "info": "note"}


def sarif(fleet: Fleet, version: str) -> bytes:
    """Return the document; C(version) is the collection's."""
    rules = {rule.id: (rule.name, rule.severity) for rule in RULES}
    for _row, finding in all_findings(fleet):
        rules.setdefault(finding["id"], (finding["name"], finding["severity"]))
    index = {kind: number for number, kind in enumerate(sorted(rules))}
    results = [
        _result(row["host"], finding, index[finding["id"]])
        for row, finding in all_findings(fleet)
        if finding["state"] != "repaired"
    ]
    driver = {
        "name": "fleet.system_python",
        "version": version,
        "informationUri": _HOME,
        "rules": [_rule(kind, *rules[kind]) for kind in sorted(rules)],
    }
    run = {"tool": {"driver": driver}, "invocations": [_invocation(fleet)], "results": results}
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def _rule(kind: str, name: str, severity: str) -> dict[str, object]:
    words = name.split("-")
    return {
        "id": kind,
        "name": "".join(word.capitalize() for word in words),
        "shortDescription": {"text": " ".join(words) or kind},
        "helpUri": f"{_HOME}/blob/main/docs/findings.md#{quote(kind.lower())}-{quote(name)}",
        "defaultConfiguration": {"level": _LEVELS[severity]},
        "properties": {"severity": severity},
    }


def _result(host: str, finding: FindingRow, index: int) -> dict[str, object]:
    mark = hashlib.sha256("\0".join([host, finding["id"], finding["path"]]).encode()).hexdigest()
    location: dict[str, object] = {"logicalLocations": [{"name": host, "kind": "host"}]}
    if finding["path"].startswith("/"):
        place = {"uri": f"file://{quote(host, safe='')}{quote(finding['path'])}"}
        location["physicalLocation"] = {"artifactLocation": place}
    suppressions = {"suppressions": [{"kind": "external", "justification": finding["accepted"]}]}
    return {
        "ruleId": finding["id"],
        "level": _LEVELS[finding["severity"]],
        "message": {"text": f"{host}: {finding['summary']}"},
        "locations": [location],
        "partialFingerprints": {"hostRulePath/v1": mark},
        "ruleIndex": index,
        "properties": {"host": host, "severity": finding["severity"], "repairable": finding["repairable"]},
        **(suppressions if finding["state"] == "accepted" else {}),
    }


def _invocation(fleet: Fleet) -> dict[str, object]:
    notes = [
        _note("error", f"{row['host']}: {PAGE_LABELS[row['state']]}{': ' if row['note'] else ''}{row['note']}")
        for row in fleet["hosts"]
        if row["state"] in NOT_EXAMINED
    ]
    notes += [_note("error", f"{fault['file']} {fault['reason']}") for fault in fleet["faults"]]
    invocation: dict[str, object] = {"executionSuccessful": not notes, "toolExecutionNotifications": notes}
    if fleet["run"]["time"].endswith("Z"):
        invocation["startTimeUtc"] = fleet["run"]["time"]
    return invocation


def _note(level: str, text: str) -> dict[str, object]:
    return {"level": level, "message": {"text": text}}
