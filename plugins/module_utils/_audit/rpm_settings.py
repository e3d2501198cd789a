# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What rpm reads, runs or loads at its start, and with it the package manager that is built on it."""

import typing as t

from .._disk.root import Root
from .._rpm.settings import is_literal, macro_files, other_files
from .records import RpmSetting

__all__ = ["settings_of_rpm"]


def settings_of_rpm(root: Root) -> t.List[RpmSetting]:
    """Return all that is there, without the owners."""
    found = [_setting(path, is_literal(path, root)) for path in macro_files(root)]
    return found + [_setting(path, False) for path in other_files(root)]


def _setting(path: str, literal: bool) -> RpmSetting:
    return RpmSetting(path=path, literal=literal, owner=None, verified=None)
