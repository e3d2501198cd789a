"""What a container needs in which systemd is to run: a cgroup2 hierarchy of its own, and the options of docker run.

The engine may be on cgroup v1 and privileged containers may be refused. So each container gets a folder of a cgroup2
hierarchy that is mounted for it alone and unmounted when it is removed.
"""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hostkit.shell import HostError, ask

MOUNTS = Path("/run/fleet-system-python/cgroup2")
OPTIONS = (
    *("--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined", "--cgroupns", "host"),
    *("--tmpfs", "/run", "--tmpfs", "/tmp", "--env", "container=docker"),  # noqa: S108 - in the container
)


@functools.cache
def obstacle() -> str:
    """Why no host can boot on this machine, '' when it can: a cgroup2 hierarchy is mounted and given up again."""
    if os.geteuid() != 0:
        return "only root can mount the cgroup2 hierarchy that a booted host needs"
    if not os.environ.get("DOCKER_HOST", "unix:").startswith("unix:"):
        return "the engine is on another machine (DOCKER_HOST), and the cgroup2 hierarchy is mounted on this one"
    with tempfile.TemporaryDirectory(prefix="fsp-cgroup2-") as folder:
        try:
            with _mounted(Path(folder)):
                probe = Path(folder) / Path(folder).name
                probe.mkdir()
                probe.rmdir()
        except (HostError, OSError) as error:
            return f"no folder can be made in a cgroup2 hierarchy here, which a booted host needs: {error}"
    return ""


@contextmanager
def _mounted(folder: Path) -> Iterator[None]:
    ask(["mount", "-t", "cgroup2", "none", folder])
    try:
        yield
    finally:
        ask(["umount", folder])


def _subtree(container: str) -> Path:
    # A slice: systemd's journal finds the unit of a process by the first part of its path that is not one.
    return MOUNTS / container / f"{container}.slice"


def prepare(container: str) -> list[str]:
    """Mounts the container's hierarchy and returns the options of docker run that go with it."""
    reason = obstacle()
    if reason:
        raise HostError(f"{container} is not available: {reason}")
    mount = MOUNTS / container
    mount.mkdir(parents=True, exist_ok=True)
    if not mount.is_mount():
        ask(["mount", "-t", "cgroup2", "none", mount])
    _subtree(container).mkdir(exist_ok=True)
    return [*OPTIONS, "--volume", f"{_subtree(container)}:/sys/fs/cgroup:rw"]


def clean(container: str) -> None:
    """Takes away what `prepare` made for a container that is gone; without it nothing happens."""
    mount = MOUNTS / container
    if not mount.is_dir():
        return
    if mount.is_mount():
        ask(["find", _subtree(container), "-depth", "-type", "d", "-delete"])
        ask(["umount", mount])
    mount.rmdir()


def state(container: str) -> str:
    """What `systemctl is-system-running` says ("starting", "running", ...); '' while systemd does not answer."""
    # Its exit code is not 0 unless it says "running".
    question = "systemctl is-system-running 2>&1 || true"
    return ask(["docker", "exec", container, "sh", "-c", question], check=False).strip()


def failed_units(container: str) -> str:
    """Names of the units that failed, for a message."""
    listing = ["systemctl", "list-units", "--failed", "--plain", "--no-legend", "--no-pager"]
    lines = ask(["docker", "exec", container, *listing], check=False).splitlines()
    return ", ".join(line.split()[0] for line in lines if line.split())
