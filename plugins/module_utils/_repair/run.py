# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The whole repair of one host: finish what a killed run began, observe, find, plan, repair, observe, prove."""

import itertools
import os
import time
import typing as t

from .._audit.contract import Contract
from .._audit.facts import healthy, shape_accepted, shape_findings
from .._audit.findings import Finding, Policy, named_files
from .._audit.records import Observation
from .._audit.run import audit
from .._base.clock import new_run_id
from .._base.command import CommandRunner, run_command
from .._base.errors import SystemPythonError, changing_nothing
from .._base.privilege import require_root
from .._base.run import Run
from .._base.text import safe
from .._disk.atomic import remove_leftovers
from .._disk.hidden import Checkpoint, no_checkpoint
from .._disk.journal import Journal
from .._disk.kept import STATE_FOLDER
from .._disk.lock import DEFAULT_LOCK_PATH, RunLock
from .._disk.quarantine import Quarantine
from .._disk.root import HOST, Root
from .._packages.acquisition import Acquired, Staging
from .._packages.transaction import Transaction
from .._rpm.database import Rpm
from .._rpm.triggers import Trigger, triggers_of
from .._usage.importers import tell_importers
from .effects import require_agreement
from .neighbours import Neighbours
from .notes import RepairNotes
from .packages import PackageOptions, bring
from .plan import RepairStep, make_plan
from .possible import changes_of, refuse_owned, require_possible, wanted_packages
from .proof import ProofLine, failures, prove
from .result import RepairResult, diff_of, not_proven, shown_plan, summarize
from .steps import StepResult, Workshop, carry_out

__all__ = ["Repair", "RepairSettings"]


class RepairSettings(t.NamedTuple):
    """What the user asked for; times are in seconds."""

    contract: Contract
    policy: Policy
    environ: t.Mapping[str, str]
    core_version: str = ""
    packages: PackageOptions = PackageOptions()
    lock_timeout: float = 0.0
    timeout: float = 120.0
    state_folder: str = STATE_FOLDER
    lock_path: str = DEFAULT_LOCK_PATH
    root: Root = HOST
    # With the variables of os-release, what an incident report needs is returned as well.
    report: t.Optional[t.Mapping[str, str]] = None
    # Although nothing is found, too.
    report_always: bool = False


class Audited(t.NamedTuple):
    """What the host is, and what is not as promised."""

    observation: Observation
    findings: t.List[Finding]


class Repair(Run[Audited, t.List[RepairStep], RepairResult]):
    """C(state: intact): one run on this host. C(checkpoint) is called at every named step (a test may stop there)."""

    def __init__(
        self,
        settings: RepairSettings,
        runner: CommandRunner = run_command,
        clock: t.Callable[[], float] = time.time,
        checkpoint: Checkpoint = no_checkpoint,
    ) -> None:
        self.settings = settings
        self.runner = runner
        self.checkpoint = checkpoint
        self.notes = RepairNotes(settings.report, runner, clock, settings.report_always)
        self.root = settings.root
        self.rpm = Rpm(runner=runner, timeout=settings.timeout)
        self.transaction = Transaction(self.rpm, runner, settings.packages.check_signatures)
        self.state_folder = self.root.place(self.root.realpath(settings.state_folder))
        self.journal = Journal(os.path.join(self.state_folder, "journal.json"), checkpoint=checkpoint)
        kept, run_id = os.path.join(self.state_folder, "quarantine"), new_run_id(clock())
        self.quarantine = Quarantine(kept, run_id, clock=clock, checkpoint=checkpoint, root=self.root)

    def result(self, check_mode: bool) -> RepairResult:
        """See Run. An error returns the report as far as it came."""
        try:
            return super().result(check_mode)
        except SystemPythonError as error:
            if self.settings.report is not None:
                error.returned["report"] = self.notes.content
            raise

    # --- looking and planning

    def _require_rights(self) -> None:
        require_root("repair the system Python")

    def _look(self) -> Audited:
        audited = self._audit("if_needed")
        if not self.notes.content:
            self.notes.before(self.quarantine.run_id, *audited)
        return audited

    def _audit(self, check_manager: str = "always") -> Audited:
        settings = self.settings
        audited = Audited(
            *audit(
                settings.contract,
                settings.policy,
                environ=settings.environ,
                core_version=settings.core_version,
                timeout=settings.timeout,
                check_manager=check_manager,
                runner=self.runner,
                root=self.root,
                offline=None if self.root.is_host else self.rpm,
            )
        )
        if self.root.is_host:
            tell_importers(settings.contract, audited.findings)
        return audited

    def _plan(self, seen: Audited) -> t.List[RepairStep]:
        plan = make_plan(seen.findings)
        require_agreement(plan, self.root.canonical)
        return plan

    def _predicted(self, seen: Audited, plan: t.List[RepairStep]) -> RepairResult:
        result = self._result(seen, plan, changed=bool(plan) or self.journal.load() is not None)
        self._require_possible(plan)
        if plan:
            with Staging() as staging:
                self._acquire(plan, seen.observation, staging)
        left = [finding for finding in seen.findings if not finding["repairable"]]
        # What a killed run left is to be finished, also where nothing else is wrong.
        result["healthy"] = healthy(seen.findings) and not result["changed"]
        result["findings_after"] = shape_findings(left)
        result["summary"] = summarize(result, predicted=True)
        return result

    def _settled(self, seen: Audited, plan: t.List[RepairStep]) -> t.Optional[RepairResult]:
        if not plan and self.journal.load() is None:
            # A healthy host is not written to: no lock file, no folder.
            return self._proved(self._result(seen, plan, changed=False), seen.findings)
        self._require_possible(plan)
        return None

    def _require_possible(self, plan: t.List[RepairStep]) -> None:
        if plan:
            require_possible(plan, self.state_folder, self.transaction, self.root)
            refuse_owned(plan, self.rpm, self.root)

    # --- under the lock

    def _lock(self) -> RunLock:
        return RunLock(self.settings.lock_path, timeout=self.settings.lock_timeout)

    def _finish_killed_run(self) -> bool:
        with changing_nothing():
            record = self.journal.load()
        if record is None:
            return False
        # Plans of this collection are all that a journal holds.
        plan = t.cast(t.List[RepairStep], record.plan)
        self.quarantine.recover()
        changed = changes_of(plan, self.state_folder, self.root).replaced
        remove_leftovers(sorted({os.path.dirname(path) for path in changed}))
        self.transaction.remove_leftovers(_reinstalled(plan))
        # The next look is another one.
        self.notes.content.clear()
        return True

    def _act(self, seen: Audited, plan: t.List[RepairStep]) -> RepairResult:
        changed = bool(plan) or self.finished_killed_run
        with changing_nothing():
            self._require_possible(plan)
        with Staging() as staging:
            with changing_nothing():
                acquired = self._acquire(plan, seen.observation, staging)
                neighbours = self._neighbours(seen, plan)
            done = self._carry_out(plan, acquired)
        if changed:
            # Last of all: while there is a journal, the next run tidies up.
            self.journal.finish()
        after = self._audit()
        self.notes.after(self.quarantine, *after)
        result = self._result(seen, plan, changed)
        result["actions"] = shown_plan(plan)
        for step, did in zip(result["actions"], done):
            step["result"] = safe(did)
        result["findings_after"] = shape_findings(after.findings)
        result["sources"] = acquired.source_of if acquired else {}
        result["tried"] = acquired.tried if acquired else []
        result["quarantine"] = self.quarantine.kept_in
        return self._proved(result, after.findings, neighbours)

    def _neighbours(self, seen: Audited, plan: t.List[RepairStep]) -> t.Optional[Neighbours]:
        # Those that the audit verifies have findings.
        own = seen.observation["evr"]
        return Neighbours(plan, own, self.rpm, self.state_folder) if plan else None

    def _acquire(self, plan: t.List[RepairStep], observation: Observation, staging: str) -> t.Optional[Acquired]:
        """Bring the plan's packages. A prediction does it, too: nothing else tells whether they can be had."""
        wanted = wanted_packages(plan, self.rpm)
        if not wanted:
            return None
        trusted = observation["manager"]["state"] == "works"
        return bring(wanted, staging, self.settings.packages, self.rpm, trusted, self.runner)

    def _carry_out(self, plan: t.List[RepairStep], acquired: t.Optional[Acquired]) -> t.List[StepResult]:
        if not plan:
            return []
        files = list(acquired.files.values()) if acquired else []
        packages = list(acquired.packages.values()) if acquired else []
        workshop = Workshop(self.quarantine, self.transaction, files, packages, self.runner, self.root)
        self.journal.begin(self.quarantine.run_id, [safe(dict(step)) for step in plan])
        done = []
        for numbers in _noted_together(plan):
            self.journal.running(*numbers)
            for number in numbers:
                self.checkpoint("before {0}".format(plan[number]["action"]))
                done.append(carry_out(plan[number], workshop))
                self.checkpoint("after {0}".format(plan[number]["action"]))
            self.journal.done(*numbers)
        return done

    # --- the result

    def _result(self, seen: Audited, plan: t.List[RepairStep], changed: bool) -> RepairResult:
        result = RepairResult(
            changed=changed,
            contract=self.settings.contract["id"],
            findings=shape_findings(seen.findings),
            findings_after=shape_findings(seen.findings),
            accepted=shape_accepted(seen.findings),
            plan=shown_plan(plan),
            diff=diff_of(seen.findings, plan),
            packages=seen.observation["packages"],
            healthy=False,
            summary=[],
        )
        if self.settings.report is not None:
            result["report"] = self.notes.content
        return result

    def _proved(
        self, result: RepairResult, remaining: t.Sequence[Finding], neighbours: t.Optional[Neighbours] = None
    ) -> RepairResult:
        proven, proof = self._prove(remaining)
        remaining = [*remaining, *failures(proof, remaining)]
        result["findings_after"], result["accepted"] = shape_findings(remaining), shape_accepted(remaining)
        if neighbours:
            proof.append(neighbours.judged())
            proven = proven and proof[-1]["ok"]
        self.notes.proved(proof)
        result["healthy"] = proven and healthy(remaining)
        result["proof"] = proof
        unrepaired = [finding for finding in remaining if finding["repairable"]]
        if result["changed"] and (unrepaired or not proven):
            raise not_proven(shape_findings(unrepaired), result, self._triggers(result["plan"], unrepaired))
        result["summary"] = summarize(result)
        return result

    def _prove(self, remaining: t.Sequence[Finding]) -> t.Tuple[bool, t.List[ProofLine]]:
        return prove(self.settings.contract, remaining, self.runner)

    def _triggers(self, plan: t.Sequence[RepairStep], unrepaired: t.Sequence[Finding]) -> t.List[Trigger]:
        """Return what ran with the reinstallation and may have undone it."""
        names = _reinstalled(plan)
        if not names or not unrepaired:
            return []
        return triggers_of(self.rpm, names, [path for finding in unrepaired for path in named_files(finding)])


def _reinstalled(plan: t.Iterable[RepairStep]) -> t.List[str]:
    """Return the names of the packages that C(plan) reinstalls."""
    return [one["name"] for step in plan if step["action"] == "reinstall" for one in step["packages"]]


def _noted_together(plan: t.Sequence[RepairStep]) -> t.Iterator[t.List[int]]:
    """Yield the numbers of the steps that the journal notes together, in their order.

    A chmod -R leaves thousands of files to be set right. The journal, which has all of them, is not written for each.
    """
    for kind, steps in itertools.groupby(range(len(plan)), lambda number: plan[number]["action"]):
        numbers = list(steps)
        if kind == "set_metadata":
            yield numbers
        else:
            yield from ([number] for number in numbers)
