# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the module python_facts under an interpreter that rpm vouches for."""

from __future__ import annotations

import os
from typing import Any

from ansible_collections.fleet.system_python.plugins.plugin_utils._portable_module import PortableModuleAction
from ansible_collections.fleet.system_python.plugins.plugin_utils._trusted_module import TrustedModuleAction


class ActionModule(PortableModuleAction):
    """See TrustedModuleAction; for an offline root, which may be looked at on a Debian host, PortableModuleAction."""

    def choose(self, found: dict[str, Any]) -> str | None:
        """See TrustedModuleAction. The root's own interpreters are never among those to choose from."""
        root = os.path.normpath(str(self._task.args.get("root") or "/"))
        if root in ("/", "//"):
            return TrustedModuleAction.choose(self, found)
        return super().choose(found)
