# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each promise of docs/security.md names a test that there is."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/security.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/.]+\.py)(?:::(\w+))?`", PAGE)))


def _tests_in(path: Path) -> "set[str]":
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_the_test_that_shows_a_promise_exists(file: str, test: str) -> None:
    assert not test or test in _tests_in(ROOT / file)
    assert (ROOT / file).is_file()


def test_each_promise_names_one() -> None:
    rows = re.findall(r"^\| promised \|.*\n\|.*\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    assert len(rows) >= 4
    assert [row for table in rows for row in table.splitlines() if "`tests/" not in row.split(" | ")[-1]] == []


def test_reports_go_where_the_collection_is() -> None:
    page = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    galaxy = (ROOT / "galaxy.yml").read_text(encoding="utf-8")
    (repository,) = re.findall(r"^repository: (\S+)", galaxy, re.MULTILINE)
    assert f"({repository})" in page
    assert "@" not in page
