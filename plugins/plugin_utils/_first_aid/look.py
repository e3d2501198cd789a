# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""A look at a host: which interpreter is trusted there. Nothing is changed."""

from __future__ import annotations

from collections.abc import Callable

from ...module_utils._audit.contract import Contract, contract_for
from ...module_utils._base.errors import NotApplicableError
from ...module_utils._base.text import printable
from ...module_utils._disk.os_release import parse_os_release
from .core import Supported
from .errors import NoInterpreterError
from .probe import PARTS, Probe, is_without_rpm, probe_settings, read_probe
from .remote import Remote
from .report import describe, release_of
from .script import Answer, Settings

__all__ = ["Look"]

Keep = Callable[[Answer, Contract, Probe], None]


class Look:
    """One host. Writes into C(result), so that what is known is there even when it ends with an error.

    C(contract) is the user's own, or some keys of one.
    """

    def __init__(
        self, host: Remote, supported: Supported, contract: Contract | None, result: dict[str, object]
    ) -> None:
        self._host = host
        self._supported = supported
        self._contract = contract
        self._result = result

    def look(self) -> Probe:
        """Look for a trusted interpreter. Raises NoInterpreterError when none is left."""
        self.begin()
        probe = self.probe()
        _require_trusted(probe)
        return probe

    def look_anywhere(self) -> Probe | None:
        """As C(look), on every POSIX system: the release needs no contract, and None means that there is no rpm.

        Then nothing can vouch for an interpreter, and the result says so in C(trusted_by).
        """
        self.begin()
        answer = self._ask()
        if is_without_rpm(answer):
            self._result.update(trusted_by="nothing")
            return None
        probe = self._read_answer(answer)
        describe(probe, self._result)
        _require_trusted(probe)
        return probe

    def begin(self) -> None:
        """Say that nothing is known yet."""
        self._result.update(interpreter=None, isolated_interpreter=None, rejected=[], hazards=[])

    def probe(self, more: Settings | None = None, keep: Keep | None = None) -> Probe:
        """Ask the host and describe it.

        Raises NotApplicableError where no package is rpm's, UnknownPlatformError for a release without a contract.
        The scripts get C(more) settings, and C(keep) their answer where no interpreter is trusted.
        """
        answer = self._ask(more)
        if not self._contract:
            _require_rpm(answer)
        probe = self._read_answer(answer)
        describe(probe, self._result)
        contract = contract_for(probe.os_release, self._contract)
        self._result["os"] = {**release_of(probe), "contract": contract["id"]}
        if keep and not probe.trusted:
            keep(answer, contract, probe)
        return probe

    def _ask(self, more: Settings | None = None) -> Answer:
        return self._host.ask(PARTS, {**probe_settings(self._supported, self._contract), **(more or {})})

    def _read_answer(self, first: Answer) -> Probe:
        probe = read_probe(first, self._supported)
        accepted = probe.doubtful
        # A runtime is second to what rpm knows, even where that costs another look.
        if not accepted or (probe.trusted and not probe.trusted.runtime):
            return probe
        answer = self._host.ask(PARTS, probe_settings(self._supported, self._contract, accepted))
        second = read_probe(answer, self._supported, accepted)
        if second.trusted is None:
            return probe
        second.candidates = [other for other in probe.candidates if other.path != accepted.path] + second.candidates
        return second


def _require_rpm(answer: Answer) -> None:
    """Tell a system whose packages are not rpm's from one whose rpm is damaged, which names itself in os-release."""
    release = parse_os_release(answer.first("os-release").body)
    if release.get("ID") and is_without_rpm(answer):
        name = printable(release.get("PRETTY_NAME") or release["ID"])
        raise NotApplicableError(f"{name} has no packages of rpm: not a system that this collection looks after.")


def _require_trusted(probe: Probe) -> None:
    if not probe.trusted:
        raise NoInterpreterError(
            f"No Python of this host can be trusted, so no module was run: {probe.reasons}. Run the role "
            "python_first_aid, which brings one back.",
            rejected=probe.rejected(),
        )
