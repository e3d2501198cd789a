# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: python_evidence
short_description: Collect evidence of who altered a host's system Python, and when
version_added: 0.1.0
description:
  - Observes the host as M(fleet.system_python.python_facts) does. Where something is not as the vendor shipped it, also
    collects what will be gone or hard to find after a repair. That is digests, times and content of the altered files,
    link chains, state files of alternatives groups, the newest packages, the histories of dnf and zypper, logins, lines
    of sudo, audit and alternatives logs and of the journal around that time, and the lines of shell histories that name
    Python, alternatives, make install or pip, and what depends on the interpreter (as of
    M(fleet.system_python.python_dependents_info)).
  - Secrets are taken out on the host, before anything is returned. In doubt a word goes.
  - Reads only, in bounded time (25 seconds beyond the observation) and size (about 96 KB). What a limit cut off, what
    the host does not have and what could not be read is named in C(evidence.sources).
  - M(fleet.system_python.system_python) does the same before it repairs, with its option C(report).
options:
  contract:
    description:
      - A contract of your own for an operating system that the collection does not know, or keys that replace those of
        the known one.
    type: dict
  unversioned:
    description:
      - What C(/usr/bin/python) should be. With V(unmanaged) it is not looked at.
    type: str
    choices: [unmanaged, absent, python3, python2]
    default: unmanaged
  timeout:
    description:
      - How many seconds each rpm process of the observation may take.
    type: int
    default: 120
seealso:
  - module: fleet.system_python.python_facts
  - module: fleet.system_python.system_python
extends_documentation_fragment:
  - fleet.system_python._attributes
  - fleet.system_python._attributes.action_group
  - fleet.system_python._attributes.exceptions
  - fleet.system_python._attributes.info_module
author:
  - The fleet.system_python contributors (@fleet-system-python)
"""

EXAMPLES = r"""
- name: Collect the evidence
  fleet.system_python.python_evidence:
  register: collected

- name: Show which shell lines are about it
  ansible.builtin.debug:
    msg: "{{ collected.report.evidence.shell_history | default([]) | map(attribute='text') | list }}"
"""

RETURN = r"""
report:
  description: What an incident report needs.
  returned: success
  type: dict
  contains:
    facts:
      description: The facts as M(fleet.system_python.python_facts) returns them.
      type: dict
      returned: success
    evidence:
      description: What was collected; C(docs/report.schema.json) describes every key.
      type: dict
      returned: when there are findings
    boot:
      description: Words that differ after a boot of the kernel (C(kernel)) and after a start of process 1 (C(init)).
      type: dict
      returned: success
    started:
      description: When the observation began, by the host's clock.
      type: str
      returned: success
      sample: "2026-01-31T12:00:00Z"
"""

import os
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._audit.contract import contract_for
from ..module_utils._audit.facts import healthy, shape_facts
from ..module_utils._audit.findings import Policy, waivers_of
from ..module_utils._audit.run import audit
from ..module_utils._audit.unversioned import POLICIES
from ..module_utils._base.clock import utc_stamp
from ..module_utils._base.module import run_module
from ..module_utils._disk.os_release import read_os_release
from ..module_utils._evidence.run import boot_record, collect
from ..module_utils._usage.importers import tell_importers

ARGUMENT_SPEC = {
    "contract": {"type": "dict"},
    "unversioned": {"type": "str", "choices": list(POLICIES), "default": "unmanaged"},
    "timeout": {"type": "int", "default": 120},
    "exceptions": {"type": "list", "elements": "dict", "default": []},
}


def _work(module: AnsibleModule) -> t.Mapping[str, object]:
    started = utc_stamp(time.time())
    os_release = read_os_release()
    contract = contract_for(os_release, module.params["contract"])
    observation, findings = audit(
        contract,
        Policy(module.params["unversioned"], waivers=waivers_of(module.params["exceptions"])),
        environ=os.environ,
        core_version=module.ansible_version,
        timeout=module.params["timeout"],
    )
    tell_importers(contract, findings)
    report = {"started": started, "boot": boot_record(), "facts": shape_facts(observation, findings, os_release)}
    if not healthy(findings):
        report["evidence"] = collect(observation, findings, "audit")
    return {"changed": False, "report": report}


def main() -> None:
    """Run the module."""
    run_module(_work, ARGUMENT_SPEC, changes=False)


if __name__ == "__main__":
    main()
