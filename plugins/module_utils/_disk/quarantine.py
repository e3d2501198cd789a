# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The quarantine: what a repair finds in its way is kept here, with a manifest that can put it back.

docs/notes/quarantine.md has the layout and the schema of the manifest. The manifest is on the disk before anything is
moved and again after, so that C(recover) can finish, or undo, what a killed run left half done.
"""

import os
import re
import time
import typing as t

from .._base.clock import utc_stamp
from .._base.errors import QuarantineError
from .._base.text import json_text, printable
from .atomic import install_copy, replace_link
from .files import size_of
from .hidden import Checkpoint, aside_name, no_checkpoint
from .kept import DEFAULT_FOLDER, KeptEntry, KeptRecord, make_entry, path_of, run_ids
from .kept_run import KeptRun
from .kernel import sync_folder
from .links import kind_of
from .recovery import SettledRecord, recover_run, settle
from .root import HOST, Root
from .space import clear_errors, ensure_room
from .trees import Placed, copy, differences, place, remove_any, remove_copied

__all__ = ["Keeping", "Quarantine", "QuarantineRun", "before_a_package"]

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,199}")

if t.TYPE_CHECKING:

    class QuarantineRun(t.TypedDict):
        """A run that keeps something; C(error) says what is wrong with its manifest, and then there are no entries."""

        run_id: str
        time: str
        error: t.Optional[str]
        entries: t.List[KeptRecord]

else:
    QuarantineRun = dict


class Keeping(t.NamedTuple):
    """What is to be kept, and how: C(action) is take (moved) or keep (copied).

    C(reason) is a sentence, C(finding) the id of the rule. C(original) is where it goes back to, if not to C(path).
    """

    action: str
    path: str
    reason: str
    finding: str
    original: t.Optional[str] = None


def before_a_package(path: str, finding: str) -> Keeping:
    """Return how C(path), which a package is to overwrite, is kept: rpm cannot unpack a file where a directory is."""
    if kind_of(path) == "directory":
        return Keeping("take", path, "in the way of a packaged file", finding)
    return Keeping("keep", path, "altered; overwritten by its package's own", finding)


class Quarantine:
    """The quarantine of one run. Nothing is made on the disk before something is kept.

    C(folder) holds the quarantines of all runs, C(run_id) names this one (letters, digits and C(._:+-)), C(clock) gives
    seconds since the epoch. Of a system in C(root) the manifest has the paths in it; what is kept, and where, is named
    as this process finds it. Use it under the run lock only.
    """

    def __init__(
        self,
        folder: str = DEFAULT_FOLDER,
        run_id: str = "manual",
        clock: t.Callable[[], float] = time.time,
        checkpoint: Checkpoint = no_checkpoint,
        root: Root = HOST,
    ) -> None:
        if not _RUN_ID.fullmatch(run_id):
            raise QuarantineError("'{0}' cannot be the name of a run.".format(printable(run_id)), run_id=run_id)
        self.folder = folder
        self.run_id = run_id
        self.clock = clock
        self.checkpoint = checkpoint
        self.root = root
        self._run = KeptRun(folder, run_id, checkpoint, root)

    @property
    def kept_in(self) -> t.Optional[str]:
        """The folder of what this run keeps, null as long as that is nothing."""
        folder = os.path.join(self.folder, self.run_id)
        return folder if os.path.isdir(folder) else None

    # --- keeping

    def take(self, path: str, reason: str, finding: str, original: t.Optional[str] = None) -> KeptRecord:
        """Move C(path), whatever it is, into the quarantine and return its record; see C(secure).

        C(original) is the name to put it back to, where C(path) is only where it stepped aside.
        """
        return self.secure([Keeping("take", path, reason, finding, original)])[0]

    def keep(self, path: str, reason: str, finding: str) -> KeptRecord:
        """Copy C(path) into the quarantine as evidence and return its record; see C(secure)."""
        return self.secure([Keeping("keep", path, reason, finding)])[0]

    def secure(self, things: t.Sequence[Keeping]) -> t.List[KeptRecord]:
        """Move or copy the things into the quarantine; return the records, but for what goes with its folder.

        The manifest is written twice, however many they are. A copy of what this run keeps already, unchanged, is not
        made again. Raises QuarantineError, DiskFullError, ReadOnlyError or CopyError: what came before it is kept
        then, the thing itself and the others are still where they were.
        """
        copies = self._copies()
        things = _outermost(things)
        kept = [self._unchanged(copies, one) for one in things]
        todo = [one for one, known in zip(things, kept) if known is None]
        made = iter(self._secure_all(todo) if todo else ())
        return [self._run.record(known or next(made)) for known in kept]

    def _secure_all(self, things: t.Sequence[Keeping]) -> t.List[KeptEntry]:
        entries = self._write_intentions(things)
        with self._run.deferring():
            for number, (entry, one) in enumerate(zip(entries, things), 1):
                try:
                    self._secure(entry, one)
                except Exception:
                    for other, thing in zip(entries[number:], things[number:]):
                        self._undo(other, thing.path)
                    raise
        return entries

    def _secure(self, entry: KeptEntry, one: Keeping) -> None:
        carry_out, problem = _CARRY_OUT[one.action]
        try:
            placed = carry_out(one.path, self._run.stored(entry), self.checkpoint)
        except Exception as error:
            self._undo(entry, one.path)
            raise _quarantine_error(error, problem, one.path) from error
        self._moved(entry, one.path, placed)

    def replace(self, path: str, target: str, reason: str, finding: str) -> KeptRecord:
        """Put the symlink C(path) -> C(target) where something else is, and keep that: C(path) is never missing.

        Raises as C(take) does; then C(path) is what it was.
        """
        aside = aside_name(path)
        (entry,) = self._write_intentions([Keeping("take", path, reason, finding)], "replace", aside)
        stored = self._run.stored(entry)
        try:
            if entry["kind"] == "directory":
                _require_room(path, stored)
                replace_link(path, target, aside, self.checkpoint)
                placed = place(aside, stored, self.checkpoint)
            else:
                placed = _copied(path, stored, self.checkpoint)
                replace_link(path, target, checkpoint=self.checkpoint)
        except Exception as error:
            settle(self._run, entry)
            raise _quarantine_error(error, "cannot be replaced by a link", path) from error
        return self._moved(entry, aside, placed)

    def _write_intentions(
        self, things: t.Sequence[Keeping], action: str = "", aside: t.Optional[str] = None
    ) -> t.List[KeptEntry]:
        now = self.clock()
        first = 1 + max([known["index"] for known in self._run.entries], default=0)
        entries = [
            _entry_of(one, self.root, first + number, action or one.action, utc_stamp(now), aside)
            for number, one in enumerate(things)
        ]
        self._run.prepare(now)
        self._run.add(*entries)
        self.checkpoint(entries[0]["action"] + " intended")
        return entries

    def _moved(self, entry: KeptEntry, source: str, placed: Placed) -> KeptRecord:
        if placed.copied:
            with clear_errors(source):
                stayed = remove_copied(source, self._run.stored(entry))
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

    def _done(self, entry: KeptEntry, not_kept: t.Sequence[str]) -> KeptRecord:
        entry["state"] = "done"
        entry["not_kept"] = [json_text(text) for text in not_kept]
        self._run.save()
        self.checkpoint(entry["action"] + " done")
        return self._run.record(entry)

    def _undo(self, entry: KeptEntry, source: str) -> None:
        # Where the source is gone, the stored one is all there is: then recover() has to finish it.
        if os.path.lexists(source):
            remove_any(self._run.stored(entry))
            self._run.drop(entry)

    def _copies(self) -> t.Dict[str, KeptEntry]:
        """Return what this run has made copies of, by path."""
        copies = [one for one in self._run.entries if (one["action"], one["state"]) == ("keep", "done")]
        return {self._run.original(entry): entry for entry in copies}

    def _unchanged(self, copies: t.Mapping[str, KeptEntry], one: Keeping) -> t.Optional[KeptEntry]:
        """Return the entry of a copy of C(one) that is as it still is."""
        known = copies.get(one.path) if one.action == "keep" else None
        if known and os.path.lexists(one.path) and not differences(one.path, self._run.stored(known)):
            return known
        return None

    # --- putting back

    def put_back(
        self, run_id: str, paths: t.Optional[t.Sequence[str]] = None, overwrite: bool = False
    ) -> t.List[KeptRecord]:
        """Put what run C(run_id) keeps back to where it was: all of it, or only C(paths); the last taken comes first.

        What is there now is never overwritten, unless C(overwrite): then a copy of it is kept in the quarantine of
        this run before. Everything is checked before the first thing moves. Returns the records; what was put back
        already is passed over.
        """
        run, entries = self._returnable(run_id, paths, overwrite)
        return [self._put_back(run, entry) for entry in entries]

    def would_put_back(
        self, run_id: str, paths: t.Optional[t.Sequence[str]] = None, overwrite: bool = False
    ) -> t.List[KeptRecord]:
        """Return the records that C(put_back) would put back, after the same checks; nothing is changed."""
        run, entries = self._returnable(run_id, paths, overwrite)
        return [run.record(entry) for entry in entries]

    def _returnable(
        self, run_id: str, paths: t.Optional[t.Sequence[str]], overwrite: bool
    ) -> t.Tuple[KeptRun, t.List[KeptEntry]]:
        run = self._run_of(run_id)
        run.require()
        entries = _selected(run, paths)
        blocked = [] if overwrite else [path_of(entry) for entry in entries if _in_the_way(run, entry)]
        if blocked:
            raise QuarantineError(
                "Nothing was put back, because it would overwrite what is there now: {0}. "
                "Move that away, name other paths, or ask for overwriting.".format(
                    ", ".join(printable(path) for path in blocked)
                ),
                run_id=run_id,
                paths=[json_text(path) for path in blocked],
            )
        _require_folders(run, entries)
        return run, entries

    def _run_of(self, run_id: str) -> KeptRun:
        return self._run if run_id == self.run_id else KeptRun(self.folder, run_id, self.checkpoint, self.root)

    def _put_back(self, run: KeptRun, entry: KeptEntry) -> KeptRecord:
        path, stored = run.original(entry), run.stored(entry)
        if _in_the_way(run, entry):
            self.keep(path, "it was there when run {0} was put back".format(run.run_id), entry["finding"])
        entry["state"] = "returning"
        run.save()
        self.checkpoint("returning")
        try:
            if not os.path.lexists(path) or differences(stored, path):
                install_copy(stored, path, self.checkpoint)
        except Exception as error:
            settle(run, entry)
            raise _quarantine_error(error, "cannot be put back", path) from error
        self.checkpoint("returned")
        entry["state"] = "put_back"
        entry["time_put_back"] = utc_stamp(self.clock())
        run.save()
        self.checkpoint("put back")
        remove_any(stored)
        sync_folder(os.path.dirname(stored))
        return run.record(entry)

    # --- after a kill

    def recover(self) -> t.List[SettledRecord]:
        """Finish or undo whatever killed runs left half done, in all runs; remove what they left half made.

        Returns the records that were settled, each with C(recovered): finished, undone, or gone (the original
        disappeared without us, so that there is nothing to keep). Raises QuarantineError for a damaged manifest.
        """
        return [record for run_id in run_ids(self.folder) for record in recover_run(self._run_of(run_id))]

    def list_runs(self) -> t.List[QuarantineRun]:
        """Return the runs that keep something, oldest first."""
        runs: t.List[QuarantineRun] = []
        for run_id in run_ids(self.folder):
            try:
                run = KeptRun(self.folder, run_id)
            except QuarantineError as error:
                runs.append(QuarantineRun(run_id=run_id, time="", error=error.message, entries=[]))
                continue
            entries = [run.record(entry) for entry in run.entries]
            if entries:
                runs.append(QuarantineRun(run_id=run_id, time=run.time, error=None, entries=entries))
        return sorted(runs, key=lambda run: (run["time"], run["run_id"]))


def _outermost(things: t.Sequence[Keeping]) -> t.List[Keeping]:
    """Return each thing once, without what lies below a folder that is moved."""
    moved = {one.path for one in things if one.action == "take"}
    return [one for one in {one.path: one for one in things}.values() if not _parents(one.path) & moved]


def _parents(path: str) -> t.Set[str]:
    parts = path.split("/")
    return {"/".join(parts[:count]) for count in range(2, len(parts))}


def _entry_of(one: Keeping, root: Root, index: int, action: str, stamp: str, aside: t.Optional[str]) -> KeptEntry:
    path = one.original or one.path
    aside = aside or (one.path if one.path != path else None)
    try:
        return make_entry(
            index=index,
            action=action,
            source=one.path,
            path=root.inside(path),
            reason=one.reason,
            finding=one.finding,
            time=stamp,
            aside=root.inside(aside) if aside else None,
        )
    except OSError as error:
        raise _quarantine_error(error, "cannot be kept", one.path) from error


def _copied(path: str, stored: str, checkpoint: Checkpoint) -> Placed:
    return Placed(False, copy(path, stored, checkpoint))


_CARRY_OUT: t.Dict[str, t.Tuple[t.Callable[[str, str, Checkpoint], Placed], str]] = {
    "take": (place, "cannot be moved to the quarantine"),
    "keep": (_copied, "cannot be copied to the quarantine"),
}


def _selected(run: KeptRun, paths: t.Optional[t.Sequence[str]]) -> t.List[KeptEntry]:
    kept = [entry for entry in run.entries if entry["state"] == "done"]
    if paths is not None:
        returned = [entry for entry in run.entries if entry["state"] == "put_back"]
        unknown = sorted(set(paths) - {path_of(entry) for entry in kept + returned})
        if unknown:
            raise QuarantineError(
                "Run {0} does not keep {1}.".format(run.run_id, ", ".join(printable(path) for path in unknown)),
                run_id=run.run_id,
                paths=[json_text(path) for path in unknown],
            )
        kept = [entry for entry in kept if path_of(entry) in paths]
    return list(reversed(kept))


def _require_room(path: str, stored: str) -> None:
    """Raise DiskFullError before a directory steps aside that could then not be fetched."""
    folder = os.path.dirname(stored)
    if os.lstat(path).st_dev != os.stat(folder).st_dev:
        ensure_room(folder, size_of(path))


def _in_the_way(run: KeptRun, entry: KeptEntry) -> bool:
    path = run.original(entry)
    return os.path.lexists(path) and bool(differences(run.stored(entry), path))


def _require_folders(run: KeptRun, entries: t.Sequence[KeptEntry]) -> None:
    """Raise unless each path's folder exists, or comes back with an entry that is put back before."""
    coming: t.Set[str] = set()
    missing: t.Set[str] = set()
    for entry in entries:
        folder = os.path.dirname(run.original(entry))
        if not os.path.isdir(folder) and not any(folder == top or folder.startswith(top + "/") for top in coming):
            missing.add(folder)
        if entry["kind"] == "directory":
            coming.add(run.original(entry))
    if missing:
        raise QuarantineError(
            "Nothing was put back, because these folders do not exist: {0}. Make them first.".format(
                ", ".join(printable(folder) for folder in sorted(missing))
            ),
            run_id=run.run_id,
            paths=[json_text(folder) for folder in sorted(missing)],
        )


def _quarantine_error(error: Exception, what: str, path: str) -> Exception:
    """Return the error to raise: what the operating system refused becomes a QuarantineError, the rest stays."""
    if not isinstance(error, OSError):
        return error
    hint = " Is it immutable (lsattr)?" if isinstance(error, PermissionError) and os.geteuid() == 0 else ""
    return QuarantineError(
        "{0} {1}: {2}.{3}".format(printable(path), what, error.strerror or error, hint),
        path=json_text(path),
        errno=error.errno,
    )
