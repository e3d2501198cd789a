# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Lay out the layers of a container image, one over the other, as the folder that a container would have.

Nothing is written outside this folder, whatever the layers hold: links in them are followed inside it, as a container
would. Owners are kept by number. Devices and pipes are left out. Unlike _disk/archive.py, which takes archives that
nobody has to trust, this one has to keep what an operating system has: absolute links, modes, set-user-ID.
"""

import os
import posixpath
import shutil
import tarfile
import typing as t

from .._base.errors import ArchiveError
from .._base.text import json_text, printable
from .._disk.archive import ArchiveLimits, damaged, decompressed
from .._disk.files import is_directory, open_new
from .._disk.root import follow, outside
from .._disk.space import clear_errors
from .._disk.trees import remove_any

__all__ = ["IMAGE_LIMITS", "Layout"]

IMAGE_LIMITS = ArchiveLimits(size=64 << 30, files=4000000)

_CHUNK = 1 << 20
# How a layer says that a name of the layers below is gone, and that all names of a folder are (OCI image-spec).
_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
# Notes that AUFS made for itself.
_NOTES = ".wh..wh."
_CAPABILITY = "security.capability"


class Layout:
    """The folder C(folder), which must be empty, and what was laid out in it so far.

    C(files) is the number of entries, C(size) in bytes that of the files' content, C(left_out) the number of devices
    and pipes.
    """

    def __init__(self, folder: str, limits: ArchiveLimits = IMAGE_LIMITS) -> None:
        self.folder = os.path.realpath(folder)
        self.files = 0
        self.size = 0
        self.left_out = 0
        self._limits = limits

    def add(self, stream: t.BinaryIO, name: str) -> None:
        """Add the layer in C(stream), a tar archive of any compression; C(name) is for messages.

        Raises ArchiveError or DiskFullError.
        """
        fresh = set()  # type: t.Set[str]
        with clear_errors(self.folder), decompressed(stream, name) as plain:
            try:
                with tarfile.open(fileobj=plain, mode="r|", errorlevel=2) as tar:
                    for member in tar:
                        self._add_member(tar, member, name, fresh)
            except (tarfile.TarError, EOFError) as error:
                raise damaged(name, error) from error

    def _add_member(self, tar: tarfile.TarFile, member: tarfile.TarInfo, layer: str, fresh: t.Set[str]) -> None:
        self.files += 1
        self.size += member.size
        if self.files > self._limits.files or self.size > self._limits.size:
            raise _refusal(layer, member.name, "is more than an image may hold")
        parts = [part for part in member.name.split("/") if part not in ("", ".")]
        if ".." in parts or "\0" in member.name:
            raise _refusal(layer, member.name, "has '..' or a null byte in its name")
        if not parts:
            return
        parent = self._parent("/".join(parts[:-1]), layer, member.name)
        if parts[-1].startswith(_WHITEOUT):
            self._remove(parent, parts[-1], fresh)
            return
        path = posixpath.join(parent, parts[-1])
        fresh.add(path)
        if not (member.isdir() or member.issym() or member.islnk() or member.isreg()):
            self.left_out += 1
            return
        self._extract_member(tar, member, path, layer)

    def _parent(self, folder: str, layer: str, member: str) -> str:
        """Return the folder, as seen from the root and without links; make what is missing of it."""
        real, end = follow("/" + folder, self.folder)
        real = posixpath.normpath(real)
        if end == "missing":
            self._make_folders(real, layer, member)
        elif end != "found" or not os.path.isdir(outside(real, self.folder)):
            raise _refusal(layer, member, f"lies below {printable(real)}, which is no folder")
        return real

    def _make_folders(self, path: str, layer: str, member: str) -> None:
        done = "/"
        for part in path.strip("/").split("/"):
            done = posixpath.join(done, part)
            place = outside(done, self.folder)
            if os.path.islink(place) or (os.path.lexists(place) and not os.path.isdir(place)):
                raise _refusal(layer, member, f"lies below {printable(done)}, which is no folder")
            if not os.path.lexists(place):
                os.mkdir(place, 0o755)

    def _remove(self, parent: str, name: str, fresh: t.Set[str]) -> None:
        if name == _OPAQUE:
            for other in os.listdir(outside(parent, self.folder)):
                path = posixpath.join(parent, other)
                if path not in fresh:
                    remove_any(outside(path, self.folder))
        elif not name.startswith(_NOTES):
            path = posixpath.join(parent, name[len(_WHITEOUT) :])
            if path not in fresh:
                remove_any(outside(path, self.folder))

    def _extract_member(self, tar: tarfile.TarFile, member: tarfile.TarInfo, path: str, layer: str) -> None:
        place = outside(path, self.folder)
        is_kept = member.isdir() and is_directory(place)
        original = self._original(member, layer) if member.islnk() else ""
        if original == place:
            return
        if not is_kept:
            remove_any(place)
        if member.islnk():
            os.link(original, place, follow_symlinks=False)
            return
        if member.issym():
            os.symlink(member.linkname, place)
        elif member.isdir():
            if not is_kept:
                os.mkdir(place, 0o700)
        else:
            _write(tar, member, place)
        _set_metadata(member, place)

    def _original(self, member: tarfile.TarInfo, layer: str) -> str:
        """Return where the file is that C(member) is another name of."""
        folder, name = posixpath.split(posixpath.normpath("/" + member.linkname))
        real, end = follow(folder, self.folder)
        place = outside(posixpath.join(posixpath.normpath(real), name), self.folder)
        if end != "found" or not os.path.lexists(place) or is_directory(place):
            raise _refusal(layer, member.name, f"is a hard link to {printable(member.linkname)}, which is not there")
        return place


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, place: str) -> None:
    source = tar.extractfile(member)
    if source is None:
        raise EOFError(f"{printable(member.name)} has no content")
    with open_new(place) as target:
        shutil.copyfileobj(source, target, _CHUNK)
        if target.tell() != member.size:
            raise EOFError(f"it ends in the middle of {printable(member.name)}")


def _set_metadata(member: tarfile.TarInfo, place: str) -> None:
    """In this order: a change of the owner takes set-user-ID and capabilities away."""
    os.chown(place, member.uid, member.gid, follow_symlinks=False)
    if not member.issym():
        os.chmod(place, member.mode & 0o7777)
    capability = member.pax_headers.get("SCHILY.xattr." + _CAPABILITY)
    if capability and member.isreg():
        os.setxattr(place, _CAPABILITY, os.fsencode(capability))
    os.utime(place, (member.mtime, member.mtime), follow_symlinks=False)


def _refusal(layer: str, member: str, reason: str) -> ArchiveError:
    return ArchiveError(
        f"The layer {printable(layer)} is refused: its member {printable(member)} {reason}.",
        archive=json_text(layer),
        member=json_text(member),
    )
