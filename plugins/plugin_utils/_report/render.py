# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""A report's data as Markdown, HTML and JSON. Names of hosts and files come from anywhere: they stay text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Undefined
from markupsafe import Markup, escape

from ...module_utils._base.text import for_people, lines_for_people
from ...module_utils._usage.run import counted
from .._run.states import HostState
from .records import Report

__all__ = ["file_stem", "render", "to_html", "to_json", "to_markdown"]

_FOLDER = Path(__file__).parent / "templates"

_VERDICTS = {"ruled_in": "ruled in", "ruled_out": "ruled out", "open": "open"}
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~$&])")
# What begins a block at the beginning of a line.
_BLOCK = re.compile(r"^(\s*\d*)([-+#=.)])(?=\s|$|[-+#=])")


def _one_line(value: object) -> str:
    """Return a value as one line without anything invisible in it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (dict, list)):
        return for_people(json.dumps(value, ensure_ascii=False, sort_keys=True, default=str))
    return for_people(str(value))


def _markdown_text(value: object) -> Markup:
    """Return a text that Markdown shows as it is, also in a table."""
    # It is Markdown now.
    return Markup(_BLOCK.sub(r"\1\\\2", _SPECIAL.sub(_escaped, _one_line(value))))  # noqa: S704


def _escaped(match: re.Match[str]) -> str:
    char = match.group(1)
    # Inside a word an underscore is no markup; escaping all of them makes the source unreadable.
    if char == "_" and _inside_a_word(match):
        return char
    return {"<": "&lt;", ">": "&gt;", "&": "&amp;"}.get(char, "\\" + char)


def _inside_a_word(match: re.Match[str]) -> bool:
    text, start, end = match.string, match.start(), match.end()
    return start > 0 and end < len(text) and text[start - 1].isalnum() and text[end].isalnum()


def _markdown_code(value: object) -> Markup:
    """Return a text as a code span, whatever backticks it holds; a bar is escaped for tables."""
    text = _one_line(value) or " "
    fence = "`" * (max((len(run) for run in re.findall(r"`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return Markup(f"{fence}{pad}{text}{pad}{fence}".replace("|", "\\|"))  # noqa: S704


def _path(value: object) -> Markup:
    """Return a path that a line of HTML may be broken in after each slash; what is copied from it has no breaks."""
    return escape(_one_line(value)).replace("/", Markup("/<wbr>"))


def _moment(value: str | None) -> str:
    """Return a time of the data for people."""
    return value.replace("T", " ").replace("Z", " UTC") if value else Markup("-")


def _made_safe(html: bool) -> Callable[[object], object]:
    """Return what makes a text of everything that a template prints, whether or not it was sent through a filter."""
    make: Callable[[object], str] = _one_line if html else _markdown_text

    def finalize(value: object) -> object:
        is_safe = value is None or isinstance(value, (Markup, Undefined, bool, int, float))
        return value if is_safe else make(value)

    return finalize


def _environment(html: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(str(_FOLDER)),
        # What is Markdown already is told from what is not in the same way as HTML is.
        autoescape=True,
        finalize=_made_safe(html),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        plain=_one_line,
        text=_one_line if html else _markdown_text,
        code=_markdown_code,
        path=_path,
        lines=lines_for_people,
        counted=counted,
        moment=_moment,
        verdict=lambda word: _VERDICTS[word],
    )
    return environment


_MARKDOWN = _environment(html=False).get_template("report.md.j2")
_HTML = _environment(html=True).get_template("report.html.j2")


def to_markdown(report: Report) -> str:
    """Return the report as Markdown (CommonMark with tables)."""
    text: str = _MARKDOWN.render(r=report, state=HostState.of_word(report["status"]), states=HostState)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def to_html(report: Report, page: str = "") -> str:
    """Return the report as one HTML file that needs nothing else; C(page) is the file of all hosts beside it."""
    text: str = _HTML.render(r=report, state=HostState.of_word(report["status"]), states=HostState, page=page)
    return text


def to_json(report: Report) -> str:
    """Return the report as JSON."""
    return json.dumps(report, indent=1, ensure_ascii=True) + "\n"


def render(report: Report, page: str = "") -> dict[str, str]:
    """Return the texts of the report's files by their extension."""
    return {"md": to_markdown(report), "html": to_html(report, page), "json": to_json(report)}


def file_stem(host: str, taken: Mapping[str, str] | None = None) -> str:
    """Return a safe file name for a host: its own name where that is one, else percent-encoded and of bounded length.

    C(taken) are the names given so far with their hosts: two hosts whose names differ in case only get different files.
    """
    safe = re.compile(r"[A-Za-z0-9._-]")
    data = host.encode("utf-8", "surrogateescape")
    stem = "".join(chr(byte) if safe.match(chr(byte)) else f"%{byte:02X}" for byte in data)[:180]
    if not stem or stem.startswith((".", "-")) or stem.lower().startswith(("index", "fleet")):
        stem = "%" + stem
    used = {name.lower(): owner for name, owner in (taken or {}).items()}
    number, unique = 2, stem
    while used.get(unique.lower(), host) != host:
        unique, number = f"{stem}~{number}", number + 1
    return unique
