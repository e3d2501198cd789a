# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Unpack an archive that nobody has to trust, and pack a folder so that the same content gives the same archive.

An archive is refused as a whole, with the first bad member named, when a member has an absolute name or C(..) in it,
is a link that leaves the folder, lies below a link, comes twice, is a device, a fifo or set-user-ID, or when there is
more than the limits allow. Members must share one top folder, which is not created itself.
"""

import bz2
import contextlib
import gzip
import io
import lzma
import os
import posixpath
import shutil
import stat
import subprocess
import tarfile
import typing as t
import zlib

from .._base.errors import ArchiveError, SystemPythonError
from .._base.text import json_text, printable
from .files import digest_of, open_new, sha256_of
from .space import clear_errors
from .trees import remove_any

__all__ = ["ZSTD_MAGIC", "ArchiveLimits", "Unpacked", "damaged", "decompressed", "pack", "unpack"]

_CHUNK = 1 << 18
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_KINDS = (
    (b"\x1f\x8b", "gz"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\x00", "xz"),
    (ZSTD_MAGIC, "zst"),
)
_ODD = stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX
# A fixed time in what is packed, so that the same files give the same archive.
_EPOCH = 315532800


class ArchiveLimits(t.NamedTuple):
    """How much an archive may hold: C(size) in bytes of all files together, C(files) is the number of members."""

    size: int = 4 << 30
    files: int = 100000


class Unpacked(t.NamedTuple):
    """What was unpacked: the name of the top folder, and SHA-256 (hex) by relative path for every regular file."""

    top: str
    digests: t.Dict[str, str]


class _RefusedError(Exception):
    """Why a member is refused, without its name."""


def unpack(
    archive: str, folder: str, limits: t.Optional[ArchiveLimits] = None, zstd: str = "zstd", name: str = ""
) -> Unpacked:
    """Unpack C(archive) into the empty C(folder), as files of the caller, without its top folder.

    C(name) is what errors call the archive. Raises ArchiveError or DiskFullError; C(folder) is then to be thrown away.
    """
    name = name or archive
    run = _Unpacking(name, folder, limits or ArchiveLimits())
    with clear_errors(folder), open(archive, "rb") as raw, decompressed(raw, name, zstd) as stream:
        try:
            with tarfile.open(fileobj=stream, mode="r|", errorlevel=2) as tar:
                for member in tar:
                    run.add(tar, member)
        except (tarfile.TarError, EOFError) as error:
            raise damaged(name, error) from error
    return run.done()


def damaged(archive: str, error: BaseException) -> ArchiveError:
    """Return the error that says that C(archive) is no archive, or not a whole one."""
    return ArchiveError(
        "The archive {0} is damaged or is no tar archive: {1}. Get it again, and compare its SHA-256 with what its "
        "publisher says.".format(printable(archive), printable(str(error)) or type(error).__name__),
        archive=json_text(archive),
    )


@contextlib.contextmanager
def decompressed(raw: t.BinaryIO, archive: str, zstd: str = "zstd") -> t.Iterator[t.BinaryIO]:
    """Give what is in C(raw), a buffered file at its beginning, by whatever it is compressed; C(archive) is its name.

    Damage is raised as ArchiveError.
    """
    start = t.cast(io.BufferedReader, raw).peek(6)[:6]
    kind = next((name for magic, name in _KINDS if start.startswith(magic)), "")
    try:
        if kind == "zst":
            with _through_zstd(archive, raw, zstd) as unpacked:
                yield unpacked
        elif kind == "gz":
            with gzip.GzipFile(fileobj=raw) as unzipped:
                yield t.cast(t.BinaryIO, unzipped)
        elif kind == "bz2":
            with bz2.BZ2File(raw) as unbzipped:
                yield t.cast(t.BinaryIO, unbzipped)
        elif kind == "xz":
            with lzma.LZMAFile(raw) as unxzipped:
                yield t.cast(t.BinaryIO, unxzipped)
        else:
            yield raw
    except (zlib.error, lzma.LZMAError) as error:
        raise damaged(archive, error) from error
    except OSError as error:
        # gzip and bz2 tell damage this way; errors of the operating system have a number.
        if error.errno is None:
            raise damaged(archive, error) from error
        raise


@contextlib.contextmanager
def _through_zstd(archive: str, raw: t.BinaryIO, zstd: str) -> t.Iterator[t.BinaryIO]:
    """No zstd in the standard library before Python 3.14: the program does it."""
    path = shutil.which(zstd, path="/usr/bin:/bin")
    if path is None:
        raise ArchiveError(
            "The archive {0} is compressed with zstd, and this host has no program zstd. Install it, or use the "
            ".tar.gz of the same release.".format(printable(archive)),
            archive=json_text(archive),
        )
    # What was looked at is in this process's buffer, and the program reads the file itself.
    os.lseek(raw.fileno(), 0, os.SEEK_SET)
    process = subprocess.Popen(
        [path, "-dcq"], stdin=raw, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={"LC_ALL": "C"}
    )
    output = t.cast(t.BinaryIO, process.stdout)
    try:
        yield output
        output.read()
    except BaseException:
        process.kill()
        raise
    finally:
        output.close()
        code = process.wait()
    if code != 0:
        raise damaged(archive, ValueError("zstd ended with exit code {0}".format(code)))


class _Unpacking:
    """One unpacking: what was made so far, and the limits."""

    def __init__(self, archive: str, folder: str, limits: ArchiveLimits) -> None:
        self._archive = archive
        self._folder = folder
        self._limits = limits
        self._top = ""
        self._kinds: t.Dict[str, str] = {"": "directory"}
        self._digests: t.Dict[str, str] = {}
        self._members = 0
        self._size = 0

    def add(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        try:
            self._unpack_member(tar, member)
        except _RefusedError as refused:
            raise self._refusal(member.name, refused) from None

    def _refusal(self, name: str, reason: _RefusedError) -> ArchiveError:
        return ArchiveError(
            "The archive {0} is refused: its member {1} {2}. Nothing of it is used.".format(
                printable(self._archive), printable(name), reason
            ),
            archive=json_text(self._archive),
            member=json_text(name),
        )

    def done(self) -> Unpacked:
        if not self._digests:
            raise damaged(self._archive, ValueError("there are no files in it"))
        # Through other links a link can end elsewhere than its text says. Nothing was written through any of them.
        inside = os.path.realpath(self._folder)
        for path in (path for path, kind in self._kinds.items() if kind == "link"):
            reached = os.path.realpath(self._target_path(path))
            if reached != inside and not reached.startswith(inside + os.sep):
                raise self._refusal(path, _RefusedError("is a link out of the folder"))
        return Unpacked(self._top, self._digests)

    def _unpack_member(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        self._members += 1
        if self._members > self._limits.files:
            raise _RefusedError("is one more than the {0} that are allowed (max_files)".format(self._limits.files))
        path = self._path_of(member)
        if member.isdir():
            self._require_parents(path)
            self._directory(path)
            return
        if not path:
            raise _RefusedError("is the top folder's name but not a folder")
        if path in self._kinds:
            raise _RefusedError("comes twice")
        self._require_parents(path)
        if member.mode & (stat.S_ISUID | stat.S_ISGID):
            raise _RefusedError("is set-user-ID or set-group-ID")
        if member.issym():
            self._symlink(path, member)
        elif member.islnk():
            self._hard_link(path, member)
        elif member.isreg() and not member.issparse():
            self._file(path, tar, member)
        else:
            raise _RefusedError("is neither a file, a folder nor a link")

    def _path_of(self, member: tarfile.TarInfo) -> str:
        """Return the path below the top folder."""
        name = member.name
        if "\0" in name or name.startswith("/"):
            raise _RefusedError("has an absolute name")
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if ".." in parts:
            raise _RefusedError("has '..' in its name")
        if not parts:
            return ""
        if not self._top:
            self._top = parts[0]
        if parts[0] != self._top:
            raise _RefusedError("is not below the folder {0}".format(printable(self._top)))
        return "/".join(parts[1:])

    def _require_parents(self, path: str) -> None:
        """Make missing folders; refuse what would be written through a link or below a file."""
        parent = posixpath.dirname(path)
        if parent == path:
            return
        self._require_parents(parent)
        if self._kinds.get(parent, "directory") != "directory":
            raise _RefusedError(
                "lies below {0}, which is no folder but a {1}".format(printable(parent), self._kinds[parent])
            )
        self._directory(parent)

    def _directory(self, path: str) -> None:
        found = self._kinds.setdefault(path, "directory" if os.path.isdir(self._target_path(path)) else "new")
        if found == "new":
            os.mkdir(self._target_path(path), 0o755)
            self._kinds[path] = "directory"
        elif found != "directory":
            raise _RefusedError("comes twice")

    def _target_path(self, path: str) -> str:
        return os.path.join(self._folder, path) if path else self._folder

    def _symlink(self, path: str, member: tarfile.TarInfo) -> None:
        target = member.linkname
        if not target or target.startswith("/"):
            raise _RefusedError("is a link to an absolute name, {0}".format(printable(target)))
        reached = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        if reached == ".." or reached.startswith("../"):
            raise _RefusedError("is a link out of the folder, to {0}".format(printable(target)))
        os.symlink(target, self._target_path(path))
        self._kinds[path] = "link"

    def _hard_link(self, path: str, member: tarfile.TarInfo) -> None:
        original = tarfile.TarInfo(member.linkname)
        target = self._path_of(original)
        if self._kinds.get(target) != "file":
            raise _RefusedError(
                "is a hard link to {0}, which is no file of the archive".format(printable(member.linkname))
            )
        os.link(self._target_path(target), self._target_path(path), follow_symlinks=False)
        self._kinds[path] = "file"
        self._digests[path] = self._digests[target]

    def _file(self, path: str, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        self._size += member.size
        if self._size > self._limits.size:
            raise _RefusedError(
                "makes the content larger than the {0} bytes that are allowed (max_size)".format(self._limits.size)
            )
        source = tar.extractfile(member)
        if source is None:
            raise _RefusedError("has no content")
        with open_new(self._target_path(path)) as target:
            digest = digest_of(source, target=target)
            if target.tell() != member.size:
                raise EOFError("it ends in the middle of {0}".format(printable(member.name)))
            os.fchmod(target.fileno(), 0o755 if member.mode & 0o100 else 0o644)
        self._kinds[path] = "file"
        self._digests[path] = digest


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
