# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from ansible_collections.fleet.system_python.plugins.action.python_runtime import ActionModule
from ansible_collections.fleet.system_python.plugins.plugin_utils._action.first_aid import Trusted

CONTENT = b"an archive"
SHA = hashlib.sha256(CONTENT).hexdigest()


class Run:
    """One run of the action; the module answers with what it is given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any], *answers: dict[str, Any]) -> None:
        check = arguments.pop("check_mode", False)
        task = MagicMock(args=arguments, check_mode=check, diff=False, async_val=0, environment=None, delegate_to=None)
        action = ActionModule(task, MagicMock(), MagicMock(), MagicMock(), MagicMock(), MagicMock())
        self.calls: list[dict[str, Any]] = []
        self.uploaded: list[str] = []
        waiting = list(answers)

        def module(module_args: dict[str, Any], **_options: Any) -> dict[str, Any]:
            self.calls.append(dict(module_args))
            return waiting.pop(0)

        def upload(path: Path) -> str:
            self.uploaded.append(path.name)
            return f"/tmp/there/{path.name}"  # noqa: S108

        monkeypatch.setattr(action, "choose", lambda _found: Trusted("/usr/bin/python3.9", "/run/isolated"))
        monkeypatch.setattr(action, "_execute_module", module)
        monkeypatch.setattr(action, "_find_needle", lambda _folder, path: path)
        monkeypatch.setattr(action.host, "upload", upload)
        self.result = action.run(task_vars={})


@pytest.fixture
def archive(tmp_path: Path) -> str:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(CONTENT)
    return str(path)


def test_nothing_is_sent_to_a_host_that_has_the_runtime(monkeypatch: pytest.MonkeyPatch, archive: str) -> None:
    run = Run(monkeypatch, {"controller_file": archive, "sha256": SHA}, {"changed": False})
    assert (run.uploaded, len(run.calls), run.result["changed"]) == ([], 1, False)


def test_the_archive_is_sent_when_the_module_asks_for_it(monkeypatch: pytest.MonkeyPatch, archive: str) -> None:
    arguments = {"controller_file": archive, "sha256": SHA, "controller_keyring": archive}
    run = Run(monkeypatch, arguments, {"changed": True, "needs_archive": True}, {"changed": True})
    assert run.uploaded == ["a.tar.gz", "a.tar.gz"]
    assert run.calls[1]["path"] == run.calls[1]["keyring"] == "/tmp/there/a.tar.gz"  # noqa: S108
    assert "needs_archive" not in run.result


def test_a_wrong_archive_is_not_sent(monkeypatch: pytest.MonkeyPatch, archive: str) -> None:
    run = Run(monkeypatch, {"controller_file": archive, "sha256": "0" * 64})
    assert (run.result["failed"], run.result["kind"], run.calls) == (True, "checksum", [])


def test_check_mode_sends_nothing(monkeypatch: pytest.MonkeyPatch, archive: str) -> None:
    run = Run(monkeypatch, {"controller_file": archive, "sha256": SHA, "check_mode": True}, {"changed": True})
    assert (run.uploaded, len(run.calls)) == ([], 1)
