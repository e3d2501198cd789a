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

from ansible_collections.fleet.system_python.plugins.module_utils._files import open_regular

__all__ = ["HOST", "Root", "follow", "outside"]

# The kernel's own limit (path_resolution(7)).
_HOPS = 40


def outside(path: str, root: str) -> str:
    """Return where the C(path) inside C(root) is for this process; links in it are left as they are."""
    return path if root == "/" else root.rstrip("/") + path


def follow(path: str, root: str = "/") -> t.Tuple[str, str]:
    """Follow all links of C(path) inside C(root); return the path and what is there: found, missing, loop or closed."""
    rest, done, hops = path.split("/")[::-1], "/", 0
    while rest:
        part = rest.pop()
        if part in ("", "."):
            continue
        if part == "..":
            done = os.path.dirname(done)
            continue
        current = os.path.join(done, part)
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
        """Return C(path) without links, as far as it exists."""
        if self.is_host:
            return os.path.realpath(path)
        return os.path.normpath(follow(path, self.folder)[0])

    def canonical(self, path: str) -> str:
        """Return C(path) without links in its folders; its last part is left as it is."""
        folder, name = os.path.split(os.path.abspath(path))
        return os.path.join(self.realpath(folder), name)

    def lstat(self, path: str) -> os.stat_result:
        return os.lstat(self._entry(path))

    def stat(self, path: str) -> os.stat_result:
        return os.stat(self._end(path))

    def readlink(self, path: str) -> str:
        return os.readlink(self._entry(path))

    def listdir(self, path: str) -> t.List[str]:
        return os.listdir(self._end(path))

    def open(self, path: str) -> t.BinaryIO:
        """Open a file to read its bytes; in another root nothing but a regular file."""
        if self.is_host:
            return open(path, "rb")
        return os.fdopen(open_regular(self._end(path)), "rb")

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

    def glob(self, pattern: str) -> t.List[str]:
        """Return the paths that fit C(pattern), which has C(*) for parts of names and nothing else, sorted."""
        if self.is_host:
            return sorted(glob.glob(pattern))
        found = ["/"]
        for part in pattern.strip("/").split("/"):
            found = [path for folder in found for path in self._matching(folder, part)]
        return sorted(found)

    def _matching(self, folder: str, part: str) -> t.List[str]:
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

    def _entry(self, path: str) -> str:
        """Return where C(path) itself is for this process."""
        if self.is_host:
            return path
        folder, name = os.path.split(path.rstrip("/"))
        if name in ("", ".", ".."):
            return self._end(path)
        return os.path.join(self._end(folder), name)

    def _end(self, path: str) -> str:
        """Return where that what C(path) leads to is for this process."""
        if self.is_host:
            return path
        real, end = follow(path, self.folder)
        if end == "loop":
            # The kernel must never see this link: it would follow it on this host.
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        if end == "missing":
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        if end == "closed":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return outside(real, self.folder)


HOST = Root()
