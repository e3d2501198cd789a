# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The rungs of the ladder, in the order in which they are tried.

Cheapest and least risky first: the operator's files, then the host's package caches (no network, no foreign program),
then the package managers (they know accounts, plugins and proxies that nobody else knows; they only download), the
native ones before dnf, which needs the very Python that may be broken; the repositories read by ourselves last.
"""

import glob
import os
import re
import typing as t
from xml.parsers import expat

from ansible_collections.fleet.system_python.plugins.module_utils._acquisition import Fetched, Proposal, Source, Wanted
from ansible_collections.fleet.system_python.plugins.module_utils._command import CommandRunner, Completed, run_command
from ansible_collections.fleet.system_python.plugins.module_utils._errors import AcquisitionError, RepositoryError
from ansible_collections.fleet.system_python.plugins.module_utils._repository import split_evr
from ansible_collections.fleet.system_python.plugins.module_utils._rpm import Rpm
from ansible_collections.fleet.system_python.plugins.module_utils._rpm_verify import is_drift
from ansible_collections.fleet.system_python.plugins.module_utils._sources_repositories import Repositories
from ansible_collections.fleet.system_python.plugins.module_utils._text import printable

__all__ = ["SOURCES", "SourceSettings", "ladder", "unvouched"]

CACHE_FOLDERS = (
    "/var/cache/dnf",
    "/var/cache/libdnf5",
    "/var/cache/yum",
    "/var/cache/zypp/packages",
    "/var/cache/PackageKit",
)
_ZYPP_PLUGINS = "/usr/lib/zypp/plugins"
_PYTHON_SHEBANG = re.compile(r"#!\s*(?:(/\S*/python[0-9.]*)|/usr/bin/env\s+(?:-\S+\s+)*(python[0-9.]*))(?:\s|$)")
_PYTHON_VERSION = re.compile(r"python(3\.[0-9]+)")


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
        files = [path for given in self._settings.files for path in _given(given, wanted)]
        packages = self._settings.rpm.package_files(files)
        result = Fetched([], [])
        for one in wanted:
            for path, package in zip(files, packages):
                if one.is_nevra_of(package.name, package.evr, package.arch):
                    result.proposals.append(Proposal(path, one, path))
                elif one.name == package.name:
                    self._offered.setdefault(package.name, []).append(package.evr)
        return _with_lacking(result, wanted, "{0} is not among the files")

    def versions(self) -> t.Dict[str, t.List[str]]:
        """Other versions of what is wanted."""
        return self._offered


def _given(path: str, wanted: t.Sequence[Wanted]) -> t.List[str]:
    """Return C(path) or, of a folder (it may be a whole DVD), the files whose names begin like what is wanted."""
    if not os.path.isdir(path):
        return [path]
    starts = tuple(one.name + "-" for one in wanted)
    names = sorted(name for name in os.listdir(path) if name.endswith(".rpm") and name.startswith(starts))
    return [os.path.join(path, name) for name in names]


def _with_lacking(fetched: Fetched, wanted: t.Sequence[Wanted], reason: str) -> Fetched:
    lacking = fetched.lacking(wanted)
    return Fetched(fetched.proposals, fetched.reasons + [reason.format(lacking)]) if lacking else fetched


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
        found = [Proposal(path, one, path) for one in wanted for path in paths if _is_named(path, one)]
        return _with_lacking(Fetched(found, []), wanted, "{0} is not in it")

    def versions(self) -> t.Dict[str, t.List[str]]:
        """A cache says nothing about what can be had."""
        return {}


def _is_named(path: str, wanted: Wanted) -> bool:
    start = "{0}-{1}.".format(wanted.name, wanted.edition)
    return os.path.basename(path).startswith(start + wanted.arch)


def _files_below(folder: str) -> t.Iterator[str]:
    for parent, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            yield os.path.join(parent, name)


class _Tool(Source):
    """A package manager that is only asked to download."""

    path = ""

    def __init__(self, settings: SourceSettings) -> None:
        self._settings = settings
        self._rpm = settings.rpm
        self._asked: t.List[Wanted] = []

    def obstacle(self) -> str:
        """The program must be there and be what its package put there."""
        if not os.path.exists(self.path):
            return "{0} is not installed".format(self.path)
        return unvouched(self._rpm, [self.path])

    def _run(self, arguments: t.Sequence[str]) -> Completed:
        done = self._settings.runner([self.path] + list(arguments), timeout=self._settings.timeout)
        if done.timed_out or done.rc == 127:
            raise done.error("{0} did not work".format(self.name))
        return done

    def _fetched(self, wanted: t.Sequence[Wanted], paths: t.Iterable[str], done: Completed) -> Fetched:
        """Match files to what is wanted by their headers."""
        files = sorted(paths)
        packages = self._rpm.package_files(files)
        found = [
            Proposal(path, one, "{0} from {1}".format(one.nevra, self.name))
            for path, package in zip(files, packages)
            for one in wanted
            if one.is_nevra_of(package.name, package.evr, package.arch)
        ]
        return _with_lacking(
            Fetched(found, []), wanted, "it did not download {0}. It said: " + _escaped(self._said(done))
        )

    def _said(self, done: Completed) -> str:
        return done.tail()


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def unvouched(rpm: Rpm, paths: t.Sequence[str]) -> str:
    """Return why C(paths) must not be run as root, or an empty string: all their owners must verify."""
    real = [os.path.realpath(path) for path in paths]
    found = rpm.owners(sorted(set(paths) | set(real)))
    for path in real:
        if not found[path]:
            what = "it" if path == paths[0] else printable(path)
            return "{0} is not run: no package owns {1}".format(paths[0], what)
    owners = sorted({owner.name for group in found.values() for owner in group})
    altered = [entry.path for entry in rpm.verify(owners).entries if is_drift(entry)]
    if altered:
        return "{0} is not run: {1} is not as its package shipped it".format(paths[0], printable(altered[0]))
    return ""


class Zypper(_Tool):
    """C(zypper download) needs no solver and puts the files where it is told."""

    name = "zypper"
    path = "/usr/bin/zypper"

    def obstacle(self) -> str:
        """Besides, zypper must not start a Python that nobody vouches for: that of its plugins."""
        reason = super().obstacle()
        if reason:
            return reason
        for plugin, interpreter in _python_plugins(self._settings.root):
            reason = unvouched(self._rpm, [plugin] + _parts_of_python(interpreter))
            if reason:
                return "not started: its plugin {0}".format(reason)
        return ""

    def fetch(self, wanted: t.Sequence[Wanted], folder: str) -> Fetched:
        """Download, and read from the XML where the files are (of a repository in a folder, they stay there)."""
        self._asked = list(wanted)
        specs = ["{0}{1}={2}".format(one.name, "." + one.arch if one.arch else "", one.evr) for one in wanted]
        done = self._run(
            ["--non-interactive", "--xmlout", "--pkg-cache-dir", folder, "download", "--"] + specs,
        )
        return self._fetched(wanted, set(_xml_attributes(done.out, "localfile", "path")), done)

    def _said(self, done: Completed) -> str:
        return " ".join(_xml_messages(done.out)) or done.tail()

    def versions(self) -> t.Dict[str, t.List[str]]:
        """Ask for all versions."""
        names = [one.name for one in self._asked]
        argv = ["--non-interactive", "--xmlout", "--no-refresh", "search", "--details", "--match-exact"]
        done = self._run(argv + ["--type", "package", "--"] + names)
        found: t.Dict[str, t.List[str]] = {}
        for attributes in _xml_elements(done.out, "solvable"):
            # "(System Packages)" is what is installed.
            if attributes.get("name") in names and not attributes.get("repository", "").startswith("("):
                found.setdefault(attributes["name"], []).append(_without_zero_epoch(attributes.get("edition", "")))
        return found


def _python_plugins(root: str) -> t.List[t.Tuple[str, str]]:
    """Return the plugins of libzypp that are Python programs, each with its interpreter."""
    found = []
    for path in _files_below(os.path.join(root, _ZYPP_PLUGINS.lstrip("/"))):
        with open(path, "rb") as stream:
            first = os.fsdecode(stream.readline(256))
        match = _PYTHON_SHEBANG.match(first)
        if match:
            found.append((path, match.group(1) or os.path.join("/usr/bin", match.group(2))))
    return found


def _parts_of_python(interpreter: str) -> t.List[str]:
    """Return the interpreter, its library, and what it runs when it starts."""
    version = _PYTHON_VERSION.search(os.path.realpath(interpreter))
    if not version:
        return [interpreter]
    patterns = ["/usr/lib*/libpython{0}*.so*"]
    patterns += [
        "/usr/lib*/python{0}/site-packages/" + name for name in ("*.pth", "sitecustomize.py", "usercustomize.py")
    ]
    return [interpreter] + [path for pattern in patterns for path in glob.glob(pattern.format(version.group(1)))]


def _without_zero_epoch(edition: str) -> str:
    epoch, version, release = split_evr(edition)
    return ("{0}:".format(epoch) if epoch else "") + "{0}-{1}".format(version, release)


class _Xml:
    """What zypper says with --xmlout: elements by name, with attributes and text."""

    def __init__(self, text: str) -> None:
        self.elements: t.List[t.Tuple[str, t.Dict[str, str], t.List[str]]] = []
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.CharacterDataHandler = self._data
        try:
            parser.Parse(text.encode("utf-8", "surrogateescape"), True)
        except expat.ExpatError as error:
            raise RepositoryError("zypper's output is not XML: {0}".format(error)) from error

    def _start(self, name: str, attributes: t.Dict[str, str]) -> None:
        self.elements.append((name, attributes, []))

    def _data(self, data: str) -> None:
        self.elements[-1][2].append(data)


def _xml_messages(text: str) -> t.List[str]:
    """Return what zypper complains about."""
    return [
        "".join(texts).strip()
        for name, attributes, texts in _Xml(text).elements
        if name == "message" and attributes.get("type") in ("error", "warning")
    ]


def _xml_elements(text: str, wanted: str) -> t.List[t.Dict[str, str]]:
    return [attributes for name, attributes, _texts in _Xml(text).elements if name == wanted]


def _xml_attributes(text: str, element: str, attribute: str) -> t.List[str]:
    return [found[attribute] for found in _xml_elements(text, element) if found.get(attribute)]


class Microdnf(_Tool):
    """dnf's small sister in C; C(download) is there from 3.8 on."""

    name = "microdnf"
    path = "/usr/bin/microdnf"

    def fetch(self, wanted: t.Sequence[Wanted], folder: str) -> Fetched:
        """Download; it says success for packages that it did not find, so only the files count."""
        self._asked = list(wanted)
        done = self._run(["download", "--destdir=" + folder] + [one.nevra for one in wanted])
        return self._fetched(wanted, _packages_in(folder), done)

    def versions(self) -> t.Dict[str, t.List[str]]:
        """Ask for all versions."""
        done = self._run(["repoquery", "--available"] + [one.name for one in self._asked])
        return _versions(done.out, self._asked)


class Dnf(_Tool):
    """dnf, when all that it runs is verified. C(reinstall) for what is installed, C(install) for what is not."""

    name = "dnf"
    path = "/usr/bin/dnf"

    def obstacle(self) -> str:
        """dnf runs on the system's Python."""
        if not os.path.exists(self.path):
            return "{0} is not installed".format(self.path)
        if not self._settings.manager_trusted:
            return "not started: the Python that it runs on is not verified"
        return super().obstacle()

    def fetch(self, wanted: t.Sequence[Wanted], folder: str) -> Fetched:
        """Download what is installed, then what is not: they are two commands of dnf."""
        self._asked = list(wanted)
        result = Fetched([], [])
        for command, group in (
            ("reinstall", [one for one in wanted if one.installed]),
            ("install", [one for one in wanted if not one.installed]),
        ):
            if group:
                done = self._run(
                    ["-y", command, "--downloadonly", "--destdir=" + folder] + [one.nevra for one in group]
                )
                part = self._fetched(group, _packages_in(folder), done)
                result = Fetched(result.proposals + part.proposals, result.reasons + part.reasons)
        return result

    def versions(self) -> t.Dict[str, t.List[str]]:
        """Ask for all versions."""
        names = [one.name for one in self._asked]
        form = "%{name}-%{evr}.%{arch}"
        done = self._run(["-q", "-C", "repoquery", "--showduplicates", "--qf", form] + names)
        return _versions(done.out, self._asked)


def _packages_in(folder: str) -> t.List[str]:
    return [path for path in _files_below(folder) if path.endswith(".rpm")]


def _versions(output: str, wanted: t.Sequence[Wanted]) -> t.Dict[str, t.List[str]]:
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
        super().__init__(settings.root, settings.runner, settings.repositories_timeout)


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
        raise AcquisitionError("There is no source called {0}; there are {1}.".format(unknown[0], ", ".join(SOURCES)))
    return [SOURCES[name](settings) for name in names]
