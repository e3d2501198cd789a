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

from ..module_utils._base.errors import InvalidDataError, ReadOnlyError
from ..module_utils._benchmark.records import BenchmarkResult
from ..module_utils._disk.atomic import write_durably
from ..modules.python_benchmark_report import ARGUMENT_SPEC
from ..plugin_utils._action.base import CollectionAction
from ..plugin_utils._benchmark.chart import draw, missing_library
from ..plugin_utils._benchmark.rows import table, usable


class ActionModule(CollectionAction):
    """All of it is done here, on the controller; the host is not asked."""

    _requires_connection = False
    is_for_all = True

    def perform(self, result: dict[str, object]) -> None:
        """Return the table and the paths of what was written."""
        options = self.options(ARGUMENT_SPEC)
        # json takes Ansible's own kinds of dict and str, which matplotlib should not meet.
        measured, unusable = usable(json.loads(json.dumps(options["measured"])))
        missing = missing_library() if options["pictures"] and measured else ""
        if missing or unusable:
            result["warnings"] = [*filter(None, [missing]), *unusable]
        folder = Path(options["folder"]).absolute()
        title = (options["title"] or options["name"]) if options["pictures"] and not missing else None
        contents = _contents(measured, title) if measured else {}
        paths = {kind: str(folder / (_file_name(options["name"]) + "." + kind)) for kind in contents}
        changed = [kind for kind, path in paths.items() if _content_of(Path(path)) != contents[kind]]
        if not self._task.check_mode:
            _make_writable_folder(folder)
            for kind in changed:
                write_durably(paths[kind], contents[kind], 0o644)
        result.update(changed=bool(changed), table=table(measured) if measured else [], paths=paths)


def _contents(measured: Mapping[str, BenchmarkResult], title: str | None) -> dict[str, bytes]:
    """Return the files by their endings; without a title there is no picture."""
    found = {
        "json": json.dumps(measured, indent=1, sort_keys=True).encode() + b"\n",
        "txt": ("\n".join(table(measured)) + "\n").encode(),
    }
    if title is not None:
        tolerance = max(float(result.get("tolerance", 0)) for result in measured.values())
        found["svg"] = draw(measured, title, tolerance).encode()
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


def _make_writable_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _unwritable(folder, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))


def _unwritable(path: Path, error: OSError) -> ReadOnlyError:
    return ReadOnlyError(f"{path} cannot be written on the controller: {error.strerror}.", path=str(path))
