# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Get the exact package files that are wanted, from the first source that has them, without changing the host.

A source only proposes files. Each proposal is copied to the staging folder (nobody else can write there, so what was
checked is what is installed), then its signature is checked, then its header is compared with the one installed.
"""

import fcntl
import os
import shutil
import tempfile
import typing as t

from .._base.errors import (
    AcquisitionError,
    DiskFullError,
    InvalidDataError,
    SignatureError,
    SystemPythonError,
    VersionGoneError,
)
from .._base.text import json_text, printable, shortened
from .._disk.files import is_directory, open_new, open_to_read
from .._disk.hidden import PREFIX
from .._disk.space import clear_errors, ensure_room
from .._disk.trees import remove_any
from .._rpm.database import Rpm
from .._rpm.package_files import check_signatures, package_files
from .._rpm.packages import RpmFile, RpmPackage
from .repodata import evr_key
from .wanted import Wanted

__all__ = [
    "Acquired",
    "Fetched",
    "Proposal",
    "Source",
    "Staging",
    "acquire",
    "difference",
]

# Characters of a reason in a message; the whole is in the details.
_SHORT = 300


class Proposal(t.NamedTuple):
    """A file that may be what is wanted; C(origin) is where it comes from, for messages (a path, a URL, a name)."""

    path: str
    wanted: Wanted
    origin: str


class Fetched(t.NamedTuple):
    """What a source proposes, and sentences on what it could not do."""

    proposals: t.List[Proposal]
    reasons: t.List[str]

    def lacking(self, wanted: t.Iterable[Wanted]) -> str:
        """Return what of C(wanted) has no proposal, as text."""
        proposed = {proposal.wanted.nevra for proposal in self.proposals}
        return ", ".join(one.nevra for one in wanted if one.nevra not in proposed)


class Source:
    """One rung of the ladder. C(insists): unreadable files and wrong signatures are errors at once, not reasons."""

    name = ""
    insists = False

    def obstacle(self) -> str:
        """Return why this source cannot be asked on this host, or an empty string."""
        raise NotImplementedError

    def fetch(self, wanted: t.Sequence[Wanted], folder: str) -> Fetched:
        """Propose files for C(wanted); what must be written first goes into the empty C(folder).

        Raises a SystemPythonError when the source as a whole does not work.
        """
        raise NotImplementedError

    def versions(self) -> t.Dict[str, t.List[str]]:
        """Return per name which C([epoch:]version-release) it offers of what C(fetch) was asked for in vain."""
        raise NotImplementedError


class Acquired(t.NamedTuple):
    """The files, by nevra; which source gave each; what was tried in vain, as C({source, reason})."""

    files: t.Dict[str, str]
    source_of: t.Dict[str, str]
    tried: t.List[t.Dict[str, str]]
    packages: t.Dict[str, RpmPackage]


class Staging:
    """A folder that only root can enter, in C(parent); a context manager that removes it, and those of killed runs.

    Who uses a folder holds the lock on it, so that a prediction, which has no other lock, is left in peace.
    """

    def __init__(self, parent: str = "/var/cache") -> None:
        self.parent = parent
        self.path = ""
        self._lock = -1

    def __enter__(self) -> str:
        prefix = PREFIX + "staging-"
        with clear_errors(self.parent):
            for name in os.listdir(self.parent):
                if name.startswith(prefix):
                    _remove_unused(os.path.join(self.parent, name))
            while not os.path.isdir(self.path):
                # Before it is locked, another run may take it for what a killed one left.
                self.path = tempfile.mkdtemp(prefix=prefix, dir=self.parent)
                self._lock = _lock_folder(self.path)
        return self.path

    def __exit__(self, *_details: t.Any) -> None:
        shutil.rmtree(self.path)
        os.close(self._lock)


def _remove_unused(path: str) -> None:
    if is_directory(path):
        try:
            os.close(_lock_folder(path))
        except (BlockingIOError, FileNotFoundError):
            return
    remove_any(path)


def _lock_folder(path: str) -> int:
    """Return a descriptor that holds the lock on a folder. Raises BlockingIOError where another process has it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def acquire(
    wanted: t.Sequence[Wanted],
    staging: str,
    sources: t.Sequence[Source],
    rpm: Rpm,
    check_signatures: bool = True,
) -> Acquired:
    """Put one checked file for each of C(wanted) into the folder C(staging), asking C(sources) in their order.

    Raises SignatureError, VersionGoneError or AcquisitionError, each with C(tried), when that is not possible, and
    DiskFullError. The host stays as it is, but for the caches of the package managers that are asked.
    """
    return _Acquisition(wanted, staging, rpm, check_signatures).run(sources)


class _Acquisition:
    def __init__(self, wanted: t.Sequence[Wanted], staging: str, rpm: Rpm, check_signatures: bool) -> None:
        self.wanted = list(wanted)
        self.staging = staging
        self.rpm = rpm
        self.check_signatures = check_signatures
        self.result = Acquired({}, {}, [], {})
        self.signature_errors: t.List[SignatureError] = []
        self.versions: t.Dict[str, t.Set[str]] = {}

    def missing(self) -> t.List[Wanted]:
        return [one for one in self.wanted if one.nevra not in self.result.files]

    def run(self, sources: t.Sequence[Source]) -> Acquired:
        for number, source in enumerate(sources):
            if not self.missing():
                break
            obstacle = source.obstacle()
            if obstacle:
                self._note_reason(source, obstacle)
                continue
            self._fetch_from(source, os.path.join(self.staging, "source-{0}".format(number)))
        if self.missing():
            raise self._failure()
        return self.result

    def _note_reason(self, source: Source, reason: str) -> None:
        self.result.tried.append({"source": source.name, "reason": printable(" ".join(reason.split()).rstrip("."))})

    def _fetch_from(self, source: Source, folder: str) -> None:
        with clear_errors(folder):
            os.mkdir(folder, 0o700)
        try:
            fetched = source.fetch(self.missing(), folder)
            for reason in fetched.reasons:
                self._note_reason(source, reason)
            for proposal in fetched.proposals:
                self._consider(source, proposal)
            for name, offered in source.versions().items() if self.missing() else ():
                self.versions.setdefault(name, set()).update(offered)
        except DiskFullError:
            raise
        except SystemPythonError as error:
            if source.insists:
                error.details["tried"] = self.result.tried
                raise
            self._note_reason(source, error.message)
        finally:
            shutil.rmtree(folder)

    def _consider(self, source: Source, proposal: Proposal) -> None:
        """Take the file when it is what is wanted, else note why not."""
        nevra = proposal.wanted.nevra
        if nevra in self.result.files:
            return
        staged = os.path.join(self.staging, "{0}.rpm".format(len(self.result.files)))
        try:
            _copy(proposal.path, staged)
            package = self._require_wanted(staged, proposal)
        except (SignatureError, InvalidDataError) as error:
            remove_any(staged)
            if isinstance(error, SignatureError):
                self.signature_errors.append(error)
                if source.insists:
                    raise
            self._note_reason(source, error.message)
            return
        self.result.files[nevra] = staged
        self.result.packages[nevra] = package
        self.result.source_of[nevra] = source.name

    def _require_wanted(self, staged: str, proposal: Proposal) -> RpmPackage:
        wanted = proposal.wanted
        try:
            check_signatures(self.rpm, [staged], allow_unsigned=not self.check_signatures)
            package = package_files(self.rpm, [staged])[0]
        except SignatureError as error:
            reason = error.details.get("reason", error.message)
            raise SignatureError(
                "{0} is not used: {1}.".format(proposal.origin, reason),
                file=json_text(proposal.origin),
                reason=reason,
                output=error.details.get("output", ""),
            ) from error
        except InvalidDataError as error:
            raise InvalidDataError(error.message.replace(staged, proposal.origin)) from error
        if not wanted.accepts(package.name, package.evr, package.arch):
            raise InvalidDataError("{0} is {1}, but {2} is wanted".format(proposal.origin, package.nevra, wanted.nevra))
        different = difference(wanted.installed, package) if wanted.installed else ""
        if different:
            raise InvalidDataError(
                "{0} is called {1} like the installed package, but is another build: {2}".format(
                    proposal.origin, wanted.nevra, different
                )
            )
        return package

    def _failure(self) -> SystemPythonError:
        names = ", ".join(one.nevra for one in self.missing())
        details: t.Dict[str, t.Any] = {
            "wanted": [one.nevra for one in self.missing()],
            "tried": self.result.tried,
        }
        if self.signature_errors:
            first = self.signature_errors[0]
            return SignatureError(
                "{0} No other source has {1}, so nothing was changed. If you trust who signed it, import the key "
                "(rpm --import); else find out who put it there.{2}".format(first.message, names, self._all_reasons()),
                **dict(first.details, **details),
            )
        gone = {one.name: self._other_versions(one) for one in self.missing() if self._other_versions(one)}
        if gone:
            listed = "; ".join("{0}: {1}".format(name, ", ".join(evrs)) for name, evrs in sorted(gone.items()))
            return VersionGoneError(
                "No source has {0} any more, so nothing was changed. Available are {1}. Give the exact files, enable a "
                "repository that still has them, or upgrade with the package manager once it works.{2}".format(
                    names, listed, self._all_reasons()
                ),
                available=gone,
                **details,
            )
        return AcquisitionError(
            "No source could give {0}, so nothing was changed.{1}".format(names, self._all_reasons()), **details
        )

    def _other_versions(self, wanted: Wanted) -> t.List[str]:
        return sorted(self.versions.get(wanted.name, set()) - {wanted.evr}, key=evr_key, reverse=True)

    def _all_reasons(self) -> str:
        tried = ["{0}: {1}".format(one["source"], _short_reason(one["reason"])) for one in self.result.tried]
        return " Tried: {0}".format("; ".join(tried)) if tried else ""


def _short_reason(reason: str) -> str:
    return reason if len(reason) <= _SHORT else reason[: _SHORT - 3] + "..."


def _copy(path: str, target: str) -> None:
    """Copy the file, because what is checked must be what is installed, and a cache may change in between."""
    try:
        size = os.stat(path).st_size
    except OSError as error:
        raise InvalidDataError("{0} cannot be read: {1}".format(path, error.strerror)) from error
    ensure_room(os.path.dirname(target), size)
    with clear_errors(target), open_to_read(path, follow=True) as source, open_new(target) as copy:
        shutil.copyfileobj(source, copy, 1 << 20)


def difference(installed: RpmPackage, offered: RpmPackage) -> str:
    """Return what tells the package file C(offered) from the header C(installed), or an empty string.

    Both are compared file by file: path, type and mode, size, digest, link target, owner and group.
    """
    ours = {file.path: _identity(file) for file in installed.files}
    theirs = {file.path: _identity(file) for file in offered.files}
    different = sorted(path for path in set(ours) | set(theirs) if ours.get(path) != theirs.get(path))
    if not different:
        return ""
    return "{0} of its files differ ({1})".format(len(different), shortened(map(printable, different), 3))


def _identity(file: RpmFile) -> t.Tuple[t.Any, ...]:
    if file.kind == "directory":
        return (file.mode, file.owner, file.group)
    return (file.mode, file.size, file.digest, file.linkto, file.owner, file.group)
