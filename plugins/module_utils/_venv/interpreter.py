# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Choose the interpreter of a venv: a path, or a version that is looked for below /opt/python, then among packages."""

import os
import re
import typing as t

from .._audit.interpreters import Candidate, interrogate
from .._base.errors import SystemPythonError
from .._base.paths import is_in
from .._base.text import printable
from .._disk.root import writable_by_others
from .._trust.vouch import parts_of_python, vouched_program
from .._usage.places import listed
from .records import RUNTIMES, minor_of

__all__ = ["BaseInterpreter", "InterpreterError", "choose_interpreter", "require_trusted"]

_VERSION = re.compile(r"3\.\d+(?:\.\d+)?(?:(?:a|b|rc)\d+)?\Z")


class BaseInterpreter(t.NamedTuple):
    """An interpreter: C(path) is the name that venvs link to, C(version) is what the file itself says."""

    path: str
    realpath: str
    version: str

    @property
    def minor(self) -> str:
        """Return the version as "3.13"."""
        return minor_of(self.version)


class InterpreterError(SystemPythonError):
    """There is no such interpreter, or it may not be used; details: wanted, rejected, available."""

    kind = "interpreter_not_found"


def choose_interpreter(
    wanted: str, runtimes: str = RUNTIMES, folders: t.Sequence[str] = ("/usr/bin",)
) -> BaseInterpreter:
    """Return the interpreter that C(wanted) names: "/opt/python/3.13/bin/python3.13", "3.13" or "3.13.5".

    A link such as /opt/python/3.13 stays in C(path): a venv on it follows the patch releases. Raises InterpreterError.
    """
    rejected: t.Dict[str, str] = {}
    for path in _candidates(wanted, runtimes, folders):
        record = interrogate(Candidate(path, "asked for"))
        version = record["version"] or ""
        if record["reason"] or not record["realpath"] or record["kind"] != "elf":
            rejected[path] = record["reason"] or "it is not an interpreter"
        elif version.count(".") < 1:
            rejected[path] = "its version is not known"
        elif not wanted.startswith("/") and version != wanted and not version.startswith(wanted + "."):
            rejected[path] = f"it is Python {version}"
        else:
            return BaseInterpreter(path, record["realpath"], version)
    raise _not_found(wanted, rejected, available(runtimes, folders))


def _candidates(wanted: str, runtimes: str, folders: t.Sequence[str]) -> t.List[str]:
    if wanted.startswith("/"):
        return [os.path.normpath(wanted)]
    if not _VERSION.match(wanted):
        raise InterpreterError(
            f"'{printable(wanted)}' names no interpreter; say a version like 3.13 or 3.13.5, or an absolute path.",
            wanted=printable(wanted),
        )
    name = "python" + minor_of(wanted)
    return [os.path.join(runtimes, wanted, "bin", name)] + [os.path.join(folder, name) for folder in folders]


def available(runtimes: str = RUNTIMES, folders: t.Sequence[str] = ("/usr/bin",)) -> t.List[str]:
    """Return the paths of the interpreters that a version could have meant."""
    places = [os.path.join(runtimes, name, "bin") for name in listed(runtimes)] + list(folders)
    return [
        os.path.join(folder, name)
        for folder in places
        for name in listed(folder)
        if re.match(r"python3\.\d+\Z", name) and os.path.isfile(os.path.join(folder, name))
    ]


def _not_found(wanted: str, rejected: t.Dict[str, str], there: t.List[str]) -> InterpreterError:
    looked = "; ".join(f"{printable(path)}: {reason}" for path, reason in sorted(rejected.items()))
    return InterpreterError(
        f"No interpreter {printable(wanted)} on this host ({looked}). There are: {', '.join(there) or 'none'}. "
        "Install one (for example with python_runtime), or name another.",
        wanted=printable(wanted),
        rejected=rejected,
        available=there,
    )


def require_trusted(interpreter: BaseInterpreter, uid: int, runtimes: str = RUNTIMES) -> None:
    """Raise InterpreterError unless the user C(uid) may run it: root only runs what nobody else could have changed,

    and what the package database vouches for or is one of our runtimes. Other users run what they name.
    """
    if uid != 0:
        return
    weak = writable_by_others(interpreter.realpath)
    if weak:
        raise _untrusted(interpreter, f"others than root may change {printable(weak)}")
    answer = vouched_program(parts_of_python(interpreter.realpath, site_packages=False), site_packages=False)
    if not answer.intact:
        raise _untrusted(interpreter, answer.reason)
    if answer.by == "manifest" and not is_in(interpreter.realpath, os.path.realpath(runtimes)):
        raise _untrusted(interpreter, f"it is a runtime, but not one below {printable(runtimes)}")


def _untrusted(interpreter: BaseInterpreter, why: str) -> InterpreterError:
    return InterpreterError(
        f"{printable(interpreter.path)} is not run as root: {why}. Let the venv belong to a user of its own (option "
        "user), or use another interpreter.",
        wanted=printable(interpreter.path),
        rejected={interpreter.path: why},
    )
