# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Start rpm, and judge whether what it said can be believed: its output is data, its error stream is a remark."""

import os
import re
import typing as t

from .._base.command import CommandRunner, Completed, run_command
from .._base.errors import (
    CommandError,
    DatabaseError,
    InvalidDataError,
    PrivilegeError,
    ReadOnlyError,
    SystemPythonError,
)
from .._base.text import json_text, printable
from .asking import DATABASE_FOLDERS, ENVIRONMENT, database_folder, path_below, require_no_aliases, rpm_command
from .locks import lock_holder_in
from .trouble import HANGS, LOCKED, READ_ONLY, complaints, trouble_of

__all__ = ["Asker"]

_BAD_FORMAT = re.compile(r"incorrect format|unknown tag")
_CHROOT_REFUSED = re.compile(r"[Uu]nable to (?:change root directory|open/stat root)|chroot", re.MULTILINE)
# Seconds for the first answer: a database that is locked, or hangs, shows itself with the first question.
_FIRST_ANSWER = 40.0
# Characters of what an rpm said that did not come to its end.
_SAID = 200
# What shells and timeout give for a program that cannot be started.
_NOT_STARTED = (126, 127)


class Asker:
    """One database and the rpm that is asked for it; see Rpm for the arguments."""

    def __init__(
        self,
        runner: CommandRunner = run_command,
        root: t.Optional[str] = None,
        dbpath: t.Optional[str] = None,
        timeout: float = 60.0,
        check_database: bool = True,
    ) -> None:
        self.calls = 0
        self.root = root
        self.dbpath = dbpath
        self.timeout = timeout
        self._runner = runner
        self._unchecked = check_database
        self._answered = False
        self._remarks: t.Optional[t.List[str]] = None

    def command(self, arguments: t.Sequence[str], program: str = "rpm") -> t.List[str]:
        """Return the command that asks the database of this host, or of the root; nobody's macros are read."""
        return rpm_command(program, self.root, self.dbpath) + list(arguments)

    def ask(
        self,
        arguments: t.Sequence[str],
        timeout: t.Optional[float] = None,
        merged: bool = False,
        program: str = "rpm",
    ) -> Completed:
        """Run rpm and return what it left behind, also when its time, C(timeout) in seconds, was over.

        Raises CommandError when it could not run, DatabaseError when it was killed or printed without end.
        """
        if self._unchecked:
            self._unchecked = False
            self._find_database()
        argv = self.command(arguments, program)
        if merged:
            argv = ["/bin/sh", "-c", 'exec "$@" 2>&1', "sh", *argv]
        if timeout is None:
            timeout = self.timeout if self._answered else min(self.timeout, _FIRST_ANSWER)
        self.calls += 1
        done = self._runner(argv, timeout=timeout, env=ENVIRONMENT)
        if done.rc in _NOT_STARTED and not (merged or done.out.strip()):
            raise CommandError(
                "rpm itself cannot be run, so the package database was not asked; it may well be intact. What was said "
                "is: {0}. Bring rpm and its libraries back first.".format(printable(done.tail()) or "(nothing)"),
                argv=list(argv),
                rc=done.rc,
                output=done.tail(),
                timed_out=False,
            )
        if done.flooded or (done.rc < 0 and not done.timed_out):
            raise self.unreadable("rpm " + done.how(), output=done.tail())
        self._answered = self._answered or not done.timed_out
        return done

    def check(self, done: Completed) -> None:
        """Raise when what rpm said, or did not say, makes its answer worthless. A remark beside it does not."""
        if done.timed_out:
            only = "; it said only: {0}".format(printable(done.tail()[-_SAID:])) if done.tail() else ""
            raise self.unreadable("rpm did not answer within its time limit" + only, output=done.tail())
        if _BAD_FORMAT.search(done.err):
            raise done.error("Cannot ask the package database")
        said = complaints(done.err)
        if said:
            said = complaints(done.err, self._usual_remarks())
        if not said:
            return
        if _CHROOT_REFUSED.search(done.err):
            raise PrivilegeError(
                "rpm cannot change its root folder to {0}, which needs root: {1}".format(
                    printable(self.root or "/"), said[0]
                )
            )
        raise self.unreadable("rpm said: " + "; ".join(said), output=done.tail())

    def _usual_remarks(self) -> t.List[str]:
        """Return what this rpm complains of whatever it is asked, the database apart."""
        if self._remarks is None:
            self._remarks = complaints(self._runner([*rpm_command(), "--eval", ""], timeout=20, env=ENVIRONMENT).err)
        return self._remarks

    def _find_database(self) -> None:
        for given in (self.root, self.dbpath):
            if given is not None and not given.startswith("/"):
                raise InvalidDataError("Not an absolute path: {0}".format(printable(given)), path=given)
        if self.root and not os.path.isdir(self.root):
            raise InvalidDataError("The root folder {0} does not exist.".format(printable(self.root)), path=self.root)
        require_no_aliases()
        folder = database_folder(self.root, self.dbpath)
        if folder is None:
            searched = "{0} (searched: {1})".format(printable(self.root or "/"), ", ".join(DATABASE_FOLDERS))
            place = path_below(self.root, self.dbpath) if self.dbpath else searched
            raise self.unreadable("there is no database file", place)
        # Named to rpm: its default need not be the one that was looked at, and for a root it is that of this host.
        self.dbpath = folder

    def folder(self) -> str:
        """Return where the database lies."""
        return path_below(self.root, self.dbpath or database_folder(self.root) or DATABASE_FOLDERS[-1])

    def unreadable(self, why: str, place: t.Optional[str] = None, output: str = "") -> SystemPythonError:
        """Return the error that the database cannot be read: C(why) in the words of rpm, and what helps."""
        trouble = trouble_of(why + "\n" + output)
        where = place or printable(self.folder())
        if trouble in (LOCKED, HANGS):
            holder = lock_holder_in(self.folder())
            if holder:
                trouble = LOCKED
                why += "; {0} holds a lock on {1}".format(holder, printable(holder.path))
        message = "The package database in {0} cannot be read: {1}. {2}".format(where, why, trouble.advice)
        if trouble is READ_ONLY:
            return ReadOnlyError(message, path=json_text(where), reason=why, output=output)
        return DatabaseError(message, path=where, reason=why, output=output)
