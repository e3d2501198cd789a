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

import contextlib
import errno
import json
import os
import re
import time
import typing as t

from .._base.clock import name_stamp
from .._base.errors import InvalidDataError, SystemPythonError
from .._base.text import from_json, json_text, printable
from .._disk.atomic import exchange
from .._disk.files import is_directory, open_new, read_small
from .._disk.hidden import PREFIX, Checkpoint, no_checkpoint
from .._disk.kernel import sync_folder
from .._disk.root import user_of
from .._disk.space import clear_errors
from .._disk.trees import remove_any
from .._rights.account import NOBODY, Account, account_of
from .._rights.work import run_as
from .._usage.places import listed
from .._usage.reading import reading_below

__all__ = ["MARKER", "UnsafeVenvError", "VenvPlace", "require_usable_path"]

MARKER = ".fleet.system_python.building"
SUFFIX = ".fleet.system_python"

# What a first line (#!), an activate script or PATH cannot hold.
_UNUSABLE = re.compile(r"[\x00-\x1f\x7f'\"\\:$`]")
_LONGEST_NAME = 200
# Seconds for the user whose folder it is; a large venv is deleted in less.
_LONGEST = 900.0
# Twenty seconds in all.
_REMOVALS, _PAUSE = 40, 0.5


class UnsafeVenvError(SystemPythonError):
    """Somebody could lead the work on a venv to another place, or into it; details: path, and others."""

    kind = "venv_unsafe"


def require_usable_path(path: str) -> None:
    """Raise InvalidDataError unless C(path) is absolute, not of the system, and scripts can name it."""
    problem = ""
    if not path.startswith("/") or os.path.normpath(path) != path or path.count("/") < 2:
        problem = "it must be absolute, without '..' and a '/' at the end, and not a folder of /"
    elif _UNUSABLE.search(path) or len(os.path.basename(path)) > _LONGEST_NAME:
        problem = "scripts of a venv cannot name it: quotes, colons, dollars, backslashes, control characters"
    if problem:
        raise InvalidDataError(f"{printable(path)} cannot be the path of a venv: {problem}.", path=printable(path))


class VenvPlace:
    """The place of one venv, and the names beside it: C(new) is where one is built, C(old) where one is kept.

    Root works there only where nobody else can change the folder or the way to it. Everywhere else it is done by the
    user who can, so that whatever he exchanges meanwhile is his own.
    """

    def __init__(self, path: str, checkpoint: Checkpoint = no_checkpoint) -> None:
        self.path = path
        self.folder, name = os.path.split(path)
        self.checkpoint = checkpoint
        self._end = name + SUFFIX
        stamp = name_stamp(time.time())
        self.new, self.old = (os.path.join(self.folder, f".{kind}-{stamp}-{self._end}") for kind in ("new", "old"))

    def who(self) -> Account:
        """Return who works here."""
        return account_of(os.geteuid() if os.geteuid() else user_of(self.folder))

    def require_safe(self, account: Account) -> None:
        """Raise UnsafeVenvError unless root, or C(account), the venv's owner, can work here without the other."""
        who = self.who()
        if os.geteuid() == 0 and who.uid not in (0, account.uid):
            raise UnsafeVenvError(
                f"{printable(self.folder)}, or a folder above it, can be changed by "
                f"{'others than root' if who.uid == NOBODY else printable(who.name)}, who could lead this run "
                f"elsewhere, and the venv belongs to {printable(account.name)}. Nothing was changed. Give the venv to "
                "whoever the folder belongs to (option user), or let the folders be root's, writable by nobody else.",
                path=json_text(self.folder),
                user=printable(who.name),
            )

    def siblings(self, kind: str) -> t.List[str]:
        """Return the paths of this venv's own names of a kind (new, old), the newest first."""
        form = re.compile(rf"\.{kind}-[0-9T.]+Z-{re.escape(self._end)}\Z")
        return [os.path.join(self.folder, name) for name in reversed(listed(self.folder)) if form.match(name)]

    def is_unfinished(self) -> bool:
        """Tell whether a killed run left something to undo."""
        with reading_below(self.folder):
            marked = [path for path in [self.path] + self.siblings("old") if _old_in_marker(path) is not None]
            return bool(marked or self.siblings("new") or self._half_exchanged())

    def _half_exchanged(self) -> t.List[str]:
        """Return what a kill between the steps of an exchange left under a name of C(exchange)."""
        names = [name for name in listed(self.folder) if name.startswith(PREFIX) and name.endswith(self._end)]
        return [os.path.join(self.folder, name) for name in names]

    def begin(self, account: Account) -> str:
        """Make the folder to build in, marked and owned by C(account), and return its path."""
        self.require_safe(account)
        who = self.who()
        run_as(who, self._make)
        if who.uid != account.uid:
            # Nobody else can change the folder: what is given away is what was made.
            with clear_errors(self.new):
                os.chown(os.path.join(self.new, MARKER), account.uid, account.gid, follow_symlinks=False)
                os.chown(self.new, account.uid, account.gid, follow_symlinks=False)
        self.checkpoint("begun")
        return self.new

    def _make(self) -> None:
        with clear_errors(self.new):
            # An empty folder is as good as none; a venv is not empty.
            with contextlib.suppress(OSError):
                os.rmdir(self.path)
            os.makedirs(self.folder, 0o755, exist_ok=True)
            os.mkdir(self.new, 0o755)
            with open_new(os.path.join(self.new, MARKER)) as mark:
                mark.write(json.dumps({"old": os.path.basename(self.old)}).encode("ascii"))

    def swap(self) -> None:
        """Put the new venv in its place, and the old one beside it."""
        run_as(self.who(), self._swap, _LONGEST)

    def _swap(self) -> None:
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
        return run_as(self.who(), self._undo_all, _LONGEST)

    def _undo_all(self) -> t.Optional[str]:
        with clear_errors(self.path):
            done = self._take_back()
            for sibling in self.siblings("new") + self.siblings("old") + self._half_exchanged():
                if _old_in_marker(sibling) is not None:
                    _remove(sibling)
                    done = done or "the unfinished venv of a killed run was deleted"
            for sibling in self.siblings("new"):
                # The old venv, exchanged and not yet renamed, whose new one is proven or gone.
                os.rename(sibling, sibling.replace("/.new-", "/.old-"))
            if done:
                sync_folder(self.folder)
        return done

    def _take_back(self) -> t.Optional[str]:
        old = _old_in_marker(self.path)
        if old is not None:
            unmarked = [path for path in self.siblings("new") if _old_in_marker(path) is None and os.path.isdir(path)]
            back = next(iter(self._existing(old) + unmarked), None)
            if back:
                exchange(back, self.path)
                return "the previous venv was restored"
            _remove(self.path)
            return "an unfinished venv was deleted"
        if not os.path.lexists(self.path):
            for sibling in self.siblings("new"):
                old = _old_in_marker(sibling)
                for back in [sibling] if old is None else self._existing(old):
                    os.rename(back, self.path)
                    return "the previous venv was restored"
        return None

    def _existing(self, name: str) -> t.List[str]:
        # The marker is the user's: it may name what is not this venv's.
        return [path for path in self.siblings("old") if os.path.basename(path) == name and is_directory(path)]

    def finish(self, keep: int) -> t.Optional[str]:
        """Call the venv in its place proven; keep the newest C(keep) old ones, and return the newest of them."""
        return run_as(self.who(), lambda: self._finish(keep), _LONGEST)

    def _finish(self, keep: int) -> t.Optional[str]:
        with clear_errors(self.path):
            os.unlink(os.path.join(self.path, MARKER))
            self.checkpoint("finished")
        return self._prune(keep)

    def prune(self, keep: int) -> t.Optional[str]:
        """Delete all but the newest C(keep) old venvs, and return the newest that is left."""
        return run_as(self.who(), lambda: self._prune(keep), _LONGEST)

    def _prune(self, keep: int) -> t.Optional[str]:
        kept = self.siblings("old")
        for path in kept[keep:]:
            _remove(path)
        return kept[0] if kept[:keep] else None

    def retire(self, keep: int) -> t.Optional[str]:
        """Move the venv aside, or delete it where none is kept; return where it is now."""
        return run_as(self.who(), lambda: self._retire(keep), _LONGEST)

    def _retire(self, keep: int) -> t.Optional[str]:
        with clear_errors(self.path):
            os.rename(self.path, self.old)
            sync_folder(self.folder)
        return self._prune(keep)


def _old_in_marker(venv: str) -> t.Optional[str]:
    """Return the name of the old venv that the marker in C(venv) gives, None without a marker; a torn one has none."""
    path = os.path.join(venv, MARKER)
    if os.path.islink(venv) or not os.path.lexists(path):
        return None
    try:
        loaded = from_json(read_small(path))
    except (OSError, ValueError):
        # It was killed while it wrote its name: then nothing was swapped yet.
        return ""
    return os.path.basename(str(loaded.get("old", ""))) if isinstance(loaded, dict) else ""


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
