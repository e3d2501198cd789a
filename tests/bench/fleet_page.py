"""What the page of a fleet costs: a whole run of ansible-playbook that makes it, in every format, of simulated hosts.

Usage: tests/bench/fleet_page [--rounds N] [--hosts N] [--write]      (make bench calls it)

Fails when the median is over a limit. --write puts the table into docs/performance.md.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SIMULATION = ROOT / "tests/simulation/simulated_fleet.py"
DOCUMENT = ROOT / "docs/performance.md"
BEGIN, END = "<!-- fleet page: begin -->", "<!-- fleet page: end -->"
SECONDS, MEGABYTES = 10.0, 1024.0
RUNS = 30


@dataclass(frozen=True)
class Cost:
    """What one run took: seconds of wall clock, and the largest process in megabytes."""

    seconds: float
    megabytes: float


def make(folder: Path, name: str, tasks: Sequence[object]) -> list[str]:
    """Write a playbook and return the command that runs it."""
    play = folder / f"{name}.json"
    play.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    return ["ansible-playbook", "-i", "localhost,", "-c", "local", str(play)]


def cost(argv: Sequence[str]) -> Cost:
    """Run a command that must succeed; its children count, too."""
    with tempfile.TemporaryFile() as output:
        begin = time.monotonic()
        process = subprocess.Popen(argv, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
        _pid, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise SystemExit(f"{' '.join(argv)} ended with {process.returncode}:\n{output.read().decode()[-3000:]}")
    return Cost(seconds, usage.ru_maxrss / 1024)


def measure(folder: Path, hosts: int, rounds: int) -> dict[str, list[Cost]]:
    # In a process of its own: the memory of this one would count for those that it starts.
    subprocess.run([sys.executable, SIMULATION, folder, f"--hosts={hosts}", f"--runs={RUNS}"], check=True)
    size = sum(path.stat().st_size for path in (folder / "reports").glob("*.json"))
    print(f"{hosts} reports, {size / 1e6:.1f} MB of JSON, {RUNS} runs kept", flush=True)
    options = {"reports": str(folder / "reports"), "history": str(folder / "history")}
    formats = ["html", "junit", "sarif", "prometheus", "jsonl"]
    nothing = make(folder, "nothing", [])
    found: dict[str, list[Cost]] = {"ansible-playbook without a task": [], "the page and all formats": []}
    for number in range(rounds):
        # A folder of its own for each: what is there already is not written again.
        target = {**options, "dest": str(folder / f"out-{number}"), "formats": formats}
        page = make(folder, "page", [{"fleet.system_python.python_fleet_page": target}])
        for name, argv in zip(found, (nothing, page), strict=True):
            found[name].append(cost(argv))
            print(f"round {number + 1} of {rounds}: {name}: {found[name][-1].seconds:.2f} s", flush=True)
    return found


def table(found: dict[str, list[Cost]], hosts: int) -> str:
    lines = ["| what | seconds | largest process | limit |", "| --- | --- | --- | --- |"]
    for name, costs in found.items():
        seconds = [one.seconds for one in costs]
        memory = max(one.megabytes for one in costs)
        page = name.startswith("the page")
        about = f"{name}, {hosts} hosts" if page else name
        limit = f"{SECONDS:.0f} s, {MEGABYTES:.0f} MB" if page else "-"
        spread = f"{statistics.median(seconds):.1f} s ({min(seconds):.1f} to {max(seconds):.1f})"
        lines.append(f"| {about} | {spread} | {memory:.0f} MB | {limit} |")
    return "\n".join(lines)


def write(text: str, rounds: int) -> None:
    """Put the table between its marks in the document."""
    head, _begin, rest = DOCUMENT.read_text().partition(BEGIN)
    _old, _end, tail = rest.partition(END)
    note = f"Medians of {rounds} rounds, spread in brackets; {os.cpu_count()} cores."
    DOCUMENT.write_text(f"{head}{BEGIN}\n{note}\n\n{text}\n{END}{tail}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/bench/fleet_page", description="Measure the page of a fleet.")
    parser.add_argument("--rounds", type=int, default=3, help="how often it is made (default: %(default)s)")
    parser.add_argument("--hosts", type=int, default=1000, help="how many hosts (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fleet-page-") as folder:
        found = measure(Path(folder), options.hosts, options.rounds)
    text = table(found, options.hosts)
    print(f"\n{text}")
    if options.write:
        write(text, options.rounds)
        print(f"\nwritten to {DOCUMENT.relative_to(ROOT)}")
    page = found["the page and all formats"]
    seconds, memory = statistics.median(one.seconds for one in page), max(one.megabytes for one in page)
    if seconds > SECONDS or memory > MEGABYTES:
        print(f"over the limit of {SECONDS:.0f} s and {MEGABYTES:.0f} MB", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
