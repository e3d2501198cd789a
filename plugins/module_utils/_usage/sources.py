# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The places where those who depend on the system's Python are looked for: packages, commands, units, cron, processes.

Each source yields dependents, and null for whatever it looked at in vain, so that its caller can stop it at any time.
"""

import os
import re
import typing as t

from .._audit.contract import Contract
from .._base.redact import command_line, redact
from .._disk.files import open_to_read, read_bytes
from .._rpm.database import Rpm
from .places import Places, files_matching, listed, text_of, unit_files, unit_of_file, words_of_process
from .read import CHANGES, Reader, Start, exec_lines
from .records import Dependent

__all__ = ["KINDS", "Found", "commands", "cron_jobs", "packages", "processes", "units"]

# In the order of the result: what stops working unattended comes first.
KINDS = ("unit", "cron", "process", "command", "package")

Found = t.Iterator[t.Optional[Dependent]]

_SHOWN = 300
_DEEP = 4
_SERVICE = re.compile(r"/([^/]+\.(?:service|scope))(?=/|$)")
# The command behind the schedule in the line of a crontab, of one that names a user before it, and of anacron's.
_COMMAND = r"\s*(?:@\w+|(?:[-0-9*/,A-Za-z~]+\s+){4}[-0-9*/,A-Za-z~]+)\s+"
_OF_SPOOL = re.compile(_COMMAND + r"(.*)")
_OF_CRONTAB = re.compile(_COMMAND + r"\S+\s+(.*)")
_OF_ANACRON = re.compile(r"\s*(?:@\w+|\d+)\s+\d+\s+\S+\s+(.*)")


def dependent(
    kind: str,
    name: str,
    path: str,
    breaks: t.List[str],
    start: Start,
    detail: str = "",
    owner: t.Optional[str] = None,
    via: t.Optional[str] = None,
    unit: t.Optional[str] = None,
    needs_restart: bool = False,
) -> Dependent:
    """Return one dependent; C(via) replaces what C(start) says."""
    return Dependent(
        kind=kind,
        name=name,
        path=path or None,
        owner=owner,
        interpreter=start.interpreter or None,
        how=start.how,
        detail=detail,
        via=via or start.via or None,
        breaks=breaks,
        shadowed_by=start.shadowed_by or None,
        unit=unit,
        needs_restart=needs_restart,
    )


def _redacted_start(text: str) -> str:
    return redact(text[:_SHOWN])[0]


# --- packages --------------------------------------------------------------------------------------------------------


def packages(reader: Reader, contract: Contract, rpm: Rpm) -> Found:
    """Yield the packages that require the interpreter, its ABI or its packages. One rpm process."""
    version = contract["version"]
    own = contract["packages"]
    sonames = [f"libpython{version}{flags}.so.1.0{mark}" for flags in ("", "m") for mark in ("()(64bit)", "")]
    for package in rpm.needing(["python(abi)"] + list(reader.names) + ["/usr/bin/python"] + list(own) + sonames):
        needs = [need for need in package.needs if need[0] != "python(abi)" or need[2] in ("", version)]
        if package.name in own or not needs:
            yield None
            continue
        names = [name for name in (reader.name_of(need[0]) for need in needs if need[0].startswith("/")) if name]
        breaks = {change for name in names for change in reader.breaks_by(name)}
        # A module's place depends on the version; what it is linked with, and its packages, only have to be there.
        breaks |= {"overwritten", "gone"} if any(need[0] == "python(abi)" for need in needs) else {"gone"}
        start = Start(names[0] if names else "", "requires", "")
        yield dependent(
            "package",
            package.name,
            "",
            [change for change in CHANGES if change in breaks],
            start,
            owner=package.name,
            detail=", ".join(" ".join(word for word in need if word) for need in needs),
        )


# --- commands --------------------------------------------------------------------------------------------------------


def commands(reader: Reader, places: Places, more: t.Sequence[str] = ()) -> Found:
    """Yield the commands whose first line, or whose link, leads to the interpreter."""
    seen: t.Set[str] = set()
    folders = [(folder, 0) for folder in places.commands] + [(folder, _DEEP) for folder in places.deep + tuple(more)]
    for folder, depth in folders:
        for path in _files(os.path.realpath(folder), depth, seen):
            start = reader.command(path) if path and path not in reader.names else None
            if path is None or start is None:
                yield None
                continue
            via = os.path.realpath(path) if os.path.islink(path) else None
            yield dependent(
                "command",
                os.path.basename(path),
                path,
                reader.breaks_by(start.interpreter),
                start,
                detail=_redacted_start(start.written if start.how != "link" else os.readlink(path)),
                via=via,
            )


def _files(folder: str, depth: int, seen: t.Set[str]) -> t.Iterator[t.Optional[str]]:
    """Yield the files and links of a folder, and C(depth) levels below; null for each folder."""
    if folder in seen:
        return
    seen.add(folder)
    yield None
    for name in listed(folder):
        path = os.path.join(folder, name)
        if not os.path.isdir(path):
            yield path
        elif depth and not os.path.islink(path):
            yield from _files(path, depth - 1, seen)


# --- units -----------------------------------------------------------------------------------------------------------


def units(reader: Reader, places: Places) -> Found:
    """Yield the units whose Exec lines start the interpreter, a command of it, or a shell script that does."""
    seen: t.Set[t.Tuple[str, str]] = set()
    for path in unit_files(places.units):
        name = unit_of_file(path)
        if not path.endswith(".conf"):
            if (_manager_of_unit(path), name) in seen or _is_masked(name, path, places):
                yield None
                continue
            # Of one name, systemd takes the first.
            seen.add((_manager_of_unit(path), name))
        directives: t.Dict[Start, str] = {}
        for directive, line in exec_lines(text_of(path)):
            for start in reader.in_text(line):
                directives.setdefault(start, directive)
        for start, directive in directives.items():
            yield dependent("unit", name, path, reader.breaks_by(start.interpreter), start, detail=directive, unit=name)
        yield None


def _manager_of_unit(path: str) -> str:
    """Return whose unit a file is: the system's (system) or that of users."""
    return "user" if "user" in os.path.dirname(path).split(os.sep) else "system"


def _is_masked(name: str, path: str, places: Places) -> bool:
    return any(
        os.path.realpath(os.path.join(folder, name)) == os.devnull
        for folder in places.units
        if "*" not in folder and _manager_of_unit(os.path.join(folder, name)) == _manager_of_unit(path)
    )


# --- cron ------------------------------------------------------------------------------------------------------------


def cron_jobs(reader: Reader, places: Places) -> Found:
    """Yield the lines of crontabs, and the scripts of cron's folders, that start the interpreter."""
    tables = ((places.crontabs, _OF_CRONTAB), (places.spools, _OF_SPOOL), (places.anacrontabs, _OF_ANACRON))
    for patterns, form in tables:
        for path in files_matching(patterns):
            for number, line in enumerate(text_of(path).splitlines(), 1):
                match = form.match(line)
                for start in reader.in_text(match.group(1)) if match else ():
                    yield _cron_job(reader, path, start, f"line {number}")
                yield None
            yield None
    for path in files_matching(places.cron_scripts):
        own = reader.command(path)
        for start in [own] if own else reader.started_by(path):
            # A shell script of cron is the job itself.
            yield _cron_job(reader, path, start._replace(via=""), _redacted_start(start.written))
        yield None


def _cron_job(reader: Reader, path: str, start: Start, detail: str) -> Dependent:
    return dependent("cron", os.path.basename(path), path, reader.breaks_by(start.interpreter), start, detail=detail)


# --- processes -------------------------------------------------------------------------------------------------------


def processes(reader: Reader, places: Places, closed: t.List[str]) -> Found:
    """Yield the processes of this root that run the interpreter, but not this one; C(closed) gets the pids not seen."""
    mine = _ancestors(places.proc)
    for pid in listed(places.proc):
        if not pid.isdigit() or pid in mine:
            continue
        try:
            yield _process(reader, os.path.join(places.proc, pid), pid)
        except PermissionError:
            closed.append(pid)
        except (FileNotFoundError, ProcessLookupError):
            # A thread of the kernel has no executable, and a process may end meanwhile.
            yield None


def _process(reader: Reader, folder: str, pid: str) -> t.Optional[Dependent]:
    executable = os.readlink(os.path.join(folder, "exe"))
    if not _is_same_file(os.path.join(folder, "root"), os.sep):
        return None
    words = words_of_process(folder)
    deleted = executable.endswith(" (deleted)")
    real = executable[: -len(" (deleted)")] if deleted else executable
    name = _started_as(reader, words[0], real, os.path.join(folder, "exe")) or reader.name_of(real)
    if name is None:
        return None
    script = next((word for word in words[1:] if not word.startswith("-")), "")
    return dependent(
        "process",
        pid,
        real,
        reader.breaks_by(name),
        Start(name, "runs", "", script if script.startswith("/") else ""),
        detail=_process_line(words),
        unit=_unit_of(folder),
        # While the link leads elsewhere, who runs the packaged binary is better left running.
        needs_restart=deleted
        or not any(_is_same_file(os.path.join(folder, "exe"), one) for one in (name,) + reader.binaries),
    )


def _started_as(reader: Reader, word: str, real: str, executable: str) -> t.Optional[str]:
    """Return the name by which a process was started: its first word, where that fits what runs."""
    if word.startswith("/"):
        # Under the name of a script that sets its own title, something else may run.
        return reader.name_of(word) if "python" in os.path.basename(real) else None
    called = reader.called(word) if word and "/" not in word else None
    # A bare name is no more than a hint: the PATH of the process may have led to another Python of that name.
    fits = called and (reader.name_of(real) or (os.path.exists(called[0]) and _is_same_file(executable, called[0])))
    return called[0] if called and fits else None


def _process_line(words: t.Sequence[str]) -> str:
    """Return a command line without what could be a secret."""
    text = " ".join(word for word in words if word)
    shown = command_line(text)
    return _redacted_start(shown[0]) if shown else _redacted_start(words[0]) + " [...]"


def _is_same_file(path: str, other: str) -> bool:
    """Tell whether both are the same file; a test's process may have no root of its own."""
    try:
        return os.path.samefile(path, other)
    except PermissionError:
        raise
    except OSError:
        # Nothing there, or a name that leads in a circle.
        return os.path.basename(path) == "root"


def _unit_of(folder: str) -> t.Optional[str]:
    with open_to_read(os.path.join(folder, "cgroup")) as stream:
        found = _SERVICE.findall(os.fsdecode(stream.read(1 << 14)))
    return found[-1] if found else None


def _ancestors(proc: str) -> t.Set[str]:
    """Return the pids of this process and of those that started it."""
    found: t.Set[str] = set()
    pid = str(os.getpid())
    while pid not in found and pid != "0":
        found.add(pid)
        try:
            pid = read_bytes(os.path.join(proc, pid, "stat")).rpartition(b")")[2].split()[1].decode("ascii")
        except (OSError, IndexError):
            # The way up ends where a process is closed to us.
            break
    return found
