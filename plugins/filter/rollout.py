# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Say in which order and in which batches hosts are repaired."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rollout
short_description: The order and the batches of a repair
version_added: 0.1.0
description:
  - Tells, from a look at all hosts, which of them are to be repaired; the first drifted host of each release of an
    operating system comes first. The playbook C(remediate.yml) uses it.
positional: _input
options:
  _input:
    description:
      - The variables of the hosts, of C(hostvars), by the names of the hosts; or a list of them.
      - C(system_python_look) is what M(fleet.system_python.system_python) returned in check mode.
    type: raw
    required: true
seealso:
  - module: fleet.system_python.system_python
author:
  - The fleet.system_python contributors (@fleet-system-python)
"""

EXAMPLES = r"""
- name: Say who comes first
  ansible.builtin.debug:
    msg: "{{ (dict(groups.all | zip(groups.all | map('extract', hostvars))) | fleet.system_python.rollout).hosts }}"
"""

RETURN = r"""
_value:
  description: The order.
  type: dict
  contains:
    hosts:
      description: >-
        The hosts that are to be repaired, or of which it is not known, in their order; none that is healthy, cannot be
        reached, or has no packages of rpm.
      type: list
      elements: str
    batches:
      description: >-
        What C(serial) takes. The first batch has one drifted host of each release, the next are parts of the drifted
        ones.
      type: list
      elements: raw
"""

from collections.abc import Callable

from ..plugin_utils._run import rollout as _rollout
from ..plugin_utils._run.hosts import Hosts
from ..plugin_utils._run.text_alone import text_alone


def rollout(hosts: Hosts) -> _rollout.Rollout:
    """Return the order as the documentation of the filter has it."""
    return _rollout.rollout(hosts)


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by its name."""
        return {"rollout": text_alone(rollout)}
