# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""rpm_integrity on real test hosts: every source, every error, kills, with rpm 4.16 and dnf, rpm 4.20 and zypper."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest
from checkkit import keep

if TYPE_CHECKING:
    from checkkit import Ansible, Fleet, Host

IMAGES = ("rhel9", "sles15")
BINARY = {"rhel9": "/usr/bin/python3.9", "sles15": "/usr/bin/python3.6"}
SCOPE = {"rhel9": "python3 python3-libs dnf python3-dnf", "sles15": "python3-base libpython3_6m1_0"}
OWNER = {"rhel9": "python3", "sles15": "python3-base"}
LIBRARY = {"rhel9": "python3-libs", "sles15": "python3-base"}
# Packages of the hosts that are no part of the system Python: what dnf itself needs stays intact then.
APART = {"rhel9": "alternatives", "sles15": "update-alternatives"}
# They have it both, and nothing minds when it has another owner for a while.
FOLDER = "/var/lib/alternatives"
HISTORY = "dnf -q history list --reverse; cat /var/log/zypp/history"
STATE = "/var/lib/fleet.system_python"

Result = dict[str, Any]


def integrity(ansible: Ansible, host: Host, check: bool = False, python: str = "", **options: Any) -> Result:
    """Run the module alone, without first aid, and return its result."""
    target = ansible.folder / "result.json"
    target.unlink(missing_ok=True)
    tasks: list[Mapping[str, Any]] = [
        {
            "fleet.system_python.rpm_integrity": options or {"scope": "contract"},
            "register": "result",
            "ignore_errors": True,
            "diff": True,
        },
        keep("{{ result | to_json }}", target),
    ]
    variables = {"ansible_python_interpreter": python or "/usr/bin/python3.11"}
    play = {"hosts": "all", "gather_facts": False, "vars": variables, "tasks": tasks}
    done = ansible.playbook([play], host, arguments=("--check",) if check else ())
    assert target.exists(), done.out + done.err
    loaded: Result = json.loads(target.read_text())
    return loaded


def decoder(host: Host) -> str:
    """A file of the standard library."""
    return host.check(f"rpm -ql {LIBRARY[host.image]} | grep '/json/decoder.py$'").strip()


def break_packages(host: Host) -> None:
    """Overwrite, delete, relink, change the mode, put a directory in the way."""
    binary = BINARY[host.image]
    path = decoder(host)
    folder = path.rpartition("/")[0]
    host.check(
        f"cp -f /usr/bin/python3.11 {binary} && rm {path} && ln -sfn python3.13 /usr/bin/python3"
        f" && chmod 0700 {folder}/encoder.py"
        f" && rm {folder}/scanner.py && mkdir {folder}/scanner.py && echo kept >{folder}/scanner.py/file"
    )


def clean(host: Host) -> bool:
    return host.run(f"rpm -V --nodeps --noscripts {SCOPE[host.image]}").out == ""


def nothing_left(host: Host) -> None:
    left = (
        "find / -xdev \\( -name '.fleet-system-python-*' -o -name '*;????????' \\) -not -path '/proc/*';"
        "rpm -qa | sort | uniq -d"
    )
    assert host.check(left) == ""


def reinstalled(result: Result) -> list[str]:
    return [package["name"] for package in result["packages"] if package["reinstalled"]]


def sources(result: Result) -> set[str]:
    return {package["source"] for package in result["packages"] if package["reinstalled"]}


@pytest.mark.parametrize("image", IMAGES)
def test_check_mode_then_repair_then_nothing(fresh: Callable[[str], Host], ansible: Ansible, image: str) -> None:
    host = fresh(image)
    before = host.listing()
    healthy = integrity(ansible, host)
    assert (healthy["changed"], healthy["intact"], healthy["files"]) == (False, True, [])
    assert host.listing() == before
    break_packages(host)
    broken = host.listing()
    predicted = integrity(ansible, host, check=True)
    assert host.listing() == broken
    result = integrity(ansible, host)
    assert not result.get("failed"), result["msg"]
    assert (predicted["changed"], predicted["intact"]) == (True, False)
    assert (result["changed"], result["intact"]) == (True, True)
    assert reinstalled(predicted) == reinstalled(result) == list(dict.fromkeys([OWNER[image], LIBRARY[image]]))
    assert predicted["files"] == result["files"]
    assert predicted["diff"] == result["diff"]
    assert clean(host)
    host.check(f"grep -rl '^kept$' {result['quarantine']}")
    manager = "dnf -y -q" if image == "rhel9" else "zypper -n -q"
    host.check(f"{manager} install hello-rpm && rpm -e hello-rpm")
    nothing_left(host)
    again = integrity(ansible, host)
    assert (again["changed"], again["quarantine"]) == (False, None)
    host.restart()
    assert clean(host)


@pytest.mark.parametrize("image", IMAGES)
def test_the_interpreter_that_runs_it_is_replaced_under_it(
    fresh: Callable[[str], Host], ansible: Ansible, image: str
) -> None:
    if image == "sles15" and os.environ.get("SYSTEM_PYTHON_CORE") != "2.16":
        pytest.skip("this ansible-core does not support Python 3.6")
    host = fresh(image)
    host.check(f"chmod 0755 {decoder(host)}; touch -d 2001-01-01 {BINARY[image]}; chmod 0555 {BINARY[image]}")
    result = integrity(ansible, host, python=BINARY[image])
    assert not result.get("failed"), result["msg"]
    assert clean(host)


REPOSITORIES = [
    (image, variant)
    for image in IMAGES
    for variant in ("http", "https", "file", "mirrorlist", "metalink", "updates")
    if not (image == "sles15" and variant == "metalink")
]


@pytest.fixture(scope="module", params=IMAGES)
def lasting(request: pytest.FixtureRequest, fleet: Fleet) -> Host:
    """A host that each test leaves as it found it."""
    return fleet.up(request.param)


@pytest.mark.parametrize("variant", ["http", "https", "file", "mirrorlist", "metalink", "updates"])
def test_repositories_without_a_package_manager(lasting: Host, ansible: Ansible, variant: str) -> None:
    if (lasting.image, variant) not in REPOSITORIES:
        pytest.skip("zypper knows no metalinks")
    lasting.check(f"test-host-repo {variant}; rm -f {decoder(lasting)}")
    result = integrity(ansible, lasting, scope="contract", use=["repositories"])
    assert not result.get("failed"), result["msg"]
    assert sources(result) == {"repositories"}
    assert result["tried"] == []
    assert clean(lasting)


def test_the_package_manager_only_downloads(lasting: Host, ansible: Ansible) -> None:
    name = "dnf" if lasting.image == "rhel9" else "zypper"
    lasting.check(f"test-host-repo http; chown nobody {FOLDER}")
    history = lasting.run(HISTORY).out
    result = integrity(ansible, lasting, packages=[APART[lasting.image]], use=[name])
    assert not result.get("failed"), result["msg"]
    assert sources(result) == {name}
    assert lasting.run(f"rpm -V --nodeps {APART[lasting.image]}").out == ""
    assert lasting.run(HISTORY).out == history
    nothing_left(lasting)


def test_dnf_is_not_started_on_a_python_that_nobody_vouches_for(fresh: Callable[[str], Host], ansible: Ansible) -> None:
    for damage in (
        "cp -f /usr/bin/python3.11 /usr/bin/python3.9",
        'echo \'open("/root/was-run", "w")\' >/usr/lib/python3.9/site-packages/sitecustomize.py',
        "cp -f /usr/bin/true /usr/bin/dnf-3",
    ):
        host = fresh("rhel9")
        host.check(f"{damage}; rm -f {decoder(host)}; chown nobody {FOLDER}")
        result = integrity(ansible, host, packages=["alternatives"], use=["dnf", "repositories"])
        assert not result.get("failed"), result["msg"]
        assert sources(result) == {"repositories"}
        assert "not started" in result["tried"][0]["reason"], result["tried"]
        assert host.run("ls /root/was-run").rc != 0


def test_files_and_caches(lasting: Host, ansible: Ansible) -> None:
    lasting.check("test-host-repo http")
    if lasting.image == "rhel9":
        lasting.check("dnf -y -q reinstall --downloadonly python3 python3-libs")
        cache = "/var/cache/dnf"
    else:
        lasting.check("zypper -n -q download python3-base libpython3_6m1_0")
        cache = "/var/cache/zypp/packages"
    lasting.check(f"mkdir -p /srv/given && find {cache} -name '*.rpm' -exec cp {{}} /srv/given/ \\;")
    lasting.check(f"test-host-repo none; mkdir -p {cache}/x/packages && cp /srv/given/* {cache}/x/packages")
    ways: dict[str, Result] = {"cache": {}, "files": {"files": ["/srv/given"]}}
    for use, options in ways.items():
        lasting.check(f"rm -f {decoder(lasting)}")
        result = integrity(ansible, lasting, scope="contract", **options)
        assert not result.get("failed"), result["msg"]
        assert sources(result) == {use}
        assert clean(lasting)
    lasting.check(f"rm -rf /srv/given {cache}/*; test-host-repo http")


def test_a_file_that_another_package_took_over(fresh: Callable[[str], Host], ansible: Ansible) -> None:
    for image in IMAGES:
        host = fresh(image)
        host.tamper("taken_over")
        host.check("test-host-repo http")
        result = integrity(ansible, host)
        assert not result.get("failed"), result["msg"]
        assert "replaced" in {file["state"] for file in result["files"]}
        assert clean(host)
        assert not integrity(ansible, host)["changed"]


LOCK = "/run/lock/fleet.system_python.lock"
ERRORS = [
    ("no_source", "test-host-repo none", "test-host-repo http", "Tried:"),
    ("signature", "test-host-repo badsig", "test-host-repo http", "NOKEY"),
    ("version_gone", "test-host-repo gone", "test-host-repo http", "Available are"),
    (
        "locked",
        f"mkdir -p /run/lock; flock -o {LOCK} sleep 1000 >/dev/null 2>&1 & while flock -n {LOCK} true; do :; done",
        f"pkill -f '[s]leep 1000'; rm {LOCK}",
        "lock",
    ),
    ("locked", "python3.11 -I /root/hold >/dev/null 2>&1 & sleep 0.5", "pkill -f '/root/[h]old'", "holds rpm's lock"),
]
# What dnf and zypper do while they install.
HOLD = """
import fcntl, subprocess, time
path = subprocess.run(["rpm", "--eval", "%{_rpmlock_path}"], stdout=subprocess.PIPE).stdout.decode().strip()
stream = open(path, "ab")
fcntl.lockf(stream, fcntl.LOCK_EX)
time.sleep(1000)
"""


@pytest.mark.parametrize(
    ("kind", "prepare", "undo", "said"), ERRORS, ids=["sources", "signature", "gone", "run", "rpm"]
)
def test_an_error_is_clear_and_changes_nothing(
    lasting: Host, ansible: Ansible, kind: str, prepare: str, undo: str, said: str
) -> None:
    lasting.put("/root/hold", HOLD.encode())
    break_packages(lasting)
    lasting.check("rm -rf /var/cache/dnf/* /var/cache/zypp/*")
    lasting.check(prepare)
    before = lasting.listing()
    result = integrity(ansible, lasting)
    assert (result.get("failed"), result.get("kind")) == (True, kind), result
    assert said in result["msg"]
    assert lasting.listing() == before
    lasting.check(undo)
    assert integrity(ansible, lasting)["intact"]
    lasting.check(f"rm -rf {STATE}")


@pytest.mark.parametrize("image", IMAGES)
def test_an_unreadable_database(fresh: Callable[[str], Host], ansible: Ansible, image: str) -> None:
    host = fresh(image)
    break_packages(host)
    host.tamper("rpmdb_unreadable")
    before = host.listing()
    result = integrity(ansible, host)
    assert result.get("failed"), result
    assert "database" in result["msg"]
    assert host.listing() == before


@pytest.mark.parametrize("image", IMAGES)
def test_unsigned_packages_need_a_word_by_name(fresh: Callable[[str], Host], ansible: Ansible, image: str) -> None:
    host = fresh(image)
    host.check(f"test-host-repo badsig; rm -f {decoder(host)}")
    assert integrity(ansible, host)["kind"] == "signature"
    result = integrity(ansible, host, scope="contract", check_signatures=False, use=["repositories"])
    assert not result.get("failed"), result["msg"]
    assert clean(host)


@pytest.fixture(scope="module")
def special(fleet: Fleet) -> Callable[..., Host]:
    """Give hosts that docker starts with special mounts."""
    return fleet.start


@pytest.mark.parametrize("image", IMAGES)
def test_a_read_only_usr(special: Callable[..., Host], ansible: Ansible, image: str) -> None:
    unconfined = ("--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined")
    host = special(image, "--cap-add", "SYS_ADMIN", *unconfined)
    break_packages(host)
    host.check("mount --bind /usr /usr && mount -o remount,ro,bind /usr")
    before = host.listing()
    for check in (True, False):
        result = integrity(ansible, host, check=check)
        assert (result.get("failed"), result.get("kind")) == (True, "read_only"), result
    assert host.listing() == before


@pytest.mark.parametrize(("image", "folder"), [("rhel9", "/var/cache"), ("sles15", STATE), ("rhel9", "/usr/lib64")])
def test_a_full_disk(special: Callable[..., Host], ansible: Ansible, image: str, folder: str) -> None:
    if folder == "/usr/lib64":
        unconfined = ("--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined")
        host = special(image, "--cap-add", "SYS_ADMIN", *unconfined)
        break_packages(host)
        # The mount hides what is below, so the library is copied onto it and the rest is filled up.
        library = decoder(host).rpartition("/json/")[0]
        host.check(
            f"cp -a {library} /root/library && mount -t tmpfs -o size=$(($(du -sk {library} | cut -f1) + 4096))k none"
            f" {library} && cp -a /root/library/. {library}/"
        )
    else:
        host = special(image, "--tmpfs", f"{folder}:size=2m")
        break_packages(host)
        host.check(f"head -c 5000000 /dev/zero >>{BINARY[image]}")
    before = host.listing()
    result = integrity(ansible, host)
    assert (result.get("failed"), result.get("kind")) == (True, "disk_full"), result
    assert host.listing() == before


@pytest.mark.parametrize("image", IMAGES)
def test_only_root(fresh: Callable[[str], Host], ansible: Ansible, image: str) -> None:
    host = fresh(image)
    break_packages(host)
    host.check("mkdir -m 1777 -p /srv/nobody")
    before = host.listing()
    play = {
        "hosts": "all",
        "gather_facts": False,
        "vars": {
            "ansible_python_interpreter": "/usr/bin/python3.11",
            "ansible_docker_user": "nobody",
            "ansible_remote_tmp": "/srv/nobody",
        },
        "tasks": [{"fleet.system_python.rpm_integrity": {"scope": "contract"}}],
    }
    done = ansible.playbook([play], host)
    assert done.rc != 0
    assert "not_root" in done.out
    assert host.listing() == before


@pytest.mark.parametrize("image", IMAGES)
def test_killed_with_its_rpm_at_various_moments(fresh: Callable[[str], Host], ansible: Ansible, image: str) -> None:
    host = fresh(image)
    for written in (0, 100_000, 2_000_000):
        host.check(f"rm -rf {STATE}")
        break_packages(host)
        host.kill_rpm(written)
        outcome = integrity(ansible, host)
        assert host.killed_rpm(), (written, outcome)
        assert host.run("[ -x /usr/bin/python3.11 ]").rc == 0
        result = integrity(ansible, host)
        assert not result.get("failed"), (written, result["msg"])
        assert result["intact"], (written, result)
        assert clean(host), written
        nothing_left(host)
        assert not integrity(ansible, host)["changed"], written
