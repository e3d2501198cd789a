# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action C(keep): writes C(content) to C(dest) on the controller, for the checks, without starting a module."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """Keep what a task returned where a check can read it, in check mode too."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Write the file and return that nothing was changed on the host."""
        super().run(tmp, task_vars)
        Path(self._task.args["dest"]).write_text(str(self._task.args["content"]), encoding="utf-8")
        return {"changed": False}
