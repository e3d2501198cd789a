# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What the steps of a plan leave behind, and whether one step undoes what another one did.

Rules are written one by one, and each names a remedy without knowing the others. Where two of them meet at one file
the host would be changed by every run for ever, so such a plan is not begun.
"""

import functools
import os
import typing as t

from .._base.errors import PlanError
from .._base.text import printable
from .._disk.root import HOST

if t.TYPE_CHECKING:
    from .plan import RepairStep

__all__ = ["require_agreement"]


class _Effect(t.NamedTuple):
    """What a step leaves at a path: C(link) to C(target), C(gone) with all below it, or C(kept), changed or not."""

    step: str
    path: str
    leaves: str
    target: str = ""


def require_agreement(plan: t.Sequence["RepairStep"], canonical: t.Callable[[str], str] = HOST.canonical) -> None:
    """Raise PlanError when two steps of C(plan) do not leave the same at one file, by whatever name they call it."""
    named = functools.lru_cache(maxsize=None)(canonical)
    effects = [(named(effect.path), effect) for step in plan for effect in _effects_of(step)]
    gone = {path: effect for path, effect in effects if effect.leaves == "gone"}
    links: t.Dict[str, t.Tuple[str, _Effect]] = {}
    for path, effect in effects:
        needed = [path] if effect.leaves != "gone" else []
        if effect.leaves == "link":
            target = named(os.path.join(os.path.dirname(path), effect.target))
            needed.append(target)
            led_to, other = links.setdefault(path, (target, effect))
            if led_to != target:
                raise _disagreement(other, effect, path)
        for name in needed:
            taken = next((gone[above] for above in _upwards(name) if above in gone), None)
            if taken:
                raise _disagreement(taken, effect, name)


def _upwards(path: str) -> t.Iterator[str]:
    while True:
        yield path
        if path in ("/", ""):
            return
        path = os.path.dirname(path)


def _effects_of(step: "RepairStep") -> t.Iterator[_Effect]:
    action = step["action"]
    if action == "restore_link":
        yield _Effect(action, step["path"], "link", step["target"])
    if action in ("drop_choices", "relink_group"):
        for link in step["links"]:
            yield _Effect(action, link["path"], "link", link["target"])
    if action == "drop_group":
        for link in step["links"]:
            if link["packaged_target"]:
                yield _Effect(action, link["path"], "link", link["packaged_target"])
            elif not link["package"]:
                yield _Effect(action, link["path"], "gone")
    taken = {"quarantine": step.get("paths", []), "drop_group": [step.get("state_file", "")]}.get(action, [])
    for path in taken + step.get("entries", []):
        yield _Effect(action, path, "gone")
    kept = [step["path"]] if action in ("unset_variables", "set_metadata") else []
    for path in kept + step.get("keep", []):
        yield _Effect(action, path, "kept")


def _disagreement(one: _Effect, other: _Effect, path: str) -> PlanError:
    return PlanError(
        "Two steps of the repair do not agree about {0}: {1} ({2}), {3} ({4}). Nothing was changed. Leave one of them "
        "out (see the findings), and please report it: the rules are mistaken.".format(
            printable(path), one.step, _described(one), other.step, _described(other)
        ),
        path=path,
        steps=[one.step, other.step],
    )


def _described(effect: _Effect) -> str:
    if effect.leaves == "gone":
        return "takes {0} away".format(printable(effect.path))
    if effect.leaves == "link":
        return "makes {0} lead to {1}".format(printable(effect.path), printable(effect.target))
    return "keeps {0}".format(printable(effect.path))
