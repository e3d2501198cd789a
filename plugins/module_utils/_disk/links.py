# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Follow a command name to the file that runs, hop by hop, without running anything."""

import os
import stat
import typing as t

from .root import HOST, Root, is_of_processes

__all__ = ["MAXIMUM_HOPS", "Hop", "end_of", "kind_of", "plain_kind", "resolve", "which"]

# The kernel's own limit (path_resolution(7)).
MAXIMUM_HOPS = 40

_KINDS = {stat.S_IFREG: "file", stat.S_IFLNK: "link", stat.S_IFDIR: "directory"}

if t.TYPE_CHECKING:

    class Hop(t.TypedDict):
        """One name on the way of a path; see resolve."""

        path: str
        kind: str
        target: t.Optional[str]

else:
    Hop = dict


def plain_kind(mode: int) -> str:
    """Return the kind that C(st_mode) says: link, file, directory or other."""
    return _KINDS.get(stat.S_IFMT(mode), "other")


def kind_of(path: str, root: Root = HOST) -> str:
    """Return what lies at C(path) itself: link, file, directory, other or missing. Links are not followed."""
    try:
        mode = root.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "missing"
    return plain_kind(mode)


def resolve(path: str, root: Root = HOST) -> t.List[Hop]:
    """Return the chain of C(path): a list of C({path, kind, target}), the last one being what the name leads to.

    C(kind) is that of kind_of, C(loop) for a link that leads back to an earlier hop, or C(process) for what differs
    from reader to reader, as /proc/self/exe does; C(target) is the link's own text, null for anything else. Folders are
    named by their real path: /bin/python3 and /usr/bin/python3 are one.
    """
    hops: t.List[Hop] = []
    seen: t.Set[str] = set()
    current = root.canonical(path)
    while True:
        kind = "process" if is_of_processes(current) else kind_of(current, root)
        if current in seen or len(hops) >= MAXIMUM_HOPS:
            hops.append(Hop(path=current, kind="loop", target=None))
            return hops
        seen.add(current)
        target = root.readlink(current) if kind == "link" else None
        hops.append(Hop(path=current, kind=kind, target=target))
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
