# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: python_benchmark_report
short_description: Write what python_benchmark measured to the controller, with a picture
version_added: 0.1.0
description:
  - Writes the results of M(fleet.system_python.python_benchmark) of one host or of many to a folder on the controller,
    as JSON, as a table and as an SVG picture.
  - Pictures need matplotlib in the Python that runs C(ansible-playbook). Nothing else does; without it there is a
    warning, and no picture.
  - Names of hosts and interpreters are text in the picture, whatever they contain.
options:
  measured:
    description:
      - The results, C(benchmark) of the module's return value, by the name of the host.
      - Without any, nothing is written; it only makes sure that the folder is there, which is better known before a
        long measurement.
    type: dict
    default: {}
  folder:
    description:
      - A folder on the controller, relative to where C(ansible-playbook) was started. It is made where it is missing.
    type: path
    required: true
  name:
    description: The name of the files, without C(.json), C(.txt) and C(.svg).
    type: str
    required: true
  title:
    description: What stands above the picture. Without it, it is O(name).
    type: str
  pictures:
    description: Whether to draw the picture.
    type: bool
    default: true
seealso:
  - module: fleet.system_python.python_benchmark
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
    support: none
  idempotent:
    support: full
    details: The same results give the same files.
  platform:
    platforms: posix
author:
  - The fleet.system_python contributors (@fleet-system-python)
"""

EXAMPLES = r"""
- name: Compare
  fleet.system_python.python_benchmark:
  register: compared

- name: Keep the result
  fleet.system_python.python_benchmark_report:
    measured: "{{ {inventory_hostname: compared.benchmark} }}"
    folder: reports
    name: "{{ inventory_hostname }}"
"""

RETURN = r"""
table:
  description: The results as an aligned table, one line each.
  returned: success
  type: list
  elements: str
paths:
  description: The files, by C(json), C(txt) and C(svg).
  returned: success
  type: dict
  sample: {"json": reports/web1.json, "svg": reports/web1.svg, "txt": reports/web1.txt}
kind:
  description: A stable word for the error, for example C(read_only).
  returned: failure
  type: str
changed_nothing:
  description: Whether the error came before anything was changed on the host.
  returned: failure
  type: bool
details:
  description: The error's data.
  returned: failure
  type: dict
"""

import typing as t

from ..module_utils._base.module import refuse_to_be_a_module

# The action plugin uses it too.
ARGUMENT_SPEC: t.Dict[str, t.Dict[str, object]] = {
    "measured": {"type": "dict", "default": {}},
    "folder": {"type": "path", "required": True},
    "name": {"type": "str", "required": True},
    "title": {"type": "str"},
    "pictures": {"type": "bool", "default": True},
}


def main() -> None:
    """Fail: the work is done by the action plugin."""
    refuse_to_be_a_module("python_benchmark_report", ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
