# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make one page of a run's reports, on the controller, once per run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.fleet.system_python.plugins.module_utils._errors import SystemPythonError
from ansible_collections.fleet.system_python.plugins.plugin_utils._fleet_build import FORMATS, Request, build

ARGUMENTS: dict[str, dict[str, Any]] = {
    "reports": {"type": "path", "required": True},
    "dest": {"type": "path"},
    "history": {"type": "path"},
    "formats": {"type": "list", "elements": "str", "choices": list(FORMATS), "default": ["html"]},
    "mode": {"type": "str", "default": "0644"},
}


class ActionModule(ActionBase):
    """All of the work is in _fleet_build."""

    TRANSFERS_FILES = False
    # A page is made of all hosts, so it is made once.
    BYPASS_HOST_LOOP = True
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of the task; a failure carries C(kind) and C(details)."""
        super().run(tmp, task_vars)
        _validated, arguments = self.validate_argument_spec(argument_spec=ARGUMENTS)
        try:
            result = build(_request(arguments, check_mode=self._task.check_mode))
        except SystemPythonError as error:
            return {"failed": True, "msg": error.message, "kind": error.kind, "details": error.details}
        if result["faults"]:
            result["warnings"] = [f"{fault['file']} {fault['reason']}" for fault in result["faults"]]
        return result


def _request(arguments: dict[str, Any], check_mode: bool) -> Request:
    reports = Path(arguments["reports"]).absolute()
    history = arguments["history"]
    return Request(
        reports=reports,
        dest=Path(arguments["dest"]).absolute() if arguments["dest"] else reports,
        history=Path(history).absolute() if history else None,
        formats=tuple(dict.fromkeys(arguments["formats"])),
        mode=_mode(arguments["mode"]),
        version=_version(),
        check_mode=check_mode,
    )


def _mode(text: str) -> int:
    try:
        mode = int(text, 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o777:
        raise AnsibleActionFail(f"mode is {text!r}; give the permissions of the files as octal digits, such as '0640'")
    return mode


def _version() -> str:
    """The collection's version: an installed one has a manifest, a clone has galaxy.yml."""
    root = Path(__file__).resolve().parents[2]
    manifest = root / "MANIFEST.json"
    if manifest.is_file():
        return str(json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"])
    for line in (root / "galaxy.yml").read_text(encoding="utf-8").splitlines():
        if line.startswith("version:"):
            return line.partition(":")[2].strip()
    return "unknown"
