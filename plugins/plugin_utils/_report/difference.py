# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What the observation after says otherwise than the one before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ...module_utils._audit.records import LinkHop
from ...module_utils._base.text import printable
from .._border.collected import Facts
from .records import Difference

__all__ = ["differences", "link_text"]

_VOUCHED = {True: "as its package shipped it", False: "not as its package shipped it", None: "owned by no package"}


def differences(before: Facts | None, after: Facts | None) -> list[Difference]:
    """Return them, by what and by subject."""
    if not before or not after or before is after:
        return []
    return [
        Difference(what=what, subject=subject, before=one.get(subject), after=other.get(subject))
        for what, read in _READERS.items()
        for one, other in [(read(before), read(after))]
        for subject in sorted({*one, *other})
        if one.get(subject) != other.get(subject)
    ]


def link_text(hops: Sequence[LinkHop]) -> str:
    """Return where a link leads, hop by hop."""
    return " -> ".join(printable(hop["path"]) for hop in hops) or "missing"


def _links(facts: Facts) -> dict[str, str]:
    return {hops[0]["path"]: link_text(hops) for hops in facts["resolution"].values() if hops}


def _interpreters(facts: Facts) -> dict[str, str]:
    return {
        printable(one["path"]): f"Python {one['version'] or 'unknown'}, {_VOUCHED[one['verified']]}"
        for one in facts["interpreters"]
    }


def _groups(facts: Facts) -> dict[str, str]:
    return {printable(one["name"]): f"{one['mode']}: {printable(str(one['chosen']))}" for one in facts["alternatives"]}


def _manager(facts: Facts) -> dict[str, str]:
    manager = facts["manager"]
    reason = f": {manager['reason']}" if manager["reason"] else ""
    return {"package manager": f"{manager['state']}{reason}"}


def _findings(facts: Facts) -> dict[str, str]:
    return {f"{one['id']} {printable(one['path'] or '')}".strip(): one["summary"] for one in facts["findings"]}


_READERS: Mapping[str, Callable[[Facts], Mapping[str, str]]] = {
    "link": _links,
    "interpreter": _interpreters,
    "alternatives": _groups,
    "package": lambda facts: facts["packages"],
    "manager": _manager,
    "selinux": lambda facts: {"configured mode": str(facts["selinux"])},
    "finding": _findings,
}
