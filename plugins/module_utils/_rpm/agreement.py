# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Whether the answers of one database agree: its indexes may have lost what its headers still have.

C(rpm -q NAME) goes by the index of names, C(rpm -qf PATH) by that of files, and what a package holds comes from its
header. With a lost row in an index, rpm denies a package or an owner without a word of error, and with exit code 1 as
for what is not there.
"""

import typing as t

from .._base.text import printable
from .packages import PackageId, RpmPackage

__all__ = ["Answers", "Contradiction"]


class Contradiction(t.NamedTuple):
    """C(subject) is a path or the name of a package, C(said) what one answer says of it against the other.

    C(path) and C(package) are what to ask for again: the older answer may be from before a transaction.
    """

    subject: str
    said: str
    path: str = ""
    package: str = ""

    def __str__(self) -> str:
        if self.subject.startswith("/"):
            return "rpm -qf finds no owner of {0}, but {1}".format(printable(self.subject), self.said)
        return "rpm -q denies the package {0}, but {1}".format(printable(self.subject), self.said)


class Answers:
    """What a database has answered so far."""

    def __init__(self) -> None:
        self._recorded: t.Dict[str, str] = {}
        self._unowned: t.Set[str] = set()
        self._owning: t.Dict[str, str] = {}
        self._denied: t.Set[str] = set()

    def add_packages(self, packages: t.Iterable[RpmPackage], denied: t.Iterable[str]) -> t.Optional[Contradiction]:
        """Add the answer of C(rpm -q), and return what in it contradicts an earlier one."""
        self._denied.update(denied)
        for package in packages:
            self._recorded.update((file.path, package.name) for file in package.files if file.state == "normal")
        return self._contradiction()

    def add_owners(self, owners: t.Mapping[str, t.Sequence[PackageId]]) -> t.Optional[Contradiction]:
        """Add the answer of C(rpm -qf), and return what in it contradicts an earlier one."""
        for path, found in owners.items():
            for owner in found:
                self._owning.update(dict.fromkeys((owner.name, owner.nevra, owner.label), path))
        self._unowned.update(path for path, found in owners.items() if not found)
        return self._contradiction()

    def _contradiction(self) -> t.Optional[Contradiction]:
        for path in sorted(self._unowned.intersection(self._recorded)):
            package = self._recorded[path]
            return Contradiction(path, "the package {0} has it in its record".format(package), path, package)
        for name in sorted(self._denied.intersection(self._owning)):
            path = self._owning[name]
            return Contradiction(name, "rpm -qf names it as the owner of {0}".format(printable(path)), path, name)
        return None
