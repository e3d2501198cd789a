# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""First aid under a runtime of ours, on real hosts: the last Python that is as it should be, and only then."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from checkkit import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from checkkit import Ansible, Host

RUNTIMES = ROOT / "tests/hosts/runtimes"
NO_SOURCES = 3
ONLY_THE_SYSTEM_S_OWN = "rpm -e --nodeps $(rpm -qa | grep -E '^(lib)?python3[._]?1[13]')"
# Each is done in the runtime's folder, and undone.
DAMAGE = {
    "a content": ("printf '#' >>lib/python3.13/os.py", "truncate -s -1 lib/python3.13/os.py", "altered"),
    "the interpreter": ("cp -f /bin/true bin/python3.13", "cp -f /srv/kept bin/python3.13", "altered"),
    "a file gone": ("mv lib/python3.13/abc.py /srv/", "mv /srv/abc.py lib/python3.13/", "altered"),
    "a mode": ("chmod 0666 lib/python3.13/os.py", "chmod 0644 lib/python3.13/os.py", "writable"),
    "an owner": ("chown 1000 lib/python3.13/json", "chown 0 lib/python3.13/json", "writable"),
    "a folder above": ("chmod 0777 /opt", "chmod 0755 /opt", "writable"),
    "a module": ("echo >lib/python3.13/abcd.py", "rm lib/python3.13/abcd.py", "planted"),
    "a hook": (
        "echo import os >lib/python3.13/site-packages/x.pth",
        "rm lib/python3.13/site-packages/x.pth",
        "planted",
    ),
    "bytecode": (
        "cp lib/python3.13/__pycache__/abc.cpython-313.pyc lib/python3.13/__pycache__/abcd.cpython-313.pyc",
        "rm lib/python3.13/__pycache__/abcd.cpython-313.pyc",
        "planted",
    ),
    "a configuration": ("echo home = /srv >bin/pyvenv.cfg", "rm bin/pyvenv.cfg", "planted"),
    "a name with a newline": ("touch \"$(printf 'x\\nlib')\"", "rm x*", "unreadable"),
    "a link": ("ln -sfn /bin/true bin/python3", "ln -sfn python3.13 bin/python3", "altered"),
    "a file by a link": (
        "ln -sf /srv/kept bin/python3.13",
        "cp --remove-destination /srv/kept bin/python3.13",
        "altered",
    ),
    "the manifest": (
        "cp .manifest.sha256 /srv/ && sed -i '1s/^../00/' .manifest.sha256",
        "cp /srv/.manifest.sha256 .manifest.sha256",
        "altered",
    ),
    "no manifest": ("mv .manifest.sha256 /srv/", "mv /srv/.manifest.sha256 .manifest.sha256", "no-manifest"),
}


@pytest.fixture(scope="module")
def archive() -> dict[str, str]:
    """The archive of a 3.13 that the collection built."""
    done = subprocess.run([RUNTIMES], capture_output=True, text=True, check=False)
    if done.returncode == NO_SOURCES:
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stdout + done.stderr
    index: dict[str, dict[str, str]] = json.loads(done.stdout)
    return index["3.13"]


def install(ansible: Ansible, host: Host, archive: dict[str, str]) -> str:
    """Install the runtime while the host is healthy, and return its folder."""
    options = {key: archive[key] for key in ("version", "sha256")}
    done = ansible.module("python_runtime", host, {**options, "controller_file": archive["file"]})
    assert not done.get("failed"), done["msg"]
    return f"/opt/python/{archive['version']}"


def aid(ansible: Ansible, host: Host, **variables: Any) -> dict[str, Any]:
    """Run first aid in check mode and return its result."""
    return aids(ansible, host, [("true", "true")], **variables)[0]


def aids(ansible: Ansible, host: Host, steps: list[tuple[str, str]], **variables: Any) -> list[dict[str, Any]]:
    """Run a command on the host, first aid in check mode, and what undoes the command, for each of C(steps)."""
    target = ansible.folder / "aids.json"
    target.unlink(missing_ok=True)
    tasks: list[dict[str, Any]] = []
    for number, (before, after) in enumerate(steps):
        look = {"fleet.system_python.python_first_aid": {}, "register": f"aid{number}", "ignore_errors": True}
        raw = {"check_mode": False, "changed_when": True}
        tasks += [{"ansible.builtin.raw": before, **raw}, look, {"ansible.builtin.raw": after, **raw}]
    names = ", ".join(f"aid{number}" for number in range(len(steps)))
    write = {"content": f"{{{{ [{names}] | to_json }}}}", "dest": str(target), "mode": "0600"}
    local = {"ansible_connection": "local", "ansible_shell_executable": "/bin/sh"}
    tasks.append({"ansible.builtin.copy": write, "delegate_to": "localhost", "check_mode": False, "vars": local})
    play = {"hosts": "all", "gather_facts": False, "vars": variables, "tasks": tasks}
    done = ansible.playbook([play], host, arguments=("--check",))
    assert target.exists(), done.out + done.err
    loaded: list[dict[str, Any]] = json.loads(target.read_text())
    return loaded


def assert_healthy(ansible: Ansible, host: Host, interpreter: str) -> None:
    """Assert that an audit under that interpreter finds nothing."""
    audit = ansible.module("python_facts", host)
    assert not audit.get("failed"), audit
    assert audit["ansible_facts"]["system_python"]["findings"] == []
    assert aid(ansible, host)["interpreter"] == interpreter


def test_a_host_without_any_packaged_python_is_repaired_under_a_runtime(
    fresh: Callable[[str], Host], ansible: Ansible, archive: dict[str, str]
) -> None:
    host = fresh("rhel9")
    folder = install(ansible, host, archive)
    python = f"{folder}/bin/python3.13"
    # What a first use of pip by root leaves, and other bytecode that is never read.
    host.check(f"{folder}/bin/pip3.13 --version && {folder}/bin/python3.13 -OO -c 'import csv, json.tool'")
    assert host.check(f"ls {folder}/lib/python3.13/site-packages/pip/__pycache__") != ""
    # As long as rpm vouches for one, no runtime is looked at.
    healthy = aid(ansible, host)
    assert (healthy["interpreter"], healthy["trusted_by"], healthy["rejected"]) == ("/usr/bin/python3.9", "rpm", [])
    host.tamper("no_python_left")

    found = aid(ansible, host)
    assert (found["interpreter"], found["changed"], found["trusted_by"]) == (python, False, "manifest"), found
    assert found["trusted_because"]["verified_by"] == f"{folder}/.manifest.sha256"
    assert found["trusted_because"]["files"] > 1000
    assert [one["path"] for one in found["rejected"]] == ["/usr/bin/python3.9"]
    # What root's own folder would run beside it does not run.
    host.check("mkdir -p /root/.local/lib/python3.13/site-packages")
    host.check("echo 'import os' >/root/.local/lib/python3.13/site-packages/x.pth")
    assert aid(ansible, host)["interpreter"] == "/run/fleet.system_python/python3.13"
    host.check("rm -r /root/.local/lib/python3.13")

    # Debian's own is dash; busybox is tried where this machine has it.
    programs = [program for program in map(shutil.which, ("dash", "busybox")) if program]
    assert programs
    for program in programs:
        host.check("mkdir -p /srv/shell")
        subprocess.run(["docker", "cp", "-q", "-L", program, f"{host.name}:/srv/shell/sh"], check=True)
        assert aid(ansible, host, ansible_shell_executable="/srv/shell/sh")["interpreter"] == python, program

    host.check(f"cp {python} /srv/kept")
    steps = [(f"cd {folder} && {damage}", f"cd {folder} && {undo}") for damage, undo, _kind in DAMAGE.values()]
    for (what, (_damage, _undo, kind)), refused in zip(DAMAGE.items(), aids(ansible, host, steps), strict=True):
        assert (refused["interpreter"], refused["changed"]) == (None, True), what
        reasons = {one["path"]: one for one in refused["rejected"]}
        assert reasons[python]["kind"] == kind, (what, reasons[python])
    assert aid(ansible, host)["interpreter"] == python

    done = ansible.playbook("fleet.system_python.remediate", host)
    assert done.rc == 0, done.out + done.err
    assert_healthy(ansible, host, "/usr/bin/python3.9")
    assert host.run("rpm -V --nodeps python3 python3-libs").out == ""
    again = ansible.playbook("fleet.system_python.remediate", host)
    assert (again.rc, "changed=0" in again.out) == (0, True), again.out


def test_a_host_whose_own_python_is_too_old_for_the_core(
    fresh: Callable[[str], Host], ansible: Ansible, archive: dict[str, str]
) -> None:
    host = fresh("sles15")
    python = f"{install(ansible, host, archive)}/bin/python3.13"
    host.check(ONLY_THE_SYSTEM_S_OWN)
    # Nothing is wrong with this host; only the core does not run under 3.6.
    assert_healthy(ansible, host, python)
    host.tamper("sles15_overwritten")
    done = ansible.playbook("fleet.system_python.remediate", host)
    assert done.rc == 0, done.out + done.err
    assert_healthy(ansible, host, python)
