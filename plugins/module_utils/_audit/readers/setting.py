# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What a file says about environment variables: the form in which each reader of this folder returns it.

A reader is a function from the text of a file to a C(Reading). It runs nothing and opens nothing.
"""

import re
import typing as t

__all__ = ["EVERY", "Included", "Reading", "Setting", "in_force", "joined_lines", "line_of", "reference_in"]

# The name in a setting that takes back all variables at once.
EVERY = ""

_REFERENCE = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?::?[-]|:?\+[^{}]*)?\})")


class Setting(t.NamedTuple):
    """One variable, as one place of a file sets it.

    C(value) is without its quotes; references to other variables stay as they are written. An empty value takes back
    what was set before; null only exports the variable. C(line) counts from 1. C(text) is that line where nothing else
    is done there, else null. What is not C(certain) depends on a condition. Who opens the files adds C(path).
    """

    name: str
    value: t.Optional[str]
    line: int
    text: t.Optional[str] = None
    certain: bool = True
    exported: bool = True
    path: str = ""


class Included(t.NamedTuple):
    """A file that another has read in its place; C(exported) where programs get all that it sets."""

    path: str
    syntax: str
    exported: bool = False


class Reading(t.NamedTuple):
    """What a file sets, in its order, and the files that it includes."""

    settings: t.List[Setting]
    files: t.List[Included]


def in_force(settings: t.Iterable[Setting]) -> t.List[Setting]:
    """Return those of C(settings), read one after the other, that give a variable a value in the end.

    Earlier ones of the same variable are among them: each would hold without the others.
    """
    found: t.Dict[str, t.List[t.Tuple[int, Setting]]] = {}
    for number, one in enumerate(settings):
        if one.value:
            found.setdefault(one.name, []).append((number, one))
        elif one.value is not None and one.certain:
            if one.name == EVERY:
                found.clear()
            found.pop(one.name, None)
    return [one for _number, one in sorted(pair for pairs in found.values() for pair in pairs)]


def reference_in(value: str) -> t.Optional[str]:
    """Return the name of the variable that C(value) is a copy of, so that it is empty without that; else None."""
    match = _REFERENCE.fullmatch(value)
    return (match.group(1) or match.group(2)) if match else None


def line_of(text: str, at: int) -> int:
    """Return the number of the line of C(text) in which the character C(at) stands."""
    return text.count("\n", 0, at) + 1


def joined_lines(text: str) -> t.Iterator[t.Tuple[int, str, t.Optional[str]]]:
    """Yield number, what is said and text of each line; one that ends in a backslash goes on, and has no text then."""
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        first = at
        while lines[at].endswith("\\") and at + 1 < len(lines):
            at += 1
        said = "".join([line[:-1] for line in lines[first:at]] + [lines[at]])
        # With what the end of the file cuts off nothing is done.
        if at == first or lines[at] or at + 1 < len(lines):
            yield first + 1, said, lines[at] if at == first else None
        at += 1
