# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import LockedError
from ansible_collections.fleet.system_python.plugins.plugin_utils._action.base import CollectionAction


class Action(CollectionAction):
    """Does half of its work."""

    def perform(self, result: dict[str, object]) -> None:
        result.update(changed=True, host=self.variables["inventory_hostname"])
        raise LockedError("The host is locked.", holder="another run")


def action() -> CollectionAction:
    return Action(
        MagicMock(async_val=0, check_mode=False), MagicMock(), MagicMock(), MagicMock(), MagicMock(), MagicMock()
    )


def test_what_was_done_stays_in_the_result_of_a_failure() -> None:
    result = action().run(task_vars={"inventory_hostname": "web1"})
    assert (result["changed"], result["host"], result["failed"], result["kind"]) == (True, "web1", True, "locked")
    assert (result["msg"], result["details"]) == ("The host is locked.", {"holder": "another run"})
    assert result["changed_nothing"] is False


def test_uploads_share_a_folder_and_never_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = action()
    made = MagicMock(return_value="/root/.ansible-1")
    monkeypatch.setattr(module, "_make_tmp_path", made)
    monkeypatch.setattr(module, "_transfer_file", MagicMock())
    targets = {module.host.upload(Path("/a/x.rpm")), module.host.upload(Path("/b/x.rpm"))}
    assert len(targets) == 2
    assert {str(Path(target).parent) for target in targets} == {"/root/.ansible-1"}
    made.assert_called_once_with()
