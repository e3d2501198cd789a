# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: python_dependents_info
short_description: List what depends on a host's system Python, and what would break it
version_added: 0.1.0
description:
  - The blast radius. Finds the packages, commands, systemd units, cron jobs and running processes that depend on the
    system's own interpreter, by which of its names each does, and which changes of the interpreter would break it.
  - Reads only, and starts no interpreter. Everything is read from files, C(/proc) and the package database.
  - A process whose executable was replaced or deleted since it was started is reported; it needs a restart.
options:
  contract:
    description:
      - A contract of your own for an operating system that the collection does not know, or keys that replace those of
        the known one.
    type: dict
  kinds:
    description: What is looked for.
    type: list
    elements: str
    choices: [unit, cron, process, command, package]
    default: [unit, cron, process, command, package]
  folders:
    description:
      - More folders with commands, searched four levels deep. C(/usr/bin), C(/usr/sbin), C(/usr/libexec),
        C(/usr/local/bin) and C(/usr/local/sbin) always are.
    type: list
    elements: path
    default: []
  time_limit:
    description:
      - How many seconds the search may take. When they are over, what was found until then is returned, with
        RV(ansible_facts.system_python_dependents.partial) true.
    type: float
    default: 30
  limit:
    description: How many dependents are listed at most. The counts are of all.
    type: int
    default: 1000
seealso:
  - module: fleet.system_python.python_facts
  - module: fleet.system_python.python_venv_info
extends_documentation_fragment:
  - fleet.system_python._attributes
  - fleet.system_python._attributes.action_group
  - fleet.system_python._attributes.info_module
author:
  - The fleet.system_python contributors (@fleet-system-python)
"""

EXAMPLES = r"""
- name: Look at what depends on the system Python
  fleet.system_python.python_dependents_info:
    folders: [/opt/tools]
  register: dependents

- name: Show it
  ansible.builtin.debug:
    var: dependents.summary

- name: Name the services that break when /usr/bin/python3 is redirected
  ansible.builtin.debug:
    msg: >-
      {{ ansible_facts.system_python_dependents.dependents | selectattr('kind', 'equalto', 'unit')
         | selectattr('breaks', 'contains', 'redirected') | map(attribute='name') | unique | list }}
"""

RETURN = r"""
ansible_facts:
  description: The answer, as facts.
  returned: success
  type: dict
  contains:
    system_python_dependents:
      description: What depends on the system's Python.
      type: dict
      returned: success
      contains:
        version:
          description: The minor version that the operating system promises.
          type: str
          returned: success
          sample: "3.9"
        interpreters:
          description:
            - The names of the interpreter. C(path), C(breaks) (the changes that break whoever uses the name) and
              C(dependents) (how many use it).
          type: list
          elements: dict
          returned: success
        changes:
          description: The changes that C(breaks) is about, each as a sentence.
          type: dict
          returned: success
          sample:
            redirected: /usr/bin/python3 leads to another Python
            overwritten: /usr/bin/python3.9 is overwritten by another minor version
            gone: /usr/bin/python3.9 and its packages are gone
        counts:
          description: How many dependents there are, by kind.
          type: dict
          returned: success
          sample: {unit: 1, cron: 0, process: 1, command: 12, package: 8}
        breaks:
          description: How many of them each change breaks, by change and kind.
          type: dict
          returned: success
        needs_restart:
          description: Units, or pids, of the processes that no longer run the file that lies where theirs was.
          type: list
          elements: str
          returned: success
        dependents:
          description: Who depends on it. Units come first, then cron jobs, processes, commands, packages.
          type: list
          elements: dict
          returned: success
          contains:
            kind:
              description: V(unit), V(cron), V(process), V(command) or V(package).
              type: str
              returned: success
            name:
              description: The unit, the file, the pid or the package.
              type: str
              returned: success
            path:
              description: The file; of a process, its executable. Null for a package.
              type: str
              returned: success
            owner:
              description: The package that owns the file (of a process, the script that it runs), or null.
              type: str
              returned: success
            interpreter:
              description: The name of the interpreter that it depends on, or null for a package that names none.
              type: str
              returned: success
              sample: /usr/bin/python3
            how:
              description:
                - V(shebang), V(env) (a shebang that searches PATH), V(link), V(names) (it starts the interpreter by its
                  name), V(command) (it starts the command in C(via)), V(script) (it starts the shell script in C(via),
                  which starts the interpreter), V(requires) or V(runs).
              type: str
              returned: success
            detail:
              description: The shebang, the directive of the unit, the line of the crontab, the requirement, or the
                command line without what could be a secret.
              type: str
              returned: success
            via:
              description: The command or script in between, or null.
              type: str
              returned: success
            breaks:
              description: The changes that break it.
              type: list
              elements: str
              returned: success
            shadowed_by:
              description: What a search of PATH finds before the interpreter, or null.
              type: str
              returned: success
            unit:
              description: The unit, also that of a process; or null.
              type: str
              returned: success
            needs_restart:
              description:
                - Whether a process runs a file that is neither the interpreter's own nor the one that its name leads to
                  now.
              type: bool
              returned: success
        left_out:
          description: How many more there are than O(limit).
          type: int
          returned: success
        partial:
          description: Whether something was not looked at.
          type: bool
          returned: success
        reasons:
          description: Why it is partial.
          type: list
          elements: str
          returned: success
        seconds:
          description: How long it took.
          type: float
          returned: success
        rpm_processes:
          description: How many rpm processes were started.
          type: int
          returned: success
summary:
  description: The answer as lines for people. What each change would break, then a line per dependent.
  type: list
  elements: str
  returned: success
kind:
  description: A stable word for the error.
  type: str
  returned: failure
  sample: unknown_platform
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

from ..module_utils._audit.contract import contract_for
from ..module_utils._base.module import run_module
from ..module_utils._disk.os_release import read_os_release
from ..module_utils._usage.run import Question, dependents_of, summarize
from ..module_utils._usage.sources import KINDS

ARGUMENT_SPEC = {
    "contract": {"type": "dict"},
    "kinds": {"type": "list", "elements": "str", "choices": list(KINDS), "default": list(KINDS)},
    "folders": {"type": "list", "elements": "path", "default": []},
    "time_limit": {"type": "float", "default": 30},
    "limit": {"type": "int", "default": 1000},
}


def _work(module: AnsibleModule) -> t.Mapping[str, object]:
    options = dict(module.params)
    contract = contract_for(read_os_release(), options.pop("contract"))
    folders, kinds = tuple(options.pop("folders")), tuple(options.pop("kinds"))
    found = dependents_of(contract, Question(folders=folders, kinds=kinds, **options))
    return {"changed": False, "summary": summarize(found), "ansible_facts": {"system_python_dependents": found}}


def main() -> None:
    """Run the module."""
    run_module(_work, ARGUMENT_SPEC, changes=False)


if __name__ == "__main__":
    main()
