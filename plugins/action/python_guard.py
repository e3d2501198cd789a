# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the module python_guard under an interpreter that rpm vouches for, with the checker brought to the host."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from ..plugin_utils._action.trusted_module import TrustedModuleAction
from ..plugin_utils._guard.checker import checker_text


class ActionModule(TrustedModuleAction):
    """See TrustedModuleAction."""

    def execute(self, arguments: dict[str, object]) -> dict[str, object]:
        """Run the module with the checker."""
        if arguments.get("state") != "absent":
            arguments["checker"] = self._upload_checker()
        return super().execute(arguments)

    def _upload_checker(self) -> str:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "guard.sh"
            path.write_text(checker_text(), encoding="utf-8")
            return self.host.upload(path)
