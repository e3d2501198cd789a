# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the module disk_root; where there is an rpm database, under an interpreter that rpm vouches for."""

from __future__ import annotations

from ..plugin_utils._action.trusted_module import PortableModuleAction


class ActionModule(PortableModuleAction):
    """See PortableModuleAction."""
