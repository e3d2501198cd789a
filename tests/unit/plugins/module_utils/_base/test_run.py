# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import contextlib
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import (
    LockedError,
    SystemPythonError,
    changing_nothing,
)
from ansible_collections.fleet.system_python.plugins.module_utils._base.run import Run


class Recorded(Run[int, t.List[str], t.List[str]]):
    """C(seen): what each look sees. C(fails): the step that raises an error. C(steps): what was done, in its order."""

    error: t.Type[SystemPythonError] = SystemPythonError

    def __init__(self, *seen: int, fails: str = "", killed: bool = False, unfinished: bool = False) -> None:
        self.steps: t.List[str] = []
        self._seen = list(seen)
        self._fails = fails
        self._killed = killed
        self._unfinished = unfinished

    def _step(self, name: str) -> None:
        self.steps.append(name)
        if name == self._fails:
            raise self.error(name)

    def _require_rights(self) -> None:
        self._step("rights")

    def _is_unfinished(self) -> bool:
        return self._unfinished

    def _finish_killed_run(self) -> bool:
        self._step("finish")
        return self._killed

    def _look(self) -> int:
        seen = self._seen.pop(0)
        self._step("look {0}".format(seen))
        return seen

    def _plan(self, seen: int) -> t.List[str]:
        self._step("plan {0}".format(seen))
        return ["work"] * seen

    def _predicted(self, seen: int, plan: t.List[str]) -> t.List[str]:
        return ["would", str(seen)] + plan

    def _settled(self, seen: int, plan: t.List[str]) -> t.Optional[t.List[str]]:
        return None if plan or seen else []

    @contextlib.contextmanager
    def _lock(self) -> t.Iterator[None]:
        self._step("lock")
        yield
        self._step("unlock")

    def _act(self, seen: int, plan: t.List[str]) -> t.List[str]:
        with changing_nothing():
            self._step("test")
        self._step("act")
        return plan + [str(seen)]


def test_a_host_on_which_nothing_is_to_be_done_is_not_locked() -> None:
    run = Recorded(0)
    assert run.apply() == []
    assert run.steps == ["rights", "look 0", "plan 0"]


def test_what_was_seen_before_the_lock_does_not_count() -> None:
    run = Recorded(2, 1)
    assert run.apply() == ["work", "1"]
    assert run.steps == ["rights", "look 2", "plan 2", "lock", "finish", "look 1", "plan 1", "test", "act", "unlock"]


def test_there_is_no_plan_before_what_a_killed_run_left_is_finished() -> None:
    run = Recorded(1, 0, unfinished=True)
    assert run.apply() == ["0"]
    assert run.steps == ["rights", "look 1", "lock", "finish", "look 0", "plan 0", "test", "act", "unlock"]


def test_a_prediction_only_looks() -> None:
    run = Recorded(1)
    assert run.result(check_mode=True) == ["would", "1", "work"]
    assert run.steps == ["rights", "look 1", "plan 1"]


@pytest.mark.parametrize(
    ("fails", "killed", "changed_nothing"),
    [
        ("rights", False, True),
        ("look 2", True, True),
        ("plan 2", False, True),
        ("lock", False, True),
        ("finish", False, False),
        ("look 1", False, True),
        ("plan 1", False, True),
        ("plan 1", True, False),
        ("test", False, True),
        ("test", True, False),
        ("act", False, False),
    ],
)
@pytest.mark.parametrize("error", [SystemPythonError, LockedError])
def test_an_error_says_whether_it_came_before_the_first_change(
    fails: str, killed: bool, changed_nothing: bool, error: t.Type[SystemPythonError]
) -> None:
    run = Recorded(2, 1, fails=fails, killed=killed)
    run.error = error
    with pytest.raises(error, match=fails) as raised:
        run.apply()
    assert raised.value.changed_nothing is changed_nothing
