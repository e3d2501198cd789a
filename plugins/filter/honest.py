# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Name the hosts whose facts take the place of no variable."""

from __future__ import annotations

DOCUMENTATION = r"""
name: honest
short_description: The hosts whose facts take the place of no variable
version_added: 0.1.0
description:
  - Names those hosts of which no fact has the name of a variable of this collection, or of one that Ansible itself
    sets. Any module on a host may have brought such a fact; what the variables of that host say is then not what the
    inventory and the plays say.
  - The playbooks use it where something of one host decides something for others.
positional: _input
options:
  _input:
    description: The variables of the hosts, of C(hostvars), by the names of the hosts.
    type: dict
    required: true
seealso:
  - plugin: fleet.system_python.setting
    plugin_type: lookup
author:
  - The fleet.system_python contributors (@fleet-system-python)
"""

EXAMPLES = r"""
- name: Name them
  ansible.builtin.debug:
    msg: "{{ dict(groups.all | zip(groups.all | map('extract', hostvars))) | fleet.system_python.honest }}"
"""

RETURN = r"""
_value:
  description: The names, in their order.
  type: list
  elements: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ..plugin_utils._run.settings import planted
from ..plugin_utils._run.text_alone import text_alone


def honest(hosts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the names as the documentation of the filter has it."""
    return [name for name, variables in hosts.items() if not planted(variables.get("ansible_facts"))]


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by its name."""
        return {"honest": text_alone(honest)}
