# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The data that first aid returns, and that a play hands from one host to another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypedDict

from ...module_utils._base.errors import InvalidDataError
from ...module_utils._base.text import printable
from .._border.collected import Attempt, BroughtBack

__all__ = [
    "Attempt",
    "Borrowed",
    "BorrowedContent",
    "BroughtBack",
    "EnvironmentHazard",
    "Hazard",
    "LentContent",
    "Loan",
    "NeededFile",
    "PathHazard",
    "RecoveryPlan",
    "Rejected",
    "borrowed_from",
]


class Rejected(TypedDict):
    """An interpreter that was not taken. C(kind) is a stable word, C(reason) half a sentence."""

    path: str
    kind: str
    reason: str


class EnvironmentHazard(TypedDict):
    """A variable that makes Python or the dynamic loader run something else."""

    kind: Literal["environment"]
    name: str
    value: str


class PathHazard(TypedDict):
    """A file that Python would run at its start, or a library in the place of the packaged one."""

    kind: Literal["site_hook", "foreign_library"]
    path: str


Hazard = EnvironmentHazard | PathHazard


class RecoveryPlan(TypedDict):
    """What would be brought back: the minor version (null for a package named by the operator), NEVRAs, and paths.

    C(close): folders that others than root may change, and will not.
    """

    version: str | None
    packages: list[str]
    move_aside: list[str]
    close: list[str]


class NeededFile(TypedDict):
    """A file whose content is not what the host's package database says."""

    sha256: str
    path: str


class LentContent(TypedDict):
    """All contents in the file C(blob) on the controller, each behind the line C(mark); C(lacking) are not there."""

    blob: str
    mark: str
    lacking: int


class Loan(TypedDict):
    """What a host lent: files on the controller by NEVRA, single files, and why it is not everything."""

    packages: dict[str, str]
    content: LentContent | None
    reason: str


@dataclass(frozen=True)
class BorrowedContent:
    """Contents of single files that another host lent, as in LentContent."""

    blob: Path
    mark: str


@dataclass(frozen=True)
class Borrowed:
    """What the play collected for a host: the loans of others, and the error of the attempt before (empty: none).

    C(lenders) says in a sentence each what the asked hosts did.
    """

    packages: tuple[Path, ...]
    content: BorrowedContent | None
    lenders: tuple[str, ...]
    error: Mapping[str, object]


def borrowed_from(given: Mapping[str, Any] | None, private: Path) -> Borrowed | None:
    """Return the option C(borrowed) of the action, null where it is empty.

    Raises InvalidDataError for files that no task of this run has put below C(private), and for a mark that none made.
    """
    if not given:
        return None
    content = given.get("content")
    return Borrowed(
        packages=tuple(_lent_file(path, private) for path in (given.get("packages") or {}).values()),
        content=_content_from(content, private) if content else None,
        lenders=tuple(str(line) for line in given.get("lenders") or ()),
        error=given.get("error") or {},
    )


def _content_from(given: Mapping[str, Any], private: Path) -> BorrowedContent:
    mark = str(given.get("mark"))
    if not re.fullmatch("@[0-9a-f]{32}@", mark):
        raise InvalidDataError(
            "The option 'borrowed' has a mark that no lending host's task made. Nothing was changed."
        )
    return BorrowedContent(_lent_file(given.get("blob"), private), mark)


def _lent_file(path: object, private: Path) -> Path:
    real = Path(str(path)).resolve()
    if not real.is_relative_to(private.resolve()):
        raise InvalidDataError(
            f"The option 'borrowed' names {printable(str(path))}, which is no file that another host lent in this run. "
            "Nothing was changed. Give package files of your own in the option 'files'."
        )
    return real
