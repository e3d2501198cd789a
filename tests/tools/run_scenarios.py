"""Run molecule scenarios, two at a time: run_scenarios [--core 2.19|2.16] [--list] [--workers N] [SCENARIO...].

Without --core each scenario runs on every ansible-core line that tests/tools/scenarios.toml names for it.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomllib
from environment import CORES, CURRENT_CORE, LOGS, ROOT, ToolError, locked, prepare
from processes import TIMED_OUT, nothing_left_behind, run_logged, say, tail
from results import Counts, publish

MATRIX = ROOT / "tests/tools/scenarios.toml"
HOSTS_BUILD = ROOT / "tests/hosts/build"
IMAGE = re.compile(r"^\s+image:\s*[\"']?(\w+)[\"']?\s*$", re.MULTILINE)
TAIL = 40
LIMIT = 25 * 60.0


@dataclass(frozen=True)
class Run:
    """One scenario on one ansible-core line."""

    scenario: str
    core: str
    images: tuple[str, ...]

    @property
    def label(self) -> str:
        return f"{self.scenario} on ansible-core {self.core}"

    @property
    def log(self) -> Path:
        return LOGS / "scenarios" / f"{self.scenario}-{self.core}.log"


@dataclass(frozen=True)
class Outcome:
    run: Run
    result: str
    seconds: float = 0.0
    note: str = ""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Run molecule scenarios.")
    parser.add_argument("--core", choices=CORES, help="only on this ansible-core line")
    parser.add_argument("--list", action="store_true", help="print what would run and run nothing")
    parser.add_argument("--workers", type=int, default=2, help="how many run at a time (default: %(default)s)")
    parser.add_argument("scenarios", nargs="*", help="names of folders in molecule/ (default: all)")
    options = parser.parse_args(arguments)
    try:
        runs = plan(options.scenarios, options.core)
        available = available_images()
    except ToolError as error:
        print(f"run_scenarios: {error}", file=sys.stderr)
        return 2
    if options.list or not runs:
        print("\n".join(run.label for run in runs) or "nothing to run: there are no scenarios in molecule/ yet")
        return 0
    pool = ThreadPoolExecutor(max_workers=max(1, options.workers))
    with nothing_left_behind():
        outcomes = list(pool.map(lambda run: attempt(run, available), runs))
    print(table(outcomes))
    publish(count(outcomes))
    return 1 if any(outcome.result == "failed" for outcome in outcomes) else 0


def plan(wanted: Sequence[str], core: str | None) -> list[Run]:
    """What to run, current core first. A scenario that is named runs on any core that is named."""
    known = sorted(path.parent.name for path in ROOT.glob("molecule/*/molecule.yml"))
    strangers = sorted(set(wanted) - set(known))
    if strangers:
        raise ToolError(f"no scenario {', '.join(strangers)} in molecule/; there are: {', '.join(known) or 'none'}")
    settings = read_matrix()
    return [
        Run(name, line, images_of(name))
        for line in ([core] if core else CORES)
        for name in wanted or known
        if (wanted and core) or line in cores_of(name, settings)
    ]


def read_matrix() -> Mapping[str, Mapping[str, Any]]:
    with MATRIX.open("rb") as handle:
        return tomllib.load(handle)


def cores_of(name: str, settings: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return list(settings.get(name, {}).get("cores", [CURRENT_CORE]))


def images_of(name: str) -> tuple[str, ...]:
    """The images that the scenario's platforms name."""
    text = (ROOT / "molecule" / name / "molecule.yml").read_text(encoding="utf-8")
    return tuple(sorted(set(IMAGE.findall(text))))


def available_images() -> frozenset[str] | None:
    """Names of the host images that exist or are given by the operator; None where nothing can tell."""
    if not HOSTS_BUILD.exists():
        return None
    done = subprocess.run([HOSTS_BUILD, "--list"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolError(f"{HOSTS_BUILD.relative_to(ROOT)} --list failed: {done.stderr.strip()[-500:]}")
    given = {name for name in ("rhel9", "sles15") if os.environ.get(f"SYSTEM_PYTHON_{name.upper()}_IMAGE")}
    return frozenset(done.stdout.split()) | given


def attempt(run: Run, available: frozenset[str] | None) -> Outcome:
    lacking = sorted(set(run.images) - available) if available is not None else []
    if lacking:
        say(f"SKIPPED {run.label}: no image {', '.join(lacking)}; tests/hosts/build says why")
        return Outcome(run, "skipped", note=f"no image {', '.join(lacking)}")
    say(f"start   {run.label}")
    started = time.monotonic()
    try:
        code = molecule(run)
        note = "" if code == 0 else f"molecule ended with {code}"
    except (ToolError, OSError) as error:
        code, note = 1, str(error)
    seconds = time.monotonic() - started
    say(f"{'FAILED' if code else 'passed'}  {run.label} ({round(seconds)}s)")
    if code:
        say(tail(run.log, TAIL, ROOT))
    return Outcome(run, "failed" if code else "passed", seconds, note)


def molecule(run: Run) -> int:
    env = prepare(run.core)
    env["MOLECULE_EPHEMERAL_DIRECTORY"] = str(ROOT / "build/molecule" / run.core / run.scenario)
    env.update(NO_COLOR="1", MOLECULE_COMMAND_BORDERS="false", COLUMNS="160")
    run.log.parent.mkdir(parents=True, exist_ok=True)
    # Hosts are named after clone, scenario and core: the same run twice at a time would share them.
    with locked(f"scenario-{run.scenario}-{run.core}"), run.log.open("wb", buffering=0) as output:
        code = run_logged(["molecule", "test", "--scenario-name", run.scenario], output, ROOT, env, LIMIT)
        if code == TIMED_OUT:
            run_logged(["molecule", "destroy", "--scenario-name", run.scenario], output, ROOT, env, LIMIT)
    return code


def count(outcomes: Sequence[Outcome]) -> Counts:
    results = [outcome.result for outcome in outcomes]
    return Counts(results.count("passed"), results.count("failed"), results.count("skipped"))


def table(outcomes: Sequence[Outcome]) -> str:
    lines = [f"{'scenario':<28}{'core':<7}{'result':<9}{'time':>6}"]
    for outcome in outcomes:
        run = outcome.run
        line = f"{run.scenario:<28}{run.core:<7}{outcome.result:<9}{round(outcome.seconds):>5}s  {outcome.note}"
        lines.append(line.rstrip())
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
