# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The unversioned command, /usr/bin/python: carry out what the planner (see _pin/unversioned.py) asks for."""

import os
import typing as t

from .._audit.alternatives import python_groups
from .._base.errors import ProofError
from .._base.text import json_text, printable
from .._disk.quarantine import Quarantine
from .._packages.manager import RpmManager, family_of
from .plan import PinStep
from .record import AlternativesState, Made
from .unversioned import PinnedHost

__all__ = ["UnversionedSteps", "state_of_group", "without_what_cancels_out"]

_FINDING = "SP108"
_PROGRAMS = ("/usr/sbin/alternatives", "/usr/sbin/update-alternatives", "/usr/bin/update-alternatives")


class UnversionedSteps:
    """What one run does about C(/usr/bin/python)."""

    def __init__(self, host: PinnedHost, quarantine: Quarantine) -> None:
        self.host = host
        self._quarantine = quarantine

    def intended(self, step: PinStep) -> t.List[Made]:
        """Return what belongs in the record before the step is begun: enough to undo it, were this run killed."""
        action = step["action"]
        if action == "quarantine":
            return [Made(action=action, path=json_text(step["path"]), run_id=self._quarantine.run_id)]
        if action == "install_packages":
            return [Made(action=action, packages=step["packages"])]
        if action == "remove_packages":
            packages = self.host.rpm.query(step["packages"], files=False).packages
            return [Made(action=action, evr={package.name: package.evr for package in packages})]
        return [Made(action=action, group=step["group"], before=state_of_group(step["group"]))]

    def carry_out(self, step: PinStep) -> t.List[Made]:
        """Do it and return what belongs in the record's C(made) afterwards. Raises SystemPythonError."""
        if step["action"] == "install_packages":
            return self._install(step)
        if step["action"] == "put_back":
            self._quarantine.put_back(step["run_id"], [step["path"]])
            return []
        intended = self.intended(step)
        if step["action"] == "remove_packages":
            self._package_manager(step["packages"]).remove()
        elif step["action"] == "select_alternative":
            self._select_alternative(step)
        else:
            self._quarantine.take(step["path"], "the policy of python_pin asks for something else", _FINDING)
        return intended

    def _install(self, step: PinStep) -> t.List[Made]:
        before = self._all_packages()
        separator = "=" if self.host.observation["manager"]["name"] == "zypper" else "-"
        release = separator + step["evr"] if step["evr"] else ""
        self._package_manager([name + release for name in step["packages"]]).install()
        added = sorted(set(self._all_packages()) - set(before))
        return [Made(action="install_packages", packages=added)]

    def _package_manager(self, names: t.Sequence[str]) -> RpmManager:
        host = self.host
        return RpmManager(
            family_of(host.os_release),
            host.contract["version"],
            names,
            host.os_release,
            host.runner,
            host.timeout,
            host.rpm,
            host.contract,
        )

    def _all_packages(self) -> t.List[str]:
        done = self.host.runner(["/usr/bin/rpm", "-qa", "--qf", "%{NAME}\\n"], timeout=self.host.timeout)
        if done.rc != 0:
            raise done.error("The installed packages cannot be listed")
        return done.out.split()

    def _select_alternative(self, step: PinStep) -> None:
        program = next((path for path in _PROGRAMS if os.access(path, os.X_OK)), _PROGRAMS[0])
        auto = step["mode"] == "auto"
        wanted = ["--auto", step["group"]] if auto else ["--set", step["group"], str(step["target"])]
        done = self.host.runner([program] + wanted, timeout=60)
        after = state_of_group(step["group"])
        # Its exit code is 0 also where it did nothing. What it chooses by itself may be another since.
        missed = after["mode"] != step["mode"] or (not auto and after["target"] != step["target"])
        if done.rc != 0 or missed:
            raise ProofError(
                f"The alternatives group {step['group']} does not choose {step['target']} although it was asked to: it "
                f"is {after['mode']}, {after['target']}. {printable(done.tail())}",
                findings=[],
                proof=[],
            )


def state_of_group(name: str) -> AlternativesState:
    """Return what an alternatives group chooses now."""
    group = next((one for one in python_groups() if one["name"] == name), None)
    return AlternativesState(mode=group["mode"] if group else None, target=group["chosen"] if group else None)


def without_what_cancels_out(made: t.Sequence[Made]) -> t.List[Made]:
    """Return C(made) without what undoes itself, so that going to and fro does not pile up."""
    kept: t.List[Made] = []
    for one in made:
        last = kept[-1] if kept else Made(action="")
        if _packages(one) and _packages(one) == _packages(last) and one["action"] != last["action"]:
            kept.pop()
        elif one["action"] == last["action"] == "select_alternative":
            # What it was before the first of them is what counts.
            continue
        else:
            kept.append(one)
    return kept


def _packages(made: Made) -> t.List[str]:
    return sorted(made.get("packages") or made.get("evr") or [])
