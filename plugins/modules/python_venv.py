# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: python_venv
short_description: Make a venv, repair one whose interpreter is gone, or remove one
version_added: 0.1.0
description:
  - With O(state=present), makes a venv on a named interpreter with the given requirements. It compares what the venv
    was made from, and what is really installed in it, with what is asked for, not whether C(bin/activate) exists.
  - With O(state=repaired), gives a venv an interpreter again whose own is gone or became another version. Where the
    same minor version is on the host, its links and its C(pyvenv.cfg) are set and its packages stay as they are. For
    another minor version (O(interpreter)), a new venv is built beside it with the same packages in the same versions.
  - A venv is built beside the old one, proven by importing every package, put in its place in one step, and proven
    again. If anything fails the old one stays, or is put back. A run that was killed is undone by the next.
  - All work in a venv is done as the user that it belongs to. Nothing is written through links that lead out of it.
  - Works on every POSIX system. Where there is an rpm database, the module runs under an interpreter that rpm vouches
    for.
options:
  path:
    description: The folder of the venv.
    type: path
    required: true
  state:
    description: What is wanted of the venv.
    type: str
    choices: [present, repaired, absent]
    default: present
  interpreter:
    description:
      - A path, or a version. V(3.13) means C(/opt/python/3.13/bin/python3.13) where that exists, else the packaged
        C(/usr/bin/python3.13).
      - Required with O(state=present). With O(state=repaired), the default is the minor version that the venv's
        packages were installed for; nothing is moved to another one unless you name it.
    type: str
  requirements:
    description: Lines of a requirements file, with hashes where you like.
    type: list
    elements: str
    default: []
  requirements_file:
    description: A requirements file on the host.
    type: path
  constraints:
    description: Lines of a constraints file.
    type: list
    elements: str
    default: []
  constraints_file:
    description: A constraints file on the host.
    type: path
  require_hashes:
    description: Whether every requirement must have a hash, and match it.
    type: bool
    default: false
  wheelhouse:
    description: A folder on the host with packages. No index is asked then, so the host needs no network.
    type: path
  index_url:
    description: The package index, where it is not the one that the user's configuration names.
    type: str
  dependencies:
    description: Whether to install the dependencies of the requirements.
    type: bool
    default: true
  user:
    description:
      - Who owns the venv. Everything in it is done with the rights of this user.
      - The default is the owner of a venv that is there, else the user that runs the module. With O(state=repaired)
        no other user is accepted.
    type: str
  system_site_packages:
    description:
      - Whether the venv sees the packages of its interpreter.
      - The default is V(false) for a new venv; a repaired one stays as it was.
    type: bool
  tool:
    description: What makes and fills venvs, pip (with C(venv)) or uv.
    type: str
    choices: [pip, uv]
    default: pip
  uv:
    description: The path of uv on the host, where it is not in C(/usr/local/bin), C(/usr/bin) or C(/opt/uv).
    type: path
  origins:
    description:
      - With O(state=repaired), what is done with packages that came from no index (editable ones, version control,
        local folders and archives) when a venv is built anew. V(refuse) stops and names them, V(reinstall) installs
        them from where they came from, V(leave_out) goes without and names them in RV(left_out).
    type: str
    choices: [refuse, reinstall, leave_out]
    default: refuse
  extra_files:
    description:
      - What is done with files in the folder of a venv that are no part of it, such as the application or its data,
        when the venv is built anew. The new one does not have them. V(refuse) stops and names them, V(leave_behind)
        leaves them in the old venv and names them in RV(left_behind); they go when it is no longer kept, see O(keep).
    type: str
    choices: [refuse, leave_behind]
    default: refuse
  import_exceptions:
    description: Packages whose import may fail in the proof.
    type: list
    elements: str
    default: []
  ignore_users:
    description:
      - With O(state=absent), services, scripts and cron files that may go on using the venv, by the names that the
        error message has.
    type: list
    elements: str
    default: []
  keep:
    description:
      - How many old venvs are kept beside the new one as a way back, under a hidden name. With V(0), O(state=absent)
        deletes the venv.
    type: int
    default: 1
  trust_interpreter:
    description:
      - Lets root use an interpreter that is neither as its package shipped it nor of an intact runtime below
        C(/opt/python).
      - Venvs that belong to another user need no such permission.
    type: bool
    default: false
  timeout:
    description: How many seconds each tool may take.
    type: int
    default: 900
  lock_timeout:
    description: How many seconds to wait for another run that works on the same venv.
    type: int
    default: 0
seealso:
  - module: fleet.system_python.python_venv_info
  - module: ansible.builtin.pip
extends_documentation_fragment:
  - fleet.system_python._attributes
  - fleet.system_python._attributes.action_group
  - fleet.system_python._attributes.controller
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    support: full
    platforms: posix
author:
  - The fleet.system_python contributors (@fleet-system-python)
"""

EXAMPLES = r"""
- name: A venv for the shop, on its own runtime
  fleet.system_python.python_venv:
    path: /srv/shop/venv
    interpreter: "3.13"
    user: shop
    requirements: "{{ lookup('ansible.builtin.file', 'shop/requirements.txt').splitlines() }}"
    require_hashes: true
  become: true

- name: The same on a host without a network
  fleet.system_python.python_venv:
    path: /srv/shop/venv
    interpreter: "3.13"
    user: shop
    requirements: [shop==1.2]
    wheelhouse: /srv/wheels
  become: true

- name: Repair a venv whose Python an OS upgrade removed; the same minor version is below /opt/python
  fleet.system_python.python_venv:
    path: /srv/shop/venv
    state: repaired
  become: true

- name: Build it anew on another minor version
  fleet.system_python.python_venv:
    path: /srv/shop/venv
    state: repaired
    interpreter: "3.13"
    wheelhouse: /srv/wheels
  become: true

- name: Take it away, although a script still names it
  fleet.system_python.python_venv:
    path: /srv/shop/venv
    state: absent
    ignore_users: [shop-report]
  become: true
"""

RETURN = r"""
path:
  description: The folder of the venv.
  type: str
  returned: success
action:
  description: "What was done, or would be: V(create), V(rebuild), V(relink), V(rewrite) (where it was moved), V(remove)
    or V(none)."
  type: str
  returned: success
reasons:
  description: Why.
  type: list
  elements: str
  returned: success
user:
  description: The user that the venv belongs to.
  type: str
  returned: success
before:
  description: State, interpreter and versions of the venv that was there, null where none was.
  type: dict
  returned: success
interpreter:
  description: The interpreter of the venv, with C(path) (what the venv links to), C(realpath) and C(version).
  type: dict
  returned: success
packages:
  description: The packages of the venv, with their versions.
  type: dict
  returned: when the venv was made or repaired
imports:
  description: For each package V(ok), or why its import failed.
  type: dict
  returned: when the venv was made or repaired
left_out:
  description: Packages that the new venv goes without, see O(origins).
  type: list
  elements: str
  returned: success
left_behind:
  description: Files and folders of the old venv that the new one does not have, see O(extra_files).
  type: list
  elements: str
  returned: success
kept:
  description: Where the old venv is now, null where none is kept.
  type: str
  returned: when a venv was replaced or taken away
foreign_scripts:
  description: Scripts of the venv that start an interpreter outside of it that is not there.
  type: list
  elements: str
  returned: when a venv was relinked
undone:
  description: What a killed run had left, and was undone first.
  type: str
  returned: when there was such
kind:
  description: A stable word for the error.
  type: str
  returned: failure
  sample: interpreter_not_found
changed_nothing:
  description: Whether the error came before anything was changed on the host.
  returned: failure
  type: bool
details:
  description: The error's data.
  type: dict
  returned: failure
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._base.module import run_module
from ..module_utils._venv.plan import EXTRA_FILES, ORIGINS, VenvOptions
from ..module_utils._venv.records import VenvResult
from ..module_utils._venv.requirements import Requirements
from ..module_utils._venv.run import VenvRun

ARGUMENT_SPEC = {
    "path": {"type": "path", "required": True},
    "state": {"type": "str", "choices": ["present", "repaired", "absent"], "default": "present"},
    "interpreter": {"type": "str"},
    "requirements": {"type": "list", "elements": "str", "default": []},
    "requirements_file": {"type": "path"},
    "constraints": {"type": "list", "elements": "str", "default": []},
    "constraints_file": {"type": "path"},
    "require_hashes": {"type": "bool", "default": False},
    "wheelhouse": {"type": "path"},
    "index_url": {"type": "str"},
    "dependencies": {"type": "bool", "default": True},
    "user": {"type": "str"},
    "system_site_packages": {"type": "bool"},
    "tool": {"type": "str", "choices": ["pip", "uv"], "default": "pip"},
    "uv": {"type": "path"},
    "origins": {"type": "str", "choices": list(ORIGINS), "default": "refuse"},
    "extra_files": {"type": "str", "choices": list(EXTRA_FILES), "default": "refuse"},
    "import_exceptions": {"type": "list", "elements": "str", "default": []},
    "ignore_users": {"type": "list", "elements": "str", "default": []},
    "keep": {"type": "int", "default": 1},
    "trust_interpreter": {"type": "bool", "default": False},
    "timeout": {"type": "int", "default": 900},
    "lock_timeout": {"type": "int", "default": 0},
}


def make_run(module: AnsibleModule) -> VenvRun:
    """Return the run that the module's options ask for."""
    params = module.params.items()
    options: t.Dict[str, t.Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in params}
    requirements = Requirements(
        lines=options.pop("requirements"),
        file=options.pop("requirements_file"),
        constraints=options.pop("constraints"),
        constraints_file=options.pop("constraints_file"),
        require_hashes=options.pop("require_hashes"),
        wheelhouse=options.pop("wheelhouse"),
        index_url=options.pop("index_url"),
        dependencies=options.pop("dependencies"),
    )
    return VenvRun(VenvOptions(requirements=requirements, **options))


def _work(module: AnsibleModule) -> t.Mapping[str, object]:
    result = make_run(module).result(module.check_mode)
    return dict(result, diff=_diff(result))


def main() -> None:
    """Run the module."""
    run_module(_work, ARGUMENT_SPEC, required_if=[("state", "present", ("interpreter",))])


def _diff(result: VenvResult) -> t.Dict[str, str]:
    before, after = result["before"], result["interpreter"]
    old = f"{before['interpreter'] or 'no interpreter'} {before['state']}\n" if before else ""
    if result["action"] == "none":
        return {"before": old, "after": old}
    return {"before": old, "after": f"{after['realpath']} alive\n" if after else ""}


if __name__ == "__main__":
    main()
