# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: disk_root
short_description: Mount the root of a machine from its attached disks
version_added: 0.1.0
description:
  - Finds the root of a machine on its disks, which are attached to this one, and mounts it with
    C(nodev,nosuid,noexec), so that M(fleet.system_python.system_python) can repair it with its option
    O(fleet.system_python.system_python#module:root).
  - It looks at partitions, logical volumes, subvolumes of btrfs, and into encrypted volumes that somebody opened. What
    the root's fstab has below C(/usr), C(/etc) and C(/var) is mounted, too.
  - Before anything can be written, each file system is mounted from a read-only loop device. One whose journal would
    have to be replayed is refused, and so is a disk of which something is mounted.
  - When it fails, nothing stays mounted, attached or active that was not before.
options:
  state:
    description: V(present) mounts the root in a new folder. V(absent) unmounts O(root).
    type: str
    choices: [present, absent]
    default: present
  disks:
    description: The disks of one machine, as block devices, or as files with an image of the whole disk (raw).
    type: list
    elements: path
    default: []
  volume:
    description: The volume with the root, where there are several, by its device, UUID or label.
    type: str
    default: ""
  parent:
    description: Where to make the folder.
    type: path
    default: /run
  root:
    description: The folder to unmount, as RV(root) named it. Only what this module mounted is unmounted.
    type: path
notes:
  - Needs root, util-linux (C(lsblk), C(blkid), C(losetup), C(mount)), and for logical volumes lvm2.
seealso:
  - module: fleet.system_python.system_python
  - module: fleet.system_python.python_facts
extends_documentation_fragment:
  - fleet.system_python._attributes
  - fleet.system_python._attributes.action_group
attributes:
  check_mode:
    support: full
    details: Mounts nothing.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: A disk of which something is mounted is refused.
  platform:
    platforms: posix
author:
  - The fleet.system_python contributors (@fleet-system-python)
"""

EXAMPLES = r"""
- name: Mount the root of the machine whose disk is attached
  fleet.system_python.disk_root:
    disks: [/dev/sdb]
  register: mounted

- name: Repair it
  fleet.system_python.system_python:
    root: "{{ mounted.root }}"
    files: [/root/packages]

- name: Unmount it
  fleet.system_python.disk_root:
    root: "{{ mounted.root }}"
    state: absent
"""

RETURN = r"""
root:
  description: The folder that the root is mounted at.
  returned: success, outside check mode
  type: str
  sample: /run/fleet-system-python-rescue-k2m3x9/root
mounts:
  description: What was mounted where in it, in this order.
  returned: success, outside check mode
  type: list
  elements: str
  sample: ["/dev/sdb3 at /", "/dev/mapper/vg-var at /var"]
kind:
  description: What went wrong, as a stable word.
  returned: failure
  type: str
  sample: disk
changed_nothing:
  description: Whether the error came before anything was changed on the host.
  returned: failure
  type: bool
details:
  description: The facts behind the message.
  returned: failure
  type: dict
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._base.module import run_module
from ..module_utils._image.attached import mount_root, unmount_root

ARGUMENT_SPEC = {
    "disks": {"type": "list", "elements": "path", "default": []},
    "volume": {"type": "str", "default": ""},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "parent": {"type": "path", "default": "/run"},
    "root": {"type": "path"},
}


def _work(module: AnsibleModule) -> t.Mapping[str, object]:
    options = module.params
    if options["state"] == "absent":
        return {"changed": unmount_root(options["root"], check_mode=module.check_mode)}
    if module.check_mode:
        return {"changed": True}
    return dict(mount_root(options["disks"], options["volume"], options["parent"]), changed=True)


def main() -> None:
    """Run the module."""
    run_module(_work, ARGUMENT_SPEC, required_if=[("state", "present", ("disks",)), ("state", "absent", ("root",))])


if __name__ == "__main__":
    main()
