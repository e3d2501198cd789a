# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The words and operators of a shell script (POSIX, Shell Command Language, 2.3; what bash, ksh and zsh add)."""

import re
import typing as t

__all__ = ["Token", "tokens", "unquoted"]

_BLANK = re.compile(r"(?:[ \t\r\f\v]|\\\n)+")
_COMMENT = re.compile(r"#[^\n]*")
_OPERATOR = re.compile(r";;&|;;|;&|&&|\|\||\|&|<<-|<<<|<<|&>>|&>|>>|>&|<&|>\||<>|[;&|<>()]")
_PLAIN = re.compile(r"""(?:[^\s;&|<>()`$"'\\]|\\.|'[^']*(?:'|\Z)|\$'(?:[^'\\]|\\.)*(?:'|\Z))+""", re.DOTALL)
_CONDITION = re.compile(r"\[\[(?=\s).{0,4096}?\s\]\](?=[\s;&|)]|\Z)", re.DOTALL)
_IN_DOUBLE_QUOTES = re.compile(r"\\.|\"|\$[({]|`", re.DOTALL)
_NESTED = re.compile(r"""\\.|\$[({]|["`()}]|'[^']*'?|(?<=\s)\#[^\n]*""", re.DOTALL)
_PAIRS = {"$(": ")", "${": "}", "(": ")", "`": "`", '"': '"'}
_QUOTED = re.compile(r"""\$?"(?P<double>(?:[^"\\]|\\.)*)"?|\$?'(?P<single>[^']*)'?|\\(?P<escaped>.)""", re.DOTALL)
_ESCAPED = re.compile(r'\\([$`"\\\n])')


class Token(t.NamedTuple):
    """C(kind) is word, operator or newline; C(text) as it is written, on the lines C(first) to C(last)."""

    kind: str
    text: str
    first: int
    last: int


def tokens(text: str) -> t.Iterator[Token]:
    """Yield what the shell would see; comments and the bodies of here-documents are left out."""
    at, line, awaited = 0, 1, []  # type: t.Tuple[int, int, t.List[str]]
    before = ""
    while at < len(text):
        kind, end = _next(text, at)
        piece = text[at:end]
        last = line + piece.count("\n")
        if kind != "blank":
            yield Token(kind, piece, line, last)
            if before in ("<<", "<<-"):
                awaited.append(unquoted(piece))
            before = piece
        if kind == "newline":
            end = _behind_documents(text, end, awaited)
            last += text.count("\n", at + 1, end)
            awaited = []
        at, line = end, last


def _next(text: str, at: int) -> t.Tuple[str, int]:
    """Return the kind of what begins at C(at), and where it ends."""
    if text[at] == "\n":
        return "newline", at + 1
    for kind, form in (("blank", _BLANK), ("blank", _COMMENT), ("word", _CONDITION)):
        match = form.match(text, at)
        if match:
            return kind, match.end()
    if text.startswith("((", at):
        return "word", _closing(text, at + 1, ")")
    match = _OPERATOR.match(text, at)
    return ("operator", match.end()) if match else ("word", _word_end(text, at))


def _word_end(text: str, at: int) -> int:
    begin = at
    while at < len(text):
        match = _PLAIN.match(text, at)
        if match:
            at = match.end()
        elif text[at] in '"`':
            at = _closing(text, at + 1, text[at])
        elif text.startswith(("$(", "${"), at):
            at = _closing(text, at + 2, ")" if text[at + 1] == "(" else "}")
        elif text[at] == "$":
            at += 1
        elif text[at] == "(" and at > begin and text[at - 1] == "=":
            at = _closing(text, at + 1, ")")
        else:
            break
    # A lone character that begins nothing, as a backslash at the end of the file, is a word of its own.
    return max(at, begin + 1)


def _closing(text: str, at: int, end: str) -> int:
    """Return where the text behind C(end) begins, which closes what is open at C(at)."""
    ends = [end]
    while ends:
        match = (_IN_DOUBLE_QUOTES if ends[-1] == '"' else _NESTED).search(text, at)
        if not match:
            return len(text)
        piece, at = match.group(), match.end()
        if piece == ends[-1]:
            ends.pop()
        elif piece in _PAIRS and (piece != "(" or ends[-1] == ")"):
            ends.append(_PAIRS[piece])
    return at


def _behind_documents(text: str, at: int, delimiters: t.Iterable[str]) -> int:
    """Return where the here-documents end that begin at C(at)."""
    for delimiter in delimiters:
        match = re.compile(r"(?m)^\t*" + re.escape(delimiter) + "$").search(text, at)
        at = match.end() + 1 if match else len(text)
    return min(at, len(text))


def unquoted(word: str) -> str:
    """Return C(word) without its quotes; what the shell would put in for variables and commands stays as written."""

    def plain(match: t.Match[str]) -> str:
        if match.group("double") is not None:
            return _ESCAPED.sub(lambda one: one.group(1).strip("\n"), match.group("double"))
        return match.group("single") or (match.group("escaped") or "").strip("\n")

    return _QUOTED.sub(plain, word)
