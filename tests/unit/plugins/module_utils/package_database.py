# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A package database that says what a test wants."""

import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import SystemPythonError
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.verify_output import VerifyEntry
from ansible_collections.fleet.system_python.plugins.module_utils._trust.database import FileOwners, PackageDatabase


class FakeDatabase(PackageDatabase):
    """C(owners) has a package by path, C(entries) is what a verification reports; keeps what was verified."""

    name = "dpkg"

    def __init__(
        self,
        owners: t.Mapping[str, str],
        entries: t.Sequence[VerifyEntry] = (),
        objections: t.Optional[t.Mapping[str, str]] = None,
        error: t.Optional[SystemPythonError] = None,
    ) -> None:
        self._owners = owners
        self._entries = entries
        self._objections = objections or {}
        self._error = error
        self.verified: t.List[t.List[str]] = []

    def owners(self, paths: t.Sequence[str]) -> t.Dict[str, FileOwners]:
        if self._error is not None:
            raise self._error
        return {
            path: FileOwners((self._owners[path],), path, self._objections.get(path, ""))
            for path in paths
            if path in self._owners
        }

    def package_names(self, paths: t.Sequence[str]) -> t.Dict[str, str]:
        return {path: self._owners[path] for path in paths if path in self._owners}

    def verify(self, packages: t.Sequence[str]) -> t.List[VerifyEntry]:
        self.verified.append(list(packages))
        return list(self._entries)
