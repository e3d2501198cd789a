# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""SP211, SP212 and SP3xx: the package manager, SELinux, the packages of the contract, and what rpm obeys."""

import os
import typing as t

from ..._base.text import printable
from ..._rpm.packages import parse_nevra
from ..finding_records import NoRemedy, Reinstall, SetSelinux
from ..records import Observation, UnfinishedUpgrade
from ..remedies import reinstall
from ..rule import Deviation, Policy, listed, shown

__all__ = ["manager_broken", "owner_missing", "rpm_redirected", "selinux_weakened", "upgrade_unfinished"]

# How the user has the package manager finish what it began.
_WAYS_OUT = {"dnf": ("dnf distro-sync {0}", "dnf remove --duplicates"), "zypper": ("zypper verify",)}
_WITHOUT_MANAGER = ("rpm -U --replacepkgs with the package file of the release that is wanted",)
# Of /usr/lib/rpm/platform/x86_64-linux the first three are the folder of rpm.
_DEPTH = 4


def manager_broken(observation: Observation, _policy: Policy) -> t.Iterator[Deviation]:
    """SP211: the package manager does not start, or is not started because of what it would run."""
    manager, promised = observation["manager"], observation["contract"]["manager"]
    path = promised["argv"][0] if promised else None
    name = promised["name"] if promised else None
    if manager["state"] == "broken":
        yield Deviation(
            "{0} does not start although its files are as shipped".format(name),
            path=path,
            expected="exit code 0",
            actual=manager["reason"],
            evidence={"command": promised["argv"] if promised else [None]},
        )
    elif manager["blocked"]:
        yield Deviation(
            "{0} cannot be trusted to start: {1}".format(name, manager["reason"]),
            path=path,
            expected="every file that it runs verifies",
            actual=manager["reason"],
            evidence=listed(manager["blocked"]),
            # What blocks it has a finding of its own; where all of these have a remedy, this one goes away with them.
            remedy=None if _left_alone(observation).intersection(manager["blocked"]) else NoRemedy(action="none"),
        )


def _left_alone(observation: Observation) -> t.Set[str]:
    """Return what the package manager would obey or load, and no repair takes away."""
    settings = {one["path"] for one in observation["rpm_settings"] if not one["verified"]}
    settings.update(one["path"] for one in observation["libraries"] if one["path"])
    comes_back = {one["path"] for one in observation["drift"]}
    plugins = {one["path"] for one in observation["manager_plugins"] if not one["verified"]}
    return settings | (plugins - comes_back)


def selinux_weakened(observation: Observation, policy: Policy) -> t.Iterator[Deviation]:
    """SP212: SELinux is configured in another mode than the vendor's, or than the user asks for."""
    wanted = policy.selinux or observation["contract"]["selinux"]
    configured, source = observation["selinux"]["configured"], observation["selinux"]["source"]
    if not wanted or not configured or not source or configured == wanted:
        return
    yield Deviation(
        "SELinux is configured as {0}; the vendor ships {1}".format(configured, wanted),
        path=source.partition(":")[0],
        expected=wanted,
        actual=configured,
        evidence={"source": source},
        remedy=SetSelinux(action="selinux_config", mode=policy.selinux) if policy.selinux else None,
    )


def owner_missing(observation: Observation, policy: Policy) -> t.Iterator[Deviation]:
    """SP301: a package of the contract is not installed, or more than once."""
    for name in observation["missing_packages"]:
        binaries = observation["contract"]["binaries"]
        remedy = _install(observation, name)
        yield Deviation(
            "the package {0} is not installed".format(name),
            path=next((one["path"] for one in binaries if one["package"] == name), None),
            expected=remedy["nevra"] if remedy else name,
            actual="not installed",
            evidence={"package": name},
            remedy=remedy,
        )
    manager = observation["contract"]["manager"]
    for name, path in sorted(observation["unlinked"].items()):
        yield Deviation(
            "the package {0} is not installed, from which {1} comes in this release. Install it{2}".format(
                name, path, ": {0} install {1}".format(manager["name"], name) if manager else ""
            ),
            path=path,
            expected=name,
            actual="not installed",
            evidence={"package": name},
            remedy=_install(observation, name) if policy.install_link_package else None,
            severity="major",
        )
    for name, nevra in sorted(observation["duplicate_packages"].items()):
        yield Deviation(
            "the package {0} is recorded more than once".format(nevra),
            expected="once",
            actual="more than once",
            evidence={"package": name, "installed": nevra},
            remedy=reinstall(observation, name),
        )


def _install(observation: Observation, package: str) -> t.Optional[Reinstall]:
    """Return how to bring back a package of which only the others of its source are left: all have one release."""
    packages = observation["packages"]
    others = [parse_nevra(packages[name]) for name in observation["contract"]["packages"] if name in packages]
    if not others:
        return None
    wanted = others[0]._replace(name=package, arch=observation["architecture"])
    return Reinstall(action="reinstall", package=package, nevra=wanted.nevra, keep=[])


def upgrade_unfinished(observation: Observation, _policy: Policy) -> t.Iterator[Deviation]:
    """SP303: a package is recorded in several releases, because an upgrade was broken off."""
    manager = observation["contract"]["manager"]
    ways = _WAYS_OUT.get(manager["name"], _WITHOUT_MANAGER) if manager else _WITHOUT_MANAGER
    for one in observation["unfinished_upgrades"]:
        ways_out = [way.format(one["package"]) for way in ways]
        yield Deviation(
            "an upgrade of the package {0} was broken off: recorded are {1}. {2}. Finish it: {3}".format(
                one["package"], " and ".join(one["recorded"]), _what_is_there(one), ", or ".join(ways_out)
            ),
            expected="one release",
            actual=one["recorded"],
            evidence={
                "package": one["package"],
                "recorded": one["recorded"],
                "on_disk": one["on_disk"],
                "files": {nevra: listed(paths) for nevra, paths in one["found"].items()},
                "ways_out": ways_out,
            },
        )


def _what_is_there(upgrade: UnfinishedUpgrade) -> str:
    if upgrade["on_disk"]:
        return "On the disk is {0}".format(upgrade["on_disk"])
    if any(upgrade["found"].values()):
        return "On the disk are files of more than one of them, so nothing is repaired before"
    return "Their files do not tell which of them is on the disk, so nothing is repaired before"


def rpm_redirected(observation: Observation, _policy: Policy) -> t.Iterator[Deviation]:
    """SP304: rpm reads, runs or loads at its start what no package vouches for."""
    for (_folder, owner, literal), paths in sorted(_by_folder(observation).items(), key=lambda one: one[1]):
        obeyed = printable(paths[0]) if len(paths) == 1 else "{0} files ({1})".format(len(paths), shown(paths))
        whose = "not as shipped by the package " + owner if owner else "owned by no package"
        able = "that can run commands as root, or decide whom rpm believes"
        yield Deviation(
            "each rpm and package manager obeys {0}, {1}; {2}".format(
                obeyed, whose, "which only defines names" if literal else able
            ),
            path=paths[0],
            expected="what packages ship",
            actual=whose,
            evidence=listed(paths, owner=owner or None, literal=literal),
            severity="info" if literal else None,
        )


def _by_folder(observation: Observation) -> t.Dict[t.Tuple[str, str, bool], t.List[str]]:
    """Return the files by the folder of rpm that they are in: a C(chmod -R 777 /usr) is about hundreds of them."""
    found: t.Dict[t.Tuple[str, str, bool], t.List[str]] = {}
    for one in observation["rpm_settings"]:
        if not one["verified"] and not (one["owner"] and one["literal"]):
            folder = "/".join(os.path.dirname(one["path"]).split("/")[:_DEPTH])
            found.setdefault((folder, one["owner"] or "", one["literal"]), []).append(one["path"])
    return found
