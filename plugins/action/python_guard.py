# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the module python_guard under an interpreter that rpm vouches for, with the checker brought to the host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.fleet.system_python.plugins.plugin_utils import _trusted_module
from ansible_collections.fleet.system_python.plugins.plugin_utils._trusted_module import TrustedModuleAction

_CHECKER = Path(_trusted_module.__file__).parent / "guard/guard.sh"


class ActionModule(TrustedModuleAction):
    """See TrustedModuleAction."""

    def execute(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Run the module with the checker, a file of the controller."""
        if arguments.get("state") != "absent":
            arguments["checker"] = self.upload(_CHECKER)
        return super().execute(arguments, variables)
