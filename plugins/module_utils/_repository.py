# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What a repository's metadata says: repomd.xml, primary.xml, metalinks and mirror lists, as pure functions on bytes.

Everything here comes from the network: document types are refused (they are how XML grows without bounds), the big
file is read as a stream, and nothing of it is ever executed.
"""

import bz2
import lzma
import posixpath
import re
import typing as t
import urllib.parse
import zlib
from xml.parsers import expat

from ansible_collections.fleet.system_python.plugins.module_utils._errors import RepositoryError

__all__ = [
    "Checksum",
    "MetadataFile",
    "Metalink",
    "RepositoryPackage",
    "compression",
    "decompressed",
    "evr_key",
    "find_packages",
    "join_url",
    "parse_metalink",
    "parse_mirrorlist",
    "parse_repomd",
    "shown_url",
    "split_evr",
]

# What repomd.xml calls them, and hashlib.
_ALGORITHMS = {
    "md5": "md5",
    "sha": "sha1",
    "sha1": "sha1",
    "sha224": "sha224",
    "sha256": "sha256",
    "sha384": "sha384",
    "sha512": "sha512",
}
_MAGIC = ((b"\x1f\x8b", "gzip"), (b"\xfd7zXZ\x00", "xz"), (b"BZh", "bzip2"), (b"\x28\xb5\x2f\xfd", "zstd"))
_CHUNK = 1 << 18
_SEGMENT = re.compile(r"[0-9]+|[A-Za-z]+|~|\^")
_Attributes = t.Dict[str, str]


class Checksum(t.NamedTuple):
    """C(algorithm) in hashlib's words, C(value) in lower-case hexadecimal."""

    algorithm: str
    value: str


class MetadataFile(t.NamedTuple):
    """One file that repomd.xml names. Sizes in bytes, None where it does not say; C(base) is xml:base or empty."""

    location: str
    base: str
    checksum: Checksum
    size: t.Optional[int]
    open_size: t.Optional[int]


class Metalink(t.NamedTuple):
    """Where repomd.xml can be had, best first, and the checksums that it may have (the current one's first)."""

    urls: t.List[str]
    checksums: t.List[Checksum]


class RepositoryPackage(t.NamedTuple):
    """One package on offer; C(size) in bytes, None where it is not said."""

    name: str
    epoch: int
    version: str
    release: str
    arch: str
    checksum: Checksum
    size: t.Optional[int]
    location: str
    base: str

    @property
    def evr(self) -> str:
        """[E:]V-R, the epoch left out when it is 0."""
        epoch = "{0}:".format(self.epoch) if self.epoch else ""
        return "{0}{1}-{2}".format(epoch, self.version, self.release)

    @property
    def nevra(self) -> str:
        """Name-[E:]V-R.arch."""
        return "{0}-{1}.{2}".format(self.name, self.evr, self.arch)


class _Document:
    """Feeds expat; a subclass gives C(start), C(end) and may ask for the text of the element that it is in."""

    what = "the document"

    def __init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self._text: t.List[str] = []

    def start(self, tag: str, attributes: _Attributes) -> None:
        raise NotImplementedError

    def end(self, tag: str) -> None:
        raise NotImplementedError

    def collect(self) -> None:
        """Keep the text from here on, for C(text)."""
        self._text = []
        self.parser.CharacterDataHandler = self._text.append

    def text(self) -> str:
        """Return what C(collect) kept, and stop keeping."""
        self.parser.CharacterDataHandler = None
        return "".join(self._text).strip()

    def read(self, chunks: t.Iterable[bytes]) -> None:
        try:
            for chunk in chunks:
                self.parser.Parse(chunk, False)
            self.parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise RepositoryError("{0} is not valid XML: {1}".format(self.what, error)) from error

    def _refuse(self, *_details: t.Any) -> None:
        raise RepositoryError("{0} declares a document type, which no repository has a reason to do".format(self.what))


def _local(tag: str) -> str:
    return tag.rpartition(":")[2]


class _Repomd(_Document):
    what = "repomd.xml"

    def __init__(self) -> None:
        super().__init__()
        self.files: t.Dict[str, t.Dict[str, t.Any]] = {}
        self._current: t.Optional[t.Dict[str, t.Any]] = None

    def start(self, tag: str, attributes: _Attributes) -> None:
        if tag == "data":
            self._current = self.files.setdefault(attributes.get("type", ""), {})
        elif self._current is None:
            return
        elif tag == "location":
            self._current["location"] = attributes.get("href", "")
            self._current["base"] = attributes.get("xml:base", "")
        elif tag == "checksum":
            self._current["algorithm"] = attributes.get("type", "")
            self.collect()
        elif tag in ("size", "open-size"):
            self.collect()

    def end(self, tag: str) -> None:
        if tag == "data":
            self._current = None
        elif self._current is not None and tag in ("checksum", "size", "open-size"):
            self._current[tag] = self.text()


def parse_repomd(data: bytes) -> MetadataFile:
    """Return the entry of C(primary) of a repomd.xml. Raises RepositoryError when there is none that can be checked."""
    document = _Repomd()
    document.read([data])
    found = document.files.get("primary")
    if not found or not found.get("location"):
        raise RepositoryError("repomd.xml names no primary metadata")
    return MetadataFile(
        location=found["location"],
        base=found.get("base", ""),
        checksum=_checksum(found.get("algorithm", ""), found.get("checksum", ""), "repomd.xml"),
        size=_size(found.get("size")),
        open_size=_size(found.get("open-size")),
    )


def _checksum(algorithm: str, value: str, what: str) -> Checksum:
    known = _ALGORITHMS.get(algorithm.lower())
    if known is None or not re.match(r"^[0-9A-Fa-f]+$", value):
        raise RepositoryError("{0} has a checksum that cannot be checked: {1!r} {2!r}".format(what, algorithm, value))
    return Checksum(known, value.lower())


def _size(text: t.Optional[str]) -> t.Optional[int]:
    return int(text) if text and text.isdigit() else None


class _Metalink(_Document):
    what = "the metalink"

    def __init__(self) -> None:
        super().__init__()
        self.urls: t.List[t.Tuple[int, str]] = []
        self.groups: t.List[t.List[Checksum]] = [[]]
        self._inside = False
        self._attributes: _Attributes = {}

    def start(self, tag: str, attributes: _Attributes) -> None:
        name = _local(tag)
        if name == "file":
            self._inside = attributes.get("name") == "repomd.xml"
        elif self._inside and name == "alternate":
            self.groups.append([])
        elif self._inside and name in ("hash", "url"):
            self._attributes = attributes
            self.collect()

    def end(self, tag: str) -> None:
        name = _local(tag)
        if name == "file":
            self._inside = False
        elif self._inside and name == "hash":
            algorithm = self._attributes.get("type", "").lower()
            if algorithm in _ALGORITHMS:
                self.groups[-1].append(_checksum(algorithm, self.text(), "the metalink"))
        elif self._inside and name == "url":
            self.urls.append((_preference(self._attributes), self.text()))


def _preference(attributes: _Attributes) -> int:
    return _size(attributes.get("preference")) or 0


def parse_metalink(data: bytes) -> Metalink:
    """Return what a metalink (version 3, as mirror managers write it) says of repomd.xml.

    Of several checksums of one version the strongest counts. Raises RepositoryError when URL or checksum is missing.
    """
    document = _Metalink()
    document.read([data])
    urls = [url for _preference, url in sorted(document.urls, key=lambda entry: -entry[0]) if _usable(url)]
    checksums = [max(group, key=lambda one: len(one.value)) for group in document.groups if group]
    if not urls or not checksums:
        raise RepositoryError("the metalink has no URL, or no checksum, of repomd.xml")
    return Metalink(urls, checksums)


def parse_mirrorlist(text: str) -> t.List[str]:
    """Return the base URLs of a mirror list, in its order. Raises RepositoryError when there is none."""
    lines = [line.strip() for line in text.splitlines()]
    urls = [line for line in lines if line and not line.startswith("#") and _usable(line)]
    if not urls:
        raise RepositoryError("the mirror list has no usable URL")
    return urls


def _usable(url: str) -> bool:
    return urllib.parse.urlsplit(url).scheme in ("http", "https", "ftp", "file")


class _Primary(_Document):
    what = "the primary metadata"

    # The children of a package that are needed; <format> below holds most of the file and is passed over.
    _TEXTS = ("name", "arch", "checksum")

    def __init__(self, names: t.Container[str]) -> None:
        super().__init__()
        self.names = names
        self.found: t.List[RepositoryPackage] = []
        self._depth = 0
        self._values: t.Dict[str, str] = {}

    def start(self, tag: str, attributes: _Attributes) -> None:
        self._depth += 1
        if self._depth == 2:
            self._values = {}
        elif self._depth == 3:
            if tag in self._TEXTS:
                self.collect()
            for name, value in attributes.items():
                self._values[tag + "/" + name] = value

    def end(self, tag: str) -> None:
        if self._depth == 3 and tag in self._TEXTS:
            self._values[tag] = self.text()
        elif self._depth == 2 and tag == "package" and self._values.get("name") in self.names:
            self.found.append(_package(self._values))
        self._depth -= 1


def _package(values: t.Mapping[str, str]) -> RepositoryPackage:
    name = values["name"]
    location = values.get("location/href", "")
    if not location or not values.get("version/ver") or not values.get("version/rel"):
        raise RepositoryError("the primary metadata has no location or no version for {0}".format(name))
    return RepositoryPackage(
        name=name,
        epoch=_size(values.get("version/epoch")) or 0,
        version=values["version/ver"],
        release=values["version/rel"],
        arch=values.get("arch", ""),
        checksum=_checksum(values.get("checksum/type", ""), values.get("checksum", ""), "the primary metadata"),
        size=_size(values.get("size/package")),
        location=location,
        base=values.get("location/xml:base", ""),
    )


def find_packages(chunks: t.Iterable[bytes], names: t.Container[str]) -> t.List[RepositoryPackage]:
    """Return the packages of a primary.xml that are called one of C(names), in the file's order.

    The file is read as it comes, so memory does not grow with it. Raises RepositoryError for what is not well formed.
    """
    document = _Primary(names)
    document.read(chunks)
    return document.found


def compression(head: bytes) -> str:
    """Return gzip, xz, bzip2, zstd or none, by the first bytes of a file (its name may say anything)."""
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    return "none"


class _Gzip:
    """zlib's decompressor for gzip, with the members that may follow one another."""

    def __init__(self) -> None:
        self._one = zlib.decompressobj(31)
        self._rest = b""

    def step(self, data: bytes, limit: int) -> bytes:
        out = self._one.decompress(self._rest + data, limit)
        self._rest = self._one.unconsumed_tail
        if self._one.eof:
            self._rest = self._one.unused_data
            if self._rest:
                self._one = zlib.decompressobj(31)
        return out

    @property
    def hungry(self) -> bool:
        return not self._rest

    @property
    def complete(self) -> bool:
        return self._one.eof


class _Block:
    """bz2's and lzma's decompressors, which share their interface."""

    def __init__(self, make: t.Callable[[], t.Any]) -> None:
        self._make = make
        self._one = make()

    def step(self, data: bytes, limit: int) -> bytes:
        if self._one.eof:
            data = self._one.unused_data + data
            if not data:
                return b""
            self._one = self._make()
        return t.cast(bytes, self._one.decompress(data, limit))

    @property
    def hungry(self) -> bool:
        return not self._one.unused_data if self._one.eof else bool(self._one.needs_input)

    @property
    def complete(self) -> bool:
        return bool(self._one.eof)


_ERRORS = (zlib.error, lzma.LZMAError, EOFError, OSError, ValueError)


def decompressed(chunks: t.Iterable[bytes], kind: str, limit: int) -> t.Iterator[bytes]:
    """Yield the content of gzip, bzip2, xz or plain C(chunks), a bounded piece at a time.

    Raises RepositoryError for damaged data, and when the content grows beyond C(limit) bytes.
    """
    total = 0
    for piece in chunks if kind == "none" else _decompressed(chunks, kind):
        total += len(piece)
        if total > limit:
            raise RepositoryError("the metadata grows beyond {0} bytes when it is decompressed".format(limit))
        yield piece


def _decompressed(chunks: t.Iterable[bytes], kind: str) -> t.Iterator[bytes]:
    machine: t.Union[_Gzip, _Block]
    if kind == "gzip":
        machine = _Gzip()
    elif kind == "xz":
        machine = _Block(lzma.LZMADecompressor)
    elif kind == "bzip2":
        machine = _Block(bz2.BZ2Decompressor)
    else:
        raise RepositoryError("metadata compressed with {0} cannot be read here".format(kind))
    for chunk in chunks:
        data = chunk
        while data or not machine.hungry:
            piece = _step(machine, data, kind)
            data = b""
            if piece:
                yield piece
    if not machine.complete:
        raise RepositoryError("the metadata ends in the middle of its {0} data".format(kind))


def _step(machine: t.Union[_Gzip, _Block], data: bytes, kind: str) -> bytes:
    try:
        return machine.step(data, _CHUNK)
    except _ERRORS as error:
        raise RepositoryError("the metadata is not valid {0} data: {1}".format(kind, error)) from error


def join_url(base: str, location: str, own_base: str = "") -> str:
    """Return the URL of C(location) below C(base) (or below C(own_base), its xml:base).

    A query of the base (an access token) stays at the end, and dots in the location cannot lead out of the base.
    """
    parts = urllib.parse.urlsplit(own_base or base)
    inner = posixpath.normpath("/" + location.lstrip("/"))
    # The location is a path and no URL: what it holds of ? and # is part of a name.
    quoted = urllib.parse.quote(inner, safe="/%+~:@!$&'()*,;=")
    return parts._replace(path=parts.path.rstrip("/") + quoted, fragment="").geturl()


def shown_url(url: str) -> str:
    """Return C(url) for messages: without user, password, query and fragment, which may be secrets."""
    parts = urllib.parse.urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def split_evr(evr: str) -> t.Tuple[int, str, str]:
    """Return (epoch, version, release) of C([E:]V-R)."""
    epoch, colon, rest = evr.rpartition(":")
    version, _dash, release = rest.partition("-")
    return (int(epoch) if colon and epoch.isdigit() else 0, version, release)


_Segments = t.Tuple[t.Tuple[int, int, str], ...]


def evr_key(evr: str) -> t.Tuple[int, _Segments, _Segments]:
    """Return a key that sorts C([E:]V-R) texts as rpm does (rpmvercmp: numbers, letters, tilde and caret)."""
    epoch, version, release = split_evr(evr)
    return (epoch, _segments(version), _segments(release))


def _segments(text: str) -> _Segments:
    # rpm's order at one place: "~", end of the text, "^", letters, numbers.
    ranked: t.List[t.Tuple[int, int, str]] = []
    for part in _SEGMENT.findall(text):
        if part in "~^":
            ranked.append((0 if part == "~" else 2, 0, ""))
        elif part.isdigit():
            ranked.append((4, int(part), ""))
        else:
            ranked.append((3, 0, part))
    ranked.append((1, 0, ""))
    return tuple(ranked)
