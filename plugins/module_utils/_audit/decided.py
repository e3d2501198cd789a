# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What the user decided about findings: the one place in which an exception takes effect."""

import typing as t

from .finding_records import Acceptance, Finding
from .records import Observation
from .rule import Rule, named_files, number_of_files, shown
from .rules.binaries import content_words
from .waivers import Waiver

__all__ = ["decide", "is_open", "keep_accepted", "let_follow", "parts_of"]


def is_open(finding: Finding) -> bool:
    """Tell whether a finding counts: nobody has accepted it."""
    return "accepted" not in finding


def parts_of(rule: Rule, observation: Observation, waivers: t.Sequence[Waiver]) -> t.Iterator[Observation]:
    """Yield what the rule looks at, in parts of which each is a matter of one exception, or of none.

    So no finding is accepted because of one of several files that it is about.
    """
    if not rule.parts or not waivers:
        yield observation
        return
    several: t.List[t.Any] = observation[rule.parts]  # type: ignore[literal-required]
    by_waiver: t.Dict[t.Optional[Waiver], t.List[t.Any]] = {}
    for one in several:
        by_waiver.setdefault(_waiver_for([one["path"]], waivers), []).append(one)
    for part in by_waiver.values():
        yield t.cast(Observation, dict(observation, **{rule.parts: part}))


def _waiver_for(names: t.Sequence[t.Optional[str]], waivers: t.Iterable[Waiver]) -> t.Optional[Waiver]:
    return next((one for one in waivers if any(map(one.matches, names))), None)


def _names(finding: Finding, rule: Rule) -> t.List[t.Optional[str]]:
    """Return what an exception may name; a variable without its file is that of the connection alone."""
    others = [finding["evidence"].get(key) for key in rule.named_by if key != "path"]
    if finding["path"] and rule.subject != "package":
        others = []
    return [finding["path"]] + [str(name) for name in others if name]


def decide(finding: Finding, rule: Rule, waivers: t.Iterable[Waiver], day: str) -> None:
    """Accept the finding, or say that the exception for it is over."""
    waiver = _waiver_for(_names(finding, rule), waivers)
    if not waiver:
        return
    decision = Acceptance(reason=waiver.reason, expires=waiver.expires)
    if not waiver.is_expired(day):
        _accept(finding, decision)
        return
    finding["expired"] = decision
    finding["summary"] += "; THE EXCEPTION FOR IT EXPIRED on {0} ({1})".format(waiver.expires, waiver.reason)


def _accept(finding: Finding, decision: Acceptance) -> None:
    finding["accepted"] = decision
    _leave(finding)


def _leave(finding: Finding) -> None:
    finding["remedy"], finding["repairable"] = None, False


def let_follow(found: t.Iterable[Finding], accepted: t.Sequence[Finding]) -> None:
    """Accept, too, that the package manager is not started because of nothing but what is accepted."""
    decisions = {path: one["accepted"] for one in accepted for path in named_files(one)}
    for finding in found:
        blocked = finding["evidence"].get("paths")
        if finding["id"] != "SP211" or not is_open(finding) or not isinstance(blocked, list):
            continue
        if len(blocked) == number_of_files(finding) and decisions.keys() >= set(blocked):
            _accept(finding, decisions[blocked[0]])


def keep_accepted(found: t.Iterable[Finding], accepted: t.Iterable[Finding], observation: Observation) -> None:
    """Let no package be reinstalled over a file whose content is accepted."""
    paths = {path for one in accepted for path in named_files(one)}
    kept: t.Dict[str, t.List[str]] = {}
    for drift in observation["drift"]:
        if drift["path"] in paths and not drift["missing"] and (drift["note"] or content_words(drift)):
            kept.setdefault(drift["package"] or "", []).append(drift["path"])
    for finding in found:
        owners = sorted(kept.keys() & _reinstalled(finding))
        if owners:
            _leave(finding)
            what = [path for owner in owners for path in kept[owner]]
            finding["summary"] += "; not repaired: that would overwrite {0}, which is accepted".format(shown(what))


def _reinstalled(finding: Finding) -> t.Set[str]:
    remedy = finding["remedy"]
    if remedy and remedy["action"] == "reinstall":
        return {remedy["package"]}
    return set(remedy["packages"]) if remedy and remedy["action"] == "remake_group" else set()
