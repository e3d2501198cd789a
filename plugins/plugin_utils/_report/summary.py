# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The first sentence of a report."""

from __future__ import annotations

from ...module_utils._base.text import printable
from .._border.collected import Facts
from .._run.states import HostState
from .known import KnownHost
from .records import RepairPart, RunRecord

__all__ = ["headline"]


def headline(
    known: KnownHost, run: RunRecord, before: Facts | None, after: Facts | None, repair: RepairPart | None
) -> str:
    """Return in a sentence or two how the host is, and what was done."""
    host = printable(known.host)
    seen = after or before
    count = len(seen["findings"]) if seen else 0
    number = "One finding is" if count == 1 else f"{count} findings are"
    audited = run["kind"] == "audit"
    state = known.state
    if state is HostState.HEALTHY:
        return _healthy(host, before)
    if state in (HostState.FINDINGS_LEFT, HostState.DRIFT_FOUND):
        if repair and repair["carried_out"] and repair["plan"]:
            return f"The system Python of {host} was broken. It is repaired as far as allowed. {number} left to you."
        return f"{number} on {host}" + ("; nothing was changed." if audited else " that a repair leaves to you.")
    if state is HostState.REPAIRED:
        left = f" {number} left to you." if count else ""
        return f"The system Python of {host} was broken. It is repaired, and the repair is proven.{left}"
    if state is HostState.NOT_HELPED and known.first_aid.get("brought_back"):
        return (
            f"On {host} first aid brought a Python back; the rest of the system Python could not be repaired, and was "
            "not changed."
        )
    return _SENTENCES[state].format(host=host, run="audit" if audited else "repair")


_SENTENCES = {
    HostState.PARTIAL: "Nothing was found on {host}, but not everything could be read; audit it as root.",
    HostState.WOULD_BE_REPAIRED: (
        "The system Python of {host} is broken. Check mode only showed what a repair would do."
    ),
    HostState.NOT_HELPED: "The system Python of {host} could not be repaired; nothing was changed.",
    HostState.FAILED: "The {run} of {host} failed; the host needs attention.",
    HostState.UNKNOWN_PLATFORM: "No contract knows the system of {host}; nothing was judged, and nothing was changed.",
    HostState.NOT_APPLICABLE: "{host} has no packages of rpm; there is nothing to report.",
    HostState.UNREACHABLE: "{host} could not be reached; nothing is known about it.",
    HostState.NOT_STARTED: "The run ended before the turn of {host}; nothing is known about it.",
}


def _healthy(host: str, facts: Facts | None) -> str:
    if not facts:
        return f"{host} is healthy."
    if facts["verification"]["partial"]:
        return f"Nothing was found on {host}, but rpm -V did not end in time: not every file was looked at."
    contract, manager = facts["contract"], facts["manager"]
    works = f", {manager['name']} works" if manager["state"] == "works" else ""
    besides = ", but for what is accepted" if facts.get("accepted") else ""
    packages = ", ".join(facts["packages"].get(name, name) for name in contract["packages"])
    return (
        f"{host} is healthy: {contract['link']} is Python {contract['version']}, every file of {packages} is as "
        f"its vendor shipped it{besides}{works}. Nothing was changed."
    )
