# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The callback summary, after real runs over real hosts."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from checkkit import Ansible, Done, Fleet, Host


NO_REPORTS = ("-e", "python_report_folder=")
# Of YAML, the day is no text.
DECIDED = """
system_python_exceptions:
  - {rule: SP106, path: "/opt/*/python3", reason: ours, hosts: ["fsp-*"]}
  - {rule: SP207, path: /usr/lib64/python3.9/os.py, reason: theirs, expires: 9999-12-31}
"""


@pytest.fixture(scope="module")
def hosts(fleet: Fleet) -> tuple[Host, Host, Host]:
    """A healthy host, one that was broken as in incident A2, and one that is none of rpm's."""
    healthy, broken, debian = fleet.up("rhel9"), fleet.up("rhel9"), fleet.up("debian")
    broken.tamper("rhel9_overwritten")
    return healthy, broken, debian


def summary(done: Done) -> list[str]:
    """The lines below the banner."""
    _before, banner, rest = done.out.partition("SYSTEM PYTHON **")
    assert banner, done.out + done.err
    return rest.strip("*\n").splitlines()


def test_a_run_is_summed_up(ansible: Ansible, hosts: tuple[Host, Host, Host], monkeypatch: pytest.MonkeyPatch) -> None:
    """Audit, check, repair, and audit again: each ends with what a person needs to know."""
    healthy, broken, debian = hosts
    monkeypatch.setenv("ANSIBLE_CALLBACKS_ENABLED", "fleet.system_python.summary")
    monkeypatch.setenv("ANSIBLE_NOCOLOR", "1")

    done = ansible.playbook("fleet.system_python.audit", *hosts, arguments=NO_REPORTS)
    assert done.rc == 2
    assert f"3 hosts: 1 critical, 1 healthy, 1 not applicable. Not well: --limit {broken.name}" in done.out
    lines = summary(done)
    assert lines[0] == "3 hosts: 1 drift found, 1 healthy, 1 not applicable"
    assert f"  SP201 interpreter-altered   {broken.name}" in lines
    assert lines[-1] == f"next: repair {broken.name}: fleet.system_python.remediate, first with --check --diff"
    assert not any("error" in line for line in lines)
    assert not any(healthy.name in line for line in lines)

    options = ("-e", "python_restore_selinux=enforcing", *NO_REPORTS)
    lines = summary(ansible.playbook("fleet.system_python.remediate", *hosts, arguments=("--check", *options)))
    assert lines[0] == "3 hosts: 1 would be repaired, 1 healthy, 1 not applicable"
    assert lines[-1] == f"next: run again without --check to repair {broken.name}"

    done = ansible.playbook("fleet.system_python.remediate", *hosts, arguments=options)
    assert done.rc == 0, done.out
    # The canary is the one that drifted, not the first one.
    assert re.findall(r"item=(fsp-[\w-]+)", done.out) == [broken.name]
    assert not re.search(rf"included: .* for .*({healthy.name}|{debian.name})", done.out)
    lines = summary(done)
    assert lines[0] == "3 hosts: 1 repaired, 1 healthy, 1 not applicable"
    assert f"  SP201 interpreter-altered   {broken.name} (repaired)" in lines
    assert "next: nothing" in lines

    lines = summary(ansible.playbook("fleet.system_python.audit", *hosts, arguments=NO_REPORTS))
    assert lines == ["3 hosts: 2 healthy, 1 not applicable", "next: nothing"]


def test_what_was_not_seen_and_what_was_decided(fresh: Callable[[str], Host], ansible: Ansible) -> None:
    host = fresh("rhel9")
    host.tamper("path_shadowed_sudo")
    host.check("useradd -m somebody")
    as_user = json.dumps({"ansible_docker_user": "somebody", "ansible_user": "somebody"})
    done = ansible.playbook("fleet.system_python.audit", host, arguments=("-e", as_user, *NO_REPORTS))
    assert done.rc == 0, done.out + done.err
    (line,) = [one for one in done.out.splitlines() if one.strip(' ",').startswith(f"{host.name}  ")]
    assert "  partial  " in line, done.out
    assert "use -b: /etc/sudoers" in line

    host.check("chmod 0666 /usr/lib64/python3.9/os.py")
    decided = ansible.folder / "decided.yml"
    decided.write_text(DECIDED)
    for playbook in ("audit", "remediate"):
        done = ansible.playbook(f"fleet.system_python.{playbook}", host, arguments=("-e", f"@{decided}", *NO_REPORTS))
        assert done.rc == 0, done.out + done.err
        (line,) = [one for one in done.out.splitlines() if one.strip(' ",').startswith(f"{host.name}  ")]
        assert "healthy" in line, done.out
        assert "(accepted: SP106 SP207 SP211)" in line
        assert "accepted until 9999-12-31, theirs: SP207 metadata-altered" in done.out
    host.check("test $(stat -c %a /usr/lib64/python3.9/os.py) = 666")


def test_a_host_that_is_not_there(ansible: Ansible, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_CALLBACKS_ENABLED", "fleet.system_python.summary")
    monkeypatch.setenv("ANSIBLE_NOCOLOR", "1")
    away = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 9}
    inventory = ansible.folder / "away.json"
    inventory.write_text(json.dumps({"all": {"hosts": {"away": away}}}))
    lines = summary(ansible._run(["ansible-playbook", "-i", str(inventory), "fleet.system_python.audit", *NO_REPORTS]))
    assert lines == ["1 host: 1 unreachable", "next: make away reachable, and run again with --limit"]
