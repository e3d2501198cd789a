# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of docs/integrations.md, as far as they can be tried without the tools that they are for."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.fleet.system_python.plugins.plugin_utils._guard.checker import checker_text

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/integrations.md").read_text(encoding="utf-8")
BUILDER = Path(sys.executable).with_name("ansible-builder")
METRIC = re.compile(r"fleet_system_python_\w+")


def example(first: str) -> Any:
    """The YAML example that begins with these words."""
    blocks = re.findall(r"^```yaml\n(.+?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (found,) = [block for block in blocks if block.startswith(first)]
    return yaml.safe_load(found)


def playbooks() -> set[str]:
    return {f"fleet.system_python.{path.stem}" for path in (ROOT / "playbooks").glob("*.yml")}


def test_the_playbook_exists() -> None:
    assert example("# remediate.yml")[0]["import_playbook"] in playbooks()


def test_the_rulebook_has_the_shape_of_one_and_starts_what_exists() -> None:
    (rulebook,) = example("# system-python.yml")
    assert set(rulebook) == {"name", "hosts", "sources", "rules"}
    assert all(isinstance(source, dict) and len(source) == 2 for source in rulebook["sources"])
    for rule in rulebook["rules"]:
        assert set(rule) == {"name", "condition", "action"}
        (action,) = rule["action"].items()
        assert action[0] in ("run_playbook", "run_job_template")
        if action[0] == "run_playbook":
            assert action[1]["name"] in playbooks()
    templates = [task["awx.awx.job_template"]["name"] for task in example("- name: Job templates")[0]["tasks"][:2]]
    assert rulebook["rules"][1]["action"]["run_job_template"]["name"] in templates


def test_alerts_use_metrics_that_exist() -> None:
    code = (ROOT / "plugins/plugin_utils/_fleet/prometheus.py").read_text()
    made = {f"fleet_system_python_{name}" for name in re.findall(r'_metric\(\s*"(\w+)"', code)}
    expressions = [rule["expr"] for rule in example("# rules.yml")["groups"][0]["rules"]]
    used = {name for expression in expressions for name in METRIC.findall(expression)}
    assert used
    assert used <= made
    page = (ROOT / "docs/fleet-page.md").read_text()
    assert set(re.findall(r"^\| `(fleet_system_python_\w+)`", page, re.MULTILINE)) == made


def test_what_the_execution_environment_names_exists() -> None:
    data = yaml.safe_load((ROOT / "meta/execution-environment.yml").read_text())
    assert all((ROOT / path).is_file() for path in data["dependencies"].values())


@pytest.mark.skipif(not BUILDER.exists(), reason=f"there is no {BUILDER}")
def test_ansible_builder_finds_the_requirements(tmp_path: Path) -> None:
    place = tmp_path / "ansible_collections/fleet"
    place.mkdir(parents=True)
    (place / "system_python").symlink_to(ROOT)
    done = subprocess.run([BUILDER, "introspect", tmp_path], capture_output=True, text=True, check=True)
    found = yaml.safe_load(done.stdout)
    assert [line.split()[0] for line in found["python"]] == ["jmespath>=1.0"]
    assert len(found["system"]) == 2


@pytest.mark.skipif(not BUILDER.exists(), reason=f"there is no {BUILDER}")
def test_ansible_builder_takes_the_example(tmp_path: Path) -> None:
    path = tmp_path / "execution-environment.yml"
    path.write_text(yaml.safe_dump(example("# execution-environment.yml")))
    argv = ["create", "-f", str(path), "-c", str(tmp_path / "context")]
    done = subprocess.run([str(BUILDER), *argv], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "fleet.system_python" in (tmp_path / "context/_build/requirements.yml").read_text()


def test_the_guards_rulebook_takes_what_the_checker_sends() -> None:
    (rulebook,) = yaml.safe_load((ROOT / "extensions/eda/rulebooks/guard.yml").read_text())
    assert [next(iter(set(source) - {"name"})) for source in rulebook["sources"]] == ["eda.builtin.webhook"]
    started = [action["run_playbook"]["name"] for rule in rulebook["rules"] for action in rule["actions"]]
    assert set(started) <= playbooks()
    checker = checker_text()
    conditions = " ".join(rule["condition"] for rule in rulebook["rules"])
    keys = set(re.findall(r"event\.payload\.(\w+)", conditions)) | set(re.findall(r'selectattr\("(\w+)"', conditions))
    assert keys == {"schema", "status", "host", "changes", "change", "severity"}
    assert all(f'"{key}":' in checker for key in keys)


def test_the_guards_rulebook_takes_one_host_and_nothing_that_ansible_would_run() -> None:
    (rulebook,) = yaml.safe_load((ROOT / "extensions/eda/rulebooks/guard.yml").read_text())
    for rule in rulebook["rules"]:
        (pattern,) = re.findall(r'event\.payload\.host is match\("([^"]+)"\)', rule["condition"])
        assert all(re.match(pattern, name) for name in ("web1", "Web-1.example.com", "10.0.0.1", "web_1"))
        hostile = (
            "",
            '{{ lookup("pipe", "id") }}',
            "a{{ 1 }}",
            "db,x",
            "db:web",
            "db;x",
            "~.*",
            "*",
            "!db",
            "&db",
            "@x",
        )
        assert not any(re.match(pattern, name) for name in (*hostile, "db\nx", "db x", "-x"))


def test_the_metrics_of_the_guard_are_described() -> None:
    page = (ROOT / "docs/guard.md").read_text()
    checker = checker_text()
    made = {f"fleet_system_python_guard_{name}" for name in re.findall(r"^ +metric (\w+) ", checker, re.MULTILINE)}
    assert len(made) == 4
    assert set(re.findall(r"^\| `(fleet_system_python_guard_\w+)`", page, re.MULTILINE)) == made
    assert {name for name in METRIC.findall(page) if name != "fleet_system_python_guard"} == made
