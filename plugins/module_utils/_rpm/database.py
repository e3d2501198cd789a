# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Ask the package database, through the C(rpm) command only (never through its Python bindings, which may be broken).

Everything works with rpm 4.14 (SLES 15, EL8) to 6. Each method of C(Rpm) that says so starts one process.
"""

import os
import re
import time
import typing as t

from .._base.command import CommandRunner, Completed, run_command
from .._base.errors import InvalidDataError, PrivilegeError
from .._base.text import printable
from .agreement import Answers, Contradiction
from .asker import Asker
from .packages import Needing, PackageId, RpmFile, RpmPackage
from .query import (
    FILES,
    HEADS,
    NEEDS,
    OWNERS,
    PACKAGES,
    parse_files,
    parse_needing,
    parse_owners,
    parse_packages,
    without_owners,
)
from .trouble import complaints
from .verify_output import ATTRIBUTES, VerifyEntry, count_complete, not_installed, parse_verify, places_of

__all__ = ["Query", "Rpm", "Verification"]

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+~^:-]*\Z")
# What rpm -q makes of more packages that are not installed.
_HIGHEST_EXIT_CODE = 254
# Far below the kernel's 2 MiB for arguments and environment at the usual stack limit.
_ARGUMENT_BYTES = 1000000


class Query(t.NamedTuple):
    """What was found: packages in the order of the names asked for, and the names that are not installed."""

    packages: t.List[RpmPackage]
    missing: t.List[str]


class Verification(t.NamedTuple):
    """What C(rpm -V) said.

    C(partial) is true when the time limit ended it. C(elapsed) is in seconds. C(missing) are names that are not
    installed. C(unverified) are, as C(nevra), the packages that were not verified to their end (names where the
    packages were not given); what was found in them until then is in C(entries) all the same. C(places) tells, where
    the packages were given, which file each entry is about: its place among the files of all packages, one after
    the other, -1 for a file of none.
    """

    entries: t.List[VerifyEntry]
    partial: bool
    elapsed: float
    missing: t.List[str]
    unverified: t.List[str]
    places: t.List[int]


class Rpm(Asker):
    """The package database of this host, of another C(root) folder, or in another C(dbpath).

    As for rpm itself, C(dbpath) is looked up below C(root) when both are given. C(timeout) is in seconds and holds for
    each process. C(check_database=False) leaves out the look at the database's files before the first process;
    that look is what keeps rpm from creating an empty database in place of a lost one.

    What two answers contradict each other about is an error: then an index of the database has lost entries.
    """

    def __init__(
        self,
        runner: CommandRunner = run_command,
        root: t.Optional[str] = None,
        dbpath: t.Optional[str] = None,
        timeout: float = 60.0,
        check_database: bool = True,
    ) -> None:
        super().__init__(runner, root, dbpath, timeout, check_database)
        self._answers, self._asks_again = Answers(), False
        self._has_packages = False
        # Of all packages that were asked for: a name may end like a note of rpm -V.
        self._known_paths: t.Set[str] = set()

    def query(self, names: t.Sequence[str], files: bool = True) -> Query:
        """Return the installed packages C(names) (names or any longer form that rpm takes), with their files.

        One process. A name that is given twice is answered twice; a name that is installed twice gives two packages.
        Raises DatabaseError, and InvalidDataError for what cannot be a package's name.
        """
        if not names:
            return Query([], [])
        _check_names(names)
        done = self.ask(["-q", "--qf", PACKAGES if files else HEADS, "--"] + list(names))
        self.check(done)
        packages, messages = parse_packages(done.out)
        missing = not_installed(messages)
        if done.rc != min(len(missing), _HIGHEST_EXIT_CODE):
            raise done.error("rpm did not answer for all of these packages")
        self._require_packages(bool(packages))
        self._known_paths.update(file.path for package in packages for file in package.files)
        self._require_agreement(self._answers.add_packages(packages, missing))
        return Query(packages, missing)

    def installed(self) -> t.List[PackageId]:
        """Return what identifies each installed package. One process. Keys of signers are no packages."""
        done = self.ask(["-q", "-a", "--qf", HEADS])
        self.check(done)
        packages, _messages = parse_packages(done.out)
        self._require_packages(bool(packages))
        return [package.id for package in packages if package.name != "gpg-pubkey"]

    def verify(
        self,
        names: t.Sequence[str],
        timeout: t.Optional[float] = None,
        exclude: t.Sequence[str] = (),
        packages: t.Sequence[RpmPackage] = (),
    ) -> Verification:
        """Verify the files of the packages C(names) and return what deviates.

        One process. What C(query) answered before resolves odd file names. C(packages), the answer of C(query) for the
        same names in the same order, tells after a C(timeout) (seconds) which packages were verified to their end: rpm
        is then asked to name every file, which costs a few milliseconds. C(exclude) has file types (values of
        C(ATTRIBUTES)) that are left out; without C(packages) only the first type of a file is known.
        """
        if not names:
            return Verification([], False, 0.0, [], [], [])
        _check_names(names)
        if self.root and os.geteuid() != 0:
            # rpm then enters the other root in a user namespace, where every file seems to have the wrong owner.
            raise PrivilegeError("Verifying below another root folder ({0}) needs root.".format(printable(self.root)))
        options = ["-V", "--nodeps", "--noscripts"] + (["-v"] if packages else []) + ["--"]
        # A copy, because another thread may go on asking meanwhile.
        owned = set(self._known_paths)
        begin = time.time()
        done = self.ask(options + list(names), self.timeout if timeout is None else timeout)
        elapsed = time.time() - begin
        if not done.timed_out:
            self.check(done)
        # A name that a kill broke off would pass for another one.
        output = done.out[: done.out.rfind("\n") + 1]
        files = [file for package in packages for file in package.files]
        known = {file.path: file for file in files}
        entries = parse_verify(output, owned.union(known))
        places = places_of(entries, [file.path for file in files]) if packages else [-1] * len(entries)
        missing = not_installed(done.out)
        self._require_packages(len(missing) < len(names))
        wanted = [
            (entry, place)
            for entry, place in zip(entries, places)
            if _is_wanted(entry, known.get(entry.path) if place < 0 else files[place], exclude)
        ]
        return Verification(
            entries=[entry for entry, _place in wanted],
            partial=done.timed_out,
            elapsed=elapsed,
            missing=missing,
            unverified=_unverified(entries, names, packages) if done.timed_out else [],
            places=[place for _entry, place in wanted] if packages else [],
        )

    def owners(self, paths: t.Iterable[str]) -> t.Dict[str, t.List[PackageId]]:
        """Return the packages that own each of the absolute C(paths), an empty list for a path that none owns.

        One process (more only for arguments beyond a megabyte, or when a package merely provides a path by name). The
        paths need not exist. A package whose file was replaced by another package's is not an owner any more.
        """
        wanted = list(dict.fromkeys(paths))
        for path in wanted:
            if not path.startswith("/") or "\0" in path:
                raise InvalidDataError("Not an absolute path: {0}".format(printable(path)), path=path)
        answers = {}  # type: t.Dict[str, t.List[t.Tuple[PackageId, bool]]]
        for batch in _batches(wanted):
            answers.update(self._owners_of(batch))
        self._require_packages(not wanted or any(answers.values()))
        found = self._without_providers(answers)
        self._require_agreement(self._answers.add_owners(found))
        return found

    def require_unowned(self, paths: t.Collection[str], canonical: t.Callable[[str], str] = os.path.realpath) -> None:
        """Raise DatabaseError unless the records of all packages, too, know none of C(paths).

        One process, about a second: for what is about to be moved because nobody owns it. C(canonical) gives the real
        path of a folder.
        """
        if not paths:
            return
        done = self.ask(["-q", "-a", "--qf", FILES])
        self.check(done)
        names = {}  # type: t.Dict[str, t.List[str]]
        for path in paths:
            names.setdefault(os.path.basename(path), []).append(path)
        for recorded in parse_files(done.out):
            for path in names.get(os.path.basename(recorded), ()):
                if _folder(recorded, canonical) == _folder(path, canonical):
                    self._require_agreement(Contradiction(path, "a package has it in its record"))

    def needing(self, capabilities: t.Iterable[str]) -> t.List[Needing]:
        """Return the installed packages that require one of C(capabilities) (names without versions), each once.

        One process. Of each package, only what it requires of C(capabilities) is returned.
        """
        wanted = list(dict.fromkeys(capabilities))
        if not wanted:
            return []
        done = self.ask(["-q", "--whatrequires", "--qf", NEEDS, "--"] + wanted)
        self.check(done)
        found = parse_needing(done.out, frozenset(wanted))
        self._require_packages(bool(found))
        return found

    def architecture(self) -> str:
        """Return the architecture that the packages of this system are made for: that of rpm's own.

        One process. The kernel's may be another one: AlmaLinux builds x86_64_v2 packages, and 32-bit systems run on
        64-bit kernels.
        """
        found = self.query(["rpm"], files=False).packages
        return found[0].arch if found else os.uname().machine

    def _require_agreement(self, contradiction: t.Optional[Contradiction]) -> None:
        """Raise DatabaseError where answers contradict each other when both questions are asked again, too."""
        if contradiction is None:
            return
        if self._asks_again or not contradiction.package:
            raise self.unreadable("its answers contradict each other: {0}".format(contradiction))
        self._answers, self._asks_again = Answers(), True
        try:
            self.query([contradiction.package])
            self.owners([contradiction.path])
        finally:
            self._asks_again = False

    def _require_packages(self, found: bool) -> None:
        """Raise DatabaseError when nothing was found because the database holds no package at all."""
        if found:
            self._has_packages = True
        if self._has_packages:
            return
        done = self.ask(["-q", "-a", "--qf", "%{NAME}\n"])
        self.check(done)
        if not done.out.strip():
            raise self.unreadable("it holds no package at all")
        self._has_packages = True

    def _owners_of(self, paths: t.Sequence[str]) -> t.Dict[str, t.List[t.Tuple[PackageId, bool]]]:
        """Return for each path its owners, each with whether the package may only provide the path by name."""
        mark = _unused_mark(paths)
        arguments = [argument for path in paths for argument in (path, mark)]
        # One stream: the answer for a path that is absent goes to the error stream, and only its place among
        # the others tells which path an owner belongs to. rpm flushes after every message.
        done = self.ask(["-q", "-f", "--qf", OWNERS, "--"] + arguments, merged=True)
        if done.timed_out:
            self.check(done)
        sections = re.split("(?:error: )?file " + re.escape(mark) + "[^\n]*\n", done.out)
        if len(sections) != len(paths) + 1:
            self.check(done._replace(err=done.out))
            raise done.error("Cannot ask for the owners of files")
        self.check(done._replace(err=sections[-1]))
        return {path: self._owners_in(section, path, done) for path, section in zip(paths, sections)}

    def _owners_in(self, section: str, path: str, done: Completed) -> t.List[t.Tuple[PackageId, bool]]:
        rest = without_owners(section).replace(path, "")
        errors = [line for line in complaints(rest) if not line.startswith("file ")]
        if errors:
            self.check(done._replace(err="error: " + "\nerror: ".join(errors)))
        return parse_owners(section, path)

    def _without_providers(
        self, answers: t.Mapping[str, t.List[t.Tuple[PackageId, bool]]]
    ) -> t.Dict[str, t.List[PackageId]]:
        """Drop packages that own no such file but have its path among their Provides, as bash has /bin/sh."""
        unsure = sorted({owner.label for found in answers.values() for owner, provides in found if provides})
        files = {package.id: {file.path for file in package.files} for package in self.query(unsure).packages}
        return {
            path: [owner for owner, provides in found if not provides or path in files.get(owner, ())]
            for path, found in answers.items()
        }


def _folder(path: str, canonical: t.Callable[[str], str]) -> str:
    return canonical(os.path.dirname(path))


def _check_names(names: t.Iterable[str]) -> None:
    for name in names:
        # rpm opens a file of that name when the last is not installed.
        if not _NAME.match(name) or name.endswith(".rpm"):
            raise InvalidDataError("Not a package name: {0}".format(printable(name) or "(empty)"), name=name)


def _unverified(
    entries: t.Sequence[VerifyEntry], names: t.Sequence[str], packages: t.Sequence[RpmPackage]
) -> t.List[str]:
    if not packages:
        return list(names)
    complete = count_complete(entries, [[file.path for file in package.files] for package in packages])
    return [package.nevra for package in packages[complete:]]


def _is_wanted(entry: VerifyEntry, file: t.Optional[RpmFile], exclude: t.Sequence[str]) -> bool:
    if file is None:
        return not entry.is_clean and ATTRIBUTES.get(entry.attribute) not in exclude
    # With -v, rpm also names what it otherwise keeps to itself.
    if entry.is_clean or (entry.missing and (file.is_ghost or file.is_missingok)):
        return False
    return not set(file.types).intersection(exclude)


def _batches(paths: t.Sequence[str]) -> t.Iterator[t.List[str]]:
    batch = []  # type: t.List[str]
    size = 0
    for path in paths:
        # The mark stands beside each path and is about 64 bytes, each argument has a pointer.
        cost = len(os.fsencode(path)) + 96
        if batch and size + cost > _ARGUMENT_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(path)
        size += cost
    if batch:
        yield batch


def _unused_mark(paths: t.Sequence[str]) -> str:
    """Return a path that no package owns and that is no part of any of C(paths)."""
    text = "\0".join(paths)
    number = 0
    mark = "/.fleet-system-python-mark"
    while mark in text:
        number += 1
        mark = "/.fleet-system-python-mark-{0}".format(number)
    return mark
