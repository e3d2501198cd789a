"""Run a molecule scenario on the ansible-core of the environment: with-env 2.16 python tests/tools/scenario.py NAME."""

import os
import re
import subprocess
import sys

from environment import BUILD, CURRENT_CORE, ROOT, SKIPPED, locked

# With pipelining a task takes one execution in a container instead of five; Ansible is loaded once for all playbooks.
# Both incidents run as users have it by default, and so does what runs on the oldest core.
BY_DEFAULT = ("rhel9_overwritten", "sles15_overwritten")

[name] = sys.argv[1:]
core = os.environ["SYSTEM_PYTHON_CORE"]
settings = (ROOT / f"molecule/{name}/molecule.yml").read_text(encoding="utf-8")
wanted = re.findall(r"^ +image: +(\w+)$", settings, re.MULTILINE)
made = subprocess.check_output(["tests/hosts/build", "--list"], cwd=ROOT, text=True).split()
lacking = [one for one in wanted if one not in made and f"SYSTEM_PYTHON_{one.upper()}_IMAGE" not in os.environ]
if lacking:
    print(f"NOT RUN: no image {', '.join(lacking)}; tests/hosts/build says why")
    sys.exit(SKIPPED)
folder = str(BUILD / "molecule" / core / name)
env = {**os.environ, "MOLECULE_EPHEMERAL_DIRECTORY": folder, "MOLECULE_COMMAND_BORDERS": "false", "NO_COLOR": "1"}
fast = core == CURRENT_CORE and name not in BY_DEFAULT
env["ANSIBLE_PIPELINING"] = str(fast)
env["PATH"] = os.pathsep.join([*([f"{ROOT}/tests/hosts/bin/preloaded"] if fast else []), env["PATH"]])
# Hosts are named after clone, scenario and core: the same run twice at a time would share them.
with locked(f"scenario-{name}-{core}"):
    done = subprocess.run(["molecule", "test", "--scenario-name", name], cwd=ROOT, env=env, check=False)
sys.exit(done.returncode)
