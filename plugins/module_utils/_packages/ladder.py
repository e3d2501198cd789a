# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The rungs of the ladder, in the order in which they are tried.

Cheapest and least risky first: the operator's files, then the host's package caches (no network, no foreign program),
then the package managers (they know accounts, plugins and proxies that nobody else knows; they only download), the
native ones before dnf, which needs the very Python that may be broken; the repositories read by ourselves last.
"""

import os
import re
import typing as t

from .._audit.isolated import isolated
from .._base.command import CommandRunner, Completed, run_command
from .._base.errors import AcquisitionError
from .._rpm.database import Rpm
from .._rpm.package_files import package_files
from .acquisition import Fetched, Proposal, Source
from .repodata import Document, split_evr
from .repositories import Repositories
from .vouched_settings import manager_obstacle
from .wanted import CACHE_FOLDERS, Wanted

__all__ = ["SOURCES", "SourceSettings", "ladder"]


class SourceSettings(t.NamedTuple):
    """What the sources need to know.

    C(files) are the operator's package files; C(manager_trusted) says that all that dnf would run was verified (else
    dnf is not started); C(timeout) (seconds) holds for one run of a package manager, C(repositories_timeout) for
    reading the repositories; C(root) is the folder that configuration and caches are looked for in.
    """

    rpm: Rpm
    files: t.Tuple[str, ...] = ()
    manager_trusted: bool = False
    timeout: float = 300.0
    repositories_timeout: float = 600.0
    runner: CommandRunner = run_command
    root: str = "/"
    cache_folders: t.Tuple[str, ...] = CACHE_FOLDERS


class GivenFiles(Source):
    """The package files that the operator named, or that lie in the folders that he named."""

    name = "files"
    insists = True

    def __init__(self, settings: SourceSettings) -> None:
        self._settings = settings
        self._offered: t.Dict[str, t.List[str]] = {}

    def obstacle(self) -> str:
        """There must be files."""
        return "" if self._settings.files else "no files were given"

    def fetch(self, wanted: t.Sequence[Wanted], _folder: str) -> Fetched:
        """Match the files by their headers; their names do not matter."""
        files = [path for given in self._settings.files for path in _package_files_of(given, wanted)]
        packages = package_files(self._settings.rpm, files)
        result = Fetched([], [])
        for one in wanted:
            for path, package in zip(files, packages):
                if one.accepts(package.name, package.evr, package.arch):
                    result.proposals.append(Proposal(path, one, path))
                elif one.name == package.name:
                    self._offered.setdefault(package.name, []).append(package.evr)
        return _with_lacking(result, wanted, lambda lacking: f"{lacking} is not among the files")

    def versions(self) -> t.Dict[str, t.List[str]]:
        """Other versions of what is wanted."""
        return self._offered


def _package_files_of(path: str, wanted: t.Sequence[Wanted]) -> t.List[str]:
    """Return C(path) or, of a folder (it may be a whole DVD), the files whose names begin like what is wanted."""
    if not os.path.isdir(path):
        return [path]
    starts = tuple(one.name + "-" for one in wanted)
    names = sorted(name for name in os.listdir(path) if name.endswith(".rpm") and name.startswith(starts))
    return [os.path.join(path, name) for name in names]


def _with_lacking(fetched: Fetched, wanted: t.Sequence[Wanted], reason: t.Callable[[str], str]) -> Fetched:
    """Return it with what C(reason) says of what is lacking."""
    lacking = fetched.lacking(wanted)
    return Fetched(fetched.proposals, fetched.reasons + [reason(lacking)]) if lacking else fetched


class PackageCache(Source):
    """What package managers kept of their downloads."""

    name = "cache"

    def __init__(self, settings: SourceSettings) -> None:
        self._folders = [os.path.join(settings.root, folder.lstrip("/")) for folder in settings.cache_folders]

    def obstacle(self) -> str:
        """There must be a cache folder."""
        return "" if any(os.path.isdir(folder) for folder in self._folders) else "there is no package cache"

    def fetch(self, wanted: t.Sequence[Wanted], _folder: str) -> Fetched:
        """Find files by the names that repositories give them; their headers are compared later."""
        paths = [path for cache in self._folders for path in _files_below(cache) if path.endswith(".rpm")]
        found = [
            Proposal(path, one, path) for one in wanted for path in paths if path.endswith("/" + one.id.nvra + ".rpm")
        ]
        return _with_lacking(Fetched(found, []), wanted, lambda lacking: f"{lacking} is not in it")

    def versions(self) -> t.Dict[str, t.List[str]]:
        """A cache says nothing about what can be had."""
        return {}


def _files_below(folder: str) -> t.Iterator[str]:
    for parent, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            yield os.path.join(parent, name)


class _DownloadTool(Source):
    """A package manager that is only asked to download."""

    path = ""

    def __init__(self, settings: SourceSettings) -> None:
        self._settings = settings
        self._rpm = settings.rpm
        self._wanted: t.List[Wanted] = []

    def obstacle(self) -> str:
        """The program must be there, and what it runs be what packages put there."""
        if not os.path.exists(self.path):
            return f"{self.path} is not installed"
        return manager_obstacle(self._rpm, self.path)

    def _run(self, arguments: t.Sequence[str], folder: str = "") -> Completed:
        argv = isolated([self.path] + list(arguments))
        if folder:
            argv = ["/bin/sh", "-c", 'cd -- "$1" && shift && exec "$@"', "sh", folder] + argv
        done = self._settings.runner(argv, timeout=self._settings.timeout)
        if done.timed_out or done.rc == 127:
            raise done.error(f"{self.name} did not work")
        return done

    def _proposals_from(self, wanted: t.Sequence[Wanted], paths: t.Iterable[str], done: Completed) -> Fetched:
        """Match files to what is wanted by their headers."""
        files = sorted(paths)
        packages = package_files(self._rpm, files)
        found = [
            Proposal(path, one, f"{one.nevra} from {self.name}")
            for path, package in zip(files, packages)
            for one in wanted
            if one.accepts(package.name, package.evr, package.arch)
        ]
        said = self._last_output(done)
        return _with_lacking(
            Fetched(found, []), wanted, lambda lacking: f"it did not download {lacking}. It said: {said}"
        )

    def _last_output(self, done: Completed) -> str:
        return done.tail()


class Zypper(_DownloadTool):
    """C(zypper download) needs no solver and puts the files where it is told."""

    name = "zypper"
    path = "/usr/bin/zypper"

    def fetch(self, wanted: t.Sequence[Wanted], folder: str) -> Fetched:
        """Download, and read from the XML where the files are (of a repository in a folder, they stay there)."""
        self._wanted = list(wanted)
        specs = [f"{one.name}.{one.id.arch}={one.evr}" for one in wanted]
        done = self._run(
            ["--non-interactive", "--xmlout", "--pkg-cache-dir", folder, "download", "--"] + specs,
        )
        return self._proposals_from(wanted, set(_xml_attributes(done.out, "localfile", "path")), done)

    def _last_output(self, done: Completed) -> str:
        return " ".join(_xml_messages(done.out)) or done.tail()

    def versions(self) -> t.Dict[str, t.List[str]]:
        """Ask for all versions."""
        names = [one.name for one in self._wanted]
        argv = ["--non-interactive", "--xmlout", "--no-refresh", "search", "--details", "--match-exact"]
        done = self._run(argv + ["--type", "package", "--"] + names)
        found: t.Dict[str, t.List[str]] = {}
        for attributes in _xml_elements(done.out, "solvable"):
            # "(System Packages)" is what is installed.
            if attributes.get("name") in names and not attributes.get("repository", "").startswith("("):
                found.setdefault(attributes["name"], []).append(_without_zero_epoch(attributes.get("edition", "")))
        return found


def _without_zero_epoch(edition: str) -> str:
    epoch, version, release = split_evr(edition)
    return (f"{epoch}:" if epoch else "") + f"{version}-{release}"


class _ZypperXml(Document):
    """What zypper says with --xmlout: elements by name, with attributes and text."""

    what = "zypper's output"
    longest_text = 1 << 20

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: t.List[t.Tuple[str, t.Dict[str, str], t.List[str]]] = []
        self.read([text.encode("utf-8", "surrogateescape")])

    def start(self, tag: str, attributes: t.Dict[str, str]) -> None:
        """Begin the text of an element."""
        self.elements.append((tag, attributes, self.collect()))

    def end(self, tag: str) -> None:
        """Leave what is behind an element to it."""


def _xml_messages(text: str) -> t.List[str]:
    """Return what zypper complains about."""
    return [
        "".join(texts).strip()
        for name, attributes, texts in _ZypperXml(text).elements
        if name == "message" and attributes.get("type") in ("error", "warning")
    ]


def _xml_elements(text: str, wanted: str) -> t.List[t.Dict[str, str]]:
    return [attributes for name, attributes, _texts in _ZypperXml(text).elements if name == wanted]


def _xml_attributes(text: str, element: str, attribute: str) -> t.List[str]:
    return [found[attribute] for found in _xml_elements(text, element) if found.get(attribute)]


class Microdnf(_DownloadTool):
    """dnf's small sister in C; C(download) is there from 3.8 on.

    No version has C(--destdir): the files come to the current folder (C(download_packages) of its
    dnf-command-download.c).
    """

    name = "microdnf"
    path = "/usr/bin/microdnf"

    def fetch(self, wanted: t.Sequence[Wanted], folder: str) -> Fetched:
        """Download; it says success for packages that it did not find, so only the files count."""
        self._wanted = list(wanted)
        done = self._run(["download", "--"] + [one.nevra for one in wanted], folder)
        return self._proposals_from(wanted, _packages_in(folder), done)

    def versions(self) -> t.Dict[str, t.List[str]]:
        """Ask for all versions."""
        done = self._run(["repoquery", "--available", "--"] + [one.name for one in self._wanted])
        return _versions_by_name(done.out, self._wanted)


class Dnf(_DownloadTool):
    """dnf, when all that it runs is verified. C(reinstall) for what is installed, C(install) for what is not."""

    name = "dnf"
    path = "/usr/bin/dnf"

    def obstacle(self) -> str:
        """dnf runs on the system's Python."""
        if os.path.exists(self.path) and not self._settings.manager_trusted:
            return "not started: the Python that it runs on is not verified"
        return super().obstacle()

    def fetch(self, wanted: t.Sequence[Wanted], folder: str) -> Fetched:
        """Download what is installed, then what is not: they are two commands of dnf."""
        self._wanted = list(wanted)
        result = Fetched([], [])
        for command, group in (
            ("reinstall", [one for one in wanted if one.installed]),
            ("install", [one for one in wanted if not one.installed]),
        ):
            if group:
                done = self._run(
                    ["-y", command, "--downloadonly", "--destdir=" + folder, "--"] + [one.nevra for one in group]
                )
                part = self._proposals_from(group, _packages_in(folder), done)
                result = Fetched(result.proposals + part.proposals, result.reasons + part.reasons)
        return result

    def versions(self) -> t.Dict[str, t.List[str]]:
        """Ask for all versions."""
        names = [one.name for one in self._wanted]
        form = "%{name}-%{evr}.%{arch}"
        done = self._run(["-q", "-C", "repoquery", "--showduplicates", "--qf", form, "--"] + names)
        return _versions_by_name(done.out, self._wanted)


def _packages_in(folder: str) -> t.List[str]:
    return [path for path in _files_below(folder) if path.endswith(".rpm")]


def _versions_by_name(output: str, wanted: t.Sequence[Wanted]) -> t.Dict[str, t.List[str]]:
    """Read lines of name-[epoch:]version-release.arch."""
    found: t.Dict[str, t.List[str]] = {}
    for line in output.split():
        match = re.match(r"^(.+)-([^-]+-[^-]+)\.[^.-]+$", line)
        if match and match.group(1) in [one.name for one in wanted]:
            found.setdefault(match.group(1), []).append(_without_zero_epoch(match.group(2)))
    return found


class EnabledRepositories(Repositories):
    """The enabled repositories, read without any package manager."""

    def __init__(self, settings: SourceSettings) -> None:
        super().__init__(settings.rpm, settings.root, settings.runner, settings.repositories_timeout)


# The registry: a new rung is a class with three methods and one entry here.
SOURCES: t.Dict[str, t.Callable[[SourceSettings], Source]] = {
    source.name: source for source in (GivenFiles, PackageCache, Zypper, Microdnf, Dnf, EnabledRepositories)
}


def ladder(settings: SourceSettings, use: t.Optional[t.Sequence[str]] = None) -> t.List[Source]:
    """Return the sources called C(use) in that order, all of them in the order of the registry when it is not given.

    Raises AcquisitionError for an unknown name.
    """
    names = list(SOURCES) if use is None else list(use)
    unknown = [name for name in names if name not in SOURCES]
    if unknown:
        raise AcquisitionError(f"There is no source called {unknown[0]}; there are {', '.join(SOURCES)}.")
    return [SOURCES[name](settings) for name in names]
