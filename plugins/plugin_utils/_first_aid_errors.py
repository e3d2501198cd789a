# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Errors that only first aid has."""

from __future__ import annotations

from ansible_collections.fleet.system_python.plugins.module_utils._errors import SystemPythonError

__all__ = ["NoInterpreterError"]


class NoInterpreterError(SystemPythonError):
    """No interpreter is trusted, and none could be brought back; details: rejected, tried."""

    kind = "no_interpreter"
