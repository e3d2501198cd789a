# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables and pictures of benchmarks."""

from __future__ import annotations

from typing import cast
from xml.etree import ElementTree as ET

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import InvalidDataError
from ansible_collections.fleet.system_python.plugins.module_utils._benchmark.records import (
    BenchmarkResult,
    Machine,
    RunnerUsed,
    Subject,
    Timing,
    make_timing,
)
from ansible_collections.fleet.system_python.plugins.plugin_utils._benchmark import chart
from ansible_collections.fleet.system_python.plugins.plugin_utils._benchmark.chart import draw
from ansible_collections.fleet.system_python.plugins.plugin_utils._benchmark.rows import panels, table

OLD, NEW = "/usr/bin/python3.6", "/usr/bin/python3.11"
ODD = "web<script>alert(1)</script> & $\\frac{1}{2}$ \x1b[31m"

MACHINE: Machine = {
    "architecture": "x86_64",
    "kernel": "6.1",
    "processor": None,
    "processors": 2,
    "load_before": (0.0, 0.0, 0.0),
    "load_after": (0.0, 0.0, 0.0),
}


def timing(path: str, ratio: float, different: str | None, reason: str) -> Timing:
    interval = None if different is None else [ratio * 0.9, ratio * 1.1]
    return make_timing(path, [2 * ratio - 0.05, 2 * ratio, 2 * ratio + 0.05], ratio, interval, different, reason)


def subject(path: str, version: str | None = None, note: str | None = None, problem: str | None = None) -> Subject:
    return Subject(
        path=path,
        realpath=path,
        version=version,
        owner=None,
        vouched_by=None,
        verified=note is None,
        note=note,
        problem=problem,
    )


def result(ratio: float = 0.5, different: str = "true", reason: str = "faster") -> BenchmarkResult:
    return BenchmarkResult(
        schema=1,
        machine=MACHINE,
        began=0.0,
        seconds=0.0,
        user="nobody",
        runner=RunnerUsed(name="builtin", version=None, reason="asked for"),
        rounds=9,
        warmups=1,
        tolerance=0.02,
        clock="wall",
        confidence=0.95,
        baseline=OLD,
        interpreters=[subject(OLD, "3.6.15"), subject(NEW, "3.11.2", note="no owner")],
        workloads=[
            {
                "name": name,
                "title": f"{name}, so many steps",
                "size": 1,
                "results": [timing(OLD, 1.0, None, "baseline"), timing(NEW, ratio, different, reason)],
                "problems": {},
            }
            for name in ("nbody", "words")
        ],
    )


def texts(svg: str) -> list[str]:
    """All texts of a picture; raises where it is not well-formed."""
    return ["".join(element.itertext()) for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_the_table_has_a_line_for_each() -> None:
    lines = table({"web1": result()})
    assert lines[0].split("  ")[0] == "workload"
    assert len(lines) == 1 + 4 + 1
    assert "3.11.2 (unverified)" in lines[2]
    assert "0.50" in lines[2]
    assert "faster" in lines[2]
    assert "0.45 to 0.55" in lines[2]
    assert lines[-1] == "unverified: web1: /usr/bin/python3.11: no owner"


def test_what_is_missing_is_told_in_the_table() -> None:
    measured = result()
    measured["workloads"][0]["results"].pop()
    measured["workloads"][0]["problems"] = {NEW: "it ended with exit code 1"}
    measured["interpreters"].append(subject("/opt/x", problem="it cannot be started"))
    lines = table({"web1": measured})
    assert "not measured: nbody: web1: /usr/bin/python3.11: it ended with exit code 1" in lines
    assert "not measured: words: web1: /opt/x: it cannot be started" in lines


def test_other_data_is_refused() -> None:
    with pytest.raises(InvalidDataError, match="web1 is not a result of python_benchmark"):
        panels({"web1": cast("BenchmarkResult", {"workloads": [{"name": "nbody"}]})})


def test_the_picture_says_what_the_numbers_say() -> None:
    found = texts(draw({"web1": result()}, "Interpreters of web1"))
    assert "Interpreters of web1" in found
    assert "nbody, so many steps" in found
    assert "Python 3.11.2 (unverified)" in found
    assert "0.50 [0.45, 0.55] faster" in found
    assert "1 = 2 s" in found


def test_undecided_is_written_and_not_coloured() -> None:
    drawn = draw({"web1": result(0.9, "undecided", "the spread of the timings covers the difference")}, "x")
    assert "0.90 [0.81, 0.99] undecided" in texts(drawn)
    assert "#0072b2" not in drawn
    assert "#0072b2" in draw({"web1": result()}, "x")


def test_names_stay_text() -> None:
    drawn = draw({ODD: result(), "web2": result()}, ODD)
    assert "<script" not in drawn
    assert "\x1b" not in drawn
    assert any(text.startswith("web<script>alert(1)</script>") and "\\\\frac" in text for text in texts(drawn))


def test_the_same_results_give_the_same_picture() -> None:
    assert draw({"web1": result()}, "x") == draw({"web1": result()}, "x")


def test_many_hosts_are_points_of_one_line() -> None:
    found = texts(draw({f"web{number}": result(0.4 + number / 100) for number in range(50)}, "fleet"))
    assert "3.11 to 3.6, 50 hosts" in found
    assert "0.40 to 0.89 over the hosts" in found


def test_nothing_measured_is_an_empty_picture() -> None:
    measured = result()
    measured["workloads"] = []
    assert "x" in texts(draw({"web1": measured}, "x"))


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chart, "_MISSING", ImportError("No module named 'matplotlib'"))
    assert "-m pip install matplotlib" in chart.missing_library()
