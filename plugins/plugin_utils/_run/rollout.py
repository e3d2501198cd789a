# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Which hosts a repair comes to, in what order and in what batches; pure.

Of a host's variables C(system_python_look) is read: what the module system_python returned in check mode.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from .hosts import Hosts, by_name
from .untyped import mapping

__all__ = ["Rollout", "is_settled", "rollout"]

_Variables = Mapping[str, object]

# Parts of the drifted hosts, after the first one of each release.
_PERCENT = (10, 30)


class Rollout(TypedDict):
    """The hosts in their order; C(batches) as C(serial) takes them."""

    hosts: list[str]
    batches: list[int | str]


def rollout(hosts: Hosts) -> Rollout:
    """Return who is to be repaired: the first drifted host of each release, the other drifted ones, then the rest.

    The rest are those on which nothing would be changed, or of which it is not known.
    """
    looks = {name: mapping(one.get("system_python_look")) for name, one in by_name(hosts).items()}
    open_looks = {host: look for host, look in looks.items() if not is_settled(look)}
    drifted = {host: _release(look) for host, look in open_looks.items() if _has_drifted(look)}
    first: dict[str, str] = {}
    for host, release in drifted.items():
        first.setdefault(release, host)
    order = dict.fromkeys([*first.values(), *drifted, *open_looks])
    return Rollout(hosts=list(order), batches=_batches(len(first), len(drifted)))


def is_settled(look: _Variables) -> bool:
    """Tell whether nothing is to be done: the host is healthy, not reached, or no host of rpm."""
    return bool(look.get("healthy") or look.get("unreachable") or look.get("kind") == "not_applicable")


def _has_drifted(look: _Variables) -> bool:
    return bool(look.get("plan")) or look.get("kind") == "no_interpreter"


def _release(look: _Variables) -> str:
    """Return the id of the contract: of the module, or of first aid where no module could run."""
    return str(look.get("contract") or mapping(look.get("os")).get("contract") or "")


def _batches(first: int, drifted: int) -> list[int | str]:
    growing = [max(1, drifted * percent // 100) for percent in _PERCENT] if drifted > first else []
    return [*([first] if first else []), *growing, "100%"]
