# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The runs that were kept, and the drift over them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from .._run.states import GOOD, PAGE_LABELS, known_page
from .hosts import counted_findings
from .load import FORMAT, RUN_KIND
from .records import FleetRun, HostRow, KeptHost, PastRun, RunCount
from .text import natural_order, safe_text

__all__ = ["count_runs", "count_states", "drifts", "kept_run", "newest_runs"]

_RUNS_SHOWN = 60


def kept_run(run: FleetRun, hosts: Iterable[HostRow]) -> PastRun:
    """Return what is kept of a run."""
    return PastRun(
        kind=RUN_KIND,
        format=FORMAT,
        run=run["id"],
        time=run["time"],
        partial=run["partial"],
        hosts={
            row["host"]: KeptHost(state=row["state"], found=sorted({one["id"] for one in counted_findings(row)}))
            for row in hosts
        },
    )


def newest_runs(current: PastRun, earlier: Iterable[PastRun]) -> list[PastRun]:
    """Return the kept runs and this one, oldest first, the newest ones where there are many."""
    runs = {one["run"]: one for one in earlier}
    if current["hosts"]:
        runs[current["run"]] = current
    return sorted(runs.values(), key=lambda one: (one["time"], one["run"]))[-_RUNS_SHOWN:]


def count_runs(runs: Sequence[PastRun]) -> list[RunCount]:
    """Return for each run its counts by state, and which hosts drifted since they were last looked at."""
    counts: list[RunCount] = []
    last: dict[str, KeptHost] = {}
    for one in runs:
        partial = one.get("partial", False)
        now = {**last, **one["hosts"]} if partial else one["hosts"]
        counts.append(
            RunCount(
                run=safe_text(one["run"]),
                time=safe_text(one["time"]),
                partial=partial,
                states=count_states(host["state"] for host in now.values()),
                drifted=_drifted(one["hosts"], last),
            )
        )
        last = dict(now)
    return counts


def count_states(found: Iterable[str]) -> dict[str, int]:
    """Return the hosts by state; one that this version does not know counts as not examined."""
    counts = Counter(map(known_page, found))
    return {state: counts[state] for state in PAGE_LABELS}


def drifts(runs: Iterable[PastRun]) -> Counter[str]:
    """Return for each host in how many runs something was found."""
    return Counter(host for one in runs for host, kept in one["hosts"].items() if kept["found"])


def _drifted(hosts: Mapping[str, KeptHost], last: Mapping[str, KeptHost]) -> list[str]:
    """Return hosts on which something was found now, and which were in a good state when last looked at."""
    good = {host for host, kept in last.items() if kept["state"] in GOOD}
    return [safe_text(host) for host in sorted(hosts, key=natural_order) if host in good and hosts[host]["found"]]
