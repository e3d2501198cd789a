# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The exceptions of a task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...module_utils._audit.waivers import Waiver, of_host
from ...module_utils._base.errors import changing_nothing

__all__ = ["own_waivers"]


def own_waivers(entries: object, variables: Mapping[str, Any]) -> list[Waiver]:
    """Return those that are for the host with these variables. Raises InvalidDataError, with all mistakes."""
    if not entries:
        return []
    # Few users have any, and it brings all rules with it, which are compiled at each start.
    from ...module_utils._audit.findings import waivers_of  # noqa: PLC0415

    with changing_nothing():
        return of_host(waivers_of(entries), variables["inventory_hostname"], variables["group_names"])
