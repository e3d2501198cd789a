# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Which interpreters are compared, and whether somebody vouches for them. Starts none of them."""

import os
import typing as t

from .._audit.contract import contract_for
from .._audit.interpreters import find_interpreters
from .._audit.records import Interpreter
from .._base.errors import InvalidDataError, UnknownPlatformError
from .._base.text import printable
from .._disk.os_release import read_os_release
from .._trust.database import PackageDatabase
from .._trust.vouch import vouched
from .records import Subject

__all__ = ["choose", "note_vouchers", "system_interpreter"]

_FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin")
_USUAL = "/usr/bin/python3"


def system_interpreter() -> str:
    """Return the path of the operating system's own Python: by its contract, else /usr/bin/python3."""
    try:
        binary: str = contract_for(read_os_release())["binaries"][0]["path"]
    except UnknownPlatformError:
        # A benchmark needs no contract: every POSIX host has the name.
        return _USUAL
    return binary


def choose(
    interpreters: t.Optional[t.Sequence[str]],
    baseline: t.Optional[str],
    find: t.Callable[[t.Sequence[str]], t.List[Interpreter]] = find_interpreters,
) -> t.List[Subject]:
    """Return the interpreters to compare, the baseline first.

    Without C(interpreters) these are the ones of the host, one of each version. The baseline is added where it is not
    among them. Raises InvalidDataError for a path that is not absolute or named twice.
    """
    first = baseline or system_interpreter()
    paths = list(interpreters) if interpreters else _of_each_version(first, find(_FOLDERS))
    for path in [first] + paths:
        if not path.startswith("/") or "\0" in path:
            raise InvalidDataError(f"Not an absolute path: {printable(path)}", path=printable(path))
    twice = sorted({path for path in paths if paths.count(path) > 1})
    if twice:
        raise InvalidDataError(f"Named twice: {', '.join(map(printable, twice))}", paths=twice)
    return [_subject(path) for path in [first] + [path for path in paths if path != first]]


def _of_each_version(first: str, records: t.Iterable[Interpreter]) -> t.List[str]:
    """Return the first path of each version; the baseline stands for its own."""
    real = os.path.realpath(first)
    usable = [record for record in records if record["reason"] is None and record["version"]]
    seen = {record["version"] for record in usable if record["realpath"] == real}
    chosen = [first]
    for record in usable:
        if record["version"] not in seen:
            seen.add(record["version"])
            chosen.append(record["path"])
    return chosen


def _subject(path: str) -> Subject:
    is_there = os.path.isfile(path)
    return Subject(
        path=path,
        realpath=os.path.realpath(path) if is_there else None,
        version=None,
        owner=None,
        vouched_by=None,
        verified=False,
        note=None,
        problem=None if is_there else "there is no such file",
    )


def note_vouchers(subjects: t.Sequence[Subject], database: t.Optional[PackageDatabase] = None) -> None:
    """Note in each of C(subjects) who vouches for its program file, or why nobody does."""
    answers = vouched([subject["path"] for subject in subjects], database)
    for subject in subjects:
        answer = answers[subject["path"]]
        subject["owner"] = answer.owner
        subject["vouched_by"] = answer.by if answer.intact else None
        subject["verified"] = answer.intact
        subject["note"] = answer.reason or None
