# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs on a test host, under an interpreter that rpm vouches for: audit, repair or pin it, and print JSON.

Usage: python -I driver.py FOLDER audit|predict|repair [{"settings": {...}, "policy": {...}, "die_at": N}]
       python -I driver.py FOLDER pin|predict_pin [{PART: WISH, ...}]

FOLDER is what C(ansible_collections) lies in. With C(die_at) the process kills itself (SIGKILL) at the N-th step.
"""

import json
import os
import signal
import sys
import typing as t

sys.path.insert(0, sys.argv[1])

from ansible_collections.fleet.system_python.plugins.module_utils._audit.contract import contract_for
from ansible_collections.fleet.system_python.plugins.module_utils._audit.facts import shape_facts
from ansible_collections.fleet.system_python.plugins.module_utils._audit.findings import Policy, waivers_of
from ansible_collections.fleet.system_python.plugins.module_utils._audit.run import audit
from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import SystemPythonError
from ansible_collections.fleet.system_python.plugins.module_utils._disk.os_release import read_os_release
from ansible_collections.fleet.system_python.plugins.module_utils._pin.run import PinRun, PinSettings
from ansible_collections.fleet.system_python.plugins.module_utils._repair.run import Repair, RepairSettings


class Steps:
    """The checkpoint: notes the steps, and dies at one of them."""

    def __init__(self, die_at: int) -> None:
        self.names: list[str] = []
        self.die_at = die_at

    def __call__(self, name: str) -> None:
        self.names.append(name)
        if len(self.names) == self.die_at:
            os.kill(os.getpid(), signal.SIGKILL)


def work(what: str, options: "dict[str, t.Any]") -> "dict[str, t.Any]":
    """Do it and return the result. (The types are quoted: EL 8 runs this under 3.6.)"""
    os_release = read_os_release()
    contract = contract_for(os_release)
    if what in ("pin", "predict_pin"):
        return dict(
            PinRun(PinSettings(contract, os_release, os.environ, "2.19.0", **options)).result(what == "predict_pin")
        )
    given: dict[str, t.Any] = {
        key: tuple(one) if isinstance(one, list) else one for key, one in options.get("policy", {}).items()
    }
    policy = Policy(**dict(given, waivers=waivers_of(given.get("waivers", ()))))
    if what == "audit":
        observation, findings = audit(contract, policy, os.environ, "2.19.0", check_manager="if_needed")
        return shape_facts(observation, findings, os_release)
    steps = Steps(options.get("die_at", 0))
    settings = RepairSettings(contract, policy, os.environ, "2.19.0", **options.get("settings", {}))
    result = Repair(settings, checkpoint=steps).result(what == "predict")
    return dict(result, steps=steps.names)


def main() -> int:
    """Print the result; an error of the collection is printed as such, with exit code 3."""
    options = json.loads(sys.argv[3]) if len(sys.argv) > 3 else {}
    try:
        print(json.dumps(work(sys.argv[2], options)))
    except SystemPythonError as error:
        print(json.dumps(error.as_dict()))
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
