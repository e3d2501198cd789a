# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Unpack an archive that nobody has to trust, and pack a folder so that the same content gives the same archive.

An archive is refused as a whole, with the first bad member named, when a member has an absolute name or C(..) in it,
is a link that leaves the folder, lies below a link, comes twice, is a device, a fifo or set-user-ID, or when there is
more than the limits allow. Members must share one top folder, which is not created itself.
"""

import gzip
import os
import posixpath
import stat
import tarfile
import typing as t

from .._base.errors import SystemPythonError
from .._base.text import printable
from .files import digest_of, sha256_of
from .new_tree import NewTree, Place
from .space import clear_errors
from .tar_members import RefusedError, content_of, damaged, members_of, open_tar, parts_of, refusing, require_sane
from .trees import remove_any

__all__ = ["ArchiveLimits", "Unpacked", "pack", "unpack"]

_ODD = stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX
# A fixed time in what is packed, so that the same files give the same archive.
_EPOCH = 315532800
# Bytes that a member needs beside its content, with more room for names than any system needs.
_OVERHEAD = 4096


class ArchiveLimits(t.NamedTuple):
    """How much an archive may hold: C(size) in bytes of all files together, C(files) is the number of members."""

    size: int = 4 << 30
    files: int = 100000

    @property
    def stream(self) -> int:
        """How many bytes the archive may have when it is decompressed: with headers, long names and padding."""
        return self.size + (self.files + 20) * _OVERHEAD


class Unpacked(t.NamedTuple):
    """What was unpacked: the name of the top folder, and SHA-256 (hex) by relative path for every regular file."""

    top: str
    digests: t.Dict[str, str]


def unpack(
    archive: str, folder: str, limits: t.Optional[ArchiveLimits] = None, zstd: str = "zstd", name: str = ""
) -> Unpacked:
    """Unpack C(archive) into the empty C(folder), as files of the caller, without its top folder.

    C(name) is what errors call the archive. Raises ArchiveError or DiskFullError; C(folder) is then to be thrown away.
    """
    name, limits = name or archive, limits or ArchiveLimits()
    with clear_errors(folder), open(archive, "rb") as raw, NewTree(folder, follows_links=False) as tree:
        run = _Unpacking(name, tree, limits)
        with open_tar(raw, name, limits.stream, zstd) as tar:
            for member in members_of(tar, limits.files + 1):
                run.add(tar, member)
        return run.done(folder)


class _Unpacking:
    """One unpacking: what was made so far, and the limits. Paths are below the top folder."""

    def __init__(self, archive: str, tree: NewTree, limits: ArchiveLimits) -> None:
        self._archive = archive
        self._tree = tree
        self._limits = limits
        self._top = ""
        self._links: t.Set[str] = set()
        self._digests: t.Dict[str, str] = {}
        self._members = 0
        self._size = 0

    def add(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        with self._refusing(member.name):
            self._unpack_member(tar, member)

    def _refusing(self, name: str) -> t.ContextManager[None]:
        return refusing("The archive " + printable(self._archive), self._archive, name)

    def done(self, folder: str) -> Unpacked:
        if not self._digests:
            raise damaged(self._archive, ValueError("there are no files in it"))
        # Through other links a link can end elsewhere than its text says. Nothing was written through any of them.
        inside = os.path.realpath(folder)
        for path in sorted(self._links):
            reached = os.path.realpath(os.path.join(folder, path))
            if reached != inside and not reached.startswith(inside + os.sep):
                with self._refusing(path):
                    raise RefusedError("is a link out of the folder")
        return Unpacked(self._top, self._digests)

    def _unpack_member(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        self._members += 1
        if self._members > self._limits.files:
            raise RefusedError("is one more than the {0} that are allowed (max_files)".format(self._limits.files))
        require_sane(member)
        parts = self._parts_of(member.name)
        path = "/".join(parts)
        if path in self._digests or path in self._links:
            raise RefusedError("comes twice")
        if not parts:
            if not member.isdir():
                raise RefusedError("is the top folder's name but not a folder")
            return
        if member.mode & (stat.S_ISUID | stat.S_ISGID) and not member.isdir():
            raise RefusedError("is set-user-ID or set-group-ID")
        with self._tree.place(parts) as place:
            self._make(place, tar, member)

    def _parts_of(self, name: str) -> t.List[str]:
        """Return the parts of the path below the top folder."""
        if name.startswith("/"):
            raise RefusedError("has an absolute name")
        parts = parts_of(name)
        if not parts:
            return []
        if not self._top:
            self._top = parts[0]
        if parts[0] != self._top:
            raise RefusedError("is not below the folder {0}".format(printable(self._top)))
        return parts[1:]

    def _make(self, place: Place, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        if member.isdir():
            if place.kind() != stat.S_IFDIR:
                place.new_folder(0o755)
        elif place.kind():
            raise RefusedError("comes twice")
        elif member.issym():
            self._symlink(place, member.linkname)
        elif member.islnk():
            self._hard_link(place, member.linkname)
        elif member.isreg():
            self._file(place, tar, member)
        else:
            raise RefusedError("is neither a file, a folder nor a link")

    def _symlink(self, place: Place, target: str) -> None:
        if not target or target.startswith("/"):
            raise RefusedError("is a link to an absolute name, {0}".format(printable(target)))
        reached = posixpath.normpath(posixpath.join(posixpath.dirname(place.path), target))
        if reached == ".." or reached.startswith("../"):
            raise RefusedError("is a link out of the folder, to {0}".format(printable(target)))
        place.new_link(target)
        self._links.add(place.path)

    def _hard_link(self, place: Place, original: str) -> None:
        parts = self._parts_of(original)
        digest = self._digests.get("/".join(parts))
        if digest is None:
            raise RefusedError("is a hard link to {0}, which is not a file of the archive".format(printable(original)))
        with self._tree.place(parts) as source:
            place.new_name_of(source)
        self._digests[place.path] = digest

    def _file(self, place: Place, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        self._size += member.size
        if self._size > self._limits.size:
            raise RefusedError(
                "makes the content larger than the {0} bytes that are allowed (max_size)".format(self._limits.size)
            )
        with place.new_file() as target:
            self._digests[place.path] = digest_of(content_of(tar, member), target=target)
            os.fchmod(target.fileno(), 0o755 if member.mode & 0o100 else 0o644)


def pack(folder: str, archive: str, top: str, skip: t.Optional[t.Callable[[str], bool]] = None) -> str:
    """Pack C(folder) as C(top) into the new file C(archive) (.tar.gz) and return its SHA-256.

    Owners, times and the order of names are fixed: the same content gives the same archive. C(skip) is asked with the
    relative path. Raises DiskFullError; C(archive) does not exist then.
    """
    with clear_errors(archive):
        try:
            with open(archive, "xb") as raw:
                _write(raw, folder, top, skip or _skip_none)
                raw.flush()
                os.fsync(raw.fileno())
            return sha256_of(archive)
        except BaseException:
            remove_any(archive)
            raise


def _skip_none(_path: str) -> bool:
    return False


def _write(raw: t.BinaryIO, folder: str, top: str, skip: t.Callable[[str], bool]) -> None:
    with gzip.GzipFile("", "wb", 6, raw, _EPOCH) as packed, tarfile.open(
        fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT
    ) as tar:
        for path in sorted(_entries(folder)):
            if not skip(path):
                _add_entry(tar, folder, path, top)


def _entries(folder: str) -> t.Iterator[str]:
    for parent, folders, files in os.walk(folder):
        for name in folders + files:
            yield os.path.relpath(os.path.join(parent, name), folder)


def _add_entry(tar: tarfile.TarFile, folder: str, path: str, top: str) -> None:
    mode = os.lstat(os.path.join(folder, path)).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)):
        raise SystemPythonError("{0} cannot be packed: it is no file, folder or link".format(printable(path)))
    member = tar.gettarinfo(os.path.join(folder, path), posixpath.join(top, path))
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mtime = _EPOCH
    member.mode &= ~_ODD
    if member.isreg():
        with open(os.path.join(folder, path), "rb") as stream:
            tar.addfile(member, stream)
    else:
        tar.addfile(member)
