# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""A file of the user's inventory that pins C(ansible_python_interpreter) for a host or a group; it is ours alone.

Its second line holds the digest of what follows, so that a file of somebody else's, and one that was changed, are known
without a record on the controller: neither is overwritten or removed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ansible import constants

from ...module_utils._base.errors import PinConflictError, PinImpossibleError
from ...module_utils._base.text import printable
from ...module_utils._disk.atomic import write_durably
from .._border.types import HOST

__all__ = ["Change", "content_of", "ensure_file", "explain", "file_for", "folder_of", "require_agreement"]

NAME = "fleet_system_python.yml"
_DIGEST = "# sha256: "
_TITLE = "# Made by fleet.system_python.python_pin, which also removes it. A changed file is left alone.\n"
# Launchers that first aid made for one boot; see docs/notes/first-aid.md.
_PASSING = "/run/"
_PLAIN = re.compile(r"(?:/[A-Za-z0-9_.+-]+)+\Z")
# Of the release, of packages beside it, and of python_runtime.
_OF_ALL = re.compile(r"/(?:usr/bin|usr/libexec|opt/python/[0-9.]+/bin)/(?:platform-)?python[0-9.]*\Z")


class Change(NamedTuple):
    """What is done to a file of the inventory: its text before and after, empty where there is no file."""

    path: str
    before: str
    after: str

    @property
    def changed(self) -> bool:
        """Return whether anything is done."""
        return self.before != self.after


def content_of(interpreter: str) -> str:
    """Return the text of the file. Raises PinImpossibleError for an interpreter that is gone with the next boot."""
    if not interpreter.startswith("/"):
        raise _impossible(
            f"There is no interpreter to pin: rpm vouches for none on this host, and Ansible was asked to use "
            f"{interpreter or 'what its discovery finds'}.",
            interpreter=interpreter,
        )
    if interpreter.startswith(_PASSING):
        raise _impossible(
            f"The interpreter {interpreter} is a launcher that lasts until the next boot: something on the host would "
            "run beside the packaged one. So it cannot be pinned. See the hazards of python_first_aid, and put the "
            "host right first.",
            interpreter=interpreter,
        )
    if not _PLAIN.match(interpreter) or ".." in interpreter.split("/"):
        # Ansible would run a template in it on the controller.
        raise HOST.refused(interpreter, "interpreter", "the path of an interpreter")
    body = f"ansible_python_interpreter: {json.dumps(interpreter)}\n"
    return f"---\n{_DIGEST}{_digest(body)}\n{_TITLE}{body}"


def require_agreement(group: str, interpreter: str, of_others: Sequence[str]) -> None:
    """Raise PinConflictError where it is not for this host to say what a whole group has.

    C(of_others) are the interpreters of those other hosts of the group of which this run knows one: most of all have to
    say the same. And it is where only root and packages put interpreters, on a host that did not say so, too.
    """
    said = Counter([interpreter, *of_others])
    if said[interpreter] * 2 <= said.total():
        counts = ", ".join(f"{one} on {number}" for one, number in sorted(said.items()))
        raise PinConflictError(
            f"The hosts of the group {group} do not agree on an interpreter: {printable(counts)}. Nothing was written. "
            "Choose host_vars instead of a group, or another group.",
            group=group,
        )
    if not _OF_ALL.match(interpreter):
        raise HOST.refused(interpreter, "interpreter", f"an interpreter for all hosts of the group {group}")


def _impossible(why: str, **details: str) -> PinImpossibleError:
    return PinImpossibleError(why, part="inventory", possible=[], **details)


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def folder_of(folder: str, sources: Iterable[str]) -> str:
    """Return whose host_vars Ansible reads for a host of the inventory in C(folder).

    Those beside each of its C(sources), and in one that is a folder. What is in folders below that is not read.
    """
    files = [Path(one) for one in sources if Path(one).is_absolute()]
    known = [one if one.is_dir() else one.parent for one in files]
    above = [str(one) for one in known if one == Path(folder) or one in Path(folder).parents]
    return max(above, key=len, default=folder)


def file_for(folder: str, host: str, group: str | None) -> Path:
    """Return the path of the file below the inventory's folder. Raises PinImpossibleError where it cannot be one."""
    name = group or host
    if not folder:
        raise _impossible(
            f"The inventory of {host} is not a file in a folder, so there is no place beside it. Name one in "
            "inventory_folder."
        )
    if "/" in name or name in ("", ".", ".."):
        raise _impossible(f"{name!r} cannot be the name of a folder.")
    return Path(folder) / ("group_vars" if group else "host_vars") / name / NAME


def ensure_file(path: Path, content: str | None, check_mode: bool, shared: bool = False) -> Change:
    """Make the file hold C(content), or take it away where that is None; return the change.

    C(shared): it is a group's, and another host may have written it: then it is not changed. Raises PinConflictError.
    """
    before = _read(path)
    change = Change(str(path), before, content or "")
    if content:
        _require_nothing_hidden(path)
    if not change.changed:
        return change
    if before and not _is_ours(before):
        raise _conflict(path, "was not made by this collection, or was changed since")
    if before and content and shared:
        raise _conflict(
            path, "says another interpreter: the hosts of the group do not agree, or it is of an earlier time"
        )
    _require_writable(path)
    if check_mode:
        return change
    try:
        if content:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_durably(str(path), content.encode(), 0o644)
        else:
            # Another host of the group may have been faster.
            path.unlink(missing_ok=True)
            _remove_empty(path.parent, path.parent.parent)
    except OSError as error:
        raise _not_writable(path, str(error)) from error
    return change


def _require_nothing_hidden(path: Path) -> None:
    """Raise PinConflictError where our folder alone would keep Ansible from reading a file of the same name.

    Of HOST, HOST.yml and the others Ansible reads only the first that is there, and a folder HOST comes first.
    """
    folder = path.parent
    if folder.is_dir() and any(one.name != NAME for one in folder.iterdir()):
        # Somebody else's: what it hides was hidden before.
        return
    for ending in constants.YAML_FILENAME_EXTENSIONS:
        file = folder.with_name(folder.name + ending)
        if file.exists():
            raise _conflict(
                file, f"would not be read by Ansible any more beside the folder {folder}: move it into that folder"
            )


def _require_writable(path: Path) -> None:
    """Raise PinImpossibleError where nothing can be written: better before the host is changed than after."""
    existing = next(folder for folder in path.parents if folder.exists())
    if not os.access(existing, os.W_OK | os.X_OK):
        raise _not_writable(path, f"{existing} is closed to this user or on a read-only file system")


def _not_writable(path: Path, why: str) -> PinImpossibleError:
    return _impossible(
        f"{path} cannot be written or removed on the controller: {why}. Make the folder writable, name another one in "
        "inventory_folder, or do without the pinning in the inventory.",
        path=str(path),
    )


def _read(path: Path) -> str:
    if path.parent.exists() and not path.parent.is_dir():
        raise _conflict(path.parent, "is a file, so there can be none below it: make it a folder with that file in it")
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise _conflict(path, f"cannot be read ({error})") from error


def _is_ours(text: str) -> bool:
    head, separator, body = text.partition(_TITLE)
    return bool(separator) and head == f"---\n{_DIGEST}{_digest(body)}\n"


def _conflict(path: Path, why: str) -> PinConflictError:
    return PinConflictError(
        f"{path} {why}. It was not touched. Move it away, choose host_vars instead of a group, or do without the "
        "pinning in the inventory.",
        path=str(path),
    )


def _remove_empty(*folders: Path) -> None:
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            # It holds something, or another host's run removed it, or just made its own in it.
            return


def explain(interpreter: str, discovery: Mapping[str, object], core: str) -> str:
    """Return in a sentence what discovery would have chosen instead."""
    found = discovery.get("path")
    if not isinstance(found, str) or not found:
        return f"Discovery of ansible-core {core} would have found nothing; {interpreter} is the one to pin."
    owner, verified = discovery.get("owner"), discovery.get("verified")
    how = f"of the package {owner}" if owner else "which no package owns"
    if owner and not verified:
        how += ", which is not as that shipped it (SP501)"
    elif not owner:
        how += " (SP501)"
    same = " That is the same one." if os.path.normpath(found) == os.path.normpath(interpreter) else ""
    return f"Discovery of ansible-core {core} would have chosen {found}, {how}; {interpreter} is the one to pin.{same}"
