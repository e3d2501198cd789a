# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Find every venv of a host and say what it is, what is in it, what it hangs on and who uses it. Nothing is run."""

import time
import typing as t

from .._base.errors import SystemPythonError
from .._base.text import json_text, printable
from .._base.time_limit import TimeOverError, time_limit
from .._trust.owners import package_owners
from .._usage.reading import reading_below
from .describe import Owners, VenvReader
from .records import Census, CensusSettings, Venv
from .usage import users_of
from .walk import VenvWalk

__all__ = ["take_census"]

# Seconds for the venv that is being looked at when time is over.
_GRACE = 1.0


def take_census(
    settings: t.Optional[CensusSettings] = None,
    owners: Owners = package_owners,
    clock: t.Callable[[], float] = time.monotonic,
) -> Census:
    """Return the venvs of this host. C(owners) asks the package database about the interpreters, once."""
    settings = settings or CensusSettings()
    began = clock()
    walk = VenvWalk(settings, clock, began + settings.time_limit)
    paths = walk.run()
    reader = VenvReader(settings)
    venvs: t.List[Venv] = []
    for path in paths:
        left = began + settings.time_limit - clock()
        if left < 0:
            walk.reasons.append(
                f"{len(paths) - len(venvs)} of {len(paths)} venvs were not looked into: the time limit of "
                f"{settings.time_limit:.0f} s was over"
            )
            break
        try:
            with reading_below(path), time_limit(left + _GRACE, f"The look at {printable(path)}"):
                venvs.append(reader.describe(path))
        except (OSError, SystemPythonError) as error:
            walk.reasons.append(f"{printable(path)} was not looked into: {_why(error)}")
    venvs = reader.with_runtimes(venvs, owners)
    if settings.usage:
        try:
            with time_limit(settings.time_limit + _GRACE, "The look for who uses them"):
                users = users_of([venv.path for venv in venvs], settings.places)
            venvs = [venv._replace(used_by=tuple(users[venv.path])) for venv in venvs]
        except TimeOverError as error:
            walk.reasons.append(_why(error))
    return Census(
        venvs=tuple(venv._replace(path=json_text(venv.path)) for venv in venvs),
        conda=tuple(json_text(path) for path in sorted(walk.conda)),
        without_config=tuple(json_text(path) for path in sorted(walk.without_config)),
        reasons=tuple(walk.reasons_shown()),
        folders=walk.folders,
        seconds=round(clock() - began, 3),
    )


def _why(error: Exception) -> str:
    if isinstance(error, SystemPythonError):
        return error.message.rstrip(".")
    return getattr(error, "strerror", None) or str(error)
