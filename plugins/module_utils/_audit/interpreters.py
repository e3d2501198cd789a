# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Find every Python of a host and tell its version, without running any of them.

Two steps: propose candidates (each with its source), interrogate their files (each rejection with its reason). A
version comes from the file's own content, because a name can lie: an impostor at /usr/bin/python3.9 that is really 3.13
is reported as 3.13.
"""

import os
import re
import stat
import typing as t

from .._base.text import printable
from .._disk.files import open_regular
from .._disk.root import follow, outside
from .._loader.elf import MAGIC, Elf, ElfError, read_elf, read_rodata
from .records import Interpreter

__all__ = ["USUAL_PLACES", "Candidate", "find_interpreters", "interrogate", "parts_by_name", "propose"]

# Folders, C(*) for one name. Only what costs one listing each: no home folders of users, no whole trees.
USUAL_PLACES = (
    "/usr/bin",
    "/usr/sbin",
    "/bin",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/usr/libexec",
    "/usr/local/*/bin",
    "/usr/local/lib/python*/bin",
    "/opt/python/*/bin",
    "/opt/*/bin",
    "/opt/rh/*/root/usr/bin",
    "/root/.local/bin",
    "/root/.pyenv/versions/*/bin",
)

_NAME = re.compile(r"(?:platform-)?python(?:\d+(?:\.\d+)?)?[dmtu]{0,3}|pypy(?:\d+(?:\.\d+)?)?")
_BEGINNINGS = ("python", "platform-python", "pypy")
_NAMED_VERSION = re.compile(r"(\d+(?:\.\d+)?)[dmtu]{0,3}$")

_LIBRARY = re.compile(r"lib(python|pypy)(\d+\.\d+)[a-z]*(?:-c)?\.so(?:\.|$)")
_LIBRARY_FOLDERS = (
    "/lib64",
    "/usr/lib64",
    "/lib",
    "/usr/lib",
    "/usr/lib/{0}-linux-gnu".format(os.uname().machine),
    "/usr/local/lib64",
    "/usr/local/lib",
)
# The tag of its byte code files, for example cpython-39: in every CPython since 3.3.
_TAG = re.compile(rb"cpython-(\d)(\d{1,2})(?=[\0.-])")
_PATCH = rb"(?<![0-9.])(%s\.\d{1,2}(?:(?:a|b|rc)\d{1,2})?)\+?(?=\0)"
_OLD = rb"(?<![0-9.])(2\.[67]\.\d{1,2})\+?(?=\0)"

# What becomes of a name that follow() cannot follow: its kind and the reason.
_DEAD_ENDS: t.Dict[str, t.Tuple[str, t.Optional[str]]] = {
    "missing": ("dangling", "the link leads to {0}, which does not exist"),
    "loop": ("loop", "the links lead in a circle at {0}"),
    "closed": ("unreadable", "{0} may not be looked at"),
    "process": ("dangling", "the link leads to {0}, which is another file for every process"),
}

_MACHINES = {"x86_64": 62, "aarch64": 183, "s390x": 22, "ppc64le": 21, "ppc64": 21, "riscv64": 243}


# ---------------------------------------------------------------------------------------------------------------------
# Where one may be


class Candidate(t.NamedTuple):
    """A name that may be an interpreter, and why it was looked at."""

    path: str
    source: str


def propose(folders: t.Iterable[str], places: t.Iterable[str] = USUAL_PLACES, root: str = "/") -> t.Iterator[Candidate]:
    """Yield candidates, one folder after the other: first those of C(folders), in their order, then the usual places.

    A folder that is another name of an earlier one (/bin, /usr/bin) is not looked at again. C(root) is where the file
    system begins, for an image; the paths yielded are those inside it.
    """
    seen: t.Set[t.Tuple[int, int]] = set()
    for source, folder in _folders_to_search(folders, places, root):
        real, end = follow(folder, root)
        if end != "found":
            continue
        try:
            found = os.stat(outside(real, root))
            names = os.listdir(outside(real, root))
        except OSError:
            # Missing or closed to us: a shell passes over such a folder as well.
            continue
        if (found.st_dev, found.st_ino) not in seen:
            seen.add((found.st_dev, found.st_ino))
            for name in sorted(names):
                if name.startswith(_BEGINNINGS) and _NAME.fullmatch(name):
                    yield Candidate(os.path.join(folder, name), source)


def _folders_to_search(folders: t.Iterable[str], places: t.Iterable[str], root: str) -> t.Iterator[t.Tuple[str, str]]:
    for number, folder in enumerate(folders, 1):
        yield "search path, entry {0}".format(number), folder
    for place in places:
        source = "usual place" if "*" not in place else "usual place {0}".format(place)
        for folder in _expand(place, root):
            yield source, folder


def _expand(pattern: str, root: str) -> t.List[str]:
    found = ["/"]
    for part in pattern.strip("/").split("/"):
        if "*" not in part:
            found = [os.path.join(folder, part) for folder in found]
            continue
        form = re.compile(re.escape(part).replace(r"\*", ".*"))
        below = [(folder, name) for folder in found for name in _visible_names(folder, root)]
        found = [os.path.join(folder, name) for folder, name in below if form.fullmatch(name)]
    return found


def _visible_names(folder: str, root: str) -> t.List[str]:
    real, end = follow(folder, root)
    if end != "found":
        return []
    try:
        return sorted(name for name in os.listdir(outside(real, root)) if name[0] != ".")
    except OSError:
        # As in propose().
        return []


# ---------------------------------------------------------------------------------------------------------------------
# What it is


class _Content(t.NamedTuple):
    """What the content of a file says."""

    kind: str
    version: t.Optional[str] = None
    version_source: t.Optional[str] = None
    reason: t.Optional[str] = None


def interrogate(candidate: Candidate, root: str = "/") -> Interpreter:
    """Return the record of one candidate, see C(find_interpreters), from its file alone; its owner is not asked."""
    real, end = follow(candidate.path, root)
    kind, reason = _DEAD_ENDS.get(end, ("unreadable", None))
    record = Interpreter(
        path=candidate.path,
        realpath=real if end == "found" else None,
        source=candidate.source,
        version=None,
        version_source=None,
        kind=kind,
        executable=False,
        reason=reason and reason.format(printable(real)),
        owner=None,
        verified=None,
    )
    if reason:
        return record
    try:
        found = os.stat(outside(real, root))
    except OSError as error:
        record["reason"] = "it cannot be looked at: {0}".format(error.strerror)
        return record
    content = _content_of(real, root, found)
    record["kind"], record["version"], record["version_source"], record["reason"] = content
    record["executable"] = stat.S_ISREG(found.st_mode) and bool(found.st_mode & 0o111)
    if record["kind"] in ("elf", "script") and not record["executable"]:
        record["reason"] = "it is not executable (mode {0:04o})".format(stat.S_IMODE(found.st_mode))
    if record["version"] is None:
        named = _NAMED_VERSION.search(os.path.basename(real))
        if named:
            record["version"], record["version_source"] = named.group(1), "name"
    return record


def _content_of(real: str, root: str, found: os.stat_result) -> _Content:
    if stat.S_ISDIR(found.st_mode):
        return _Content("directory", reason="it is a directory")
    if not stat.S_ISREG(found.st_mode):
        return _Content("other", reason="it is not a regular file")
    if found.st_size == 0:
        return _Content("empty", reason="it is empty")
    try:
        descriptor = open_regular(outside(real, root))
    except OSError as error:
        return _Content("unreadable", reason="it cannot be read: {0}".format(error.strerror))
    try:
        return _content_of_open(descriptor, real, root)
    finally:
        os.close(descriptor)


def _content_of_open(descriptor: int, real: str, root: str) -> _Content:
    start = os.pread(descriptor, 256, 0)
    if start.startswith(b"#!"):
        shebang = printable(os.fsdecode(start[2:].split(b"\n")[0].strip()))
        return _Content("script", reason="it is a script for {0}, not an interpreter".format(shebang))
    if not start.startswith(MAGIC):
        return _Content("other", reason="it is neither a program nor a script")
    try:
        elf = read_elf(descriptor, real)
    except ElfError as error:
        return _Content("damaged", reason=error.message)
    if root == "/" and elf.machine != _MACHINES.get(os.uname().machine, elf.machine):
        return _Content("elf", reason="it is for another processor (e_machine {0})".format(elf.machine))
    return _version_of(descriptor, elf, real, root)


def _version_of(descriptor: int, elf: Elf, real: str, root: str) -> _Content:
    for needed in elf.needed:
        library = _LIBRARY.match(needed)
        if library:
            minor = library.group(2)
            patch = _version_of_library(needed, minor, elf, real, root) if library.group(1) == "python" else None
            return _Content("elf", patch or minor, "elf-string" if patch else "elf-needed")
    version = _version_in(read_rodata(descriptor, elf))
    if version is None:
        return _Content("elf", reason="nothing in it identifies it as a Python")
    return _Content("elf", version, "elf-string")


def _version_of_library(name: str, minor: str, elf: Elf, real: str, root: str) -> t.Optional[str]:
    """Return the whole version that the shared library of an interpreter has in it, None when it is not found."""
    origin = os.path.dirname(real)
    folders = [folder.replace("${ORIGIN}", origin).replace("$ORIGIN", origin) for folder in elf.runpath]
    for folder in folders + list(_LIBRARY_FOLDERS):
        path, end = follow(os.path.join(folder, name), root)
        if end == "found":
            return _version_in_library(outside(path, root), minor)
    return None


def _version_in_library(path: str, minor: str) -> t.Optional[str]:
    try:
        descriptor = open_regular(path)
    except OSError:
        # The minor version is known; what is wrong with the library is for the verification to say.
        return None
    try:
        return _first_patch(read_rodata(descriptor, read_elf(descriptor, path)), minor)
    except ElfError:
        return None
    finally:
        os.close(descriptor)


def _version_in(constants: bytes) -> t.Optional[str]:
    tag = _TAG.search(constants)
    if tag:
        minor = "{0}.{1}".format(tag.group(1).decode(), tag.group(2).decode())
        return _first_patch(constants, minor) or minor
    old = re.search(_OLD, constants) if b"Python" in constants else None
    return old.group(1).decode() if old else None


def _first_patch(constants: bytes, minor: str) -> t.Optional[str]:
    """Return the whole version, for example "3.9.18".

    It is a constant of its own or, because linkers merge common ends, the end of another: /opt/python/3.9.18. The
    former is surer.
    """
    form = re.compile(_PATCH % re.escape(minor.encode()))
    merged = None
    at = constants.find(minor.encode() + b".")
    while at >= 0:
        found = form.match(constants, at)
        if found and constants[at - 1 : at] == b"\0":
            return found.group(1).decode()
        if found and merged is None:
            merged = found.group(1).decode()
        at = constants.find(minor.encode() + b".", at + 1)
    return merged


# ---------------------------------------------------------------------------------------------------------------------
# All of them


def find_interpreters(
    folders: t.Iterable[str], places: t.Iterable[str] = USUAL_PLACES, root: str = "/"
) -> t.List[Interpreter]:
    """Return every name of a Python in C(folders) (a search path) and in the usual places; owners are not asked.

    - C(realpath): where all links lead, null when they lead nowhere.
    - C(version): "3.9.18", or as much as is known of it, or null; C(version_source): C(elf-string) (from the program or
      its library), C(elf-needed) (from the name of the library that it wants), C(name) (a guess).
    - C(kind): elf, script, empty, damaged, other, directory, dangling, loop or unreadable.
    - C(reason): why it is rejected, null when it is not: it cannot be an interpreter, or it is another name of an
      earlier one.
    """
    records: t.List[Interpreter] = []
    first: t.Dict[t.Tuple[int, int], Interpreter] = {}
    for candidate in propose(folders, places, root):
        real, end = follow(candidate.path, root)
        identity = _identity(outside(real, root)) if end == "found" else None
        if identity in first:
            records.append(_other_name(candidate, real, first[identity]))
            continue
        records.append(interrogate(candidate, root))
        if identity:
            first[identity] = records[-1]
    return records


def parts_by_name(path: str) -> t.List[str]:
    """Return C(path) and, for the name of a CPython, what tells the packages of its library: they need not exist."""
    named = re.search(r"/python(3\.\d+)$", path)
    parts = ("/usr/lib64/libpython{0}.so.1.0", "/usr/lib64/python{0}/os.py", "/usr/lib/python{0}/os.py")
    return [path] + [part.format(named.group(1)) for part in parts if named]


def _identity(path: str) -> t.Optional[t.Tuple[int, int]]:
    try:
        found = os.stat(path)
    except OSError:
        # Gone since it was listed; interrogate() says so.
        return None
    return found.st_dev, found.st_ino


def _other_name(candidate: Candidate, real: str, earlier: Interpreter) -> Interpreter:
    record = earlier.copy()
    record["path"], record["realpath"], record["source"] = candidate.path, real, candidate.source
    record["reason"] = earlier["reason"] or "it is the same file as {0}".format(printable(earlier["path"]))
    return record
