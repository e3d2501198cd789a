# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Parts of shell scripts, and those that the scripts of first aid and the guard's checker have in common."""

from __future__ import annotations

from pathlib import Path

__all__ = ["part_text", "shared_text"]

_SHARED = ("limited", "folders", "database", "rpm_settings")


def part_text(path: Path) -> str:
    """Return a part without its header, which ends with the first empty line."""
    return path.read_text(encoding="utf-8").partition("\n\n")[2]


def shared_text() -> str:
    """Return the parts of this folder. They define functions, which need C(NL) and C(TAB) when they are called."""
    return "\n".join(part_text(Path(__file__).with_name(f"{name}.sh")) for name in _SHARED)
