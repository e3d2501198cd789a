"""Starts and removes named fleets of test hosts on a network of their own."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from hostkit import booting
from hostkit.images import BY_NAME, IMAGES, OWN, PREFIX, tag
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

    @property
    def label(self) -> str:
        """What finds this fleet's containers and no other's."""
        return f"{FLEET_LABEL}={self.name or 'default'}"

    def container(self, host: str) -> str:
        """The container that a host runs in."""
        return "-".join(part for part in ("fsp", self.name, host) if part)

    def image(self, image: str, origin: str) -> str:
        """What docker calls an image, or with a host as its origin the snapshot that was made of that host."""
        return f"{PREFIX}/{image}:{self.container(origin)}" if origin else tag(image)


def checked_name(text: str) -> str:
    """A name that docker and the resolver accept."""
    if not NAME_RULE.fullmatch(text):
        rule = "lower case letters, digits, '-' and '_', beginning with a letter or a digit"
        raise HostError(f"{text!r} is not a usable name: {rule}")
    return text


def parse_host(text: str) -> tuple[str, str]:
    """`web1=rhel9` as (name, image); `web2=rhel9@web1` is for the snapshot of a host of that image."""
    name, _separator, kind = text.partition("=")
    image, _separator, origin = kind.partition("@")
    known = [item.name for item in IMAGES if item.is_host]
    if image not in known:
        raise HostError(f"{text!r} is not NAME=IMAGE with an image of {', '.join(known)}")
    if name == "repo":
        raise HostError("the name repo belongs to the repository container; choose another")
    if origin:
        checked_name(origin)
    return checked_name(name), kind


def _state(container: str) -> str:
    return ask(["docker", "container", "inspect", "--format", "{{.State.Status}}", container], check=False).strip()


def _has_network(fleet: Fleet) -> bool:
    return bool(ask(["docker", "network", "inspect", fleet.network], check=False))


def _start(fleet: Fleet, host: str, kind: str, options: Sequence[str] = ()) -> str:
    image, _separator, origin = kind.partition("@")
    container = fleet.container(host)
    state = _state(container)
    if state and state != "running":
        if BY_NAME[image].boots:
            booting.prepare(container)
        ask(["docker", "start", container])
    if state:
        return container
    made_of = fleet.image(image, origin)
    own = booting.prepare(container) if BY_NAME[image].boots else ["--init"]
    command = ["docker", "run", "--pull", "never", "--detach", *own, "--name", container, "--hostname", host]
    command += ["--network", fleet.network, "--network-alias", host, "--label", OWN, "--label", fleet.label]
    try:
        ask([*command, *options, made_of])
    except HostError as error:
        if "No such image" not in str(error):
            raise
        way = f"tests/hosts/fleet snapshot {origin}" if origin else "tests/hosts/build"
        raise HostError(f"there is no image {made_of}; run {way} first") from error
    return container


def _wait_for(container: str, question: list[str]) -> None:
    for _attempt in range(100):
        if ask(["docker", "exec", container, *question], check=False):
            return
        time.sleep(0.1)
    raise HostError(f"{container} is not ready after 10 seconds ({' '.join(question)}); see docker logs {container}")


def _wait_for_boot(container: str) -> None:
    last = ""
    for _attempt in range(300):
        last = booting.state(container)
        if last == "running":
            return
        if last == "degraded":
            say(f"{container} is up, but degraded; failed units: {booting.failed_units(container)}")
            return
        time.sleep(0.1)
    raise HostError(f"{container} has not booted after 30 seconds (it says {last!r}); see docker logs {container}")


def up(fleet: Fleet, hosts: list[tuple[str, str]], options: Sequence[str] = ()) -> None:
    """Starts the repository and the hosts, with further options of docker run; what runs already is left alone."""
    repository = fleet.container("repo")
    serves = _state(repository) == "running"
    if not serves:
        if not _has_network(fleet):
            ask(["docker", "network", "create", "--label", OWN, "--label", fleet.label, fleet.network])
        _start(fleet, "repo", "repo")
    started = [(name, image, _start(fleet, name, image, options)) for name, image in hosts]
    for name, image, container in started:
        if BY_NAME[image.partition("@")[0]].boots:
            _wait_for_boot(container)
        _wait_for(container, ["ls", "/run/test-host-started"])
        say(f"{name}: {image} in container {container}")
    if not serves:
        _wait_for(repository, ["curl", "-fsS", "http://localhost/impostor/minor"])


def containers(fleet: Fleet) -> list[str]:
    """This fleet's containers, running or not."""
    filters = ["--filter", f"label={fleet.label}", "--filter", f"label={OWN}"]
    return ask(["docker", "ps", "--all", *filters, "--format", "{{.Names}}"]).split()


def snapshot(fleet: Fleet, host: str) -> str:
    """Keeps what a running host has on its disk as an image of this fleet; returns the image's name."""
    container = fleet.container(checked_name(host))
    if container not in containers(fleet):
        raise HostError(f"not in this fleet: {container}; it has {', '.join(containers(fleet)) or 'nothing'}")
    made_of = ask(["docker", "container", "inspect", "--format", "{{.Config.Image}}", container]).strip()
    made = fleet.image(made_of.removeprefix(f"{PREFIX}/").partition(":")[0], host)
    # What is started from it is a new host, which makes its hard-linked pairs anew.
    _move_marks(container, "", ".kept")
    ask(["docker", "commit", "--change", f"LABEL {fleet.label}", container, made])
    _move_marks(container, ".kept", "")
    return made


def _move_marks(container: str, old: str, new: str) -> None:
    """Renames what says that a host has been started, where it is there."""
    for mark in ("/run/test-host-started", "/var/lib/test-host-started"):
        script = f"[ ! -e {mark}{old} ] || mv {mark}{old} {mark}{new}"
        ask(["docker", "exec", container, "sh", "-c", script])


def _snapshots(fleet: Fleet) -> list[str]:
    filters = ["--filter", f"label={fleet.label}", "--filter", f"label={OWN}"]
    return ask(["docker", "image", "ls", *filters, "--format", "{{.Repository}}:{{.Tag}}"]).split()


def down(fleet: Fleet, hosts: list[str]) -> None:
    """Removes hosts, or with none named the whole fleet with its repository, snapshots and network."""
    ours = containers(fleet)
    doomed = [fleet.container(checked_name(host)) for host in hosts] if hosts else ours
    foreign = [name for name in doomed if name not in ours]
    if foreign:
        raise HostError(f"not in this fleet: {', '.join(foreign)}; it has {', '.join(ours) or 'nothing'}")
    if doomed:
        ask(["docker", "rm", "--force", "--volumes", *doomed])
        for container in doomed:
            booting.clean(container)
    if not hosts and _snapshots(fleet):
        ask(["docker", "image", "rm", *_snapshots(fleet)])
    if not hosts and _has_network(fleet):
        ask(["docker", "network", "rm", fleet.network])
