# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The places where those who depend on the system's Python are looked for: packages, commands, units, cron, processes.

Each source yields dependents, and null for whatever it looked at in vain, so that its caller can stop it at any time.
"""

import glob
import os
import re
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._contract import Contract
from ansible_collections.fleet.system_python.plugins.module_utils._dependents_read import (
    CHANGES,
    Reader,
    Start,
    exec_lines,
    without_comments,
)
from ansible_collections.fleet.system_python.plugins.module_utils._redact import command_line, redact
from ansible_collections.fleet.system_python.plugins.module_utils._rpm import Rpm
from ansible_collections.fleet.system_python.plugins.module_utils._venv_usage import PLACES, listed, text_of, unit_files

__all__ = ["KINDS", "Dependent", "Found", "Sites", "commands", "cron_jobs", "packages", "processes", "units"]

# In the order in which they are told: what stops working unattended comes first.
KINDS = ("unit", "cron", "process", "command", "package")

# C({kind, name, path, owner, interpreter, how, detail, via, breaks, shadowed_by, unit, needs_restart}); see the module.
Dependent = t.Dict[str, t.Any]
Found = t.Iterator[t.Optional[Dependent]]

_SHOWN = 300
_DEEP = 4
_SERVICE = re.compile(r"/([^/]+\.(?:service|scope))(?=/|$)")
_SCHEDULE = re.compile(r"\s*(?:@\w+|(?:[-0-9*/,A-Za-z~]+\s+){4}[-0-9*/,A-Za-z~]+)\s+(.*)")
_ANACRON = re.compile(r"\s*(?:@\w+|\d+)\s+\d+\s+\S+\s+(.*)")


class Sites(t.NamedTuple):
    """Where is looked: folders (C(deep) with what is below them), patterns of glob(3); a test gives its own."""

    commands: t.Tuple[str, ...] = ("/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/bin", "/sbin")
    deep: t.Tuple[str, ...] = ("/usr/libexec",)
    units: t.Tuple[str, ...] = PLACES.units
    # With a user in each line, without one, anacron's, and folders of scripts.
    crontabs: t.Tuple[str, ...] = ("/etc/crontab", "/etc/cron.d/*")
    spools: t.Tuple[str, ...] = ("/var/spool/cron/*", "/var/spool/cron/crontabs/*", "/var/spool/cron/tabs/*")
    anacrontabs: t.Tuple[str, ...] = ("/etc/anacrontab",)
    cron_scripts: t.Tuple[str, ...] = (
        "/etc/cron.hourly/*",
        "/etc/cron.daily/*",
        "/etc/cron.weekly/*",
        "/etc/cron.monthly/*",
    )
    proc: str = "/proc"


def dependent(kind: str, name: str, path: str, breaks: t.Sequence[str], start: Start, **more: t.Any) -> Dependent:
    """Return one dependent; C(more) replaces the defaults of its other keys."""
    made: Dependent = {
        "kind": kind,
        "name": name,
        "path": path or None,
        "owner": None,
        "interpreter": start.interpreter,
        "how": start.how,
        "detail": "",
        "via": start.via or None,
        "breaks": list(breaks),
        "shadowed_by": start.shadowed_by or None,
        "unit": None,
        "needs_restart": False,
    }
    made.update(more)
    return made


def _shown(text: str) -> str:
    return redact(text[:_SHOWN])[0]


# --- packages --------------------------------------------------------------------------------------------------------


def packages(reader: Reader, contract: Contract, rpm: Rpm) -> Found:
    """Yield the packages that require the interpreter, its ABI or its packages. One rpm process."""
    version = contract["version"]
    own = contract["packages"]
    sonames = [
        "libpython{0}{1}.so.1.0{2}".format(version, flags, mark) for flags in ("", "m") for mark in ("()(64bit)", "")
    ]
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
            interpreter=start.interpreter or None,
            detail=", ".join(" ".join(word for word in need if word) for need in needs),
        )


# --- commands --------------------------------------------------------------------------------------------------------


def commands(reader: Reader, sites: Sites, more: t.Sequence[str] = ()) -> Found:
    """Yield the commands whose first line, or whose link, leads to the interpreter."""
    seen: t.Set[str] = set()
    folders = [(folder, 0) for folder in sites.commands] + [(folder, _DEEP) for folder in sites.deep + tuple(more)]
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
                detail=_shown(start.written if start.how != "link" else os.readlink(path)),
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


def units(reader: Reader, sites: Sites) -> Found:
    """Yield the units whose Exec lines start the interpreter, a command of it, or a shell script that does."""
    seen: t.Set[t.Tuple[str, str]] = set()
    for path in unit_files(sites.units):
        name = os.path.basename(path)
        if name.endswith(".conf"):
            name = os.path.basename(os.path.dirname(path))[: -len(".d")]
        elif (_manager(path), name) in seen or _is_masked(name, path, sites):
            yield None
            continue
        else:
            # Of one name, systemd takes the first.
            seen.add((_manager(path), name))
        found: t.List[Start] = []
        for directive, line in exec_lines(text_of(path)):
            for start in reader.in_text(line):
                if start not in found:
                    found.append(start)
                    yield dependent(
                        "unit", name, path, reader.breaks_by(start.interpreter), start, detail=directive, unit=name
                    )
        yield None


def _manager(path: str) -> str:
    """Return whose unit a file is: the system's (system) or that of users."""
    return "user" if "user" in os.path.dirname(path).split(os.sep) else "system"


def _is_masked(name: str, path: str, sites: Sites) -> bool:
    return any(
        os.path.realpath(os.path.join(folder, name)) == os.devnull
        for folder in sites.units
        if "*" not in folder and _manager(os.path.join(folder, name)) == _manager(path)
    )


# --- cron ------------------------------------------------------------------------------------------------------------


def cron_jobs(reader: Reader, sites: Sites) -> Found:
    """Yield the lines of crontabs, and the scripts of cron's folders, that start the interpreter."""
    for patterns, behind in ((sites.crontabs, _with_user), (sites.spools, _schedule), (sites.anacrontabs, _anacron)):
        for path in _matching(patterns):
            for number, line in enumerate(text_of(path).splitlines(), 1):
                command = behind(line) if without_comments(line) else ""
                for start in reader.in_text(command):
                    yield _job(reader, path, start, "line {0}".format(number))
                yield None
            yield None
    for path in _matching(sites.cron_scripts):
        own = reader.command(path)
        for start in [own] if own else reader.started_by(path):
            # A shell script of cron is the job itself.
            yield _job(reader, path, start._replace(via=""), _shown(start.written))
        yield None


def _matching(patterns: t.Iterable[str]) -> t.List[str]:
    return [path for pattern in patterns for path in sorted(glob.glob(pattern)) if not os.path.isdir(path)]


def _job(reader: Reader, path: str, start: Start, detail: str) -> Dependent:
    return dependent("cron", os.path.basename(path), path, reader.breaks_by(start.interpreter), start, detail=detail)


def _schedule(line: str) -> str:
    match = _SCHEDULE.match(line)
    return match.group(1) if match else ""


def _with_user(line: str) -> str:
    return (_schedule(line).split(None, 1) + ["", ""])[1]


def _anacron(line: str) -> str:
    match = _ANACRON.match(line)
    return match.group(1) if match else ""


# --- processes -------------------------------------------------------------------------------------------------------


def processes(reader: Reader, sites: Sites, closed: t.List[str]) -> Found:
    """Yield the processes of this root that run the interpreter, but not this one; C(closed) gets the pids not seen."""
    mine = _ancestors(sites.proc)
    for pid in listed(sites.proc):
        if not pid.isdigit() or pid in mine:
            continue
        try:
            yield _process(reader, os.path.join(sites.proc, pid), pid)
        except PermissionError:
            closed.append(pid)
        except (FileNotFoundError, ProcessLookupError):
            # A thread of the kernel has no executable, and a process may end meanwhile.
            yield None


def _process(reader: Reader, folder: str, pid: str) -> t.Optional[Dependent]:
    executable = os.readlink(os.path.join(folder, "exe"))
    if not _same(os.path.join(folder, "root"), os.sep):
        return None
    with open(os.path.join(folder, "cmdline"), "rb") as stream:
        words = os.fsdecode(stream.read(1 << 16)).split("\0")
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
        needs_restart=deleted or not any(_same(os.path.join(folder, "exe"), one) for one in (name,) + reader.binaries),
    )


def _started_as(reader: Reader, word: str, real: str, executable: str) -> t.Optional[str]:
    """Return the name by which a process was started: its first word, where that fits what runs."""
    if word.startswith("/"):
        # Under the name of a script that sets its own title, something else may run.
        return reader.name_of(word) if "python" in os.path.basename(real) else None
    called = reader.called(word) if word and "/" not in word else None
    # A bare name is no more than a hint: the PATH of the process may have led to another Python of that name.
    fits = called and (reader.name_of(real) or (os.path.exists(called[0]) and _same(executable, called[0])))
    return called[0] if called and fits else None


def _process_line(words: t.Sequence[str]) -> str:
    """Return a command line without what could be a secret."""
    text = " ".join(word for word in words if word)
    shown = command_line(text)
    return _shown(shown[0]) if shown else _shown(words[0]) + " [...]"


def _same(path: str, other: str) -> bool:
    """Tell whether both are the same file; a test's process may have no root of its own."""
    try:
        mine, theirs = os.stat(path), os.stat(other)
    except PermissionError:
        raise
    except OSError:
        # Nothing there, or a name that leads in a circle.
        return os.path.basename(path) == "root"
    return (mine.st_dev, mine.st_ino) == (theirs.st_dev, theirs.st_ino)


def _unit_of(folder: str) -> t.Optional[str]:
    with open(os.path.join(folder, "cgroup"), "rb") as stream:
        found = _SERVICE.findall(os.fsdecode(stream.read(1 << 14)))
    return found[-1] if found else None


def _ancestors(proc: str) -> t.Set[str]:
    """Return the pids of this process and of those that started it."""
    found: t.Set[str] = set()
    pid = str(os.getpid())
    while pid not in found and pid != "0":
        found.add(pid)
        try:
            with open(os.path.join(proc, pid, "stat"), "rb") as stream:
                pid = stream.read().rpartition(b")")[2].split()[1].decode("ascii")
        except (OSError, IndexError):
            # The way up ends where a process is closed to us.
            break
    return found
