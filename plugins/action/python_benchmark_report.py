# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write what python_benchmark measured to the controller: JSON, a table and a picture."""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.fleet.system_python.plugins.module_utils._errors import (
    InvalidDataError,
    ReadOnlyError,
    SystemPythonError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._files import write_durably
from ansible_collections.fleet.system_python.plugins.plugin_utils._benchmark_chart import draw, require_library
from ansible_collections.fleet.system_python.plugins.plugin_utils._benchmark_rows import table

_OPTIONS = {
    "measured": {"type": "dict", "default": {}},
    "folder": {"type": "path", "required": True},
    "name": {"type": "str", "required": True},
    "title": {"type": "str"},
    "pictures": {"type": "bool", "default": True},
}


class ActionModule(ActionBase):
    """All of it is done here, on the controller; the host is not asked."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the table and the paths of what was written."""
        super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec(argument_spec=_OPTIONS)
        try:
            return self._report(options)
        except SystemPythonError as error:
            return {"failed": True, "msg": error.message, "kind": error.kind, "details": error.details}

    def _report(self, options: Mapping[str, Any]) -> dict[str, Any]:
        # json takes Ansible's own kinds of dict and str, which matplotlib should not meet.
        measured = json.loads(json.dumps(options["measured"]))
        if options["pictures"]:
            require_library()
        folder = Path(options["folder"]).absolute()
        contents = self._contents(measured, options) if measured else {}
        paths = {kind: str(folder / (_file_name(options["name"]) + "." + kind)) for kind in contents}
        changed = [kind for kind, path in paths.items() if _content_of(Path(path)) != contents[kind]]
        if not self._task.check_mode:
            _make(folder)
            for kind in changed:
                write_durably(paths[kind], contents[kind], 0o644)
        return {"changed": bool(changed), "table": table(measured) if measured else [], "paths": paths}

    def _contents(self, measured: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, bytes]:
        lines = table(measured)
        found = {
            "json": json.dumps(measured, indent=1, sort_keys=True).encode() + b"\n",
            "txt": ("\n".join(lines) + "\n").encode(),
        }
        if options["pictures"]:
            tolerance = max(float(result.get("tolerance", 0)) for result in measured.values())
            found["svg"] = draw(measured, options["title"] or options["name"], tolerance).encode()
        return found


def _file_name(name: str) -> str:
    """Return a file name that stays in its folder: what is not plain becomes %XX."""
    safe = re.sub(r"[^A-Za-z0-9_.-]", lambda found: "".join(f"%{byte:02X}" for byte in found.group().encode()), name)
    if not safe.strip("."):
        raise InvalidDataError(f"'{name}' cannot be the name of a file.", option="name")
    return safe


def _content_of(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unwritable(path, error) from error


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _unwritable(folder, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))


def _unwritable(path: Path, error: OSError) -> ReadOnlyError:
    return ReadOnlyError(f"{path} cannot be written on the controller: {error.strerror}.", path=str(path))
