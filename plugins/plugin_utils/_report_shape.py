# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""From what a run knows of a host to the data of its report: docs/report.schema.json, docs/report.md.

Pure. Nothing is in the report that the data do not show; Markdown and HTML are made from the result alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.fleet.system_python.plugins.module_utils._redact import redact
from ansible_collections.fleet.system_python.plugins.module_utils._text import printable
from ansible_collections.fleet.system_python.plugins.plugin_utils._report_hypotheses import Case, check_all, titles
from ansible_collections.fleet.system_python.plugins.plugin_utils._report_prevention import advice_for, guards_for
from ansible_collections.fleet.system_python.plugins.plugin_utils._report_story import (
    blast_radius,
    categories,
    since,
    timeline,
)

__all__ = ["FORMAT", "STATUSES", "shape"]

FORMAT = 1

STATUSES = (
    "healthy",
    "repaired",
    "would be repaired",
    "findings left",
    "not helped",
    "failed",
    "unreachable",
    "not started",
)

_DIGEST = re.compile(r"^[0-9a-f]{32,128}$")


def shape(known: Mapping[str, Any], run: Mapping[str, Any], parts: Iterable[str] = ()) -> dict[str, Any]:
    """Return the report of one host.

    C(known) holds what the plays left: host, groups, status, note, error, first_aid (result of first aid), result (of
    system_python, also a failed one), collected (of python_evidence), facts (of python_facts), rounds (of the
    validation: C({round, result})). All but host and status may be missing. C(run) is "run" of the report, C(parts)
    are the playbooks and roles of the collection that may be recommended.
    """
    result = known.get("result") or {}
    collected = (result.get("report") or known.get("collected") or {}) if known["status"] != "not started" else {}
    before = collected.get("facts") or known.get("facts")
    after = _after(known, collected)
    evidence = dict(collected.get("evidence") or {})
    dependents = evidence.pop("dependents", None)
    first_aid = _first_aid(known.get("first_aid"))
    if evidence and first_aid and first_aid["changed"]:
        evidence = {**evidence, "when": "after first aid, before the repair"}
    case = Case(before, evidence) if before and before["findings"] and evidence else None
    hypotheses = check_all(case) if case else []
    causes = [one["id"] for one in hypotheses if one["verdict"] == "ruled_in"]
    validation = _validation(known, collected)
    report: dict[str, Any] = {
        "format": FORMAT,
        "host": known["host"],
        "groups": sorted(known.get("groups") or ()),
        "run": dict(run),
        "status": known["status"],
        "note": known.get("note") or "",
        "error": _error(known.get("error")),
        "os": _os(before, known.get("first_aid")),
        "first_aid": first_aid,
        "before": before,
        "evidence": evidence or None,
        "dependents": blast_radius(dependents, (before or {}).get("findings", ())),
        "repair": _repair(known, collected, before),
        "after": after,
        "difference": _difference(before, after),
        "exhibits": case.exhibits if case else [],
        "hypotheses": hypotheses,
        "validation": validation,
        "prevention": advice_for(causes, parts),
        "guards": guards_for([one["id"] for one in (before or {}).get("findings", ())], parts),
    }
    report["summary"] = _summary(report, causes)
    report["timeline"] = timeline(report, collected)
    redacted: dict[str, Any] = _redacted(report)
    return redacted


def _redacted(value: Any, key: str = "") -> Any:
    """Return the report with secrets taken out of every text: of messages and addresses of repositories, too."""
    if isinstance(value, dict):
        return {name: _redacted(one, name) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_redacted(one, key) for one in value]
    if isinstance(value, str) and key not in ("host", "groups") and not _DIGEST.match(value):
        return redact(value, looks=False)[0]
    return value


# --- parts of the report ---------------------------------------------------------------------------------------------


def _error(error: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not error:
        return None
    return {
        "kind": str(error.get("kind") or "unknown"),
        "msg": printable(str(error.get("msg") or "")),
        "details": dict(error.get("details") or {}),
    }


def _os(facts: Mapping[str, Any] | None, first_aid: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if facts:
        return {"id": facts["os"]["id"], "version": facts["os"]["version"]}
    release = (first_aid or {}).get("os")
    return {"id": release.get("id"), "version": release.get("version_id")} if release else None


def _first_aid(result: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not result:
        return None
    return {
        "interpreter": result.get("interpreter"),
        "version": result.get("interpreter_version"),
        "changed": bool(result.get("brought_back")),
        "summary": str(result.get("summary") or result.get("msg") or ""),
        "rejected": list(result.get("rejected") or ()),
        "hazards": list(result.get("hazards") or ()),
        "brought_back": result.get("brought_back"),
    }


def _after(known: Mapping[str, Any], collected: Mapping[str, Any]) -> Any:
    """Return the last observation; where nothing was to be changed, the first one is the last one."""
    if collected.get("facts_after"):
        return collected["facts_after"]
    unchanged = known["status"] in ("healthy", "findings left") and not (known.get("result") or {}).get("changed")
    return (collected.get("facts") or known.get("facts")) if unchanged else None


def _repair(
    known: Mapping[str, Any], collected: Mapping[str, Any], before: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    result = known.get("result") or {}
    brought = (known.get("first_aid") or {}).get("brought_back") or {}
    if not result.get("plan") and not brought and known["status"] in ("healthy", "unreachable", "not started"):
        return None
    if not result and not brought:
        return None
    done = bool(result.get("actions")) or bool((result.get("details") or {}).get("actions"))
    actions = result.get("plan") or (result.get("details") or {}).get("actions") or []
    answered = {finding for action in actions for finding in action.get("findings", [])}
    left = result.get("findings_after") or [one for one in (before or {}).get("findings", []) if not one["repairable"]]
    sources = {**(brought.get("source") or {}), **(result.get("sources") or {})}
    return {
        "carried_out": done or bool(brought),
        "plan": [
            {
                "action": action["action"],
                "description": action.get("description") or action["action"],
                "findings": list(action.get("findings") or ()),
                "done": done,
            }
            for action in actions
        ],
        "categories": categories(actions, brought),
        "left_alone": [
            {"id": one["id"], "summary": one["summary"]} for one in left if one["id"] not in answered or done
        ],
        "packages": [{"nevra": nevra, "source": source} for nevra, source in sorted(sources.items())],
        "tried": list(result.get("tried") or ()) + list((known.get("first_aid") or {}).get("tried") or ()),
        "quarantine": _quarantine(result, collected, brought),
        "warnings": _warnings(known, before),
    }


def _quarantine(
    result: Mapping[str, Any], collected: Mapping[str, Any], brought: Mapping[str, Any]
) -> dict[str, Any] | None:
    folder = result.get("quarantine") or (result.get("details") or {}).get("quarantine") or brought.get("quarantine")
    if not folder:
        return None
    items = [{**item, "finding": item["finding"] or ""} for item in collected.get("quarantine") or ()]
    if brought.get("quarantine"):
        items += [
            {"path": path, "kind": "file", "action": "take", "finding": "first aid", "sha256": None, "size": None}
            for path in brought.get("moved_aside") or ()
        ]
    return {"folder": folder, "items": items}


def _warnings(known: Mapping[str, Any], before: Mapping[str, Any] | None) -> list[str]:
    warnings = []
    brought = (known.get("first_aid") or {}).get("brought_back")
    if brought:
        text = "No Python could be trusted, so first aid brought one back before the evidence was collected"
        kept = f": what it replaced is in {brought['quarantine']}." if brought.get("quarantine") else "."
        warnings.append(text + kept)
    if before and any(one["id"] == "SP212" for one in before["findings"]):
        warnings.append(
            "The mode of SELinux that is configured takes effect at a boot; a host that ran permissive may need a "
            "relabel (touch /.autorelabel) before it is enforcing."
        )
    return warnings


def _chain(facts: Mapping[str, Any]) -> str:
    hops = facts["resolution"]["python3"]
    return " -> ".join(printable(hop["path"]) for hop in hops) or "missing"


def _difference(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return what the observation after says otherwise than the one before."""
    if not before or not after or before is after:
        return []
    pairs: list[tuple[str, Mapping[str, str], Mapping[str, str]]] = [
        ("link", _links(before), _links(after)),
        ("interpreter", _interpreters(before), _interpreters(after)),
        ("alternatives", _groups(before), _groups(after)),
        ("package", before["packages"], after["packages"]),
        ("manager", {"package manager": _manager(before)}, {"package manager": _manager(after)}),
        ("selinux", {"configured mode": str(before["selinux"])}, {"configured mode": str(after["selinux"])}),
        ("finding", _findings(before), _findings(after)),
    ]
    return [
        {"what": what, "subject": subject, "before": one.get(subject), "after": other.get(subject)}
        for what, one, other in pairs
        for subject in sorted({*one, *other})
        if one.get(subject) != other.get(subject)
    ]


def _links(facts: Mapping[str, Any]) -> dict[str, str]:
    return {
        hops[0]["path"]: " -> ".join(printable(hop["path"]) for hop in hops)
        for hops in facts["resolution"].values()
        if hops
    }


def _interpreters(facts: Mapping[str, Any]) -> dict[str, str]:
    vouched = {True: "as its package shipped it", False: "not as its package shipped it", None: "owned by no package"}
    return {
        printable(one["path"]): f"Python {one['version'] or 'unknown'}, {vouched[one['verified']]}"
        for one in facts["interpreters"]
    }


def _groups(facts: Mapping[str, Any]) -> dict[str, str]:
    return {printable(one["name"]): f"{one['mode']}: {printable(str(one['chosen']))}" for one in facts["alternatives"]}


def _manager(facts: Mapping[str, Any]) -> str:
    manager = facts["manager"]
    return f"{manager['state']}: {manager['reason']}" if manager["reason"] else str(manager["state"])


def _findings(facts: Mapping[str, Any]) -> dict[str, str]:
    return {f"{one['id']} {printable(one['path'] or '')}".strip(): one["summary"] for one in facts["findings"]}


# --- the proof -------------------------------------------------------------------------------------------------------


def _validation(known: Mapping[str, Any], collected: Mapping[str, Any]) -> dict[str, Any] | None:
    result = known.get("result") or {}
    if not collected.get("proof") or not (result.get("changed") or known.get("rounds")):
        return None
    rounds = [("repair", collected)]
    rounds += [(one["round"], (one.get("result") or {}).get("report") or {}) for one in known.get("rounds") or ()]
    checks = [check for name, seen in rounds for check in _checks(name, seen)]
    second = next((one["result"] for one in known.get("rounds") or () if one["round"] == "second run"), None)
    booted = [seen for name, seen in rounds if name == "after the boot"]
    return {
        "checks": checks,
        "across": _across(collected.get("boot"), booted[-1].get("boot") if booted else None),
        "second_run": _second_run(second) if second else None,
    }


def _across(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    """Return what lay between: a new kernel is a reboot, a new process 1 under the same kernel a restart."""
    if not before or not after:
        return "none"
    if before.get("kernel") != after.get("kernel"):
        return "reboot"
    return "restart" if before.get("init") != after.get("init") else "none"


def _second_run(result: Mapping[str, Any]) -> dict[str, Any]:
    report = result.get("report") or {}
    return {
        "time": report.get("proved") or report.get("started"),
        "changed": bool(result.get("changed")),
        "healthy": bool(result.get("healthy")),
        "findings": sorted({one["id"] for one in result.get("findings") or ()}),
    }


def _checks(name: str, seen: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the checks of one round: where python3 leads, what rpm -V says, and the commands of the proof."""
    facts = seen.get("facts_after") or seen.get("facts")
    if not facts:
        return []
    time = seen.get("proved") or seen.get("started")
    drifted = sorted({one["id"] for one in facts["findings"] if one["id"].startswith("SP2") and one["id"] < "SP208"})
    checks = [
        {
            "what": f"where {facts['contract']['link']} leads",
            "ok": bool(facts["resolution"]["python3"]) and all(h["verified"] for h in facts["resolution"]["python3"]),
            "detail": f"{_chain(facts)}, every hop as its package ships it"
            if all(hop["verified"] for hop in facts["resolution"]["python3"])
            else _chain(facts),
        },
        {
            "what": f"rpm -V of the scope ({len(facts['packages'])} packages)",
            "ok": not drifted and not facts["verification"]["partial"],
            "detail": f"findings {', '.join(drifted)}" if drifted else "no file differs",
        },
        *(
            {"what": printable(one["command"] or "the proof"), "ok": bool(one["ok"]), "detail": one["output"]}
            for one in seen.get("proof") or ()
        ),
    ]
    return [{"time": time, "round": name, **check} for check in checks]


# --- the summary -----------------------------------------------------------------------------------------------------


def _summary(report: Mapping[str, Any], causes: Sequence[str]) -> dict[str, Any]:
    before = report["before"] or {}
    moment, source = since(report)
    return {
        "headline": _headline(report),
        "symptoms": [one["summary"] for one in before.get("findings", [])],
        "since": moment,
        "since_source": source,
        "cause": "; ".join(titles(causes)) or None,
    }


def _headline(report: Mapping[str, Any]) -> str:
    host = printable(report["host"])
    before = report["before"]
    if report["status"] == "healthy" and before:
        contract, manager = before["contract"], before["manager"]
        works = f", {manager['name']} works" if manager["state"] == "works" else ""
        packages = ", ".join(before["packages"].get(name, name) for name in contract["packages"])
        return (
            f"{host} is healthy: {contract['link']} is Python {contract['version']}, every file of {packages} is as "
            f"its vendor shipped it{works}. Nothing was changed."
        )
    return _headlines(report, host)


def _headlines(report: Mapping[str, Any], host: str) -> str:
    count = len((report["after"] or report["before"] or {}).get("findings", []))
    number = "One finding is" if count == 1 else f"{count} findings are"
    audited = report["run"]["kind"] == "audit"
    repaired = report["repair"] and report["repair"]["carried_out"] and report["repair"]["plan"]
    rest = "; nothing was changed." if audited else " that a repair leaves to you."
    partly = f"The system Python of {host} was broken. It is repaired, as far as it may be. {number} left to you."
    left = f" {number} left to you." if count and report["status"] == "repaired" else ""
    unhelped = f"The system Python of {host} could not be repaired; nothing was changed."
    if report["first_aid"] and report["first_aid"]["changed"]:
        unhelped = (
            f"On {host} first aid brought a Python back; the rest of the system Python could not be repaired, and was "
            "not changed."
        )
    words = {
        "healthy": f"{host} is healthy.",
        "repaired": f"The system Python of {host} was broken. It is repaired, and the repair is proven.{left}",
        "would be repaired": f"The system Python of {host} is broken. Check mode only showed what a repair would do.",
        "findings left": partly if repaired else f"{number} on {host}{rest}",
        "not helped": unhelped,
        "failed": f"The {'audit' if audited else 'repair'} of {host} failed; somebody has to look at the host.",
        "unreachable": f"{host} could not be reached; nothing is known about it.",
        "not started": f"The run ended before it came to {host}; nothing is known about it.",
    }
    return words[report["status"]]
