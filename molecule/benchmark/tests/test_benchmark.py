"""What a benchmark left on the controller, and that it left nothing on the host."""

import json
import os
import statistics
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import testinfra
from shared.platforms import PLATFORMS
from shared.subject import Subject, subjects
from testinfra.host import Host

REPORTS = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "reports"
WORKLOADS = ["nbody", "files", "startup", "own"]
ROUNDS = 6


@pytest.fixture(scope="session", params=subjects(), ids=lambda subject: subject.name)
def subject(request: pytest.FixtureRequest) -> Subject:
    """A host of the scenario."""
    found: Subject = request.param
    return found


@pytest.fixture(scope="session")
def host(subject: Subject) -> Host:
    """The host itself: shell commands by docker exec, nothing of the collection."""
    return testinfra.get_host(f"docker://{subject.container}")


@pytest.fixture(scope="session")
def measured(subject: Subject) -> dict[str, Any]:
    """The whole result of the host."""
    found: dict[str, Any] = json.loads((REPORTS / f"hosts/{subject.name}.json").read_text())[subject.name]
    return found


def texts(path: Path) -> str:
    return "\n".join(ET.parse(path).getroot().itertext())  # noqa: S314


def test_the_systems_own_python_is_the_baseline(measured: dict[str, Any], subject: Subject) -> None:
    platform = PLATFORMS[subject.entry["image"]]
    versions = {one["path"]: one["version"] for one in measured["interpreters"]}
    assert measured["baseline"] == platform.binary
    assert versions[platform.binary].startswith(platform.version + ".")
    assert len(versions) == len(set(versions.values())) >= 2


def test_every_interpreter_ran_every_workload_in_each_round(measured: dict[str, Any]) -> None:
    paths = [one["path"] for one in measured["interpreters"]]
    assert [one["name"] for one in measured["workloads"]] == WORKLOADS
    for workload in measured["workloads"]:
        assert workload["problems"] == {}
        assert [one["path"] for one in workload["results"]] == paths
        assert all(len(one["times"]) == ROUNDS and min(one["times"]) > 0 for one in workload["results"])


def test_the_numbers_are_what_the_timings_say(measured: dict[str, Any]) -> None:
    for workload in measured["workloads"]:
        baseline, *others = workload["results"]
        for one in others:
            ratios = sorted(mine / other for mine, other in zip(one["times"], baseline["times"], strict=True))
            assert one["ratio"] == pytest.approx(statistics.median(ratios))
            assert one["interval"] == pytest.approx([ratios[0], ratios[-1]])
            assert one["median"] == pytest.approx(statistics.median(one["times"]))
            first, _middle, third = statistics.quantiles(one["times"], n=4, method="inclusive")
            assert one["spread"] == pytest.approx(third - first)
            if one["different"] == "true":
                assert ratios[0] > 1.02 or ratios[-1] < 1 / 1.02


def test_packages_vouch_for_what_was_run_and_nobody_ran_it(measured: dict[str, Any], host: Host) -> None:
    assert measured["user"] == "nobody"
    for one in measured["interpreters"]:
        assert one["verified"]
        assert one["vouched_by"] == "rpm"
        assert host.check_output(f"rpm -qf {one['realpath']}") == one["owner"].replace("-0:", "-")


def test_the_facts_are_small_and_the_same(measured: dict[str, Any], subject: Subject) -> None:
    facts = subject.record("benchmark")["facts"]
    assert len(json.dumps(facts)) < 8192
    assert set(facts["workloads"]) == set(WORKLOADS)
    assert set(facts["interpreters"]) == {one["path"] for one in measured["interpreters"]}


def test_the_pictures_name_hosts_interpreters_and_workloads(measured: dict[str, Any], subject: Subject) -> None:
    own, fleet = texts(REPORTS / f"hosts/{subject.name}.svg"), texts(REPORTS / "fleet.svg")
    for interpreter in measured["interpreters"]:
        assert f"Python {interpreter['version']}" in own
        assert f"{subject.name}, Python {interpreter['version']}" in fleet
    for workload in measured["workloads"]:
        assert workload["title"] in own


def test_the_table_of_the_fleet_has_every_host(subject: Subject) -> None:
    lines = (REPORTS / "fleet.txt").read_text().splitlines()
    assert {line.split()[0] for line in lines if f" {subject.name} " in line} == set(WORKLOADS)


def test_the_package_is_in_one_venv_only(subject: Subject) -> None:
    before, after = subject.record("benchmark")["venvs"]["before"], subject.record("benchmark")["venvs"]["after"]
    assert before[0]["version"] != before[1]["version"]
    assert set(after[0]["packages"]) - set(before[0]["packages"]) == {"separation-demo==1.0"}
    assert after[1] == before[1]


def test_nothing_stays_on_the_host(host: Host) -> None:
    # A query of the package database touches that one.
    found = host.check_output("find /usr /etc /opt /srv /root /home /var/lib -newer /var/tmp/prepared -type f")
    assert [path for path in found.splitlines() if not path.endswith("/rpmdb.sqlite-shm")] == []
    assert host.check_output("ls -A /var/tmp") == "prepared"
    assert host.check_output("find / -xdev -name '.fleet-system-python-*' -o -xdev -user nobody") == ""
    assert host.run("pgrep -u nobody").rc == 1
