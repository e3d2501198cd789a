# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: python_benchmark
short_description: Compare the interpreters of a host by the same workloads
version_added: 0.1.0
description:
  - Runs the same workloads under several interpreters, in turns, and tells the median, the spread and the ratio to a
    baseline with its uncertainty. A difference that the spread covers is not called one.
  - Each timing is a fresh process with an empty environment and no input, in a private temporary folder that is removed
    at the end.
  - Interpreters are run as an unprivileged user, never as root. One that no package vouches for is run as well, and the
    result says that it is unverified.
  - An interpreter that does not start, dies or takes too long is reported with the reason, and the others go on.
    A workload that fails on the baseline has no results. When all do, the module fails.
  - C(docs/benchmark.md) describes the workloads and the statistics.
options:
  interpreters:
    description:
      - Paths of the interpreters. Without it they are those in the usual places of the host, one of each version.
    type: list
    elements: str
  baseline:
    description:
      - Path of the interpreter that the others are compared with. Without it, it is the operating system's own.
    type: str
  workloads:
    description:
      - What is measured.
      - V(nbody) computes the orbits of three bodies in pure Python, 900,000 steps. V(words) works with dicts, strings
        and sorting. V(files) writes, renames, reads and removes small files below O(folder). V(startup) starts the
        interpreter for nothing, V(startup_isolated) the same with C(-I -S).
    type: list
    elements: str
    choices: [nbody, words, files, startup, startup_isolated]
    default: [nbody, words, files, startup]
  scripts:
    description:
      - Scripts of your own. The time of the whole process is measured, start-up included.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: What it is called in the result.
        type: str
        required: true
      path:
        description: The script on the host. It is copied to where O(user) can read it.
        type: path
      content:
        description: The script's text.
        type: str
      arguments:
        description: What it is started with.
        type: list
        elements: str
        default: []
  scale:
    description:
      - Multiplies the size of V(nbody), V(words) and V(files).
    type: float
    default: 1.0
  fsync:
    description:
      - Whether V(files) waits for the disk after each file.
    type: bool
    default: false
  rounds:
    description:
      - How many times each interpreter runs each workload. In each round every interpreter runs once, each round begins
        with another one. With fewer than six nothing can be concluded.
    type: int
    default: 9
  warmups:
    description:
      - How many rounds are run before, and not counted.
    type: int
    default: 1
  tolerance:
    description:
      - A difference below this fraction of the baseline's time is ignored.
    type: float
    default: 0.02
  clock:
    description:
      - V(wall) is the time that passes. V(cpu) is the time that the processor works for the process, which says less
        (nothing about waiting for a disk) and is steadier on a busy machine.
    type: str
    choices: [wall, cpu]
    default: wall
  runner:
    description:
      - What takes the timings. With V(auto) it is pyperf where every interpreter has it or can get it, else the
        module's own runner. The result says which, and why.
    type: str
    choices: [auto, builtin, pyperf]
    default: auto
  pyperf_wheelhouse:
    description:
      - A folder of wheels on the host that O(user) can read. An interpreter without pyperf gets it from there, in a
        venv that is removed at the end.
    type: path
  pyperf_from_index:
    description:
      - Whether pyperf may be installed from the package index into such a venv.
    type: bool
    default: false
  user:
    description:
      - The unprivileged user that the interpreters run as. Where the module itself does not run as root, it is the
        user that it runs as.
    type: str
    default: nobody
  folder:
    description:
      - Where the temporary folder is made.
    type: path
    default: /var/tmp
  niceness:
    description:
      - The niceness of what is measured, from V(-20) (first in line) to V(19) (when no other process wants to).
    type: int
    default: 0
  timeout:
    description:
      - How many seconds each single run may take.
    type: float
    default: 300.0
seealso:
  - module: fleet.system_python.python_benchmark_report
extends_documentation_fragment:
  - fleet.system_python._attributes
  - fleet.system_python._attributes.action_group
attributes:
  check_mode:
    support: full
    details:
      - Says in RV(plan) what would be run, and starts no interpreter.
  diff_mode:
    support: N/A
    details:
      - The host is not changed.
  idempotent:
    support: full
    details:
      - The host is not changed. The timings differ.
  platform:
    platforms: posix
  facts:
    description: Action returns an C(ansible_facts) dictionary that will update existing host facts.
    support: full
author:
  - The fleet.system_python contributors (@fleet-system-python)
"""

EXAMPLES = r"""
- name: Compare all interpreters of the host
  fleet.system_python.python_benchmark:

- name: Compare a runtime of our own with the system's, by the application's hot path
  fleet.system_python.python_benchmark:
    interpreters:
      - /opt/python/3.13/bin/python3
    workloads: [startup]
    scripts:
      - name: parser
        path: /srv/app/bench_parser.py
        arguments: [--repeat, "3"]
    user: app

- name: Look at nothing but n-body, a tenth of its size
  fleet.system_python.python_benchmark:
    workloads: [nbody]
    scale: 0.1
  register: compared

- name: Show the table
  ansible.builtin.debug:
    var: compared.summary
"""

RETURN = r"""
ansible_facts:
  description: The result in short.
  returned: success, not in check mode
  type: dict
  contains:
    system_python_benchmark:
      description: Per workload and interpreter the median, spread, ratio, interval and whether it is different.
      returned: success
      type: dict
      sample:
        schema: 1
        runner: builtin
        clock: wall
        baseline: /usr/bin/python3.6
        interpreters: {"/usr/bin/python3.6": 3.6.15, "/usr/bin/python3.11": 3.11.2}
        unverified: []
        problems: {}
        workloads:
          nbody:
            /usr/bin/python3.11:
              median: 2.1
              spread: 0.1
              ratio: 0.52
              interval: [0.5, 0.55]
              different: "true"
benchmark:
  description: The whole result, with every timing. C(docs/benchmark.md) describes its keys.
  returned: success, not in check mode
  type: dict
plan:
  description: What would be run.
  returned: in check mode
  type: dict
summary:
  description: The result as lines for people.
  returned: success
  type: list
  elements: str
kind:
  description: A stable word for the error, for example C(baseline_failed).
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

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._base.module import run_module
from ..module_utils._benchmark.run import benchmark, plan
from ..module_utils._benchmark.runners import PyperfSource
from ..module_utils._benchmark.settings import WORKLOAD_NAMES, Settings
from ..module_utils._benchmark.summary import short_facts, summarize, summarize_plan

_OWN = {
    "name": {"type": "str", "required": True},
    "path": {"type": "path"},
    "content": {"type": "str"},
    "arguments": {"type": "list", "elements": "str", "default": []},
}


ARGUMENT_SPEC = {
    "interpreters": {"type": "list", "elements": "str"},
    "baseline": {"type": "str"},
    "workloads": {
        "type": "list",
        "elements": "str",
        "choices": list(WORKLOAD_NAMES),
        "default": ["nbody", "words", "files", "startup"],
    },
    "scripts": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": _OWN,
        "required_one_of": [("path", "content")],
        "mutually_exclusive": [("path", "content")],
    },
    "scale": {"type": "float", "default": 1.0},
    "fsync": {"type": "bool", "default": False},
    "rounds": {"type": "int", "default": 9},
    "warmups": {"type": "int", "default": 1},
    "tolerance": {"type": "float", "default": 0.02},
    "clock": {"type": "str", "choices": ["wall", "cpu"], "default": "wall"},
    "runner": {"type": "str", "choices": ["auto", "builtin", "pyperf"], "default": "auto"},
    "pyperf_wheelhouse": {"type": "path"},
    "pyperf_from_index": {"type": "bool", "default": False},
    "user": {"type": "str", "default": "nobody"},
    "folder": {"type": "path", "default": "/var/tmp"},  # noqa: S108  # the files are to be on a disk
    "niceness": {"type": "int", "default": 0},
    "timeout": {"type": "float", "default": 300.0},
}


def _work(module: AnsibleModule) -> t.Mapping[str, object]:
    options = dict(module.params)
    source = PyperfSource(options.pop("pyperf_wheelhouse"), options.pop("pyperf_from_index"))
    settings = Settings(pyperf=source, **options)
    if module.check_mode:
        planned = plan(settings)
        return {"changed": False, "plan": planned, "summary": summarize_plan(planned)}
    result = benchmark(settings)
    return {
        "changed": False,
        "ansible_facts": {"system_python_benchmark": short_facts(result)},
        "benchmark": result,
        "summary": summarize(result),
    }


def main() -> None:
    """Run the module."""
    run_module(_work, ARGUMENT_SPEC, changes=False)


if __name__ == "__main__":
    main()
