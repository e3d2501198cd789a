# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Find every Python of a host and tell its version, without running any of them.

Four steps: parse what is asked for, propose candidates (each with its source), interrogate their files, match (each
rejection with its reason). A version comes from the file's own content, because a name can lie: an impostor at
/usr/bin/python3.9 that is really 3.13 is reported as 3.13. Only C(run=True) starts anything, and never as root.
"""

import errno
import os
import pwd
import re
import resource
import select
import signal
import stat
import time
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._confined import NOBODY, drop_rights, refuse_to_run
from ansible_collections.fleet.system_python.plugins.module_utils._elf import (
    MAGIC,
    Elf,
    ElfError,
    read_elf,
    read_rodata,
)
from ansible_collections.fleet.system_python.plugins.module_utils._errors import InvalidDataError
from ansible_collections.fleet.system_python.plugins.module_utils._files import open_regular
from ansible_collections.fleet.system_python.plugins.module_utils._root import follow, outside
from ansible_collections.fleet.system_python.plugins.module_utils._text import printable

__all__ = [
    "USUAL_PLACES",
    "Candidate",
    "Record",
    "Spec",
    "find_interpreters",
    "interrogate",
    "iterate_interpreters",
    "match",
    "parse_spec",
    "path_folders",
    "propose",
    "run_version",
]

# C({path, realpath, source, version, version_source, kind, executable, reason}); see C(find_interpreters).
Record = t.Dict[str, t.Any]

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

_MACHINES = {"x86_64": 62, "aarch64": 183, "s390x": 22, "ppc64le": 21, "ppc64": 21, "riscv64": 243}

_RUN_TIMEOUT = 5.0
_RUN_OUTPUT = 65536


# ---------------------------------------------------------------------------------------------------------------------
# 1. What is asked for


class Spec(t.NamedTuple):
    """What an interpreter must be: a path, or a version that satisfies all clauses C((operator, numbers))."""

    text: str
    path: t.Optional[str]
    clauses: t.Tuple[t.Tuple[str, t.Tuple[int, ...]], ...]


_CLAUSE = re.compile(r"(==|!=|>=|<=|>|<|~=)?\s*(\d+(?:\.\d+){0,2})(?:\.\*)?")


def parse_spec(text: str) -> Spec:
    """Parse "3.9", "3.9.18", "python3.9", ">=3.8,<3.13", "~=3.9", "!=3.10", "/usr/bin/python3.9" or "" (any).

    A version stands for all that begin with it: 3.9.18 is "3.9" and "<=3.9", not ">3.9". Raises InvalidDataError.
    """
    stripped = text.strip()
    if stripped.startswith("/"):
        return Spec(stripped, stripped, ())
    clauses = []
    version = re.sub(r"^(?:c?python)\s*(?=\d|[=!<>~]|$)", "", stripped)
    for part in version.split(",") if version else []:
        found = _CLAUSE.fullmatch(part.strip())
        if not found:
            raise InvalidDataError(
                "'{0}' does not say which Python is meant; say it like '3.9', '>=3.8,<3.13' or "
                "'/usr/bin/python3'.".format(printable(text)),
                spec=printable(text),
            )
        numbers = tuple(int(number) for number in found.group(2).split("."))
        clauses.append((found.group(1) or "==", numbers))
    return Spec(stripped, None, tuple(clauses))


# ---------------------------------------------------------------------------------------------------------------------
# 2. Where one may be


class Candidate(t.NamedTuple):
    """A name that may be an interpreter, and why it was looked at."""

    path: str
    source: str


def path_folders(environ: t.Mapping[str, str]) -> t.List[str]:
    """Return the folders of C(environ)'s PATH; relative ones are left out, because they depend on where one stands."""
    return [folder for folder in environ.get("PATH", "").split(os.pathsep) if folder.startswith("/")]


def propose(folders: t.Iterable[str], places: t.Iterable[str] = USUAL_PLACES, root: str = "/") -> t.Iterator[Candidate]:
    """Yield candidates, one folder after the other: first those of C(folders), in their order, then the usual places.

    A folder that is another name of an earlier one (/bin, /usr/bin) is not looked at again. C(root) is where the file
    system begins, for an image; the paths yielded are those inside it.
    """
    seen: t.Set[t.Tuple[int, int]] = set()
    for source, folder in _folders(folders, places, root):
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


def _folders(folders: t.Iterable[str], places: t.Iterable[str], root: str) -> t.Iterator[t.Tuple[str, str]]:
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
        below = [(folder, name) for folder in found for name in _names(folder, root)]
        found = [os.path.join(folder, name) for folder, name in below if form.fullmatch(name)]
    return found


def _names(folder: str, root: str) -> t.List[str]:
    real, end = follow(folder, root)
    if end != "found":
        return []
    try:
        return sorted(name for name in os.listdir(outside(real, root)) if name[0] != ".")
    except OSError:
        # As in propose().
        return []


# ---------------------------------------------------------------------------------------------------------------------
# 3. What it is


class _Finding(t.NamedTuple):
    """What the content of a file says."""

    kind: str
    version: t.Optional[str]
    version_source: t.Optional[str]
    reason: t.Optional[str]


def interrogate(candidate: Candidate, root: str = "/", run: bool = False) -> Record:
    """Return the record of one candidate, see C(find_interpreters), from its file alone; with C(run) also started."""
    real, end = follow(candidate.path, root)
    record: Record = {
        "path": candidate.path,
        "realpath": real if end == "found" else None,
        "source": candidate.source,
        "version": None,
        "version_source": None,
        "kind": end,
        "executable": False,
        "reason": None,
    }
    if end != "found":
        record.update(_nowhere(real, end))
        return record
    try:
        found = os.stat(outside(real, root))
    except OSError as error:
        record.update(kind="unreadable", reason="it cannot be looked at: {0}".format(error.strerror))
        return record
    record["executable"] = stat.S_ISREG(found.st_mode) and bool(found.st_mode & 0o111)
    record.update(_look_into(real, root, found)._asdict())
    if record["kind"] in ("elf", "script") and not record["executable"]:
        record["reason"] = "it is not executable (mode {0:04o})".format(stat.S_IMODE(found.st_mode))
    elif run and root == "/" and record["kind"] in ("elf", "script"):
        _add_run(record, real)
    if record["version"] is None:
        record.update(_by_name(real))
    return record


def _nowhere(real: str, end: str) -> t.Dict[str, t.Any]:
    reasons = {
        "missing": ("dangling", "the link leads to {0}, which does not exist"),
        "loop": ("loop", "the links lead in a circle at {0}"),
        "closed": ("unreadable", "{0} may not be looked at"),
    }
    kind, reason = reasons[end]
    return {"kind": kind, "reason": reason.format(printable(real))}


def _look_into(real: str, root: str, found: os.stat_result) -> _Finding:
    if stat.S_ISDIR(found.st_mode):
        return _Finding("directory", None, None, "it is a directory")
    if not stat.S_ISREG(found.st_mode):
        return _Finding("other", None, None, "it is not a regular file")
    if found.st_size == 0:
        return _Finding("empty", None, None, "it is empty")
    try:
        descriptor = open_regular(outside(real, root))
    except OSError as error:
        return _Finding("unreadable", None, None, "it cannot be read: {0}".format(error.strerror))
    try:
        return _look_at_content(descriptor, real, root)
    finally:
        os.close(descriptor)


def _look_at_content(descriptor: int, real: str, root: str) -> _Finding:
    start = os.pread(descriptor, 256, 0)
    if start.startswith(b"#!"):
        shebang = printable(os.fsdecode(start[2:].split(b"\n")[0].strip()))
        return _Finding("script", None, None, "it is a script for {0}, no interpreter itself".format(shebang))
    if not start.startswith(MAGIC):
        return _Finding("other", None, None, "it is neither a program nor a script")
    try:
        elf = read_elf(descriptor, real)
    except ElfError as error:
        return _Finding("damaged", None, None, error.message)
    if root == "/" and elf.machine != _MACHINES.get(os.uname().machine, elf.machine):
        return _Finding("elf", None, None, "it is for another processor (e_machine {0})".format(elf.machine))
    return _version_of(descriptor, elf, real, root)


def _version_of(descriptor: int, elf: Elf, real: str, root: str) -> _Finding:
    for needed in elf.needed:
        library = _LIBRARY.match(needed)
        if library:
            minor = library.group(2)
            patch = _version_of_library(needed, minor, elf, real, root) if library.group(1) == "python" else None
            return _Finding("elf", patch or minor, "elf-string" if patch else "elf-needed", None)
    version = _version_in(read_rodata(descriptor, elf))
    if version is None:
        return _Finding("elf", None, None, "nothing in it says that it is a Python")
    return _Finding("elf", version, "elf-string", None)


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


def _by_name(real: str) -> t.Dict[str, t.Optional[str]]:
    found = _NAMED_VERSION.search(os.path.basename(real))
    return {"version": found.group(1), "version_source": "name"} if found else {}


# ---------------------------------------------------------------------------------------------------------------------
# 4. Whether it is what was asked for


def match(record: Record, spec: Spec) -> t.Optional[str]:
    """Return why the interpreter is not what was asked for, None when it is."""
    if record["reason"]:
        return t.cast(str, record["reason"])
    if spec.path is not None:
        return None if spec.path == record["path"] else "it is not {0}".format(printable(spec.path))
    if record["version"] is None and spec.clauses:
        return "its version is not known"
    for operator, wanted in spec.clauses:
        if not _satisfies(_numbers(record["version"]), operator, wanted):
            return "its version {0} is not {1}".format(record["version"], spec.text)
    return None


def _numbers(version: str) -> t.Tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", re.split(r"a|b|rc|\+", version)[0]))


def _satisfies(version: t.Tuple[int, ...], operator: str, wanted: t.Tuple[int, ...]) -> bool:
    """Compare as far as C(wanted) goes: 3.9 stands for all that begin with it, 3.9.18 is not above it."""
    width = min(len(version), len(wanted))
    have, want = version[:width], wanted[:width]
    if have == want and len(version) < len(wanted):
        # Only the beginning is known, and it decides nothing.
        return False
    return {
        "==": have == want,
        "!=": have != want,
        ">=": have >= want,
        ">": have > want,
        "<=": have <= want,
        "<": have < want,
        "~=": have >= want and have[: len(wanted) - 1] == want[: len(wanted) - 1],
    }[operator]


def iterate_interpreters(
    folders: t.Iterable[str],
    spec: t.Optional[Spec] = None,
    places: t.Iterable[str] = USUAL_PLACES,
    root: str = "/",
    run: bool = False,
) -> t.Iterator[Record]:
    """Yield what C(find_interpreters) returns, one at a time: whoever needs only the first one reads no further."""
    wanted = spec or Spec("", None, ())
    candidates = propose(folders, places, root) if wanted.path is None else [Candidate(wanted.path, "asked for")]
    first: t.Dict[t.Tuple[int, int], Record] = {}
    for candidate in candidates:
        real, end = follow(candidate.path, root)
        identity = _identity(outside(real, root)) if end == "found" else None
        if identity in first:
            yield _again(candidate, real, first[identity])
            continue
        record = interrogate(candidate, root, run)
        record["reason"] = match(record, wanted)
        if identity:
            first[identity] = record
        yield record


def _identity(path: str) -> t.Optional[t.Tuple[int, int]]:
    try:
        found = os.stat(path)
    except OSError:
        # Gone since it was listed; interrogate() says so.
        return None
    return found.st_dev, found.st_ino


def _again(candidate: Candidate, real: str, earlier: Record) -> Record:
    record = dict(earlier, path=candidate.path, realpath=real, source=candidate.source)
    if not earlier["reason"]:
        record["reason"] = "it is the same file as {0}".format(printable(earlier["path"]))
    return record


def find_interpreters(
    folders: t.Iterable[str],
    spec: t.Optional[Spec] = None,
    places: t.Iterable[str] = USUAL_PLACES,
    root: str = "/",
    run: bool = False,
) -> t.List[Record]:
    """Return a record for every name of a Python in C(folders) (a search path) and in the usual places.

    A record is C({path, realpath, source, version, version_source, kind, executable, reason}):

    - C(realpath): where all links lead, null when they lead nowhere.
    - C(version): "3.9.18", or as much as is known of it, or null; C(version_source): C(elf-string) (from the program or
      its library), C(elf-needed) (from the name of the library that it wants), C(run), C(name) (a guess).
    - C(kind): elf, script, empty, damaged, other, directory, dangling, loop or unreadable.
    - C(reason): why it is rejected, null when it is not: it cannot be an interpreter, it is another name of an earlier
      one, or it does not satisfy C(spec).

    With C(run), each one is also started as the user nobody, see C(run_version).
    """
    return list(iterate_interpreters(folders, spec, places, root, run))


# ---------------------------------------------------------------------------------------------------------------------
# Running one, as nobody


def _add_run(record: Record, real: str) -> None:
    version, problem = run_version(real)
    if version:
        record.update(version=version, version_source="run", reason=None)
    else:
        record["reason"] = problem


def run_version(path: str, timeout: float = _RUN_TIMEOUT) -> t.Tuple[t.Optional[str], t.Optional[str]]:
    """Run the interpreter C(path) and return (its version, None) or (None, why not).

    It runs as the user nobody without groups (as the caller, when that is not root), with an empty environment, no
    input, no right to gain rights, to start others or to write files, and C(timeout) seconds.
    """
    refusal = refuse_to_run(path)
    if refusal:
        return None, refusal
    marker = os.urandom(16).hex()
    code = "import sys; sys.stdout.write('{0}' + '.'.join(map(str, sys.version_info[:3])) + '{0}')".format(marker)
    output, ended = _run_confined([path, "-I", "-S", "-c", code], timeout)
    found = re.search(marker.encode() + rb"(\d+\.\d+\.\d+)" + marker.encode(), output)
    if found:
        return found.group(1).decode(), None
    said = printable(os.fsdecode(output[-200:])).strip()
    return None, "run as nobody, it {0}{1}".format(ended, ": " + said if said else "")


def _run_confined(argv: t.List[str], timeout: float) -> t.Tuple[bytes, str]:
    """Run C(argv) confined; return its output and, in words, how it ended."""
    user, group = _nobody()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _become(argv, writer, user, group)
    os.close(writer)
    deadline = time.monotonic() + timeout
    output = b""
    try:
        output = _read_until(reader, deadline)
    finally:
        os.close(reader)
        too_much = len(output) >= _RUN_OUTPUT
        status = _end(child, time.monotonic() if too_much else deadline)
    if status is None:
        return output, "said too much" if too_much else "did not end within {0:g} s".format(timeout)
    if os.WIFSIGNALED(status):
        return output, "was ended by signal {0}".format(os.WTERMSIG(status))
    return output, "ended with exit code {0}".format(os.WEXITSTATUS(status))


def _nobody() -> t.Tuple[int, int]:
    try:
        found = pwd.getpwnam("nobody")
    except KeyError:
        return NOBODY, NOBODY
    # Whatever the host's user list says: never root.
    return found.pw_uid or NOBODY, found.pw_gid or NOBODY


def _become(argv: t.List[str], writer: int, user: int, group: int) -> None:
    """Turn this new process into C(argv), confined. Never returns."""
    try:
        os.setsid()
        os.chdir("/")
        null = os.open(os.devnull, os.O_RDWR)
        for number, descriptor in enumerate((null, writer, writer)):
            os.dup2(descriptor, number)
        _close_others()
        drop_rights(user, group)
        _limit()
        os.execve(argv[0], argv, {})
    except (OSError, ValueError) as error:
        os.write(2, "it cannot be started: {0}".format(error).encode("utf-8", "replace"))
    finally:
        os._exit(126)


def _close_others() -> None:
    for name in os.listdir("/proc/self/fd"):
        number = int(name)
        if number > 2:
            try:
                os.close(number)
            except OSError as error:
                # The listing has its own descriptor among them.
                if error.errno != errno.EBADF:
                    raise


def _limit() -> None:
    # After the change of user: RLIMIT_NPROC must not count root's processes.
    limits = {"CORE": 0, "FSIZE": 0, "NPROC": 0, "CPU": int(_RUN_TIMEOUT), "AS": 1 << 31}
    for name, value in limits.items():
        number = getattr(resource, "RLIMIT_" + name)
        _soft, hard = resource.getrlimit(number)
        lowered = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(number, (lowered, lowered))


def _read_until(reader: int, deadline: float) -> bytes:
    """Return what comes until the other end is closed, the time is over, or it is too much."""
    output = b""
    while len(output) < _RUN_OUTPUT:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([reader], [], [], left)[0]:
            break
        chunk = os.read(reader, _RUN_OUTPUT)
        if not chunk:
            break
        output += chunk
    return output


def _end(child: int, deadline: float) -> t.Optional[int]:
    """Return how the child ended, None when it had to be killed."""
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return status
        if time.monotonic() >= deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return None
        time.sleep(0.005)
