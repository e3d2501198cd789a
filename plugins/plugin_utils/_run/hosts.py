# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The variables of several hosts, as filters get them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .settings import planted

__all__ = ["Hosts", "by_name"]

_Variables = Mapping[str, object]
Hosts = Mapping[str, _Variables] | Iterable[_Variables]


def by_name(hosts: Hosts) -> dict[str, _Variables]:
    """Return the variables of hosts by the names of the hosts, in their order.

    In a list, where the variables alone say which host it is, one whose facts say so has no name of its own: it must
    not take the row of another.
    """
    if isinstance(hosts, Mapping):
        return {str(name): variables for name, variables in hosts.items()}
    return {
        f"(host {number} of unknown name)"
        if "inventory_hostname" in planted(variables.get("ansible_facts"))
        else str(variables["inventory_hostname"]): variables
        for number, variables in enumerate(hosts, start=1)
    }
