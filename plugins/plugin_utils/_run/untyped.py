# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Reads data of unknown shape, as tasks return it and JSON files hold it. What has not the type asked for is empty."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["mapping", "mappings", "strings"]


def mapping(value: object) -> Mapping[str, object]:
    """Return C(value) where it is a mapping."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: object) -> list[Mapping[str, object]]:
    """Return the mappings in C(value) where it is a list."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def strings(value: object) -> list[str]:
    """Return the texts in C(value) where it is a list."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
