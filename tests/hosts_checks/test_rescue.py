# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that cannot be reached any more: their trees are repaired on this machine, and start again."""

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from checkkit import Ansible, Fleet, Host, keep
from hostkit import fleets
from hostkit.shell import ask

from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.rpm_packages import skip_unless

INCIDENT = {"rhel9": "rhel9_overwritten", "sles15": "sles15_overwritten"}
SCOPE = {"rhel9": "python3 python3-libs dnf python3-dnf", "sles15": "python3-base libpython3_6m1_0"}
INSTALL = {"rhel9": "dnf -y -q install hello-rpm", "sles15": "zypper -n -q install hello-rpm"}
# What would run if anything of the root did. The file it would leave is on the machine that runs it.
TRAPPED = ("usr/bin/sh", "usr/bin/bash", "usr/bin/rpm", "usr/bin/python3.11", "usr/sbin/ldconfig", "usr/bin/chkstat")


def export(host: Host, folder: Path) -> None:
    """Lay the stopped host's file system out, as if its disk were mounted."""
    folder.mkdir()
    subprocess.run(["docker", "stop", "-t", "1", host.name], check=True, capture_output=True)
    command = f"docker export {host.name} | tar -x -p --xattrs --numeric-owner -C {shlex.quote(str(folder))}"
    subprocess.run(["sh", "-c", command], check=True)


def start_again(fleet: Fleet, host: Host, folder: Path) -> Host:
    """Start a host from the tree."""
    made = fleets.Fleet(fleet.name).image(host.image, host.name.removeprefix(f"fsp-{fleet.name}-"))
    (config,) = json.loads(ask(["docker", "container", "inspect", "--format", "[{{json .Config}}]", host.name]))
    changes = [f"{key.upper()} {json.dumps(config[key])}" for key in ("Cmd", "Entrypoint") if config[key]]
    changes += [f"LABEL {key}={json.dumps(value)}" for key, value in config["Labels"].items()]
    changes += ["ENV {}={}".format(*one.split("=", 1)) for one in config["Env"]]
    options = " ".join(shlex.quote(f"--change={change}") for change in changes)
    command = f"tar -c --xattrs --numeric-owner -C {shlex.quote(str(folder))} . | docker import {options} - {made}"
    subprocess.run(["sh", "-c", command], check=True, capture_output=True)
    return fleet.up(f"{host.image}@{host.name.removeprefix(f'fsp-{fleet.name}-')}")


def trapped(folder: Path, trace: Path) -> dict[str, bytes]:
    """Put something in the place of interpreters, shells and tools that tells when it is run; return what was there."""
    were = {}
    for name in TRAPPED:
        path = folder / name
        if path.is_file() and not path.is_symlink():
            were[name] = path.read_bytes()
            path.write_text(f"#!/bin/sh\ntouch {trace}\n")
    return were


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Path]:
    """Give a folder for what is too large to be kept after the test."""
    folder = tmp_path / "tree"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("image", ["rhel9", "sles15"])
def test_a_host_that_cannot_be_reached_starts_again(
    fleet: Fleet, fresh: Callable[[str], Host], ansible: Ansible, tmp_path: Path, tree: Path, image: str
) -> None:
    skip_unless("rpm", "rpm2cpio", root=True)
    host, root, packages = fresh(image), tree / "root", tmp_path / "packages"
    host.tamper(INCIDENT[image])
    where = f"fsp-{fleet.name}-repo:/srv/www/{image}/os/Packages"
    subprocess.run(["docker", "cp", "-q", where, str(packages)], check=True, capture_output=True)
    export(host, root)
    trace, result = tmp_path / "something-ran", tmp_path / "result.json"
    were = trapped(root, trace)
    assert len(were) > 2
    options = {"root": str(root), "files": [str(packages)], **({"selinux": "enforcing"} if image == "rhel9" else {})}
    task = {"fleet.system_python.system_python": options, "register": "result"}
    play = [
        {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "tasks": [{**task, "ignore_errors": True}, keep("{{ result | to_json }}", result)],
        }
    ]
    done = ansible.playbook(play)
    answer = json.loads(result.read_text())
    assert (answer.get("healthy"), answer["changed"]) == (True, True), (answer, done.out, done.err)
    assert not trace.exists()
    for name, content in were.items():
        (root / name).write_bytes(content)
    again = start_again(fleet, host, root)
    assert again.run(f"rpm -V --nodeps --noscripts {SCOPE[image]}").out == ""
    again.check(f"{INSTALL[image]} && rpm -e hello-rpm")
    again.install()
    code, seen = again.drive("repair")
    assert (code, seen["changed"], seen["healthy"]) == (0, False, True), seen
    fleet.drop(again)


def test_a_disk_is_repaired_and_put_away(
    fleet: Fleet, fresh: Callable[[str], Host], ansible: Ansible, tmp_path: Path, tree: Path
) -> None:
    skip_unless("rpm", "rpm2cpio", "losetup", "mkfs.ext4", root=True)
    if subprocess.run(["losetup", "--find"], stdout=subprocess.DEVNULL, check=False).returncode:
        pytest.skip("this machine has no loop devices")
    host, disk, packages = fresh("rhel9"), tree / "disk.img", tmp_path / "packages"
    host.check("cp -f /usr/bin/python3.11 /usr/bin/python3.9; rm -rf /usr/lib64/python3.9/json /usr/bin/python3")
    where = f"fsp-{fleet.name}-repo:/srv/www/rhel9/os/Packages"
    subprocess.run(["docker", "cp", "-q", where, str(packages)], check=True, capture_output=True)
    export(host, tree / "root")
    subprocess.run(["mkfs.ext4", "-q", "-F", "-d", str(tree / "root"), str(disk), "2G"], check=True)
    options = {"rescue_machines": [[str(disk)], ["/dev/null"]], "python_rescue_files": [str(packages)]}
    inventory = tmp_path / "rescue.json"
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory.write_text(json.dumps({"all": {"hosts": {"rescue1": local}}}))
    arguments = ("-i", str(inventory), "-e", json.dumps(options), "--limit", "rescue1")
    for said in ("would be repaired", "repaired, and proven"):
        check = ("--check",) if said.startswith("would") else ()
        done = ansible.playbook("fleet.system_python.rescue", arguments=(*arguments, *check))
        assert (done.rc, said in done.out) == (2, True), (done.out, done.err)
        assert "/dev/null: /dev/null is no disk and no image." in done.out
        assert str(tree) not in subprocess.check_output(["losetup", "--list", "--output", "BACK-FILE"], text=True)
