# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Put a finished runtime to its place by one rename, try it there, and keep what was altered in the one before it."""

import os
import time
import typing as t

from .._base.clock import new_run_id
from .._base.errors import InvalidDataError, SystemPythonError
from .._disk.atomic import exchange
from .._disk.kernel import sync_folder
from .._disk.lock import DEFAULT_LOCK_PATH, RunLock
from .._disk.quarantine import Keeping, Quarantine
from .._rights.unprivileged import Unprivileged
from .._trust.manifest import SUMS, Manifest, examine, load_manifest
from .proof import check_at_place
from .records import LOCK_PATH, RuntimeSettings

__all__ = ["publish", "quarantine_lock"]

_FINDING = "python_runtime"


def publish(settings: RuntimeSettings, staging: str, made: str, user: Unprivileged) -> t.Optional[str]:
    """Move C(made) to its place, try it there as C(user), and put the old one back should it not work.

    Returns the folder of the quarantine that has what was altered in the old one, None where nothing was. The old one
    is left in C(staging).
    """
    is_replaced = os.path.lexists(settings.path)
    old = os.path.join(staging, "old")
    evidence = None
    if is_replaced:
        # Before: whatever ends this run, nothing of the old one is deleted that is not kept.
        evidence = _keep_evidence(settings)
        os.rename(made, old)
        exchange(old, settings.path)
    else:
        os.rename(made, settings.path)
        sync_folder(settings.root)
    try:
        check_at_place(settings.path, settings.minor, user)
    except SystemPythonError:
        if is_replaced:
            exchange(old, settings.path)
        else:
            os.rename(settings.path, old)
        raise
    return evidence


def _keep_evidence(settings: RuntimeSettings) -> t.Optional[str]:
    """Copy to the quarantine what was altered in the runtime that is replaced, or was never a part of it."""
    paths = _evidence(settings.path, settings.owner)
    if not paths:
        return None
    quarantine = Quarantine(settings.quarantine_folder, new_run_id(time.time()))
    with RunLock(quarantine_lock(settings), settings.lock_timeout, what="quarantine of python_runtime"):
        quarantine.secure([Keeping("keep", path, "altered in a runtime", _FINDING) for path in paths])
    return os.path.join(quarantine.folder, quarantine.run_id)


def _evidence(folder: str, owner: int) -> t.List[str]:
    """Return what has to be kept of the runtime in C(folder): all of it where its manifest cannot tell."""
    try:
        manifest = load_manifest(folder)
    except InvalidDataError:
        manifest = None
    if manifest is None:
        return [folder]
    changed = [
        one.path
        for one in examine(folder, manifest, owner)
        if one.what in ("altered", "unexpected", "kind", "link_target") and one.path != SUMS
    ]
    return [os.path.join(folder, path) for path in _foreign_tops(folder, changed, manifest)]


def _foreign_tops(folder: str, paths: t.Sequence[str], manifest: Manifest) -> t.List[str]:
    """Return the paths, with folders for those of which nothing belongs to the runtime."""
    known = {""}
    for path in manifest["files"]:
        parent = os.path.dirname(path)
        while parent not in known:
            known.add(parent)
            parent = os.path.dirname(parent)
    tops = []
    for path in paths:
        top = path
        while os.path.dirname(top) not in known:
            top = os.path.dirname(top)
        tops.append(top)
    return [path for path in dict.fromkeys(tops) if os.path.lexists(os.path.join(folder, path))]


def quarantine_lock(settings: RuntimeSettings) -> str:
    """Return the lock of those who write to the quarantine: that of repairs."""
    own = settings.lock_path
    return DEFAULT_LOCK_PATH if own == LOCK_PATH else own + ".quarantine"
