# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is repaired first, and in what batches."""

from pathlib import Path
from typing import Any

import yaml

from ansible_collections.fleet.system_python.plugins.plugin_utils._run.rollout import rollout

ROOT = Path(__file__).resolve().parents[5]


def host(name: str, **look: Any) -> dict[str, Any]:
    return {"inventory_hostname": name, "system_python_look": look}


def drifted(name: str, contract: str = "el9") -> dict[str, Any]:
    return host(name, contract=contract, healthy=False, plan=[{"action": "restore_link"}])


def test_the_first_drifted_host_of_each_release_comes_first() -> None:
    hosts = [
        host("a1", contract="el9", healthy=True, plan=[]),
        host("a2", contract="el9", healthy=False, plan=[]),
        drifted("a3"),
        drifted("a4"),
        host("b1", contract="sles15", healthy=True, plan=[]),
        host("b2", kind="no_interpreter", os={"contract": "sles15"}),
        drifted("b3", "sles15"),
    ]
    assert rollout(hosts) == {"hosts": ["a3", "b2", "a4", "b3", "a2"], "batches": [2, 1, 1, "100%"]}


def test_where_nothing_is_to_be_done_nobody_is_repaired() -> None:
    hosts = [host("a", healthy=True), host("b", unreachable=True), host("c", kind="not_applicable")]
    assert rollout(hosts)["hosts"] == []


def test_batches_are_parts_of_the_drifted_hosts() -> None:
    many = [drifted(f"web{number}") for number in range(100)] + [host(f"db{n}", healthy=True) for n in range(900)]
    assert rollout(many)["batches"] == [1, 10, 30, "100%"]
    assert rollout(many[:1])["batches"] == [1, "100%"]


def test_in_check_mode_nobody_was_looked_at_and_all_come_at_once() -> None:
    assert rollout([{"inventory_hostname": "a"}, {"inventory_hostname": "b"}]) == {
        "hosts": ["a", "b"],
        "batches": ["100%"],
    }


def test_the_look_asks_for_what_the_role_does() -> None:
    plays = yaml.safe_load((ROOT / "playbooks/remediate.yml").read_text(encoding="utf-8"))
    [look] = [task for play in plays for task in play.get("tasks", []) if task.get("register") == "system_python_look"]
    [repair] = yaml.safe_load((ROOT / "roles/python_restore/tasks/_repair.yml").read_text(encoding="utf-8"))
    asked, wanted = (task["fleet.system_python.system_python"] for task in (look, repair))
    # What was borrowed for one host, and what first aid did there.
    assert set(asked) == set(wanted) - {"controller_files", "report_always"}
    assert all(
        str(wanted[name]).partition("|")[0].split()[1] in str(value) for name, value in asked.items() if name != "state"
    )
