"""Breaks a running test host the way one or more files of this folder say, and proves that it is broken.

Usage: tests/tampering/apply CONTAINER NAME...
       tests/tampering/apply --list
       tests/tampering/apply --script rhel9 NAME

Needs PyYAML. --script prints the shell script that would be run on a host, for hosts that are not containers.
"""

import argparse
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
OWN = "fleet.system_python=test-host"
KEYS = {"name", "title", "applies_to", "steps", "evidence", "findings", "repairable"}
OPTIONAL = {"allowed", "remains", "options", "notes", "refused", "holds", "container", "unguarded"}

Tampering = Mapping[str, Any]


class TamperingError(Exception):
    """Something that the reader of the message can put right."""


def names() -> list[str]:
    """All tamperings of this folder."""
    return sorted(path.stem for path in HERE.glob("*.yml"))


def load(name: str) -> Tampering:
    """One tampering, checked for form."""
    path = HERE / f"{name}.yml"
    if not path.is_file():
        raise TamperingError(f"there is no tampering {name!r}; there are: {', '.join(names())}")
    loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    problems = sorted(KEYS - set(loaded)) + sorted(set(loaded) - KEYS - OPTIONAL)
    if problems:
        raise TamperingError(
            f"{path.name}: missing or unknown keys: {', '.join(problems)}; see README.md in this folder"
        )
    if loaded["name"] != name:
        raise TamperingError(f"{path.name}: its name is {loaded['name']!r}; it must be the file's")
    return dict(loaded)


def variables(platform: str) -> dict[str, str]:
    """What the steps call things on one operating system."""
    known = yaml.safe_load((HERE / "hosts.yaml").read_text(encoding="utf-8"))
    for facts in known.values():
        if facts["OS"] == platform:
            return dict(facts)
    raise TamperingError(f"hosts.yaml knows no {platform!r}")


def platform_of(os_release: str) -> str:
    """`rhel9`, `sles15`, ..., from an os-release file."""
    known = yaml.safe_load((HERE / "hosts.yaml").read_text(encoding="utf-8"))
    found = dict(line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    major = found.get("VERSION_ID", "").strip('"').split(".")[0]
    identity = f"{found.get('ID', '')} {major}".replace('"', "")
    if identity not in known:
        raise TamperingError(f"/etc/os-release of the host says {identity!r}; hosts.yaml knows {', '.join(known)}")
    return str(known[identity]["OS"])


def script(tampering: Tampering, platform: str) -> str:
    """The steps as one shell script, so that a variable set in one step is known to the next."""
    if platform not in tampering["applies_to"]:
        fits = ", ".join(tampering["applies_to"])
        raise TamperingError(f"{tampering['name']} is for {fits}; the host is {platform}")
    settings = [f"{name}={shlex.quote(value)}" for name, value in variables(platform).items()]
    return "\n".join(["set -eu", *settings, *tampering["steps"]]) + "\n"


def evidence(tampering: Tampering, platform: str, key: str = "evidence") -> list[str]:
    """One script per piece of evidence, or of what holds after the repair; each must end with 0."""
    settings = [f"{name}={shlex.quote(value)}" for name, value in variables(platform).items()]
    return ["\n".join([*settings, text]) + "\n" for text in tampering.get(key, [])]


def on_host(container: str, text: str) -> subprocess.CompletedProcess[str]:
    """Runs a shell script on a host as root."""
    command = ["docker", "exec", "--interactive", "--user", "root", container, "sh"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False, errors="replace")


def _checked_container(container: str) -> None:
    question = [
        "docker",
        "container",
        "inspect",
        "--format",
        '{{index .Config.Labels "fleet.system_python"}}',
        container,
    ]
    done = subprocess.run(question, capture_output=True, text=True, check=False)
    if done.returncode:
        raise TamperingError(f"there is no container {container!r}; tests/hosts/fleet up NAME=rhel9 starts one")
    if done.stdout.strip() != OWN.partition("=")[2]:
        raise TamperingError(f"the container {container!r} has no label {OWN}: it is not a test host, nothing was done")


def _tail(done: subprocess.CompletedProcess[str]) -> str:
    return (done.stdout + done.stderr).strip()[-1500:] or "(no output)"


def apply(container: str, name: str) -> None:
    """Breaks one host and checks that it is broken."""
    tampering = load(name)
    _checked_container(container)
    platform = platform_of(on_host(container, "cat /etc/os-release").stdout)
    done = on_host(container, script(tampering, platform))
    if done.returncode:
        raise TamperingError(
            f"{name}: the steps failed on {container} with exit code {done.returncode}; the host is half broken, start "
            f"a new one. The end of the output:\n{_tail(done)}"
        )
    for number, text in enumerate(evidence(tampering, platform)):
        done = on_host(container, text)
        if done.returncode:
            raise TamperingError(
                f"{name}: not broken as promised, evidence {number + 1} failed on {container}: "
                f"{tampering['evidence'][number]}\n{_tail(done)}"
            )
    print(f"{container}: {name}: {tampering['title']}")


def main(arguments: Sequence[str]) -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(prog="tests/tampering/apply", description="Breaks a test host on purpose.")
    parser.add_argument("--list", action="store_true", help="print all tamperings")
    parser.add_argument("--script", metavar="OS", help="print the script for rhel9, sles15, ... instead of running it")
    parser.add_argument("words", nargs="*", metavar="CONTAINER NAME...")
    options = parser.parse_args(arguments)
    if options.list:
        for name in names():
            tampering = load(name)
            print(f"{name:30} {', '.join(tampering['applies_to']):14} {tampering['title']}")
        return 0
    if options.script:
        for name in options.words:
            print(script(load(name), options.script), end="")
        return 0
    if len(options.words) < 2:
        parser.error("a container and at least one tampering are needed; --list shows them")
    for name in options.words[1:]:
        apply(options.words[0], name)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except TamperingError as error:
        print(f"tests/tampering/apply: {error}", file=sys.stderr)
        sys.exit(1)
