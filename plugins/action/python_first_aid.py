# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find an interpreter that rpm vouches for, on a host where possibly no Python works, and bring one back if need be."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ansible import constants

from ..modules.python_first_aid import ARGUMENT_SPEC
from ..plugin_utils._action.base import CollectionAction
from ..plugin_utils._action.exceptions import own_waivers
from ..plugin_utils._action.first_aid import supported_by_core
from ..plugin_utils._first_aid.run import FirstAid, request_of


class ActionModule(CollectionAction):
    """Probe the host in one round trip; bring the OS's own Python back where no trusted one is left."""

    _requires_connection = True

    def perform(self, result: dict[str, object]) -> None:
        """See CollectionAction."""
        arguments = self.options(ARGUMENT_SPEC)
        arguments["exceptions"] = own_waivers(arguments["exceptions"], self.variables)
        arguments["files"] = [self.local_file(path) for path in arguments["files"]]
        result["changed"] = False
        private = Path(constants.DEFAULT_LOCAL_TMP)
        request = request_of(arguments, supported_by_core(), private, self._task.check_mode, self._task.diff)
        aid = FirstAid(self.host, request, result)
        if arguments["mode"] == "lend":
            # Ansible removes its local temporary folder when the whole run has ended.
            aid.lend(Path(tempfile.mkdtemp(dir=private, prefix="first-aid-")))
        else:
            aid.run()
