"""Shows that the assertions of the scenarios can fail: breaks what each is about, and looks at its answer.

Usage: tests/tools/with-env 2.19 python molecule/shared/prove_tests.py [SCENARIO...]

Runs each scenario, keeps its hosts, sabotages them one thing at a time, and removes them.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "molecule/shared/tests"
SCENARIOS = ["healthy", "rhel9_overwritten", "sles15_overwritten"]

LINK = "readlink /usr/bin/python3 >/tmp/link; ln -sfn python3.11 /usr/bin/python3"
LINK_BACK = 'ln -sfn "$(cat /tmp/link)" /usr/bin/python3; rm /tmp/link'
OWNER = "owner=$(rpm -qf --qf '%{NAME}' /usr/bin/python3) && echo $owner >/tmp/owner"
LIBRARY = "$(rpm -ql python3-libs python3-base 2>/dev/null | grep '/json/decoder.py$')"


@dataclass(frozen=True)
class Sabotage:
    """What is done to a host or to a record, and the test that must fail of it."""

    test: str
    do: str = ""
    undo: str = ""
    record: str = ""
    change: Callable[[Any], None] | None = None


def _extra_action(record: Any) -> None:
    record["result"]["plan"].append({"action": "relabel", "paths": ["/nowhere"], "findings": []})


def _set(*keys: str, to: Any) -> Callable[[Any], None]:
    def change(record: Any) -> None:
        for key in keys[:-1]:
            record = record[key]
        record[keys[-1]] = to

    return change


ALL = (
    Sabotage("test_every_packaged_link_is_back", LINK, LINK_BACK),
    Sabotage("test_python3_is_the_same_at_every_look", LINK, LINK_BACK),
    Sabotage("test_python3_is_the_packaged_version", LINK, LINK_BACK),
    Sabotage(
        "test_python3_of_every_shell_is_the_systems",
        "printf '#!/bin/sh\\n' >/usr/local/bin/python3; chmod 755 /usr/local/bin/python3",
        "rm /usr/local/bin/python3",
    ),
    Sabotage(
        "test_links_and_binaries_belong_to_their_package",
        f"{OWNER} && rpm -e --justdb --nodeps $owner",
        "rpm -i --justdb --nodeps /srv/repo/os/Packages/$(cat /tmp/owner)-3.*.rpm; rm /tmp/owner",
    ),
    Sabotage(
        "test_no_python_in_usr_is_without_an_owner",
        "mkdir /usr/lib/python3.99",
        "rmdir /usr/lib/python3.99",
    ),
    Sabotage(
        "test_no_command_starts_a_python_that_is_not_the_systems",
        "printf '#!/usr/bin/python3.99 -I\\n' >/usr/bin/tool",
        "rm /usr/bin/tool",
    ),
    Sabotage(
        "test_rpm_verifies_the_scope",
        f"cp -p {LIBRARY} /tmp/library; echo >>{LIBRARY}",
        f"cat /tmp/library >{LIBRARY}; touch -r /tmp/library {LIBRARY}; rm /tmp/library",
    ),
    Sabotage(
        "test_twins_are_one_file",
        "cp -p /usr/bin/python3.6m /tmp/twin; mv /tmp/twin /usr/bin/python3.6m",
        "ln -f /usr/bin/python3.6 /usr/bin/python3.6m",
    ),
    Sabotage(
        "test_no_alternatives_group_governs_python",
        "printf 'auto\\n/usr/bin/python3\\n\\n/usr/bin/python3.11\\n9\\n\\n' >/var/lib/alternatives/python3",
        "rm /var/lib/alternatives/python3",
    ),
    Sabotage(
        "test_selinux_is_configured_as_shipped",
        "sed -i 's/^SELINUX=.*/SELINUX=permissive/' /etc/selinux/config",
        "sed -i 's/^SELINUX=.*/SELINUX=enforcing/' /etc/selinux/config",
    ),
    Sabotage("test_the_package_manager_installs_and_removes_a_package", "test-host-repo none", "test-host-repo http"),
    Sabotage("test_nothing_was_written", "touch /etc/new", "rm /etc/new; touch /var/tmp/prepared"),
    Sabotage(
        "test_nobody_ran_an_unowned_interpreter_as_root",
        "echo '0 [-c]' >>/var/tmp/unowned-python-ran",
        ": >/var/tmp/unowned-python-ran",
    ),
    Sabotage(
        "test_nothing_is_left_over",
        "touch /usr/bin/.fleet-system-python-abc",
        "rm /usr/bin/.fleet-system-python-abc",
    ),
    Sabotage(
        "test_nothing_is_left_over",
        "mkdir -p /var/lib/fleet.system_python; touch /var/lib/fleet.system_python/journal.json",
        "rm /var/lib/fleet.system_python/journal.json; rmdir /var/lib/fleet.system_python",
    ),
    Sabotage("test_nothing_is_left_over", "touch '/usr/bin/python3.9;0123abcd'", "rm '/usr/bin/python3.9;0123abcd'"),
    Sabotage(
        "test_what_was_moved_can_be_put_back",
        "cd /var/lib/fleet.system_python/quarantine/*/items; mv 0001 0001.away",
        "cd /var/lib/fleet.system_python/quarantine/*/items; mv 0001.away 0001",
    ),
    Sabotage(
        "test_what_was_moved_can_be_put_back",
        'sed -i.bak \'s/"done"/"intended"/\' /var/lib/fleet.system_python/quarantine/*/manifest.json',
        "cd /var/lib/fleet.system_python/quarantine/*/; mv manifest.json.bak manifest.json",
    ),
    Sabotage(
        "test_the_altered_interpreter_was_kept_as_evidence",
        "sed -i.bak 's,/usr/bin/python3.[69]\",/nowhere\",' /var/lib/fleet.system_python/quarantine/*/manifest.json",
        "cd /var/lib/fleet.system_python/quarantine/*/; mv manifest.json.bak manifest.json",
    ),
    Sabotage(
        "test_the_quarantine_has_no_other_folders",
        "mkdir -p /var/lib/fleet.system_python/quarantine/0",
        "rmdir /var/lib/fleet.system_python/quarantine/0; rmdir -p /var/lib/fleet.system_python/quarantine",
    ),
    Sabotage("test_what_check_mode_predicted_is_what_happened", record="predicted", change=_extra_action),
    Sabotage(
        "test_what_check_mode_predicted_is_what_happened",
        record="predicted",
        change=_set("result", "changed", to=None),
    ),
    Sabotage("test_what_check_mode_predicted_is_what_happened", record="repaired", change=_extra_action),
    Sabotage(
        "test_the_first_aid_that_check_mode_predicted_is_what_happened",
        record="predicted",
        change=_set("first_aid", "interpreter", to="/usr/bin/python3.99"),
    ),
    Sabotage(
        "test_the_broken_host_had_the_findings_of_its_tampering",
        record="before",
        change=_set("facts", to={"findings": [{"id": "SP999"}], "healthy": False}),
    ),
    Sabotage("test_the_repair_is_proven", record="repaired", change=_set("result", "proof", to=[])),
    Sabotage("test_the_repair_is_proven", record="repaired", change=_set("result", "healthy", to=False)),
    Sabotage(
        "test_the_second_run_changes_nothing",
        record="repeated",
        change=_set("result", "changed", to=True),
    ),
    Sabotage(
        "test_the_second_run_changes_nothing",
        record="repeated",
        change=_set("first_aid", "changed", to=True),
    ),
    Sabotage(
        "test_modules_run_under_the_nearest_interpreter_that_the_core_supports",
        record="after",
        change=_set("interpreter", to="/usr/bin/python3.13"),
    ),
    Sabotage("test_an_audit_finds_nothing", record="after", change=_set("facts", "findings", to=[{"id": "SP101"}])),
)


class Stage:
    """The hosts of a scenario that has been run, and its tests."""

    def __init__(self, scenario: str) -> None:
        self.scenario = scenario
        self.ephemeral = ROOT / "build/molecule/prove" / scenario
        self.env = {
            **os.environ,
            "MOLECULE_EPHEMERAL_DIRECTORY": str(self.ephemeral),
            "MOLECULE_FILE": str(self.ephemeral / "molecule.yml"),
            "MOLECULE_PROJECT_DIRECTORY": str(ROOT),
            "MOLECULE_SCENARIO_NAME": scenario,
        }

    def molecule(self, *arguments: str) -> None:
        """Runs molecule, and shows what it said only where it fails."""
        command = ["molecule", arguments[0], "--scenario-name", self.scenario, *arguments[1:]]
        done = subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-4000:]}")

    def pytest(self, test: str) -> str:
        """Runs one test on all hosts: failed, passed or skipped."""
        command = ["pytest", "-q", "-p", "no:cacheprovider", "-c", str(TESTS / "pytest.ini"), str(TESTS), "-k", test]
        done = subprocess.run(command, cwd=TESTS, env=self.env, capture_output=True, text=True, check=False)
        if done.returncode not in {0, 1}:
            sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        if done.returncode:
            return "failed"
        return "passed" if " passed" in done.stdout else "skipped"

    def failures(self) -> list[str]:
        """What the whole suite says against the hosts, from here on."""
        self._on_hosts("touch /var/tmp/prepared")
        command = ["pytest", "-q", "-rf", "-p", "no:cacheprovider", "-c", str(TESTS / "pytest.ini"), str(TESTS)]
        done = subprocess.run(command, cwd=TESTS, env=self.env, capture_output=True, text=True, check=False)
        return [line for line in done.stdout.splitlines() if line.startswith("FAILED")]

    def containers(self) -> list[str]:
        """The containers of the scenario's hosts."""
        entries = yaml.safe_load((self.ephemeral / "molecule.yml").read_text(encoding="utf-8"))["platforms"]
        core = os.environ["SYSTEM_PYTHON_CORE"].replace(".", "")
        prefix = os.environ["SYSTEM_PYTHON_FLEET_PREFIX"]
        return [f"fsp-{prefix}-{self.scenario}-{core}-{entry['name']}" for entry in entries]

    @contextmanager
    def sabotaged(self, sabotage: Sabotage) -> Iterator[None]:
        """The time in which it is broken."""
        records = list((self.ephemeral / "records").glob(f"*.{sabotage.record}.json")) if sabotage.change else []
        originals = {path: path.read_text(encoding="utf-8") for path in records}
        for path, original in originals.items():
            changed = json.loads(original)
            assert sabotage.change
            sabotage.change(changed)
            path.write_text(json.dumps(changed), encoding="utf-8")
        self._on_hosts(sabotage.do)
        try:
            yield
        finally:
            self._on_hosts(sabotage.undo)
            for path, original in originals.items():
                path.write_text(original, encoding="utf-8")

    def _on_hosts(self, script: str) -> None:
        for container in self.containers() if script else []:
            command = ["docker", "exec", "--interactive", container, "sh"]
            subprocess.run(command, input=script, capture_output=True, text=True, check=False)


def prove(scenario: str) -> tuple[set[str], list[str]]:
    """The tests that were seen to fail in a scenario, and what they did not see."""
    stage = Stage(scenario)
    stage.molecule("destroy")
    try:
        stage.molecule("test", "--destroy=never")
        seen: set[str] = set()
        blind = [f"{scenario}: {one.test} did not fail" for one in ALL if not _fails(stage, one, seen)]
        blind += [f"{scenario}: {line}, so a sabotage was not undone" for line in stage.failures()]
    finally:
        stage.molecule("destroy")
    return seen, blind


def _fails(stage: Stage, sabotage: Sabotage, seen: set[str]) -> bool:
    with stage.sabotaged(sabotage):
        result = stage.pytest(sabotage.test)
    if result == "skipped":
        return True
    answer = "can fail" if result == "failed" else f"DOES NOT SEE {sabotage.do or sabotage.record}"
    print(f"{stage.scenario}: {sabotage.test}: {answer}", flush=True)
    seen.add(sabotage.test)
    return result == "failed"


def main(scenarios: list[str]) -> int:
    """Runs the command."""
    seen: set[str] = set()
    blind: list[str] = []
    for scenario in scenarios or SCENARIOS:
        some, problems = prove(scenario)
        seen |= some
        blind += problems
    sources = [path.read_text(encoding="utf-8") for path in TESTS.glob("test_*.py")]
    untried = sorted(set(re.findall(r"^def (test_\w+)", "".join(sources), re.MULTILINE)) - seen)
    print("\n".join([f"{len(seen)} tests tried, not tried: {', '.join(untried) or 'none'}", *blind]))
    return 1 if blind or (untried and not scenarios) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
