# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find an interpreter that rpm vouches for, on a host where possibly no Python works."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from ansible import constants
from ansible.plugins.action import ActionBase
from ansible.release import __version__ as core_version

from ansible_collections.fleet.system_python.plugins.module_utils._contract import CONTRACTS, Contract, contract_for
from ansible_collections.fleet.system_python.plugins.module_utils._errors import SystemPythonError
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_core import Supported, supported_minors
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_errors import NoInterpreterError
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_probe import (
    Candidate,
    Probe,
    describe_trust,
    probe_settings,
    read_probe,
)
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_script import (
    Answer,
    parse_answer,
    script_text,
)

_ARGUMENTS = {
    "contract": {"type": "dict"},
}


class ActionModule(ActionBase):
    """Probe the host in one round trip; bring the OS's own Python back where no trusted one is left."""

    TRANSFERS_FILES = False
    _requires_connection = True
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of the task; a failure carries C(kind) and C(details)."""
        super().run(tmp, task_vars)
        _validated, arguments = self.validate_argument_spec(argument_spec=_ARGUMENTS)
        result: dict[str, Any] = {"changed": False, "interpreter": None}
        try:
            self._aid(arguments, result)
        except SystemPythonError as error:
            result.update(failed=True, msg=error.message, kind=error.kind, details=error.details)
        return result

    def _aid(self, arguments: Mapping[str, Any], result: dict[str, Any]) -> None:
        supported = _supported()
        probe = self._probe(supported, arguments["contract"])
        _describe(probe, result)
        contract = contract_for(probe.os_release, arguments["contract"])
        result["os"]["contract"] = contract["id"]
        if probe.trusted is None:
            raise NoInterpreterError("No interpreter is trusted.", rejected=probe.rejected())

    def _probe(self, supported: Supported, override: Contract | None) -> Probe:
        contracts = _with_override(override)
        probe = read_probe(self._ask(["probe"], probe_settings(supported, contracts)))
        if probe.trusted or not probe.doubtful:
            return probe
        accepted = probe.doubtful
        again = read_probe(self._ask(["probe"], probe_settings(supported, contracts, accepted)), accepted)
        if again.trusted is None:
            return probe
        again.candidates = [other for other in probe.candidates if other.path != accepted.path] + again.candidates
        return again

    def _ask(self, parts: Sequence[str], settings: Mapping[str, str | Sequence[str]]) -> Answer:
        """Run a script on the host, in one command that needs nothing but a shell there, and return its answer."""
        mark = f"@{secrets.token_hex(12)}@"
        environment: dict[str, str] = {}
        self._compute_environment_string(environment)
        done = self._low_level_execute_command(
            script_text(parts, mark, settings, environment), encoding_errors="surrogateescape"
        )
        return parse_answer(done["stdout"], done["stderr"], done["rc"], mark)


def _supported() -> Supported:
    definition = constants.config.get_configuration_definition("INTERPRETER_PYTHON_FALLBACK") or {}
    return supported_minors(core_version, definition.get("default") or ())


def _with_override(override: Contract | None) -> Sequence[Contract]:
    # A contract of the user's own may change the version of a known release; one for an unknown release has no match.
    if not override or not all(override.get(key) for key in ("version", "binaries")):
        return CONTRACTS
    return [*(contract for contract in CONTRACTS if contract["id"] != override.get("id")), {"match": [], **override}]


def _describe(probe: Probe, result: dict[str, Any]) -> None:
    release = probe.os_release
    result.update(
        os={"id": release.get("ID", ""), "version_id": release.get("VERSION_ID", "")},
        interpreter=probe.interpreter(),
        rejected=probe.rejected(),
        hazards=probe.hazards(),
    )
    if probe.trusted:
        result.update(_trusted(probe.trusted))
        result["summary"] = _summary(probe, probe.trusted)


def _summary(probe: Probe, trusted: Candidate) -> str:
    packages = ", ".join(owner.nevra for owner in trusted.owners)
    sentences = [
        f"Modules run under {probe.interpreter()} (Python {trusted.version}), which rpm vouches for: {packages}."
    ]
    sentences += [f"Not taken: {other['path']}: {other['reason']}." for other in probe.rejected()]
    sentences += [f"Kept from running: {_hazard_text(hazard)}." for hazard in probe.hazards()]
    return " ".join(sentences)


def _hazard_text(hazard: Mapping[str, str]) -> str:
    return f"{hazard['name']}={hazard['value']}" if hazard["kind"] == "environment" else hazard["path"]


def _trusted(candidate: Candidate) -> dict[str, Any]:
    return {
        "interpreter_path": candidate.path,
        "interpreter_version": candidate.version,
        "trusted_because": describe_trust(candidate),
    }
