# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The one gate through which what a module of ours printed on a host comes to the controller.

Whoever holds a host says what its modules say. Ansible acts upon some keys of a result (new hosts, facts that take the
place of variables, statistics, hosts that count as unreachable), so only keys that the module documents are kept.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from ...module_utils._base.errors import HostAnswerError
from ...module_utils._base.text import json_text, printable
from .schema import Record, read_all, record_named
from .types import HOST

__all__ = ["FACTS", "checked_facts", "facts_of", "get_ready", "module_answer"]

_PLUGINS = __name__.partition(".plugin_utils.")[0]
_MODULES = Path(__file__).parents[2] / "modules"

# The record of each module's result, where the controller, or a role, goes on with more of it than its texts.
_RECORDS: Mapping[str, tuple[str, str]] = {
    "disk_root": ("module_utils._image.attached", "AttachedRoot"),
    "image_root": ("module_utils._image.run", "LaidOut"),
    "python_benchmark": ("plugin_utils._border.collected", "BenchmarkAnswer"),
    "python_dependents_info": ("plugin_utils._border.collected", "DependentsAnswer"),
    "python_evidence": ("plugin_utils._border.collected", "EvidenceAnswer"),
    "python_facts": ("plugin_utils._border.collected", "AuditAnswer"),
    "python_guard": ("module_utils._guard.run", "GuardResult"),
    "python_pin": ("module_utils._pin.run", "PinResult"),
    "python_runtime": ("module_utils._runtime.records", "RuntimeResult"),
    "python_venv": ("module_utils._venv.records", "VenvResult"),
    "python_venv_info": ("plugin_utils._border.collected", "CensusAnswer"),
    "rpm_integrity": ("module_utils._repair.integrity", "IntegrityResult"),
    "system_python": ("plugin_utils._border.collected", "RepairAnswer"),
}
FACTS = ("system_python", "system_python_alternatives", "system_python_benchmark", "system_python_dependents")
"""The facts that modules of ours return."""

# What every module may return: run_module gives errors and warnings, async_wrapper the job.
_ALWAYS = {
    "changed",
    "failed",
    "msg",
    "kind",
    "details",
    "changed_nothing",
    "diff",
    "summary",
    "warnings",
    "invocation",
}
_OF_JOBS = {"ansible_job_id", "results_file", "started", "finished"}
# Of a module that printed no result: what it printed instead.
_OF_RUINS = {"failed", "msg", "module_stdout", "module_stderr", "rc"}
_RESULT_KEY = re.compile(r"^([a-z][a-z0-9_]*):", re.MULTILINE)

_DEEPEST = 40
_MOST_VALUES = 5_000_000
_MOST_TEXT = 128 * 1024 * 1024
_LONGEST_RUIN = 4000
_MOST_WARNINGS = 100
_LONGEST_WARNING = 2000
_WORD = re.compile(r"[a-z][a-z0-9_]{0,40}\Z")


def module_answer(module: str, answer: object, job: bool = False) -> dict[str, object]:
    """Return what a module of ours (by its short name) may have said, checked; C(job): it runs in the background.

    Raises HostAnswerError, for that host alone, with the field that is not what the module documents.
    """
    if not isinstance(answer, Mapping):
        raise HOST.refused(answer, "result", "a mapping")
    if not answer.get("_ansible_parsed", True):
        return {key: _ruin(answer[key]) for key in sorted(_OF_RUINS & answer.keys())}
    known = _documented(module) | _ALWAYS | (_OF_JOBS if job else set())
    kept = {key: answer[key] for key in answer if key in known}
    if "warnings" in kept:
        kept["warnings"] = _warnings(kept["warnings"])
    if "ansible_facts" in kept:
        kept["ansible_facts"] = facts_of(kept["ansible_facts"])
    bounds = _Bounds()
    checked = {key: bounds.copy(value, key, depth=1) for key, value in kept.items()}
    if job and checked.get("failed") in (0, 1):
        # async_wrapper says it in numbers.
        checked["failed"] = bool(checked["failed"])
    _check_common(checked)
    found = _record(module)
    if found:
        found.check(checked, "", partial=True)
    return checked


def get_ready(module: str) -> None:
    """Read what the answers of a module (by its short name) are checked against."""
    _documented(module)
    if module in _RECORDS:
        place, name = _RECORDS[module]
        read_all(f"{_PLUGINS}.{place}", name)


def facts_of(facts: object) -> dict[str, object]:
    """Return the facts that modules of ours return, without any other: a fact can take the place of any variable."""
    if not isinstance(facts, Mapping):
        raise HOST.refused(facts, "ansible_facts", "a mapping")
    return {name: facts[name] for name in FACTS if name in facts}


def checked_facts(facts: object) -> Mapping[str, object]:
    """Return C(ansible_facts) of a host. Raises HostAnswerError where C(system_python) there is not what we return.

    Any module on the host may have brought facts of that name, too.
    """
    if not isinstance(facts, Mapping):
        return {}
    record_named(f"{_PLUGINS}.plugin_utils._border.collected", "AuditFacts").check(facts, "ansible_facts", partial=True)
    return facts


@cache
def _documented(module: str) -> frozenset[str]:
    """Return the keys of a module's result: those of its documentation, and of its record."""
    path = _MODULES / f"{module}.py"
    source = path.read_text(encoding="utf-8") if path.is_file() else ""
    _before, _name, documented = source.partition('\nRETURN = r"""')
    found = _record(module)
    return frozenset(_RESULT_KEY.findall(documented.partition('"""')[0])) | frozenset(found.fields if found else ())


def _record(module: str) -> Record | None:
    place = _RECORDS.get(module)
    return record_named(f"{_PLUGINS}.{place[0]}", place[1]) if place else None


def _check_common(answer: Mapping[str, object]) -> None:
    for name in ("changed", "failed", "changed_nothing"):
        if not isinstance(answer.get(name, False), bool):
            raise HOST.refused(answer[name], name, "true or false")
    if "msg" in answer:
        HOST.raw(answer["msg"], "msg")
    if not _WORD.match(HOST.raw(answer.get("kind", "none"), "kind")):
        raise HOST.refused(answer["kind"], "kind", "one word")
    if not isinstance(answer.get("details", {}), Mapping):
        raise HOST.refused(answer["details"], "details", "a mapping")
    HOST.items(answer.get("summary", []), "summary", HOST.raw, most=100_000)


def _ruin(value: object) -> object:
    """Return what is shown of a module that did not come to print a result."""
    if isinstance(value, str):
        return value[-_LONGEST_RUIN:]
    return value if isinstance(value, (bool, int)) else printable(str(type(value).__name__))


def _warnings(values: object) -> list[str]:
    """Return the texts of warnings; newer cores make objects of them."""
    if not isinstance(values, (list, tuple)):
        raise HOST.refused(values, "warnings", "a list")
    texts = (str(getattr(getattr(one, "event", None), "msg", one)) for one in values[:_MOST_WARNINGS])
    return [printable(text[:_LONGEST_WARNING]) for text in texts]


class _Bounds:
    """Copies plain data, as long as they are not too many, too deep or too long, with texts that every writer takes."""

    def __init__(self) -> None:
        self._values = 0
        self._text = 0

    def copy(self, value: object, field: str, depth: int = 0) -> object:
        """Return a copy of C(value). C(field) names the top-level key, which is near enough to tell people."""
        self._values += 1
        if isinstance(value, str):
            self._text += len(value)
        if self._values > _MOST_VALUES or self._text > _MOST_TEXT or depth > _DEEPEST:
            raise HostAnswerError(
                f"The host's answer is too large, too long or too deep, in {field}. Nothing of it was used.",
                field=field,
            )
        if isinstance(value, Mapping):
            return {
                self._key(key, field): self.copy(one, field or str(key)[:40], depth + 1) for key, one in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self.copy(one, field, depth + 1) for one in value]
        return self._plain(value, field)

    def _key(self, key: object, field: str) -> str:
        return json_text(HOST.raw(key, field or "a key", longest=8192))

    def _plain(self, value: object, field: str) -> object:
        if isinstance(value, str):
            return json_text(value)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, (int, float)) and abs(value) < 1 << 64 and math.isfinite(value):
            return value
        raise HOST.refused(value, field, "a text, a number, true, false or null")
