# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The host's package databases, rpm's and dpkg's: who owns a path, and what of a package is altered."""

import os
import re
import typing as t

from .._base.command import CommandRunner, run_command
from .._base.errors import DatabaseError
from .._base.text import printable
from .._rpm.asking import database_folder
from .._rpm.database import Rpm
from .._rpm.judgement import is_promised
from .._rpm.packages import RpmFile
from .._rpm.verify_output import NO_FLAGS, VerifyEntry

__all__ = ["DpkgDatabase", "FileOwners", "PackageDatabase", "RpmDatabase", "system_database"]

_DPKG = "/usr/bin/dpkg"
_DPKG_QUERY = "/usr/bin/dpkg-query"
_DPKG_STATUS = "/var/lib/dpkg/status"
_TIMEOUT = 120.0

_OWNERS_LINE = re.compile(r"^([a-z0-9][a-z0-9+.:-]*(?:, [a-z0-9][a-z0-9+.:-]*)*): (/.*)$", re.MULTILINE)
# Of two lines; a local diversion is the administrator's own.
_DIVERSION = re.compile(
    r"^(?:local diversion|diversion by ([a-z0-9+.-]+)) from: (/.*)\n(?:local diversion|diversion by \S+) to: (/.*)$",
    re.MULTILINE,
)
# The lines of rpm -V, with one blank less behind the flags; "?" is what dpkg does not check.
_VERIFY_LINE = re.compile(r"^(?:missing  |([A-Z0-9.?]{9})) ([ c]) (/.*?)(?: \(([^()]+)\))?$", re.MULTILINE)
# The links of a merged /usr: packages may still name what is below /usr/bin as /bin.
_MERGED = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")


class FileOwners(t.NamedTuple):
    """Who owns a path.

    C(packages) are named as the database's own tools take them; C(recorded) is the name that the database knows the
    path by; C(objection) says why the packages do not answer for what lies there, empty when they do.
    """

    packages: t.Tuple[str, ...]
    recorded: str
    objection: str = ""


class PackageDatabase:
    """What both have in common."""

    name = ""

    def owners(self, paths: t.Sequence[str]) -> t.Dict[str, FileOwners]:
        """Return who owns the real C(paths), without an entry for what nobody owns. Raises SystemPythonError."""
        raise NotImplementedError

    def package_names(self, paths: t.Sequence[str]) -> t.Dict[str, str]:
        """Return the name, without architecture, of one package for each of the C(paths) that has an owner."""
        raise NotImplementedError

    def verify(self, packages: t.Sequence[str]) -> t.List[VerifyEntry]:
        """Return what of C(packages) is not as they shipped it. Raises SystemPythonError when that cannot be told."""
        raise NotImplementedError


class RpmDatabase(PackageDatabase):
    """rpm's."""

    name = "rpm"

    def __init__(self, rpm: Rpm) -> None:
        self._rpm = rpm

    def owners(self, paths: t.Sequence[str]) -> t.Dict[str, FileOwners]:
        owners = {path: tuple(one.nevra for one in found) for path, found in self._rpm.owners(paths).items() if found}
        names = {name for found in owners.values() for name in found}
        records = self._records(sorted(names), {os.path.basename(path) for path in owners})
        found = {}
        for path, packages in owners.items():
            record = records.get(path)
            objection = "" if is_promised(record) else "it only reserves the name"
            found[path] = FileOwners(packages, record.path if record else path, objection)
        return found

    def package_names(self, paths: t.Sequence[str]) -> t.Dict[str, str]:
        return {path: found[0].name for path, found in self._rpm.owners(paths).items() if found}

    def _records(self, packages: t.Sequence[str], names: t.Container[str]) -> t.Dict[str, RpmFile]:
        """Return the records of files called C(names) by their real path; one that promises content comes first."""
        found: t.Dict[str, RpmFile] = {}
        for package in self._rpm.query(packages).packages:
            for record in package.files:
                folder, name = os.path.split(record.path)
                if name in names:
                    path = os.path.join(os.path.realpath(folder), name)
                    if not is_promised(found.get(path)):
                        found[path] = record
        return found

    def verify(self, packages: t.Sequence[str]) -> t.List[VerifyEntry]:
        done = self._rpm.verify(packages)
        if done.partial or done.missing:
            raise DatabaseError("rpm could not verify {0}.".format(", ".join(done.missing or packages)))
        return done.entries


class DpkgDatabase(PackageDatabase):
    """dpkg's. Packages of which several architectures may be installed are named with theirs, as dpkg does."""

    name = "dpkg"

    def __init__(self, runner: CommandRunner = run_command, timeout: float = _TIMEOUT) -> None:
        self._runner = runner
        self._timeout = timeout

    def owners(self, paths: t.Sequence[str]) -> t.Dict[str, FileOwners]:
        found = self._owning(paths)
        return {path: FileOwners(one.packages, one.name, self._unverifiable(path, one)) for path, one in found.items()}

    def package_names(self, paths: t.Sequence[str]) -> t.Dict[str, str]:
        return {path: _without_architecture(one.packages[0]) for path, one in self._owning(paths).items()}

    def _owning(self, paths: t.Sequence[str]) -> t.Dict[str, "_OwnedName"]:
        names = {path: [path] + _other_names(path) for path in paths}
        owners, diversions = self._search([name for found in names.values() for name in found])
        # Of a file that was moved away, the owners are those of the name that it had.
        owners.update(self._search([name for name in diversions if name not in owners])[0])
        found = {}
        for path, known in names.items():
            possible = [_owning(name, owners, diversions) for name in known]
            owning = next((one for one in possible if one.packages), None)
            if owning is not None:
                found[path] = owning
        return found

    def _unverifiable(self, path: str, owning: "_OwnedName") -> str:
        """Return why C(dpkg --verify) says nothing about C(path), empty where it does: it passes over such files.

        Of a folder: about what one of its packages brought.
        """
        if os.path.isdir(path):
            bare = [package for package in owning.packages if not self._with_checksum(package)]
            return "dpkg has no checksums of {0}".format(", ".join(bare)) if bare else ""
        if owning.name != owning.original:
            return "dpkg does not verify what it calls {0}, but was diverted".format(printable(owning.original))
        if any(owning.name[1:] in self._with_checksum(package) for package in owning.packages):
            return ""
        return "dpkg has no checksum of it"

    def _with_checksum(self, package: str) -> t.List[str]:
        """Return the files of a package that dpkg has a checksum of, without the first slash."""
        done = self._runner([_DPKG_QUERY, "--control-show", package, "md5sums"], timeout=self._timeout)
        return [line.partition("  ")[2] for line in done.out.splitlines()]

    def _search(self, names: t.Sequence[str]) -> t.Tuple[t.Dict[str, t.List[str]], t.Dict[str, t.Tuple[str, str]]]:
        """Return the packages by path, and the diversions as {original: (package that diverts it, where to)}."""
        if not names:
            return {}, {}
        done = self._runner([_DPKG_QUERY, "-S", "--"] + [_escaped(name) for name in names], timeout=self._timeout)
        if done.timed_out or done.rc not in (0, 1):
            raise done.error("Cannot ask for the owners of files")
        owners = {path: packages.split(", ") for packages, path in _OWNERS_LINE.findall(done.out)}
        return owners, {original: (by, place) for by, original, place in _DIVERSION.findall(done.out)}

    def verify(self, packages: t.Sequence[str]) -> t.List[VerifyEntry]:
        # Without a name, dpkg would verify everything.
        if not packages:
            return []
        done = self._runner([_DPKG, "--verify"] + list(packages), timeout=self._timeout)
        entries = [_verify_entry(*found) for found in _VERIFY_LINE.findall(done.out)]
        if done.timed_out or done.rc not in (0, 1) or "is not installed" in done.err or (done.rc and not entries):
            raise done.error("Cannot verify {0}".format(", ".join(packages)))
        return entries


def _other_names(path: str) -> t.List[str]:
    """Return what a package that was made before /usr was merged calls the real C(path)."""
    return [
        path[len("/usr") :] for link in _MERGED if path.startswith("/usr{0}/".format(link)) and os.path.islink(link)
    ]


class _OwnedName(t.NamedTuple):
    """The packages of what lies at C(name); C(original) is what they call it, where it was diverted."""

    packages: t.Tuple[str, ...]
    name: str
    original: str


def _owning(
    name: str, owners: t.Mapping[str, t.Sequence[str]], diversions: t.Mapping[str, t.Tuple[str, str]]
) -> _OwnedName:
    """Return whose C(name) is: where it is diverted, its diverter's; the place where it leads to is all others'."""
    original = next((one for one, (_by, place) in diversions.items() if place == name), name)
    packages = owners.get(original, ())
    if original in diversions:
        diverter = diversions[original][0]
        packages = [one for one in packages if (_without_architecture(one) == diverter) == (name == original)]
    return _OwnedName(tuple(packages), name, original)


def _verify_entry(flags: str, attribute: str, path: str, reason: str) -> VerifyEntry:
    # A line that has no letter at all says that something could not be looked at.
    checked = flags.replace("?", ".") if re.search("[A-Z0-9]", flags) else flags
    return VerifyEntry(path, checked or NO_FLAGS, attribute.strip(), not flags, "", reason)


def _escaped(path: str) -> str:
    # dpkg-query takes patterns.
    return re.sub(r"([*?\[\]\\])", r"\\\1", path)


def _without_architecture(package: str) -> str:
    """Return the name of a package without its architecture."""
    return package.partition(":")[0]


def system_database(
    runner: CommandRunner = run_command,
    dpkg_status: str = _DPKG_STATUS,
    debian_version: str = "/etc/debian_version",
) -> t.Optional[PackageDatabase]:
    """Return the database that the host is made of, null where there is none.

    rpm on Debian, and dpkg on an rpm host, are tools for packages of others.
    """
    has_dpkg = os.path.isfile(dpkg_status) and os.path.getsize(dpkg_status) > 0 and os.path.exists(_DPKG_QUERY)
    if has_dpkg and (os.path.exists(debian_version) or not database_folder()):
        return DpkgDatabase(runner)
    return RpmDatabase(Rpm(runner, timeout=_TIMEOUT)) if database_folder() else None
