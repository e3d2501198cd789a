# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Start a packaged program that is a Python script, as dnf is, so that it imports from packaged folders only."""

import ast
import os
import re
import typing as t

from .._base.command import CommandRunner, Completed
from .._disk.root import HOST, Root
from .import_path import paths_of

__all__ = ["IMPORTED", "Loaded", "isolated", "run_isolated", "run_telling", "start"]

# What the system's tools cannot do without; json and hashlib need extension modules, ssl a library of another package.
IMPORTED = "hashlib, json, ssl, subprocess"

_SHEBANG = re.compile(r"#!\s*(/usr/(?:bin|libexec)/(?:platform-)?python3[.0-9]*)(?:\s|$)")
_VERSION = re.compile(r"python(3\.[0-9]+)$")

# dnf wants the folder of the script as the first one, and Python looks for no module where the cache has null.
_PROGRAM = """\
import sys
end = sys.argv.index("--")
sys.path += sys.argv[1:end]
sys.argv = sys.argv[end + 1:]
folder = sys.argv[0].rpartition("/")[0]
sys.path.insert(0, folder)
sys.path_importer_cache[folder] = None
__file__ = sys.argv[0]
with open(__file__, "rb") as program:
    code = compile(program.read(), __file__, "exec")
exec(code)
"""

_ALONE = ["-I", "-S", "-B", "-c"]
_MARK = "fleet.system_python loaded "
# Runs before the other: what is loaded is told when that one has ended, however it did.
_TELL = """\
import atexit, sys
failure = ""
try:
    import {0}
except Exception as error:
    failure = type(error).__name__ + ": " + str(error)
def tell():
    files = [getattr(one, "__file__", None) for one in list(sys.modules.values())]
    with open("/proc/self/maps", errors="surrogateescape") as maps:
        files += [line.rstrip("\\n").split(None, 5)[-1] for line in maps if "/libpython" in line]
    print("\\n{1}" + ascii([failure, sorted({{one for one in files if one}})]), file=sys.__stdout__)
atexit.register(tell)
""".format(IMPORTED, _MARK)


class Loaded(t.NamedTuple):
    """What a Python told at its end: why it could not import C(IMPORTED), its modules' files, and its library."""

    failure: str
    files: t.List[str]


def isolated(argv: t.Sequence[str], root: Root = HOST, first: str = "") -> t.List[str]:
    """Return C(argv) with what keeps start-up files, the script's folder, /usr/local and root's home out of it.

    Unchanged where C(argv[0]) is no script of a packaged Python. C(first) is a program that runs before it.
    """
    interpreter = _interpreter_of(argv[0], root)
    version = _VERSION.search(root.realpath(interpreter)) if interpreter else None
    if not interpreter or not version:
        return list(argv)
    sites = [folder for folder in paths_of(version.group(1), "site") if root.isdir(folder)]
    return [interpreter] + _ALONE + [first + _PROGRAM] + sites + ["--"] + list(argv)


def _interpreter_of(script: str, root: Root) -> t.Optional[str]:
    if not root.isfile(script):
        return None
    with root.open(script) as stream:
        match = _SHEBANG.match(os.fsdecode(stream.readline(256)))
    return match.group(1) if match else None


def run_isolated(runner: CommandRunner, argv: t.Sequence[str], **options: t.Any) -> Completed:
    """Run C(argv) as C(isolated) says; what comes back names the command itself."""
    done: Completed = runner(isolated(argv), **options)
    return done._replace(argv=tuple(argv))


def run_telling(runner: CommandRunner, argv: t.Sequence[str]) -> t.Tuple[Completed, t.Optional[Loaded]]:
    """As C(run_isolated), and what the Python told: null when it is none, or did not start, or was killed."""
    done: Completed = runner(isolated(argv, first=_TELL), timeout=30)
    return _split(done._replace(argv=tuple(argv)))


def start(runner: CommandRunner, interpreter: str) -> t.Tuple[Completed, t.Optional[Loaded]]:
    """Start a packaged Python on its own, and return what it told."""
    done: Completed = runner([interpreter] + _ALONE + [_TELL], timeout=30)
    return _split(done._replace(argv=(interpreter,)))


def _split(done: Completed) -> t.Tuple[Completed, t.Optional[Loaded]]:
    output, mark, told = done.out.rpartition("\n" + _MARK)
    return (done._replace(out=output), Loaded(*ast.literal_eval(told.splitlines()[0]))) if mark else (done, None)
