# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The built and installed collection, in an empty folder: both incidents are found, repaired and found repaired.

On the oldest ansible-core, which runs modules under the Python 3.6 of SLES 15. NEWEST_CORE_BIN may name the folder of
another core's ansible-playbook, with community.docker beside it, to try that one as well.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from checkkit import ROOT, Done, Host

sys.path.insert(0, str(ROOT / "tests/tools"))

from environment import OLDEST_CORE, copy_collection, ensure_venv

INCIDENTS = {"rhel9": "rhel9_overwritten", "sles15": "sles15_overwritten"}


class Installed:
    """The collection as a user of one ansible-core has it: from the artifact, no checkout at hand."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.programs = programs
        self.folder = folder
        self.environment = {
            "PATH": f"{programs}:/usr/bin:/bin:/usr/sbin:/sbin",
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": str(folder / "collections"),
        }

    def run(self, program: str, *arguments: str) -> Done:
        """Run a program of Ansible in the empty folder."""
        done = subprocess.run(
            [self.programs / program, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def install(self, tree: Path) -> None:
        """Build the collection in TREE and install the artifact."""
        for arguments in (("build", "--output-path", str(self.folder), str(tree)), ("install", "--no-deps")):
            artifact = [str(path) for path in self.folder.glob("*.tar.gz")]
            done = self.run("ansible-galaxy", "collection", *arguments, *artifact)
            assert done.rc == 0, done.out + done.err

    def playbook(self, name: str, hosts: dict[str, Host]) -> Done:
        """Run a playbook of the installed collection on the hosts."""
        inventory = self.folder / "inventory.json"
        names: dict[str, Any] = {host.name: {} for host in hosts.values()}
        inventory.write_text(
            json.dumps({"all": {"vars": {"ansible_connection": "community.docker.docker"}, "hosts": names}})
        )
        batches = json.dumps({"system_python_batches": ["100%"]})
        return self.run("ansible-playbook", "-i", str(inventory), f"fleet.system_python.{name}", "-e", batches)


def _cores() -> list[Any]:
    newest = os.environ.get("NEWEST_CORE_BIN")
    return [pytest.param(None, id=OLDEST_CORE), *([pytest.param(Path(newest), id="newest")] if newest else [])]


def _states(done: Done, rc: int = 0) -> dict[str, str]:
    """The table at the end of a run: each host's state."""
    assert done.rc == rc, done.out + done.err
    return dict(re.findall(r'"(fsp-[\w-]+) +(\w+(?: \w+)*)(?:  |")', done.out))


@pytest.mark.parametrize("programs", _cores())
def test_the_incidents_with_the_installed_collection(fleet: Any, tmp_path: Path, programs: Path | None) -> None:
    installed = Installed(programs or ensure_venv(OLDEST_CORE) / "bin", tmp_path)
    installed.install(copy_collection(tmp_path / "tree"))
    hosts = {image: fleet.up(image) for image in INCIDENTS}
    for image, incident in INCIDENTS.items():
        hosts[image].tamper(incident)
    assert _states(installed.playbook("audit", hosts), rc=2) == {hosts[image].name: "critical" for image in hosts}
    # SELinux's mode is changed on request only.
    repaired = {hosts["rhel9"].name: "findings left", hosts["sles15"].name: "repaired"}
    assert _states(installed.playbook("remediate", hosts)) == repaired
    # A host that is found healthy prints nothing else of the interpreter.
    installed.environment["ANSIBLE_VERBOSITY"] = "1"
    again = installed.playbook("remediate", hosts)
    assert _states(again) == {hosts["rhel9"].name: "findings left", hosts["sles15"].name: "healthy"}
    assert not re.search(r"changed=[1-9]", again.out), again.out
    if programs is None:
        assert "/usr/bin/python3.6" in again.out
    for host in hosts.values():
        host.check("python3 --version")
        fleet.drop(host)
