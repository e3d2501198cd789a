# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The packages of a system that is not running, or of a database elsewhere: what is there is only read.

C(rpm --root) is not used: to verify, it enters the folder with chroot(2), where whatever its libraries look for by name
is the root's, and it writes into the database's folder even for a query. Here rpm reads a copy of the database, and the
files are compared in this process, by rpm's own rules.
"""

import contextlib
import errno
import os
import shutil
import tempfile
import time
import typing as t

from .._base.command import CommandRunner, run_command
from .._base.errors import DatabaseError, InvalidDataError, PrivilegeError
from .._base.text import json_text, printable
from .._disk.files import octal_mode, open_new, read_bytes
from .._disk.root import Root
from .._disk.space import clear_errors, ensure_room
from .asking import DATABASE_FOLDERS, ENVIRONMENT, require_no_aliases, rpm_command
from .capabilities import normal_capabilities
from .database import Query, Rpm, Verification
from .disk import Disk, FileMetadata
from .headers import ndb_headers
from .packages import RpmFile, RpmPackage
from .verify_output import FLAG_WORDS, NO_FLAGS, VerifyEntry

__all__ = ["OfflineRpm", "open_offline"]

# The file that a database of this format cannot do without.
_FORMATS = {"rpmdb.sqlite": "sqlite", "Packages.db": "ndb", "Packages": "bdb"}
# Shared memory and locks of processes that are gone; rpm makes them anew. An rpm that has Berkeley DB obeys DB_CONFIG,
# which names folders of the machine that it runs on.
# Bytes of SUSE's database, which is read whole; those of full hosts have a fifth of it.
_MOST_PACKAGES = 1 << 30
_NOT_COPIED = (".rpm.lock", "rpmdb.sqlite-shm", "__db.", "DB_CONFIG")

# rpmVerifyAttrs of rpm's rpmvf.h, by the words of VerifyEntry. Devices are not compared: no Python is one.
_VERIFY_BITS = {
    "digest": 1 << 0,
    "size": 1 << 1,
    "link": 1 << 2,
    "user": 1 << 3,
    "group": 1 << 4,
    "mtime": 1 << 5,
    "mode": 1 << 6,
    "capabilities": 1 << 8,
}
_OF_CONTENT = {"digest", "size", "mtime", "link"}
# What can be compared, by what lies there.
_COMPARED = {
    "file": set(_VERIFY_BITS) - {"link"},
    "link": {"link", "user", "group"},
    "directory": {"mode", "user", "group"},
    "other": {"mode", "user", "group"},
}
_NOT_VERIFIED = ("replaced", "not installed", "net shared")


@contextlib.contextmanager
def open_offline(
    root: Root, runner: CommandRunner = run_command, timeout: float = 60.0, dbpath: t.Optional[str] = None
) -> t.Iterator["OfflineRpm"]:
    """Give the packages of the system in the folder C(root), for as long as the context lasts.

    C(dbpath): their database is there, seen from the root, and not in one of the usual places. Needs rpm on this
    machine, of any version that reads the database's format; C(timeout) in seconds is for each process and for the
    comparison. Raises DatabaseError, InvalidDataError, PrivilegeError.
    """
    require_no_aliases()
    if os.geteuid() != 0 and not root.is_host:
        raise PrivilegeError(
            "Checking the system in {0} needs root, which alone can read all of its files and tell their owners. In a "
            "build without root, run under 'podman unshare' or 'buildah unshare'.".format(printable(root.folder))
        )
    with tempfile.TemporaryDirectory(prefix=".fleet-system-python-") as folder:
        place, form = _find_database(root, dbpath)
        copy = os.path.join(folder, "copy")
        _copy_database(root, place, copy)
        yield OfflineRpm(root, place, _readable(root, place, form, copy, runner, timeout), runner, timeout)


def _find_database(root: Root, dbpath: t.Optional[str]) -> t.Tuple[str, str]:
    """Return the folder of the database and its format."""
    if dbpath is not None and not dbpath.startswith("/"):
        raise InvalidDataError("Not an absolute path: {0}".format(printable(dbpath)), path=dbpath)
    if not root.isdir("/"):
        raise InvalidDataError("The root folder {0} does not exist.".format(printable(root.folder)), path=root.folder)
    folders = (dbpath,) if dbpath else DATABASE_FOLDERS
    for folder in folders:
        found = [name for name in _FORMATS if _size(root, os.path.join(folder, name))]
        if len(found) > 1:
            raise _unreadable(
                root,
                folder,
                "it has databases of several formats, {0}, and nothing tells which one counts. Remove what is left "
                "over from an upgrade".format(" and ".join(found)),
            )
        if found:
            return root.realpath(folder), _FORMATS[found[0]]
    raise _unreadable(root, " and ".join(folders), "there is no database file. What has none cannot be checked")


def _size(root: Root, path: str) -> int:
    return root.stat(path).st_size if root.isfile(path) else 0


def _copy_database(root: Root, place: str, copy: str) -> None:
    os.mkdir(copy, 0o700)
    names = [name for name in sorted(root.listdir(place)) if not name.startswith(_NOT_COPIED)]
    files = [os.path.join(place, name) for name in names if root.isfile(os.path.join(place, name))]
    with clear_errors(copy):
        ensure_room(copy, sum(_size(root, path) for path in files))
        for path in files:
            with root.open(path) as source, open_new(os.path.join(copy, os.path.basename(path))) as target:
                shutil.copyfileobj(source, target, 1 << 20)


def _readable(root: Root, place: str, form: str, copy: str, runner: CommandRunner, timeout: float) -> str:
    """Return a folder with the database in a format that this machine's rpm can read."""
    complaint = _complaint_of_rpm(copy, runner, timeout)
    if complaint is None:
        return copy
    if form == "ndb":
        converted = _convert(root, place, copy, runner, timeout)
        complaint = _complaint_of_rpm(converted, runner, timeout)
        if complaint is None:
            return converted
    version = runner([*rpm_command(), "--version"], timeout=timeout, env=ENVIRONMENT).out.strip()
    raise _unreadable(
        root,
        place,
        "its format is {0}, and this machine's rpm ({1}) finds no package in it: {2}. Either it is damaged, or run the "
        "check where rpm knows this format: rpm of EL 9 and Fedora reads all; Debian's and Ubuntu's sqlite, bdb, and "
        "ndb with the help of this collection; rpm before 4.16 no sqlite".format(
            form, version or "of unknown version", complaint or "it said nothing"
        ),
        format=form,
        rpm=version,
    )


def _complaint_of_rpm(folder: str, runner: CommandRunner, timeout: float) -> t.Optional[str]:
    """Return null when rpm finds packages in the database, else what it said."""
    done = runner(rpm_command(dbpath=folder) + ["-q", "-a", "--qf", "%{NAME}\n"], timeout=timeout, env=ENVIRONMENT)
    if done.rc == 127:
        raise DatabaseError(
            "This machine has no rpm command, and without one no package database can be read. Install the package "
            "rpm, which Debian and Ubuntu have, too.",
            output=done.tail(),
        )
    return None if done.rc == 0 and done.out.strip() else done.tail()


def _convert(root: Root, place: str, copy: str, runner: CommandRunner, timeout: float) -> str:
    """Make a database of the format that this machine's rpm is used to, and return its folder."""
    folder, dump = copy + "-converted", copy + "-headers"
    os.mkdir(folder, 0o700)
    data = read_bytes(os.path.join(copy, "Packages.db"), _MOST_PACKAGES)
    try:
        with open_new(dump) as stream:
            stream.writelines(ndb_headers(data))
    except InvalidDataError as error:
        raise _unreadable(root, place, error.message.rstrip(".")) from error
    done = runner(
        ["/bin/sh", "-c", 'from=$1; shift; exec "$@" <"$from"', "sh", dump]
        + rpm_command("rpmdb", dbpath=folder)
        + ["--importdb"],
        timeout=timeout,
        env=ENVIRONMENT,
    )
    if done.rc != 0:
        raise done.error("The package database in {0} cannot be converted".format(printable(root.folder + place)))
    return folder


def _unreadable(root: Root, place: str, why: str, **details: t.Any) -> DatabaseError:
    where = printable(place) + ("" if root.is_host else " of the root {0}".format(printable(root.folder)))
    message = "The package database in {0} cannot be read: {1}.".format(where, why)
    return DatabaseError(message, path=where, reason=why, **details)


class OfflineRpm(Rpm):
    """As Rpm, of the system in a folder: C(database) is a copy of its database, C(place) where the original lies."""

    def __init__(self, root: Root, place: str, database: str, runner: CommandRunner, timeout: float) -> None:
        super().__init__(runner=runner, dbpath=database, timeout=timeout)
        self._tree = root
        self._database_in_root = place
        self._disk = Disk(root)
        self._known = {}  # type: t.Dict[str, t.List[RpmPackage]]

    def query(self, names: t.Sequence[str], files: bool = True) -> Query:
        found = super().query(names, files)
        if files:
            for name in names:
                self._known[name] = [one for one in found.packages if name in (one.name, one.id.label)]
        return found

    def verify(
        self,
        names: t.Sequence[str],
        timeout: t.Optional[float] = None,
        exclude: t.Sequence[str] = (),
        packages: t.Sequence[RpmPackage] = (),
    ) -> Verification:
        """See Rpm; without a process."""
        begin = time.time()
        deadline = begin + (self.timeout if timeout is None else timeout)
        entries = []  # type: t.List[VerifyEntry]
        places = []  # type: t.List[int]
        unverified = []  # type: t.List[str]
        place = 0
        asked = list(packages) or [package for name in names for package in self._packages(name)]
        for package in asked:
            for file in package.files:
                if time.time() > deadline:
                    unverified.append(package.nevra)
                    break
                entry = None if set(file.types).intersection(exclude) else self._compare(package, file, deadline)
                if entry:
                    entries.append(entry)
                    places.append(place)
                place += 1
        missing = [name for name in names if not self._known.get(name)]
        return Verification(
            entries, bool(unverified), time.time() - begin, missing, unverified, places if packages else []
        )

    def _packages(self, name: str) -> t.List[RpmPackage]:
        if name not in self._known:
            self.query([name])
        return self._known[name]

    def _compare(self, package: RpmPackage, file: RpmFile, deadline: float) -> t.Optional[VerifyEntry]:
        """Return what C(rpm -V) would say of the file, null where it would say nothing."""
        if file.state in _NOT_VERIFIED:
            is_replaced = file.state == "replaced"
            return VerifyEntry(file.path, NO_FLAGS, file.attribute, False, "replaced", "") if is_replaced else None
        try:
            actual = self._metadata_on_disk(package, file, deadline)
        except OSError as error:
            if file.is_ghost or file.is_missingok:
                return None
            gone = error.errno in (errno.ENOENT, errno.ENOTDIR)
            reason = "" if gone else os.strerror(error.errno or 0)
            return VerifyEntry(file.path, NO_FLAGS, file.attribute, True, "", reason)
        flags = "".join(_flag(letter, word, file, actual) for letter, word in FLAG_WORDS)
        return None if flags == NO_FLAGS else VerifyEntry(file.path, flags, file.attribute, False, "", "")

    def _metadata_on_disk(self, package: RpmPackage, file: RpmFile, deadline: float) -> FileMetadata:
        actual, _errors = self._disk.read(file.path, package.digest_algorithm, deadline, digest=not file.is_ghost)
        if file.kind == "directory" and actual["kind"] == "link" and actual["owner"] in ("root", json_text(file.owner)):
            # rpm takes a link of a rightful user to a folder for the folder.
            end = self._tree.realpath(file.path)
            if self._tree.isdir(end):
                return self._disk.read(end, package.digest_algorithm, deadline)[0]
        return actual

    def unreadable(self, why: str, place: t.Optional[str] = None, output: str = "") -> DatabaseError:
        return _unreadable(self._tree, place or self._database_in_root, why, output=output)


def _flag(letter: str, word: str, file: RpmFile, actual: FileMetadata) -> str:
    """Return C(letter) where C(word) differs, V(?) where it could not be read, else a dot."""
    if word not in _COMPARED[actual["kind"]] or not file.verify_flags & _VERIFY_BITS[word]:
        return "."
    if file.is_ghost and word in _OF_CONTENT:
        return "."
    if file.state == "wrong color" and word in ("digest", "size", "mtime"):
        return "."
    if word == "mode" and actual["kind"] != file.kind and not file.is_ghost:
        return letter
    found, expected = _compared(file, actual)[word]
    if found is None:
        return "?"
    return letter if found != expected else "."


def _compared(file: RpmFile, actual: FileMetadata) -> t.Dict[str, t.Tuple[object, object]]:
    """Return, by the words of VerifyEntry, what is there and what the package has."""
    return {
        "digest": (actual["digest"], file.digest),
        "size": (actual["size"], file.size),
        "mode": (actual["mode"], octal_mode(file.mode)),
        "link": (actual["link_target"], json_text(file.linkto)),
        "user": (actual["owner"], json_text(file.owner)),
        "group": (actual["group"], json_text(file.group)),
        "mtime": (actual["mtime"], file.mtime),
        "capabilities": (actual["capabilities"], normal_capabilities(file.caps)),
    }
