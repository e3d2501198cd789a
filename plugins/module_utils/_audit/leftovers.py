# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Who else put files there: what C(make install) leaves behind, and what pip wrote down."""

import csv
import os
import re
import typing as t

from .._disk.files import MOST_OF_A_USER
from .._disk.root import HOST, Root
from .import_path import SITE_NAMES
from .records import AlternativesGroup, Trace

__all__ = ["PipRecords", "installation_traces", "trace_of", "trace_version"]

# Folders that belong to the operating system, and the names that an installed CPython has there.
_TRACE_FOLDERS = (
    "/usr/bin",
    "/usr/sbin",
    "/usr/libexec",
    "/usr/lib",
    "/usr/lib64",
    "/usr/include",
    "/usr/lib/pkgconfig",
    "/usr/lib64/pkgconfig",
    "/usr/share/man/man1",
)
_TRACE_NAME = re.compile(
    r"^(?:lib|platform-)?(?:python|pip|pydoc|idle|pyvenv|easy_install|2to3)-?"
    r"(?P<version>3(?:\.\d+)?)?[mtd]{0,2}"
    r"(?:-config|-embed|-intel64|-32)?(?:\.a|\.so(?:\.[\d.]+)?|\.pc|\.1(?:\.gz)?)?$"
)
_VERSION_IN_NAME = re.compile(r"(?<![\d.])(3\.\d+)")


def installation_traces(
    owned: t.Container[str], folders: t.Sequence[str] = _TRACE_FOLDERS, root: Root = HOST
) -> t.List[str]:
    """Return what has the name of a part of an installed CPython in a folder of the operating system.

    Those that the contract's packages own are left out; whether another package owns the rest is for the caller to ask.
    """
    found: t.List[str] = []
    seen: t.Set[str] = set()
    for folder in folders:
        real = root.realpath(folder)
        if real in seen or not root.isdir(real):
            continue
        seen.add(real)
        for name in sorted(root.listdir(real)):
            path = os.path.join(real, name)
            if _TRACE_NAME.match(name) and path not in owned:
                found.append(path)
    return found


class PipRecords:
    """What pip, or uv, wrote down of what it installed (PEP 376: INSTALLER, RECORD), read once for each folder."""

    def __init__(self, root: Root = HOST) -> None:
        self._root = root
        self._sites: t.Dict[str, t.Dict[str, str]] = {}

    def claim(self, path: str) -> t.Optional[str]:
        """Return the dist-info folder of the pip that claims the file C(path), null where none does."""
        for name in SITE_NAMES:
            head, separator, tail = path.partition("/{0}/".format(name))
            if separator:
                return self._claims_in(os.path.join(head, name)).get(tail)
        return None

    def installed(self, path: str) -> bool:
        """Tell whether pip installed C(path): a dist-info claims it, or a file below it."""
        if path.endswith((".dist-info", ".egg-info")):
            return self._root.exists(os.path.join(path, "INSTALLER"))
        return bool(self.claim(os.path.join(path, "__init__.py") if self._root.isdir(path) else path))

    def _claims_in(self, site: str) -> t.Dict[str, str]:
        if site not in self._sites:
            self._sites[site] = {}
            for name in sorted(self._root.listdir(site)) if self._root.isdir(site) else []:
                if name.endswith(".dist-info"):
                    info = os.path.join(site, name)
                    for path in self._record(info):
                        self._sites[site].setdefault(path, info)
        return self._sites[site]

    def _record(self, info: str) -> t.List[str]:
        try:
            with self._root.open(os.path.join(info, "INSTALLER")) as stream:
                installer = stream.read(64).strip()
            if installer not in (b"pip", b"uv"):
                return []
            with self._root.open(os.path.join(info, "RECORD"), MOST_OF_A_USER) as stream:
                lines = os.fsdecode(stream.read()).splitlines()
            return [row[0] for row in csv.reader(lines) if row]
        except (OSError, csv.Error):
            # Without both files it is no pip installation, which is the question here.
            return []


def trace_of(path: str, groups: t.Iterable[AlternativesGroup], root: Root = HOST) -> Trace:
    """Return what is known of a part of an installed CPython; C(governed): one of the alternatives groups makes it."""
    governed = any(one["path"] == path and one["governed"] for group in groups for one in group["governs"])
    return Trace(path=path, version=trace_version(path, root), governed=governed)


def trace_version(path: str, root: Root = HOST) -> t.Optional[str]:
    """Return the minor version ("3.13") that a trace belongs to: by its name, its link or its first line; else null."""
    match = _VERSION_IN_NAME.search(_without_manual_section(path))
    if not match and root.islink(path):
        match = _VERSION_IN_NAME.search(_without_manual_section(root.readlink(path)))
    if match:
        return match.group(1)
    return _shebang_version(path, root) if root.isfile(path) else None


def _without_manual_section(path: str) -> str:
    """Return the name without the section of a manual page: python3.1 is python3 in section 1."""
    return re.sub(r"\.1(?:\.gz)?$", "", os.path.basename(path))


def _shebang_version(path: str, root: Root) -> t.Optional[str]:
    try:
        with root.open(path) as stream:
            first = stream.readline(256)
    except OSError:
        # An unprivileged audit may not read it, or it is a file no more; then its version stays unknown.
        return None
    match = _VERSION_IN_NAME.search(os.fsdecode(first)) if first.startswith(b"#!") else None
    return match.group(1) if match else None
