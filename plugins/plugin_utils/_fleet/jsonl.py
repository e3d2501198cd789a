# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""A fleet as JSON lines: one per finding, and one per host that could not be looked at."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from .._run.states import NOT_EXAMINED
from .records import Fleet
from .shape import all_findings

__all__ = ["json_lines"]


def json_lines(fleet: Fleet) -> bytes:
    """Return the lines; each is a flat object, so that log collectors need no mapping."""
    # ASCII only: some collectors split lines at U+2028.
    return "".join(json.dumps(line, sort_keys=True) + "\n" for line in _lines(fleet)).encode()


def _lines(fleet: Fleet) -> Iterator[Mapping[str, object]]:
    run = {"run": fleet["run"]["id"], "time": fleet["run"]["time"]}
    for row, finding in all_findings(fleet):
        about = {"host": row["host"], "groups": row["groups"], "os": row["os"], "host_state": row["state"]}
        yield {**run, "event": "finding", **about, **finding}
    for row in fleet["hosts"]:
        if row["state"] in NOT_EXAMINED:
            yield {**run, "event": row["state"], "host": row["host"], "groups": row["groups"], "note": row["note"]}
    for fault in fleet["faults"]:
        yield {**run, "event": "unreadable report", **fault}
