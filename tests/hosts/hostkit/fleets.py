"""Starts and removes named fleets of test hosts on a network of their own."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from hostkit.images import BY_NAME, OWN, tag
from hostkit.shell import HostError, ask, say

NETWORK = "fleet-system-python"
FLEET_LABEL = "fleet.system_python.fleet"
NAME_RULE = re.compile(r"[a-z0-9][a-z0-9_-]*")


@dataclass(frozen=True)
class Fleet:
    """A network, a repository container and hosts; the default fleet has no name."""

    name: str = ""

    @property
    def network(self) -> str:
        """The docker network of this fleet."""
        return f"{NETWORK}-{self.name}" if self.name else NETWORK

    def container(self, host: str) -> str:
        """The container that a host runs in."""
        return "-".join(part for part in ("fsp", self.name, host) if part)

    @property
    def label(self) -> str:
        """What finds this fleet's containers and no other's."""
        return f"{FLEET_LABEL}={self.name or 'default'}"


def checked_name(text: str) -> str:
    """A name that docker and the resolver accept."""
    if not NAME_RULE.fullmatch(text):
        raise HostError(f"{text!r} is not a usable name: lower case letters, digits, '-' and '_', beginning with a letter or digit")
    return text


def parse_host(text: str) -> tuple[str, str]:
    """`web1=rhel9` as (name, image)."""
    name, _, image = text.partition("=")
    hosts = [item.name for item in BY_NAME.values() if item.hosts]
    if image not in hosts:
        raise HostError(f"{text!r} is not NAME=IMAGE with an image of {', '.join(hosts)}")
    return checked_name(name), image


def _state(container: str) -> str:
    return ask(["docker", "container", "inspect", "--format", "{{.State.Status}}", container], check=False).strip()


def _network(fleet: Fleet) -> None:
    if not ask(["docker", "network", "inspect", fleet.network], check=False):
        ask(["docker", "network", "create", "--label", OWN, "--label", fleet.label, fleet.network])


def _start(fleet: Fleet, host: str, image: str, alias: str) -> str:
    container = fleet.container(host)
    state = _state(container)
    if state == "running":
        return container
    if state:
        ask(["docker", "start", container])
        return container
    if not ask(["docker", "image", "inspect", tag(image)], check=False):
        raise HostError(f"there is no image {tag(image)}; run tests/hosts/build first")
    command = ["docker", "run", "--detach", "--init", "--name", container, "--hostname", host, "--network", fleet.network]
    command += ["--network-alias", alias, "--label", OWN, "--label", fleet.label, tag(image)]
    ask(command)
    return container


def _wait_for_repository(container: str) -> None:
    for _ in range(50):
        if ask(["docker", "exec", container, "curl", "-fsS", "-o", "/dev/null", "http://localhost/impostor/minor"], check=False) or _answers(container):
            return
        time.sleep(0.1)
    raise HostError(f"the repository in {container} does not answer; see docker logs {container}")


def _answers(container: str) -> bool:
    return ask(["docker", "exec", container, "curl", "-fsS", "http://localhost/impostor/minor"], check=False) != ""


def up(fleet: Fleet, hosts: list[tuple[str, str]]) -> list[str]:
    """Starts the repository and the hosts; what runs already is left alone."""
    _network(fleet)
    repository = _start(fleet, "repo", "repo", "repo")
    containers = [_start(fleet, name, image, name) for name, image in hosts]
    _wait_for_repository(repository)
    for (name, image), container in zip(hosts, containers, strict=True):
        say(f"{name}: {image} in container {container}")
    return containers


def containers(fleet: Fleet) -> list[str]:
    """This fleet's containers, running or not."""
    return ask(["docker", "ps", "--all", "--filter", f"label={fleet.label}", "--filter", f"label={OWN}", "--format", "{{.Names}}"]).split()


def down(fleet: Fleet, hosts: list[str]) -> None:
    """Removes hosts, or with none named the whole fleet with its repository and network."""
    ours = containers(fleet)
    doomed = [fleet.container(checked_name(host)) for host in hosts] if hosts else ours
    foreign = [name for name in doomed if name not in ours]
    if foreign:
        raise HostError(f"not in this fleet: {', '.join(foreign)}; it has {', '.join(ours) or 'nothing'}")
    if doomed:
        ask(["docker", "rm", "--force", "--volumes", *doomed])
    if not hosts and ask(["docker", "network", "inspect", fleet.network], check=False):
        ask(["docker", "network", "rm", fleet.network])
