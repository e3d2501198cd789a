# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Fill a folder with what an archive says, whoever wrote the archive: nothing outside the folder can be reached.

Folders are entered one after the other and held open; the kernel never follows a link (O_NOFOLLOW), and whatever is
done is done to a single name in an open folder.
"""

import contextlib
import os
import stat
import typing as t

from .tar_members import RefusedError

__all__ = ["NewTree", "Place"]

# Folders in each other. What reads the tree later, and removes it, goes as deep.
_DEEPEST = 200
# Bytes of a path in the tree, so that paths of it stay within the kernel's 4096.
_LONGEST = 3000
# The kernel's own limit (path_resolution(7)).
_HOPS = 40
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Place(t.NamedTuple):
    """A name in a folder that is held open. C(path) is for notes and messages, below the tree and without links."""

    folder: int
    name: str
    path: str

    def beside(self, name: str) -> "Place":
        """Return another name in the same folder. Raises RefusedError for what is no single name."""
        if name in ("", ".", "..") or "/" in name or "\0" in name:
            raise RefusedError("is about no name of its own")
        return Place(self.folder, name, os.path.join(os.path.dirname(self.path), name))

    def kind(self) -> int:
        """Return the type bits of the mode of what is there, 0 for nothing."""
        try:
            return stat.S_IFMT(os.lstat(self.name, dir_fd=self.folder).st_mode)
        except FileNotFoundError:
            return 0

    def new_file(self) -> t.BinaryIO:
        """Make a file, for its owner only, and open it for writing."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        return open(os.open(self.name, flags, 0o600, dir_fd=self.folder), "wb")

    def new_folder(self, mode: int) -> None:
        os.mkdir(self.name, mode, dir_fd=self.folder)

    def new_link(self, target: str) -> None:
        os.symlink(target, self.name, dir_fd=self.folder)

    def new_name_of(self, original: "Place") -> None:
        """Make another name of the same file (a hard link)."""
        os.link(original.name, self.name, src_dir_fd=original.folder, dst_dir_fd=self.folder, follow_symlinks=False)

    def open_folder(self) -> int:
        """Return a descriptor of the folder that is there. Raises NotADirectoryError for anything else, and links."""
        return os.open(self.name, _FOLDER, dir_fd=self.folder)

    def remove(self) -> None:
        """Remove what is there, with all that is in it."""
        kind = self.kind()
        if kind == stat.S_IFDIR:
            _remove_folder(self)
        elif kind:
            os.unlink(self.name, dir_fd=self.folder)


def _remove_folder(place: Place) -> None:
    held = place.open_folder()
    try:
        for name in os.listdir(held):
            Place(held, name, "").remove()
    finally:
        os.close(held)
    os.rmdir(place.name, dir_fd=place.folder)


class NewTree:
    """The folder C(folder), which is filled; a context manager.

    With C(follows_links), links in it are followed as a container would that has it as its root; else what lies below
    a link is refused. Refusals are RefusedError; OSError is for what the file system does not take.
    """

    def __init__(self, folder: str, follows_links: bool) -> None:
        self._follows_links = follows_links
        self._top = os.open(folder, _FOLDER)

    def __enter__(self) -> "NewTree":
        return self

    def __exit__(self, *_details: object) -> None:
        os.close(self._top)

    @contextlib.contextmanager
    def place(self, parts: t.Sequence[str], make: bool = True) -> t.Iterator[Place]:
        """Give the place with the last of C(parts) in the folder of the others; with C(make) missing ones are made.

        Raises RefusedError for a last part that is no single name.
        """
        with contextlib.closing(_Way(self._top, self._follows_links, make)) as way:
            way.go(parts[:-1])
            yield Place(way.folder, "", way.path_of("")).beside(parts[-1] if parts else "")


class _Way:
    """The folders from the top to where one is, each held open."""

    def __init__(self, top: int, follows_links: bool, make: bool) -> None:
        self._top = top
        self._follows_links = follows_links
        self._make = make
        self._held: t.List[t.Tuple[str, int]] = []

    def close(self) -> None:
        self._leave(0)

    @property
    def folder(self) -> int:
        return self._held[-1][1] if self._held else self._top

    def path_of(self, name: str) -> str:
        """Return the path below the top of a name here. Raises RefusedError where that is too deep or too long."""
        path = "/".join([part for part, _descriptor in self._held] + [name])
        if len(self._held) > _DEEPEST or len(os.fsencode(path)) > _LONGEST:
            raise RefusedError(
                "lies in more than {0} folders, or its path has more than {1} bytes".format(_DEEPEST, _LONGEST)
            )
        return path

    def go(self, parts: t.Sequence[str]) -> None:
        rest, hops = list(reversed(parts)), 0
        while rest:
            part = rest.pop()
            if part == "..":
                self._leave(max(0, len(self._held) - 1))
            elif part not in ("", "."):
                target = self._enter(part)
                if target is not None:
                    hops += 1
                    if hops > _HOPS:
                        raise self._no_folder(part)
                    self._leave(0 if target.startswith("/") else len(self._held))
                    rest.extend(reversed(target.split("/")))

    def _leave(self, stay: int) -> None:
        while len(self._held) > stay:
            os.close(self._held.pop()[1])

    def _enter(self, part: str) -> t.Optional[str]:
        """Enter the folder C(part), or return where the link C(part) leads to."""
        self.path_of(part)
        place = Place(self.folder, part, "")
        if self._make and not place.kind():
            place.new_folder(0o755)
        try:
            self._held.append((part, place.open_folder()))
        except NotADirectoryError:
            if self._follows_links and place.kind() == stat.S_IFLNK:
                return os.readlink(part, dir_fd=self.folder)
            raise self._no_folder(part) from None
        return None

    def _no_folder(self, part: str) -> RefusedError:
        return RefusedError("lies below {0!r}, which is no folder".format("/" + self.path_of(part)))
