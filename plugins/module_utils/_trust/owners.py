# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Ask the host's package database, rpm's or dpkg's, who owns a path; one command for all paths."""

import typing as t

from .._base.command import CommandRunner, run_command
from .database import PackageDatabase, system_database

__all__ = ["package_owners"]


def package_owners(
    paths: t.Iterable[str], run: CommandRunner = run_command, database: t.Optional[PackageDatabase] = None
) -> t.Dict[str, str]:
    """Return the package name of each of C(paths) that a package owns, by default as the host's own database says.

    Raises SystemPythonError.
    """
    wanted = sorted(set(paths))
    database = database or system_database(run)
    return database.package_names(wanted) if wanted and database is not None else {}
