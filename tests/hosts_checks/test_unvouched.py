# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Code that nobody vouches for, where Python would import it: an audit by Ansible finds it, and never runs it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from checkkit import Ansible, Fleet, Host, keep

# Tells on whoever runs it as root.
SPY = "open('/root/unvouched-ran', 'a').write(__file__ + ' ')"
RAN = "cat /root/unvouched-ran"
SITES = tuple(f"{folder}/python3.{{0}}/site-packages" for folder in ("/usr/local/lib", "/root/.local/lib", "/usr/lib"))

# What is done, what must be found, whether the system's own interpreter is still trusted, and how it is undone.
PLANTED = {
    "beside dnf": (f'echo "{SPY}" >/usr/bin/copy.py', ["SP209"], True, "rm -rf /usr/bin/copy.py /usr/bin/__pycache__"),
    "extension": (
        "cp /usr/lib64/python3.9/lib-dynload/_json*.so /usr/lib64/python3.9/codecs.cpython-39-x86_64-linux-gnu.so",
        ["SP209", "SP211"],
        False,
        "rm /usr/lib64/python3.9/codecs.cpython*",
    ),
    "archive": (
        (
            f'mkdir /srv/z && echo "{SPY}" >/srv/z/json.py && cd /srv/z && '
            'python3.11 -I -c \'import shutil; shutil.make_archive("/usr/lib64/python39", "zip", "/srv/z")\''
        ),
        ["SP209", "SP211"],
        False,
        "rm -r /usr/lib64/python39.zip /srv/z",
    ),
    "folder led away": (
        (
            "cd /usr/lib64/python3.9 && mkdir /srv/open && mv json /srv/open && chown nobody /srv/open && "
            "ln -s /srv/open/json json"
        ),
        ["SP214", "SP211", "SP215"],
        False,
        "cd /usr/lib64/python3.9 && rm json && mv /srv/open/json . && rm -r /srv/open",
    ),
    "thirty thousand": (
        (
            "mkdir /usr/lib64/python3.9/many && cd /usr/lib64/python3.9/many && "
            "seq -f some_rather_long_name_of_a_module_%g.py 30000 | split -l 1000 --filter='touch $(cat)'"
        ),
        ["SP209", "SP211"],
        False,
        "rm -r /usr/lib64/python3.9/many",
    ),
    "plugin of dnf": (
        (
            f'mkdir /opt/p && echo "{SPY}" >/opt/p/x.py && cp -p /etc/dnf/dnf.conf /srv/dnf.conf && '
            "printf 'pluginpath = /usr/lib/python3.9/site-packages/dnf-plugins\\n /opt/p\\n' >>/etc/dnf/dnf.conf"
        ),
        ["SP211"],
        True,
        "rm -r /opt/p; mv /srv/dnf.conf /etc/dnf/",
    ),
    "second name": (
        "cd /usr/lib64/python3.9 && echo x >aaa.txt && ln aaa.txt codecs.so",
        ["SP209", "SP211"],
        False,
        "cd /usr/lib64/python3.9 && rm aaa.txt codecs.so",
    ),
    "other library": (
        "mkdir -p /usr/bin/lib64 && cp -a /usr/lib64/python3.9 /usr/bin/lib64/",
        ["SP209", "SP211"],
        False,
        "rm -r /usr/bin/lib64",
    ),
}


class Audit(Ansible):
    """An audit by one task, without first aid before it, by an ansible-core line."""

    core = "2.19"
    pipelining = False

    def of(self, host: Host) -> dict[str, Any]:
        """Return the result of python_facts, after asserting that nothing unvouched ran."""
        answer = self.folder / "facts.json"
        task = {"fleet.system_python.python_facts": {}, "register": "result", "ignore_errors": True}
        tasks = [task, keep("{{ result | to_json }}", answer)]
        done = self.playbook([{"hosts": "all", "gather_facts": False, "tasks": tasks}], host)
        assert answer.exists(), done.out + done.err
        result: dict[str, Any] = json.loads(answer.read_text())
        assert not result.get("failed"), result
        assert host.run(RAN).rc != 0, host.run(RAN).out
        return result


@pytest.fixture
def audit(tmp_path: Any) -> Audit:
    return Audit(tmp_path)


def ids(result: dict[str, Any]) -> list[str]:
    return [finding["id"] for finding in result["ansible_facts"]["system_python"]["findings"]]


@pytest.fixture(scope="module")
def host(fleet: Fleet) -> Host:
    return fleet.up("rhel9")


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_is_found_and_not_run(audit: Audit, host: Host, name: str) -> None:
    plant, expected, trusted, undo = PLANTED[name]
    host.check(plant)
    host.run("rm -f /root/unvouched-ran")
    try:
        result = audit.of(host)
        assert sorted(set(ids(result))) == sorted(expected), result
        assert (result["interpreter"] == "/usr/bin/python3.9") == trusted, result
    finally:
        host.check(undo)


@pytest.mark.parametrize(("core", "pipelining"), [("2.19", False), ("2.19", True), ("2.16", True)])
def test_what_ansible_imports_where_it_is_there_is_not_run(
    audit: Audit, fresh: Callable[[str], Host], core: str, pipelining: bool
) -> None:
    audit.core, audit.pipelining = core, pipelining
    host = fresh("rhel9")
    for minor in (9, 11):
        for folder in [site.format(minor) for site in SITES]:
            host.check(
                f'mkdir -p {folder}/systemd && echo "{SPY}" | tee {folder}/systemd/__init__.py {folder}/distro.py'
            )
            host.check(f'echo "import os; {SPY.replace("__file__", repr("pth"))}" >{folder}/evil.pth')
    # With pipelining, the module is read from the standard input in root's home.
    host.check(f'for name in copy json random; do echo "{SPY}" >/root/$name.py; done')
    result = audit.of(host)
    assert {"SP209", "SP213"} <= set(ids(result))
    # What a play runs by itself would import it.
    assert result["interpreter"] == "/run/fleet.system_python/python3.9"


def test_a_healthy_host_is_healthy_and_its_play_runs_the_packaged_modules(audit: Audit, host: Host) -> None:
    result = audit.of(host)
    assert (ids(result), result["interpreter"], result["hazards"]) == ([], "/usr/bin/python3.9", [])
    launcher = host.check("cat /run/fleet.system_python/python3.9-isolated")
    assert "/usr/bin/python3.9 -I -S" in launcher
