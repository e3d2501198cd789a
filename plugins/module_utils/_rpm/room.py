# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What rpm says when there is not enough room for a transaction (rpmProblemString in lib/rpmprob.c)."""

import re
import typing as t

__all__ = ["RoomWanted", "room_wanted"]

# "needs 43MB on the /usr filesystem" until 4.15, "needs 43MB more space on ..." since 4.16, of inodes alike. The number
# is what is missing in all of them (rpmtsCheckDSIProblems in lib/transaction.c).
_LACK = re.compile(
    r"^\s*installing package (\S+) needs ([0-9]+)(?:([KM]?)B(?: more space)?| (?:more )?(inodes)) on the (.+) "
    r"filesystem$",
    re.MULTILINE,
)
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20}


class RoomWanted(t.NamedTuple):
    """What a package lacks on the file system C(mount): C(number) of C(unit), bytes or inodes."""

    package: str
    number: int
    unit: str
    mount: str


def room_wanted(said: str) -> t.Optional[RoomWanted]:
    """Return the first lack of room that rpm complains of, null where it does not."""
    match = _LACK.search(said)
    if match is None:
        return None
    package, number, prefix, inodes, mount = match.groups()
    return RoomWanted(package, int(number) * _UNITS[prefix or ""], inodes or "bytes", mount)
