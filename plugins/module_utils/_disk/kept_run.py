# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What one run keeps in the quarantine, as it is on the disk: the run's folder, and the manifest in it."""

import json
import os
import stat
import typing as t
from contextlib import contextmanager

from .._base.clock import utc_stamp
from .._base.errors import QuarantineError
from .._base.text import json_text, printable
from .atomic import remove_leftovers, write_durably
from .files import kind_of
from .hidden import Checkpoint, no_checkpoint
from .kept import FORMAT, ITEMS, KeptEntry, KeptRecord, aside_of, load_run, manifest_of, path_of, run_ids
from .kernel import sync_folder
from .root import HOST, Root
from .space import clear_errors

__all__ = ["KeptRun"]


class KeptRun:
    """A run's folder and its manifest, as they are on the disk; C(root) has the paths that the manifest names."""

    def __init__(self, folder: str, run_id: str, checkpoint: Checkpoint = no_checkpoint, root: Root = HOST) -> None:
        self.root = root
        self.folder = folder
        self.run_id = run_id
        self.checkpoint = checkpoint
        self.path = os.path.join(folder, run_id)
        self.manifest = manifest_of(folder, run_id)
        self.time, self.entries = load_run(folder, run_id)
        self._deferred = False

    def require(self) -> None:
        """Raise QuarantineError where there is no such run."""
        if not os.path.lexists(self.manifest):
            known = run_ids(self.folder)
            raise QuarantineError(
                "No run '{0}' is in the quarantine {1}; there are: {2}.".format(
                    printable(self.run_id), printable(self.folder), ", ".join(known) or "none"
                ),
                run_id=self.run_id,
                runs=known,
            )

    def prepare(self, now: float) -> None:
        """Make the folders; C(now) is in seconds since the epoch."""
        _make_private(self.folder)
        _make_private(self.path)
        _make_private(os.path.join(self.path, ITEMS))
        self.time = self.time or utc_stamp(now)

    @contextmanager
    def deferring(self) -> t.Iterator[None]:
        """Write the manifest once, at the end, instead of for every entry; an error is no reason not to."""
        self._deferred = True
        try:
            yield
        except Exception:
            self._deferred = False
            self._settle()
            raise
        self._deferred = False
        self._settle()

    def _settle(self) -> None:
        """Write the manifest, or take the folder of a run that keeps nothing away."""
        if self.entries:
            self.save()
        elif not self._deferred:
            self.remove()

    def save(self) -> None:
        """Write the manifest."""
        if self._deferred:
            return
        content = {"format": FORMAT, "run_id": self.run_id, "time": self.time, "entries": self.entries}
        data = json.dumps(content, indent=1, sort_keys=True).encode("ascii") + b"\n"
        write_durably(self.manifest, data, checkpoint=self.checkpoint)

    def stored(self, entry: KeptEntry) -> str:
        """Return where the thing is."""
        return os.path.join(self.path, entry["stored"])

    def original(self, entry: KeptEntry) -> str:
        """Return where, for this process, the thing was."""
        return self.root.place(path_of(entry))

    def aside(self, entry: KeptEntry) -> t.Optional[str]:
        """Return where else, for this process, the thing was, or may have been for a moment; null for nowhere."""
        path = aside_of(entry)
        return None if path is None else self.root.place(path)

    def record(self, entry: KeptEntry) -> KeptRecord:
        """Return the entry as it is reported."""
        return {**entry, "run_id": self.run_id, "stored_path": self.stored(entry)}

    def add(self, *entries: KeptEntry) -> None:
        """Put entries into the manifest."""
        before = list(self.entries)
        self.entries += entries
        try:
            self.save()
        except Exception:
            self.entries = before
            if not before:
                self.remove()
            raise

    def drop(self, entry: KeptEntry) -> None:
        """Take an entry of which nothing is kept out of the manifest, and the run's folder away with the last one."""
        self.entries.remove(entry)
        self._settle()

    def remove(self) -> None:
        """Take away a run's folder that keeps nothing; what is not ours in it stays."""
        items = os.path.join(self.path, ITEMS)
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
            os.makedirs(parent, 0o755, exist_ok=True)
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
