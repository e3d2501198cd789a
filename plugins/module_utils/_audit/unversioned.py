# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What C(/usr/bin/python) is, in the words of the policy, and what the distribution has for each of them. Pure."""

import typing as t

from .records import Contract, LinkHop, UnversionedGroup, UnversionedOffer

__all__ = ["POLICIES", "actual_policy", "described", "is_governed", "offer_of", "target_of"]

_ENTRIES = "/etc/alternatives/"

# What may be asked for; C(unmanaged) leaves it alone.
POLICIES = ("unmanaged", "absent", "python3", "python2")


def offer_of(contract: Contract, policy: str) -> t.Optional[UnversionedOffer]:
    """Return what ships C(/usr/bin/python) as C(policy) says, null where nothing does."""
    promised = contract["unversioned"]
    package, target = promised.get("package"), promised.get("target")
    if policy == "python3" and package and target:
        return UnversionedOffer(package=package, target=target)
    return promised.get("python2") if policy == "python2" else None


def target_of(contract: Contract, policy: str) -> t.Optional[str]:
    """Return what C(/usr/bin/python) should lead to, "absent", or null where the distribution cannot do it."""
    if policy == "absent":
        return policy
    group = contract["unversioned"].get("group")
    if group:
        return group["targets"].get(policy)
    offer = offer_of(contract, policy)
    return offer["target"] if offer else None


def actual_policy(contract: Contract, chain: t.Sequence[LinkHop]) -> str:
    """Return the policy that C(/usr/bin/python) fulfils, "other" where it fulfils none; C(chain) are its hops."""
    if not chain:
        return "absent"
    group = contract["unversioned"].get("group")
    if group:
        return _policy_of_group(group, chain)
    for policy in ("python3", "python2"):
        offer = offer_of(contract, policy)
        if offer and chain[0]["target"] == offer["target"] and chain[0]["owner"] == offer["package"]:
            return policy
    return "other"


def _policy_of_group(group: UnversionedGroup, chain: t.Sequence[LinkHop]) -> str:
    passed = [hop["path"] for hop in chain]
    found = [policy for policy, target in sorted(group["targets"].items()) if target in passed]
    return found[0] if is_governed(chain) and found else "other"


def is_governed(chain: t.Sequence[LinkHop]) -> bool:
    """Tell whether an alternatives group makes the link: it leads to an entry, however that is written."""
    return len(chain) > 1 and chain[1]["path"].startswith(_ENTRIES)


def described(chain: t.Sequence[LinkHop]) -> str:
    """Return what lies there, for people."""
    if not chain:
        return "absent"
    text = chain[0]["target"] or chain[0]["kind"]
    return text if chain[0]["owner"] else text + ", which no package owns"
