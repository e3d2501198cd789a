"""Run the unit tests on the Pythons and ansible-cores that they are for.

unit_matrix.py [--row 3.6]... [PYTEST-ARGUMENT...]

Target-side code (plugins/modules, plugins/module_utils) runs on each target Python with the module_utils of the
ansible-core line that still supports it. Everything runs on the controllers' venvs.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from environment import BUILD, CURRENT_CORE, OLDEST_CORE, ROOT, SKIPPED, ensure_venv, environ, install, locked

TARGET_TESTS = ("tests/unit/plugins/modules", "tests/unit/plugins/module_utils")
# Target-side code runs on the targets' Pythons, and on the hosts of tests/hosts_checks under 3.11.
WITHOUT_TARGET_TESTS = ("tests/unit", "tests/hostile", *(f"--ignore={folder}" for folder in TARGET_TESTS))
# What builds venvs and asks a real rpm takes most of the time. It runs on the oldest and the newest Python; there is
# nothing new to see between them.
REAL = ("_venv/test_run", "_repair/test_integrity", "_packages/test_transaction", "_packages/test_acquisition")
PURE_TESTS = (*TARGET_TESTS, *(f"--ignore={TARGET_TESTS[1]}/{name}.py" for name in REAL))
BETWEEN = ("3.9", "3.12")
TARGETS = {"3.6": OLDEST_CORE, "3.9": CURRENT_CORE, "3.12": CURRENT_CORE, "3.13": CURRENT_CORE}
CONTROLLERS = {f"controller-{core}": core for core in (CURRENT_CORE, OLDEST_CORE)}
MATRIX = (*TARGETS, *CONTROLLERS)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Run the unit tests on every Python that they are for.")
    parser.add_argument("--row", "--python", action="append", choices=MATRIX, help="only this line of the matrix")
    options, extra = parser.parse_known_args(arguments)
    codes = [run_row(row, extra) for row in options.row or MATRIX]
    return max((code for code in codes if code != SKIPPED), default=SKIPPED)


def run_row(row: str, extra: Sequence[str]) -> int:
    core = TARGETS.get(row) or CONTROLLERS[row]
    env = environ(core)
    tests: tuple[str, ...] = WITHOUT_TARGET_TESTS
    python = ensure_venv(core) / "bin/python"
    if row in TARGETS:
        interpreter = shutil.which(f"python{row}", path=env["PATH"])
        if interpreter is None:
            print(f"NOT RUN: there is no Python {row} on this machine")
            return SKIPPED
        # A venv with pytest alone; ansible's module_utils are laid next to it, as they are sent to a host.
        python = install(BUILD / f"unit-{row}", interpreter, ["unit"]) / "bin/python"
        tests = PURE_TESTS if row in BETWEEN else TARGET_TESTS
        env["PYTHONPATH"] = str(target_ansible(core))
    if any((ROOT / argument.partition("::")[0]).exists() for argument in extra):
        tests = ()
    # Rows run at the same time: neither compiled files nor folders for temporary files are shared between them.
    with tempfile.TemporaryDirectory(prefix=f"unit-{row}-", ignore_cleanup_errors=True) as folder:
        # Tests let other users work below it.
        Path(folder).chmod(0o755)
        env.update(PYTHONDONTWRITEBYTECODE="1", TMPDIR=folder)
        print(f"--- {row}", flush=True)
        command = [str(python), "-m", "pytest", "-q", *extra, *tests]
        return subprocess.run(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, check=False).returncode


def target_ansible(core: str) -> Path:
    """A folder that holds of ansible only what travels to a target."""
    source = next(ensure_venv(core).glob("lib/python3*/site-packages/ansible"))
    package = BUILD / f"target-core-{core}/ansible"
    with locked(package.parent.name):
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").touch()
        for name in ("release.py", "module_utils"):
            if not (package / name).exists():
                (package / name).symlink_to(source / name)
    return package.parent


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
