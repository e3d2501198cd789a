"""Starts, lists and removes test hosts.

Usage: tests/hosts/fleet [--fleet NAME] up HOST=rhel9 HOST=sles15 ...
       tests/hosts/fleet [--fleet NAME] snapshot HOST, then: up OTHER=rhel9@HOST ...
       tests/hosts/fleet [--fleet NAME] down [HOST...]
       tests/hosts/fleet [--fleet NAME] list

Every fleet has a network and a repository container (alias `repo`) of its own, so fleets do not disturb each other.
"""

from __future__ import annotations

import argparse
import sys

from hostkit import fleets
from hostkit.shell import HostError, fail


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="tests/hosts/fleet", description="Starts, lists and removes test hosts.")
    parser.add_argument(
        "--fleet", default="", metavar="NAME", help="an independent fleet; default: the one without a name"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start hosts, and the repository that they use")
    example = "for example web1=rhel9 db1=sles15, or web2=rhel9@web1 from a snapshot"
    up.add_argument("host", nargs="+", metavar="HOST=IMAGE", help=example)
    snapshot = commands.add_parser("snapshot", help="keep a host's disk as an image, to start more hosts from")
    snapshot.add_argument("host", metavar="HOST")
    down = commands.add_parser("down", help="remove hosts; without names the whole fleet")
    down.add_argument("host", nargs="*", metavar="HOST")
    commands.add_parser("list", help="print this fleet's containers")
    return parser.parse_args()


def main() -> int:
    """Runs the command."""
    options = arguments()
    fleet = fleets.Fleet(fleets.checked_name(options.fleet) if options.fleet else "")
    if options.command == "up":
        fleets.up(fleet, [fleets.parse_host(text) for text in options.host])
    elif options.command == "snapshot":
        print(fleets.snapshot(fleet, options.host))
    elif options.command == "down":
        fleets.down(fleet, options.host)
    else:
        print("\n".join(fleets.containers(fleet)))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except HostError as error:
        sys.exit(fail("tests/hosts/fleet", error))
