# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""First aid as an action plugin asks for it: the two ways to look for a trusted interpreter."""

from __future__ import annotations

from typing import NamedTuple

from ansible import constants
from ansible.release import __version__ as core_version

from ...module_utils._audit.contract import Contract
from .._border.types import HOST
from .._first_aid.core import Supported, supported_minors
from .._first_aid.look import Look
from .._first_aid.probe import Probe
from .._first_aid.remote import Remote

__all__ = ["Trusted", "supported_by_core", "trusted_interpreter", "trusted_interpreter_where_rpm_is"]


def supported_by_core() -> Supported:
    """Return the versions of Python that modules of the running ansible-core work under."""
    definition = constants.config.get_configuration_definition("INTERPRETER_PYTHON_FALLBACK") or {}
    return supported_minors(core_version, definition.get("default") or ())


class Trusted(NamedTuple):
    """An interpreter that first aid trusts: what a play may run its modules under, and what those of ours run under."""

    interpreter: str
    isolated: str


def trusted_interpreter(host: Remote, contract: Contract | None, result: dict[str, object]) -> Trusted | None:
    """Return the interpreter that first aid trusts; what it saw goes into C(result).

    C(contract) is the user's own, or some keys of one. Raises NoInterpreterError where there is none.
    """
    return _trusted(_looking(host, contract, result).look())


def trusted_interpreter_where_rpm_is(host: Remote, result: dict[str, object]) -> Trusted | None:
    """As C(trusted_interpreter), on every POSIX system: null, C(trusted_by) C(nothing), where there is no rpm."""
    probe = _looking(host, None, result).look_anywhere()
    return _trusted(probe) if probe else None


def _trusted(probe: Probe) -> Trusted | None:
    interpreter, isolated = probe.interpreter(), probe.isolated_interpreter()
    if not (interpreter and isolated):
        return None
    return Trusted(_path(interpreter, "interpreter"), _path(isolated, "isolated interpreter"))


def _path(text: str, field: str) -> str:
    return HOST.absolute_path(HOST.line(text, field), field)


def _looking(host: Remote, contract: Contract | None, result: dict[str, object]) -> Look:
    return Look(host, supported_by_core(), contract, result)
