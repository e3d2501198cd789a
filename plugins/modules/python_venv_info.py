# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: python_venv_info
short_description: Find every venv of a host and the Python that it depends on
version_added: 0.1.0
description:
  - Takes a census of the Python virtual environments of a host, whichever tool made them (venv, virtualenv, uv, pipx).
  - For each it returns the real interpreter, what that belongs to, the packages, the owner, and who uses it.
  - Nothing of a venv is run, and no link is followed on the way to one. A thousand venvs take seconds.
  - Works on every POSIX system. Where there is an rpm database, the module runs under an interpreter that rpm vouches
    for.
options:
  roots:
    description:
      - Folders that are searched, with all below them. One that does not exist is passed over.
    type: list
    elements: path
    default:
      - /opt
      - /srv
      - /home
      - /root
      - /var/lib
      - /var/opt
      - /var/www
      - /usr/local
      - /usr/share/python
      - /app
      - /apps
      - /data
  exclude:
    description:
      - Folders that are not searched. C(/proc), C(/sys) and C(/dev) never are.
    type: list
    elements: path
    default:
      - /var/lib/docker
      - /var/lib/containerd
      - /var/lib/containers
      - /var/lib/kubelet
      - /var/lib/lxc
      - /var/lib/machines
  depth:
    description: How many levels of folders below each root are searched.
    type: int
    default: 8
  time_limit:
    description:
      - How many seconds the census may take. When they are over, what was found until then is returned, with
        RV(partial) true.
    type: float
    default: 60
  cross_mounts:
    description: Whether file systems that are mounted below a root are searched.
    type: bool
    default: true
  network_file_systems:
    description:
      - Whether these are searched as well (NFS, CIFS, Ceph and so on). A root that you name is searched in any case.
    type: bool
    default: false
  packages:
    description: Whether the packages of each venv are listed.
    type: bool
    default: true
  usage:
    description: Whether services, cron, scripts and processes that use a venv are looked for.
    type: bool
    default: true
  sizes:
    description: Whether the size of each venv is counted. That reads every folder of every venv, and takes much longer.
    type: bool
    default: false
  kept:
    description: Whether the venvs that M(fleet.system_python.python_venv) keeps as a way back are listed too.
    type: bool
    default: false
notes:
  - What the user of the task may not read is named in RV(reasons); run it as root for a whole census.
seealso:
  - module: fleet.system_python.python_venv
extends_documentation_fragment:
  - fleet.system_python._attributes
  - fleet.system_python._attributes.action_group
  - fleet.system_python._attributes.info_module
  - fleet.system_python._attributes.controller
attributes:
  platform:
    support: full
    platforms: posix
author:
  - The fleet.system_python contributors (@fleet-system-python)
"""

EXAMPLES = r"""
- name: Take a census
  fleet.system_python.python_venv_info:
  register: census
  become: true

- name: Stop when a venv is dead
  ansible.builtin.assert:
    that: census.findings | selectattr('id', 'equalto', 'SP401') | length == 0
    fail_msg: "{{ census.findings | map(attribute='summary') | list }}"

- name: Look at the venvs of the applications only
  fleet.system_python.python_venv_info:
    roots: [/srv/apps]
    depth: 3
"""

RETURN = r"""
venvs:
  description: The venvs, by path. RV(venvs[].packages) and RV(venvs[].used_by) are null where they were not wanted.
  type: list
  elements: dict
  returned: success
  contains:
    path:
      description: The folder with the C(pyvenv.cfg).
      type: str
    tool:
      description: "Who made it: V(venv), V(virtualenv), V(uv), V(uv tool) or V(pipx)."
      type: str
    state:
      description:
        - V(alive), V(dead) (its interpreter is gone, or what that needs to start), V(drifted) (its interpreter has
          another minor version than its packages), or V(moved) (it lies elsewhere than it was made).
      type: str
    reasons:
      description: Why it is dead, drifted or moved, and which of its links lead nowhere.
      type: list
      elements: str
    moved_from:
      description: Where it was made, if it lies elsewhere by now; else empty.
      type: str
    interpreter:
      description: The real path of its interpreter, null when that is gone.
      type: str
    interpreter_version:
      description: The version that is in the file of the interpreter.
      type: str
    links:
      description: The links from the venv to the interpreter, hop by hop.
      type: list
      elements: str
    pythons:
      description: Each name of an interpreter in the bin folder, and the file that it leads to, or null.
      type: dict
    dangling:
      description: Those names that lead nowhere, and where to.
      type: dict
    home:
      description: What C(pyvenv.cfg) says about the folder of the interpreter.
      type: str
    home_exists:
      description: Whether that folder is there.
      type: bool
    version:
      description: What C(pyvenv.cfg) says about the version.
      type: str
    system_site_packages:
      description: Whether it sees the packages of its interpreter.
      type: bool
    site_packages:
      description: The minor versions for which it has a site-packages folder.
      type: list
      elements: str
    packages_minor:
      description: The one of them that has its packages.
      type: str
    packages:
      description:
        - Each with C(name) and C(version), with C(installer) where that is not pip, and with C(origin) (C(kind),
          C(url)) where it did not come from an index.
      type: list
      elements: dict
    runtime:
      description:
        - What it depends on. C(kind) is V(own) (below /opt/python), V(system), V(package) (a parallel Python of the
          distribution), V(uv-managed) (one that uv installed), V(shim) (of pyenv or asdf), V(conda), V(venv) (that
          of another venv), V(other) or V(gone). C(path) is the interpreter, C(package) the package that owns it, or
          null.
      type: dict
    used_by:
      description:
        - Who uses it. C(kind) is V(systemd), V(cron), V(script), V(link) or V(process), C(name) the unit, the file or
          the process id, C(path) the file or the command line, C(via) the script that a unit starts.
      type: list
      elements: dict
    owner:
      description: Who owns the folder.
      type: str
    uid:
      description: The owner's user id.
      type: int
    gid:
      description: The group id.
      type: int
    mode:
      description: The mode of the folder.
      type: str
    size:
      description: Bytes of all its files, null unless O(sizes) is set.
      type: int
findings:
  description: Findings SP401 to SP409, see C(docs/findings.md).
  type: list
  elements: dict
  returned: success
without_config:
  description: Folders with C(bin/activate) and no C(pyvenv.cfg), as virtualenv made them before its version 20.
  returned: success
  type: list
  elements: str
  sample: []
conda:
  description: Folders of conda environments. They are no venvs, and nothing else is reported about them.
  type: list
  elements: str
  returned: success
partial:
  description: Whether something was not looked at.
  type: bool
  returned: success
reasons:
  description: Why the census is partial.
  type: list
  elements: str
  returned: success
folders:
  description: How many folders were read.
  type: int
  returned: success
seconds:
  description: How long it took.
  type: float
  returned: success
kind:
  description: A stable word for the error.
  type: str
  returned: failure
  sample: invalid_data
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
from ..module_utils._venv.census import take_census
from ..module_utils._venv.findings import find_in_census
from ..module_utils._venv.records import DEFAULT_EXCLUDE, DEFAULT_ROOTS, CensusSettings

ARGUMENT_SPEC = {
    "roots": {"type": "list", "elements": "path", "default": list(DEFAULT_ROOTS)},
    "exclude": {"type": "list", "elements": "path", "default": list(DEFAULT_EXCLUDE)},
    "depth": {"type": "int", "default": 8},
    "time_limit": {"type": "float", "default": 60},
    "cross_mounts": {"type": "bool", "default": True},
    "network_file_systems": {"type": "bool", "default": False},
    "packages": {"type": "bool", "default": True},
    "usage": {"type": "bool", "default": True},
    "sizes": {"type": "bool", "default": False},
    "kept": {"type": "bool", "default": False},
}


def _work(module: AnsibleModule) -> t.Mapping[str, object]:
    options = dict(module.params)
    roots, exclude = tuple(options.pop("roots")), tuple(options.pop("exclude"))
    network = options.pop("network_file_systems")
    census = take_census(CensusSettings(roots=roots, exclude=exclude, network=network, **options))
    return dict(census.as_dict(), changed=False, findings=find_in_census(census))


def main() -> None:
    """Run the module."""
    run_module(_work, ARGUMENT_SPEC, changes=False)


if __name__ == "__main__":
    main()
