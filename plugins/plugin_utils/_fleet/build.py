# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.
"""Makes the page of a fleet, and the other formats, of a run's reports; each file at once or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypedDict

from ...module_utils._base.errors import InvalidDataError
from ...module_utils._disk.atomic import write_durably
from .._run.states import PAGE_LABELS
from .history import kept_run
from .jsonl import json_lines
from .junit import junit
from .page import page
from .prometheus import prometheus
from .records import FaultRow, Fleet
from .sarif import sarif
from .shape import fleet_of

__all__ = ["FORMATS", "PageRequest", "build"]

# Each format's file and what makes it of a fleet and the collection's version.
FORMATS: dict[str, tuple[str, Callable[[Fleet, str], bytes]]] = {
    "html": ("fleet.html", page),
    "junit": ("fleet-junit.xml", lambda fleet, _version: junit(fleet)),
    "sarif": ("fleet.sarif", sarif),
    "prometheus": ("fleet_system_python.prom", lambda fleet, _version: prometheus(fleet)),
    "jsonl": ("fleet-findings.jsonl", lambda fleet, _version: json_lines(fleet)),
}

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,100}\Z")


class PageRequest(NamedTuple):
    """What is to be made, of what, and where."""

    reports: Path
    dest: Path
    history: Path | None = None
    formats: tuple[str, ...] = ("html",)
    mode: int = 0o644
    version: str = "unknown"
    check_mode: bool = False


class Built(TypedDict):
    """The result of the module python_fleet_page, which documents every key."""

    changed: bool
    files: dict[str, str]
    page: str | None
    hosts: int
    states: dict[str, int]
    faults: list[FaultRow]
    runs: int


def build(request: PageRequest) -> Built:
    """Write what is not yet there as it should be, and return the module's result.

    Raises a SystemPythonError where there are no reports, or a file cannot be written.
    """
    fleet = fleet_of(request.reports, request.history, request.dest)
    if not fleet["hosts"] and not fleet["faults"]:
        raise InvalidDataError(
            f"{request.reports} holds no report of a host; name the folder that python_report wrote to",
            path=str(request.reports),
        )
    wanted: dict[Path, bytes] = {}
    files: dict[str, str] = {}
    for name in request.formats:
        file, make = FORMATS[name]
        path = _beside_reports(request.dest / file, request)
        wanted[path] = make(fleet, request.version)
        files[name] = str(path)
    if request.history and fleet["hosts"]:
        kept = kept_run(fleet["run"], fleet["hosts"])
        wanted[_kept_file(request.history, kept["run"])] = (json.dumps(kept, sort_keys=True) + "\n").encode()
    changed = [path for path, data in wanted.items() if not _has_content(path, data)]
    if not request.check_mode:
        for path in changed:
            _write(path, wanted[path], request.mode)
    return Built(
        changed=bool(changed),
        files=files,
        page=files.get("html"),
        hosts=len(fleet["hosts"]),
        states={PAGE_LABELS[state]: number for state, number in fleet["states"].items()},
        faults=fleet["faults"],
        runs=len(fleet["history"]),
    )


def _beside_reports(path: Path, request: PageRequest) -> Path:
    """A host may be called as our file is: its report keeps the name, and ours gets another."""
    while request.dest == request.reports and path.with_suffix(".json").exists():
        path = path.with_name(f"_{path.name}")
    return path


def _kept_file(history: Path, run: str) -> Path:
    # Two runs never share a name that had to be changed.
    name = run if _PLAIN.match(run) else f"run-{hashlib.sha256(run.encode()).hexdigest()[:24]}"
    return history / f"{name}.json"


def _has_content(path: Path, data: bytes) -> bool:
    try:
        return path.read_bytes() == data
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unwritable(path, error) from error


def _write(path: Path, data: bytes, mode: int) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(os.fspath(path), data, mode)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> InvalidDataError:
    reason = error.strerror or str(error)
    return InvalidDataError(f"{path} cannot be written: {reason}; name another folder, or make room", path=str(path))
