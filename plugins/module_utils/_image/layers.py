# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Lay out the layers of a container image, one over the other, as the folder that a container would have.

Nothing is written or removed outside this folder, whatever the layers hold: links in them are followed inside it, as a
container would. Owners are kept by number. Devices and pipes are left out. Unlike _disk/archive.py, this keeps what an
operating system has: absolute links, modes, set-user-ID.
"""

import contextlib
import os
import shutil
import stat
import tarfile
import typing as t

from .._base.text import printable
from .._disk.archive import ArchiveLimits
from .._disk.new_tree import NewTree, Place
from .._disk.space import clear_errors
from .._disk.tar_members import RefusedError, content_of, members_of, open_tar, parts_of, refusing, require_sane

__all__ = ["IMAGE_LIMITS", "Layout"]

IMAGE_LIMITS = ArchiveLimits(size=64 << 30, files=2000000)

_CHUNK = 1 << 20
# How a layer says that a name of the layers below is gone, and that all names of a folder are (OCI image-spec).
_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
# Notes that AUFS made for itself.
_NOTES = ".wh..wh."
_CAPABILITY = "security.capability"


class Layout:
    """The folder C(folder), which must be empty, and what was laid out in it so far; C(image) is for messages.

    C(files) is the number of entries, C(size) in bytes that of the files' content, C(left_out) the number of devices
    and pipes.
    """

    def __init__(self, folder: str, image: str, limits: ArchiveLimits = IMAGE_LIMITS) -> None:
        self.folder = os.path.realpath(folder)
        self.files = 0
        self.size = 0
        self.left_out = 0
        self._image = image
        self._limits = limits

    def add(self, stream: t.BinaryIO, layer: str) -> None:
        """Add the layer in C(stream), a tar archive of any compression; C(layer) is its name.

        Raises ArchiveError or DiskFullError.
        """
        name = f"{layer} of {self._image}"
        fresh = set()  # type: t.Set[str]
        with clear_errors(self.folder), NewTree(self.folder, follows_links=True) as tree, open_tar(
            stream, name, self._limits.stream
        ) as tar:
            for member in members_of(tar, self._limits.files + 1):
                with refusing("The layer " + printable(name), name, member.name):
                    self._add_member(tree, tar, member, fresh)

    def _add_member(self, tree: NewTree, tar: tarfile.TarFile, member: tarfile.TarInfo, fresh: t.Set[str]) -> None:
        self.files += 1
        self.size += member.size
        if self.files > self._limits.files or self.size > self._limits.size:
            raise RefusedError("is more than an image may hold")
        require_sane(member)
        parts = parts_of(member.name)
        if not parts:
            return
        with tree.place(parts) as place:
            if parts[-1].startswith(_WHITEOUT):
                _remove_lower(place, fresh)
                return
            fresh.add(place.path)
            if member.isdir() or member.issym() or member.islnk() or member.isreg():
                _put(tree, tar, member, place)
            else:
                self.left_out += 1


def _remove_lower(whiteout: Place, fresh: t.Container[str]) -> None:
    """Remove what C(whiteout) is about, unless it came with the same layer."""
    if whiteout.name == _OPAQUE:
        names = os.listdir(whiteout.folder)
    else:
        names = [] if whiteout.name.startswith(_NOTES) else [whiteout.name[len(_WHITEOUT) :]]
    for name in names:
        lower = whiteout.beside(name)
        if lower.path not in fresh:
            lower.remove()


def _put(tree: NewTree, tar: tarfile.TarFile, member: tarfile.TarInfo, place: Place) -> None:
    if member.islnk():
        _put_hard_link(tree, member.linkname, place)
        return
    if not (member.isdir() and place.kind() == stat.S_IFDIR):
        place.remove()
        if member.isdir():
            place.new_folder(0o700)
    if member.issym():
        place.new_link(member.linkname)
        os.chown(place.name, member.uid, member.gid, dir_fd=place.folder, follow_symlinks=False)
        os.utime(place.name, (member.mtime, member.mtime), dir_fd=place.folder, follow_symlinks=False)
    elif member.isdir():
        with _closing(place.open_folder()) as made:
            _set_metadata(member, made)
    else:
        with place.new_file() as target:
            shutil.copyfileobj(content_of(tar, member), target, _CHUNK)
            target.flush()
            _set_metadata(member, target.fileno())


def _put_hard_link(tree: NewTree, original: str, place: Place) -> None:
    """Make C(place) another name of the file C(original)."""
    missing = RefusedError(f"is a hard link to {printable(original)}, which is not there")
    parts = [part for part in os.path.normpath("/" + original).split("/") if part]
    try:
        with tree.place(parts, make=False) as source:
            if source.kind() in (0, stat.S_IFDIR):
                raise missing
            if source.path != place.path:
                place.remove()
                place.new_name_of(source)
    except FileNotFoundError:
        raise missing from None


@contextlib.contextmanager
def _closing(descriptor: int) -> t.Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _set_metadata(member: tarfile.TarInfo, made: int) -> None:
    """In this order: a change of the owner takes set-user-ID and capabilities away. C(made) is a descriptor."""
    os.chown(made, member.uid, member.gid)
    os.chmod(made, member.mode & 0o7777)
    capability = member.pax_headers.get("SCHILY.xattr." + _CAPABILITY)
    if capability and member.isreg():
        os.setxattr(made, _CAPABILITY, os.fsencode(capability))
    os.utime(made, (member.mtime, member.mtime))
