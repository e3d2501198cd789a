# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Points in time as text: the stamps of manifests, journals and reports, always in UTC. Moments are seconds since the
epoch, whole seconds in text."""

import calendar
import os
import time
import typing as t

__all__ = ["name_stamp", "new_run_id", "parse_stamp", "utc_stamp", "utc_stamp_or_none"]

_STAMP = "%Y-%m-%dT%H:%M:%SZ"
# The years 1000 and 9999.
_EARLIEST = float(calendar.timegm((1000, 1, 1, 0, 0, 0, 0, 0, 0)))
_LATEST = float(calendar.timegm((9999, 12, 31, 23, 59, 59, 0, 0, 0)))


def utc_stamp(seconds: float) -> str:
    """Return a moment as C(2026-01-31T12:00:00Z)."""
    return time.strftime(_STAMP, time.gmtime(seconds))


def utc_stamp_or_none(seconds: float) -> t.Optional[str]:
    """Return the stamp of a moment that anybody may have written down or set; null for no year of four digits."""
    return utc_stamp(seconds) if _EARLIEST <= seconds <= _LATEST else None


def parse_stamp(text: str) -> float:
    """Return the moment of a stamp that C(utc_stamp) made. Raises ValueError for other text."""
    return float(calendar.timegm(time.strptime(text, _STAMP)))


def name_stamp(seconds: float) -> str:
    """Return a moment as C(20260131T120000.250000Z): in names that sort by it, however soon they follow."""
    whole, fraction = divmod(round(seconds * 1e6), 1000000)
    return f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime(whole))}.{fraction:06d}Z"


def new_run_id(seconds: float, mark: str = "") -> str:
    """Return a name for a run that begins at a moment; two runs never share one. C(mark) tells runs of a kind apart."""
    begin = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))
    return "-".join([begin] + ([mark] if mark else []) + [os.urandom(3).hex()])
