# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""SP106 to SP109 and SP501: what decides which Python is called, and what is put into it from outside."""

import typing as t

from ..._base.text import printable
from ..finding_records import QuarantineFiles, UnsetVariable
from ..loader import PRELOAD
from ..records import Hijack, Observation
from ..rule import Deviation, Policy
from ..unversioned import actual_policy, described, target_of

__all__ = ["ansible_interpreter", "hijacked", "preloaded", "shadowed", "unversioned"]


def shadowed(observation: Observation, _policy: Policy) -> t.Iterator[Deviation]:
    """SP106: another python3 comes before the system's."""
    for hit in observation["shadowing"]:
        yield Deviation(
            "{0} comes before the system's python3 on the search path of: {1}".format(
                printable(hit["path"]), ", ".join(hit["who"])
            ),
            path=hit["path"],
            expected=observation["command"]["path"],
            actual=hit["path"],
            evidence={"leads_to": hit["leads_to"], "search_paths": hit["who"], "owner": hit["owner"]},
            # What a package owns is its package's: only removing that helps.
            remedy=None if hit["owner"] else QuarantineFiles(action="quarantine", paths=[hit["path"]]),
        )


def hijacked(observation: Observation, policy: Policy) -> t.Iterator[Deviation]:
    """SP107: a variable that every Python obeys is set for everyone."""
    for one in observation["hijacks"]:
        is_typed = one["variable"] == "PYTHONSTARTUP"
        yield Deviation(
            "{0} is set for {1} ({2}): every Python {3}obeys it, including the system's tools".format(
                one["variable"],
                one["who"],
                printable(one["source"]),
                "used interactively " if is_typed else "",
            ),
            path=one["path"],
            expected="not set",
            actual=one["value"],
            evidence={
                "variable": one["variable"],
                "source": one["source"],
                "owner": one["owner"],
                "editable": bool(one["line"]),
            },
            severity="minor" if is_typed else None,
            remedy=_unset(one, policy),
        )


def _unset(hijack: Hijack, policy: Policy) -> t.Optional[UnsetVariable]:
    """Return the remedy for a line that sets nothing else."""
    if not hijack["path"] or not hijack["line"] or (hijack["owner"] and not policy.edit_packaged):
        return None
    return UnsetVariable(action="unset_variables", path=hijack["path"], line=hijack["line"])


def preloaded(observation: Observation, _policy: Policy) -> t.Iterator[Deviation]:
    """SP109: the loader puts a library into every program that no package vouches for."""
    for one in observation["preloaded"]:
        if one["path"] and one["verified"]:
            continue
        if not one["path"] and one["writable"]:
            why, severity = "does not exist: whoever may write {0} can make it".format(printable(one["writable"])), None
        elif not one["path"]:
            why, severity = "does not exist: nothing is loaded, but every program prints an error", "info"
        elif one["owner"]:
            why, severity = "is not as the package {0} shipped it".format(one["owner"]), None
        else:
            why, severity = "belongs to no package", None
        yield Deviation(
            "{0} makes every program load {1}, which {2}".format(PRELOAD, printable(one["name"]), why),
            path=PRELOAD,
            expected="libraries as their packages ship them",
            actual=one["path"] or one["name"],
            evidence={"library": one["name"], "owner": one["owner"], "writable": one["writable"]},
            severity=severity,
        )


def unversioned(observation: Observation, policy: Policy) -> t.Iterator[Deviation]:
    """SP108: /usr/bin/python is not what the policy asks for."""
    contract, chain = observation["contract"], observation["resolution"]["python"]
    wanted = None if policy.unversioned == "unmanaged" else target_of(contract, policy.unversioned)
    if wanted is None or actual_policy(contract, chain) == policy.unversioned:
        return
    promised = contract["unversioned"]
    actual = described(chain)
    yield Deviation(
        "{0} is {1}, the policy asks for {2}".format(promised["path"], printable(actual), policy.unversioned),
        path=promised["path"],
        expected=wanted,
        actual=actual,
        evidence={"policy": policy.unversioned, "package": promised["package"]},
    )


def ansible_interpreter(observation: Observation, _policy: Policy) -> t.Iterator[Deviation]:
    """SP501: Ansible's discovery would choose a Python that rpm does not vouch for."""
    choice = observation["ansible"]
    if choice["path"] is None or choice["verified"]:
        return
    yield Deviation(
        "Ansible's interpreter discovery would choose {0}, which {1}".format(
            printable(choice["path"]),
            "no package owns" if choice["verified"] is None else "is not as its package shipped it",
        ),
        path=choice["path"],
        expected="an interpreter that rpm verifies",
        actual=choice["realpath"],
        evidence={"owner": choice["owner"]},
    )
