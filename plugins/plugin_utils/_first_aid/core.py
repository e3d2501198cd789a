# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Which Python versions the running ansible-core can run its modules under."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from ...module_utils._base.errors import InvalidDataError

__all__ = ["Supported", "supported_minors"]

# Oldest and newest target version of each ansible-core, for a core that does not tell it by itself.
_TABLE: dict[tuple[int, int], tuple[int, int]] = {
    (2, 16): (6, 12),
    (2, 17): (7, 12),
    (2, 18): (8, 13),
    (2, 19): (8, 13),
    (2, 20): (9, 14),
    (2, 21): (9, 14),
}

# Versions beyond the newest supported one that are still looked for, as a last resort.
_BEYOND = 3

_FALLBACK_ENTRY = re.compile(r"(?:^|/)python3\.(\d+)$")


class Supported(NamedTuple):
    """Minor versions ("3.9") that modules run under; C(newer) are those that the core does not promise yet."""

    minors: tuple[str, ...]
    newer: tuple[str, ...]

    def includes(self, minor: str) -> bool:
        """Tell whether modules run, or may run, under that version."""
        return minor in self.minors or minor in self.newer

    @property
    def oldest(self) -> str:
        """Return the oldest supported version."""
        return self.minors[0]

    @property
    def newest(self) -> str:
        """Return the newest supported version."""
        return self.minors[-1]


def supported_minors(core_version: str, fallback: Iterable[object] = ()) -> Supported:
    """Return the versions that ansible-core C(core_version) supports on its targets.

    C(fallback) is the default of the core's own setting INTERPRETER_PYTHON_FALLBACK, which names each supported
    version; where it names none, a table answers. Raises InvalidDataError for a core that neither knows.
    """
    named = [int(match.group(1)) for entry in fallback if (match := _FALLBACK_ENTRY.search(str(entry)))]
    oldest, newest = (min(named), max(named)) if named else _from_table(core_version)
    return Supported(
        tuple(f"3.{minor}" for minor in range(oldest, newest + 1)),
        tuple(f"3.{minor}" for minor in range(newest + 1, newest + 1 + _BEYOND)),
    )


def _from_table(core_version: str) -> tuple[int, int]:
    match = re.match(r"(\d+)\.(\d+)", core_version)
    if not match:
        raise InvalidDataError(f"The version of ansible-core is not readable: {core_version!r}.")
    release = (int(match.group(1)), int(match.group(2)))
    known = [entry for entry in sorted(_TABLE) if entry <= release]
    if not known:
        raise InvalidDataError(
            f"ansible-core {core_version} is older than {_dotted(min(_TABLE))}, "
            "the oldest that this collection works with."
        )
    return _TABLE[known[-1]]


def _dotted(release: tuple[int, int]) -> str:
    return f"{release[0]}.{release[1]}"
