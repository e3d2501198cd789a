# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What is said of a benchmark: lines for people, and the short form that is kept as facts."""

import typing as t

from .records import SCHEMA, BenchmarkPlan, BenchmarkResult, Timing

__all__ = ["short_facts", "summarize", "summarize_plan"]

# What is kept of a timing.
_SHORT = ("median", "spread", "ratio", "interval", "different")
_CLOCKS = {"wall": "times", "cpu": "processor times"}


def short_facts(result: BenchmarkResult) -> t.Dict[str, object]:
    """Return the small part of the result that is kept as facts."""
    return {
        "schema": SCHEMA,
        "runner": result["runner"]["name"],
        "clock": result["clock"],
        "baseline": result["baseline"],
        "interpreters": {one["path"]: one["version"] for one in result["interpreters"]},
        "unverified": [one["path"] for one in result["interpreters"] if not one["verified"]],
        "problems": _problems(result),
        "workloads": {
            workload["name"]: {
                one["path"]: {key: value for key, value in one.items() if key in _SHORT} for one in workload["results"]
            }
            for workload in result["workloads"]
        },
    }


def _problems(result: BenchmarkResult) -> t.Dict[str, str]:
    """Return why an interpreter is missing, by its path or by its path and the workload."""
    found = {one["path"]: one["problem"] for one in result["interpreters"] if one["problem"]}
    for workload in result["workloads"]:
        for path, reason in workload["problems"].items():
            found[f"{path} ({workload['name']})"] = reason
    return found


def summarize_plan(planned: BenchmarkPlan) -> t.List[str]:
    """Return the plan as lines for people."""
    rounds = f"{planned['rounds']} rounds after {planned['warmups']} to warm up, baseline {planned['baseline']}"
    lines = [f"would run {planned['processes']} processes as user {planned['user']}: {rounds}"]
    lines.extend(f"workload {one['name']}: {one['title']}" for one in planned["workloads"])
    for one in planned["interpreters"]:
        vouched = one["problem"] or one["owner"] or f"unverified: {one['note']}"
        lines.append(f"interpreter {one['path']}: {vouched}")
    return lines


def summarize(result: BenchmarkResult) -> t.List[str]:
    """Return the result as lines for people."""
    versions = {one["path"]: f"{one['version']} ({one['path']})" for one in result["interpreters"]}
    how = f"runner {result['runner']['name']}, {result['rounds']} rounds as user {result['user']}"
    lines = [f"ratios of {_CLOCKS[result['clock']]} to those of Python {versions[result['baseline']]}, {how}"]
    for workload in result["workloads"]:
        lines.append(f"{workload['title']}:")
        lines.extend("  " + _timing_line(one, versions[one["path"]]) for one in workload["results"])
    lines.extend(f"not measured: {path}: {reason}" for path, reason in sorted(_problems(result).items()))
    for one in result["interpreters"]:
        if not one["verified"]:
            lines.append(f"unverified, run as {result['user']} only: {one['path']}: {one['note']}")
    return lines


def _timing_line(one: Timing, name: str) -> str:
    spread = f"median {one['median']:.4g} s, spread {one['spread']:.2g} s"
    if one["different"] is None:
        return f"{name}: baseline, {spread}"
    interval = " to ".join(f"{end:.2f}" for end in one["interval"] or ()) or "unknown"
    words = {"true": one["reason"], "false": "no difference"}
    verdict = words.get(one["different"], f"undecided: {one['reason']}")
    return f"{name}: ratio {one['ratio']:.2f} [{interval}], {verdict}, {spread}"
