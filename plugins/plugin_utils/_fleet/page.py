# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.
"""A fleet as one HTML file that needs nothing else: all is inside, and its policy forbids the network.

The files are in C(assets/). Everything from the data is inert JSON; the page's program puts it in place as text.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from pathlib import Path

from .._run.states import PAGE_LABELS
from .records import Fleet

__all__ = ["CHART_SHA256", "CHART_VERSION", "page"]

ASSETS = Path(__file__).parent / "assets"

# As published in the npm package chart.js, dist/chart.umd.min.js; docs/fleet-page.md tells how to take a newer one.
CHART_VERSION = "4.6.1"
CHART_SHA256 = "87364cc2b2a76a6684929e7d6b80b18a897794db38400caff1fcf1791c6925d2"

_MARK = re.compile("@@([A-Z_]+)@@")
# Comments for developer tools: there is no such file here.
_SOURCE_MAP = re.compile(r"\n//# sourceMappingURL=\S*\s*$")
# What could end the element, begin another, or end a line of a program.
_ESCAPES = {char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def page(fleet: Fleet, version: str) -> bytes:
    """Return the file; C(version) is the collection's."""
    chart = _SOURCE_MAP.sub("\n", _asset("chart.js/chart.umd.min.js"))
    script, style = _asset("fleet_page.js"), _asset("fleet_page.css")
    parts = {
        "CHART": chart,
        "CHART_VERSION": CHART_VERSION,
        "COUNT": str(len(fleet["hosts"])),
        "DATA": inert({**fleet, "labels": PAGE_LABELS}),
        "NUMBERS": html.escape(", ".join(f"{fleet['states'][state]} {label}" for state, label in PAGE_LABELS.items())),
        "POLICY": _policy(scripts=(chart, script), style=style),
        "SCRIPT": script,
        "STYLE": style,
        "VERSION": html.escape(version),
    }
    # In one pass: nothing that was put in is looked at again.
    return _MARK.sub(lambda match: parts[match[1]], _asset("fleet_page.html")).encode()


def inert(data: Mapping[str, object]) -> str:
    """Return JSON that cannot leave its element, whatever is in it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return re.sub("[<>&\u2028\u2029]", lambda match: _ESCAPES[match[0]], text)


def _policy(scripts: tuple[str, ...], style: str) -> str:
    """Only exactly these programs run, and nothing is fetched."""
    allowed = " ".join(map(_source, scripts))
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_source(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")
