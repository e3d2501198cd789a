# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The text of the state file of an alternatives group: pure.

Its skeleton is the same in chkconfig's C(alternatives) and dpkg's C(update-alternatives), see
docs/notes/alternatives.md. What chkconfig's C(readConfig) refuses is refused here: with such a file its program fails
whatever it is asked to do.
"""

import itertools
import re
import typing as t

from .._base.errors import InvalidDataError
from .._base.text import printable
from .records import AlternativesChoice, AlternativesGroup, AlternativesSlave, make_group

__all__ = ["parse_state", "readable_links", "without"]

_PRIORITY = re.compile(r"^(?:@(?P<family>[^@]*)@)?(?P<priority>-?\d+)(?: (?P<initscript>.*))?$")


def parse_state(name: str, text: str) -> AlternativesGroup:
    """Return the group that a state file describes, without what only its links tell.

    Raises InvalidDataError for another form, and for a group that offers nothing.
    """
    lines = text.split("\n")
    try:
        return _parse_lines(name, lines)
    except IndexError:
        raise _invalid(name, "ends in the middle of an entry" if text else "is empty") from None


def _invalid(name: str, why: str) -> InvalidDataError:
    return InvalidDataError("The state file of the alternatives group {0} {1}.".format(printable(name), why))


def _parse_lines(name: str, lines: t.List[str]) -> AlternativesGroup:
    mode, link = lines[0], lines[1]
    if mode not in ("auto", "manual") or not link.startswith("/"):
        raise _invalid(name, "does not begin with 'auto' or 'manual' and a link")
    slaves: t.List[AlternativesSlave] = []
    at = 2
    while lines[at]:
        if lines[at].startswith("/") or not lines[at + 1].startswith("/"):
            raise _invalid(name, "has {0!r} where the link of a slave belongs".format(lines[at + 1]))
        slaves.append(AlternativesSlave(name=lines[at], link=lines[at + 1]))
        at += 2
    at += 1
    choices: t.List[AlternativesChoice] = []
    # A blank line inside a choice is data (a slave that the choice lacks); at a choice's beginning it ends the file.
    while at < len(lines) and lines[at]:
        choices.append(_parse_choice(name, lines, at, slaves))
        at += 2 + len(slaves)
    if not choices:
        raise _invalid(name, "offers no choices")
    if any(lines[at:]):
        raise _invalid(name, "continues after its end")
    return make_group(name, mode, link, slaves, choices)


def _parse_choice(name: str, lines: t.List[str], at: int, slaves: t.List[AlternativesSlave]) -> AlternativesChoice:
    match = _PRIORITY.match(lines[at + 1])
    if not match:
        raise _invalid(name, "has {0!r} where the priority of {1!r} belongs".format(lines[at + 1], lines[at]))
    targets = [lines[at + 2 + number] for number in range(len(slaves))]
    for target in [lines[at]] + [target for target in targets if target]:
        if not target.startswith("/"):
            raise _invalid(name, "has {0!r} where a target belongs".format(target))
    return AlternativesChoice(
        target=lines[at],
        place=lines[at],
        priority=int(match.group("priority")),
        family=match.group("family"),
        slaves={slave["name"]: target or None for slave, target in zip(slaves, targets)},
        chosen=False,
        exists=False,
        astray=[],
        owner=None,
    )


def readable_links(text: str) -> t.Tuple[t.Optional[str], t.List[AlternativesSlave]]:
    """Return the public link and the slaves that a state file of another form still names, as far as they go."""
    lines = text.split("\n")
    link = lines[1] if len(lines) > 1 and lines[1].startswith("/") else None
    pairs = zip(lines[2::2], lines[3::2])
    whole = itertools.takewhile(lambda pair: pair[0] and pair[0][0] != "/" and pair[1].startswith("/"), pairs)
    return link, [AlternativesSlave(name=name, link=path) for name, path in whole if link]


def without(name: str, text: str, targets: t.Container[str], slaves: t.Container[str] = ()) -> str:
    """Return the text of a state file without the choices that lead to C(targets) and the slaves called C(slaves).

    It is in automatic mode where a choice goes. Everything else stays as it is, to the byte. Raises InvalidDataError
    for another form.
    """
    group = parse_state(name, text)
    lines = text.split("\n")
    first, length = 3 + 2 * len(group["slaves"]), 2 + len(group["slaves"])
    keeps = [slave["name"] not in slaves for slave in group["slaves"]]
    left = [choice for choice in group["choices"] if choice["target"] not in targets]
    kept = [lines[0] if len(left) == len(group["choices"]) else "auto", lines[1]]
    for number, keep in enumerate(keeps):
        kept.extend(lines[2 + 2 * number : 4 + 2 * number] if keep else [])
    kept.append("")
    for number, choice in enumerate(group["choices"]):
        at = first + number * length
        if choice["target"] not in targets:
            kept.extend(lines[at : at + 2])
            kept.extend(line for line, keep in zip(lines[at + 2 : at + length], keeps) if keep)
    return "\n".join(kept + lines[first + len(group["choices"]) * length :])
