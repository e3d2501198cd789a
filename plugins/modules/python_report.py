# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: python_report
short_description: Write an incident report for every host of a run
version_added: 0.1.0
description:
  - Writes, on the controller, a report per host as Markdown, as HTML in one file and as JSON
    (C(docs/report.schema.json)). They are made from what the playbooks and roles of this collection left in the hosts'
    variables. No host is asked.
  - Each file is complete or not there. Secrets in messages are removed.
  - The link C(latest) in O(folder) leads to the newest run.
  - A host without packages of rpm, to which nothing here applies, gets no report.
  - The playbooks C(audit.yml) and C(remediate.yml) call it, through the role P(fleet.system_python.python_report#role).
options:
  folder:
    description:
      - The folder on the controller for the reports of all runs. Each run has a folder of its own in it.
    type: path
    required: true
  hosts:
    description:
      - The hosts to write a report for, by their names in the inventory.
    type: list
    elements: str
    required: true
  kind:
    description:
      - Whether the run was to repair, or only looked.
    type: str
    choices: [audit, remediate]
    default: remediate
  run_id:
    description:
      - The name of the run and of its folder. Without it the time names it.
    type: str
  only_found:
    description:
      - Whether to write nothing when all hosts are healthy and nothing was changed.
    type: bool
    default: false
  partial:
    description:
      - Whether the run left hosts of the inventory out, as with C(--limit). The page of the fleet says so, and takes
        the others as they were.
    type: bool
    default: false
  page:
    description:
      - The file name of the page of all hosts, where one is made beside the reports. Each HTML report then links to it.
    type: str
    default: ""
seealso:
  - module: fleet.system_python.python_evidence
  - module: fleet.system_python.system_python
extends_documentation_fragment:
  - fleet.system_python._attributes
  - fleet.system_python._attributes.action_group
  - fleet.system_python._attributes.controller
attributes:
  action:
    details: All of the work is done by the action plugin. The module itself only fails.
  check_mode:
    support: full
    details:
      - The reports are written in check mode, too. They then show what a repair would do.
  diff_mode:
    support: none
  idempotent:
    support: none
    details:
      - Every run has a folder of its own.
author:
  - The fleet.system_python contributors (@fleet-system-python)
"""

EXAMPLES = r"""
- name: Write the reports of what the plays before found and did
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Write them
      fleet.system_python.python_report:
        folder: /srv/reports
        hosts: "{{ groups.all | difference(['localhost']) }}"
"""

RETURN = r"""
folder:
  description: The folder of this run, null when nothing was written.
  type: str
  returned: success
  sample: /srv/reports/20260131T115902Z-1f2e3d
run_id:
  description: The name of the run.
  type: str
  returned: when something was written
  sample: 20260131T115902Z-1f2e3d
files:
  description: One entry per host, with C(host), C(status), and C(stem) (the name of its three files without extension).
  type: list
  elements: dict
  returned: success
statuses:
  description: Host to status.
  type: dict
  returned: success
  sample: {"web1": "repaired"}
seconds:
  description: How long it took.
  type: float
  returned: when something was written
"""

import typing as t

from ..module_utils._base.module import refuse_to_be_a_module

# The action plugin uses it too.
ARGUMENT_SPEC: t.Dict[str, t.Dict[str, object]] = {
    "folder": {"type": "path", "required": True},
    "hosts": {"type": "list", "elements": "str", "required": True},
    "kind": {"type": "str", "choices": ["audit", "remediate"], "default": "remediate"},
    "run_id": {"type": "str"},
    "only_found": {"type": "bool", "default": False},
    "partial": {"type": "bool", "default": False},
    "page": {"type": "str", "default": ""},
}


def main() -> None:
    """Fail: the work is done by the action plugin."""
    refuse_to_be_a_module("python_report", ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
