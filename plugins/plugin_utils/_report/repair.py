# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The part of a report about the repair: what was done, or would be, and what is kept of what was there."""

from __future__ import annotations

from collections.abc import Sequence

from .._border.collected import Collected, Facts, QuarantinedItem, ShownStep
from .._run.states import HostState
from .known import KnownHost
from .records import LeftFinding, PlanStep, QuarantinePart, ReinstalledPackage, RepairPart

__all__ = ["repair_part"]

_UNTOUCHED = (HostState.HEALTHY, HostState.UNKNOWN_PLATFORM, HostState.UNREACHABLE, HostState.NOT_STARTED)

_CATEGORIES = {
    "restore_link": "packaged links put back by rename",
    "drop_group": "an alternatives group that governed a packaged path removed",
    "drop_choices": "foreign choices and slaves removed from an alternatives group of the operating system",
    "relink_group": "links of an alternatives group made to agree with its state file",
    "settle_group": "links of an alternatives group made to agree with what its packages have registered",
    "quarantine": "files that no package owns moved to the quarantine",
    "reinstall": "packages reinstalled at their installed version, in one transaction",
    "set_metadata": "mode and owner of packaged files set as shipped",
    "selinux_config": "the configured SELinux mode set, on request",
}


def repair_part(known: KnownHost, collected: Collected, before: Facts | None) -> RepairPart | None:
    """Return what was done or would be, null where nothing was to be repaired."""
    result, brought = known.result, known.first_aid.get("brought_back")
    details = result.get("details") or {}
    if not brought and (not result or (not result.get("plan") and known.state in _UNTOUCHED)):
        return None
    done = bool(result.get("actions") or details.get("actions"))
    steps = result.get("plan") or details.get("actions") or []
    sources = {**(brought["source"] if brought else {}), **(result.get("sources") or {})}
    return RepairPart(
        carried_out=done or bool(brought),
        plan=[_step(step, done) for step in steps],
        categories=_categories(steps, first_aid=bool(brought)),
        left_alone=_left_alone(known, before, [] if done else steps),
        packages=[ReinstalledPackage(nevra=nevra, source=source) for nevra, source in sorted(sources.items())],
        tried=[*(result.get("tried") or ()), *(known.first_aid.get("tried") or ())],
        quarantine=_quarantine(known, collected),
        warnings=_warnings(known, before),
    )


def _step(step: ShownStep, done: bool) -> PlanStep:
    return PlanStep(
        action=step["action"],
        description=step.get("description") or step["action"],
        findings=list(step.get("findings") or ()),
        done=done,
    )


def _categories(steps: Sequence[ShownStep], first_aid: bool) -> list[str]:
    """Return the categories of change that the steps are, in their order."""
    found = ["an interpreter brought back before any module ran"] if first_aid else []
    found += [_CATEGORIES[step["action"]] for step in steps if step["action"] in _CATEGORIES]
    return list(dict.fromkeys(found))


def _left_alone(known: KnownHost, before: Facts | None, foreseen: Sequence[ShownStep]) -> list[LeftFinding]:
    """Return the findings that are left, without those that C(foreseen) steps would answer."""
    left = known.result.get("findings_after")
    if not left:
        left = [one for one in before["findings"] if not one["repairable"]] if before else []
    answered = {finding for step in foreseen for finding in step.get("findings", [])}
    return [LeftFinding(id=one["id"], summary=one["summary"]) for one in left if one["id"] not in answered]


def _quarantine(known: KnownHost, collected: Collected) -> QuarantinePart | None:
    brought = known.first_aid.get("brought_back")
    details = known.result.get("details") or {}
    aside = brought.get("quarantine") if brought else None
    folder = known.result.get("quarantine") or details.get("quarantine") or aside
    if not folder:
        return None
    items = [QuarantinedItem({**item, "finding": item["finding"] or ""}) for item in collected.get("quarantine") or ()]
    if brought and aside:
        items += [
            QuarantinedItem(path=path, kind="file", action="take", finding="first aid", sha256=None, size=None)
            for path in brought.get("moved_aside") or ()
        ]
    return QuarantinePart(folder=str(folder), items=items)


def _warnings(known: KnownHost, before: Facts | None) -> list[str]:
    warnings = []
    brought = known.first_aid.get("brought_back")
    if brought:
        when = "" if known.first_aid.get("incident") else " before the evidence was collected"
        text = f"No Python could be trusted, so first aid brought one back{when}"
        kept = f": what it replaced is in {brought['quarantine']}." if brought.get("quarantine") else "."
        warnings.append(text + kept)
    if before and any(one["id"] == "SP212" for one in before["findings"]):
        warnings.append(
            "The mode of SELinux that is configured takes effect at a boot; a host that ran permissive may need a "
            "relabel (touch /.autorelabel) before it is enforcing."
        )
    return warnings
