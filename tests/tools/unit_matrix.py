"""Run the unit tests on every Python and ansible-core that they are for, and say which were run.

unit_matrix.py [--python 3.6]... [--core 2.19]... [PYTEST-ARGUMENT...]

Target-side code (plugins/modules, plugins/module_utils) runs on each target Python with the module_utils of the
ansible-core line that still supports it. Everything runs on the controllers' venvs.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from environment import (
    BUILD,
    CURRENT_CORE,
    OLDEST_CORE,
    ROOT,
    ToolError,
    ensure_venv,
    environ,
    install,
    locked,
    requirements_digest,
    venv_dir,
)
from interpreters import find_interpreters
from results import Counts, from_junit, publish

TARGET_TESTS = ("tests/unit/plugins/modules", "tests/unit/plugins/module_utils")
ALL_TESTS = ("tests/unit",)
# On the oldest core target-side code runs under 3.6; on the controller's Python the current core's row has it.
WITHOUT_TARGET_TESTS = (*ALL_TESTS, *(f"--ignore={folder}" for folder in TARGET_TESTS))
NO_TESTS_COLLECTED = 5
NOT_FOUND = "no such interpreter found"


@dataclass(frozen=True)
class Row:
    """One line of the matrix."""

    python: str
    core: str
    controller: bool = False

    @property
    def label(self) -> str:
        return f"{self.python}-core{self.core}-{'controller' if self.controller else 'target'}"

    @property
    def tests(self) -> tuple[str, ...]:
        if not self.controller:
            return TARGET_TESTS
        return ALL_TESTS if self.core == CURRENT_CORE else WITHOUT_TARGET_TESTS


@dataclass(frozen=True)
class Outcome:
    row: Row
    counts: Counts
    note: str
    ok: bool


CONTROLLER_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
MATRIX = (
    Row("3.6", OLDEST_CORE),
    Row("3.9", CURRENT_CORE),
    *([] if CONTROLLER_PYTHON == "3.11" else [Row("3.11", CURRENT_CORE)]),
    Row("3.12", CURRENT_CORE),
    Row("3.13", CURRENT_CORE),
    Row(CONTROLLER_PYTHON, CURRENT_CORE, controller=True),
    Row(CONTROLLER_PYTHON, OLDEST_CORE, controller=True),
)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Run the unit tests on every Python that they are for.")
    parser.add_argument("--python", action="append", help="only this version, for example 3.6")
    parser.add_argument("--core", action="append", help="only this ansible-core line, for example 2.16")
    options, extra = parser.parse_known_args(arguments)
    rows = [
        row
        for row in MATRIX
        if (not options.python or row.python in options.python) and (not options.core or row.core in options.core)
    ]
    if not rows:
        print(f"unit_matrix: nothing to run; the matrix is {', '.join(row.label for row in MATRIX)}", file=sys.stderr)
        return 2
    interpreters = find_interpreters()
    with ThreadPoolExecutor(max_workers=2) as pool:
        outcomes = list(pool.map(lambda row: run_row(row, interpreters, extra), rows))
    print(table(outcomes))
    publish(sum((outcome.counts for outcome in outcomes), Counts()))
    return 0 if all(outcome.ok for outcome in outcomes) else 1


def run_row(row: Row, interpreters: dict[str, Path], extra: Sequence[str]) -> Outcome:
    if not row.controller and row.python not in interpreters:
        return Outcome(row, Counts(skipped=1), NOT_FOUND, ok=True)
    try:
        python, env = controller(row) if row.controller else target(row, interpreters[row.python])
    except (ToolError, OSError) as error:
        return Outcome(row, Counts(failed=1), str(error), ok=False)
    return run_pytest(row, python, env, extra)


def controller(row: Row) -> tuple[Path, dict[str, str]]:
    return ensure_venv(row.core) / "bin/python", environ(row.core)


def target(row: Row, interpreter: Path) -> tuple[Path, dict[str, str]]:
    """A venv with pytest alone; ansible's module_utils are laid next to it, as they are sent to a host."""
    venv = BUILD / f"unit-{row.python}"
    requirements = ROOT / "tests/unit/requirements.txt"
    stamp = requirements_digest([requirements]) + str(interpreter)
    stamp_file = venv / ".stamp"
    with locked(venv.name):
        if not stamp_file.exists() or stamp_file.read_text(encoding="utf-8") != stamp:
            install(venv, str(interpreter), [f"--requirement={requirements}"])
            stamp_file.write_text(stamp, encoding="utf-8")
    env = environ(row.core)
    env["PYTHONPATH"] = str(target_ansible(row.core))
    return venv / "bin/python", env


def target_ansible(core: str) -> Path:
    """A folder that holds of ansible only what travels to a target."""
    ensure_venv(core)
    folder = BUILD / f"target-core-{core}"
    package = folder / "ansible"
    with locked(folder.name):
        if (package / "module_utils").exists():
            return folder
        source = next(venv_dir(core).glob("lib/python3*/site-packages/ansible"))
        package.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / "release.py", package / "release.py")
        (package / "__init__.py").write_text("", encoding="utf-8")
        partial = package / ".module_utils"
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(source / "module_utils", partial, ignore=shutil.ignore_patterns("__pycache__"))
        partial.rename(package / "module_utils")
    return folder


def run_pytest(row: Row, python: Path, env: dict[str, str], extra: Iterable[str]) -> Outcome:
    reports = BUILD / "unit-reports"
    reports.mkdir(parents=True, exist_ok=True)
    report = reports / f"{row.label}.xml"
    report.unlink(missing_ok=True)
    arguments = list(extra)
    if not any((ROOT / argument.partition("::")[0]).exists() for argument in arguments):
        arguments += row.tests
    command = [str(python), "-m", "pytest", "-q", "-o", f"cache_dir={BUILD / 'pytest-cache' / row.label}"]
    command += [f"--junit-xml={report}", *arguments]
    # Rows run at the same time: neither compiled files nor folders for temporary files are shared between them.
    with tempfile.TemporaryDirectory(prefix=f"unit-{row.python}-", ignore_cleanup_errors=True) as folder:
        env = {**env, "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": folder}
        done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    sys.stdout.write(f"--- {row.label}\n{done.stdout}{done.stderr}")
    sys.stdout.flush()
    if done.returncode == NO_TESTS_COLLECTED:
        return Outcome(row, Counts(), "no tests there yet", ok=True)
    if not report.exists():
        return Outcome(row, Counts(failed=1), f"pytest ended with {done.returncode} and no report", ok=False)
    note = "" if done.returncode == 0 else f"pytest ended with {done.returncode}"
    return Outcome(row, from_junit(report), note, ok=done.returncode == 0)


def table(outcomes: Iterable[Outcome]) -> str:
    lines = [f"{'Python':<8}{'core':<7}{'side':<12}result"]
    for outcome in outcomes:
        row = outcome.row
        side = "controller" if row.controller else "target"
        text = f"NOT RUN: {outcome.note}" if outcome.note == NOT_FOUND else f"{outcome.counts} {outcome.note}".rstrip()
        lines.append(f"{row.python:<8}{row.core:<7}{side:<12}{text}")
    return "\n".join(lines)


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
