# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any
from unittest.mock import MagicMock

import pytest

from ansible_collections.fleet.system_python.plugins.action.python_facts import ActionModule
from ansible_collections.fleet.system_python.plugins.plugin_utils._action import first_aid as action_first_aid


def asked(monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any]) -> tuple[str, Any]:
    """Return how the action asks for an interpreter, and with which contract."""
    action = ActionModule(
        MagicMock(args=arguments, async_val=0), MagicMock(), MagicMock(), MagicMock(), MagicMock(), MagicMock()
    )
    look = MagicMock()
    for probe in (look.return_value.look.return_value, look.return_value.look_anywhere.return_value):
        probe.interpreter.return_value = None
    monkeypatch.setattr(action_first_aid, "Look", look)
    action.choose({})
    (call,) = [name for name, _args, _kwargs in look.mock_calls if name in ("().look", "().look_anywhere")]
    _host, _supported, contract, _found = look.call_args.args
    return call.lstrip("()."), contract


@pytest.mark.parametrize("root", [None, "", "/", "//", "/.", "/usr/.."])
def test_a_running_host_must_have_an_interpreter_that_rpm_vouches_for(
    monkeypatch: pytest.MonkeyPatch, root: str | None
) -> None:
    assert asked(monkeypatch, {"root": root, "contract": {"id": "x"}}) == ("look", {"id": "x"})


@pytest.mark.parametrize("root", ["/mnt/image", "mnt", "/mnt/../srv"])
def test_an_offline_root_is_looked_at_where_nothing_vouches_for_one(monkeypatch: pytest.MonkeyPatch, root: str) -> None:
    assert asked(monkeypatch, {"root": root, "contract": {"id": "x"}}) == ("look_anywhere", None)
