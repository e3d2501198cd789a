"""Find the CPython interpreters of this machine, so that tests can say which ones they ran on."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from environment import BUILD

PROBE = "import platform, sys; print(platform.python_implementation(), '%d.%d' % sys.version_info[:2])"
NAME = re.compile(r"python3\.\d+")


def find_interpreters(env: Mapping[str, str] | None = None) -> dict[str, Path]:
    """Map "3.6" to the first interpreter found for it: on PATH, then among pyenv's versions."""
    env = os.environ if env is None else env
    found: dict[str, Path] = {}
    for candidate in candidates(env):
        version = candidate.name.removeprefix("python")
        if version not in found and runs(candidate, version):
            found[version] = candidate
    return dict(sorted(found.items(), key=lambda item: _key(item[0])))


def candidates(env: Mapping[str, str]) -> Iterator[Path]:
    pyenv = Path(env.get("PYENV_ROOT") or Path(env.get("HOME", "/")) / ".pyenv")
    folders = [Path(name) for name in env.get("PATH", os.defpath).split(os.pathsep) if name]
    # A venv is no interpreter to build further venvs from.
    folders = [folder for folder in folders if not (folder.parent / "pyvenv.cfg").exists()]
    folders += [version / "bin" for version in sorted(pyenv.glob("versions/*"))]
    for folder in folders:
        for path in sorted(folder.glob("python3.*")):
            if NAME.fullmatch(path.name):
                yield path


def runs(path: Path, version: str) -> bool:
    """Tell whether PATH is what its name says: pyenv's shims exist for versions that they then refuse to start."""
    try:
        done = subprocess.run(
            [path, "-I", "-c", PROBE],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.stdout.split() == ["CPython", version]


def link_interpreters() -> Path:
    """A folder that holds python3.X of every version found, and nothing else, to be put first on PATH."""
    folder = BUILD / "interpreters"
    folder.mkdir(parents=True, exist_ok=True)
    found = find_interpreters()
    for stale in folder.glob("python3.*"):
        if stale.name.removeprefix("python") not in found:
            stale.unlink(missing_ok=True)
    for version, path in found.items():
        fresh = folder / f".python{version}.{os.getpid()}"
        fresh.symlink_to(path)
        fresh.replace(folder / f"python{version}")
    return folder


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


if __name__ == "__main__":
    for name, location in find_interpreters().items():
        sys.stdout.write(f"{name}\t{location}\n")
