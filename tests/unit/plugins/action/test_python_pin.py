# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action of python_pin: what it makes of the module's result and the inventory."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.fleet.system_python.plugins.action.python_pin import ActionModule
from ansible_collections.fleet.system_python.plugins.plugin_utils._pin_inventory import content_of
from ansible_collections.fleet.system_python.plugins.plugin_utils._trusted_module import TrustedModuleAction


def test_what_was_done_is_told_although_another_host_was_faster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def module(*_words: Any) -> dict[str, Any]:
        folder = tmp_path / "group_vars/web"
        folder.mkdir(parents=True)
        (folder / "fleet_system_python.yml").write_text(content_of("/usr/bin/python3.12"))
        return {"changed": True, "plan": [{"part": "marker"}], "summary": ["changed"]}

    monkeypatch.setattr(TrustedModuleAction, "execute", module)
    action = ActionModule.__new__(ActionModule)
    action._task = SimpleNamespace(check_mode=False)
    arguments = {"inventory": "present", "inventory_folder": str(tmp_path), "inventory_group": "web"}
    variables = {"ansible_python_interpreter": "/usr/bin/python3.9", "inventory_hostname": "web1"}
    result = action.execute(arguments, variables)
    assert (result["failed"], result["kind"]) == (True, "pin_conflict")
    assert (result["changed"], result["plan"]) == (True, [{"part": "marker"}])
