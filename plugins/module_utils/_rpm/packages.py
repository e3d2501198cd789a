# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Packages and their files as their headers describe them, and what a package is identified by."""

import re
import typing as t

from .._base.errors import InvalidDataError
from .._base.text import printable
from .._disk.links import plain_kind
from .verify_output import ATTRIBUTES

__all__ = [
    "Needing",
    "PackageId",
    "RpmFile",
    "RpmPackage",
    "parse_nevra",
]

_NEVRA = re.compile(r"(.+)-(?:([0-9]+):)?([^-:]+)-([^-:]+)\.([^-:.]+)\Z", re.DOTALL)

# Attribute letter -> bit in FILEFLAGS (rpmfileAttrs of rpmfiles.h), in the order in which rpm looks for the letter.
_FLAG_BITS = (
    ("d", 1 << 1),
    ("c", 1 << 0),
    ("s", 1 << 5),
    ("m", 1 << 3),
    ("n", 1 << 4),
    ("g", 1 << 6),
    ("l", 1 << 7),
    ("r", 1 << 8),
    ("a", 1 << 12),
)
_BIT_OF = {ATTRIBUTES[letter]: bit for letter, bit in _FLAG_BITS}


class RpmFile(t.NamedTuple):
    """One file as a package's header describes it.

    C(size) in bytes, C(mode) the whole C(st_mode), C(mtime) in seconds of Unix time, C(digest) in hexadecimal, empty
    for what is no regular file, C(linkto) empty for what is no link, C(flags) and C(verify_flags) rpm's bits,
    C(state) one of V(normal), V(replaced), V(not installed), V(net shared), V(wrong color) and V(missing) (no state
    recorded, as in a package file), C(caps) text such as V(cap_net_raw=ep).
    """

    path: str
    size: int
    mode: int
    mtime: int
    digest: str
    owner: str
    group: str
    linkto: str
    flags: int
    state: str
    caps: str
    verify_flags: int

    @property
    def types(self) -> t.Tuple[str, ...]:
        """Return the file's types by name, in the order in which rpm prints their first letter."""
        return tuple(ATTRIBUTES[letter] for letter, bit in _FLAG_BITS if self.flags & bit)

    @property
    def attribute(self) -> str:
        """Return the letter that C(rpm -V) prints for the file, or an empty string."""
        return next((letter for letter, bit in _FLAG_BITS if self.flags & bit), "")

    @property
    def kind(self) -> str:
        """Return V(file), V(link), V(directory) or V(other)."""
        return plain_kind(self.mode)

    @property
    def is_config(self) -> bool:
        return self.is_type("config")

    @property
    def is_doc(self) -> bool:
        return self.is_type("doc")

    @property
    def is_ghost(self) -> bool:
        return self.is_type("ghost")

    @property
    def is_missingok(self) -> bool:
        return self.is_type("missingok")

    def is_type(self, name: str) -> bool:
        """Return whether the file is of the type C(name), one of the values of C(ATTRIBUTES)."""
        return bool(self.flags & _BIT_OF[name])


class PackageId(t.NamedTuple):
    """What a package is identified by: two that differ in any of the five are two packages."""

    name: str
    epoch: int
    version: str
    release: str
    arch: str

    @property
    def evr(self) -> str:
        """Return C([epoch:]version-release)."""
        return "{0}{1}-{2}".format("{0}:".format(self.epoch) if self.epoch else "", self.version, self.release)

    @property
    def nevra(self) -> str:
        """Return C(name-[epoch:]version-release.arch), without what is 0 or empty: how people call it."""
        return "{0}-{1}{2}".format(self.name, self.evr, "." + self.arch if self.arch else "")

    @property
    def nvra(self) -> str:
        """Return C(name-version-release.arch), as in the name of a package file."""
        return self._replace(epoch=0).nevra

    @property
    def label(self) -> str:
        """Return what rpm, from 4.14 on, takes for this package and no other: without an epoch it takes any."""
        return "{0}-{1}:{2}-{3}{4}".format(
            self.name, self.epoch, self.version, self.release, "." + self.arch if self.arch else ""
        )


def parse_nevra(nevra: str) -> PackageId:
    """Return the package that is called C(nevra), or by its label. Raises InvalidDataError."""
    match = _NEVRA.match(nevra)
    if match is None:
        raise InvalidDataError("Not a package's full name: {0}".format(printable(nevra)), name=nevra)
    name, epoch, version, release, arch = match.groups()
    return PackageId(name, int(epoch or 0), version, release, arch)


class RpmPackage(t.NamedTuple):
    """One installed package, or one package file.

    C(install_time) in seconds of Unix time, 0 for a package file. C(digest_algorithm) is the name for C(hashlib).
    """

    id: PackageId
    vendor: str
    install_time: int
    files: t.Tuple[RpmFile, ...]
    digest_algorithm: str

    @property
    def name(self) -> str:
        return self.id.name

    @property
    def arch(self) -> str:
        return self.id.arch

    @property
    def evr(self) -> str:
        return self.id.evr

    @property
    def nevra(self) -> str:
        return self.id.nevra


class Needing(t.NamedTuple):
    """A package and what it requires: C((capability, relation, version)), the last two empty where there are none."""

    name: str
    nevra: str
    needs: t.Tuple[t.Tuple[str, str, str], ...]
