# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The command /usr/bin/python3 where an alternatives group of the release itself makes it: what it is to choose.

What was done is noted in the record's C(made), as of /usr/bin/python.
"""

import typing as t

from .._audit.contract import COMMAND, COMMAND_GROUP
from .._audit.records import AlternativesGroup
from .._base.errors import PinImpossibleError
from .._base.text import printable
from .plan import PinStep
from .record import PinEntry
from .unversioned import ORIGINAL, PinnedHost, registered_choices, undo_selections

__all__ = ["CommandPlanner"]

# The version of the system's own Python.
_SYSTEM = "system"


class CommandPlanner:
    """What has to be done about C(/usr/bin/python3). It only looks."""

    def __init__(self, host: PinnedHost) -> None:
        self.host = host

    def plan(self, wish: str, entry: t.Optional[PinEntry]) -> t.List[PinStep]:
        """Return what has to be done for the version C(wish). Raises PinImpossibleError."""
        if wish == ORIGINAL:
            return undo_selections(self.host.observation, entry, COMMAND)
        version = self.host.contract["version"] if wish == _SYSTEM else wish
        group = self._group(wish)
        target = COMMAND[: -len("3")] + version
        choices = registered_choices(self.host.observation, COMMAND_GROUP)
        if target not in choices:
            raise self._impossible(
                wish,
                f"the alternatives group {COMMAND_GROUP} has no {printable(target)} that exists (it has: "
                f"{', '.join(map(printable, choices)) or 'nothing'}). Install the package that registers it",
                [path[len(target) - len(version) :] for path in choices],
            )
        if (group["chosen"], group["mode"]) == (target, "manual"):
            return []
        return [PinStep(action="select_alternative", group=COMMAND_GROUP, target=target, mode="manual")]

    def _group(self, wish: str) -> AlternativesGroup:
        if COMMAND_GROUP not in self.host.contract["alternatives"]:
            raise self._impossible(
                wish, f"on {self.host.contract['name']} a package ships it as a link, and nothing chooses it", []
            )
        for group in self.host.observation["alternatives"]:
            if group["name"] == COMMAND_GROUP:
                return group
        raise self._impossible(wish, f"this host has no alternatives group {COMMAND_GROUP}: no package made it", [])

    def _impossible(self, wish: str, why: str, possible: t.Sequence[str]) -> PinImpossibleError:
        return PinImpossibleError(
            f"{COMMAND} cannot be {printable(wish)}: {why}.", part="python3", wanted=wish, possible=list(possible)
        )
