# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
import yaml

from ansible_collections.fleet.system_python.plugins.action.python_first_aid import ActionModule
from ansible_collections.fleet.system_python.plugins.doc_fragments._attributes import ModuleDocFragment
from ansible_collections.fleet.system_python.plugins.modules import python_first_aid as stub
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.acquire import SOURCES

HEALTHY = (
    "uid 0",
    'os-release\nID="rhel"\nVERSION_ID="9.7"',
    "candidate /usr/bin/python3.9 3.9",
    "owners\npython3\tpython3-3.9.2-1.el9.x86_64\n",
    "verify 0\n",
    "start 0\n3.9.2",
    "chosen",
)


def action(monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any], *sections: str, rc: int = 0) -> dict[str, Any]:
    """Run the action on a host that answers its script with these sections."""
    task = MagicMock(args=arguments, check_mode=False, diff=False, async_val=0, environment=None)
    module = ActionModule(task, MagicMock(), MagicMock(), MagicMock(), MagicMock(), MagicMock())
    monkeypatch.setattr(module, "_compute_environment_string", lambda environment: environment.update(A="b c"))

    def execute(command: str, **options: Any) -> dict[str, Any]:
        assert options == {"encoding_errors": "surrogateescape"}
        assert "export A='b c'" in command
        mark = command.partition("mark=")[2].partition("\n")[0]
        text = "".join(f"\n{mark} {section}\n" for section in sections)
        return {"stdout": f"welcome\n{text}", "stderr": "", "rc": rc}

    monkeypatch.setattr(module, "_low_level_execute_command", execute)
    return module.run(task_vars={})


def test_the_result_of_a_healthy_host(monkeypatch: pytest.MonkeyPatch) -> None:
    result = action(monkeypatch, {}, "begin", *HEALTHY, "end")
    assert (result["interpreter"], result["changed"], result.get("failed")) == ("/usr/bin/python3.9", False, None)
    # Ansible would take such a key away, with a warning.
    assert "ansible_facts" not in result


def test_an_error_is_a_failed_result_with_a_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    result = action(monkeypatch, {}, "begin", *HEALTHY, rc=2)
    assert (result["failed"], result["kind"], result["changed"]) == (True, "command_failed", False)
    assert "exit code 2" in result["msg"]


def test_a_wrong_option_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Exception, match="mode"):
        action(monkeypatch, {"mode": "other"}, "begin", "end")


def test_the_documentation_has_the_same_options() -> None:
    documented = {
        **yaml.safe_load(ModuleDocFragment.EXCEPTIONS)["options"],
        **yaml.safe_load(stub.DOCUMENTATION)["options"],
    }
    kept = ("type", "elements", "default", "choices")
    assert {
        name: {key: value for key, value in option.items() if key in kept} for name, option in documented.items()
    } == stub.ARGUMENT_SPEC
    assert documented["sources"]["choices"] == list(SOURCES)


def test_every_return_value_is_documented(monkeypatch: pytest.MonkeyPatch) -> None:
    documented = set(yaml.safe_load(stub.RETURN)) | {"changed"}
    assert set(action(monkeypatch, {}, "begin", *HEALTHY, "end")) <= documented


def test_the_module_itself_only_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    failed = MagicMock(side_effect=SystemExit(1))
    monkeypatch.setattr(
        "ansible_collections.fleet.system_python.plugins.module_utils._base.module.AnsibleModule",
        lambda **options: MagicMock(fail_json=failed, **options),
    )
    with pytest.raises(SystemExit):
        stub.main()
    assert "action plugin" in failed.call_args.kwargs["msg"]
    assert capsys.readouterr().out == ""
    assert not list(tmp_path.iterdir())
