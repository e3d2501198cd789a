# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Whether an interpreter has what it needs to start, and whether a venv lies where it was made. Nothing is run.

Sources: CPython, Modules/getpath.py, for how an interpreter finds its standard library; Lib/venv, virtualenv and uv for
what their scripts C(activate) say.
"""

import os
import re
import typing as t

from .._base.text import printable
from .._disk.files import read_small
from .._disk.root import HOST
from .._loader.search import Loader, what_is_loaded
from .._usage.places import listed

__all__ = ["Interpreters", "foreign_base", "moved_from"]

# What CPython falls back to is compiled in, and nearly always one of these.
_PREFIXES = ["/usr", "/usr/local"]
# No place of a venv: replaced as one, it would change what stands for the system.
_NO_VENVS = ("/", "//", "/bin", "/dev", "/etc", "/home", "/lib", "/opt", "/proc", "/srv", "/tmp", "/usr", "/var")  # noqa: S108
_ACTIVATED = re.compile(
    r"""^\s*(?:export )?VIRTUAL_ENV=(?:"(/[^"$`\\]*)"|'(/[^']*)'|(/[^\s"'$`\\;]*))\s*$""", re.MULTILINE
)
_SHIM = re.compile(r"/\.?(?:pyenv|asdf|mise|rtx)/(?:.*/)?shims/[^/]+$")


class Interpreters:
    """Says of interpreters what they lack; one that many venvs hang on is looked at once for each user."""

    def __init__(self) -> None:
        self._loader: t.Optional[Loader] = None
        self._known: t.Dict[t.Tuple[int, str, str, str], str] = {}

    def lack(self, program: str, home: str, minor: str) -> str:
        """Return in words what the ELF file C(program) lacks, nothing where it can start.

        C(home) is the folder that it looks for its standard library from, C(minor) its version.
        """
        key = os.geteuid(), program, home, minor
        if key not in self._known:
            self._known[key] = self._missing_libraries(program) or _missing_standard_library(home, minor)
        return self._known[key]

    def _missing_libraries(self, program: str) -> str:
        self._loader = self._loader or Loader(HOST)
        lost = [one.name for one in what_is_loaded(self._loader, program) if not one.found]
        return f"it needs {', '.join(map(printable, lost))}, which is gone" if lost else ""


def _missing_standard_library(home: str, minor: str) -> str:
    folders = [home]
    # Not in the root: there CPython does not look.
    while os.path.dirname(folders[-1]) not in ("/", ""):
        folders.append(os.path.dirname(folders[-1]))
    names = [
        os.path.join(lib, name)
        for lib in ("lib", "lib64")
        for name in (f"python{minor}/os.py", f"python{minor}t/os.py", f"python{minor}/os.pyc")
    ] + [f"lib/python{minor.replace('.', '')}.zip"]
    # Where the place of the program says nothing, what was compiled into it decides.
    folders += [] if os.path.basename(home) == "bin" else _PREFIXES
    if any(os.path.lexists(os.path.join(folder, name)) for folder in folders for name in names):
        return ""
    return f"its standard library is gone: there is no lib/python{minor}/os.py above {printable(home)}"


def moved_from(venv: str) -> str:
    """Return where the venv was made, by its script activate; empty where it lies there, or the script does not say."""
    try:
        found = _ACTIVATED.search(read_small(os.path.join(venv, "bin", "activate")))
    except OSError:
        return ""
    told = next(filter(None, found.groups()), "") if found else ""
    old = os.path.normpath(told) if told else ""
    if old in ("", *_NO_VENVS, venv) or os.path.realpath(old) == os.path.realpath(venv):
        return ""
    return old


def foreign_base(base: str, home: str) -> t.Optional[str]:
    """Return what a venv hangs on that comes and goes with something else: shim, conda, venv, or None."""
    if _SHIM.search(base):
        return "shim"
    parent = os.path.dirname(home)
    if home and os.path.isfile(os.path.join(parent, "pyvenv.cfg")):
        return "venv"
    return "conda" if "conda-meta" in listed(os.path.dirname(os.path.dirname(base))) else None
