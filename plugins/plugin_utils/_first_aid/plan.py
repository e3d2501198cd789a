# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What must come back so that a host has a trusted interpreter again: pure data from what the probe saw."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ...module_utils._audit.waivers import Waiver, today
from ...module_utils._base.text import printable, shortened
from ...module_utils._packages.wanted import Wanted
from ...module_utils._rpm.packages import PackageId
from ...module_utils._rpm.verify_output import VerifyEntry, is_drift, parse_verify
from .candidate import METADATA
from .core import Supported
from .errors import NoInterpreterError, NoUsableVersionError, UnfinishedUpgradeError
from .probe import Probe
from .records import RecoveryPlan

__all__ = ["Target", "is_part_of", "plan_targets"]


@dataclass
class Target:
    """One version that can be brought back: by these packages, and by moving these paths out of the way.

    C(ways) are folders above it that others than root may change, C(overwritten) what other content comes to.
    """

    minor: str
    binary: str
    wanted: list[Wanted] = field(default_factory=list)
    in_the_way: list[str] = field(default_factory=list)
    ways: list[str] = field(default_factory=list)
    overwritten: list[str] = field(default_factory=list)

    @property
    def nevras(self) -> list[str]:
        """Return the packages' full names."""
        return [one.nevra for one in self.wanted]

    def as_plan(self) -> RecoveryPlan:
        """Return the plan as data for the result."""
        shown = [printable(path) for path in self.in_the_way]
        return RecoveryPlan(
            version=self.minor, packages=self.nevras, move_aside=shown, close=[printable(path) for path in self.ways]
        )


def plan_targets(probe: Probe, supported: Supported, waivers: Sequence[Waiver] = ()) -> list[Target]:
    """Return what can be brought back without a change of what C(waivers) accept, the best first.

    Raises NoUsableVersionError when no installed package has a version that the core can use, NoInterpreterError when
    nothing that is installed could be made trustworthy by reinstalling it, UnfinishedUpgradeError when it cannot be
    told which of several recorded releases that would be.
    """
    usable = [minor for minor in probe.installed if supported.includes(minor)]
    if not usable:
        raise _no_usable_version(probe, supported)
    targets = [_target_of(probe, minor) for minor in usable]
    helpful = [target for target in targets if target.wanted or target.in_the_way or target.ways]
    if not helpful:
        raise NoInterpreterError(
            f"No interpreter is trusted, and reinstalling would not change that. Nothing was changed. {probe.reasons}.",
            rejected=probe.rejected(),
        )
    allowed = [target for target in helpful if not _accepted(target, waivers)]
    if not allowed:
        raise _all_accepted(probe, _accepted(helpful[0], waivers))
    return allowed


def _accepted(target: Target, waivers: Sequence[Waiver]) -> dict[str, Waiver]:
    """Return the paths, each with its exception, that would not stay as the user accepts them.

    A mode that is accepted is the package's after each of its updates, too.
    """
    day = today()
    decided = [one for one in waivers if one.rule != "SP207" and not one.is_expired(day)]
    touched = target.overwritten + target.in_the_way + target.ways
    return {path: one for path in touched for one in decided if one.matches(path)}


def _all_accepted(probe: Probe, accepted: Mapping[str, Waiver]) -> NoInterpreterError:
    """Nothing that no package vouches for is run as root, whatever is accepted: then the host has no Python for us."""
    shown = shortened((f"{printable(path)} ({one.rule}: {one.reason})" for path, one in accepted.items()), 3)
    return NoInterpreterError(
        f"No interpreter is trusted, and restoring one would remove what an exception accepts: {shown}. Nothing "
        "was changed. Install another packaged Python that this ansible-core can use, or end the exception. "
        f"{probe.reasons}.",
        rejected=probe.rejected(),
        accepted=list(accepted),
    )


def _target_of(probe: Probe, minor: str) -> Target:
    # The first binary of a version is its main one; its twins and shims come back with the same packages.
    binary, owners = next(iter(probe.installed[minor].items()))
    candidates = [one for one in probe.candidates if one.minor == minor]
    target = Target(
        minor,
        binary,
        in_the_way=[path for one in candidates for path in one.planted],
        ways=sorted({path for one in candidates for path in one.ways}),
    )
    entries = {owner: parse_verify(probe.verified.get(owner.nevra, "")) for owner in owners}
    altered = {owner: frozenset(entry.path for entry in entries[owner] if is_drift(entry)) for owner in owners}
    for name in dict.fromkeys(owner.name for owner in owners):
        owner = _release_on_disk({owner: paths for owner, paths in altered.items() if owner.name == name}, minor)
        if _has_part(altered[owner], minor) or any(one.astray for one in candidates):
            target.wanted.append(Wanted(owner))
            target.overwritten += [entry.path for entry in entries[owner] if is_drift(entry) and _has_content(entry)]
    return target


def _has_content(entry: VerifyEntry) -> bool:
    """Tell whether something else than the package's is there."""
    return not entry.missing and bool(entry.note or set(entry.altered) - METADATA)


def _has_part(paths: frozenset[str], minor: str) -> bool:
    return any(is_part_of(path, minor) for path in paths)


def _release_on_disk(altered: Mapping[PackageId, frozenset[str]], minor: str) -> PackageId:
    """Return the package; of several releases, one of which no part of the interpreter is altered.

    Else it is the one whose altered files every other one finds altered, too, and more.
    """
    intact = [one for one, paths in altered.items() if not _has_part(paths, minor)]
    least = [one for one in altered if all(altered[one] < paths for other, paths in altered.items() if other != one)]
    for one in intact + least:
        return one
    raise _unfinished_upgrade(list(altered))


def _unfinished_upgrade(releases: Sequence[PackageId]) -> UnfinishedUpgradeError:
    names = " and ".join(one.nevra for one in releases)
    return UnfinishedUpgradeError(
        f"No interpreter is trusted, and an upgrade of {releases[0].name} was broken off: recorded are {names}, and "
        "the files on the disk do not tell which of them is installed. Nothing was changed. Finish the upgrade: dnf "
        f"distro-sync {releases[0].name}, or dnf remove --duplicates, or zypper verify; where dnf does not start, rpm "
        "-U --replacepkgs with the package files of the release that you want.",
        packages=[one.nevra for one in releases],
    )


def is_part_of(path: str, minor: str) -> bool:
    """Tell whether a path belongs to what an interpreter of that version executes."""
    if re.search(r"/(?:site|dist)-packages(?:/|$)|/EXTERNALLY-MANAGED$", path):
        return False
    number = re.escape(minor)
    return bool(
        re.match(rf"/usr/(?:bin/python|libexec/platform-python){number}m?$", path)
        or re.match(rf"/usr/lib(?:64)?/python{number}(?:/|$)", path)
        or re.match(rf"(?:/usr)?/lib(?:64)?/libpython{number}m?\.so[.0-9]*$", path)
    )


def _no_usable_version(probe: Probe, supported: Supported) -> NoUsableVersionError:
    listed = [f"{minor} ({next(iter(owners.values()))[0].nevra})" for minor, owners in probe.installed.items()]
    installed = ", ".join(listed) if listed else "none"
    return NoUsableVersionError(
        f"No installed package has a Python that this ansible-core can use. It needs {supported.oldest} to "
        f"{supported.newest}; installed: {installed}. Nothing was changed. Install a packaged parallel version "
        "(python3.11 on EL 8, python311 on SLES 15), with the option 'install' of python_first_aid if you want, "
        "or use an ansible-core that supports the installed version (2.16 is the last one for 3.6).",
        installed=list(probe.installed),
        oldest=supported.oldest,
        newest=supported.newest,
    )
