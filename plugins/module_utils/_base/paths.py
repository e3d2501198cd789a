# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What the names of files say by themselves, whatever is on the disk."""

__all__ = ["is_in"]


def is_in(path: str, *folders: str) -> bool:
    """Tell whether C(path) is one of C(folders), or lies below one of them."""
    return any(path == folder or path.startswith(folder.rstrip("/") + "/") for folder in folders)
