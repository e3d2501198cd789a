# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""From the reports of a run to what a page or another format shows of it: plain data, small per host.

A fleet is a dict: C(run), C(hosts) (rows, by name), C(states), C(kinds), C(groups), C(interpreters), C(history),
C(faults). Every text in it is safe to print: invisible and control characters are written as escapes.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ansible_collections.fleet.system_python.plugins.module_utils._findings import RULES, SEVERITIES
from ansible_collections.fleet.system_python.plugins.module_utils._text import printable
from ansible_collections.fleet.system_python.plugins.plugin_utils._fleet_load import (
    FORMAT,
    RUN_KIND,
    Fault,
    Report,
    earlier_runs,
    reports,
)

__all__ = ["LABELS", "STATES", "all_findings", "fleet_of", "open_findings", "run_record"]

# From good to bad; the order of charts and tables.
LABELS = {
    "healthy": "healthy",
    "repaired": "repaired",
    "drifted": "drift found",
    "left": "not repairable",
    "failed": "failed",
    "unreachable": "unreachable",
    "unknown": "not examined",
}
STATES = tuple(LABELS)

# What the playbooks call a host's state; the severities are an audit's.
_STATES = {
    "healthy": "healthy",
    "repaired": "repaired",
    "would be repaired": "drifted",
    **dict.fromkeys(SEVERITIES, "drifted"),
    "findings": "drifted",
    "findings left": "left",
    "not helped": "left",
    "failed": "failed",
    "unreachable": "unreachable",
    "not started": "unknown",
}

# Longer texts of a finding are cut on the page; the host's own report has all of it.
_LONGEST = 400
_RUNS_SHOWN = 60
_MINOR = re.compile(r"^(\d+\.\d+)")


def fleet_of(folder: Path, history: Path | None, base: Path) -> dict[str, Any]:
    """Read a run's reports, and the earlier runs kept in C(history); links are relative to the folder C(base)."""
    faults: list[Fault] = []
    rows: dict[str, dict[str, Any]] = {}
    runs: Counter[tuple[str, str]] = Counter()
    for report in reports(folder, faults):
        row = _row(report, base)
        if row["host"] in rows:
            faults.append(
                Fault(str(report.path), f"is a second report of the host {row['host']}; the first one counts")
            )
            continue
        rows[row["host"]] = row
        runs[_run_of(report.data)] += 1
    hosts = [rows[name] for name in sorted(rows, key=_natural)]
    run = runs.most_common(1)[0][0] if runs else ("", "")
    earlier = list(earlier_runs(history, faults)) if history and history.is_dir() else []
    fleet: dict[str, Any] = {
        "run": {"id": run[0], "time": run[1], "mixed": len({one[0] for one in runs}) > 1},
        "hosts": hosts,
        "states": _states(row["state"] for row in hosts),
        "kinds": _kinds(hosts),
        "causes": _causes(hosts),
        "groups": _groups(hosts),
        "interpreters": _interpreters(hosts),
        "faults": [{"file": _safe(fault.file), "reason": _safe(fault.reason)} for fault in faults],
    }
    kept = _kept(fleet, earlier)
    fleet["history"] = _history(kept)
    drifts = Counter(host for one in kept for host, entry in one["hosts"].items() if entry["found"])
    for row in hosts:
        row["drifts"] = drifts[row["host"]]
    return fleet


def run_record(fleet: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a run, so that later pages can show the drift over time."""
    return {
        "kind": RUN_KIND,
        "format": FORMAT,
        "run": fleet["run"]["id"],
        "time": fleet["run"]["time"],
        "hosts": {
            row["host"]: {"state": row["state"], "found": sorted({one["id"] for one in row["findings"]})}
            for row in fleet["hosts"]
        },
    }


def open_findings(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The findings of a host that were not repaired."""
    return [one for one in row["findings"] if one["state"] != "repaired"]


def all_findings(fleet: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield each host with each of its findings."""
    for row in fleet["hosts"]:
        for finding in row["findings"]:
            yield row, finding


def _row(report: Report, base: Path) -> dict[str, Any]:
    data = report.data
    before, after = data.get("before") or {}, data.get("after") or {}
    facts = after or before
    findings = _findings(before.get("findings") or [], after.get("findings") or [], proven=bool(after))
    error = data.get("error")
    note = data.get("note") or (error.get("msg") if isinstance(error, dict) else error) or ""
    return {
        "host": _safe(data["host"]),
        "groups": sorted({_safe(group) for group in data["groups"]} - {"all"}),
        "state": _state(data, facts, findings),
        "status": _safe(data["status"]),
        "note": _cut(note),
        "cause": _cut(_mapping(data.get("summary")).get("cause")),
        "os": _os(facts),
        "python": _system_version(facts),
        "manager": _text(_mapping(facts.get("manager")).get("state")),
        "worst": _worst(findings),
        "findings": findings,
        "interpreters": _in_use(facts),
        "report": _link(report.path, base),
    }


def _state(data: Mapping[str, Any], facts: Mapping[str, Any], findings: Sequence[Mapping[str, Any]]) -> str:
    known = _STATES.get(data["status"])
    if known:
        # An audit leaves every finding: that tells nothing about whether it can be repaired.
        return "drifted" if known == "left" and findings and data["run"].get("kind") == "audit" else known
    if not facts:
        return "unknown"
    return "drifted" if findings else "healthy"


def _findings(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]], proven: bool
) -> list[dict[str, Any]]:
    """Those of before, each with what became of it, then those that only the second look has.

    C(state): C(found) (nobody looked again), C(repaired), C(left), C(new).
    """
    still = {(one["id"], one.get("path")) for one in after}
    found = {(one["id"], one.get("path")) for one in before}
    shown = []
    for one in before:
        state = "found" if not proven else "left" if (one["id"], one.get("path")) in still else "repaired"
        shown.append(_finding(one, state))
    shown += [_finding(one, "new") for one in after if (one["id"], one.get("path")) not in found]
    return shown


def _finding(one: Mapping[str, Any], state: str) -> dict[str, Any]:
    return {
        "id": _safe(one["id"]),
        "name": _text(one.get("name")),
        "severity": one["severity"] if one["severity"] in SEVERITIES else "info",
        "path": _cut(one.get("path")),
        "summary": _cut(one.get("summary")),
        "repairable": bool(one.get("repairable")),
        "state": state,
    }


def _worst(findings: Iterable[Mapping[str, Any]]) -> str:
    ranks = [SEVERITIES.index(one["severity"]) for one in findings if one["state"] != "repaired"]
    return SEVERITIES[max(ranks)] if ranks else ""


def _os(facts: Mapping[str, Any]) -> str:
    found = _mapping(facts.get("os"))
    return f"{_text(found.get('id'))} {_text(found.get('version'))}".strip()


def _system_version(facts: Mapping[str, Any]) -> str:
    """The version of the file that the contract calls the system's Python, whoever put it there."""
    binary = _mapping(facts.get("contract")).get("binary")
    for one in _dicts(facts.get("interpreters")):
        if binary and one.get("path") == binary:
            return _text(one.get("version"))
    return ""


def _in_use(facts: Mapping[str, Any]) -> list[str]:
    """What Pythons a host has, each as "3.11 packaged", "3.15 unowned" or "3.9 altered"; the same one once."""
    found = set()
    for one in _dicts(facts.get("interpreters")):
        if one.get("reason"):
            continue
        version = _text(one.get("version"))
        minor = _MINOR.match(version)
        origin = "unowned" if not one.get("owner") else "altered" if one.get("verified") is False else "packaged"
        found.add(f"{minor[1] if minor else version or 'unknown version'} {origin}")
    return sorted(found, key=_natural)


def _link(path: Path, base: Path) -> str:
    """The page of a host's report next to its data, as a relative address; the data where there is no page."""
    for suffix in (".html", ".md"):
        page = path.with_suffix(suffix)
        if page.is_file():
            path = page
            break
    relative = os.path.relpath(path, base)
    return "./" + quote(os.fsencode(relative), safe="/")


def _states(found: Iterable[str]) -> dict[str, int]:
    counts = Counter(found)
    return {state: counts[state] for state in STATES}


def _kinds(hosts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """For each kind of finding: on how many hosts it was found, on how many it was repaired, and is open."""
    names = {rule.id: (rule.name, rule.severity) for rule in RULES}
    found: dict[str, dict[str, Any]] = {}
    for row in hosts:
        for kind in {one["id"] for one in row["findings"]}:
            first = next(one for one in row["findings"] if one["id"] == kind)
            name, severity = names.get(kind, (first["name"], first["severity"]))
            entry = found.setdefault(
                kind, {"id": kind, "name": name, "severity": severity, "hosts": 0, "open": 0, "repaired": 0}
            )
            entry["hosts"] += 1
            still = any(one["id"] == kind for one in open_findings(row))
            entry["open" if still else "repaired"] += 1
    return [found[kind] for kind in sorted(found)]


def _causes(hosts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What the reports give as the cause, the most frequent first."""
    counts = Counter(row["cause"] for row in hosts if row["cause"])
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return [{"cause": cause, "hosts": number} for cause, number in ordered]


def _groups(hosts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """For each group: its hosts, their states, and on how many of them each kind of finding was found."""
    found: dict[str, dict[str, Any]] = {}
    for row in hosts:
        for group in row["groups"]:
            entry = found.setdefault(group, {"group": group, "hosts": 0, "states": Counter(), "kinds": Counter()})
            entry["hosts"] += 1
            entry["states"][row["state"]] += 1
            entry["kinds"].update({one["id"] for one in row["findings"]})
    return [
        {**found[group], "states": _states(found[group]["states"].elements()), "kinds": dict(found[group]["kinds"])}
        for group in sorted(found, key=_natural)
    ]


def _interpreters(hosts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    counts = Counter(label for row in hosts for label in row["interpreters"])
    return [{"label": label, "hosts": counts[label]} for label in sorted(counts, key=_natural)]


def _kept(fleet: Mapping[str, Any], earlier: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The kept runs and this one, oldest first, the newest ones where there are many."""
    current = run_record(fleet)
    runs: dict[str, Mapping[str, Any]] = {one["run"]: one for one in earlier}
    if current["hosts"]:
        runs[current["run"]] = current
    return sorted(runs.values(), key=lambda one: (one["time"], one["run"]))[-_RUNS_SHOWN:]


def _history(kept: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """For each run its counts by state, and which hosts drifted since the run before."""
    shown: list[dict[str, Any]] = []
    last: Mapping[str, Any] | None = None
    for one in kept:
        states = (entry["state"] if entry["state"] in STATES else "unknown" for entry in one["hosts"].values())
        drifted = _drifted(one["hosts"], last) if last is not None else []
        shown.append(
            {"run": _safe(one["run"]), "time": _safe(one["time"]), "states": _states(states), "drifted": drifted}
        )
        last = one["hosts"]
    return shown


def _drifted(hosts: Mapping[str, Any], last: Mapping[str, Any]) -> list[str]:
    """Hosts on which something was found now, and which ended the run before in a good state."""
    good = {host for host, entry in last.items() if entry["state"] in ("healthy", "repaired")}
    return [_safe(host) for host in sorted(hosts, key=_natural) if host in good and hosts[host]["found"]]


def _run_of(data: Mapping[str, Any]) -> tuple[str, str]:
    """The id and the time of a report's run."""
    run = data["run"]
    time = _text(run.get("started") or run.get("ended"))
    return _text(run.get("id")) or time, time


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return "" if value is None else _safe(str(value))


def _safe(value: Any) -> str:
    text = str(value)
    return text if text.isprintable() else printable(text)


def _cut(value: Any) -> str:
    text = _text(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _natural(text: str) -> list[tuple[int, int, str]]:
    """web2 before web10."""
    parts = re.split(r"([0-9]{1,18})", text)
    return [(1, int(part), "") if index % 2 else (0, 0, part) for index, part in enumerate(parts)]
