# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""From the variables that the plays left with a host to what _report_shape.shape takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fleet.system_python.plugins.plugin_utils._report_shape import STATUSES

__all__ = ["known_of"]


def known_of(host: str, variables: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return what is known of a host after a run of C(kind) audit or remediate."""
    facts = (variables.get("ansible_facts") or {}).get("system_python")
    # What the repair itself said; what ran again to prove it may have taken the name since.
    result = variables.get("python_report_result") or variables.get("python_restore_result")
    collected = (variables.get("python_report_evidence") or {}).get("report")
    known = {
        "host": host,
        "groups": [name for name in variables.get("group_names") or () if name not in ("all", "ungrouped")],
        "note": variables.get("system_python_note") or "",
        "error": variables.get("python_report_error"),
        "first_aid": variables.get("python_report_first_aid") or variables.get("python_first_aid_result"),
        "result": result if kind == "remediate" else None,
        "collected": collected,
        "facts": facts,
        "rounds": variables.get("python_report_rounds") or [],
        "began": variables.get("system_python_began"),
    }
    if kind == "remediate" and known["began"] and not variables.get("system_python_status"):
        known.update(status="failed", note="The connection was lost before it was known how the repair ended.")
        return known
    known["status"] = _status(known, variables.get("system_python_status"), kind)
    return known


def _status(known: Mapping[str, Any], noted: str | None, kind: str) -> str:
    """Return the status: what remediate noted; of an audit, what the facts say."""
    if kind == "remediate" and noted in STATUSES:
        return str(noted)
    facts = (known["collected"] or {}).get("facts") or known["facts"]
    if facts:
        return "healthy" if facts["healthy"] else "findings left"
    if noted or known["error"]:
        return "failed"
    return "not started" if kind == "remediate" else "unreachable"
