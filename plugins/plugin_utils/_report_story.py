# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The parts of a report that tell a story: since when, the timeline, categories of change, what it could break."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.fleet.system_python.plugins.module_utils._text import printable

__all__ = ["blast_radius", "categories", "since", "timeline"]

_MOST_EVENTS = 60

_CATEGORIES = {
    "restore_link": "packaged links put back by rename",
    "drop_group": "an alternatives group that governed a packaged path taken away",
    "drop_choices": "foreign choices taken out of an alternatives group of the operating system",
    "relink_group": "links of an alternatives group made to agree with its state file",
    "quarantine": "files that no package owns moved to the quarantine",
    "reinstall": "packages reinstalled at their installed version, in one transaction",
    "set_metadata": "mode and owner of packaged files set as shipped",
    "selinux_config": "the configured SELinux mode set, on request",
}

# Findings that are about what the incident changed; others (a shadow in /usr/local) may be older than it.
_TELLING = ("SP201", "SP202", "SP203", "SP204", "SP205", "SP206", "SP207", "SP208", "SP209", "SP210", "SP102")


def categories(actions: Iterable[Mapping[str, Any]], brought_back: Mapping[str, Any]) -> list[str]:
    """Return the categories of change that the actions are, in their order."""
    found = ["an interpreter brought back before any module ran"] if brought_back else []
    found += [_CATEGORIES[action["action"]] for action in actions if action["action"] in _CATEGORIES]
    return list(dict.fromkeys(found))


# Which of the changes that python_dependents_info knows (_dependents_read.py) a finding is.
_HAPPENED = {
    "redirected": ("SP101", "SP102", "SP103", "SP104"),
    "overwritten": ("SP201", "SP203", "SP204", "SP206"),
    "gone": ("SP202", "SP301"),
}


def blast_radius(dependents: Mapping[str, Any] | None, findings: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return what depends on the interpreter, with the changes that the findings are; null where it was not asked."""
    if not dependents:
        return None
    found = {one["id"] for one in findings}
    happened = [change for change in dependents["changes"] if found.intersection(_HAPPENED[change])]
    return {**dependents, "happened": happened}


def _traces(report: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield (time, what happened, what says so) of everything that was altered."""
    evidence, before = report["evidence"], report["before"]
    if not evidence or not before:
        return
    for file in evidence["files"]:
        if file["ctime"] and file["finding"] in _TELLING and file["kind"] != "directory":
            name = printable(file["path"])
            if file["finding"] == "SP207":
                what = f"{name} got its present mode, owner or capabilities"
            else:
                what = f"{name} was put there" if file["package"] is None else f"{name} got its present content"
            yield file["ctime"], what, f"ctime of {name}"
    broken = {one["path"] for one in before["findings"] if one["id"] in ("SP101", "SP102", "SP103", "SP104")}
    for chain in evidence["links"]:
        hop = chain["hops"][0]
        if chain["path"] in broken and hop["ctime"] and hop["kind"] == "link":
            name = printable(chain["path"])
            yield hop["ctime"], f"{name} became a link to {printable(str(hop['target']))}", f"ctime of {name}"
    foreign = {one["evidence"].get("state_file") for one in before["findings"] if one["id"] == "SP104"}
    for state in evidence["alternatives"]:
        if state["path"] in foreign and state["mtime"]:
            yield state["mtime"], "the alternatives group was last written", f"mtime of {printable(state['path'])}"


def since(report: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return the earliest trace of the change and what says so; nulls when there is none."""
    # Of one second, the first that is yielded: files of the worst findings.
    earliest = min(_traces(report), key=lambda one: one[0], default=None)
    return (earliest[0], earliest[2]) if earliest else (None, None)


def timeline(report: Mapping[str, Any], collected: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return what happened, oldest first. Of many files that changed in one second, the first ones are told."""
    events = [*_grouped(_traces(report)), *_history(report), *_run(report, collected)]
    unique = list(dict.fromkeys(sorted(events)))
    if len(unique) > _MOST_EVENTS:
        # The end is this run, the beginning is the incident; of both something must stay.
        unique = unique[: _MOST_EVENTS // 2] + unique[-_MOST_EVENTS // 2 :]
    return [{"time": time, "what": what, "source": source} for time, what, source in unique]


def _grouped(traces: Iterable[tuple[str, str, str]]) -> Iterator[tuple[str, str, str]]:
    """Yield the traces, with those of one kind in one second together."""
    groups: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for time, what, source in traces:
        kind = what.rpartition(" ")[2] if "became a link" in what else " ".join(what.split(" ")[1:])
        groups.setdefault((time, kind), []).append((what, source))
    for (time, _kind), members in groups.items():
        what, source = members[0]
        more = f" (and {len(members) - 1} more files in the same second)" if len(members) > 1 else ""
        yield time, what + more, source


def _history(report: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    evidence = report["evidence"]
    if not evidence:
        return
    for one in evidence["transactions"]:
        if one["time"]:
            number = f" (transaction {one['id']})" if one["id"] else ""
            yield one["time"], f"{one['what']}{number}", one["source"]
    for one in evidence["log"][:30]:
        if one["time"]:
            yield one["time"], one["text"], one["source"]
    for one in sorted((one for one in evidence["shell_history"] if one["time"]), key=lambda one: one["time"])[-30:]:
        place = f"{one['source']}:{one['line']}" if one["line"] else one["source"]
        yield one["time"], f"{one['user']} typed: {one['text']}", place
    for one in evidence["logins"]:
        if one["time"]:
            yield one["time"], f"login: {one['text']}", one["source"]


def _run(report: Mapping[str, Any], collected: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    mine = "this run"
    if collected.get("started") and report["evidence"]:
        yield report["evidence"]["collected"], "the evidence was collected", mine
    repaired = report["repair"] and report["repair"]["carried_out"]
    if repaired and collected.get("proved"):
        yield collected["proved"], "the repair was done and its proof was taken", mine
    validation = report["validation"] or {"checks": [], "across": "none"}
    second = validation.get("second_run")
    if second and second["time"]:
        yield second["time"], "the second run changed " + ("something" if second["changed"] else "nothing"), mine
    booted = [one["time"] for one in validation["checks"] if one["round"] == "after the boot" and one["time"]]
    if booted:
        word = {"reboot": "reboot", "restart": "restart of the container"}.get(
            validation["across"], "boot that was asked for"
        )
        yield booted[0], f"the checks were repeated after the {word}", mine
