# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the module python_facts under an interpreter that rpm vouches for."""

from __future__ import annotations

import os

from ..plugin_utils._action.first_aid import Trusted, trusted_interpreter_where_rpm_is
from ..plugin_utils._action.trusted_module import TrustedModuleAction


class ActionModule(TrustedModuleAction):
    """See TrustedModuleAction; for an offline root, which may be looked at on a Debian host, PortableModuleAction."""

    def choose(self, found: dict[str, object]) -> Trusted | None:
        """See TrustedModuleAction. The root's own interpreters are never among those to choose from."""
        root = os.path.normpath(str(self._task.args.get("root") or "/"))
        if root in ("/", "//"):
            return super().choose(found)
        return trusted_interpreter_where_rpm_is(self.host, found)
