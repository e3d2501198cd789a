# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""A file system seen from a folder: this host's, or that of a system that is not running.

Every path is one inside the root. Links are followed there: an absolute one begins at the root again, and no C(..)
leads out of it. The root must not be changed by others while it is read.
"""

import errno
import glob
import os
import re
import stat
import typing as t

from .files import MOST, open_to_others, open_to_read

__all__ = ["HOST", "RealPaths", "Root", "follow", "is_of_processes", "outside", "user_of", "writable_by_others"]

# The kernel's own limit (path_resolution(7)).
_HOPS = 40
# Here a link leads each process somewhere else, and the one that looks to itself (proc_pid_exe(5)).
_OF_PROCESSES = "/proc/"
_NOBODY = 65534


def outside(path: str, root: str) -> str:
    """Return where the C(path) inside C(root) is for this process; links in it are left as they are."""
    return path if root == "/" else root.rstrip("/") + path


def is_of_processes(path: str) -> bool:
    """Tell whether C(path), whose folder has no links, is something of a process: it differs from reader to reader."""
    return path.startswith(_OF_PROCESSES)


def follow(path: str, root: str = "/") -> t.Tuple[str, str]:
    """Follow all links of C(path) inside C(root).

    Return the path and what is there: found, missing, loop, closed, or process for a link that differs from reader to
    reader, which is not followed.
    """
    return _follow(path, root, [])


def _follow(path: str, root: str, looked_up: t.List[t.Tuple[str, str]]) -> t.Tuple[str, str]:
    """As C(follow); C(looked_up) gets each folder in which a part, or one of a link, is looked up, with that part."""
    rest, done, hops = path.split("/")[::-1], "/", 0
    while rest:
        part = rest.pop()
        if part in ("", "."):
            continue
        if part == "..":
            done = os.path.dirname(done)
            continue
        # os.path.join takes longer than the kernel's answer.
        current = done.rstrip("/") + "/" + part
        looked_up.append((done, current))
        try:
            mode = os.lstat(outside(current, root)).st_mode
            target = os.readlink(outside(current, root)) if stat.S_ISLNK(mode) else None
        except PermissionError:
            return os.path.join(current, *rest[::-1]), "closed"
        except OSError:
            return os.path.join(current, *rest[::-1]), "missing"
        if target is None:
            done = current
            continue
        if is_of_processes(current):
            return os.path.join(current, *rest[::-1]), "process"
        hops += 1
        if hops > _HOPS:
            return current, "loop"
        if target.startswith("/"):
            done = "/"
        rest.extend(target.split("/")[::-1])
    return done, "found"


class Root:
    """What C(os) and C(os.path) are for this host, for the root C(folder). The methods raise what those do."""

    def __init__(self, folder: str = "/") -> None:
        self.folder = os.path.realpath(folder)
        self.is_host = self.folder == "/"

    def realpath(self, path: str) -> str:
        """Return C(path) without links, as far as it exists and is the same for every process."""
        if self.is_host and not path.startswith("/"):
            path = os.path.join(os.getcwd(), path)
        return os.path.normpath(follow(path, self.folder)[0])

    def canonical(self, path: str) -> str:
        """Return the one name of what lies at C(path): the folder that it really lies in, and its own name there.

        /bin/python3, /usr/bin/../bin/python3 and /usr/bin/python3 are one name where /bin leads to /usr/bin. Paths of
        different origin are compared in this form only.
        """
        folder, name = os.path.split(path.rstrip("/"))
        if name in ("", ".", ".."):
            return self.realpath(path)
        return os.path.join(self.realpath(folder or "."), name)

    def entry(self, path: str) -> str:
        """Return where C(path) itself is for this process."""
        if self.is_host:
            return path
        folder, name = os.path.split(path.rstrip("/"))
        if name in ("", ".", ".."):
            return self._real_path(path)
        return os.path.join(self._real_path(folder), name)

    def place(self, path: str) -> str:
        """Return where C(path) is, or will be when its folder is made, for this process.

        What changes paths of a root acts there. Raises OSError where a link on the way leads in a circle, or to a
        process.
        """
        if self.is_host:
            return path
        folder, name = os.path.split(path.rstrip("/"))
        real, end = follow(folder, self.folder)
        if end != "missing":
            return self.entry(path)
        return outside(os.path.normpath(os.path.join(real, name)), self.folder)

    def inside(self, place: str) -> str:
        """Return the path in the root of what is at C(place) for this process."""
        return place if self.is_host else place[len(self.folder) :] or "/"

    def lstat(self, path: str) -> os.stat_result:
        return os.lstat(self.entry(path))

    def stat(self, path: str) -> os.stat_result:
        return os.stat(self._real_path(path))

    def readlink(self, path: str) -> str:
        return os.readlink(self.entry(path))

    def listdir(self, path: str) -> t.List[str]:
        return os.listdir(self._real_path(path))

    def open(self, path: str, most: int = MOST) -> t.BinaryIO:
        """Open a regular file to read its bytes, as C(open_to_read) does; links are followed."""
        return open_to_read(self._real_path(path), most, follow=self.is_host)

    def lexists(self, path: str) -> bool:
        return self._mode(self.lstat, path) != 0

    def exists(self, path: str) -> bool:
        return self._mode(self.stat, path) != 0

    def islink(self, path: str) -> bool:
        return stat.S_ISLNK(self._mode(self.lstat, path))

    def isfile(self, path: str) -> bool:
        return stat.S_ISREG(self._mode(self.stat, path))

    def isdir(self, path: str) -> bool:
        return stat.S_ISDIR(self._mode(self.stat, path))

    def may_read(self, path: str) -> bool:
        """Tell whether this process may read what C(path) leads to, and C(open) gives the whole of it."""
        try:
            found = self.stat(path)
            too_large = stat.S_ISREG(found.st_mode) and found.st_size > MOST
            return not too_large and os.access(self._real_path(path), os.R_OK)
        except OSError:
            return False

    def glob(self, pattern: str) -> t.List[str]:
        """Return the paths that fit C(pattern), which has C(*) for parts of names and nothing else, sorted."""
        if self.is_host:
            return sorted(glob.glob(pattern))
        found = ["/"]
        for part in pattern.strip("/").split("/"):
            found = [path for folder in found for path in self._names_matching(folder, part)]
        return sorted(found)

    def _names_matching(self, folder: str, part: str) -> t.List[str]:
        if "*" not in part:
            path = os.path.join(folder, part)
            return [path] if self.lexists(path) else []
        form = re.compile(re.escape(part).replace(r"\*", ".*"))
        try:
            names = self.listdir(folder)
        except OSError:
            # What is no folder, or is closed to us, has nothing in it that fits: glob says the same.
            return []
        return [os.path.join(folder, name) for name in names if name[0] != "." and form.fullmatch(name)]

    def _mode(self, look: t.Callable[[str], os.stat_result], path: str) -> int:
        try:
            return look(path).st_mode
        except (OSError, ValueError):
            # As os.path does: what cannot be looked at is not there.
            return 0

    def _real_path(self, path: str) -> str:
        """Return where that what C(path) leads to is for this process."""
        if self.is_host:
            return path
        real, end = follow(path, self.folder)
        if end == "loop":
            # The kernel must never see this link: it would follow it on this host.
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        if end in ("missing", "process"):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        if end == "closed":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return outside(real, self.folder)


HOST = Root()


class RealPaths:
    """Real paths, as C(Root.realpath), each folder looked up once: for a look at what stands still meanwhile."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._known: t.Dict[str, str] = {}

    def __call__(self, path: str) -> str:
        """Return C(path) without links."""
        if path in self._known:
            return self._known[path]
        if not path.startswith("/"):
            return self._root.realpath(path)
        real, done = "/", ""
        # A loop, because a path may have more parts than functions may call each other.
        for name in filter(None, path.split("/")):
            done += "/" + name
            real = self._known.get(done) or self._look_up(done, os.path.join(real, name), name)
        return real

    def _look_up(self, path: str, here: str, name: str) -> str:
        plain = name not in (".", "..") and not self._root.islink(here)
        self._known[path] = here if plain else self._root.realpath(here)
        return self._known[path]


def writable_by_others(path: str, root: Root = HOST) -> t.Optional[str]:
    """Return the first that others than root may change of the folders that C(path) leads through, and its end.

    Those of the links on its way are among them; None when there is none. What is not there yet is its folder's:
    whoever may write that can make it. In a sticky folder of root's nobody else can exchange what is root's (inode(7)).
    """
    looked_up: t.List[t.Tuple[str, str]] = []
    _follow(path, root.folder, looked_up)
    for folder, entry in looked_up:
        found = root.stat(folder)
        if open_to_others(found) and not (_is_sticky(found) and _is_of_root(entry, root)):
            return folder
    real = root.realpath(path)
    return real if root.exists(real) and open_to_others(root.stat(real)) else None


def user_of(path: str) -> int:
    """Return who decides what C(path), or a file in it, is: the first user on the way but root; root where none does.

    Where many do, as in a folder of a group, it is the user who may do nothing. What is in a sticky folder of root's
    is its owner's, who decides nothing more than that, unless it is a link.
    """
    looked_up: t.List[t.Tuple[str, str]] = []
    real = _follow(path, "/", looked_up)[0]
    looked_up += [(real, "")] if os.path.isdir(real) else []
    owners = []
    for folder, entry in looked_up:
        found = os.stat(folder)
        if open_to_others(found) and not (_is_sticky(found) and _is_fixed(entry)):
            owners.append(found.st_uid or (os.lstat(entry).st_uid if os.path.lexists(entry) else 0))
    return next((uid for uid in owners if uid != 0), _NOBODY if owners else 0)


def _is_sticky(found: os.stat_result) -> bool:
    return found.st_uid == 0 and bool(found.st_mode & stat.S_ISVTX)


def _is_fixed(entry: str) -> bool:
    """Tell whether it is there, so that in a sticky folder nobody but its owner can put another in its place."""
    return os.path.lexists(entry) and (not os.path.islink(entry) or _is_of_root(entry, HOST))


def _is_of_root(path: str, root: Root) -> bool:
    return root.lexists(path) and root.lstat(path).st_uid == 0
