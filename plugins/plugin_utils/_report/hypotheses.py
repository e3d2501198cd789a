# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The explanations that a report tests: each is ruled in or out by named pieces of evidence, or left open.

A hypothesis is one entry of C(HYPOTHESES) and one function over the C(Case). Nothing is ruled out because nothing was
looked at: then it is open, and says what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from . import contents, installs, paths
from .case import Case, Verdict
from .records import Hypothesis, Piece

__all__ = ["HYPOTHESES", "check_all", "titles"]


class Explanation(NamedTuple):
    """An entry of the registry."""

    id: str
    title: str
    check: Callable[[Case], Verdict]
    # Whether a summary names it after the others: it is seldom all.
    lesser: bool = False


HYPOTHESES = (
    Explanation("alternatives_redirected", "alternatives redirected python3", paths.alternatives_redirected, True),
    Explanation("link_replaced", "a packaged link was replaced directly", paths.link_replaced, True),
    Explanation("path_shadowed", "another python3 shadows it on PATH", paths.path_shadowed, True),
    Explanation("binary_overwritten", "the binary was overwritten in place", contents.binary_overwritten),
    Explanation("replaced_by_package", "another package replaced it", contents.replaced_by_package),
    Explanation("library_altered", "the library was altered", contents.library_altered),
    Explanation("pip_as_root", "pip ran as root", installs.pip_as_root),
    Explanation("environment_variable", "an environment variable leads astray", paths.environment_variable),
    Explanation("failed_update", "an update failed halfway", installs.failed_update),
    Explanation("disk_corruption", "the disk corrupted it", contents.disk_corruption),
)


def check_all(case: Case) -> list[Hypothesis]:
    """Return all hypotheses with their verdicts; the exhibits are in the case afterwards."""
    return [_checked(case, one) for one in HYPOTHESES]


def _checked(case: Case, explanation: Explanation) -> Hypothesis:
    verdict = explanation.check(case)
    return Hypothesis(
        id=explanation.id,
        title=explanation.title,
        verdict=verdict.verdict,
        evidence=[Piece(ref=ref, shows=shows) for ref, shows in verdict.evidence],
        missing=verdict.missing,
    )


def titles(ids: Iterable[str]) -> list[str]:
    """Return the titles of hypotheses, what is done to files before what is done to links."""
    wanted = set(ids)
    found = [one for one in HYPOTHESES if one.id in wanted]
    return [one.title for one in sorted(found, key=lambda one: one.lesser)]
