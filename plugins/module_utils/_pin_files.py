# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Files of the pinning: what each should hold, and what has to be done so that it does, or so that it is gone again.

Everything here only looks. The result is a list of actions, which _pin.py carries out:

- C(write_file) C({path, text, keep}): the whole file is ours; C(keep): what lies there goes to the quarantine first.
- C(insert_text) C({path, text, content}): C(text) is ours, in a file that holds C(content) afterwards.
- C(remove_file) C({path}), C(remove_text) C({path, content}): take away what is ours, and nothing else.
- C(forget) C({path}): what was ours is gone already; only the record still has it.
"""

import configparser
import hashlib
import os
import re
import stat
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._errors import PinConflictError
from ansible_collections.fleet.system_python.plugins.module_utils._text import json_text, printable

__all__ = ["HEADER", "Entry", "digest_of", "read_text", "want_file", "want_no_file", "want_no_text", "want_pip_option"]

Action = t.Dict[str, t.Any]
# What the record holds of a part; null where nothing of it was made.
Entry = t.Optional[t.Dict[str, t.Any]]

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
    try:
        kind = os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISREG(kind):
        raise PinConflictError(
            "{0} is not a regular file, so nothing was changed. Move it away, or leave this part unmanaged.".format(
                printable(path)
            ),
            path=json_text(path),
        )
    with open(path, "rb") as stream:
        return os.fsdecode(stream.read())


def want_file(
    path: str, text: str, entry: Entry, accept: t.Callable[[str], bool] = lambda _text: False
) -> t.List[Action]:
    """Return what makes C(path) hold C(text). A file of somebody else's stays, if C(accept) finds that it will do."""
    actions: t.List[Action] = []
    if entry and entry["path"] != path:
        # An upgrade of the operating system moved the place.
        actions, entry = want_no_file(entry), None
    found = read_text(path)
    if found == text:
        return actions
    if found is None:
        return actions + [{"action": "write_file", "path": path, "text": text, "keep": False}]
    if entry:
        changed = digest_of(found) != entry["sha256"]
        return actions + [{"action": "write_file", "path": path, "text": text, "keep": changed}]
    if accept(found):
        return actions
    raise _not_ours(path)


def _not_ours(path: str) -> PinConflictError:
    return PinConflictError(
        "{0} is there and was not made by this collection, so nothing was changed. Look what it is for, move it away, "
        "or leave this part unmanaged.".format(printable(path)),
        path=json_text(path),
    )


def want_no_file(entry: Entry) -> t.List[Action]:
    """Return what takes the file of C(entry) away. Raises PinConflictError where somebody changed it."""
    if not entry:
        return []
    path = entry["path"]
    found = read_text(path)
    if found is None:
        return [{"action": "forget", "path": path}]
    if digest_of(found) != entry["sha256"]:
        raise _changed(path)
    return [{"action": "remove_file", "path": path}]


def _changed(path: str) -> PinConflictError:
    return PinConflictError(
        "{0} was made by this collection and changed by somebody since, so it is not taken away and nothing was "
        "changed. Save what you need of it, remove it by hand, and run again.".format(printable(path)),
        path=json_text(path),
    )


# --- pip.conf: one option in a file that may hold others -------------------------------------------------------------


def want_pip_option(path: str, entry: Entry) -> t.List[Action]:
    """Return what makes pip refuse to work outside of virtual environments. Raises PinConflictError."""
    found = read_text(path)
    if found is None:
        text = _BEGIN + _HEADER + "{0} = true\n".format(_OPTION) + _END
        return [{"action": "insert_text", "path": path, "text": text, "content": text, "created": True}]
    values = _values(path, found)
    refusing = [section for section, value in values.items() if value.strip().lower() in _FALSE]
    # Pip passes over an option without a value; a second one of its name it would not accept.
    refusing += [section for section, value in values.items() if section == "global" and not value.strip()]
    if refusing:
        raise PinConflictError(
            "{0} sets {1} to {2} in [{3}], so nothing was changed. Decide which it shall be: take that line away, or "
            "leave this part unmanaged.".format(
                printable(path),
                _OPTION,
                "false" if values[refusing[0]].strip() else "nothing",
                printable(refusing[0]),
            ),
            path=json_text(path),
            section=json_text(refusing[0]),
        )
    if "global" in values:
        return []
    text, content = _inserted(found)
    try:
        after = _values(path, content)
    except PinConflictError:
        after = {}
    if after != dict(values, **{"global": "true"}):
        raise PinConflictError(
            "{0} has no place for {1} = true, so nothing was changed. Put it into its section [global] by hand, or "
            "leave this part unmanaged.".format(printable(path), _OPTION),
            path=json_text(path),
        )
    created = bool(entry and entry["created"])
    return [{"action": "insert_text", "path": path, "text": text, "content": content, "created": created}]


def _values(path: str, text: str) -> t.Dict[str, str]:
    """Return the option's value in each section of pip's configuration that has it."""
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise PinConflictError(
            "{0} cannot be read as pip reads it, so nothing was changed: {1}. Put it right first.".format(
                printable(path), printable(str(error).replace("\n", " "))
            ),
            path=json_text(path),
        ) from error
    found: t.Dict[str, str] = {}
    for section in parser.sections():
        for name, value in parser.items(section):
            if name.replace("_", "-").lstrip("-") in (_OPTION, "require-venv"):
                found[section] = value
    return found


def _inserted(found: str) -> t.Tuple[str, str]:
    """Return our text and the whole content: below the header of [global], or with a header of its own at the end."""
    option = "{0} = true\n".format(_OPTION)
    header = _GLOBAL.search(found)
    if header and header.group().endswith("\n"):
        text = _BEGIN + option + _END
        return text, found[: header.end()] + text + found[header.end() :]
    start = "" if not found or found.endswith("\n") else "\n"
    text = start + _BEGIN + ("" if header else _HEADER) + option + _END
    return text, found + text


def want_no_text(entry: Entry) -> t.List[Action]:
    """Return what takes our text out of its file, and the file with it where nothing else was ever in it."""
    if not entry:
        return []
    path = entry["path"]
    found = read_text(path)
    if found is None:
        return [{"action": "forget", "path": path}]
    if found.count(entry["text"]) != 1:
        ours = (_BEGIN, _END, _OPTION, _OPTION.replace("-", "_"))
        if not any(line.strip() in found for line in ours):
            # Somebody took it out, or the run that was to put it in was killed.
            return [{"action": "forget", "path": path}]
        raise PinConflictError(
            "The lines that this collection put into {0} were changed by somebody since, so they are not taken out and "
            "nothing was changed. Take {1} and the lines that begin with {2} out by hand, and run again.".format(
                printable(path), _OPTION, _BEGIN.partition(":")[0]
            ),
            path=json_text(path),
        )
    before, text, behind = found.partition(entry["text"])
    kept = "\n" if text.startswith("\n") and behind else ""
    if _HEADER in text and _OPTIONS.match(behind):
        # Somebody put options of [global] below ours.
        kept += _HEADER
    content = before + kept + behind
    if entry["created"] and not content:
        return [{"action": "remove_file", "path": path}]
    return [{"action": "remove_text", "path": path, "content": content}]
