# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The immutable attribute of files (chattr +i)."""

import os
import re

from .._base.errors import PinImpossibleError
from .._base.text import json_text, printable
from .._disk.files import read_text
from .._disk.kernel import IMMUTABLE, file_flags, set_file_flags

__all__ = ["is_immutable", "require_attributes", "set_immutable"]

_CAP_LINUX_IMMUTABLE = 9


def is_immutable(path: str) -> bool:
    """Tell whether the file has the attribute."""
    return bool((file_flags(path) or 0) & IMMUTABLE)


def set_immutable(path: str, wanted: bool) -> None:
    """Give the file the attribute, or take it away."""
    flags = file_flags(path) or 0
    set_file_flags(path, flags | IMMUTABLE if wanted else flags & ~IMMUTABLE)


def require_attributes(path: str) -> None:
    """Raise PinImpossibleError where the file system, or this process, cannot set the attribute."""
    if not os.path.isfile(path) or os.path.islink(path):
        reason = "it is missing or no regular file (put it back first, role python_restore)"
    elif file_flags(path) is None:
        reason = "its file system has no such attributes"
    elif not _may_set_immutable():
        reason = "this run lacks the capability CAP_LINUX_IMMUTABLE (containers are mostly started without it)"
    else:
        return
    raise PinImpossibleError(
        f"{printable(path)} cannot be made immutable, or changeable again: {reason}. Nothing was changed. Leave "
        "attributes unmanaged here.",
        part="attributes",
        path=json_text(path),
        possible=[],
    )


def _may_set_immutable() -> bool:
    match = re.search(r"^CapEff:\s*([0-9a-f]+)", read_text("/proc/self/status"), re.MULTILINE)
    return bool(match and int(match.group(1), 16) >> _CAP_LINUX_IMMUTABLE & 1)
