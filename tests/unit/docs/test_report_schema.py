# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The schema of a host's report: it is one, it explains every key, and the recorded reports keep to it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from simulated_fleet import simulate

jsonschema = pytest.importorskip("jsonschema", reason="jsonschema (requirements/scenarios.txt) is not installed")

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = json.loads((ROOT / "docs/report.schema.json").read_text(encoding="utf-8"))
EXAMPLES = sorted((ROOT / "tests/unit/data/reports").glob("*.json"))


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def _properties(node: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for key, value in (node.get("properties") or {}).items():
            yield f"{name}.{key}", value
        for key, value in node.items():
            yield from _properties(value, f"{name}.{key}")
    if isinstance(node, list):
        for value in node:
            yield from _properties(value, name)


def test_every_key_is_explained() -> None:
    silent = [name for name, value in _properties(SCHEMA, "") if "description" not in value and "$ref" not in value]
    assert silent == []


def test_there_is_an_example_of_every_status() -> None:
    statuses = {json.loads(path.read_text(encoding="utf-8"))["status"] for path in EXAMPLES}
    assert statuses == set(SCHEMA["properties"]["status"]["enum"])


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_keep_to_it(path: Path) -> None:
    assert _wrong_in(json.loads(path.read_text(encoding="utf-8"))) == []


def _wrong_in(report: object) -> list[str]:
    return [error.message for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(report)]


def test_the_simulated_reports_keep_to_it() -> None:
    """Those of a fleet as large that each fate happens: tests of the page and of the formats read them."""
    reports = simulate(100)
    assert len({report["status"] for report in reports}) == 5
    assert [wrong for report in reports for wrong in _wrong_in(report)] == []
