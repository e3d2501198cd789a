"""What an audit and a repair cost, as ratios: everything is measured side by side, in turns, in one run.

Usage: tests/bench/run [--rounds N] [--write]      (make bench; --write puts the table into docs/performance.md)

One round runs each command once, one after the other, so that a noisy moment hits all of them; medians count.
"""

import argparse
import functools
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build/bench"
DOCUMENT = ROOT / "docs/performance.md"
FLEET = (str(ROOT / "tests/hosts/fleet"), "--fleet", "bench")
HOSTS = tuple((f"h{number}", "rhel9" if number % 2 else "sles15") for number in range(1, 11))
BROKEN = "broken"
VENVS = 1000
INSTALLER = f"fsp-bench-{HOSTS[0][0]}"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
BARE = "rpm -U --replacepkgs --oldpackage /root/python3.rpm /root/python3-pip.rpm"


@dataclass
class Measured:
    """One command, its times (seconds, wall clock) and what it is compared with."""

    name: str
    against: str
    goal: str
    action: Callable[[], float]
    times: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.times)


class BenchError(Exception):
    """The measurement cannot go on; the message says why."""


def ask(argv: Sequence[str], what: str) -> str:
    """Run a command that must succeed and return what it printed."""
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        tail = (done.stdout + done.stderr)[-3000:]
        raise BenchError(f"{what}: {' '.join(argv)} ended with {done.returncode}:\n{tail}")
    return done.stdout


def timed(argv: Sequence[str], what: str) -> float:
    begin = time.monotonic()
    ask(argv, what)
    return time.monotonic() - begin


def inventory(name: str, hosts: Sequence[str]) -> str:
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.json"
    variables = {"ansible_connection": "community.docker.docker", "python_restore_selinux": "enforcing"}
    path.write_text(json.dumps({"all": {"vars": variables, "hosts": {f"fsp-bench-{host}": {} for host in hosts}}}))
    return str(path)


def comparisons(count: int) -> list[Measured]:
    """Ping, audit and runbook over the first C(count) hosts."""
    hosts = inventory(f"hosts-{count}", [host for host, _image in HOSTS[:count]])
    ping = f"ping, {count} hosts" if count > 1 else "ping, 1 host"
    word = ping.partition(", ")[2]
    book = str(ROOT / "tests/bench/runbook.yml")
    forks = ["-f", "10"]
    return [
        Measured(ping, "", "", lambda: timed(["ansible", "-i", hosts, *forks, "all", "-m", "ping"], ping)),
        Measured(
            f"audit, {word}",
            ping,
            "at most 2",
            lambda: timed(["ansible-playbook", "-i", hosts, *forks, "fleet.system_python.audit"], "audit"),
        ),
        Measured(
            f"runbook of ten stock tasks, {word}",
            f"audit, {word}",
            "",
            lambda: timed(["ansible-playbook", "-i", hosts, *forks, book], "runbook"),
        ),
    ]


def fresh() -> str:
    """Start a new host, broken as in incident A2, and return its container."""
    container = f"fsp-bench-{BROKEN}"
    subprocess.run([*FLEET, "down", BROKEN], cwd=ROOT, capture_output=True, check=False)
    ask([*FLEET, "up", f"{BROKEN}=rhel9"], "starting a host")
    fetch = "dnf -y -q reinstall --downloadonly --destdir /root python3 python3-pip"
    ask(["docker", "exec", container, "sh", "-c", fetch], "fetching the package")
    ask(
        [
            "docker",
            "exec",
            container,
            "sh",
            "-c",
            "cd /root && mv python3-3*.rpm python3.rpm && mv python3-pip-*.rpm python3-pip.rpm",
        ],
        "naming the packages",
    )
    ask([str(ROOT / "tests/tampering/apply"), container, "rhel9_overwritten"], "breaking the host")
    return container


def repair() -> float:
    fresh()
    hosts = inventory(BROKEN, [BROKEN])
    return timed(
        ["ansible-playbook", "-i", hosts, "fleet.system_python.remediate", "-e", "python_report_folder="], "repair"
    )


def bare() -> float:
    container = fresh()
    return timed(["docker", "exec", container, "sh", "-c", BARE], "bare rpm")


def make_venvs(count: int) -> str:
    """Make venvs on a host, once. All but the first are hard links of it: what counts is the number of names."""
    container = f"fsp-bench-{HOSTS[0][0]}"
    script = (
        "set -eu; cd /srv; [ ! -e venvs/1 ] || exit 0; mkdir -p venvs; python3.11 -m venv venvs/1;"
        f"for number in $(seq 2 {count}); do cp -al venvs/1 venvs/$number; done"
    )
    ask(["docker", "exec", container, "sh", "-c", script], "making venvs")
    return container


def in_container(argv: Sequence[str], what: str) -> float:
    return timed(["docker", "exec", make_venvs(VENVS), *argv], what)


def census() -> float:
    """The census itself, without Ansible around it: C(find) has none either."""
    container = make_venvs(VENVS)
    target = "/root/bench/ansible_collections/fleet/system_python"
    ask(["docker", "exec", container, "mkdir", "-p", target], "making a folder")
    ask(["docker", "cp", "-q", str(ROOT / "plugins"), f"{container}:{target}"], "bringing the code")
    code = (
        "from ansible_collections.fleet.system_python.plugins.module_utils._venv.census import take_census\n"
        "from ansible_collections.fleet.system_python.plugins.module_utils._venv.records import CensusSettings\n"
        f"assert len(take_census(CensusSettings(roots=('/srv/venvs',))).venvs) == {VENVS}"
    )
    argv = ["docker", "exec", "-w", "/root/bench", container, "python3.11", "-c", code]
    return timed(argv, "census")


@functools.cache
def archive() -> dict[str, str]:
    """Return version, file and SHA-256 of a runtime that was built for the tests, and put it on a host of the fleet."""
    done = subprocess.run([ROOT / "tests/hosts/runtimes"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"no runtime to install: {done.stderr[-3000:]}")
    found: dict[str, str] = json.loads(done.stdout)["3.13"]
    ask(["docker", "cp", "-q", found["file"], f"{INSTALLER}:/root/runtime.tar.gz"], "copying the archive")
    return found


def install() -> float:
    one = archive()
    ask(["docker", "exec", INSTALLER, "rm", "-rf", "/opt/python"], "removing the runtime")
    options = f"version={one['version']} path=/root/runtime.tar.gz sha256={one['sha256']}"
    module = ["-m", "fleet.system_python.python_runtime", "-a", options]
    return timed(["ansible", "-i", inventory("installer", [HOSTS[0][0]]), "all", *module], "installing a runtime")


def unpack() -> float:
    archive()
    ask(["docker", "exec", INSTALLER, "sh", "-c", "rm -rf /root/bare; mkdir /root/bare"], "removing the runtime")
    return timed(["docker", "exec", INSTALLER, "tar", "-xzf", "/root/runtime.tar.gz", "-C", "/root/bare"], "bare tar")


def table(measured: Sequence[Measured]) -> str:
    by_name = {one.name: one for one in measured}
    lines = ["| what | against | ratio | goal |", "| --- | --- | --- | --- |"]
    for one in measured:
        if one.against:
            ratio = one.median / by_name[one.against].median
            spread = [time / other for time, other in zip(one.times, by_name[one.against].times, strict=True)]
            shown = f"{ratio:.2f} ({min(spread):.2f} to {max(spread):.2f})"
            lines.append(f"| {one.name} | {one.against} | {shown} | {one.goal or '-'} |")
    return "\n".join(lines)


def measure(rounds: int) -> list[Measured]:
    todo = [*comparisons(1), *comparisons(10)]
    todo += [
        Measured("bare rpm -U --replacepkgs of the same packages", "", "", bare),
        Measured("repair of A2 with proof", "bare rpm -U --replacepkgs of the same packages", "", repair),
        Measured("bare tar -x of a prebuilt runtime", "", "", unpack),
        Measured("installing a prebuilt runtime", "bare tar -x of a prebuilt runtime", "", install),
    ]
    find = f"find -name pyvenv.cfg over {VENVS} venvs"
    todo += [
        Measured(find, "", "", lambda: in_container(["find", "/srv/venvs", "-name", "pyvenv.cfg"], find)),
        Measured(f"census of {VENVS} venvs", find, "at most 2", census),
    ]
    print("preparing: a runtime to install, venvs to count", flush=True)
    archive()
    make_venvs(VENVS)
    for number in range(rounds):
        for one in todo:
            one.times.append(one.action())
            print(f"round {number + 1} of {rounds}: {one.name}: {one.times[-1]:.2f} s", flush=True)
    return todo


def write(text: str, rounds: int) -> None:
    """Put the table between its marks in the document."""
    document = DOCUMENT.read_text()
    head, _begin, rest = document.partition(BEGIN)
    _old, _end, tail = rest.partition(END)
    note = f"Medians of {rounds} rounds in one run, spread of the single rounds in brackets; {os.cpu_count()} cores."
    DOCUMENT.write_text(f"{head}{BEGIN}\n{note}\n\n{text}\n{END}{tail}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/bench/run", description="Measure what an audit and a repair cost.")
    parser.add_argument("--rounds", type=int, default=5, help="how often each command runs (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    options = parser.parse_args()
    try:
        subprocess.run([str(ROOT / "tests/hosts/build")], check=True)
        ask([*FLEET, "down"], "removing an earlier fleet")
        ask([*FLEET, "up", *(f"{host}={image}" for host, image in HOSTS)], "starting the fleet")
        measured = measure(options.rounds)
    except BenchError as error:
        print(f"tests/bench/run: {error}", file=sys.stderr)
        return 1
    finally:
        subprocess.run([*FLEET, "down"], cwd=ROOT, capture_output=True, check=False)
    text = table(measured)
    print(f"\n{text}")
    if options.write:
        write(text, options.rounds)
        print(f"\nwritten to {DOCUMENT.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
