# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The manifest of a runtime: what it is made of, where it came from, and whether it is still so.

Two files at the top of the runtime's folder, so that the rename that publishes the one publishes the others:
C(.manifest.json), described by C(Manifest), and C(.manifest.sha256), which a plain shell checks with
C(sha256sum --check) and which covers C(.manifest.json) too.

A runtime is compiled when it is installed. Compiled files that a later run of it adds in C(__pycache__) are no
deviation: they belong to sources that are checked.
"""

import hashlib
import json
import os
import posixpath
import stat
import typing as t

from .._base.errors import InvalidDataError
from .._base.text import from_json, json_text, printable
from .._disk.atomic import write_durably
from .._disk.files import kind_of, octal_mode, read_bytes, sha256_of

__all__ = [
    "FORMAT",
    "MANIFEST",
    "SUMS",
    "FileDeviation",
    "Manifest",
    "RuntimeAbout",
    "RuntimeBuild",
    "RuntimeNeed",
    "RuntimeOrigin",
    "RuntimeSource",
    "examine",
    "load_manifest",
    "make_about",
    "make_source",
    "new_manifest",
    "write_manifest",
]

FORMAT = 1
MANIFEST = ".manifest.json"
SUMS = ".manifest.sha256"

if t.TYPE_CHECKING:

    class ManifestFile(t.TypedDict, total=False):
        """A file: its mode as octal text, size in bytes, SHA-256 in hex; of a symlink only C(link)."""

        mode: str
        size: int
        sha256: str
        link: str

    class RuntimeSource(t.TypedDict):
        """The archive: C(kind) is prebuilt or source.

        C(shortened): the address lacks what may be secret in it; older versions did not note that.
        """

        kind: str
        place: str
        sha256: str
        signed: bool
        shortened: t.NotRequired[bool]

    class RuntimeOrigin(t.TypedDict):
        """When it was installed (UTC stamp), who asked for it, and on which host."""

        at: str
        by: str
        host: str

    class RuntimeBuild(t.TypedDict):
        """How a runtime was built from its source."""

        optimize: bool
        lto: bool
        tests: bool
        configure: t.List[str]
        environment: t.Dict[str, str]

    class RuntimeNeed(t.TypedDict):
        """A library of the system that a runtime loads: where it was, and the package that owned it, empty for none."""

        path: str
        package: str

    class RuntimeAbout(t.TypedDict):
        """What a manifest says of a runtime besides its files; C(interpreter) is a relative path.

        C(needs): the libraries that it loads from outside of its folder, by name; older versions did not note them.
        """

        version: str
        interpreter: str
        source: RuntimeSource
        installed: RuntimeOrigin
        checks: t.List[str]
        build: t.NotRequired[RuntimeBuild]
        needs: t.NotRequired[t.Dict[str, RuntimeNeed]]

    class Manifest(RuntimeAbout):
        """A manifest; C(files) maps relative paths to what is there."""

        format: int
        files: t.Dict[str, ManifestFile]

else:
    ManifestFile = RuntimeSource = RuntimeOrigin = RuntimeBuild = RuntimeNeed = RuntimeAbout = Manifest = dict


class FileDeviation(t.NamedTuple):
    """One path (relative) that is not as the manifest says.

    C(what): missing, altered, mode, owner, kind, link_target, unexpected, or unreadable.
    """

    path: str
    what: str


def make_about(
    version: str,
    source: RuntimeSource,
    checks: t.Sequence[str] = (),
    build: t.Optional[RuntimeBuild] = None,
    at: str = "",
    by: str = "",
    host: str = "",
) -> RuntimeAbout:
    """Return what a manifest says of a runtime of this version; C(at), C(by), C(host): its installation."""
    about = RuntimeAbout(
        version=version,
        interpreter="bin/python" + ".".join(version.split(".")[:2]),
        source=source,
        installed=RuntimeOrigin(at=at, by=by, host=host),
        checks=list(checks),
    )
    if build:
        about["build"] = build
    return about


def make_source(
    place: str, sha256: str, kind: str = "prebuilt", signed: bool = False, shortened: bool = False
) -> RuntimeSource:
    """Return where a runtime came from."""
    return RuntimeSource(kind=kind, place=place, sha256=sha256, signed=signed, shortened=shortened)


def new_manifest(folder: str, about: RuntimeAbout, digests: t.Mapping[str, str]) -> Manifest:
    """Return the manifest of what is in C(folder). C(digests) are those that are known already; the others are read."""
    files: t.Dict[str, ManifestFile] = {}
    for path, found in _entries(folder):
        if stat.S_ISLNK(found.st_mode):
            files[path] = ManifestFile(link=os.readlink(os.path.join(folder, path)))
        elif stat.S_ISREG(found.st_mode):
            files[path] = ManifestFile(
                mode=octal_mode(found.st_mode),
                size=found.st_size,
                sha256=digests.get(path) or sha256_of(os.path.join(folder, path)),
            )
        elif not stat.S_ISDIR(found.st_mode):
            raise InvalidDataError(
                "{0} is a {1}, which has no place in a runtime".format(printable(path), kind_of(found.st_mode))
            )
    return Manifest(**about, format=FORMAT, files=files)


def _entries(folder: str) -> t.Iterator[t.Tuple[str, os.stat_result]]:
    """Yield (relative path, lstat) of everything in C(folder) but the manifest itself, sorted by folder."""
    stack = [""]
    while stack:
        parent = stack.pop()
        with os.scandir(os.path.join(folder, parent)) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        for entry in entries:
            path = posixpath.join(parent, entry.name)
            if path in (MANIFEST, SUMS):
                continue
            yield path, entry.stat(follow_symlinks=False)
            if entry.is_dir(follow_symlinks=False):
                stack.append(path)


def write_manifest(folder: str, manifest: Manifest) -> None:
    """Write both files into C(folder)."""
    # Names that are no UTF-8 come through: JSON takes their surrogates as escapes.
    text = json.dumps(manifest, indent=1, sort_keys=True).encode("ascii") + b"\n"
    write_durably(os.path.join(folder, MANIFEST), text, 0o644)
    write_durably(os.path.join(folder, SUMS), _sums(manifest, text), 0o644)


def _sums(manifest: Manifest, text: bytes) -> bytes:
    lines = [_sums_line(path, one["sha256"]) for path, one in sorted(manifest["files"].items()) if "sha256" in one]
    return b"".join([*lines, _sums_line(MANIFEST, hashlib.sha256(text).hexdigest())])


def _sums_line(path: str, digest: str) -> bytes:
    """One line as sha256sum writes it: with a backslash before it, odd characters of the name are escaped."""
    name = os.fsencode("./" + path)
    escaped = name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
    return (b"\\" if escaped != name else b"") + digest.encode("ascii") + b"  " + escaped + b"\n"


def load_manifest(folder: str) -> t.Optional[Manifest]:
    """Return the manifest of the runtime in C(folder), None when there is none; InvalidDataError when damaged."""
    path = os.path.join(folder, MANIFEST)
    try:
        manifest = from_json(read_bytes(path).decode("ascii"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, OSError) as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get("files"), dict):
        raise _damaged(path, "it has no files")
    if not isinstance(manifest.get("source"), dict):
        raise _damaged(path, "it has no source")
    if manifest.get("format") != FORMAT:
        raise _damaged(path, "its format is {0!r}, this version knows {1}".format(manifest.get("format"), FORMAT))
    return t.cast(Manifest, manifest)


def _damaged(path: str, why: str) -> InvalidDataError:
    return InvalidDataError(
        "The manifest {0} cannot be read: {1}. Install the runtime again (state: intact, with its archive).".format(
            printable(path), printable(why)
        ),
        path=json_text(path),
    )


def examine(folder: str, manifest: Manifest, owner: int = 0) -> t.List[FileDeviation]:
    """Return what in C(folder) is not as C(manifest) says. C(owner): the user id that everything must belong to."""
    seen = set()
    found = _manifest_itself(folder, manifest, owner)
    for path, status in _entries(folder):
        seen.add(path)
        what = _difference(folder, path, status, manifest["files"].get(path), owner)
        if what and not (what == "unexpected" and _is_compiled_later(path, manifest)):
            found.append(FileDeviation(path, what))
    found += [FileDeviation(path, "missing") for path in sorted(manifest["files"]) if path not in seen]
    return found


def _manifest_itself(folder: str, manifest: Manifest, owner: int) -> t.List[FileDeviation]:
    found = []
    top = os.lstat(folder)
    if top.st_uid != owner:
        found.append(FileDeviation(".", "owner"))
    if top.st_mode & 0o022:
        found.append(FileDeviation(".", "mode"))
    for name in (MANIFEST, SUMS):
        path = os.path.join(folder, name)
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            found.append(FileDeviation(name, "missing"))
            continue
        if status.st_uid != owner or status.st_mode & 0o022:
            found.append(FileDeviation(name, "owner" if status.st_uid != owner else "mode"))
    if not any(one.path == SUMS for one in found):
        text = read_bytes(os.path.join(folder, MANIFEST))
        if read_bytes(os.path.join(folder, SUMS)) != _sums(manifest, text):
            found.append(FileDeviation(SUMS, "altered"))
    return found


def _difference(folder: str, path: str, found: os.stat_result, expected: t.Optional[ManifestFile], owner: int) -> str:
    """Return in a word how one entry differs, nothing where it does not."""
    if stat.S_ISDIR(found.st_mode):
        problem = "kind" if expected is not None else "mode" if found.st_mode & 0o022 else ""
    elif expected is None:
        return "unexpected"
    elif stat.S_ISLNK(found.st_mode) != ("link" in expected):
        problem = "kind"
    elif "link" in expected:
        problem = "" if os.readlink(os.path.join(folder, path)) == expected["link"] else "link_target"
    else:
        problem = _file_difference(os.path.join(folder, path), found, expected)
    return problem or ("owner" if found.st_uid != owner else "")


def _file_difference(path: str, found: os.stat_result, expected: ManifestFile) -> str:
    if not stat.S_ISREG(found.st_mode):
        return "kind"
    if found.st_size != expected["size"] or sha256_of(path) != expected["sha256"]:
        return "altered"
    return "" if octal_mode(found.st_mode) == expected["mode"] else "mode"


def _is_compiled_later(path: str, manifest: Manifest) -> bool:
    """Tell whether it is a compiled file of a source that the manifest has."""
    parent, name = posixpath.split(path)
    folder, cache = posixpath.split(parent)
    return (
        cache == "__pycache__"
        and name.endswith(".pyc")
        and posixpath.join(folder, name.partition(".")[0] + ".py") in manifest["files"]
    )
