# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Follow a command name to the file that runs, hop by hop, without running anything."""

import os
import stat
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._root import HOST, Root

__all__ = ["MAXIMUM_HOPS", "Hop", "end_of", "kind_of", "resolve", "which"]

# The kernel's own limit (path_resolution(7)).
MAXIMUM_HOPS = 40

Hop = t.Dict[str, t.Any]


def kind_of(path: str, root: Root = HOST) -> str:
    """Return what lies at C(path) itself: link, file, directory, other or missing. Links are not followed."""
    try:
        mode = root.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "missing"
    if stat.S_ISLNK(mode):
        return "link"
    if stat.S_ISREG(mode):
        return "file"
    return "directory" if stat.S_ISDIR(mode) else "other"


def resolve(path: str, root: Root = HOST) -> t.List[Hop]:
    """Return the chain of C(path): a list of C({path, kind, target}), the last one being what the name leads to.

    C(kind) is that of kind_of, or C(loop) for a link that leads back to an earlier hop; C(target) is the link's own
    text, null for anything else. Folders are named by their real path: /bin/python3 and /usr/bin/python3 are one.
    """
    hops: t.List[Hop] = []
    seen: t.Set[str] = set()
    current = root.canonical(path)
    while True:
        kind = kind_of(current, root)
        if current in seen or len(hops) >= MAXIMUM_HOPS:
            hops.append({"path": current, "kind": "loop", "target": None})
            return hops
        seen.add(current)
        target = root.readlink(current) if kind == "link" else None
        hops.append({"path": current, "kind": kind, "target": target})
        if target is None:
            return hops
        current = root.canonical(os.path.join(os.path.dirname(current), target))


def end_of(hops: t.Sequence[Hop]) -> t.Optional[str]:
    """Return the path of the file that the chain ends in, null when it ends in none."""
    return hops[-1]["path"] if hops[-1]["kind"] == "file" else None


def which(name: str, folders: t.Iterable[str], root: Root = HOST) -> t.Optional[str]:
    """Return the first executable file called C(name) in C(folders), as a shell would; null when there is none."""
    for folder in folders:
        candidate = os.path.join(folder, name)
        try:
            found = root.stat(candidate)
        except OSError:
            # A folder or a link that leads nowhere is what a shell passes over as well.
            continue
        if stat.S_ISREG(found.st_mode) and found.st_mode & 0o111:
            return candidate
    return None
