# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Put a venv that was built beside another one in its place, in one step, and take the step back when it was wrong.

Names beside the venv C(app): C(.new-STAMP-app.fleet.system_python) is being built, C(.old-STAMP-app...) is kept as the
way back. The file C(MARKER) is in a venv from the first moment of its building until it is proven in its place, so that
the next run can tell what a killed one left, and undo it:

- a C(.new-) with a marker was never finished: it is deleted;
- a marker in the venv itself: it was put there and not proven. The old one, named in the marker, goes back;
- no venv at all: the run was between two renames (where the kernel cannot exchange). The old one goes back.
"""

import datetime as dt
import errno
import json
import os
import re
import time
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._errors import InvalidDataError
from ansible_collections.fleet.system_python.plugins.module_utils._files import (
    PREFIX,
    Checkpoint,
    clear_errors,
    exchange,
    no_checkpoint,
    remove_any,
    sync_folder,
)
from ansible_collections.fleet.system_python.plugins.module_utils._identity import Identity, run_as
from ansible_collections.fleet.system_python.plugins.module_utils._text import printable
from ansible_collections.fleet.system_python.plugins.module_utils._venv_config import read_small

__all__ = ["MARKER", "Place", "require_usable_path"]

MARKER = ".fleet.system_python.building"
SUFFIX = ".fleet.system_python"

# What a first line (#!), an activate script or PATH cannot hold.
_UNUSABLE = re.compile(r"[\x00-\x1f\x7f'\"\\:$`]")
_LONGEST_NAME = 200
# Twenty seconds in all.
_REMOVALS, _PAUSE = 40, 0.5


def require_usable_path(path: str) -> None:
    """Raise InvalidDataError unless C(path) is absolute, not of the system, and scripts can name it."""
    problem = ""
    if not path.startswith("/") or os.path.normpath(path) != path or path.count("/") < 2:
        problem = "it must be absolute, without '..' and a '/' at the end, and not a folder of /"
    elif _UNUSABLE.search(path) or len(os.path.basename(path)) > _LONGEST_NAME:
        problem = "scripts of a venv cannot name it: quotes, colons, dollars, backslashes, control characters"
    if problem:
        raise InvalidDataError(
            "{0} cannot be the path of a venv: {1}.".format(printable(path), problem), path=printable(path)
        )


class Place:
    """The place of one venv, and the names beside it. C(now) gives the time for new names."""

    def __init__(
        self,
        path: str,
        checkpoint: Checkpoint = no_checkpoint,
        now: t.Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.timezone.utc),
    ) -> None:
        self.path = path
        self.folder, self.name = os.path.split(path)
        self.checkpoint = checkpoint
        self._now = now
        self.stamp = self._now().strftime("%Y%m%dT%H%M%S.%fZ")

    @property
    def new(self) -> str:
        """Return where the new venv is built."""
        return self._beside("new")

    @property
    def old(self) -> str:
        """Return where the old venv is kept."""
        return self._beside("old")

    def _beside(self, kind: str) -> str:
        return os.path.join(self.folder, ".{0}-{1}-{2}{3}".format(kind, self.stamp, self.name, SUFFIX))

    def siblings(self, kind: str) -> t.List[str]:
        """Return the paths of this venv's own names of a kind (new, old), the newest first."""
        form = re.compile(r"\.{0}-[0-9T.]+Z-{1}\Z".format(kind, re.escape(self.name + SUFFIX)))
        try:
            names = sorted(os.listdir(self.folder), reverse=True)
        except FileNotFoundError:
            return []
        return [os.path.join(self.folder, name) for name in names if form.match(name)]

    def is_unfinished(self) -> bool:
        """Tell whether a killed run left something to undo."""
        marked = _marker(self.path) is not None or any(_marker(path) is not None for path in self.siblings("old"))
        return marked or bool(self.siblings("new")) or bool(self._waiting())

    def _waiting(self) -> t.List[str]:
        """Return what a kill between the steps of an exchange left under a name of C(exchange)."""
        try:
            names = sorted(os.listdir(self.folder))
        except FileNotFoundError:
            return []
        end = os.path.basename(self.new).partition("Z-")[2]
        return [os.path.join(self.folder, name) for name in names if name.startswith(PREFIX) and name.endswith(end)]

    def begin(self, identity: Identity) -> str:
        """Make the folder to build in, marked and owned by C(identity), and return its path.

        With the rights of C(identity) where these suffice: nobody can then lead root into a folder of root's.
        """
        if identity.uid == os.geteuid():
            self._make()
        elif not run_as(identity, self._could_make):
            self._require_no_foreign_link()
            self._make()
            with clear_errors(self.new):
                os.chown(os.path.join(self.new, MARKER), identity.uid, identity.gid, follow_symlinks=False)
                os.chown(self.new, identity.uid, identity.gid, follow_symlinks=False)
        self.checkpoint("begun")
        return self.new

    def _make(self) -> None:
        with clear_errors(self.new):
            os.makedirs(self.folder, 0o755, exist_ok=True)
            os.mkdir(self.new, 0o755)
            with open(
                os.open(os.path.join(self.new, MARKER), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w"
            ) as mark:
                json.dump({"old": os.path.basename(self.old)}, mark)

    def _could_make(self) -> bool:
        try:
            self._make()
        except PermissionError:
            return False
        return True

    def _require_no_foreign_link(self) -> None:
        path = self.folder
        while path != "/":
            if os.path.islink(path) and os.lstat(path).st_uid != 0:
                raise InvalidDataError(
                    "{0} leads to {1} by a link that is not root's, and its owner may not write there. Nothing was "
                    "changed. Name the folder itself.".format(printable(path), printable(os.path.realpath(path))),
                    path=printable(path),
                )
            path = os.path.dirname(path)

    def swap(self) -> None:
        """Put the new venv in its place, and the old one beside it."""
        with clear_errors(self.path):
            if os.path.lexists(self.path):
                exchange(self.new, self.path)
                self.checkpoint("exchanged")
                os.rename(self.new, self.old)
            else:
                os.rename(self.new, self.path)
            self.checkpoint("swapped")
            sync_folder(self.folder)

    def take_back(self) -> t.Optional[str]:
        """Undo a swap that was not proven, by this run or by a killed one; return what was done, None for nothing."""
        with clear_errors(self.path):
            done = self._take_back()
            for sibling in self.siblings("new") + self.siblings("old") + self._waiting():
                if _marker(sibling) is not None:
                    _remove(sibling)
                    done = done or "what a killed run had begun to build was deleted"
            for sibling in self.siblings("new"):
                # The old venv, exchanged and not yet renamed, whose new one is proven or gone.
                os.rename(sibling, sibling.replace("/.new-", "/.old-"))
            if done:
                sync_folder(self.folder)
        return done

    def _take_back(self) -> t.Optional[str]:
        marker = _marker(self.path)
        unmarked = [path for path in self.siblings("new") if _marker(path) is None]
        if marker is not None:
            old = os.path.join(self.folder, os.path.basename(str(marker.get("old", ""))))
            back = next((path for path in [old] + unmarked if path != self.folder + "/" and os.path.isdir(path)), None)
            if back:
                exchange(back, self.path)
                return "the venv from before was put back"
            _remove(self.path)
            return "an unfinished venv was deleted"
        if not os.path.lexists(self.path):
            for sibling in self.siblings("new"):
                if _marker(sibling) is None:
                    os.rename(sibling, self.path)
                    return "the venv from before was put back"
                old = os.path.join(self.folder, os.path.basename(str((_marker(sibling) or {}).get("old", ""))))
                if os.path.isdir(old) and old != self.folder + "/":
                    os.rename(old, self.path)
                    return "the venv from before was put back"
        return None

    def finish(self, keep: int) -> t.Optional[str]:
        """Call the venv in its place proven; keep the newest C(keep) old ones, and return the newest of them."""
        with clear_errors(self.path):
            os.unlink(os.path.join(self.path, MARKER))
            self.checkpoint("finished")
        return self.prune(keep)

    def prune(self, keep: int) -> t.Optional[str]:
        """Delete all but the newest C(keep) old venvs, and return the newest that is left."""
        kept = self.siblings("old")
        for path in kept[keep:]:
            _remove(path)
        return kept[0] if kept[:keep] else None

    def retire(self, keep: int) -> t.Optional[str]:
        """Move the venv aside, or delete it where none is kept; return where it is now."""
        with clear_errors(self.path):
            os.rename(self.path, self.old)
            sync_folder(self.folder)
        return self.prune(keep)


def _marker(venv: str) -> t.Optional[t.Dict[str, t.Any]]:
    """Return what the marker in C(venv) says, None where there is none; a torn one says nothing."""
    path = os.path.join(venv, MARKER)
    if os.path.islink(venv) or not os.path.lexists(path):
        return None
    try:
        told = json.loads(read_small(path))
    except (OSError, ValueError):
        # It was killed while it wrote its name: then nothing was swapped yet.
        return {}
    return told if isinstance(told, dict) else {}


def _remove(path: str) -> None:
    for _attempt in range(_REMOVALS):
        try:
            remove_any(path)
            return
        except OSError as error:
            # The installer of a run that was killed a moment ago may still write.
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT):
                raise
            time.sleep(_PAUSE)
    remove_any(path)
