# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Puts checked package files on the host: evidence kept, what is in the way aside, one transaction, under the lock."""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
import secrets
import stat
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.fleet.system_python.plugins.module_utils._errors import (
    DiskFullError,
    LockedError,
    QuarantineError,
    ReadOnlyError,
    SystemPythonError,
    TransactionError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._text import json_text, printable
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_acquire import (
    Acquisition,
    AidOptions,
    Staged,
    failure_of,
)
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_errors import ChangedMeanwhileError
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_plan import Target
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_script import Answer, Section

__all__ = ["Installation", "Kept", "lock_settings", "manifest_texts", "raise_locked"]

_INSTALL_TIMEOUT = "900"
_FINDING = "first-aid"


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
        return _KINDS.get(stat.S_IFMT(self.mode), "file")


_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFLNK: "link",
    stat.S_IFDIR: "directory",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFBLK: "block device",
    stat.S_IFCHR: "character device",
}


@dataclass
class Installation:
    """One transaction on the host, prepared and carried out."""

    acquisition: Acquisition
    options: AidOptions
    target: Target
    staged: Sequence[Staged]
    installer: str = "install_files"
    kept: list[Kept] = field(default_factory=list)
    quarantine: str = ""
    state: str = ""

    def prepare(self) -> None:
        """Look at what the installation would do; change nothing.

        Raises ReadOnlyError, DiskFullError or TransactionError when it would fail.
        """
        if self.target.in_the_way:
            # They can be thousands, and a command line is not long.
            text = "".join(f"{path}\n" for path in self.target.in_the_way)
            self._bring({"in-the-way": text})
        answer = self.acquisition.ask(["borrow", "install"], [["prepare"]], self._settings())
        read_only = answer.first("read-only")
        if read_only:
            raise ReadOnlyError(
                f"{printable(read_only.body.strip())} cannot be written: the file system is mounted read-only. "
                "Nothing was changed. Remount it writable (or repair the image of an immutable host), then run again.",
                path=read_only.body.strip(),
            )
        tested = answer.first("test")
        if tested and tested.words != ("0",):
            raise _refused(tested.body, "rpm refuses the transaction", "Nothing was changed.")
        state = answer.first("state")
        self.state = state.words[0] if state else ""
        self.kept = _read_kept(answer)

    def carry_out(self) -> None:
        """Do it. Raises LockedError, ChangedMeanwhileError, QuarantineError or TransactionError."""
        run_id = f"{dt.datetime.now(dt.timezone.utc):%Y%m%dT%H%M%SZ}-aid-{secrets.token_hex(3)}"
        manifest = self._bring_manifest(run_id)
        settings = {
            **self._settings(),
            "expected_state": self.state,
            "manifest": manifest,
            "run_id": run_id,
            "quarantine": self.options.quarantine,
            **lock_settings(self.options),
        }
        self._judge(self.acquisition.ask(["borrow", "install"], [["carry_out"]], settings))

    def _settings(self) -> dict[str, str | Sequence[str]]:
        allowed = ["--replacefiles"] if any(one.replaced for one in self.target.wanted) else []
        return {
            "install_timeout": _INSTALL_TIMEOUT,
            "reinstalled": [one.nvra for one in self.target.wanted],
            "files": [one.path for one in self.staged],
            "allowed": [*allowed, *([] if self.options.check_signatures else ["--nosignature"])],
            "installer": self.installer,
        }

    def _bring_manifest(self, run_id: str) -> str:
        if not self.kept:
            return ""
        texts = manifest_texts(self.kept, run_id, self.target)
        self._bring({f"manifest.{ending}": text for ending, text in texts.items()})
        return f"{self.acquisition.staging}/manifest"

    def _bring(self, texts: Mapping[str, str]) -> None:
        """Write C(texts) into the staging folder, by their names there."""
        with tempfile.TemporaryDirectory(prefix="fleet-system-python-") as folder:
            calls: list[list[str]] = []
            for name, text in texts.items():
                path = Path(folder, name)
                path.write_bytes(text.encode("utf-8", "surrogateescape"))
                calls.append(["adopt", self.acquisition.remote.upload(path), f"{self.acquisition.staging}/{name}"])
            self.acquisition.ask([], calls)

    def _judge(self, answer: Answer) -> None:
        raise_locked(answer)
        if answer.first("changed-meanwhile"):
            raise ChangedMeanwhileError("Another run changed the host meanwhile.")
        failed = answer.first("not-kept")
        if failed:
            error = failure_of(failed.body, f"What is in the way cannot be kept in {self.options.quarantine}")
            raise error if isinstance(error, (DiskFullError, ReadOnlyError)) else QuarantineError(error.message)
        quarantine = answer.first("quarantine")
        self.quarantine = quarantine.words[0] if quarantine else ""
        installed = answer.first("installed")
        if installed and installed.words != ("0",):
            kept = f" What it may have overwritten is kept in {self.quarantine}." if self.quarantine else ""
            raise _refused(installed.body, "rpm broke off the transaction", kept)


def _refused(output: str, what: str, outcome: str) -> SystemPythonError:
    said = printable(output.strip()[-1500:]) or "(nothing)"
    if re.search(r"needs .* (?:space|inodes) on|No space left", output):
        return DiskFullError(f"{what}: there is not enough room. {outcome} rpm said: {said}", output=said)
    if "Read-only file system" in output:
        return ReadOnlyError(f"{what}: a file system is read-only. {outcome} rpm said: {said}", output=said)
    return TransactionError(f"{what}. {outcome} rpm said: {said}", output=said)


def lock_settings(options: AidOptions) -> dict[str, str]:
    """Return the settings of the scripts that take the lock."""
    return {
        "lock_path": options.lock_path,
        "lock_timeout": str(options.lock_timeout),
        "lock_note": _lock_note(),
    }


def raise_locked(answer: Answer) -> None:
    """Raise LockedError when the script could not have the lock in time."""
    locked = answer.first("locked")
    if locked:
        holder = printable(locked.body.strip()) or "another run"
        raise LockedError(
            f"The host is locked by {holder}. Nothing was changed. Wait until it has ended, then run again.",
            holder=holder,
        )


def _lock_note() -> str:
    now = f"{dt.datetime.now(dt.timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
    return json.dumps({"pid": "@PID@", "since": now, "command": "python_first_aid"}).replace('"@PID@"', "@PID@")


def _read_kept(answer: Answer) -> list[Kept]:
    found: dict[str, Kept] = {}
    sections = list(answer.sections)
    for number, section in enumerate(sections):
        if section.name in {"blocked", "overwritten"} and section.body not in found:
            following = sections[number + 1] if number + 1 < len(sections) else Section("", (), "")
            found[section.body] = _kept(section, following)
    # What lies below a folder that is moved away goes with it.
    taken = [one.path + "/" for one in found.values() if one.action == "take"]
    return [one for one in found.values() if not one.path.startswith(tuple(taken))]


def _kept(section: Section, following: Section) -> Kept:
    mode, uid, gid, size, mtime = section.words
    return Kept(
        action="take" if section.name == "blocked" else "keep",
        path=section.body,
        mode=int(mode, 16),
        uid=int(uid),
        gid=int(gid),
        size=int(size),
        mtime=int(mtime),
        sha256=following.words[0] if following.name == "sha256" else None,
        link_target=following.body if following.name == "link" else None,
    )


def manifest_texts(kept: Sequence[Kept], run_id: str, target: Target) -> dict[str, str]:
    """Return the quarantine's manifest before and after the moves (docs/notes/quarantine.md), and the list of moves.

    Written here because the host has nothing that could write JSON.
    """
    now = f"{dt.datetime.now(dt.timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
    entries = [_entry(number, one, target, now) for number, one in enumerate(kept, 1)]
    texts = {}
    for ending, state in (("intended", "intended"), ("done", "done")):
        manifest = {
            "format": 1,
            "run_id": run_id,
            "time": now,
            "entries": [{**entry, "state": state} for entry in entries],
        }
        texts[ending] = json.dumps(manifest, indent=1, ensure_ascii=True) + "\n"
    texts["items"] = "".join(f"{one.action}\t{number:04d}\t{one.path}\n" for number, one in enumerate(kept, 1))
    return texts


def _entry(number: int, one: Kept, target: Target, now: str) -> dict[str, Any]:
    why = "it was in the way of" if one.action == "take" else "it was about to be overwritten by"
    packages = ", ".join(wanted.nevra for wanted in target.wanted) or f"Python {target.minor}"
    entry: dict[str, Any] = {
        "index": number,
        "action": one.action,
        "state": "",
        "reason": f"{why} {packages}, which first aid brought back",
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
        **_text_fields("path", one.path),
    }
    entry.update(_text_fields("link_target", one.link_target) if one.link_target is not None else {"link_target": None})
    return entry


def _text_fields(name: str, text: str) -> dict[str, str]:
    shown = json_text(text)
    if shown == text:
        return {name: text}
    exact = base64.b64encode(text.encode("utf-8", "surrogateescape")).decode("ascii")
    return {name: shown, f"{name}_base64": exact}
