# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Give a variable as it was if the host had no facts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: setting
short_description: A variable that no fact of a host can decide
version_added: 0.1.0
description:
  - Gives the value of a variable as inventory, play, roles and the command line set it. A fact of that name, which any
    module on the host may have brought, does not count, and neither does one that the value is made of.
  - The roles of this collection take with it what decides something on the controller.
  - Modules of this collection take their options in the same way.
options:
  _terms:
    description: The names of variables.
    type: list
    elements: str
    required: true
  default:
    description: What is given for a variable that is not set.
    type: raw
author:
  - The fleet.system_python contributors (@fleet-system-python)
"""

EXAMPLES = r"""
- name: Restart the host by a command on the controller
  ansible.builtin.command: "{{ lookup('fleet.system_python.setting', 'python_report_restart_command') }}"
  delegate_to: localhost
"""

RETURN = r"""
_raw:
  description: The values.
  type: list
  elements: raw
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible.template import Templar

from ..module_utils._base.errors import HostAnswerError
from ..plugin_utils._run.settings import without_facts


class LookupModule(LookupBase):
    """What Ansible asks for."""

    def run(self, terms: list[str], variables: Mapping[str, Any] | None = None, **options: object) -> list[object]:
        """Return the values of the variables in C(terms)."""
        self.set_options(var_options=variables, direct=options)
        try:
            own = without_facts(variables or {}, self._loader)
        except HostAnswerError as error:
            raise AnsibleLookupError(error.message) from error
        templar = Templar(loader=self._loader, variables=own)
        return [self._value(templar, own, name) for name in terms]

    def _value(self, templar: Templar, own: Mapping[str, Any], name: str) -> object:
        if name in own:
            return templar.template(own[name])
        default: object = self.get_option("default")
        if default is None:
            raise AnsibleLookupError(f"The variable {name} is not set.")
        return default
