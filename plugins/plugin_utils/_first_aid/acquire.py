# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The ladder: where the exact packages may come from, tried one source after the other, every file judged here."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...module_utils._base.errors import (
    AcquisitionError,
    DiskFullError,
    ReadOnlyError,
    RepositoryError,
    SignatureError,
    SystemPythonError,
    VersionGoneError,
)
from ...module_utils._base.text import printable
from ...module_utils._packages.repodata import evr_key
from ...module_utils._packages.wanted import CACHE_FOLDERS, Wanted
from ...module_utils._rpm.room import room_wanted
from ...module_utils._rpm.signatures import signature_complaint
from .._border.types import HOST
from .errors import StagingGoneError
from .probe import STAGING_PARENT, STAGING_PREFIX, staging_folder
from .records import Attempt, Borrowed
from .remote import Remote
from .repositories import RepositoryReader
from .script import Answer, Calls, Section, Settings

__all__ = ["SOURCES", "Acquisition", "AidOptions", "Staged", "failure_of"]

# The order of the ladder. "borrowed" are files that another host of the play lent.
SOURCES = ("files", "cache", "zypper", "microdnf", "repositories", "borrowed")

_MANAGER_TIMEOUT = "300"

_NO_ROOM = re.compile(r"No space left|Disk quota exceeded")
_READ_ONLY = re.compile(r"Read-only file system")


@dataclass(frozen=True)
class AidOptions:
    """What the operator asked for. C(files) lie on the controller, C(host_files) on the host."""

    files: tuple[Path, ...] = ()
    host_files: tuple[str, ...] = ()
    borrowed: Borrowed | None = None
    sources: tuple[str, ...] = SOURCES
    check_signatures: bool = True
    quarantine: str = "/var/lib/fleet.system_python/quarantine"
    lock_path: str = "/run/lock/fleet.system_python.lock"
    lock_timeout: int = 300

    @property
    def ladder(self) -> tuple[str, ...]:
        """Return the sources to try: after other hosts were asked, only what they lent."""
        return self.sources if self.borrowed is None else ("borrowed",)


@dataclass(frozen=True)
class Staged:
    """A package file in the staging folder that was found to be what is wanted."""

    wanted: Wanted
    path: str
    source: str


@dataclass
class Acquisition:
    """One attempt to get all of C(wanted) into a folder on the host."""

    remote: Remote
    options: AidOptions
    wanted: Sequence[Wanted]
    staging: str = ""
    staged: dict[str, Staged] = field(default_factory=dict)
    tried: list[Attempt] = field(default_factory=list)
    signature_errors: list[SignatureError] = field(default_factory=list)
    available: dict[str, set[str]] = field(default_factory=dict)

    def missing(self) -> list[Wanted]:
        """Return what no source gave so far."""
        return [one for one in self.wanted if one.nevra not in self.staged]

    def run(self) -> list[Staged]:
        """Return one checked file for each wanted package.

        Raises SignatureError, VersionGoneError or AcquisitionError, each with C(tried), DiskFullError, ReadOnlyError,
        or StagingGoneError (another run finished meanwhile).
        """
        if not self.staging:
            self.open()
        for name in self.options.ladder:
            if self.missing():
                _STEPS[name](self)
        if self.missing():
            raise self._failure()
        return [self.staged[one.nevra] for one in self.wanted]

    def open(self, calls: Calls = ()) -> Answer:
        """Make the folder; return the answer, with that of C(calls)."""
        settings = {"staging_parent": STAGING_PARENT, "staging_prefix": STAGING_PREFIX}
        answer = self.remote.ask(["stage"], settings, [["make_staging"], *calls])
        _check_failed(answer, f"A folder for the packages cannot be made in {STAGING_PARENT}")
        self.staging = staging_folder(answer.first("staging").word, "staging")
        return answer

    def close(self) -> None:
        """Remove the folder."""
        if self.staging:
            self.remote.ask(["stage"], {}, [["remove_staging", "0", self.staging]])
            self.staging = ""

    def note(self, source: str, reason: str) -> None:
        """Remember why a source did not give everything."""
        self.tried.append(Attempt(source=source, reason=printable(reason)))

    def ask(self, parts: Sequence[str], calls: Calls, more_settings: Settings | None = None) -> Answer:
        """Run calls that work in the folder."""
        settings = {
            "wanted": [one.id.nvra for one in self.missing()],
            "specs": [f"{one.name}.{one.id.arch}={one.evr}" for one in self.missing()],
            "manager_timeout": _MANAGER_TIMEOUT,
            "download_timeout": _MANAGER_TIMEOUT,
            **(more_settings or {}),
        }
        answer = self.remote.ask(["stage", *parts], settings, [["use_staging", self.staging], *calls])
        if answer.has("gone"):
            raise StagingGoneError("The folder for the packages is gone: another run finished meanwhile.")
        _check_failed(answer, f"{self.staging} cannot be written")
        return answer

    def offer(self, source: str, calls: Calls) -> None:
        """Run calls that put package files into the folder, and judge what came."""
        answer = self.ask([], calls)
        for section in answer.named("unusable"):
            self.note(source, section.body.strip())
        before = len(self.tried)
        self._judge_files(answer)
        lacking = [one.nevra for one in self.missing()]
        if lacking and len(self.tried) == before and not answer.has("unusable"):
            self.note(source, f"it does not have {', '.join(lacking)}")

    def _judge_files(self, answer: Answer) -> None:
        sections = list(answer.sections)
        for number, section in enumerate(sections):
            if section.name == "staged":
                header, signature, content = _following(sections, number, ("header", "signature", "content"))
                self._judge_file(section, header.body.strip(), signature, content)

    def _judge_file(self, section: Section, header: str, signature: Section, content: Section) -> None:
        nvra, source, staged = section.fields(3)
        HOST.absolute_path(staged, "staged", [self.staging])
        found, installed, header_found, header_installed = content.fields(4)
        origin = section.text
        wanted = next((one for one in self.missing() if one.id.nvra == nvra), None)
        if wanted is None:
            return
        if header != nvra:
            self.note(source, f"{origin} is {header}, not {nvra}")
            return
        complaint = signature_complaint(signature.lines, allow_unsigned=not self.options.check_signatures)
        if complaint:
            output = "; ".join(line.strip() for line in signature.lines[1:])
            message = f"{origin} is not used: {complaint}. rpm -K said: {printable(output)}"
            self.signature_errors.append(SignatureError(message, file=origin, output=output, reason=complaint))
            self.note(source, message)
            return
        if installed not in (found, "none"):
            self.note(source, f"{origin} is called {nvra} like the installed package, but its files are others")
            return
        if source == "borrowed" and not self.options.check_signatures and header_found != header_installed:
            self.note(source, f"{origin} is not the very package that is installed, and signatures are not checked")
            return
        self.staged[wanted.nevra] = Staged(wanted, staged, source)

    def _failure(self) -> SystemPythonError:
        names = ", ".join(one.nevra for one in self.missing())
        story = " ".join(f"{one['source']}: {one['reason'].rstrip('.')}." for one in self.tried)
        details = {"wanted": [one.nevra for one in self.missing()], "tried": self.tried}
        if self.signature_errors:
            first = self.signature_errors[0]
            return SignatureError(
                f"{first.message} Nothing was changed. No other source has {names}. Import the key that signed it if "
                f"you trust it, or give the right file. Tried: {story}",
                **{**first.details, **details},
            )
        gone = {one.name: self._offered(one) for one in self.missing() if self._offered(one)}
        if gone:
            listed = "; ".join(f"{name}: {', '.join(evrs)}" for name, evrs in sorted(gone.items()))
            return VersionGoneError(
                f"No source has {names} any more. Available are {listed}. Nothing was changed: give the exact files, "
                f"or let a host that has them lend them. Tried: {story}",
                available=gone,
                **details,
            )
        return AcquisitionError(f"No source could give {names}. Nothing was changed. Tried: {story}", **details)

    def _offered(self, wanted: Wanted) -> list[str]:
        return sorted(self.available.get(wanted.name, set()) - {wanted.evr}, key=evr_key, reverse=True)


def _following(sections: Sequence[Section], number: int, names: Sequence[str]) -> Sequence[Section]:
    """Return the sections behind one, which must have these names. Raises HostAnswerError."""
    found = sections[number + 1 : number + 1 + len(names)]
    if [one.name for one in found] != list(names):
        raise HOST.refused(
            " ".join(one.name for one in found), sections[number].name, f"followed by {', '.join(names)}"
        )
    return found


def _check_failed(answer: Answer, what: str) -> None:
    if answer.has("failed"):
        raise failure_of(answer.first("failed").body, what)


def failure_of(output: str, what: str) -> SystemPythonError:
    """Return the error that fits what a command said when it could not write."""
    text = printable(output.strip()[-500:])
    if room_wanted(output) or _NO_ROOM.search(output):
        return DiskFullError(f"{what}: there is no room. Nothing was changed. {text}", output=text)
    if _READ_ONLY.search(output):
        return ReadOnlyError(f"{what}: the file system is read-only. Nothing was changed. {text}", output=text)
    return AcquisitionError(f"{what}. Nothing was changed. {text}", output=text)


def _from_files(acquisition: Acquisition) -> None:
    options = acquisition.options
    paths = [*options.host_files, *(acquisition.remote.upload(path) for path in options.files)]
    if paths:
        acquisition.offer("files", [["offer_given", "files", *paths]])


def _from_borrowed(acquisition: Acquisition) -> None:
    borrowed = acquisition.options.borrowed
    if borrowed and borrowed.packages:
        paths = [acquisition.remote.upload(path) for path in borrowed.packages]
        acquisition.offer("borrowed", [["offer_given", "borrowed", *paths]])


def _from_cache(acquisition: Acquisition) -> None:
    acquisition.offer("cache", [["offer_cached", *CACHE_FOLDERS]])


def _from_zypper(acquisition: Acquisition) -> None:
    acquisition.offer("zypper", [["download_by_zypper"]])


def _from_microdnf(acquisition: Acquisition) -> None:
    acquisition.offer("microdnf", [["download_by_microdnf"]])


def _from_repositories(acquisition: Acquisition) -> None:
    reader = RepositoryReader(acquisition.ask, acquisition.remote.upload, acquisition.staging)
    try:
        found = reader.fetch(acquisition.missing())
    except RepositoryError as error:
        acquisition.note("repositories", error.message)
        return
    finally:
        for name, evrs in reader.available.items():
            acquisition.available.setdefault(name, set()).update(evrs)
    for reason in reader.reasons:
        acquisition.note("repositories", reason)
    if found:
        acquisition.offer("repositories", [["offer", one.id.nvra, path, "repositories"] for one, path in found])


# The registry: a new rung is one function and one entry here and in SOURCES.
_STEPS: dict[str, Callable[[Acquisition], None]] = {
    "files": _from_files,
    "cache": _from_cache,
    "zypper": _from_zypper,
    "microdnf": _from_microdnf,
    "repositories": _from_repositories,
    "borrowed": _from_borrowed,
}
