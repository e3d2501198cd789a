# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The last rung: read the host's enabled repositories without dnf or zypper and download the exact packages.

A repository's own signature over its metadata (repo_gpgcheck) is not checked: it protects from old packages, and here
only one version is wanted, whose header must equal the installed one and whose own signature is checked.
"""

import os
import typing as t

from .._base.command import CommandRunner, run_command
from .._base.errors import RepositoryError
from .._disk.files import open_to_read
from .._rpm.database import Rpm
from .acquisition import Fetched, Proposal, Source
from .addresses import join_url, shown_url
from .download import Deadline, Downloader
from .repo_config import Configuration, Files, Repository, read_configuration
from .repodata import (
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
from .wanted import Wanted

__all__ = ["Repositories"]

_Result = t.TypeVar("_Result")


class Repositories(Source):
    """All enabled repositories, by priority and cost, until everything is found."""

    name = "repositories"

    def __init__(self, rpm: Rpm, root: str = "/", runner: CommandRunner = run_command, timeout: float = 600.0) -> None:
        self._rpm = rpm
        self._root = root
        self._runner = runner
        self._timeout = timeout
        self._configuration: t.Optional[Configuration] = None
        self._offered: t.Dict[str, t.List[str]] = {}

    def _enabled(self) -> Configuration:
        if self._configuration is None:
            self._configuration = read_configuration(self._rpm.architecture(), Files(self._root), self._runner)
        return self._configuration

    def obstacle(self) -> str:
        """There must be an enabled repository."""
        found = self._enabled()
        if found.repositories:
            return ""
        return "; ".join(["no repository is enabled"] + found.problems)

    def fetch(self, wanted: t.Sequence[Wanted], folder: str) -> Fetched:
        """Read one repository after the other; what is wrong with one is a reason, not an error."""
        deadline = Deadline(self._timeout)
        result = Fetched([], list(self._enabled().problems))
        for number, repository in enumerate(self._enabled().repositories):
            proposed = {proposal.wanted.nevra for proposal in result.proposals}
            missing = [one for one in wanted if one.nevra not in proposed]
            if not missing:
                break
            place = os.path.join(folder, str(number))
            os.mkdir(place, 0o700)
            try:
                self._add_proposals(_Reader(repository, place, deadline), missing, result)
            except RepositoryError as error:
                result.reasons.append("{0}: {1}".format(repository.id, error.message))
        lacking = result.lacking(wanted)
        if lacking and not result.reasons:
            result.reasons.append("none of {0} has {1}".format(", ".join(self._repository_ids()), lacking))
        return result

    def _repository_ids(self) -> t.List[str]:
        return [repository.id for repository in self._enabled().repositories]

    def _add_proposals(self, reader: "_Reader", missing: t.Sequence[Wanted], result: Fetched) -> None:
        offered = reader.packages({one.name for one in missing})
        for package in offered:
            self._offered.setdefault(package.name, []).append(package.evr)
        for one in missing:
            for package in offered:
                if one.accepts(package.name, package.evr, package.arch):
                    self._download(reader, package, one, result)
                    break

    def _download(self, reader: "_Reader", package: RepositoryPackage, wanted: Wanted, result: Fetched) -> None:
        try:
            path = reader.download(package, len(result.proposals))
        except RepositoryError as error:
            # The others may still be had here, and this one elsewhere.
            result.reasons.append("{0}: {1}".format(reader.repository.id, error.message))
            return
        result.proposals.append(Proposal(path, wanted, "{0} from {1}".format(wanted.nevra, reader.shown_base())))

    def versions(self) -> t.Dict[str, t.List[str]]:
        """What was seen on the way."""
        return self._offered


class _Reader:
    """Reads one repository, from the first of its mirrors that gives what is asked for."""

    def __init__(self, repository: Repository, folder: str, deadline: Deadline) -> None:
        self.repository = repository
        self._folder = folder
        self._downloader = Downloader(repository.connection, deadline)
        self._bases: t.List[str] = []
        self._accepted: t.List[Checksum] = []
        self._deadline = deadline

    def packages(self, names: t.Container[str]) -> t.List[RepositoryPackage]:
        """Return what the repository has under C(names)."""
        self._find_bases()
        primary = self._from_first_mirror(self._repomd)
        path = os.path.join(self._folder, "primary")
        self._from_first_mirror(
            lambda base: self._downloader.save(
                join_url(base, primary.location, primary.base), path, primary.checksum, primary.size, PRIMARY_LIMIT
            )
        )
        try:
            return find_packages(self._content(path, primary.open_size or OPEN_LIMIT), names)
        finally:
            os.unlink(path)

    def download(self, package: RepositoryPackage, number: int) -> str:
        """Return the path of the downloaded package, checked against the metadata."""
        path = os.path.join(self._folder, "{0}.rpm".format(number))
        self._from_first_mirror(
            lambda base: self._downloader.save(
                join_url(base, package.location, package.base), path, package.checksum, package.size, PACKAGE_LIMIT
            )
        )
        return path

    def shown_base(self) -> str:
        """Return the mirror that answered last, for messages."""
        return "{0} ({1})".format(self.repository.id, shown_url(self._bases[0]))

    def _find_bases(self) -> None:
        found: t.List[str] = list(self.repository.baseurls)
        for url in (self.repository.metalink, self.repository.mirrorlist):
            if url and not found:
                found = self._listed_mirrors(url)
        self._bases = found[:MOST_MIRRORS]

    def _listed_mirrors(self, url: str) -> t.List[str]:
        mirrors = parse_mirrors(self._downloader.read(url, LIST_LIMIT))
        self._accepted = mirrors.checksums
        return mirrors.bases

    def _from_first_mirror(self, ask: t.Callable[[str], _Result]) -> _Result:
        """Return what C(ask) gives for the first mirror that works; that one is asked first from then on."""
        failures: t.List[str] = []
        for base in list(self._bases):
            try:
                answer = ask(base)
            except RepositoryError as error:
                failures.append(error.message)
                self._deadline.left()
                continue
            self._bases.remove(base)
            self._bases.insert(0, base)
            return answer
        raise RepositoryError("; ".join(failures) or "it has no usable mirror")

    def _repomd(self, base: str) -> MetadataFile:
        url = join_url(base, REPOMD)
        data = self._downloader.read(url, REPOMD_LIMIT)
        if self._accepted and not any(checksum_of(data, one.algorithm) == one for one in self._accepted):
            raise RepositoryError("{0} is not one of the versions in the metalink".format(shown_url(url)))
        return parse_repomd(data)

    def _content(self, path: str, limit: int) -> t.Iterator[bytes]:
        with open_to_read(path) as stream:
            for chunk in decompressed(stream, min(limit, OPEN_LIMIT)):
                self._deadline.left()
                yield chunk
