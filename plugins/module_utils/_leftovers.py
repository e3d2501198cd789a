# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Files that no package put there: in the standard library, beside it, and what C(make install) leaves behind."""

import os
import re
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._root import HOST, Root

__all__ = [
    "installation_traces",
    "is_startup_file",
    "pip_installed",
    "pip_record",
    "site_folders",
    "standard_library_folders",
    "suspects",
    "trace_version",
]

_SITE_NAMES = ("site-packages", "dist-packages")
_IMPORTABLE = (".py", ".so", ".pth", ".pyc", ".egg-link")

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


def standard_library_folders(version: str, root: Root = HOST) -> t.List[str]:
    """Return the folders of the system's standard library: those that exist under the two library folders of /usr."""
    candidates = ["/usr/lib64/python" + version, "/usr/lib/python" + version]
    return [folder for folder in candidates if root.isdir(folder) and not root.islink(folder)]


def site_folders(owned: t.Iterable[str], libraries: t.Sequence[str], root: Root = HOST) -> t.List[str]:
    """Return the folders for add-on modules that belong to the operating system.

    They are those under C(libraries) and those that the packages of the contract put modules into.
    """
    found = [os.path.join(library, name) for library in libraries for name in _SITE_NAMES]
    for path in owned:
        for name in _SITE_NAMES:
            head, separator, _tail = path.partition("/" + name + "/")
            folder = head + separator.rstrip("/")
            if separator and head.startswith("/usr/lib") and _of_version(head, libraries) and folder not in found:
                found.append(folder)
    return [folder for folder in found if root.isdir(folder)]


def _of_version(head: str, libraries: t.Sequence[str]) -> bool:
    # A folder without a version (/usr/lib/python3) is shared by every 3.x that reads it, the system's included.
    return head in libraries or not re.search(r"python3\.\d+$", head)


def suspects(
    libraries: t.Sequence[str], sites: t.Sequence[str], owned: t.Container[str], root: Root = HOST
) -> t.List[str]:
    """Return what may have been planted: importable things that the contract's packages do not own.

    In the standard library at every depth, in a folder for add-on modules at its top. Whether another package owns
    them is for the caller to ask; caches of compiled files are passed over.
    """
    found: t.List[str] = []
    for library in libraries:
        found.extend(_unknown_below(library, owned, root))
    for site in sites:
        found.extend(path for path in _listed(site, root) if path not in owned and _importable(path, root))
    return found


def _unknown_below(folder: str, owned: t.Container[str], root: Root) -> t.List[str]:
    found: t.List[str] = []
    for path in _listed(folder, root):
        name = os.path.basename(path)
        if name in _SITE_NAMES or name == "__pycache__":
            continue
        if path not in owned:
            if _importable(path, root):
                found.append(path)
        elif root.isdir(path) and not root.islink(path):
            found.extend(_unknown_below(path, owned, root))
    return found


def _listed(folder: str, root: Root) -> t.List[str]:
    return sorted(os.path.join(folder, name) for name in root.listdir(folder))


def _importable(path: str, root: Root) -> bool:
    name = os.path.basename(path)
    if name == "__pycache__":
        return False
    return name.endswith(_IMPORTABLE) or root.isdir(path)


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


def is_startup_file(path: str) -> bool:
    """Tell whether Python runs a file of this name by itself when it starts."""
    name = os.path.basename(path)
    return name.endswith(".pth") or name.split(".")[0] in ("sitecustomize", "usercustomize")


def pip_record(path: str, root: Root = HOST) -> t.Optional[str]:
    """Return the dist-info folder of the pip that claims C(path), null where none does (PEP 376: INSTALLER, RECORD)."""
    for marker in ("/site-packages/", "/dist-packages/"):
        head, separator, tail = path.partition(marker)
        site = head + separator
        if not separator or not root.isdir(site):
            continue
        for name in sorted(root.listdir(site)):
            if name.endswith(".dist-info") and _claims(os.path.join(site, name), tail, root):
                return os.path.join(site, name)
    return None


def _claims(info: str, tail: str, root: Root) -> bool:
    try:
        with root.open(os.path.join(info, "INSTALLER")) as stream:
            installer = stream.read(64).strip()
        with root.open(os.path.join(info, "RECORD")) as stream:
            record = os.fsdecode(stream.read())
    except OSError:
        # Without both files it is no pip installation, which is the question here.
        return False
    return installer in (b"pip", b"uv") and any(line.split(",")[0].strip('"') == tail for line in record.splitlines())


def pip_installed(path: str, root: Root = HOST) -> bool:
    """Tell whether pip installed C(path): its dist-info claims it, or a file below it."""
    name = os.path.basename(path)
    if name.endswith((".dist-info", ".egg-info")):
        return root.exists(os.path.join(path, "INSTALLER"))
    if root.isdir(path):
        return bool(pip_record(os.path.join(path, "__init__.py"), root))
    return bool(pip_record(path, root))


def trace_version(path: str, root: Root = HOST) -> t.Optional[str]:
    """Return the minor version ("3.13") that a trace belongs to: by its name, its link or its first line; else null."""
    match = _VERSION_IN_NAME.search(_without_section(path))
    if not match and root.islink(path):
        match = _VERSION_IN_NAME.search(_without_section(root.readlink(path)))
    if match:
        return match.group(1)
    return _shebang_version(path, root) if root.isfile(path) else None


def _without_section(path: str) -> str:
    """Return the name without the section of a manual page: python3.1 is python3 in section 1."""
    return re.sub(r"\.1(?:\.gz)?$", "", os.path.basename(path))


def _shebang_version(path: str, root: Root) -> t.Optional[str]:
    try:
        with root.open(path) as stream:
            first = stream.readline(256)
    except PermissionError:
        # An unprivileged audit may not read it; then its version stays unknown.
        return None
    match = _VERSION_IN_NAME.search(os.fsdecode(first)) if first.startswith(b"#!") else None
    return match.group(1) if match else None
