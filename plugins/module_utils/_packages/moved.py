# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""A packaged folder that somebody moved away and replaced by a link.

rpm writes through such a link where it is root's, or of the user who has what it leads to, and makes a new folder in
the place of any other (rpm's lib/fsm.c, fsmVerify). In that one there is only what the reinstalled packages have; what
others have is behind the link.
"""

import os
import typing as t

from .._base.errors import SystemPythonError
from .._base.text import json_text, printable, shortened
from .._rpm.packages import PackageId, RpmPackage

__all__ = ["MovedFolderError", "moved_folder", "require_no_moved_folder"]

_SITES = ("/site-packages/", "/dist-packages/")
_MOST = 5000


class MovedFolderError(SystemPythonError):
    """A packaged folder is a link, and others have files behind it; details: path, leads_to, packages, unowned."""

    kind = "moved_folder"
    changed_nothing = True


def require_no_moved_folder(
    packages: t.Sequence[RpmPackage],
    owners_of: t.Callable[[t.Sequence[str]], t.Mapping[str, t.Sequence[PackageId]]],
    below: t.Callable[[str], str],
) -> None:
    """Raise MovedFolderError where rpm would rebuild a folder of C(packages) over the heads of others.

    C(owners_of) is C(Rpm.owners), C(below) gives the path on this host of a path in the database.
    """
    folders = {file.path for package in packages for file in package.files if file.kind == "directory"}
    own = {file.path for package in packages for file in package.files}
    for path in sorted(folders):
        if _is_link_of_somebody(below(path)):
            others = _paths_behind(path, below(path), own)
            owners = owners_of(others[:_MOST])
            names = sorted({owner.name for found in owners.values() for owner in found})
            unowned = [other for other, found in owners.items() if not found and _is_addon(other)]
            if names or unowned:
                raise moved_folder(path, os.path.realpath(below(path)), names, unowned)


def _is_link_of_somebody(path: str) -> bool:
    return os.path.islink(path) and os.path.isdir(path) and os.lstat(path).st_uid != 0


def _paths_behind(path: str, real: str, own: t.Container[str]) -> t.List[str]:
    """Return what lies behind the link under names that C(own) does not have, by the names in the database."""
    found: t.List[str] = []
    for folder, folders, names in os.walk(real + "/"):
        folders[:] = [name for name in folders if name != "__pycache__"]
        inside = path + folder[len(real) :].rstrip("/")
        found += [one for one in (inside + "/" + name for name in folders + names) if one not in own]
    return sorted(found)


def _is_addon(path: str) -> bool:
    """Tell whether C(path) is something for itself in a folder of add-on modules."""
    return any(mark in path and "/" not in path.partition(mark)[2] for mark in _SITES)


def moved_folder(path: str, target: str, packages: t.Sequence[str], unowned: t.Sequence[str]) -> MovedFolderError:
    """Return the error about the link C(path) to C(target), with whom it would harm."""
    others = ["the packages {0}".format(shortened(packages, 5))] if packages else []
    others += [shortened([printable(one) for one in unowned], 5)] if unowned else []
    return MovedFolderError(
        "{0} is a link to {1}, and not root's. A reinstallation would make a new folder of it, without what else is "
        "there: {2}. Nothing was changed. Move the folder back with all that is in it (rm {0}; mv {1} {0}; chown "
        "root:root {0}), or give the link to root (chown -h root:root {0}) when only root may write there, and run "
        "again.".format(printable(path), printable(target), " and ".join(others)),
        path=json_text(path),
        leads_to=json_text(target),
        packages=list(packages),
        unowned=[json_text(one) for one in unowned[:100]],
    )
