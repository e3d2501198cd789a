# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""One run of the module python_venv: look, plan, lock, undo what a killed run left, build or relink, prove."""

import hashlib
import os
import typing as t

from .._base.command import CommandRunner, run_command
from .._base.errors import PrivilegeError, changing_nothing
from .._base.run import Run
from .._base.text import json_text, printable
from .._base.time_limit import time_limit
from .._disk.hidden import Checkpoint, no_checkpoint
from .._disk.lock import RunLock
from .._rights.account import account_of
from .._rights.work import run_as
from .config import CONFIG_NAME
from .describe import describe_venv
from .plan import CREATE, NOTHING, REBUILD, RELINK, REMOVE, REWRITE, NotAVenvError, VenvOptions, VenvPlan, plan_venv
from .records import CensusSettings, InterpreterNames, Venv, VenvBefore, VenvOutcome, VenvResult
from .relink import JOURNAL, require_of_root, undo
from .swap import VenvPlace, require_usable_path
from .work import VenvWork

__all__ = ["VenvRun"]


class VenvRun(Run[t.Optional[Venv], VenvPlan, VenvResult]):
    """The run for one venv; C(checkpoint) is called after every step, for tests that stop it there."""

    def __init__(
        self, options: VenvOptions, run: CommandRunner = run_command, checkpoint: Checkpoint = no_checkpoint
    ) -> None:
        require_usable_path(options.path)
        self.options = options
        self.path = options.path
        self._run = run
        self._checkpoint = checkpoint
        self._place = VenvPlace(options.path, checkpoint)
        self._undone: t.Optional[str] = None

    def _look(self) -> t.Optional[Venv]:
        with time_limit(self.options.timeout, f"The look at {printable(self.path)}"):
            return self._seen()

    def _seen(self) -> t.Optional[Venv]:
        """Return what is at the path: None for nothing (or an empty folder), else a venv. Raises NotAVenvError."""
        if not os.path.lexists(self.path):
            return None
        is_folder = os.path.isdir(self.path) and not os.path.islink(self.path)
        if is_folder and os.path.isfile(os.path.join(self.path, CONFIG_NAME)):
            return describe_venv(self.path, CensusSettings(runtimes=self.options.runtimes))
        if is_folder and not os.listdir(self.path):
            return None
        why = f"it has no {CONFIG_NAME}" if is_folder else "it is a link or a file"
        raise NotAVenvError(
            f"{printable(self.path)} exists and is not a venv: {why}. Nothing was changed. Choose another path, or "
            "move it away.",
            path=json_text(self.path),
        )

    def _plan(self, seen: t.Optional[Venv]) -> VenvPlan:
        with time_limit(self.options.timeout, f"The plan for {printable(self.path)}"):
            return self._planned(seen)

    def _planned(self, seen: t.Optional[Venv]) -> VenvPlan:
        plan = plan_venv(self.options, seen)
        if plan.action in (CREATE, REBUILD, REMOVE) or (plan.action in (RELINK, REWRITE) and plan.account.uid == 0):
            self._place.require_safe(plan.account)
        if self.options.state == "repaired" and plan.action != NOTHING and plan.account.uid == os.geteuid() == 0:
            require_of_root(self.path)
        return plan

    def _predicted(self, seen: t.Optional[Venv], plan: VenvPlan) -> VenvResult:
        return self._result(seen, plan, VenvOutcome())

    def _settled(self, seen: t.Optional[Venv], plan: VenvPlan) -> t.Optional[VenvResult]:
        self._require_rights_for(plan)
        return self._predicted(seen, plan) if plan.action == NOTHING else None

    def _is_unfinished(self) -> bool:
        from_relink = os.path.isfile(os.path.join(self.path, JOURNAL))
        return from_relink or self._place.is_unfinished()

    def _lock(self) -> RunLock:
        return RunLock(_lock_path(self.path), self.options.lock_timeout, "python_venv " + self.path, owner=os.geteuid())

    def _finish_killed_run(self) -> bool:
        self._undone = self._place.take_back()
        if os.path.isfile(os.path.join(self.path, JOURNAL)):
            owner = account_of(os.lstat(self.path).st_uid)
            if owner.uid == 0:
                self._place.require_safe(owner)
            run_as(owner, lambda: undo(self.path), self.options.timeout)
            self._undone = "the previous links were restored"
        return bool(self._undone)

    def _act(self, seen: t.Optional[Venv], plan: VenvPlan) -> VenvResult:
        outcome = VenvOutcome()
        if plan.action != NOTHING:
            with changing_nothing():
                self._require_rights_for(plan)
            outcome = VenvWork(self.options, self._place, plan, seen, self._run, self._checkpoint).carry_out()
        result = self._result(seen, plan, outcome)
        if self._undone:
            result["changed"] = True
            result["undone"] = self._undone
        return result

    def _require_rights_for(self, plan: VenvPlan) -> None:
        if os.geteuid() not in (0, plan.account.uid):
            raise PrivilegeError(
                f"The venv {printable(self.path)} belongs to {printable(plan.account.name)}, and this run is user id "
                f"{os.geteuid()}. Use 'become: true'.",
                user=printable(plan.account.name),
            )
        folder = os.path.dirname(self.path)
        while not os.path.isdir(folder):
            folder = os.path.dirname(folder)
        if (
            os.geteuid() != 0
            and plan.action not in (NOTHING, RELINK, REWRITE)
            and not os.access(folder, os.W_OK | os.X_OK)
        ):
            raise PrivilegeError(
                f"{printable(plan.account.name)} cannot write to {printable(folder)}, where the venv "
                f"{printable(self.path)} has to be built. Make the folder of the venv its own, or use 'become: true' "
                "and the option user.",
                user=printable(plan.account.name),
            )

    def _result(self, before: t.Optional[Venv], plan: VenvPlan, outcome: VenvOutcome) -> VenvResult:
        interpreter: t.Optional[InterpreterNames] = None
        if plan.interpreter:
            path, realpath, version = plan.interpreter
            interpreter = InterpreterNames(path=path, realpath=realpath, version=version)
        elif before and plan.action == NOTHING:
            interpreter = InterpreterNames(
                path=before.links[0], realpath=before.interpreter, version=before.interpreter_version
            )
        return VenvResult(
            changed=plan.action != NOTHING,
            path=json_text(self.path),
            action=plan.action,
            reasons=list(plan.reasons),
            user=plan.account.name,
            before=_state_before(before) if before else None,
            interpreter=interpreter,
            left_out=list(plan.left_out),
            left_behind=list(plan.left_behind),
            **outcome,
        )


def _state_before(venv: Venv) -> VenvBefore:
    return VenvBefore(
        state=venv.state,
        interpreter=venv.interpreter,
        interpreter_version=venv.interpreter_version,
        packages_minor=venv.packages_minor,
        runtime=dict(venv.runtime._asdict()),
    )


def _lock_path(path: str) -> str:
    name = f"fleet.system_python.venv-{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}.lock"
    if os.geteuid() == 0:
        return os.path.join("/run/lock", name)
    cache = os.path.join(account_of(os.geteuid()).home, ".cache")
    folders = [os.environ.get("XDG_RUNTIME_DIR") or cache, cache]
    for folder in folders:
        if os.access(folder if os.path.isdir(folder) else os.path.dirname(folder), os.W_OK | os.X_OK):
            return os.path.join(folder, name)
    # An account without a home.
    return os.path.join(os.path.dirname(path), "." + name)
