# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The action of modules that also work where there is no rpm: Debian, Ubuntu and every other POSIX system."""

from __future__ import annotations

from typing import Any

from ansible_collections.fleet.system_python.plugins.plugin_utils._trusted_module import TrustedModuleAction

__all__ = ["PortableModuleAction"]


class PortableModuleAction(TrustedModuleAction):
    """As TrustedModuleAction on hosts with an rpm database, known release or not.

    Where there is none, nothing can vouch for an interpreter: the module runs under the one that Ansible was given or
    finds, and the result's C(trusted_by) is C(nothing) instead of C(rpm) or C(manifest).
    """

    def choose(self, found: dict[str, Any]) -> str | None:
        """See TrustedModuleAction."""
        probe = self.first_aid(None, found).look_anywhere()
        return probe.interpreter() if probe else None
