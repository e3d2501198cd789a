# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the incident reports of a run on the controller, from what its plays left in the hosts' variables."""

from __future__ import annotations

import datetime as dt
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.release import __version__ as core_version

from ansible_collections.fleet.system_python.plugins.module_utils._quarantine import new_run_id
from ansible_collections.fleet.system_python.plugins.plugin_utils._report_known import known_of
from ansible_collections.fleet.system_python.plugins.plugin_utils._report_render import file_stem, render
from ansible_collections.fleet.system_python.plugins.plugin_utils._report_shape import shape

_COLLECTION = Path(__file__).parents[2]

ARGUMENTS: dict[str, dict[str, Any]] = {
    "folder": {"type": "path", "required": True},
    "hosts": {"type": "list", "elements": "str", "required": True},
    "kind": {"type": "str", "choices": ["audit", "remediate"], "default": "remediate"},
    "run_id": {"type": "str"},
    "only_found": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    """Everything happens on the controller; no host is asked."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the folder, the files and the statuses."""
        super().run(tmp, task_vars)
        _validated, arguments = self.validate_argument_spec(argument_spec=ARGUMENTS)
        began = time.monotonic()
        known = list(self._known(arguments, task_vars or {}))
        statuses = {one["host"]: one["status"] for one in known}
        result: dict[str, Any] = {"changed": False, "folder": None, "files": [], "statuses": statuses}
        if arguments["only_found"] and all(status == "healthy" for status in statuses.values()):
            return result
        run = self._run(arguments, known)
        folder = Path(arguments["folder"]).expanduser().absolute() / run["id"]
        result.update(folder=str(folder), run_id=run["id"])
        try:
            result["files"] = _write(folder, known, run)
        except OSError as error:
            raise AnsibleActionFail(
                f"The reports cannot be written to {folder} on the controller: {error}. Give another folder in "
                "python_report_folder; with an empty one no reports are written."
            ) from error
        result.update(changed=bool(known), seconds=round(time.monotonic() - began, 3))
        return result

    def _known(self, arguments: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        hostvars = task_vars["hostvars"]
        for host in arguments["hosts"]:
            # raw_get gives a host's variables without templating all of them, which takes long for many hosts.
            yield known_of(host, _as_data(hostvars.raw_get(host)), arguments["kind"])

    def _run(self, arguments: Mapping[str, Any], known: list[dict[str, Any]]) -> dict[str, Any]:
        now = time.time()
        began = [one["began"] for one in known if one.get("began")]
        return {
            "id": arguments["run_id"] or new_run_id(now),
            "kind": arguments["kind"],
            "started": min(began, default=None),
            "ended": dt.datetime.fromtimestamp(int(now), dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "core": core_version,
            "collection": _version(),
            "check_mode": bool(self._task.check_mode),
        }


# What the plays of this collection leave with a host; nothing else of its variables is looked at.
_WANTED = (
    "ansible_facts",
    "group_names",
    "python_first_aid_result",
    "python_report_error",
    "python_report_evidence",
    "python_report_first_aid",
    "python_report_result",
    "python_report_rounds",
    "python_restore_result",
    "system_python_began",
    "system_python_note",
    "system_python_status",
)


def _as_data(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables that matter as plain data: newer cores give strings of a class of their own."""
    wanted = {name: variables[name] for name in _WANTED if name in variables}
    if "ansible_facts" in wanted:
        wanted["ansible_facts"] = {"system_python": wanted["ansible_facts"].get("system_python")}
    data: dict[str, Any] = json.loads(json.dumps(wanted, default=str))
    return data


def _write(folder: Path, known: list[dict[str, Any]], run: Mapping[str, Any]) -> list[dict[str, str]]:
    folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    parts = _parts()
    taken: dict[str, str] = {}
    written = []
    for one in known:
        report = shape(one, run, parts)
        stem = file_stem(one["host"], taken)
        taken[stem] = one["host"]
        for extension, text in render(report).items():
            _write_whole(folder / f"{stem}.{extension}", text.encode("utf-8", "backslashreplace"))
        written.append({"host": one["host"], "status": report["status"], "stem": stem})
    return written


def _write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is whole or not there. It is not synced to the disk: of many hosts that takes long."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".report-")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            os.fchmod(stream.fileno(), 0o640)
        temporary.replace(path)
    except BaseException:
        temporary.unlink()
        raise


def _parts() -> set[str]:
    """Return the playbooks and roles that this version of the collection has."""
    found = {f"playbooks/{path.name}" for path in _COLLECTION.glob("playbooks/*.yml")}
    return found | {f"roles/{path.name}" for path in _COLLECTION.glob("roles/python_*") if path.is_dir()}


def _version() -> str:
    """Return the collection's version: of the manifest when it is installed, of galaxy.yml in a checkout."""
    manifest = _COLLECTION / "MANIFEST.json"
    if manifest.is_file():
        return str(json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"])
    for line in (_COLLECTION / "galaxy.yml").read_text(encoding="utf-8").splitlines():
        if line.startswith("version:"):
            return line.partition(":")[2].strip()
    return "unknown"
