# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The quarantine: what a repair finds in its way is kept here, with a manifest that can put it back.

docs/notes/quarantine.md has the layout and the schema of the manifest. The manifest is on the disk before anything is
moved and again after, so that C(recover) can finish, or undo, what a killed run left half done.
"""

import base64
import binascii
import datetime as dt
import json
import os
import re
import stat
import time
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._errors import QuarantineError
from ansible_collections.fleet.system_python.plugins.module_utils._files import (
    Checkpoint,
    Placed,
    aside_name,
    clear_errors,
    differences,
    ensure_room,
    install_copy,
    keep_copy,
    kind_of,
    no_checkpoint,
    open_regular,
    place,
    remove_any,
    remove_copied,
    remove_leftovers,
    replace_link,
    sha256_of,
    size_of,
    sync_folder,
    write_durably,
)
from ansible_collections.fleet.system_python.plugins.module_utils._text import json_text, printable

__all__ = ["DEFAULT_FOLDER", "Quarantine", "Record", "list_runs", "new_run_id"]

DEFAULT_FOLDER = "/var/lib/fleet.system_python/quarantine"

# One entry of the manifest, plus C(run_id) and C(stored_path); docs/notes/quarantine.md describes every key.
Record = t.Dict[str, t.Any]

_FORMAT = 1
_MANIFEST = "manifest.json"
_ITEMS = "items"
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,199}")
_STATES = ("intended", "done", "returning", "put_back")
_KEYS = ("index", "action", "state", "path", "stored", "kind")


def new_run_id(seconds: float) -> str:
    """Return a name for a run that begins C(seconds) since the epoch; two runs never share one."""
    moment = dt.datetime.fromtimestamp(int(seconds), dt.timezone.utc)
    return moment.strftime("%Y%m%dT%H%M%SZ-") + binascii.hexlify(os.urandom(3)).decode("ascii")


class Quarantine:
    """The quarantine of one run. Nothing is made on the disk before something is kept.

    C(folder) holds the quarantines of all runs, C(run_id) names this one (letters, digits and C(._:+-)), C(clock) gives
    seconds since the epoch. Use it under the run lock only.
    """

    def __init__(
        self,
        folder: str = DEFAULT_FOLDER,
        run_id: str = "manual",
        clock: t.Callable[[], float] = time.time,
        checkpoint: Checkpoint = no_checkpoint,
    ) -> None:
        if not _RUN_ID.fullmatch(run_id):
            raise QuarantineError("'{0}' cannot be the name of a run.".format(printable(run_id)), run_id=run_id)
        self.folder = folder
        self.run_id = run_id
        self.clock = clock
        self.checkpoint = checkpoint
        self._run = _Run(folder, run_id, checkpoint)

    # --- keeping

    def take(self, path: str, reason: str, finding: str, original: t.Optional[str] = None) -> Record:
        """Move C(path), whatever it is, into the quarantine and return its record.

        C(reason) is a sentence, C(finding) the id of the rule. C(original) is the name to put it back to, where
        C(path) is only where it stepped aside. Raises QuarantineError, DiskFullError, ReadOnlyError or CopyError;
        then C(path) is still there.
        """
        entry = self._intend("take", path, original or path, reason, finding)
        try:
            placed = place(path, self._stored(entry), self.checkpoint)
        except Exception as error:
            self._undo(entry, path)
            raise _clear(error, "cannot be moved to the quarantine", path) from error
        return self._moved(entry, path, placed)

    def keep(self, path: str, reason: str, finding: str) -> Record:
        """Copy C(path) into the quarantine as evidence and return the record; C(path) itself stays as it is.

        What this run keeps already, unchanged, is not kept twice. Raises as C(take) does.
        """
        known = self._known_copy(path)
        if known is not None:
            return self._record(known)
        entry = self._intend("keep", path, path, reason, finding)
        try:
            not_kept = keep_copy(path, self._stored(entry), self.checkpoint)
        except Exception as error:
            self._undo(entry, path)
            raise _clear(error, "cannot be copied to the quarantine", path) from error
        return self._done(entry, not_kept)

    def replace(self, path: str, target: str, reason: str, finding: str) -> Record:
        """Put the symlink C(path) -> C(target) where something else is, and keep that: C(path) is never missing.

        Raises as C(take) does; then C(path) is what it was.
        """
        aside = aside_name(path)
        entry = self._intend("replace", path, path, reason, finding, aside=aside)
        stored = self._stored(entry)
        try:
            if entry["kind"] == "directory":
                _require_room(path, stored)
                replace_link(path, target, aside, self.checkpoint)
                placed = place(aside, stored, self.checkpoint)
            else:
                placed = Placed(False, keep_copy(path, stored, self.checkpoint))
                replace_link(path, target, checkpoint=self.checkpoint)
        except Exception as error:
            _settle(self._run, entry)
            raise _clear(error, "cannot be replaced by a link", path) from error
        return self._moved(entry, aside, placed)

    def _intend(
        self, action: str, source: str, path: str, reason: str, finding: str, aside: t.Optional[str] = None
    ) -> Record:
        try:
            described = _describe(source)
        except OSError as error:
            raise _clear(error, "cannot be kept", source) from error
        self._run.prepare(self.clock)
        entry: Record = {
            "index": 1 + max([known["index"] for known in self._run.entries], default=0),
            "action": action,
            "state": "intended",
            "reason": json_text(reason),
            "finding": json_text(finding),
            "time": _text_of(self.clock()),
            "not_kept": [],
        }
        entry["stored"] = "{0}/{1:04d}".format(_ITEMS, entry["index"])
        entry.update(_path_fields("path", path))
        if source != path or aside:
            entry.update(_path_fields("aside", aside or source))
        entry.update(described)
        self._run.add(entry)
        self.checkpoint(action + " intended")
        return entry

    def _moved(self, entry: Record, source: str, placed: Placed) -> Record:
        if placed.copied:
            with clear_errors(source):
                stayed = remove_copied(source, self._stored(entry))
            if stayed:
                raise QuarantineError(
                    "{0} is kept, but it changed meanwhile and was not removed: {1}. Run again.".format(
                        printable(source), ", ".join(printable(name) for name in stayed[:5])
                    ),
                    path=json_text(source),
                    stayed=[json_text(name) for name in stayed],
                )
            self.checkpoint("original removed")
        return self._done(entry, placed.not_kept)

    def _done(self, entry: Record, not_kept: t.Sequence[str]) -> Record:
        entry["state"] = "done"
        entry["not_kept"] = [json_text(text) for text in not_kept]
        self._run.save()
        self.checkpoint(entry["action"] + " done")
        return self._record(entry)

    def _undo(self, entry: Record, source: str) -> None:
        # Where the source is gone, the stored one is all there is: then recover() has to finish it.
        if os.path.lexists(source):
            remove_any(self._stored(entry))
            self._run.drop(entry)

    def _known_copy(self, path: str) -> t.Optional[Record]:
        for entry in self._run.entries:
            kept = entry["action"] == "keep" and entry["state"] == "done" and _path_of(entry) == path
            if kept and os.path.lexists(path) and not differences(path, self._stored(entry)):
                return entry
        return None

    def _stored(self, entry: Record) -> str:
        return self._run.stored(entry)

    def _record(self, entry: Record) -> Record:
        return self._run.record(entry)

    # --- putting back

    def put_back(
        self, run_id: str, paths: t.Optional[t.Sequence[str]] = None, overwrite: bool = False
    ) -> t.List[Record]:
        """Put what run C(run_id) keeps back to where it was: all of it, or only C(paths); the last taken comes first.

        What is there now is never overwritten, unless C(overwrite): then a copy of it is kept in the quarantine of
        this run before. Everything is checked before the first thing moves. Returns the records; what was put back
        already is passed over.
        """
        run, entries = self._returnable(run_id, paths, overwrite)
        return [self._put_back(run, entry) for entry in entries]

    def would_put_back(
        self, run_id: str, paths: t.Optional[t.Sequence[str]] = None, overwrite: bool = False
    ) -> t.List[Record]:
        """Return the records that C(put_back) would put back, after the same checks; nothing is changed."""
        run, entries = self._returnable(run_id, paths, overwrite)
        return [run.record(entry) for entry in entries]

    def _returnable(
        self, run_id: str, paths: t.Optional[t.Sequence[str]], overwrite: bool
    ) -> t.Tuple["_Run", t.List[Record]]:
        run = self._run if run_id == self.run_id else _Run(self.folder, run_id, self.checkpoint)
        run.require()
        entries = _selected(run, paths)
        blocked = [] if overwrite else [_path_of(entry) for entry in entries if _in_the_way(run, entry)]
        if blocked:
            raise QuarantineError(
                "Nothing was put back, because it would overwrite what is there now: {0}. "
                "Move that away, name other paths, or ask for overwriting.".format(
                    ", ".join(printable(path) for path in blocked)
                ),
                run_id=run_id,
                paths=[json_text(path) for path in blocked],
            )
        _require_folders(run_id, entries)
        return run, entries

    def _put_back(self, run: "_Run", entry: Record) -> Record:
        path, stored = _path_of(entry), run.stored(entry)
        if _in_the_way(run, entry):
            self.keep(path, "it was there when run {0} was put back".format(run.run_id), entry["finding"])
        entry["state"] = "returning"
        run.save()
        self.checkpoint("returning")
        try:
            if not os.path.lexists(path) or differences(stored, path):
                install_copy(stored, path, True, self.checkpoint)
        except Exception as error:
            _settle(run, entry)
            raise _clear(error, "cannot be put back", path) from error
        self.checkpoint("returned")
        entry["state"] = "put_back"
        entry["time_put_back"] = _text_of(self.clock())
        run.save()
        self.checkpoint("put back")
        remove_any(stored)
        sync_folder(os.path.dirname(stored))
        return run.record(entry)

    # --- after a kill

    def recover(self) -> t.List[Record]:
        """Finish or undo whatever killed runs left half done, in all runs; remove what they left half made.

        Returns the records that were settled, each with C(recovered): finished, undone, or gone (the original
        disappeared without us, so that there is nothing to keep). Raises QuarantineError for a damaged manifest.
        """
        if not os.path.isdir(self.folder):
            return []
        settled: t.List[Record] = []
        for run_id in _run_ids(self.folder):
            run = self._run if run_id == self.run_id else _Run(self.folder, run_id, self.checkpoint)
            settled += _recover(run)
        return settled

    def list_runs(self) -> t.List[t.Dict[str, t.Any]]:
        """Return the runs that keep something, see C(list_runs)."""
        return list_runs(self.folder)


def list_runs(folder: str = DEFAULT_FOLDER) -> t.List[t.Dict[str, t.Any]]:
    """Return the runs that keep something, oldest first: C({run_id, time, error, entries: [record]}).

    C(error) is null, or what is wrong with a run's manifest (then it has no entries).
    """
    runs: t.List[t.Dict[str, t.Any]] = []
    for run_id in _run_ids(folder) if os.path.isdir(folder) else []:
        try:
            run = _Run(folder, run_id)
        except QuarantineError as error:
            runs.append({"run_id": run_id, "time": "", "error": error.message, "entries": []})
            continue
        entries = [run.record(entry) for entry in run.entries]
        if entries:
            runs.append({"run_id": run_id, "time": run.time, "error": None, "entries": entries})
    return sorted(runs, key=lambda run: (run["time"], run["run_id"]))


# ---------------------------------------------------------------------------------------------------------------------
# One run on the disk


class _Run:
    """A run's folder and its manifest, as they are on the disk."""

    def __init__(self, folder: str, run_id: str, checkpoint: Checkpoint = no_checkpoint) -> None:
        self.folder = folder
        self.run_id = run_id
        self.checkpoint = checkpoint
        self.path = os.path.join(folder, run_id)
        self.manifest = os.path.join(self.path, _MANIFEST)
        self.time = ""
        self.entries: t.List[Record] = []
        if os.path.lexists(self.manifest):
            loaded = _load(self.manifest)
            self.time, self.entries = loaded["time"], loaded["entries"]

    def require(self) -> None:
        if not os.path.lexists(self.manifest):
            known = _run_ids(self.folder) if os.path.isdir(self.folder) else []
            raise QuarantineError(
                "No run '{0}' is in the quarantine {1}; there are: {2}.".format(
                    printable(self.run_id), printable(self.folder), ", ".join(known) or "none"
                ),
                run_id=self.run_id,
                runs=known,
            )

    def prepare(self, clock: t.Callable[[], float]) -> None:
        _make_private(self.folder)
        _make_private(self.path)
        _make_private(os.path.join(self.path, _ITEMS))
        self.time = self.time or _text_of(clock())

    def save(self) -> None:
        content = {"format": _FORMAT, "run_id": self.run_id, "time": self.time, "entries": self.entries}
        data = json.dumps(content, indent=1, sort_keys=True).encode("ascii") + b"\n"
        write_durably(self.manifest, data, checkpoint=self.checkpoint)

    def stored(self, entry: Record) -> str:
        return os.path.join(self.path, entry["stored"])

    def record(self, entry: Record) -> Record:
        return dict(entry, run_id=self.run_id, stored_path=self.stored(entry))

    def add(self, entry: Record) -> None:
        self.entries.append(entry)
        try:
            self.save()
        except Exception:
            self.entries.remove(entry)
            if not self.entries:
                self.remove()
            raise

    def drop(self, entry: Record) -> None:
        """Take an entry of which nothing is kept out of the manifest, and the run's folder away with the last one."""
        self.entries.remove(entry)
        if self.entries:
            self.save()
        else:
            self.remove()

    def remove(self) -> None:
        """Take away a run's folder that keeps nothing; what is not ours in it stays."""
        items = os.path.join(self.path, _ITEMS)
        for path in (items, self.path):
            remove_leftovers([path])
        _remove_empty(items)
        if os.path.lexists(self.manifest) and not os.path.lexists(items):
            os.unlink(self.manifest)
        _remove_empty(self.path)
        sync_folder(self.folder)


def _remove_empty(folder: str) -> None:
    if os.path.isdir(folder) and not os.listdir(folder):
        os.rmdir(folder)


def _make_private(folder: str) -> None:
    """Make a folder that only its owner may enter, and what is missing above it; refuse one of somebody else."""
    with clear_errors(folder):
        if not os.path.lexists(folder):
            parent = os.path.dirname(folder)
            if not os.path.isdir(parent):
                os.makedirs(parent, 0o755)
            os.mkdir(folder, 0o700)
            sync_folder(parent)
        found = os.lstat(folder)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise QuarantineError(
                "{0} must be a folder that belongs to user id {1}; it is a {2} of user id {3}. Move it away.".format(
                    printable(folder), os.geteuid(), kind_of(found.st_mode), found.st_uid
                ),
                path=json_text(folder),
            )
        if stat.S_IMODE(found.st_mode) != 0o700:
            os.chmod(folder, 0o700)


def _run_ids(folder: str) -> t.List[str]:
    return sorted(name for name in os.listdir(folder) if os.path.isdir(os.path.join(folder, name)))


def _load(manifest: str) -> t.Dict[str, t.Any]:
    try:
        with os.fdopen(open_regular(manifest), "rb") as stream:
            loaded = json.loads(stream.read().decode("ascii"))
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
    return t.cast(t.Dict[str, t.Any], loaded)


def _problem_of(loaded: t.Any) -> str:
    if not isinstance(loaded, dict) or loaded.get("format") != _FORMAT:
        return "it is not of format {0}".format(_FORMAT)
    if not isinstance(loaded.get("entries"), list) or not isinstance(loaded.get("time"), str):
        return "it has no entries or no time"
    for number, entry in enumerate(loaded["entries"], 1):
        problem = _problem_of_entry(entry)
        if problem:
            return "entry {0} {1}".format(number, problem)
    return ""


def _problem_of_entry(entry: t.Any) -> str:
    if not isinstance(entry, dict):
        return "is not an object"
    missing = [key for key in _KEYS if key not in entry]
    if missing:
        return "lacks {0}".format(", ".join(missing))
    if entry["state"] not in _STATES:
        return "has the unknown state {0!r}".format(entry["state"])
    # It names what recover() may delete.
    if not isinstance(entry["stored"], str) or not re.fullmatch(_ITEMS + r"/[0-9]+", entry["stored"]):
        return "has the impossible place {0!r}".format(entry["stored"])
    try:
        _path_of(entry)
        _aside_of(entry)
    except (ValueError, TypeError, binascii.Error):
        return "has an unreadable path"
    return ""


# ---------------------------------------------------------------------------------------------------------------------
# Entries


def _describe(path: str) -> t.Dict[str, t.Any]:
    found = os.lstat(path)
    described: t.Dict[str, t.Any] = {
        "kind": kind_of(found.st_mode),
        "mode": "{0:04o}".format(stat.S_IMODE(found.st_mode)),
        "uid": found.st_uid,
        "gid": found.st_gid,
        "size": found.st_size,
        "mtime": found.st_mtime,
        "sha256": sha256_of(path) if stat.S_ISREG(found.st_mode) else None,
        "link_target": None,
    }
    if stat.S_ISLNK(found.st_mode):
        described.update(_path_fields("link_target", os.readlink(path)))
    return described


def _path_fields(key: str, path: str) -> t.Dict[str, str]:
    fields = {key: json_text(path)}
    if fields[key] != path:
        fields[key + "_base64"] = base64.b64encode(os.fsencode(path)).decode("ascii")
    return fields


def _path_field(entry: Record, key: str) -> str:
    if key + "_base64" in entry:
        return os.fsdecode(base64.b64decode(entry[key + "_base64"], validate=True))
    if not isinstance(entry[key], str):
        raise TypeError(key)
    return t.cast(str, entry[key])


def _path_of(entry: Record) -> str:
    return _path_field(entry, "path")


def _aside_of(entry: Record) -> t.Optional[str]:
    return _path_field(entry, "aside") if "aside" in entry else None


def _text_of(seconds: float) -> str:
    moment = dt.datetime.fromtimestamp(int(seconds), dt.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _selected(run: _Run, paths: t.Optional[t.Sequence[str]]) -> t.List[Record]:
    kept = [entry for entry in run.entries if entry["state"] == "done"]
    if paths is not None:
        returned = [entry for entry in run.entries if entry["state"] == "put_back"]
        unknown = sorted(set(paths) - {_path_of(entry) for entry in kept + returned})
        if unknown:
            raise QuarantineError(
                "Run {0} does not keep {1}.".format(run.run_id, ", ".join(printable(path) for path in unknown)),
                run_id=run.run_id,
                paths=[json_text(path) for path in unknown],
            )
        kept = [entry for entry in kept if _path_of(entry) in paths]
    return list(reversed(kept))


def _require_room(path: str, stored: str) -> None:
    """Raise DiskFullError before a directory steps aside that could then not be fetched."""
    folder = os.path.dirname(stored)
    if os.lstat(path).st_dev != os.stat(folder).st_dev:
        ensure_room(folder, size_of(path))


def _in_the_way(run: _Run, entry: Record) -> bool:
    path = _path_of(entry)
    return os.path.lexists(path) and bool(differences(run.stored(entry), path))


def _require_folders(run_id: str, entries: t.Sequence[Record]) -> None:
    """Raise unless each path's folder exists, or comes back with an entry that is put back before."""
    coming: t.Set[str] = set()
    missing: t.Set[str] = set()
    for entry in entries:
        folder = os.path.dirname(_path_of(entry))
        if not os.path.isdir(folder) and not any(folder == top or folder.startswith(top + "/") for top in coming):
            missing.add(folder)
        if entry["kind"] == "directory":
            coming.add(_path_of(entry))
    if missing:
        raise QuarantineError(
            "Nothing was put back, because these folders do not exist: {0}. Make them first.".format(
                ", ".join(printable(folder) for folder in sorted(missing))
            ),
            run_id=run_id,
            paths=[json_text(folder) for folder in sorted(missing)],
        )


def _clear(error: Exception, what: str, path: str) -> Exception:
    """Return the error to raise: what the operating system refused becomes a QuarantineError, the rest stays."""
    if not isinstance(error, OSError):
        return error
    hint = " Is it immutable (lsattr)?" if isinstance(error, PermissionError) and os.geteuid() == 0 else ""
    return QuarantineError(
        "{0} {1}: {2}.{3}".format(printable(path), what, error.strerror or error, hint),
        path=json_text(path),
        errno=error.errno,
    )


# ---------------------------------------------------------------------------------------------------------------------
# Recovery


def _recover(run: _Run) -> t.List[Record]:
    remove_leftovers([run.path, os.path.join(run.path, _ITEMS)])
    settled = []
    for entry in list(run.entries):
        before = run.record(entry)
        outcome = _settle(run, entry)
        if outcome:
            settled.append(dict(before, state=entry["state"], recovered=outcome))
    if not run.entries:
        run.remove()
    return settled


def _settle(run: _Run, entry: Record) -> str:
    """Bring one entry to an end that is whole; return what was done: finished, undone, gone, or nothing."""
    if entry["state"] == "intended":
        return _SETTLERS[entry["action"]](run, entry)
    if entry["state"] == "returning":
        return _settle_returning(run, entry)
    if entry["state"] == "put_back" and os.path.lexists(run.stored(entry)):
        remove_any(run.stored(entry))
        return "finished"
    return ""


def _settle_take(run: _Run, entry: Record) -> str:
    # It may have stepped aside already, or not yet.
    sources = [source for source in (_aside_of(entry), _path_of(entry)) if source]
    # What is under the stored name is whole: it came there by a rename.
    if os.path.lexists(run.stored(entry)):
        return _finish(run, entry, *sources)
    gone = not any(os.path.lexists(source) for source in sources)
    run.drop(entry)
    return "gone" if gone else "undone"


def _settle_keep(run: _Run, entry: Record) -> str:
    if os.path.lexists(run.stored(entry)):
        return _finish(run, entry)
    run.drop(entry)
    return "undone"


def _settle_replace(run: _Run, entry: Record) -> str:
    if entry["kind"] == "directory":
        return _settle_replaced_directory(run, entry)
    path, stored = _path_of(entry), run.stored(entry)
    remove_leftovers([os.path.dirname(path)])
    if os.path.lexists(stored) and differences(stored, path):
        return _finish(run, entry)
    remove_any(stored)
    run.drop(entry)
    return "undone"


def _settle_replaced_directory(run: _Run, entry: Record) -> str:
    path, aside, stored = _path_of(entry), _aside_of(entry) or _path_of(entry), run.stored(entry)
    remove_leftovers([os.path.dirname(path)])
    if not os.path.lexists(stored):
        if not os.path.lexists(aside):
            run.drop(entry)
            return "undone"
        if not os.path.lexists(path):
            # Killed between the two renames of a host that cannot exchange: it goes back whence it came.
            place(aside, path)
            run.drop(entry)
            return "undone"
        place(aside, stored)
    return _finish(run, entry, aside, path)


def _settle_returning(run: _Run, entry: Record) -> str:
    path, stored = _path_of(entry), run.stored(entry)
    remove_leftovers([os.path.dirname(path)])
    if os.path.lexists(path) and not differences(stored, path):
        entry["state"] = "put_back"
        run.save()
        remove_any(stored)
        return "finished"
    entry["state"] = "done"
    run.save()
    return "undone"


def _finish(run: _Run, entry: Record, *sources: str) -> str:
    for source in sources:
        remove_copied(source, run.stored(entry))
    entry["state"] = "done"
    run.save()
    return "finished"


_SETTLERS: t.Dict[str, t.Callable[[_Run, Record], str]] = {
    "take": _settle_take,
    "keep": _settle_keep,
    "replace": _settle_replace,
}
