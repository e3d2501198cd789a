# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page: one file, nothing from outside, nothing from the data that runs. tests/browser looks at it in a browser."""

import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from simulated_fleet import BEGIN, report, write_reports

from ansible_collections.fleet.system_python.plugins.plugin_utils._fleet.page import (
    ASSETS,
    CHART_SHA256,
    CHART_VERSION,
    inert,
    page,
)
from ansible_collections.fleet.system_python.plugins.plugin_utils._fleet.shape import fleet_of

HOSTILE = "</script><script>alert(1)</script><!--<script>&amp;@@DATA@@@@CHART@@"


class Page(HTMLParser):
    """The elements of a page, with their attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[int, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        number = len(self.found) - 1
        self.texts[number] = self.texts.get(number, "") + data

    def all(self, tag: str) -> list[tuple[dict[str, str | None], str]]:
        return [(attrs, self.texts.get(number, "")) for number, (name, attrs) in enumerate(self.found) if name == tag]


@pytest.fixture
def text(tmp_path: Path) -> str:
    data = report("x", [HOSTILE], "el9", "failed", BEGIN, 1)
    data.update(host=HOSTILE, note=HOSTILE)
    data["before"]["findings"][0]["summary"] = HOSTILE
    write_reports(tmp_path, [data])
    (tmp_path / "damaged <img src=x>.json").write_text("{")
    return page(fleet_of(tmp_path, None, tmp_path), "1.2.3").decode()


def test_the_library_is_the_published_one() -> None:
    data = (ASSETS / "chart.js/chart.umd.min.js").read_bytes()
    assert hashlib.sha256(data).hexdigest() == CHART_SHA256
    assert f"Chart.js v{CHART_VERSION}\n".encode() in data[:100]
    assert "MIT License" in (ASSETS / "chart.js/LICENSE.md").read_text()


def test_data_cannot_leave_their_element(text: str) -> None:
    scripts = Page(text).all("script")
    assert [attrs.get("type") for attrs, _text in scripts] == ["application/json", None, None]
    data: dict[str, Any] = json.loads(scripts[0][1])
    assert data["hosts"][0]["host"] == HOSTILE
    assert data["hosts"][0]["findings"][0]["summary"] == HOSTILE
    assert text.count("alert(1)") == scripts[0][1].count("alert(1)")


def test_the_data_have_no_character_that_ends_an_element_or_a_line() -> None:
    assert inert({"a": "<>&\u2028\u2029é"}) == '{"a":"\\u003c\\u003e\\u0026\\u2028\\u2029é"}'


def test_the_policy_allows_exactly_these_programs_and_no_network(text: str) -> None:
    found = Page(text)
    policy = next(attrs["content"] for attrs, _text in found.all("meta") if "http-equiv" in attrs)
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["base-uri"] == rules["form-action"] == "'none'"
    assert "unsafe" not in policy
    assert set(rules) == {"default-src", "script-src", "style-src", "img-src", "base-uri", "form-action"}
    assert len(rules["script-src"].split()) == 2


def test_nothing_is_fetched(text: str) -> None:
    found = Page(text)
    for tag, attrs in found.found:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base")
        assert "src" not in attrs
        assert not any(name.startswith("on") or name == "style" for name in attrs)
    for _attrs, style in found.all("style"):
        assert not re.search(r"url\(|@import", style)
    assert "sourceMappingURL" not in text


def test_every_place_of_the_template_is_filled(text: str) -> None:
    without_data = re.sub(r'(?s)<script type="application/json".*?</script>', "", text)
    assert "@@" not in without_data


def test_without_javascript_it_says_the_numbers(text: str) -> None:
    assert "0 healthy, 0 repaired, 0 partly checked, 0 drift found, 0 not repairable, 1 failed" in text
