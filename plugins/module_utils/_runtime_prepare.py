# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Turn an unpacked or freshly built CPython into a runtime that is right at its final place.

Programs and settings name the prefix that CPython was configured with. Where that is not the final place, text files
are rewritten: the first lines of scripts, sysconfig's data, C(pkg-config) files. Compiled files and binaries are not
touched: CPython finds its library relative to the binary, and takes the names in compiled files from where they lie.
"""

import ast
import os
import re
import stat
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._errors import ArchiveError
from ansible_collections.fleet.system_python.plugins.module_utils._files import clear_errors, remove_any
from ansible_collections.fleet.system_python.plugins.module_utils._text import json_text, printable
from ansible_collections.fleet.system_python.plugins.module_utils._unprivileged import Account, Unprivileged

__all__ = [
    "compile_library",
    "find_interpreter",
    "give_to",
    "give_to_root",
    "mark_as_managed",
    "old_prefix",
    "relocate",
]

# The kernel reads this much of a first line; before Linux 5.1 even only 128 bytes.
_SHEBANG = 127
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
    found = os.path.join(folder, "bin")
    names = sorted(os.listdir(found)) if os.path.isdir(found) else []
    pythons = [name for name in names if re.match(r"python\d+\.\d+$", name)]
    raise ArchiveError(
        "There is no {0} in it, so this is no CPython {1}{2}. Wanted is what an installation leaves: bin, lib and so "
        "on in one top folder (of python-build-standalone, take an archive whose name has install_only).".format(
            path, minor, ", but one with " + ", ".join(pythons) if pythons else ""
        ),
        found=[json_text(name) for name in names[:20]],
    )


def old_prefix(folder: str, minor: str) -> str:
    """Return the prefix that CPython was configured with, empty where sysconfig's data do not say."""
    library = os.path.join(folder, "lib", "python" + minor)
    names = sorted(name for name in os.listdir(library) if re.match(r"_sysconfigdata_.*\.py$", name))
    for name in names:
        with open(os.path.join(library, name), encoding="utf-8", errors="surrogateescape") as stream:
            # Data of an archive: parsed, not run.
            found = _prefix_in(stream.read())
        if found:
            return found
    return ""


def _prefix_in(text: str) -> str:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return ""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            for key, value in zip(node.value.keys, node.value.values):
                if key is not None and _literal(key) == "prefix":
                    return str(_literal(value) or "")
    return ""


def _literal(node: ast.AST) -> t.Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def relocate(folder: str, minor: str, final: str) -> t.List[str]:
    """Rewrite what names the old prefix, so that it is right at C(final); return the relative paths that changed."""
    old = old_prefix(folder, minor)
    changed = [path for path in _scripts(folder) if _set_interpreter(folder, path, minor, final)]
    if old and old != final:
        pattern = re.compile(rb"(?<![\w./-])" + re.escape(os.fsencode(old)) + rb"(?![\w.-])")
        for path in _settings(folder, minor):
            if _substitute(os.path.join(folder, path), pattern, os.fsencode(final)):
                changed.append(path)
                _forget_compiled(os.path.join(folder, path))
    return sorted(set(changed))


def _scripts(folder: str) -> t.List[str]:
    names = sorted(os.listdir(os.path.join(folder, "bin")))
    paths = ["bin/" + name for name in names]
    return [path for path in paths if stat.S_ISREG(os.lstat(os.path.join(folder, path)).st_mode)]


def _settings(folder: str, minor: str) -> t.List[str]:
    """Return the text files that may name the prefix."""
    library = "lib/python" + minor
    found = [path for path in _scripts(folder) if path.endswith("-config")]
    for parent in (library, "lib/pkgconfig"):
        found += [
            parent + "/" + name
            for name in _names(os.path.join(folder, parent))
            if re.match(r"_sysconfigdata_.*\.py$|_sysconfig_vars.*\.json$|build-details\.json$|.*\.pc$", name)
        ]
    for name in _names(os.path.join(folder, library)):
        if name.startswith("config-"):
            parent = library + "/" + name
            present = _names(os.path.join(folder, parent))
            found += [parent + "/" + one for one in ("Makefile", "python-config.py") if one in present]
    return [path for path in found if stat.S_ISREG(os.lstat(os.path.join(folder, path)).st_mode)]


def _names(folder: str) -> t.List[str]:
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def _substitute(path: str, pattern: "re.Pattern[bytes]", new: bytes) -> bool:
    with open(path, "rb") as stream:
        data = stream.read()
    replaced = pattern.sub(lambda _found: new, data)
    if replaced != data:
        _overwrite(path, replaced)
    return replaced != data


def _overwrite(path: str, data: bytes) -> None:
    """Write a file of the staging folder anew; a hard link that it had stays with the old content."""
    mode = stat.S_IMODE(os.lstat(path).st_mode)
    with clear_errors(path):
        os.unlink(path)
        with open(path, "xb") as stream:
            stream.write(data)
            os.fchmod(stream.fileno(), mode)


def _forget_compiled(path: str) -> None:
    folder, name = os.path.split(path)
    cache = os.path.join(folder, "__pycache__")
    if name.endswith(".py"):
        for one in _names(cache):
            if one.startswith(name[:-3] + "."):
                os.unlink(os.path.join(cache, one))


def _set_interpreter(folder: str, path: str, minor: str, final: str) -> bool:
    """Let a script of Python start with the runtime's own interpreter at its final place."""
    full = os.path.join(folder, path)
    with open(full, "rb") as stream:
        start = stream.read(2)
        if start != b"#!":
            return False
        data = start + stream.read()
    line, _newline, rest = data.partition(b"\n")
    words = line[2:].split()
    if not words or not re.match(rb"/.*/python[\d.]*$", words[0]):
        return False
    wanted = os.fsencode(os.path.join(final, "bin/python" + minor))
    arguments = b"".join(b" " + word for word in words[1:])
    new = b"#!" + wanted + arguments
    if len(new) > _SHEBANG or b" " in wanted:
        # sh starts it; Python reads the same two lines as one text.
        quoted = b"'" + wanted.replace(b"'", b"'\"'\"'") + b"'"
        new = b"#!/bin/sh\n'''exec' " + quoted + arguments + b' "$0" "$@"\n' + b"' '''"
    if new == line:
        return False
    _overwrite(full, new + b"\n" + rest)
    return True


def mark_as_managed(folder: str, minor: str, final: str) -> None:
    """Let pip refuse to install into the runtime (PEP 668), and add the name C(python3) where it is missing."""
    path = os.path.join(folder, "lib", "python" + minor, "EXTERNALLY-MANAGED")
    remove_any(path)
    with clear_errors(path), open(path, "x", encoding="utf-8") as stream:
        stream.write(_MARK.format(interpreter=os.path.join(final, "bin/python" + minor)))
    link = os.path.join(folder, "bin/python3")
    if not os.path.lexists(link):
        os.symlink("python" + minor, link)


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
        compiled = {name.partition(".")[0]: name for name in _names(cache) if name.count(".") == 2}
        for source in sources:
            if source not in compiled or not _is_unchecked(os.path.join(cache, compiled[source])):
                return False
    return True


def _is_unchecked(path: str) -> bool:
    with open(path, "rb") as stream:
        return stream.read(8)[_PYC_FLAGS] == _UNCHECKED


def give_to(folder: str, account: Account) -> None:
    """Let C(account) write into every folder below C(folder). Files stay whose they are."""
    for parent, _folders, _files in os.walk(folder):
        os.chown(parent, account.uid, account.gid)


def give_to_root(folder: str, uid: int = 0, gid: int = 0) -> None:
    """Give everything to root, readable by all, writable by nobody else, without special modes."""
    for parent, folders, files in os.walk(folder):
        _give(parent, 0o755, uid, gid)
        for name in files + [name for name in folders if os.path.islink(os.path.join(parent, name))]:
            path = os.path.join(parent, name)
            found = os.lstat(path)
            if stat.S_ISLNK(found.st_mode):
                os.lchown(path, uid, gid)
            elif stat.S_ISREG(found.st_mode):
                _give(path, 0o755 if found.st_mode & 0o100 else 0o644, uid, gid)
            else:
                raise ArchiveError(
                    "{0} is neither a file, a folder nor a link, and has no place in a runtime".format(printable(path)),
                    member=json_text(path),
                )


def _give(path: str, mode: int, uid: int, gid: int) -> None:
    """The owner first: until then somebody else could change the mode back."""
    found = os.lstat(path)
    if (found.st_uid, found.st_gid) != (uid, gid):
        os.lchown(path, uid, gid)
    if stat.S_IMODE(found.st_mode) != mode or found.st_uid != uid:
        os.chmod(path, mode)
