# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The part of a report that proves a repair: the same checks in each round, and what lay between the rounds."""

from __future__ import annotations

from collections.abc import Iterator

from ...module_utils._base.text import printable
from ...module_utils._evidence.records import BootRecord
from .._border.collected import Collected, Facts, RepairAnswer
from .difference import link_text
from .known import KnownHost
from .records import Check, SecondRun, Validation
from .rules import DIFFERENCES

__all__ = ["validation_part"]


def validation_part(known: KnownHost, collected: Collected) -> Validation | None:
    """Return the proof, null where there was nothing to prove."""
    if not collected.get("proof") or not (known.result.get("changed") or known.rounds):
        return None
    rounds = [("repair", collected)]
    rounds += [(one["round"], one["result"].get("report") or Collected()) for one in known.rounds]
    second = next((one["result"] for one in known.rounds if one["round"] == "second run"), None)
    booted = [seen for name, seen in rounds if name == "after the boot"]
    return Validation(
        checks=[check for name, seen in rounds for check in _checks(name, seen)],
        across=_restart_between(collected.get("boot"), booted[-1].get("boot") if booted else None),
        second_run=_second_run(second) if second else None,
    )


def _restart_between(before: BootRecord | None, after: BootRecord | None) -> str:
    """Return what lay between: a new kernel is a reboot, a new process 1 under the same kernel a restart."""
    if not before or not after:
        return "none"
    if before.get("kernel") != after.get("kernel"):
        return "reboot"
    return "restart" if before.get("init") != after.get("init") else "none"


def _second_run(result: RepairAnswer) -> SecondRun:
    report = result.get("report") or Collected()
    return SecondRun(
        time=report.get("proved") or report.get("started"),
        changed=bool(result.get("changed")),
        healthy=bool(result.get("healthy")),
        findings=sorted({one["id"] for one in result.get("findings") or ()}),
    )


def _checks(name: str, seen: Collected) -> Iterator[Check]:
    """Yield the checks of one round: where python3 leads, what rpm -V says, and the commands of the proof."""
    facts = seen.get("facts_after") or seen.get("facts")
    if not facts:
        return
    time = seen.get("proved") or seen.get("started")
    for what, ok, detail in (_link_check(facts), _files_check(facts)):
        yield Check(time=time, round=name, what=what, ok=ok, detail=detail)
    for one in seen.get("proof") or ():
        what = printable(one["command"] or "the proof")
        yield Check(time=time, round=name, what=what, ok=bool(one["ok"]), detail=one["output"])


def _link_check(facts: Facts) -> tuple[str, bool, str]:
    hops = facts["resolution"]["python3"]
    shipped = all(hop["verified"] for hop in hops)
    detail = f"{link_text(hops)}, every hop as its package ships it" if shipped else link_text(hops)
    return f"where {facts['contract']['link']} leads", bool(hops) and shipped, detail


def _files_check(facts: Facts) -> tuple[str, bool, str]:
    drifted = sorted({one["id"] for one in facts["findings"] if one["id"] in DIFFERENCES})
    said = [f"findings {', '.join(drifted)}"] if drifted else []
    said += ["it did not end in time, so not every file was looked at"] if facts["verification"]["partial"] else []
    detail = "; ".join(said) or "no file differs"
    return f"rpm -V of the scope ({len(facts['packages'])} packages)", not said, detail
