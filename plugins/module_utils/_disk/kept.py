# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What the quarantine says that it keeps: the manifests of its runs, see docs/notes/quarantine.md."""

import base64
import os
import re
import stat
import typing as t

from .._base.errors import QuarantineError
from .._base.text import from_json, json_text, printable
from .files import kind_of, octal_mode, read_bytes, sha256_of

__all__ = [
    "DEFAULT_FOLDER",
    "FORMAT",
    "ITEMS",
    "STATE_FOLDER",
    "KeptEntry",
    "KeptRecord",
    "aside_of",
    "load_run",
    "make_entry",
    "manifest_of",
    "path_fields",
    "path_of",
    "run_ids",
]

STATE_FOLDER = "/var/lib/fleet.system_python"
DEFAULT_FOLDER = STATE_FOLDER + "/quarantine"
FORMAT = 1
# The folder of what a run keeps, beside its manifest.
ITEMS = "items"

_STATES = ("intended", "done", "returning", "put_back")
_KEYS = ("index", "action", "state", "path", "stored", "kind")

if t.TYPE_CHECKING:

    class _Kept(t.TypedDict):
        index: int
        action: str
        state: str
        reason: str
        finding: str
        time: str
        not_kept: t.List[str]
        stored: str
        path: str
        kind: str
        mode: str
        uid: int
        gid: int
        size: int
        mtime: float
        sha256: t.Optional[str]
        link_target: t.Optional[str]

    class KeptEntry(_Kept, total=False):
        """An entry of a run's manifest; docs/notes/quarantine.md describes every key."""

        path_base64: str
        aside: str
        aside_base64: str
        link_target_base64: str
        time_put_back: str

    class KeptRecord(KeptEntry):
        """An entry with the run that keeps it, and the absolute path where."""

        run_id: str
        stored_path: str

else:
    KeptEntry = KeptRecord = dict


def make_entry(
    index: int,
    action: str,
    source: str,
    path: str,
    reason: str = "",
    finding: str = "",
    time: str = "",
    aside: t.Optional[str] = None,
) -> KeptEntry:
    """Return the entry about C(source), which goes back to C(path); C(aside) is where it may be for a moment.

    Raises OSError where C(source) cannot be read.
    """
    found = os.lstat(source)
    entry = KeptEntry(
        index=index,
        action=action,
        state="intended",
        reason=json_text(reason),
        finding=json_text(finding),
        time=time,
        not_kept=[],
        stored="{0}/{1:04d}".format(ITEMS, index),
        path=json_text(path),
        kind=kind_of(found.st_mode),
        mode=octal_mode(found.st_mode),
        uid=found.st_uid,
        gid=found.st_gid,
        size=found.st_size,
        mtime=found.st_mtime,
        sha256=sha256_of(source) if stat.S_ISREG(found.st_mode) else None,
        link_target=None,
    )
    if not _is_text(path):
        entry["path_base64"] = _base64(path)
    if aside:
        entry["aside"] = json_text(aside)
        if not _is_text(aside):
            entry["aside_base64"] = _base64(aside)
    if stat.S_ISLNK(found.st_mode):
        target = os.readlink(source)
        entry["link_target"] = json_text(target)
        if not _is_text(target):
            entry["link_target_base64"] = _base64(target)
    return entry


def path_fields(key: str, path: str) -> t.Dict[str, str]:
    """Return the fields of a manifest that say C(path): as text, and exactly (base64) where a text cannot."""
    fields = {key: json_text(path)}
    return fields if _is_text(path) else dict(fields, **{key + "_base64": _base64(path)})


def _is_text(path: str) -> bool:
    return json_text(path) == path


def _base64(path: str) -> str:
    return base64.b64encode(os.fsencode(path)).decode("ascii")


def _exact_path(text: object, exact: t.Optional[str]) -> str:
    """Raises TypeError or ValueError for what C(path_fields) did not make."""
    if exact is not None:
        return os.fsdecode(base64.b64decode(exact, validate=True))
    if not isinstance(text, str):
        raise TypeError(text)
    return text


def path_of(entry: KeptEntry) -> str:
    """Return where the thing was, and where it goes when it is put back."""
    return _exact_path(entry["path"], entry.get("path_base64"))


def aside_of(entry: KeptEntry) -> t.Optional[str]:
    """Return where else the thing was, or may have been for a moment; null for nowhere."""
    return _exact_path(entry["aside"], entry.get("aside_base64")) if "aside" in entry else None


def _problem_of_entry(entry: object) -> str:
    """Return what keeps C(entry), as JSON has it, from being an entry; empty when it is one."""
    if not isinstance(entry, dict):
        return "is not an object"
    missing = [key for key in _KEYS if key not in entry]
    if missing:
        return "lacks {0}".format(", ".join(missing))
    if entry["state"] not in _STATES:
        return "has the unknown state {0!r}".format(entry["state"])
    # It names what recover() may delete.
    if not isinstance(entry["stored"], str) or not re.fullmatch(ITEMS + r"/[0-9]+", entry["stored"]):
        return "has the impossible place {0!r}".format(entry["stored"])
    try:
        for key in ("path", "aside"):
            if key in entry:
                _exact_path(entry[key], entry.get(key + "_base64"))
    except (ValueError, TypeError):
        return "has an unreadable path"
    return ""


def run_ids(folder: str) -> t.List[str]:
    """Return the names of the runs that have a folder in the quarantine C(folder), which need not exist."""
    if not os.path.isdir(folder):
        return []
    return sorted(name for name in os.listdir(folder) if os.path.isdir(os.path.join(folder, name)))


def manifest_of(folder: str, run_id: str) -> str:
    """Return where the manifest of a run is."""
    return os.path.join(folder, run_id, "manifest.json")


def load_run(folder: str, run_id: str) -> t.Tuple[str, t.List[KeptEntry]]:
    """Return the time and the entries of a run, nothing where it has no manifest. Raises QuarantineError."""
    manifest = manifest_of(folder, run_id)
    return _load_manifest(manifest) if os.path.lexists(manifest) else ("", [])


def _load_manifest(manifest: str) -> t.Tuple[str, t.List[KeptEntry]]:
    """Return the time and the entries of a manifest. Raises QuarantineError for a damaged one."""
    loaded: t.Any = None
    try:
        loaded = from_json(read_bytes(manifest).decode("ascii"))
        problem = _problem_of(loaded)
    except ValueError as error:
        problem = "it is not JSON ({0})".format(error)
    except OSError as error:
        problem = "it cannot be read ({0})".format(error.strerror)
    if problem:
        raise QuarantineError(
            "The manifest {0} is damaged: {1}. What it describes is in the folder beside it. "
            "Move the whole folder of this run away, outside the quarantine, and run again.".format(
                printable(manifest), problem
            ),
            path=json_text(manifest),
        )
    return loaded["time"], loaded["entries"]


def _problem_of(loaded: object) -> str:
    if not isinstance(loaded, dict) or loaded.get("format") != FORMAT:
        return "it is not of format {0}".format(FORMAT)
    if not isinstance(loaded.get("entries"), list) or not isinstance(loaded.get("time"), str):
        return "it has no entries or no time"
    for number, entry in enumerate(loaded["entries"], 1):
        problem = _problem_of_entry(entry)
        if problem:
            return "entry {0} {1}".format(number, problem)
    return ""
