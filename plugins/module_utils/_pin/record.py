# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The record of what the pinning made on this host, so that it takes away exactly that, and nothing of anybody else.

C(pin.json) in the state folder: C({"format": 1, "parts": {PART: ENTRY}}). The entries:

- C(marker), C(protection): C({path, sha256, folders}); C(folders) were made for it.
- C(pip_config): C({path, text, created, folders}); C(text) was put into the file, C(created): it was not there before.
- C(unversioned), C(python3): C({made}); what was done, first to last (see _pin/unversioned.py).
- C(attributes): C({paths}); the files that were made immutable.

An entry is on the disk before what it describes is made, and goes after that is gone.
"""

import json
import os
import typing as t

from .._base.errors import InvalidDataError
from .._base.text import from_json, json_text, printable
from .._disk.atomic import write_durably
from .._disk.files import read_bytes
from .._disk.kernel import sync_folder
from .._disk.space import clear_errors

__all__ = ["AlternativesState", "Made", "PinEntry", "Record"]

if t.TYPE_CHECKING:

    class AlternativesState(t.TypedDict):
        """What an alternatives group chooses; null where there is no such group."""

        mode: t.Optional[str]
        target: t.Optional[str]

    class Made(t.TypedDict):
        """One thing that was done to a command, with what is needed to undo it.

        C(quarantine): path, run_id; C(install_packages): packages; C(remove_packages): evr, package to release;
        C(select_alternative): group, and its state before.
        """

        action: str
        path: t.NotRequired[str]
        run_id: t.NotRequired[str]
        packages: t.NotRequired[t.List[str]]
        evr: t.NotRequired[t.Dict[str, str]]
        group: t.NotRequired[str]
        before: t.NotRequired[AlternativesState]

    class PinEntry(t.TypedDict, total=False):
        """What was made of a part; which keys it has depends on the part, see above."""

        path: str
        sha256: str
        folders: t.List[str]
        text: str
        created: bool
        made: t.List[Made]
        paths: t.List[str]

else:
    AlternativesState = Made = PinEntry = dict

_FORMAT = 1
_FILE: t.Dict[str, type] = {"path": str, "sha256": str, "folders": list}
_KEYS: t.Dict[str, t.Dict[str, type]] = {
    "unversioned": {"made": list},
    "python3": {"made": list},
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

    def entry(self, part: str) -> t.Optional[PinEntry]:
        """Return what was made of a part, null where nothing was."""
        return self.parts.get(part)

    def made(self, part: str) -> t.List[Made]:
        """Return what was done to a command, first to last."""
        return list(self.parts.get(part, PinEntry(made=[]))["made"])

    def immutable(self) -> t.List[str]:
        """Return the files that were made immutable."""
        return list(self.parts.get("attributes", PinEntry(paths=[]))["paths"])

    def note(self, part: str, entry: PinEntry) -> None:
        """Write down what is about to be made."""
        self.parts[part] = entry
        self._save()

    def drop(self, part: str) -> None:
        """Forget a part of which nothing is left; the file and its folder go with the last one."""
        self.parts.pop(part, None)
        self._save()

    def _load(self) -> t.Dict[str, PinEntry]:
        try:
            loaded = from_json(read_bytes(self.path).decode("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise self._damaged(str(error)) from error
        if not isinstance(loaded, dict) or loaded.get("format") != _FORMAT or not isinstance(loaded.get("parts"), dict):
            raise self._damaged(f"it is not a record of format {_FORMAT}")
        parts: t.Dict[str, PinEntry] = loaded["parts"]
        for part, keys in _KEYS.items():
            if part in parts and not _is_entry(parts[part], keys):
                raise self._damaged(f"its part {part} is incomplete")
        return parts

    def _damaged(self, why: str) -> InvalidDataError:
        return InvalidDataError(
            f"The record of what was pinned on this host, {printable(self.path)}, cannot be read ({printable(why)}), "
            "so nothing was changed. It says what may be removed again. Put it back from a backup; or move it "
            "away, and then what was made stays.",
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


def _is_entry(entry: object, keys: t.Mapping[str, type]) -> bool:
    if not isinstance(entry, dict) or not all(isinstance(entry.get(key), kind) for key, kind in keys.items()):
        return False
    names = [name for key in ("folders", "paths") for name in entry.get(key, [])]
    made = entry.get("made", [])
    return all(isinstance(name, str) for name in names) and all(
        isinstance(one, dict) and isinstance(one.get("action"), str) for one in made
    )
