"""Run mypy as pyproject.toml says, and name the files by their paths in the repository: typecheck.py [OPTION...]."""

import subprocess
import sys

from environment import CURRENT_CORE, ROOT, prepare

COMMAND = ["mypy", *sys.argv[1:]]
done = subprocess.run(COMMAND, cwd=ROOT, env=prepare(CURRENT_CORE), capture_output=True, text=True, check=False)
print(done.stdout.replace("build/collections/ansible_collections/fleet/system_python/", "") + done.stderr, end="")
sys.exit(done.returncode)
