# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""SP110, SP111: which libraries the dynamic loader takes for the system's Python, and what it is told to take."""

import typing as t

from ..._base.text import printable
from ..records import LoadedLibrary, LoaderVariable, Observation
from ..rule import Deviation, Policy, listed, shown

__all__ = ["library", "variable"]


def library(observation: Observation, _policy: Policy) -> t.Iterator[Deviation]:
    """SP110: the system's Python loads a library that no package vouches for."""
    for one in observation["libraries"]:
        yield Deviation(
            _summary(one),
            path=one["path"] or one["needed_by"],
            expected=one["instead"] or "a library as its package ships it",
            actual=one["path"],
            evidence={
                "library": one["name"],
                "needed_by": one["needed_by"],
                "found_by": one["found_by"],
                "configured": one["configured"],
                "owner": one["owner"],
                "damage": one["damage"],
            },
            severity=None if one["path"] and not one["damage"] else "critical",
        )


def _summary(one: LoadedLibrary) -> str:
    by, name = printable(one["needed_by"]), printable(one["name"])
    if not one["path"]:
        return "{0} needs {1}, which the loader cannot find".format(by, name)
    what = "is not as the package {0} shipped it".format(one["owner"]) if one["owner"] else "belongs to no package"
    if one["damage"]:
        what += " and is damaged, {0}".format(one["damage"])
    why = "by " + printable(one["configured"] or one["found_by"] or "")
    instead = ", not {0},".format(printable(one["instead"])) if one["instead"] else ""
    return "for {0} the loader takes {1}{2} {3}: it {4}".format(by, printable(one["path"]), instead, why, what)


def variable(observation: Observation, _policy: Policy) -> t.Iterator[Deviation]:
    """SP111: a variable that the loader of every program obeys is set for everyone."""
    for one in observation["loader_variables"]:
        yield Deviation(
            "{0} is set for {1} ({2}): every program obeys it; {3}".format(
                one["variable"], one["who"], printable(one["source"]), _effect(one)
            ),
            path=one["path"],
            expected="not set",
            actual=one["value"],
            evidence=listed(
                one["unvouched"],
                variable=one["variable"],
                source=one["source"],
                owner=one["owner"],
                writable=one["writable"],
            ),
            severity=None if one["unvouched"] or one["writable"] else "minor",
        )


def _effect(one: LoaderVariable) -> str:
    if one["unvouched"]:
        return "it puts what no package vouches for into the system's Python: {0}".format(shown(one["unvouched"]))
    if one["writable"]:
        return "others than root may write {0}, and so what it loads".format(printable(one["writable"]))
    return "what the system's Python loads is packaged nevertheless"
