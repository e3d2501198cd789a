# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Find the folders that are venvs: no link is followed on the way, and the walk does not go into a venv.

Most of the files there are lie in venvs, so that a host with a thousand of them takes seconds.
"""

import errno
import os
import re
import stat
import typing as t

from .._base.paths import is_in
from .._base.text import printable, shortened_list
from .._disk.mounts import is_network, read_mounts
from .config import CONFIG_NAME
from .records import DEFAULT_ROOTS, CensusSettings

__all__ = ["VenvWalk", "is_hidden_venv"]

_NEVER = ("/proc", "/sys", "/dev")
# File systems of a network that hold nobody's files.
_NO_HOMES = re.compile(r"fuse\.(?:lxcfs|portal|gvfsd-fuse|snapfuse|squashfuse)$")
# Where no venv of its own lies, and most files do.
_PRUNED = {".git", ".hg", ".svn", "__pycache__", "node_modules", "site-packages", "dist-packages", ".snapshots"}
_LIBRARY = re.compile(r"(?:python|pypy)\d+\.\d+t?$")
_INSIDE = {"bin", "include", "lib", "lib64", "share", "Scripts", "Lib"}
_SHOWN = 20
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
# Each level keeps a descriptor open.
_DEEPEST = 200
_MOST_NAMES = 200000

# Folders that a run of python_venv makes beside a venv: what it builds, and what it keeps.
_HIDDEN = re.compile(r"^\.(?:new|old|aside)-.+\.fleet\.system_python$")


def is_hidden_venv(name: str) -> bool:
    """Tell whether a folder's name is one that the module python_venv gives what it builds or keeps."""
    return bool(_HIDDEN.match(name))


class _Place(t.NamedTuple):
    """A folder: its path, how deep it lies below the root, and its name in the open folder C(above)."""

    path: str
    level: int
    name: str
    above: t.Optional[int]


class VenvWalk:
    """One walk over a host's folders; C(end) is the moment of C(clock) at which it has to stop."""

    def __init__(self, settings: CensusSettings, clock: t.Callable[[], float], end: float) -> None:
        self.settings = settings
        self.clock = clock
        self.end = end
        self.folders = 0
        self.conda: t.List[str] = []
        self.without_config: t.List[str] = []
        self.reasons: t.List[str] = []
        self._closed: t.List[str] = []
        self.mounts = _mounts(settings.mountinfo)
        self.excluded = {os.path.realpath(path) for path in settings.exclude + _NEVER}
        self.seen: t.Set[t.Tuple[int, int]] = set()

    def reasons_shown(self) -> t.List[str]:
        """Return why the answer is partial; of many closed folders the first ones."""
        return self.reasons + shortened_list(self._closed, _SHOWN, "more folders that may not be read")

    def run(self) -> t.List[str]:
        """Return the paths of the venvs, sorted."""
        found: t.List[str] = []
        for root in _distinct(self.settings.roots):
            if root not in self.excluded and not self._is_on_network(root) and self._is_there(root):
                found += self._venvs_below(root)
        return sorted(set(found))

    def _is_on_network(self, root: str) -> bool:
        """Tell whether a root that nobody named is on a network file system, by the table of mounts alone."""
        if self.settings.roots != DEFAULT_ROOTS:
            return False
        point = root
        while point != "/" and point not in self.mounts:
            point = os.path.dirname(point)
        # Hosts without a disk have it all on the network.
        return point != "/" and self._is_left_out(point)

    def _is_left_out(self, point: str) -> bool:
        kind = self.mounts[point]
        if self.settings.network or not is_network(kind):
            return False
        if self.settings.whole and not _NO_HOMES.match(kind):
            self.reasons.append(f"{printable(point)} is on the network ({printable(kind)}) and was left out")
        return True

    def _is_there(self, root: str) -> bool:
        """Tell whether there is such a folder. One that is gone is no news, one that is closed to us is."""
        try:
            return stat.S_ISDIR(os.stat(root).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            self.reasons.append(_unreadable(root, error))
            return False

    def _venvs_below(self, root: str) -> t.List[str]:
        found: t.List[str] = []
        self._enter(_Place(root, 0, root, None), found)
        return found

    def _enter(self, place: "_Place", found: t.List[str]) -> bool:
        """Search a folder and those in it, each from the one around it, which stays open; false when time is over.

        Whoever exchanges one of them by a link leads nobody away.
        """
        if self._is_late(place.path):
            return False
        try:
            descriptor = os.open(place.name, _FOLDER, dir_fd=place.above)
        except OSError as error:
            # Somebody removed or exchanged it since its name was read.
            if error.errno not in (errno.ENOENT, errno.ELOOP, errno.ENOTDIR):
                self._closed.append(_unreadable(place.path, error))
            return True
        try:
            inside = self._wanted(place, descriptor, found)
            return all(
                self._enter(_Place(one, place.level + 1, os.path.basename(one), descriptor), found) for one in inside
            )
        finally:
            os.close(descriptor)

    def _is_late(self, folder: str) -> bool:
        if self.clock() <= self.end:
            return False
        self.reasons.append(f"the time limit of {self.settings.time_limit:.0f} s was over in {printable(folder)}")
        return True

    def _wanted(self, place: "_Place", descriptor: int, found: t.List[str]) -> t.List[str]:
        """Return the paths of the folders to go on with; C(found) gets the place itself where it is a venv."""
        self.folders += 1
        names = self._names(place.path, descriptor)
        is_venv = CONFIG_NAME in names and _is_file(CONFIG_NAME, descriptor)
        if is_venv and (self.settings.kept or not is_hidden_venv(os.path.basename(place.path))):
            found.append(place.path)
        if "conda-meta" in names:
            self.conda.append(place.path)
            names = [name for name in names if name == "envs"]
        elif not is_venv and {"bin", "lib"} <= set(names) and _is_file(os.path.join("bin", "activate"), descriptor):
            self.without_config.append(place.path)
        if place.level >= min(self.settings.depth, _DEEPEST):
            return []
        passed_over = _INSIDE if is_venv else set()
        return [
            os.path.join(place.path, name)
            for name in names
            if name not in passed_over and name != CONFIG_NAME and self._is_wanted(place.path, name)
        ]

    def _names(self, folder: str, descriptor: int) -> t.List[str]:
        """Return the folders in the open C(folder), without links, and the file that makes it a venv."""
        names: t.List[str] = []
        try:
            # Python 3.6 lists no descriptor.
            with os.scandir(f"/proc/self/fd/{descriptor}") as entries:
                for number, entry in enumerate(entries):
                    if number >= _MOST_NAMES or (number % 1000 == 999 and self.clock() > self.end):
                        self._closed.append(
                            f"{printable(folder)} has more than {number} names, of which the rest was left out"
                        )
                        break
                    if entry.name == CONFIG_NAME or entry.is_dir(follow_symlinks=False):
                        names.append(entry.name)
        except OSError as error:
            self._closed.append(_unreadable(folder, error))
        return names

    def _is_wanted(self, folder: str, name: str) -> bool:
        if name in _PRUNED or (_LIBRARY.match(name) and os.path.basename(folder) in ("lib", "lib64")):
            return False
        path = os.path.join(folder, name)
        if path in self.excluded:
            return False
        kind = self.mounts.get(path)
        if kind is None or not self.settings.cross_mounts or self._is_left_out(path):
            return kind is None
        # A folder that is mounted below itself would be walked for ever.
        try:
            there = os.stat(path)
        except OSError as error:
            # A user's FUSE is closed to root, a dead mount to everybody.
            self.reasons.append(_unreadable(path, error))
            return False
        key = (there.st_dev, there.st_ino)
        fresh = key not in self.seen
        self.seen.add(key)
        return fresh


def _is_file(name: str, descriptor: int) -> bool:
    try:
        return stat.S_ISREG(os.stat(name, dir_fd=descriptor).st_mode)
    except OSError:
        return False


def _unreadable(path: str, error: OSError) -> str:
    return f"{printable(path)} cannot be read: {error.strerror}"


def _distinct(roots: t.Iterable[str]) -> t.List[str]:
    """Return the real paths of C(roots) without those that are inside of another."""
    kept: t.List[str] = []
    for root in sorted(os.path.realpath(root) for root in roots):
        if not is_in(root, *kept[-1:]):
            kept.append(root)
    return kept


def _mounts(mountinfo: str) -> t.Dict[str, str]:
    """Return the kind of file system of every mount point."""
    try:
        return {mount.point: mount.kind for mount in read_mounts(mountinfo)}
    except OSError:
        # A host without /proc: then mount points cannot be told from folders.
        return {}
