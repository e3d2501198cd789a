# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What a repository's metadata says: repomd.xml, primary.xml, metalinks and mirror lists, as pure functions on bytes.

Everything here comes from the network: document types are refused (they are how XML grows without bounds), the big
file is read as a stream, and nothing of it is ever executed.
"""

import re
import typing as t
from xml.parsers import expat

from .._base.errors import RepositoryError
from .._base.foreign import Foreign
from .._base.text import printable
from .._disk import compression
from .._disk.files import new_hash
from .._rpm.packages import PackageId, parse_nevra
from .addresses import is_mirror

__all__ = [
    "LIST_LIMIT",
    "MOST_MIRRORS",
    "OPEN_LIMIT",
    "PACKAGE_LIMIT",
    "PRIMARY_LIMIT",
    "REPOMD",
    "REPOMD_LIMIT",
    "Checksum",
    "Document",
    "MetadataFile",
    "Metalink",
    "Mirrors",
    "RepositoryPackage",
    "checksum_of",
    "decompressed",
    "evr_key",
    "find_packages",
    "parse_metalink",
    "parse_mirrorlist",
    "parse_mirrors",
    "parse_repomd",
    "split_evr",
]

REPOMD = "repodata/repomd.xml"

# More than any repository has, less than what hurts: bytes of a list of mirrors, of repomd.xml, of a primary.xml
# compressed and not, and of a package whose size is not said.
LIST_LIMIT = 4 << 20
REPOMD_LIMIT = 16 << 20
PRIMARY_LIMIT = 256 << 20
OPEN_LIMIT = 2 << 30
PACKAGE_LIMIT = 4 << 30
MOST_MIRRORS = 8

# What one piece of XML may have: bytes of a tag or of anything else that expat must see whole, elements in each other,
# names of them, and packages of the wanted names.
_LONGEST_PIECE = 4 << 20
_DEEPEST = 64
_MOST_NAMES = 1000
_MOST_PACKAGES = 5000

_MIRROR = Foreign(RepositoryError, "The metadata has", "Another mirror may be in order.")

# What repomd.xml calls them, and hashlib.
_ALGORITHMS = {"sha": "sha1", **{name: name for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")}}
_CHUNK = 1 << 18
_SEGMENT = re.compile(r"[0-9]+|[A-Za-z]+|~|\^")
_Attributes = t.Dict[str, str]


class Checksum(t.NamedTuple):
    """C(algorithm) in hashlib's words, C(value) in lower-case hexadecimal."""

    algorithm: str
    value: str


def checksum_of(data: bytes, algorithm: str) -> Checksum:
    """Return the checksum of C(data)."""
    digest = new_hash(algorithm)
    digest.update(data)
    return Checksum(algorithm, digest.hexdigest())


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


class Mirrors(t.NamedTuple):
    """Base URLs of a repository, best first, and the checksums that its repomd.xml may have, none for any."""

    bases: t.List[str]
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
        epoch = f"{self.epoch}:" if self.epoch else ""
        return f"{epoch}{self.version}-{self.release}"

    @property
    def nevra(self) -> str:
        """Name-[E:]V-R.arch."""
        return f"{self.name}-{self.evr}.{self.arch}"


class Document:
    """Feeds expat; a subclass gives C(start), C(end) and may ask for the text of the element that it is in."""

    what = ""
    longest_text = 4096

    def __init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self._text: t.List[str] = []
        self._length = 0
        self.depth = 0

    def start(self, tag: str, attributes: _Attributes) -> None:
        raise NotImplementedError

    def end(self, tag: str) -> None:
        raise NotImplementedError

    def _start(self, tag: str, attributes: _Attributes) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise RepositoryError(f"{self.what} has more than {_DEEPEST} elements in each other")
        self.start(tag, attributes)

    def _end(self, tag: str) -> None:
        self.end(tag)
        self.depth -= 1

    def collect(self) -> t.List[str]:
        """Keep the text from here on, for C(text), and return where its pieces will be."""
        self._text, self._length = [], 0
        self.parser.CharacterDataHandler = self._keep
        return self._text

    def _keep(self, text: str) -> None:
        self._length += len(text)
        if self._length > self.longest_text:
            raise RepositoryError(f"{self.what} has a text of more than {self.longest_text} characters")
        self._text.append(text)

    def text(self) -> str:
        """Return what C(collect) kept, and stop keeping."""
        self.parser.CharacterDataHandler = None
        return "".join(self._text).strip()

    def read(self, chunks: t.Iterable[bytes]) -> None:
        """Raises RepositoryError for what is no XML, and for pieces so long that they would fill the memory."""
        given = 0
        try:
            for piece in _pieces(chunks):
                self.parser.Parse(piece, False)
                given += len(piece)
                if given - self.parser.CurrentByteIndex > _LONGEST_PIECE:
                    raise RepositoryError(f"{self.what} has a tag of more than {_LONGEST_PIECE} bytes")
                # Each name of an element or attribute is kept.
                if len(self.parser.intern) > _MOST_NAMES:
                    raise RepositoryError(f"{self.what} has more than {_MOST_NAMES} names of elements")
            self.parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise RepositoryError(f"{self.what} is not valid XML: {error}") from error

    def _refuse(self, *_details: t.Any) -> None:
        raise RepositoryError(f"{self.what} declares a document type, which no repository has a reason to do")


def _pieces(chunks: t.Iterable[bytes]) -> t.Iterator[bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), _CHUNK):
            yield chunk[start : start + _CHUNK]


def _local_name(tag: str) -> str:
    return tag.rpartition(":")[2]


class _Rows(Document):
    """Calls C(take) for each element called C(row) in the root, with its attributes and what its children say.

    These are C({"/type": ..., "location/href": ..., "checksum/type": ..., "checksum": ...}). What is below the children
    is passed over: of primary.xml it is most of the file.
    """

    _TEXTS = ("name", "arch", "checksum", "size", "open-size")
    _ATTRIBUTES = frozenset(
        "/type location/href location/xml:base checksum/type version/epoch version/ver version/rel size/package".split()
    )

    def __init__(self, what: str, row: str, take: t.Callable[[t.Dict[str, str]], object]) -> None:
        super().__init__()
        self.what = what
        self._row = row
        self._take = take
        self._values: t.Dict[str, str] = {}

    def start(self, tag: str, attributes: _Attributes) -> None:
        if self.depth == 2:
            self._values = {}
            self._note("", attributes)
        elif self.depth == 3:
            self._note(tag, attributes)
            if tag in self._TEXTS:
                self.collect()

    def _note(self, tag: str, attributes: _Attributes) -> None:
        for name, value in attributes.items():
            if f"{tag}/{name}" in self._ATTRIBUTES:
                self._values[f"{tag}/{name}"] = value

    def end(self, tag: str) -> None:
        if self.depth == 3 and tag in self._TEXTS:
            self._values[tag] = self.text()
        elif self.depth == 2 and tag == self._row:
            self._take(self._values)


def parse_repomd(data: bytes) -> MetadataFile:
    """Return the entry of C(primary) of a repomd.xml. Raises RepositoryError when there is none that can be checked."""
    rows: t.List[t.Dict[str, str]] = []
    _Rows("repomd.xml", "data", rows.append).read([data])
    found = next((row for row in rows if row.get("/type") == "primary" and row.get("location/href")), None)
    if not found:
        raise RepositoryError("repomd.xml names no primary metadata")
    return MetadataFile(
        location=found["location/href"],
        base=_own_base(found, "repomd.xml"),
        checksum=_checksum(found, "repomd.xml"),
        size=_size(found.get("size")),
        open_size=_size(found.get("open-size")),
    )


def _checksum(row: t.Mapping[str, str], what: str) -> Checksum:
    algorithm, value = row.get("checksum/type", ""), row.get("checksum", "")
    known = _ALGORITHMS.get(algorithm.lower())
    if known is None or not re.match(r"[0-9A-Fa-f]{32,128}\Z", value):
        shown = f"{algorithm[:20]!r} {value[:140]!r}"
        raise RepositoryError(f"{what} has a checksum that cannot be checked: {shown}")
    return Checksum(known, value.lower())


def _size(text: t.Optional[str]) -> t.Optional[int]:
    return int(text) if text and re.match(r"[0-9]{1,18}\Z", text) else None


def _own_base(row: t.Mapping[str, str], what: str) -> str:
    base = row.get("location/xml:base", "")
    if base and not is_mirror(base):
        raise RepositoryError(f"{what} names a place that no mirror may name: {printable(base[:200])}")
    return base


class _Metalink(Document):
    what = "the metalink"

    def __init__(self) -> None:
        super().__init__()
        self.urls: t.List[t.Tuple[int, str]] = []
        self.groups: t.List[t.List[Checksum]] = [[]]
        self._inside = False
        self._attributes: _Attributes = {}

    def start(self, tag: str, attributes: _Attributes) -> None:
        name = _local_name(tag)
        if name == "file":
            self._inside = attributes.get("name") == "repomd.xml"
        elif self._inside and name == "alternate":
            self.groups.append([])
        elif self._inside and name in ("hash", "url"):
            self._attributes = attributes
            self.collect()

    def end(self, tag: str) -> None:
        name = _local_name(tag)
        if name == "file":
            self._inside = False
        elif self._inside and name == "hash":
            if self._attributes.get("type", "").lower() in _ALGORITHMS:
                row = {"checksum/type": self._attributes["type"], "checksum": self.text()}
                self.groups[-1].append(_checksum(row, self.what))
        elif self._inside and name == "url":
            self.urls.append((_size(self._attributes.get("preference")) or 0, self.text()))


def parse_metalink(data: bytes) -> Metalink:
    """Return what a metalink (version 3, as mirror managers write it) says of repomd.xml.

    Of several checksums of one version the strongest counts. Raises RepositoryError when URL or checksum is missing.
    """
    document = _Metalink()
    document.read([data])
    urls = [url for _preference, url in sorted(document.urls, key=lambda entry: -entry[0]) if is_mirror(url)]
    checksums = [max(group, key=lambda one: len(one.value)) for group in document.groups if group]
    if not urls or not checksums:
        raise RepositoryError("the metalink has no URL, or no checksum, of repomd.xml")
    return Metalink(urls, checksums)


def parse_mirrorlist(text: str) -> t.List[str]:
    """Return the base URLs of a mirror list, in its order. Raises RepositoryError when there is none."""
    lines = [line.strip() for line in text.splitlines()]
    urls = [line for line in lines if line and not line.startswith("#") and is_mirror(line)]
    if not urls:
        raise RepositoryError("the mirror list has no usable URL")
    return urls


def parse_mirrors(data: bytes) -> Mirrors:
    """Return what a mirror list or a metalink says, by its content: an option's name says nothing about it.

    Raises RepositoryError where it is neither.
    """
    if not data.lstrip().startswith(b"<"):
        return Mirrors(parse_mirrorlist(data.decode("utf-8", "replace")), [])
    metalink = parse_metalink(data)
    return Mirrors([url[: -len(REPOMD)] for url in metalink.urls if url.endswith(REPOMD)], metalink.checksums)


def _package(values: t.Mapping[str, str]) -> RepositoryPackage:
    name = values["name"]
    location = values.get("location/href", "")
    if not location or not values.get("version/ver") or not values.get("version/rel"):
        raise RepositoryError(f"the primary metadata has no location or no version for {name}")
    package = RepositoryPackage(
        name=name,
        epoch=_size(values.get("version/epoch")) or 0,
        version=values["version/ver"],
        release=values["version/rel"],
        arch=values.get("arch", ""),
        checksum=_checksum(values, "the primary metadata"),
        size=_size(values.get("size/package")),
        location=location,
        base=_own_base(values, "the primary metadata"),
    )
    if parse_nevra(_MIRROR.nevra(package.nevra, "package")) != PackageId(*package[:5]):
        raise _MIRROR.refused(package.nevra, "package", "name, version, release and architecture of a package")
    return package


def find_packages(chunks: t.Iterable[bytes], names: t.Container[str]) -> t.List[RepositoryPackage]:
    """Return the packages of a primary.xml that are called one of C(names), in the file's order.

    The file is read as it comes, so memory does not grow with it. Raises RepositoryError for what is not well formed.
    """
    found: t.List[RepositoryPackage] = []

    def take(values: t.Mapping[str, str]) -> None:
        if values.get("name") not in names:
            return
        found.append(_package(values))
        if len(found) > _MOST_PACKAGES:
            raise RepositoryError(f"the primary metadata has more than {_MOST_PACKAGES} packages of the wanted names")

    _Rows("the primary metadata", "package", take).read(chunks)
    return found


def decompressed(stream: t.BinaryIO, limit: int) -> t.Iterator[bytes]:
    """Yield the content of a file of any compression, a bounded piece at a time.

    Raises RepositoryError for damaged data, and when the content grows beyond C(limit) bytes.
    """
    try:
        with compression.decompressed(stream, limit) as plain:
            yield from iter(lambda: plain.read(_CHUNK), b"")
    except compression.DecompressionError as error:
        raise RepositoryError(f"the metadata {error}") from error


def split_evr(evr: str) -> t.Tuple[int, str, str]:
    """Return (epoch, version, release) of C([E:]V-R)."""
    epoch, colon, rest = evr.rpartition(":")
    version, _dash, release = rest.partition("-")
    return (_size(epoch if colon else "") or 0, version, release)


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
            number = part.lstrip("0")
            ranked.append((4, len(number), number))
        else:
            ranked.append((3, 0, part))
    ranked.append((1, 0, ""))
    return tuple(ranked)
