# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""From the reports of a run to what a page or another format shows of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ...module_utils._audit.findings import RULES
from .._run.untyped import mapping
from .history import count_runs, count_states, drifts, kept_run, newest_runs
from .hosts import counted_findings, host_row, open_findings
from .load import earlier_runs, reports, unusable
from .records import (
    CauseCount,
    FaultRow,
    FindingRow,
    Fleet,
    FleetRun,
    GroupCount,
    HostRow,
    InterpreterCount,
    KindCount,
)
from .text import natural_order, safe_text

__all__ = ["all_findings", "fleet_of"]

_Rows = Sequence[HostRow]


def fleet_of(folder: Path, history: Path | None, base: Path) -> Fleet:
    """Read a run's reports, and the earlier runs kept in C(history); links are relative to the folder C(base)."""
    faults: list[FaultRow] = []
    hosts, run = _read(folder, base, faults)
    earlier = list(earlier_runs(history, faults)) if history and history.is_dir() else []
    runs = newest_runs(kept_run(run, hosts), earlier)
    drifted = drifts(runs)
    for row in hosts:
        row["drifts"] = drifted[row["host"]]
    return Fleet(
        run=run,
        hosts=hosts,
        states=count_states(row["state"] for row in hosts),
        kinds=_kinds(hosts),
        causes=_causes(hosts),
        groups=_groups(hosts),
        interpreters=_interpreters(hosts),
        history=count_runs(runs),
        faults=faults,
    )


def all_findings(fleet: Fleet) -> Iterator[tuple[HostRow, FindingRow]]:
    """Yield each host with each of its findings."""
    for row in fleet["hosts"]:
        for finding in row["findings"]:
            yield row, finding


def _read(folder: Path, base: Path, faults: list[FaultRow]) -> tuple[list[HostRow], FleetRun]:
    """Return the hosts, and the run that most of their reports are of."""
    rows: dict[str, HostRow] = {}
    runs: Counter[tuple[str, str, bool]] = Counter()
    for report in reports(folder, faults):
        try:
            row = host_row(report, base)
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
            faults.append(unusable(report.path, error))
            continue
        if row["host"] in rows:
            reason = f"is a second report of the host {row['host']}; the first one counts"
            faults.append(FaultRow(file=safe_text(report.path), reason=reason))
            continue
        rows[row["host"]] = row
        runs[_run_of(report.data)] += 1
    name, time, partial = runs.most_common(1)[0][0] if runs else ("", "", False)
    run = FleetRun(id=name, time=time, mixed=len({one[0] for one in runs}) > 1, partial=partial)
    return [rows[host] for host in sorted(rows, key=natural_order)], run


def _run_of(data: Mapping[str, object]) -> tuple[str, str, bool]:
    """Return the id and the time of a report's run, and whether it left hosts out."""
    run = mapping(data["run"])
    time = safe_text(run.get("started") or run.get("ended"))
    return safe_text(run.get("id")) or time, time, bool(run.get("partial"))


def _kinds(hosts: _Rows) -> list[KindCount]:
    names = {rule.id: (rule.name, rule.severity) for rule in RULES}
    found: dict[str, KindCount] = {}
    for row in hosts:
        still = {one["id"] for one in open_findings(row)}
        for kind, first in {one["id"]: one for one in reversed(counted_findings(row))}.items():
            name, severity = names.get(kind, (first["name"], first["severity"]))
            new = KindCount(id=kind, name=name, severity=severity, hosts=0, open=0, repaired=0)
            count = found.setdefault(kind, new)
            count["hosts"] += 1
            count["open" if kind in still else "repaired"] += 1
    return [found[kind] for kind in sorted(found)]


def _causes(hosts: _Rows) -> list[CauseCount]:
    """Return what the reports give as the cause, the most frequent first."""
    counts = Counter(row["cause"] for row in hosts if row["cause"])
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return [CauseCount(cause=cause, hosts=number) for cause, number in ordered]


def _groups(hosts: _Rows) -> list[GroupCount]:
    names = {group for row in hosts for group in row["groups"]}
    return [_group(name, [row for row in hosts if name in row["groups"]]) for name in sorted(names, key=natural_order)]


def _group(name: str, hosts: _Rows) -> GroupCount:
    kinds = Counter(kind for row in hosts for kind in {one["id"] for one in counted_findings(row)})
    return GroupCount(
        group=name, hosts=len(hosts), states=count_states(row["state"] for row in hosts), kinds=dict(kinds)
    )


def _interpreters(hosts: _Rows) -> list[InterpreterCount]:
    counts = Counter(label for row in hosts for label in row["interpreters"])
    return [InterpreterCount(label=label, hosts=counts[label]) for label in sorted(counts, key=natural_order)]
