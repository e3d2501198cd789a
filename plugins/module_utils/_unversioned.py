# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What C(/usr/bin/python) is, in the words of the policy, and what the distribution has for each of them. Pure."""

import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._contract import Contract

__all__ = ["POLICIES", "actual_policy", "described", "offer_of", "target_of"]

# What may be asked for; C(unmanaged) leaves it alone.
POLICIES = ("unmanaged", "absent", "python3", "python2")

_Hop = t.Mapping[str, t.Any]


def offer_of(contract: Contract, policy: str) -> t.Optional[t.Dict[str, t.Any]]:
    """Return the C({package, target}) that ships C(/usr/bin/python) as C(policy) says, null where nothing does."""
    promised = contract["unversioned"]
    if policy == "python3" and promised.get("package"):
        return {"package": promised["package"], "target": promised["target"]}
    return promised.get(policy) if policy == "python2" else None


def target_of(contract: Contract, policy: str) -> t.Optional[str]:
    """Return what C(/usr/bin/python) should lead to, "absent", or null where the distribution cannot do it."""
    if policy == "absent":
        return policy
    group = contract["unversioned"].get("group")
    if group:
        chosen: t.Optional[str] = group["targets"].get(policy)
        return chosen
    offer = offer_of(contract, policy)
    return offer["target"] if offer else None


def actual_policy(contract: Contract, chain: t.Sequence[_Hop]) -> str:
    """Return the policy that C(/usr/bin/python) fulfils, "other" where it fulfils none; C(chain) are its hops."""
    if not chain:
        return "absent"
    group = contract["unversioned"].get("group")
    if group:
        return _chosen(group, chain)
    for policy in ("python3", "python2"):
        offer = offer_of(contract, policy)
        if offer and chain[0]["target"] == offer["target"] and _owner(chain, offer["package"]) == offer["package"]:
            return policy
    return "other"


def _chosen(group: t.Mapping[str, t.Any], chain: t.Sequence[_Hop]) -> str:
    governed = str(chain[0]["target"] or "").startswith("/etc/alternatives/")
    passed = [hop["path"] for hop in chain]
    found = [policy for policy, target in sorted(group["targets"].items()) if target in passed]
    return found[0] if governed and found else "other"


def described(chain: t.Sequence[_Hop]) -> str:
    """Return what lies there, for people."""
    if not chain:
        return "absent"
    text = str(chain[0]["target"] or chain[0]["kind"])
    return text if _owner(chain, text) else text + ", which no package owns"


def _owner(chain: t.Sequence[_Hop], unknown: str) -> t.Optional[str]:
    """Return the owner of the first hop, C(unknown) where the chain does not say."""
    owner: t.Optional[str] = chain[0].get("owner", unknown)
    return owner
