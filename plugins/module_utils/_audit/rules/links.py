# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""SP101 to SP103: the links of the contract, packaged or of an alternatives group of the release itself."""

import typing as t

from ..._base.text import printable
from ..finding_records import NoRemedy
from ..records import AlternativesGroup, GovernedLink, Observation, ObservedLink
from ..remedies import restore_link, set_right
from ..rule import Deviation, Policy, with_article

__all__ = ["broken", "redirected", "replaced"]

_NOT_A_LINK = ("file", "directory", "other")
# How a chain that ends in no file ends, for people.
_NO_FILE = {"loop": "a loop", "process": "another file for every process"}


def _is_redirected(link: ObservedLink) -> bool:
    return link["kind"] == "link" and link["target"] != link["expected"]


def _governed_links(observation: Observation) -> t.Iterator[t.Tuple[GovernedLink, AlternativesGroup]]:
    """Yield each command that a group of the release itself makes, with its group."""
    for group in observation["alternatives"]:
        if group["own"]:
            for one in group["governs"]:
                yield one, group


def redirected(observation: Observation, _policy: Policy) -> t.Iterator[Deviation]:
    """SP101: a link of the contract leads elsewhere."""
    for link in observation["links"]:
        if _is_redirected(link) and link["leads_to"]:
            yield _redirection(link, link["leads_to"])
    for one, group in _governed_links(observation):
        if one["kind"] == "link" and not one["governed"] and one["leads_to"] and not one["owner"]:
            yield Deviation(
                "{0} leads to {1}, which no package owns, past the alternatives group {2}".format(
                    one["path"], printable(one["leads_to"]), printable(group["name"])
                ),
                path=one["path"],
                expected=one["entry"],
                actual=one["target"],
                evidence={"state_file": group["state_file"], "leads_to": one["leads_to"]},
                remedy=set_right(group, observation),
            )
    yield from _command_unowned(observation)


def _redirection(link: ObservedLink, leads_to: str) -> Deviation:
    # By a detour, as after an upgrade with Leapp: nothing runs that should not.
    harmless = leads_to == link["due"]
    detour = "as it should, but by way of {0}".format(printable(link["target"] or ""))
    return Deviation(
        "{0} leads to {1} {2}".format(
            link["path"], printable(leads_to), detour if harmless else "instead of {0}".format(link["expected"])
        ),
        path=link["path"],
        expected=link["expected"],
        actual=link["target"],
        evidence={"chain": [hop["path"] for hop in link["chain"]], "package": link["package"]},
        remedy=restore_link(link),
        severity="minor" if harmless else "major",
    )


def _command_unowned(observation: Observation) -> t.Iterator[Deviation]:
    """Judge /usr/bin/python3 where neither a package ships it nor a group governs it."""
    command = observation["command"]
    known = {link["path"] for link in observation["links"]}
    known.update(one["path"] for group in observation["alternatives"] for one in group["governs"])
    if command["path"] in known or not command["leads_to"] or command["owner"]:
        return
    yield Deviation(
        "{0} leads to {1}, which no package owns, and no alternatives group governs it".format(
            command["path"], printable(command["leads_to"])
        ),
        path=command["path"],
        expected="an interpreter of a package, or nothing",
        actual=command["target"] or command["kind"],
        evidence={"leads_to": command["leads_to"]},
    )


def replaced(observation: Observation, _policy: Policy) -> t.Iterator[Deviation]:
    """SP102: something else lies where a link of the contract belongs."""
    for link in observation["links"]:
        if link["kind"] in _NOT_A_LINK:
            yield Deviation(
                "{0} is {1}; the package {2} ships a link to {3}".format(
                    link["path"], with_article(link["kind"]), link["package"], link["expected"]
                ),
                path=link["path"],
                expected=link["expected"],
                actual=link["kind"],
                evidence={"package": link["package"]},
                remedy=restore_link(link),
            )
    for one, group in _governed_links(observation):
        if one["kind"] in _NOT_A_LINK:
            yield Deviation(
                "{0} is {1}; the alternatives group {2} has a link there".format(
                    one["path"], with_article(one["kind"]), printable(group["name"])
                ),
                path=one["path"],
                expected=one["entry"],
                actual=one["kind"],
                evidence={"state_file": group["state_file"]},
                remedy=set_right(group, observation),
            )


def broken(observation: Observation, _policy: Policy) -> t.Iterator[Deviation]:
    """SP103: a link of the contract is missing, or leads to no file."""
    for link in observation["links"]:
        ending = link["chain"][-1]["kind"]
        if link["kind"] == "missing":
            how = "is missing"
        elif _is_redirected(link) and not link["leads_to"]:
            how = "leads to {0}, which is {1}".format(printable(link["target"] or ""), _NO_FILE.get(ending, "no file"))
        else:
            continue
        yield Deviation(
            "{0} {1}".format(link["path"], how),
            path=link["path"],
            expected=link["expected"],
            actual=link["target"],
            evidence={"chain": [hop["path"] for hop in link["chain"]], "ends_as": ending},
            remedy=restore_link(link),
        )
    for one, group in _governed_links(observation):
        if one["path"] == group["link"] and not one["leads_to"] and one["kind"] in ("link", "missing"):
            yield _command_broken(one, group, observation)


def _command_broken(one: GovernedLink, group: AlternativesGroup, observation: Observation) -> Deviation:
    how = "is missing" if one["kind"] == "missing" else "leads to no file"
    # The chosen target comes back with its package: then nothing is to be done here.
    awaited = any(choice["owner"] for choice in group["choices"] if choice["chosen"])
    return Deviation(
        "{0} {1}; the alternatives group {2} has a command there".format(one["path"], how, printable(group["name"])),
        path=one["path"],
        expected=one["entry"],
        actual=one["target"],
        evidence={"state_file": group["state_file"], "chosen": group["chosen"]},
        remedy=set_right(group, observation) or (NoRemedy(action="none") if awaited else None),
    )
