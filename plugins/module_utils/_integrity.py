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

from ansible_collections.fleet.system_python.plugins.module_utils._acquisition import (
    Acquired,
    Staging,
    acquire,
    wanted_of,
)
from ansible_collections.fleet.system_python.plugins.module_utils._command import CommandRunner, Completed, run_command
from ansible_collections.fleet.system_python.plugins.module_utils._contract import Contract
from ansible_collections.fleet.system_python.plugins.module_utils._errors import (
    PrivilegeError,
    ProofError,
    SystemPythonError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._files import ensure_room, size_of
from ansible_collections.fleet.system_python.plugins.module_utils._lock import DEFAULT_LOCK_PATH, RunLock
from ansible_collections.fleet.system_python.plugins.module_utils._observation import observe
from ansible_collections.fleet.system_python.plugins.module_utils._quarantine import (
    DEFAULT_FOLDER,
    Quarantine,
    new_run_id,
)
from ansible_collections.fleet.system_python.plugins.module_utils._rpm import Rpm, RpmPackage
from ansible_collections.fleet.system_python.plugins.module_utils._sources import SourceSettings, ladder
from ansible_collections.fleet.system_python.plugins.module_utils._text import json_text, printable
from ansible_collections.fleet.system_python.plugins.module_utils._transaction import Transaction
from ansible_collections.fleet.system_python.plugins.module_utils._verification import Disk, Request, verify_info

__all__ = [
    "IncompleteError",
    "InstalledTwiceError",
    "Integrity",
    "IntegritySettings",
    "NotInstalledError",
]

_Info = t.Dict[str, t.Any]

# What cannot be seen of a file's content: overwriting it loses nothing.
_METADATA = frozenset(["mode", "owner", "group", "mtime", "capabilities"])
_FINDING = "rpm_integrity"


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

    C(packages) must be installed, C(optional) are taken care of where they are. C(contract) tells whether dnf can be
    trusted, None where the operating system is not known. C(exclude): file types whose deviations do not count.
    C(files), C(use) and C(check_signatures) are about the sources. Times are in seconds.
    """

    packages: t.Sequence[str]
    optional: t.Sequence[str] = ()
    contract: t.Optional[Contract] = None
    exclude: t.Sequence[str] = ()
    files: t.Sequence[str] = ()
    use: t.Optional[t.Sequence[str]] = None
    check_signatures: bool = True
    timeout: float = 120.0
    fetch_timeout: float = 600.0
    lock_timeout: float = 0.0
    lock_path: str = DEFAULT_LOCK_PATH
    quarantine_folder: str = DEFAULT_FOLDER
    staging_parent: str = "/var/cache"


class _State(t.NamedTuple):
    """One look at the packages: C(info) as verify_info gives it, C(twice) are nevras that are there more than once."""

    info: _Info
    installed: t.List[RpmPackage]
    twice: t.List[str]
    leftovers: t.List[str]

    def differing(self) -> t.List[str]:
        """Return the nevras of what must be reinstalled, in the order of the verification."""
        found = [one["nevra"] for one in self.info["packages"] if not one["intact"] or one["nevra"] in self.twice]
        return list(dict.fromkeys(found))


class Integrity:
    """C(state: intact) for packages: one run on this host."""

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
        self._transaction = Transaction(self.rpm, runner, settings.check_signatures)
        self._quarantine = Quarantine(settings.quarantine_folder, new_run_id(clock()), clock=clock)

    def predict(self) -> _Info:
        """Return what a real run would find and do. Nothing is fetched and nothing is written."""
        state = self._look()
        if state.differing():
            self._require_possible(state)
        return self._result(state, state.differing())

    def ensure(self) -> _Info:
        """Reinstall what differs and return what was found and done. Raises SystemPythonError."""
        state = self._look()
        if not state.differing() and not state.leftovers:
            return self._result(state, [], after=state)
        with RunLock(self.settings.lock_path, self.settings.lock_timeout, what="reinstallation of altered packages"):
            return self._ensure_locked()

    def _ensure_locked(self) -> _Info:
        # What was seen before the lock was ours may have been another run's work in progress.
        state = self._look()
        differing = state.differing()
        self._quarantine.recover()
        self._transaction.remove_leftovers([package.name for package in state.installed])
        if not differing:
            return self._result(state, [], after=state)
        self._require_possible(state)
        with Staging(self.settings.staging_parent) as staging:
            acquired = self._acquire(state, staging)
            done = self._reinstall(state, acquired)
        after = self._look()
        result = self._result(state, differing, after, acquired)
        result["warnings"] = _warnings(done)
        if after.differing():
            raise self._not_proven(after, result)
        return result

    def _look(self) -> _State:
        if os.geteuid() != 0:
            raise PrivilegeError(
                "Only root can verify and reinstall packages; this run is user id {0}. Use 'become: true'.".format(
                    os.geteuid()
                )
            )
        settings = self.settings
        request = Request(
            packages=settings.packages,
            optional=settings.optional,
            exclude=settings.exclude,
            drift_only=True,
            timeout=settings.timeout,
        )
        info = verify_info(self.rpm, Disk(self.rpm.root), request)
        _require_complete(info, settings.timeout)
        names = list(dict.fromkeys(one["name"] for one in info["packages"]))
        installed = self.rpm.query(names).packages
        twice = _more_than_once([package.nevra for package in installed])
        state = _State(info, installed, twice, self._transaction.leftovers(names))
        _refuse_several_versions(state)
        return state

    def _wanted_packages(self, state: _State) -> t.List[RpmPackage]:
        differing = state.differing()
        return [package for package in state.installed if package.nevra in differing]

    def _require_possible(self, state: _State) -> None:
        """Find out what can be known without the files: read-only or immutable paths, room for what is kept."""
        self._transaction.require_writable(self._wanted_packages(state))
        ensure_room(self.settings.quarantine_folder, sum(size_of(path) for path in self._overwritten(state)))

    def _acquire(self, state: _State, staging: str) -> Acquired:
        settings = self.settings
        sources = SourceSettings(
            rpm=self.rpm,
            files=tuple(settings.files),
            manager_trusted=self._is_manager_trusted(),
            timeout=settings.fetch_timeout,
            repositories_timeout=settings.fetch_timeout,
            runner=self._runner,
        )
        wanted = wanted_of(self._wanted_packages(state))
        acquired = acquire(wanted, staging, ladder(sources, settings.use), self.rpm, settings.check_signatures)
        taken = _replaced(state)
        self._transaction.test(list(acquired.files.values()), replace_files=bool(taken), replaceable=taken)
        return acquired

    def _is_manager_trusted(self) -> bool:
        """Tell whether all that dnf runs is verified: the audit of the system Python knows."""
        contract = self.settings.contract
        if contract is None or not contract["manager"] or not contract["manager"]["interpreter"]:
            return False
        return bool(observe(contract, self.rpm, self._environ, runner=self._runner)["manager"]["state"] == "works")

    def _reinstall(self, state: _State, acquired: Acquired) -> Completed:
        for path in self._overwritten(state):
            reason = "altered; overwritten by its package's own"
            if os.path.isdir(path) and not os.path.islink(path):
                # rpm cannot unpack a file where a directory is.
                self._quarantine.take(path, "in the way of a packaged file", _FINDING)
            else:
                self._quarantine.keep(path, reason, _FINDING)
        return self._transaction.run(list(acquired.files.values()), replace_files=bool(_replaced(state)))

    def _overwritten(self, state: _State) -> t.List[str]:
        """Return what is on the disk and would be lost: altered content, other links, things of another kind."""
        blocking = self._transaction.blockers(self._wanted_packages(state))
        altered = [_original(file) for file in state.info["files"] if not _only_metadata(file)]
        below = [os.path.join(self.rpm.root, path.lstrip("/")) if self.rpm.root else path for path in altered]
        found = [path for path in below if os.path.lexists(path) and (os.path.islink(path) or not os.path.isdir(path))]
        return sorted(set(found) | set(blocking))

    def _result(
        self,
        before: _State,
        reinstalled: t.Sequence[str],
        after: t.Optional[_State] = None,
        acquired: t.Optional[Acquired] = None,
    ) -> _Info:
        intact_after = {one["nevra"]: one["intact"] for one in after.info["packages"]} if after else {}
        files = [_shaped_file(file) for file in before.info["files"]]
        return {
            "changed": bool(reinstalled or before.leftovers),
            "intact": not after.differing() if after else not before.differing(),
            "packages": [
                {
                    "name": one["name"],
                    "nevra": one["nevra"],
                    "deviations": one["deviations"],
                    "installed_twice": one["nevra"] in before.twice,
                    "intact_before": one["nevra"] not in before.differing(),
                    "reinstalled": one["nevra"] in reinstalled,
                    "source": acquired.source_of.get(one["nevra"]) if acquired else None,
                    "intact_after": intact_after.get(one["nevra"]),
                }
                for one in _once(before.info["packages"])
            ],
            "files": files,
            "leftovers": [json_text(path) for path in before.leftovers],
            "tried": acquired.tried if acquired else [],
            "quarantine": self._quarantine_of_run(),
            "diff": _diff(files, before, reinstalled),
        }

    def _quarantine_of_run(self) -> t.Optional[str]:
        folder = os.path.join(self._quarantine.folder, self._quarantine.run_id)
        return folder if os.path.isdir(folder) else None

    def _not_proven(self, after: _State, result: _Info) -> ProofError:
        left = [_shaped_file(file) for file in after.info["files"]]
        names = ", ".join(printable(file["path"]) for file in left[:5]) or ", ".join(after.twice)
        return ProofError(
            "The packages were reinstalled, but rpm still does not find them as they should be: {0}. Who changes them, "
            "or do two packages own the same file?".format(names),
            files=left,
            packages=result["packages"],
            quarantine=result["quarantine"],
        )


def _require_complete(info: _Info, timeout: float) -> None:
    if info["not_installed"]:
        raise NotInstalledError(
            "Not installed, so there is no version to compare with or to reinstall: {0}. Install them with the "
            "package manager; system_python brings back the packages of the system Python.".format(
                ", ".join(info["not_installed"])
            ),
            packages=info["not_installed"],
        )
    if info["partial"]:
        raise IncompleteError(
            "The verification did not end within {0:g} seconds, nothing was changed. Not verified to the end: {1}. "
            "Give it more time with the option 'timeout'.".format(timeout, ", ".join(info["unverified_packages"])),
            packages=info["unverified_packages"],
        )


def _refuse_several_versions(state: _State) -> None:
    """Two versions share their paths, so that at least one of them differs: which one is right is not for us to say."""
    differing = set(state.differing())
    versions: t.Dict[t.Tuple[str, str], t.Set[str]] = {}
    for package in state.installed:
        versions.setdefault((package.name, package.arch), set()).add(package.nevra)
    for nevras in versions.values():
        if len(nevras) > 1 and nevras & differing:
            raise InstalledTwiceError(
                "Installed in several versions at once, and not as it should be: {0}. An upgrade was probably broken "
                "off. Nothing was changed: remove the records of the versions that are not wanted (rpm -e --justdb "
                "--nodeps NAME-VERSION-RELEASE, or dnf remove --duplicates) and run again.".format(
                    ", ".join(sorted(nevras))
                ),
                packages=sorted(nevras),
            )


def _more_than_once(nevras: t.Sequence[str]) -> t.List[str]:
    return sorted({nevra for nevra in nevras if nevras.count(nevra) > 1})


def _once(packages: t.Sequence[_Info]) -> t.List[_Info]:
    return list({one["nevra"]: one for one in packages}.values())


def _original(file: _Info) -> str:
    if "path_base64" in file:
        return os.fsdecode(base64.b64decode(file["path_base64"]))
    return str(file["path"])


def _only_metadata(file: _Info) -> bool:
    return file["state"] == "altered" and set(file["altered"]) <= _METADATA


def _replaced(state: _State) -> t.List[str]:
    return [_original(file) for file in state.info["files"] if file["state"] == "replaced"]


def _shaped_file(file: _Info) -> _Info:
    return {key: file[key] for key in ("path", "package", "state", "flags", "altered")}


def _warnings(done: Completed) -> t.List[str]:
    """Return what rpm complained about although the transaction was carried out: scripts that failed, mostly."""
    lines = [line.strip() for line in done.err.splitlines()]
    return [printable(line) for line in lines if line.startswith(("warning:", "error:"))]


def _diff(files: t.Sequence[_Info], before: _State, reinstalled: t.Sequence[str]) -> t.Dict[str, str]:
    lines = ["{0}: {1}".format(printable(file["path"]), _said(file)) for file in files]
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


def _said(file: _Info) -> str:
    return "altered ({0})".format(", ".join(file["altered"])) if file["altered"] else str(file["state"])
