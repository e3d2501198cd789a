# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""A fleet as metrics for the textfile collector of Prometheus' node_exporter."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from ...module_utils._base.clock import parse_stamp
from .._run.states import PAGE_LABELS
from .hosts import counted_findings, open_findings
from .records import Fleet, HostRow

__all__ = ["prometheus"]

_Sample = tuple[Mapping[str, str], float]


def prometheus(fleet: Fleet) -> bytes:
    """Return the text. It carries no time stamps per sample: the collector refuses them."""
    return "".join(_lines(fleet)).encode()


def _lines(fleet: Fleet) -> Iterator[str]:
    hosts = fleet["hosts"]
    states = fleet["states"]
    yield from _metric("hosts", "Hosts by state.", (({"state": state}, states[state]) for state in PAGE_LABELS))
    yield from _metric(
        "host_state",
        "The state of each host; always 1.",
        (({"host": row["host"], "state": row["state"]}, 1) for row in hosts),
    )
    yield from _metric("host_findings", "Findings that are still there, by host, kind and severity.", _findings(hosts))
    yield from _metric(
        "host_findings_repaired",
        "Findings that this run repaired, by host.",
        (({"host": row["host"]}, len(counted_findings(row)) - len(open_findings(row))) for row in hosts),
    )
    yield from _metric(
        "host_findings_accepted",
        "Findings that an exception accepts, by host.",
        (({"host": row["host"]}, len(row["findings"]) - len(counted_findings(row))) for row in hosts),
    )
    yield from _metric(
        "finding_hosts",
        "Hosts on which a kind of finding is still there.",
        (({"id": one["id"], "name": one["name"], "severity": one["severity"]}, one["open"]) for one in fleet["kinds"]),
    )
    yield from _metric(
        "interpreter_hosts",
        "Hosts that have a Python, by version and origin.",
        (({"interpreter": one["label"]}, one["hosts"]) for one in fleet["interpreters"]),
    )
    yield from _metric("unreadable_reports", "Reports that could not be read.", [({}, len(fleet["faults"]))])
    # A report of another version may say its time in another form.
    with contextlib.suppress(ValueError):
        moment = parse_stamp(fleet["run"]["time"])
        yield from _metric("run_timestamp_seconds", "When the run began.", [({}, moment)])


def _findings(hosts: Iterable[HostRow]) -> Iterator[_Sample]:
    for row in hosts:
        counts = Counter((one["id"], one["severity"]) for one in open_findings(row))
        for (kind, severity), number in sorted(counts.items()):
            yield {"host": row["host"], "id": kind, "severity": severity}, number


def _metric(name: str, about: str, samples: Iterable[_Sample]) -> Iterator[str]:
    full = f"fleet_system_python_{name}"
    yield f"# HELP {full} {about}\n# TYPE {full} gauge\n"
    for labels, value in samples:
        shown = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        yield f"{full}{{{shown}}} {value:.0f}\n" if shown else f"{full} {value:.0f}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
