# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What somebody put back from the quarantine, and has not changed since: it is wanted where it is."""

import typing as t

from .._base.errors import QuarantineError
from .kept import DEFAULT_FOLDER, KeptEntry, load_run, make_entry, path_of, run_ids

__all__ = ["returned_paths"]


def returned_paths(folder: str = DEFAULT_FOLDER) -> t.List[str]:
    """Return the paths that were put back, and not taken again later. Of a folder the content may have changed."""
    last: t.Dict[str, KeptEntry] = {}
    for _time, _run_id, entries in sorted(_runs(folder), key=lambda run: run[:2]):
        last.update((path_of(entry), entry) for entry in entries if entry["action"] != "keep")
    return sorted(path for path, entry in last.items() if entry["state"] == "put_back" and _is_there(path, entry))


def _runs(folder: str) -> t.Iterator[t.Tuple[str, str, t.List[KeptEntry]]]:
    try:
        names = run_ids(folder)
    except OSError:
        # Only root may look into it.
        return
    for name in names:
        try:
            time, entries = load_run(folder, name)
        except (QuarantineError, OSError):
            # A damaged manifest, which the repair tells, remembers nothing.
            continue
        yield time, name, entries


def _is_there(path: str, entry: KeptEntry) -> bool:
    try:
        found = make_entry(entry["index"], entry["action"], path, path)
    except OSError:
        return False
    return _identity(found) == _identity(entry)


def _identity(entry: KeptEntry) -> t.Tuple[str, t.Optional[str], t.Optional[str]]:
    return entry["kind"], entry["sha256"], entry["link_target"]
