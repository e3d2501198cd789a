# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Choose the interpreter of a venv: a path, or a version that is looked for below /opt/python, then among packages."""

import os
import re
import stat
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._errors import SystemPythonError
from ansible_collections.fleet.system_python.plugins.module_utils._interpreters import Candidate, interrogate
from ansible_collections.fleet.system_python.plugins.module_utils._package_owners import manager, package_owners
from ansible_collections.fleet.system_python.plugins.module_utils._rpm import Rpm
from ansible_collections.fleet.system_python.plugins.module_utils._rpm_verify import is_drift
from ansible_collections.fleet.system_python.plugins.module_utils._runtime_manifest import examine, load
from ansible_collections.fleet.system_python.plugins.module_utils._text import printable
from ansible_collections.fleet.system_python.plugins.module_utils._venv_census import RUNTIMES

__all__ = ["Interpreter", "InterpreterError", "choose_interpreter", "require_trusted", "same_minor"]

_VERSION = re.compile(r"3\.\d+(?:\.\d+)?(?:(?:a|b|rc)\d+)?\Z")


class Interpreter(t.NamedTuple):
    """An interpreter: C(path) is the name that venvs link to, C(version) is what the file itself says."""

    path: str
    realpath: str
    version: str

    @property
    def minor(self) -> str:
        """Return the version as "3.13"."""
        return ".".join(self.version.split(".")[:2])


class InterpreterError(SystemPythonError):
    """There is no such interpreter, or it may not be used; details: wanted, rejected, available."""

    kind = "interpreter_not_found"


def choose_interpreter(wanted: str, runtimes: str = RUNTIMES, folders: t.Sequence[str] = ("/usr/bin",)) -> Interpreter:
    """Return the interpreter that C(wanted) names: "/opt/python/3.13/bin/python3.13", "3.13" or "3.13.5".

    A link such as /opt/python/3.13 stays in C(path): a venv on it follows the patch releases. Raises InterpreterError.
    """
    rejected: t.Dict[str, str] = {}
    for path in _candidates(wanted, runtimes, folders):
        record = interrogate(Candidate(path, "asked for"))
        version = record["version"] or ""
        if record["reason"] or not record["realpath"] or record["kind"] != "elf":
            rejected[path] = record["reason"] or "it is no interpreter"
        elif version.count(".") < 1:
            rejected[path] = "its version is not known"
        elif not wanted.startswith("/") and version != wanted and not version.startswith(wanted + "."):
            rejected[path] = "it is Python {0}".format(version)
        else:
            return Interpreter(path, record["realpath"], version)
    raise _not_found(wanted, rejected, available(runtimes, folders))


def _candidates(wanted: str, runtimes: str, folders: t.Sequence[str]) -> t.List[str]:
    if wanted.startswith("/"):
        return [os.path.normpath(wanted)]
    if not _VERSION.match(wanted):
        raise InterpreterError(
            "'{0}' names no interpreter; say a version like 3.13 or 3.13.5, or an absolute path.".format(
                printable(wanted)
            ),
            wanted=printable(wanted),
        )
    name = "python" + ".".join(wanted.split(".")[:2])
    return [os.path.join(runtimes, wanted, "bin", name)] + [os.path.join(folder, name) for folder in folders]


def available(runtimes: str = RUNTIMES, folders: t.Sequence[str] = ("/usr/bin",)) -> t.List[str]:
    """Return the paths of the interpreters that a version could have meant."""
    places = [os.path.join(runtimes, name, "bin") for name in _listed(runtimes)] + list(folders)
    return [
        os.path.join(folder, name)
        for folder in places
        for name in _listed(folder)
        if re.match(r"python3\.\d+\Z", name) and os.path.isfile(os.path.join(folder, name))
    ]


def _listed(folder: str) -> t.List[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        # Not every host has runtimes of ours.
        return []


def _not_found(wanted: str, rejected: t.Dict[str, str], there: t.List[str]) -> InterpreterError:
    looked = "; ".join("{0}: {1}".format(printable(path), reason) for path, reason in sorted(rejected.items()))
    return InterpreterError(
        "No interpreter {0} on this host ({1}). There are: {2}. Install one (for example with python_runtime), or name "
        "another.".format(printable(wanted), looked, ", ".join(there) or "none"),
        wanted=printable(wanted),
        rejected=rejected,
        available=there,
    )


def same_minor(
    minor: str, runtimes: str = RUNTIMES, folders: t.Sequence[str] = ("/usr/bin",)
) -> t.Optional[Interpreter]:
    """Return an interpreter of this minor version, one of ours rather than a packaged one; null where there is none."""
    try:
        return choose_interpreter(minor, runtimes, folders)
    except InterpreterError:
        return None


def require_trusted(interpreter: Interpreter, uid: int, runtimes: str = RUNTIMES) -> None:
    """Raise InterpreterError unless the user C(uid) may run it: root only runs what nobody else could have changed,

    and what the package database vouches for or is one of our runtimes. Other users run what they name.
    """
    if uid != 0:
        return
    weak = _writable_by_others(interpreter.realpath)
    if weak:
        raise _untrusted(interpreter, "others than root may change {0}".format(printable(weak)))
    own = os.path.realpath(runtimes) + "/"
    if interpreter.realpath.startswith(own):
        _require_own_intact(interpreter, own + interpreter.realpath[len(own) :].split("/")[0])
        return
    owner = package_owners([interpreter.realpath]).get(interpreter.realpath)
    which = manager()
    if which and not owner:
        raise _untrusted(interpreter, "no package owns it, and it is not below {0}".format(runtimes))
    if which == "rpm" and owner:
        entries = Rpm().verify([owner]).entries
        altered = [entry.path for entry in entries if is_drift(entry) and not _is_addition(entry.path)]
        if altered:
            raise _untrusted(interpreter, "rpm -V reports {0}".format(", ".join(map(printable, altered[:3]))))


def _require_own_intact(interpreter: Interpreter, folder: str) -> None:
    manifest = load(folder)
    if manifest is None:
        raise _untrusted(interpreter, "{0} has no manifest of python_runtime".format(printable(folder)))
    deviations = examine(folder, manifest)
    if deviations:
        shown = ["{0} is {1}".format(printable(one.path), one.what) for one in deviations[:3]]
        raise _untrusted(interpreter, "it is not as its manifest says: {0}".format(", ".join(shown)))


def _is_addition(path: str) -> bool:
    return "/site-packages/" in path or "/dist-packages/" in path


def _writable_by_others(path: str) -> t.Optional[str]:
    """Return what of C(path) and the folders above it others than root may change, None when nothing."""
    while True:
        found = os.stat(path)
        writable = found.st_mode & stat.S_IWOTH or (found.st_mode & stat.S_IWGRP and found.st_gid != 0)
        if found.st_uid != 0 or writable:
            return path
        if path == "/":
            return None
        path = os.path.dirname(path)


def _untrusted(interpreter: Interpreter, why: str) -> InterpreterError:
    return InterpreterError(
        "{0} is not run as root: {1}. Let the venv belong to a user of its own (option user), or use another "
        "interpreter.".format(printable(interpreter.path), why),
        wanted=printable(interpreter.path),
        rejected={interpreter.path: why},
    )
