# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Text that is safe to print and to put into JSON."""

import json
import typing as t

__all__ = [
    "for_people",
    "from_json",
    "json_text",
    "lines_for_people",
    "printable",
    "safe",
    "shortened",
    "shortened_list",
]

_Value = t.TypeVar("_Value")


# Digits of a number; Python takes quadratic time for those of millions.
_LONGEST_NUMBER = 400


def from_json(text: str) -> t.Any:
    """Return what the JSON C(text) says, which anybody may have written. Raises ValueError, and nothing else."""
    try:
        return json.loads(text, parse_int=_number, parse_constant=_number)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _number(digits: str) -> int:
    if len(digits) > _LONGEST_NUMBER or not digits.lstrip("-").isdigit():
        raise ValueError("it has a number that is none, or is too long")
    return int(digits)


def printable(text: str) -> str:
    """Return C(text) with control, undecodable and invisible characters written as backslash escapes.

    A backslash is doubled so that the original can be told from its escape.
    """
    return "".join(_escape(char) for char in text)


def for_people(text: str, longest: int = 2000) -> str:
    """Return C(text) as one line that does nothing to a terminal, a log or a page, and is not longer than C(longest).

    Every text that a host, an image or a user may have made is shown through this; what is printable stays as it is.
    """
    if len(text) > longest:
        text = text[: longest - 1] + "\u2026"
    return text if text.isprintable() else printable(text)


def lines_for_people(text: str, most: int = 1000) -> str:
    """Return the first C(most) lines of C(text), each made by C(for_people)."""
    lines = text.split("\n", most)
    return "\n".join([for_people(line) for line in lines[:most]] + (["\u2026"] if len(lines) > most else []))


def _escape(char: str) -> str:
    if char == "\\":
        return "\\\\"
    if char.isprintable():
        return char
    if "\udc80" <= char <= "\udcff":
        return "\\x{0:02x}".format(ord(char) - 0xDC00)
    return char.encode("unicode_escape").decode("ascii")


def json_text(path: str) -> str:
    """Return C(path) without surrogates, so that every JSON writer takes it; undecodable bytes become C(\\xNN)."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return printable(path)
    return path


def safe(value: _Value) -> _Value:
    """Return C(value) with every text in it made safe for JSON (see json_text); tuples become lists."""
    made: t.Any = value
    if isinstance(value, str):
        made = json_text(value)
    elif isinstance(value, dict):
        made = {safe(key): safe(one) for key, one in value.items()}
    elif isinstance(value, (list, tuple)):
        made = [safe(one) for one in value]
    same: _Value = made
    return same


def shortened(texts: t.Iterable[str], most: int, separator: str = ", ") -> str:
    """Return the first C(most) of C(texts) in one line, and how many more there are: C(a, b and 3 more)."""
    listed = list(texts)
    return " ".join([separator.join(listed[:most])] + _rest(listed, most, "more"))


def shortened_list(texts: t.Sequence[str], most: int, more: str = "more") -> t.List[str]:
    """Return the first C(most) of C(texts) and, behind them, how many C(more) there are."""
    return list(texts[:most]) + _rest(texts, most, more)


def _rest(texts: t.Sequence[str], most: int, more: str) -> t.List[str]:
    return [f"and {len(texts) - most} {more}"] if len(texts) > most else []
