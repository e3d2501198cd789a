# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.
"""What systemd's files set: the manager's own configuration, drop-ins of services, and environment files.

C(Environment=) and its like are split by the rules of systemd.syntax(7) and systemd.service(5), "Quoting"
(C(extract_first_word) and C(cunescape_one) of systemd, 239 to 257); environment.d(5) and C(EnvironmentFile=) have their
own (C(parse_env_file_internal)).
"""

import re
import typing as t

from .setting import EVERY, Included, Reading, Setting, line_of

__all__ = ["read_default_environment", "read_environment_file", "read_manager_environment", "read_service"]

_NAME = re.compile(r"[A-Za-z_]\w*")
_VARIABLE = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "s": " "}
_ESCAPES.update({char: char for char in "\\\"'"})
_NUMBER = re.compile(r"x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})")
_COMMENT = re.compile(r"[ \t\n\r]*[#;][^\n\r]*[\n\r]?")
_KEY = re.compile(r"[ \t\n\r]*([^\n\r][^=\n\r]*)?(=?)")
_IN_QUOTES = re.compile(r"""[ \t]*(?:'([^']*)(?:'|\Z)|"((?:[^"\\]|\\.)*)(?:"|\\?\Z))""", re.DOTALL)
_BARE = re.compile(r"[ \t]*((?:\\.|[^\n\r\\])*)", re.DOTALL)
_IN_DOUBLE = re.compile(r"""\\(?:(["\\`$])|\n)""")
_BLANKS_BEHIND = re.compile(r"((?:\\.|[^\\])*?)[ \t]*", re.DOTALL)


class _Line(t.NamedTuple):
    """One assignment of a file with sections; C(text) where it is one line of the file."""

    section: str
    key: str
    value: str
    number: int
    text: t.Optional[str]


def _lines(text: str) -> t.Iterator[_Line]:
    """Yield the assignments; a backslash at the end joins lines, between which there may be comments."""
    section, joined, first = "", "", 0
    for number, line in enumerate(text.split("\n") + [""], 1):
        if line.lstrip()[:1] in ("#", ";"):
            continue
        first = first or number
        joined += line
        if re.search(r"(?<!\\)(?:\\\\)*\\$", line):
            joined = joined[:-1] + " "
            continue
        whole, joined, begin, first = joined.strip(), "", first, 0
        if whole.startswith("["):
            section = whole[1:].rstrip("]")
        else:
            key, equals, value = whole.partition("=")
            if equals:
                yield _Line(section, key.strip(), value.strip(), begin, line if begin == number else None)


def _words(value: str) -> t.Iterator[str]:
    """Yield the words; at what cannot be read, an open quote or an unknown escape, systemd gives up, too."""
    at = 0
    while True:
        while value[at : at + 1] in (" ", "\t", "\n", "\r"):
            at += 1
        if at >= len(value):
            return
        word, at = _word(value, at)
        if word is None:
            return
        yield word


def _word(value: str, at: int) -> t.Tuple[t.Optional[str], int]:
    word, quote = "", ""
    while at < len(value):
        char = value[at]
        at += 1
        if char == "\\":
            escaped, at = _escaped(value, at)
            if escaped is None:
                return None, at
            word += escaped
        elif char == quote:
            quote = ""
        elif quote:
            word += char
        elif char in "\"'":
            quote = char
        elif char in " \t\n\r":
            break
        else:
            word += char
    return (None if quote else word), at


def _escaped(value: str, at: int) -> t.Tuple[t.Optional[str], int]:
    if value[at : at + 1] in _ESCAPES:
        return _ESCAPES[value[at]], at + 1
    match = _NUMBER.match(value, at)
    if not match:
        return None, at
    code = int(match.group(match.lastindex or 0), 8 if match.lastindex == 4 else 16)
    return (chr(code) if 0 < code < 0x110000 else None), match.end()


def _assigned(line: _Line) -> t.Iterator[Setting]:
    if not line.value:
        yield Setting(name=EVERY, value="", line=line.number)
    words = list(_words(line.value))
    for word in words:
        match = _VARIABLE.fullmatch(word)
        if match:
            name, value = match.group(1), match.group(2).replace("%%", "%")
            yield Setting(name=name, value=value, line=line.number, text=line.text if len(words) == 1 else None)


def read_default_environment(text: str) -> Reading:
    """Return what system.conf or user.conf (systemd-system.conf(5)) gives to what the manager starts."""
    return _read_manager(text, "DefaultEnvironment")


def read_manager_environment(text: str) -> Reading:
    """Return what system.conf or user.conf gives to the manager itself."""
    return _read_manager(text, "ManagerEnvironment")


def _read_manager(text: str, key: str) -> Reading:
    lines = [line for line in _lines(text) if line.section == "Manager" and line.key == key]
    return Reading(settings=[one for line in lines for one in _assigned(line)], files=[])


def read_service(text: str) -> Reading:
    """Return what a unit file or drop-in gives to its service, and the environment files that it names."""
    reading = Reading(settings=[], files=[])
    for line in _lines(text):
        if line.section != "Service":
            continue
        if line.key == "Environment":
            reading.settings.extend(_assigned(line))
        elif line.key == "UnsetEnvironment":
            names = [word.partition("=")[0] for word in _words(line.value)]
            reading.settings.extend(Setting(name=name, value="", line=line.number) for name in names)
        elif line.key == "EnvironmentFile" and line.value.lstrip("-").startswith("/"):
            reading.files.append(Included(line.value.lstrip("-"), "environment.d"))
    return reading


def read_environment_file(text: str) -> Reading:
    """Return what a file of environment.d(5), or one that C(EnvironmentFile=) names, sets."""
    settings: t.List[Setting] = []
    lines, at = text.split("\n"), 0
    while at < len(text):
        comment = _COMMENT.match(text, at)
        if comment:
            at = comment.end()
            continue
        match = t.cast("t.Match[str]", _KEY.match(text, at))
        key, begin, end = (match.group(1) or "").strip(), match.start(1), match.end()
        value = ""
        if match.group(2):
            value, end = _value(text, end)
            if _NAME.fullmatch(key):
                line = line_of(text, begin)
                whole = None if "\n" in text[begin:end] else lines[line - 1]
                settings.append(Setting(name=key, value=value, line=line, text=whole))
        at = max(end, at + 1)
    return Reading(settings=settings, files=[])


def _value(text: str, at: int) -> t.Tuple[str, int]:
    """Return the value that begins at C(at), and where its line ends: first what is in quotes, then the rest."""
    value = ""
    match = _IN_QUOTES.match(text, at)
    while match:
        value += match.group(1) or _IN_DOUBLE.sub(lambda one: one.group(1) or "", match.group(2) or "")
        at = match.end()
        match = _IN_QUOTES.match(text, at)
    bare = t.cast("t.Match[str]", _BARE.match(text, at))
    kept = t.cast("t.Match[str]", _BLANKS_BEHIND.fullmatch(bare.group(1)))
    return value + re.sub(r"(?s)\\(.)", lambda one: one.group(1).strip("\n"), kept.group(1)), bare.end()
