# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters in a real ansible-playbook of the running core."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
PROGRAM = Path(sys.executable).with_name("ansible-playbook")

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason=f"there is no {PROGRAM}")

LAST = "3 hosts: 1 failed, 1 not helped, 1 not started. Not well: --limit broken,lost,new"
ERROR = {"kind": "no_source", "changed_nothing": True, "details": {"wanted": ["p"]}}

TASKS = [
    {
        "when": "inventory_hostname == 'broken'",
        "block": [{"ansible.builtin.fail": {"msg": "No source has it."}}],
        "rescue": [
            {"ansible.builtin.set_fact": {"python_restore_result": ERROR}},
            {
                "ansible.builtin.set_fact": {
                    "system_python_outcome": "{{ hostvars[inventory_hostname]"
                    " | fleet.system_python.host_outcome(failed=ansible_failed_result) }}"
                }
            },
        ],
    },
    {
        "when": "inventory_hostname == 'lost'",
        "ansible.builtin.set_fact": {"system_python_began": "2026-01-31T12:00:00Z"},
    },
    {
        "run_once": True,
        "ansible.builtin.debug": {
            "msg": {
                "table": "{{ ansible_play_hosts_all | map('extract', hostvars) | fleet.system_python.host_table }}",
                "stops": "{{ ansible_play_hosts_all | map('extract', hostvars)"
                " | map('fleet.system_python.host_outcome') | map(attribute='stops_rollout') }}",
                "error": "{{ hostvars.broken.system_python_outcome.error }}",
            }
        },
    },
]


def test_outcomes_and_their_table(tmp_path: Path) -> None:
    collections = tmp_path / "collections/ansible_collections/fleet"
    collections.mkdir(parents=True)
    (collections / "system_python").symlink_to(ROOT)
    hosts = {name: {"ansible_connection": "local"} for name in ("broken", "lost", "new")}
    (tmp_path / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    (tmp_path / "play.json").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": TASKS}]))
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "collections"),
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.json",
        "LC_ALL": "C.UTF-8",
    }
    done = subprocess.run(
        [PROGRAM, "-i", tmp_path / "hosts.json", tmp_path / "play.json"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    last = json.loads(done.stdout)["plays"][0]["tasks"][-1]
    assert last["hosts"]["broken"]["msg"] == {
        "table": {
            "lines": [
                "broken  not helped   No source has it.",
                "lost    failed       the connection was lost",
                "new     not started",
                LAST,
            ],
            "not_well": ["broken", "lost", "new"],
            "message": LAST,
        },
        "stops": [False, True, False],
        "error": {"kind": "no_source", "msg": "No source has it.", "details": {"wanted": ["p"]}},
    }
