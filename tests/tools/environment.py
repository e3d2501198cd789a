"""The environments that commands run in: environment.py CORE COMMAND [ARGUMENT...] becomes the command."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
COLLECTIONS_PATH = BUILD / "collections"
CURRENT_CORE, OLDEST_CORE = "2.19", "2.16"
CORES = (CURRENT_CORE, OLDEST_CORE)
REQUIREMENTS = {
    CURRENT_CORE: ("core-2.19", "scenarios", "pictures", "judges", "browser", "sanity", "unit"),
    OLDEST_CORE: ("core-2.16", "scenarios", "pictures", "sanity", "unit"),
}
SKIPPED = 77
"""The exit code of what cannot run on this machine; its last line says why."""
TOOLS = BUILD / "tools"
"""uv, nox and pre-commit, which make environments of their own."""


class ToolError(Exception):
    """A tool cannot do its work; the message says what, where and what to do."""


def venv_dir(core: str) -> Path:
    return BUILD / f"venv-{core}"


def environ(core: str) -> dict[str, str]:
    """The environment of an activated venv that sees the collection, every tool and every Python of this machine."""
    removed = ("PYTHONHOME", "PYTHONPATH", "ANSIBLE_CONFIG")
    env = {name: value for name, value in os.environ.items() if name not in removed}
    # pyenv's shims are names of interpreters that they then refuse to start.
    given = [folder for folder in env.get("PATH", os.defpath).split(os.pathsep) if Path(folder).name != "shims"]
    pyenv = Path(env.get("PYENV_ROOT") or Path(env.get("HOME", "/")) / ".pyenv")
    pythons = [str(folder) for folder in sorted(pyenv.glob("versions/*/bin"))]
    own = [str(venv_dir(core) / "bin"), str(ROOT / "tests/hosts/bin")]
    env["PATH"] = os.pathsep.join([*own, *given, str(TOOLS / "bin"), *pythons])
    env["VIRTUAL_ENV"] = str(venv_dir(core))
    env["ANSIBLE_COLLECTIONS_PATH"] = str(COLLECTIONS_PATH)
    env["ANSIBLE_HOME"] = str(BUILD / f"ansible-home-{core}")
    env["SYSTEM_PYTHON_CORE"] = core
    # Two clones on one engine must not share the hosts of a scenario.
    env["SYSTEM_PYTHON_FLEET_PREFIX"] = "molecule-" + hashlib.sha256(os.fsencode(ROOT)).hexdigest()[:6]
    # ansible refuses to start without a UTF-8 locale.
    env["LC_ALL"] = "C.UTF-8"
    # uv does not read pip's settings.
    if "PIP_INDEX_URL" in env:
        env.setdefault("UV_DEFAULT_INDEX", env["PIP_INDEX_URL"])
    return env


def prepare(core: str) -> dict[str, str]:
    """Make the venv and the link to the collection; return the environment to run in."""
    ensure_venv(core)
    link_collection()
    return environ(core)


def link_collection() -> None:
    """Make the repository importable as ansible_collections.fleet.system_python."""
    link = COLLECTIONS_PATH / "ansible_collections/fleet/system_python"
    if not link.exists() or link.resolve() != ROOT:
        link.parent.mkdir(parents=True, exist_ok=True)
        # A rename, because another tool may make the same link at this moment.
        fresh = link.with_name(f".{link.name}.{os.getpid()}")
        fresh.symlink_to(ROOT, target_is_directory=True)
        fresh.replace(link)


def copy_collection(target: Path) -> Path:
    """A folder that holds the files of the working tree that are tracked, or new and not ignored, and nothing else."""
    shutil.rmtree(target, ignore_errors=True)
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in sorted(set(listed.split("\0")) - {""}):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name, follow_symlinks=False)
    return target


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Let one process at a time build the thing called NAME."""
    BUILD.mkdir(exist_ok=True)
    with (BUILD / f".{name}.lock").open("w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def ensure_venv(core: str) -> Path:
    """The venv of an ansible-core line."""
    if not (3, 11) <= sys.version_info[:2] <= (3, 12):
        # 3.11 is the oldest Python of ansible-core 2.19, 3.12 the newest of 2.16.
        raise ToolError(f"{sys.executable} is Python {sys.version.split()[0]}; run the tools with Python 3.11 or 3.12")
    install(TOOLS, sys.executable, ["tools"])
    return install(venv_dir(core), sys.executable, REQUIREMENTS[core])


def install(venv: Path, python: str, names: Sequence[str]) -> Path:
    """Make VENV with PYTHON, and install requirements by name, unless both are there unchanged."""
    files = [ROOT / f"requirements/{name}.txt" for name in names]
    stamp = hashlib.sha256(sys.version.encode() + b"".join(file.read_bytes() for file in files)).hexdigest()
    stamp += "" if python == sys.executable else python
    with locked(venv.name):
        if not (venv / ".stamp").exists() or (venv / ".stamp").read_text(encoding="utf-8") != stamp:
            arguments = [f"--requirement={file}" for file in files]
            if venv == TOOLS:
                _run(sys.executable, "-m", "venv", str(venv))
                _run(str(venv / "bin/python"), "-m", "pip", "install", "--quiet", *arguments)
            else:
                uv = str(TOOLS / "bin/uv")
                _run(uv, "venv", "--quiet", "--allow-existing", "--seed", "--python", python, str(venv))
                # Ansible is started a thousand times, the unit tests once; uv cannot compile for Python 3.6.
                compiled = ["--compile-bytecode"] if python == sys.executable else []
                target = ["--python", str(venv / "bin/python")]
                _run(uv, "pip", "install", "--quiet", *compiled, *target, *arguments)
            (venv / ".stamp").write_text(stamp, encoding="utf-8")
    return venv


def _run(*command: str) -> None:
    if subprocess.run(command, stdin=subprocess.DEVNULL, check=False, env=environ(CURRENT_CORE)).returncode:
        raise ToolError(f"failed, see above (is the package registry reachable?): {' '.join(command)}")


def main(arguments: list[str]) -> int:
    """Become the command; return an exit code only where that was not possible."""
    if len(arguments) < 2 or arguments[0] not in CORES:
        print(f"usage: with-env {'|'.join(CORES)} COMMAND [ARGUMENT...]", file=sys.stderr)
        return 2
    core, *command = arguments
    try:
        env = prepare(core)
        os.execvpe(command[0], command, env)
    except (ToolError, OSError) as error:
        print(f"with-env: {command[0]}: {error}", file=sys.stderr)
    return 127


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
