# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""SP215 and SP216: the way to the packages' files."""

import typing as t

from ..._base.text import printable
from ..records import Observation, WayPart
from ..remedies import set_recorded
from ..rule import Deviation, Policy
from ..ways import CLOSED, OPEN, VOUCHER

__all__ = ["closed", "opened"]


def opened(observation: Observation, _policy: Policy) -> t.Iterator[Deviation]:
    """SP215: others than root may change a folder above the packages' files, or rpm itself."""
    for part in observation["ways"]:
        if part["trouble"] == OPEN:
            why = "which vouches for all the rest" if part["path"] == VOUCHER else "and so exchange what is in it"
            yield _deviation(part, "others than root may change {0}, " + why)


def closed(observation: Observation, _policy: Policy) -> t.Iterator[Deviation]:
    """SP216: ordinary users cannot pass a folder above the packages' files."""
    for part in observation["ways"]:
        if part["trouble"] == CLOSED:
            yield _deviation(part, "ordinary users cannot pass {0}, so they have no system Python")


def _deviation(part: WayPart, sentence: str) -> Deviation:
    return Deviation(
        sentence.format(printable(part["path"])),
        path=part["path"],
        expected=part["expected"],
        actual=part["actual"],
        evidence={"package": part["package"]},
        remedy=set_recorded(part["path"], part["expected"]),
    )
