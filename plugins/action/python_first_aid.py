# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find an interpreter that rpm vouches for, on a host where possibly no Python works, and bring one back if need be."""

from __future__ import annotations

import posixpath
import secrets
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.plugins.action import ActionBase
from ansible.release import __version__ as core_version

from ansible_collections.fleet.system_python.plugins.module_utils._errors import SystemPythonError
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_acquire import SOURCES
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_core import Supported, supported_minors
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_remote import Remote
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_run import FirstAid, Request
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_script import (
    Answer,
    parse_answer,
    script_text,
)

ARGUMENTS: dict[str, dict[str, Any]] = {
    "contract": {"type": "dict"},
    "files": {"type": "list", "elements": "path", "default": []},
    "host_files": {"type": "list", "elements": "path", "default": []},
    "sources": {"type": "list", "elements": "str", "choices": list(SOURCES), "default": list(SOURCES)},
    "check_signatures": {"type": "bool", "default": True},
    "install": {"type": "str"},
    "lock_timeout": {"type": "int", "default": 300},
    "mode": {"type": "str", "choices": ["aid", "lend"], "default": "aid"},
    "may_borrow": {"type": "bool", "default": False},
    "borrowed": {"type": "dict"},
    "packages": {"type": "list", "elements": "str", "default": []},
    "needed_files": {"type": "list", "elements": "dict", "default": []},
}


class _Host(Remote):
    """The task's host, or the one that the task is delegated to."""

    def __init__(self, action: ActionModule) -> None:
        self._action = action

    def ask(
        self,
        parts: Sequence[str],
        settings: Mapping[str, str | Sequence[str]],
        calls: Sequence[Sequence[str]] = (),
    ) -> Answer:
        return self._action.ask(parts, settings, calls)

    def upload(self, path: Path) -> str:
        return self._action.upload(path)


class ActionModule(ActionBase):
    """Probe the host in one round trip; bring the OS's own Python back where no trusted one is left."""

    # A temporary folder costs a round trip, so it is made when something is to be uploaded.
    TRANSFERS_FILES = False
    _requires_connection = True
    _supports_check_mode = True
    _supports_async = False
    # Ansible itself removes it when the task has ended.
    _uploads = ""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of the task; a failure carries C(kind) and C(details)."""
        super().run(tmp, task_vars)
        _validated, arguments = self.validate_argument_spec(argument_spec=ARGUMENTS)
        result: dict[str, Any] = {"changed": False}
        try:
            aid = FirstAid(_Host(self), self._request(arguments), result)
            if arguments["mode"] == "lend":
                # Ansible removes its local temporary folder when the whole run has ended.
                aid.lend(Path(tempfile.mkdtemp(dir=constants.DEFAULT_LOCAL_TMP, prefix="first-aid-")))
            else:
                aid.run()
        except SystemPythonError as error:
            result.update(failed=True, msg=error.message, kind=error.kind, details=error.details)
        return result

    def first_aid(self, contract: Mapping[str, Any] | None, result: dict[str, Any]) -> FirstAid:
        """Return first aid for the task's host with nothing but a contract of the user's own: enough to look."""
        defaults = {name: option.get("default") for name, option in ARGUMENTS.items()}
        return FirstAid(_Host(self), self._request({**defaults, "contract": contract}), result)

    def _request(self, arguments: Mapping[str, Any]) -> Request:
        files = [Path(self._find_needle("files", path)) for path in arguments["files"]]
        return Request(
            supported=_supported(),
            arguments={**arguments, "files": files},
            check_mode=self._task.check_mode,
            diff=self._task.diff,
        )

    def ask(
        self,
        parts: Sequence[str],
        settings: Mapping[str, str | Sequence[str]],
        calls: Sequence[Sequence[str]] = (),
    ) -> Answer:
        """Run a script on the host, in one command that needs nothing but a shell there, and return its answer."""
        mark = f"@{secrets.token_hex(12)}@"
        environment: dict[str, str] = {}
        self._compute_environment_string(environment)
        text = script_text(parts, mark, settings, calls, environment)
        done = self._low_level_execute_command(text, encoding_errors="surrogateescape")
        return parse_answer(done["stdout"], done["stderr"], done["rc"], mark)

    def upload(self, path: Path) -> str:
        """Copy a file into the task's temporary folder on the host."""
        self._uploads = self._uploads or self._make_tmp_path()
        target = posixpath.join(self._uploads, f"{secrets.token_hex(4)}-{path.name}")
        self._transfer_file(str(path), target)
        return target


def _supported() -> Supported:
    definition = constants.config.get_configuration_definition("INTERPRETER_PYTHON_FALLBACK") or {}
    return supported_minors(core_version, definition.get("default") or ())
