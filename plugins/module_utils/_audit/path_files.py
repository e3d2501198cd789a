# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What Python does with a path configuration file, C(*.pth), when it starts (CPython, Lib/site.py, C(addpackage))."""

import codecs
import os
import re
import typing as t

from .._disk.root import HOST, Root

__all__ = ["PathFile", "read_path_file"]

# Since 3.13 the text is split as str.splitlines does; before that only where a line ends for open().
_LINE_ENDS = re.compile(b"[\r\n\x0b\x0c\x1c-\x1e]|\xc2\x85|\xe2\x80[\xa8\xa9]")
_IMPORTS = (b"import ", b"import\t")
_LONGEST = 1 << 20


class PathFile(t.NamedTuple):
    """What a path configuration file does: C(runs) lines of its own, C(adds) to the import path, behind its folder."""

    runs: bool
    adds: t.List[str]


def read_path_file(path: str, root: Root = HOST) -> PathFile:
    """Return what the file C(path) does. One that cannot be read to its end may run anything."""
    if not root.isfile(path):
        # Python passes over a folder, and what is not there; a FIFO keeps it waiting.
        return PathFile(root.exists(path) and not root.isdir(path), [])
    try:
        with root.open(path) as stream:
            text = stream.read(_LONGEST + 1)
    except OSError:
        return PathFile(True, [])
    if text.startswith(codecs.BOM_UTF8):
        text = text[len(codecs.BOM_UTF8) :]
    lines = [line for line in _LINE_ENDS.split(text) if line.strip() and not line.startswith(b"#")]
    runs = len(text) > _LONGEST or any(line.startswith(_IMPORTS) for line in lines)
    added = [line.rstrip() for line in lines if not line.startswith(_IMPORTS) and b"\0" not in line]
    folder = os.path.dirname(path)
    paths = [os.path.normpath(os.path.join(folder, os.fsdecode(line))) for line in added]
    return PathFile(runs, list(dict.fromkeys(paths)))
