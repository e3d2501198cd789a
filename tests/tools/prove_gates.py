"""Show that the gates can fail: a copy of the repository gets a violation for each, which the gate's log must name.

prove_gates.py [GATE...]
"""

import re
import subprocess
import sys
from collections.abc import Sequence

from environment import BUILD, copy_collection

MODULE = '''\
#!/usr/bin/python
# Copyright (c) 2026, The fleet.system_python contributors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
DOCUMENTATION = r"""
module: violation
short_description: Breaks a rule, see O(nothing)
version_added: 0.1.0
description:   Breaks a rule.
author: Nobody (@nobody)
options: {"more": {"description": [X.], "type": str}}
"""
EXAMPLES = ""
RETURN = ""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    AnsibleModule(argument_spec={}).exit_json()
'''
TEST = "def test_it() -> None:\n    assert 1 == 2\n"
FILES = {
    "plugins/modules/violation.py": MODULE,
    "plugins/module_utils/_base/violation.py": "import os\ndef f(x):\n    return (y := x)\n",
    "plugins/plugin_utils/_fleet/assets/fleet_page.css": "body { color: red; }\n",
    "plugins/plugin_utils/violation.exe": "",
    "tests/unit/plugins/module_utils/test_violation.py": TEST,
    "tests/unit/plugins/plugin_utils/test_violation.py": TEST,
    "plugins/modules/undocumented.py": "#!/usr/bin/python\n",
    "tests/tools/violation.sh": "#!/bin/sh\nrm -rf $1/bin\n",
    "meta/violation.yml": "---\na:   1\n",
    "docs/violation.md": "podman pull " + "quay" + ".io/thing /home" + "/someone/thing\n",
    "changelogs/fragments/violation.yml": "---\nnews:\n  - X.\n",
    "playbooks/violation.yml": "---\n- hosts: all\n  tasks:\n    - command: id\n",
    "molecule/violation/molecule.yml": (
        "---\nansible: {playbooks: {converge: converge.yml}}\nscenario: {test_sequence: [converge]}\n"
    ),
    "molecule/violation/converge.yml": "---\n- hosts: localhost\n  tasks: [{ansible.builtin.fail: {msg: violated}}]\n",
}
EXPECTED = {
    "sanity-2.19": ["plugins/modules/violation.py:"],
    "sanity-2.16": ["plugins/modules/violation.py:"],
    "unit-3.9": ["test_violation.py::test_it"],
    "unit-controller-2.16": ["plugin_utils/test_violation.py::test_it"],
    "browser": ["failed"],
    "mypy": [r"_base/violation.py:2: error"],
    "pre-commit": [
        "violation.py:1:8: F401",
        "would be reformatted",
        r"3.8 .*_base/violation.py",
        "violation.sh line 2",
        "meta/violation.yml",
        "invalid section: news",
        r"docs/violation.md:1:podman",
        r"/home" + "/someone",
    ],
    "antsibull": [
        "violation.py.*\n.*too many spaces",
        "violation.exe",
        "violation.py.*\n.*SPDX|must have at least",
        "group",
    ],
    "docs": ["violation"],
    "ansible-lint": ["playbooks/violation.yml"],
    "importer": ["undocumented"],
    "violation-2.19": ["violated"],
}


def main(arguments: Sequence[str]) -> int:
    wanted = list(arguments) or list(EXPECTED)
    tree = copy_collection(BUILD / "prove")
    (tree / "build").mkdir()
    for shared in ("venv-*", "unit-*", "tools", "hosts", "ansible-test-home-*"):
        for path in BUILD.glob(shared):
            (tree / "build" / path.name).symlink_to(path)
    for name, text in FILES.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text, encoding="utf-8")
    for command in (["git", "init", "--quiet"], ["git", "add", "--all"]):
        subprocess.run(command, cwd=tree, check=True)
    command = [sys.executable, "tests/tools/gates.py", "--only", ",".join(wanted)]
    table = subprocess.run(command, cwd=tree, stdout=subprocess.PIPE, text=True, check=False).stdout
    unproved = 0
    for name in wanted:
        log = (tree / f"build/logs/{name}.log").read_text(encoding="utf-8", errors="replace")
        lacking = [text for text in EXPECTED[name] if not re.search(text, log)]
        lacking += [] if re.search(rf"^{name} +FAILED", table, re.MULTILINE) else ["the failure itself"]
        unproved += bool(lacking)
        print(f"NOT PROVED  {name}: its log does not name {lacking}" if lacking else f"can fail    {name}")
    print(f"{len(wanted) - unproved} passed, {unproved} failed, 0 skipped")
    return 1 if unproved else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
