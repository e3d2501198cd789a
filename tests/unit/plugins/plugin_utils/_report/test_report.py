# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report from recorded evidence (tests/unit/data/evidence: tampered test hosts) to its three files."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._evidence.records import PastTransaction
from ansible_collections.fleet.system_python.plugins.module_utils._repair.proof import ProofLine
from ansible_collections.fleet.system_python.plugins.plugin_utils._border.collected import (
    Collected,
    FirstAidAnswer,
    IncidentAnswer,
    QuarantinedItem,
    RepairAnswer,
    ShownFinding,
    ShownStep,
)
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.records import BroughtBack
from ansible_collections.fleet.system_python.plugins.plugin_utils._report.known import KnownHost, Round, known_of
from ansible_collections.fleet.system_python.plugins.plugin_utils._report.records import Report, RunRecord
from ansible_collections.fleet.system_python.plugins.plugin_utils._report.render import (
    file_stem,
    render,
    to_html,
    to_markdown,
)
from ansible_collections.fleet.system_python.plugins.plugin_utils._report.shape import shape
from ansible_collections.fleet.system_python.plugins.plugin_utils._run.outcome import ErrorRecord
from ansible_collections.fleet.system_python.plugins.plugin_utils._run.states import HostState

ROOT = Path(__file__).resolve().parents[5]
RECORDED = sorted((ROOT / "tests/unit/data/evidence").glob("*.json"))
RUN = RunRecord(
    id="20260131T115902Z-1f2e3d",
    kind="remediate",
    started=None,
    ended="2026-01-31T12:03:40Z",
    core="2.19.4",
    collection="0.1.0",
    check_mode=False,
    partial=False,
)
HOSTILE = "we<b>1</b>\"'&`|*_[x](javascript:alert(1))\n# $(id)\x1b[31m ../..\u202e"


def recorded(name: str) -> Collected:
    text = (ROOT / f"tests/unit/data/evidence/{name}.json").read_text(encoding="utf-8")
    return cast("Collected", json.loads(text))


def reported(collected: Collected) -> Report:
    """Return the report of an audit that collected this."""
    state = HostState.HEALTHY if collected["facts"]["healthy"] else HostState.DRIFT_FOUND
    return shape(KnownHost("web1", state, collected=collected), RUN, {"playbooks/audit.yml"})


def report_of(name: str) -> Report:
    return reported(recorded(name))


def found(report: Report, verdict: str) -> set[str]:
    """Return the hypotheses with this verdict."""
    return {one["id"] for one in report["hypotheses"] if one["verdict"] == verdict}


# --- hypotheses ------------------------------------------------------------------------------------------------------

CAUSES = {
    "rhel9_alternatives": {"alternatives_redirected"},
    "rhel9_overwritten": {"binary_overwritten", "alternatives_redirected", "link_replaced"},
    "sles15_overwritten": {"binary_overwritten", "link_replaced"},
    "interpreter_altered": {"binary_overwritten"},
    "twin_altered": {"binary_overwritten"},
    "libpython_altered": {"library_altered"},
    "library_altered": {"library_altered"},
    "planted": {"library_altered"},
    "taken_over": {"replaced_by_package"},
    "environment_hijack": {"environment_variable"},
    "path_shadowed": {"path_shadowed"},
    "link_redirected": {"link_replaced"},
    "pip_overwrote": {"pip_as_root", "library_altered"},
}


@pytest.mark.parametrize("name", CAUSES)
def test_the_right_cause_is_named_and_the_others_are_ruled_out(name: str) -> None:
    report = report_of(name)
    assert found(report, "ruled_in") == CAUSES[name]
    assert found(report, "open") == set()
    assert len(found(report, "ruled_out")) == len(report["hypotheses"]) - len(CAUSES[name])


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_every_verdict_has_named_evidence_or_says_what_is_missing(path: Path) -> None:
    report = report_of(path.stem)
    exhibits = {one["id"] for one in report["exhibits"]}
    for one in report["hypotheses"]:
        assert {piece["ref"] for piece in one["evidence"]} <= exhibits
        assert bool(one["missing"]) == (one["verdict"] == "open")
        assert one["evidence"] or one["verdict"] == "open"


def test_the_deciding_evidence_of_the_overwritten_binary() -> None:
    report = report_of("rhel9_overwritten")
    exhibits = {one["id"]: one for one in report["exhibits"]}
    binary = next(one for one in report["hypotheses"] if one["id"] == "binary_overwritten")
    corruption = next(one for one in report["hypotheses"] if one["id"] == "disk_corruption")
    decided = exhibits[binary["evidence"][0]["ref"]]
    assert decided["what"] == "/usr/bin/python3.9"
    assert "the same content as /usr/bin/python3.15" in decided["shows"]
    assert binary["evidence"][0]["ref"] in {piece["ref"] for piece in corruption["evidence"]}
    assert str(report["summary"]["cause"]).startswith("the binary was overwritten in place")


def test_one_altered_byte_of_the_same_size_is_left_open_and_not_guessed() -> None:
    report = report_of("interpreter_altered_same_size")
    assert found(report, "open") == {"binary_overwritten", "disk_corruption"}


@pytest.mark.parametrize("content", ["zeros", "random", "damaged"])
def test_damage_is_ruled_in_by_its_bytes(content: str) -> None:
    collected = recorded("interpreter_altered_same_size")
    file = next(one for one in collected["evidence"]["files"] if one["finding"] == "SP201")
    file["content"], file["version"] = content, None
    causes = found(reported(collected), "ruled_in")
    assert "disk_corruption" in causes
    assert "binary_overwritten" not in causes


def test_a_transaction_that_failed_is_a_failed_update() -> None:
    collected = recorded("interpreter_altered_same_size")
    entry = PastTransaction(
        time=None,
        id="3",
        what="dnf upgrade",
        who=None,
        packages=["Upgrade python3-3.9-2"],
        ok=False,
        source="/var/lib/dnf/history.sqlite",
    )
    collected["evidence"]["transactions"] = [entry]
    assert "failed_update" in found(reported(collected), "ruled_in")


def test_a_verification_that_did_not_end_rules_nothing_out() -> None:
    collected = recorded("path_shadowed")
    collected["facts"]["verification"]["partial"] = True
    report = reported(collected)
    assert {"binary_overwritten", "library_altered", "disk_corruption"} <= found(report, "open")
    assert "no file differs" not in to_markdown(report)


def test_a_healthy_host_is_one_paragraph() -> None:
    report = report_of("healthy_rhel9")
    assert (report["hypotheses"], report["timeline"], report["repair"], report["difference"]) == ([], [], None, [])
    heading, paragraph = to_markdown(report).strip().split("\n\n")
    assert heading == "# web1: healthy"
    assert "every file of python3-3.9.2-1.el9.x86_64" in paragraph
    assert len(re.findall(r"<p>", to_html(report))) == 1


def test_a_host_that_was_not_verified_to_the_end_is_not_called_as_shipped() -> None:
    facts = recorded("healthy_rhel9")["facts"]
    facts["verification"]["partial"] = True
    report = shape(KnownHost("web1", HostState.HEALTHY, facts=facts), RUN)
    assert "not every file was looked at" in report["summary"]["headline"]


@pytest.mark.parametrize(
    ("name", "state"), [("healthy_rhel9", HostState.HEALTHY), ("link_redirected", HostState.DRIFT_FOUND)]
)
def test_what_is_accepted_is_named_with_reason_and_end(name: str, state: HostState) -> None:
    facts = recorded(name)["facts"]
    accepted: dict[str, object] = {"id": "SP207", "name": "metadata-altered", "summary": "mode differs"}
    accepted["accepted"] = {"reason": "hardening", "expires": "2027-01-31"}
    facts["accepted"] = [cast(Any, accepted)]
    report = shape(KnownHost("web1", state, facts=facts), RUN)
    line = "accepted until 2027-01-31, hardening: SP207 metadata-altered: mode differs"
    assert report["summary"]["accepted"] == [line]
    assert all("accepted until 2027-01-31, hardening" in text for text in render(report).values())
    assert ("but for what is accepted" in report["summary"]["headline"]) == (state is HostState.HEALTHY)


def test_a_verification_that_did_not_end_proves_nothing() -> None:
    known = repaired()
    collected = known.result["report"]
    collected["facts_after"]["verification"]["partial"] = True
    validation = shape(known, RUN)["validation"]
    assert validation
    check = next(one for one in validation["checks"] if one["what"].startswith("rpm -V"))
    assert (check["ok"], check["detail"]) == (False, "it did not end in time, so not every file was looked at")


# --- the data --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_reports_keep_to_the_schema(path: Path) -> None:
    assert faults(report_of(path.stem)) == []


def faults(report: Report) -> list[str]:
    """Return how a report is not as its schema says."""
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema (requirements/scenarios.txt) is not installed")
    schema = json.loads((ROOT / "docs/report.schema.json").read_text(encoding="utf-8"))
    written = json.loads(render(report)["json"])
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(written)]


def repaired() -> KnownHost:
    """Return what is known of a host that was repaired, checked again and restarted."""
    collected = recorded("sles15_overwritten")
    healthy = recorded("healthy_rhel9")["facts"]
    proof = [ProofLine(command="/usr/bin/python3 --version", ok=True, output="Python 3.6.15")]
    kept = QuarantinedItem(path="/usr/bin/python3.6", kind="file", action="keep", finding="SP201", sha256="ab", size=1)
    collected.update({"facts_after": healthy, "proof": proof, "proved": "2026-01-31T12:00:00Z", "quarantine": [kept]})
    again = Collected(facts=healthy, proof=proof, started="2026-01-31T12:00:10Z", proved="2026-01-31T12:00:11Z")
    booted = Collected(facts=healthy, proof=proof, started="2026-01-31T12:00:10Z", proved="2026-01-31T12:01:00Z")
    booted["boot"] = {"kernel": collected["boot"]["kernel"], "init": "1"}
    step = ShownStep(action="restore_link", description="put the link back", findings=["SP101"])
    return KnownHost(
        "web1",
        HostState.REPAIRED,
        first_aid=FirstAidAnswer(
            interpreter="/usr/bin/python3.11", interpreter_version="3.11.2", changed=False, summary="x"
        ),
        result=RepairAnswer(
            changed=True,
            healthy=True,
            plan=[step],
            actions=[step],
            findings_after=[],
            sources={"python3-base-3.6": "repositories at https://user:hunter2@repo.example/os"},
            tried=[],
            quarantine="/var/lib/fleet.system_python/quarantine/x",
            report=collected,
        ),
        rounds=[second_run("second run", again), second_run("after the boot", booted)],
    )


def second_run(name: str, report: Collected) -> Round:
    return Round(round=name, result=RepairAnswer(changed=False, healthy=True, findings=[], report=report))


def brought_back(known: KnownHost, quarantine: str = "") -> FirstAidAnswer:
    """Return the result of a first aid that brought a Python back."""
    brought = BroughtBack(version=None, packages=["p"], source={"p": "cache"}, quarantine=quarantine, moved_aside=[])
    return {**known.first_aid, "brought_back": brought}


def not_helped(wanted: str) -> KnownHost:
    """Return what is known of a host for which no source had a package."""
    error = ErrorRecord(kind="no_source", msg=f"No source has {wanted}.", details={})
    result = RepairAnswer(report=recorded("sles15_overwritten"), kind="no_source", details={})
    return replace(repaired(), state=HostState.NOT_HELPED, error=error, result=result, rounds=())


def test_the_proof_has_its_rounds_and_says_what_lay_between() -> None:
    report = shape(repaired(), RUN)
    validation = report["validation"]
    assert validation
    assert list(dict.fromkeys(check["round"] for check in validation["checks"])) == [
        "repair",
        "second run",
        "after the boot",
    ]
    assert all(check["ok"] for check in validation["checks"])
    assert validation["second_run"]
    assert (validation["across"], validation["second_run"]["changed"]) == ("restart", False)
    assert "restarted in between" in to_markdown(report)


def across(known: KnownHost) -> str:
    validation = shape(known, RUN)["validation"]
    assert validation
    return validation["across"]


def test_a_new_kernel_is_a_reboot_and_no_change_is_none() -> None:
    known = repaired()
    known.rounds[1]["result"]["report"]["boot"] = {"kernel": "another", "init": "1"}
    assert across(known) == "reboot"
    assert across(replace(known, rounds=known.rounds[:1])) == "none"


def test_a_second_run_that_changed_something_is_told() -> None:
    known = repaired()
    findings = recorded("link_redirected")["facts"]["findings"]
    known.rounds[0]["result"].update({"changed": True, "healthy": False, "findings": findings})
    assert "it changed something; findings: SP101" in to_markdown(shape(known, RUN))


@pytest.mark.parametrize("kind", ["SP201", "SP207", "SP208"])
def test_a_file_that_differs_is_not_proven(kind: str) -> None:
    known = repaired()
    first: ShownFinding = recorded("pip_overwrote")["facts"]["findings"][0]
    left: list[ShownFinding] = [{**first, "id": kind}]
    collected = known.result["report"]
    collected["facts_after"] = {**collected["facts_after"], "findings": left}
    validation = shape(known, RUN)["validation"]
    assert validation
    check = next(one for one in validation["checks"] if one["what"].startswith("rpm -V"))
    assert (check["ok"], check["detail"]) == (False, f"findings {kind}")


def test_addresses_of_repositories_lose_their_passwords() -> None:
    assert "hunter2" not in "".join(render(shape(repaired(), RUN)).values())


def test_evidence_after_first_aid_says_so() -> None:
    known = repaired()
    report = shape(replace(known, first_aid=brought_back(known, "/q")), RUN)
    assert report["evidence"]
    assert report["evidence"]["when"] == "after first aid, before the repair"
    assert report["repair"]
    assert any("/q" in warning for warning in report["repair"]["warnings"])
    assert report["repair"]["categories"][0].startswith("an interpreter brought back")


def aided(report: Collected) -> KnownHost:
    """Return what is known of a host that a shell saw before first aid; C(report) is what a module saw after it."""
    known = repaired()
    seen = recorded("sles15_overwritten")
    incident = IncidentAnswer(facts=seen["facts"], evidence={**seen["evidence"], "when": "before first aid"})
    result: RepairAnswer = {**known.result, "report": report}
    return replace(known, first_aid={**brought_back(known, "/q"), "incident": incident}, result=result)


def test_a_host_that_was_first_aided_has_all_sections() -> None:
    healthy = recorded("healthy_rhel9")
    known = aided(Collected(facts=healthy["facts"], started="2026-01-31T12:00:00Z"))
    report = shape(known, RUN)
    assert report["evidence"]
    assert report["evidence"]["when"] == "before first aid"
    assert report["before"]
    assert {"SP201"} <= {one["id"] for one in report["before"]["findings"]}
    assert (report["before"]["healthy"], report["before"]["worst"]) == (False, "critical")
    assert report["after"] == healthy["facts"]
    assert report["hypotheses"]
    assert report["difference"]
    assert report["summary"]["since"]
    markdown = to_markdown(report)
    assert all(f"## {title}" in markdown for title in ("Evidence", "Hypotheses tested", "Recovery", "Timeline"))
    assert "brought one back before the evidence" not in markdown
    assert faults(report) == []


def test_what_modules_found_after_first_aid_is_told_too() -> None:
    later = recorded("link_redirected")
    report = shape(aided(later), RUN)
    assert report["before"]
    assert report["evidence"]
    found = [(one["id"], one["path"]) for one in report["before"]["findings"]]
    assert found == sorted(set(found))
    wanted = {(one["id"], one["path"]) for one in later["facts"]["findings"]}
    assert wanted <= set(found)
    assert report["evidence"]["shell_history"] == later["evidence"]["shell_history"]
    # First aid installs packages again: when that was says nothing about the incident.
    times = {one["nevra"]: one["time"] for one in report["evidence"]["packages"]}
    assert {
        one["nevra"]: one["time"] for one in recorded("sles15_overwritten")["evidence"]["packages"]
    }.items() <= times.items()
    asked = [(one["name"], one["source"]) for one in report["evidence"]["sources"]]
    assert len(asked) == len(set(asked))


def test_an_error_keeps_what_was_collected_before_it() -> None:
    report = shape(not_helped("p"), RUN)
    assert report["hypotheses"]
    assert report["repair"]
    assert report["repair"]["carried_out"] is False
    assert "could not be repaired; nothing was changed" in report["summary"]["headline"]
    assert "no_source" in to_markdown(report)


def test_not_helped_does_not_deny_what_first_aid_changed() -> None:
    known = not_helped("q")
    headline = shape(replace(known, first_aid=brought_back(known)), RUN)["summary"]["headline"]
    assert "nothing was changed" not in headline
    assert "first aid brought a Python back" in headline


def test_a_mode_that_differs_is_no_other_content() -> None:
    collected = recorded("library_altered")
    collected["facts"]["findings"] = [
        {**one, "id": "SP207"} for one in collected["facts"]["findings"] if one["id"] == "SP205"
    ]
    for file in collected["evidence"]["files"]:
        file["finding"] = "SP207"
    report = reported(collected)
    assert not any("content" in one["what"] for one in report["timeline"])
    assert any("got its present mode" in one["what"] for one in report["timeline"])
    shown = [one["shows"] for one in report["exhibits"] if one["source"].startswith("rpm -V")]
    assert shown == ["differences are in the findings SP207 only"]


@pytest.mark.parametrize("state", [state for state in HostState if state.needs_somebody])
def test_a_host_of_which_nothing_is_known(state: HostState) -> None:
    report = shape(KnownHost("h", state, note="timed out"), RUN)
    assert report["before"] is None
    assert all(render(report).values())


def test_statuses_of_a_run() -> None:
    assert known_of("h", {}, "remediate").state is HostState.NOT_STARTED
    assert known_of("h", {}, "audit").state is HostState.UNREACHABLE
    assert known_of("h", {"system_python_outcome": {"state": "drift found"}}, "audit").state is HostState.DRIFT_FOUND
    facts = {"ansible_facts": {"system_python": recorded("healthy_rhel9")["facts"]}}
    assert known_of("h", facts, "audit").state is HostState.HEALTHY


# --- hostile names ---------------------------------------------------------------------------------------------------


def hostile() -> Report:
    known = repaired()
    renamed = json.loads(json.dumps(known.result).replace("/usr/bin/idle3.15", json.dumps(HOSTILE)[1:-1]))
    return shape(replace(known, host=HOSTILE, groups=[HOSTILE], result=cast("RepairAnswer", renamed)), RUN)


def test_names_are_text_in_html() -> None:
    text = to_html(hostile())
    assert "<b>" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "&lt;b&gt;1&lt;/b&gt;" in text


def test_names_are_text_in_markdown() -> None:
    text = to_markdown(hostile())
    assert "<b>" not in re.sub(r"(`+).*?\1", "", text)
    assert not re.search(r"^# \$", text, re.MULTILINE)
    assert not re.search(r"(?<!\\)\]\(javascript", re.sub(r"(`+).*?\1", "", text))
    assert "\x1b" not in text


def test_tables_of_markdown_keep_their_columns() -> None:
    tables = re.findall(r"(?:^\|.*\n)+", to_markdown(hostile()), re.MULTILINE)
    assert tables
    for table in tables:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(widths) == 1, table


def test_html_needs_nothing_else() -> None:
    text = to_html(report_of("rhel9_overwritten"))
    assert not re.search(r"<(?:script|link|img|iframe)\b|url\(|@import|https?://", text)
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


@pytest.mark.parametrize(
    ("host", "stem"),
    [
        ("web1.example.org", "web1.example.org"),
        ("a/b", "a%2Fb"),
        ("..", "%.."),
        (".hidden", "%.hidden"),
        ("", "%"),
        ("index", "%index"),
        ("fleet", "%fleet"),
        ("a b\n", "a%20b%0A"),
        ("ü", "%C3%BC"),
    ],
)
def test_file_names_are_safe(host: str, stem: str) -> None:
    assert file_stem(host) == stem


def test_two_hosts_never_share_a_file() -> None:
    taken: dict[str, str] = {}
    hosts = ["web", "WEB", "x" * 400 + "1", "x" * 400 + "2", "a/b", "a%2Fb"]
    for host in hosts:
        taken[file_stem(host, taken)] = host
    assert sorted(taken.values()) == sorted(hosts)
    assert len({name.lower() for name in taken}) == len(hosts)
    assert max(map(len, taken)) < 200


def test_the_report_is_not_made_of_its_input_s_own_parts() -> None:
    known = repaired()
    before = copy.deepcopy(known)
    shape(known, RUN)
    assert known == before


# --- what depends on it ----------------------------------------------------------------------------------------------


def with_dependents(name: str, host: str) -> Report:
    """Return a report with what was recorded of the dependents of a test host."""
    collected = recorded(name)
    path = ROOT / f"tests/unit/data/dependents/{host}.json"
    collected["evidence"]["dependents"] = json.loads(path.read_text(encoding="utf-8"))
    return reported(collected)


@pytest.mark.parametrize(
    ("name", "host", "happened"),
    [
        ("rhel9_alternatives", "rhel9", ["redirected"]),
        ("rhel9_overwritten", "rhel9", ["redirected", "overwritten"]),
        ("sles15_overwritten", "sles15", ["redirected", "overwritten"]),
        ("owner_missing", "rhel9", ["gone"]),
        ("library_altered", "rhel9", []),
    ],
)
def test_the_blast_radius_says_what_happened(name: str, host: str, happened: list[str]) -> None:
    report = with_dependents(name, host)
    assert report["dependents"]
    assert report["dependents"]["happened"] == happened
    assert report["evidence"]
    assert "dependents" not in report["evidence"]


def test_the_blast_radius_is_a_readable_list() -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema (requirements/scenarios.txt) is not installed")
    report = with_dependents("rhel9_alternatives", "rhel9")
    schema = json.loads((ROOT / "docs/report.schema.json").read_text(encoding="utf-8"))
    assert [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(report)] == []
    text = to_markdown(report)
    section = text.partition("## Blast radius")[2].partition("\n## ")[0]
    assert "1 systemd unit, 2 cron jobs, 1 running process, 13 commands, 8 packages" in section
    assert "| /usr/bin/python3 leads to another Python | yes | 1 systemd unit, 1 cron job," in section
    row = next(line for line in section.splitlines() if "shop.service" in line)
    assert row.startswith(
        "| unit | `shop.service` | none | `/usr/bin/python3` | command `/opt/app/serve`: `ExecStart` |"
    )
    for table in re.findall(r"(?:^\|.*\n)+", section, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1, table
    page = to_html(report)
    assert 'id="blast-radius"' in page
    assert "<b>|x" not in page
    assert "odd \\n`$(id)`&lt;b&gt;|x" in page


def test_a_report_has_a_contents_list_a_way_back_and_labels() -> None:
    report = with_dependents("rhel9_overwritten", "rhel9")
    page = to_html(report, "fleet.html")
    contents = re.findall(r'<li><a href="#([\w-]+)">', page.partition("<nav")[2].partition("</nav>")[0])
    assert contents == re.findall(r'<h2 id="([\w-]+)">', page)
    assert '<a href="fleet.html">All hosts of this run</a>' in page
    assert "All hosts of this run" not in to_html(report)
    assert "<dt>expected</dt><dd><code>" in page
    assert "<code>/<wbr>usr/<wbr>bin/<wbr>python3.9</code>" in page


def test_the_summary_says_what_was_done_and_recovery_comes_before_the_blast_radius() -> None:
    report = shape(repaired(), RUN)
    for text, heading in ((to_html(report), "What was done:</p>"), (to_markdown(report), "What was done:")):
        assert report["repair"]
        assert report["repair"]["plan"]
        assert heading in text
        assert "Blast radius</h2>" not in text.partition("Recovery</h2>")[0]


def test_without_data_there_is_no_blast_radius() -> None:
    report = report_of("rhel9_alternatives")
    assert report["dependents"] is None
    assert "Blast radius" not in to_markdown(report) + to_html(report)


# --- prevention ------------------------------------------------------------------------------------------------------


def test_the_guards_of_the_findings_are_a_table() -> None:
    report = report_of("pip_overwrote")
    assert {one["guard"] for one in report["guards"]} == {"fleet.system_python.audit"}
    text = to_markdown(report).partition("## Prevention")[2].partition("\n## ")[0]
    assert "| notices | `fleet.system_python.audit` | none | run every night," in text
    assert "<td><code>fleet.system_python.audit</code></td><td>none</td>" in to_html(report)
    assert report_of("healthy_rhel9")["guards"] == []
