# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""How rpm is asked: by its vendor's own macros only, and about which database.

At its start each rpm reads /etc/rpm/macros*, ~/.rpmmacros, /usr/lib/rpm/macros.d and more (setDefaults in lib/rpmrc.c),
runs /usr/lib/rpm/init.lua (rpmluaNew in rpmio/rpmlua.c), and takes aliases from ~/.popt and /etc/popt. Any of them may
run commands as root, or lead to another database, before a question is answered. Here all of them are left out but
popt's, for which rpm 4.14 to 6.0 have no option: there, what is about rpm is refused. So do first aid and the guard.
"""

import glob
import os
import re
import typing as t

from .._base.errors import DatabaseError
from .._base.text import json_text, printable
from .._disk.files import read_text

__all__ = [
    "DATABASE_FOLDERS",
    "ENVIRONMENT",
    "MACROS",
    "RCFILE",
    "configured_folders",
    "database_folder",
    "host_command",
    "path_below",
    "require_no_aliases",
    "rpm_command",
]

# Both files are of the package rpm itself, in every version.
MACROS = "/usr/lib/rpm/macros"
RCFILE = "/usr/lib/rpm/rpmrc"
# Where nothing can lie: for init.lua and aliases, and for what is in a home folder.
ENVIRONMENT = {"RPM_CONFIGDIR": "/dev/null", "HOME": "/dev/null"}

# In the order in which a root without a given path is searched; on SLES 15 the second is a link to the first.
DATABASE_FOLDERS = ("/usr/lib/sysimage/rpm", "/var/lib/rpm")
# sqlite (EL9), Berkeley DB (EL8, SLES 15), ndb (SLES 15 containers).
_DATABASE_FILES = ("rpmdb.sqlite", "Packages", "Packages.db")

# An administrator's own files, of which only one literal definition is believed.
_LOCAL_MACROS = ("/etc/rpm/macros", "/etc/rpm/macros.*")
_DATABASE_MACRO = re.compile(r"^%_dbpath\s+(\S+)\s*$", re.MULTILINE)
_VENDOR_WORDS = {"%{_var}": "/var", "%{_usr}": "/usr", "%{_prefix}": "/usr"}

_ALIAS_FILES = ("/etc/popt", "/etc/popt.d/*")
# The first word is the program's name, or a pattern of names (configAppMatch in popt.c).
_ALIAS = re.compile(r"^[ \t]*(?:rpm(?:keys|db)?\s|[\w.+-]*[^\s\w.+#-]).*$", re.MULTILINE)


def rpm_command(program: str = "rpm", root: t.Optional[str] = None, dbpath: t.Optional[str] = None) -> t.List[str]:
    """Return how a command begins that asks rpm, or another C(program) of its; it runs in ENVIRONMENT."""
    return (
        [program, "--rcfile", RCFILE, "--macros", MACROS]
        + (["--root", root] if root else [])
        + (["--dbpath", dbpath] if dbpath else [])
    )


def host_command() -> t.List[str]:
    """Return how a command begins that asks the database of this host."""
    return rpm_command(dbpath=database_folder())


def database_folder(root: t.Optional[str] = None, dbpath: t.Optional[str] = None) -> t.Optional[str]:
    """Return the folder, as seen from C(root), that holds a package database: C(dbpath) or one of the usual ones.

    Of this host, the one that the vendor's rpm uses comes first, and one of the administrator's own last.
    """
    if dbpath:
        return dbpath if _holds_database(root, dbpath) else None
    if root:
        return next((folder for folder in DATABASE_FOLDERS if _holds_database(root, folder)), None)
    folders = configured_folders((MACROS,)) + list(DATABASE_FOLDERS) + configured_folders(_LOCAL_MACROS)
    return next((folder for folder in folders if _holds_database(None, folder)), None)


def configured_folders(patterns: t.Iterable[str]) -> t.List[str]:
    """Return the folders that macro files name as the database's, where rpm is not needed to understand the name."""
    folders = []
    for _path, text in _texts(patterns):
        for value in _DATABASE_MACRO.findall(text):
            folder = re.sub(r"%\{\w+\}", lambda word: _VENDOR_WORDS.get(word.group(0), word.group(0)), value)
            if folder.startswith("/") and "%" not in folder:
                folders.append(os.path.normpath(folder))
    return folders


def require_no_aliases(patterns: t.Iterable[str] = _ALIAS_FILES) -> None:
    """Raise DatabaseError where popt's files give rpm's options another meaning; no package ships such lines."""
    for path, text in _texts(patterns):
        alias = _ALIAS.search(text.replace("\\\n", ""))
        if alias:
            raise DatabaseError(
                "rpm is not asked anything, because {0} gives its options another meaning, and nothing vouches for "
                "what that runs: {1}. The vendor's own aliases are in /usr/lib/rpm. Find out who wrote this line, "
                "remove it, and run again.".format(printable(path), printable(alias.group(0).strip())),
                path=json_text(path),
                reason="an alias for rpm",
            )


def _texts(patterns: t.Iterable[str]) -> t.Iterator[t.Tuple[str, str]]:
    for path in (path for pattern in patterns for path in sorted(glob.glob(pattern))):
        try:
            yield path, read_text(path, follow=True)
        except OSError:
            # Nothing is there that rpm could read.
            continue


def _holds_database(root: t.Optional[str], folder: str) -> bool:
    paths = [os.path.join(path_below(root, folder), name) for name in _DATABASE_FILES]
    return any(os.path.isfile(path) and os.path.getsize(path) for path in paths)


def path_below(root: t.Optional[str], path: str) -> str:
    """Return where C(path) of the system in the folder C(root) lies."""
    return os.path.join(root, path.lstrip("/")) if root else path
