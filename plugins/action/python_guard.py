# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the module python_guard under an interpreter that rpm vouches for, with the checker brought to the host."""

from __future__ import annotations

from pathlib import Path

from ..plugin_utils._action.trusted_module import TrustedModuleAction

_CHECKER = Path(__file__).parents[1] / "plugin_utils/_guard/guard.sh"


class ActionModule(TrustedModuleAction):
    """See TrustedModuleAction."""

    def execute(self, arguments: dict[str, object]) -> dict[str, object]:
        """Run the module with the checker, a file of the controller."""
        if arguments.get("state") != "absent":
            arguments["checker"] = self.host.upload(_CHECKER)
        return super().execute(arguments)
