# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the module system_python under an interpreter that rpm vouches for, with package files of the controller."""

from __future__ import annotations

from typing import Any

from ..plugin_utils._action.trusted_module import RootedModuleAction


class ActionModule(RootedModuleAction):
    """See RootedModuleAction."""

    def module_args(self) -> dict[str, object]:
        """Copy C(controller_files) to the host and give them to the module as C(files)."""
        arguments: dict[str, Any] = super().module_args()
        local = arguments.pop("controller_files", None) or []
        if local and not self._task.check_mode:
            uploaded = [self.host.upload(self.local_file(path)) for path in local]
            arguments["files"] = [*(arguments.get("files") or []), *uploaded]
        return arguments
