# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The callback in a real ansible-playbook of the running core, over this machine and a host that is not there."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from simulated_fleet import simulate, write_reports

ROOT = Path(__file__).resolve().parents[4]
PROGRAM = Path(sys.executable).with_name("ansible-playbook")
FACTS = {"healthy": False, "worst": "critical", "findings": [{"id": "SP201", "summary": "secret-summary"}]}

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason=f"there is no {PROGRAM}")


def run(tmp_path: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    write_reports(tmp_path / "reports", simulate(3))
    collections = tmp_path / "collections/ansible_collections/fleet"
    collections.mkdir(parents=True)
    (collections / "system_python").symlink_to(ROOT)
    inventory = {
        "all": {
            "hosts": {
                "here": {"ansible_connection": "local"},
                "there": {"ansible_host": "127.0.0.1", "ansible_port": 9, "ansible_connection": "ssh"},
            }
        }
    }
    page = {"reports": str(tmp_path / "reports"), "dest": str(tmp_path / "out")}
    tasks = [
        {"ansible.builtin.raw": "true"},
        {"ansible.builtin.set_fact": {"system_python_outcome": {"state": "drift found"}, "token": "secret-fact"}},
        {"ansible.builtin.set_fact": {"system_python": FACTS}},
        {"fleet.system_python.python_fleet_page": page},
    ]
    (tmp_path / "hosts.json").write_text(json.dumps(inventory))
    (tmp_path / "play.json").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "collections"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "LC_ALL": "C.UTF-8",
        **settings,
    }
    return subprocess.run(
        [PROGRAM, "-i", tmp_path / "hosts.json", tmp_path / "play.json"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def expected(tmp_path: Path) -> list[str]:
    return [
        "2 hosts: 1 unreachable, 1 drift found",
        "  SP201 interpreter-altered  here",
        "next: make there reachable, and run again with --limit",
        "next: repair here: fleet.system_python.remediate, first with --check --diff",
        f"page: {tmp_path}/out/fleet.html",
    ]


def after_banner(text: str) -> list[str]:
    _before, banner, rest = text.partition("SYSTEM PYTHON **")
    assert banner, text
    return rest.strip("*\n").splitlines()


@pytest.mark.skipif(shutil.which("ssh") is None, reason="there is no ssh")
def test_after_the_usual_output(tmp_path: Path) -> None:
    done = run(tmp_path, ANSIBLE_CALLBACKS_ENABLED="fleet.system_python.summary")
    assert "PLAY RECAP" in done.stdout
    assert after_banner(done.stdout) == expected(tmp_path), done.stderr
    assert "eprecat" not in done.stderr
    assert "rror" not in done.stderr


@pytest.mark.skipif(shutil.which("ssh") is None, reason="there is no ssh")
def test_instead_of_the_usual_output(tmp_path: Path) -> None:
    done = run(tmp_path, ANSIBLE_STDOUT_CALLBACK="fleet.system_python.summary")
    assert after_banner(done.stdout) == expected(tmp_path), done.stderr
    assert "TASK [" not in done.stdout
    assert "secret" not in done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("ssh") is None, reason="there is no ssh")
def test_off_unless_enabled(tmp_path: Path) -> None:
    assert "SYSTEM PYTHON" not in run(tmp_path).stdout
