# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the module python_runtime under an interpreter that rpm vouches for, with archives of the controller."""

from __future__ import annotations

import hashlib

from ansible.utils.hashing import secure_hash

from ..module_utils._base.errors import ChecksumError
from ..plugin_utils._action.trusted_module import PortableModuleAction

# Option with a file of the controller: the option of the module that gets the uploaded file.
_FILES = {"controller_file": "path", "controller_signature": "signature", "controller_keyring": "keyring"}


class ActionModule(PortableModuleAction):
    """See PortableModuleAction."""

    def execute(self, arguments: dict[str, object]) -> dict[str, object]:
        """Bring files of the controller to the host, but only when the module says that it needs the archive."""
        local = {name: str(arguments[name]) for name in _FILES if arguments.get(name)}
        if local and not self._task.check_mode:
            self._require_right_file(local.get("controller_file"), arguments.get("sha256"))
            answer = self.run_module(arguments)
            if not answer.pop("needs_archive", False):
                return answer
            for name, path in local.items():
                arguments[_FILES[name]] = self.host.upload(self.local_file(path))
        return super().execute(arguments)

    def _require_right_file(self, path: str | None, sha256: object) -> None:
        """Refuse a wrong file before it is sent."""
        if not path or not sha256:
            return
        found = secure_hash(str(self.local_file(path)), hashlib.sha256)
        if found != str(sha256).lower():
            raise ChecksumError(
                f"{path} on the controller is not the archive that was asked for: its SHA-256 is {found}, wanted is "
                f"{sha256}.",
                file=path,
                wanted=str(sha256),
                found=str(found),
            )
