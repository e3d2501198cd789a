"""Show that each gate can fail: for each one, a copy of the repository gets one violation, and the gate must find it.

prove_gates.py [GATE...]
"""

import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from environment import BUILD, CORES, ROOT, ToolError, collection_files, ensure_venv, venv_dir

MODULE = '''\
#!/usr/bin/python
# Copyright (c) 2026, The fleet.system_python contributors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
DOCUMENTATION = r"""
module: violation
short_description: Breaks a rule
version_added: 0.1.0
description: Breaks a rule.
author: Nobody (@nobody)
options: {{{options}}}
"""
EXAMPLES = r"""
- name: Break it
  fleet.system_python.violation:
"""
RETURN = r"""
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    AnsibleModule(argument_spec={{}}).exit_json()


if __name__ == "__main__":
    main()
'''
ROLE_SPECS = "---\nargument_specs:\n  main:\n    short_description: X\n    description: X.\n    options: {}\n"


@dataclass(frozen=True)
class Violation:
    """Files to write, and a word that the gate's log must then hold."""

    files: dict[str, str]
    told: str


FAILING_PLAY = """\
---
- name: Fail
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Fail
      ansible.builtin.fail:
"""
SCENARIO = "---\ndriver: {name: default}\nprerun: false\nscenario: {test_sequence: [converge]}\n"
UTIL = "plugins/module_utils/_violation.py"
UNDOCUMENTED_OPTION = MODULE.format(options='"more": {"description": [X.], "type": str}')
VIOLATIONS: dict[str, Violation] = {
    **{
        f"sanity-{core}": Violation(
            {"plugins/modules/violation.py": UNDOCUMENTED_OPTION}, "plugins/modules/violation.py:"
        )
        for core in CORES
    },
    "unit": Violation({"tests/unit/test_violation.py": "def test_it() -> None:\n    assert 1 == 2\n"}, "1 failed"),
    "browser": Violation({"plugins/plugin_utils/assets/fleet_page.css": "body { color: red; }\n"}, "failed"),
    "ruff": Violation({UTIL: "import os\n"}, "_violation.py:1:8: F401"),
    "mypy": Violation({UTIL: "def f(x):\n    return x\n"}, "_violation.py:1: error"),
    "vermin": Violation({UTIL: "def f(x: int) -> bool:\n    return (y := x) > y\n"}, "_violation.py"),
    "shellcheck": Violation({"tests/tools/violation.sh": "#!/bin/sh\nrm -rf $1/bin\n"}, "violation.sh line 2"),
    "yamllint": Violation({"meta/violation.yml": "---\na:   1\n"}, "meta/violation.yml"),
    "texts": Violation({"docs/violation.md": "podman pull " + "quay" + ".io/thing\n"}, "violation.md:1"),
    "action-groups": Violation({"plugins/modules/violation.py": MODULE.format(options="")}, "does not list module"),
    "role-specs": Violation(
        {
            "roles/violation/meta/argument_specs.yml": ROLE_SPECS,
            "roles/violation/tasks/main.yml": "---\n",
            "roles/violation/defaults/main.yml": "---\nviolation_x: 1\n",
        },
        "no option 'violation_x'",
    ),
    "changelog": Violation({"changelogs/fragments/violation.yml": "---\nnews:\n  - X.\n"}, "invalid section: news"),
    **{
        f"ansible-doc-{core}": Violation({"plugins/modules/violation.py": "#!/usr/bin/python\n"}, "violation")
        for core in CORES
    },
    "docs": Violation(
        {"plugins/modules/violation.py": MODULE.format(options="").replace("Breaks a rule.", "See O(nothing).")},
        "violation.py:0:0",
    ),
    "ansible-lint": Violation(
        {"playbooks/violation.yml": "---\n- hosts: all\n  tasks:\n    - command: id\n"}, "playbooks/violation.yml"
    ),
    "importer": Violation({"plugins/modules/violation.py": "#!/usr/bin/python\n"}, "Error running ansible-doc"),
    "scenarios": Violation(
        {"molecule/violation/molecule.yml": SCENARIO, "molecule/violation/converge.yml": FAILING_PLAY},
        "FAILED  violation on ansible-core",
    ),
}
# The gate of a scenario needs the images of the test hosts; this scenario does not.
COMMANDS = {"scenarios": ("tests/tools/run_scenarios", "--core", CORES[0], "violation")}


def main(arguments: Sequence[str]) -> int:
    wanted = list(arguments) or list(VIOLATIONS)
    strangers = sorted(set(wanted) - set(VIOLATIONS))
    if strangers:
        print(
            f"prove_gates: no violation for {', '.join(strangers)}; there are: {', '.join(VIOLATIONS)}", file=sys.stderr
        )
        return 2
    try:
        for core in CORES:
            ensure_venv(core)
        unproved = [name for name in wanted if not prove(name, VIOLATIONS[name])]
    except ToolError as error:
        print(f"prove_gates: {error}", file=sys.stderr)
        return 1
    print(f"{len(wanted) - len(unproved)} passed, {len(unproved)} failed, 0 skipped")
    return 1 if unproved else 0


def prove(name: str, violation: Violation) -> bool:
    tree = BUILD / "prove" / name
    shutil.rmtree(tree, ignore_errors=True)
    copy_repository(tree)
    write_files(tree, violation.files)
    command = COMMANDS.get(name, (sys.executable, "tests/tools/gates.py", "--only", name))
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    log = tree / f"build/logs/{name}.log"
    said = done.stdout + done.stderr + (log.read_text(encoding="utf-8", errors="replace") if log.exists() else "")
    proved = done.returncode != 0 and violation.told in said
    print(f"{'can fail' if proved else 'NOT PROVED'}  {name}: looked for {violation.told!r}", flush=True)
    if proved:
        shutil.rmtree(tree, ignore_errors=True)
    else:
        print(f"    exit code {done.returncode}; the tree is kept in {tree.relative_to(ROOT)}\n{said[-3000:]}")
    return proved


def copy_repository(tree: Path) -> None:
    """The working tree as a repository of its own, with the venvs of this one."""
    for relative in collection_files():
        (tree / relative).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / relative, tree / relative, follow_symlinks=False)
    (tree / "build").mkdir()
    for shared in shared_folders():
        (tree / "build" / shared.name).symlink_to(shared)
    subprocess.run(["git", "init", "--quiet"], cwd=tree, check=True)


def shared_folders() -> Iterable[Path]:
    yield from (venv_dir(core) for core in CORES)
    yield from (path for path in BUILD.glob("unit-3.*") if path.is_dir())
    yield from (path for path in BUILD.glob("ansible-test-home-*") if path.is_dir())


def write_files(tree: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
