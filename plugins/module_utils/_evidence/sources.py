# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What the sources of evidence share: bounded reading, times, and notes of what was not complete."""

import calendar
import os
import re
import time
import typing as t

from .._base.clock import parse_stamp, utc_stamp_or_none
from .._base.command import CommandRunner, Completed
from .._base.redact import redact
from .._base.text import printable
from .._disk.files import open_to_read
from .records import EvidenceSource

__all__ = ["LINE", "MONTHS", "AbsentError", "Notes", "Search", "Tail", "parse_time"]

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
        self.sources: t.List[EvidenceSource] = []
        self.redactions = 0

    def add(self, name: str, source: str, status: str, detail: str = "") -> None:
        """Note a source: complete, partial, absent or failed."""
        text, count = redact(detail)
        self.redactions += count
        detail = printable(text[:LINE])
        self.sources.append(EvidenceSource(name=name, source=source, status=status, detail=detail))

    def add_file(self, name: str, path: str, whole: bool) -> None:
        """Note a file that was read, as a whole or from its end."""
        self.add(name, path, "complete" if whole else "partial", "" if whole else "only its end was read")

    def add_command(self, name: str, source: str, done: Completed) -> None:
        """Note a command that ended."""
        self.add(name, source, "failed" if done.rc else "complete", done.tail() if done.rc else "")


class Tail(t.NamedTuple):
    """The last lines of a file, and whether these are all."""

    lines: t.List[str]
    whole: bool


class Search(t.NamedTuple):
    """One search on one host, with its limits, in the window from C(since) to C(until) (seconds since the epoch)."""

    runner: CommandRunner
    notes: Notes
    root: str
    now: float
    source_seconds: float
    remaining: t.Callable[[], float]
    since: float = 0.0
    until: float = 0.0

    def within(self, moment: t.Optional[str]) -> bool:
        """Tell whether a stamp is in the window; one that is not known counts."""
        return moment is None or self.since <= parse_stamp(moment) <= self.until

    def path(self, path: str) -> str:
        """Return where to read C(path)."""
        return os.path.join(self.root, path.lstrip("/"))

    def run(self, *argv: str, **env: str) -> Completed:
        """Run a command within the limits, with variables C(env); raises AbsentError when there is none."""
        seconds = max(0.5, min(self.source_seconds, self.remaining()))
        done = self.runner(list(argv), timeout=seconds, env={"TZ": "UTC0", **env})
        if done.rc == 127:
            raise AbsentError(argv[0], f"{argv[0]} is not installed")
        return done

    def text(self, line: str) -> str:
        """Return a line for the report: redacted, printable, bounded."""
        shown, count = redact(line.strip())
        self.notes.redactions += count
        return printable(shown[:LINE]) + ("..." if len(shown) > LINE else "")

    def tail(self, path: str, limit: int = _TAIL) -> t.Optional[Tail]:
        """Return the end of a regular file; null when it is none. No link is followed and nothing is waited for."""
        try:
            stream = open_to_read(self.path(path))
        except OSError:
            return None
        with stream:
            size = os.fstat(stream.fileno()).st_size
            data = os.pread(stream.fileno(), limit, max(0, size - limit))
        lines = data.decode("utf-8", "surrogateescape").split("\n")
        return Tail(lines, True) if size <= limit else Tail(lines[1:], False)


_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,]\d+)?\s*(Z|[+-]\d\d:?\d\d)?")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SYSLOG = re.compile(r"^([A-Z][a-z]{2})\s+(\d{1,2})\s+(\d\d):(\d\d):(\d\d)\s")


def parse_time(text: str, now: float) -> t.Optional[str]:
    """Return the time that a line begins with, else the first one in it, as a stamp, null when there is none.

    Without a zone it is the host's own; without a year it is the last one that makes it lie in the past.
    """
    match = _SYSLOG.match(text)
    if match is None or match.group(1) not in MONTHS:
        match = _ISO.search(text)
        return _iso(match) if match else None
    month, year = MONTHS.index(match.group(1)) + 1, time.localtime(now).tm_year
    fields = [int(field) for field in match.groups()[1:]]
    moment = _local_time(year, month, *fields)
    if moment is not None and moment > now + 86400:
        moment = _local_time(year - 1, month, *fields)
    return utc_stamp_or_none(moment) if moment is not None else None


def _local_time(*fields: int) -> t.Optional[float]:
    try:
        return time.mktime(tuple(fields) + (0, 0, -1))  # type: ignore[arg-type,unused-ignore]
    except (OverflowError, ValueError):
        return None


def _iso(match: "t.Match[str]") -> t.Optional[str]:
    fields = [int(field) for field in match.groups()[:6]]
    zone = match.group(7)
    if zone is None:
        local = _local_time(*fields)
        return utc_stamp_or_none(local) if local is not None else None
    offset = 0
    if zone != "Z":
        offset = (int(zone[1:3]) * 60 + int(zone[-2:])) * (60 if zone[0] == "+" else -60)
    try:
        moment = calendar.timegm((fields[0], fields[1], fields[2], fields[3], fields[4], fields[5], 0, 0, 0))
    except ValueError:
        # No such month: something that only looks like a time.
        return None
    return utc_stamp_or_none(moment - offset)
