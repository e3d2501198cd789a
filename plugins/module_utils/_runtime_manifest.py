# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The manifest of a runtime: what it is made of, where it came from, and whether it is still so.

Two files at the top of the runtime's folder, so that the rename that publishes the one publishes the others:
C(.manifest.json), described by C(new_manifest), and C(.manifest.sha256), which a plain shell checks with
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

from ansible_collections.fleet.system_python.plugins.module_utils._errors import InvalidDataError
from ansible_collections.fleet.system_python.plugins.module_utils._files import kind_of, sha256_of, write_durably
from ansible_collections.fleet.system_python.plugins.module_utils._text import json_text, printable

__all__ = ["FORMAT", "MANIFEST", "SUMS", "Deviation", "Manifest", "examine", "load", "new_manifest", "write"]

FORMAT = 1
MANIFEST = ".manifest.json"
SUMS = ".manifest.sha256"

Manifest = t.Dict[str, t.Any]


class Deviation(t.NamedTuple):
    """One path (relative) that is not as the manifest says.

    C(what): missing, altered, mode, owner, kind, link_target, unexpected, or unreadable.
    """

    path: str
    what: str


def new_manifest(folder: str, about: t.Mapping[str, t.Any], digests: t.Mapping[str, str]) -> Manifest:
    """Return the manifest of what is in C(folder): C(about), C(format) and C(files).

    C(files) maps relative paths to C({mode, size, sha256}) (mode in octal), or C({link}) for a symlink. C(digests) are
    those that are known already; the others are read.
    """
    files: t.Dict[str, t.Dict[str, t.Any]] = {}
    for path, found in _entries(folder):
        if stat.S_ISLNK(found.st_mode):
            files[path] = {"link": os.readlink(os.path.join(folder, path))}
        elif stat.S_ISREG(found.st_mode):
            files[path] = {
                "mode": _octal(found.st_mode),
                "size": found.st_size,
                "sha256": digests.get(path) or sha256_of(os.path.join(folder, path)),
            }
        elif not stat.S_ISDIR(found.st_mode):
            raise InvalidDataError(
                "{0} is a {1}, which has no place in a runtime".format(printable(path), kind_of(found.st_mode))
            )
    return dict(about, format=FORMAT, files=files)


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


def _octal(mode: int) -> str:
    return "{0:04o}".format(stat.S_IMODE(mode))


def write(folder: str, manifest: Manifest) -> None:
    """Write both files into C(folder)."""
    # Names that are no UTF-8 come through: JSON takes their surrogates as escapes.
    text = json.dumps(manifest, indent=1, sort_keys=True).encode("ascii") + b"\n"
    write_durably(os.path.join(folder, MANIFEST), text, 0o644)
    write_durably(os.path.join(folder, SUMS), _sums(manifest, text), 0o644)


def _sums(manifest: Manifest, text: bytes) -> bytes:
    lines = [_line(path, one["sha256"]) for path, one in sorted(manifest["files"].items()) if "sha256" in one]
    return b"".join([*lines, _line(MANIFEST, hashlib.sha256(text).hexdigest())])


def _line(path: str, digest: str) -> bytes:
    """One line as sha256sum writes it: with a backslash before it, odd characters of the name are escaped."""
    name = os.fsencode("./" + path)
    escaped = name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
    return (b"\\" if escaped != name else b"") + digest.encode("ascii") + b"  " + escaped + b"\n"


def load(folder: str) -> t.Optional[Manifest]:
    """Return the manifest of the runtime in C(folder), None when there is none; InvalidDataError when damaged."""
    path = os.path.join(folder, MANIFEST)
    try:
        with open(path, "rb") as stream:
            manifest = json.loads(stream.read().decode("ascii"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, OSError) as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get("files"), dict):
        raise _damaged(path, "it has no files")
    if manifest.get("format") != FORMAT:
        raise _damaged(path, "its format is {0!r}, this version knows {1}".format(manifest.get("format"), FORMAT))
    return manifest


def _damaged(path: str, why: str) -> InvalidDataError:
    return InvalidDataError(
        "The manifest {0} cannot be read: {1}. Install the runtime again (state: intact, with its archive).".format(
            printable(path), printable(why)
        ),
        path=json_text(path),
    )


def examine(folder: str, manifest: Manifest, owner: int = 0) -> t.List[Deviation]:
    """Return what in C(folder) is not as C(manifest) says. C(owner): the user id that everything must belong to."""
    seen = set()
    found = _manifest_itself(folder, manifest, owner)
    for path, status in _entries(folder):
        seen.add(path)
        what = _difference(folder, path, status, manifest["files"].get(path), owner)
        if what and not (what == "unexpected" and _is_compiled_later(path, manifest)):
            found.append(Deviation(path, what))
    found += [Deviation(path, "missing") for path in sorted(manifest["files"]) if path not in seen]
    return found


def _manifest_itself(folder: str, manifest: Manifest, owner: int) -> t.List[Deviation]:
    found = []
    top = os.lstat(folder)
    if top.st_uid != owner:
        found.append(Deviation(".", "owner"))
    if top.st_mode & 0o022:
        found.append(Deviation(".", "mode"))
    for name in (MANIFEST, SUMS):
        path = os.path.join(folder, name)
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            found.append(Deviation(name, "missing"))
            continue
        if status.st_uid != owner or status.st_mode & 0o022:
            found.append(Deviation(name, "owner" if status.st_uid != owner else "mode"))
    if not any(one.path == SUMS for one in found):
        with open(os.path.join(folder, MANIFEST), "rb") as stream:
            text = stream.read()
        with open(os.path.join(folder, SUMS), "rb") as stream:
            if stream.read() != _sums(manifest, text):
                found.append(Deviation(SUMS, "altered"))
    return found


def _difference(
    folder: str, path: str, found: os.stat_result, expected: t.Optional[t.Mapping[str, t.Any]], owner: int
) -> str:
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


def _file_difference(path: str, found: os.stat_result, expected: t.Mapping[str, t.Any]) -> str:
    if not stat.S_ISREG(found.st_mode):
        return "kind"
    if found.st_size != expected["size"] or sha256_of(path) != expected["sha256"]:
        return "altered"
    return "" if _octal(found.st_mode) == expected["mode"] else "mode"


def _is_compiled_later(path: str, manifest: Manifest) -> bool:
    """Tell whether it is a compiled file of a source that the manifest has."""
    parent, name = posixpath.split(path)
    folder, cache = posixpath.split(parent)
    return (
        cache == "__pycache__"
        and name.endswith(".pyc")
        and posixpath.join(folder, name.partition(".")[0] + ".py") in manifest["files"]
    )
