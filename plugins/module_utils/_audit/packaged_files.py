# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What the rpm database says of the files of an audit: who owns them, and whether they are as shipped."""

import os
import typing as t

from .._disk.links import end_of, resolve
from .._disk.root import Root
from .._rpm.database import Rpm
from .._rpm.judgement import MODE_DIFFERS, difference, is_promised
from .._rpm.packages import PackageId, RpmFile, RpmPackage
from .._rpm.releases import Releases, architecture_at, by_name, compare_releases, of_architecture
from .._rpm.verify_output import VerifyEntry, is_drift
from .file_state import has_content, has_stricter_mode, is_as_recorded, rights_astray
from .records import Contract, ContractLink

__all__ = ["PackagedFiles"]

_OF_RPM = ("rpm", "rpm-libs")
# What rpm says of a file in a folder that it may not look into.
_DENIED = "Permission denied"


class PackagedFiles:
    """The files of the contract's packages, and of those that own what else may run. Raises DatabaseError.

    C(packages) are by name, each as it lies on the disk (releases.py), C(releases) all that is recorded of those of the
    contract; C(records) maps a path to its package and what that recorded. All of them have their paths by one name
    (C(name)), and so have the answers about any path. C(architecture) is the system Python's: what
    is installed beside it for another one is not, though its paths are C(owned), too. C(drift), by path, is empty until
    take_verification, and so is C(unread), what could not be read or found without root. C(is_due) is false where this
    system has no Python of its own and needs none.
    """

    def __init__(self, contract: Contract, rpm: Rpm, root: Root) -> None:
        self._contract = contract
        self._rpm = rpm
        self._root = root
        self.scope = contract["packages"] + contract["optional_packages"]
        self.packages: t.Dict[str, RpmPackage] = {}
        self.records: t.Dict[str, t.Tuple[str, RpmFile]] = {}
        self.drift: t.Dict[str, VerifyEntry] = {}
        self.unread: t.Set[str] = set()
        self._owners: t.Dict[str, t.List[PackageId]] = {}
        self._verified: t.Dict[str, t.Optional[bool]] = {}
        self._tops: t.Dict[str, str] = {}
        # What is of rpm itself need not be asked for: see ask_owners.
        found = self._named(rpm.query([*self.scope, *_OF_RPM]).packages)
        self._of_rpm = [package for package in found if package.name in _OF_RPM]
        found = [package for package in found if package.name not in _OF_RPM]
        self._known = {package.id for package in found + self._of_rpm}
        # These rpm finds faster by their names.
        self._single = {name for name, several in by_name(found).items() if len(several) == 1}
        self.owned = {record.path for package in found for record in package.files}
        self.architecture = architecture_at(contract["binaries"][0]["path"], found)
        if found and not self.architecture:
            self.architecture = rpm.architecture()
        self._others: t.List[Releases] = []
        self._undoubted = {record.path for package in self._of_rpm for record in package.files}
        self.releases = self._add_packages(of_architecture(found, self.architecture))
        self.is_due = self._is_system_python_due()

    def _add_packages(self, packages: t.Iterable[RpmPackage]) -> t.List[Releases]:
        releases = [compare_releases(several, self._lies_there) for several in by_name(packages).values()]
        for one in releases:
            self.packages[one.counts.name] = one.counts
            for record in one.counts.files:
                # The first one counts: the contract's package, where another one has taken its file over.
                self.records.setdefault(record.path, (one.counts.name, record))
        return releases

    def name(self, path: str) -> str:
        """Return the one name of C(path) where /usr is merged: a package from before that has /usr/lib64/x as /lib64/x.

        Links further down are left as they are: that there is one in a package's folder is for rules to see.
        """
        top, slash, rest = path[1:].partition("/")
        if top not in self._tops:
            real = self._root.realpath("/" + top)
            self._tops[top] = real if real.startswith("/usr/") else "/" + top
        return self._tops[top] + slash + rest

    def _named(self, packages: t.Iterable[RpmPackage]) -> t.List[RpmPackage]:
        return [package._replace(files=tuple(map(self._named_record, package.files))) for package in packages]

    def _named_record(self, record: RpmFile) -> RpmFile:
        name = self.name(record.path)
        return record if name == record.path else record._replace(path=name)

    def _record(self, path: str) -> t.Tuple[t.Optional[str], t.Optional[RpmFile]]:
        """Return the package of C(path) and what that recorded, null for both where none of those known has it."""
        return self.records.get(self.name(path), (None, None))

    def _lies_there(self, record: RpmFile) -> bool:
        return has_content(record, self._root)

    def labels(self) -> t.List[str]:
        """Return how rpm is asked for the packages of the contract."""
        return [one.counts.name if one.counts.name in self._single else one.counts.id.label for one in self.releases]

    def ask_owners(self, paths: t.Iterable[str], movable: t.Collection[str] = ()) -> None:
        """Ask rpm who owns C(paths) and C(movable); before, owner() knows the files of the contract's packages only.

        Of C(movable), what nobody owns may be moved away: no record of any package may have it, either. The files of
        rpm itself are not asked for, unless they are movable: there are a hundred that are called C(macros), and for
        each name rpm looks through all packages that have one.
        """
        asked = set(map(self.name, paths)) - self._undoubted
        self._owners.update(self._rpm.owners(sorted(asked.union(map(self.name, movable)))))
        self._rpm.require_unowned([path for path in movable if not self.is_owned(path)], self._root.realpath)

    def take_verification(self, entries: t.Iterable[VerifyEntry]) -> None:
        """Take what C(rpm -V) said."""
        # Where it is not known which release is there, what is as any of them has it is as shipped.
        rivals = [one for one in self.releases if one.on_disk is None]
        named = [one._replace(path=self.name(one.path)) for one in entries]
        hidden = _hidden(named)
        self.unread = hidden.union(_unreadable(named))
        self.drift = {
            entry.path: entry
            for entry in named
            if is_drift(entry)
            and entry.path not in hidden
            and not any(is_as_recorded(record, self._root) for one in rivals for record in one.rivals(entry.path))
        }
        replaced = [path for path, entry in self.drift.items() if entry.note == "replaced"]
        if replaced:
            self.ask_owners(replaced)

    def read_owners(self, paths: t.Iterable[str]) -> None:
        """Read the records of other packages that own C(paths), of which rpm was asked who owns them."""
        owners = dict.fromkeys(owner for path in paths for owner in self._owners_of(path))
        others = sorted(owner.label for owner in owners if owner not in self._known)
        found = self._named(self._rpm.query(others).packages)
        self._others = self._add_packages(self._of_rpm + found)

    def take_in(self, paths: t.Iterable[str]) -> None:
        """Count the packages that own C(paths) as the contract's, for the verification and all that follows."""
        names = {owner.name for path in paths for owner in self._owners_of(path)} - set(self.scope)
        self.scope += sorted(names)
        self.releases += [one for one in self._others if one.counts.name in names]

    def takers(self, path: str) -> t.List[PackageId]:
        """Return the packages that own C(path) now, other than the one that recorded it first."""
        return [owner for owner in self._owners_of(path) if owner.name != self._record(path)[0]]

    def _owners_of(self, path: str) -> t.List[PackageId]:
        return self._owners.get(self.name(path), [])

    def _is_system_python_due(self) -> bool:
        """Tell whether this system has, or needs, a Python of its own: a vendor's small base image has none.

        It has one where a package of the contract is there, but for a package manager that runs without; where a name
        of the contract is; and it needs one where an installed package requires it. Then what is lacking is missing.
        """
        contract = self._contract
        manager = contract["manager"]
        native = manager["packages"] if manager and not manager["interpreter"] else []
        names = [link["path"] for link in contract["links"]]
        names += [path for one in contract["binaries"] for path in [one["path"]] + one["twins"]]
        if set(self.packages) - set(native) or any(map(self._root.lexists, names)):
            return True
        return bool(self._rpm.needing(contract["packages"] + names))

    def package_of(self, link: ContractLink) -> str:
        """Return the package that ships the link in the installed release."""
        shipped_by = self.records.get(link["path"], ("", None))[0]
        has_moved = link["package"] in self.packages and shipped_by != link["package"]
        return link.get("later", link["package"]) if has_moved else link["package"]

    def unlinked(self) -> t.Dict[str, str]:
        """Return the packages of one link each that are not installed and that none requires, with their links."""
        due = {self.package_of(link): link["path"] for link in self._contract["links"] if "later" in link}
        return {name: path for name, path in due.items() if name not in self.packages and name not in self.missing()}

    def missing(self) -> t.List[str]:
        """Return the packages of the contract that are not installed, and should be."""
        if not self.is_due:
            return []
        return [name for name in self._contract["packages"] if name not in self.packages]

    def is_owned(self, path: str) -> bool:
        """Tell whether rpm named an owner of C(path) when it was asked."""
        return bool(self._owners_of(path))

    def owner(self, path: str) -> t.Optional[str]:
        """Return the name of the package that owns C(path), several with commas between."""
        owners = self._owners_of(path)
        return ", ".join(sorted({owner.name for owner in owners})) or self._record(path)[0]

    def is_ghost(self, path: str) -> bool:
        """Tell whether a package has only the name C(path)."""
        record = self._record(path)[1]
        return record is not None and not is_promised(record)

    def shipped_by(self, path: str) -> t.Optional[str]:
        """Return the package that ships C(path) as a real file or link; a %ghost is made for alternatives."""
        package, record = self._record(path)
        return package if is_promised(record) else None

    def shipped_target(self, path: str) -> t.Optional[str]:
        """Return the text of the link that a package ships at C(path), null where it ships none."""
        record = self._record(path)[1]
        return record.linkto or None if record and is_promised(record) else None

    def shipped_file(self, path: str) -> t.Optional[str]:
        """Return the file that the name C(path) would run as shipped, null where no package ships the name."""
        target = self.shipped_target(path)
        if target:
            return self.end_of_link(path, target)
        return self.name(path) if self.shipped_by(path) else None

    def end_of_link(self, path: str, target: str) -> t.Optional[str]:
        """Return the file that a link at C(path) to C(target) would lead to, null for none."""
        return end_of(resolve(os.path.join(os.path.dirname(path), target), self._root))

    def verified(self, path: str) -> t.Optional[bool]:
        """Tell whether rpm vouches for what lies at C(path): null when no package ships it, as for a %ghost."""
        name = self.name(path)
        if name not in self._verified:
            self._verified[name] = self._is_verified(name)
        return self._verified[name]

    def _is_verified(self, path: str) -> t.Optional[bool]:
        package, record = self._record(path)
        if record is None or not is_promised(record):
            return None
        return self._is_sound(path) if package in self.scope else is_as_recorded(record, self._root)

    def _is_sound(self, path: str) -> bool:
        """Tell whether rpm -V said nothing of C(path), or only that its mode differs, which is a stricter one."""
        said, record = difference(self.drift.get(path)), self._record(path)[1]
        return not said or (said == MODE_DIFFERS and record is not None and has_stricter_mode(record, self._root))

    def rights_astray(self, paths: t.Iterable[str]) -> t.List[VerifyEntry]:
        """Return, as C(rpm -V) would, the files of other packages than the contract's whose rights alone differ."""
        found = []
        for path in sorted(set(map(self.name, paths))):
            package, record = self._record(path)
            if record and is_promised(record) and package not in self.scope and self._root.lexists(path):
                flags = rights_astray(record, self._root)
                if flags and has_content(record, self._root):
                    found.append(VerifyEntry(path, flags, "", False, "", ""))
        return found

    def drifted(self, packages: t.Container[str]) -> t.Set[str]:
        """Return the files of C(packages) that are not as shipped, but for those that have a stricter mode."""
        own = (path for path in self.drift if path in self.records and self.records[path][0] in packages)
        return {path for path in own if not self._is_sound(path)}

    def makers_of_ghosts(self, paths: t.Iterable[str]) -> t.List[str]:
        """Return the packages that have one of C(paths) as a %ghost, by name."""
        wanted = set(map(self.name, paths))
        names = {owner.name for path in wanted for owner in self._owners_of(path) if owner.name in self.packages}
        return [
            name
            for name in sorted(names)
            if any(record.is_ghost and record.path in wanted for record in self.packages[name].files)
        ]

    def is_missing(self, path: str) -> bool:
        """Tell whether C(path) is gone, and comes back when its package is reinstalled."""
        entry = self.drift.get(self.name(path))
        return entry is not None and entry.missing


def _hidden(entries: t.Iterable[VerifyEntry]) -> t.Set[str]:
    """Return what rpm calls missing because nobody but root may look there."""
    return {one.path for one in entries if os.geteuid() != 0 and one.missing and one.reason == _DENIED}


def _unreadable(entries: t.Iterable[VerifyEntry]) -> t.Set[str]:
    return {one.path for one in entries if os.geteuid() != 0 and one.unreadable and is_drift(one)}
