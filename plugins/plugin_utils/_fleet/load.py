# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Reads the reports of a run, and the runs before it, one file at a time.

A damaged file is a C(FaultRow) that names it and says why; it never keeps the others from being read.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, cast

from ...module_utils._base.errors import InvalidDataError
from .._run.untyped import mapping
from .records import FaultRow, PastRun
from .text import safe_text

__all__ = ["FORMAT", "RUN_KIND", "ReportFile", "earlier_runs", "reports", "unusable"]

_Untyped = Mapping[str, object]

# The newest format of a report, and of a kept run, that is understood.
FORMAT = 1
RUN_KIND = "fleet.system_python/run"

# A report is bounded far below this; more is no report, and would fill the memory.
_LARGEST = 32 * 1024 * 1024


class ReportFile(NamedTuple):
    """One host's report and the file that it was read from."""

    path: Path
    data: _Untyped


def reports(folder: Path, faults: list[FaultRow]) -> Iterator[ReportFile]:
    """Yield the reports in C(folder), by name; what cannot be used is added to C(faults).

    Kept runs in the same folder are passed over. Raises InvalidDataError where there is no such folder.
    """
    for path in _files(folder):
        data = _read(path, faults)
        if data is None or data.get("kind") == RUN_KIND:
            continue
        reason = _no_report(data)
        if reason:
            faults.append(_fault(path, reason))
        else:
            yield ReportFile(path, data)


def earlier_runs(folder: Path, faults: list[FaultRow]) -> Iterator[PastRun]:
    """Yield the kept runs in C(folder), as they were written by C(kept_run)."""
    for path in _files(folder):
        data = _read(path, faults)
        if data is None:
            continue
        reason = _no_run(data)
        if reason:
            faults.append(_fault(path, reason))
        else:
            yield cast("PastRun", data)


def _files(folder: Path) -> list[Path]:
    """The JSON files in C(folder), without hidden ones: those are half written."""
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise InvalidDataError(
            f"{folder} cannot be read ({error.strerror}); name the folder that the reports were written to",
            path=str(folder),
        ) from error
    return [path for path in paths if path.suffix == ".json" and not path.name.startswith(".")]


def _read(path: Path, faults: list[FaultRow]) -> _Untyped | None:
    """Return the mapping in a file, or note why there is none."""
    try:
        text = _text_of(path)
        data = json.loads(text)
    except OSError as error:
        faults.append(_fault(path, f"cannot be read: {error.strerror or error}"))
    except UnicodeDecodeError as error:
        faults.append(_fault(path, f"is not UTF-8 text (byte {error.start})"))
    except json.JSONDecodeError as error:
        faults.append(
            _fault(path, f"is damaged: no JSON from line {error.lineno}, column {error.colno} on ({error.msg})")
        )
    except (RecursionError, ValueError) as error:
        faults.append(_fault(path, f"is not usable JSON: {error}"))
    else:
        if isinstance(data, dict):
            return data
        faults.append(_fault(path, f"holds a {type(data).__name__} where a mapping is expected"))
    return None


def _fault(path: Path, reason: str) -> FaultRow:
    return FaultRow(file=safe_text(path), reason=safe_text(reason))


def unusable(path: Path, error: Exception) -> FaultRow:
    """Return that a report cannot be used because of an C(error) that nobody foresaw, and that is no other host's."""
    return _fault(path, f"is no report of this collection: {type(error).__name__} in it")


def _text_of(path: Path) -> str:
    # Not blocking: a pipe of that name must not stop the run.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as handle:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(None, "it is not a file")
        if found.st_size > _LARGEST:
            raise OSError(None, f"it has {found.st_size} bytes, more than {_LARGEST}")
        return handle.read().decode("utf-8")


def _no_report(data: _Untyped) -> str:
    """Say why this is not a report that can be used; empty where it is one."""
    host = data.get("host")
    if not isinstance(host, str) or not host:
        return "is no report: it has no host"
    return _other_format(data) or _wrong_types(data, {"groups": list, "run": dict, "status": str}) or _bad_facts(data)


def _other_format(data: _Untyped) -> str:
    found = data.get("format")
    if isinstance(found, int) and not isinstance(found, bool) and 1 <= found <= FORMAT:
        return ""
    return f"has the format {json.dumps(found)[:40]}; this version of the collection reads up to {FORMAT}"


def _wrong_types(data: _Untyped, wanted: dict[str, type]) -> str:
    for key, kind in wanted.items():
        value = data.get(key)
        if not isinstance(value, kind):
            return f"has {type(value).__name__} in {key!r} where {kind.__name__} is expected"
    return ""


def _bad_facts(data: _Untyped) -> str:
    for key in ("before", "after"):
        facts = data.get(key)
        if facts is None:
            continue
        if not isinstance(facts, dict):
            return f"has {type(facts).__name__} in {key!r} where facts are expected"
        findings = facts.get("findings") or []
        if not isinstance(findings, list) or not all(_is_finding(one) for one in findings):
            return f"has a finding in {key!r} that is none"
    return ""


def _is_finding(one: object) -> bool:
    return (
        isinstance(one, dict)
        and isinstance(one.get("id"), str)
        and isinstance(one.get("severity"), str)
        and isinstance(one.get("path"), (str, type(None)))
    )


def _no_run(data: _Untyped) -> str:
    if data.get("kind") != RUN_KIND:
        return f"is no kept run (its kind is not {RUN_KIND!r})"
    reason = _other_format(data) or _wrong_types(data, {"run": str, "time": str, "hosts": dict})
    if reason:
        return reason
    if not isinstance(data.get("partial", False), bool):
        return "does not say whether it is partial"
    for host, entry in mapping(data["hosts"]).items():
        if not isinstance(entry, dict) or not isinstance(entry.get("state"), str):
            return f"has no state for the host {host!r}"
        if not isinstance(entry.get("found"), list):
            return f"has no list of findings for the host {host!r}"
    return ""
