# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""SP217, SP218: the system's Python, started when every file of it is as shipped."""

import typing as t

from ..._base.text import printable
from ..isolated import IMPORTED
from ..records import Observation
from ..rule import Deviation, Policy, listed, shown

__all__ = ["failed", "foreign"]


def failed(observation: Observation, _policy: Policy) -> t.Iterator[Deviation]:
    """SP217: it does not start, or does not import what the system's tools need."""
    state, path = observation["start"], observation["contract"]["binaries"][0]["path"]
    if state["state"] == "failed":
        yield Deviation(
            "{0} does not work although every file of it is as shipped: {1}".format(path, printable(state["reason"])),
            path=path,
            expected="it starts, and imports " + IMPORTED,
            actual=state["reason"],
            evidence={"command": path},
        )


def foreign(observation: Observation, _policy: Policy) -> t.Iterator[Deviation]:
    """SP218: it loads modules, or a library of Python's, that no package vouches for."""
    paths, path = observation["start"]["foreign"], observation["contract"]["binaries"][0]["path"]
    if paths:
        yield Deviation(
            "{0} loads what no package vouches for: {1}".format(path, shown(paths)),
            path=paths[0],
            expected="files as packages ship them",
            actual=paths,
            evidence=listed(paths, command=path),
        )
