# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Reads a host's enabled repositories from the controller: the host downloads, this side understands."""

from __future__ import annotations

import base64
import io
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ...module_utils._base.errors import RepositoryError
from ...module_utils._base.text import printable
from ...module_utils._packages.addresses import join_url, scheme_of, shown_url
from ...module_utils._packages.repo_config import Repository
from ...module_utils._packages.repodata import (
    LIST_LIMIT,
    MOST_MIRRORS,
    OPEN_LIMIT,
    PACKAGE_LIMIT,
    PRIMARY_LIMIT,
    REPOMD,
    REPOMD_LIMIT,
    Checksum,
    MetadataFile,
    RepositoryPackage,
    checksum_of,
    decompressed,
    find_packages,
    parse_mirrors,
    parse_repomd,
)
from ...module_utils._packages.wanted import Wanted
from .repo_access import SHOW_CONFIGURATION, configuration_of, curl_options, wget_options
from .script import Answer, Calls, Settings, decoded

__all__ = ["RepositoryReader"]

Ask = Callable[[Sequence[str], Calls, Settings], Answer]

# What the host puts after the last element of metadata that it read to the end.
_WHOLE = "<!-- whole -->"
# Seconds for all that is downloaded from the repositories of a host.
_ALL_DOWNLOADS = 1800

_SCHEMES = ("http", "https", "ftp", "file")


@dataclass
class _Reading:
    """One repository while it is read: its mirrors, what its repomd.xml may be, what it offers, what failed."""

    number: int
    repository: Repository
    bases: list[str] = field(default_factory=list)
    accepted: list[Checksum] = field(default_factory=list)
    packages: list[RepositoryPackage] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def can_read(self, url: str) -> bool:
        """Tell whether curl and wget take the URL; a failure is noted where they do not."""
        if scheme_of(url) in _SCHEMES:
            return True
        self.failures.append(f"{printable(shown_url(url))} cannot be read here: only {', '.join(_SCHEMES)} can")
        return False

    def read_mirrors(self, data: bytes) -> None:
        """Take the mirrors of a list, or note why it has none."""
        try:
            mirrors = parse_mirrors(data)
        except RepositoryError as error:
            self.failures.append(error.message)
            return
        self.bases, self.accepted = mirrors

    def primary_of(self, repomd: bytes) -> MetadataFile:
        """Return the entry of the primary metadata. Raises RepositoryError."""
        if self.accepted and not any(_matches(repomd, one) for one in self.accepted):
            raise RepositoryError("it is not one of the versions in the metalink")
        return parse_repomd(repomd)

    def offers_of(self, wanted: Wanted) -> Iterator[tuple[RepositoryPackage, str]]:
        """Yield the exact package on each of the mirrors."""
        for package in self.packages:
            if wanted.accepts(package.name, package.evr, package.arch):
                yield from ((package, join_url(base, package.location, package.base)) for base in self.bases)


class _Download(NamedTuple):
    """One file of a repository. C(what) tells it from the repository's others, C(limit) is in bytes."""

    reading: _Reading
    what: str
    url: str
    limit: int

    @property
    def key(self) -> str:
        """Return its name in the folder of the host."""
        return f"{self.reading.number}-{self.what}"

    @property
    def call(self) -> Sequence[str]:
        """Return the call of fetch.sh."""
        authorities = self.reading.repository.connection.ca
        return ["download", self.key, self.url, str(self.limit), str(self.reading.number), authorities]

    def check(self, checksum: Checksum) -> Sequence[str]:
        """Return the call of fetch.sh that removes it where it is something else."""
        return ["check", self.key, checksum.algorithm, checksum.value]

    def body(self, answer: Answer, name: str) -> str | None:
        """Return what a section of that name says about it."""
        return next((section.body for section in answer.named(name) if section.word == self.key), None)

    def content(self, answer: Answer) -> bytes | None:
        """Return the file; where there is none, a failure is noted. Raises HostAnswerError for what is no file."""
        text = self.body(answer, "content-of")
        if text is None:
            self.note_failures(answer)
            return None
        return decoded(text, "content-of", self.limit)

    def fail(self, reason: str) -> None:
        """Note a failure."""
        self.reading.failures.append(f"{shown_url(self.url)}: {reason}")

    def note_failures(self, answer: Answer) -> None:
        """Note what went wrong."""
        for section in answer.named("download"):
            _key, code, _size = section.fields(3)
            if section.word == self.key and code != "0":
                self.fail(printable(section.body.strip()[-300:]) or f"exit code {code}")
        if self.body(answer, "mismatch") is not None:
            self.reading.failures.append(f"{shown_url(self.url)} is not what the metadata says")


class RepositoryReader:
    """Finds and downloads exact packages. C(ask) runs calls of fetch.sh in the folder C(staging) of the host."""

    def __init__(
        self, ask: Ask, upload: Callable[[Path], str], staging: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask_host = ask
        self._clock = clock
        self._end = clock() + _ALL_DOWNLOADS
        self._upload = upload
        self._staging = staging
        self.reasons: list[str] = []
        self.available: dict[str, set[str]] = {}

    def _ask(self, calls: Calls) -> Answer:
        if not calls:
            return Answer(())
        left = max(0, int(self._end - self._clock()))
        return self._ask_host(["fetch"], calls, {"fetch_timeout": str(left), "most_opened": str(OPEN_LIMIT)})

    def fetch(self, wanted: Sequence[Wanted]) -> list[tuple[Wanted, str]]:
        """Return each package that could be downloaded, with its path on the host; C(reasons) tells of the others."""
        configuration = configuration_of(self._ask([SHOW_CONFIGURATION]))
        self.reasons += configuration.problems
        if not configuration.repositories:
            raise RepositoryError("; ".join(["no repository is enabled", *configuration.problems]))
        readings = [_Reading(number, repository) for number, repository in enumerate(configuration.repositories)]
        self._bring_options(readings)
        self._find_mirrors(readings)
        self._read_all(readings, sorted({one.name for one in wanted}))
        for reading in readings:
            self.reasons += [f"{reading.repository.id}: {failure}" for failure in reading.failures]
            for package in reading.packages:
                self.available.setdefault(package.name, set()).add(package.evr)
        return [(one, path) for one in wanted if (path := self._download(one, readings))]

    def _bring_options(self, readings: Sequence[_Reading]) -> None:
        """Passwords must not be on a command line, which Ansible prints when it is asked for details."""
        lines = []
        for reading in readings:
            connection = reading.repository.connection
            for program, text in (("curl", curl_options(connection)), ("wget", wget_options(connection))):
                lines.append(f"{reading.number}-{program} {base64.b64encode(text.encode()).decode()}\n")
        with tempfile.TemporaryDirectory(prefix="fleet-system-python-") as folder:
            path = Path(folder, "options")
            path.write_text("".join(lines), encoding="ascii")
            self._ask([["adopt_options", self._upload(path)]])

    def _find_mirrors(self, readings: Sequence[_Reading]) -> None:
        lists = []
        for reading in readings:
            repository = reading.repository
            url = repository.metalink or repository.mirrorlist
            if repository.baseurls:
                reading.bases = [url for url in repository.baseurls if reading.can_read(url)]
            elif url and reading.can_read(url):
                lists.append(_Download(reading, "list", url, LIST_LIMIT))
        answer = self._download_and_show(lists)
        for one in lists:
            data = one.content(answer)
            if data is not None:
                one.reading.read_mirrors(data)
        for reading in readings:
            del reading.bases[MOST_MIRRORS:]

    def _read_all(self, readings: Sequence[_Reading], names: Sequence[str]) -> None:
        """Read all repositories side by side, the first mirror of each, then the next one of those that failed."""
        unread = list(readings)
        for turn in range(MOST_MIRRORS):
            unread = [reading for reading in unread if turn < len(reading.bases)]
            if not unread:
                return
            for reading in self._read_from(turn, unread, names):
                reading.bases.insert(0, reading.bases.pop(turn))
                # What other mirrors could not do no longer matters.
                reading.failures.clear()
                unread.remove(reading)

    def _read_from(self, turn: int, readings: Sequence[_Reading], names: Sequence[str]) -> list[_Reading]:
        """Return those that their mirror number C(turn) gave."""
        repomds = [_Download(one, "repomd", join_url(one.bases[turn], REPOMD), REPOMD_LIMIT) for one in readings]
        answer = self._download_and_show(repomds)
        calls: list[Sequence[str]] = []
        primaries = []
        for repomd in repomds:
            data = repomd.content(answer)
            if data is None:
                continue
            try:
                file = repomd.reading.primary_of(data)
            except RepositoryError as error:
                repomd.fail(error.message)
                continue
            url = join_url(repomd.reading.bases[turn], file.location, file.base)
            primary = _Download(repomd.reading, "primary", url, file.size or PRIMARY_LIMIT)
            calls += [primary.call, primary.check(file.checksum), ["cut_packages", primary.key, *names]]
            primaries.append(primary)
        answer = self._ask(calls)
        return [primary.reading for primary in primaries if _read_packages(answer, primary, frozenset(names))]

    def _download(self, wanted: Wanted, readings: Sequence[_Reading]) -> str:
        """Return the path of the package on the host, an empty one where no repository gave it."""
        for reading in readings:
            for package, url in reading.offers_of(wanted):
                one = _Download(reading, f"{wanted.id.nvra}.rpm", url, package.size or PACKAGE_LIMIT)
                if self._saved(one, package.checksum):
                    return f"{self._staging}/download/{one.key}"
        offered = sorted(self.available.get(wanted.name, ()))
        others = f"; it is offered as {', '.join(offered)}" if offered and wanted.evr not in offered else ""
        self.reasons.append(f"none gave {wanted.nevra}{others}")
        return ""

    def _saved(self, one: _Download, checksum: Checksum) -> bool:
        failures = one.reading.failures
        before = len(failures)
        one.note_failures(self._ask([one.call, one.check(checksum)]))
        self.reasons += [f"{one.reading.repository.id}: {failure}" for failure in failures[before:]]
        return len(failures) == before

    def _download_and_show(self, downloads: Sequence[_Download]) -> Answer:
        return self._ask([call for one in downloads for call in (one.call, ["show_download", one.key])])


def _matches(data: bytes, checksum: Checksum) -> bool:
    return checksum_of(data, checksum.algorithm) == checksum


def _read_packages(answer: Answer, primary: _Download, names: frozenset[str]) -> bool:
    """Read the packages of primary metadata, or note why that fails."""
    try:
        chunks = _metadata_of(answer, primary)
        if chunks is None:
            return False
        primary.reading.packages = find_packages(chunks, names)
    except RepositoryError as error:
        primary.fail(error.message)
        return False
    return True


def _metadata_of(answer: Answer, primary: _Download) -> Iterator[bytes] | None:
    """Return the elements that the host cut out of the metadata or, where it cannot, all of it."""
    cut = primary.body(answer, "cut")
    if cut is None:
        data = primary.content(answer)
        return None if data is None else decompressed(io.BytesIO(data), OPEN_LIMIT)
    if _WHOLE not in cut:
        raise RepositoryError("it cannot be decompressed, or it is damaged, or larger than any such file")
    return iter([b"<metadata>", cut.encode("utf-8", "surrogateescape"), b"</metadata>"])
