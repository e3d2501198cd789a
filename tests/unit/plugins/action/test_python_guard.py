# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from ansible_collections.fleet.system_python.plugins.action.python_guard import ActionModule


@pytest.mark.parametrize(("state", "sent"), [("present", ["guard.sh"]), ("absent", [])])
def test_the_checker_is_brought_to_the_host(monkeypatch: pytest.MonkeyPatch, state: str, sent: list[str]) -> None:
    uploaded: list[str] = []
    task = MagicMock(args={"state": state}, check_mode=False, async_val=0)
    action = ActionModule(task, MagicMock(), MagicMock(), MagicMock(), MagicMock(), MagicMock())

    def upload(path: Path) -> str:
        assert path.is_file()
        uploaded.append(path.name)
        return "/srv/guard.sh"

    def module(module_args: dict[str, Any], **_options: Any) -> dict[str, Any]:
        return {"changes": [str(module_args.get("checker"))]}

    monkeypatch.setattr(action, "choose", lambda _found: None)
    monkeypatch.setattr(action.host, "upload", upload)
    monkeypatch.setattr(action, "_execute_module", module)
    assert action.run(task_vars={}) == {"changes": ["/srv/guard.sh" if sent else "None"]}
    assert uploaded == sent
