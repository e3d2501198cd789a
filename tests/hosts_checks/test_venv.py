# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""python_venv on real hosts, with rpm and without: each thing that can go wrong, and that nothing is lost by it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from checkkit import ROOT, keep

sys.path.insert(0, str(ROOT / "tests/tools"))

from environment import TOOLS

if TYPE_CHECKING:
    from checkkit import Ansible, Fleet, Host

IMAGES = ("rhel9", "debian")
# The interpreter that the venvs of these tests are made on: packaged, and on rhel9 not the system's.
MINOR = "3.11"

Result = dict[str, Any]


def venvs(ansible: Ansible, host: Host, *calls: dict[str, Any]) -> list[Result]:
    """Run the module once for each of C(calls) and return its results, failures too."""
    target = ansible.folder / "results.json"
    target.unlink(missing_ok=True)
    tasks: list[dict[str, Any]] = []
    for number, options in enumerate(calls):
        task = {"path": "/srv/app", "interpreter": MINOR, "wheelhouse": "/srv/wheels", **options}
        given = {name: value for name, value in task.items() if value is not None}
        name = f"result{number}"
        tasks.append({"fleet.system_python.python_venv": given, "register": name, "ignore_errors": True})
    names = ", ".join(f"result{number}" for number in range(len(calls)))
    tasks.append(keep(f"{{{{ [{names}] | to_json }}}}", target))
    variables = {"ansible_python_interpreter": "/usr/bin/python3"}
    done = ansible.playbook([{"hosts": "all", "gather_facts": False, "vars": variables, "tasks": tasks}], host)
    assert target.exists(), done.out + done.err
    loaded: list[Result] = json.loads(target.read_text())
    return loaded


def venv(ansible: Ansible, host: Host, **options: Any) -> Result:
    """Run the module alone and return its result, a failure too."""
    return venvs(ansible, host, options)[0]


@pytest.fixture(scope="module", params=IMAGES)
def shop(request: pytest.FixtureRequest, fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Host:
    """A host with a user, a wheelhouse, and no index that it could reach."""
    host = fleet.up(request.param)
    wheels = tmp_path_factory.mktemp("wheels") / "wheels"
    maker = ROOT / "tests/unit/plugins/module_utils/tiny_wheel.py"
    names = ["till==0.5", "shop==1.0:till", "shop==2.0:till"]
    subprocess.run([sys.executable, str(maker), str(wheels), *names], check=True)
    subprocess.run(["docker", "cp", "-q", str(wheels), f"{host.name}:/srv/wheels"], check=True, capture_output=True)
    host.check("useradd -m shop; echo 'nameserver 127.0.0.1' >/etc/resolv.conf")
    return host


def test_made_as_its_user_and_only_once(ansible: Ansible, shop: Host) -> None:
    made = venv(ansible, shop, user="shop", requirements=["shop==1.0"])
    assert made["action"] == "create", made
    assert shop.check("runuser -u shop -- /srv/app/bin/shop").startswith("shop 1.0 on 3.11")
    assert shop.check("find /srv/app ! -user shop") == ""
    assert made["trusted_by"] == ("rpm" if shop.image == "rhel9" else "nothing")
    assert venv(ansible, shop, user="shop", requirements=["shop==1.0"])["changed"] is False


def test_uv_itself_offline_with_hashes(ansible: Ansible, shop: Host) -> None:
    """The uv that the test tools bring from PyPI makes, fills, replaces and relinks a venv; the census knows it."""
    shop.check("mkdir -p /opt/uv && useradd -r -d /nonexistent service")
    subprocess.run(["docker", "cp", "-q", str(TOOLS / "bin/uv"), f"{shop.name}:/opt/uv/uv"], check=True)
    listed = [line.split() for line in shop.check("cat /srv/wheels/SHA256").splitlines()]
    sums = {name: digest for digest, name in listed}
    hashed = {
        name: f"{name}=={version} --hash=sha256:{sums[f'{name}-{version}-py3-none-any.whl']}"
        for name, version in (("till", "0.5"), ("shop", "2.0"))
    }
    asked = {"path": "/srv/fast", "tool": "uv", "user": "service"}
    strict = {**asked, "require_hashes": True, "requirements": list(hashed.values())}
    wrong = {**strict, "requirements": [hashed["till"], "shop==2.0 --hash=sha256:" + "0" * 64]}
    refused, made, again, other = venvs(ansible, shop, wrong, strict, strict, {**asked, "requirements": ["shop==1.0"]})
    assert refused["kind"] == "venv_build", refused
    assert "hash" in refused["msg"].lower()
    assert (made.get("action"), again["changed"], other.get("action")) == ("create", False, "rebuild"), (made, again)
    assert shop.check("runuser -u service -- /srv/fast/bin/shop").startswith("shop 1.0 on 3.11")
    assert shop.check("find /srv/fast ! -user service; find /srv -name '.new-*'") == ""
    assert shop.run("grep -rlI '/srv/.new-' /srv/fast").out == ""
    assert shop.run("ls /srv/fast/bin/pip").rc != 0
    info = ansible.folder / "info.json"
    census = ansible.playbook(
        [
            {
                "hosts": "all",
                "gather_facts": False,
                "tasks": [
                    {"fleet.system_python.python_venv_info": {"roots": ["/srv"]}, "register": "info"},
                    keep("{{ info | to_json }}", info),
                ],
            }
        ],
        shop,
    )
    assert info.exists(), census.out + census.err
    (found,) = [one for one in json.loads(info.read_text())["venvs"] if one["path"] == "/srv/fast"]
    assert (found["tool"], found["state"], found["interpreter"]) == ("uv", "alive", "/usr/bin/python3.11")
    assert {one["name"]: one["version"] for one in found["packages"]} == {"shop": "1.0", "till": "0.5"}
    # Its links broken as by an upgrade: relinked without uv, packages untouched.
    shop.check("ln -sfn /usr/bin/python3.11-gone /srv/fast/bin/python")
    repaired, still = venvs(ansible, shop, {**asked, "state": "repaired"}, {**asked, "state": "repaired"})
    assert (repaired.get("action"), still["changed"]) == ("relink", False), repaired
    assert shop.check("runuser -u service -- /srv/fast/bin/shop").startswith("shop 1.0 on 3.11")
    shop.check("rm -rf /srv/fast /srv/.old-* /opt/uv")


ERRORS: list[tuple[dict[str, Any], str]] = [
    ({"wheelhouse": None, "requirements": ["shop"]}, "venv_build"),
    ({"wheelhouse": "/srv/none", "requirements": ["shop"]}, "invalid_data"),
    ({"require_hashes": True, "requirements": ["shop==1.0 --hash=sha256:" + "0" * 64]}, "venv_build"),
    ({"user": "nobody-here"}, "user_unknown"),
    ({"interpreter": "3.99"}, "interpreter_not_found"),
    ({"interpreter": "/usr/local/bin/mine"}, "interpreter_not_found"),
    ({"tool": "uv"}, "tool_missing"),
    ({"path": "/etc"}, "invalid_data"),
    ({"path": "/usr/lib"}, "not_a_venv"),
    ({"path": "/srv/wheels", "state": "absent"}, "not_a_venv"),
]


def test_errors_change_nothing(ansible: Ansible, shop: Host) -> None:
    shop.check("cp /usr/bin/python3.11 /usr/local/bin/mine; touch /root/before")
    listing = "find /srv /usr/lib /etc -xdev -newer /root/before ! -name '*.pyc' ! -type d; ls -A /srv"
    before = shop.check(listing)
    results = venvs(ansible, shop, *({"path": "/srv/new", **options} for options, _kind in ERRORS))
    assert [result.get("kind") for result in results] == [kind for _options, kind in ERRORS], results
    assert all(result["failed"] for result in results)
    assert shop.check(listing) == before


def test_root_does_not_build_on_what_was_altered(ansible: Ansible, shop: Host) -> None:
    """One byte more, of which the package database still says who owns it."""
    owner = "python3.11" if shop.image == "rhel9" else "python3.11-minimal"
    library = shop.check("ls -d /usr/lib*/python3.11/os.py").split()[0]
    for path in ("/usr/bin/python3.11", library):
        shop.check(f"cp -p {path} /root/kept && printf x >>{path}")
        try:
            refused, allowed = venvs(
                ansible,
                shop,
                {"path": "/srv/altered", "interpreter": "/usr/bin/python3.11"},
                {"path": "/srv/altered", "interpreter": "/usr/bin/python3.11", "user": "shop", "state": "absent"},
            )
        finally:
            shop.check(f"cp -p /root/kept {path}")
        assert refused.get("kind") == "interpreter_not_found", refused
        assert f"{owner}" in refused["msg"], refused
        assert "its content differs" in refused["msg"], refused
        assert not allowed.get("failed"), allowed
        assert shop.run("ls /srv/altered").rc != 0


def test_links_into_usr_are_never_written_through(ansible: Ansible, shop: Host) -> None:
    shop.check(
        "mkdir /srv/linked; cd /srv/linked; printf 'home = /nowhere\\nversion = 3.11.2\\n' >pyvenv.cfg;"
        "ln -s /usr/bin bin; ln -s /usr/lib lib; touch /root/before"
    )
    failed = venv(ansible, shop, path="/srv/linked", state="repaired")
    assert failed.get("kind") == "venv_unsafe", failed
    assert shop.check("find /usr /etc -xdev -newer /root/before ! -type d ! -name '*.pyc' ! -path '/etc/ld.so*'") == ""


def test_a_full_disk(ansible: Ansible, fleet: Fleet, shop: Host) -> None:
    host = fleet.start(shop.image, "--tmpfs", "/srv/small:size=8m,mode=755")
    failed = venv(ansible, host, path="/srv/small/app", requirements=[], wheelhouse=None)
    assert failed["kind"] == "disk_full", failed
    assert host.check("ls -A /srv/small") == ""
    fleet.drop(host)


@pytest.mark.parametrize("delay", ["0.5", "3"])
def test_a_killed_run_is_undone_by_the_next(ansible: Ansible, shop: Host, delay: str) -> None:
    old = shop.check("runuser -u shop -- /srv/app/bin/shop").split()[1]
    new = "2.0" if old == "1.0" else "1.0"
    # The process that works as the user cannot be told by its program, and has to end by itself.
    script = (
        f"for try in $(seq 200); do ls -d /srv/.new-* 2>/dev/null && break; sleep 0.1; done; sleep {delay};"
        "for exe in /proc/[0-9]*/exe; do case $(readlink $exe) in */python3*) pid=${exe#/proc/};"
        " kill -9 ${pid%/exe};; esac; done"
    )
    killer = subprocess.Popen(["docker", "exec", shop.name, "sh", "-c", script], stdout=subprocess.DEVNULL)
    venv(ansible, shop, user="shop", requirements=[f"shop=={new}"])
    killer.wait(timeout=60)
    # Whatever it was killed in, the application is whole.
    assert shop.check("runuser -u shop -- /srv/app/bin/shop").split()[1] in (old, new)
    time.sleep(1)
    done = venv(ansible, shop, user="shop", requirements=[f"shop=={new}"])
    assert not done.get("failed"), done
    assert shop.check("runuser -u shop -- /srv/app/bin/shop").split()[1] == new
    assert shop.check("ls -A /srv | grep -c '^\\.new-' || true").strip() == "0"
    assert venv(ansible, shop, user="shop", requirements=[f"shop=={new}"])["changed"] is False


def test_what_uses_it_keeps_it(ansible: Ansible, shop: Host) -> None:
    shop.check("printf '#!/srv/app/bin/python\\n' >/usr/local/bin/report; chmod 755 /usr/local/bin/report")
    absent = {"state": "absent"}
    allowed = {"state": "absent", "ignore_users": ["report"]}
    refused, gone, again = venvs(ansible, shop, absent, allowed, absent)
    assert refused["kind"] == "venv_used"
    assert refused["details"]["used_by"][0]["name"] == "report"
    assert gone["action"] == "remove", gone
    assert shop.run("[ -e /srv/app ]").rc == 1
    assert shop.run(f"[ -e '{gone['kept']}/pyvenv.cfg' ]").rc == 0
    assert again["changed"] is False


def test_what_was_repaired_is_restarted_although_another_fails(ansible: Ansible, shop: Host) -> None:
    shop.check("printf '#!/bin/sh\\necho \"$@\" >>/srv/restarts\\n' >/usr/local/bin/systemctl")
    shop.check("chmod 755 /usr/local/bin/systemctl; mkdir -p /srv/two")
    made = venvs(ansible, shop, *({"path": f"/srv/two/{one}", "requirements": ["till"]} for one in ("a", "b")))
    assert [one.get("action") for one in made] == ["create", "create"], made
    shop.check("for one in a b; do ln -sfn /usr/bin/python3.99 /srv/two/$one/bin/python; done")
    shop.check("echo 'import no_such' >>/srv/two/a/lib/python3.11/site-packages/till/__init__.py")
    role = {"name": "fleet.system_python.python_venv", "tasks_from": "repair"}
    chosen = {"python_venv_roots": ["/srv/two"], "python_venv_restart": ["shop.service"]}
    try:
        tasks = [{"ansible.builtin.include_role": role, "vars": chosen}]
        done = ansible.playbook([{"hosts": "all", "gather_facts": False, "tasks": tasks}], shop)
        assert done.rc != 0
        assert "no_such" in done.out + done.err
        assert shop.check("/srv/two/b/bin/python -V; cat /srv/restarts").split()[-3:] == [
            "restart",
            "--",
            "shop.service",
        ]
    finally:
        shop.check("rm -rf /srv/two /srv/restarts /usr/local/bin/systemctl")


def test_what_was_moved_runs_again_and_a_copy_without_its_python_is_dead(ansible: Ansible, fleet: Fleet) -> None:
    host = fleet.start("rhel9")
    site = f"lib/python{MINOR}/site-packages"
    host.check(
        f"mkdir -p /srv/app-1.0; cd /srv/app-1.0; /usr/bin/python{MINOR} -m venv --without-pip venv;"
        f"mkdir -p venv/{site}/app-1.0.dist-info venv/{site}/app; echo data >venv/data; : >venv/{site}/app/__init__.py;"
        f"printf 'Name: app\\nVersion: 1.0\\n' >venv/{site}/app-1.0.dist-info/METADATA;"
        f"printf 'app/__init__.py,,\\n../../../bin/app,,\\n' >venv/{site}/app-1.0.dist-info/RECORD;"
        "printf '#!/srv/app-1.0/venv/bin/python3\\nprint(\"app\")\\n' >venv/bin/app; chmod 755 venv/bin/app;"
        f"mv /srv/app-1.0 /srv/app-2.0; /usr/bin/python{MINOR} -m venv --copies --without-pip /srv/copied"
    )
    asked: dict[str, Any] = {"state": "repaired", "interpreter": None, "wheelhouse": None}
    moved = {"path": "/srv/app-2.0/venv", **asked}
    first, second = venvs(ansible, host, moved, moved)
    assert (first.get("action"), second["changed"]) == ("rewrite", False), first
    assert host.check("/srv/app-2.0/venv/bin/app; cat /srv/app-2.0/venv/data").split() == ["app", "data"]
    copied = {"path": "/srv/copied", **asked}
    alive = venv(ansible, host, **copied)
    assert alive["action"] == "none", alive
    host.check("rpm -e --nodeps python3.11 python3.11-libs; rm -rf /usr/lib64/python3.11 /usr/lib64/libpython3.11*")
    dead = venv(ansible, host, **copied)
    assert (dead.get("failed"), dead.get("kind")) == (True, "interpreter_not_found"), dead
    fleet.drop(host)
