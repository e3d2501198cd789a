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
from ansible_collections.fleet.system_python.plugins.plugin_utils._action.first_aid import Trusted
from ansible_collections.fleet.system_python.plugins.plugin_utils._action.trusted_module import TrustedModuleAction
from ansible_collections.fleet.system_python.plugins.plugin_utils._pin.inventory import content_of


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
    arguments: dict[str, object] = {"inventory": "present", "inventory_folder": str(tmp_path), "inventory_group": "web"}
    action.variables = {"inventory_hostname": "web1"}
    action.trusted = Trusted("/usr/bin/python3.9", "/run/isolated")
    result = action.execute(arguments)
    assert (result["failed"], result["kind"]) == (True, "pin_conflict")
    assert (result["changed"], result["plan"]) == (True, [{"part": "marker"}])
