# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Who uses a runtime: venvs that hang on it, and running processes."""

import functools
import os
import typing as t

from .._base.errors import InUseError
from .._base.paths import is_in
from .._base.text import json_text, printable, shortened
from .._rights.processes import processes_in
from .._venv.census import take_census
from .._venv.records import DEFAULT_ROOTS, Census, CensusSettings, Venv

__all__ = ["TakeCensus", "Users", "census_of", "find_users"]

TakeCensus = t.Callable[[], Census]
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
            why.append(f"these venvs depend on it: {shortened(map(printable, self.venvs), _SHOWN)}")
        if self.processes:
            shown = [f"{pid} ({printable(path)})" for pid, path in sorted(self.processes.items())]
            why.append(f"these processes run it: {shortened(shown, _SHOWN)}")
        if self.partial and not ignore_partial and not why:
            why.append(
                f"not all folders could be searched for venvs: {'; '.join(self.reasons[:_SHOWN])}. Give more time "
                "(census_timeout), leave folders out (census_roots), or say that it does not matter "
                "(ignore_partial_census)"
            )
        if not why:
            return None
        advice = "Move them to another runtime first; nothing was changed."
        return InUseError(
            f"{printable(what)} is not removed: {'; '.join(why)}. "
            + (advice if self.venvs or self.processes else "Nothing was changed."),
            venvs=[json_text(path) for path in self.venvs],
            processes=sorted(self.processes),
            partial=self.partial,
            reasons=list(self.reasons),
        )


def census_of(roots: t.Sequence[str], timeout: float, runtimes: str) -> TakeCensus:
    """Return a census of the host for C(find_users): taken when it is asked for, and once only."""
    settings = CensusSettings(
        roots=tuple(roots) or DEFAULT_ROOTS,
        time_limit=timeout,
        packages=False,
        usage=False,
        kept=True,
        whole=True,
        depth=_DEPTH,
        runtimes=runtimes,
    )
    return functools.lru_cache(maxsize=None)(lambda: take_census(settings))


def find_users(places: t.Sequence[str], census: TakeCensus, proc: str = "/proc", moving: str = "") -> Users:
    """Return who uses what is at C(places): folders or files, the links that lead to it among them.

    C(moving) is a link that is about to lead elsewhere: venvs that get there only by it are left out.
    """
    real = [os.path.realpath(place) for place in places]
    found = census()
    hanging = [venv for venv in found.venvs if _hangs_on(venv, [*real, *places])]
    venvs = [venv.path for venv in hanging if not (moving and _follows_link(venv, moving))]
    return Users(
        venvs=tuple(sorted(venvs)),
        processes=processes_in(real, "exe", proc),
        partial=found.partial,
        reasons=found.reasons,
    )


def _hangs_on(venv: Venv, places: t.Sequence[str]) -> bool:
    named = [venv.home] + [path for one in venv.pythons for path in (one.realpath, one.target) + one.chain if path]
    return any(is_in(name, *places) for name in named)


def _follows_link(venv: Venv, link: str) -> bool:
    """Tell whether every interpreter of the venv is reached by C(link), or is a copy of one that is."""
    ends = [_first_outside(os.path.join(venv.path, "bin", one.name), venv.path) for one in venv.pythons]
    return bool(ends) and all(is_in(end, link) for end in ends + [venv.home] if end != venv.path)


def _first_outside(path: str, venv: str) -> str:
    """Return the first name outside of the venv that the link C(path) leads to; C(venv) where it stays inside."""
    for _hop in range(_HOPS):
        if not os.path.islink(path):
            return venv if os.path.isfile(path) else path
        path = os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(path)))
        if not is_in(path, venv):
            break
    return path
