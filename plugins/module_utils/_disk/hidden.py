# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The hidden names that are made next to the files that are worked on, all beginning with C(PREFIX).

C(new_name) is for something half made, which anybody may delete; C(aside_name) is for somebody's directory that had to
step aside, which nobody may delete (a symlink under such a name is ours and not yet in use).
"""

import os
import typing as t

__all__ = ["PREFIX", "Checkpoint", "aside_name", "is_aside", "new_name", "no_checkpoint"]

PREFIX = ".fleet-system-python-"
_NEW = PREFIX + "new-"
_ASIDE = PREFIX + "aside-"

# Called with the name of every step that is over, so that a test can stop the process exactly there.
Checkpoint = t.Callable[[str], None]

_NAME_MAX = 255


def no_checkpoint(_step: str) -> None:
    """Do nothing: the checkpoint of every run that is not a test."""


def new_name(path: str) -> str:
    """Return a hidden name next to C(path) for what is half made."""
    return _hidden_name(path, _NEW)


def aside_name(path: str) -> str:
    """Return a hidden name next to C(path) under which a directory can step aside."""
    return _hidden_name(path, _ASIDE)


def is_aside(name: str) -> bool:
    """Tell whether a name, without its folder, is one that C(aside_name) made."""
    return name.startswith(_ASIDE)


def _hidden_name(path: str, prefix: str) -> str:
    start = prefix + os.urandom(6).hex() + "-"
    name = os.fsencode(os.path.basename(path))[: _NAME_MAX - len(start)]
    return os.path.join(os.path.dirname(path), start + os.fsdecode(name))
