"""What the check of images and offline roots said, what it wrote, and that it changed and started nothing."""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET

import pytest

RECORDS = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "records"
REPORTS = RECORDS / "reports"
CLEAN = ("clean-rhel9", "clean-sles15")
TAMPERED = {"tampered-rhel9": "rhel9", "tampered-sles15": "sles15"}
EXPECTED = {
    "tampered-rhel9": {"SP101", "SP104", "SP201", "SP210"},
    "tampered-sles15": {"SP101", "SP201", "SP209"},
}
# Of a running host only: how Ansible would reach it.
RUNNING_ONLY = {"SP501"}


@pytest.fixture(scope="module")
def run() -> dict[str, Any]:
    """Exit codes, outputs and what was there before and after."""
    found: dict[str, Any] = json.loads((RECORDS / "image_check.json").read_text())
    return found


def facts(name: str) -> dict[str, Any]:
    """The facts in the report of one of the images."""
    path = REPORTS / "latest" / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text())["before"]
    return found


def found_in(one: dict[str, Any]) -> set[tuple[str, str]]:
    """Each finding by its id and path."""
    return {(finding["id"], finding["path"]) for finding in one["findings"]}


def test_the_pipeline_fails_and_says_why(run: dict[str, Any]) -> None:
    assert run["rc"] == 2, run["out"]
    for name, kinds in EXPECTED.items():
        for kind in kinds:
            assert f"{name}: {kind} " in run["out"]


def test_what_is_as_shipped_passes(run: dict[str, Any]) -> None:
    assert run["clean_rc"] == 0, run["clean_out"]
    assert "healthy: /usr/bin/python3 is Python 3.9" in run["clean_out"]


def test_what_is_accepted_is_shown_as_such_and_the_rest_counts(run: dict[str, Any]) -> None:
    assert run["accepting_rc"] == 2, run["accepting_out"]
    assert "accepted: SP101" in run["accepting_out"]
    assert "SP201" in run["accepting_out"]


@pytest.mark.parametrize("name", CLEAN)
def test_nothing_is_found_in_what_is_as_shipped(name: str) -> None:
    found = facts(name)
    assert found["healthy"]
    assert found["contract"]["id"] == name.partition("-")[2].replace("rhel9", "el9")
    assert found["root"] != "/"
    assert "SP501" in found["not_checked"]


@pytest.mark.parametrize("name", TAMPERED)
def test_the_findings_are_those_of_the_running_host(name: str) -> None:
    running = json.loads((RECORDS / f"{TAMPERED[name]}.before.json").read_text())["facts"]
    expected = {one for one in found_in(running) if one[0] not in RUNNING_ONLY}
    assert found_in(facts(name)) == expected
    assert {kind for kind, _path in expected} >= EXPECTED[name]


def test_nothing_was_started_and_nothing_changed(run: dict[str, Any]) -> None:
    assert run["left"] == ""
    assert run["tree_before"] == run["tree_after"] != ""


def test_junit_has_a_failure_for_each_kind_of_finding() -> None:
    suites = {suite.get("name"): suite for suite in ET.parse(REPORTS / "fleet-junit.xml").getroot()}  # noqa: S314
    assert set(suites) == {*CLEAN, *TAMPERED}
    for name, suite in suites.items():
        failed = {case.get("name", "")[:5] for case in suite if case.find("failure") is not None}
        assert failed == {kind for kind, _path in found_in(facts(str(name)))}
        assert suite.get("errors") == "0"


def test_sarif_has_a_result_for_each_finding() -> None:
    (one,) = json.loads((REPORTS / "fleet.sarif").read_text())["runs"]
    assert one["invocations"][0]["executionSuccessful"]
    results = set()
    for result in one["results"]:
        place = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        address = urlsplit(place)
        results.add((address.netloc, result["ruleId"], unquote(address.path)))
    assert results == {(name, *finding) for name in TAMPERED for finding in found_in(facts(name))}
