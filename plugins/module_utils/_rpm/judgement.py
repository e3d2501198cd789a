# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What rpm says of one file: whether a package promises its content, and how it differs from what was promised."""

import typing as t

from .packages import RpmFile
from .verify_output import VerifyEntry

__all__ = ["MODE_DIFFERS", "difference", "is_promised"]

# What C(difference) says of a file of which nothing else differs.
MODE_DIFFERS = "its mode differs"


def is_promised(record: t.Optional[RpmFile]) -> bool:
    """Tell whether a package answers for what lies at the path of C(record): a %ghost only reserves the name."""
    return record is not None and not record.is_ghost


def difference(entry: t.Optional[VerifyEntry]) -> str:
    """Return in words how a file is not as its package shipped it, empty when it is. C(entry): null, nothing reported.

    A changed time stamp alone is no difference. For the file that is asked about itself; whether one of many files
    of a package matters, is_drift tells.
    """
    if entry is None:
        return ""
    if entry.missing:
        return "it is missing" + (" ({0})".format(entry.reason) if entry.reason else "")
    if entry.note == "replaced":
        return "a file of another package took its place"
    if entry.unreadable:
        return "its {0} cannot be read".format(" and ".join(entry.unreadable))
    altered = [word for word in entry.altered if word != "mtime"]
    if "digest" in altered or "size" in altered:
        return "its content differs"
    return "its {0} {1}".format(" and ".join(altered), "differs" if len(altered) == 1 else "differ") if altered else ""
