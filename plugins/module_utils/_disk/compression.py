# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Open what is compressed, with a limit on what it grows to: a small file may hold any amount of zeros.

A piece at a time is in memory, and what xz needs for its dictionary has a limit too.
"""

import bz2
import contextlib
import gzip
import io
import lzma
import os
import shutil
import subprocess
import typing as t
import zlib

__all__ = ["DecompressionError", "compression_of", "decompressed"]

_MAGIC = ((b"\x1f\x8b", "gzip"), (b"\xfd7zXZ\x00", "xz"), (b"BZh", "bzip2"), (b"\x28\xb5\x2f\xfd", "zstd"))
_CHUNK = 1 << 18
# What was made with xz -9 needs 65 MB.
_XZ_MEMORY = 256 << 20
_PROGRAMS = "/usr/bin:/bin"


class DecompressionError(Exception):
    """What is wrong with compressed data, as the end of a sentence that begins with its name."""


def compression_of(stream: t.BinaryIO) -> str:
    """Return gzip, xz, bzip2, zstd or none by the first bytes of a buffered stream, which stays where it is."""
    head = t.cast(io.BufferedReader, stream).peek(8)
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), "none")


@contextlib.contextmanager
def decompressed(stream: t.BinaryIO, limit: int, zstd: str = "zstd") -> t.Iterator[t.BinaryIO]:
    """Give what is in C(stream), at its beginning, by whatever it is compressed.

    With zstd it must be a file of the operating system. Reading raises DecompressionError for damage and where more
    than C(limit) bytes come out. At the end the rest is read too: there the checksums are.
    """
    if not hasattr(stream, "peek"):
        stream = io.BufferedReader(t.cast(io.RawIOBase, stream))
    kind = compression_of(stream)
    with _opened(stream, kind, zstd) as plain, io.BufferedReader(_Limited(plain, kind, limit), _CHUNK) as limited:
        yield limited
        while limited.read(_CHUNK):
            pass


class _Limited(io.RawIOBase):
    """The stream C(plain) up to C(limit) bytes, with one kind of error for all that may be wrong with it."""

    def __init__(self, plain: t.IO[bytes], kind: str, limit: int) -> None:
        self._plain = plain
        self._kind = kind
        self._limit = limit
        self._total = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: t.Any) -> int:
        data = self._next(len(buffer))
        self._total += len(data)
        if self._total > self._limit:
            raise DecompressionError(f"grows beyond {self._limit} bytes when it is decompressed")
        buffer[: len(data)] = data
        return len(data)

    def _next(self, size: int) -> bytes:
        try:
            return self._plain.read(size)
        except EOFError as error:
            raise DecompressionError(f"ends in the middle of its {self._kind} data") from error
        except (zlib.error, lzma.LZMAError, ValueError) as error:
            raise DecompressionError(f"is not valid {self._kind} data: {error}") from error
        except OSError as error:
            # gzip and bz2 tell damage this way; errors of the operating system have a number.
            if error.errno is None:
                raise DecompressionError(f"is not valid {self._kind} data: {error}") from error
            raise


def _opened(stream: t.BinaryIO, kind: str, zstd: str) -> t.ContextManager[t.IO[bytes]]:
    if kind == "gzip":
        return t.cast("t.ContextManager[t.IO[bytes]]", gzip.GzipFile(fileobj=stream))
    if kind == "bzip2":
        return t.cast("t.ContextManager[t.IO[bytes]]", bz2.BZ2File(stream))
    if kind == "xz":
        return io.BufferedReader(_Xz(stream), _CHUNK)
    return _through_zstd(stream, zstd) if kind == "zstd" else _as_it_is(stream)


@contextlib.contextmanager
def _as_it_is(stream: t.BinaryIO) -> t.Iterator[t.IO[bytes]]:
    yield stream


class _Xz(io.RawIOBase):
    """lzma.LZMAFile takes as much memory as the file asks for."""

    def __init__(self, stream: t.BinaryIO) -> None:
        self._stream = stream
        self._decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY)
        self._is_new = True

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: t.Any) -> int:
        data = b""
        while not data:
            given = self._input()
            if not given and self._decoder.needs_input:
                if self._is_new:
                    return 0
                raise EOFError
            self._is_new = self._is_new and not given
            data = self._decoder.decompress(given, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _input(self) -> bytes:
        if self._decoder.eof:  # pylint: disable=using-constant-test  # it takes the property for a method
            # Several may follow each other, with nulls between.
            rest = self._decoder.unused_data.lstrip(b"\0") or self._stream.read(_CHUNK).lstrip(b"\0")
            self._decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY)
            self._is_new = True
            return rest
        return self._stream.read(_CHUNK) if self._decoder.needs_input else b""  # pylint: disable=using-constant-test


@contextlib.contextmanager
def _through_zstd(stream: t.BinaryIO, zstd: str) -> t.Iterator[t.IO[bytes]]:
    """No zstd in the standard library before Python 3.14: the program does it."""
    path = shutil.which(zstd, path=_PROGRAMS)
    if path is None:
        raise DecompressionError("is compressed with zstd, and there is no program zstd (package zstd) to read it")
    try:
        # What was peeked at is no longer in the file for another process.
        os.lseek(stream.fileno(), 0, os.SEEK_SET)
    except OSError as error:
        raise DecompressionError("is compressed with zstd, and is no file that the program zstd could read") from error
    process = subprocess.Popen(
        [path, "-dcq"], stdin=stream, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={"LC_ALL": "C"}
    )
    output = t.cast(t.BinaryIO, process.stdout)
    try:
        yield output
    except BaseException:
        process.kill()
        raise
    finally:
        output.close()
        code = process.wait()
    if code != 0:
        raise DecompressionError(f"is not valid zstd data: zstd ended with exit code {code}")
