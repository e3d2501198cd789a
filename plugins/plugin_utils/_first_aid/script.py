# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The first-aid scripts: put together with their settings, and their answers taken apart."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ...module_utils._base.errors import CommandError
from ...module_utils._base.text import printable
from .._border.types import HOST
from .._shell.parts import shared_text

__all__ = ["Answer", "Calls", "Section", "Settings", "decoded", "parse_answer", "script_text"]

# Variables of a script; a sequence becomes words.
Settings = Mapping[str, str | Sequence[str]]
# Functions of a script with their arguments.
Calls = Sequence[Sequence[str]]

_FOLDER = Path(__file__).parent / "scripts"


class Section(NamedTuple):
    """One section of an answer: C(words) stand on its first line after the name, C(body) are the lines below."""

    name: str
    words: tuple[str, ...]
    body: str

    @property
    def word(self) -> str:
        """Return the first of the words, an empty text where there is none."""
        return self.words[0] if self.words else ""

    def fields(self, count: int) -> tuple[str, ...]:
        """Return the words where they are so many. Raises HostAnswerError."""
        if len(self.words) != count:
            raise HOST.refused(" ".join((self.name, *self.words)), self.name, f"{count} words")
        return self.words

    @property
    def text(self) -> str:
        """Return the body as it can be shown, without blanks around it."""
        return printable(self.body.strip())

    @property
    def lines(self) -> list[str]:
        """Return the body's lines, without empty ones."""
        return [line for line in self.body.split("\n") if line]


class Answer(NamedTuple):
    """All sections in their order."""

    sections: tuple[Section, ...]

    def named(self, *names: str) -> Iterator[Section]:
        """Yield the sections with one of these names."""
        return (section for section in self.sections if section.name in names)

    def first(self, name: str) -> Section:
        """Return the first section of that name, an empty one where there is none."""
        return next(self.named(name), Section(name, (), ""))

    def has(self, name: str) -> bool:
        """Tell whether there is a section of that name."""
        return any(self.named(name))


def decoded(text: str, field: str, most: int) -> bytes:
    """Return what C(show_encoded) of common.sh printed. Raises HostAnswerError for anything else, or beyond C(most)."""
    # Four characters stand for three bytes, and a newline may follow.
    text = HOST.raw(text, field, most // 3 * 4 + 8)
    try:
        return base64.b64decode(text.strip("\n"), validate=True)
    except ValueError:
        raise HOST.refused(text, field, "encoded in base64") from None


def script_text(
    parts: Sequence[str],
    mark: str,
    settings: Settings,
    calls: Calls = (),
    environment: Mapping[str, str] | None = None,
) -> str:
    """Return a POSIX shell script: the settings, the common functions, C(parts) (file names without ".sh"), and calls.

    C(calls) are functions of the parts with their arguments; the first that fails ends the script. Parts without calls
    run by themselves.
    A setting that is a sequence becomes words separated by blanks, so its items must not hold any.
    C(environment) is what the play sets for its tasks; the script sees the same as the modules will.
    """
    header = [f"export {name}={shlex.quote(value)}" for name, value in (environment or {}).items()]
    header.append(f"mark={shlex.quote(mark)}")
    for name, value in settings.items():
        text = value if isinstance(value, str) else " ".join(value)
        header.append(f"{name}={shlex.quote(text)}")
    texts = [_code(text) for text in (_part("common"), shared_text(), "find_database", *map(_part, parts))]
    if calls:
        texts.append(_main(calls))
    return "\n".join([*header, *texts])


def _part(name: str) -> str:
    return (_FOLDER / f"{name}.sh").read_text(encoding="utf-8")


def _main(calls: Calls) -> str:
    steps = " &&\n".join(shlex.join(call) for call in calls)
    return f"section begin\n{steps}\nsection end"


def _code(text: str) -> str:
    # The script travels on the command line of the connection: comments stay at home.
    return "\n".join(line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))


def parse_answer(stdout: str, stderr: str, exit_code: int, mark: str) -> Answer:
    """Return the sections that a script printed; noise before the first mark is passed over.

    Raises CommandError when the script did not come to its end.
    """
    sections: list[Section] = []
    body: list[str] = []
    for line in stdout.replace("\r\n", "\n").split("\n"):
        if line.startswith(mark + " "):
            _close(sections, body)
            name, *words = line[len(mark) + 1 :].split(" ")
            sections.append(Section(name, tuple(words), ""))
        elif sections:
            body.append(line)
    _close(sections, body)
    if not sections or sections[0].name != "begin" or sections[-1].name != "end":
        tail = printable((stdout + stderr)[-1000:].strip()) or "(nothing)"
        raise CommandError(
            f"The first-aid script did not come to its end (exit code {exit_code}). Its output ends with: {tail}",
            rc=exit_code,
            output=tail,
        )
    return Answer(tuple(sections))


def _close(sections: list[Section], body: list[str]) -> None:
    if sections:
        # The scripts print an empty line before every mark, so that a body without a final newline stays whole.
        text = "\n".join(body)
        sections[-1] = sections[-1]._replace(body=text.removesuffix("\n"))
    body.clear()
