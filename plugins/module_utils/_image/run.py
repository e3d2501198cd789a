# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Make the root folder of a container image, from an engine that has it or from an archive of it.

Nothing of the image is started: a container is created, exported and removed again, and an archive is only read.
"""

import contextlib
import io
import json
import os
import secrets
import shutil
import stat
import subprocess
import tarfile
import tempfile
import threading
import typing as t

from .._base.command import OUTPUT_TAIL, run_command
from .._base.errors import ArchiveError, ChecksumError, CommandError, ImageError, InvalidDataError, PrivilegeError
from .._base.text import json_text, printable
from .._disk.archive import ZSTD_MAGIC, damaged
from .._disk.files import digest_of
from .._disk.root import HOST
from .._disk.trees import remove_any
from .layers import Layout

__all__ = ["ImageSource", "LaidOut", "lay_out", "remove"]

_ENGINES = ("podman", "docker")
_PREFIX = "fleet-system-python-image-"
# A container needs a command, and nothing ever runs it.
_COMMAND = "/nothing-is-started"
_DIGESTS = "blobs/sha256/"
_JSON_LIMIT = 8 << 20
_CHUNK = 1 << 20
# uname's name for a processor -> OCI's.
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

if t.TYPE_CHECKING:

    class LaidOut(t.TypedDict):
        """An image in the folder C(root); C(size) in bytes; C(left_out): the number of devices and pipes."""

        root: str
        source: str
        files: int
        size: int
        left_out: int

else:
    LaidOut = dict


class ImageSource(t.NamedTuple):
    """Where the image is: C(image) is its name in C(engine) (a program; null: the first that is installed).

    With C(archive), a file of C(docker save) or an OCI layout, C(image) chooses one of several in it.
    """

    image: t.Optional[str] = None
    archive: t.Optional[str] = None
    engine: t.Optional[str] = None


def lay_out(source: ImageSource, parent: str, timeout: float) -> LaidOut:
    """Lay the image out in a new folder in C(parent).

    C(timeout) is in seconds, for each command of the engine. Raises a SystemPythonError, and then leaves nothing.
    """
    if os.geteuid() != 0:
        raise PrivilegeError(
            "Laying out an image needs root, because its files must have their owners. In a build without root, run "
            "under 'podman unshare' or 'buildah unshare', or give a mounted root folder instead."
        )
    if not os.path.isdir(parent):
        raise InvalidDataError(f"{printable(parent)} is not a folder.", path=json_text(parent))
    folder = tempfile.mkdtemp(prefix=_PREFIX, dir=parent)
    try:
        layout = Layout(folder)
        if source.archive:
            name = _from_archive(layout, source.archive, source.image)
        else:
            name = _from_engine(layout, source.image or "", source.engine, timeout)
    except BaseException:
        remove_any(folder)
        raise
    return LaidOut(root=folder, source=name, files=layout.files, size=layout.size, left_out=layout.left_out)


def remove(root: str, check_mode: bool) -> bool:
    """Remove what lay_out made; return whether it was there. Raises InvalidDataError for anything else."""
    place = HOST.canonical(root)
    if not os.path.lexists(place):
        return False
    found = os.lstat(place)
    is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
    if not is_ours or not os.path.basename(place).startswith(_PREFIX):
        raise InvalidDataError(
            f"{printable(root)} was not laid out by this collection and is not removed.", path=json_text(root)
        )
    if not check_mode:
        remove_any(place)
    return True


# ---------------------------------------------------------------------------------------------------------------------
# From an engine


def _from_engine(layout: Layout, image: str, engine: t.Optional[str], timeout: float) -> str:
    if image.startswith("-"):
        raise InvalidDataError(f"Not the name of an image: {printable(image)}", image=json_text(image))
    program = _find_engine(engine)
    # The engine and its settings (DOCKER_HOST, XDG_RUNTIME_DIR, ...) are the caller's.
    environment = dict(os.environ, LC_ALL="C")
    container = "fleet-system-python-check-" + secrets.token_hex(8)
    create = [program, "create", "--pull=never", "--network=none", "--name=" + container, image, _COMMAND]
    try:
        done = run_command(create, timeout=timeout, env=environment)
        if done.rc != 0:
            raise ImageError(
                f"{os.path.basename(program)} cannot make a container of the image {printable(image)}: "
                f"{printable(done.tail()) or '(nothing said)'}. Pull or build it first.",
                image=json_text(image),
                engine=program,
                output=done.tail(),
            )
        _export(layout, [program, "export", container], environment, timeout)
    finally:
        removed = run_command([program, "rm", "-f", "-v", container], timeout=timeout, env=environment)
    if removed.rc != 0:
        raise removed.error(f"The container {container}, which was made for the check, is still there")
    return f"{image}, by {os.path.basename(program)}"


def _find_engine(engine: t.Optional[str]) -> str:
    for name in (engine,) if engine else _ENGINES:
        program = shutil.which(name)
        if program:
            return program
    raise ImageError(
        f"There is no {engine or ' or '.join(_ENGINES)} on this machine. Install it, name another in 'engine', or "
        "give an archive or a folder.",
        engine=engine or list(_ENGINES),
    )


def _export(layout: Layout, argv: t.List[str], environment: t.Dict[str, str], timeout: float) -> None:
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, env=environment, start_new_session=True
        )
        stream = t.cast(t.BinaryIO, process.stdout)
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(timeout, stop)
        timer.start()
        problem = None  # type: t.Optional[ArchiveError]
        try:
            layout.add(stream, "of " + argv[-1])
            # The padding behind the end of the archive; unread, it would end the engine by a signal.
            while stream.read(_CHUNK):
                pass
        except ArchiveError as error:
            problem = error
        finally:
            timer.cancel()
            stream.close()
            if problem or process.poll() is None:
                process.terminate()
            code = process.wait()
        said.seek(0)
        tail = said.read().decode("utf-8", "replace")[-OUTPUT_TAIL:].strip()
        if late.is_set() or (code != 0 and problem is None) or (problem and tail):
            how = "did not end within its time limit" if late.is_set() else f"ended with exit code {code}"
            raise CommandError(
                f"The image cannot be exported: {' '.join(argv)} {how}. It said: {tail or '(nothing)'}",
                argv=argv,
                rc=code,
                output=tail,
                timed_out=late.is_set(),
            )
        if problem:
            raise problem


# ---------------------------------------------------------------------------------------------------------------------
# From an archive


def _from_archive(layout: Layout, archive: str, image: t.Optional[str]) -> str:
    try:
        with tarfile.open(archive, "r:*") as tar:
            names = set(tar.getnames())
            if "manifest.json" in names:
                layers = _docker_layers(tar, archive, image)
            elif "index.json" in names:
                layers = _oci_layers(tar, archive, image)
            else:
                raise _no_image(archive, "it has neither manifest.json (docker save) nor index.json (OCI)")
            for layer in layers:
                _add_layer(layout, tar, archive, layer)
    except (tarfile.TarError, EOFError) as error:
        raise damaged(archive, error) from error
    return os.path.basename(archive) + (", image " + image if image else "")


def _docker_layers(tar: tarfile.TarFile, archive: str, image: t.Optional[str]) -> t.List[str]:
    """Return the names of the layers' files in what C(docker save) wrote, the lowest first."""
    entries = _objects(_json(tar, archive, "manifest.json"))
    tags = [[str(tag) for tag in _items(entry.get("RepoTags"))] for entry in entries]
    chosen = [entry for entry, names in zip(entries, tags) if image is None or image in names]
    if len(chosen) != 1:
        raise _not_one(archive, image, [tag for names in tags for tag in names or ["(no name)"]])
    return [str(name) for name in _items(chosen[0].get("Layers"))]


def _oci_layers(tar: tarfile.TarFile, archive: str, image: t.Optional[str]) -> t.List[str]:
    index = _object(_json(tar, archive, "index.json"))
    manifest = _object(_json(tar, archive, _manifest_of(index, archive, image)))
    while "manifests" in manifest:
        manifest = _object(_json(tar, archive, _manifest_of(manifest, archive, None)))
    return [_blob(layer) for layer in _objects(manifest.get("layers"))]


def _manifest_of(index: t.Mapping[str, object], archive: str, image: t.Optional[str]) -> str:
    """Return the file of the one manifest of an index that is meant: by name, then by this machine's processor."""
    # Those for an unknown system are attestations about an image.
    entries = [one for one in _objects(index.get("manifests")) if _object(one.get("platform")).get("os") != "unknown"]
    names = [
        str(_object(entry.get("annotations")).get("org.opencontainers.image.ref.name", "(no name)"))
        for entry in entries
    ]
    found = [
        entry for entry, name in zip(entries, names) if image is None or image == name or image.endswith(":" + name)
    ]
    if len(found) > 1:
        mine = _ARCHITECTURES.get(os.uname().machine, os.uname().machine)
        found = [entry for entry in found if _object(entry.get("platform")).get("architecture") == mine]
    if len(found) != 1:
        raise _not_one(archive, image, names)
    return _blob(found[0])


def _blob(descriptor: t.Mapping[str, object]) -> str:
    algorithm, _colon, digest = str(descriptor.get("digest")).partition(":")
    return f"blobs/{algorithm}/{digest}"


def _json(tar: tarfile.TarFile, archive: str, name: str) -> object:
    """Return what the JSON file C(name) holds: an object, or a list for manifest.json. Raises ImageError."""
    with _member(tar, archive, name) as stream:
        data = stream.read(_JSON_LIMIT + 1)
    try:
        found: object = json.loads(data.decode("utf-8")) if len(data) <= _JSON_LIMIT else None
    except ValueError:
        found = None
    if not isinstance(found, list if name == "manifest.json" else dict):
        raise _no_image(archive, f"{printable(name)} in it is not what it should be")
    return found


def _object(found: object) -> t.Mapping[str, object]:
    return found if isinstance(found, dict) else {}


def _items(found: object) -> t.Sequence[object]:
    return found if isinstance(found, list) else []


def _objects(found: object) -> t.List[t.Mapping[str, object]]:
    return [_object(one) for one in _items(found)]


@contextlib.contextmanager
def _member(tar: tarfile.TarFile, archive: str, name: str) -> t.Iterator[t.IO[bytes]]:
    try:
        stream = tar.extractfile(name)
    except KeyError:
        stream = None
    if stream is None:
        raise _no_image(archive, f"{printable(name)} is not in it")
    with stream:
        yield stream


def _add_layer(layout: Layout, tar: tarfile.TarFile, archive: str, name: str) -> None:
    with _member(tar, archive, name) as stream:
        if name.startswith(_DIGESTS):
            _require_digest(stream, archive, name)
        with _as_file(t.cast(io.BufferedReader, stream), layout.folder) as layer:
            layout.add(layer, name)


def _require_digest(stream: t.IO[bytes], archive: str, name: str) -> None:
    """Raise ChecksumError when the content of a layer is not what its name says."""
    found = digest_of(stream)
    stream.seek(0)
    if name[len(_DIGESTS) :] != found:
        raise ChecksumError(
            f"{printable(archive)} is damaged: the content of {printable(name)} in it is another one.",
            file=json_text(archive),
            wanted=json_text(name),
            found=found,
        )


@contextlib.contextmanager
def _as_file(stream: io.BufferedReader, folder: str) -> t.Iterator[t.BinaryIO]:
    """Give the layer as it is, or as a file of its own beside C(folder) where a program has to read it."""
    if not stream.peek(len(ZSTD_MAGIC)).startswith(ZSTD_MAGIC):
        yield stream
        return
    with tempfile.NamedTemporaryFile(dir=os.path.dirname(folder)) as copy:
        shutil.copyfileobj(stream, copy, _CHUNK)
        copy.flush()
        with open(copy.name, "rb") as layer:
            yield layer


def _not_one(archive: str, image: t.Optional[str], names: t.Sequence[str]) -> ImageError:
    return ImageError(
        f"{printable(archive)} does not hold exactly one image"
        f"{' called ' + printable(image) if image else ' for this processor'}; it has: "
        f"{', '.join(map(printable, names)) or 'none'}. Name one of them in 'image'.",
        archive=json_text(archive),
        images=list(map(json_text, names)),
    )


def _no_image(archive: str, why: str) -> ImageError:
    return ImageError(f"{printable(archive)} is no archive of a container image: {why}.", archive=json_text(archive))
