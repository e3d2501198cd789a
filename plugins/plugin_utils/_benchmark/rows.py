# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""From the results of python_benchmark to rows for tables and pictures. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ...module_utils._base.errors import InvalidDataError
from ...module_utils._base.text import for_people
from ...module_utils._benchmark.records import BenchmarkResult, MeasuredWorkload

__all__ = ["Panel", "Row", "panels", "table", "usable", "verdict"]

_LONGEST = 200
# What is wrong with data that are no result.
_NO_RESULT = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True)
class Row:
    """One interpreter of one host under one workload; C(half_spread) is half its spread in parts of its median."""

    host: str
    path: str
    version: str
    verified: bool
    is_baseline: bool
    baseline_version: str
    ratio: float
    interval: tuple[float, float] | None
    different: str | None
    half_spread: float
    median: float
    spread: float
    reason: str


@dataclass(frozen=True)
class Panel:
    """A workload: the rows that were measured, and why others are missing."""

    name: str
    title: str
    rows: tuple[Row, ...]
    problems: tuple[str, ...]


def usable(measured: Mapping[str, BenchmarkResult]) -> tuple[dict[str, BenchmarkResult], list[str]]:
    """Return the hosts with what was measured there, and a sentence for each of which nothing can be used.

    Raises InvalidDataError where that is all of them.
    """
    found: dict[str, BenchmarkResult] = {}
    sentences = []
    for host, result in measured.items():
        try:
            table({host: result})
        except (InvalidDataError, *_NO_RESULT) as error:
            sentences.append(
                f"What was measured on {_shown(host)} is not a result of python_benchmark: {_shown(repr(error))}."
            )
        else:
            found[host] = result
    if measured and not found:
        raise InvalidDataError(sentences[0])
    return found, sentences


def panels(measured: Mapping[str, BenchmarkResult]) -> list[Panel]:
    """Return the workloads of all hosts, in the order in which they first occur. Raises InvalidDataError."""
    titles: dict[str, str] = {}
    rows: dict[str, list[Row]] = {}
    problems: dict[str, list[str]] = {}
    for host, result in measured.items():
        try:
            for workload in result["workloads"]:
                name = workload["name"]
                title = titles.setdefault(name, workload["title"])
                if title != workload["title"]:
                    # Another size on another host: ratios can still be shown side by side.
                    titles[name] = name
                rows.setdefault(name, []).extend(_rows(_shown(host), result, workload))
                problems.setdefault(name, []).extend(_problems(_shown(host), result, workload))
        except _NO_RESULT as error:
            raise InvalidDataError(_no_result(host, error)) from error
    return [Panel(_shown(name), _shown(titles[name]), tuple(rows[name]), tuple(problems[name])) for name in titles]


def _rows(host: str, result: BenchmarkResult, workload: MeasuredWorkload) -> Iterable[Row]:
    interpreters = {one["path"]: one for one in result["interpreters"]}
    baseline = str(interpreters[result["baseline"]]["version"])
    for one in workload["results"]:
        interpreter = interpreters[one["path"]]
        low_high = one["interval"]
        yield Row(
            host=host,
            path=_shown(one["path"]),
            version=_shown(str(interpreter["version"])),
            verified=bool(interpreter["verified"]),
            is_baseline=one["path"] == result["baseline"],
            baseline_version=_shown(baseline),
            ratio=float(one["ratio"]),
            interval=(float(low_high[0]), float(low_high[1])) if low_high else None,
            different=one["different"],
            half_spread=float(one["spread"]) / float(one["median"]) / 2,
            median=float(one["median"]),
            spread=float(one["spread"]),
            reason=_shown(str(one["reason"])),
        )


def _problems(host: str, result: BenchmarkResult, workload: MeasuredWorkload) -> Iterable[str]:
    for interpreter in result["interpreters"]:
        reason = interpreter["problem"] or workload["problems"].get(interpreter["path"])
        if reason:
            yield f"{host}: {_shown(interpreter['path'])}: {for_people(reason)}"


def _no_result(host: str, error: Exception) -> str:
    return f"What was measured on {_shown(host)} is not a result of python_benchmark: {_shown(repr(error))}."


def _shown(text: str) -> str:
    """Return a text of a host as a cell: what one host says widens the column of all."""
    return for_people(text, _LONGEST)


def verdict(row: Row) -> str:
    """Return in one or two words what the timings show."""
    if row.is_baseline:
        return "baseline"
    words = {"true": row.reason, "false": "no difference", "undecided": "undecided"}
    return words[str(row.different)]


def table(measured: Mapping[str, BenchmarkResult]) -> list[str]:
    """Return the results as an aligned table, one line each."""
    head = ("workload", "host", "Python", "ratio", "95 % interval", "verdict", "median", "spread")
    cells = [_cells(panel, row) for panel in panels(measured) for row in panel.rows]
    widths = [max(len(line[column]) for line in [head, *cells]) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in [head, *cells]]
    missing = [f"not measured: {panel.name}: {problem}" for panel in panels(measured) for problem in panel.problems]
    return [line.rstrip() for line in lines] + missing + _unverified(measured)


def _cells(panel: Panel, row: Row) -> Sequence[str]:
    interval = f"{row.interval[0]:.2f} to {row.interval[1]:.2f}" if row.interval else "-"
    python = row.version + ("" if row.verified else " (unverified)")
    timings = (f"{row.median:.4g} s", f"{row.spread:.2g} s")
    return (panel.name, row.host, python, f"{row.ratio:.2f}", interval, verdict(row), *timings)


def _unverified(measured: Mapping[str, BenchmarkResult]) -> list[str]:
    return [
        f"unverified: {_shown(host)}: {_shown(one['path'])}: {for_people(str(one['note']))}"
        for host, result in measured.items()
        for one in result["interpreters"]
        if not one["verified"]
    ]
