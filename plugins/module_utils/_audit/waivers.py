# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The exceptions that a user makes: which findings are accepted, why, and until when (docs/exceptions.md).

Paths are matched as fnmatch does, with C(*) for slashes, too: so does C(case) of the shell, in which the guard matches.
"""

import fnmatch
import os
import re
import time
import typing as t

from .._base.errors import InvalidDataError
from .._base.text import printable

__all__ = ["VARIABLE", "Waiver", "of_host", "read_waivers", "today", "until"]

# Where users write them.
VARIABLE = "system_python_exceptions"

_KEYS = ("rule", "path", "hosts", "reason", "expires")
_WILDCARD = re.compile(r"[*?\[]")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z")


class Waiver(t.NamedTuple):
    """One exception; without C(hosts) it is for all, C(expires) is its last day (UTC), null where it has none."""

    rule: str
    path: str
    reason: str
    expires: t.Optional[str] = None
    hosts: t.Tuple[str, ...] = ()

    def matches(self, path: t.Optional[str]) -> bool:
        """Tell whether it is about C(path), absolute and without links in it, as findings name it."""
        return path is not None and fnmatch.fnmatchcase(path, self.path)

    def entry(self) -> t.Dict[str, object]:
        """Return it as C(read_waivers) reads it, without the hosts."""
        return {key: value for key, value in self._asdict().items() if key != "hosts"}

    def is_expired(self, day: str) -> bool:
        """Tell whether C(day) is after its last one."""
        return self.expires is not None and self.expires < day


def until(expires: t.Optional[str]) -> str:
    """Return the end of an exception for people."""
    return "until {0}".format(expires) if expires else "without end"


def today() -> str:
    """Return the day, in UTC, as exceptions have it."""
    return time.strftime("%Y-%m-%d", time.gmtime())


def read_waivers(entries: object, rules: t.Container[str]) -> t.List[Waiver]:
    """Return the exceptions in C(entries), which may be about C(rules). Raises InvalidDataError, with all mistakes."""
    if not isinstance(entries, (list, tuple)):
        raise InvalidDataError("{0} must be a list of exceptions, not {1}.".format(VARIABLE, type(entries).__name__))
    mistakes = [
        "entry {0}: {1}".format(number, one)
        for number, entry in enumerate(entries, 1)
        for one in _mistakes(entry, rules)
    ]
    if mistakes:
        raise InvalidDataError("{0} has mistakes. {1}".format(VARIABLE, "; ".join(mistakes)), mistakes=mistakes)
    return [_waiver(entry) for entry in entries]


def of_host(waivers: t.Iterable[Waiver], host: str, groups: t.Sequence[str] = ()) -> t.List[Waiver]:
    """Return those that are for C(host), by its name in the inventory or a group of it, each a pattern as paths are."""
    names = [host, *groups]
    return [one for one in waivers if not one.hosts or any(fnmatch.filter(names, pattern) for pattern in one.hosts)]


def _waiver(entry: t.Mapping[str, t.Any]) -> Waiver:
    expires = entry.get("expires")
    return Waiver(
        rule=str(entry["rule"]),
        path=str(entry["path"]),
        reason=printable(" ".join(entry["reason"].split())),
        expires=None if expires is None else str(expires),
        hosts=tuple(_names(entry.get("hosts"))),
    )


def _names(hosts: t.Any) -> t.List[str]:
    return [hosts] if isinstance(hosts, str) else [str(one) for one in hosts or ()]


def _mistakes(entry: object, rules: t.Container[str]) -> t.Iterator[str]:
    """Yield what is wrong with one entry; a day that is over is no mistake."""
    if not isinstance(entry, t.Mapping):
        yield "it must have keys ({0}), and is {1!r}".format(", ".join(_KEYS), entry)
        return
    for key in entry:
        if key not in _KEYS:
            yield "unknown key {0!r}; there are {1}".format(key, ", ".join(_KEYS))
    yield from _mistakes_of_rule(entry.get("rule"), rules)
    yield from _mistakes_of_path(entry.get("path"))
    if not isinstance(entry.get("reason"), str) or not entry["reason"].strip():
        yield "it has no reason"
    yield from _mistakes_of_hosts(entry.get("hosts"))
    yield from _mistakes_of_day(entry.get("expires"))


def _mistakes_of_rule(rule: object, rules: t.Container[str]) -> t.Iterator[str]:
    if not rule:
        yield "it has no rule"
    elif not isinstance(rule, str) or rule not in rules:
        yield "unknown rule {0!r}; docs/findings.md has them all".format(rule)


def _mistakes_of_path(path: object) -> t.Iterator[str]:
    if not path:
        yield "it has no path"
    elif not isinstance(path, str) or not path.startswith("/"):
        yield "the path {0!r} is not absolute".format(path)
    elif printable(path) != path:
        yield "the path {0!r} has a backslash, or what cannot be printed; put ? there".format(path)
    elif os.path.normpath(path) != path or path.startswith("//"):
        yield "no finding has a path like {0!r}; write {1!r}".format(path, os.path.normpath(path.replace("//", "/")))
    elif _is_too_wide(path):
        yield "the path {0!r} matches nearly everything; name at least two folders or files in it".format(path)


def _is_too_wide(path: str) -> bool:
    """Tell whether a pattern leaves nearly everything open; a path without wildcards is one thing."""
    plain = [name for name in path.split("/") if name and not _WILDCARD.search(name)]
    return bool(_WILDCARD.search(path)) and len(plain) < 2


def _mistakes_of_hosts(hosts: t.Any) -> t.Iterator[str]:
    if hosts is None or (isinstance(hosts, str) and hosts):
        return
    if not isinstance(hosts, (list, tuple)) or not hosts or not all(isinstance(one, str) and one for one in hosts):
        yield "hosts must be a list of names or groups of the inventory; leave it out for all hosts"


def _mistakes_of_day(expires: object) -> t.Iterator[str]:
    if expires is None:
        return
    try:
        # Of YAML it is a date, not a text. strptime takes 2027-1-1, too, which does not sort.
        time.strptime(str(expires), "%Y-%m-%d")
        is_day = bool(_DAY.match(str(expires)))
    except ValueError:
        is_day = False
    if not is_day:
        yield "expires must be a day like 2027-01-31, and is {0!r}".format(str(expires))
