# Copyright (c) 2026, The fleet.system_python contributors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every licence that a file names has its text in the repository, where the header says."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
HEADER_LINES = 12
TEXT = re.compile(r"GNU General Public License [^\n(]*\(see (\w+) or ")
IDENTIFIER = re.compile(r'SPDX-License-Identifier"?\s*[:=]\s*"?([\w.-]+)')


def headers() -> "list[tuple[str, str]]":
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this is no git checkout")
    paths = [ROOT / name for name in listed.stdout.splitlines()]
    return [
        (str(path.relative_to(ROOT)), "".join(path.open(encoding="utf-8", errors="replace").readlines()[:HEADER_LINES]))
        for path in paths
        if path.is_file()
    ]


def test_headers_name_a_file_that_exists() -> None:
    named = {(text, path) for path, head in headers() for text in TEXT.findall(head)}
    assert len(named) > 100
    assert [path for text, path in sorted(named) if not (ROOT / text).is_file()] == []


def test_each_identifier_has_its_text() -> None:
    named = {identifier for _path, head in headers() for identifier in IDENTIFIER.findall(head)}
    declared = set(IDENTIFIER.findall((ROOT / "REUSE.toml").read_text(encoding="utf-8")))
    assert "GPL-3.0-or-later" in named
    assert {path.stem for path in (ROOT / "LICENSES").iterdir()} == named | declared


def test_no_plugin_says_that_it_came_after_the_version_that_is_developed() -> None:
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"].split(".")
    for path in (ROOT / "plugins").rglob("*.py"):
        for added in re.findall(r'^ *version_added: "?([\d.]+)', path.read_text(encoding="utf-8"), re.MULTILINE):
            assert list(map(int, added.split("."))) <= list(map(int, version)), path
