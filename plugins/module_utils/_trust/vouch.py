# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Is this file vouched for, by whom, and if not, why? The one answer, of rpm, dpkg or the manifest of a runtime."""

import glob
import os
import re
import typing as t

from .._base.errors import SystemPythonError
from .._base.text import printable
from .._disk.root import HOST, writable_by_others
from .._loader.search import OWN_FOLDERS, Loader, c_libraries, what_is_loaded
from .._rpm.database import Rpm
from .._rpm.judgement import difference
from .._rpm.verify_output import VerifyEntry, is_drift
from .database import FileOwners, PackageDatabase, RpmDatabase, system_database
from .manifest import MANIFEST, examine, load_manifest

__all__ = [
    "Vouched",
    "altered_files",
    "parts_of_python",
    "unvouched",
    "vouched",
    "vouched_program",
]

_MOST_SHOWN = 3
_PYTHON_VERSION = re.compile(r"python(3\.[0-9]+)")
# Where packages have their interpreters: the system's own is in the second on RHEL 8.
_PACKAGED = ("/usr/bin", "/usr/libexec")


class Vouched(t.NamedTuple):
    """The answer for one file.

    C(by) is who has an opinion (rpm, dpkg, manifest), null where nobody has; C(owner) the packages, or the folder of
    the runtime. C(intact): it is what the owner shipped. Else C(reason) says why not, in words that follow the file's
    name and a colon.
    """

    by: t.Optional[str]
    owner: t.Optional[str]
    intact: bool
    reason: str = ""


def vouched(paths: t.Sequence[str], database: t.Optional[PackageDatabase] = None) -> t.Dict[str, Vouched]:
    """Return the answer for each of C(paths), links followed; of a runtime, everything in it counts.

    C(database) is by default the one that the host is made of. That nobody can be asked is a reason, not an error.
    """
    return _Inquiry(paths, database).answers()


def vouched_program(
    paths: t.Sequence[str], database: t.Optional[PackageDatabase] = None, site_packages: bool = True
) -> Vouched:
    """Return the answer for the program C(paths[0]), where the other paths (files, folders) are what it runs.

    All files must be vouched for, and libraries that the dynamic loader would take from elsewhere than its own folders,
    and everything that their packages brought must be intact; without C(site_packages), what other tools than the
    package manager may have changed there does not count.
    """
    return _Inquiry([*paths, *_libraries_from_elsewhere(paths)], database).program(site_packages)


class _Inquiry:
    """What the database says about some paths and all that their packages brought."""

    def __init__(self, paths: t.Sequence[str], database: t.Optional[PackageDatabase]) -> None:
        self._real = {path: HOST.realpath(path) for path in paths}
        # The owner of a link answers for where it leads.
        names = {HOST.canonical(path) for path in paths}
        self._by: t.Optional[str] = None
        self._owners: t.Dict[str, FileOwners] = {}
        self._entries: t.Dict[str, VerifyEntry] = {}
        self._nobody = "no package owns it"
        present = sorted(path for path in names.union(self._real.values()) if os.path.exists(path))
        try:
            database = database or system_database()
            if database is not None and present:
                self._by = database.name
                self._owners = database.owners(present)
                packages = sorted({name for one in self._owners.values() for name in one.packages})
                self._entries = {entry.path: entry for entry in database.verify(packages)}
        except SystemPythonError as error:
            self._owners = {}
            self._nobody = error.message

    def answers(self) -> t.Dict[str, Vouched]:
        return {path: self._answer(real) for path, real in self._real.items()}

    def program(self, site_packages: bool) -> Vouched:
        answers = self.answers()
        paths = list(answers)
        first = answers[paths[0]]
        for path in paths:
            # A folder need not have an owner.
            if not answers[path].intact and (answers[path].owner or not os.path.isdir(path)):
                reason = answers[path].reason
                return first._replace(
                    intact=False, reason=reason if path == paths[0] else "{0}: {1}".format(printable(path), reason)
                )
        altered = [
            "{0}: {1}".format(printable(entry.path), difference(entry))
            for entry in self._entries.values()
            if is_drift(entry) and (site_packages or not _is_site_package(entry.path))
        ]
        if not altered:
            return first
        reason = "{0} owns it, but what it needs is not as it was shipped: {1}".format(
            first.owner, "; ".join(altered[:_MOST_SHOWN])
        )
        return first._replace(intact=False, reason=reason)

    def _answer(self, real: str) -> Vouched:
        if not os.path.exists(real):
            return Vouched(None, None, False, "there is no such file")
        answer = self._by_record(real)
        weak = writable_by_others(real) if answer.intact else None
        if weak is None:
            return answer
        return answer._replace(intact=False, reason="others than root may change {0}".format(printable(weak)))

    def _by_record(self, real: str) -> Vouched:
        if real not in self._owners:
            return _by_manifest(real) or Vouched(None, None, False, self._nobody)
        one = self._owners[real]
        owner = ", ".join(one.packages)
        objection = one.objection or difference(self._entries.get(one.recorded))
        reason = "{0} owns it, but {1}".format(owner, objection) if objection else ""
        return Vouched(self._by, owner, not objection, reason)


def _by_manifest(path: str) -> t.Optional[Vouched]:
    """Return the answer of the runtime of this collection that C(path) is a part of, null where it is of none."""
    folder = os.path.dirname(path)
    while not os.path.lexists(os.path.join(folder, MANIFEST)):
        if folder == "/":
            return None
        folder = os.path.dirname(folder)
    owner = printable(folder)
    try:
        manifest = load_manifest(folder)
        deviations = examine(folder, manifest) if manifest is not None else []
        is_part = manifest is not None and os.path.relpath(path, folder) in manifest["files"]
    except (SystemPythonError, OSError) as error:
        return Vouched("manifest", owner, False, "the manifest of {0} cannot be used: {1}".format(owner, error))
    shown = ["{0} is {1}".format(printable(one.path), one.what) for one in deviations[:_MOST_SHOWN]]
    if not is_part:
        shown.insert(0, "it has no such file")
    reason = "{0} is not as its manifest says: {1}".format(owner, ", ".join(shown)) if shown else ""
    return Vouched("manifest", owner, not shown, reason)


def unvouched(rpm: Rpm, paths: t.Sequence[str]) -> str:
    """Return why the program C(paths[0]), which runs the others, must not be run as root; empty when it may be."""
    answer = vouched_program(paths, RpmDatabase(rpm))
    return "" if answer.intact else "{0} is not run: {1}".format(printable(paths[0]), answer.reason)


def altered_files(database: PackageDatabase, packages: t.Sequence[str]) -> t.List[str]:
    """Return what of C(packages) is not as they shipped it. Raises SystemPythonError when that cannot be told."""
    return [entry.path for entry in database.verify(packages) if is_drift(entry)]


def parts_of_python(interpreter: str, site_packages: bool = True) -> t.List[str]:
    """Return the interpreter, and of a packaged one its library and the folders of its standard library.

    With C(site_packages) also the files there that Python runs at each start.
    """
    real = HOST.realpath(interpreter)
    version = _PYTHON_VERSION.search(real)
    if not version or os.path.dirname(real) not in _PACKAGED:
        return [interpreter]
    patterns = ["/usr/lib*/libpython{0}*.so*", "/usr/lib/*-linux-gnu*/libpython{0}*.so*", "/usr/lib*/python{0}"]
    if site_packages:
        names = ("*.pth", "sitecustomize.py", "usercustomize.py")
        patterns += ["/usr/lib*/python{0}/site-packages/" + name for name in names]
    return [interpreter] + [path for pattern in patterns for path in glob.glob(pattern.format(version.group(1)))]


def _libraries_from_elsewhere(paths: t.Iterable[str]) -> t.List[str]:
    loader = Loader(HOST)
    found: t.Set[str] = set()
    for path in map(os.path.realpath, paths):
        wanted = what_is_loaded(loader, path) if os.path.isfile(path) else []
        own = {os.path.dirname(one) for one in c_libraries(wanted)}.union(map(os.path.realpath, OWN_FOLDERS))
        taken = {one.real for each in wanted for one in each.taken}
        found.update(one for one in taken if os.path.dirname(one) not in own)
    return sorted(found)


def _is_site_package(path: str) -> bool:
    return "/site-packages/" in path or "/dist-packages/" in path
