# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The rules about venvs. They read a census (see _venv_census.py), not the observation of an audit: a host may have
thousands of venvs, and an audit is one look at the OS's own Python."""

import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._findings import (
    Finding,
    Observation,
    Policy,
    Rule,
    find,
)
from ansible_collections.fleet.system_python.plugins.module_utils._text import printable

__all__ = ["VENV_RULES", "find_in_census"]

_Partial = t.Dict[str, t.Any]


def find_in_census(census: Observation) -> t.List[Finding]:
    """Return the findings about the venvs of C(census), in the order of their ids, then of their paths."""
    return find(census, None, VENV_RULES)


def _evidence(venv: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    return {
        "interpreter": venv["interpreter"],
        "links": venv["links"],
        "home": venv["home"],
        "packages_minor": venv["packages_minor"],
        "used_by": ["{0} {1}".format(use["kind"], use["name"]) for use in venv.get("used_by") or []],
    }


def _repair(venv: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    return {"action": "python_venv", "path": venv["path"], "state": "repaired"}


def _venv_dead(census: Observation, _policy: Policy) -> t.Iterator[_Partial]:
    for venv in census["venvs"]:
        if venv["state"] == "dead" or venv["dangling"]:
            finding = {
                "path": venv["path"],
                "summary": "{0}: {1}".format(printable(venv["path"]), "; ".join(venv["reasons"])),
                "expected": "an interpreter of Python {0}".format(venv["packages_minor"] or "3"),
                "actual": None if venv["state"] == "dead" else venv["interpreter"],
                "evidence": dict(_evidence(venv), dangling=venv["dangling"]),
                "remedy": _repair(venv),
            }
            if venv["state"] == "dead" and venv.get("used_by"):
                finding["severity"] = "critical"
            yield finding


def _venv_drifted(census: Observation, _policy: Policy) -> t.Iterator[_Partial]:
    for venv in census["venvs"]:
        if venv["state"] == "drifted":
            yield {
                "path": venv["path"],
                "summary": "{0}: {1}".format(printable(venv["path"]), venv["reasons"][0]),
                "expected": "Python {0}".format(venv["packages_minor"]),
                "actual": "Python {0}".format(venv["interpreter_version"]),
                "evidence": _evidence(venv),
                "remedy": _repair(venv),
            }


def _venv_on_system_python(census: Observation, _policy: Policy) -> t.Iterator[_Partial]:
    for venv in census["venvs"]:
        if venv["state"] == "alive" and venv["runtime"]["kind"] == "system":
            yield {
                "path": venv["path"],
                "summary": "{0} hangs on the system's Python {1}, and breaks when an OS upgrade replaces that".format(
                    printable(venv["path"]), venv["interpreter_version"]
                ),
                "expected": "a Python of its own, for example /opt/python/{0}".format(venv["packages_minor"]),
                "actual": venv["runtime"]["path"],
                "evidence": _evidence(venv),
                "remedy": {"action": "python_venv", "path": venv["path"], "state": "repaired", "tasks_from": "migrate"},
            }


VENV_RULES: t.Tuple[Rule, ...] = (
    Rule("SP401", "venv-dead", "major", _venv_dead),
    Rule("SP402", "venv-drifted", "major", _venv_drifted),
    Rule("SP403", "venv-on-system-python", "minor", _venv_on_system_python),
)
