# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""A host on which first aid came first: what was kept before it and what modules saw after it, as one observation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from ...module_utils._audit.findings import SEVERITIES
from ...module_utils._evidence.records import EvidenceSource, HostEvidence, InstalledPackage
from .._border.collected import Collected, Facts, FirstAidAnswer, InterpreterFacts, ShownFinding

__all__ = ["with_first_aid"]

# What only a module can ask, so that what it found after first aid counts.
_LATER = ("transactions", "logins", "log", "shell_history")


def with_first_aid(collected: Collected, first_aid: FirstAidAnswer) -> Collected:
    """Return C(collected) with the host as it was before first aid changed it, where that was kept."""
    incident = first_aid.get("incident")
    if not incident or not first_aid.get("brought_back") or not incident["facts"]["findings"]:
        return collected
    facts, evidence = collected.get("facts"), collected.get("evidence")
    after = collected.get("facts_after") or facts
    joined = Collected(**collected)
    joined["facts"] = _facts(incident["facts"], facts) if facts else incident["facts"]
    joined["evidence"] = _evidence(incident["evidence"], evidence) if evidence else incident["evidence"]
    if after:
        joined["facts_after"] = after
    return joined


def _facts(before: Facts, later: Facts) -> Facts:
    findings = _findings(before["findings"], later["findings"])
    altered = {str(one["path"]) for one in before["findings"]}
    return {
        **later,
        "healthy": False,
        "worst": max((one["severity"] for one in findings), key=SEVERITIES.index),
        "findings": findings,
        "resolution": before["resolution"],
        "interpreters": [_interpreter(one, altered) for one in later["interpreters"]],
        "manager": before["manager"],
    }


def _findings(before: Sequence[ShownFinding], later: Sequence[ShownFinding]) -> list[ShownFinding]:
    known = {(one["id"], one["path"]) for one in before}
    return sorted(
        [*before, *(one for one in later if (one["id"], one["path"]) not in known)], key=lambda one: one["id"]
    )


def _interpreter(one: InterpreterFacts, altered: set[str]) -> InterpreterFacts:
    return {**one, "verified": False, "version": None} if one["path"] in altered else one


def _evidence(before: HostEvidence, later: HostEvidence) -> HostEvidence:
    """Return both: what a module looked for as well it did with more means, and later."""
    joined = dict(before)
    joined.update({key: later.get(key) or before.get(key) for key in _LATER})
    joined["packages"] = _packages(before, later)
    known = {one["path"] for one in before["files"]}
    joined["files"] = [*before["files"], *(one for one in later["files"] if one["path"] not in known)]
    joined["sources"] = _sources(before, later)
    joined["redactions"] = before["redactions"] + later["redactions"]
    joined["seconds"] = later["seconds"]
    if "dependents" in later:
        joined["dependents"] = later["dependents"]
    return cast("HostEvidence", joined)


def _packages(before: HostEvidence, later: HostEvidence) -> list[InstalledPackage]:
    """Return them with the time before first aid, which installs packages again."""
    known = {one["nevra"] for one in before["packages"]}
    found = [*before["packages"], *(one for one in later["packages"] if one["nevra"] not in known)]
    return sorted(found, key=lambda one: one["time"], reverse=True)


def _sources(before: HostEvidence, later: HostEvidence) -> list[EvidenceSource]:
    """Return what was asked, once; a module that was asked, too, is the one that tells."""
    asked = {one["name"] for one in later["sources"]}.intersection(_LATER)
    return [
        *(one for one in before["sources"] if one["name"] not in asked),
        *(one for one in later["sources"] if one["name"] in asked),
    ]
