# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What the sources of evidence share: bounded reading, times, and notes of what was not complete."""

import calendar
import os
import re
import stat
import time
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._command import CommandRunner, Completed
from ansible_collections.fleet.system_python.plugins.module_utils._redact import redact
from ansible_collections.fleet.system_python.plugins.module_utils._text import printable

__all__ = ["LINE", "AbsentError", "Notes", "Search", "parse_time", "stamp", "stamp_or_none"]

# Characters of one line that are kept.
LINE = 300

_TAIL = 256 << 10


class AbsentError(Exception):
    """The host has no such source."""

    def __init__(self, source: str, detail: str) -> None:
        super().__init__(detail)
        self.source = source
        self.detail = detail


class Notes:
    """What was asked, what came of it, and how many secrets were taken out."""

    def __init__(self) -> None:
        self.sources: t.List[t.Dict[str, str]] = []
        self.redactions = 0

    def add(self, name: str, source: str, status: str, detail: str = "") -> None:
        """Note a source: complete, partial, absent or failed."""
        text, count = redact(detail)
        self.redactions += count
        self.sources.append({"name": name, "source": source, "status": status, "detail": printable(text[:LINE])})


class Search:
    """One search on one host, with its limits."""

    def __init__(
        self,
        runner: CommandRunner,
        notes: Notes,
        root: str,
        now: float,
        source_seconds: float,
        remaining: t.Callable[[], float],
        since: float = 0.0,
        until: float = 0.0,
    ) -> None:
        self.runner = runner
        self.notes = notes
        self.root = root
        self.now = now
        self.source_seconds = source_seconds
        self.remaining = remaining
        self.since = since
        self.until = until

    def around(self, since: float, until: float) -> "Search":
        """Return the same search for this window, in seconds since the epoch."""
        return Search(
            self.runner,
            self.notes,
            self.root,
            self.now,
            self.source_seconds,
            self.remaining,
            since,
            min(until, self.now),
        )

    @staticmethod
    def seconds(text: str) -> float:
        """Return the seconds since the epoch of a stamp."""
        return float(calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ")))

    def within(self, moment: t.Optional[str]) -> bool:
        """Tell whether a stamp is in the window; one that is not known counts."""
        return moment is None or self.since <= self.seconds(moment) <= self.until

    def path(self, path: str) -> str:
        """Return where to read C(path)."""
        return os.path.join(self.root, path.lstrip("/"))

    def run(self, *argv: str) -> Completed:
        """Run a command within the limits; raises AbsentError when there is none."""
        done = self.runner(list(argv), timeout=max(0.5, min(self.source_seconds, self.remaining())), env={"TZ": "UTC0"})
        if done.rc == 127:
            raise AbsentError(argv[0], "{0} is not installed".format(argv[0]))
        return done

    def text(self, line: str) -> str:
        """Return a line for the report: redacted, printable, bounded."""
        shown, count = redact(line.strip())
        self.notes.redactions += count
        return printable(shown[:LINE]) + ("..." if len(shown) > LINE else "")

    def tail(self, path: str, limit: int = _TAIL) -> t.Optional[t.Tuple[t.List[str], int, bool]]:
        """Return the last lines of a regular file: C((lines, number of the first, whether all)); null when it is none.

        Links are not followed and nothing is waited for. The number is 0 when not all of the file was read.
        """
        try:
            descriptor = os.open(self.path(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                return None
            data = os.pread(descriptor, limit, max(0, found.st_size - limit))
        finally:
            os.close(descriptor)
        whole = found.st_size <= limit
        lines = data.decode("utf-8", "surrogateescape").split("\n")
        return (lines, 1, True) if whole else (lines[1:], 0, False)


def stamp(seconds: float) -> str:
    """Return seconds since the epoch as C(2026-01-31T12:00:00Z)."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def stamp_or_none(seconds: float) -> t.Optional[str]:
    """Return the stamp of seconds that anybody may have written down or set; null for no year of four digits."""
    return stamp(seconds) if _EARLIEST <= seconds <= _LATEST else None


# The years 1000 and 9999.
_EARLIEST = float(calendar.timegm((1000, 1, 1, 0, 0, 0, 0, 0, 0)))
_LATEST = float(calendar.timegm((9999, 12, 31, 23, 59, 59, 0, 0, 0)))

_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,]\d+)?\s*(Z|[+-]\d\d:?\d\d)?")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SYSLOG = re.compile(r"^([A-Z][a-z]{2})\s+(\d{1,2})\s+(\d\d):(\d\d):(\d\d)\s")


def parse_time(text: str, now: float) -> t.Optional[str]:
    """Return the time that a line begins with, else the first one in it, as a stamp, null when there is none.

    Without a zone it is the host's own; without a year it is the last one that makes it lie in the past.
    """
    match = _SYSLOG.match(text)
    if match is None or match.group(1) not in _MONTHS:
        match = _ISO.search(text)
        return _iso(match) if match else None
    month, year = _MONTHS.index(match.group(1)) + 1, time.localtime(now).tm_year
    fields = [int(field) for field in match.groups()[1:]]
    moment = _local(year, month, *fields)
    if moment is not None and moment > now + 86400:
        moment = _local(year - 1, month, *fields)
    return stamp_or_none(moment) if moment is not None else None


def _local(*fields: int) -> t.Optional[float]:
    try:
        return time.mktime(tuple(fields) + (0, 0, -1))  # type: ignore[arg-type,unused-ignore]
    except (OverflowError, ValueError):
        return None


def _iso(match: "t.Match[str]") -> t.Optional[str]:
    fields = [int(field) for field in match.groups()[:6]]
    zone = match.group(7)
    if zone is None:
        local = _local(*fields)
        return stamp_or_none(local) if local is not None else None
    offset = 0
    if zone != "Z":
        offset = (int(zone[1:3]) * 60 + int(zone[-2:])) * (60 if zone[0] == "+" else -60)
    try:
        moment = calendar.timegm((fields[0], fields[1], fields[2], fields[3], fields[4], fields[5], 0, 0, 0))
    except ValueError:
        # No such month: something that only looks like a time.
        return None
    return stamp_or_none(moment - offset)
