# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Find the layers of an image in an archive of it: what docker save wrote, or an OCI layout packed by tar.

Everything in it may be wrong or a lie: JSON is read as what it must be or refused, what is named by its digest must
have it, and indexes lead a few steps at most.
"""

import contextlib
import hashlib
import os
import posixpath
import re
import shutil
import tarfile
import tempfile
import typing as t

from .._base.errors import ChecksumError, ImageError
from .._base.text import from_json, json_text, printable
from .._disk.compression import DecompressionError, compression_of, decompressed
from .._disk.files import digest_of, open_to_read
from .._disk.space import clear_errors
from .._disk.tar_members import content_of, damaged, members_of, open_plain_tar
from .layers import IMAGE_LIMITS, Layout

__all__ = ["add_archive"]

_JSON_LIMIT = 8 << 20
_CHUNK = 1 << 20
# An image has at most 127 layers, and an archive some images of a few files for each layer.
_MOST_MEMBERS = 20000
_MOST_LAYERS = 1000
# Steps from index.json to the manifest, and from a name to the file that it links to.
_MOST_STEPS = 8
_DIGEST = re.compile(r"(sha256):([0-9a-f]{64})|(sha512):([0-9a-f]{128})")
_BLOBS = "blobs/"
# uname's name for a processor -> OCI's.
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

_Object = t.Mapping[str, object]


def add_archive(layout: Layout, archive: str, image: t.Optional[str]) -> str:
    """Add the layers of the image called C(image), of the only one without a name; return what to call it.

    Raises ImageError, ArchiveError, ChecksumError, DiskFullError or OSError.
    """
    beside = os.path.dirname(layout.folder)
    with clear_errors(beside), _plain(archive, beside) as stream, open_plain_tar(stream, archive) as tar:
        found = _Archive(tar, archive)
        for layer in found.layers(image):
            with found.member(layer) as content, _as_file(content, beside) as plain:
                layout.add(plain, layer)
    return os.path.basename(archive) + (", image " + image if image else "")


@contextlib.contextmanager
def _plain(archive: str, folder: str) -> t.Iterator[t.BinaryIO]:
    """Give the archive decompressed, as a file that is gone afterwards: its members are read in any order."""
    with open_to_read(archive, follow=True) as stream:
        if compression_of(stream) == "none":
            yield stream
            return
        with tempfile.TemporaryFile(dir=folder) as plain:
            try:
                with decompressed(stream, IMAGE_LIMITS.stream) as content:
                    shutil.copyfileobj(content, plain, _CHUNK)
            except DecompressionError as error:
                raise damaged(archive, error) from error
            plain.seek(0)
            yield t.cast(t.BinaryIO, plain)


@contextlib.contextmanager
def _as_file(stream: t.BinaryIO, folder: str) -> t.Iterator[t.BinaryIO]:
    """Give the layer as it is, or as a file of its own where a program has to read it."""
    if compression_of(stream) != "zstd":
        yield stream
        return
    with tempfile.TemporaryFile(dir=folder) as copy:
        shutil.copyfileobj(stream, copy, _CHUNK)
        copy.seek(0)
        yield t.cast(t.BinaryIO, copy)


class _Archive:
    """The members of the archive by name, without C(./) before it."""

    def __init__(self, tar: tarfile.TarFile, name: str) -> None:
        self._tar = tar
        self._name = name
        self._members = {posixpath.normpath(one.name): one for one in members_of(tar, _MOST_MEMBERS)}

    def layers(self, image: t.Optional[str]) -> t.List[str]:
        """Return the names of the layers' files, the lowest first."""
        if "manifest.json" in self._members:
            names = self._docker_layers(image)
        elif "index.json" in self._members:
            names = self._oci_layers(image)
        else:
            raise self._no_image("it has neither manifest.json (docker save) nor index.json (OCI)")
        if not 0 < len(names) <= _MOST_LAYERS:
            raise self._no_image(f"the image in it has {len(names)} layers")
        return names

    @contextlib.contextmanager
    def member(self, name: str) -> t.Iterator[t.BinaryIO]:
        """Give the content of a file, which has the digest that its name says, if it is called by one."""
        member = self._file(name)
        match = _DIGEST.fullmatch(name[len(_BLOBS) :].replace("/", ":")) if name.startswith(_BLOBS) else None
        if match:
            self._require_digest(member, name, match.group(1) or match.group(3), match.group(2) or match.group(4))
        elif name.startswith(_BLOBS):
            raise self._no_image(f"{printable(name[:300])} is not a digest that can be checked")
        with content_of(self._tar, member) as stream:
            yield t.cast(t.BinaryIO, stream)

    def _file(self, name: str) -> tarfile.TarInfo:
        place = posixpath.normpath(name)
        for _step in range(_MOST_STEPS):
            found = self._members.get(place)
            if found is None:
                break
            if found.isreg():
                return found
            # docker save makes a link of a layer that it has already written.
            above = posixpath.dirname(place) if found.issym() else ""
            place = posixpath.normpath(posixpath.join(above, found.linkname))
        raise self._no_image(f"{printable(name[:300])} is not in it, or is no file")

    def _require_digest(self, member: tarfile.TarInfo, name: str, algorithm: str, wanted: str) -> None:
        with content_of(self._tar, member) as stream:
            found = digest_of(stream, hashlib.new(algorithm))
        if wanted != found:
            raise ChecksumError(
                f"{printable(self._name)} is damaged: the content of {printable(name)} in it is another one.",
                file=json_text(self._name),
                wanted=json_text(name),
                found=found,
            )

    # What the JSON in it says.

    def _docker_layers(self, image: t.Optional[str]) -> t.List[str]:
        """Return what C(docker save) wrote of the layers of one image."""
        entries = self._objects(self._json("manifest.json", list), "manifest.json")
        tags = [self._texts(entry.get("RepoTags") or [], "RepoTags") for entry in entries]
        chosen = [entry for entry, names in zip(entries, tags) if image is None or image in names]
        if len(chosen) != 1:
            raise self._not_one(image, [tag for names in tags for tag in names or ["(no name)"]])
        return self._texts(chosen[0].get("Layers"), "Layers")

    def _oci_layers(self, image: t.Optional[str]) -> t.List[str]:
        manifest, wanted = self._object(self._json("index.json", dict), "index.json"), image
        for _step in range(_MOST_STEPS):
            if "manifests" not in manifest:
                return [self._blob(layer) for layer in self._objects(manifest.get("layers"), "layers")]
            name = self._manifest_of(manifest, wanted)
            manifest, wanted = self._object(self._json(name, dict), name), None
        raise self._no_image("its indexes name one another and never a manifest")

    def _manifest_of(self, index: _Object, image: t.Optional[str]) -> str:
        """Return the file of the one manifest of an index that is meant: by name, then by this machine's processor."""
        # Those for an unknown system are attestations about an image.
        entries = [
            one for one in self._objects(index.get("manifests"), "manifests") if self._platform(one, "os") != "unknown"
        ]
        names = [self._name_of(entry) for entry in entries]
        found = [
            entry for entry, name in zip(entries, names) if image is None or image == name or image.endswith(":" + name)
        ]
        if len(found) > 1:
            mine = _ARCHITECTURES.get(os.uname().machine, os.uname().machine)
            found = [entry for entry in found if self._platform(entry, "architecture") == mine]
        if len(found) != 1:
            raise self._not_one(image, names)
        return self._blob(found[0])

    def _platform(self, entry: _Object, what: str) -> object:
        return self._object(entry.get("platform") or {}, "platform").get(what)

    def _name_of(self, entry: _Object) -> str:
        annotations = self._object(entry.get("annotations") or {}, "annotations")
        name = annotations.get("org.opencontainers.image.ref.name", "(no name)")
        return self._texts([name], "the name of an image")[0]

    def _blob(self, descriptor: _Object) -> str:
        digest = descriptor.get("digest")
        if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
            raise self._no_image(f"a digest in it is none that can be checked: {_shown(digest)}")
        return _BLOBS + digest.replace(":", "/")

    def _json(self, name: str, kind: type) -> object:
        """Return what the JSON file C(name) holds, an object or a list. Raises ImageError."""
        with self.member(name) as stream:
            data = stream.read(_JSON_LIMIT + 1)
        try:
            found: object = from_json(data.decode("utf-8")) if len(data) <= _JSON_LIMIT else None
        except ValueError:
            found = None
        if not isinstance(found, kind):
            raise self._wrong(name, found)
        return found

    def _object(self, found: object, what: str) -> _Object:
        if not isinstance(found, dict):
            raise self._wrong(what, found)
        return found

    def _objects(self, found: object, what: str) -> t.List[_Object]:
        if not isinstance(found, list):
            raise self._wrong(what, found)
        return [self._object(one, what) for one in found]

    def _texts(self, found: object, what: str) -> t.List[str]:
        if not isinstance(found, list):
            raise self._wrong(what, found)
        texts = [one for one in found if isinstance(one, str)]
        if len(texts) != len(found):
            raise self._wrong(what, found)
        return texts

    # Errors.

    def _wrong(self, what: str, found: object) -> ImageError:
        return self._no_image(f"{printable(what[:300])} in it is not what it should be: {_shown(found)}")

    def _not_one(self, image: t.Optional[str], names: t.Sequence[str]) -> ImageError:
        shown = [name[:300] for name in names[:20]]
        return ImageError(
            f"{printable(self._name)} does not hold exactly one image"
            f"{' called ' + printable(image) if image else ' for this processor'}; it has: "
            f"{', '.join(map(printable, shown)) or 'none'}. Name one of them in 'image'.",
            archive=json_text(self._name),
            images=list(map(json_text, shown)),
        )

    def _no_image(self, why: str) -> ImageError:
        return ImageError(
            f"{printable(self._name)} is not an archive of a container image: {why}.", archive=json_text(self._name)
        )


def _shown(found: object) -> str:
    return printable(repr(found)[:100])
