# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Say in which state a run left a host."""

from __future__ import annotations

DOCUMENTATION = r"""
name: host_outcome
short_description: The state in which a run left a host
version_added: 0.1.0
description:
  - Tells from a host's variables how a run of the playbooks C(remediate.yml), C(audit.yml) or C(image_check.yml) ended
    on it. The playbooks note it in the variable C(system_python_outcome), and print it; so do the report, the page of
    the fleet and the summary.
  - Without other options it gives what was noted, and where nothing was, what can be seen of the host.
positional: _input
options:
  _input:
    description: The host's variables, of C(hostvars).
    type: dict
    required: true
  kind:
    description: What the run was to do with the host.
    type: str
    choices: [remediate, audit, image]
    default: remediate
  ended:
    description: Whether all tasks of a repair ran to their end.
    type: bool
    default: false
  check_mode:
    description: Whether the repair was one in check mode.
    type: bool
    default: false
  looked:
    description: The result of a look at the host that was all that was to be done there.
    type: dict
  failed:
    description: The result of the task that failed.
    type: dict
  unreachable:
    description: The result of the task that did not reach the host.
    type: dict
author:
  - The fleet.system_python contributors (@fleet-system-python)
"""

EXAMPLES = r"""
- name: Repair the host
  block:
    - name: Repair the host
      ansible.builtin.include_role:
        name: fleet.system_python.python_restore

    - name: Note the state
      ansible.builtin.set_fact:
        system_python_outcome: >-
          {{ hostvars[inventory_hostname]
             | fleet.system_python.host_outcome(ended=true, check_mode=ansible_check_mode) }}
  rescue:
    - name: Note what went wrong
      ansible.builtin.set_fact:
        system_python_outcome: >-
          {{ hostvars[inventory_hostname] | fleet.system_python.host_outcome(failed=ansible_failed_result) }}
"""

RETURN = r"""
_value:
  description: The state.
  type: dict
  contains:
    state:
      description: >-
        C(healthy), C(partial), C(repaired), C(would be repaired), C(drift found), C(findings left), C(not helped),
        C(failed), C(unknown platform), C(unreachable), C(not started) or C(not applicable).
      type: str
    word:
      description: What a table prints for it; of an audit, the severity of the worst finding.
      type: str
    note:
      description: The ids of the findings, or the message of the error.
      type: str
    error:
      description: The error as C(kind), C(msg) and C(details), null where there was none.
      type: dict
    needs_somebody:
      description: Whether the host needs attention.
      type: bool
    stops_rollout:
      description: Whether no further batch of hosts may begin.
      type: bool
"""

from collections.abc import Callable, Mapping

from ansible.errors import AnsibleFilterError

from ..plugin_utils._run import outcome
from ..plugin_utils._run.outcome import KINDS, OutcomeFact
from ..plugin_utils._run.text_alone import text_alone


def host_outcome(
    variables: object,
    kind: str = "remediate",
    ended: bool = False,
    check_mode: bool = False,
    looked: Mapping[str, object] | None = None,
    failed: Mapping[str, object] | None = None,
    unreachable: Mapping[str, object] | None = None,
) -> OutcomeFact:
    """Return the state as the documentation of the filter has it."""
    if not isinstance(variables, Mapping):
        raise AnsibleFilterError("host_outcome takes the variables of a host: hostvars[inventory_hostname]")
    if kind not in KINDS:
        raise AnsibleFilterError(f"host_outcome knows no kind {kind!r}, but {', '.join(KINDS)}")
    if unreachable is not None:
        return outcome.unreachable(unreachable).as_fact()
    if looked is not None:
        return outcome.looked(looked).as_fact()
    if failed is not None:
        return outcome.failed(variables, failed, kind).as_fact()
    if ended:
        return outcome.repaired(variables, check_mode).as_fact()
    return outcome.host_outcome(variables, kind).as_fact()


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by its name."""
        return {"host_outcome": text_alone(host_outcome)}
