# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: python_quarantine
short_description: List what repairs have moved aside, and put it back
version_added: 0.1.0
description:
  - Every repair of this collection keeps what it moves or overwrites in a folder of its own below
    C(/var/lib/fleet.system_python/quarantine). This module lists these runs, and puts back what one of them keeps.
  - Everything is checked before the first thing moves.
  - What was put back, and is still as it was, is not taken again, unless
    O(fleet.system_python.system_python#module:quarantine_all) asks for it.
  - It runs under an interpreter that rpm vouches for, whatever C(ansible_python_interpreter) says.
options:
  state:
    description:
      - With V(listed) the runs are listed. With V(returned) what the run O(run_id) keeps is put back to where it was.
    type: str
    choices: [listed, returned]
    default: listed
  run_id:
    description:
      - The run, as in the name of its folder. Required with O(state=returned).
    type: str
  paths:
    description:
      - Only these of the original paths. Without it all that the run keeps.
    type: list
    elements: path
  overwrite:
    description:
      - Whether what is at a path now may be replaced. A copy of it goes to the quarantine first.
    type: bool
    default: false
  lock_timeout:
    description:
      - How many seconds to wait while a repair works on this host.
    type: int
    default: 0
seealso:
  - module: fleet.system_python.system_python
extends_documentation_fragment:
  - fleet.system_python._attributes
  - fleet.system_python._attributes.action_group
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
author:
  - The fleet.system_python contributors (@fleet-system-python)
"""

EXAMPLES = r"""
- name: List what was moved aside
  fleet.system_python.python_quarantine:
  register: quarantine

- name: Put one interpreter and its library back
  fleet.system_python.python_quarantine:
    state: returned
    run_id: 20261120T104736Z-5d09c4
    paths:
      - /usr/bin/python3.15
      - /usr/lib/python3.15
"""

RETURN = r"""
runs:
  description: The runs that keep something, each with what it keeps.
  type: list
  elements: dict
  returned: with O(state=listed)
entries:
  description: What was put back, or in check mode what would be, with the keys of C(docs/notes/quarantine.md).
  type: list
  elements: dict
  returned: with O(state=returned)
kind:
  description: A stable word for the error.
  type: str
  returned: failure
  sample: quarantine
changed_nothing:
  description: Whether the error came before anything was changed on the host.
  returned: failure
  type: bool
details:
  description: The error's data.
  type: dict
  returned: failure
"""

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._base.clock import new_run_id
from ..module_utils._base.module import run_module
from ..module_utils._disk.lock import RunLock
from ..module_utils._disk.quarantine import Quarantine

ARGUMENT_SPEC = {
    "state": {"type": "str", "choices": ["listed", "returned"], "default": "listed"},
    "run_id": {"type": "str"},
    "paths": {"type": "list", "elements": "path"},
    "overwrite": {"type": "bool", "default": False},
    "lock_timeout": {"type": "int", "default": 0},
}


def run(module: AnsibleModule) -> t.Mapping[str, object]:
    """Return the module's result."""
    params = module.params
    quarantine = Quarantine(run_id=new_run_id(time.time()))
    if params["state"] == "listed":
        return {"changed": False, "runs": quarantine.list_runs()}
    if module.check_mode:
        entries = quarantine.would_put_back(params["run_id"], params["paths"], params["overwrite"])
    else:
        with RunLock(timeout=params["lock_timeout"], what="putting back from the quarantine"):
            entries = quarantine.put_back(params["run_id"], params["paths"], params["overwrite"])
    return {"changed": bool(entries), "entries": entries}


def main() -> None:
    """Run the module."""
    run_module(run, ARGUMENT_SPEC, required_if=[("state", "returned", ("run_id",))])


if __name__ == "__main__":
    main()
