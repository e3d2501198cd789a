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
details:
  description: The error's data.
  type: dict
  returned: failure
"""

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fleet.system_python.plugins.module_utils._errors import SystemPythonError
from ansible_collections.fleet.system_python.plugins.module_utils._facts import safe
from ansible_collections.fleet.system_python.plugins.module_utils._lock import RunLock
from ansible_collections.fleet.system_python.plugins.module_utils._quarantine import Quarantine, new_run_id


def run(params: t.Mapping[str, t.Any], check_mode: bool) -> t.Dict[str, t.Any]:
    """Return the module's result."""
    quarantine = Quarantine(run_id=new_run_id(time.time()))
    if params["state"] == "listed":
        return {"changed": False, "runs": quarantine.list_runs()}
    if check_mode:
        entries = quarantine.would_put_back(params["run_id"], params["paths"], params["overwrite"])
    else:
        with RunLock(timeout=params["lock_timeout"], what="putting back from the quarantine"):
            entries = quarantine.put_back(params["run_id"], params["paths"], params["overwrite"])
    return {"changed": bool(entries), "entries": entries}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["listed", "returned"], "default": "listed"},
            "run_id": {"type": "str"},
            "paths": {"type": "list", "elements": "path"},
            "overwrite": {"type": "bool", "default": False},
            "lock_timeout": {"type": "int", "default": 0},
        },
        required_if=[("state", "returned", ("run_id",))],
        supports_check_mode=True,
    )
    try:
        result = run(module.params, module.check_mode)
    except SystemPythonError as error:
        module.fail_json(msg=error.message, kind=error.kind, details=error.details)
    module.exit_json(**safe(result))


if __name__ == "__main__":
    main()
