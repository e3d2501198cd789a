# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The repair of a system that is not running, in a folder of this machine: nothing of it is executed.

Plan, steps, journal and quarantine are those of a running host, with the paths of the root. Packages are unpacked
(C(Unpacking)) instead of installed, and the proof is the second look: every file is compared with the root's database.
"""

import typing as t

from .._audit.findings import Finding
from .._audit.records import Observation
from .._base.command import CommandRunner, run_command
from .._base.errors import AcquisitionError, SystemPythonError, UnknownPlatformError, changing_nothing
from .._base.privilege import require_root
from .._base.text import printable
from .._disk.hidden import Checkpoint, no_checkpoint
from .._disk.os_release import read_os_release
from .._disk.rescuable import require_rescuable
from .._packages.acquisition import Acquired, Source, acquire
from .._packages.ladder import SourceSettings, ladder
from .._packages.unpacking import Unpacking
from .._packages.wanted import Wanted
from .._rpm.database import Rpm
from .._rpm.offline import open_offline
from .labels import RootLabels
from .plan import RepairStep
from .possible import wanted_packages
from .proof import ProofLine, not_run
from .result import RepairResult
from .run import Audited, Repair, RepairSettings
from .steps import StepResult

__all__ = ["RootRepair"]

# dnf is not among them: what it would reinstall must be installed here. The repositories are read without it.
_OF_THIS_HOST = ("cache", "zypper", "microdnf", "repositories")
_OF_ROOT = ("files", "cache")
_COMPARED = "package database of the root"
_NOT_RUN = "every file of the scope was compared; nothing of the root was run"


class RootRepair(Repair):
    """As Repair, of the system in the root of the settings, which has the variables C(os_release)."""

    def __init__(
        self,
        settings: RepairSettings,
        os_release: t.Mapping[str, str],
        runner: CommandRunner = run_command,
        checkpoint: Checkpoint = no_checkpoint,
    ) -> None:
        with changing_nothing():
            require_root("repair a root")
            require_rescuable(settings.root, settings.state_folder)
        super().__init__(settings, runner, checkpoint=checkpoint)
        self.os_release = os_release
        self.labels = RootLabels(self.root, runner)
        self._labelled = ""

    def result(self, check_mode: bool) -> RepairResult:
        """See Run."""
        with open_offline(self.root, self.runner, self.settings.timeout) as rpm:
            self.rpm = rpm
            self.transaction = self.unpacking = Unpacking(rpm, self.root, self.runner, self.checkpoint)
            return super().result(check_mode)

    def _audit(self, _check_manager: str = "never") -> Audited:
        seen, findings = super()._audit("never")
        for finding in findings:
            if _needs_scriptlets(finding, seen):
                finding["repairable"], finding["remedy"] = False, None
                finding["summary"] += " (not from outside: its packages do it, so repair again when it runs)"
        return Audited(seen, findings)

    def _neighbours(self, seen: Audited, plan: t.List[RepairStep]) -> None:
        """Nothing but what the database has was written, file by file; no scriptlet could harm another package."""

    def _acquire(self, plan: t.List[RepairStep], _observation: Observation, staging: str) -> t.Optional[Acquired]:
        wanted = wanted_packages(plan, self.rpm)
        if not wanted:
            return None
        sources, left_out = self._sources()
        try:
            acquired = acquire(wanted, staging, sources, self.rpm, self.settings.packages.check_signatures)
        except AcquisitionError as error:
            raise _with_commands(error, wanted, left_out, self.os_release) from error
        self.transaction.test(list(acquired.files.values()))
        return acquired

    def _sources(self) -> t.Tuple[t.List[Source], str]:
        """Return whom to ask, and why the sources of this machine are left out, if they are."""
        options = self.settings.packages
        of_root = SourceSettings(
            self.rpm,
            tuple(options.files),
            timeout=options.fetch_timeout,
            repositories_timeout=options.fetch_timeout,
            runner=self.runner,
            root=self.root.folder,
        )
        of_host = of_root._replace(rpm=Rpm(runner=self.runner, timeout=self.settings.timeout), root="/")
        left_out = _other_release(self.os_release)
        sources: t.List[Source] = []
        for name in options.use or ("files", *_OF_THIS_HOST):
            sources += ladder(of_root, [name]) if name in _OF_ROOT else []
            sources += ladder(of_host, [name]) if name in _OF_THIS_HOST and not left_out else []
        return sources, left_out

    def _carry_out(self, plan: t.List[RepairStep], acquired: t.Optional[Acquired]) -> t.List[StepResult]:
        if not plan:
            return []
        self.labels.owe()
        done = super()._carry_out(plan, acquired)
        changed = [path for step in plan if step["action"] == "relabel" for path in step["paths"]]
        self._labelled = self.labels.settle([*changed, *self.unpacking.written])
        return done

    def _prove(self, remaining: t.Sequence[Finding]) -> t.Tuple[bool, t.List[ProofLine]]:
        line = not_run(remaining) or ProofLine(command=_COMPARED, ok=True, output=_NOT_RUN)
        lines = [line]
        if self._labelled:
            lines.append(ProofLine(command="SELinux labels", ok=True, output=printable(self._labelled)))
        return line["ok"], lines


def _needs_scriptlets(finding: Finding, seen: Observation) -> bool:
    """Tell whether what would be done about C(finding) is done by rpm alone: scriptlets, or the database."""
    remedy = finding["remedy"]
    if remedy is None:
        return False
    missing = remedy["action"] == "reinstall" and remedy["nevra"] not in seen["packages"].values()
    return remedy["action"] == "remake_group" or missing or finding["id"] == "SP301"


def _other_release(os_release: t.Mapping[str, str]) -> str:
    """Return why the package sources of this machine are not asked, nothing where it is of the release of the root."""
    try:
        own: t.Mapping[str, str] = read_os_release()
    except UnknownPlatformError as error:
        return error.message
    if _release(own) == _release(os_release):
        return ""
    return "this machine is of another release ({0}; the root is {1})".format(
        printable(" ".join(_release(own))), printable(" ".join(_release(os_release)))
    )


def _release(os_release: t.Mapping[str, str]) -> t.Tuple[str, str]:
    return os_release.get("ID", ""), os_release.get("VERSION_ID", "").split(".")[0]


def _with_commands(
    error: AcquisitionError, wanted: t.Sequence[Wanted], left_out: str, os_release: t.Mapping[str, str]
) -> SystemPythonError:
    """Return the error with the commands that fetch the packages on a machine of the root's release."""
    lacking = [one for one in wanted if one.nevra in error.details.get("wanted", [])]
    suse = "suse" in os_release.get("ID_LIKE", os_release.get("ID", "")).lower()
    if suse:
        specs = " ".join("{0}.{1}={2}".format(one.name, one.id.arch, one.evr) for one in lacking)
        command = "zypper --pkg-cache-dir /root/packages download {0}".format(specs)
    else:
        specs = " ".join(one.nevra for one in lacking)
        command = "dnf download --destdir /root/packages {0}".format(specs)
    about = " Its own sources were left out: {0}.".format(left_out) if left_out else ""
    message = "{0}{1} Fetch them on a machine of the root's release ({2}), and give the folder in the option 'files'."
    return type(error)(message.format(error.message, about, command), **dict(error.details, commands=[command]))
