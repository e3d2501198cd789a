# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What the probe says of rpm and its database where they cannot be asked: the error that calls it by its name."""

from __future__ import annotations

from ...module_utils._base.errors import CommandError, DatabaseError, ReadOnlyError, SystemPythonError
from ...module_utils._rpm.trouble import HANGS, LOCKED, READ_ONLY, trouble_of
from .script import Answer

__all__ = ["require_database"]

_NOTHING = "Nothing was changed, and no interpreter can be trusted."
_NOT_RUN = ("rpm itself cannot be run", "the programs that start rpm cannot be run")
_STATES = {
    "absent": "there is no database file",
    "0": "it holds no packages at all",
}


def require_database(answer: Answer) -> None:
    """Raise the error of a probe to which rpm did not give answers that can be believed."""
    if answer.has("rpm") and not answer.first("rpm").lines:
        raise DatabaseError(
            "The command rpm is not there, so nothing can be verified. Nothing was changed. Install rpm from a "
            "rescue system, then run again."
        )
    missing = [section.text for section in answer.named("missing-program")]
    if missing and not answer.has("chosen"):
        raise CommandError(
            f"These programs are missing on the host, so rpm cannot be asked: {', '.join(missing)}. {_NOTHING} Bring "
            "their packages (coreutils, grep, sed) back from a rescue system, then run again.",
            missing=missing,
        )
    if answer.has("database"):
        raise _trouble(answer)


def _trouble(answer: Answer) -> SystemPythonError:
    section = answer.first("database")
    said = section.text or _STATES.get(section.word, "it said nothing")
    if said.startswith(_NOT_RUN):
        return CommandError(
            f"The package database was not asked, because {said}. It may well be intact. {_NOTHING} Bring back rpm and "
            "what it needs from a rescue system, then run again.",
            output=said,
        )
    if section.word == "alias":
        return DatabaseError(
            f"rpm is not asked anything, because a file of popt (/etc/popt, /etc/popt.d) gives its options another "
            f"meaning, and nothing vouches for what that runs: {said}. {_NOTHING} Find out who wrote this line, remove "
            "it, and run again.",
            output=said,
        )
    trouble, held = trouble_of(said), ""
    lock = answer.first("lock")
    if lock.words and trouble in (HANGS, LOCKED):
        trouble = LOCKED
        held = f"; process {lock.word} ({lock.text or 'gone'}) holds a lock on {' '.join(lock.words[1:])}"
    message = f"The rpm database cannot be read: {said}{held}. {_NOTHING} {trouble.advice}"
    return ReadOnlyError(message, output=said) if trouble is READ_ONLY else DatabaseError(message, output=said)
