# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Files of the pinning: what each should hold, and what has to be done so that it does, or so that it is gone again.

Everything here only looks. The result is a list of steps (see _pin/plan.py).
"""

import configparser
import hashlib
import os
import re
import typing as t

from .._base.errors import PinConflictError
from .._base.text import json_text, printable
from .._disk.files import read_bytes
from .._disk.links import kind_of
from .plan import PinStep
from .record import PinEntry

__all__ = ["HEADER", "digest_of", "read_text", "want_file", "want_no_file", "want_no_text", "want_pip_option"]

# What the record holds of a part; null where nothing of it was made.
_Entry = t.Optional[PinEntry]

HEADER = "# Made by fleet.system_python (role python_pin), which takes it away again. Changes to it are not kept.\n"
_OPTION = "require-virtualenv"
_BEGIN = "# fleet.system_python: pip works in virtual environments only\n"
_END = "# fleet.system_python: end\n"
# What follows the bracket does not matter to pip.
_GLOBAL = re.compile(r"^\[global\][^\]\n]*(?:\n|$)", re.MULTILINE)
_HEADER = "[global]\n"
# Something that is neither empty nor a comment, before the next section.
_OPTIONS = re.compile(r"(?:[ \t]*(?:[#;][^\n]*)?\r?\n)*[ \t]*[^\s#;\[]")
_FALSE = ("0", "false", "no", "off", "n", "f")


def digest_of(text: str) -> str:
    """Return the SHA-256 of C(text) as it is on the disk."""
    return hashlib.sha256(os.fsencode(text)).hexdigest()


def read_text(path: str) -> t.Optional[str]:
    """Return what the regular file C(path) holds, null where there is nothing. Raises PinConflictError for the rest."""
    kind = kind_of(path)
    if kind not in ("file", "missing"):
        raise _conflict(
            path,
            f"{printable(path)} is not a regular file, so nothing was changed. Move it away, or leave this part "
            "unmanaged.",
        )
    return os.fsdecode(read_bytes(path)) if kind == "file" else None


def want_file(
    path: str, text: str, entry: _Entry, accept: t.Callable[[str], bool] = lambda _text: False
) -> t.List[PinStep]:
    """Return what makes C(path) hold C(text). A file of somebody else's stays, if C(accept) finds that it will do."""
    steps: t.List[PinStep] = []
    if entry and entry["path"] != path:
        # An upgrade of the operating system moved the place.
        steps, entry = want_no_file(entry), None
    found = read_text(path)
    if found == text or (found is not None and not entry and accept(found)):
        return steps
    if found is not None and not entry:
        raise _conflict(
            path,
            f"{printable(path)} is there and was not made by this collection, so nothing was changed. Look what it is "
            "for, move it away, or leave this part unmanaged.",
        )
    keep = bool(entry and found is not None and digest_of(found) != entry["sha256"])
    return steps + [PinStep(action="write_file", path=path, text=text, keep=keep)]


def _conflict(path: str, sentence: str, **details: str) -> PinConflictError:
    return PinConflictError(sentence, path=json_text(path), **details)


def want_no_file(entry: _Entry) -> t.List[PinStep]:
    """Return what takes the file of C(entry) away. Raises PinConflictError where somebody changed it."""
    return _steps_to_undo(entry, _plan_removal)


def _steps_to_undo(entry: _Entry, plan: t.Callable[[PinEntry, str], t.List[PinStep]]) -> t.List[PinStep]:
    """Return what undoes C(entry): C(plan) of it and of what its file holds, where that is still there."""
    if not entry:
        return []
    found = read_text(entry["path"])
    return [PinStep(action="forget", path=entry["path"])] if found is None else plan(entry, found)


def _plan_removal(entry: PinEntry, found: str) -> t.List[PinStep]:
    path = entry["path"]
    if digest_of(found) != entry["sha256"]:
        raise _conflict(
            path,
            f"{printable(path)} was made by this collection and has been changed since, so it is not removed and "
            "nothing was changed. Save what you need of it, remove it by hand, and run again.",
        )
    return [PinStep(action="remove_file", path=path)]


# --- pip.conf: one option in a file that may hold others -------------------------------------------------------------


def want_pip_option(path: str, entry: _Entry) -> t.List[PinStep]:
    """Return what makes pip refuse to work outside of virtual environments. Raises PinConflictError."""
    found = read_text(path)
    if found is None:
        text = _BEGIN + _HEADER + f"{_OPTION} = true\n" + _END
        return [PinStep(action="insert_text", path=path, text=text, content=text, created=True)]
    values = _values(path, found)
    refusing = [section for section, value in values.items() if value.strip().lower() in _FALSE]
    # Pip passes over an option without a value; a second one of its name it would not accept.
    refusing += [section for section, value in values.items() if section == "global" and not value.strip()]
    if refusing:
        section = refusing[0]
        raise _conflict(
            path,
            f"{printable(path)} sets {_OPTION} to {'false' if values[section].strip() else 'nothing'} in "
            f"[{printable(section)}], so nothing was changed. Decide which it shall be: take that line away, or leave "
            "this part unmanaged.",
            section=json_text(section),
        )
    if "global" in values:
        return []
    text, content = _with_option(found)
    try:
        after = _values(path, content)
    except PinConflictError:
        after = {}
    if after != dict(values, **{"global": "true"}):
        raise _conflict(
            path,
            f"{printable(path)} has no place for {_OPTION} = true, so nothing was changed. Put it into its section "
            "[global] by hand, or leave this part unmanaged.",
        )
    created = bool(entry and entry["created"])
    return [PinStep(action="insert_text", path=path, text=text, content=content, created=created)]


def _values(path: str, text: str) -> t.Dict[str, str]:
    """Return the option's value in each section of pip's configuration that has it."""
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise _conflict(
            path,
            f"{printable(path)} cannot be read as pip reads it, so nothing was changed: "
            f"{printable(' '.join(str(error).split()))}. Put it right first.",
        ) from error
    return {
        section: value
        for section in parser.sections()
        for name, value in parser.items(section)
        if name.replace("_", "-").lstrip("-") in (_OPTION, "require-venv")
    }


def _with_option(found: str) -> t.Tuple[str, str]:
    """Return our text and the whole content: below the header of [global], or with a header of its own at the end."""
    option = f"{_OPTION} = true\n"
    header = _GLOBAL.search(found)
    if header and header.group().endswith("\n"):
        text = _BEGIN + option + _END
        return text, found[: header.end()] + text + found[header.end() :]
    start = "" if not found or found.endswith("\n") else "\n"
    text = start + _BEGIN + ("" if header else _HEADER) + option + _END
    return text, found + text


def want_no_text(entry: _Entry) -> t.List[PinStep]:
    """Return what takes our text out of its file, and the file with it where nothing else was ever in it."""
    return _steps_to_undo(entry, _plan_taking_out)


def _plan_taking_out(entry: PinEntry, found: str) -> t.List[PinStep]:
    path = entry["path"]
    if found.count(entry["text"]) != 1:
        ours = (_BEGIN, _END, _OPTION, _OPTION.replace("-", "_"))
        if not any(line.strip() in found for line in ours):
            # Somebody took it out, or the run that was to put it in was killed.
            return [PinStep(action="forget", path=path)]
        raise _conflict(
            path,
            f"The lines that this collection put into {printable(path)} have been changed since, so they are "
            f"not removed and nothing was changed. Remove {_OPTION} and the lines that begin with "
            f"{_BEGIN.partition(':')[0]} by hand, and run again.",
        )
    before, text, behind = found.partition(entry["text"])
    kept = "\n" if text.startswith("\n") and behind else ""
    if _HEADER in text and _OPTIONS.match(behind):
        # Somebody put options of [global] below ours.
        kept += _HEADER
    content = before + kept + behind
    if entry["created"] and not content:
        return [PinStep(action="remove_file", path=path)]
    return [PinStep(action="remove_text", path=path, content=content)]
