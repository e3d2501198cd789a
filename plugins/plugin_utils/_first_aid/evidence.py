# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What an installation would overwrite or move away: described by the host, kept in its quarantine as evidence."""

from __future__ import annotations

import json
import stat
import time
from collections.abc import Sequence
from dataclasses import dataclass

from ...module_utils._base.clock import utc_stamp
from ...module_utils._disk.files import kind_of
from ...module_utils._disk.kept import path_fields
from .._border.types import HOST
from .plan import Target
from .script import Answer, Section

__all__ = ["Kept", "kept_of", "manifest_texts", "reason_of"]

_FINDING = "first-aid"
_REASONS = {"take": "it was in the way of", "keep": "it was about to be overwritten by"}


@dataclass(frozen=True)
class Kept:
    """One thing for the quarantine. C(action) is V(keep) (a copy, before it is overwritten) or V(take) (in the way)."""

    action: str
    path: str
    mode: int
    uid: int
    gid: int
    size: int
    mtime: int
    sha256: str | None
    link_target: str | None

    @property
    def kind(self) -> str:
        """Return the word of the manifest's format."""
        return kind_of(self.mode)


def kept_of(answer: Answer) -> list[Kept]:
    """Return what the answer of C(prepare) says will be kept."""
    found: dict[str, Kept] = {}
    following = [*answer.sections[1:], Section("", (), "")]
    for section, after in zip(answer.sections, following, strict=True):
        if section.name in {"blocked", "overwritten"} and section.body not in found:
            found[section.body] = _read_kept(section, after)
    # What lies below a folder that is moved away goes with it.
    taken = tuple(one.path + "/" for one in found.values() if one.action == "take")
    return [one for one in found.values() if not one.path.startswith(taken)]


def _read_kept(section: Section, after: Section) -> Kept:
    mode, uid, gid, size, mtime = section.fields(5)
    return Kept(
        action="take" if section.name == "blocked" else "keep",
        path=section.body,
        mode=HOST.number(mode, "mode", most=0xFFFF, base=16),
        uid=HOST.number(uid, "uid"),
        gid=HOST.number(gid, "gid"),
        size=HOST.number(size, "size"),
        mtime=HOST.number(mtime, "mtime", least=-(1 << 63)),
        sha256=HOST.digest(after.word, "sha256") if after.name == "sha256" and after.word else None,
        link_target=after.body if after.name == "link" else None,
    )


def manifest_texts(kept: Sequence[Kept], run_id: str, reason: str) -> dict[str, str]:
    """Return the quarantine's manifest before and after the moves (docs/notes/quarantine.md), and the list of moves.

    C(reason): for what. It follows the words of _REASONS.
    Written here because the host has nothing that could write JSON.
    """
    now = utc_stamp(time.time())
    texts = {}
    for state in ("intended", "done"):
        entries = [_manifest_entry(number, one, reason, now, state) for number, one in enumerate(kept, 1)]
        manifest = {"format": 1, "run_id": run_id, "time": now, "entries": entries}
        texts[state] = json.dumps(manifest, indent=1, ensure_ascii=True) + "\n"
    texts["items"] = "".join(f"{one.action}\t{number:04d}\t{one.path}\n" for number, one in enumerate(kept, 1))
    return texts


def reason_of(target: Target) -> str:
    """Return why things are kept before C(target) is brought back, in words that follow those of _REASONS."""
    packages = ", ".join(target.nevras) or f"Python {target.minor}"
    return f"{packages}, which first aid brought back"


def _manifest_entry(number: int, one: Kept, reason: str, now: str, state: str) -> dict[str, object]:
    return {
        "index": number,
        "action": one.action,
        "state": state,
        "reason": f"{_REASONS[one.action]} {reason}",
        "finding": _FINDING,
        "time": now,
        "not_kept": [],
        "stored": f"items/{number:04d}",
        "kind": one.kind,
        "mode": f"{stat.S_IMODE(one.mode):04o}",
        "uid": one.uid,
        "gid": one.gid,
        "size": one.size,
        "mtime": one.mtime,
        "sha256": one.sha256,
        **path_fields("path", one.path),
        **({"link_target": None} if one.link_target is None else path_fields("link_target", one.link_target)),
    }
