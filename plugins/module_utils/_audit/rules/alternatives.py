# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""SP104 and SP105: alternatives groups that govern Python's commands."""

import typing as t

from ..._base.text import printable
from ..finding_records import QuarantineFiles
from ..records import AlternativesGroup, GovernedLink, Observation
from ..remedies import drop_choices, drop_group, set_right
from ..rule import Deviation, Evidence, Policy, shown

__all__ = ["foreign", "packaged_names", "stale"]


def packaged_names(group: AlternativesGroup) -> t.List[GovernedLink]:
    """Return the names that the group governs although packages, or a group of theirs, have them."""
    return [one for one in group["governs"] if one["package"]]


def foreign(observation: Observation, _policy: Policy) -> t.Iterator[Deviation]:
    """SP104: a group governs a packaged name, or a group of the release offers what no package owns."""
    for group in observation["alternatives"]:
        packaged = packaged_names(group)
        if group["own"]:
            yield from _foreign_part(group, packaged, observation)
        elif packaged:
            yield _foreign_group(group, packaged, observation)


def _foreign_group(group: AlternativesGroup, packaged: t.Sequence[GovernedLink], observation: Observation) -> Deviation:
    harmless = _leads_as_packaged(group, packaged)
    reassurance = "; it leads to the packaged {0}, so nothing runs that should not".format(group["chosen"])
    return Deviation(
        "the alternatives group {0} {1}{2}".format(
            printable(group["name"]), _governs(packaged), reassurance if harmless else ""
        ),
        path=group["link"] or group["state_file"],
        expected="no alternatives group",
        actual=group["chosen"],
        evidence=_evidence_of_group(group),
        remedy=drop_group(group, observation),
        severity="minor" if harmless else "major",
    )


def _governs(packaged: t.Sequence[GovernedLink]) -> str:
    paths = shown([one["path"] for one in packaged])
    return "governs {0}, which belongs to the package {1}".format(paths, packaged[0]["package"])


def _evidence_of_group(group: AlternativesGroup) -> Evidence:
    choices = [{"target": one["target"], "priority": one["priority"]} for one in group["choices"]]
    return {"state_file": group["state_file"], "mode": group["mode"], "choices": choices}


def _leads_as_packaged(group: AlternativesGroup, packaged: t.Sequence[GovernedLink]) -> bool:
    """Tell whether all that the group offers is what the packaged names lead to.

    Such a group is what an upgrade with Leapp may leave behind.
    """
    places = {choice["place"] for choice in group["choices"]}
    if group["problems"] or places != {one["due"] for one in packaged if one["name"] == group["name"]}:
        return False
    return all(one["leads_to"] == one["due"] for one in packaged)


def _foreign_part(
    group: AlternativesGroup, packaged: t.Sequence[GovernedLink], observation: Observation
) -> t.Iterator[Deviation]:
    """Judge a group of the release itself: what packages own is what it may choose, and what it may not govern."""
    best = max((choice["priority"] for choice in group["choices"] if choice["owner"]), default=0)
    foreign = [
        choice["target"]
        for choice in group["choices"]
        if choice["exists"] and not choice["owner"] and (choice["chosen"] or choice["priority"] >= best)
    ]
    what = ["offers {0}, which no package owns, before what packages own".format(shown(foreign))] if foreign else []
    what += [_governs(packaged)] if packaged else []
    if what:
        yield Deviation(
            "the alternatives group {0} {1}".format(printable(group["name"]), " and ".join(what)),
            path=group["link"] or group["state_file"],
            expected="targets that packages own",
            actual=group["chosen"],
            evidence=_evidence_of_group(group),
            remedy=drop_choices(group, observation, foreign, packaged),
        )


def stale(observation: Observation, _policy: Policy) -> t.Iterator[Deviation]:
    """SP105: state file, entry and link of a group disagree, or a new state lies in the way of the next."""
    for group in observation["alternatives"]:
        if not group["problems"]:
            continue
        what = "is inconsistent" if group["choices"] else "has no readable state"
        foreign = not group["own"] and packaged_names(group)
        yield Deviation(
            "the alternatives group {0} {1}: {2}".format(
                printable(group["name"]), what, "; ".join(printable(problem) for problem in group["problems"])
            ),
            path=group["link"] or group["state_file"],
            expected=group["entry"],
            actual=group["chosen"],
            evidence={"state_file": group["state_file"], "problems": group["problems"]},
            remedy=drop_group(group, observation) if foreign else set_right(group, observation),
        )
    for path in observation["unfinished_states"]:
        yield Deviation(
            "{0} was left behind by a killed alternatives: while it exists, no package can register itself in this "
            "group".format(printable(path)),
            path=path,
            expected="no such file",
            actual="a state that was never finished",
            evidence={"state_file": path[: -len(".new")]},
            remedy=QuarantineFiles(action="quarantine", paths=[path]),
        )
