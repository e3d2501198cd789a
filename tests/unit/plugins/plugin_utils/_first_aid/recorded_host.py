# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host for tests of first aid, whose answers were written down."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.remote import Remote
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.script import (
    Answer,
    Calls,
    Settings,
    parse_answer,
)

__all__ = ["RecordedHost", "answer_of"]


def answer_of(*sections: str) -> Answer:
    """Return what a script that came to its end printed."""
    text = "".join(f"\n@m@ {section}\n" for section in ("begin", *sections, "end"))
    return parse_answer(text, "", 0, "@m@")


class RecordedHost(Remote):
    """Answers one script after the other with recorded sections, and notes what was called and brought."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.called: list[str] = []
        self.last: Sequence[str] = ()
        self.uploads: dict[str, str] = {}

    def ask(self, parts: Sequence[str], settings: Settings, calls: Calls = ()) -> Answer:
        """Note the last call, or the last part where parts run by themselves."""
        if calls and calls[0][0] == "use_staging":
            assert "wanted" in settings
        self.last = calls[-1] if calls else [parts[-1]]
        self.called.append(self.last[0])
        return answer_of(*self.answers.pop(0))

    def upload(self, path: Path) -> str:
        """Note the content where there is a file."""
        if path.is_file():
            self.uploads[path.name] = path.read_text()
        return f"/srv/{path.name}"
