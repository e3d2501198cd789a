# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host of which every text is hostile, in every format that people read."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleet.system_python.plugins.module_utils._base.text import for_people, lines_for_people
from ansible_collections.fleet.system_python.plugins.plugin_utils._benchmark.rows import table as benchmark_table
from ansible_collections.fleet.system_python.plugins.plugin_utils._fleet.build import FORMATS
from ansible_collections.fleet.system_python.plugins.plugin_utils._fleet.shape import fleet_of
from ansible_collections.fleet.system_python.plugins.plugin_utils._fleet.summary import RunSummary
from ansible_collections.fleet.system_python.plugins.plugin_utils._guard.checker import checker_text
from ansible_collections.fleet.system_python.plugins.plugin_utils._report.known import KnownHost
from ansible_collections.fleet.system_python.plugins.plugin_utils._report.records import RunRecord
from ansible_collections.fleet.system_python.plugins.plugin_utils._report.render import render
from ansible_collections.fleet.system_python.plugins.plugin_utils._report.shape import shape
from ansible_collections.fleet.system_python.plugins.plugin_utils._run.outcome import Outcome, outcome_lines, totals
from ansible_collections.fleet.system_python.plugins.plugin_utils._run.states import HostState

DATA = Path(__file__).parents[1] / "unit/data"
RUN = RunRecord(
    id="run-1",
    kind="audit",
    started=None,
    ended="2026-01-31T12:00:00Z",
    core="2.19.0",
    collection="0.1.0",
    check_mode=False,
    partial=False,
)
EVIL = {
    "escape": "\x1b[2J\x1b]0;title\x07",
    "one of C1": "\x9b2J\x85",
    "markup": '<img src=x onerror="alert(1)"></script><script>alert(2)</script>',
    "markdown": "](javascript:alert(1)) ![x](http://evil/x) `code` ``` | a | b | **bold** # h\n\n# heading\n- [ ] item",
    "direction": "\u202e\u2066txt.exe\u2069",
    "zero": "a\0b",
    "surrogate": "\ud800\udcff",
    "lines": "a\r\nb\u2028c\u2029<0>d\x0b",
    "metrics": 'a"} 1\nfleet_system_python_hosts{state="healthy"} 99\n#',
    "long": "x" * 20_000,
    "CDATA": "]]>&amp;&#x1b;",
}
# What no format may have in it, whatever the text around it means.
NOT_PRINTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def evil_report(evil: str) -> dict[str, Any]:
    """The report of a host with each text replaced that a host may have said; the words that are ours stay."""
    collected = json.loads((DATA / "evidence/pip_overwrote.json").read_text(encoding="utf-8"))
    report = shape(KnownHost("web1", HostState.DRIFT_FOUND, collected=collected, facts=collected["facts"]), RUN)
    ours = {"format", "status", "severity", "verdict", "kind", "time", "mtime", "ctime", "collected"}

    def replaced(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: replaced(one, name) for name, one in value.items()}
        if isinstance(value, list):
            return [replaced(one, key) for one in value]
        return f"{evil}{value[:10]}" if isinstance(value, str) and key not in ours else value

    found = replaced(report)
    found["run"] = report["run"]
    found["timeline"] = [{"time": evil, "what": evil, "source": evil}]
    for one in found["evidence"]["files"]:
        one["finding"] = evil
    assert isinstance(found, dict)
    return found


class Elements(HTMLParser):
    """The elements and attributes that a browser would make of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.found.update(name for name, _value in attrs)


@pytest.mark.parametrize("evil", EVIL.values(), ids=EVIL)
def test_a_report_says_it_as_text_in_every_format(evil: str) -> None:
    texts = render(cast(Any, evil_report(evil)))
    for text in texts.values():
        assert not NOT_PRINTED.search(text)
    assert not {"img", "script", "onerror", "iframe", "src"} & Elements(texts["html"]).found
    markdown = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", texts["md"])
    assert "<img" not in markdown
    assert "<script" not in markdown
    assert not re.search(r"(?<!\\)\]\((?:javascript|http)", markdown)
    assert not re.search(r"^# heading", markdown, re.MULTILINE)
    for table in re.findall(r"(?:^\|.*\n)+", texts["md"], re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1, table[:1000]
    json.loads(texts["json"])
    assert len(texts["html"]) + len(texts["md"]) < 3_000_000


def xml_is_whole(text: str) -> None:
    assert ET.fromstring(text).tag == "testsuites"


def json_is_whole(text: str) -> None:
    assert json.loads(text)["version"] == "2.1.0"


def lines_are_whole(text: str) -> None:
    assert all(json.loads(line)["event"] for line in text.splitlines())


def metrics_are_ours(text: str) -> None:
    assert all(map(METRIC.match, text.splitlines()))
    assert not re.search(r'^fleet_system_python_hosts\{state="healthy"\} 99', text, re.MULTILINE)


def page_has_our_elements(text: str) -> None:
    assert not {"img", "onerror", "iframe"} & Elements(text).found
    assert text.count("<script") == 3


METRIC = re.compile(r'(?:# (?:HELP|TYPE) )?fleet_system_python_\w+(?:\{(?:\w+="(?:[^"\\]|\\.)*",?)*\})?(?: |$)')
CHECKS: dict[str, Callable[[str], None]] = {
    "html": page_has_our_elements,
    "junit": xml_is_whole,
    "sarif": json_is_whole,
    "prometheus": metrics_are_ours,
    "jsonl": lines_are_whole,
}


@pytest.mark.parametrize("evil", EVIL.values(), ids=EVIL)
def test_a_fleet_says_it_as_text_in_every_format(tmp_path: Path, evil: str) -> None:
    report = evil_report(evil)
    report.update(host=evil, note=evil, groups=[evil], status=evil)
    report["run"] = {"id": evil, "kind": evil, "started": evil}
    (tmp_path / "evil.json").write_text(json.dumps(report), encoding="utf-8")
    (tmp_path / "web2.json").write_text(json.dumps({**report, "host": "web2", "status": "failed"}), encoding="utf-8")
    fleet = fleet_of(tmp_path, None, tmp_path)
    assert [row["host"] for row in fleet["hosts"]][-1] == "web2" or fleet["hosts"][0]["host"] == "web2"
    assert not fleet["faults"]
    assert set(CHECKS) == set(FORMATS)
    chart = re.compile(r"<script>.*?</script>", re.DOTALL)
    for name, (_file, make) in FORMATS.items():
        text = make(fleet, "0.1.0").decode("utf-8")
        CHECKS[name](text)
        assert not NOT_PRINTED.search(chart.sub("", text) if name == "html" else text), name
        assert len(text) < 1_000_000


@pytest.mark.parametrize(
    "broken",
    [
        {"before": {"findings": [{"id": "SP1", "severity": "major", "path": ["a"]}]}},
        {"before": {"findings": 5}},
        {"before": {"interpreters": [{"path": {}}], "contract": {"binary": {}}}},
        {"before": {"not_checked": {"SP1": {}}}},
        {"error": 5, "summary": [], "note": {}},
        {"run": {"id": {}, "started": []}},
        {"groups": [{}, 5]},
        {"status": "\ud800"},
    ],
)
def test_a_report_that_is_none_leaves_the_others(tmp_path: Path, broken: dict[str, object]) -> None:
    good = {"format": 1, "host": "web1", "groups": [], "run": {}, "status": "healthy", "before": None, "after": None}
    (tmp_path / "web1.json").write_text(json.dumps(good), encoding="utf-8")
    (tmp_path / "evil.json").write_text(json.dumps({**good, "host": "evil", **broken}), encoding="utf-8")
    fleet = fleet_of(tmp_path, None, tmp_path)
    assert "web1" in [row["host"] for row in fleet["hosts"]]
    assert len(fleet["hosts"]) + len(fleet["faults"]) == 2
    for _file, make in FORMATS.values():
        make(fleet, "0.1.0")


@pytest.mark.parametrize("evil", EVIL.values(), ids=EVIL)
def test_a_terminal_gets_lines_of_bounded_length(evil: str) -> None:
    summary = RunSummary()
    facts = {"findings": [{"id": evil}], "worst": evil}
    summary.ok("web1", "fleet.system_python.python_facts", {"ansible_facts": {"system_python": facts}})
    summary.failed("web2", "fleet.system_python.system_python", {"kind": evil, "msg": evil})
    table = {"web1": Outcome(HostState.FAILED, evil), "web2": Outcome(HostState.HEALTHY, word=evil)}
    for line in [*summary.lines(), *outcome_lines(table), totals(table)]:
        assert line.isprintable()
        assert len(line) < 5000


def test_facts_that_another_module_brought_say_nothing_about_a_host() -> None:
    summary = RunSummary()
    summary.failed("web1", "fleet.system_python.python_facts", {"kind": "host_answer_invalid", "changed_nothing": True})
    summary.ok("web1", "ansible.builtin.stat", {"ansible_facts": {"system_python": {"findings": []}}})
    assert any("failed" in line for line in summary.lines())


def test_the_journal_of_the_guard_gets_one_printable_line(tmp_path: Path) -> None:
    code = checker_text()
    functions = code[code.index("for_people() {") : code.index("exit 2\n}") + 9]
    script = tmp_path / "die.sh"
    script.write_text("exec 3>&1\n" + functions + '\ndie "$1"\n', encoding="utf-8")
    for name, evil in EVIL.items():
        if name in ("zero", "long"):
            continue
        argv: list[Any] = ["sh", script, evil.encode("utf-8", "surrogatepass")]
        done = subprocess.run(argv, capture_output=True, check=False)
        assert re.fullmatch(rb"guard: [ -~]*\n", done.stdout), name


def test_a_megabyte_is_shown_as_a_line() -> None:
    assert len(for_people("x" * (1 << 20))) == 2000
    assert len(lines_for_people("x\n" * (1 << 20))) < 3000


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60), st.integers(1, 50))
def test_one_function_makes_a_text_safe(text: str, longest: int) -> None:
    shown = for_people(text)
    assert shown.isprintable()
    assert for_people(shown) == shown
    assert len(for_people(text, longest)) <= longest * 10
    assert "\x1b" not in lines_for_people(text)
    shown.encode("utf-8")


def test_a_benchmark_says_it_as_text_of_bounded_length() -> None:
    evil = "\x1b]0;x\x07" + "y" * 100000
    row = {"path": evil, "ratio": 1, "interval": None, "different": "false", "spread": 1, "median": 1, "reason": evil}
    measured = {
        "baseline": evil,
        "interpreters": [{"path": evil, "version": evil, "verified": False, "note": evil, "problem": evil}],
        "workloads": [{"name": evil, "title": evil, "results": [row], "problems": {}}],
    }
    lines = benchmark_table(cast("Any", {"web1": measured}))
    assert all(line.isprintable() and len(line) < 4000 for line in lines)
