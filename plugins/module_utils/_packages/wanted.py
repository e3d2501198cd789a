# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The exact packages that are wanted, and where package managers keep some."""

import typing as t

from .._rpm.packages import PackageId, RpmPackage

__all__ = ["CACHE_FOLDERS", "Wanted", "wanted_of"]

CACHE_FOLDERS = (
    "/var/cache/dnf",
    "/var/cache/libdnf5",
    "/var/cache/yum",
    "/var/cache/zypp/packages",
    "/var/cache/PackageKit",
)


class Wanted(t.NamedTuple):
    """One package that is wanted. C(installed) is its header in the database, None when it is not installed."""

    id: PackageId
    installed: t.Optional[RpmPackage] = None

    @property
    def name(self) -> str:
        return self.id.name

    @property
    def evr(self) -> str:
        return self.id.evr

    @property
    def nevra(self) -> str:
        return self.id.nevra

    def accepts(self, name: str, evr: str, arch: str) -> bool:
        """Tell whether a package of this name, C([epoch:]version-release) and architecture is the one."""
        return (name, evr, arch) == (self.name, self.evr, self.id.arch)


def wanted_of(packages: t.Iterable[RpmPackage]) -> t.List[Wanted]:
    """Return what is wanted to reinstall the installed C(packages); the same one installed twice is wanted once."""
    found: t.Dict[PackageId, Wanted] = {}
    for package in packages:
        found.setdefault(package.id, Wanted(package.id, package))
    return list(found.values())
