# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Brings the OS's own Python back: choose the version, get its packages, put them in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fleet.system_python.plugins.module_utils._errors import (
    AcquisitionError,
    PrivilegeError,
    SignatureError,
    SystemPythonError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._text import printable
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_acquire import (
    Acquisition,
    AidOptions,
    BorrowedContent,
)
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_install import (
    Installation,
    lock_settings,
    raise_locked,
)
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_lend import needed_files
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_plan import Target
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_probe import Probe
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_remote import Remote

__all__ = ["BroughtBack", "Recovery", "install_named", "remove_leftovers", "require_root"]


@dataclass(frozen=True)
class BroughtBack:
    """What was put in place. C(source) maps each package to where it came from."""

    target: Target
    source: dict[str, str]
    quarantine: str

    def as_dict(self) -> dict[str, Any]:
        """Return it as data for the result."""
        return {
            "version": self.target.minor,
            "packages": [one.nevra for one in self.target.wanted],
            "source": self.source,
            "moved_aside": list(self.target.in_the_way),
            "quarantine": self.quarantine,
        }


@dataclass
class Recovery:
    """One attempt on one host; C(tried) collects what did not work, for the result."""

    remote: Remote
    options: AidOptions
    tried: list[dict[str, str]] = field(default_factory=list)

    def run(self, targets: Sequence[Target]) -> BroughtBack:
        """Bring back the first of C(targets) whose packages can be had.

        Raises the error of the first one when none can; the host is unchanged then.
        """
        first: SystemPythonError | None = None
        for target in targets:
            try:
                return self._bring_back(target)
            except (AcquisitionError, SignatureError) as error:
                first = first or error
                if self.options.borrowed_content and target is targets[0]:
                    return self._place_content(target, self.options.borrowed_content)
        if first is None:
            raise ValueError("no targets")
        first.details["tried"] = self.tried
        raise first

    def _bring_back(self, target: Target) -> BroughtBack:
        acquisition = Acquisition(self.remote, self.options, target.wanted)
        try:
            staged = acquisition.run()
            installation = Installation(acquisition, self.options, target, staged)
            installation.prepare()
            installation.carry_out()
        finally:
            self.tried += acquisition.tried
            acquisition.close()
        return BroughtBack(target, {one.wanted.nevra: one.source for one in staged}, installation.quarantine)

    def _place_content(self, target: Target, content: BorrowedContent) -> BroughtBack:
        """Put single files back, each one what the host's own package database says it must be."""
        acquisition = Acquisition(self.remote, self.options, target.wanted)
        try:
            acquisition.open()
            blob, index = (self.remote.upload(path) for path in (content.blob, content.index))
            answer = acquisition.ask(["borrow"], [["unpack_blob", blob, index]])
            mismatched = len(list(answer.named("mismatch")))
            lacking = self._lacking(acquisition, target)
            if lacking or mismatched:
                raise AcquisitionError(
                    f"The files that another host lent are not enough: {len(lacking)} are missing, for example "
                    f"{printable(lacking[0]) if lacking else 'none'}; {mismatched} are not what they claim to be. "
                    "Nothing was changed.",
                    wanted=[one.nevra for one in target.wanted],
                )
            installation = Installation(acquisition, self.options, target, [], "place_files")
            installation.prepare()
            installation.carry_out()
        finally:
            acquisition.close()
        return BroughtBack(target, {one.nevra: "borrowed files" for one in target.wanted}, installation.quarantine)

    def _lacking(self, acquisition: Acquisition, target: Target) -> list[str]:
        needed = needed_files(self.remote, target.wanted)
        answer = acquisition.ask(["borrow"], [["list_contents"]])
        section = answer.first("contents")
        have = set(section.lines if section else ())
        return [one["path"] for one in needed if one["sha256"] not in have]


def require_root(probe: Probe) -> None:
    """Raise PrivilegeError where the probe did not run as root."""
    if not probe.is_root:
        raise PrivilegeError(
            "No interpreter is trusted, and bringing one back needs root. Nothing was changed. Run the task with "
            "become: true, or connect as root."
        )


def remove_leftovers(remote: Remote, probe: Probe) -> None:
    """Remove the folders of killed runs."""
    remote.ask(["stage"], {}, [["remove_staging", *probe.leftovers]])


def install_named(remote: Remote, package: str, options: AidOptions) -> str:
    """Install a package that the operator named, with the host's native package manager; return that one's name.

    Raises LockedError, or AcquisitionError when there is no native package manager or it fails.
    """
    settings = {"manager_timeout": "900", **lock_settings(options)}
    answer = remote.ask(["stage", "install"], settings, [["install_named", package]])
    raise_locked(answer)
    installed = answer.first("installed-by")
    if installed is None:
        reasons = " ".join(f"{section.words[0]}: {section.body.strip()}." for section in answer.named("unusable"))
        raise AcquisitionError(f"{printable(package)} cannot be installed. {printable(reasons)}", wanted=[package])
    return installed.words[0]
