# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Brings the OS's own Python back: choose the version, get its packages, put them in place."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from ...module_utils._base.clock import new_run_id
from ...module_utils._base.errors import (
    AcquisitionError,
    PrivilegeError,
    QuarantineError,
    SignatureError,
    SystemPythonError,
    changing_nothing,
)
from ...module_utils._base.text import printable
from ...module_utils._rpm.packages import parse_nevra
from ...module_utils._rpm.triggers import TRIGGERS_QUERY, Trigger, read_triggers
from .acquire import Acquisition, AidOptions, failure_of
from .evidence import kept_of, manifest_texts
from .install import PackageInstallation, lock_settings, raise_locked
from .lend import LOAN, needed_of
from .plan import Target
from .probe import Probe
from .records import Attempt, BorrowedContent, BroughtBack
from .remote import Remote
from .script import Answer

__all__ = ["Recovery", "install_named", "remove_leftovers", "require_root", "settle_database", "triggers_on"]


@dataclass
class Recovery:
    """One attempt on one host; C(tried) collects what did not work, for the result.

    With C(predicts) everything is done that changes nothing: the packages are brought and tested, and removed again.
    """

    remote: Remote
    options: AidOptions
    predicts: bool = False
    tried: list[Attempt] = field(default_factory=list)

    def run(self, targets: Sequence[Target]) -> tuple[Target, BroughtBack]:
        """Bring back the first of C(targets) whose packages can be had; return it and what was done.

        Raises the error of the first one when none can; the host is unchanged then.
        """
        first: SystemPythonError | None = None
        for target in targets:
            try:
                return target, self._bring_back(target)
            except (AcquisitionError, SignatureError) as error:
                first = first or error
                content = self.options.borrowed.content if self.options.borrowed else None
                if content and target is targets[0]:
                    return target, self._place_content(target, content)
        if first is None:
            raise ValueError("no targets")
        first.details["tried"] = self.tried
        raise first

    def _bring_back(self, target: Target) -> BroughtBack:
        acquisition = Acquisition(self.remote, self.options, target.wanted)
        try:
            with changing_nothing():
                staged = acquisition.run()
                installation = PackageInstallation(acquisition, self.options, target, staged)
                installation.prepare()
            if not self.predicts:
                installation.carry_out()
        finally:
            self.tried += acquisition.tried
            acquisition.close()
        return _brought_back(installation, {one.wanted.nevra: one.source for one in staged})

    def _place_content(self, target: Target, content: BorrowedContent) -> BroughtBack:
        """Put single files back, each one what the host's own package database says it must be."""
        acquisition = Acquisition(self.remote, self.options, target.wanted)
        try:
            with changing_nothing():
                self._unpack(acquisition, target, content)
                installation = PackageInstallation(acquisition, self.options, target, [], "place_files")
                installation.prepare()
            if not self.predicts:
                installation.carry_out()
        finally:
            acquisition.close()
        return _brought_back(installation, dict.fromkeys(target.nevras, "borrowed files"))

    def _unpack(self, acquisition: Acquisition, target: Target, content: BorrowedContent) -> None:
        acquisition.open()
        settings = {"reinstalled": [one.id.label for one in target.wanted], **LOAN}
        unpack = ["unpack_blob", self.remote.upload(content.blob), content.mark]
        answer = acquisition.ask(["borrow"], [unpack, ["list_needed"]], settings)
        have = set(answer.first("contents").lines)
        lacking = [one["path"] for one in needed_of(answer) if one["sha256"] not in have]
        if lacking:
            raise AcquisitionError(
                f"The files that another host lent are not enough: {len(lacking)} are missing, for example "
                f"{printable(lacking[0])}. Nothing was changed.",
                wanted=target.nevras,
            )


def _brought_back(installation: PackageInstallation, source: dict[str, str]) -> BroughtBack:
    target = installation.target
    return {
        "version": target.minor,
        "packages": target.nevras,
        "source": source,
        "moved_aside": list(target.in_the_way),
        "closed": installation.closed,
        "quarantine": installation.quarantine,
    }


def require_root(probe: Probe) -> None:
    """Raise PrivilegeError where the probe did not run as root."""
    if not probe.is_root:
        raise PrivilegeError(
            "No interpreter is trusted, and bringing one back needs root. Nothing was changed. Run the task with "
            "become: true, or connect as root."
        )


def remove_leftovers(remote: Remote, folders: Sequence[str], minutes: int) -> list[str]:
    """Remove those staging folders in which nothing changed for so many minutes; return what was removed."""
    answer = remote.ask(["stage"], {}, [["remove_staging", str(minutes), *folders]])
    return [section.word for section in answer.named("removed")]


def settle_database(remote: Remote, options: AidOptions) -> str:
    """Move aside what a killed rpm left of Berkeley DB's shared memory; return the folder where it is kept.

    Empty where that was not done: somebody has the database open, or it is as it should be by now. Raises LockedError,
    UnsafeLockError and QuarantineError.
    """
    kept = kept_of(remote.ask(["stage", "install"], {}, [["report_environment"]]))
    run_id = new_run_id(time.time(), "aid")
    texts = manifest_texts(kept, run_id, "rpm, whose database a killed process left so")
    settings = {f"manifest_{name}": text for name, text in texts.items()}
    settings["described"] = "".join(f"{one.sha256}  {one.path}\n" for one in kept)
    settings |= {"quarantine": options.quarantine, "run_id": run_id, "reinstalled": "", **lock_settings(options)}
    answer = remote.ask(["stage", "install"], settings, [["settle_database"]]) if kept else Answer(())
    raise_locked(answer)
    if answer.has("not-kept"):
        raise QuarantineError(failure_of(answer.first("not-kept").body, "The files __db.* cannot be kept").message)
    return answer.first("quarantine").word if answer.has("quarantine") else ""


def triggers_on(remote: Remote, packages: Sequence[str], after: Probe) -> list[Trigger]:
    """Return the scripts of other packages that ran with the installation of C(packages), and may have undone it."""
    names = {parse_nevra(one).name for one in packages}
    paths = {entry.path for one in after.candidates for entry in one.entries} | {one.path for one in after.candidates}
    answer = remote.ask(["install"], {}, [["list_triggers", TRIGGERS_QUERY]]) if names else Answer(())
    return read_triggers(answer.first("triggers").body, names, paths)


def install_named(remote: Remote, package: str, options: AidOptions) -> str:
    """Install a package that the operator named, with the host's native package manager; return that one's name.

    Raises LockedError, UnsafeLockError, or AcquisitionError when there is no native package manager or it fails.
    """
    settings = {"manager_timeout": "900", **lock_settings(options)}
    answer = remote.ask(["stage", "install"], settings, [["install_named", package]])
    raise_locked(answer)
    if not answer.has("installed-by"):
        reasons = " ".join(f"{section.word}: {section.body.strip()}." for section in answer.named("unusable"))
        raise AcquisitionError(f"{printable(package)} cannot be installed. {printable(reasons)}", wanted=[package])
    return answer.first("installed-by").word
