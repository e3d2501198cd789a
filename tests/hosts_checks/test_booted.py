# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What only a booted host can show: systemd's services on a repaired venv, and evidence from a real journal."""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from checkkit import ROOT

from ansible_collections.fleet.system_python.plugins.module_utils._audit.readers.plain import read_pam_environment
from ansible_collections.fleet.system_python.plugins.module_utils._audit.readers.setting import in_force
from ansible_collections.fleet.system_python.plugins.module_utils._audit.readers.systemd import (
    read_default_environment,
)

if TYPE_CHECKING:
    from pathlib import Path

    from checkkit import Ansible, Fleet, Host

    from ansible_collections.fleet.system_python.plugins.module_utils._audit.readers.setting import Reading

RUNTIMES = ROOT / "tests/hosts/runtimes"
NO_SOURCES = 3
SECRET = "planted-hunter2"
UNIT = """[Unit]
StartLimitIntervalSec=0
[Service]
User=shop
ExecStart=/srv/shop/app/bin/python -u -c "import os, shop, sys, time; shop.main(); \\
    print(os.path.realpath(sys.executable)); time.sleep(9999)"
Restart=on-failure
RestartSec=2
[Install]
WantedBy=multi-user.target
"""
# As root, like what happened: joe did it with sudo.
TAMPERING = f"""
useradd -m joe
echo 'joe ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/joe
su joe -c 'sudo /usr/bin/cp -f /bin/true /usr/bin/python3.9'
su joe -c 'sudo /usr/bin/python3.11 /dev/null {SECRET}-position'
su joe -c 'sudo /usr/bin/python3.11 /dev/null --password {SECRET}-option'
su joe -c 'sudo /usr/bin/ls /tmp {SECRET}-other'
su joe -c 'sudo /usr/bin/python3.11 /dev/null $(printf "python-{SECRET} %.0s" $(seq 150))'
logger -t sudo "joe : USER=root ; COMMAND=/usr/bin/make install TOKEN={SECRET}-logged"
"""


@pytest.fixture(scope="module")
def host(fleet: Fleet) -> Host:
    """One booted host for the whole file; without cgroup2 on this machine there is none."""
    return fleet.up("rhel9booted", "booted")


def logged_in(name: str, moment: float) -> bytes:
    """One record of wtmp(5) as a login on x86_64 writes it: type, process, line, id, user, host, ..., time."""
    return struct.pack(
        "<hxxi32s4s32s256shhiii16s20x",
        *(7, 4711, b"pts/0", b"ts/0", name.encode(), b"desk.example", 0, 0, 0, int(moment), 0, bytes(16)),
    )


def run(ansible: Ansible, host: Host, playbook: str, **variables: Any) -> str:
    """Run a playbook of the collection and return what it printed."""
    done = ansible.playbook(f"fleet.system_python.{playbook}", host, arguments=("-e", json.dumps(variables)))
    assert done.rc == 0, done.out + done.err
    return done.out


def running(host: Host) -> tuple[str, str]:
    """Return the process of the service once it runs and has used the venv, and which interpreter it says it is."""
    told = host.check(
        "for try in $(seq 75); do run=$(systemctl show -P InvocationID shop);"
        " systemctl is-active -q shop && said=$(journalctl -q _SYSTEMD_INVOCATION_ID=$run _COMM=python -o cat) &&"
        ' case $said in "shop 1.0 on"*/python*) systemctl show -P MainPID shop; echo "$said"; exit 0;; esac;'
        " sleep 0.2; done; systemctl status shop; exit 1"
    ).splitlines()
    return told[0], told[-1]


def test_the_journal_is_evidence(host: Host, ansible: Ansible, tmp_path: Path) -> None:
    last = shutil.which("last")
    if last:
        # Debian's newest release has another last; RHEL and SLES have the one of util-linux.
        subprocess.run(["docker", "cp", "-q", "-L", last, f"{host.name}:/usr/bin/last"], check=True)
    host.put("/var/log/wtmp", logged_in("joe", time.time() - 60) + logged_in("ann", time.time() - 20 * 86400))
    host.check(TAMPERING)
    assert SECRET in host.check("journalctl -q -t sudo")

    folder = tmp_path / "reports"
    out = run(
        ansible,
        host,
        "remediate",
        python_report_folder=str(folder),
        python_report_validate_reboot=True,
        python_report_restart_command="docker restart -t 5 {{ inventory_hostname }}",
    )
    path = folder / "latest" / f"{host.name}.json"
    report = json.loads(path.read_text(encoding="utf-8"))
    evidence = report["evidence"]
    said = [one["text"] for one in evidence["log"] if one["source"] == "journalctl"]
    (done,) = [text for text in said if "COMMAND=/usr/bin/cp -f" in text]
    assert done.endswith("/usr/bin/python3.9")
    assert "joe : " in done
    assert any(text.endswith("COMMAND=/usr/bin/python3.11 /dev/null [argument]") for text in said), said
    assert any("(command continued) [...]" in text for text in said), said
    sources = {one["source"]: one["status"] for one in evidence["sources"]}
    assert (sources["journalctl"], sources["journalctl -k"]) == ("complete", "complete")
    if last:
        assert [one["text"].split()[0] for one in evidence["logins"]] == ["joe"]
    written = out + "".join(one.read_text(encoding="utf-8") for one in folder.rglob("*") if one.is_file())
    assert SECRET not in written
    for suffix in ("md", "html"):
        assert "/usr/bin/cp -f" in path.with_suffix(f".{suffix}").read_text(encoding="utf-8")
    assert report["validation"]["across"] == "restart"
    assert all(check["ok"] for check in report["validation"]["checks"])
    # The restart was a boot: systemd came up again, and its journal goes on.
    assert host.check("systemctl is-system-running").strip() == "running"
    assert int(host.check("journalctl -q -t systemd | grep -c 'Reached target.*Multi-User'")) > 1


@pytest.mark.parametrize("way", ["relink", "rebuild"])
def test_a_service_runs_again_after_the_upgrade_of_the_os(
    host: Host, ansible: Ansible, way: str, tmp_path: Path
) -> None:
    if way == "relink":
        maker = ROOT / "tests/unit/plugins/module_utils/tiny_wheel.py"
        subprocess.run(
            [sys.executable, str(maker), str(tmp_path / "wheels"), "till==0.5", "shop==1.0:till"], check=True
        )
        subprocess.run(["docker", "cp", "-q", str(tmp_path / "wheels"), f"{host.name}:/srv/wheels"], check=True)
        host.check("useradd -m shop && install -d -o shop /srv/shop")
        host.put("/etc/systemd/system/shop.service", UNIT.encode())
        # A runtime of the same minor version, copied from the system's own before it is upgraded.
        host.check(
            "umask 022; new=/opt/python/3.9.2; mkdir -p $new/bin $new/lib64 && cp -L /usr/bin/python3.9 $new/bin/ &&"
            " cp -a /usr/lib64/python3.9 $new/lib64/ && ln -s 3.9.2 /opt/python/3.9"
        )
        host.check(
            "runuser -u shop -- /usr/bin/python3.9 -m venv /srv/shop/app &&"
            " runuser -u shop -- /srv/shop/app/bin/python -m pip install -q --no-index --find-links /srv/wheels shop &&"
            " systemctl daemon-reload && systemctl enable -q --now shop"
        )
        running(host)
        host.check("rpm -e --nodeps python3 && ln -s python3.11 /usr/bin/python3")
    else:
        # The next upgrade takes the runtime, too.
        host.check("rm -r /opt/python")
    # The upgrade ends with a boot.
    host.restart()
    host.check(
        "for try in $(seq 50); do [ $(systemctl show -P SubState shop) = auto-restart ] && exit 0; sleep 0.2; done;"
        " systemctl status shop; exit 1"
    )
    variables = {"ansible_python_interpreter": "/usr/bin/python3.11"}
    options: dict[str, Any] = {"path": "/srv/shop/app", "state": "repaired"}
    if way == "rebuild":
        options.update(interpreter="3.11", wheelhouse="/srv/wheels")
    play = {
        "hosts": "all",
        "gather_facts": False,
        "vars": variables,
        "tasks": [{"fleet.system_python.python_venv": options}],
    }
    done = ansible.playbook([play], host)
    assert (done.rc, "changed=1" in done.out) == (0, True), done.out + done.err
    # systemd itself starts it again: nobody has to.
    process, interpreter = running(host)
    assert interpreter == ("/opt/python/3.9.2/bin/python3.9" if way == "relink" else "/usr/bin/python3.11")
    again = ansible.playbook([play], host)
    assert "changed=0" in again.out, again.out
    assert running(host)[0] == process


def test_provision_moves_the_service_to_a_runtime(host: Host, ansible: Ansible) -> None:
    """After the upgrades: one playbook installs a runtime, makes the venv anew on it, and restarts what uses it."""
    built = subprocess.run([RUNTIMES], capture_output=True, text=True, check=False)
    if built.returncode == NO_SOURCES:
        pytest.skip(built.stderr)
    assert built.returncode == 0, built.stdout + built.stderr
    archive = json.loads(built.stdout)["3.13"]
    variables = {
        "python_runtime_runtimes": [
            {"version": archive["version"], "controller_file": archive["file"], "sha256": archive["sha256"]}
        ],
        "python_venv_venvs": [
            {
                "path": "/srv/shop/app",
                "interpreter": "3.13",
                "user": "shop",
                "requirements": ["shop==1.0"],
                "wheelhouse": "/srv/wheels",
            }
        ],
        "python_venv_restart": ["shop"],
    }
    before = running(host)[0]
    run(ansible, host, "provision", **variables)
    process, interpreter = running(host)
    assert process != before
    assert interpreter == f"/opt/python/{archive['version']}/bin/python3.13"
    assert "changed=0" in run(ansible, host, "provision", **variables)
    assert running(host)[0] == process


# What the programs make of these lines, the readers of the audit must say as well.
MANAGER = r"""[Manager]
DefaultEnvironment=BARE=/x "QUOTED=a b" MIDDLE=a'b c' ESCAPED=\x41\ts PERCENT=%%h EMPTY=
DefaultEnvironment=JOINED=a \
# a comment between
  AFTER=b
DefaultEnvironment=KEPT=1 "OPEN=2 LOST=3
[Other]
DefaultEnvironment=FOREIGN=1
"""
PAM = """export EXPORTED=/x# no
QUOTED="a b"
MIDDLE=a"b'
TAKEN=1
TAKEN
JOINED=a\\
b
NOT-A-NAME=1
"""


def shown(host: Host, command: str, text: str) -> dict[str, str]:
    """Return what a command that ends in C(env -0) shows of the variables that the text names."""
    told = dict(entry.partition("=")[::2] for entry in host.check(command).split("\0"))
    return {name: told[name] for name in set(re.findall(r"[A-Z][A-Z-]+", text)) & set(told) if told[name]}


def said(reading: Reading) -> dict[str, str | None]:
    """Return what is in force of what a reader says."""
    return {one.name: one.value for one in in_force(reading.settings)}


def test_systemd_and_pam_set_what_the_readers_say(host: Host) -> None:
    host.check("mkdir -p /etc/systemd/system.conf.d")
    host.put("/etc/systemd/system.conf.d/readers.conf", MANAGER.encode())
    host.check("systemctl daemon-reload && systemctl show-environment >/root/manager")
    assert shown(host, "env -i bash -c 'set -a; . /root/manager; env -0'", MANAGER) == said(
        read_default_environment(MANAGER)
    )
    host.check("cp /etc/environment /root/environment")
    host.put("/etc/environment", PAM.encode())
    assert shown(host, "su root -c 'env -0'", PAM) == said(read_pam_environment(PAM))
    host.check("mv /root/environment /etc/environment; rm /etc/systemd/system.conf.d/readers.conf /root/manager")
    host.check("systemctl daemon-reload")
