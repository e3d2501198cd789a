# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What rpm, and whatever is built on librpm, reads or loads at its start beside its own files.

By setDefaults in lib/rpmrc.c, rpmluaNew in rpmio/rpmlua.c and lib/rpmplugins.c, rpm 4.14 to 6.0. A question of ours
reads none of it (see asking.py); a transaction, dnf and zypper do.
"""

import os
import re
import typing as t

from .._disk.root import Root

__all__ = ["PATTERNS", "is_literal", "macro_files", "other_files"]

# The files of macros, in the order in which they are read; what stands for the processor is a pattern here.
_MACROS = (
    "/usr/lib/rpm/macros.d/macros.*",
    "/usr/lib/rpm/platform/*/macros",
    "/usr/lib/rpm/fileattrs/*.attr",
    "/usr/lib/rpm/*/macros",
    "/etc/rpm/macros.*",
    "/etc/rpm/macros",
    "/etc/rpm/*/macros",
    "/root/.rpmmacros",
    "/root/.config/rpm/macros",
)
# What is run, or loaded into its process, or names further files of macros.
_OTHERS = (
    "/usr/lib/rpm/init.lua",
    "/usr/lib64/rpm-plugins/*.so",
    "/usr/lib/rpm-plugins/*.so",
    "/usr/lib/rpm/*/rpmrc",
    "/etc/rpmrc",
    "/root/.rpmrc",
    "/root/.config/rpm/rpmrc",
)
PATTERNS = _MACROS + _OTHERS
# Left behind by rpm itself, and not read (rpmInitMacros).
_NOT_READ = (".rpmnew", ".rpmsave", ".rpmorig")

# A definition that says nothing but words. What begins with two underscores are programs and plugins of rpm's own, and
# these few decide whom rpm believes.
_LITERAL = re.compile(r"[ \t]*(?:#.*|%[A-Za-z_]\w*(?:[ \t]+[^%]*)?)?\Z")
_DECIDING = re.compile(
    r"[ \t]*%(?:__|_dbpath|_db_backend|_rpmlock|_keyring|_pkgverify|_vsflags|_rpmconfigdir|_rpmluadir)"
)
_MOST = 1 << 20


def macro_files(root: Root) -> t.List[str]:
    """Return the files of macros that exist, each once, in the order in which rpm reads them."""
    found = [path for pattern in _MACROS for path in root.glob(pattern) if not path.endswith(_NOT_READ)]
    return list(dict.fromkeys(path for path in found if not root.isdir(path)))


def other_files(root: Root) -> t.List[str]:
    """Return what else exists that rpm reads, runs or loads at its start."""
    return [path for pattern in _OTHERS for path in root.glob(pattern) if root.exists(path)]


def is_literal(path: str, root: Root) -> bool:
    """Tell whether a file of macros only gives words for names: it runs nothing, and decides nothing about trust."""
    try:
        with root.open(path) as stream:
            text = os.fsdecode(stream.read(_MOST + 1))
    except OSError:
        return False
    lines = re.sub(r"\\\n", "", text).splitlines()
    return len(text) <= _MOST and all(_LITERAL.match(line) and not _DECIDING.match(line) for line in lines)
