# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What the search for users of the system's Python finds; the module python_dependents_info describes every key."""

import typing as t

__all__ = ["Dependent", "Dependents", "UsedInterpreter"]

if t.TYPE_CHECKING:

    class Dependent(t.TypedDict):
        """A package, unit, cron job, process or command that depends on the interpreter."""

        kind: str
        name: str
        path: t.Optional[str]
        owner: t.Optional[str]
        interpreter: t.Optional[str]
        how: str
        detail: str
        via: t.Optional[str]
        breaks: t.List[str]
        shadowed_by: t.Optional[str]
        unit: t.Optional[str]
        needs_restart: bool

    class UsedInterpreter(t.TypedDict):
        """A name of the interpreter, what breaks who uses it, and how many do."""

        path: str
        breaks: t.List[str]
        dependents: int

    class Dependents(t.TypedDict):
        """The whole answer; C(seconds) is the time that it took."""

        version: str
        interpreters: t.List[UsedInterpreter]
        changes: t.Dict[str, str]
        counts: t.Dict[str, int]
        breaks: t.Dict[str, t.Dict[str, int]]
        needs_restart: t.List[str]
        dependents: t.List[Dependent]
        left_out: int
        partial: bool
        reasons: t.List[str]
        seconds: float
        rpm_processes: int

else:
    Dependent = Dependents = UsedInterpreter = dict
