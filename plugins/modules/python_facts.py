# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: python_facts
short_description: Report what a host's system Python is, and what is wrong with it
version_added: 0.1.0
description:
  - Compares the operating system's own Python with what its vendor shipped and returns everything as facts.
  - Follows C(python3) and C(python) hop by hop, with the owner of each hop and whether rpm vouches for it, finds the
    interpreters of the host, reads the alternatives groups from their state files, and applies the rules of the
    collection.
  - Reads only. Nothing that the package database does not vouch for is run.
  - It runs under an interpreter that rpm vouches for, whatever C(ansible_python_interpreter) says; on a host without
    one it fails. The role P(fleet.system_python.python_first_aid#role) brings one back.
options:
  contract:
    description:
      - A contract of your own for an operating system that the collection does not know, or keys that replace those of
        the known one.
      - The keys are described in C(docs/adding-an-os.md).
    type: dict
  unversioned:
    description:
      - What C(/usr/bin/python) should be. With V(unmanaged) it is not looked at.
    type: str
    choices: [unmanaged, absent, python3, python2]
    default: unmanaged
  check_manager:
    description:
      - When to start the package manager (C(dnf --version), C(zypper --version)) and the system's Python. Either is
        started only when all that it would run verifies.
      - With V(if_needed) the package manager is started only where something differs from what was shipped. Else it is
        enough that all that it would run verifies, and that the system's Python starts.
      - With V(never) the system's Python is not started, either.
    type: str
    choices: [if_needed, always, never]
    default: if_needed
  timeout:
    description:
      - How many seconds each rpm process may take.
    type: int
    default: 120
  root:
    description:
      - Folder with the system to look at, such as a mounted or exported image. By default it is the host itself.
      - Nothing in another root is run, and nothing is written there. Links are followed inside it. What applies
        only to running hosts is left out, see RV(ansible_facts.system_python.not_checked).
      - Needs root, and rpm on the host that looks, of a version that can read the root's package database. What
        packages promise comes from this database.
    type: path
    default: /
seealso:
  - module: fleet.system_python.system_python
  - module: fleet.system_python.rpm_verify_info
extends_documentation_fragment:
  - fleet.system_python._attributes
  - fleet.system_python._attributes.action_group
  - fleet.system_python._attributes.exceptions
  - fleet.system_python._attributes.facts_module
author:
  - The fleet.system_python contributors (@fleet-system-python)
"""

EXAMPLES = r"""
- name: Audit the system Python
  fleet.system_python.python_facts:

- name: Show what is wrong
  ansible.builtin.debug:
    msg: "{{ ansible_facts.system_python.findings | map(attribute='summary') | list }}"

- name: Audit an image that is mounted on the controller
  fleet.system_python.python_facts:
    root: /mnt/image
  delegate_to: localhost

- name: Audit a host whose python must not exist
  fleet.system_python.python_facts:
    unversioned: absent
"""

RETURN = r"""
ansible_facts:
  description: What was found.
  returned: success
  type: dict
  contains:
    system_python:
      description: The facts of this collection.
      returned: success
      type: dict
      contains:
        schema:
          description: Version of this structure.
          type: int
          returned: success
          sample: 1
        root:
          description: The folder that was looked at, V(/) for the host itself.
          type: str
          returned: success
          sample: /
        os:
          description: ID and version of the operating system.
          type: dict
          returned: success
          sample: {"id": "rhel", "version": "9.7"}
        contract:
          description: What the operating system promises, in short.
          type: dict
          returned: success
          sample: {"id": "el9", "version": "3.9", "binary": "/usr/bin/python3.9"}
        installed:
          description:
            - Whether a Python of the operating system is installed, or a part of it, or a package that needs it.
            - Without one, as in a vendor's small base image, nothing of it is missing.
          type: bool
          returned: success
        healthy:
          description: Whether there are no findings, but for those that are accepted, and all could be read.
          type: bool
          returned: success
        worst:
          description: The highest severity among the findings, null when there are none.
          type: str
          returned: success
          sample: critical
        findings:
          description:
            - What is not as promised. Each has an C(id), C(name), C(severity), C(summary), C(path), C(expected),
              C(actual), C(evidence) and C(repairable). One with C(expired) was accepted until then.
          type: list
          elements: dict
          returned: success
        accepted:
          description:
            - The findings that O(exceptions) accept, which do not count. Each has C(accepted), with C(reason) and
              C(expires) of the exception.
          type: list
          elements: dict
          returned: success
        resolution:
          description: The chains of C(python3) and C(python), a list of hops each; empty when there is no such name.
          type: dict
          returned: success
        interpreters:
          description: The interpreters of the host with source, version, owner, and reason where one was rejected.
          type: list
          elements: dict
          returned: success
        alternatives:
          description: The alternatives groups that govern a Python command.
          type: list
          elements: dict
          returned: success
        packages:
          description: The packages of the scope, name to name-epoch:version-release.architecture.
          type: dict
          returned: success
        manager:
          description:
            - Whether the package manager starts, as C(state), with C(reason). V(works), V(broken), V(not checked), or
              V(verified) where it was not started because nothing differs (O(check_manager)).
          type: dict
          returned: success
        ansible:
          description: The interpreter that Ansible's own discovery would choose.
          type: dict
          returned: success
        search_paths:
          description: The search paths of the host by who uses them.
          type: dict
          returned: success
        selinux:
          description: The SELinux mode in the configuration file, null where there is none.
          type: str
          returned: success
        not_checked:
          description: Rules that were not, or only partly, applied, each with the reason.
          type: dict
          returned: success
          sample: {"SP211": "not asked for"}
        unreadable:
          description: The files and folders that these rules should have read and could not, without root.
          type: list
          elements: str
          returned: success
        verification:
          description: How long the verification took and how many rpm processes were started.
          type: dict
          returned: success
summary:
  description: The result as lines for people.
  type: list
  elements: str
  returned: success
  sample: ["healthy: /usr/bin/python3 is Python 3.9, every file of it as shipped"]
"""

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._audit.contract import contract_for
from ..module_utils._audit.facts import shape_facts, summarize
from ..module_utils._audit.findings import Policy, waivers_of
from ..module_utils._audit.manager import MANAGER_STARTS
from ..module_utils._audit.rule import ADD_ON
from ..module_utils._audit.run import audit
from ..module_utils._audit.unversioned import POLICIES
from ..module_utils._base.module import run_module
from ..module_utils._disk.os_release import read_os_release
from ..module_utils._disk.root import Root

ARGUMENT_SPEC = {
    "contract": {"type": "dict"},
    "unversioned": {"type": "str", "choices": list(POLICIES), "default": "unmanaged"},
    "check_manager": {"type": "str", "choices": list(MANAGER_STARTS), "default": "if_needed"},
    "timeout": {"type": "int", "default": 120},
    "root": {"type": "path", "default": "/"},
    "exceptions": {"type": "list", "elements": "dict", "default": []},
}


def _work(module: AnsibleModule) -> t.Mapping[str, object]:
    root = Root(module.params["root"])
    os_release = read_os_release(root=root)
    contract = contract_for(os_release, module.params["contract"])
    observation, findings = audit(
        contract,
        Policy(module.params["unversioned"], waivers=waivers_of(module.params["exceptions"])),
        environ=os.environ,
        core_version=module.ansible_version,
        timeout=module.params["timeout"],
        check_manager=module.params["check_manager"],
        root=root,
    )
    if root.is_host and any(one["actual"] == ADD_ON for one in findings):
        # Here, so that the audit of a host without any, which is to be fast, does not load it.
        from ..module_utils._usage.importers import tell_importers  # noqa: PLC0415

        tell_importers(contract, findings)
    facts = shape_facts(observation, findings, os_release)
    return {"ansible_facts": {"system_python": facts}, "summary": summarize(observation, findings)}


def main() -> None:
    """Run the module."""
    run_module(_work, ARGUMENT_SPEC, changes=False)


if __name__ == "__main__":
    main()
