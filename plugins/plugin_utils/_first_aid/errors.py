# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Errors that only first aid has."""

from __future__ import annotations

from collections.abc import Mapping

from ...module_utils._base.errors import SystemPythonError

__all__ = [
    "ChangedMeanwhileError",
    "NoInterpreterError",
    "NoUsableVersionError",
    "NotProvenError",
    "OpenWayError",
    "PreviousError",
    "StagingGoneError",
    "UnfinishedUpgradeError",
]


class NoInterpreterError(SystemPythonError):
    """No interpreter is trusted, and none could be brought back; details: rejected, tried."""

    kind = "no_interpreter"
    changed_nothing = True


class NoUsableVersionError(SystemPythonError):
    """No installed package has a version that the running ansible-core can use; details: installed, oldest, newest."""

    kind = "no_usable_version"
    changed_nothing = True


class UnfinishedUpgradeError(SystemPythonError):
    """A package is recorded in several releases, and the disk does not tell which one is wanted; details: packages."""

    kind = "unfinished_upgrade"
    changed_nothing = True


class StagingGoneError(SystemPythonError):
    """The staging folder vanished in the middle, because another run finished and tidied up."""

    kind = "staging_gone"


class ChangedMeanwhileError(SystemPythonError):
    """The host is not what it was when the installation was planned, because another run worked on it."""

    kind = "changed_meanwhile"
    changed_nothing = True


class OpenWayError(SystemPythonError):
    """Others than root may change a folder above the interpreters, and it cannot be closed; details: paths."""

    kind = "way_open"


class NotProvenError(SystemPythonError):
    """The packages were installed again, and still no interpreter is trusted; details: rejected."""

    kind = "not_proven"


class PreviousError(SystemPythonError):
    """The error of an earlier attempt, reported again with what came after it; it keeps that error's kind."""

    def __init__(self, previous: Mapping[str, object], then: str, changed_nothing: bool) -> None:
        """C(previous) is what C(as_dict) of the earlier error returned; a play kept it."""
        details = previous.get("details")
        super().__init__(f"{previous['message']} {then}", **(details if isinstance(details, Mapping) else {}))
        self.kind = str(previous["kind"])
        self.changed_nothing = changed_nothing
