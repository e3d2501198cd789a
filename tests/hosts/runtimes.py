"""Builds CPython runtimes once, with the collection itself, for all tests that install one.

Usage: tests/tools/with-env 2.19 tests/hosts/runtimes

On a host of the image rhel9build, every source archive that the image has is built, packed and fetched by the role
python_runtime. Prints where the archives are, as JSON: {"3.13": {version, file, sha256, source, source_sha256}}. They
are built again when the image or the code that builds has changed. Ends with 3, and a reason, where the machine's
Debian archive has no sources.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hostkit import fleets, images
from hostkit.shell import BUILD, REPOSITORY, HostError, ask, fail, run, say

IMAGE = "rhel9build"
FOLDER = BUILD / "runtimes"
SOURCES = "/srv/sources"
# Tests start it and look at it; nobody measures it.
FLAGS = "-DNDEBUG -O0"
NO_SOURCES = 3


class NoSourcesError(HostError):
    """There is nothing to build."""


def key() -> str:
    """A hash over what decides how the archives are."""
    digest = hashlib.sha256((images.present()[IMAGE].identity + FLAGS).encode())
    digest.update((REPOSITORY / "plugins/module_utils/_runtime/build.py").read_bytes())
    return digest.hexdigest()[:16]


def sources(folder: Path, container: str) -> dict[str, dict[str, Any]]:
    """The source archives of the image, copied into C(folder), by minor version."""
    names = ask(["docker", "exec", container, "ls", SOURCES]).split()
    archives = [name for name in names if name.startswith("Python-")]
    if not archives:
        raise NoSourcesError(ask(["docker", "exec", container, "cat", f"{SOURCES}/missing"]).strip())
    found = {}
    for name in archives:
        ask(["docker", "cp", "-q", f"{container}:{SOURCES}/{name}", str(folder)])
        version = name.removeprefix("Python-").partition(".tar")[0]
        digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        minor = ".".join(version.split(".")[:2])
        found[minor] = {"version": version, "source": str(folder / name), "source_sha256": digest}
    return found


def build(folder: Path) -> dict[str, dict[str, Any]]:
    """Builds all of them with the role's entry point pack."""
    # Another clone may be building at the same time.
    fleet = fleets.Fleet("runtimes-" + hashlib.sha256(str(REPOSITORY).encode()).hexdigest()[:6])
    container = fleet.container("builder")
    fleets.up(fleet, [("builder", IMAGE)])
    try:
        made = sources(folder, container)
        runtimes = [
            {
                "version": one["version"],
                "source": "source",
                "path": f"{SOURCES}/{Path(one['source']).name}",
                "sha256": one["source_sha256"],
                "build_environment": {"OPT": FLAGS},
            }
            for one in made.values()
        ]
        variables = {"python_runtime_runtimes": runtimes, "python_runtime_pack_to": str(folder)}
        hosts = {container: {"ansible_connection": "community.docker.docker", **variables}}
        inventory = folder / "inventory.json"
        inventory.write_text(json.dumps({"system_python_builders": {"hosts": hosts}}))
        command = ["ansible-playbook", "-i", str(inventory), "fleet.system_python.provision"]
        say(f"building CPython {', '.join(one['version'] for one in made.values())}")
        run(command, BUILD / "logs/runtimes.log", "building runtimes", dict(os.environ))
    finally:
        fleets.down(fleet, [])
    for one in made.values():
        (archive,) = folder.glob(f"cpython-{one['version']}-*.tar.gz")
        one.update(file=str(archive), sha256=hashlib.sha256(archive.read_bytes()).hexdigest())
    return made


def main() -> int:
    """Prints the index, made before or now."""
    if IMAGE not in images.present():
        raise NoSourcesError(f"no image {IMAGE}; tests/hosts/build says why")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = FOLDER / key()
        index = folder / "index.json"
        if not index.exists():
            for old in FOLDER.glob("*/"):
                subprocess.run(["rm", "-rf", str(old)], check=True)
            folder.mkdir()
            stdout = os.dup(1)
            os.dup2(2, 1)
            made = build(folder)
            os.dup2(stdout, 1)
            index.write_text(json.dumps(made, indent=1))
        print(index.read_text())
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except NoSourcesError as error:
        fail("tests/hosts/runtimes", error)
        sys.exit(NO_SOURCES)
    except HostError as error:
        sys.exit(fail("tests/hosts/runtimes", error))
