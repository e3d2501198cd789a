# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guard's checker notices the variables that the audit notices: its functions, on files below a folder."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.contract import contract_for
from ansible_collections.fleet.system_python.plugins.module_utils._guard.config import render
from ansible_collections.fleet.system_python.plugins.plugin_utils._guard.checker import checker_text
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.settings_cases import (
    INCLUDED,
    NOTHING,
    PLACES,
)

CONFIG = render(contract_for({"ID": "rhel", "VERSION_ID": "9"}))


def found(root: Path, files: dict[str, str]) -> list[str]:
    """Return the paths that the checker names, where the settings files are below C(root)."""
    for path, text in files.items():
        (root / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
        (root / path.lstrip("/")).write_text(text.replace("/opt/app/env", f"{root}/opt/app/env"))
    lines = [
        "\t".join([*line.split("\t")[:3], str(root) + line.split("\t")[3]]) if line.startswith("settings") else line
        for line in CONFIG.splitlines()
    ]
    (root / "guard.conf").write_text("\n".join(lines) + "\n")
    (root / "work").mkdir()
    functions = checker_text().replace('main "$@"\n', "")
    (root / "guard.sh").write_text(
        functions
        + f"config={root}/guard.conf work={root}/work\nload_config\nread_settings\nlist_variables\njudge_variables\n"
    )
    done = subprocess.run(["sh", root / "guard.sh"], capture_output=True, text=True, check=True)
    assert not done.stderr
    told = root / "work/findings"
    return [json.loads(line)["path"] for line in told.read_text().splitlines()] if told.exists() else []


@pytest.mark.parametrize(("path", "text", "_who"), PLACES, ids=[place[0] for place in PLACES])
def test_what_the_audit_notices(tmp_path: Path, path: str, text: str, _who: str) -> None:
    assert found(tmp_path, {path: "\n" + text + "\n"}) == [str(tmp_path) + path]


@pytest.mark.parametrize(("path", "text", "included"), INCLUDED)
def test_what_is_included(tmp_path: Path, path: str, text: str, included: str) -> None:
    assert found(tmp_path, {path: text, "/opt/app/env": included}) == [f"{tmp_path}/opt/app/env"]


@pytest.mark.parametrize("files", NOTHING, ids=[" ".join(files) for files in NOTHING])
def test_what_the_audit_leaves_alone(tmp_path: Path, files: dict[str, str]) -> None:
    assert not found(tmp_path, files)
