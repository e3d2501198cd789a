# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import importlib
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import (
    LockedError,
    SystemPythonError,
    TransactionError,
    changing_nothing,
)

pytest.importorskip("ansible.module_utils.basic", reason="ansible's module_utils are not importable here")
module = importlib.import_module("ansible_collections.fleet.system_python.plugins.module_utils._base.module")

SPEC: t.Dict[str, t.Dict[str, str]] = {"name": {"type": "str"}}
RunModule = t.Callable[..., t.Dict[str, t.Any]]


def main_of(outcome: t.Union[t.Dict[str, object], SystemPythonError], **rules: t.Any) -> t.Callable[[], None]:
    def work(_module: object) -> t.Dict[str, object]:
        if isinstance(outcome, SystemPythonError):
            raise outcome
        return outcome

    return lambda: module.run_module(work, SPEC, **rules)


def test_the_result_is_that_of_the_work(run_module: RunModule) -> None:
    result = run_module(main_of({"changed": True, "path": "a\udcff", "warnings": ["careful"]}))
    assert (result["changed"], result["path"]) == (True, "a\\xff")
    assert result.get("failed") is None


def test_an_error_is_returned_with_its_kind_and_what_is_known_in_spite_of_it(run_module: RunModule) -> None:
    error = TransactionError("no \udcff", output="x\udcff")
    error.returned["report"] = {"run_id": "1"}
    result = run_module(main_of(error))
    assert {key: result[key] for key in ("failed", "msg", "kind", "details", "changed_nothing", "report")} == {
        "failed": True,
        "msg": "no \\xff",
        "kind": "transaction",
        "details": {"output": "x\\xff"},
        "changed_nothing": False,
        "report": {"run_id": "1"},
    }


@pytest.mark.parametrize(
    ("error", "check_mode", "rules"),
    [
        (LockedError("busy"), False, {}),
        (TransactionError("no"), True, {}),
        (TransactionError("no"), False, {"changes": False}),
    ],
)
def test_it_says_that_nothing_was_changed(
    run_module: RunModule, error: SystemPythonError, check_mode: bool, rules: t.Dict[str, bool]
) -> None:
    assert run_module(main_of(error, **rules), check_mode=check_mode)["changed_nothing"] is True


def test_what_goes_wrong_after_a_change_is_not_said_to_have_changed_nothing() -> None:
    with pytest.raises(TransactionError) as raised, changing_nothing(False):
        raise TransactionError("no")
    assert raised.value.changed_nothing is False
    assert TransactionError.changed_nothing is False


def test_rules_about_options_are_ansibles(run_module: RunModule) -> None:
    result = run_module(main_of({}, required_one_of=[("name",)]))
    assert (result["failed"], "name" in result["msg"]) == (True, True)
