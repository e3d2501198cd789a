# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The record of what the pinning made on this host, so that it takes away exactly that, and nothing of anybody else.

C(pin.json) in the state folder: C({"format": 1, "parts": {PART: ENTRY}}). The entries:

- C(marker), C(protection): C({path, sha256, folders}); C(folders) were made for it.
- C(pip_config): C({path, text, created, folders}); C(text) was put into the file, C(created): it was not there before.
- C(unversioned): C({made}); what was done, first to last (see _pin_unversioned.py).
- C(attributes): C({paths}); the files that were made immutable.

An entry is on the disk before what it describes is made, and goes after that is gone.
"""

import json
import os
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._errors import InvalidDataError
from ansible_collections.fleet.system_python.plugins.module_utils._files import (
    clear_errors,
    open_regular,
    sync_folder,
    write_durably,
)
from ansible_collections.fleet.system_python.plugins.module_utils._text import json_text, printable

__all__ = ["PARTS", "Record"]

PARTS = ("unversioned", "marker", "pip_config", "protection", "attributes")

_FORMAT = 1
_FILE: t.Dict[str, type] = {"path": str, "sha256": str, "folders": list}
_KEYS: t.Dict[str, t.Dict[str, type]] = {
    "unversioned": {"made": list},
    "marker": _FILE,
    "pip_config": {"path": str, "text": str, "created": bool, "folders": list},
    "protection": _FILE,
    "attributes": {"paths": list},
}


class Record:
    """The record file C(path); nothing is made on the disk before something is noted. Write under the run lock only."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.parts = self._load()

    def entry(self, part: str) -> t.Optional[t.Dict[str, t.Any]]:
        """Return what was made of a part, null where nothing was."""
        return self.parts.get(part)

    def note(self, part: str, entry: t.Dict[str, t.Any]) -> None:
        """Write down what is about to be made."""
        self.parts[part] = entry
        self._save()

    def drop(self, part: str) -> None:
        """Forget a part of which nothing is left; the file and its folder go with the last one."""
        self.parts.pop(part, None)
        self._save()

    def _load(self) -> t.Dict[str, t.Dict[str, t.Any]]:
        try:
            with open(open_regular(self.path), "rb") as stream:
                loaded = json.loads(stream.read().decode("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise self._damaged(str(error)) from error
        if not isinstance(loaded, dict) or loaded.get("format") != _FORMAT or not isinstance(loaded.get("parts"), dict):
            raise self._damaged("it is not a record of format {0}".format(_FORMAT))
        parts: t.Dict[str, t.Dict[str, t.Any]] = loaded["parts"]
        for part, keys in _KEYS.items():
            if part in parts and not _is_entry(parts[part], keys):
                raise self._damaged("its part {0} is incomplete".format(part))
        return parts

    def _damaged(self, why: str) -> InvalidDataError:
        return InvalidDataError(
            "The record of what was pinned on this host, {0}, cannot be read ({1}), so nothing was changed. It says "
            "what may be taken away again. Put it back from a backup; or move it away, and then what was made "
            "stays.".format(printable(self.path), printable(why)),
            path=json_text(self.path),
        )

    def _save(self) -> None:
        folder = os.path.dirname(self.path)
        with clear_errors(self.path):
            if not self.parts:
                self._remove(folder)
                return
            if not os.path.isdir(folder):
                os.makedirs(folder, 0o755)
                sync_folder(os.path.dirname(folder))
        content = {"format": _FORMAT, "parts": self.parts}
        write_durably(self.path, json.dumps(content, indent=1, sort_keys=True).encode("ascii") + b"\n")

    def _remove(self, folder: str) -> None:
        if os.path.lexists(self.path):
            os.unlink(self.path)
            sync_folder(folder)
        if os.path.isdir(folder) and not os.listdir(folder):
            os.rmdir(folder)


def _is_entry(entry: t.Any, keys: t.Mapping[str, type]) -> bool:
    if not isinstance(entry, dict) or not all(isinstance(entry.get(key), kind) for key, kind in keys.items()):
        return False
    names = [name for key in ("folders", "paths") for name in entry.get(key, [])]
    made = entry.get("made", [])
    return all(isinstance(name, str) for name in names) and all(
        isinstance(one, dict) and isinstance(one.get("action"), str) for one in made
    )
