# Copyright (c) 2026, The fleet.system_python contributors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The workflows call commands that exist, and set variables that the test hosts read."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_it_has_least_privileges_and_calls_what_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    assert set(workflow) >= {"name", "on", "permissions", "jobs"}
    assert all("timeout-minutes" in job for job in workflow["jobs"].values())
    called = re.findall(r"(?:run: |&& )make (\w+)", text)
    assert set(called) <= TARGETS


def test_the_gates_run_everything() -> None:
    assert "make test" in (ROOT / ".github/workflows/gates.yml").read_text(encoding="utf-8")


def test_registry_images_are_named_by_variables_that_the_test_hosts_read() -> None:
    text = (ROOT / ".github/workflows/registry-images.yml").read_text(encoding="utf-8")
    known = (ROOT / "tests/hosts/hostkit/images.py").read_text(encoding="utf-8")
    named = re.findall(r"variable: (\w+)", text)
    assert len(named) == 2
    assert [name for name in named if f'"{name}"' not in known] == []
