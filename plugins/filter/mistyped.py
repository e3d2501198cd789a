# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Name variables that are probably mistyped."""

from __future__ import annotations

DOCUMENTATION = r"""
name: mistyped
short_description: Variables that are probably mistyped
version_added: 0.1.0
description:
  - Names variables that begin as those of this collection's roles and playbooks do, are none of them, and are near to
    one.
  - The playbooks refuse to begin with such a variable, and the modules fail on a host that has one. A variable that is
    near to none is reported in a warning of the modules.
  - Variables of your own that are named so are listed in the variable C(system_python_own_variables).
positional: _input
options:
  _input:
    description: The host's variables, of C(hostvars).
    type: dict
    required: true
author:
  - The fleet.system_python contributors (@fleet-system-python)
"""

EXAMPLES = r"""
- name: Refuse mistyped variables
  ansible.builtin.assert:
    that: hostvars[inventory_hostname] | fleet.system_python.mistyped | length == 0
"""

RETURN = r"""
_value:
  description: A sentence for each of them.
  type: list
  elements: str
"""

from collections.abc import Callable, Mapping

from ansible.errors import AnsibleFilterError

from ..plugin_utils._run import variables as _variables
from ..plugin_utils._run.text_alone import text_alone


def mistyped(variables: object) -> list[str]:
    """Return the sentences as the documentation of the filter has it."""
    if not isinstance(variables, Mapping):
        raise AnsibleFilterError("mistyped takes the variables of a host: hostvars[inventory_hostname]")
    own = variables.get("system_python_own_variables", ())
    return [one.sentence for one in _variables.mistyped(variables, own) if one.certain]


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by its name."""
        return {"mistyped": text_alone(mistyped)}
