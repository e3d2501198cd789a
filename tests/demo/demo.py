"""The main job before your eyes: a small fleet is started, broken for real, audited, repaired and audited again.

Usage: tests/demo/run [--keep]      (make demo sets everything up and calls it)
"""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build/demo"
FLEET = (str(ROOT / "tests/hosts/fleet"), "--fleet", "demo")
TAMPERING = ROOT / "tests/tampering"
WIDTH = 100


REPORTS = FOLDER / "reports"
# Containers cannot reboot: a restart stands for it, and the reports say so.
REPORT = {
    "python_report_folder": str(REPORTS),
    "python_report_validate_reboot": True,
    "python_report_restart_command": "docker restart -t 1 {{ inventory_hostname }}",
}


@dataclass
class Host:
    """One host of the demonstration and what became of it."""

    name: str
    image: str
    tampering: str = ""
    states: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def container(self) -> str:
        return f"fsp-demo-{self.name}"

    def shell(self, command: str) -> str:
        """Run a command with the host's own shell and return the first line of what it printed."""
        done = subprocess.run(
            ["docker", "exec", self.container, "sh", "-c", f"({command}) 2>&1"],
            capture_output=True,
            text=True,
            check=False,
        )
        return (done.stdout.strip().splitlines() or ["(nothing)"])[0]


HOSTS = (
    Host("rhel9-healthy", "rhel9"),
    Host("sles15-healthy", "sles15"),
    Host("rhel9-a1", "rhel9", "rhel9_alternatives"),
    Host("rhel9-a2", "rhel9", "rhel9_overwritten"),
    Host("sles15-b", "sles15", "sles15_overwritten"),
)


class DemoError(Exception):
    """The demonstration cannot go on; the message says why."""


def say(text: str = "") -> None:
    print(text, flush=True)


def title(text: str) -> None:
    say()
    say("=" * WIDTH)
    say(text)
    say("=" * WIDTH)


def run(argv: Sequence[str], what: str) -> None:
    """Run a command whose output the reader shall see."""
    done = subprocess.run(argv, cwd=ROOT, check=False)
    if done.returncode:
        raise DemoError(f"{what} failed: {' '.join(map(str, argv))} ended with exit code {done.returncode}")


def available(hosts: Sequence[Host]) -> list[Host]:
    """Return the hosts whose image there is; the build has said what is missing for the others."""
    done = subprocess.run([ROOT / "tests/hosts/build", "--list"], capture_output=True, text=True, check=False)
    images = done.stdout.split()
    return [host for host in hosts if host.image in images]


def start(hosts: Sequence[Host]) -> None:
    run([*FLEET, "down"], "removing an earlier demonstration")
    run([*FLEET, "up", *(f"{host.name}={host.image}" for host in hosts)], "starting the fleet")
    FOLDER.mkdir(parents=True, exist_ok=True)
    inventory = {
        "all": {
            "vars": {
                "ansible_connection": "community.docker.docker",
                # The incident switched SELinux to permissive; setting it back is done only on request.
                "python_restore_selinux": "enforcing",
            },
            "hosts": {host.container: {} for host in hosts},
        }
    }
    (FOLDER / "inventory.json").write_text(json.dumps(inventory, indent=1))


def tamper(hosts: Sequence[Host]) -> None:
    for host in hosts:
        if not host.tampering:
            continue
        data = yaml.safe_load((TAMPERING / f"{host.tampering}.yml").read_text())
        say(f"{host.name}: {data['title']}")
        for step in data["steps"]:
            say(textwrap.indent(step.rstrip(), "    # "))
        run([str(TAMPERING / "apply"), host.container, host.tampering], f"breaking {host.name}")
        say()


def look(hosts: Sequence[Host], when: str) -> None:
    """Ask the hosts with nothing but their own shell."""
    manager = {"rhel9": "dnf --version", "sles15": "zypper --version"}
    say(f"{'host':<16}{'python3 is':<18}{'python3 -> ':<26}package manager")
    for host in hosts:
        host.versions[when] = host.shell("python3 --version")
        link = host.shell("readlink /usr/bin/python3")
        works = host.shell(f"{manager[host.image]} >/dev/null 2>&1 && echo works || echo DEAD")
        say(f"{host.name:<16}{host.versions[when]:<18}{link:<26}{manager[host.image].split()[0]} {works}")


def _kept(lines: Iterable[str], kept: list[str]) -> Iterator[str]:
    for line in lines:
        kept.append(line)
        yield line


def _telling(lines: Iterable[str]) -> Iterator[str]:
    """Leave out the tasks of which Ansible says nothing but that they ran, and blank lines in a row."""
    header: list[str] = []
    for line in lines:
        if re.match(r"TASK |PLAY ", line):
            header = ["\n", line]
        elif line.strip() and not re.match(r"(?:ok|changed|skipping): \[[^]]*\]\s*$|included: ", line):
            yield from header
            header = []
            yield line


def playbook(
    hosts: Sequence[Host], name: str, when: str, options: Mapping[str, object] | None = None, code: int = 0
) -> None:
    """Run a playbook of the collection, show its output, and note each host's line of the last table.

    C(code) is the exit code with which it is to end.
    """
    extra = ["-e", json.dumps(options)] if options else []
    argv = ["ansible-playbook", "-i", str(FOLDER / "inventory.json"), f"fleet.system_python.{name}", *extra]
    say(f"$ {shlex.join(['ansible-playbook', '-i', 'inventory', f'fleet.system_python.{name}', *extra])}")
    environment = dict(os.environ, ANSIBLE_DISPLAY_SKIPPED_HOSTS="0")
    lines: list[str] = []
    with subprocess.Popen(
        argv, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in _telling(_kept(process.stdout, lines)):
            sys.stdout.write(line)
            sys.stdout.flush()
    log = FOLDER / f"{when}-{name}.log"
    log.write_text("".join(lines))
    say(f"(tasks that say nothing are left out; the whole output: {log.relative_to(ROOT)})")
    for host in hosts:
        row = re.compile(rf"^\W*{re.escape(host.container)}  +([^: ].*?)\W*$")
        found = [match[1] for match in map(row.match, lines) if match]
        if process.returncode != code or not found:
            raise DemoError(f"the playbook {name} did not end well for {host.name}; read its output above")
        host.states[when] = re.sub(r" {2,}", ": ", found[-1])


def table(hosts: Sequence[Host]) -> bool:
    """Print the result host by host; tell whether every host is well."""
    well = True
    for host in hosts:
        good = host.states["after"].startswith("healthy") and host.versions["restarted"] == host.versions["after"]
        well = well and good
        say(f"{host.name} ({host.image}){'' if good else '   NOT WELL'}")
        say(f"    broken by       {host.tampering or 'nothing'}")
        say(f"    first audit     {host.states['before']}")
        say(f"    remediate       {host.states['repair']}")
        say(f"    second audit    {host.states['after']}")
        versions = [host.versions[when] for when in ("before", "after", "restarted")]
        say(f"    python3         {versions[0]}, then {versions[1]}, after a restart {versions[2]}")
    return well


def reports() -> None:
    """Say where the reports and the page of the fleet are; without them the demonstration has failed."""
    runs = sorted(path.parent for path in REPORTS.glob("*/*.md"))
    if not runs:
        raise DemoError(f"the playbook remediate wrote no reports to {REPORTS}")
    folder = runs[-1]
    say()
    say("The incident reports, one per host (Markdown, HTML, JSON):")
    for path in sorted(folder.glob("*.html")):
        if path.with_suffix(".md").exists():
            say(f"    {path.relative_to(ROOT)}")
    page = folder / "fleet.html"
    if not page.exists():
        raise DemoError(f"the playbook remediate made no page of the fleet in {folder}")
    say("The page of the fleet, which leads to them:")
    say(f"    {page.relative_to(ROOT)}")
    say("Earlier runs, from which the page shows the drift:")
    say(f"    {(REPORTS / 'history').relative_to(ROOT)}")


OWN_HOSTS = """
The same on your own hosts:

    ansible-galaxy collection install fleet.system_python      (or the archive of `ansible-galaxy collection build`)
    ansible-playbook -i YOUR_INVENTORY fleet.system_python.audit -b                       reads only
    ansible-playbook -i YOUR_INVENTORY fleet.system_python.remediate -b --check --diff    shows the plan
    ansible-playbook -i YOUR_INVENTORY fleet.system_python.remediate -b                   a canary first, then batches
"""


def demonstrate() -> bool:
    begin = time.monotonic()
    title("1. The fleet: two healthy hosts, and three that are about to be broken as in the incidents")
    run([str(ROOT / "tests/hosts/build")], "building the test hosts")
    hosts = available(HOSTS)
    start(hosts)
    title("2. Breaking three of them, by the commands of the incidents")
    tamper(hosts)
    title("3. What the hosts themselves say now")
    look(hosts, "before")
    title("4. Audit: what is wrong? Nothing is changed, and no Python is run that rpm does not vouch for")
    playbook(hosts, "audit", "before", code=2)
    title("5. Remediate: repair, one canary first, prove it, again after a restart, and write the reports")
    playbook(hosts, "remediate", "repair", REPORT)
    title("6. Audit again")
    playbook(hosts, "audit", "after")
    look(hosts, "after")
    title("7. Restart every host, and ask it once more")
    run(["docker", "restart", "-t", "1", *(host.container for host in hosts)], "restarting the hosts")
    look(hosts, "restarted")
    title("8. Host by host")
    well = table(hosts)
    reports()
    missing = [host.name for host in HOSTS if host not in hosts]
    if missing:
        say(f"left out, because their image could not be built (see the beginning): {', '.join(missing)}")
    say(OWN_HOSTS)
    say(f"The demonstration took {time.monotonic() - begin:.0f} s.")
    return well


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/demo/run", description="Break, audit, repair and audit a small fleet.")
    parser.add_argument("--keep", action="store_true", help="leave the hosts running at the end")
    options = parser.parse_args()
    try:
        well = demonstrate()
    except DemoError as error:
        say(f"tests/demo/run: {error}")
        return 1
    if options.keep:
        say("The hosts are still running; remove them with: tests/hosts/fleet --fleet demo down")
    else:
        subprocess.run([*FLEET, "down"], cwd=ROOT, check=True)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
