# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""First aid as a whole: probe, plan, bring back, probe again; what the action plugin does, without Ansible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...module_utils._audit.contract import Contract
from ...module_utils._audit.waivers import Waiver
from ...module_utils._base.errors import (
    AcquisitionError,
    DatabaseError,
    SignatureError,
    SystemPythonError,
    changing_nothing,
)
from ...module_utils._base.text import printable
from ...module_utils._disk.host_mode import PACKAGES, refusal
from ...module_utils._rpm.triggers import blamed
from ...module_utils._rpm.trouble import DEAD, trouble_of
from .acquire import AidOptions
from .core import Supported
from .errors import (
    ChangedMeanwhileError,
    NotProvenError,
    NoUsableVersionError,
    PreviousError,
    StagingGoneError,
)
from .lend import Lender, needed_files
from .look import Look
from .plan import Target, plan_targets
from .probe import Probe
from .records import Borrowed, BroughtBack, RecoveryPlan, borrowed_from
from .recovery import Recovery, install_named, remove_leftovers, require_root, settle_database, triggers_on
from .remote import Remote
from .report import brought_back_text, diff_of, prediction_text, summary_of
from .script import Answer
from .seen import evidence_settings

__all__ = ["FirstAid", "FirstAidRequest", "request_of"]

# Another run may finish under our hands; then the host is looked at again.
_ATTEMPTS = 3
# Minutes after which a folder in which nothing happens is that of a killed run.
_ABANDONED = 60


@dataclass(frozen=True)
class FirstAidRequest:
    """What the task asks for. C(contract) is the user's own, C(install) a package to install where all else fails.

    C(packages) and C(needed_files) are what another host needs; what C(waivers) accept stays.
    """

    supported: Supported
    contract: Contract | None = None
    options: AidOptions = field(default_factory=AidOptions)
    install: str | None = None
    may_borrow: bool = False
    packages: Sequence[str] = ()
    needed_files: Sequence[str] = ()
    waivers: Sequence[Waiver] = ()
    check_mode: bool = False
    diff: bool = False


def request_of(
    arguments: Mapping[str, Any], supported: Supported, private: Path, check_mode: bool = False, diff: bool = False
) -> FirstAidRequest:
    """Return the request of the action's C(arguments), whose files were found on the controller.

    C(private) is the folder of the controller that has what was lent in this run.
    """
    return FirstAidRequest(
        supported=supported,
        contract=arguments["contract"] or None,
        options=AidOptions(
            files=tuple(Path(path) for path in arguments["files"]),
            host_files=tuple(arguments["host_files"]),
            borrowed=borrowed_from(arguments["borrowed"], private),
            sources=tuple(arguments["sources"]),
            check_signatures=arguments["check_signatures"],
            lock_timeout=arguments["lock_timeout"],
        ),
        install=arguments["install"] or None,
        may_borrow=arguments["may_borrow"],
        packages=arguments["packages"],
        needed_files=arguments["needed_files"],
        waivers=arguments.get("exceptions", ()),
        check_mode=check_mode,
        diff=diff,
    )


class FirstAid:
    """One host. Writes into C(result), so that what is known is there even when it ends with an error."""

    def __init__(self, host: Remote, request: FirstAidRequest, result: dict[str, object]) -> None:
        self._host = host
        self._request = request
        self._result = result
        self._look = Look(host, request.supported, request.contract, result)

    def lend(self, folder: Path) -> None:
        """Bring what another host needs to the controller, into C(folder)."""
        lender = Lender(self._host, self._request.options, folder, self._request.contract)
        with changing_nothing():
            self._result["lent"] = lender.run(self._request.packages, self._request.needed_files)

    def run(self) -> None:
        """Find a trusted interpreter, or bring one back. Raises a SystemPythonError when neither is possible."""
        self._look.begin()
        self._result["tried"] = []
        for attempt in range(1, _ATTEMPTS + 1):
            probe = self._probe_settled()
            try:
                if not probe.trusted:
                    self._recover(probe)
                return
            except (ChangedMeanwhileError, StagingGoneError):
                if attempt == _ATTEMPTS:
                    raise
            finally:
                self._tidy_up(probe)

    def _recover(self, probe: Probe) -> None:
        try:
            targets = self._targets(probe)
        except NoUsableVersionError:
            if not self._request.install:
                raise
            self._install(probe, self._request.install)
            return
        require_root(probe)
        _require_mutable(probe, [f"{one.name}={one.evr}" for one in targets[0].wanted])
        ways = Target(targets[0].minor, targets[0].binary, ways=targets[0].ways)
        if targets[0] == ways or not ways.ways or self._request.check_mode:
            self._bring_back(probe, targets)
        else:
            self._close_first(probe, ways)

    def _targets(self, probe: Probe) -> list[Target]:
        return plan_targets(probe, self._request.supported, self._request.waivers)

    def _close_first(self, before: Probe, ways: Target) -> None:
        """Close the ways, so that nobody can exchange any more what is then run, and go on from there."""
        _target, closed = Recovery(self._host, self._request.options).run([ways])
        self._result.update(changed=True, brought_back=closed)
        try:
            probe = self._look.probe()
            if probe.trusted:
                self._report(before, ways.as_plan(), closed, probe)
            else:
                self._bring_back(before, self._targets(probe), closed["closed"])
        except SystemPythonError as error:
            error.changed_nothing = False
            raise

    def _install(self, probe: Probe, package: str) -> None:
        plan: RecoveryPlan = RecoveryPlan(version=None, packages=[package], move_aside=[], close=[])
        require_root(probe)
        _require_mutable(probe, [package])
        if self._request.check_mode:
            self._predict(plan)
            return
        source = {package: install_named(self._host, package, self._request.options)}
        self._prove(probe, plan, {"version": None, "packages": [package], "source": source, "quarantine": ""})

    def _bring_back(self, probe: Probe, targets: Sequence[Target], closed: Sequence[str] = ()) -> None:
        recovery = Recovery(self._host, self._request.options, predicts=self._request.check_mode)
        try:
            target, brought_back = recovery.run(targets)
        except (AcquisitionError, SignatureError) as error:
            if self._request.check_mode and targets[0].ways:
                # A package manager that others could have exchanged is not asked before the way to it is closed.
                self._predict(targets[0].as_plan())
                return
            if not self._request.may_borrow:
                raise _with_previous(error, self._request.options.borrowed) from error
            self._ask_others(targets[0], error)
            return
        finally:
            self._result["tried"] = recovery.tried
        if self._request.check_mode:
            self._predict(target.as_plan())
            return
        self._prove(probe, target.as_plan(), {**brought_back, "closed": [*closed, *brought_back.get("closed", [])]})

    def _ask_others(self, target: Target, error: SystemPythonError) -> None:
        self._result["needs"] = {
            "packages": target.nevras,
            "files": sorted({one["sha256"] for one in needed_files(self._host, target.wanted)}),
            "error": error.as_dict(),
        }
        self._result["summary"] = f"{error.message} Another host of the play may be able to lend it."

    def _prove(self, before: Probe, plan: RecoveryPlan, brought_back: BroughtBack) -> None:
        """Look again, and report what was brought back with what was rejected before that."""
        self._result.update(changed=True, brought_back=brought_back)
        probe = self._look.probe()
        if probe.trusted is None:
            packages = ", ".join(brought_back["packages"])
            what = f"{packages} installed again" if packages else "What stood against it is moved aside, or set right"
            triggers = triggers_on(self._host, brought_back["packages"], probe)
            raise NotProvenError(
                f"{what}, but still no interpreter is trusted: {probe.reasons}.{blamed(triggers)}",
                rejected=probe.rejected(),
                triggers=[printable(str(one)) for one in triggers],
            )
        self._report(before, plan, brought_back, probe)

    def _report(self, before: Probe, plan: RecoveryPlan, brought_back: BroughtBack, after: Probe) -> None:
        self._result["rejected"] = before.rejected()
        if after.trusted:
            self._result["summary"] = f"{brought_back_text(brought_back)} {summary_of(after, after.trusted)}"
        self._add_diff(plan)

    def _predict(self, plan: RecoveryPlan) -> None:
        self._result.update(
            changed=True,
            plan={**plan, "sources": list(self._request.options.sources)},
            summary=prediction_text(plan),
        )
        self._add_diff(plan)

    def _add_diff(self, plan: RecoveryPlan) -> None:
        if self._request.diff:
            self._result["diff"] = diff_of(plan)

    def _tidy_up(self, probe: Probe) -> None:
        """Remove the folders of killed runs, which changes nothing that anybody would miss."""
        if not probe.leftovers or not probe.is_root or self._request.check_mode:
            return
        # Another run that is at work begins anew where it finds a trusted interpreter; else it needs its folder.
        minutes = 0 if self._result["interpreter"] else _ABANDONED
        self._result["removed"] = remove_leftovers(self._host, probe.leftovers, minutes)

    def _probe_settled(self) -> Probe:
        """Probe; where a killed rpm left its database as it had it in use, after that is settled."""
        try:
            with changing_nothing():
                return self._probe_keeping_evidence()
        except DatabaseError as error:
            if self._request.check_mode or trouble_of(str(error.details.get("output"))) is not DEAD:
                raise
            with changing_nothing():
                folder = settle_database(self._host, self._request.options)
            if not folder:
                raise
        self._result.update(changed=True, database_settled=folder)
        return self._probe_keeping_evidence()

    def _probe_keeping_evidence(self) -> Probe:
        return self._look.probe(evidence_settings(self._request.contract), self._keep_incident)

    def _keep_incident(self, answer: Answer, contract: Contract, probe: Probe) -> None:
        """Keep what the host is before it is changed. What cannot be read costs the report, never the host."""
        # Few hosts need it, and it brings half of the modules' code with it, which is compiled at each start.
        from .incident import incident_of  # noqa: PLC0415

        try:
            incident = incident_of(answer, contract, probe.os_release, probe.mode)
        except (SystemPythonError, OSError, ValueError, LookupError, TypeError) as error:
            self._result["incident_error"] = printable(f"{type(error).__name__}: {error}")
        else:
            self._result.update({"incident": incident} if incident else {})


def _require_mutable(probe: Probe, packages: Sequence[str]) -> None:
    """Raise ImmutableHostError where packages are not put in place on the running host."""
    if probe.mode.kind != PACKAGES:
        raise refusal(probe.mode, packages=packages)


def _with_previous(error: SystemPythonError, borrowed: Borrowed | None) -> SystemPythonError:
    """Return the error of the attempt before borrowing, with what borrowing brought; C(error) where there was none."""
    if not borrowed or not borrowed.error or borrowed.packages or borrowed.content:
        return error
    story = "; ".join(borrowed.lenders or ["no other host of the play could be asked"])
    return PreviousError(borrowed.error, f"Borrowing: {story}.", error.changed_nothing)
