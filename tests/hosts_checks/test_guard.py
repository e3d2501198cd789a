# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guard's checker on real hosts: it sees every tampering of tests/tampering, and no legitimate update."""

import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import yaml
from checkkit import ROOT, Done, Fleet, Host

from ansible_collections.fleet.system_python.plugins.module_utils._contract import contract_for
from ansible_collections.fleet.system_python.plugins.module_utils._guard_config import CONFIG, GuardSettings, render

CHECKER = ROOT / "plugins/plugin_utils/guard/guard.sh"
TAMPERING = ROOT / "tests/tampering"
RELEASES = {"rhel9": {"ID": "rhel", "VERSION_ID": "9.4"}, "sles15": {"ID": "sles", "VERSION_ID": "15.6"}}
STATE = "/var/lib/fleet.system_python/guard"
GUARD = "/usr/local/libexec/guard"
IMAGES = ("rhel9", "sles15")

# Findings of tampering that the checker cannot see, and why. Nothing else is left out.
UNSEEN: Mapping[str, str] = {}
WORKERS = max(2, min(4, os.cpu_count() or 2))


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


def test_every_tampering_is_seen_and_told_once(fleet: Fleet) -> None:
    fleet.up("rhel9", "first")
    cases = tamperings()
    assert len(cases) > 60
    with ThreadPoolExecutor(WORKERS) as pool:
        outcomes = list(pool.map(lambda case: try_one(fleet, *case), cases))
    wrong = [f"{data['name']} on {image}: {text}" for (data, image), text in zip(cases, outcomes, strict=True) if text]
    assert not wrong, "\n".join(wrong)
