# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An event that names more than a host, and a host of a group that would decide for all of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import (
    HostAnswerError,
    PinConflictError,
    SystemPythonError,
)
from ansible_collections.fleet.system_python.plugins.plugin_utils._pin.inventory import content_of, require_agreement

ROOT = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).with_name("ansible-playbook")
NO_HOSTS = ("all", "ungrouped", "localhost", "127.0.0.1", "127.1", "a" * 300)
OWN = "/usr/bin/python3.9"


def test_the_rulebook_starts_nothing_for_what_is_no_host() -> None:
    (rulebook,) = yaml.safe_load((ROOT / "extensions/eda/rulebooks/guard.yml").read_text())
    for rule in rulebook["rules"]:
        (pattern,) = re.findall(r'event\.payload\.host is match\("([^"]+)"\)', rule["condition"])
        assert re.match(pattern, "web1.example.com")
        assert not any(re.match(pattern, name) for name in NO_HOSTS)
        for action in rule["actions"]:
            given = action["run_playbook"]["extra_vars"]
            assert given["system_python_event_host"] == "{{ event.payload.host }}"


@pytest.mark.skipif(not PROGRAM.exists(), reason=f"there is no {PROGRAM}")
def test_a_playbook_takes_an_event_for_one_host_alone(tmp_path: Path) -> None:
    place = tmp_path / "collections/ansible_collections/fleet"
    place.mkdir(parents=True)
    (place / "system_python").symlink_to(ROOT)
    (tmp_path / "hosts").write_text("[web]\nweb1\nweb2\nlocalhost\n[web:vars]\nansible_connection=local\n")

    def run(name: str) -> str:
        given = yaml.safe_dump({"system_python_event_host": name, "system_python_hosts": name}, default_flow_style=True)
        environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "collections"), "ANSIBLE_NOCOLOR": "1"}
        done = subprocess.run(
            [str(PROGRAM), "-i", "hosts", str(ROOT / "playbooks/plays/request.yml"), "-e", given],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return f"{done.returncode} {done.stdout}{done.stderr}"

    assert run("web1").startswith("0 ")
    for name in ("web", "all", "localhost", "web1:web2", "w*"):
        said = run(name)
        assert said.startswith("2 "), said
        assert "not the name of one host" in said


@pytest.mark.parametrize(
    "interpreter",
    [
        "/{{ lookup('pipe', 'id') }}",
        "/usr/bin/python3\nansible_connection: local",
        "/usr/../tmp/python3",
        "/usr/bin/python3 -c x",
        "/usr/bin/\u202epython3",
        "//x",
        "/",
    ],
)
def test_an_interpreter_in_the_inventory_is_a_path_and_no_template(interpreter: str) -> None:
    with pytest.raises(SystemPythonError):
        content_of(interpreter)


def test_one_host_does_not_say_what_a_group_has() -> None:
    require_agreement("web", OWN, [OWN, OWN, "/usr/bin/python3.11"])
    require_agreement("web", OWN, [])
    for said, others in ((OWN, ["/usr/bin/python3.11"]), ("/usr/bin/python3.11", [OWN, OWN])):
        with pytest.raises(PinConflictError, match="do not agree"):
            require_agreement("web", said, others)
    for evil in ("/var/tmp/python3", "/srv/u/bin/python3", "/usr/bin/perl", "/opt/python/../../tmp/bin/python3"):  # noqa: S108
        with pytest.raises(HostAnswerError):
            require_agreement("web", evil, [])
