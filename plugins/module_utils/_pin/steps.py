# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Carry out the steps of the pinning. What is made is noted in the record before."""

import os
import typing as t

from .._base.errors import SystemPythonError
from .._disk.atomic import rewrite_durably
from .._disk.kernel import sync_folder
from .._disk.quarantine import Quarantine
from .._disk.space import clear_errors
from .files import digest_of
from .immutable import set_immutable
from .parts import Parts
from .plan import PinStep
from .record import Made, PinEntry
from .unversioned import ORIGINAL
from .unversioned_steps import UnversionedSteps, without_what_cancels_out

__all__ = ["PinSteps"]

# The parts of which the record has what was made, first to last.
_COMMANDS = ("unversioned", "python3")


class PinSteps:
    """What one run does, for the parts as they were seen under the lock."""

    def __init__(self, parts: Parts, quarantine: Quarantine) -> None:
        self.record = parts.record
        self._going_back = [part for part in _COMMANDS if getattr(parts.settings, part) == ORIGINAL]
        self._quarantine = quarantine
        self._unversioned = UnversionedSteps(parts.host, quarantine)
        self._steps: t.Dict[str, t.Callable[[PinStep], None]] = {
            "write_file": self._write_file,
            "insert_text": self._insert_text,
            "remove_file": self._remove_file,
            "remove_text": self._remove_text,
            "forget": self._forget,
            "set_immutable": self._set_immutable,
            "clear_immutable": self._clear_immutable,
        }

    def carry_out(self, plan: t.Sequence[PinStep]) -> None:
        """Do all steps. Raises SystemPythonError."""
        for step in plan:
            if step["part"] in _COMMANDS:
                self._change_command(step)
            else:
                self._steps[step["action"]](step)
        for part in {step["part"] for step in plan}.intersection(_COMMANDS):
            if self.record.entry(part) and (part in self._going_back or not self.record.made(part)):
                self.record.drop(part)

    def _change_command(self, step: PinStep) -> None:
        part = step["part"]
        if step["action"] == "forget":
            return
        if part in self._going_back:
            self._unversioned.carry_out(step)
            return
        made = self.record.made(part)
        self.record.note(part, PinEntry(made=made + self._unversioned.intended(step)))
        try:
            done = self._unversioned.carry_out(step)
        except SystemPythonError:
            self._give_back(part, made)
            raise
        self.record.note(part, PinEntry(made=without_what_cancels_out(made + done)))

    def _give_back(self, part: str, made: t.Sequence[Made]) -> None:
        """After a step that failed: put back what this run moved out of its way."""
        run_id = self._quarantine.run_id
        for one in made:
            if one.get("run_id") == run_id and not os.path.lexists(one["path"]):
                self._quarantine.put_back(run_id, [one["path"]])
        left = [one for one in made if one.get("run_id") != run_id]
        if left:
            self.record.note(part, PinEntry(made=left))
        else:
            self.record.drop(part)

    def _write_file(self, step: PinStep) -> None:
        path = step["path"]
        if step["keep"]:
            self._quarantine.keep(path, "changed by others; written again", "python_pin")
        folders = self._folders_to_make(step)
        self.record.note(step["part"], PinEntry(path=path, sha256=digest_of(step["text"]), folders=folders))
        _write(path, step["text"])

    def _insert_text(self, step: PinStep) -> None:
        entry = PinEntry(
            path=step["path"], text=step["text"], created=step["created"], folders=self._folders_to_make(step)
        )
        self.record.note(step["part"], entry)
        _write(step["path"], step["content"])

    def _folders_to_make(self, step: PinStep) -> t.List[str]:
        """Return the folders that have to be made for the file, and those that were made for it before."""
        entry = self.record.entry(step["part"])
        found = list(entry["folders"]) if entry and entry["path"] == step["path"] else []
        folder = os.path.dirname(step["path"])
        while not os.path.isdir(folder):
            found.append(folder)
            folder = os.path.dirname(folder)
        return found

    def _remove_file(self, step: PinStep) -> None:
        path = step["path"]
        with clear_errors(path):
            os.unlink(path)
            sync_folder(os.path.dirname(path))
        self._forget(step)

    def _remove_text(self, step: PinStep) -> None:
        _write(step["path"], step["content"])
        self.record.drop(step["part"])

    def _forget(self, step: PinStep) -> None:
        entry = self.record.entry(step["part"]) or PinEntry()
        for folder in entry.get("folders", []):
            if os.path.isdir(folder) and not os.listdir(folder):
                os.rmdir(folder)
        self.record.drop(step["part"])

    def _set_immutable(self, step: PinStep) -> None:
        self.record.note("attributes", PinEntry(paths=sorted({*self.record.immutable(), step["path"]})))
        set_immutable(step["path"], True)

    def _clear_immutable(self, step: PinStep) -> None:
        set_immutable(step["path"], False)
        left = [path for path in self.record.immutable() if path != step["path"]]
        if left:
            self.record.note("attributes", PinEntry(paths=left))
        else:
            self.record.drop("attributes")


def _write(path: str, text: str) -> None:
    with clear_errors(path):
        os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
    rewrite_durably(path, os.fsencode(text))
