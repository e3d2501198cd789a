# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guard's checker on real hosts: it sees every tampering of tests/tampering, and no legitimate update."""

import json
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from checkkit import ROOT, Done, Fleet, Host

from ansible_collections.fleet.system_python.plugins.module_utils._contract import contract_for
from ansible_collections.fleet.system_python.plugins.module_utils._guard_config import CONFIG, GuardSettings, render

CHECKER = ROOT / "plugins/plugin_utils/guard/guard.sh"
TAMPERING = ROOT / "tests/tampering"
RELEASES = {
    "rhel9": {"ID": "rhel", "VERSION_ID": "9.4"},
    "sles15": {"ID": "sles", "VERSION_ID": "15.6"},
    "el8": {"ID": "rhel", "VERSION_ID": "8.10"},
    "el10": {"ID": "rhel", "VERSION_ID": "10.0"},
    "sles16": {"ID": "sles", "VERSION_ID": "16.0"},
    "leap15": {"ID": "opensuse-leap", "VERSION_ID": "15.6"},
}
STATE = "/var/lib/fleet.system_python/guard"
GUARD = "/usr/local/libexec/guard"
# Where every tampering is tried; on the others a healthy host is.
IMAGES = ("rhel9", "sles15", "el8")

# Findings of tampering that the checker cannot see, and why. Nothing else is left out.
UNSEEN: Mapping[str, str] = {}
WORKERS = 4


def install(host: Host, settings: GuardSettings | None = None, image: str = "") -> None:
    """Put the checker and its configuration onto a host, as the role does."""
    contract = contract_for(RELEASES[(image or host.image).removesuffix("booted")])
    host.check("mkdir -p /etc/fleet.system_python /usr/local/libexec")
    host.put(CONFIG, render(contract, settings).encode())
    host.put(GUARD, CHECKER.read_bytes())


def check(host: Host, shell: str = "dash", command: str = "check") -> tuple[int, list[dict[str, Any]]]:
    """Run the checker and return its exit code and the changes that it told."""
    done: Done = host.run(f"{shell} {GUARD} {command}")
    assert done.err == "", done.err
    return done.rc, [json.loads(line) for line in done.out.splitlines()]


def new_ids(changes: list[dict[str, Any]]) -> set[str]:
    return {one["id"] for one in changes if one["change"] == "new"}


def tamperings() -> list[tuple[dict[str, Any], str]]:
    loaded = [yaml.safe_load(path.read_text()) for path in sorted(TAMPERING.glob("*.yml"))]
    return [(data, image) for data in loaded for image in data["applies_to"] if image in IMAGES]


def expected(data: Mapping[str, Any], image: str, key: str = "findings") -> set[str]:
    ids = data.get(key, [])
    return set(ids.get(image, []) if isinstance(ids, dict) else ids) - set(UNSEEN)


def try_one(fleet: Fleet, data: Mapping[str, Any], image: str) -> str:
    """Break a fresh host between two checks; return what is wrong with the second, or nothing."""
    host = fleet.up(image)
    try:
        return _try_on(host, data, image)
    finally:
        fleet.drop(host)


def _try_on(host: Host, data: Mapping[str, Any], image: str) -> str:
    options = data.get("options") or {}
    install(host, GuardSettings(unversioned=options.get("unversioned", "unmanaged")))
    first = check(host)
    if first != (0, []):
        return f"before the tampering: {first}"
    host.tamper(data["name"])
    done = host.run(f"dash {GUARD}")
    changes = [json.loads(line) for line in done.out.splitlines()]
    seen, promised = new_ids(changes), expected(data, image)
    if done.err or done.rc != (2 if "SP302" in promised else 1):
        return f"exit code {done.rc}, {done.err}, {sorted(seen)}"
    if not promised <= seen <= promised | expected(data, image, "allowed"):
        return f"saw {sorted(seen)}, promised are {sorted(promised)}: {json.dumps(changes)}"
    if host.run("ls /root/*-was-run /root/*-ran; find / -xdev -name expanded | grep .").out:
        return "something was run that rpm does not vouch for"
    again = host.run(f"dash {GUARD}")
    return "" if (again.rc, again.out, again.err) == (done.rc, "", "") else f"the third check: {again}"


def test_a_healthy_host_is_fine_under_every_shell(fleet: Fleet) -> None:
    busybox = shutil.which("busybox")
    assert busybox, "busybox is missing on this machine: apt-get install busybox"
    for image in RELEASES:
        host = fleet.up(image)
        install(host)
        host.put("/root/busybox", Path(busybox).read_bytes())
        host.check("chmod 0755 /root/busybox")
        for shell in ("dash", "bash --posix", "/root/busybox sh"):
            assert check(host, shell, "full") == (0, []), (image, shell)
        fleet.drop(host)


def test_hostile_names_and_both_shells_say_the_same(fleet: Fleet) -> None:
    host = fleet.up("rhel9")
    install(host)
    host.put("/root/busybox", Path(shutil.which("busybox") or "").read_bytes())
    host.check("chmod 0755 /root/busybox")
    host.tamper("awkward_names")
    told = []
    for shell in ("dash", "/root/busybox sh"):
        host.check(f"rm -rf {STATE}")
        code, changes = check(host, shell)
        told.append((code, sorted((one["id"], one["path"]) for one in changes)))
    assert told[0] == told[1]
    paths = {path.rpartition("/")[2] for _id, path in told[0][1]}
    wanted = {"with blank.pth", "quote'and\"double.pth", "new\\nline.pth", "escape\\x1b[31mred\\x1b[0m.pth"}
    wanted |= {"tab\\tand\\\\backslash.pth", "$(touch expanded).pth", "-rf.pth", "bytes\\xff\\xfe.pth"}
    assert wanted <= paths, paths
    state = json.loads(host.check(f"cat {STATE}/state.json"))
    assert (state["schema"], state["status"]) == (1, "findings")
    assert host.run("find / -xdev -name expanded | grep .").rc != 0


@pytest.mark.parametrize("image", ["rhel9", "sles15"])
def test_an_update_is_no_alarm_and_a_running_transaction_postpones(fleet: Fleet, image: str) -> None:
    host = fleet.up(image)
    install(host, GuardSettings(wait=0))
    assert check(host) == (0, [])
    before = host.check("rpm -qa | sort")
    host.check("test-host-repo updates")
    manager = "dnf -y -q update" if image == "rhel9" else "zypper -n -q update"
    host.check(f"({manager}; touch /root/updated) >/root/update.log 2>&1 &")
    seen = set()
    while host.run("[ -e /root/updated ]").rc:
        code, changes = check(host)
        assert (code, changes) in ((0, []), (3, [])), (code, changes)
        seen.add(code)
    assert host.check("rpm -qa | sort") != before
    assert check(host) == (0, [])
    host.check(
        'touch /root/held; python3.11 -I -c \'import fcntl, time; lock = open("/var/lib/rpm/.rpm.lock", "w");'
        ' fcntl.lockf(lock, fcntl.LOCK_EX); open("/root/holds", "w"); time.sleep(60)\' >/dev/null 2>&1 &'
        " for i in 1 2 3 4 5 6 7 8 9; do [ -e /root/holds ] && exit 0; sleep 0.5; done; exit 1"
    )
    assert check(host, command="full") == (3, [])


def test_what_the_fast_path_could_be_fooled_by(fleet: Fleet) -> None:
    host = fleet.up("rhel9")
    install(host)
    assert check(host) == (0, [])
    last = host.check(f"cat {STATE}/last")
    assert check(host) == (0, [])
    assert host.check(f"cat {STATE}/last") == last, "an unchanged host was judged anew"
    # Same size, same time of modification, same name: only the time of the change of the inode tells.
    host.check(
        "cp -p /usr/lib64/python3.9/ssl.py /root/ssl.py;"
        " sed -i s/PROTOCOL_TLS_SERVER/PROTOCOL_TLS_SERVEX/ /root/ssl.py;"
        " touch -r /usr/lib64/python3.9/ssl.py /root/ssl.py; cp -p /root/ssl.py /usr/lib64/python3.9/ssl.py"
    )
    code, changes = check(host)
    assert (code, new_ids(changes)) == (1, {"SP205", "SP211"})


def test_every_tampering_is_seen_and_told_once(fleet: Fleet) -> None:
    fleet.up("rhel9", "first")
    cases = tamperings()
    assert len(cases) > 70
    with ThreadPoolExecutor(WORKERS) as pool:
        outcomes = list(pool.map(lambda case: try_one(fleet, *case), cases))
    wrong = [f"{data['name']} on {image}: {text}" for (data, image), text in zip(cases, outcomes, strict=True) if text]
    assert not wrong, "\n".join(wrong)
