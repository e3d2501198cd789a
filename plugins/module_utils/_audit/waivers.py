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

_KEYS = ("rule", "path", "name", "hosts", "reason", "expires")
_WILDCARD = re.compile(r"[*?\[]")
# What names of packages and variables are made of, and wildcards.
_NAME = re.compile(r"(?:[\w.+~*?-]|\[[\w.+~!-]+\])+\Z", re.ASCII)
_OPEN = re.compile(r"\[[^\]]*\]|[^A-Za-z0-9]")
# Fewer letters than these leave nearly every name open.
_LETTERS = 3
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z")


# The ids of the rules, each with what its findings are named by: a path, or what else (see Rule).
Rules = t.Mapping[str, t.Sequence[str]]


class Waiver(t.NamedTuple):
    """One exception; without C(hosts) it is for all, C(expires) is its last day (UTC), null where it has none.

    C(pattern) is that of a path, with a slash at its start, or of a name.
    """

    rule: str
    pattern: str
    reason: str
    expires: t.Optional[str] = None
    hosts: t.Tuple[str, ...] = ()

    def matches(self, name: t.Optional[str]) -> bool:
        """Tell whether it is about a name, or a path, absolute and without links in it, as findings name it."""
        return name is not None and fnmatch.fnmatchcase(name, self.pattern)

    def entry(self) -> t.Dict[str, object]:
        """Return it as C(read_waivers) reads it, without the hosts."""
        key = "path" if self.pattern.startswith("/") else "name"
        return {"rule": self.rule, key: self.pattern, "reason": self.reason, "expires": self.expires}

    def is_expired(self, day: str) -> bool:
        """Tell whether C(day) is after its last one."""
        return self.expires is not None and self.expires < day


def until(expires: t.Optional[str]) -> str:
    """Return the end of an exception for people."""
    return "until {0}".format(expires) if expires else "without end"


def today() -> str:
    """Return the day, in UTC, as exceptions have it."""
    return time.strftime("%Y-%m-%d", time.gmtime())


def read_waivers(entries: object, rules: Rules) -> t.List[Waiver]:
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
        pattern=str(entry.get("path") or entry["name"]),
        reason=printable(" ".join(entry["reason"].split())),
        expires=None if expires is None else str(expires),
        hosts=tuple(_names(entry.get("hosts"))),
    )


def _names(hosts: t.Any) -> t.List[str]:
    return [hosts] if isinstance(hosts, str) else [str(one) for one in hosts or ()]


def _mistakes(entry: object, rules: Rules) -> t.Iterator[str]:
    """Yield what is wrong with one entry; a day that is over is no mistake."""
    if not isinstance(entry, t.Mapping):
        yield "it must have keys ({0}), and is {1!r}".format(", ".join(_KEYS), entry)
        return
    for key in entry:
        if key not in _KEYS:
            yield "unknown key {0!r}; there are {1}".format(key, ", ".join(_KEYS))
    yield from _mistakes_of_rule(entry.get("rule"), rules)
    yield from _mistakes_of_subject(entry, rules)
    if not isinstance(entry.get("reason"), str) or not entry["reason"].strip():
        yield "it has no reason"
    yield from _mistakes_of_hosts(entry.get("hosts"))
    yield from _mistakes_of_day(entry.get("expires"))


def _mistakes_of_rule(rule: object, rules: Rules) -> t.Iterator[str]:
    if not rule:
        yield "it has no rule"
    elif not isinstance(rule, str) or rule not in rules:
        yield "unknown rule {0!r}; docs/findings.md has them all".format(rule)


def _mistakes_of_subject(entry: t.Mapping[str, t.Any], rules: Rules) -> t.Iterator[str]:
    path, name, rule = entry.get("path"), entry.get("name"), entry.get("rule")
    named_by = rules.get(rule, ("path", "name")) if isinstance(rule, str) else ("path", "name")
    others = " or ".join(one for one in named_by if one != "path")
    if path and name:
        yield "it has a path and a name; make two of it"
    elif path and "path" not in named_by:
        yield "no finding of {0} has a path; give the {1} as name".format(rule, others)
    elif path:
        yield from _mistakes_of_path(path)
    elif name and not others:
        yield "a finding of {0} has a path; give that instead of a name".format(rule)
    elif name:
        yield from _mistakes_of_name(name)
    else:
        yield "it has no {0}".format("name (of the {0})".format(others) if "path" not in named_by else "path")


def _mistakes_of_path(path: object) -> t.Iterator[str]:
    if not isinstance(path, str) or not path.startswith("/"):
        yield "the path {0!r} is not absolute".format(path)
    elif printable(path) != path:
        yield "the path {0!r} has a backslash, or what cannot be printed; put ? there".format(path)
    elif os.path.normpath(path) != path or path.startswith("//"):
        yield "no finding has a path like {0!r}; write {1!r}".format(path, os.path.normpath(path.replace("//", "/")))
    elif _is_too_wide(path):
        yield "the path {0!r} matches nearly everything; name at least two folders or files in it".format(path)


def _mistakes_of_name(name: object) -> t.Iterator[str]:
    if not isinstance(name, str) or not _NAME.match(name):
        yield "the name {0!r} is none of a package or variable".format(name)
    elif len(_OPEN.sub("", name)) < _LETTERS:
        yield "the name {0!r} matches nearly everything; put at least {1} letters into it".format(name, _LETTERS)


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
