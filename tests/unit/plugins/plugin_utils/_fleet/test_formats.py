# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What machines are given, judged by readers that others wrote."""

import json
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest
from simulated_fleet import BEGIN, report, simulate, write_history, write_reports

from ansible_collections.fleet.system_python.plugins.plugin_utils._fleet.hosts import open_findings
from ansible_collections.fleet.system_python.plugins.plugin_utils._fleet.jsonl import json_lines
from ansible_collections.fleet.system_python.plugins.plugin_utils._fleet.junit import junit
from ansible_collections.fleet.system_python.plugins.plugin_utils._fleet.prometheus import prometheus
from ansible_collections.fleet.system_python.plugins.plugin_utils._fleet.records import Fleet
from ansible_collections.fleet.system_python.plugins.plugin_utils._fleet.sarif import sarif
from ansible_collections.fleet.system_python.plugins.plugin_utils._fleet.shape import fleet_of

HOSTILE = 'a"b\\c\n</testcase>&{}\x00\ufffe\u2028'


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    folder = tmp_path_factory.mktemp("fleet")
    hostile = {**report("x", ['g"1'], "el9", "failed", BEGIN, 1), "host": HOSTILE, "note": HOSTILE}
    write_reports(folder / "reports", [*simulate(200), hostile])
    (folder / "reports/damaged.json").write_text("{")
    write_history(folder / "history", 200, 3)
    return fleet_of(folder / "reports", folder / "history", folder)


def still_there(fleet: Fleet) -> int:
    return sum(len(open_findings(row)) for row in fleet["hosts"])


def test_junit_is_read_by_junitparser(fleet: Fleet) -> None:
    parser = pytest.importorskip("junitparser", reason="junitparser is not installed in this environment")
    document = parser.JUnitXml.fromstring(junit(fleet).decode())
    suites = list(document)
    bad = sum(len({one["id"] for one in open_findings(row)}) for row in fleet["hosts"])
    assert document.failures == sum(suite.failures for suite in suites) == bad > 0
    assert document.tests == sum(len(list(suite)) for suite in suites)
    not_examined = [row for row in fleet["hosts"] if row["state"] in ("failed", "unreachable")]
    assert document.errors == len(not_examined) + len(fleet["faults"])
    repaired = [case for suite in suites for case in suite if case.system_out]
    assert repaired
    assert all(case.is_passed for case in repaired)


def test_junit_skips_what_was_not_checked(tmp_path: Path) -> None:
    seen, blind = (report(name, [], "el9", "healthy", BEGIN, 1) for name in ("seen", "blind"))
    seen["before"] |= {"not_checked": {"SP217": "not asked for"}}
    partial = {**report("partial", [], "el9", "healthy", BEGIN, 1)}
    partial["before"] = {**partial["before"], "verification": {"partial": True}}
    write_reports(tmp_path, [seen, partial, {**blind, "before": None, "after": None}])
    root = ET.fromstring(junit(fleet_of(tmp_path, None, tmp_path)))
    suites = {suite.get("name"): suite for suite in root}
    skipped = {
        name: {str(case.get("name"))[:5]: one.get("message") for case in suite for one in case.iter("skipped")}
        for name, suite in suites.items()
    }
    assert skipped["seen"] == {"SP217": "not asked for"}
    assert skipped["partial"]["SP201"] == "rpm -V did not end in time"
    assert "SP101" not in skipped["partial"]
    assert set(skipped["blind"].values()) == {"nothing was looked at"}
    assert suites["blind"].get("skipped") == suites["blind"].get("tests") == str(len(skipped["blind"]))


def test_junit_names_a_hostile_host_and_stays_xml(fleet: Fleet) -> None:
    root = ET.fromstring(junit(fleet))
    names = [suite.get("name") for suite in root]
    assert 'a"b\\\\c\\n</testcase>&{}\\x00\\ufffe\\u2028' in names


def test_junit_says_why_a_host_was_not_examined(fleet: Fleet) -> None:
    root = ET.fromstring(junit(fleet))
    error = root.find(".//testcase[@name='examined']/error[@type='unreachable']")
    assert error is not None
    assert error.get("message") == "unreachable: Failed to connect to the host via ssh: Connection timed out"


def test_sarif_is_read_by_its_model(fleet: Fleet) -> None:
    model = pytest.importorskip("sarif_pydantic", reason="sarif-pydantic is not installed in this environment")
    document = model.Sarif.model_validate_json(sarif(fleet, "1.2.3"))
    run = document.runs[0]
    assert document.version == "2.1.0"
    assert len(run.results) == still_there(fleet) > 0
    assert run.tool.driver.version == "1.2.3"
    assert run.invocations[0].execution_successful is False


def test_sarif_holds_together(fleet: Fleet) -> None:
    """What the specification asks for beyond the types: indexes that fit, levels, absolute URIs, unique marks."""
    run = json.loads(sarif(fleet, "1.2.3"))["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    marks = set()
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        marks.add(result["partialFingerprints"]["hostRulePath/v1"])
        place = result["locations"][0].get("physicalLocation")
        if place:
            address = urlsplit(place["artifactLocation"]["uri"])
            assert address.scheme == "file"
            assert address.path.startswith("/")
            assert not set(address.netloc) & set('"<> ')
    assert len(marks) == len(run["results"])
    texts = [note["message"]["text"] for note in run["invocations"][0]["toolExecutionNotifications"]]
    assert any("damaged.json is damaged" in text for text in texts)


def test_metrics_are_read_by_the_client_of_prometheus(fleet: Fleet) -> None:
    parser = pytest.importorskip("prometheus_client.parser", reason="prometheus_client is not installed here")
    families = {one.name: one for one in parser.text_string_to_metric_families(prometheus(fleet).decode())}
    hosts = {one.labels["state"]: one.value for one in families["fleet_system_python_hosts"].samples}
    assert hosts == fleet["states"]
    states = families["fleet_system_python_host_state"].samples
    assert [one.labels["host"] for one in states] == [row["host"] for row in fleet["hosts"]]
    assert sum(one.value for one in families["fleet_system_python_host_findings"].samples) == still_there(fleet)
    assert families["fleet_system_python_run_timestamp_seconds"].samples[0].value == BEGIN.timestamp()
    assert families["fleet_system_python_unreadable_reports"].samples[0].value == 1
    assert all(family.documentation and family.type == "gauge" for family in families.values())
    samples = [(one.name, *sorted(one.labels.items())) for family in families.values() for one in family.samples]
    assert len(samples) == len(set(samples))
    assert all(one.timestamp is None for family in families.values() for one in family.samples)


def test_there_is_a_json_line_per_finding(fleet: Fleet) -> None:
    text = json_lines(fleet)
    assert text.isascii()
    lines = [json.loads(line) for line in text.decode().splitlines()]
    findings = [line for line in lines if line["event"] == "finding"]
    assert len(findings) == sum(len(row["findings"]) for row in fleet["hosts"])
    assert {(line["host"], line["id"], line["path"]) for line in findings} == {
        (row["host"], one["id"], one["path"]) for row in fleet["hosts"] for one in row["findings"]
    }
    assert sum(line["event"] == "unreachable" for line in lines) == fleet["states"]["unreachable"]
    assert [line["file"] for line in lines if line["event"] == "unreadable report"] == [fleet["faults"][0]["file"]]
    for line in findings:
        assert {"run", "time", "host", "groups", "id", "severity", "path", "summary", "state"} <= set(line)


def test_a_fleet_without_a_time_is_told_without_it(tmp_path: Path) -> None:
    data = report("x", [], "el9", "healthy", BEGIN, 1)
    write_reports(tmp_path, [{**data, "run": {"id": "x"}}])
    fleet = fleet_of(tmp_path, None, tmp_path)
    assert b"run_timestamp" not in prometheus(fleet)
    assert b"timestamp" not in junit(fleet)
    assert b"startTimeUtc" not in sarif(fleet, "1")
