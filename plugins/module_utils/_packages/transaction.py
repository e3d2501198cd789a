# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Put exact package files in place by one rpm transaction, and clear up after one that was killed.

Which options, and what a killed or failed transaction leaves: see docs/notes/rpm-transactions.md (all tried).
"""

import contextlib
import errno
import fcntl
import os
import re
import time
import typing as t

from .._base.command import CommandRunner, Completed, run_command
from .._base.errors import (
    DiskFullError,
    LockedError,
    SystemPythonError,
    TransactionError,
    TransactionRefusedError,
)
from .._base.privilege import require_root
from .._base.text import json_text, printable
from .._disk.files import open_to_append
from .._disk.host_mode import SYSTEM, require_mutable
from .._disk.obstacles import Changes, require_changeable
from .._disk.space import free_bytes
from .._disk.trees import copy, remove_any
from .._rpm.asking import ENVIRONMENT
from .._rpm.database import Rpm
from .._rpm.locks import Holder, lock_holder
from .._rpm.package_files import package_files
from .._rpm.packages import PackageId, RpmPackage
from .._rpm.releases import NOARCH
from .._rpm.room import RoomWanted, room_wanted
from .moved import require_no_moved_folder
from .repodata import evr_key
from .vouched_settings import transaction_options

__all__ = ["Transaction"]

# A transaction must not be stopped in the middle; this is only there so that nothing waits for ever.
RUN_TIMEOUT = 3600.0

_CONFLICT = re.compile(
    r"^\s*file (/.*?) (?:from install of .+ conflicts with file from package"
    r"|conflicts between attempted installs of) (.+)$"
)
_NOISE = re.compile(r"^(?:rpm: RPM should not|rpm: However assuming|warning: |\s*$)")
_TEMPORARY = re.compile(r"^(.+);[0-9a-f]{8}$")

_OBSOLETES_FORMAT = r"[%{OBSOLETENAME}\t%{OBSOLETEFLAGS}\t%{OBSOLETEVERSION}\n]"
_LESS, _GREATER, _EQUAL = 2, 4, 8


class Transaction:
    """One transaction on the database of C(rpm).

    C(check_signatures=False) also turns rpm's own check off. C(lock_timeout) is how many seconds another transaction
    may take to end, before ours is refused.
    """

    def __init__(
        self,
        rpm: Rpm,
        runner: CommandRunner = run_command,
        check_signatures: bool = True,
        timeout: float = RUN_TIMEOUT,
        lock_timeout: float = 60.0,
    ) -> None:
        self.rpm = rpm
        self.timeout = timeout
        self.lock_timeout = lock_timeout
        self._runner = runner
        self._check_signatures = check_signatures

    def test(self, files: t.Sequence[str]) -> None:
        """Return when the transaction would work; nothing is changed.

        Raises PrivilegeError, ReadOnlyError, DiskFullError, LockedError or TransactionError.
        """
        packages = package_files(self.rpm, files)
        self.require_writable(packages)
        argv = self._argv(files, packages)
        done = self._rpm(argv + ["--test"] + list(files), 300.0)
        self._require_success(done, "The transaction would not work, nothing was changed", TransactionRefusedError)
        # rpm --test does not ask for it.
        with self._lock():
            pass

    def run(self, files: t.Sequence[str]) -> Completed:
        """Carry the transaction out and return what rpm said (a rc of 0 may come with warnings of scriptlets).

        Configuration files that a failing rpm takes away are put back. Raises as C(test).
        """
        packages = package_files(self.rpm, files)
        argv = self._argv(files, packages)
        self.remove_leftovers([package.name for package in packages])
        with _kept_configuration(self._configuration(packages), os.path.dirname(files[0])):
            done = self._rpm(argv + list(files), self.timeout)
            self._require_success(done, "The transaction failed")
        return done

    def require_writable(self, packages: t.Sequence[RpmPackage]) -> None:
        """Raise an error when not all of C(packages) could be replaced.

        That is PrivilegeError, ImmutableHostError, ReadOnlyError or MovedFolderError.
        """
        require_root("reinstall packages")
        require_mutable([self._below_root(SYSTEM)], ["{0}={1}".format(one.name, one.evr) for one in packages])
        require_no_moved_folder(packages, self.rpm.owners, self._below_root)
        files = [file for package in packages for file in package.files if not file.is_ghost]
        folders = {file.path for file in files if file.kind == "directory"}
        names = {file.path for file in files if not file.is_config} - folders
        names = {self._below_root(path) for path in names} | {os.path.join(self.rpm.folder(), ".rpm.lock")}
        require_changeable(Changes(names, {self._below_root(path) for path in folders}))

    def blockers(self, packages: t.Iterable[RpmPackage]) -> t.List[str]:
        """Return the directories that lie where C(packages) have files or links: rpm would fail in the middle."""
        found = []
        for package in packages:
            for file in package.files:
                path = self._below_root(file.path)
                if file.kind != "directory" and not file.is_ghost and os.path.isdir(path) and not os.path.islink(path):
                    found.append(path)
        return sorted(set(found))

    def leftovers(self, names: t.Sequence[str]) -> t.List[str]:
        """Return the half-written files that killed transactions left beside the files of the packages C(names)."""
        paths = {file.path for package in self.rpm.query(names).packages for file in package.files}
        folders: t.Dict[str, t.Set[str]] = {}
        for path in paths:
            folders.setdefault(os.path.dirname(path), set()).add(os.path.basename(path))
        found = []
        for folder, owned in folders.items():
            for name in _names_in(self._below_root(folder)):
                match = _TEMPORARY.match(name)
                if match and match.group(1) in owned and name not in owned:
                    found.append(os.path.join(folder, name))
        owners = self.rpm.owners(found) if found else {}
        return [self._below_root(path) for path in sorted(found) if not owners[path]]

    def remove_leftovers(self, names: t.Sequence[str]) -> t.List[str]:
        """Delete C(leftovers) and return them. Raises LockedError while another transaction is running."""
        if not self.leftovers(names):
            return []
        with self._lock():
            # What was seen before may have been the work of a transaction that is over now.
            found = self.leftovers(names)
            for path in found:
                remove_any(path)
        return found

    def _argv(self, files: t.Sequence[str], packages: t.Sequence[RpmPackage]) -> t.List[str]:
        installed = self.rpm.query(sorted({package.name for package in packages})).packages
        wanted = {package.id for package in packages}
        options = [] if self._check_signatures else ["--nosignature"]
        if any(file.is_doc and file.state == "not installed" for one in installed for file in one.files):
            options.append("--excludedocs")
        # Nothing but these packages changes, so nobody's dependencies do. Other releases of them stay recorded.
        argv = ["--reinstall", "--nodeps", "--oldpackage"] + options
        if not wanted <= {one.id for one in installed}:
            _refuse_other_releases(installed, wanted)
            self._refuse_obsoleting(files, packages)
            argv = ["-U", "--replacepkgs", "--oldpackage"] + options
        return argv + self._taking_back(argv, files, [one for one in installed if one.id in wanted])

    def _refuse_obsoleting(self, files: t.Sequence[str], packages: t.Sequence[RpmPackage]) -> None:
        """An upgrade erases what a package obsoletes, without a word."""
        done = self._ask(["-q", "-p", "--nosignature", "--qf", _OBSOLETES_FORMAT, "--"] + list(files))
        self._require_success(done, "The packages cannot be asked what they replace", TransactionRefusedError)
        rules = [line.split("\t") for line in done.out.splitlines() if line.count("\t") == 2]
        own = {package.name for package in packages}
        names = sorted({name for name, _flags, _version in rules if re.match(r"^[\w.+-]+$", name)} - own)
        for one in self.rpm.query(names, files=False).packages:
            for name, flags, version in rules:
                if name == one.name and _rule_matches(one.evr, int(flags), version):
                    raise TransactionRefusedError(
                        "Installing {0} would remove {1}, which it replaces. Nothing was changed: remove that package "
                        "first if nothing needs it.".format(", ".join(sorted(own)), one.nevra),
                        packages=[one.nevra],
                    )

    def _taking_back(
        self, argv: t.Sequence[str], files: t.Sequence[str], installed: t.Sequence[RpmPackage]
    ) -> t.List[str]:
        """Return the option without which rpm leaves to others what the packages have in the database themselves.

        It silences every conflict, so one about a file that is not theirs is an error before.
        """
        done = self._rpm(list(argv) + ["--test"] + list(files), 300.0)
        conflicts = [match for match in map(_CONFLICT.match, done.err.splitlines()) if match]
        own = {file.path for package in installed for file in package.files}
        others = [match for match in conflicts if match.group(1) not in own]
        if others:
            raise TransactionRefusedError(
                "Other packages own files that these packages would bring; nothing was changed. {0}".format(
                    "; ".join(match.group(0).strip() for match in others[:5])
                ),
                conflicts=[json_text(match.group(1)) for match in others],
            )
        return ["--replacefiles"] if conflicts else []

    def _configuration(self, packages: t.Sequence[RpmPackage]) -> t.List[str]:
        paths = {file.path for package in packages for file in package.files if file.is_config and file.kind == "file"}
        return [path for path in sorted(self._below_root(path) for path in paths) if os.path.isfile(path)]

    def _below_root(self, path: str) -> str:
        return os.path.join(self.rpm.root, path.lstrip("/")) if self.rpm.root else path

    def _rpm(self, arguments: t.Sequence[str], timeout: float) -> Completed:
        place = ["--root", self.rpm.root] if self.rpm.root else []
        place += ["--dbpath", self.rpm.dbpath] if self.rpm.dbpath else []
        return self._runner(["rpm", *transaction_options(self.rpm), *place, *arguments], timeout=timeout)

    def _ask(self, arguments: t.Sequence[str]) -> Completed:
        return self._runner(self.rpm.command(arguments), timeout=60.0, env=ENVIRONMENT)

    def _require_success(self, done: Completed, what: str, error: t.Type[TransactionError] = TransactionError) -> None:
        if "can't create transaction lock" in done.err or (done.timed_out and "waiting for" in done.err):
            raise self._locked_error()
        if done.rc == 0 and not done.timed_out:
            return
        lines = [line.strip() for line in done.err.splitlines() if not _NOISE.match(line)]
        wanted = room_wanted(done.err)
        if wanted:
            raise _disk_full(wanted, self.rpm.root)
        raise error(
            "{0}: {1}".format(what, "; ".join(printable(line) for line in lines) or done.error(what).message),
            argv=[json_text(argument) for argument in done.argv],
            rc=done.rc,
            output=json_text(done.tail()),
        )

    def _lock_path(self) -> str:
        done = self._ask(["--eval", "%{?_rpmlock_path}"])
        if done.rc != 0:
            raise done.error("rpm cannot be asked for the path of its lock")
        path = done.out.strip()
        return self._below_root(path) if path else os.path.join(self.rpm.folder(), ".rpm.lock")

    @contextlib.contextmanager
    def _lock(self) -> t.Iterator[None]:
        """Hold rpm's own lock: what another transaction is writing at the moment looks like a leftover."""
        end = time.monotonic() + self.lock_timeout
        with open_to_append(self._lock_path()) as stream:
            while not _try_lock(stream):
                if time.monotonic() >= end:
                    raise self._locked_error()
                time.sleep(0.2)
            yield

    def _locked_error(self) -> LockedError:
        path = self._lock_path()
        holder = lock_holder(path) or Holder(path, None, "")
        return LockedError(
            "{0} holds rpm's lock {1}, so nothing was changed. Run again when it is done.".format(
                holder, printable(path)
            ),
            pid=holder.pid,
            command=json_text(holder.command),
            path=json_text(path),
        )


def _refuse_other_releases(installed: t.Iterable[RpmPackage], wanted: t.Collection[PackageId]) -> None:
    """An upgrade would erase them without a word."""
    competing = [one.id for one in installed if any(_competes(one.id, other) for other in wanted)]
    others = [one.nevra for one in competing if one not in wanted]
    if others:
        raise TransactionError(
            "Installing {0} would take {1} away, so nothing was changed. Finish the upgrade that was broken off with "
            "the package manager, then run again.".format(
                ", ".join(sorted(one.nevra for one in wanted)), ", ".join(sorted(others))
            ),
            packages=sorted(others),
        )


def _competes(one: PackageId, other: PackageId) -> bool:
    return one.name == other.name and (one.arch == other.arch or NOARCH in (one.arch, other.arch))


def _rule_matches(evr: str, flags: int, version: str) -> bool:
    """Tell whether an installed C(evr) is within "name < version" and the like; a rule without a release takes any."""
    if not version or not flags & (_LESS | _GREATER | _EQUAL):
        return True
    installed, rule = evr_key(evr), evr_key(version)
    if "-" not in version:
        installed, rule = (installed[0], installed[1], ()), (rule[0], rule[1], ())
    if installed == rule:
        return bool(flags & _EQUAL)
    return bool(flags & (_LESS if installed < rule else _GREATER))


def _names_in(folder: str) -> t.List[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _disk_full(wanted: RoomWanted, root: t.Optional[str]) -> SystemPythonError:
    available = free_bytes(os.path.join(root, wanted.mount.lstrip("/")) if root else wanted.mount)
    return DiskFullError(
        "There is not enough room on {0}: {1} needs {2} {3} more than there are ({4} bytes are free). Nothing was "
        "changed: free some and run again.".format(
            printable(wanted.mount), wanted.package, wanted.number, wanted.unit, available
        ),
        path=json_text(wanted.mount),
        needed=wanted.number,
        available=available,
    )


@contextlib.contextmanager
def _kept_configuration(paths: t.Sequence[str], folder: str) -> t.Iterator[None]:
    """Put configuration files back that are gone after a failure: rpm from 4.14 on deletes the unmodified ones then."""
    kept = {path: os.path.join(folder, "config-{0}".format(number)) for number, path in enumerate(paths)}
    for path, backup in kept.items():
        remove_any(backup)
        copy(path, backup)
    try:
        yield
    except SystemPythonError:
        for path, backup in kept.items():
            if not os.path.lexists(path):
                copy(backup, path)
        raise


def _try_lock(stream: t.IO[bytes]) -> bool:
    try:
        fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EAGAIN):
            raise
        return False
    return True
