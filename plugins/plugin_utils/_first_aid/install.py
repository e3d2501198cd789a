# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Puts checked package files on the host: evidence kept, what is in the way aside, one transaction, under the lock."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...module_utils._base.clock import new_run_id, utc_stamp
from ...module_utils._base.errors import (
    DiskFullError,
    LockedError,
    QuarantineError,
    ReadOnlyError,
    SystemPythonError,
    TransactionError,
    UnsafeLockError,
)
from ...module_utils._base.text import printable
from ...module_utils._disk.space import unchangeable
from ...module_utils._packages.moved import moved_folder
from ...module_utils._rpm.room import room_wanted
from .acquire import Acquisition, AidOptions, Staged, failure_of
from .errors import ChangedMeanwhileError, OpenWayError
from .evidence import Kept, kept_of, manifest_texts, reason_of
from .lend import LOAN
from .plan import Target
from .script import Answer, Settings

__all__ = ["PackageInstallation", "lock_settings", "raise_locked"]

_INSTALL_TIMEOUT = "900"


@dataclass
class PackageInstallation:
    """One transaction on the host, prepared and carried out."""

    acquisition: Acquisition
    options: AidOptions
    target: Target
    staged: Sequence[Staged]
    installer: str = "install_files"
    kept: list[Kept] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    quarantine: str = ""
    state: str = ""

    def prepare(self) -> None:
        """Look at what the installation would do; change nothing.

        Raises ReadOnlyError, OpenWayError, DiskFullError, MovedFolderError or TransactionError when it would fail.
        """
        # They can be thousands, and a command line is not long.
        lists = {"in-the-way": self.target.in_the_way, "ways": self.target.ways}
        self._bring_texts({name: "".join(f"{path}\n" for path in paths) for name, paths in lists.items() if paths})
        answer = self.acquisition.ask(["borrow", "install"], [["prepare"]], self._settings())
        if answer.has("moved-folder"):
            path, target, *others = answer.first("moved-folder").lines
            raise moved_folder(path, target, [], others)
        if answer.has("read-only"):
            read_only = answer.first("read-only")
            raise ReadOnlyError(
                f"{read_only.text} cannot be written: the file system is mounted read-only. "
                "Nothing was changed. Remount it writable, then run again.",
                path=read_only.body.strip(),
            )
        _require_changeable(answer)
        tested = answer.first("test")
        if tested.words not in ((), ("0",)):
            raise _transaction_error(tested.body, "rpm refuses the transaction", "Nothing was changed.")
        self.state = answer.first("state").word
        self.kept = kept_of(answer)

    def carry_out(self) -> None:
        """Do it.

        Raises LockedError, UnsafeLockError, ChangedMeanwhileError, OpenWayError, QuarantineError or TransactionError.
        """
        run_id = new_run_id(time.time(), "aid")
        manifest = self._bring_manifest(run_id)
        settings = {
            **self._settings(),
            "expected_state": self.state,
            "manifest": manifest,
            "run_id": run_id,
            **lock_settings(self.options),
        }
        self._raise_failures(self.acquisition.ask(["borrow", "install"], [["carry_out"]], settings))

    def _settings(self) -> Settings:
        return {
            "install_timeout": _INSTALL_TIMEOUT,
            "reinstalled": [one.id.label for one in self.target.wanted],
            "files": [one.path for one in self.staged],
            "allowed": [] if self.options.check_signatures else ["--nosignature"],
            "installer": self.installer,
            **LOAN,
            "quarantine": self.options.quarantine,
        }

    def _bring_manifest(self, run_id: str) -> str:
        if not self.kept:
            return ""
        texts = manifest_texts(self.kept, run_id, reason_of(self.target))
        self._bring_texts({f"manifest.{ending}": text for ending, text in texts.items()})
        return f"{self.acquisition.staging}/manifest"

    def _bring_texts(self, texts: Mapping[str, str]) -> None:
        """Write C(texts) into the staging folder, by their names there."""
        if not texts:
            return
        with tempfile.TemporaryDirectory(prefix="fleet-system-python-") as folder:
            calls: list[list[str]] = []
            for name, text in texts.items():
                path = Path(folder, name)
                path.write_bytes(text.encode("utf-8", "surrogateescape"))
                calls.append(["adopt", self.acquisition.remote.upload(path), f"{self.acquisition.staging}/{name}"])
            self.acquisition.ask([], calls)

    def _raise_failures(self, answer: Answer) -> None:
        raise_locked(answer)
        if answer.has("changed-meanwhile"):
            raise ChangedMeanwhileError("Another run changed the host meanwhile.")
        self.closed = [section.text for section in answer.named("closed")]
        if answer.has("not-closed"):
            raise OpenWayError(f"A folder cannot be closed to others: {answer.first('not-closed').text}.")
        if answer.has("not-kept"):
            error = failure_of(
                answer.first("not-kept").body, f"What is in the way cannot be kept in {self.options.quarantine}"
            )
            raise error if isinstance(error, (DiskFullError, ReadOnlyError)) else QuarantineError(error.message)
        self.quarantine = answer.first("quarantine").word
        installed = answer.first("installed")
        if installed.words not in ((), ("0",)):
            kept = f" What it may have overwritten is kept in {self.quarantine}." if self.quarantine else ""
            if self.installer == "install_files":
                raise _transaction_error(installed.body, "rpm broke off the transaction", kept)
            placed = "None" if answer.has("nothing-placed") else "Not all"
            raise _transaction_error(installed.body, "The files cannot be put in place", f"{placed} of them was.{kept}")


def _require_changeable(answer: Answer) -> None:
    """Raise ReadOnlyError or OpenWayError for what C(prepare) found that cannot be changed."""
    obstacles = dict(section.body.rsplit("\t", 1) for section in answer.named("obstacle"))
    if obstacles:
        raise unchangeable(obstacles)
    unrecorded = [section.text for section in answer.named("unrecorded")]
    if unrecorded:
        raise OpenWayError(
            f"Others than root may change {', '.join(unrecorded)}, and no package says how it should be. Nothing was "
            "changed. Give it to root, take the permission to write from all others, and run again.",
            paths=unrecorded,
        )


def _transaction_error(output: str, what: str, outcome: str) -> SystemPythonError:
    tail = printable(output.strip()[-1500:]) or "(nothing)"
    if room_wanted(output) or "No space left" in output:
        return DiskFullError(f"{what}: there is not enough room. {outcome} rpm said: {tail}", output=tail)
    if "Read-only file system" in output:
        return ReadOnlyError(f"{what}: a file system is read-only. {outcome} rpm said: {tail}", output=tail)
    return TransactionError(f"{what}. {outcome} rpm said: {tail}", output=tail)


def lock_settings(options: AidOptions) -> dict[str, str]:
    """Return the settings of the scripts that take the lock."""
    return {
        "lock_path": options.lock_path,
        "lock_timeout": str(options.lock_timeout),
        "lock_note": _lock_note(),
    }


def raise_locked(answer: Answer) -> None:
    """Raise LockedError when the script could not have the lock in time, UnsafeLockError where there can be none."""
    if answer.has("unsafe-lock"):
        path = answer.first("unsafe-lock").text
        raise UnsafeLockError(
            f"{path} cannot be used as the lock: it is a link, or it cannot be written. Nothing was changed. Look who "
            "made it, remove it, and run again.",
            path=path,
        )
    if answer.has("locked"):
        holder = answer.first("locked").text or "another run"
        raise LockedError(
            f"The host is locked by {holder}. Nothing was changed. Wait until it has ended, then run again.",
            holder=holder,
        )


def _lock_note() -> str:
    now = utc_stamp(time.time())
    return json.dumps({"pid": "@PID@", "since": now, "command": "python_first_aid"}).replace('"@PID@"', "@PID@")
