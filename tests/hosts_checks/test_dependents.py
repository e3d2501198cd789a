# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The blast radius on real hosts: real packages and commands, a unit, a cron job, a process, names that are odd."""

import json
from pathlib import Path
from typing import Any

import pytest
from checkkit import Ansible, Host

SECRET = "Planted-hunter2-argument"
ODD = "/usr/local/bin/odd \n`$(id)`<b>|x"
ALL = ["redirected", "overwritten", "gone"]
PINNED = ["overwritten", "gone"]

# A service by a command, a job that pins the binary, a shell script of cron, a command with an odd name.
PLANT = f"""
mkdir -p /opt/app /etc/systemd/system /etc/cron.d /etc/cron.daily
printf '#!/usr/bin/python3 -Es\\n' >/opt/app/serve
printf '[Service]\\nExecStart=/opt/app/serve --token {SECRET}\\n' >/etc/systemd/system/shop.service
printf '5 4 * * * root @PYTHON@ /opt/app/job.py --password {SECRET}\\n' >/etc/cron.d/shop
printf '#!/bin/sh\\ncd /opt/app && exec python3 tidy.py\\n' >/etc/cron.daily/tidy
printf '#!/usr/bin/env python3\\n' >"$ODD"
chmod 755 /opt/app/serve /etc/cron.daily/tidy "$ODD"
printf 'import time\\ntime.sleep(600)\\n' >/opt/app/wait.py
nohup python3 /opt/app/wait.py --password {SECRET} >/dev/null 2>&1 &
"""


def plant(host: Host, binary: str) -> None:
    odd = ODD.replace("`", "\\`").replace("$", "\\$")
    host.check(f'ODD="{odd}"; {PLANT.replace("@PYTHON@", binary)}')
    host.wait("pgrep -f '^python3 /opt/app/wait.py'")


def ask(ansible: Ansible, host: Host, **options: Any) -> tuple[dict[str, Any], dict[Any, Any]]:
    """Return the answer, and its dependents by kind and name."""
    result = ansible.module("python_dependents_info", host, options)
    assert not result["failed"], result
    assert SECRET not in json.dumps(result)
    assert not any("\n" in line for line in result["summary"])
    answer = result["ansible_facts"]["system_python_dependents"]
    return answer, {(one["kind"], one["name"]): one for one in answer["dependents"]}


BINARIES = {
    "rhel9": "/usr/bin/python3.9",
    "sles15": "/usr/bin/python3.6",
    "el8": "/usr/libexec/platform-python3.6",
}


@pytest.mark.parametrize("image", BINARIES)
def test_what_depends_on_it(fleet: Any, ansible: Ansible, tmp_path: Path, image: str) -> None:
    host = fleet.up(image)
    binary = BINARIES[image]
    plant(host, binary)
    before = host.listing()
    answer, found = ask(ansible, host, folders=["/opt/app"])
    assert host.listing() == before
    assert (answer["partial"], answer["reasons"]) == (False, [])
    assert answer["rpm_processes"] <= 3
    assert answer["seconds"] < 10
    check_planted(found, binary)
    check_packages(found, image, binary)
    check_process(ansible, host, binary, found)
    if image != "rhel9":
        return
    cut, _found = ask(ansible, host, time_limit=0.02)
    assert cut["partial"] is True
    assert any("the time limit of 0.02 s was over" in reason for reason in cut["reasons"])
    check_add_on(ansible, host)
    check_report(ansible, host, tmp_path / "reports")


def check_planted(found: dict[Any, Any], binary: str) -> None:
    """Check what the test itself put there."""
    unit = found["unit", "shop.service"]
    assert (unit["interpreter"], unit["how"], unit["via"]) == ("/usr/bin/python3", "command", "/opt/app/serve")
    assert (unit["breaks"], unit["owner"]) == (ALL, None)
    job = found["cron", "shop"]
    assert (job["interpreter"], job["how"], job["detail"], job["breaks"]) == (binary, "names", "line 1", PINNED)
    assert (found["cron", "tidy"]["how"], found["cron", "tidy"]["breaks"]) == ("script", ALL)
    odd = found["command", ODD.rpartition("/")[2]]
    assert (odd["path"], odd["how"], odd["breaks"]) == (ODD, "env", ALL)
    assert found["command", "serve"]["detail"] == "#!/usr/bin/python3 -Es"


def check_packages(found: dict[Any, Any], image: str, binary: str) -> None:
    """Check what the operating system itself has."""
    pip = found["package", "python3-pip"]
    assert (pip["interpreter"], pip["breaks"]) == (None, PINNED)
    assert pip["detail"] == f"python(abi) = {binary.rpartition('python')[2]}"
    assert not [name for kind, name in found if kind == "package" and name.startswith("python3.1")]
    if image == "rhel9":
        dnf = found["command", "dnf-3"]
        assert (dnf["interpreter"], dnf["owner"], dnf["breaks"]) == (binary, "dnf", PINNED)
        assert dnf["detail"] == f"#!{binary}"
        assert (found["command", "dnf"]["via"], found["command", "dnf"]["how"]) == ("/usr/bin/dnf-3", "shebang")
        assert binary in found["package", "dnf"]["detail"]
    elif image == "sles15":
        assert found["package", "python3"]["breaks"] == ["gone"]
    else:
        pydoc = found["command", "pydoc3.6"]
        assert (pydoc["interpreter"], pydoc["breaks"]) == ("/usr/libexec/platform-python", PINNED)
        assert found["package", "python36"]["breaks"] == ["gone"]


def check_process(ansible: Ansible, host: Host, binary: str, found: dict[Any, Any]) -> None:
    """Check a running process before and after the file that it runs is replaced by the very same content."""
    (process,) = [one for (kind, _name), one in found.items() if kind == "process"]
    assert (process["path"], process["interpreter"], process["via"]) == (
        binary,
        "/usr/bin/python3",
        "/opt/app/wait.py",
    )
    assert process["needs_restart"] is False
    host.check(f"cp -p {binary} /usr/bin/.new && mv -f /usr/bin/.new {binary}")
    answer, found = ask(ansible, host, kinds=["process"])
    assert [one["needs_restart"] for one in found.values()] == [True]
    assert answer["needs_restart"] == [process["name"]]


def check_add_on(ansible: Ansible, host: Host) -> None:
    """Assert that the finding of an add-on names those who import it; then take it away again."""
    host.check(
        "mkdir /usr/lib/python3.9/site-packages/agent && echo 'import agent' | tee -a /opt/app/serve /opt/app/job.py"
    )
    result = ansible.module("python_facts", host)
    (finding,) = result["ansible_facts"]["system_python"]["findings"]
    assert finding["evidence"]["imported_by"] == ["unit shop.service", "cron /etc/cron.d/shop"], finding
    assert finding["summary"].endswith("; imported by unit shop.service, cron /etc/cron.d/shop")
    assert finding["evidence"]["since"] in finding["summary"]
    host.check("rmdir /usr/lib/python3.9/site-packages/agent")


def check_report(ansible: Ansible, host: Host, folder: Path) -> None:
    """Check that an audit prints it, and that the incident report has it, without a call more."""
    host.tamper("rhel9_alternatives")
    extra = {
        "python_report_folder": str(folder),
        "python_audit_dependents": True,
        "python_audit_fail_severity": "never",
    }
    done = ansible.playbook("fleet.system_python.audit", host, arguments=("-e", json.dumps(extra)))
    assert done.rc == 0, done.out + done.err
    assert "if /usr/bin/python3 leads to another Python: 1 systemd unit, 1 cron job" in done.out
    path = folder / "latest" / f"{host.name}.json"
    report = json.loads(path.read_text(encoding="utf-8"))
    assert report["dependents"]["happened"] == ["redirected"]
    assert "dependents" not in report["evidence"]
    assert report["dependents"]["breaks"]["redirected"]["unit"] == 1
    names = [one["name"] for one in report["dependents"]["dependents"]]
    assert "shop.service" in names
    text = path.with_suffix(".md").read_text(encoding="utf-8")
    assert "## Blast radius" in text
    assert "shop.service" in text
    assert "<b>|x" not in text.replace("\\|", "|").replace("`", "").replace("odd \\n$(id)<b>|x", "")
    written = text + path.with_suffix(".html").read_text(encoding="utf-8") + json.dumps(report) + done.out
    assert SECRET not in written


def test_a_service_that_runs_a_replaced_interpreter(fleet: Any, ansible: Ansible) -> None:
    host = fleet.up("rhel9booted")
    host.put("/opt/watch", b"#!/usr/bin/python3 -Es\nimport time\ntime.sleep(600)\n")
    host.put("/etc/systemd/system/watch.service", b"[Service]\nType=exec\nExecStart='/opt/watch' --now\n")
    host.check("chmod 755 /opt/watch && systemctl daemon-reload && systemctl start watch.service")
    answer, found = ask(ansible, host, kinds=["unit", "process"])
    pid = host.check("systemctl show -p MainPID --value watch.service").strip()
    process = found["process", pid]
    assert (process["unit"], process["via"], process["needs_restart"]) == ("watch.service", "/opt/watch", False)
    assert found["unit", "watch.service"]["via"] == "/opt/watch"
    assert (answer["partial"], answer["needs_restart"]) == (False, [])
    host.check("cp -p /usr/bin/python3.9 /usr/bin/.new && mv -f /usr/bin/.new /usr/bin/python3.9")
    answer, _found = ask(ansible, host, kinds=["process"])
    assert answer["needs_restart"] == ["watch.service"]
    host.check("systemctl restart watch.service")
    answer, found = ask(ansible, host, kinds=["process"])
    assert answer["needs_restart"] == []
    assert [one["unit"] for one in found.values()] == ["watch.service"]
