# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Find what lies in the folder of a venv and is no part of it: the application itself, its data, a path file by hand.

A venv that is built anew would not have it. Nothing is run or imported: the tools' own names are known, and packages
tell their files.
"""

import os
import posixpath
import re
import typing as t

from .._base.text import json_text
from .._usage.places import listed
from .._usage.reading import with_rights_of_owner
from .packages import lines_of, recorded_paths, site_folders

__all__ = ["CARRIED", "extra_files"]

# What pipx and uv know their tools by; a new venv gets them from the old one.
CARRIED = ("pipx_metadata.json", "uv-receipt.toml")

_TOP = re.compile(
    r"(?:bin|include|lib|lib64|share|man|local|Scripts|Lib|__pycache__|pyvenv\.cfg|\.gitignore|\.lock|\.Python"
    r"|CACHEDIR\.TAG|pip-selfcheck\.json|lost\+found|\.nfs.*|\.fleet\.system_python\..*)$"
)
_BIN = re.compile(
    r"(?:python|pypy|pip|wheel|easy_install|libpypy)[\w.-]*$|(?:de)?activate.*$|Activate\.ps1$|pydoc\.bat$|__pycache__$"
    r"|\.before-relink-.*|\.nfs.*"
)
_LIBRARY = re.compile(r"(?:python|pypy)\d")
_SITE = re.compile(
    r".*\.(?:dist-info|egg-info|egg-link|egg|virtualenv|pyc)$|__pycache__$|_virtualenv\.(?:py|pth)$|~.*|\.nfs.*"
    r"|(?:easy-install|setuptools|distutils-precedence|pipx_shared)\.pth$"
)


@with_rights_of_owner
def extra_files(venv: str, is_complete: bool = True) -> t.List[str]:
    """Return the paths, relative to C(venv), of what no tool and no package has put there; folders as a whole.

    Where a package does not tell its files, or is damaged (not C(is_complete)), what lies among programs and modules
    cannot be told apart: then only what lies elsewhere, and path files, are looked at.
    """
    owned, is_whole = _owned_paths(venv)
    is_whole = is_whole and is_complete
    found = [name for name in listed(venv) if not _TOP.match(name) and name not in CARRIED]
    found += ["lib/" + name for name in listed(os.path.join(venv, "lib")) if not _LIBRARY.match(name)]
    if is_whole:
        found += ["bin/" + name for name in listed(os.path.join(venv, "bin")) if not _BIN.match(name)]
    for site in site_folders(venv).values():
        inside = os.path.relpath(site, venv)
        names = [name for name in listed(site) if is_whole or name.endswith(".pth")]
        found += [posixpath.join(inside, name) for name in names if not _SITE.match(name)]
    return [json_text(path) for path in found if path not in owned]


def _owned_paths(venv: str) -> t.Tuple[t.Set[str], bool]:
    """Return the paths that packages have, with all folders above them, and whether every package tells its files."""
    owned: t.Set[str] = set()
    is_whole = True
    for site in site_folders(venv).values():
        inside = os.path.relpath(site, venv)
        for name in listed(site):
            if name.endswith(".dist-info"):
                paths, base = recorded_paths(os.path.join(site, name, "RECORD")), inside
            elif name.endswith(".egg-info"):
                paths, base = lines_of(os.path.join(site, name, "installed-files.txt")), posixpath.join(inside, name)
            elif name.endswith((".egg-link", ".egg")):
                paths, base = None, inside
            else:
                continue
            is_whole = is_whole and paths is not None
            for path in paths or ():
                _add_with_folders(owned, posixpath.normpath(posixpath.join(base, path)))
    return owned, is_whole


def _add_with_folders(owned: t.Set[str], path: str) -> None:
    while path and path not in owned and not path.startswith(("/", "..")):
        owned.add(path)
        path = posixpath.dirname(path)
