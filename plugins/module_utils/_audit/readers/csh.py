# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.
"""What a script of csh or tcsh does to the environment of the shell that reads it; csh(1).

C(setenv) sets, C(set path) is PATH as well. What C(if), C(foreach), C(while) and C(switch) enclose may not happen; what
is in parentheses happens to another shell.
"""

import collections
import itertools
import re
import typing as t

from .setting import Included, Reading, Setting, line_of, reference_in

__all__ = ["read_csh"]

_TOKEN = re.compile(
    r"""(?P<blank>(?:[ \t\r\f\v]|\\\n)+|\#[^\n]*)|(?P<end>&&|\|\||[;&|\n])|(?P<redirection><<?|>>?&?!?)|(?P<group>[()])
    |(?P<word>(?:[^\s;&|<>()"'`\\]|\\.|"(?:[^"\n]|(?<=\\)\n)*"|'(?:[^'\n]|(?<=\\)\n)*'|`[^`\n]*`)+|.)""",
    re.DOTALL | re.VERBOSE,
)
_QUOTED = re.compile(r""""([^"]*)"|'([^']*)'|\\(.)""", re.DOTALL)
_BLOCKS = {"foreach": 1, "while": 1, "switch": 1, "end": -1, "endsw": -1, "endif": -1}


class _Statement:
    """What stands between two separators: its words, and the lines that it is on."""

    def __init__(self, line: int, before: str) -> None:
        self.words: t.List[str] = []
        self.line = self.last = line
        self.before = before
        self.after = ""


def _statements(text: str) -> t.Iterator[_Statement]:
    """Yield the statements; parentheses keep together what is in them, with their inner separators."""
    at, depth, delimiter = 0, 0, ""
    current, redirected = _Statement(1, ""), ""
    while at < len(text):
        match = t.cast("t.Match[str]", _TOKEN.match(text, at))
        kind, piece, at = match.lastgroup, match.group(), match.end()
        if kind == "end" and (depth == 0 or piece == "\n"):
            current.after, current.last = piece, line_of(text, match.start())
            yield current
            if piece == "\n" and delimiter:
                at, delimiter = _behind_document(text, at, delimiter), ""
            current, depth = _Statement(line_of(text, at), piece), 0
        elif kind == "redirection":
            redirected = piece
        elif kind == "word" and redirected:
            delimiter = _unquoted(piece) if redirected == "<<" else delimiter
            redirected = ""
        elif kind != "blank":
            depth += {"(": 1, ")": -1}.get(piece, 0)
            current.words.append(piece)
    yield current


def _behind_document(text: str, at: int, delimiter: str) -> int:
    match = re.compile("(?m)^" + re.escape(delimiter) + "$").search(text, at)
    return min(match.end() + 1, len(text)) if match else len(text)


def _unquoted(word: str) -> str:
    return _QUOTED.sub(lambda match: (match.group(match.lastindex or 0)).replace("\\\n", "\n").strip("\n"), word)


def read_csh(text: str) -> Reading:
    """Return what the script sets."""
    reading = Reading(settings=[], files=[])
    statements = [one for one in _statements(text) if one.words]
    counts = collections.Counter(one.line for one in statements)
    lines, depth = text.split("\n"), 0
    for one in statements:
        depth = max(0, depth + _BLOCKS.get(one.words[0], 0))
        words, is_conditional = _behind_condition(one.words)
        depth += words == ["then"]
        is_whole = not is_conditional and one.last == one.line and one.after in ("", ";", "\n")
        certain = depth == 0 and not is_conditional and one.before not in ("&&", "||")
        line = lines[one.line - 1] if is_whole and counts[one.line] == 1 else None
        reading.settings.extend(
            Setting(name=name, value=value, line=one.line, text=line, certain=certain)
            for name, value in _meaning(words, reading.files)
        )
    return reading


def _behind_condition(words: t.List[str]) -> t.Tuple[t.List[str], bool]:
    """Return the words behind C(if (...)) or C(else if (...)), and whether there was such a thing."""
    rest = words[1:] if words[:1] == ["else"] else words
    if rest[:1] != ["if"]:
        return words, False
    depth = 0
    for number, word in enumerate(rest):
        depth += {"(": 1, ")": -1}.get(word, 0)
        if word == ")" and depth == 0:
            # Behind "else if" the block goes on that has begun.
            then = rest[number + 1 :]
            return ([] if then == ["then"] and rest is not words else then), True
    return [], True


def _meaning(words: t.List[str], files: t.List[Included]) -> t.Iterator[t.Tuple[str, t.Optional[str]]]:
    """Yield what is set by the words of one command; what it reads is added to C(files)."""
    command, arguments = (words[0], [_unquoted(word) for word in words[1:]]) if words else ("", [])
    if command == "setenv" and arguments:
        value = "".join(arguments[1:2])
        yield arguments[0], None if reference_in(value) == arguments[0] else value
    elif command == "unsetenv":
        for name in arguments:
            yield name, ""
    elif command == "set" and re.match(r"path ?= ?\( ", " ".join(arguments)):
        yield "PATH", ":".join(" ".join(arguments).partition("( ")[2].split(" ")[:-1])
    elif command == "source" and arguments and re.fullmatch(r"/[^$*?`\[]*", arguments[-1]):
        files.append(Included(arguments[-1], "csh"))
    elif command == "eval" and arguments:
        text = " ".join(itertools.dropwhile(lambda word: word == "eval", arguments))
        for statement in _statements(text):
            if statement.words[:1] != ["eval"]:
                yield from _meaning(statement.words, files)
