# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: python_pin
short_description: Protect the system Python against accidental changes
version_added: 0.1.0
description:
  - Makes it harder to remove or replace the system Python, or to put packages into it, and decides what
    C(/usr/bin/python) is. Every part is switched on with V(present), off with V(absent), and left alone otherwise.
  - V(absent) removes exactly what this module made, which it knows from a record in
    C(/var/lib/fleet.system_python/pin.json). What was changed since is not removed; the module then fails and says so.
  - All parts are planned before the first one is carried out, so an error leaves the host as it was.
  - It does not restore what is altered already, see M(fleet.system_python.system_python). The role
    P(fleet.system_python.python_pin#role) does both.
options:
  unversioned:
    description:
      - What C(/usr/bin/python) should be, using only the distribution's own means. On Enterprise Linux 8 that is
        the alternatives group C(python), on later releases the package C(python-unversioned-command), on SUSE the
        packages that ship it.
      - If the distribution has no means for it, the error says what is possible.
      - Anything in the way that no package owns goes to the quarantine.
      - V(original) makes it again what it was before this module changed it.
    type: str
    choices: [unmanaged, absent, python3, python2, original]
    default: unmanaged
  python3:
    description:
      - What C(/usr/bin/python3) should be where an alternatives group of the release decides it, on Enterprise Linux 8.
        A minor version (V(3.11)) whose package has registered it, or V(system), the version of the system's own Python.
        The group is set to manual, so that no package changes the choice. Elsewhere it is an error.
      - V(original) makes it again what it was before this module changed it.
    type: str
    default: unmanaged
  marker:
    description:
      - The file C(EXTERNALLY-MANAGED) (PEP 668) in the system Python's standard library, by which pip 23.0 and newer,
        and uv, refuse to install into it. Where a package ships one, it is left to that package.
    type: str
    choices: [unmanaged, present, absent]
    default: unmanaged
  pip_config:
    description:
      - C(require-virtualenv = true) in section C([global]) of C(/etc/pip.conf), by which every pip of every Python on
        the host refuses to work outside of virtual environments. A file that is there keeps all else that it holds.
    type: str
    choices: [unmanaged, present, absent]
    default: unmanaged
  protection:
    description:
      - A file by which the package manager refuses to remove the packages of the system Python; updates go on. For dnf
        it is below C(/etc/dnf/protected.d), for zypper below C(/etc/zypp/systemCheck.d).
    type: str
    choices: [unmanaged, present, absent]
    default: unmanaged
  attributes:
    description:
      - The attribute immutable (see C(chattr)) of the system Python's binaries. They cannot be overwritten then, and
        updates of them fail as well.
    type: str
    choices: [unmanaged, present, absent]
    default: unmanaged
  inventory:
    description:
      - A file of its own in the inventory on the controller that sets C(ansible_python_interpreter) to the interpreter
        that this module ran under, one that rpm vouches for. Other files are never touched.
      - With V(unmanaged) the interpreter is only returned (RV(inventory)).
    type: str
    choices: [unmanaged, present, absent]
    default: unmanaged
  inventory_folder:
    description:
      - The folder on the controller that has, or gets, C(host_vars) and C(group_vars). Without it the one of the host's
        inventory file.
    type: path
  inventory_group:
    description:
      - Write C(group_vars) of this group instead of C(host_vars) of the host. All hosts of the group must agree.
    type: str
  contract:
    description:
      - A contract of your own for an operating system that the collection does not know, or keys that replace those of
        the known one.
    type: dict
  lock_timeout:
    description:
      - How many seconds to wait while another run works on this host.
    type: int
    default: 0
  timeout:
    description:
      - How many seconds each rpm query may take.
    type: int
    default: 120
  fetch_timeout:
    description:
      - How many seconds the package manager may take.
    type: int
    default: 600
seealso:
  - module: fleet.system_python.system_python
  - module: fleet.system_python.python_quarantine
extends_documentation_fragment:
  - fleet.system_python._attributes
  - fleet.system_python._attributes.action_group
  - fleet.system_python._attributes.controller
attributes:
  check_mode:
    support: full
    details:
      - Shows exactly what a real run does. For O(unversioned) the repositories are asked what they have.
  diff_mode:
    support: full
  idempotent:
    support: full
author:
  - The fleet.system_python contributors (@fleet-system-python)
"""

EXAMPLES = r"""
- name: Keep pip and package removals away from the system Python
  fleet.system_python.python_pin:
    marker: present
    pip_config: present
    protection: present
  become: true

- name: Let /usr/bin/python be Python 3, where the distribution has a package for it
  fleet.system_python.python_pin:
    unversioned: python3
  become: true

- name: Let python3 be Python 3.11 on Enterprise Linux 8, whatever is installed later
  fleet.system_python.python_pin:
    python3: "3.11"
  become: true

- name: Pin Ansible's interpreter in the inventory
  fleet.system_python.python_pin:
    inventory: present
  become: true

- name: Take everything away again
  fleet.system_python.python_pin:
    unversioned: original
    python3: original
    marker: absent
    pip_config: absent
    protection: absent
    attributes: absent
    inventory: absent
  become: true
"""

RETURN = r"""
contract:
  description: Id of the contract that the host was compared with.
  type: str
  returned: success
  sample: el9
plan:
  description: What was done, or would be in check mode, each with C(part), C(action) and a C(description).
  type: list
  elements: dict
  returned: success
unversioned:
  description: What C(/usr/bin/python) was before the run.
  type: str
  returned: success
  sample: absent
alternatives:
  description:
    - What the groups C(python) and C(python3) of Enterprise Linux 8 choose after the run, each with C(mode) and
      C(target); empty elsewhere. It is the fact C(system_python_alternatives), too.
  type: dict
  returned: success
  sample: {"python3": {"mode": "manual", "target": "/usr/bin/python3.11"}}
discovery:
  description:
    - What Ansible's own interpreter discovery would have chosen (C(path), C(realpath)), the package that owns it
      (C(owner)) and whether rpm finds it as shipped (C(verified)). Not C(verified) is the finding SP501.
  type: dict
  returned: success
inventory:
  description:
    - The interpreter to pin (C(interpreter)), the file of the inventory (C(path), null where it is not asked for), what
      it holds or would hold (C(content)), and why (C(explanation)).
  type: dict
  returned: success
notes:
  description: What has to be known about the parts on this host.
  type: list
  elements: str
  returned: success
quarantine:
  description: The folder with what was moved or kept, and its manifest; null when there is none.
  type: str
  returned: success
summary:
  description: The result as lines for people.
  type: list
  elements: str
  returned: success
kind:
  description: A stable word for the error.
  type: str
  returned: failure
  sample: pin_impossible
changed_nothing:
  description: Whether the error came before anything was changed on the host.
  returned: failure
  type: bool
details:
  description: The error's data.
  type: dict
  returned: failure
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._audit.contract import contract_for
from ..module_utils._audit.unversioned import POLICIES
from ..module_utils._base.module import run_module
from ..module_utils._disk.os_release import read_os_release
from ..module_utils._pin.run import PinRun, PinSettings
from ..module_utils._pin.unversioned import ORIGINAL

SWITCH = {"type": "str", "choices": ["unmanaged", "present", "absent"], "default": "unmanaged"}
PARTS = ("unversioned", "python3", "marker", "pip_config", "protection", "attributes")


ARGUMENT_SPEC = {
    "unversioned": {"type": "str", "choices": list(POLICIES) + [ORIGINAL], "default": "unmanaged"},
    "python3": {"type": "str", "default": "unmanaged"},
    "marker": SWITCH,
    "pip_config": SWITCH,
    "protection": SWITCH,
    "attributes": SWITCH,
    # The action does these on the controller.
    "inventory": SWITCH,
    "inventory_folder": {"type": "path"},
    "inventory_group": {"type": "str"},
    "contract": {"type": "dict"},
    "lock_timeout": {"type": "int", "default": 0},
    "timeout": {"type": "int", "default": 120},
    "fetch_timeout": {"type": "int", "default": 600},
}


def make_run(module: AnsibleModule) -> PinRun:
    """Return the run that the module's options ask for."""
    params = module.params
    os_release = read_os_release()
    settings = PinSettings(
        contract=contract_for(os_release, params["contract"]),
        os_release=os_release,
        environ=os.environ,
        core_version=module.ansible_version,
        lock_timeout=params["lock_timeout"],
        timeout=params["timeout"],
        fetch_timeout=params["fetch_timeout"],
        **{part: params[part] for part in PARTS},
    )
    return PinRun(settings)


def main() -> None:
    """Run the module."""
    run_module(make_run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
