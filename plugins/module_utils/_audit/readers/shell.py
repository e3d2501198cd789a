# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.
"""What a shell script does to the environment of the shell that reads it: sh, bash, ksh and zsh.

Read, not run: each command is found where the grammar has one, so neither a quoted text, a comment, a here-document
nor the variable of one command (C(NAME=value command)) counts. Commands in a subshell change nothing outside, and a
function only does what it does when it is called.
"""

import itertools
import re
import typing as t

from .setting import Included, Reading, Setting, reference_in
from .shell_words import Token, tokens, unquoted

__all__ = ["read_shell"]

_NAME = re.compile(r"[A-Za-z_]\w*")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)(?:\[[^]]*\])?\+?=(.*)", re.DOTALL)
_WHEN_UNSET = re.compile(r"\$\{([A-Za-z_]\w*):?=([^{}]*)\}")
_OPENS = ("if", "while", "until", "for", "select", "case")
_CLOSES = ("fi", "done", "esac", "}")
_CONTINUES = ("then", "else", "elif", "do", "!", "time")
_REDIRECTIONS = ("<", ">", ">>", "<<", "<<-", "<<<", "&>", "&>>", ">&", "<&", ">|", "<>")
_ENDS = (";", "&", "&&", "||", "|", "|&", ";;", ";&", ";;&")
_DECLARING = ("export", "readonly", "declare", "typeset")
# In a function these make a variable of that function.
_LOCAL = ("declare", "typeset")


class _Command(t.NamedTuple):
    """One simple command: its words as written, its lines, and on what it depends."""

    words: t.List[str]
    first: int
    last: int
    certain: bool
    function: t.Optional[str]


class _Structure:
    """Goes through the tokens once. C(commands) are those of the shell itself; C(busy) the lines with more on them."""

    def __init__(self, text: str) -> None:
        self.commands: t.List[_Command] = []
        self.busy: t.Set[int] = set()
        # What encloses the place: one of _OPENS, ( or {, the latter with the name of the function.
        self._open: t.List[t.Tuple[str, str]] = []
        self._words: t.List[Token] = []
        self._before = ";"
        self._function = ""
        self._in_pattern = self._in_parentheses = self._is_redirected = False
        for token in tokens(text):
            self._take(token)
        self._end("")

    def _take(self, token: Token) -> None:
        if self._in_pattern:
            self._pattern(token)
        elif token.kind == "word":
            self._word(token)
        elif token.kind == "newline" or token.text in _ENDS:
            self._separator(token)
        else:
            self.busy.add(token.first)
            self._is_redirected = token.text in _REDIRECTIONS
            if token.text == "(":
                self._parenthesis()
            elif token.text == ")":
                self._closed()

    def _pattern(self, token: Token) -> None:
        self.busy.add(token.first)
        self._in_pattern = token.text not in (")", "esac")
        if token.text == "esac":
            self._pop()

    def _word(self, token: Token) -> None:
        text = token.text
        if self._is_redirected:
            self._is_redirected = False
        elif self._words:
            self._argument(token)
        elif text in _CONTINUES + _CLOSES + _OPENS + ("{",):
            self.busy.add(token.first)
            self._reserved(token)
        else:
            self._words.append(token)

    def _argument(self, token: Token) -> None:
        self._words.append(token)
        words = [one.text for one in self._words[:4:2]]
        if len(self._words) == 3 and words == ["case", "in"]:
            self._words, self._in_pattern = [], True
        elif len(self._words) == 3 and words == ["function", "{"]:
            self._function, self._words = unquoted(self._words[1].text), []
            self._push("{")

    def _reserved(self, token: Token) -> None:
        if token.text == "{":
            self._push("{" if self._before not in ("&&", "||") else "if")
        elif token.text in _CLOSES:
            self._pop()
        elif token.text in _OPENS:
            self._open.append((token.text, ""))
            if token.text in ("for", "select", "case"):
                self._words.append(token)

    def _separator(self, token: Token) -> None:
        if token.text not in (";", "\n"):
            self.busy.add(token.first)
        # A line end behind an operator separates nothing.
        waits = token.text == "\n" and not self._words and self._before in ("&&", "||", "|", "|&")
        if not waits:
            self._end(token.text)
        if token.text in (";;", ";&", ";;&"):
            self._in_pattern = bool(self._open) and self._open[-1][0] == "case"

    def _parenthesis(self) -> None:
        # Behind a word it makes a function of that, or is a pattern of zsh.
        if self._words:
            self._in_parentheses = True
        else:
            self._push("(")

    def _closed(self) -> None:
        if self._in_parentheses:
            self._in_parentheses = False
            if len(self._words) == 1 or self._words[0].text == "function":
                self._function, self._words = unquoted(self._words[-1].text), []
        else:
            self._end(";")
            self._pop()

    def _push(self, kind: str) -> None:
        self._open.append((kind, self._function))
        self._function, self._before = "", ";"

    def _pop(self) -> None:
        if self._open:
            self._open.pop()

    def _end(self, operator: str) -> None:
        words, before, self._before, self._is_redirected = self._words, self._before, operator or ";", False
        self._words, self._in_parentheses = [], False
        if not words:
            return
        lines = range(words[0].first, words[-1].last + 1)
        kinds = [kind for kind, _function in self._open]
        if len(lines) > 1 or not _is_plain(words):
            self.busy.update(lines)
        if words[0].text == "function":
            self._function = unquoted(words[-1].text)
        elif "(" not in kinds and operator not in ("|", "|&", "&"):
            self.commands.append(
                _Command(
                    words=[word.text for word in words],
                    first=words[0].first,
                    last=words[-1].last,
                    certain=before not in ("&&", "||") and not set(_OPENS).intersection(kinds),
                    function=next((name for _kind, name in reversed(self._open) if name), None),
                )
            )


def _is_plain(words: t.Iterable[Token]) -> bool:
    return not any("$(" in word.text or "`" in word.text for word in words)


class _Environment:
    """What the commands set, one after the other."""

    def __init__(self) -> None:
        self.settings: t.List[t.Tuple[_Command, Setting]] = []
        self.files: t.List[Included] = []
        self.others: t.Set[int] = set()
        self._exports_all = False
        self._is_evaluating = False

    def run(self, command: _Command) -> None:
        words = list(command.words)
        for name, value in (pair for word in words for pair in _WHEN_UNSET.findall(word)):
            self._set(command, name, value, False, certain=False)
        assigned = []
        while words and _ASSIGNMENT.fullmatch(words[0]):
            assigned.append(words.pop(0))
        while words and unquoted(words[0]) in ("builtin", "command"):
            words.pop(0)
        if not words:
            self._assign(command, assigned, False)
            return
        name, arguments = unquoted(words[0]), words[1:]
        flags = "".join(word for word in arguments if word[:1] in "-+")
        if name in _DECLARING and not (command.function and name in _LOCAL and "g" not in flags):
            exported = (name == "export" or "x" in flags) and "n" not in flags and "+" not in flags
            self._assign(command, [word for word in arguments if word[:1] not in "-+"], exported)
        elif name == "unset" and "f" not in flags:
            for word in arguments:
                self._set(command, unquoted(word), "", False)
        else:
            self.others.update(range(command.first, command.last + 1))
            self._other(command, name, [unquoted(word) for word in arguments])

    def _assign(self, command: _Command, words: t.Iterable[str], exported: bool) -> None:
        for word in words:
            # The name may be quoted where the whole is an argument.
            match = _ASSIGNMENT.fullmatch(word) or _ASSIGNMENT.fullmatch(unquoted(word))
            if match:
                value = unquoted(match.group(2)) if match.string == word else match.group(2)
                self._set(command, match.group(1), value, exported)
            elif _NAME.fullmatch(word):
                self._set(command, word, None, exported)

    def _set(self, command: _Command, name: str, value: t.Optional[str], exported: bool, certain: bool = True) -> None:
        if value and reference_in(value) == name:
            value = None
        self.settings.append(
            (
                command,
                Setting(
                    name=name,
                    value=value,
                    line=command.first,
                    certain=certain and command.certain and not command.function,
                    exported=exported or (self._exports_all and value is not None),
                ),
            )
        )

    def _other(self, command: _Command, name: str, arguments: t.List[str]) -> None:
        if name == "set":
            self._options(arguments)
        elif name == "eval":
            self._evaluate(command, arguments)
        elif name in (".", "source") and arguments and re.fullmatch(r"/[^$*?`\[]*", arguments[0]):
            self.files.append(Included(arguments[0], "sh", self._exports_all))

    def _evaluate(self, command: _Command, words: t.List[str]) -> None:
        text = " ".join(itertools.dropwhile(lambda word: word == "eval", words))
        if not self._is_evaluating:
            self._is_evaluating = True
            for inner in _Structure(text).commands:
                self.run(command._replace(words=inner.words, certain=False))
            self._is_evaluating = False

    def _options(self, arguments: t.List[str]) -> None:
        for number, word in enumerate(arguments):
            if re.fullmatch(r"[-+]\w*a\w*", word) or (word in ("-o", "+o") and "allexport" in arguments[number + 1 :]):
                self._exports_all = word[0] == "-"


def read_shell(text: str) -> Reading:
    """Return what the script sets, as it would for the shell that reads it."""
    structure, environment = _Structure(text), _Environment()
    for command in structure.commands:
        environment.run(command)
    called = {unquoted(command.words[0]) for command in structure.commands}
    names: t.Dict[int, t.Set[str]] = {}
    for _command, one in environment.settings:
        names.setdefault(one.line, set()).add(one.name)
    lines = text.split("\n")
    busy = structure.busy | environment.others

    def with_text(one: Setting) -> Setting:
        line = lines[one.line - 1]
        alone = one.line not in busy and len(names[one.line]) == 1 and not line.endswith("\\")
        return one._replace(text=line) if alone else one

    done = [with_text(one) for command, one in environment.settings if command.function in (called | {None})]
    return Reading(settings=_without_restored(done), files=environment.files)


def _without_restored(settings: t.List[Setting]) -> t.List[Setting]:
    """Leave out what only puts a saved value back, as C(PYTHONHOME=$OLD) does where C(OLD=$PYTHONHOME) came before."""
    saved = {(one.name, reference_in(one.value or "")) for one in settings}
    return [one for one in settings if (reference_in(one.value or ""), one.name) not in saved]
