# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What rpm says beside its answers: which of it is trouble with the database, of what kind, and what helps.

The texts are those of rpm 4.14 to 6.0 (lib/rpmdb.c, lib/rpmlock.c, lib/backend), see docs/notes/asking-rpm.md.
"""

import re
import typing as t

__all__ = ["DEAD", "HANGS", "LOCKED", "READ_ONLY", "Trouble", "complaints", "trouble_of"]

_COMPLAINT = re.compile(r"^(?:error|rpmdb|fatal error): ?(.*)$", re.MULTILINE)
# A warning, and no database at all behind it: every package is "not installed" then.
_DUMMY = re.compile(r"^warning: ?(using dummy database.*)$", re.MULTILINE)


class Trouble(t.NamedTuple):
    """A kind of trouble: C(pattern) finds it in what rpm said, C(advice) says what to do."""

    name: str
    pattern: str
    advice: str


READ_ONLY = Trouble(
    "read-only",
    r"Read-only file system|readonly database",
    "This rpm opens the index for writing even to read it; the database itself is not damaged. Mount its file system "
    "writable (mount -o remount,rw ...) and run again, but not where /usr comes with an image or changes in snapshots.",
)
# Before what follows from it: rpm then says that the database cannot be opened.
DEAD = Trouble(
    "dead environment",
    r"BDB1507|BDB0087|DB_RUNRECOVERY|run database recovery|Thread died in Berkeley DB",
    "An rpm that was killed left the shared memory of Berkeley DB (the files __db.*) locked; nothing is lost. When no "
    "program has the database open (fuser /var/lib/rpm/*), remove them (rm -f /var/lib/rpm/__db.*) and run again. The "
    "role python_first_aid moves them aside then, when it may change the host.",
)
LOCKED = Trouble(
    "locked",
    r"can't create \w+ lock|waiting for \w+ lock|cannot get \w+ lock|database is locked",
    "Wait until that process is done, or end it, and run again. A database that is only locked is not damaged.",
)
HANGS = Trouble(
    "hangs",
    r"time limit|printed without end|ended by signal",
    "Find out what it does: run 'rpm -q rpm' on the host. Possible causes are a file system that hangs, a damaged "
    "library or index, and another program in the place of rpm.",
)
_FORMAT = Trouble(
    "format",
    r"dummy database|invalid %%?_db_backend|Version mismatch|unsupported (?:hash|btree) version",
    "This rpm cannot read its format. Use an rpm of the line that wrote it, or convert it there.",
)
_INDEX = Trouble(
    "index",
    r"contradict",
    "Its index has lost entries. Copy the folder, then make it anew of the packages' headers: rpm --rebuilddb.",
)
_DENIED = Trouble("denied", r"Permission denied", "Only root can read it: run with become.")
_DAMAGED = Trouble(
    "damaged",
    r"",
    "Check the path and its file system, then restore the folder from a backup, or try rpmdb --rebuilddb on a copy of "
    "it.",
)
_TROUBLES = (READ_ONLY, DEAD, LOCKED, HANGS, _FORMAT, _INDEX, _DENIED, _DAMAGED)


def complaints(said: str, remarks: t.Container[str] = ()) -> t.List[str]:
    """Return, each once, what rpm said of trouble with the database; nothing for what is only a remark.

    C(remarks) are complaints that it makes whatever it is asked, as about a line in a file of macros.
    """
    found = _COMPLAINT.findall(said) + _DUMMY.findall(said)
    return [line for line in dict.fromkeys(found) if line not in remarks]


def trouble_of(said: str) -> Trouble:
    """Return what kind of trouble C(said) is about."""
    return next(trouble for trouble in _TROUBLES if re.search(trouble.pattern, said))
