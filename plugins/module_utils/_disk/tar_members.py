# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Read the members of a tar archive that anybody may have made: tarfile, without what lets a header fill the memory,
turn round in circles or give numbers that nothing can have."""

import contextlib
import errno
import itertools
import math
import os
import tarfile
import typing as t

from .._base.errors import ArchiveError
from .._base.text import json_text, printable
from .compression import DecompressionError, decompressed

__all__ = [
    "RefusedError",
    "content_of",
    "damaged",
    "members_of",
    "open_plain_tar",
    "open_tar",
    "parts_of",
    "refusing",
    "require_sane",
]

# Bytes of what a header may say beyond its own block: long names and extended attributes.
_LONGEST_HEADER = 1 << 20
# Of what a global header said, which holds for all that follow.
_MOST_GLOBALS = 64
_LARGEST_ID = (1 << 32) - 2
# Seconds before or after the epoch; some images have Go's year 1.
_LATEST = 1 << 37
# What is no fault of the archive.
_OF_THE_SYSTEM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
# What tarfile lets through of an archive that breaks its rules, beside its own errors.
_BROKEN = (tarfile.TarError, EOFError, ValueError, ArithmeticError, LookupError, RecursionError, DecompressionError)


class RefusedError(Exception):
    """Why a member is refused, as the end of a sentence that begins with its name."""


class _Member(tarfile.TarInfo):
    """A member whose headers have a limit. tarfile calls these methods for each header that it reads."""

    # pylint: disable=arguments-renamed  # tarfile's name for it is that of the module

    def _proc_gnulong(self, tar: tarfile.TarFile) -> tarfile.TarInfo:
        self._require_short_header()
        made: tarfile.TarInfo = super()._proc_gnulong(tar)  # type: ignore[misc]
        return made

    def _proc_pax(self, tar: tarfile.TarFile) -> tarfile.TarInfo:
        self._require_short_header()
        made: tarfile.TarInfo = super()._proc_pax(tar)  # type: ignore[misc]
        return made

    def _require_short_header(self) -> None:
        if not 0 <= self.size <= _LONGEST_HEADER:
            raise tarfile.ReadError("a header in it has more than {0} bytes".format(_LONGEST_HEADER))

    def _block(self, count: int) -> int:
        if count < 0:
            raise tarfile.ReadError("a size in it is negative")
        made: int = super()._block(count)  # type: ignore[misc]
        return made

    def _refuse_sparse(self, *_details: object) -> t.NoReturn:
        raise tarfile.ReadError("it has a file with holes (a sparse one), which nothing needs here")

    _proc_sparse = _proc_gnusparse_00 = _proc_gnusparse_01 = _proc_gnusparse_10 = _refuse_sparse


def damaged(archive: str, error: BaseException) -> ArchiveError:
    """Return the error that says that C(archive) is no archive, or not a whole one."""
    return ArchiveError(
        "The archive {0} is damaged or is no tar archive: {1}. Get it again, and compare its SHA-256 with what its "
        "publisher says.".format(printable(archive), printable(_what_of(error))),
        archive=json_text(archive),
    )


def _what_of(error: BaseException) -> str:
    return "it " + str(error) if isinstance(error, DecompressionError) else str(error) or type(error).__name__


@contextlib.contextmanager
def refusing(what: str, archive: str, member: str) -> t.Iterator[None]:
    """Turn what is wrong with C(member) in here into an ArchiveError; C(what) is what is refused because of it."""
    try:
        yield
    except RefusedError as refused:
        raise _refusal(what, archive, member, str(refused)) from None
    except OSError as error:
        if error.errno in _OF_THE_SYSTEM:
            raise
        raise _refusal(
            what, archive, member, "is nothing that can be made here: " + os.strerror(error.errno or 0)
        ) from error
    except (ValueError, OverflowError) as error:
        raise _refusal(what, archive, member, "is nothing that can be made: {0}".format(error)) from error


def _refusal(what: str, archive: str, member: str, reason: str) -> ArchiveError:
    return ArchiveError(
        "{0} is refused: its member {1} {2}. Nothing of it is used.".format(what, printable(_shown(member)), reason),
        archive=json_text(archive),
        member=json_text(_shown(member)),
    )


def _shown(name: str) -> str:
    return name if len(name) <= 200 else name[:200] + "..."


@contextlib.contextmanager
def open_tar(stream: t.BinaryIO, archive: str, limit: int, zstd: str = "zstd") -> t.Iterator[tarfile.TarFile]:
    """Give the tar archive in C(stream), compressed by whatever, to be read once from its beginning to its end.

    C(archive) is its name; more than C(limit) bytes are not read. Whatever is wrong with it is an ArchiveError.
    """
    with _as_archive_error(archive), decompressed(stream, limit, zstd) as plain, tarfile.open(
        fileobj=plain, mode="r|", errorlevel=2, tarinfo=_Member
    ) as tar:
        yield tar


@contextlib.contextmanager
def open_plain_tar(stream: t.BinaryIO, archive: str) -> t.Iterator[tarfile.TarFile]:
    """Give the tar archive in the file C(stream), not compressed, whose members can be read in any order."""
    with _as_archive_error(archive), tarfile.open(fileobj=stream, mode="r:", errorlevel=2, tarinfo=_Member) as tar:
        yield tar


@contextlib.contextmanager
def _as_archive_error(archive: str) -> t.Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise damaged(archive, error) from error


def members_of(tar: tarfile.TarFile, most: int) -> t.Iterator[tarfile.TarInfo]:
    """Yield the members without keeping them. More than C(most), or than a few global headers, are damage."""
    for count in itertools.count(1):
        member = tar.next()
        tar.members = []  # type: ignore[attr-defined]  # else it keeps all of them
        if member is None:
            return
        if count > most or len(tar.pax_headers) > _MOST_GLOBALS:
            raise tarfile.ReadError("it has more than {0} members, or too many global headers".format(most))
        yield member


def require_sane(member: tarfile.TarInfo) -> None:
    """Raise RefusedError for numbers that no file can have."""
    for what, number, most in (
        ("a size", member.size, 1 << 62),
        ("an owner", member.uid, _LARGEST_ID),
        ("a group", member.gid, _LARGEST_ID),
        ("a time", abs(member.mtime), _LATEST),
    ):
        if not (math.isfinite(number) and 0 <= number <= most):
            raise RefusedError("has {0} that no file can have, {1}".format(what, number))


def parts_of(name: str) -> t.List[str]:
    """Return the parts of a member's name. Raises RefusedError where C(..) or a null byte is in it."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts or "\0" in name:
        raise RefusedError("has '..' or a null byte in its name")
    if any(len(os.fsencode(part)) > 255 for part in parts):
        raise RefusedError("has a name that is longer than 255 bytes")
    return parts


def content_of(tar: tarfile.TarFile, member: tarfile.TarInfo) -> t.IO[bytes]:
    """Give the content of a regular file. tarfile raises ReadError where it ends too early."""
    stream = tar.extractfile(member) if member.isreg() else None
    if stream is None:
        raise tarfile.ReadError("{0} is no file".format(printable(member.name)))
    return stream
