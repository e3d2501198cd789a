# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The guard's checker, the one file that is sent to hosts, put together from its parts."""

from __future__ import annotations

from pathlib import Path

from .._shell.parts import part_text, shared_text

__all__ = ["checker_text"]

_FOLDER = Path(__file__).parent / "parts"
# In the order in which somebody who reads the whole file meets them; head begins it, and main is called at its end.
_PARTS = (
    "constants",
    "config",
    "text",
    "changes",
    "rpm",
    "links",
    "files",
    "import_path",
    "traces",
    "alternatives",
    "settings",
    "environment",
    "loader",
    "packages",
    "manager",
    "baseline",
    "output",
    "check",
)


def checker_text() -> str:
    """Return the checker; of the same version always the same."""
    head = (_FOLDER / "head.sh").read_text(encoding="utf-8")
    return "\n".join([head, shared_text(), *(part_text(_FOLDER / f"{name}.sh") for name in _PARTS)])
