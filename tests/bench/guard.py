"""What one check of the guard costs in CPU time: where nothing has changed, and where everything is judged.

Usage: tests/bench/guard [--rounds N] [--write]      (part of make bench; --write puts the table into docs/guard.md)

CPU time of the checker and of all that it starts, so that other work on the machine counts for little.
"""

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "build/collections"))
from ansible_collections.fleet.system_python.plugins.module_utils._audit.contract import contract_for  # noqa: E402
from ansible_collections.fleet.system_python.plugins.module_utils._guard.config import CONFIG, render  # noqa: E402
from ansible_collections.fleet.system_python.plugins.plugin_utils._guard.checker import checker_text  # noqa: E402

DOCUMENT = ROOT / "docs/guard.md"
FLEET = (str(ROOT / "tests/hosts/fleet"), "--fleet", "bench-guard")
HOSTS = {"rhel9": {"ID": "rhel", "VERSION_ID": "9.4"}, "sles15": {"ID": "sles", "VERSION_ID": "15.6"}}
COMMANDS = {"check": "a check, nothing has changed", "full": "a check that judges everything"}
LIMIT = 0.12
BEGIN, END = "<!-- guard: begin -->", "<!-- guard: end -->"


def on(image: str, command: str, stdin: bytes | None = None) -> str:
    argv = ["docker", "exec", "-i", f"fsp-bench-guard-{image}", "bash", "-c", command]
    return subprocess.run(argv, input=stdin, check=True, capture_output=True).stdout.decode()


def install(image: str) -> None:
    folder = Path(CONFIG).parent
    on(image, f"mkdir -p {folder} && cat >{CONFIG}", render(contract_for(HOSTS[image])).encode())
    on(image, "cat >/root/guard && dash /root/guard full", checker_text().encode())


def cpu_seconds(image: str, command: str) -> float:
    """User and system time of one check."""
    spent = on(image, f"TIMEFORMAT='%U %S'; {{ time dash /root/guard {command}; }} 2>&1")
    return sum(map(float, spent.split()))


def measure(rounds: int) -> dict[tuple[str, str], list[float]]:
    subprocess.run([*FLEET, "up", *(f"{image}={image}" for image in HOSTS)], check=True)
    for image in HOSTS:
        install(image)
    keys = [(image, command) for image in HOSTS for command in COMMANDS]
    times: dict[tuple[str, str], list[float]] = {key: [] for key in keys}
    for _number in range(rounds):
        for key in keys:
            times[key].append(cpu_seconds(*key))
    return times


def table(times: dict[tuple[str, str], list[float]]) -> str:
    lines = ["| what | host | CPU seconds | limit |", "| --- | --- | --- | --- |"]
    for (image, command), spent in times.items():
        shown = f"{statistics.median(spent):.2f} ({min(spent):.2f} to {max(spent):.2f})"
        lines.append(f"| {COMMANDS[command]} | {image} | {shown} | {LIMIT if command == 'check' else '-'} |")
    return "\n".join(lines)


def write(text: str, rounds: int) -> None:
    document = DOCUMENT.read_text()
    head, _begin, rest = document.partition(BEGIN)
    _old, _end, tail = rest.partition(END)
    note = f"Medians of {rounds} rounds, spread in brackets; {os.cpu_count()} cores."
    DOCUMENT.write_text(f"{head}{BEGIN}\n{note}\n\n{text}\n{END}{tail}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/bench/guard", description="Measure what a check of the guard costs.")
    parser.add_argument("--rounds", type=int, default=9, help="how often each is measured (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help="put the table into docs/guard.md")
    options = parser.parse_args()
    try:
        times = measure(options.rounds)
    finally:
        subprocess.run([*FLEET, "down"], capture_output=True, check=False)
    text = table(times)
    print(text)
    if options.write:
        write(text, options.rounds)
    over = [
        image for (image, command), spent in times.items() if command == "check" and statistics.median(spent) > LIMIT
    ]
    if over:
        print(f"tests/bench/guard: more than {LIMIT} s of CPU on {', '.join(over)}", file=sys.stderr)
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
