# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Whether a repair harmed another package: C(rpm -V) of those that have files where it changed something.

They may be hundreds (of all that has a command in /usr/bin), so their content is read only where something tells that a
file is not the one of before: its size, its time stamp, or that it is gone.
"""

import os
import typing as t

from .._base.text import printable
from .._disk.files import is_directory
from .._disk.root import HOST
from .._rpm.database import Rpm
from .._rpm.judgement import difference
from .._rpm.packages import PackageId
from .._rpm.verify_output import VerifyEntry, is_drift, parse_verify
from .plan import RepairStep
from .possible import changes_of
from .proof import ProofLine

__all__ = ["Neighbours"]

_MARK = "package "
_FOLDERS = _MARK + "%{NAME}-%|EPOCH?{%{EPOCH}}:{0}|:%{VERSION}-%{RELEASE}.%{ARCH}\n[%{DIRNAMES}\n]"


class Neighbours:
    """The packages, beside those named C(own), with files in folders in which C(plan) changes something.

    What is seen when this is made is what was before. C(plan) is that of a repair with its state in C(state_folder).
    """

    def __init__(self, plan: t.Sequence[RepairStep], own: t.Collection[str], rpm: Rpm, state_folder: str) -> None:
        self._rpm = rpm
        changes = changes_of(plan, state_folder)
        changed = {HOST.canonical(path) for path in {*changes.replaced, *changes.touched, *changes.moved}}
        self._folders = {os.path.dirname(path) for path in changed}
        # What lies behind a folder, or a link to one, goes with it.
        self._below = tuple(path + "/" for path in changed if is_directory(path) or os.path.isdir(path))
        self._labels = self._packages(own)
        # These change because they should.
        self._wanted = {path for step in plan for path in step.get("keep", [])}
        self._wanted.update(step["path"] for step in plan if step["action"] in ("unset_variables", "set_metadata"))
        self._before = self._look()

    def _packages(self, own: t.Collection[str]) -> t.List[str]:
        done = self._rpm.ask(["-q", "-a", "--qf", _FOLDERS])
        self._rpm.check(done)
        found: t.Dict[str, None] = {}
        label = ""
        for line in done.out.splitlines():
            if line.startswith(_MARK):
                label = line[len(_MARK) :]
            elif line.startswith("/") and self._is_touched(line.rstrip("/")):
                found[label] = None
        return [label for label in found if label.rpartition("-")[0].rpartition("-")[0] not in own]

    def _is_touched(self, folder: str) -> bool:
        folder = HOST.canonical(folder)
        return folder in self._folders or (folder + "/").startswith(self._below)

    def _look(self) -> t.Dict[str, VerifyEntry]:
        """Return what of theirs deviates there, by path; their content is not read."""
        if not self._labels:
            return {}
        done = self._rpm.ask(["-V", "--nodeps", "--noscripts", "--nofiledigest", "--"] + self._labels)
        self._rpm.check(done)
        entries = parse_verify(done.out)
        return {one.path: one for one in entries if self._is_touched(os.path.dirname(one.path))}

    def judged(self) -> ProofLine:
        """Return the line of the proof: whether any of them is worse than before."""
        changed = [path for path, entry in self._look().items() if self._may_be_worse(entry)]
        worse = self._worse(changed) if changed else []
        said = "; ".join(worse) or "{0} verified, none worse".format(len(self._labels))
        return ProofLine(command="other packages", ok=not worse, output=said)

    def _may_be_worse(self, entry: VerifyEntry) -> bool:
        before = self._before.get(entry.path)
        is_other = "mtime" in entry.altered and (before is None or "mtime" not in before.altered)
        return entry.path not in self._wanted and (_harm(entry) > _harm(before) or is_other)

    def _worse(self, paths: t.Sequence[str]) -> t.List[str]:
        owners = self._rpm.owners(paths)
        labels = sorted({one.label for found in owners.values() for one in found}.intersection(self._labels))
        entries = {entry.path: entry for entry in self._rpm.verify(labels).entries}
        worse = [entries[path] for path in sorted(set(paths).intersection(entries))]
        return [
            "{0} of the package {1}: {2}".format(printable(one.path), _named(owners[one.path]), difference(one))
            for one in worse
            if _harm(one) > _harm(self._before.get(one.path))
        ]


def _harm(entry: t.Optional[VerifyEntry]) -> int:
    if entry is None or not is_drift(entry):
        return 0
    return 2 if entry.missing else 1


def _named(owners: t.Sequence[PackageId]) -> str:
    return ", ".join(sorted({owner.name for owner in owners})) or "that had it"
