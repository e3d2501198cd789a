# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Scripts that rpm runs for one package when another one is installed or its files are.

Sources: triggers.md, file_triggers.md in rpm's docs/manual (file triggers are new in 4.13); rpmsenseFlags in rpmds.h.
"""

import re
import typing as t

from .._base.text import printable
from .database import Rpm
from .query import QUOTED_VALUE, text_of_value

__all__ = ["TRIGGERS_QUERY", "Trigger", "blamed", "read_triggers", "triggers_of"]

_KINDS = ("trigger", "filetrigger", "transfiletrigger")
_MOMENTS = ((1 << 16, "in"), (1 << 17, "un"), (1 << 18, "postun"), (1 << 25, "prein"))
_FIELD, _ROW = "\x1f", "\x1e"
TRIGGERS_QUERY = "".join(
    "[{kind}{field}%{{={nevra}}}{field}%{{{tag}FLAGS}}{field}%{{{tag}NAME:shescape}}{row}]".format(
        kind=kind, tag=kind.upper(), nevra="NEVRA", field=_FIELD, row=_ROW
    )
    for kind in _KINDS
)
_TRIGGER = re.compile("({0}){1}([^{1}]+){1}([0-9]+){1}{2}{3}".format("|".join(_KINDS), _FIELD, QUOTED_VALUE, _ROW))


class Trigger(t.NamedTuple):
    """A script of the package C(nevra): C(kind) is as in its spec file, C(on) what sets it off."""

    nevra: str
    kind: str
    on: str

    def __str__(self) -> str:
        return "%{0} -- {1} of {2}".format(self.kind, self.on, self.nevra)

    def runs_for(self, packages: t.Container[str], paths: t.Iterable[str]) -> bool:
        """Tell whether it runs when C(packages) are installed, or C(paths)."""
        if self.kind.startswith("trigger"):
            return self.on in packages
        return any(path.startswith(self.on) for path in paths)


def triggers_of(rpm: Rpm, packages: t.Container[str], paths: t.Collection[str]) -> t.List[Trigger]:
    """Return what runs when C(packages) or C(paths) are installed. One process. Raises DatabaseError."""
    done = rpm.ask(["-qa", "--qf", TRIGGERS_QUERY])
    rpm.check(done)
    return read_triggers(done.out, packages, paths)


def read_triggers(output: str, packages: t.Container[str], paths: t.Collection[str]) -> t.List[Trigger]:
    """Return the same of what C(rpm -qa) answered to C(TRIGGERS_QUERY)."""
    found = []
    for kind, nevra, flags, name in _TRIGGER.findall(output):
        moment = next((word for bit, word in _MOMENTS if int(flags) & bit), "")
        found.append(Trigger(nevra, kind + moment, text_of_value(name)))
    return sorted({one for one in found if one.runs_for(packages, paths)})


def blamed(triggers: t.Sequence[Trigger]) -> str:
    """Return a sentence for an error, empty where there are none: what may have undone a reinstallation."""
    if not triggers:
        return ""
    return (
        " A script of another package runs with the reinstallation and may have changed them again: {0}. Read it "
        "(rpm -q --triggers --filetriggers PACKAGE), and remove that package or let it be changed.".format(
            ", ".join(printable(str(one)) for one in triggers)
        )
    )
