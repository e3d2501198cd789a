# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The action of every module of this collection: it runs only under an interpreter that first aid trusts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fleet.system_python.plugins.action.python_first_aid import ActionModule as FirstAidAction
from ansible_collections.fleet.system_python.plugins.module_utils._errors import SystemPythonError

__all__ = ["TrustedModuleAction"]

_INTERPRETER = "ansible_python_interpreter"
_FIRST_AID = "python_first_aid_result"


class TrustedModuleAction(FirstAidAction):
    """Probe the host, unless first aid did so in this play, and run the module under what it found."""

    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the module's result, with the keys C(interpreter), C(rejected) and C(hazards) of the probe."""
        super(FirstAidAction, self).run(tmp, task_vars)
        variables = dict(task_vars or {})
        found: dict[str, Any] = {}
        if not _is_established(variables):
            try:
                chosen = self.choose(found)
            except SystemPythonError as error:
                return {**found, "failed": True, "msg": error.message, "kind": error.kind, "details": error.details}
            if chosen:
                variables[_INTERPRETER] = chosen
        try:
            result = self.execute(self.module_args(), variables)
        except SystemPythonError as error:
            result = {"failed": True, "msg": error.message, "kind": error.kind, "details": error.details}
        for key in ("interpreter", "rejected", "hazards", "trusted_by"):
            if key in found:
                result.setdefault(key, found[key])
        return result

    def execute(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Run the module with C(arguments) and return its result."""
        result: dict[str, Any] = self._execute_module(
            module_args=arguments, task_vars=variables, wrap_async=bool(self._task.async_val)
        )
        return result

    def choose(self, found: dict[str, Any]) -> str | None:
        """Return the interpreter for the module, null to leave it to Ansible. What was found goes into C(found)."""
        return self.first_aid(self._task.args.get("contract"), found).look().interpreter()

    def module_args(self) -> dict[str, Any]:
        """Return the arguments for the module."""
        return dict(self._task.args)


def _is_established(variables: Mapping[str, Any]) -> bool:
    """Tell whether first aid chose the interpreter of this play, and it still is the one."""
    chosen = (variables.get(_FIRST_AID) or {}).get("interpreter")
    return bool(chosen) and variables.get(_INTERPRETER) == chosen
