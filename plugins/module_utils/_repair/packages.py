# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Bring packages to the host for a transaction, and find out before it whether rpm would take them."""

import typing as t

from .._base.command import CommandRunner, run_command
from .._packages.acquisition import Acquired, acquire
from .._packages.ladder import SourceSettings, ladder
from .._packages.transaction import Transaction
from .._packages.wanted import Wanted
from .._rpm.database import Rpm

__all__ = ["PackageOptions", "bring"]


class PackageOptions(t.NamedTuple):
    """What the user says about packages: see the options of the same names. C(fetch_timeout) is in seconds."""

    files: t.Sequence[str] = ()
    use: t.Optional[t.Sequence[str]] = None
    check_signatures: bool = True
    fetch_timeout: float = 600.0


def bring(
    wanted: t.Sequence[Wanted],
    staging: str,
    options: PackageOptions,
    rpm: Rpm,
    manager_trusted: bool,
    runner: CommandRunner = run_command,
) -> Acquired:
    """Bring the packages into C(staging), checked, and let rpm test them.

    C(manager_trusted): dnf may be started. Raises
    AcquisitionError, VersionGoneError, SignatureError, RepositoryError, DiskFullError, ReadOnlyError, LockedError or
    TransactionError.
    """
    settings = SourceSettings(
        rpm=rpm,
        files=tuple(options.files),
        manager_trusted=manager_trusted,
        timeout=options.fetch_timeout,
        repositories_timeout=options.fetch_timeout,
        runner=runner,
    )
    acquired = acquire(wanted, staging, ladder(settings, options.use), rpm, options.check_signatures)
    transaction = Transaction(rpm, runner, options.check_signatures)
    transaction.test(list(acquired.files.values()))
    return acquired
