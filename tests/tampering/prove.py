"""Applies tamperings to fresh test hosts, one host for each, and says which really break what they say.

Usage: tests/tampering/prove [--image rhel9|sles15|el8|el10|sles16|leap15] [NAME...]

Needs the images of tests/hosts/build. Without names all are tried.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from apply import TamperingError, apply, load, names

FLEET = [str(Path(__file__).resolve().parents[1] / "hosts/fleet"), "--fleet", "tampering"]
IMAGES = ("rhel9", "sles15", "el8", "el10", "sles16", "leap15")


def fleet(*arguments: str) -> None:
    """Runs tests/hosts/fleet for a fleet of our own."""
    done = subprocess.run([*FLEET, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise TamperingError(done.stderr.strip())


def try_one(name: str, image: str) -> str:
    """'' when the tampering does what it says on a fresh host, else what it did not."""
    host = f"{image}-victim"
    fleet("up", f"{host}={image}")
    try:
        apply(f"fsp-tampering-{host}", name)
    except TamperingError as error:
        return str(error)
    finally:
        fleet("down", host)
    return ""


def main(arguments: Sequence[str]) -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(prog="tests/tampering/prove", description="Proves the tamperings.")
    parser.add_argument("--image", choices=IMAGES, action="append", help="only on this operating system")
    parser.add_argument("name", nargs="*")
    options = parser.parse_args(arguments)
    wanted = [(name, image) for name in options.name or names() for image in load(name)["applies_to"]]
    todo = [(name, image) for name, image in wanted if image in (options.image or IMAGES)]
    begin = time.monotonic()
    failures = 0
    for name, image in todo:
        problem = try_one(name, image)
        failures += bool(problem)
        if problem:
            print(f"FAILED on {image}: {problem}", flush=True)
    fleet("down")
    print(f"{len(todo) - failures} of {len(todo)} tamperings proved in {time.monotonic() - begin:.0f} s")
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except TamperingError as error:
        print(f"tests/tampering/prove: {error}", file=sys.stderr)
        sys.exit(1)
