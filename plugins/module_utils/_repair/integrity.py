# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Packages that are as they were shipped: verify, reinstall only what differs in one transaction, verify again.

Everything that can go wrong with the packages' files is found out before the host is changed. What the transaction
overwrites is kept in the quarantine.
"""

import base64
import os
import time
import typing as t

from .._audit.contract import Contract
from .._audit.observation import observe
from .._base.clock import new_run_id
from .._base.command import CommandRunner, Completed, run_command
from .._base.errors import ProofError, SystemPythonError, changing_nothing
from .._base.privilege import require_root
from .._base.run import Run
from .._base.text import json_text, printable, safe
from .._disk.files import size_of
from .._disk.kept import DEFAULT_FOLDER
from .._disk.lock import DEFAULT_LOCK_PATH, RunLock
from .._disk.quarantine import Quarantine, before_a_package
from .._disk.root import Root
from .._disk.space import ensure_room
from .._packages.acquisition import Acquired, Staging
from .._packages.transaction import Transaction
from .._packages.wanted import wanted_of
from .._rpm.database import Rpm
from .._rpm.disk import Disk
from .._rpm.packages import RpmPackage
from .._rpm.releases import by_name, of_architecture
from .._rpm.triggers import Trigger, blamed, triggers_of
from .._rpm.verification import VerifyRequest, verify_info
from .packages import PackageOptions, bring

__all__ = [
    "IncompleteError",
    "InstalledTwiceError",
    "IntegrityResult",
    "IntegrityRun",
    "IntegritySettings",
    "NotInstalledError",
]

# What cannot be seen of a file's content: overwriting it loses nothing.
_METADATA = frozenset(["mode", "owner", "group", "mtime", "capabilities"])
_FINDING = "rpm_integrity"

if t.TYPE_CHECKING:

    class FileResult(t.TypedDict):
        """A file that is not as its package shipped it."""

        path: str
        package: str
        state: str
        flags: str
        altered: t.List[str]

    class PackageResult(t.TypedDict):
        """A package, before and after; C(intact_after) is null where nothing was looked at again."""

        name: str
        nevra: str
        deviations: int
        installed_twice: bool
        intact_before: bool
        reinstalled: bool
        source: t.Optional[str]
        intact_after: t.Optional[bool]

    class IntegrityResult(t.TypedDict):
        """The result; the documentation of the module rpm_integrity describes every key."""

        changed: bool
        intact: bool
        packages: t.List[PackageResult]
        files: t.List[FileResult]
        leftovers: t.List[str]
        tried: t.List[t.Dict[str, str]]
        quarantine: t.Optional[str]
        diff: t.Dict[str, str]
        warnings: t.NotRequired[t.List[str]]

else:
    FileResult = PackageResult = IntegrityResult = dict


class NotInstalledError(SystemPythonError):
    """A package is not installed, so there is no version to reinstall; details: packages."""

    kind = "not_installed"


class InstalledTwiceError(SystemPythonError):
    """A package that differs is installed in several versions; details: packages."""

    kind = "installed_twice"


class IncompleteError(SystemPythonError):
    """The verification did not come to its end in time; details: packages."""

    kind = "verification_incomplete"


class IntegritySettings(t.NamedTuple):
    """What the user asked for.

    C(names) must be installed, C(optional) are taken care of where they are. C(contract) tells whether dnf can be
    trusted, null where the operating system is not known. C(exclude): file types whose deviations do not count. Times
    are in seconds.
    """

    names: t.Sequence[str]
    optional: t.Sequence[str] = ()
    contract: t.Optional[Contract] = None
    exclude: t.Sequence[str] = ()
    packages: PackageOptions = PackageOptions()
    timeout: float = 120.0
    lock_timeout: float = 0.0
    lock_path: str = DEFAULT_LOCK_PATH
    quarantine_folder: str = DEFAULT_FOLDER
    staging_parent: str = "/var/cache"


class VerifiedPackage(t.NamedTuple):
    """A package as the verification found it; C(deviations): how many of its files are not as shipped."""

    name: str
    nevra: str
    intact: bool
    deviations: int


class DeviatingFile(t.NamedTuple):
    """A file that is not as shipped: C(original) is its path inside of the root, as it is on the disk."""

    original: str
    shown: FileResult

    @property
    def is_only_metadata(self) -> bool:
        """Whether its content is as shipped."""
        return self.shown["state"] == "altered" and set(self.shown["altered"]) <= _METADATA

    @property
    def text(self) -> str:
        """What is wrong with it."""
        altered = self.shown["altered"]
        return "altered ({0})".format(", ".join(altered)) if altered else self.shown["state"]


class SeenPackages(t.NamedTuple):
    """One look at the packages: C(twice) are nevras that are there more than once."""

    packages: t.List[VerifiedPackage]
    files: t.List[DeviatingFile]
    installed: t.List[RpmPackage]
    twice: t.List[str]
    leftovers: t.List[str]

    def differing(self) -> t.List[str]:
        """Return the nevras of what must be reinstalled, in the order of the verification."""
        found = [one.nevra for one in self.packages if not one.intact or one.nevra in self.twice]
        return list(dict.fromkeys(found))

    def wanted(self) -> t.List[RpmPackage]:
        """Return the packages that must be reinstalled."""
        differing = self.differing()
        return [package for package in self.installed if package.nevra in differing]


class IntegrityRun(Run[SeenPackages, t.List[str], IntegrityResult]):
    """C(state: intact) for packages: one run on this host. The plan are the nevras to reinstall."""

    def __init__(
        self,
        settings: IntegritySettings,
        rpm: t.Optional[Rpm] = None,
        environ: t.Optional[t.Mapping[str, str]] = None,
        runner: CommandRunner = run_command,
        clock: t.Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self.rpm = rpm or Rpm(runner=runner, timeout=settings.timeout)
        self._environ = os.environ if environ is None else environ
        self._runner = runner
        self._transaction = Transaction(self.rpm, runner, settings.packages.check_signatures)
        self._quarantine = Quarantine(settings.quarantine_folder, new_run_id(clock()), clock=clock)

    # --- looking and planning

    def _look(self) -> SeenPackages:
        require_root("verify and reinstall packages")
        settings = self.settings
        request = VerifyRequest(
            packages=settings.names,
            optional=settings.optional,
            exclude=settings.exclude,
            drift_only=True,
            timeout=settings.timeout,
        )
        info = verify_info(self.rpm, Disk(Root(self.rpm.root or "/")), request)
        _require_installed(info["not_installed"])
        if info["partial"]:
            raise _incomplete(info["unverified_packages"], settings.timeout)
        packages = [
            VerifiedPackage(one["name"], one["nevra"], one["intact"], one["deviations"]) for one in info["packages"]
        ]
        files = [
            DeviatingFile(
                os.fsdecode(base64.b64decode(file["path_base64"])) if "path_base64" in file else file["path"],
                FileResult(
                    path=file["path"],
                    package=file["package"],
                    state=file["state"],
                    flags=file["flags"],
                    altered=file["altered"],
                ),
            )
            for file in info["files"]
        ]
        names = list(dict.fromkeys(one.name for one in packages))
        installed = self.rpm.query(names).packages
        twice = _more_than_once([package.nevra for package in installed])
        return SeenPackages(packages, files, installed, twice, self._transaction.leftovers(names))

    def _plan(self, seen: SeenPackages) -> t.List[str]:
        _refuse_several_versions(seen)
        return seen.differing()

    def _predicted(self, seen: SeenPackages, plan: t.List[str]) -> IntegrityResult:
        if plan:
            self._require_possible(seen)
            with Staging(self.settings.staging_parent) as staging:
                self._acquire(seen, staging)
        return self._result(seen, plan)

    def _settled(self, seen: SeenPackages, plan: t.List[str]) -> t.Optional[IntegrityResult]:
        return None if plan or seen.leftovers else self._result(seen, plan, after=seen)

    def _require_possible(self, seen: SeenPackages) -> None:
        """Find out what can be known without the files: read-only or immutable paths, room for what is kept."""
        self._transaction.require_writable(seen.wanted())
        ensure_room(self.settings.quarantine_folder, sum(size_of(path) for path in self._overwritten(seen)))

    # --- under the lock

    def _lock(self) -> RunLock:
        settings = self.settings
        return RunLock(settings.lock_path, settings.lock_timeout, what="reinstallation of altered packages")

    def _finish_killed_run(self) -> bool:
        return bool(self._quarantine.recover())

    def _act(self, seen: SeenPackages, plan: t.List[str]) -> IntegrityResult:
        with changing_nothing():
            removed = self._transaction.remove_leftovers([package.name for package in seen.installed])
        if not plan:
            return self._result(seen, plan, after=seen)
        with changing_nothing(not removed):
            self._require_possible(seen)
        with Staging(self.settings.staging_parent) as staging:
            with changing_nothing(not removed):
                acquired = self._acquire(seen, staging)
            done = self._reinstall(seen, acquired)
        after = self._look()
        result = self._result(seen, plan, after, acquired)
        result["warnings"] = _warnings(done)
        _refuse_several_versions(after)
        if after.differing():
            names = [package.name for package in seen.wanted()]
            raise _not_proven(after, result, triggers_of(self.rpm, names, [file.original for file in after.files]))
        return result

    def _acquire(self, seen: SeenPackages, staging: str) -> Acquired:
        wanted = wanted_of(seen.wanted())
        trusted = self._is_manager_trusted()
        return bring(wanted, staging, self.settings.packages, self.rpm, trusted, self._runner)

    def _is_manager_trusted(self) -> bool:
        """Tell whether all that dnf runs is verified: the audit of the system Python knows."""
        contract = self.settings.contract
        if contract is None or not contract["manager"] or not contract["manager"]["interpreter"]:
            return False
        return bool(observe(contract, self.rpm, self._environ, runner=self._runner)["manager"]["state"] == "works")

    def _reinstall(self, seen: SeenPackages, acquired: Acquired) -> Completed:
        self._quarantine.secure([before_a_package(path, _FINDING) for path in self._overwritten(seen)])
        return self._transaction.run(list(acquired.files.values()))

    def _overwritten(self, seen: SeenPackages) -> t.List[str]:
        """Return what is on the disk and would be lost: altered content, other links, things of another kind."""
        blocking = self._transaction.blockers(seen.wanted())
        altered = [file.original for file in seen.files if not file.is_only_metadata]
        below = [os.path.join(self.rpm.root, path.lstrip("/")) if self.rpm.root else path for path in altered]
        found = [path for path in below if os.path.lexists(path) and (os.path.islink(path) or not os.path.isdir(path))]
        return sorted(set(found) | set(blocking))

    # --- the result

    def _result(
        self,
        before: SeenPackages,
        reinstalled: t.Sequence[str],
        after: t.Optional[SeenPackages] = None,
        acquired: t.Optional[Acquired] = None,
    ) -> IntegrityResult:
        intact_after = {one.nevra: one.intact for one in after.packages} if after else {}
        return IntegrityResult(
            changed=bool(reinstalled or before.leftovers),
            intact=not (after or before).differing(),
            packages=[
                PackageResult(
                    name=one.name,
                    nevra=one.nevra,
                    deviations=one.deviations,
                    installed_twice=one.nevra in before.twice,
                    intact_before=one.nevra not in before.differing(),
                    reinstalled=one.nevra in reinstalled,
                    source=acquired.source_of.get(one.nevra) if acquired else None,
                    intact_after=intact_after.get(one.nevra),
                )
                for one in {one.nevra: one for one in before.packages}.values()
            ],
            files=[file.shown for file in before.files],
            leftovers=[json_text(path) for path in before.leftovers],
            tried=acquired.tried if acquired else [],
            quarantine=self._quarantine.kept_in,
            diff=_diff(before, reinstalled),
        )


def _require_installed(missing: t.Sequence[str]) -> None:
    if missing:
        raise NotInstalledError(
            "Not installed, so there is no version to compare with or to reinstall: {0}. Install them with the "
            "package manager; system_python brings back the packages of the system Python.".format(", ".join(missing)),
            packages=list(missing),
        )


def _incomplete(unverified: t.Sequence[str], timeout: float) -> IncompleteError:
    return IncompleteError(
        "The verification did not end within {0:g} seconds, nothing was changed. Not verified to the end: {1}. "
        "Give it more time with the option 'timeout'.".format(timeout, ", ".join(unverified)),
        packages=list(unverified),
    )


def _refuse_several_versions(seen: SeenPackages) -> None:
    """Two versions share their paths, so that at least one of them differs: which one is right is not for us to say."""
    differing = set(seen.differing())
    for packages in by_name(seen.installed).values():
        for arch in {package.arch for package in packages}:
            nevras = {package.nevra for package in of_architecture(packages, arch)}
            if len(nevras) > 1 and nevras & differing:
                raise InstalledTwiceError(
                    "Installed in several versions at once, and not as it should be: {0}. An upgrade was probably "
                    "broken off. Nothing was changed: finish it (dnf distro-sync {1}, dnf remove --duplicates, or "
                    "zypper verify) and run again.".format(", ".join(sorted(nevras)), packages[0].name),
                    packages=sorted(nevras),
                )


def _more_than_once(nevras: t.Sequence[str]) -> t.List[str]:
    return sorted({nevra for nevra in nevras if nevras.count(nevra) > 1})


def _not_proven(after: SeenPackages, result: IntegrityResult, triggers: t.Sequence[Trigger]) -> ProofError:
    names = ", ".join(printable(file.shown["path"]) for file in after.files[:5]) or ", ".join(after.twice)
    return ProofError(
        "The packages were reinstalled, but rpm still does not find them as they should be: {0}.{1}".format(
            names, blamed(triggers) or " Who changes them, or do two packages own the same file?"
        ),
        triggers=safe([str(one) for one in triggers]),
        files=[file.shown for file in after.files],
        packages=result["packages"],
        quarantine=result["quarantine"],
    )


def _warnings(done: Completed) -> t.List[str]:
    """Return what rpm complained about although the transaction was carried out: scripts that failed, mostly."""
    lines = [line.strip() for line in done.err.splitlines()]
    return [printable(line) for line in lines if line.startswith(("warning:", "error:"))]


def _diff(before: SeenPackages, reinstalled: t.Sequence[str]) -> t.Dict[str, str]:
    lines = ["{0}: {1}".format(printable(file.shown["path"]), file.text) for file in before.files]
    lines += ["{0}: installed twice".format(nevra) for nevra in before.twice]
    lines += ["{0}: left by a killed transaction".format(printable(path)) for path in before.leftovers]
    if not lines:
        return {"before": "", "after": ""}
    return {
        "before_header": "not as packaged",
        "after_header": "reinstalled",
        "before": "\n".join(lines) + "\n",
        "after": "".join(nevra + "\n" for nevra in reinstalled),
    }
