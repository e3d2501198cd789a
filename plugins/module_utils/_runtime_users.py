# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Who uses a runtime: venvs that hang on it, and running processes."""

import os
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._errors import InUseError
from ansible_collections.fleet.system_python.plugins.module_utils._text import json_text, printable
from ansible_collections.fleet.system_python.plugins.module_utils._unprivileged import processes_in
from ansible_collections.fleet.system_python.plugins.module_utils._venv_census import (
    DEFAULT_ROOTS,
    CensusSettings,
    take_census,
)

__all__ = ["Census", "Users", "census_of", "find_users"]

# What take_census returns.
Census = t.Callable[[], t.Dict[str, t.Any]]
_SHOWN = 10
_HOPS = 20
# Deeper than a census looks by default: here a venv that is not seen is lost.
_DEPTH = 16


class Users(t.NamedTuple):
    """C(processes): process id to interpreter; C(reasons): why the search for venvs is not complete, if it is not."""

    venvs: t.Tuple[str, ...]
    processes: t.Dict[int, str]
    partial: bool
    reasons: t.Tuple[str, ...]

    def refusal(self, what: str, ignore_partial: bool) -> t.Optional[InUseError]:
        """Return why C(what) is not removed, None when nobody uses it."""
        why = []
        if self.venvs:
            why.append("these venvs hang on it: {0}".format(_some([printable(path) for path in self.venvs])))
        if self.processes:
            shown = ["{0} ({1})".format(pid, printable(path)) for pid, path in sorted(self.processes.items())]
            why.append("these processes run it: {0}".format(_some(shown)))
        if self.partial and not ignore_partial and not why:
            why.append(
                "not all folders could be searched for venvs: {0}. Give more time (census_timeout), leave folders out "
                "(census_roots), or say that it does not matter (ignore_partial_census)".format(
                    "; ".join(self.reasons[:_SHOWN])
                )
            )
        if not why:
            return None
        return InUseError(
            "{0} is not removed: {1}. Move them to another runtime first; nothing was changed.".format(
                printable(what), "; ".join(why)
            )
            if self.venvs or self.processes
            else "{0} is not removed: {1}. Nothing was changed.".format(printable(what), why[0]),
            venvs=[json_text(path) for path in self.venvs],
            processes=sorted(self.processes),
            partial=self.partial,
            reasons=list(self.reasons),
        )


def _some(names: t.Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (" and {0} more".format(more) if more > 0 else "")


def census_of(roots: t.Sequence[str], timeout: float, runtimes: str) -> Census:
    """Return a census of the host for C(find_users): taken when it is asked for, and once only."""
    taken: t.List[t.Dict[str, t.Any]] = []

    def take() -> t.Dict[str, t.Any]:
        if not taken:
            settings = CensusSettings(
                roots=tuple(roots) or DEFAULT_ROOTS,
                time_limit=timeout,
                packages=False,
                usage=False,
                sizes=False,
                kept=True,
                whole=True,
                depth=_DEPTH,
                runtimes=runtimes,
            )
            taken.append(take_census(settings))
        return taken[0]

    return take


def find_users(places: t.Sequence[str], census: Census, proc: str = "/proc", moving: str = "") -> Users:
    """Return who uses what is at C(places): folders or files, the links that lead to it among them.

    C(moving) is a link that is about to lead elsewhere: venvs that get there only by it are left out.
    """
    wanted = sorted({os.path.realpath(place) for place in places} | set(places))
    found = census()
    venvs = [str(venv["path"]) for venv in found["venvs"] if _hangs_on(venv, wanted)]
    if moving:
        followers = {str(venv["path"]) for venv in found["venvs"] if _follows(venv, moving)}
        venvs = [path for path in venvs if path not in followers]
    real = sorted({os.path.realpath(place) for place in places})
    return Users(
        venvs=tuple(sorted(venvs)),
        processes=processes_in(real, "exe", proc),
        partial=bool(found["partial"]),
        reasons=tuple(found.get("reasons") or ()),
    )


def _hangs_on(venv: t.Mapping[str, t.Any], places: t.Sequence[str]) -> bool:
    named = [venv.get("interpreter"), venv.get("home")]
    named += list(venv.get("links") or ())
    named += list((venv.get("pythons") or {}).values()) + list((venv.get("dangling") or {}).values())
    return any(_is_in(str(name), place) for name in named if name for place in places)


def _follows(venv: t.Mapping[str, t.Any], link: str) -> bool:
    """Tell whether every interpreter of the venv is reached by C(link), or is a copy of one that is."""
    path = str(venv["path"])
    ends = [_way_out(os.path.join(path, "bin", name), path) for name in venv.get("pythons") or ()]
    return bool(ends) and all(_is_in(end, link) for end in ends + [str(venv.get("home"))] if end != path)


def _way_out(path: str, venv: str) -> str:
    """Return the first name outside of the venv that the link C(path) leads to; C(venv) where it stays inside."""
    for _hop in range(_HOPS):
        if not os.path.islink(path):
            return venv if os.path.isfile(path) else path
        path = os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(path)))
        if not _is_in(path, venv):
            break
    return path


def _is_in(path: str, place: str) -> bool:
    return path == place or path.startswith(place.rstrip("/") + "/")
