# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From reports to the numbers of a fleet."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from simulated_fleet import BEGIN, report, simulate, write_history, write_reports

from ansible_collections.fleet.system_python.plugins.plugin_utils._fleet.history import kept_run
from ansible_collections.fleet.system_python.plugins.plugin_utils._fleet.hosts import open_findings
from ansible_collections.fleet.system_python.plugins.plugin_utils._fleet.jsonl import json_lines
from ansible_collections.fleet.system_python.plugins.plugin_utils._fleet.junit import junit
from ansible_collections.fleet.system_python.plugins.plugin_utils._fleet.prometheus import prometheus
from ansible_collections.fleet.system_python.plugins.plugin_utils._fleet.records import (
    Fleet,
    FleetRun,
    HostRow,
    KeptHost,
    PastRun,
)
from ansible_collections.fleet.system_python.plugins.plugin_utils._fleet.sarif import sarif
from ansible_collections.fleet.system_python.plugins.plugin_utils._fleet.shape import fleet_of

EXAMPLES = Path(__file__).parents[3] / "data/reports"


def fleet(tmp_path: Path, reports: list[dict[str, Any]], history: Path | None = None) -> Fleet:
    write_reports(tmp_path / "reports", reports)
    return fleet_of(tmp_path / "reports", history, tmp_path)


def one(fate: str, **change: Any) -> dict[str, Any]:
    return {**report("web1", ["all", "web"], "el9", fate, BEGIN, 1), **change}


def row(tmp_path: Path, data: dict[str, Any]) -> HostRow:
    return fleet(tmp_path, [data])["hosts"][0]


@pytest.mark.parametrize(
    ("fate", "state", "findings"),
    [
        ("healthy", "healthy", []),
        ("a1", "repaired", ["repaired", "repaired"]),
        ("left", "left", ["repaired", "left"]),
        ("failed", "failed", ["found", "found"]),
        ("unreachable", "unreachable", []),
    ],
)
def test_states_and_what_became_of_the_findings(tmp_path: Path, fate: str, state: str, findings: list[str]) -> None:
    shown = row(tmp_path, one(fate))
    assert shown["state"] == state
    assert [finding["state"] for finding in shown["findings"]] == findings


ACCEPTED = {
    "id": "SP207",
    "name": "metadata-altered",
    "severity": "critical",
    "path": "/usr/bin/python3.9",
    "summary": "mode differs",
    "accepted": {"reason": "hardening", "expires": "9999-12-31"},
}


def test_what_is_accepted_is_shown_and_does_not_count(tmp_path: Path) -> None:
    data = one("healthy")
    data["after"] = {**data["before"], "accepted": [ACCEPTED]}
    made = fleet(tmp_path, [data])
    (shown,) = made["hosts"]
    assert (shown["state"], shown["worst"], open_findings(shown)) == ("healthy", "", [])
    assert [(one["state"], one["accepted"]) for one in shown["findings"]] == [
        ("accepted", "until 9999-12-31: hardening")
    ]
    assert made["kinds"] == []
    assert kept_run(made["run"], made["hosts"])["hosts"]["web1"]["found"] == []
    case = ET.fromstring(junit(made)).find(".//testcase[@name='SP207 metadata-altered']/skipped")
    assert case is not None
    assert case.get("message") == "accepted until 9999-12-31: hardening: mode differs"
    (told,) = json.loads(sarif(made, "1"))["runs"][0]["results"]
    assert told["suppressions"] == [{"kind": "external", "justification": "until 9999-12-31: hardening"}]
    (line,) = json_lines(made).splitlines()
    assert json.loads(line)["state"] == "accepted"
    assert b'host_findings_accepted{host="web1"} 1\n' in prometheus(made)


def test_what_an_audit_found_is_drift_and_not_called_irreparable(tmp_path: Path) -> None:
    data = one("a1", status="findings left", after=None)
    assert row(tmp_path, data)["state"] == "left"
    assert row(tmp_path, {**data, "run": {**data["run"], "kind": "audit"}})["state"] == "drifted"


def test_a_status_of_a_later_version_is_told_by_its_facts(tmp_path: Path) -> None:
    assert row(tmp_path, one("healthy", status="splendid"))["state"] == "healthy"
    assert row(tmp_path, one("a1", status="splendid", after=None))["state"] == "drifted"
    assert row(tmp_path, one("unreachable", status="splendid"))["state"] == "unknown"


def test_a_finding_that_only_the_second_look_has_is_new(tmp_path: Path) -> None:
    data = one("a1")
    data["before"] = one("healthy")["before"]
    data["after"] = one("failed")["before"]
    assert {finding["state"] for finding in row(tmp_path, data)["findings"]} == {"new"}


def test_every_example_of_the_reports_has_its_state() -> None:
    shown = fleet_of(EXAMPLES, None, EXAMPLES)
    by_status = {host["status"]: host["state"] for host in shown["hosts"]}
    assert shown["faults"] == []
    assert by_status == {
        "failed": "failed",
        "findings left": "left",
        "healthy": "healthy",
        "partial": "partial",
        "not helped": "left",
        "not started": "unknown",
        "repaired": "repaired",
        "unknown platform": "unknown",
        "unreachable": "unreachable",
        "would be repaired": "drifted",
    }


def test_the_numbers_of_a_thousand_hosts_agree(tmp_path: Path) -> None:
    reports = simulate(1000)
    shown = fleet(tmp_path, reports)
    assert sum(shown["states"].values()) == len(shown["hosts"]) == 1000
    found = [{finding["id"] for finding in (data["before"] or {"findings": []})["findings"]} for data in reports]
    assert {kind["id"]: kind["hosts"] for kind in shown["kinds"]} == {
        kind: sum(kind in ids for ids in found) for kind in set().union(*found)
    }
    assert all(kind["hosts"] == kind["open"] + kind["repaired"] for kind in shown["kinds"])
    web = [data for data in reports if "web" in data["groups"]]
    group = next(group for group in shown["groups"] if group["group"] == "web")
    assert group["hosts"] == len(web) == sum(group["states"].values())
    assert group["states"]["healthy"] == sum(data["status"] == "healthy" for data in web)


def test_interpreters_are_told_by_version_and_owner(tmp_path: Path) -> None:
    shown = row(tmp_path, one("failed"))
    assert shown["python"] == "3.15.2"
    assert "3.15 altered" in shown["interpreters"]
    healthy = row(tmp_path, one("healthy"))
    assert healthy["python"] == "3.9.25"
    assert "3.9 packaged" in healthy["interpreters"]


def test_links_lead_to_the_page_of_the_host_and_are_escaped(tmp_path: Path) -> None:
    folder = tmp_path / "re ports#1"
    folder.mkdir()
    (folder / "javascript:alert(1)?.json").write_text(json.dumps(one("healthy")))
    (folder / "javascript:alert(1)?.html").write_text("page")
    (folder / "b\udcff%.json").write_text(json.dumps(one("healthy", host="b")))
    hosts = {host["host"]: host["report"] for host in fleet_of(folder, None, tmp_path)["hosts"]}
    assert hosts == {
        "web1": "./re%20ports%231/javascript%3Aalert%281%29%3F.html",
        "b": "./re%20ports%231/b%FF%25.json",
    }


def test_names_are_safe_to_print(tmp_path: Path) -> None:
    shown = row(tmp_path, one("healthy", host="web\u202e1\x1b[31m\ud800", groups=["a\nb"]))
    assert shown["host"] == "web\\u202e1\\x1b[31m\\ud800"
    assert shown["groups"] == ["a\\nb"]
    json.dumps(shown, ensure_ascii=False).encode()


def test_a_second_report_of_a_host_is_a_fault(tmp_path: Path) -> None:
    write_reports(tmp_path, [one("healthy")])
    (tmp_path / "x.json").write_text(json.dumps(one("a1")))
    shown = fleet_of(tmp_path, None, tmp_path)
    assert [host["state"] for host in shown["hosts"]] == ["healthy"]
    assert "is a second report of the host web1" in shown["faults"][0]["reason"]


def test_hosts_are_in_natural_order(tmp_path: Path) -> None:
    shown = fleet(tmp_path, [one("healthy", host=name) for name in ("web10", "web9", "10", "\u0661")])
    assert [host["host"] for host in shown["hosts"]][:3] == ["10", "web9", "web10"]


def test_drift_over_time(tmp_path: Path) -> None:
    history = tmp_path / "history"
    history.mkdir()
    kept: list[tuple[str, dict[str, tuple[str, list[str]]]]] = [
        ("1", {"web1": ("healthy", []), "web2": ("healthy", [])}),
        ("2", {"web1": ("repaired", ["SP101"]), "web2": ("left", ["SP212"])}),
    ]
    for run, hosts in kept:
        record = PastRun(
            kind="fleet.system_python/run",
            format=1,
            run=run,
            time=f"2026-01-0{run}T00:00:00Z",
            partial=False,
            hosts={host: KeptHost(state=state, found=found) for host, (state, found) in hosts.items()},
        )
        (history / f"{run}.json").write_text(json.dumps(record))
    shown = fleet(tmp_path, [one("a1"), one("left", host="web2")], history)
    assert [run["drifted"] for run in shown["history"]] == [[], ["web1", "web2"], ["web1"]]
    assert [run["states"]["healthy"] for run in shown["history"]] == [2, 0, 0]
    assert {host["host"]: host["drifts"] for host in shown["hosts"]} == {"web1": 2, "web2": 2}


def test_a_run_over_a_part_of_the_hosts_is_no_drift(tmp_path: Path) -> None:
    history = tmp_path / "history"
    history.mkdir()
    sick, well = KeptHost(state="left", found=["SP212"]), KeptHost(state="healthy", found=[])
    runs = [(False, {"web1": well, "web2": sick}), (True, {"web2": well}), (False, {"web1": sick, "web2": sick})]
    for number, (partial, hosts) in enumerate(runs):
        record = kept_run(
            FleetRun(id=str(number), time=f"2026-01-0{number + 1}T00:00:00Z", mixed=False, partial=partial), []
        )
        (history / f"{number}.json").write_text(json.dumps({**record, "hosts": hosts}))
    shown = fleet(tmp_path, [], history)["history"]
    assert [run["partial"] for run in shown] == [False, True, False]
    # web1 was not looked at: it is as it was.
    assert [run["states"]["healthy"] for run in shown] == [1, 2, 0]
    assert [run["drifted"] for run in shown] == [[], [], ["web1", "web2"]]


def test_a_run_that_was_kept_before_there_were_partial_ones_is_read(tmp_path: Path) -> None:
    write_history(tmp_path / "history", 5, 3)
    assert {run["partial"] for run in fleet(tmp_path, simulate(5), tmp_path / "history")["history"]} == {False}


def test_the_page_of_a_run_that_was_kept_counts_it_once(tmp_path: Path) -> None:
    history = tmp_path / "history"
    write_history(history, 5, 3)
    first = fleet(tmp_path, simulate(5), history)
    (history / "now.json").write_text(json.dumps(kept_run(first["run"], first["hosts"])))
    assert fleet(tmp_path, simulate(5), history)["history"] == first["history"]
    assert len(first["history"]) == 3


def test_what_is_open_is_what_was_not_repaired(tmp_path: Path) -> None:
    assert [finding["id"] for finding in open_findings(row(tmp_path, one("left")))] == ["SP212"]
