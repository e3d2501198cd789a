# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The options of python_benchmark, whether they make sense, and the workloads that they mean."""

import re
import typing as t

from .._base.errors import InvalidDataError
from .._base.text import printable
from .records import OwnScript
from .runners import PyperfSource, Workload

__all__ = ["WORKLOAD_NAMES", "Settings", "check", "workloads_of"]

_PROGRAMS = {
    "nbody": ("n-body, three bodies, {0:,} steps", 900000),
    "words": ("dict, str and sort, {0:,} words", 1000000),
    "files": ("{0:,} files of 4 KiB written, read, removed", 2000),
}
_COMMANDS = {
    "startup": ("start-up", ("-c", "pass")),
    "startup_isolated": ("start-up without site (-I -S)", ("-I", "-S", "-c", "pass")),
}
WORKLOAD_NAMES = tuple(_PROGRAMS) + tuple(_COMMANDS)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")


class Settings(t.NamedTuple):
    """The options of the module python_benchmark."""

    interpreters: t.Optional[t.Sequence[str]] = None
    baseline: t.Optional[str] = None
    workloads: t.Sequence[str] = ("nbody", "words", "files", "startup")
    scripts: t.Sequence[OwnScript] = ()
    scale: float = 1.0
    fsync: bool = False
    rounds: int = 9
    warmups: int = 1
    tolerance: float = 0.02
    clock: str = "wall"
    runner: str = "auto"
    pyperf: PyperfSource = PyperfSource(None, False)
    user: str = "nobody"
    folder: str = "/var/tmp"  # noqa: S108  # the files that are measured shall be on a disk
    niceness: int = 0
    timeout: float = 300.0


def check(settings: Settings) -> None:
    """Raise InvalidDataError for options that make no sense; the message names the option."""
    limits = (
        ("rounds", settings.rounds, 1, 1000),
        ("warmups", settings.warmups, 0, 100),
        ("scale", settings.scale, 0.0001, 1000),
        ("tolerance", settings.tolerance, 0, 1),
        ("timeout", settings.timeout, 1, 86400),
        ("niceness", settings.niceness, -20, 19),
    )
    for name, value, least, most in limits:
        if not least <= value <= most:
            raise InvalidDataError(f"{name} is {value}; it must be from {least} to {most}.", option=name)
    unknown = [name for name in settings.workloads if name not in WORKLOAD_NAMES]
    if unknown:
        raise InvalidDataError(f"No such workload: {', '.join(map(printable, unknown))}.", option="workloads")
    names = list(settings.workloads) + [script["name"] for script in settings.scripts]
    for name in names:
        if not _NAME.fullmatch(name) or names.count(name) > 1:
            raise InvalidDataError(
                f"A workload cannot be called '{printable(name)}': names differ, and have letters, digits, '_', '.' "
                "and '-'.",
                option="scripts",
            )
    if not names:
        raise InvalidDataError("There is nothing to measure: name workloads or scripts.", option="workloads")


def workloads_of(settings: Settings, scripts: t.Mapping[str, str]) -> t.List[Workload]:
    """Return what is measured; C(scripts) has the paths of the user's own by their names."""
    found = []
    for name in settings.workloads:
        if name in _PROGRAMS:
            title, size = _PROGRAMS[name]
            size = max(1, int(size * settings.scale))
            fsync = settings.fsync and name == "files"
            found.append(Workload(name, title.format(size) + (", with fsync" if fsync else ""), size, fsync=fsync))
        else:
            title, arguments = _COMMANDS[name]
            found.append(Workload(name, title, arguments=arguments))
    for script in settings.scripts:
        arguments = ("-B", scripts[script["name"]]) + tuple(script.get("arguments") or ())
        found.append(Workload(script["name"], f"own script {script['name']}", arguments=arguments))
    return found
