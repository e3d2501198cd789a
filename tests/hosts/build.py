"""Builds the local test hosts, or finds that they are up to date.

Usage: tests/hosts/build [--list | --reasons] [IMAGE...]

Without names every image is built that this machine can build: rhel9, sles15, debian, hosts that boot, repo and what
they need.
--list prints the host images that are available now, one per line, and builds nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import sys
from collections.abc import Iterator

from hostkit import booting, images, machine
from hostkit.shell import BUILD, HostError, fail, say


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="tests/hosts/build", description="Builds the local test hosts.")
    parser.add_argument("--list", action="store_true", help="print the host images that exist now and build nothing")
    parser.add_argument("image", nargs="*", help=f"any of {', '.join(images.BY_NAME)}; default: all")
    return parser.parse_args()


def main() -> int:
    """Runs the command."""
    options = arguments()
    unknown = [name for name in options.image if name not in images.BY_NAME]
    if unknown:
        raise HostError(f"no image {', '.join(unknown)}; there are {', '.join(images.BY_NAME)}")
    BUILD.mkdir(parents=True, exist_ok=True)
    if options.list:
        made = images.present()
        usable = (image for image in images.IMAGES if image.is_host and image.name in made)
        print("\n".join(image.name for image in usable if not (image.boots and booting.obstacle())))
        return 0
    with one_at_a_time():
        return build(options.image or list(images.BY_NAME))


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Waits while another run builds: it may be building the same images."""
    with (BUILD / "build.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another run of tests/hosts/build is at work; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(names: list[str]) -> int:
    """Builds images by name and says what was skipped, and why."""
    machine.engine()
    for name in names:
        reason = images.missing(images.BY_NAME[name])
        if reason:
            say(f"SKIPPED {name}: {reason}")
    built = images.build(images.with_parents(names))
    say("ready: " + " ".join(images.tag(name) for name in built if name in names))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except HostError as error:
        sys.exit(fail("tests/hosts/build", error))
