"""Show that the gates can fail: a copy of the repository gets a violation for each, which the gate's log must name.

prove_gates.py [GATE...]
"""

import re
import subprocess
import sys
from collections.abc import Sequence

import yaml
from environment import BUILD, ROOT, copy_collection

VIOLATIONS = yaml.safe_load((ROOT / "tests/violations.yml").read_text(encoding="utf-8"))
FILES, EXPECTED = VIOLATIONS["files"], VIOLATIONS["expected"]


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
