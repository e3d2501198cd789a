# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: python_fleet_page
short_description: Make one page, and files for machines, of a run's reports
version_added: 0.1.0
description:
  - Reads the reports that the role P(fleet.system_python.python_report#role) wrote, and makes one HTML file of them.
    It shows how many hosts are healthy, repaired, not repairable or unreachable, findings by kind and by group,
    interpreters in use, and one line per host that leads to its report.
  - The file needs nothing else, no network either, and nothing in it leaves the machine of the reader.
  - Runs on the controller, once per run, whatever hosts the play has.
  - A report that is damaged is named in a warning and on the page; the others are shown all the same.
extends_documentation_fragment:
  - fleet.system_python._attributes
  - fleet.system_python._attributes.action_group
  - fleet.system_python._attributes.controller
attributes:
  action:
    details: All of the work is done by the action plugin. The module itself only fails.
  check_mode:
    support: full
  diff_mode:
    support: none
    details:
      - The files are too large to be read as a difference.
  idempotent:
    support: full
options:
  reports:
    description:
      - The folder with the reports of the run, one C(.json) per host.
      - Relative paths begin in the folder that Ansible was started in.
    type: path
    required: true
  dest:
    description:
      - The folder for the files that are made. Links to the reports are relative to it.
      - Without it, the files are written to the folder of the O(reports).
    type: path
  history:
    description:
      - A folder in which a small record of each run is kept. The page then shows the drift over time.
      - The record of this run is written there. Remove records that shall no longer count.
    type: path
  formats:
    description:
      - What to make.
      - V(html) is the page C(fleet.html); C(_fleet.html) beside the report of a host that is called fleet.
      - V(junit) is C(fleet-junit.xml), with a test suite per host and a test case per rule.
      - V(sarif) is C(fleet.sarif), SARIF 2.1.0 with the findings that are still there.
      - V(prometheus) is C(fleet_system_python.prom), for the textfile collector of node_exporter.
      - V(jsonl) is C(fleet-findings.jsonl), one JSON object per line and finding.
    type: list
    elements: str
    choices: [html, junit, sarif, prometheus, jsonl]
    default: [html]
  mode:
    description:
      - The permissions of files that are written, as octal digits.
    type: str
    default: "0644"
author:
  - The fleet.system_python contributors (@fleet-system-python)
"""

EXAMPLES = r"""
- name: Make the page of the reports
  fleet.system_python.python_fleet_page:
    reports: reports/current

- name: Make the page and files for machines, and keep the run
  fleet.system_python.python_fleet_page:
    reports: reports/current
    dest: reports
    history: reports/history
    formats: [html, junit, sarif, prometheus, jsonl]
"""

RETURN = r"""
page:
  description: The page.
  returned: success, null without the format C(html)
  type: str
  sample: /srv/reports/fleet.html
files:
  description: Format to path.
  returned: success
  type: dict
  sample: {"html": "/srv/reports/fleet.html"}
hosts:
  description: How many hosts the page has.
  returned: success
  type: int
  sample: 1000
states:
  description: State to number of hosts.
  returned: success
  type: dict
  sample: {"healthy": 998, "repaired": 2}
runs:
  description: How many runs the page shows over time, with this one.
  returned: success
  type: int
  sample: 1
faults:
  description: Files that could not be used (C(file), C(reason)).
  returned: success
  type: list
  elements: dict
  sample: []
kind:
  description: A stable word for what went wrong.
  returned: failure
  type: str
  sample: invalid_data
changed_nothing:
  description: Whether the error came before anything was changed on the host.
  returned: failure
  type: bool
details:
  description: Data about what went wrong.
  returned: failure
  type: dict
  sample: {}
"""

import typing as t

from ..module_utils._base.module import refuse_to_be_a_module

# The action plugin uses it too.
ARGUMENT_SPEC: t.Dict[str, t.Dict[str, object]] = {
    "reports": {"type": "path", "required": True},
    "dest": {"type": "path"},
    "history": {"type": "path"},
    "formats": {
        "type": "list",
        "elements": "str",
        "choices": ["html", "junit", "sarif", "prometheus", "jsonl"],
        "default": ["html"],
    },
    "mode": {"type": "str", "default": "0644"},
}


def main() -> None:
    """Fail: the work is done by the action plugin."""
    refuse_to_be_a_module("python_fleet_page", ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
