# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Say in a table how a run ended on each host."""

from __future__ import annotations

DOCUMENTATION = r"""
name: host_table
short_description: A table of how a run ended on its hosts
version_added: 0.1.0
description:
  - Makes the lines that the playbooks C(remediate.yml), C(audit.yml) and C(image_check.yml) print at their end.
positional: _input
options:
  _input:
    description: >-
      The variables of the hosts, of C(hostvars), by the names of the hosts in the order of the table; or a list of the
      variables.
    type: raw
    required: true
  kind:
    description: What the run was to do with the hosts.
    type: str
    choices: [remediate, audit, image]
    default: remediate
seealso:
  - plugin: fleet.system_python.host_outcome
    plugin_type: filter
author:
  - The fleet.system_python contributors (@fleet-system-python)
"""

EXAMPLES = r"""
- name: Print the table
  ansible.builtin.debug:
    msg: "{{ (dict(groups.all | zip(groups.all | map('extract', hostvars))) | fleet.system_python.host_table).lines }}"
"""

RETURN = r"""
_value:
  description: The table.
  type: dict
  contains:
    lines:
      description: A line per host with its name, its state and a note. The last line counts them.
      type: list
      elements: str
    not_well:
      description: The hosts that need attention.
      type: list
      elements: str
    message:
      description: The last line, which names them as C(--limit) takes them; empty when there are none.
      type: str
"""

from collections.abc import Callable
from typing import TypedDict

from ansible.errors import AnsibleFilterError

from ..plugin_utils._run.hosts import Hosts, by_name
from ..plugin_utils._run.outcome import KINDS, host_outcome, outcome_lines, totals
from ..plugin_utils._run.text_alone import text_alone


class Table(TypedDict):
    """What the filter returns."""

    lines: list[str]
    not_well: list[str]
    message: str


def host_table(hosts: Hosts, kind: str = "remediate") -> Table:
    """Return the table as the documentation of the filter has it."""
    if kind not in KINDS:
        raise AnsibleFilterError(f"host_table knows no kind {kind!r}, but {', '.join(KINDS)}")
    outcomes = {name: host_outcome(variables, kind) for name, variables in by_name(hosts).items()}
    not_well = [host for host, outcome in outcomes.items() if outcome.needs_somebody]
    last = totals(outcomes, kind)
    return Table(lines=[*outcome_lines(outcomes), last], not_well=not_well, message=last if not_well else "")


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by its name."""
        return {"host_table": text_alone(host_table)}
