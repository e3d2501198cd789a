# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: image_root
short_description: Lay out the root folder of a container image without starting it
version_added: 0.1.0
description:
  - Makes the folder that a container of an image would have as its root, so that M(fleet.system_python.python_facts)
    can look at it with its option O(fleet.system_python.python_facts#module:root).
  - Nothing of the image is started. An engine that knows the image creates a container without starting it, exports
    it and removes it again. The archive of an image is only read.
  - Owners, modes and links are as in the image. Devices and pipes are left out. Nothing is written or removed outside
    the folder, whatever the image holds.
  - What is no image, or has more than any image needs (64 GB, 2 million entries, 1000 layers, 200 folders in each
    other), is one error that names it, and nothing of it stays.
  - The folder stays until it is removed with O(state=absent).
options:
  state:
    description: V(present) makes a new folder. V(absent) removes O(root).
    type: str
    choices: [present, absent]
    default: present
  image:
    description:
      - Name or ID of an image that O(engine) has. Nothing is pulled.
      - With O(archive), the name of the image in it; needed when it holds several.
    type: str
  archive:
    description:
      - A file made by C(docker save) or C(podman save), or an OCI layout packed by tar, compressed or not.
      - Of what an OCI layout names by a digest, every file is checked.
    type: path
  engine:
    description:
      - The engine that has the image, a program that knows C(create), C(export) and C(rm). By default C(podman), and
        where that is not installed C(docker).
      - It runs with the environment of the task.
    type: str
  parent:
    description:
      - Where to make the folder. There must be room for all of the image.
    type: path
    default: /var/tmp
  root:
    description:
      - The folder to remove, as RV(root) named it. Only what this module made is removed.
    type: path
  timeout:
    description:
      - How many seconds each command of the engine may take, or all of an archive.
    type: int
    default: 600
notes:
  - Needs root, because the files must have the owners that the image gives them.
seealso:
  - module: fleet.system_python.python_facts
extends_documentation_fragment:
  - fleet.system_python._attributes
  - fleet.system_python._attributes.action_group
attributes:
  check_mode:
    support: full
    details: Checks its options and does nothing.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: Every run makes a folder of its own.
  platform:
    platforms: posix
author:
  - The fleet.system_python contributors (@fleet-system-python)
"""

EXAMPLES = r"""
- name: Lay out an image that was just built
  fleet.system_python.image_root:
    image: registry.example.com/app:1.4
  register: laid_out

- name: Look at the system Python in it
  fleet.system_python.python_facts:
    root: "{{ laid_out.root }}"

- name: Remove the folder
  fleet.system_python.image_root:
    root: "{{ laid_out.root }}"
    state: absent
"""

RETURN = r"""
root:
  description: The folder.
  returned: success, outside check mode
  type: str
  sample: /var/tmp/fleet-system-python-image-k2m3x9
source:
  description: Where the image came from.
  returned: success, outside check mode
  type: str
  sample: registry.example.com/app:1.4, by podman
files:
  description: How many entries the layers have.
  returned: success, outside check mode
  type: int
  sample: 18311
size:
  description: How many bytes the content of the files has.
  returned: success, outside check mode
  type: int
  sample: 455216128
left_out:
  description: How many devices and pipes were left out.
  returned: success, outside check mode
  type: int
  sample: 0
kind:
  description: What went wrong, as a stable word.
  returned: failure
  type: str
  sample: image
changed_nothing:
  description: Whether the error came before anything was changed on the host.
  returned: failure
  type: bool
details:
  description: The facts behind the message.
  returned: failure
  type: dict
  sample: {"image": "app:1.4"}
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._base.module import run_module
from ..module_utils._image.run import ImageSource, lay_out, remove

ARGUMENT_SPEC = {
    "image": {"type": "str"},
    "archive": {"type": "path"},
    "engine": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "parent": {"type": "path", "default": "/var/tmp"},  # noqa: S108  # mkdtemp makes the folder
    "root": {"type": "path"},
    "timeout": {"type": "int", "default": 600},
}


def _work(module: AnsibleModule) -> t.Mapping[str, object]:
    options = module.params
    if options["state"] == "absent":
        return {"changed": remove(options["root"], module.check_mode)}
    if module.check_mode:
        return {"changed": True}
    source = ImageSource(options["image"], options["archive"], options["engine"])
    return dict(lay_out(source, options["parent"], options["timeout"]), changed=True)


def main() -> None:
    """Run the module."""
    run_module(
        _work,
        ARGUMENT_SPEC,
        required_if=[("state", "present", ("image", "archive"), True), ("state", "absent", ("root",))],
        mutually_exclusive=[("archive", "engine"), ("root", "image"), ("root", "archive")],
    )


if __name__ == "__main__":
    main()
