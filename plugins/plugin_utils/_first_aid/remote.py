# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What the recovery needs of a host: to run a script there, and to bring files to it. The action plugin gives it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from .script import Answer, Calls, Settings

__all__ = ["Remote"]


class Remote(ABC):
    """A host without Python."""

    @abstractmethod
    def ask(self, parts: Sequence[str], settings: Settings, calls: Calls = ()) -> Answer:
        """Run a script (arguments as for C(script_text)) with the task's privileges and return its answer.

        Raises CommandError when it did not come to its end.
        """

    @abstractmethod
    def upload(self, path: Path) -> str:
        """Copy a file of the controller to a temporary place on the host and return its path there."""
