# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What plays a hostile party: hosts that are a shell on this machine, and hosts that answer what they like."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.remote import Remote
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.script import (
    Answer,
    Calls,
    Settings,
    parse_answer,
    script_text,
)

__all__ = ["SHELLS", "AnsweringHost", "ShellHost", "SilentHostError", "answer_of"]

SHELLS = [shell.split() for shell in ("dash", "busybox sh", "bash --posix") if shutil.which(shell.split()[0])]


def answer_of(*sections: str) -> Answer:
    """Return what a script that came to its end printed."""
    text = "".join(f"\n@m@ {section}\n" for section in ("begin", *sections, "end"))
    return parse_answer(text, "", 0, "@m@")


class SilentHostError(Exception):
    """The host was asked once more than it has answers."""


class AnsweringHost(Remote):
    """Answers one script after the other with sections of its own, and notes what was asked and brought."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[Sequence[str], Settings, Calls]] = []
        self.uploads: dict[str, bytes] = {}

    def ask(self, parts: Sequence[str], settings: Settings, calls: Calls = ()) -> Answer:
        self.asked.append((parts, settings, calls))
        if not self.answers:
            raise SilentHostError
        return answer_of(*self.answers.pop(0))

    def upload(self, path: Path) -> str:
        self.uploads[path.name] = path.read_bytes()
        return f"/srv/{path.name}"


class ShellHost(Remote):
    """A host whose shell runs our scripts for real; C(stubs), shell functions, stand for what this machine lacks."""

    def __init__(self, folder: Path, stubs: str = "", shell: Sequence[str] = ("sh",)) -> None:
        self.folder = folder
        self.stubs = stubs
        self.shell = shell
        (folder / "packages").mkdir(parents=True)
        (folder / "download").mkdir()
        (folder / "options").mkdir()

    def ask(self, parts: Sequence[str], settings: Settings, calls: Calls = ()) -> Answer:
        text = script_text(parts, "@m@", {"staging": str(self.folder), **settings}, calls)
        text = text.replace("section begin\n", f"{self.stubs}\nsection begin\n", 1)
        done = subprocess.run(
            [*self.shell, "-c", text],
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=60,
            check=False,
        )
        return parse_answer(done.stdout, done.stderr, done.returncode, "@m@")

    def upload(self, path: Path) -> str:
        return shutil.copy(str(path), str(self.folder / f"upload-{path.name}"))
