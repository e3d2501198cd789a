# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Errors that only first aid has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fleet.system_python.plugins.module_utils._errors import SystemPythonError

__all__ = [
    "ChangedMeanwhileError",
    "NoInterpreterError",
    "NoUsableVersionError",
    "NotProvenError",
    "PreviousError",
    "StagingGoneError",
]


class NoInterpreterError(SystemPythonError):
    """No interpreter is trusted, and none could be brought back; details: rejected, tried."""

    kind = "no_interpreter"


class NoUsableVersionError(SystemPythonError):
    """No installed package has a version that the running ansible-core can use; details: installed, oldest, newest."""

    kind = "no_usable_version"


class StagingGoneError(SystemPythonError):
    """The staging folder vanished in the middle, because another run finished and tidied up."""

    kind = "staging_gone"


class ChangedMeanwhileError(SystemPythonError):
    """The host is not what it was when the installation was planned, because another run worked on it."""

    kind = "changed_meanwhile"


class NotProvenError(SystemPythonError):
    """The packages were installed again, and still no interpreter is trusted; details: rejected."""

    kind = "not_proven"


class PreviousError(SystemPythonError):
    """The error of an earlier attempt, told again with what came after it; it keeps that error's kind."""

    def __init__(self, kind: str, message: str, details: Mapping[str, Any]) -> None:
        super().__init__(message, **details)
        self.kind = kind
