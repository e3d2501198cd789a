# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What is on the disk at the paths of packaged files."""

import errno
import grp
import os
import pwd
import time
import typing as t

from .._base.text import json_text
from .._disk.files import new_hash, octal_mode, open_to_read
from .._disk.links import plain_kind
from .._disk.root import HOST, Root
from .capabilities import capability_text

__all__ = [
    "Disk",
    "FileMetadata",
]

_CAPABILITY_ATTRIBUTE = "security.capability"
_CHUNK = 1 << 20

if t.TYPE_CHECKING:

    class FileMetadata(t.TypedDict):
        """A file as a package promises it, or as it is on the disk; null for what is not promised, or cannot be read.

        C(size) in bytes, C(mode) as octal text, C(mtime) in seconds of Unix time, C(digest) in hexadecimal.
        """

        kind: str
        size: t.Optional[int]
        mode: t.Optional[str]
        owner: str
        group: str
        mtime: t.Optional[int]
        digest: t.Optional[str]
        link_target: t.Optional[str]
        capabilities: t.Optional[str]

else:
    FileMetadata = dict


class Disk:
    """The file system as it is, in C(root). C(clock) gives the seconds that deadlines are compared with."""

    def __init__(self, root: Root = HOST, clock: t.Callable[[], float] = time.time) -> None:
        self.root = root
        self._clock = clock
        self._users = None if root.is_host else _names_in("/etc/passwd", root)
        self._groups = None if root.is_host else _names_in("/etc/group", root)

    def ids(self, owner: str, group: str) -> t.Tuple[int, int]:
        """Return the numbers of a user and a group of this host, or of the root. Raises KeyError."""
        if self._users is None or self._groups is None:
            return pwd.getpwnam(owner).pw_uid, grp.getgrnam(group).gr_gid
        return _number_of(owner, self._users), _number_of(group, self._groups)

    def read(
        self, path: str, algorithm: str, deadline: float, digest: bool = True
    ) -> t.Tuple[FileMetadata, t.List[str]]:
        """Return what C(path) is, and why some of it, which is null then, could not be read (sentences).

        The digest is calculated until C(deadline) (seconds of the clock), and not at all without C(digest). Raises
        OSError when the file cannot be looked at.
        """
        real = self.root.entry(path)
        found = os.lstat(real)
        kind = plain_kind(found.st_mode)
        errors: t.List[str] = []
        actual = FileMetadata(
            kind=kind,
            size=found.st_size,
            mode=octal_mode(found.st_mode),
            owner=self._owner(found.st_uid),
            group=self._group(found.st_gid),
            mtime=int(found.st_mtime),
            digest=None,
            link_target=None,
            capabilities=None,
        )
        if kind == "link":
            actual["link_target"] = _read_or_note(errors, "link target", lambda: json_text(os.readlink(real)))
        if kind == "file":
            actual["capabilities"] = _read_or_note(errors, "capabilities", lambda: _capabilities_of(real))
            if digest:
                actual["digest"] = _read_or_note(errors, "digest", lambda: self._digest(real, algorithm, deadline))
        return actual, errors

    def _digest(self, real: str, algorithm: str, deadline: float) -> str:
        digest = new_hash(algorithm)
        # What was a file a moment ago may be a pipe or a link now; neither is waited for or followed.
        with open_to_read(real) as stream:
            while True:
                if self._clock() > deadline:
                    raise OSError(errno.ETIMEDOUT, "the time limit is over")
                chunk = stream.read(_CHUNK)
                if not chunk:
                    return digest.hexdigest()
                digest.update(chunk)

    def _owner(self, number: int) -> str:
        if self._users is not None:
            return next((name for name, known in self._users if known == number), str(number))
        try:
            return pwd.getpwuid(number).pw_name
        except KeyError:
            return str(number)

    def _group(self, number: int) -> str:
        if self._groups is not None:
            return next((name for name, known in self._groups if known == number), str(number))
        try:
            return grp.getgrgid(number).gr_name
        except KeyError:
            return str(number)


def _read_or_note(errors: t.List[str], what: str, read: t.Callable[[], t.Optional[str]]) -> t.Optional[str]:
    try:
        return read()
    except (OSError, ValueError) as error:
        errors.append("{0}: {1}".format(what, getattr(error, "strerror", None) or error))
        return None


def _names_in(path: str, root: Root) -> t.List[t.Tuple[str, int]]:
    """Return the names in a passwd or group file with their numbers, in its order: of two the first counts."""
    names: t.List[t.Tuple[str, int]] = []
    if not root.isfile(path) or root.islink(path):
        return names
    with root.open(path) as stream:
        for line in stream.read().split(b"\n"):
            fields = line.split(b":")
            if len(fields) > 2 and fields[2].isdigit():
                names.append((json_text(os.fsdecode(fields[0])), int(fields[2])))
    return names


def _number_of(wanted: str, names: t.Iterable[t.Tuple[str, int]]) -> int:
    """Raises KeyError."""
    return dict(reversed(list(names)))[wanted]


def _capabilities_of(real: str) -> str:
    try:
        data = os.getxattr(real, _CAPABILITY_ATTRIBUTE, follow_symlinks=False)
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.ENOTSUP):
            return ""
        raise
    return capability_text(data)
