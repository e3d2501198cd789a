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

from ansible_collections.fleet.system_python.plugins.module_utils._command import CommandRunner, Completed, run_command
from ansible_collections.fleet.system_python.plugins.module_utils._errors import (
    DiskFullError,
    LockedError,
    PrivilegeError,
    ReadOnlyError,
    SystemPythonError,
    TransactionError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._files import (
    APPEND_ONLY,
    IMMUTABLE,
    copy,
    file_flags,
    free_bytes,
    is_read_only,
    remove_any,
)
from ansible_collections.fleet.system_python.plugins.module_utils._repository import evr_key
from ansible_collections.fleet.system_python.plugins.module_utils._rpm import (
    DATABASE_FOLDERS,
    Rpm,
    RpmPackage,
    database_folder,
)
from ansible_collections.fleet.system_python.plugins.module_utils._text import json_text, printable

__all__ = ["Transaction"]

# A transaction must not be stopped in the middle; this is only there so that nothing waits for ever.
RUN_TIMEOUT = 3600.0

_SPACE = re.compile(
    r"^\s*installing package (\S+) needs ([0-9]+)([KMG]?)B? (more space|inodes) on the (.+) filesystem$"
)
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
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

    def test(self, files: t.Sequence[str], replace_files: bool = False, replaceable: t.Sequence[str] = ()) -> None:
        """Return when the transaction would work; nothing is changed.

        With C(replace_files), files that other packages have taken over are taken back: only those of C(replaceable)
        when it is given. Raises PrivilegeError, ReadOnlyError, DiskFullError, LockedError or TransactionError.
        """
        packages = self.rpm.package_files(files)
        self.require_writable(packages)
        argv = self._argv(files, packages)
        if replaceable:
            self._refuse_other_conflicts(argv, files, replaceable)
        done = self._rpm(argv + ["--test"] + (["--replacefiles"] if replace_files else []) + list(files), 300.0)
        self._check(done, "The transaction would not work, nothing was changed")
        # rpm --test does not ask for it.
        with self._lock():
            pass

    def run(self, files: t.Sequence[str], replace_files: bool = False) -> Completed:
        """Carry the transaction out and return what rpm said (a rc of 0 may come with warnings of scriptlets).

        Configuration files that a failing rpm takes away are put back. Raises as C(test).
        """
        packages = self.rpm.package_files(files)
        argv = self._argv(files, packages) + (["--replacefiles"] if replace_files else [])
        self.remove_leftovers([package.name for package in packages])
        with _kept_configuration(self._configuration(packages), os.path.dirname(files[0])):
            done = self._rpm(argv + list(files), self.timeout)
            self._check(done, "The transaction failed")
        return done

    def require_writable(self, packages: t.Sequence[RpmPackage]) -> None:
        """Raise PrivilegeError or ReadOnlyError when not all that C(packages) hold could be replaced."""
        if os.geteuid() != 0:
            raise PrivilegeError(
                "Only root can reinstall packages; this run is user id {0}. Use 'become: true'.".format(os.geteuid())
            )
        folders = {os.path.dirname(file.path) for package in packages for file in package.files if not file.is_ghost}
        folders.add(self.rpm.dbpath or database_folder(self.rpm.root) or DATABASE_FOLDERS[-1])
        for folder in _one_per_device(self._below_root(folder) for folder in folders):
            if is_read_only(folder):
                raise ReadOnlyError(
                    "{0} is on a file system that is mounted read-only, so nothing was changed. Mount it writable "
                    "(mount -o remount,rw ...) and run again.".format(printable(folder)),
                    path=json_text(folder),
                )
        paths = folders | {file.path for package in packages for file in package.files if not file.is_config}
        locked = sorted(path for path in paths if _is_unchangeable(self._below_root(path)))
        if locked:
            raise ReadOnlyError(
                "These paths are immutable or append-only (see lsattr), so rpm could not replace them and nothing was "
                "changed: {0}. If that is not on purpose, take it away with chattr -i -a and run again.".format(
                    ", ".join(printable(path) for path in locked[:5])
                ),
                path=json_text(locked[0]),
                paths=[json_text(path) for path in locked],
            )

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
            for name in _listed(self._below_root(folder)):
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
        wanted = {package.nevra for package in packages}
        others = [one for one in installed if one.nevra not in wanted and _competes(one, packages)]
        options = [] if self._check_signatures else ["--nosignature"]
        if any(file.is_doc and file.state == "not installed" for one in installed for file in one.files):
            options.append("--excludedocs")
        if not others and wanted <= {one.nevra for one in installed}:
            # Nothing but these packages changes, so nobody's dependencies do.
            return ["--reinstall", "--nodeps"] + options
        self._refuse_obsoleting(files, packages)
        return ["-U", "--replacepkgs", "--oldpackage"] + options

    def _refuse_obsoleting(self, files: t.Sequence[str], packages: t.Sequence[RpmPackage]) -> None:
        """An upgrade erases what a package obsoletes, without a word."""
        done = self._rpm(["-q", "-p", "--nosignature", "--qf", _OBSOLETES_FORMAT] + list(files), 60.0)
        self._check(done, "The packages cannot be asked what they replace")
        rules = [line.split("\t") for line in done.out.splitlines() if line.count("\t") == 2]
        own = {package.name for package in packages}
        names = sorted({name for name, _flags, _version in rules if re.match(r"^[\w.+-]+$", name)} - own)
        for one in self.rpm.query(names, files=False).packages:
            for name, flags, version in rules:
                if name == one.name and _matches(one.evr, int(flags), version):
                    raise TransactionError(
                        "Installing {0} would remove {1}, which it replaces. Nothing was changed: remove that package "
                        "first if nobody needs it.".format(", ".join(sorted(own)), one.nevra),
                        packages=[one.nevra],
                    )

    def _refuse_other_conflicts(
        self, argv: t.Sequence[str], files: t.Sequence[str], replaceable: t.Container[str]
    ) -> None:
        done = self._rpm(list(argv) + ["--test"] + list(files), 300.0)
        matches = [_CONFLICT.match(line) for line in done.err.splitlines()]
        others = [match for match in matches if match and match.group(1) not in replaceable]
        if others:
            raise TransactionError(
                "Other packages own files of these packages, although they are not marked as replaced; nothing was "
                "changed. {0}".format("; ".join(match.group(0).strip() for match in others[:5])),
                conflicts=[json_text(match.group(1)) for match in others],
            )

    def _configuration(self, packages: t.Sequence[RpmPackage]) -> t.List[str]:
        paths = {file.path for package in packages for file in package.files if file.is_config and file.kind == "file"}
        return [path for path in sorted(self._below_root(path) for path in paths) if os.path.isfile(path)]

    def _below_root(self, path: str) -> str:
        return os.path.join(self.rpm.root, path.lstrip("/")) if self.rpm.root else path

    def _rpm(self, arguments: t.Sequence[str], timeout: float) -> Completed:
        argv = ["rpm"]
        if self.rpm.root:
            argv += ["--root", self.rpm.root]
        if self.rpm.dbpath:
            argv += ["--dbpath", self.rpm.dbpath]
        return self._runner(argv + list(arguments), timeout=timeout)

    def _check(self, done: Completed, what: str) -> None:
        if "can't create transaction lock" in done.err or (done.timed_out and "waiting for" in done.err):
            raise self._locked()
        if done.rc == 0 and not done.timed_out:
            return
        lines = [line.strip() for line in done.err.splitlines() if not _NOISE.match(line)]
        full = [match for match in map(_SPACE.match, done.err.splitlines()) if match]
        if full:
            raise _disk_full(full[0], self.rpm.root)
        raise TransactionError(
            "{0}: {1}".format(what, "; ".join(printable(line) for line in lines) or done.error(what).message),
            argv=[json_text(argument) for argument in done.argv],
            rc=done.rc,
            output=json_text(done.tail()),
        )

    def _lock_path(self) -> str:
        done = self._rpm(["--eval", "%{?_rpmlock_path}"], 60.0)
        if done.rc != 0:
            raise done.error("rpm cannot be asked for the path of its lock")
        path = done.out.strip() or os.path.join(self.rpm.dbpath or DATABASE_FOLDERS[-1], ".rpm.lock")
        return self._below_root(path)

    @contextlib.contextmanager
    def _lock(self) -> t.Iterator[None]:
        """Hold rpm's own lock: what another transaction is writing at the moment looks like a leftover."""
        end = time.monotonic() + self.lock_timeout
        with open(self._lock_path(), "ab") as stream:
            while not _locks(stream):
                if time.monotonic() >= end:
                    raise self._locked()
                time.sleep(0.2)
            yield

    def _locked(self) -> LockedError:
        path = self._lock_path()
        pid, command = _lock_holder(path)
        who = "process {0} ({1})".format(pid, printable(command)) if pid else "another process"
        return LockedError(
            "{0} holds rpm's lock {1}, so nothing was changed. Run again when it is done.".format(who, path),
            pid=pid,
            command=json_text(command),
            path=path,
        )


def _competes(one: RpmPackage, packages: t.Iterable[RpmPackage]) -> bool:
    return any((one.name, one.arch) == (package.name, package.arch) for package in packages)


def _matches(evr: str, flags: int, version: str) -> bool:
    """Tell whether an installed C(evr) is within "name < version" and the like; a rule without a release takes any."""
    if not version or not flags & (_LESS | _GREATER | _EQUAL):
        return True
    installed, rule = evr_key(evr), evr_key(version)
    if "-" not in version:
        installed, rule = (installed[0], installed[1], ()), (rule[0], rule[1], ())
    if installed == rule:
        return bool(flags & _EQUAL)
    return bool(flags & (_LESS if installed < rule else _GREATER))


def _one_per_device(folders: t.Iterable[str]) -> t.List[str]:
    found: t.Dict[int, str] = {}
    for folder in sorted(folders):
        existing = folder
        while not os.path.exists(existing):
            existing = os.path.dirname(existing)
        found.setdefault(os.stat(existing).st_dev, existing)
    return sorted(found.values())


def _is_unchangeable(path: str) -> bool:
    return bool((file_flags(path) or 0) & (IMMUTABLE | APPEND_ONLY))


def _listed(folder: str) -> t.List[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _disk_full(match: "t.Match[str]", root: t.Optional[str]) -> SystemPythonError:
    package, number, unit, what, mount = match.groups()
    available = free_bytes(os.path.join(root, mount.lstrip("/")) if root else mount)
    needed = int(number) * _UNITS[unit]
    return DiskFullError(
        "There is not enough room on {0}: {1} needs {2}{3}B {4} than there is ({5} bytes are free). Nothing was "
        "changed: free some and run again.".format(
            mount, package, number, unit, "more inodes" if what == "inodes" else what, available
        ),
        path=mount,
        needed=needed,
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


def _locks(stream: t.IO[bytes]) -> bool:
    try:
        fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EAGAIN):
            raise
        return False
    return True


def _lock_holder(path: str) -> t.Tuple[t.Optional[int], str]:
    """Return (process id, command) of who locks the file C(path), by /proc/locks."""
    inode = ":{0}".format(os.stat(path).st_ino)
    with open("/proc/locks", "rb") as table:
        lines = os.fsdecode(table.read()).splitlines()
    for fields in (line.split() for line in lines):
        if len(fields) > 5 and fields[1] == "POSIX" and fields[5].endswith(inode) and int(fields[4]) > 0:
            return int(fields[4]), _command_of(int(fields[4]))
    return None, ""


def _command_of(pid: int) -> str:
    try:
        with open("/proc/{0}/cmdline".format(pid), "rb") as stream:
            return os.fsdecode(stream.read().replace(b"\0", b" ")).strip()
    except OSError:
        # It may be over by now.
        return "gone"
