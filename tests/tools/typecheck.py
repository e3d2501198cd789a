"""Run mypy over the plugins, the unit tests and all Python tooling: typecheck.py [FILE...]."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from environment import (
    BUILD,
    COLLECTIONS_PATH,
    CURRENT_CORE,
    NAME,
    NAMESPACE,
    ROOT,
    ToolError,
    prepare,
)
from sources import source_files

PACKAGE = COLLECTIONS_PATH / "ansible_collections" / NAMESPACE / NAME
# These import each other by their full collection name; everything else is scripts.
PACKAGED = ("plugins", "tests/unit")


def main(arguments: Sequence[str]) -> int:
    try:
        env = prepare(CURRENT_CORE)
        files = [Path(name).resolve().relative_to(ROOT) for name in arguments] or source_files("python")
    except (ToolError, ValueError) as error:
        print(f"typecheck: {error}", file=sys.stderr)
        return 1
    env["MYPYPATH"] = ":".join(str(path) for path in [COLLECTIONS_PATH, *script_folders()])
    command = ["mypy", "--config-file=pyproject.toml", f"--cache-dir={BUILD / 'mypy-cache'}", "--scripts-are-modules"]
    command += [*map(address, files)]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    sys.stdout.write(done.stdout.replace(f"{PACKAGE.relative_to(ROOT)}/", ""))
    sys.stderr.write(done.stderr)
    return done.returncode


def script_folders() -> list[Path]:
    """Folders whose scripts import their neighbours by plain name, and packages below by theirs."""
    parts = {path.parts for path in source_files("python") if not is_packaged(path)}
    return sorted({ROOT / Path(*path[: 2 if path[0] == "tests" else 1]) for path in parts if len(path) > 1})


def is_packaged(path: Path) -> bool:
    return path.as_posix().startswith(tuple(f"{folder}/" for folder in PACKAGED))


def address(path: Path) -> str:
    """The path to give to mypy, from which it derives the name that others import the file by."""
    return str(PACKAGE / path if is_packaged(path) else ROOT / path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
