# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""python_benchmark on real test hosts: impostors, interpreters that hang or die, kills, the user it runs as."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from checkkit import keep

if TYPE_CHECKING:
    from checkkit import Ansible, Host

IMAGES = ("rhel9", "sles15")
BINARY = {"rhel9": "/usr/bin/python3.9", "sles15": "/usr/bin/python3.6"}
SMALL = {"scale": 0.001, "rounds": 6, "workloads": ["nbody", "startup"]}
LEFT = "ls -A /var/tmp; find / -xdev -user nobody; pgrep -u nobody"


@pytest.mark.parametrize("image", IMAGES)
def test_what_does_not_work_is_told_and_the_rest_is_measured(
    image: str, fresh: Callable[[str], Host], ansible: Ansible
) -> None:
    host = fresh(image)
    before = host.listing()
    host.check(
        "mkdir -p /opt/odd && cd /opt/odd && chmod 755 /opt/odd"
        " && cp /usr/bin/python3.11 unowned && ln -s /bin/sleep sleeps && cp /bin/false dies && chmod u+s dies"
        " && printf '#!/bin/sh\\nexec sleep 60\\n' >hangs"
        " && printf '#!/bin/sh\\nid -u >>/opt/odd/log/users\\nexec /usr/bin/python3.11 \"$@\"\\n' >tells"
        " && printf '#!/bin/sh\\necho hello\\n' >lies && chmod 755 hangs tells lies && mkdir -m 777 log"
        " && cp /usr/bin/python3.11 /root/hidden"
    )
    names = ["unowned", "sleeps", "dies", "hangs", "tells", "lies", "missing"]
    options = {"interpreters": [*(f"/opt/odd/{name}" for name in names), "/root/hidden"], "timeout": 15, **SMALL}
    result = ansible.module("python_benchmark", host, options)
    assert not result.get("failed"), result
    assert not result["changed"]
    found = {one["path"].rpartition("/")[2]: one for one in result["benchmark"]["interpreters"]}
    problems = {name: one["problem"] for name, one in found.items() if one["problem"]}
    assert set(problems) == {"sleeps", "dies", "hangs", "lies", "missing", "hidden"}
    assert "exit code" in problems["sleeps"]
    assert "mode 4755 would give it rights" in problems["dies"]
    assert "time limit" in problems["hangs"]
    assert "something else" in problems["lies"]
    assert "no such file" in problems["missing"]
    assert "Permission denied" in problems["hidden"]
    assert found["unowned"]["note"] == "no package owns it"
    assert [one["verified"] for one in result["benchmark"]["interpreters"][:2]] == [True, False]
    assert result["benchmark"]["baseline"] == BINARY[image]
    for workload in result["benchmark"]["workloads"]:
        assert [one["path"] for one in workload["results"]] == [BINARY[image], "/opt/odd/unowned", "/opt/odd/tells"]
    users = set(host.check("cat /opt/odd/log/users").split())
    assert users == {host.check("id -u nobody").strip()}
    host.check("rm -rf /opt/odd /root/hidden")
    assert host.run(LEFT).out == ""
    assert host.listing() == before


def compared(ansible: Ansible, host: Host, interpreters: list[str]) -> list[dict[str, Any]]:
    """Run the module without first aid, which asks rpm alone, and return its interpreters."""
    target = ansible.folder / "benchmark.json"
    target.unlink(missing_ok=True)
    benchmark = {"fleet.system_python.python_benchmark": {"interpreters": interpreters, **SMALL}, "register": "result"}
    tasks = [benchmark, keep("{{ result | to_json }}", target)]
    variables = {"ansible_python_interpreter": "/usr/bin/python3"}
    done = ansible.playbook([{"hosts": "all", "gather_facts": False, "vars": variables, "tasks": tasks}], host)
    assert target.exists(), done.out + done.err
    found: list[dict[str, Any]] = json.loads(target.read_text())["benchmark"]["interpreters"]
    return found


def test_the_package_manager_of_the_system_is_asked(fresh: Callable[[str], Host], ansible: Ansible) -> None:
    """Debian's dpkg, also where somebody installed the tool rpm, which has an empty database then."""
    host = fresh("debian")
    host.check(
        "printf '#!/bin/sh\\necho error: cannot open Packages database in /var/lib/rpm >&2; exit 1\\n' >/usr/bin/rpm"
        " && chmod 755 /usr/bin/rpm && mkdir -p /var/lib/rpm && echo sqlite >/var/lib/rpm/rpmdb.sqlite"
        " && cp /usr/bin/python3.11 /usr/local/bin/mine"
    )
    found = compared(ansible, host, ["/usr/local/bin/mine", "/usr/local/bin/none"])
    assert [(one["vouched_by"], one["note"]) for one in found] == [
        ("dpkg", None),
        (None, "no package owns it"),
        (None, "there is no such file"),
    ]
    host.check("printf x >>/usr/bin/python3.11")
    system = compared(ansible, host, ["/usr/local/bin/mine"])[0]
    assert (system["vouched_by"], system["owner"]) == (None, "python3.11-minimal")
    assert system["note"] == "python3.11-minimal owns it, but its content differs"


def test_check_mode_runs_nothing(fresh: Callable[[str], Host], ansible: Ansible) -> None:
    host = fresh("sles15")
    host.check("mkdir -m 777 /opt/log && printf '#!/bin/sh\\ntouch /opt/log/ran\\n' >/opt/odd && chmod 755 /opt/odd")
    result = ansible.module("python_benchmark", host, {"interpreters": ["/opt/odd"], **SMALL}, check=True)
    assert result["plan"]["processes"] == 2 * (1 + 2 * 7)
    assert host.check("ls -A /opt/log") == ""


def test_a_baseline_that_is_broken_is_an_error(fresh: Callable[[str], Host], ansible: Ansible) -> None:
    host = fresh("sles15")
    host.check("printf '#!/bin/sh\\nexit 3\\n' >/opt/odd && chmod 755 /opt/odd")
    result = ansible.module("python_benchmark", host, {"baseline": "/opt/odd", **SMALL})
    assert result["failed"]
    assert result["kind"] == "baseline_failed"
    assert "exit code 3" in result["msg"]
    assert host.run(LEFT).out == ""


def test_a_wheelhouse_without_pyperf_leaves_the_builtin_runner(fresh: Callable[[str], Host], ansible: Ansible) -> None:
    host = fresh("sles15")
    host.check("mkdir /srv/wheels")
    options: dict[str, Any] = {"interpreters": ["/usr/bin/python3.11"], "pyperf_wheelhouse": "/srv/wheels", **SMALL}
    result = ansible.module("python_benchmark", host, options)
    assert result["benchmark"]["runner"]["name"] == "builtin"
    assert "pyperf cannot be installed for /usr/bin/python3.6" in result["benchmark"]["runner"]["reason"]
    refused = ansible.module("python_benchmark", host, {**options, "runner": "pyperf"})
    assert refused["kind"] == "no_pyperf"
    assert host.run(LEFT).out == ""


def test_a_run_that_is_ended_leaves_nothing(fresh: Callable[[str], Host], ansible: Ansible) -> None:
    host = fresh("sles15")
    play = ansible.folder / "play.yml"
    play.write_text(
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - fleet.system_python.python_benchmark:\n"
        "        workloads: [nbody]\n"
    )
    running = subprocess.Popen(
        ["ansible-playbook", "-i", str(ansible.inventory(host)), str(play)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    parent = ""
    for _try in range(300):
        # The process may have ended between the two commands: then the next one is asked.
        parent = host.run(
            'found=$(pgrep -u nobody | head -n 1); [ -n "$found" ] && ps -o ppid= -p "$found"'
        ).out.strip()
        if parent:
            break
        time.sleep(0.2)
    assert parent, "no interpreter was run"
    host.check(f"kill -TERM {parent}")
    assert running.wait(60) != 0
    assert host.run(LEFT).out == ""
