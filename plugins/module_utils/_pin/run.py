# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Keep the system Python what it is: one run of the module python_pin on this host.

Every part is wanted C(present), C(absent) or C(unmanaged). All of them are planned before the first is carried out, so
an error of one part leaves all as they were; what is made is written into the record (_pin/record.py) before.
"""

import os
import time
import typing as t

from .._audit.findings import Policy
from .._audit.records import AnsibleChoice, Observation
from .._audit.run import audit
from .._audit.unversioned import described
from .._base.clock import new_run_id
from .._base.command import CommandRunner, run_command
from .._base.privilege import require_root
from .._base.run import Run
from .._base.text import safe
from .._disk.atomic import remove_leftovers
from .._disk.host_mode import require_mutable
from .._disk.lock import RunLock
from .._disk.quarantine import Quarantine
from .._rpm.database import Rpm
from .parts import Parts, PinSettings
from .plan import PinStep, changed_paths, describe, diff_of
from .record import AlternativesState
from .steps import PinSteps
from .unversioned import PinnedHost
from .unversioned_steps import state_of_group

__all__ = ["PinResult", "PinRun", "PinSettings"]

_GROUPS = ("python", "python3")
_FACT = "system_python_alternatives"

if t.TYPE_CHECKING:

    class ShownPinStep(PinStep):
        """A step with a line for people, without the texts of files."""

        description: str

    class PinResult(t.TypedDict):
        """The result; the documentation of the module python_pin describes every key."""

        changed: bool
        contract: str
        plan: t.List[ShownPinStep]
        notes: t.List[str]
        discovery: AnsibleChoice
        unversioned: str
        alternatives: t.Dict[str, AlternativesState]
        ansible_facts: t.Dict[str, t.Dict[str, AlternativesState]]
        quarantine: t.Optional[str]
        diff: t.List[t.Dict[str, str]]
        summary: t.List[str]

else:
    ShownPinStep = PinResult = dict


class PinRun(Run[Parts, t.List[PinStep], PinResult]):
    """One run on this host."""

    def __init__(self, settings: PinSettings, runner: CommandRunner = run_command) -> None:
        self.settings = settings
        self._runner = runner
        self._rpm = Rpm(runner=runner, timeout=settings.timeout)
        self._quarantine = Quarantine(os.path.join(settings.state_folder, "quarantine"), new_run_id(time.time()))

    def _look(self) -> Parts:
        # A prediction fails as the real run would.
        require_root("pin the system Python")
        settings = self.settings
        observation, _findings = audit(
            settings.contract,
            Policy(),
            environ=settings.environ,
            core_version=settings.core_version,
            timeout=settings.timeout,
            runner=self._runner,
        )
        host = PinnedHost(
            settings.contract, observation, settings.os_release, self._rpm, self._runner, settings.fetch_timeout
        )
        return Parts(settings, host)

    def _plan(self, seen: Parts) -> t.List[PinStep]:
        plan = seen.plan()
        require_mutable({path for step in plan for path in changed_paths(step)})
        return plan

    def _predicted(self, seen: Parts, plan: t.List[PinStep]) -> PinResult:
        result: PinResult = safe(
            PinResult(
                changed=bool(plan),
                contract=self.settings.contract["id"],
                plan=[_shown_step(step) for step in plan],
                notes=seen.notes(),
                discovery=seen.host.observation["ansible"],
                unversioned=described(seen.host.observation["resolution"]["python"]),
                alternatives=_choices(seen.host.observation, plan),
                ansible_facts={},
                quarantine=None,
                diff=[diff_of(step) for step in plan],
                summary=[],
            )
        )
        result["ansible_facts"] = {_FACT: result["alternatives"]}
        result["summary"] = _summary(result)
        return result

    def _settled(self, seen: Parts, plan: t.List[PinStep]) -> t.Optional[PinResult]:
        return None if plan else self._predicted(seen, plan)

    def _lock(self) -> RunLock:
        return RunLock(self.settings.lock_path, self.settings.lock_timeout, what="pinning of the system Python")

    def _finish_killed_run(self) -> bool:
        return bool(self._quarantine.recover())

    def _act(self, seen: Parts, plan: t.List[PinStep]) -> PinResult:
        remove_leftovers(sorted({os.path.dirname(path) for path in seen.paths()}))
        # The texts of the diff are those before.
        result = self._predicted(seen, plan)
        PinSteps(seen, self._quarantine).carry_out(plan)
        # Of what alternatives chooses by itself nobody knows before which it is.
        result["alternatives"].update({name: safe(state_of_group(name)) for name in result["alternatives"]})
        result["quarantine"] = self._quarantine.kept_in
        return result


def _choices(observation: Observation, plan: t.Sequence[PinStep]) -> t.Dict[str, AlternativesState]:
    """Return what the groups python and python3 choose after the plan, where the release has them."""
    found = {
        group["name"]: AlternativesState(mode=group["mode"], target=group["chosen"])
        for group in observation["alternatives"]
        if group["own"] and group["name"] in _GROUPS
    }
    for step in plan:
        if step["action"] == "select_alternative":
            found[step["group"]] = AlternativesState(mode=step["mode"], target=step["target"])
    return found


def _shown_step(step: PinStep) -> ShownPinStep:
    shown = ShownPinStep(**step, description=describe(step))
    shown.pop("text", None)
    shown.pop("content", None)
    return shown


def _summary(result: PinResult) -> t.List[str]:
    lines = ["changed" if result["changed"] else "already as requested, nothing to do"]
    lines += ["  " + step["description"] for step in result["plan"]]
    return lines + ["note: " + note for note in result["notes"]]
