# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules of the collection run isolated, whoever chose the interpreter and wherever the task runs."""

from __future__ import annotations

from typing import Any
from unittest.mock import MagicMock

import pytest

from ansible_collections.fleet.system_python.plugins.plugin_utils._action.first_aid import Trusted
from ansible_collections.fleet.system_python.plugins.plugin_utils._action.trusted_module import TrustedModuleAction

PLAIN, ISOLATED = "/usr/bin/python3.9", "/run/fleet.system_python/python3.9-isolated"
BY_FIRST_AID = {"interpreter": PLAIN, "isolated_interpreter": ISOLATED}


class Run:
    """One run of an action; C(probed) tells whether the host was asked, C(given) are the variables of the module."""

    def __init__(
        self, variables: dict[str, Any], found: Trusted | None, delegate_to: str | None = None, **args: Any
    ) -> None:
        self.probed = False
        self.given: dict[str, Any] = {}
        self.args: dict[str, Any] = {}
        task = MagicMock(args=args, check_mode=False, async_val=0, delegate_to=delegate_to)
        action: Any = TrustedModuleAction(task, MagicMock(), MagicMock(), MagicMock(), MagicMock(), MagicMock())

        def choose(result: dict[str, object]) -> Trusted | None:
            self.probed = True
            result.update(interpreter=found and found.interpreter, summary="a sentence")
            return found

        def module(task_vars: dict[str, Any], module_args: dict[str, Any], **_options: Any) -> dict[str, Any]:
            self.given, self.args = task_vars, module_args
            return {"changed": False}

        action.choose, action._execute_module = choose, module
        self.result = action.run(task_vars=variables)


def test_a_module_runs_under_the_isolated_interpreter_and_the_play_is_told_the_other() -> None:
    run = Run({}, Trusted(PLAIN, ISOLATED))
    assert run.given["ansible_python_interpreter"] == ISOLATED
    assert run.result == {"changed": False, "interpreter": PLAIN}


@pytest.mark.parametrize(
    ("first_aid", "interpreter", "probed"),
    [
        (BY_FIRST_AID, PLAIN, False),
        (BY_FIRST_AID, "/usr/bin/python3.13", True),
        ({"interpreter": PLAIN}, PLAIN, True),
        ({"interpreter": None, "isolated_interpreter": None}, None, True),
        ("skipped", PLAIN, True),
    ],
)
def test_what_first_aid_chose_counts_while_it_is_the_play_s(first_aid: Any, interpreter: Any, probed: bool) -> None:
    variables = {"python_first_aid_result": first_aid, "ansible_python_interpreter": interpreter}
    run = Run(variables, Trusted(PLAIN, ISOLATED))
    assert (run.probed, run.given["ansible_python_interpreter"]) == (probed, ISOLATED)


def test_another_host_is_asked_itself() -> None:
    variables = {
        "python_first_aid_result": BY_FIRST_AID,
        "ansible_python_interpreter": PLAIN,
        "ansible_delegated_vars": {"web2": {"ansible_host": "192.0.2.2", "ansible_python_interpreter": "/bin/python"}},
    }
    run = Run(variables, Trusted("/usr/bin/python3.12", "/run/other"), delegate_to="web2")
    assert run.probed
    assert run.given["ansible_delegated_vars"]["web2"] == {
        "ansible_host": "192.0.2.2",
        "ansible_python_interpreter": "/run/other",
    }
    assert run.given["ansible_python_interpreter"] == PLAIN


def test_where_nothing_can_vouch_ansible_chooses() -> None:
    assert Run({"inventory_hostname": "web1"}, None).given == {"inventory_hostname": "web1"}


def exceptions(*hosts: str, rule: str = "SP207") -> list[dict[str, Any]]:
    return [{"rule": rule, "path": "/usr/bin/python3.9", "reason": "hardening", "hosts": [host]} for host in hosts]


def test_the_module_gets_the_exceptions_of_its_host() -> None:
    variables = {"inventory_hostname": "web1", "group_names": ["shops"]}
    run = Run(variables, None, exceptions=exceptions("db1", "web*", "shops"))
    assert [one["reason"] for one in run.args["exceptions"]] == ["hardening"] * 2
    assert not any("hosts" in one for one in run.args["exceptions"])


def test_a_mistake_in_an_exception_is_told_before_anything_runs() -> None:
    variables = {"inventory_hostname": "web1", "group_names": []}
    run = Run(variables, None, exceptions=exceptions("db1", rule="SP999"))
    assert (run.result["failed"], run.result["kind"], run.result["changed_nothing"]) == (True, "invalid_data", True)
    assert "unknown rule 'SP999'" in run.result["msg"]
    assert not run.given
