# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Shape the observation and the findings into the facts that users read: small, and safe for every JSON writer."""

import typing as t

from .._base.text import json_text, safe
from .._disk.host_mode import HostMode
from .finding_records import Finding
from .findings import is_open, worst
from .records import AlternativesGroup, Interpreter, Observation, SearchPath
from .unseen import why_not
from .waivers import until

__all__ = ["SCHEMA", "accepted_lines", "healthy", "shape_accepted", "shape_facts", "shape_findings", "summarize"]

# Raised when a key changes its meaning or goes away; new keys do not raise it.
SCHEMA = 1


def healthy(findings: t.Sequence[Finding]) -> bool:
    """Tell whether a host with these findings is as its contract promises: it has none, but what the user accepts."""
    return not any(map(is_open, findings))


def shape_findings(findings: t.Iterable[Finding]) -> t.List[t.Dict[str, object]]:
    """Return the findings that count, for users: without the remedy, which is the plan's business."""
    return [_shaped(finding) for finding in findings if is_open(finding)]


def shape_accepted(findings: t.Iterable[Finding]) -> t.List[t.Dict[str, object]]:
    """Return the findings that the user accepts, each with C(accepted), in the same way."""
    return [_shaped(finding) for finding in findings if not is_open(finding)]


def _shaped(finding: Finding) -> t.Dict[str, object]:
    return safe({key: value for key, value in finding.items() if key != "remedy"})


def shape_facts(
    observation: Observation, findings: t.Sequence[Finding], os_release: t.Mapping[str, str]
) -> t.Dict[str, object]:
    """Return the facts of one host; docs/facts.md describes every key."""
    contract = observation["contract"]
    facts: t.Dict[str, object] = {
        "schema": SCHEMA,
        "root": observation["root"],
        "os": {"id": os_release.get("ID"), "version": os_release.get("VERSION_ID")},
        "contract": {
            "id": contract["id"],
            "version": contract["version"],
            "binary": contract["binaries"][0]["path"],
            "link": contract["links"][0]["path"],
            "packages": contract["packages"],
        },
        "installed": observation["installed"],
        "healthy": healthy(findings) and not observation["unreadable"],
        "worst": worst(findings),
        "findings": shape_findings(findings),
        "accepted": shape_accepted(findings),
        "resolution": observation["resolution"],
        "interpreters": [_interpreter(record) for record in observation["interpreters"]],
        "alternatives": [_group(group) for group in observation["alternatives"]],
        "packages": observation["packages"],
        "manager": {key: value for key, value in observation["manager"].items() if key != "blocked"},
        "ansible": observation["ansible"],
        "search_paths": _search_paths(observation["search_paths"]),
        "selinux": observation["selinux"]["configured"],
        "mode": _mode(observation["mode"]),
        "not_checked": observation["not_checked"],
        "unreadable": observation["unreadable"],
        "verification": dict(observation["verification"], rpm_processes=observation["rpm_processes"]),
    }
    return safe(facts)


def summarize(observation: Observation, findings: t.Sequence[Finding]) -> t.List[str]:
    """Return the facts as lines for people: a headline, then a line per finding."""
    lines = [json_text(_finding_line(finding)) for finding in findings if is_open(finding)]
    number = "1 finding" if len(lines) == 1 else "{0} findings".format(len(lines))
    headline = "{0}, the worst is {1}".format(number, worst(findings)) if lines else _all_is_well(observation)
    accepted = accepted_lines(shape_accepted(findings))
    if accepted:
        headline += "; {0} accepted".format(len(accepted))
    return [headline] + lines + accepted + [json_text(one) for one in _not_looked_at(observation)]


def _not_looked_at(observation: Observation) -> t.List[str]:
    if not observation["unreadable"]:
        return []
    return ["not everything could be read, use -b: {0}".format(why_not(observation["unreadable"]))]


def _all_is_well(observation: Observation) -> str:
    contract = observation["contract"]
    if observation["unreadable"]:
        return "partial: nothing was found in what could be read"
    if not observation["installed"]:
        return "healthy: no system Python is installed"
    return "healthy: {0} is Python {1}, every file of it as shipped".format(
        contract["links"][0]["path"], contract["version"]
    )


def accepted_lines(accepted: t.Iterable[t.Mapping[str, t.Any]]) -> t.List[str]:
    """Return a line for each finding that the user accepts, with reason and end."""
    return [
        "accepted {0}, {1}: {2} {3}: {4}".format(
            until(one["accepted"]["expires"]), one["accepted"]["reason"], one["id"], one["name"], one["summary"]
        )
        for one in accepted
    ]


def _finding_line(finding: Finding) -> str:
    return "{0} {1} ({2}{3}): {4}".format(
        finding["id"],
        finding["name"],
        finding["severity"],
        "" if finding["repairable"] else ", not repaired automatically",
        finding["summary"],
    )


def _interpreter(record: Interpreter) -> t.Dict[str, object]:
    return {key: value for key, value in record.items() if value is not None or key in ("owner", "verified", "version")}


def _group(group: AlternativesGroup) -> t.Dict[str, object]:
    return {
        "name": group["name"],
        "mode": group["mode"],
        "link": group["link"],
        "chosen": group["chosen"],
        "choices": {choice["target"]: choice["priority"] for choice in group["choices"]},
        "governs": {one["path"]: one["target"] for one in group["governs"]},
        "problems": group["problems"],
    }


def _mode(mode: t.Optional[HostMode]) -> t.Optional[t.Dict[str, object]]:
    return {"kind": mode.kind, "tools": list(mode.tools)} if mode else None


def _search_paths(paths: t.Iterable[SearchPath]) -> t.Dict[str, str]:
    """Return C({who (source): folders}), each different list of folders once, under its first name."""
    shaped: t.Dict[str, str] = {}
    for one in paths:
        joined = ":".join(one["folders"])
        if joined not in shaped.values():
            shaped["{0} ({1})".format(one["who"], one["source"])] = joined
    return shaped
