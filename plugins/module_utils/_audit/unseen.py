# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What an audit cannot look at, most of all without root.

A rule that did not see all it judges by does not say that all is well.
"""

import os
import typing as t

from .._disk.root import Root, follow
from .._rpm.settings import PATTERNS
from .environment import SOURCES
from .loader import PRELOAD
from .manager_plugins import DNF_CONF
from .records import SearchPath
from .rule import shown

__all__ = ["closed_by_rule", "reasons", "why_not"]

_SETTINGS = ("SP106", "SP107", "SP111")
_OF_PACKAGES = ("SP201", "SP205", "SP207", "SP211")


def closed_by_rule(
    paths: t.Iterable[SearchPath], unread: t.Sequence[str], places: t.Sequence[str], root: Root
) -> t.Dict[str, t.List[str]]:
    """Return, by rule, the files and folders that it should have read and could not.

    C(paths) are the search paths, C(unread) files of packages that rpm could not read, C(places) folders on the import
    path.
    """
    found = {rule: sorted(places) for rule in ("SP209", "SP213")}
    found.update((rule, sorted(unread)) for rule in _OF_PACKAGES)
    # Also for root, to whom nothing is closed: a file may be too large to be one of settings.
    found.update(_sources(paths, root))
    found["SP211"] = sorted({*found["SP211"], *unread})
    return {rule: closed for rule, closed in found.items() if closed}


def _sources(paths: t.Iterable[SearchPath], root: Root) -> t.Dict[str, t.List[str]]:
    settings = _closed((pattern for source in SOURCES for pattern in source.patterns), root)
    commands = _closed((folder + "/python3" for one in paths for folder in one["folders"]), root)
    found = dict.fromkeys(_SETTINGS, settings)
    found["SP106"] = sorted({*settings, *commands})
    found.update(SP109=_closed([PRELOAD], root), SP211=_closed([DNF_CONF], root), SP304=_closed(PATTERNS, root))
    return found


def reasons(closed: t.Mapping[str, t.Sequence[str]]) -> t.Dict[str, str]:
    """Return, by rule, why it was not, or only partly, applied."""
    return {rule: why_not(paths) for rule, paths in closed.items()}


def why_not(closed: t.Sequence[str]) -> str:
    """Return in words why a rule was not, or only partly, applied."""
    return "not readable: {0}".format(shown(closed))


def _closed(patterns: t.Iterable[str], root: Root) -> t.List[str]:
    """Return what there is of C(patterns), as of C(Root.glob), and cannot be read; of what is hidden, the folder."""
    found: t.Set[str] = set()
    for pattern in patterns:
        folder = os.path.dirname(pattern)
        if "*" not in folder and _is_hidden(pattern.replace("*", "_"), root):
            found.add(_hiding(folder, root))
        elif "*" not in folder and "*" in pattern and root.isdir(folder) and not root.may_read(folder):
            found.add(folder)
        found.update(path for path in root.glob(pattern) if root.isfile(path) and not root.may_read(path))
    return sorted(found)


def _is_hidden(path: str, root: Root) -> bool:
    """Tell whether it cannot be told if C(path) is there."""
    return follow(path, root.folder)[1] == "closed"


def _hiding(folder: str, root: Root) -> str:
    """Return the topmost of the folders above and C(folder) into which nobody lets us look."""
    while _is_hidden(folder, root):
        folder = os.path.dirname(folder)
    return folder
