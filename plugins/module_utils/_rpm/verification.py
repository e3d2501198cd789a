# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Turn a verification into plain data: for each file what the package promises, and what is on the disk.

C(verify_info) asks the package database and the disk, the rest shapes.
"""

import base64
import errno
import os
import time
import typing as t

from .._base.text import json_text, printable
from .._disk.files import octal_mode
from .capabilities import normal_capabilities
from .database import Rpm, Verification
from .disk import Disk, FileMetadata
from .packages import RpmFile, RpmPackage
from .verify_output import NO_FLAGS, VerifyEntry, is_drift

__all__ = ["Clock", "FileInfo", "PackageInfo", "VerifyInfo", "VerifyRequest", "expected_of", "state_of", "verify_info"]

Clock = t.Callable[[], float]


# The words of VerifyEntry that are named differently in results, where the names are those of stat and file modules.
_RENAMED = {"link": "link_target", "user": "owner"}

_DEVIATING = ("altered", "missing", "replaced", "unreadable")
# RPMVERIFY_FILEDIGEST of rpm's rpmvf.h, absent for what was packaged with %verify(not filedigest).
_VERIFIES_DIGEST = 1 << 0

if t.TYPE_CHECKING:

    class _FileInfo(t.TypedDict):
        path: str
        package: str
        state: str
        drift: bool
        flags: str
        attribute: str
        types: t.List[str]
        rpm_state: str
        reason: str
        altered: t.List[str]
        unreadable: t.List[str]
        expected: FileMetadata
        actual: t.Optional[FileMetadata]
        actual_errors: t.List[str]

    class FileInfo(_FileInfo, total=False):
        """One file of the result; the module rpm_verify_info describes every key."""

        path_printable: str
        path_base64: str
        requested: str
        replaced_by: t.List[str]

    class PackageInfo(t.TypedDict):
        """One package of the result."""

        name: str
        epoch: int
        version: str
        release: str
        arch: str
        nevra: str
        verified: bool
        intact: bool
        deviations: int

    class VerifyInfo(t.TypedDict):
        """The result of the module rpm_verify_info, which describes every key."""

        packages: t.List[PackageInfo]
        files: t.List[FileInfo]
        not_installed: t.List[str]
        unowned_files: t.List[str]
        partial: bool
        unverified_packages: t.List[str]
        excluded_packages: t.NotRequired[t.List[str]]
        intact: bool
        elapsed: float

else:
    FileInfo = PackageInfo = VerifyInfo = dict


class VerifyRequest(t.NamedTuple):
    """What is to be verified.

    C(packages) must be installed, C(optional) are verified where they are. With C(paths) the owners of these absolute
    paths are verified instead and only the paths themselves are reported. Files of a type in C(exclude) do not count.
    C(include_intact) adds the files that are as they should be, C(drift_only) leaves out deviations that a
    healthy host may have. C(timeout) is in seconds.
    """

    packages: t.Sequence[str] = ()
    optional: t.Sequence[str] = ()
    paths: t.Sequence[str] = ()
    exclude: t.Sequence[str] = ()
    include_intact: bool = False
    drift_only: bool = False
    timeout: float = 120.0


def verify_info(rpm: Rpm, disk: Disk, request: VerifyRequest, clock: Clock = time.time) -> VerifyInfo:
    """Verify what C(request) asks for and return the results of the module rpm_verify_info.

    Two rpm processes; one more for C(paths), and one more when another package took files over.
    """
    begin = clock()
    owners = rpm.owners(request.paths) if request.paths else {}
    unowned = [path for path, found in owners.items() if not found]
    names = list(request.packages) + list(request.optional)
    names += [owner.label for found in owners.values() for owner in found]
    names = list(dict.fromkeys(names))
    query = rpm.query(names)
    installed = [name for name in names if name not in query.missing]
    verification = rpm.verify(installed, timeout=request.timeout, packages=query.packages)
    survey = _SurveyedFiles(query.packages, verification, request)
    selection = _requested(survey, disk, request.paths) if request.paths else None
    deadline = begin + max(request.timeout, verification.elapsed + 1.0)
    chosen = range(len(survey.files)) if selection is None else sorted(selection)
    shown = [index for index in chosen if selection or request.include_intact or survey.counts(index)]
    takers = _owners_now(rpm, [survey.files[index][1].path for index in shown if survey.state(index) == "replaced"])
    files = [
        survey.file_info(index, _actual(survey, index, disk, deadline), (selection or {}).get(index, ""), takers)
        for index in shown
    ]
    not_installed = [name for name in query.missing if name not in request.optional]
    incomplete = bool(not_installed or unowned or verification.partial)
    return VerifyInfo(
        packages=[survey.package_info(number) for number in range(len(query.packages))],
        files=files,
        not_installed=not_installed,
        unowned_files=[json_text(path) for path in unowned],
        partial=verification.partial,
        unverified_packages=verification.unverified,
        intact=not incomplete and not any(survey.counts(index) for index in chosen),
        elapsed=round(clock() - begin, 3),
    )


def state_of(entry: t.Optional[VerifyEntry], file: RpmFile, exclude: t.Sequence[str] = ()) -> str:
    """Return V(ok), V(altered), V(missing), V(replaced), V(unreadable) or V(excluded) for C(file).

    C(entry) is what rpm said of it, null when it said nothing. A file of a type in C(exclude) is V(excluded).
    """
    if set(file.types).intersection(exclude):
        return "excluded"
    if entry is None:
        return "ok"
    if entry.note == "replaced":
        return "replaced"
    if entry.missing:
        return "unreadable" if entry.reason else "missing"
    if entry.altered:
        return "altered"
    return "unreadable" if entry.unreadable else "ok"


def expected_of(file: RpmFile) -> FileMetadata:
    """Return what the package promises of C(file), null for what it does not promise for such a file."""
    is_file = file.kind == "file" and not file.is_ghost
    return FileMetadata(
        kind=file.kind,
        size=file.size if is_file else None,
        mode=octal_mode(file.mode) if file.kind != "link" else None,
        owner=json_text(file.owner),
        group=json_text(file.group),
        mtime=file.mtime if is_file else None,
        digest=file.digest or None if is_file else None,
        link_target=json_text(file.linkto) if file.kind == "link" and not file.is_ghost else None,
        capabilities=normal_capabilities(file.caps) if is_file else None,
    )


def _actual(
    survey: "_SurveyedFiles", index: int, disk: Disk, deadline: float
) -> t.Tuple[t.Optional[FileMetadata], t.List[str]]:
    """Return what is there, null for nothing that can be looked at, and what of it could not be read."""
    number, file = survey.files[index]
    intact = _has_promised_digest(file, survey.entries.get(index), survey.state(index))
    try:
        actual, errors = disk.read(file.path, survey.packages[number].digest_algorithm, deadline, digest=not intact)
    except OSError as error:
        gone = error.errno in (errno.ENOENT, errno.ENOTDIR)
        return None, [] if gone else [os.strerror(error.errno or 0)]
    if intact and actual["kind"] == "file":
        actual["digest"] = file.digest
    return actual, errors


def _has_promised_digest(file: RpmFile, entry: t.Optional[VerifyEntry], state: str) -> bool:
    """Return whether rpm has just found that the content is as promised, so that it need not be read again."""
    if file.kind != "file" or file.is_ghost or file.state != "normal" or state == "unverified":
        return False
    if not file.verify_flags & _VERIFIES_DIGEST:
        return False
    return entry is None or not (entry.missing or entry.flags[2] != "." or "link" in entry.altered)


class _SurveyedFiles:
    """The files of all packages in the order of the verification, each with what rpm said of it."""

    def __init__(self, packages: t.Sequence[RpmPackage], verification: Verification, request: VerifyRequest) -> None:
        self.packages = packages
        self.files = [(number, file) for number, package in enumerate(packages) for file in package.files]
        self.entries = {place: entry for place, entry in zip(verification.places, verification.entries) if place >= 0}
        self._unverified = frozenset(verification.unverified)
        self._request = request

    def state(self, index: int) -> str:
        number, file = self.files[index]
        entry = self.entries.get(index)
        state = state_of(entry, file, self._request.exclude)
        if entry is None and state == "ok" and self.packages[number].nevra in self._unverified:
            return "unverified"
        return state

    def counts(self, index: int) -> bool:
        """Return whether the file deviates in a way that was asked for."""
        if self.state(index) not in _DEVIATING:
            return False
        return not self._request.drift_only or is_drift(self.entries[index])

    def package_info(self, number: int) -> PackageInfo:
        package = self.packages[number]
        verified = package.nevra not in self._unverified
        deviations = sum(self.files[index][0] == number and self.counts(index) for index in self.entries)
        return PackageInfo(
            name=package.name,
            epoch=package.id.epoch,
            version=package.id.version,
            release=package.id.release,
            arch=package.arch,
            nevra=package.nevra,
            verified=verified,
            intact=verified and not deviations,
            deviations=deviations,
        )

    def file_info(
        self,
        index: int,
        actual: t.Tuple[t.Optional[FileMetadata], t.List[str]],
        requested: str,
        takers: t.Mapping[str, t.List[str]],
    ) -> FileInfo:
        """Return everything about a file; C(takers) has the packages that own the paths of replaced ones now."""
        number, file = self.files[index]
        entry, state = self.entries.get(index), self.state(index)
        info = FileInfo(
            path=json_text(file.path),
            package=self.packages[number].nevra,
            state=state,
            drift=entry is not None and state in _DEVIATING and is_drift(entry),
            flags=NO_FLAGS if entry is None else "missing" if entry.missing else entry.flags,
            attribute=file.attribute,
            types=list(file.types),
            rpm_state=file.state,
            reason=entry.reason if entry else "",
            altered=[_RENAMED.get(word, word) for word in entry.altered] if entry else [],
            unreadable=[_RENAMED.get(word, word) for word in entry.unreadable] if entry else [],
            expected=expected_of(file),
            actual=actual[0],
            actual_errors=actual[1],
        )
        if printable(file.path) != file.path:
            info["path_printable"] = printable(file.path)
        if info["path"] != file.path:
            info["path_base64"] = base64.b64encode(os.fsencode(file.path)).decode("ascii")
        if requested and requested != file.path:
            info["requested"] = json_text(requested)
        if state == "replaced":
            info["replaced_by"] = takers[file.path]
        return info


def _requested(survey: _SurveyedFiles, disk: Disk, paths: t.Sequence[str]) -> t.Dict[int, str]:
    """Return, by place, the path that was asked for; it may lead to the packaged one through a linked folder."""
    by_name = {}  # type: t.Dict[str, t.List[int]]
    for index, (_number, file) in enumerate(survey.files):
        by_name.setdefault(os.path.basename(file.path), []).append(index)
    requested = {}
    for path in paths:
        candidates = by_name.get(os.path.basename(path.rstrip("/")), [])
        same = [index for index in candidates if survey.files[index][1].path == path]
        if not same:
            canonical = disk.root.canonical(path)
            same = [index for index in candidates if disk.root.canonical(survey.files[index][1].path) == canonical]
        requested.update(dict.fromkeys(same, path))
    return requested


def _owners_now(rpm: Rpm, paths: t.Sequence[str]) -> t.Dict[str, t.List[str]]:
    """Return which packages own the paths of replaced files now."""
    return {path: [owner.nevra for owner in owners] for path, owners in (rpm.owners(paths) if paths else {}).items()}
