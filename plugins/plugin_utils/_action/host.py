# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The task's host by the means that Ansible gives an action plugin: one command, or one file."""

from __future__ import annotations

import posixpath
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .._first_aid.remote import Remote
from .._first_aid.script import Answer, Calls, Settings, parse_answer, script_text

__all__ = ["TaskHost"]


class TaskHost(Remote):
    """A host that has nothing but a shell."""

    def __init__(
        self,
        execute: Callable[..., Mapping[str, Any]],
        add_environment: Callable[[dict[str, str]], object],
        make_folder: Callable[[], str],
        transfer: Callable[[str, str], object],
    ) -> None:
        """The arguments are methods of Ansible's ActionBase."""
        self._execute = execute
        self._add_environment = add_environment
        self._make_folder = make_folder
        self._transfer = transfer
        # Ansible itself removes it when the task has ended.
        self._uploads = ""

    def ask(
        self,
        parts: Sequence[str],
        settings: Settings,
        calls: Calls = (),
    ) -> Answer:
        """See Remote; all of it is one command."""
        mark = f"@{secrets.token_hex(12)}@"
        environment: dict[str, str] = {}
        self._add_environment(environment)
        text = script_text(parts, mark, settings, calls, environment)
        done = self._execute(text, encoding_errors="surrogateescape")
        return parse_answer(done["stdout"], done["stderr"], done["rc"], mark)

    def upload(self, path: Path) -> str:
        """See Remote; the place is the task's temporary folder."""
        self._uploads = self._uploads or self._make_folder()
        target = posixpath.join(self._uploads, f"{secrets.token_hex(4)}-{path.name}")
        self._transfer(str(path), target)
        return target
