# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The journal of a repair: what it is about to do, so that the next run knows where an earlier one was killed.

It exists on the disk from C(begin) to C(finish). Repairs are planned from the host's state, never from the journal, so
losing it loses only the knowledge of what was interrupted.
"""

import json
import os
import time
import typing as t

from .._base.clock import utc_stamp
from .._base.errors import JournalError
from .._base.text import from_json, json_text, printable
from .atomic import remove_leftovers, write_durably
from .files import read_bytes
from .hidden import Checkpoint, no_checkpoint
from .kernel import sync_folder
from .space import clear_errors

__all__ = ["DEFAULT_JOURNAL_PATH", "Interrupted", "Journal", "JournalStep"]

DEFAULT_JOURNAL_PATH = "/var/lib/fleet.system_python/journal.json"

# Plain data that JSON can hold; the planner says what is in it.
JournalStep = t.Dict[str, object]

_FORMAT = 1
_STATES = ("planned", "running", "done")


class Interrupted(t.NamedTuple):
    """What a killed run left: its id, when it began (UTC, text), its plan, and each action's state in the same order.

    The states: C(planned), C(running) (begun, perhaps half done) and C(done).
    """

    run_id: str
    started: str
    plan: t.List[JournalStep]
    states: t.List[str]


class Journal:
    """The journal file C(path). Use it under the run lock only: then a journal that exists is one of a killed run.

    C(clock) gives seconds since the epoch. Writing raises DiskFullError or ReadOnlyError as C(write_durably) does.
    """

    def __init__(
        self,
        path: str = DEFAULT_JOURNAL_PATH,
        clock: t.Callable[[], float] = time.time,
        checkpoint: Checkpoint = no_checkpoint,
    ) -> None:
        self.path = path
        self.clock = clock
        self.checkpoint = checkpoint
        self._current: t.Optional[Interrupted] = None

    def begin(self, run_id: str, plan: t.Sequence[JournalStep]) -> None:
        """Write down the plan, before its first action. What an earlier run left here is replaced."""
        folder = os.path.dirname(self.path)
        with clear_errors(self.path):
            if not os.path.isdir(folder):
                os.makedirs(folder, 0o755)
                sync_folder(os.path.dirname(folder))
        self._current = Interrupted(run_id, utc_stamp(self.clock()), list(plan), ["planned"] * len(plan))
        self._save("begun")

    def running(self, *indexes: int) -> None:
        """Note that the actions C(indexes), from 0, begin."""
        self._step(indexes, "running")

    def done(self, *indexes: int) -> None:
        """Note that the actions C(indexes), from 0, are over."""
        self._step(indexes, "done")

    def finish(self) -> None:
        """Take the journal away: the run is over, and nothing is left to be told."""
        self._current = None
        if os.path.lexists(self.path):
            with clear_errors(self.path):
                os.unlink(self.path)
                self.checkpoint("journal removed")
                sync_folder(os.path.dirname(self.path))
        remove_leftovers([os.path.dirname(self.path)])

    def load(self) -> t.Optional[Interrupted]:
        """Return what a killed run left, None when there is nothing. Raises JournalError for a damaged journal."""
        try:
            data = read_bytes(self.path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._damaged("it cannot be opened ({0})".format(error.strerror)) from error
        try:
            loaded = from_json(data.decode("ascii"))
        except ValueError as error:
            raise self._damaged("it is not JSON ({0})".format(error)) from error
        problem = _problem_of(loaded)
        if problem:
            raise self._damaged(problem)
        actions = loaded["actions"]
        return Interrupted(
            loaded["run_id"],
            loaded["started"],
            [action["action"] for action in actions],
            [action["state"] for action in actions],
        )

    def _step(self, indexes: t.Sequence[int], state: str) -> None:
        if self._current is None:
            raise ValueError("begin() comes before the first action")
        for index in indexes:
            self._current.states[index] = state
        self._save("{0} {1}".format(state, indexes[0]))

    def _save(self, step: str) -> None:
        current = t.cast(Interrupted, self._current)
        content = {
            "format": _FORMAT,
            "run_id": current.run_id,
            "started": current.started,
            "pid": os.getpid(),
            "actions": [{"state": state, "action": action} for state, action in zip(current.states, current.plan)],
        }
        # ASCII with escapes: file names with undecodable bytes come back as they were.
        write_durably(self.path, json.dumps(content, indent=1).encode("ascii") + b"\n", checkpoint=self.checkpoint)
        self.checkpoint(step)

    def _damaged(self, problem: str) -> JournalError:
        return JournalError(
            "The journal of an earlier run, {0}, cannot be read: {1}. Move it away and run again; that is safe, "
            "because a repair is planned from the state of the host, and the journal only tells what was "
            "interrupted.".format(printable(self.path), problem),
            path=json_text(self.path),
            problem=problem,
        )


def _problem_of(loaded: object) -> str:
    if not isinstance(loaded, dict) or loaded.get("format") != _FORMAT:
        return "it is not of format {0}".format(_FORMAT)
    for key in ("run_id", "started"):
        if not isinstance(loaded.get(key), str):
            return "it has no {0}".format(key)
    if not isinstance(loaded.get("actions"), list):
        return "it has no list of actions"
    for number, action in enumerate(loaded["actions"], 1):
        if not isinstance(action, dict) or not isinstance(action.get("action"), dict):
            return "action {0} has no content".format(number)
        if action.get("state") not in _STATES:
            return "action {0} has the unknown state {1!r}".format(number, action.get("state"))
    return ""
