# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How every playbook ends without hosts, with one that cannot be reached, and with one that it is not about.

Nothing but the controller is needed: it is itself the host without packages of rpm, where it is a Debian.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.release import __version__ as core_version

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = Path(sys.executable).with_name("ansible-playbook")
PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())
IS_DEBIAN = "\nID=debian\n" in Path("/etc/os-release").read_text(encoding="utf-8")

AWAY = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 9}
DEBIAN = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
SITUATIONS: dict[str, dict[str, dict[str, Any]]] = {
    "no hosts": {},
    "one unreachable": {"away": AWAY},
    "one not applicable": {"debian": DEBIAN},
    "all of them": {"away": AWAY, "debian": DEBIAN},
}
# What a user never sees: Ansible's words for an error in a template, or for one of the program.
TROUBLE = re.compile(
    "is undefined|has no attribute|[Tt]emplat|Traceback|MODULE FAILURE|Unexpected|conditional check|list index"
)
# Those that look at rpm's packages leave a Debian alone, and do so in no time.
ABOUT_RPM = ("audit", "remediate", "guard", "pin")
# On another core than the newest that is tried here, what has everything in it is enough.
IS_NEWEST = core_version.startswith("2.19")

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason=f"there is no {PROGRAM}")


class Done:
    """What a run printed, without the lines about colours and skipped tasks."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        self.text = text


@pytest.fixture
def collections(tmp_path: Path) -> Path:
    folder = tmp_path / "collections/ansible_collections/fleet"
    folder.mkdir(parents=True)
    (folder / "system_python").symlink_to(ROOT)
    return tmp_path / "collections"


def run(collections: Path, name: str, hosts: dict[str, dict[str, Any]] | None, *arguments: str) -> Done:
    folder = collections.parent
    inventory = folder / "hosts.json"
    inventory.write_text(
        json.dumps({"all": {"hosts": hosts, "children": {"web": {"hosts": dict.fromkeys(hosts or {})}}}})
    )
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
        "LC_ALL": "C.UTF-8",
    }
    given = () if hosts is None else ("-i", str(inventory))
    command = [PROGRAM, *given, f"fleet.system_python.{name}", *arguments]
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    return Done(done.returncode, (done.stdout + done.stderr).replace(str(folder), ""))


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("name", PLAYBOOKS)
def test_no_error_of_a_template_reaches_a_user(collections: Path, name: str, situation: str) -> None:
    hosts = SITUATIONS[situation]
    if not IS_NEWEST and situation != "all of them":
        pytest.skip("it is tried on the newest core")
    if "debian" in hosts and not IS_DEBIAN:
        pytest.skip("this machine is no Debian")
    # Check mode for what would measure, or make something on, this machine.
    done = run(collections, name, hosts, *(() if name in ABOUT_RPM else ("--check",)))
    assert not TROUBLE.search(done.text), done.text
    if name == "image_check":
        # Its hosts are images, and there are none.
        assert (done.code, "There is nothing to check." in done.text) == (2, True), done.text
    elif situation == "no hosts":
        assert (done.code, "There are no hosts: the inventory is empty." in done.text) == (2, True), done.text
    elif name == "provision":
        assert (done.code, "There is nothing to provision" in done.text) == (2, True), done.text
    elif "away" in hosts:
        assert done.code in (2, 4), done.text
    if name in ("audit", "remediate") and hosts:
        judge_table(done, hosts)


def judge_table(done: Done, hosts: dict[str, Any]) -> None:
    """The table has every host, and its last line agrees with the exit code."""
    assert len(re.findall(r'"away +unreachable  ', done.text)) == ("away" in hosts), done.text
    assert len(re.findall(r'"debian +not applicable  Debian GNU/Linux \d+[^"]* has no packages of rpm', done.text)) == (
        "debian" in hosts
    ), done.text
    assert ("Not well: --limit away" in done.text) == ("away" in hosts)
    assert done.code == (2 if "away" in hosts else 0), done.text
    assert not list(Path().glob("system_python_reports/*/debian.*"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            "-e system_python_hosts=webb",
            "No host matches system_python_hosts=webb. The groups of the inventory are: web",
        ),
        (
            "-e system_python_hots=web",
            "system_python_hots is not a variable of this collection; system_python_hosts was",
        ),
        ("-e python_restore_sellinux=enforcing", "python_restore_selinux was probably meant"),
        ("-e system_python_hosts=db --limit web", "No host within --limit web matches system_python_hosts=db."),
    ],
)
def test_what_nobody_can_have_meant_is_refused_before_a_host_is_asked(
    collections: Path, arguments: str, sentence: str
) -> None:
    done = run(collections, "remediate", {"away": AWAY}, *arguments.split())
    assert (done.code, sentence in done.text.replace("\n", " ")) == (2, True), done.text
    assert "unreachable=1" not in done.text


def test_without_any_inventory_it_says_so(collections: Path) -> None:
    done = run(collections, "audit", None)
    assert (done.code, "There are no hosts: the inventory is empty. Give one with -i." in done.text) == (2, True), (
        done.text
    )


def test_a_limit_that_matches_nothing_is_refused_by_ansible_itself(collections: Path) -> None:
    assert run(collections, "audit", {"away": AWAY}, "--limit", "nobody").code == 1


def test_images_are_no_hosts_of_a_limit(collections: Path) -> None:
    arguments = ("-e", "image_check_root=/nowhere", "--limit", "away")
    done = run(collections, "image_check", {"away": AWAY}, *arguments)
    assert (done.code, "leave --limit out" in done.text) == (2, True), done.text


def test_the_page_on_playbooks_has_all_exit_codes() -> None:
    listed = re.findall(r"^\| (\d+) \| ", (ROOT / "docs/playbooks.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert listed == ["0", "2", "2", "4", "1"]


@pytest.mark.skipif(not IS_DEBIAN, reason="this machine is no Debian")
def test_an_audit_by_its_tag_has_the_table_and_no_report(collections: Path) -> None:
    done = run(collections, "audit", {"debian": DEBIAN}, "--tags", "python_audit", "-e", "python_report_folder=reports")
    assert "1 host: 1 not applicable" in done.text
    assert not (collections.parent / "reports").exists()


@pytest.mark.skipif(not IS_DEBIAN, reason="this machine is no Debian")
def test_a_mistyped_variable_of_a_host_is_named_by_the_modules(collections: Path) -> None:
    done = run(collections, "audit", {"debian": {**DEBIAN, "python_audit_fail_severty": "never"}})
    assert (done.code, "python_audit_fail_severity was probably meant" in done.text) == (2, True), done.text


def test_the_exercise_with_venvs_makes_a_wheel_that_pip_takes_without_an_index(tmp_path: Path) -> None:
    plays = yaml.safe_load((ROOT / "playbooks/venv_separation.yml").read_text(encoding="utf-8"))
    script = plays[1]["vars"]["__venv_separation_make"]
    wheel = tmp_path / "separation_demo-1.0-py3-none-any.whl"
    subprocess.run([sys.executable, "-I", "-c", script, wheel], check=True)
    install = ["-m", "pip", "install", "--no-index", "--no-cache-dir", "--target", str(tmp_path / "target"), str(wheel)]
    done = subprocess.run([sys.executable, "-I", *install], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "target/separation_demo.py").exists()


# --- tags ------------------------------------------------------------------------------------------------------------


def tasks_of(path: Path) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


@pytest.mark.parametrize("role", ROLES)
def test_every_task_of_a_role_has_its_tag(role: str) -> None:
    phases = {"collect": "evidence", "validate": "proof", "_round": "proof"} if role == "python_report" else {}
    for path in (ROOT / f"roles/{role}/tasks").glob("*.yml"):
        wanted = phases.get(path.stem, role)
        assert [task["name"] for task in tasks_of(path) if wanted not in task.get("tags", [])] == [], path


def listed(collections: Path, name: str, *arguments: str) -> set[str]:
    done = run(collections, name, {"web1": {}}, "--list-tasks", *arguments)
    assert done.code == 0, done.text
    return set(re.findall(r"^ +(?:[\w.]+ : )?(\S.*?)\tTAGS:", done.text, re.MULTILINE))


RESTORED = "Put the system Python back to what its vendor shipped"


@pytest.mark.skipif(not IS_NEWEST, reason="it is tried on the newest core")
@pytest.mark.parametrize(
    ("name", "arguments", "runs", "leaves_out"),
    [
        ("audit", "--tags python_audit", "Look at the system Python", "Collect the evidence"),
        ("audit", "--skip-tags evidence", "Write the reports", "Collect the evidence"),
        ("audit", "--skip-tags python_report", "Look at the system Python", "Write the reports"),
        ("audit", "--tags deploy", "", "Look at the system Python"),
        ("remediate", "--skip-tags proof", "Write the reports", "Prove that the repair lasts"),
        ("remediate", "--skip-tags python_report", "Prove that the repair lasts", "Write the reports"),
        ("provision", "--tags python_venv", "Make the venvs", "Install the runtimes"),
        ("pin", "--skip-tags python_restore", "Pin it", RESTORED),
    ],
)
def test_tags_do_what_one_expects(collections: Path, name: str, arguments: str, runs: str, leaves_out: str) -> None:
    found = listed(collections, name, *arguments.split())
    assert not runs or runs in found
    assert leaves_out not in found
    files = [*ROOT.glob("playbooks/*.yml"), *ROOT.glob("roles/*/tasks/*.yml")]
    assert any(f"- name: {leaves_out}\n" in path.read_text(encoding="utf-8") for path in files)
