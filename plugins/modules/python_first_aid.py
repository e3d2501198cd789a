# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: python_first_aid
short_description: Find an interpreter that rpm vouches for, where possibly no Python works
version_added: 0.1.0
description:
  - Picks the Python that Ansible's modules are to run under on a host, before any of them runs.
    An interpreter is taken only when C(rpm -V) reports its binary, its library and its standard library as intact, and
    when no file that no package owns would be imported with it.
  - The operating system's own Python comes first where the running ansible-core supports its version, then the packaged
    parallel versions, the nearest one first.
  - Nothing that rpm does not vouch for is executed. The host needs a POSIX shell and rpm, no Python.
    It is asked in one round trip.
  - Use it with C(gather_facts=false) and set C(ansible_python_interpreter) from what it returns, as the role
    P(fleet.system_python.python_first_aid#role) does. An action cannot set that variable itself, because Ansible
    removes interpreter keys from the facts of every action but M(ansible.builtin.set_fact).
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
    support: full
  idempotent:
    support: full
options:
  contract:
    description:
      - A contract of your own for a release that the collection does not know, or keys that differ from the known one.
    type: dict
author:
  - The fleet.system_python contributors (@fleet-system-python)
"""

EXAMPLES = r"""
- name: Find the interpreter that is trusted
  fleet.system_python.python_first_aid:
  register: first_aid

- name: Use it from here on
  ansible.builtin.set_fact:
    ansible_python_interpreter: "{{ first_aid.interpreter }}"
"""

RETURN = r"""
interpreter:
  description:
    - The value for C(ansible_python_interpreter). Where something that no package owns would run with it (see
      RV(hazards)), this is a launcher that starts it with options against that (V(-I), V(-S)).
  returned: always, null where none is trusted
  type: str
  sample: /usr/bin/python3.9
interpreter_path:
  description: The path alone.
  returned: when one is trusted
  type: str
  sample: /usr/bin/python3.9
interpreter_version:
  description: Its full version.
  returned: when one is trusted
  type: str
  sample: 3.9.21
trusted_because:
  description: Which packages were verified, how, and which differences were judged as harmless.
  returned: when one is trusted
  type: dict
  sample:
    packages: [python3-3.9.21-2.el9.x86_64, python3-libs-3.9.21-2.el9.x86_64]
    verified_by: rpm -V
    left_aside: []
summary:
  description: All of this in a few sentences.
  returned: when one is trusted
  type: str
  sample: Modules run under /usr/bin/python3.9 (Python 3.9.21), which rpm vouches for.
rejected:
  description: Interpreters that were looked at and not taken, with the reason (C(path), C(kind), C(reason)).
  returned: always
  type: list
  elements: dict
  sample:
    - path: /usr/bin/python3.9
      kind: altered
      reason: rpm -V reports /usr/bin/python3.9 (size, digest)
hazards:
  description: Environment variables, site hooks and libraries that would run beside the interpreter (C(kind) and more).
  returned: always
  type: list
  elements: dict
  sample:
    - kind: site_hook
      path: /usr/lib/python3.9/site-packages/sitecustomize.py
os:
  description: The operating system as its os-release names it, and the contract that fits.
  returned: always
  type: dict
  sample:
    id: rhel
    version_id: "9.7"
    contract: el9
kind:
  description: A stable word for what went wrong.
  returned: on failure
  type: str
  sample: rpmdb_unreadable
details:
  description: Data about what went wrong.
  returned: on failure
  type: dict
  sample: {}
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    module = AnsibleModule(argument_spec={"contract": {"type": "dict"}}, supports_check_mode=True)
    module.fail_json(
        msg=(
            "python_first_aid is an action plugin: it runs on the controller and needs no Python on the host. "
            "It cannot run as a module. Call it as fleet.system_python.python_first_aid."
        ),
        kind="not_a_module",
        details={},
    )


if __name__ == "__main__":
    main()
