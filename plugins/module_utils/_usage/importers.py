# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Who imports an add-on to the system's Python: units, cron jobs, processes and commands that start it, by their text.

Nothing is started. A program that gets to a module by others of its own is not told.
"""

import os
import re
import time
import typing as t

from .._audit.contract import Contract
from .._audit.finding_records import Finding
from .._audit.findings import is_open
from .._audit.rule import ADD_ON, MOST_LISTED, named_files, project_of, shown
from .._base.text import json_text
from .places import PLACES, Places, listed, text_of, words_of_process
from .read import FOLDERS, Reader
from .records import Dependent
from .sources import Found, commands, cron_jobs, processes, units

__all__ = ["importers_of", "tell_importers"]

_SECONDS = 10.0
_PATH = re.compile(r"(?<![\w.])/[^\s\"'=;|&<>()]+")
# What lies beside the modules of an egg.
_NO_MODULES = ("EGG-INFO", "__pycache__")


def tell_importers(
    contract: Contract, findings: t.Iterable[Finding], places: Places = PLACES, path: t.Sequence[str] = FOLDERS
) -> None:
    """Say in each finding of add-ons that counts who imports them."""
    for finding in findings:
        if finding["actual"] != ADD_ON or not is_open(finding):
            continue
        found = importers_of(contract, named_files(finding), places, path)
        finding["evidence"] = dict(finding["evidence"], imported_by=found[:MOST_LISTED])
        finding["summary"] += "; imported by {0}".format(shown(found) or "nothing that is known")


def importers_of(
    contract: Contract, paths: t.Iterable[str], places: Places = PLACES, path: t.Sequence[str] = FOLDERS
) -> t.List[str]:
    """Return who imports what lies at C(paths): C(unit NAME), C(cron PATH), C(process PID), C(command PATH)."""
    wanted, names = list(paths), sorted({name for one in paths for name in _names_of(one)})
    if not names:
        return []
    importing = re.compile(
        r"(?:\b(?:import|from)|-m)\s[^\n]*\b(?:{0})\b|['\"](?:{0})==".format("|".join(map(re.escape, names)))
    )
    over = time.monotonic() + _SECONDS
    reader = Reader(contract, path, lambda: time.monotonic() > over)
    found: t.Dict[str, None] = {}
    for one in _dependents(reader, places, over):
        label = json_text(_label(one))
        if label not in found and (_is_mapped(one, wanted, places) or any(map(importing.search, _texts(one, places)))):
            found[label] = None
    return list(found)


def _names_of(path: str) -> t.Set[str]:
    """Return the names by which something in a folder for add-on modules may be imported."""
    project = project_of(path)
    name = os.path.basename(path)
    if path.endswith(".egg") and os.path.isdir(path):
        return {one.split(".")[0] for one in listed(path) if one not in _NO_MODULES}
    words = {project.split()[0]} if project else {name.split(".")[0]}
    # So names are written of which "-" would part the fields.
    return {word.replace("_", "-") for word in words} | words


def _dependents(reader: Reader, places: Places, over: float) -> t.Iterator[Dependent]:
    sources: t.Tuple[Found, ...] = (
        units(reader, places),
        cron_jobs(reader, places),
        processes(reader, places, []),
        commands(reader, places),
    )
    for source in sources:
        for one in source:
            if time.monotonic() > over:
                return
            if one:
                yield one


def _label(one: Dependent) -> str:
    if one["kind"] == "process":
        return "process {0}{1}".format(one["name"], " of {0}".format(one["unit"]) if one["unit"] else "")
    return "{0} {1}".format(one["kind"], one["name"] if one["kind"] == "unit" else one["path"])


def _texts(one: Dependent, places: Places) -> t.Iterator[str]:
    """Yield what starts the interpreter, and the files that this names."""
    own = _own_text(one, places)
    yield own
    for path in dict.fromkeys([one["via"] or "", *_PATH.findall(own)]):
        if path:
            yield text_of(os.path.realpath(path))


def _own_text(one: Dependent, places: Places) -> str:
    if one["kind"] != "process":
        return text_of(one["path"] or "")
    try:
        return " ".join(words_of_process(os.path.join(places.proc, one["name"])))
    except OSError:
        # It may have ended meanwhile.
        return ""


def _is_mapped(one: Dependent, paths: t.Iterable[str], places: Places) -> bool:
    """Tell whether a process has something of C(paths) in its memory."""
    if one["kind"] != "process":
        return False
    maps = text_of(os.path.join(places.proc, one["name"], "maps"))
    return any(path + end in maps for path in paths for end in ("/", "\n"))
