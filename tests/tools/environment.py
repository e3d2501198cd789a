"""Where things are, which ansible-core lines are judged, and the environment that a tool runs in."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
LOGS = BUILD / "logs"
NAMESPACE = "fleet"
NAME = "system_python"
COLLECTION = f"{NAMESPACE}.{NAME}"
COLLECTIONS_PATH = BUILD / "collections"

CURRENT_CORE = "2.19"
OLDEST_CORE = "2.16"
REQUIREMENTS: Mapping[str, tuple[str, ...]] = {
    CURRENT_CORE: (
        "requirements/core-2.19.txt",
        "requirements/scenarios.txt",
        "requirements/pictures.txt",
        "requirements/judges.txt",
        "requirements/browser.txt",
        "requirements/sanity.txt",
        "tests/unit/requirements.txt",
    ),
    OLDEST_CORE: (
        "requirements/core-2.16.txt",
        "requirements/scenarios.txt",
        "requirements/pictures.txt",
        "requirements/sanity.txt",
        "tests/unit/requirements.txt",
    ),
}
CORES = tuple(REQUIREMENTS)
UV_REQUIREMENT = "uv>=0.9,<1"


class ToolError(Exception):
    """A tool cannot do its work; the message says what, where and what to do."""


def venv_dir(core: str) -> Path:
    if core not in REQUIREMENTS:
        raise ToolError(f"unknown ansible-core line {core!r}; known: {', '.join(CORES)}")
    return BUILD / f"venv-{core}"


def environ(core: str, base: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of an activated venv that sees the collection."""
    venv = venv_dir(core)
    env = dict(os.environ if base is None else base)
    for hijack in ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "ANSIBLE_CONFIG"):
        env.pop(hijack, None)
    env["VIRTUAL_ENV"] = str(venv)
    env["PATH"] = os.pathsep.join([str(venv / "bin"), *_plain_path(env.get("PATH", os.defpath))])
    env["ANSIBLE_COLLECTIONS_PATH"] = str(COLLECTIONS_PATH)
    env["ANSIBLE_HOME"] = str(BUILD / f"ansible-home-{core}")
    env["SYSTEM_PYTHON_CORE"] = core
    # Two clones on one engine must not share the hosts of a scenario.
    env["SYSTEM_PYTHON_FLEET_PREFIX"] = "molecule-" + hashlib.sha256(os.fsencode(ROOT)).hexdigest()[:6]
    # ansible refuses to start without a UTF-8 locale.
    env["LC_ALL"] = "C.UTF-8"
    return env


def _plain_path(path: str) -> list[str]:
    """PATH without pyenv's shims: some are names of interpreters that they then refuse to start."""
    return [folder for folder in path.split(os.pathsep) if Path(folder).name != "shims"]


def prepare(core: str) -> dict[str, str]:
    """Make the venv and the link to the collection; return the environment to run in."""
    ensure_venv(core)
    link_collection()
    return environ(core)


def link_collection() -> Path:
    """Make the repository importable as ansible_collections.fleet.system_python."""
    link = COLLECTIONS_PATH / "ansible_collections" / NAMESPACE / NAME
    if link.is_symlink() and link.resolve() == ROOT:
        return link
    link.parent.mkdir(parents=True, exist_ok=True)
    # A rename, because another tool may make the same link at this moment.
    fresh = link.with_name(f".{NAME}.{os.getpid()}")
    fresh.symlink_to(ROOT, target_is_directory=True)
    fresh.replace(link)
    return link


def copy_collection(destination: Path) -> Path:
    """Copy the files that git tracks or would track to DESTINATION/ansible_collections/fleet/system_python."""
    target = destination / "ansible_collections" / NAMESPACE / NAME
    shutil.rmtree(target, ignore_errors=True)
    for relative in collection_files():
        copy = target / relative
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copy2(ROOT / relative, copy, follow_symlinks=False)
        except FileNotFoundError:
            # Deleted while copying: not part of the tree any more.
            continue
    return target


def collection_files() -> list[Path]:
    """Relative paths of all files of the working tree that are tracked, or new and not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout
    names = sorted({os.fsdecode(name) for name in listed.split(b"\0") if name})
    return [Path(name) for name in names if os.path.lexists(ROOT / name)]


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Let one process at a time build the thing called NAME."""
    BUILD.mkdir(exist_ok=True)
    with (BUILD / f".{name}.lock").open("w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def ensure_venv(core: str) -> Path:
    """Build the venv of an ansible-core line, or reuse it while its requirements are unchanged."""
    venv = venv_dir(core)
    files = [ROOT / name for name in REQUIREMENTS[core]]
    stamp = requirements_digest(files)
    if _stamp_of(venv) == stamp:
        return venv
    with locked(venv.name):
        if _stamp_of(venv) != stamp:
            _check_interpreter()
            install(venv, sys.executable, [f"--requirement={file}" for file in files])
            (venv / ".stamp").write_text(stamp, encoding="utf-8")
    return venv


def requirements_digest(files: list[Path]) -> str:
    digest = hashlib.sha256(sys.version.encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def install(venv: Path, python: str, arguments: list[str]) -> None:
    """Create VENV with PYTHON unless it is there, and install ARGUMENTS into it: by uv, or by pip where uv fails."""
    uv = _uv()
    if uv and _quiet([uv, "venv", "--quiet", "--allow-existing", "--seed", "--python", python, str(venv)]):
        target = ["--python", str(venv / "bin/python")]
        # Ansible is started a thousand times; pip compiles by itself, uv when it is asked to.
        if _quiet([uv, "pip", "install", "--quiet", "--compile-bytecode", *target, *arguments]):
            return
    _run([python, "-m", "venv", str(venv)])
    _run([str(venv / "bin/python"), "-m", "pip", "install", "--quiet", *arguments])


def _uv() -> str | None:
    home = BUILD / "uv"
    program = home / "bin/uv"
    with locked("uv"):
        if not program.exists():
            _run([sys.executable, "-m", "venv", str(home)])
            _quiet([str(home / "bin/python"), "-m", "pip", "install", "--quiet", UV_REQUIREMENT])
    return str(program) if program.exists() else None


def _check_interpreter() -> None:
    # 3.11 is the oldest Python of ansible-core 2.19, 3.12 the newest of 2.16.
    if not (3, 11) <= sys.version_info[:2] <= (3, 12):
        raise ToolError(f"{sys.executable} is Python {sys.version.split()[0]}; run the tools with Python 3.11 or 3.12")


def _stamp_of(venv: Path) -> str | None:
    try:
        return (venv / ".stamp").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _quiet(command: list[str]) -> bool:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, check=False, env=_installer_env())
    return done.returncode == 0


def _run(command: list[str]) -> None:
    if not _quiet(command):
        text = " ".join(command)
        raise ToolError(f"command failed: {text} (its own message is above; is the package registry reachable?)")


def _installer_env() -> dict[str, str]:
    """uv does not read pip's settings: hand over a mirror that the operator configured for pip."""
    env = dict(os.environ)
    mirror = env.get("PIP_INDEX_URL")
    if mirror:
        env.setdefault("UV_DEFAULT_INDEX", mirror)
    return env
