# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The variables of a host as they were if it had no facts.

Ansible makes a variable of every fact, whoever said it: any module's answer may bring facts. They take the place of
variables of the inventory and of defaults of roles, so a host could decide what is done on the controller.
"""

# ruff: noqa: SLF001  # Ansible's own manager is the only one that knows where a variable comes from
from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.vars.clean import namespace_facts

from ...module_utils._base.errors import HostAnswerError
from ...module_utils._base.text import printable, shortened
from .._border.answers import FACTS
from .untyped import mapping
from .variables import OURS

__all__ = ["covered", "planted", "registered", "require_own_variables", "without_facts"]

# What Ansible itself says of a host, and functions of templates. A fact may have the name of each.
_OF_ANSIBLE = (
    "group_names",
    "hostvars",
    "inventory_dir",
    "inventory_file",
    "inventory_hostname",
    "inventory_hostname_short",
    "lookup",
    "now",
    "omit",
    "q",
    "query",
    "undef",
    "vars",
)
_LIKE_OURS = ("__", *(f"{prefix}_" for prefix in OURS))
_SHOWN = 5


def planted(facts: object) -> list[str]:
    """Return those names of C(ansible_facts) that only a variable may have."""
    return sorted(
        name for name in mapping(facts) if name in _OF_ANSIBLE or (name.startswith(_LIKE_OURS) and name not in FACTS)
    )


def require_own_variables(variables: Mapping[str, object]) -> None:
    """Raise HostAnswerError where facts of the host have names of our variables."""
    names = planted(variables.get("ansible_facts"))
    if names:
        shown = shortened(map(printable, names), _SHOWN)
        raise HostAnswerError(
            f"The facts of the host have names of variables: {shown}. A fact would take the place of a variable, and "
            "decide what is done on the controller, so nothing is done for this host. If a play of yours made them "
            "(set_fact with cacheable), set variables in the inventory instead, and clear the host's facts in the fact "
            "cache. Otherwise the host may be compromised.",
            field=f"ansible_facts.{printable(names[0])}",
        )


def covered(variables: Mapping[str, Any]) -> list[str]:
    """Return the names of variables that have the value of a fact of the host.

    Names that begin with C(ansible_) are none of them, so that a play may still say C({{ ansible_hostname }}): whoever
    writes that has chosen to.
    """
    # Not of ansible_facts: there C(ansible_x) has the name C(x), and may hide another fact that has it.
    facts = _facts_of(variables)
    return [name for name, value in facts.items() if name in variables and _is_same(variables[name], value)]


def _facts_of(variables: Mapping[str, Any]) -> dict[str, object]:
    """Return the host's facts by the names that Ansible makes variables of."""
    manager = getattr(variables.get("hostvars"), "_variable_manager", None)
    facts = _cached(manager, _host_of(variables, manager).name) if manager else mapping(variables.get("ansible_facts"))
    return {name: value for name, value in facts.items() if not name.startswith("ansible_")}


def _is_same(one: object, other: object) -> bool:
    """Tell whether the values are the same. One with NaN in it does not equal its copy."""
    with contextlib.suppress(TypeError, ValueError, RecursionError):
        return one == other or json.dumps(one, default=id) == json.dumps(other, default=id)
    return False


def _cached(manager: Any, host: str) -> Mapping[str, object]:
    with contextlib.suppress(KeyError):
        return mapping(manager._fact_cache.get(host))
    return {}


def without_facts(variables: Mapping[str, Any], loader: Any, task: Any = None) -> dict[str, Any]:
    """Return the variables with what was there before in the place of each fact; C(ansible_facts) itself stays.

    C(task) is the one that runs, where it is known.
    """
    names = covered(variables)
    if not names:
        return dict(variables)
    beneath = _beneath(variables, loader, task)
    kept = {name: value for name, value in variables.items() if name not in names}
    return {**kept, **{name: beneath[name] for name in names if name in beneath}}


def registered(variables: Mapping[str, Any], host: str, name: str) -> object:
    """Return what a task of this run registered, or set, for another host; null where it did not."""
    manager = getattr(variables.get("hostvars"), "_variable_manager", None)
    return manager._nonpersistent_fact_cache.get(host, {}).get(name) if manager else None


def _beneath(variables: Mapping[str, Any], loader: Any, task: Any) -> dict[str, Any]:
    """Return the host's variables as Ansible's own manager makes them of everything but the fact cache."""
    known = variables["hostvars"]._variable_manager
    # What it holds besides is lost in a copy.
    manager = copy.copy(known)
    host = _host_of(variables, known)
    manager._loader, manager._hostvars, manager._fact_cache = loader, known._hostvars, {host.name: {}}
    play = task.get_play() if task else None
    found: dict[str, Any] = manager.get_vars(play=play, host=host, task=task, include_hostvars=False)
    if task is None:
        found = {**_defaults(variables, loader), **found}
    return found


def _host_of(variables: Mapping[str, Any], manager: Any) -> Any:
    """Return the host. Where its facts say which one it is, that one to which the cache has these facts."""
    if "inventory_hostname" in variables["ansible_facts"]:
        for host in manager._inventory.get_hosts(ignore_limits=True, ignore_restrictions=True):
            if namespace_facts(_cached(manager, host.name))["ansible_facts"] == variables["ansible_facts"]:
                return host
        require_own_variables(variables)
    return manager._inventory.get_host(variables["inventory_hostname"])


def _defaults(variables: Mapping[str, Any], loader: Any) -> dict[str, Any]:
    """Return the defaults of the role that is running, if one is."""
    path = Path(str(variables.get("role_path") or "/nowhere"), "defaults/main.yml")
    return dict(loader.load_from_file(str(path)) or {}) if path.is_file() else {}
