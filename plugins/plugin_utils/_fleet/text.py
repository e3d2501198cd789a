# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Texts of a report for a page: safe to print, not too long, in an order that people expect."""

from __future__ import annotations

import re

from ...module_utils._base.text import for_people

__all__ = ["natural_order", "safe_text", "short_text"]

# Longer texts of a finding are cut on the page; the host's own report has all of it.
_LONGEST = 400


def safe_text(value: object) -> str:
    """Return C(value) as text for people; empty where it is null."""
    return "" if value is None else for_people(str(value))


def short_text(value: object) -> str:
    """Return C(value) as C(safe_text), cut earlier."""
    return "" if value is None else for_people(str(value), _LONGEST)


def natural_order(text: str) -> list[tuple[int, int, str]]:
    """Return the key by which web2 comes before web10."""
    parts = re.split(r"([0-9]{1,18})", text)
    return [(1, int(part), "") if index % 2 else (0, 0, part) for index, part in enumerate(parts)]
