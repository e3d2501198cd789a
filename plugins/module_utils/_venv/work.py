# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Carry out what a plan says of a venv: build it and put it in its place, relink it, or take it away; and prove it."""

import os
import typing as t

from .._base.command import CommandRunner
from .._base.text import json_text
from .._disk.atomic import write_durably
from .._disk.files import read_bytes
from .._disk.hidden import Checkpoint
from .._disk.kernel import flush_file_system
from .._rights.account import Account
from .._rights.work import run_as
from .build import Recipe, build, new_record, packages_of, read_record, write_record
from .extras import CARRIED
from .interpreter import BaseInterpreter
from .plan import REWRITE, VenvOptions, VenvPlan
from .proof import Proof, prove
from .records import BuildRecord, Venv, VenvOutcome
from .relink import forget, relink, undo
from .rewrite import rewrite
from .swap import VenvPlace

__all__ = ["VenvWork"]

# How many tools a venv is made with, each within the time limit.
_TOOLS = 6


class VenvWork:
    """The work of one run on one venv; C(before) is the venv that is there, if any."""

    def __init__(
        self,
        options: VenvOptions,
        place: VenvPlace,
        plan: VenvPlan,
        before: t.Optional[Venv],
        run: CommandRunner,
        checkpoint: Checkpoint,
    ) -> None:
        self.options = options
        self.path = options.path
        self.plan = plan
        self.before = before
        self._place = place
        self._run = run
        self._checkpoint = checkpoint

    def carry_out(self) -> VenvOutcome:
        """Do it, and return what there is to say of it."""
        # As it is for another owner, see run_as: who runs the application is often not who owns the venv.
        umask = os.umask(0o022)
        try:
            if self.plan.recipe:
                return self._build(self.plan.recipe)
            if self.plan.interpreter:
                outcome = VenvOutcome() if self.plan.action == REWRITE else self._relink(self.plan.interpreter)
                return self._rewrite(self.plan.interpreter, self._moved_from) if self._moved_from else outcome
            return VenvOutcome(kept=_json_path(self._place.retire(self.options.keep)))
        finally:
            os.umask(umask)

    def _build(self, recipe: Recipe) -> VenvOutcome:
        before, account = self.before, self.plan.account
        earlier = read_record(self.path) if self.options.state == "repaired" and before else None
        new = self._place.begin(account)
        try:
            proof = Proof(*run_as(account, lambda: self._fill(new, recipe, earlier), _TOOLS * self.options.timeout))
            if before:
                run_as(self._place.who(), lambda: _take_rights(new, before, account))
            self._checkpoint("built")
            self._place.swap()
            self._prove_in_place(recipe.interpreter, strict=True)
        except BaseException:
            self._place.take_back()
            raise
        kept = self._place.finish(self.options.keep)
        packages = packages_of(self.path, recipe.interpreter.minor)
        return VenvOutcome(kept=_json_path(kept), imports=proof.imports, packages=packages)

    def _fill(self, new: str, recipe: Recipe, earlier: t.Optional[BuildRecord]) -> Proof:
        build(new, self.path, recipe, self._run)
        record = new_record(recipe, packages_of(new, recipe.interpreter.minor))
        if earlier:
            # The digest is of what the user asks for with state present; a repair asks for nothing else.
            record = record._replace(requirements=earlier.requirements)
        write_record(new, record)
        if self.before and self.before.uid == self.plan.account.uid:
            for name in CARRIED:
                _copy_file(os.path.join(self.path, name), os.path.join(new, name))
        proof = self._prove(new, recipe.interpreter, strict=False)
        flush_file_system(new)
        return proof

    def _prove(self, path: str, interpreter: BaseInterpreter, strict: bool) -> Proof:
        return prove(
            path,
            interpreter.minor,
            self.options.import_exceptions,
            self.options.timeout,
            self.plan.account.environment(),
            self._run,
            strict,
        )

    def _prove_in_place(self, interpreter: BaseInterpreter, strict: bool) -> Proof:
        return Proof(
            *run_as(
                self.plan.account, lambda: self._prove(self.path, interpreter, strict), _TOOLS * self.options.timeout
            )
        )

    def _relink(self, interpreter: BaseInterpreter) -> VenvOutcome:
        owner = self.plan.account
        run_as(owner, lambda: relink(self.path, interpreter, self._checkpoint), self.options.timeout)
        try:
            proof = self._prove_in_place(interpreter, strict=False)
        except BaseException:
            run_as(owner, lambda: undo(self.path), self.options.timeout)
            raise
        run_as(owner, lambda: self._finish_relink(interpreter), self.options.timeout)
        packages = packages_of(self.path, interpreter.minor)
        return VenvOutcome(imports=proof.imports, packages=packages, foreign_scripts=proof.scripts)

    @property
    def _moved_from(self) -> str:
        return self.before.moved_from if self.before else ""

    def _rewrite(self, interpreter: BaseInterpreter, old: str) -> VenvOutcome:
        """Let the moved venv know its place, and prove it; all in the process of its owner, which undoes it."""

        def work() -> Proof:
            found: Proof = rewrite(self.path, old, lambda: self._prove(self.path, interpreter, strict=False))
            return found

        proof = Proof(*run_as(self.plan.account, work, _TOOLS * self.options.timeout))
        packages = packages_of(self.path, interpreter.minor)
        return VenvOutcome(imports=proof.imports, packages=packages, foreign_scripts=proof.scripts)

    def _finish_relink(self, interpreter: BaseInterpreter) -> None:
        record = read_record(self.path)
        if record:
            write_record(self.path, record._replace(interpreter=interpreter.path, minor=interpreter.minor))
        forget(self.path)


def _take_rights(new: str, before: Venv, account: Account) -> None:
    """Give the folder C(new) the mode and, where the owner stays, the group of the venv that it replaces."""
    descriptor = os.open(new, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if found.st_uid != account.uid:
            return
        if before.uid == account.uid and before.gid != found.st_gid:
            os.fchown(descriptor, -1, before.gid)
        os.fchmod(descriptor, int(before.mode, 8) | 0o700)
    finally:
        os.close(descriptor)


def _copy_file(source: str, target: str) -> None:
    if os.path.isfile(source) and not os.path.islink(source):
        write_durably(target, read_bytes(source), 0o644)


def _json_path(path: t.Optional[str]) -> t.Optional[str]:
    return json_text(path) if path else None
