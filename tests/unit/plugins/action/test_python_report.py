# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.plugins.action import ActionBase

from ansible_collections.fleet.system_python.plugins.action import python_report

ROOT = Path(__file__).resolve().parents[4]
HOSTILE = "../../etc/<b>x\n"


class Hosts:
    """What Ansible has of the hosts' variables."""

    def __init__(self, variables: dict[str, dict[str, Any]]) -> None:
        self.variables = variables

    def raw_get(self, host: str) -> dict[str, Any]:
        return self.variables[host]


def recorded(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ROOT / f"tests/unit/data/evidence/{name}.json").read_text(encoding="utf-8"))
    return loaded


def run(
    folder: Path, variables: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch, **more: Any
) -> dict[str, Any]:
    action = python_report.ActionModule.__new__(python_report.ActionModule)
    action._task = SimpleNamespace(check_mode=False, args={})
    arguments: dict[str, Any] = {"folder": str(folder), "hosts": list(variables), "kind": "audit", "run_id": None}
    arguments |= {"only_found": False, "partial": False, "page": "fleet.html", **more}
    monkeypatch.setattr(ActionBase, "run", lambda *_args: {})
    monkeypatch.setattr(action, "validate_argument_spec", lambda **_spec: (None, arguments))
    return action.run(None, {"hostvars": Hosts(variables)})


def test_each_host_gets_three_files_that_stay_in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    variables: dict[str, dict[str, Any]] = {
        "web1": {
            "python_report_evidence": {"report": recorded("rhel9_overwritten")},
            "system_python_began": "2026-01-31T12:00:00Z",
        },
        HOSTILE: {"ansible_facts": {"system_python": recorded("healthy_rhel9")["facts"]}},
        "gone": {"system_python_outcome": {"state": "failed", "error": {"kind": "unknown", "msg": "no route"}}},
    }
    result = run(tmp_path / "reports", variables, monkeypatch)
    folder = Path(result["folder"])
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        f"{one['stem']}.{extension}" for one in result["files"] for extension in ("md", "html", "json")
    )
    assert [path.name for path in tmp_path.iterdir()] == ["reports"]
    assert result["statuses"] == {"web1": "findings left", HOSTILE: "healthy", "gone": "failed"}
    report = json.loads((folder / "web1.json").read_text(encoding="utf-8"))
    assert report["run"]["started"] == "2026-01-31T12:00:00Z"
    assert report["run"]["collection"] != "unknown"
    assert (folder / "web1.json").stat().st_mode & 0o777 == 0o640


def test_facts_of_others_alone_are_no_answer_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = {"state": "not applicable", "note": "no packages of rpm"}
    facts = {"distribution": "Debian"}
    variables: dict[str, dict[str, Any]] = {
        "web1": {"ansible_facts": facts, "system_python_outcome": {"state": "findings left", "note": "SP207"}},
        "debian": {"ansible_facts": facts, "system_python_outcome": state},
    }
    assert run(tmp_path / "reports", variables, monkeypatch)["statuses"] == {"web1": "findings left"}


def test_a_run_without_anything_to_tell_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {"web1": {"ansible_facts": {"system_python": recorded("healthy_rhel9")["facts"]}}}
    result = run(tmp_path / "reports", variables, monkeypatch, only_found=True)
    assert result["files"] == []
    assert not (tmp_path / "reports").exists()


def test_the_newest_run_is_found_by_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    healthy = {"web1": {"ansible_facts": {"system_python": recorded("healthy_rhel9")["facts"]}}}
    for name in ("first", "second"):
        run(tmp_path, healthy, monkeypatch, run_id=name, partial=name == "second")
        assert (tmp_path / "latest").readlink() == Path(name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "latest", "second"]
    read = [json.loads((tmp_path / name / "web1.json").read_text(encoding="utf-8")) for name in ("first", "latest")]
    assert [one["run"]["partial"] for one in read] == [False, True]


def test_what_others_call_latest_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "latest").mkdir()
    assert run(tmp_path, {"web1": {}}, monkeypatch)["files"]
    assert (tmp_path / "latest").is_dir()
    assert not (tmp_path / "latest").is_symlink()


def test_a_host_that_this_is_not_about_gets_no_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    debian = {"system_python_outcome": {"state": "not applicable"}}
    assert run(tmp_path, {"debian": debian}, monkeypatch, only_found=True)["files"] == []
    result = run(tmp_path, {"debian": debian, "web1": {}}, monkeypatch)
    assert [one["host"] for one in result["files"]] == ["web1"]


def test_variables_of_the_user_are_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    variables: dict[str, dict[str, Any]] = {
        "web1": {"ansible_become_password": "hunter2", "ansible_facts": {"env": {"TOKEN": "hunter2"}}}
    }
    result = run(tmp_path, variables, monkeypatch)
    assert "hunter2" not in "".join(path.read_text(encoding="utf-8") for path in Path(result["folder"]).iterdir())


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(Exception, match="Give another folder in python_report_folder"):
        run(tmp_path / "file", {"web1": {}}, monkeypatch)
