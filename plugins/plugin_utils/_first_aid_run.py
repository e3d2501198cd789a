# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""First aid as a whole: probe, plan, bring back, probe again; what the action plugin does, without Ansible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.fleet.system_python.plugins.module_utils._contract import CONTRACTS, Contract, contract_for
from ansible_collections.fleet.system_python.plugins.module_utils._errors import (
    AcquisitionError,
    SignatureError,
    SystemPythonError,
)
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_acquire import AidOptions, BorrowedContent
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_core import Supported
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_errors import (
    ChangedMeanwhileError,
    NoInterpreterError,
    NotProvenError,
    NoUsableVersionError,
    PreviousError,
    StagingGoneError,
)
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_lend import Lender, needed_files
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_plan import Target, plan_targets
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_probe import (
    PARTS,
    Probe,
    is_without_rpm,
    probe_settings,
    read_probe,
)
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_recovery import (
    Recovery,
    install_named,
    remove_leftovers,
    require_root,
)
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_remote import Remote
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_report import (
    brought_back_text,
    describe,
    diff_of,
    prediction_text,
)
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_script import Answer

__all__ = ["FirstAid", "Request"]

# Another run may finish under our hands; then the host is looked at again.
_ATTEMPTS = 3


@dataclass(frozen=True)
class Request:
    """What the task asks for; C(arguments) are the action's, the files found on the controller."""

    supported: Supported
    arguments: Mapping[str, Any]
    check_mode: bool = False
    diff: bool = False

    @property
    def contract(self) -> Contract | None:
        """Return the user's own contract, or None."""
        contract: Contract | None = self.arguments["contract"]
        return contract or None

    @property
    def borrowed(self) -> Mapping[str, Any]:
        """Return what other hosts lent."""
        return self.arguments["borrowed"] or {}

    def options(self) -> AidOptions:
        """Return the settings of the ladder."""
        content = self.borrowed.get("content")
        return AidOptions(
            files=tuple(self.arguments["files"]),
            host_files=tuple(self.arguments["host_files"]),
            borrowed=tuple(Path(path) for path in (self.borrowed.get("packages") or {}).values()),
            borrowed_content=BorrowedContent(Path(content["blob"]), Path(content["index"])) if content else None,
            sources=("borrowed",) if self.borrowed else tuple(self.arguments["sources"]),
            check_signatures=self.arguments["check_signatures"],
            lock_timeout=self.arguments["lock_timeout"],
        )


class FirstAid:
    """One host. Writes into C(result), so that what is known is there even when it ends with an error."""

    def __init__(self, host: Remote, request: Request, result: dict[str, Any]) -> None:
        self._host = host
        self._request = request
        self._result = result

    def lend(self, folder: Path) -> None:
        """Bring what another host needs to the controller, into C(folder)."""
        lender = Lender(self._host, self._request.options(), folder)
        arguments = self._request.arguments
        self._result["lent"] = lender.run(arguments["packages"], arguments["needed_files"])

    def look(self) -> Probe:
        """Look for a trusted interpreter and change nothing. Raises NoInterpreterError when none is left."""
        self._result.update(interpreter=None, rejected=[], hazards=[])
        probe = self._probe()
        self._describe(probe)
        self._require_trusted(probe)
        return probe

    def look_anywhere(self) -> Probe | None:
        """As C(look), on every POSIX system: the release needs no contract, and None means that there is no rpm.

        Then nothing can vouch for an interpreter, and the result says so in C(trusted_by).
        """
        self._result.update(interpreter=None, rejected=[], hazards=[])
        supported, override = self._request.supported, self._request.contract
        answer = self._host.ask(PARTS, probe_settings(supported, CONTRACTS, override))
        if is_without_rpm(answer):
            self._result.update(trusted_by="nothing")
            return None
        probe = self._judge(answer)
        describe(probe, self._result)
        self._require_trusted(probe)
        return probe

    def _require_trusted(self, probe: Probe) -> None:
        if not probe.trusted:
            raise NoInterpreterError(
                "No Python of this host can be trusted, so no module was run: {}. Run the role python_first_aid, which "
                "brings one back.".format("; ".join(f"{one['path']}: {one['reason']}" for one in probe.rejected())),
                rejected=probe.rejected(),
            )

    def run(self) -> None:
        """Find a trusted interpreter, or bring one back. Raises a SystemPythonError when neither is possible."""
        self._result.update(interpreter=None, rejected=[], hazards=[], tried=[])
        for attempt in range(1, _ATTEMPTS + 1):
            probe = self._probe()
            self._describe(probe)
            if probe.trusted:
                self._tidy_up(probe)
                return
            try:
                self._help(probe)
                return
            except (ChangedMeanwhileError, StagingGoneError):
                if attempt == _ATTEMPTS:
                    raise

    def _help(self, probe: Probe) -> None:
        try:
            targets = plan_targets(probe, self._request.supported)
        except NoUsableVersionError:
            if not self._request.arguments["install"]:
                raise
            self._install(probe, self._request.arguments["install"])
            return
        if self._request.check_mode:
            self._predict(targets[0].as_plan())
            return
        require_root(probe)
        self._bring_back(targets)

    def _install(self, probe: Probe, package: str) -> None:
        plan = {"version": None, "packages": [package], "move_aside": []}
        if self._request.check_mode:
            self._predict(plan)
            return
        require_root(probe)
        source = install_named(self._host, package, self._request.options())
        self._result.update(
            changed=True,
            brought_back={"version": None, "packages": [package], "source": {package: source}, "quarantine": ""},
        )
        self._prove([package])
        self._add_diff(plan)

    def _bring_back(self, targets: Sequence[Target]) -> None:
        recovery = Recovery(self._host, self._request.options())
        try:
            brought_back = recovery.run(targets)
        except (AcquisitionError, SignatureError) as error:
            if not self._request.arguments["may_borrow"]:
                raise _with_previous(error, self._request.borrowed) from error
            self._ask_others(targets[0], error)
            return
        finally:
            self._result["tried"] = recovery.tried
        self._result.update(changed=True, brought_back=brought_back.as_dict())
        self._prove([one.nevra for one in brought_back.target.wanted])
        self._add_diff(brought_back.target.as_plan())

    def _ask_others(self, target: Target, error: SystemPythonError) -> None:
        self._result["needs"] = {
            "packages": [one.nevra for one in target.wanted],
            "files": needed_files(self._host, target.wanted),
            "error": error.as_dict(),
        }
        self._result["summary"] = f"{error.message} Another host of the play may be able to lend it."

    def _prove(self, packages: Sequence[str]) -> None:
        before = self._result["rejected"]
        probe = self._probe()
        self._describe(probe)
        if probe.trusted is None:
            reasons = "; ".join(f"{one['path']}: {one['reason']}" for one in probe.rejected())
            what = f"{', '.join(packages)} installed again" if packages else "What was in the way is moved aside"
            raise NotProvenError(f"{what}, but still no interpreter is trusted: {reasons}.", rejected=probe.rejected())
        self._result["rejected"] = before
        self._result["summary"] = f"{brought_back_text(self._result['brought_back'])} {self._result['summary']}"

    def _predict(self, plan: Mapping[str, Any]) -> None:
        self._result.update(
            changed=True,
            plan={**plan, "sources": list(self._request.arguments["sources"])},
            summary=prediction_text(plan),
        )
        self._add_diff(plan)

    def _add_diff(self, plan: Mapping[str, Any]) -> None:
        if self._request.diff:
            self._result["diff"] = diff_of(plan)

    def _tidy_up(self, probe: Probe) -> None:
        if not probe.leftovers or not probe.is_root:
            return
        self._result.update(changed=True, removed=list(probe.leftovers))
        if not self._request.check_mode:
            remove_leftovers(self._host, probe)

    def _probe(self) -> Probe:
        supported = self._request.supported
        return self._judge(self._host.ask(PARTS, probe_settings(supported, CONTRACTS, self._request.contract)))

    def _judge(self, first: Answer) -> Probe:
        supported, override = self._request.supported, self._request.contract
        probe = read_probe(first, supported)
        accepted = probe.doubtful
        # A runtime is second to what rpm knows, even where that costs another look.
        if not accepted or (probe.trusted and not probe.trusted.runtime):
            return probe
        answer = self._host.ask(PARTS, probe_settings(supported, CONTRACTS, override, accepted))
        again = read_probe(answer, supported, accepted)
        if again.trusted is None:
            return probe
        again.candidates = [other for other in probe.candidates if other.path != accepted.path] + again.candidates
        return again

    def _describe(self, probe: Probe) -> None:
        describe(probe, self._result)
        self._result["os"]["contract"] = contract_for(probe.os_release, self._request.contract)["id"]


def _with_previous(error: SystemPythonError, borrowed: Mapping[str, Any]) -> SystemPythonError:
    """Return the error of the attempt before borrowing, with what borrowing brought; C(error) where there was none."""
    previous = borrowed.get("error")
    if not previous or borrowed.get("packages") or borrowed.get("content"):
        return error
    story = "; ".join(str(line) for line in borrowed.get("lenders") or ["no other host of the play could be asked"])
    return PreviousError(previous["kind"], f"{previous['message']} Borrowing: {story}.", previous.get("details") or {})
