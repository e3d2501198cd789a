# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The whole repair of one host: lock, finish what a killed run began, observe, find, plan, repair, observe, prove."""

import itertools
import os
import time
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._acquisition import Acquired, Staging
from ansible_collections.fleet.system_python.plugins.module_utils._audit import audit
from ansible_collections.fleet.system_python.plugins.module_utils._command import CommandRunner, run_command
from ansible_collections.fleet.system_python.plugins.module_utils._contract import Contract
from ansible_collections.fleet.system_python.plugins.module_utils._errors import ProofError, SystemPythonError
from ansible_collections.fleet.system_python.plugins.module_utils._evidence import boot_record, collect
from ansible_collections.fleet.system_python.plugins.module_utils._evidence_sources import stamp
from ansible_collections.fleet.system_python.plugins.module_utils._facts import safe, shape_facts, shape_findings
from ansible_collections.fleet.system_python.plugins.module_utils._files import remove_leftovers
from ansible_collections.fleet.system_python.plugins.module_utils._findings import Finding, Policy
from ansible_collections.fleet.system_python.plugins.module_utils._journal import Journal
from ansible_collections.fleet.system_python.plugins.module_utils._lock import DEFAULT_LOCK_PATH, RunLock
from ansible_collections.fleet.system_python.plugins.module_utils._observation import Observation
from ansible_collections.fleet.system_python.plugins.module_utils._plan import Action, describe, make_plan
from ansible_collections.fleet.system_python.plugins.module_utils._proof import prove
from ansible_collections.fleet.system_python.plugins.module_utils._quarantine import Quarantine, new_run_id
from ansible_collections.fleet.system_python.plugins.module_utils._repair import (
    Workshop,
    carry_out,
    fetch_packages,
    refuse_owned,
    require_possible,
    require_root,
)
from ansible_collections.fleet.system_python.plugins.module_utils._rpm import Rpm
from ansible_collections.fleet.system_python.plugins.module_utils._sources import SourceSettings, ladder
from ansible_collections.fleet.system_python.plugins.module_utils._transaction import Transaction

__all__ = ["STATE_FOLDER", "Intact", "Settings"]

STATE_FOLDER = "/var/lib/fleet.system_python"

# Folders in which a killed run may have left a half-made link or file.
_WORK_FOLDERS = ("/usr/bin", "/usr/libexec", "/etc/alternatives", "/etc/selinux", "/usr/lib64", "/usr/lib")


class Settings(t.NamedTuple):
    """What the user asked for; times are in seconds."""

    contract: Contract
    policy: Policy
    environ: t.Mapping[str, str]
    core_version: str = ""
    files: t.Tuple[str, ...] = ()
    use: t.Optional[t.Tuple[str, ...]] = None
    check_signatures: bool = True
    lock_timeout: float = 0.0
    timeout: float = 120.0
    fetch_timeout: float = 600.0
    state_folder: str = STATE_FOLDER
    lock_path: str = DEFAULT_LOCK_PATH
    # With the variables of os-release, what an incident report needs is returned as well.
    report: t.Optional[t.Mapping[str, str]] = None


class Intact:
    """C(state: intact): one run on this host. C(checkpoint) is called at every named step (a test may stop there)."""

    def __init__(
        self,
        settings: Settings,
        runner: CommandRunner = run_command,
        clock: t.Callable[[], float] = time.time,
        checkpoint: t.Callable[[str], None] = lambda _step: None,
    ) -> None:
        self.settings = settings
        self.runner = runner
        self.clock = clock
        self.checkpoint = checkpoint
        self.run_id = new_run_id(clock())
        # What the report needs, as far as the run came; an error does not take it away.
        self.report: t.Dict[str, t.Any] = {}
        self.rpm = Rpm(runner=runner, timeout=settings.timeout)
        self.journal = Journal(os.path.join(settings.state_folder, "journal.json"), checkpoint=checkpoint)
        self.quarantine = Quarantine(
            os.path.join(settings.state_folder, "quarantine"), self.run_id, clock=clock, checkpoint=checkpoint
        )

    def predict(self) -> t.Dict[str, t.Any]:
        """Return what a real run would find and do; nothing is written, not even the lock."""
        observation, findings = self._audit()
        self._note_before(observation, findings)
        plan = make_plan(findings)
        unfinished = self.journal.load() is not None
        result = self._result(observation, findings, plan, changed=bool(plan) or unfinished)
        left = [finding for finding in findings if not finding["repairable"]]
        result.update(healthy=not findings, findings_after=shape_findings(left))
        result["summary"] = summarize(result, predicted=True)
        return result

    def repair(self) -> t.Dict[str, t.Any]:
        """Repair this host and return what was found, done and proved. Raises SystemPythonError."""
        require_root()
        observation, findings = self._audit()
        self._note_before(observation, findings)
        if not make_plan(findings) and self.journal.load() is None:
            # A healthy host is not written to: no lock file, no folder.
            return self._proved(self._result(observation, findings, [], changed=False), findings)
        require_possible(make_plan(findings), self.settings.state_folder)
        with RunLock(self.settings.lock_path, timeout=self.settings.lock_timeout):
            return self._repair_locked()

    def _audit(self) -> t.Tuple[Observation, t.List[Finding]]:
        settings = self.settings
        return audit(
            settings.contract,
            settings.policy,
            environ=settings.environ,
            core_version=settings.core_version,
            timeout=settings.timeout,
            runner=self.runner,
        )

    def _repair_locked(self) -> t.Dict[str, t.Any]:
        finished = self._finish_killed_run()
        # Only now: what was seen before the lock was ours may have been another run's work in progress.
        observation, findings = self._audit()
        if finished:
            self._note_before(observation, findings)
        plan = make_plan(findings)
        require_possible(plan, self.settings.state_folder)
        refuse_owned(plan, self.rpm)
        with Staging() as staging:
            acquired = self._acquire(plan, observation, staging)
            done = self._carry_out(plan, acquired)
        if plan or finished:
            # Last of all: while there is a journal, the next run tidies up.
            self.journal.finish()
        after, remaining = self._audit()
        self._note_after(after, remaining)
        result = self._result(observation, findings, plan, changed=bool(plan) or finished)
        result.update(
            actions=[dict(action, result=safe(one)) for action, one in zip(result["plan"], done)],
            findings_after=shape_findings(remaining),
            sources=acquired.source_of if acquired else {},
            tried=acquired.tried if acquired else [],
            quarantine=self._quarantine_folder(),
        )
        return self._proved(result, remaining)

    def _finish_killed_run(self) -> bool:
        """Bring what a killed run left half done into a whole state; tell whether there was such a run."""
        record = self.journal.load()
        if record is None:
            return False
        self.quarantine.recover()
        edited = [os.path.dirname(action["path"]) for action in record.plan if action["action"] == "unset_variables"]
        remove_leftovers(sorted({*_WORK_FOLDERS, *edited}))
        self._transaction().remove_leftovers(self._packages_of(record.plan))
        return True

    def _quarantine_folder(self) -> t.Optional[str]:
        folder = os.path.join(self.quarantine.folder, self.run_id)
        return folder if os.path.isdir(folder) else None

    def _packages_of(self, plan: t.Iterable[Action]) -> t.List[str]:
        return [one["name"] for action in plan if action["action"] == "reinstall" for one in action["packages"]]

    def _acquire(self, plan: t.Sequence[Action], observation: Observation, staging: str) -> t.Optional[Acquired]:
        settings = SourceSettings(
            rpm=self.rpm,
            files=self.settings.files,
            manager_trusted=observation["manager"]["state"] == "works",
            timeout=self.settings.fetch_timeout,
            repositories_timeout=self.settings.fetch_timeout,
            runner=self.runner,
        )
        sources = ladder(settings, self.settings.use)
        acquired = fetch_packages(plan, sources, staging, self.rpm, self.settings.check_signatures)
        if acquired:
            taken = [path for action in plan for path in action.get("replaceable", [])]
            self._transaction().test(list(acquired.files.values()), replace_files=bool(taken), replaceable=taken)
        return acquired

    def _transaction(self) -> Transaction:
        return Transaction(self.rpm, self.runner, self.settings.check_signatures)

    def _carry_out(self, plan: t.Sequence[Action], acquired: t.Optional[Acquired]) -> t.List[t.Dict[str, t.Any]]:
        if not plan:
            return []
        workshop = Workshop(
            rpm=self.rpm,
            quarantine=self.quarantine,
            transaction=self._transaction(),
            package_files=list(acquired.files.values()) if acquired else [],
            runner=self.runner,
        )
        self.journal.begin(self.run_id, [safe(action) for action in plan])
        done = []
        for numbers in _stretches(plan):
            self.journal.running(*numbers)
            for number in numbers:
                self.checkpoint("before {0}".format(plan[number]["action"]))
                done.append(carry_out(plan[number], workshop))
                self.checkpoint("after {0}".format(plan[number]["action"]))
            self.journal.done(*numbers)
        return done

    def _result(
        self, observation: Observation, findings: t.Sequence[Finding], plan: t.Sequence[Action], changed: bool
    ) -> t.Dict[str, t.Any]:
        return {
            "changed": changed,
            "contract": self.settings.contract["id"],
            "findings": shape_findings(findings),
            "plan": [safe(dict(action, description=describe(action))) for action in plan],
            "diff": safe(_diff(findings, plan)),
            "packages": observation["packages"],
            **({"report": self.report} if self.settings.report is not None else {}),
        }

    def _note_before(self, observation: Observation, findings: t.Sequence[Finding]) -> None:
        """Keep for the report what the host is before anything is changed, and collect the evidence of it."""
        if self.settings.report is None:
            return
        self.report.update(
            run_id=self.run_id,
            started=stamp(self.clock()),
            boot=boot_record(),
            facts=shape_facts(observation, findings, self.settings.report),
        )
        if findings:
            self.report["evidence"] = collect(observation, findings, "before the repair", self.runner, self.clock)

    def _note_after(self, observation: Observation, findings: t.Sequence[Finding]) -> None:
        if self.settings.report is None:
            return
        self.report["facts_after"] = shape_facts(observation, findings, self.settings.report)
        runs = [run for run in self.quarantine.list_runs() if run["run_id"] == self.run_id]
        self.report["quarantine"] = [_kept_entry(entry) for run in runs for entry in run["entries"]]

    def _proved(self, result: t.Dict[str, t.Any], remaining: t.Sequence[Finding]) -> t.Dict[str, t.Any]:
        proven, proof = prove(self.settings.contract, remaining, self.runner)
        if self.settings.report is not None:
            self.report.update(proof=proof, proved=stamp(self.clock()))
        result.setdefault("findings_after", shape_findings(remaining))
        result["healthy"] = proven and not remaining
        result["proof"] = proof
        unrepaired = [finding for finding in remaining if finding["repairable"]]
        if result["changed"] and (unrepaired or not proven):
            raise _not_proven(unrepaired, proof, result)
        result["summary"] = summarize(result)
        return result


def _stretches(plan: t.Sequence[Action]) -> t.Iterator[t.List[int]]:
    """Yield the numbers of the actions that the journal notes together, in their order.

    A chmod -R leaves thousands of files to be set right. The journal, which has all of them, is not written for each.
    """
    for kind, actions in itertools.groupby(range(len(plan)), lambda number: plan[number]["action"]):
        numbers = list(actions)
        if kind == "set_metadata":
            yield numbers
        else:
            yield from ([number] for number in numbers)


def summarize(result: t.Mapping[str, t.Any], predicted: bool = False) -> t.List[str]:
    """Return the result as lines for people: what was wrong, what was done, what is left, what proves it."""
    lines = [_headline(result, predicted)]
    lines.extend(_paragraph("what was wrong", result["findings"], _finding_line))
    lines.extend(
        _paragraph(
            "what would be done" if predicted else "what was done", result["plan"], lambda one: one["description"]
        )
    )
    if result["plan"]:
        lines.extend(_paragraph("what is left", result["findings_after"], _finding_line))
    lines.extend(_paragraph("what proves it", result.get("proof", []), _proof_line))
    if result.get("quarantine"):
        lines.append("kept, with a way back: {0}".format(result["quarantine"]))
    return lines


def _headline(result: t.Mapping[str, t.Any], predicted: bool) -> str:
    if result["healthy"]:
        return "repaired, and proven" if result["changed"] else "healthy, nothing to do"
    if predicted and result["plan"]:
        return "would be repaired"
    return "repaired as far as it may be; the rest is left to you" if result["changed"] else "not healthy"


def _paragraph(
    title: str, entries: t.Sequence[t.Mapping[str, t.Any]], line: t.Callable[[t.Mapping[str, t.Any]], str]
) -> t.List[str]:
    return [title + ":"] + ["  " + line(entry) for entry in entries] if entries else []


def _finding_line(finding: t.Mapping[str, t.Any]) -> str:
    return "{0} {1}: {2}".format(finding["id"], finding["name"], finding["summary"])


def _proof_line(proof: t.Mapping[str, t.Any]) -> str:
    return "{0}: {1}{2}".format(proof["command"] or "nothing", "" if proof["ok"] else "FAILED: ", proof["output"])


def _not_proven(
    unrepaired: t.Sequence[Finding], proof: t.Sequence[t.Mapping[str, t.Any]], result: t.Mapping[str, t.Any]
) -> SystemPythonError:
    failed = ["{0}: {1}".format(one["command"] or "the proof", one["output"]) for one in proof if not one["ok"]]
    reasons = [finding["summary"] for finding in unrepaired] + failed
    return ProofError(
        "The repair was carried out, but the host is not proven healthy: {0}. What was moved is in the quarantine "
        "folder {1}.".format("; ".join(reasons), result.get("quarantine")),
        findings=shape_findings(unrepaired),
        proof=list(proof),
        actions=result.get("actions", []),
        quarantine=result.get("quarantine"),
    )


def _kept_entry(record: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    shaped = {key: record.get(key) for key in ("path", "kind", "action", "finding", "sha256", "size")}
    kept: t.Dict[str, t.Any] = safe(shaped)
    return kept


def _diff(findings: t.Sequence[Finding], plan: t.Sequence[Action]) -> t.Dict[str, str]:
    """Return the diff that Ansible shows: what is not as promised, and what is done about it."""
    if not plan:
        return {"before": "", "after": ""}
    before = ["{0} {1}: {2}".format(one["id"], one["name"], one["summary"]) for one in findings if one["repairable"]]
    return {
        "before_header": "findings",
        "after_header": "plan",
        "before": "\n".join(before) + "\n",
        "after": "\n".join(describe(action) for action in plan) + "\n",
    }
