# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host whose facts have the names of our variables: it decides nothing, on the controller or on another host.

Ansible itself runs here.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.fleet.system_python.plugins.plugin_utils._run.settings import planted
from ansible_collections.fleet.system_python.plugins.plugin_utils._run.variables import RESULTS, SETTINGS

ROOT = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).with_name("ansible-playbook")
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
# Any module may answer so: Ansible asks none whether it is one that brings facts.
MODULE = """
import json
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule({"path": {"type": "path"}})
with open(module.params["path"]) as handle:
    module.exit_json(**json.load(handle))
"""

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason=f"there is no {PROGRAM}")


class Fleet:
    """A controller in a folder of its own; C(loot) is where the facts of a host would have something made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.loot = folder / "loot"
        self.loot.mkdir()
        (folder / "facts").mkdir()
        (folder / "library").mkdir()
        (folder / "library/command_of_a_host.py").write_text(MODULE, encoding="utf-8")
        place = folder / "collections/ansible_collections/fleet"
        place.mkdir(parents=True)
        (place / "system_python").symlink_to(ROOT)

    def plant(self, host: str, facts: dict[str, Any]) -> None:
        (self.folder / "facts" / host).write_text(json.dumps({"ansible_facts": facts}), encoding="utf-8")

    def run(self, playbook: object, hosts: dict[str, dict[str, Any]], *arguments: str) -> str:
        """Run tasks on all hosts, or a playbook of ours by its name, after a module has brought the planted facts."""
        inventory = {"all": {"hosts": {name: {**LOCAL, **own} for name, own in hosts.items()}}}
        (self.folder / "hosts.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
        evil = sorted(path.name for path in (self.folder / "facts").iterdir())
        brought = {"command_of_a_host": {"path": f"{self.folder}/facts/{{{{ inventory_hostname }}}}"}}
        plays: list[dict[str, Any]] = [{"hosts": evil, "gather_facts": False, "tasks": [brought]}]
        if isinstance(playbook, str):
            plays.append({"import_playbook": f"fleet.system_python.{playbook}"})
        else:
            plays.append({"hosts": "all", "gather_facts": False, "tasks": playbook})
        (self.folder / "site.yml").write_text(yaml.safe_dump(plays), encoding="utf-8")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": str(self.folder / "collections"),
            "ANSIBLE_LIBRARY": str(self.folder / "library"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_NOCOLOR": "1",
        }
        argv = [str(PROGRAM), "-i", "hosts.yml", "site.yml", *arguments]
        done = subprocess.run(
            argv, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        return done.stdout + done.stderr

    def looted(self) -> list[str]:
        return sorted(path.name for path in self.loot.iterdir())


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path)


def every_variable(loot: Path) -> dict[str, Any]:
    """Each variable of the collection, with a value that would leave something in the loot."""
    facts: dict[str, Any] = {
        f"{prefix}_{name}": str(loot / name)
        for table in (SETTINGS, RESULTS)
        for prefix, many in table.items()
        for name in many.split()
    }
    specs = [yaml.safe_load((ROOT / f"roles/{role}/meta/argument_specs.yml").read_text()) for role in ROLES]
    options = {
        name: option
        for spec in specs
        for entry in spec["argument_specs"].values()
        for name, option in (entry.get("options") or {}).items()
    }
    facts = {**{name: str(loot / name) for name in options}, **facts}
    for name, option in options.items():
        likely = {"bool": True, "list": [str(loot / name)], "dict": {}, "int": 1, "float": 1.0}
        facts[name] = option["choices"][-1] if "choices" in option else likely.get(option.get("type"), facts[name])
        if option.get("elements") == "dict":
            facts[name] = []
    facts["python_runtime_runtimes"] = [{"version": "3.12.1", "controller_file": str(loot.parent / "secret")}]
    facts["python_venv_venvs"] = [{"path": str(loot / "venv")}]
    facts["python_report_restart_command"] = f"touch {loot}/restarted"
    return facts


def includes(role: str, **given: str) -> dict[str, Any]:
    task = {"include_role": {"name": f"fleet.system_python.{role}", **given}}
    return {
        "block": [task],
        "rescue": [{"debug": {"msg": "REFUSED " + role + " {{ ansible_failed_result.kind | default('') }}"}}],
    }


def test_such_facts_are_in_the_place_of_variables_of_the_inventory(fleet: Fleet) -> None:
    """Else the others would show nothing."""
    fleet.plant("evil", {"python_report_restart_command": "planted", "inventory_hostname": "web1"})
    tasks = [{"debug": {"msg": "{{ inventory_hostname }} has {{ python_report_restart_command }}"}}]
    assert "web1 has planted" in fleet.run(tasks, {"evil": {"python_report_restart_command": "own"}})


def test_every_variable_of_every_role_as_a_fact_changes_nothing(fleet: Fleet) -> None:
    facts = every_variable(fleet.loot)
    assert set(planted(facts)) == set(facts)
    fleet.plant("evil", facts)
    others = [includes("python_report", tasks_from="validate"), includes("python_runtime", tasks_from="pack")]
    tasks = [*(includes(role) for role in ROLES), *others]
    said = fleet.run(tasks, {"evil": {}})
    assert not fleet.looted(), said
    for role in set(ROLES) - {"python_report"}:
        assert re.search(f"REFUSED {role} (host_answer_invalid)?", said), said
    assert "names of variables: " in said


@pytest.mark.parametrize("value", ["no", "yes"])
def test_a_command_on_the_controller_is_the_inventorys_although_a_fact_names_a_part_of_it(
    fleet: Fleet, value: str
) -> None:
    good = fleet.folder / "good"
    inventory = {
        "lab_tool": f"touch {good}",
        "lab_validates": value == "yes",
        "python_report_restart_command": "{{ lab_tool }}",
        "python_report_second_run": False,
        "python_report_validate_reboot": "{{ lab_validates }}",
        "python_restore_result": {},
        "python_first_aid_result": {},
    }
    fleet.plant("evil", {"lab_tool": f"touch {fleet.loot}/restarted", "lab_validates": value != "yes"})
    role = includes("python_report", tasks_from="validate")
    said = fleet.run([role], {"evil": inventory})
    assert not fleet.looted(), said
    assert good.exists() == (value == "yes"), said


# Of ansible_facts Ansible takes the prefix away, so there two facts have one name. NaN is not even itself.
HIDDEN = {
    "two of one name": {"lab_tool": {"run": "touch {loot}/x"}, "ansible_lab_tool": "other"},
    "not equal to itself": {"lab_tool": {"run": "touch {loot}/x", "other": float("nan")}},
}


@pytest.mark.parametrize("name", HIDDEN)
def test_no_fact_hides_that_it_is_one(fleet: Fleet, name: str) -> None:
    inventory = {
        "lab_tool": {"run": f"touch {fleet.folder}/good"},
        "python_report_restart_command": "{{ lab_tool.run }}",
        "python_report_second_run": False,
        "python_report_validate_reboot": True,
        "python_restore_result": {},
        "python_first_aid_result": {},
    }
    fleet.plant("evil", json.loads(json.dumps(HIDDEN[name]).replace("{loot}", str(fleet.loot))))
    said = fleet.run([includes("python_report", tasks_from="validate")], {"evil": inventory})
    assert not fleet.looted(), said
    assert (fleet.folder / "good").exists(), said


def test_no_text_of_a_host_is_a_template(fleet: Fleet) -> None:
    """What an error, a table or a list says of a host goes through many templates."""
    text = "{{ lookup('pipe', 'touch " + str(fleet.loot) + "/x') }}"
    fleet.plant("evil", {"python_report_" + text: 1})
    fleet.plant("worse", {"system_python": {"findings": [text], "worst": text, text: text}})
    reports = fleet.folder / "reports"
    said = fleet.run("audit", {"evil": {}, "worse": {}}, "--limit", "all", "-e", f"python_report_folder={reports}")
    assert not fleet.looted(), said
    assert "lookup" in said.partition("Host by host")[2], said


def test_a_build_that_is_said_to_run_for_ever_ends(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    (fleet.folder / "bin").mkdir()
    lie = fleet.folder / "bin/grep"
    lie.write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
    lie.chmod(0o755)
    monkeypatch.setenv("PATH", f"{lie.parent}:{os.environ['PATH']}")
    fleet.plant("evil", {})
    job = fleet.folder / "job"
    job.write_text('{"started": 1}', encoding="utf-8")
    own = {
        "__python_runtime": {"version": "3.12.1"},
        "__python_runtime_progress": "/nowhere",
        "__python_runtime_result": {"ansible_job_id": "j1.2", "results_file": str(job)},
        "python_runtime_poll": 0,
        "python_runtime_timeout": -899,
    }
    said = fleet.run([includes("python_runtime", tasks_from="_build")], {"evil": own})
    assert "The build was ended from outside" in said
    assert said.count("Wait for the build") < 20


def test_options_of_an_action_are_made_without_facts(fleet: Fleet) -> None:
    fleet.plant("evil", {"reports": str(fleet.loot / "reports"), "which": "audit"})
    inventory = {"reports": str(fleet.folder / "reports")}
    options = {"folder": "{{ reports }}", "hosts": ["evil"], "kind": "{{ which | default('remediate') }}"}
    tasks = [{"fleet.system_python.python_report": options, "register": "done"}]
    said = fleet.run(tasks, {"evil": inventory})
    assert not fleet.looted(), said
    report = fleet.folder / "reports/latest/evil.json"
    assert json.loads(report.read_text(encoding="utf-8"))["run"]["kind"] == "remediate"


@pytest.mark.parametrize("limit", [(), ("--limit", "all")])
def test_a_host_that_says_that_it_is_another_takes_no_row_and_no_report(fleet: Fleet, limit: tuple[str, ...]) -> None:
    """The hostile one is the first, where Ansible does what is done once for all."""
    fleet.plant("a-evil", {"inventory_hostname": "web1", "python_report_folder": str(fleet.loot / "reports")})
    reports = fleet.folder / "reports"
    said = fleet.run(
        "audit",
        {"a-evil": {}, "web1": {}, "web2": {}},
        *limit,
        "-e",
        f"python_report_folder={reports}",
    )
    assert not fleet.looted(), said
    rows = re.findall(r'"(a-evil|web1|web2) +([^"]+)"', said)
    assert [host for host, _state in rows] == ["a-evil", "web1", "web2"], said
    assert "not audited" in rows[0][1] or "failed" in rows[0][1]
    assert "facts of the host have names of variables" in rows[0][1]
    assert not any("facts of the host" in state for _host, state in rows[1:])


def test_the_order_of_a_repair_has_only_hosts_of_the_run(fleet: Fleet) -> None:
    fleet.plant("evil", {"inventory_hostname": "localhost", "system_python_look": {"plan": [1]}})
    said = fleet.run("remediate", {"evil": {}, "web1": {}})
    assert not re.search(
        r"^(ok|changed|fatal|failed): \[localhost\].*\n(?!.*item)", said.partition("Repair the system")[2]
    ), said


def test_the_file_of_a_baseline_is_named_by_no_fact(fleet: Fleet) -> None:
    secret = fleet.loot.parent / "secret"
    secret.mkdir()
    (secret / "evil.sha256").write_text("the secret")
    fleet.plant("evil", {"baselines": str(secret), "python_guard_baseline": "record"})
    said = fleet.run(
        "fleet.system_python.guard", {"evil": {"python_guard_baselines": "{{ baselines | default('') }}"}}, "-vvv"
    )
    assert "the secret" not in said
    assert not fleet.looted(), said


def test_a_host_that_answers_nonsense_has_a_row_and_a_report_and_so_have_the_others(fleet: Fleet) -> None:
    """Facts of our own name may come from any module, so what is in them is checked where it is read."""
    fleet.plant("evil", {"system_python": {"findings": 5}})
    reports = fleet.folder / "reports"
    said = fleet.run("audit", {"evil": {}, "web1": {}}, "-e", f"python_report_folder={reports}")
    rows = dict(re.findall(r'"(evil|web1) +([^"]+)"', said))
    assert "ansible_facts.system_python" in rows["evil"], said
    assert rows["evil"].startswith("failed")
    assert "ansible_facts" not in rows["web1"]
    report = json.loads((reports / "latest/evil.json").read_text(encoding="utf-8"))
    assert report["error"]["kind"] == "host_answer_invalid"
    assert report["status"] == "failed"
    assert (reports / "latest/fleet.html").is_file()
