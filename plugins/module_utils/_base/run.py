# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What every change of a host has in common: look, plan, take the lock, look again, act."""

import abc
import contextlib
import typing as t

from .errors import SystemPythonError, changing_nothing, clear_os_errors

__all__ = ["Run"]

Seen = t.TypeVar("Seen")
Plan = t.TypeVar("Plan")
Result = t.TypeVar("Result")


class Run(t.Generic[Seen, Plan, Result], metaclass=abc.ABCMeta):
    """One run on this host. A subclass says what it looks at (Seen), what it makes of that (Plan), and how it acts.

    An error says by itself whether it came before the first change: before the lock is taken, and in C(_act) inside of
    C(changing_nothing). None did that comes after a killed run was finished.
    """

    # Whether this run tidied up behind a killed one, which is a change.
    finished_killed_run = False

    def predict(self) -> Result:
        """Return what C(apply) would return, or raise what it would raise, as far as it can be known.

        Nothing is changed, and no lock is taken.
        """
        with changing_nothing():
            self._require_rights()
            seen = self._look()
            return self._predicted(seen, self._plan(seen))

    def apply(self) -> Result:
        """Do what is asked for, and return what was done. Raises SystemPythonError."""
        with changing_nothing():
            settled = self._look_without_lock()
        if settled is not None:
            return settled
        with contextlib.ExitStack() as stack:
            with changing_nothing():
                stack.enter_context(self._lock())
            try:
                with clear_os_errors():
                    return self._act_on_another_look()
            except SystemPythonError as error:
                # Under the lock the kind says nothing about it any more: only what changing_nothing said counts.
                error.changed_nothing = not self.finished_killed_run and vars(error).get("changed_nothing", False)
                raise

    def _act_on_another_look(self) -> Result:
        self.finished_killed_run = self._finish_killed_run()
        with changing_nothing():
            # What was seen before the lock may have been another run's work.
            seen = self._look()
            plan = self._plan(seen)
        return self._act(seen, plan)

    def result(self, check_mode: bool) -> Result:
        """Return what the module returns."""
        return self.predict() if check_mode else self.apply()

    def _look_without_lock(self) -> t.Optional[Result]:
        self._require_rights()
        seen = self._look()
        return None if self._is_unfinished() else self._settled(seen, self._plan(seen))

    def _require_rights(self) -> None:
        """Raise PrivilegeError where this run may not change what it has to."""

    def _is_unfinished(self) -> bool:
        """Tell whether a killed run left something that keeps this one from planning before it is finished."""
        return False

    def _finish_killed_run(self) -> bool:
        """Under the lock: bring what a killed run left half done into a whole state; tell whether there was any."""
        return False

    @abc.abstractmethod
    def _look(self) -> Seen:
        """Return what the host is now."""

    @abc.abstractmethod
    def _plan(self, seen: Seen) -> Plan:
        """Return what has to be done. Raises SystemPythonError where it cannot, or may not, be done."""

    @abc.abstractmethod
    def _predicted(self, seen: Seen, plan: Plan) -> Result:
        """Return the result of a prediction."""

    @abc.abstractmethod
    def _settled(self, seen: Seen, plan: Plan) -> t.Optional[Result]:
        """Return the result where nothing has to be done, null where the host has to be changed."""

    @abc.abstractmethod
    def _lock(self) -> t.ContextManager[object]:
        """Return the lock that keeps other runs away."""

    @abc.abstractmethod
    def _act(self, seen: Seen, plan: Plan) -> Result:
        """Under the lock: carry the plan out, which may be empty by now, and return the result."""
