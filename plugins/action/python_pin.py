# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the module python_pin under an interpreter that rpm vouches for, and pin that one in the inventory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.release import __version__ as core_version

from ..module_utils._base.errors import SystemPythonError
from ..plugin_utils._action.trusted_module import TrustedModuleAction
from ..plugin_utils._pin.inventory import (
    Change,
    content_of,
    ensure_file,
    explain,
    file_for,
    folder_of,
    require_agreement,
)
from ..plugin_utils._run.settings import registered
from ..plugin_utils._run.untyped import mapping, strings


class ActionModule(TrustedModuleAction):
    """See TrustedModuleAction."""

    def execute(self, arguments: dict[str, object]) -> dict[str, object]:
        """Run the module, then take care of the inventory: what that cannot do is known before the module runs."""
        interpreter = self.trusted.interpreter if self.trusted else ""
        self._pin_in_inventory(arguments, interpreter, check_mode=True)
        result: dict[str, Any] = super().execute(arguments)
        if result.get("failed"):
            return result
        try:
            change = self._pin_in_inventory(arguments, interpreter, self._task.check_mode)
        except SystemPythonError as error:
            # Another host was faster, or the folder was closed meanwhile: what was done on this host stays reported.
            return {**result, **error.as_result()}
        result["inventory"] = {
            "interpreter": interpreter,
            "path": change.path if change else None,
            "content": change.after if change else f"ansible_python_interpreter: {interpreter}\n",
            "explanation": explain(interpreter, result.get("discovery") or {}, core_version),
        }
        if change and change.changed:
            result["changed"] = True
            shown = {"before_header": change.path, "after_header": change.path}
            result["diff"] = [*result.get("diff", []), {**shown, "before": change.before, "after": change.after}]
            line = f"  {'write' if change.after else 'remove'} {change.path} on the controller"
            result["summary"] = ["changed", *result["summary"][1:], line]
        return result

    def _pin_in_inventory(self, arguments: Mapping[str, object], interpreter: str, check_mode: bool) -> Change | None:
        """Return what is done to the file of the inventory, None where the task leaves that alone."""
        wish = arguments.get("inventory")
        if wish not in ("present", "absent"):
            # Another word is the module's to refuse.
            return None
        sources = self.variables.get("ansible_inventory_sources") or []
        beside = folder_of(str(self.variables.get("inventory_dir") or ""), sources)
        folder = str(arguments.get("inventory_folder") or beside)
        group = arguments.get("inventory_group")
        path = file_for(folder, str(self.variables["inventory_hostname"]), str(group) if group else None)
        content = content_of(interpreter) if wish == "present" else None
        if content and group:
            require_agreement(str(group), interpreter, self._of_others(str(group)))
        return ensure_file(path, content, check_mode, shared=bool(group))

    def _of_others(self, group: str) -> list[str]:
        """Return the interpreters that first aid found in this run on the other hosts of a group."""
        others = set(strings(mapping(self.variables.get("groups")).get(group)))
        others.discard(self.variables["inventory_hostname"])
        results = (registered(self.variables, one, "python_first_aid_result") for one in sorted(others))
        found = (mapping(result).get("interpreter") for result in results)
        return [one for one in found if isinstance(one, str) and one]
