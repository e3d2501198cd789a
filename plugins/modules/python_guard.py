# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: python_guard
short_description: Watch the system Python between two runs
version_added: 0.1.0
description:
  - Installs a small checker, a shell script that needs no Python, with a timer and a path unit of systemd. It tells
    what changed as one JSON object a line in the journal, keeps a state file, and can write metrics and run a command
    of yours.
  - A legitimate update of packages raises no alarm; C(docs/guard.md) says what is noticed, when, and what is not.
  - It can record what the host looks like now, and compare later.
  - It runs under an interpreter that rpm vouches for, whatever C(ansible_python_interpreter) says.
options:
  state:
    description:
      - With V(absent) everything is removed that V(present) installed, and the recorded baseline.
    type: str
    choices: [present, absent]
    default: present
  contract:
    description:
      - A contract of your own, or keys that replace those of the known one (C(docs/adding-an-os.md)).
    type: dict
  schedule:
    description:
      - Who starts the checker. With V(timer) systemd does, and a host on which it does not run is an error. With
        V(none) only the checker is installed, for hosts that have something else to start it.
    type: str
    choices: [timer, none]
    default: timer
  period:
    description:
      - How many seconds pass between two checks; up to a tenth of it is added at random.
    type: int
    default: 900
  path_units:
    description:
      - Whether a change in the folders of the interpreter, its library and the alternatives starts a check at once.
    type: bool
    default: true
  full_every:
    description:
      - How many seconds at the most pass before every file is read again although nothing seems to have changed.
    type: int
    default: 21600
  wait:
    description:
      - How many seconds a check waits for the end of an installation of packages before it is postponed.
    type: int
    default: 120
  unversioned:
    description:
      - What C(/usr/bin/python) should be. With V(unmanaged) it is not looked at.
    type: str
    choices: [unmanaged, absent, python3, python2]
    default: unmanaged
  metrics_folder:
    description:
      - The folder of the textfile collector of Prometheus' node_exporter. Without it no metrics are written.
    type: path
  notify:
    description:
      - A command, program and arguments, that gets the changes of a check as one JSON document on its standard input.
        No shell takes part. It runs as root. None of its words may be empty.
    type: list
    elements: str
    default: []
  baseline:
    description:
      - With V(record) what the host looks like now is written down, with V(compare) the host is compared with it, with
        V(absent) it is forgotten. With V(unmanaged) it is left alone.
    type: str
    choices: [unmanaged, record, compare, absent]
    default: unmanaged
  baseline_digest:
    description:
      - The SHA-256 of the baseline, as RV(baseline.digest) had it when it was recorded. Kept away from the host it
        shows that both the baseline and the digest that the host remembers were altered.
    type: str
  checker:
    description:
      - The checker, a file on the host. The action plugin brings it; do not set it.
    type: path
seealso:
  - module: fleet.system_python.python_facts
extends_documentation_fragment:
  - fleet.system_python._attributes
  - fleet.system_python._attributes.action_group
  - fleet.system_python._attributes.exceptions
  - fleet.system_python._attributes.controller
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
author:
  - The fleet.system_python contributors (@fleet-system-python)
"""

EXAMPLES = r"""
- name: Watch the system Python, and record what it looks like
  fleet.system_python.python_guard:
    baseline: record
    metrics_folder: /var/lib/node_exporter/textfile
  register: guard

- name: Compare with what was recorded
  fleet.system_python.python_guard:
    baseline: compare
    baseline_digest: "{{ system_python_baseline_digest }}"

- name: Send every change to a webhook
  fleet.system_python.python_guard:
    notify:
      - /usr/bin/curl
      - --fail
      - --silent
      - --max-time
      - "20"
      - --header
      - "Content-Type: application/json"
      - --data-binary
      - "@-"
      - https://events.example.com/system-python

- name: Take it away
  fleet.system_python.python_guard:
    state: absent
"""

RETURN = r"""
changes:
  description: What was done, or in check mode what would be.
  type: list
  elements: str
  returned: success
  sample: ["write /etc/fleet.system_python/guard.conf", "start the timer and the path of systemd"]
baseline:
  description: The recorded baseline.
  type: dict
  returned: with O(state=present)
  contains:
    digest:
      description: Its SHA-256, null where none is recorded.
      type: str
      returned: success
    state:
      description: One of V(none), V(good), V(missing), V(altered) and, after a comparison, V(differs).
      type: str
      returned: success
    differences:
      description:
        - What differs, each with C(difference) and C(item). What an update of packages explains begins with
          C(updated-).
      type: list
      elements: dict
      returned: with O(baseline=compare)
kind:
  description: A stable word for the error.
  type: str
  returned: failure
  sample: no_service_manager
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
from ..module_utils._audit.findings import waivers_of
from ..module_utils._audit.unversioned import POLICIES
from ..module_utils._base.errors import GuardError, changing_nothing
from ..module_utils._base.module import run_module
from ..module_utils._disk.os_release import read_os_release
from ..module_utils._guard.config import GuardSettings
from ..module_utils._guard.run import Guard, GuardOptions, GuardResult

ARGUMENT_SPEC = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "contract": {"type": "dict"},
    "schedule": {"type": "str", "choices": ["timer", "none"], "default": "timer"},
    "period": {"type": "int", "default": 900},
    "path_units": {"type": "bool", "default": True},
    "full_every": {"type": "int", "default": 21600},
    "wait": {"type": "int", "default": 120},
    "unversioned": {"type": "str", "choices": list(POLICIES), "default": "unmanaged"},
    "metrics_folder": {"type": "path"},
    "notify": {"type": "list", "elements": "str", "default": []},
    "baseline": {"type": "str", "choices": ["unmanaged", "record", "compare", "absent"], "default": "unmanaged"},
    "baseline_digest": {"type": "str"},
    "checker": {"type": "path"},
    "exceptions": {"type": "list", "elements": "dict", "default": []},
}


def run(module: AnsibleModule) -> GuardResult:
    """Return the module's result."""
    guard = Guard(module.check_mode)
    if module.params["state"] == "absent":
        return guard.remove(module.params["metrics_folder"])
    with changing_nothing():
        contract = contract_for(read_os_release(), module.params["contract"])
        options = _options(module)
    return guard.install(contract, options)


def _options(module: AnsibleModule) -> GuardOptions:
    params = module.params
    folder, command = params["metrics_folder"], params["notify"]
    if not params["checker"]:
        raise GuardError("The checker is missing: the action plugin python_guard did not run.")
    if folder and not os.path.isdir(folder):
        raise GuardError(
            f"There is no folder {folder} for the metrics. Install node_exporter first, or make the folder."
        )
    if command and not os.access(command[0], os.X_OK):
        raise GuardError(f"The command for alerts must be the path of a program, not {command[0]!r}.")
    if "" in command:
        raise GuardError(f"The command for alerts has an empty word, which cannot be kept: {command!r}.")
    settings = GuardSettings(
        unversioned=params["unversioned"],
        full_every=params["full_every"],
        wait=params["wait"],
        metrics=folder,
        notify=tuple(command),
        waivers=waivers_of(params["exceptions"]),
    )
    with open(params["checker"], "rb") as stream:
        checker = stream.read()
    return GuardOptions(
        settings=settings,
        checker=checker,
        period=params["period"],
        schedule=params["schedule"],
        path_units=params["path_units"],
        baseline=params["baseline"],
        baseline_digest=params["baseline_digest"],
    )


def main() -> None:
    """Run the module."""
    run_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
