# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Rewrite what names the prefix that a CPython was configured with, so that it is right at its final place.

Only text files are rewritten: the first lines of scripts, sysconfig's data, C(pkg-config) files. Compiled files and
binaries are not touched: CPython finds its library relative to the binary, and takes the names in compiled files from
where they lie.
"""

import ast
import fnmatch
import os
import re
import stat
import typing as t

from .._disk.files import open_new, open_to_read, read_bytes, read_text
from .._disk.space import clear_errors
from .._usage.places import listed

__all__ = ["old_prefix", "relocate"]

# The kernel reads this much of a first line; before Linux 5.1 even only 128 bytes.
_SHEBANG = 127


def old_prefix(folder: str, minor: str) -> str:
    """Return the prefix that CPython was configured with, empty where sysconfig's data do not say."""
    library = os.path.join(folder, "lib", "python" + minor)
    names = [name for name in listed(library) if re.match(r"_sysconfigdata_.*\.py$", name)]
    # Data of an archive: parsed, not run.
    return next(filter(None, (_prefix_in(read_text(os.path.join(library, name))) for name in names)), "")


def _prefix_in(text: str) -> str:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return ""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            for key, value in zip(node.value.keys, node.value.values):
                if key is not None and _literal_value(key) == "prefix":
                    return str(_literal_value(value) or "")
    return ""


def _literal_value(node: ast.AST) -> object:
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
            for name in listed(os.path.join(folder, parent))
            if re.match(r"_sysconfigdata_.*\.py$|_sysconfig_vars.*\.json$|build-details\.json$|.*\.pc$", name)
        ]
    for name in listed(os.path.join(folder, library)):
        if name.startswith("config-"):
            parent = library + "/" + name
            present = listed(os.path.join(folder, parent))
            found += [parent + "/" + one for one in ("Makefile", "python-config.py") if one in present]
    return [path for path in found if stat.S_ISREG(os.lstat(os.path.join(folder, path)).st_mode)]


def _substitute(path: str, pattern: "re.Pattern[bytes]", new: bytes) -> bool:
    data = read_bytes(path)
    replaced = pattern.sub(lambda _found: new, data)
    if replaced != data:
        _overwrite(path, replaced)
    return replaced != data


def _overwrite(path: str, data: bytes) -> None:
    """Write a file of the staging folder anew; a hard link that it had stays with the old content."""
    mode = stat.S_IMODE(os.lstat(path).st_mode)
    with clear_errors(path):
        os.unlink(path)
        with open_new(path) as stream:
            stream.write(data)
            os.fchmod(stream.fileno(), mode)


def _forget_compiled(path: str) -> None:
    folder, name = os.path.split(path)
    cache = os.path.join(folder, "__pycache__")
    if name.endswith(".py"):
        for one in fnmatch.filter(listed(cache), name[:-3] + ".*"):
            os.unlink(os.path.join(cache, one))


def _set_interpreter(folder: str, path: str, minor: str, final: str) -> bool:
    """Let a script of Python start with the runtime's own interpreter at its final place."""
    full = os.path.join(folder, path)
    with open_to_read(full) as stream:
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
