# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What must come back so that a host has a trusted interpreter again: pure data from what the probe saw."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fleet.system_python.plugins.module_utils._rpm_verify import VerifyEntry, is_drift, parse_verify
from ansible_collections.fleet.system_python.plugins.module_utils._text import printable
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_core import Supported
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_errors import (
    NoInterpreterError,
    NoUsableVersionError,
)
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_probe import Owner, Probe

__all__ = ["Target", "Wanted", "is_part_of", "plan_targets", "split_nevra"]

_NEVRA = re.compile(r"^(?P<name>.+)-(?:(?P<epoch>\d+):)?(?P<version>[^-:]+)-(?P<release>[^-]+)\.(?P<arch>[^.-]+)$")


@dataclass(frozen=True)
class Wanted:
    """One package that must come back, at the installed version. C(missing_files) are paths that it lacks."""

    name: str
    nevra: str
    replaced: bool = False

    @property
    def nvra(self) -> str:
        """Return the form without the epoch, which package files have as their names."""
        name, _epoch, version, release, arch = split_nevra(self.nevra)
        return f"{name}-{version}-{release}.{arch}"

    @property
    def evr(self) -> str:
        """Return [epoch:]version-release."""
        _name, epoch, version, release, _arch = split_nevra(self.nevra)
        return f"{epoch}:{version}-{release}" if epoch else f"{version}-{release}"


@dataclass
class Target:
    """One version that can be brought back: by these packages, and by moving these paths out of the way."""

    minor: str
    binary: str
    owners: list[Owner]
    wanted: list[Wanted] = field(default_factory=list)
    in_the_way: list[str] = field(default_factory=list)

    def as_plan(self) -> dict[str, Any]:
        """Return the plan as data for the result."""
        return {
            "version": self.minor,
            "packages": [one.nevra for one in self.wanted],
            "move_aside": [printable(path) for path in self.in_the_way],
        }


def split_nevra(nevra: str) -> tuple[str, str, str, str, str]:
    """Return name, epoch (may be empty), version, release and architecture of C(name-[epoch:]version-release.arch)."""
    match = _NEVRA.match(nevra)
    if not match:
        raise ValueError(f"not a package: {nevra!r}")
    epoch = match.group("epoch") or ""
    return (
        match.group("name"),
        "" if epoch == "0" else epoch,
        match.group("version"),
        match.group("release"),
        match.group("arch"),
    )


def plan_targets(probe: Probe, supported: Supported) -> list[Target]:
    """Return what can be brought back, the best first.

    Raises NoUsableVersionError when no installed package has a version that the core can use, NoInterpreterError when
    nothing that is installed could be made trustworthy by reinstalling it.
    """
    usable = [minor for minor in probe.installed if minor in supported.minors or minor in supported.newer]
    if not usable:
        raise _no_usable_version(probe, supported)
    targets = [target for minor in usable for target in _targets_of(probe, minor)]
    helpful = [target for target in targets if target.wanted or target.in_the_way]
    if not helpful:
        reasons = "; ".join(f"{one['path']}: {one['reason']}" for one in probe.rejected())
        raise NoInterpreterError(
            f"No interpreter is trusted, and reinstalling would not change that. Nothing was changed. {reasons}.",
            rejected=probe.rejected(),
        )
    return helpful


def _targets_of(probe: Probe, minor: str) -> list[Target]:
    # The first binary of a version is its main one; its twins and shims come back with the same packages.
    binary, owners = next(iter(probe.installed[minor].items()))
    wanted = []
    for owner in _unique(owners):
        entries = [entry for entry in _drift_of(probe, owner) if is_part_of(entry.path, minor)]
        if entries or any(one.astray and one.minor == minor for one in probe.candidates):
            wanted.append(Wanted(owner.name, owner.nevra, any(entry.note == "replaced" for entry in entries)))
    planted = [path for one in probe.candidates if one.minor == minor for path in one.planted]
    return [Target(minor, binary, list(owners), wanted, planted)]


def _unique(owners: Iterable[Owner]) -> list[Owner]:
    return list(dict.fromkeys(owners))


def _drift_of(probe: Probe, owner: Owner) -> list[VerifyEntry]:
    return [entry for entry in parse_verify(probe.verified.get(owner.nvra, "")) if is_drift(entry)]


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
    listed = [f"{minor} ({_first(owners).nevra})" for minor, owners in probe.installed.items()]
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


def _first(owners: Mapping[str, Sequence[Owner]]) -> Owner:
    return next(iter(owners.values()))[0]
