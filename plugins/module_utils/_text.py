# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Text that is safe to print and to put into JSON."""

__all__ = ["json_text", "printable"]


def printable(text: str) -> str:
    """Return C(text) with control, undecodable and invisible characters written as backslash escapes.

    A backslash is doubled so that the original can be told from its escape.
    """
    return "".join(_escape(char) for char in text)


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
