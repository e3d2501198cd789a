# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Give an unpacked or freshly built CPython what a runtime has: its mark, compiled files, root's modes."""

import os
import re
import stat
import typing as t

from .._base.errors import ArchiveError
from .._base.text import json_text, printable
from .._disk.atomic import write_durably
from .._disk.files import open_to_read
from .._disk.trees import remove_any
from .._rights.account import Account
from .._rights.unprivileged import Unprivileged
from .._usage.places import listed

__all__ = ["compile_library", "find_interpreter", "give_to", "give_to_root", "mark_as_managed"]

_LONG = 64
# Magic, flags: bit 0 says that the source is found by its hash, bit 1 that this is checked.
_PYC_FLAGS = slice(4, 8)
_UNCHECKED = b"\x01\x00\x00\x00"
_MARK = """[externally-managed]
Error=This runtime is managed by the Ansible collection fleet.system_python, which would find what pip
 installs here to be an alteration and take it out again. Make a venv of your own:
 {interpreter} -m venv FOLDER
"""


def find_interpreter(folder: str, minor: str) -> str:
    """Return the relative path of the interpreter of C(minor). Raises ArchiveError when there is none."""
    path = "bin/python" + minor
    full = os.path.join(folder, path)
    if os.path.isfile(full) and not os.path.islink(full) and os.stat(full).st_mode & 0o100:
        return path
    names = listed(os.path.join(folder, "bin"))
    pythons = [name for name in names if re.match(r"python\d+\.\d+$", name)]
    raise ArchiveError(
        f"There is no {path} in it, so this is no CPython "
        f"{minor}{', but one with ' + ', '.join(pythons) if pythons else ''}. Wanted is what an installation leaves: "
        "bin, lib and so on in one top folder (of python-build-standalone, take an archive whose name has "
        "install_only).",
        found=[json_text(name) for name in names[:20]],
    )


def mark_as_managed(folder: str, minor: str, final: str) -> t.List[str]:
    """Let pip refuse to install into the runtime (PEP 668), and add the name C(python3) where it is missing.

    Returns the relative paths of the files that changed.
    """
    mark = f"lib/python{minor}/EXTERNALLY-MANAGED"
    path = os.path.join(folder, mark)
    remove_any(path)
    write_durably(path, _MARK.format(interpreter=os.path.join(final, "bin/python" + minor)).encode("utf-8"), 0o644)
    link = os.path.join(folder, "bin/python3")
    if not os.path.lexists(link):
        os.symlink("python" + minor, link)
    return [mark]


def compile_library(folder: str, minor: str, user: Unprivileged, timeout: float) -> bool:
    """Compile the standard library unless it came compiled; tell whether that was necessary.

    The compiled files are of the kind that is never compared with its source: nothing rewrites them later, whatever
    the times of the files are.
    """
    library = os.path.join(folder, "lib", "python" + minor)
    if _is_compiled(library):
        return False
    for parent, folders, _files in os.walk(library):
        if "__pycache__" in folders:
            folders.remove("__pycache__")
            remove_any(os.path.join(parent, "__pycache__"))
    give_to(library, user.account)
    # Since 3.13 its processes talk over a socket in the temporary folder, whose name may have 107 bytes.
    jobs = "0" if len(os.fsencode(user.home)) < _LONG else "1"
    options = ["-q", "-j", jobs, "-f", "--invalidation-mode", "unchecked-hash"]
    # Among the tests are files that are wrong on purpose.
    options += ["-x", r"bad_coding|badsyntax|/tests?/|lib2to3/tests/data"]
    interpreter = os.path.join(folder, "bin/python" + minor)
    done = user.run([interpreter, "-I", "-B", "-m", "compileall"] + options + [library], folder, timeout)
    user.end_all()
    if done.rc != 0:
        raise done.error("The standard library cannot be compiled")
    return True


def _is_compiled(library: str) -> bool:
    """Tell whether every module has a compiled file that is never compared with it. Tests do not count."""
    for parent, folders, files in os.walk(library):
        folders[:] = [name for name in folders if name not in ("test", "tests", "__pycache__", "site-packages")]
        sources = [name[:-3] for name in files if name.endswith(".py")]
        if not sources or parent.endswith("lib2to3"):
            continue
        cache = os.path.join(parent, "__pycache__")
        compiled = {name.partition(".")[0]: name for name in listed(cache) if name.count(".") == 2}
        for source in sources:
            if source not in compiled or not _is_unchecked(os.path.join(cache, compiled[source])):
                return False
    return True


def _is_unchecked(path: str) -> bool:
    with open_to_read(path) as stream:
        return stream.read(8)[_PYC_FLAGS] == _UNCHECKED


def give_to(folder: str, account: Account, with_files: bool = False) -> None:
    """Give C(account) every folder below C(folder), and the files in them where that is said."""
    for parent, _folders, files in os.walk(folder):
        for name in [""] + (files if with_files else []):
            os.lchown(os.path.join(parent, name), account.uid, account.gid)


def give_to_root(folder: str, uid: int = 0, gid: int = 0) -> None:
    """Give everything to root, readable by all, writable by nobody else, without special modes."""
    for parent, folders, files in os.walk(folder):
        _give_file(parent, 0o755, uid, gid)
        for name in files + [name for name in folders if os.path.islink(os.path.join(parent, name))]:
            path = os.path.join(parent, name)
            found = os.lstat(path)
            if stat.S_ISLNK(found.st_mode):
                os.lchown(path, uid, gid)
            elif stat.S_ISREG(found.st_mode):
                _give_file(path, 0o755 if found.st_mode & 0o100 else 0o644, uid, gid)
            else:
                raise ArchiveError(
                    f"{printable(path)} is neither a file, a folder nor a link, and has no place in a runtime",
                    member=json_text(path),
                )


def _give_file(path: str, mode: int, uid: int, gid: int) -> None:
    """The owner first: until then somebody else could change the mode back."""
    found = os.lstat(path)
    if (found.st_uid, found.st_gid) != (uid, gid):
        os.lchown(path, uid, gid)
    if stat.S_IMODE(found.st_mode) != mode or found.st_uid != uid:
        os.chmod(path, mode)
