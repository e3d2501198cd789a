# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the module python_pin under an interpreter that rpm vouches for, and pin that one in the inventory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.release import __version__ as core_version

from ansible_collections.fleet.system_python.plugins.module_utils._errors import SystemPythonError
from ansible_collections.fleet.system_python.plugins.plugin_utils._pin_inventory import (
    Change,
    content_of,
    ensure_file,
    explain,
    file_for,
    folder_of,
)
from ansible_collections.fleet.system_python.plugins.plugin_utils._trusted_module import TrustedModuleAction


class ActionModule(TrustedModuleAction):
    """See TrustedModuleAction."""

    def execute(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Run the module, then take care of the inventory: what that cannot do is known before the module runs."""
        interpreter = str(variables.get("ansible_python_interpreter") or "")
        self._take_care(arguments, variables, interpreter, check_mode=True)
        result = super().execute(arguments, variables)
        if result.get("failed"):
            return result
        try:
            change = self._take_care(arguments, variables, interpreter, self._task.check_mode)
        except SystemPythonError as error:
            # Another host was faster, or the folder was closed meanwhile: what was done on this host stays told.
            return {**result, "failed": True, "msg": error.message, "kind": error.kind, "details": error.details}
        explanation = explain(interpreter, result.get("discovery") or {}, core_version)
        result["inventory"] = {
            "interpreter": interpreter,
            "path": change.path if change else None,
            "content": change.after if change else f"ansible_python_interpreter: {interpreter}\n",
            "explanation": explanation,
        }
        if change and change.changed:
            result["changed"] = True
            shown = {"before_header": change.path, "after_header": change.path}
            result["diff"] = [*result.get("diff", []), {**shown, "before": change.before, "after": change.after}]
            line = f"  {'write' if change.after else 'remove'} {change.path} on the controller"
            result["summary"] = ["changed", *result["summary"][1:], line]
        return result

    def _take_care(
        self, arguments: Mapping[str, Any], variables: Mapping[str, Any], interpreter: str, check_mode: bool
    ) -> Change | None:
        wish = str(arguments.get("inventory") or "unmanaged")
        if wish not in ("present", "absent"):
            # Another word is the module's to refuse.
            return None
        beside = folder_of(str(variables.get("inventory_dir") or ""), variables.get("ansible_inventory_sources") or [])
        folder = str(arguments.get("inventory_folder") or beside)
        group = arguments.get("inventory_group")
        path = file_for(folder, str(variables["inventory_hostname"]), str(group) if group else None)
        content = content_of(interpreter) if wish == "present" else None
        return ensure_file(path, content, check_mode, shared=bool(group))
