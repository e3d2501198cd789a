"""Build the collection and let galaxy-importer judge the artifact; its warnings count as failures."""

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from environment import BUILD, CURRENT_CORE, ToolError, copy_collection, prepare

COMPLAINT = re.compile(r"^(?:WARNING|ERROR|CRITICAL)\b.*", re.MULTILINE)


def main() -> int:
    try:
        env = prepare(CURRENT_CORE)
        work = BUILD / "artifact"
        shutil.rmtree(work, ignore_errors=True)
        return judge(build(copy_collection(work), work, env), env)
    except ToolError as error:
        print(f"check_artifact: {error}", file=sys.stderr)
        return 1


def build(tree: Path, work: Path, env: Mapping[str, str]) -> Path:
    done = subprocess.run(
        ["ansible-galaxy", "collection", "build", "--output-path", str(work)], cwd=tree, env=env, check=False
    )
    artifacts = list(work.glob("*.tar.gz"))
    if done.returncode or len(artifacts) != 1:
        raise ToolError(f"ansible-galaxy collection build in {tree} failed (its message is above)")
    return artifacts[0]


def judge(artifact: Path, env: Mapping[str, str]) -> int:
    command = ["python", "-m", "galaxy_importer.main", str(artifact)]
    done = subprocess.run(
        command,
        cwd=artifact.parent,
        env={**env, "GALAXY_IMPORTER_RUN_ANSIBLE_TEST": "false", "GALAXY_IMPORTER_RUN_FLAKE8": "false"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(done.stdout)
    complaints = COMPLAINT.findall(done.stdout)
    if done.returncode or "completed successfully" not in done.stdout:
        print(f"galaxy-importer refused {artifact.name}")
        return 1
    if complaints:
        print(f"galaxy-importer has {len(complaints)} complaints about {artifact.name}:", *complaints, sep="\n  ")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
