# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Finish or undo what a killed run left half done in the quarantine; docs/notes/quarantine.md has the table."""

import os
import typing as t

from .atomic import remove_leftovers
from .kept import ITEMS, KeptEntry, KeptRecord
from .kept_run import KeptRun
from .trees import differences, place, remove_any, remove_copied

__all__ = ["SettledRecord", "recover_run", "settle"]

if t.TYPE_CHECKING:

    class SettledRecord(KeptRecord):
        """A record of what was half done, and how it ended: finished, undone or gone."""

        recovered: str

else:
    SettledRecord = dict


def recover_run(run: KeptRun) -> t.List[SettledRecord]:
    """Settle all entries of a run and return those that were half done; remove what was left half made."""
    remove_leftovers([run.path, os.path.join(run.path, ITEMS)])
    # What the disk says of an entry that was only intended stays as it is; of the others the manifest says which.
    intended = [entry for entry in run.entries if entry["state"] == "intended"]
    others = [entry for entry in run.entries if entry["state"] != "intended"]
    settled = _settle_all(run, others)
    if intended:
        with run.deferring():
            settled += _settle_all(run, intended)
    if not run.entries:
        run.remove()
    return settled


def _settle_all(run: KeptRun, entries: t.Iterable[KeptEntry]) -> t.List[SettledRecord]:
    settled: t.List[SettledRecord] = []
    for entry in entries:
        before = run.record(entry)
        outcome = settle(run, entry)
        if outcome:
            settled.append({**before, "state": entry["state"], "recovered": outcome})
    return settled


def settle(run: KeptRun, entry: KeptEntry) -> str:
    """Bring one entry to an end that is whole; return what was done: finished, undone, gone, or nothing."""
    if entry["state"] == "intended":
        return _SETTLERS[entry["action"]](run, entry)
    if entry["state"] == "returning":
        return _settle_returning(run, entry)
    if entry["state"] == "put_back" and os.path.lexists(run.stored(entry)):
        remove_any(run.stored(entry))
        return "finished"
    return ""


def _settle_take(run: KeptRun, entry: KeptEntry) -> str:
    # It may have stepped aside already, or not yet.
    sources = [source for source in (run.aside(entry), run.original(entry)) if source]
    # What is under the stored name is whole: it came there by a rename.
    if os.path.lexists(run.stored(entry)):
        return _finish(run, entry, *sources)
    gone = not any(os.path.lexists(source) for source in sources)
    run.drop(entry)
    return "gone" if gone else "undone"


def _settle_keep(run: KeptRun, entry: KeptEntry) -> str:
    if os.path.lexists(run.stored(entry)):
        return _finish(run, entry)
    run.drop(entry)
    return "undone"


def _settle_replace(run: KeptRun, entry: KeptEntry) -> str:
    if entry["kind"] == "directory":
        return _settle_replaced_directory(run, entry)
    path, stored = run.original(entry), run.stored(entry)
    remove_leftovers([os.path.dirname(path)])
    if os.path.lexists(stored) and differences(stored, path):
        return _finish(run, entry)
    remove_any(stored)
    run.drop(entry)
    return "undone"


def _settle_replaced_directory(run: KeptRun, entry: KeptEntry) -> str:
    path, aside, stored = run.original(entry), run.aside(entry) or run.original(entry), run.stored(entry)
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


def _settle_returning(run: KeptRun, entry: KeptEntry) -> str:
    path, stored = run.original(entry), run.stored(entry)
    remove_leftovers([os.path.dirname(path)])
    if os.path.lexists(path) and not differences(stored, path):
        entry["state"] = "put_back"
        run.save()
        remove_any(stored)
        return "finished"
    entry["state"] = "done"
    run.save()
    return "undone"


def _finish(run: KeptRun, entry: KeptEntry, *sources: str) -> str:
    for source in sources:
        remove_copied(source, run.stored(entry))
    entry["state"] = "done"
    run.save()
    return "finished"


_SETTLERS: t.Dict[str, t.Callable[[KeptRun, KeptEntry], str]] = {
    "take": _settle_take,
    "keep": _settle_keep,
    "replace": _settle_replace,
}
