# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""CPython runtimes below one folder of their own: installed, verified, rebuilt, pruned and removed.

A runtime is the folder C(ROOT/X.Y.Z), with the manifest that proves it; C(ROOT/X.Y) is a link to one of them. What is
new is made in a hidden folder of C(ROOT), proven there, and published by one rename; only then the link moves. A killed
run leaves only such a hidden folder, which the next run removes together with the processes that still work in it.
"""

import datetime as dt
import os
import pwd
import re
import stat
import tempfile
import time
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils import _archive as archives
from ansible_collections.fleet.system_python.plugins.module_utils import _runtime_build as builds
from ansible_collections.fleet.system_python.plugins.module_utils import _runtime_manifest as manifests
from ansible_collections.fleet.system_python.plugins.module_utils import _runtime_prepare as preparing
from ansible_collections.fleet.system_python.plugins.module_utils._command import CommandRunner, run_command
from ansible_collections.fleet.system_python.plugins.module_utils._errors import (
    AcquisitionError,
    ArchiveError,
    ForeignRuntimeError,
    InvalidDataError,
    PrivilegeError,
    SystemPythonError,
    UnsafeRootError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._files import (
    PREFIX,
    clear_errors,
    exchange,
    flush_file_system,
    remove_any,
    remove_leftovers,
    replace_link,
    sha256_of,
    sync_folder,
    write_durably,
)
from ansible_collections.fleet.system_python.plugins.module_utils._lock import DEFAULT_LOCK_PATH, RunLock
from ansible_collections.fleet.system_python.plugins.module_utils._quarantine import (
    DEFAULT_FOLDER,
    Quarantine,
    new_run_id,
)
from ansible_collections.fleet.system_python.plugins.module_utils._repository_config import Connection
from ansible_collections.fleet.system_python.plugins.module_utils._runtime_build import BuildOptions
from ansible_collections.fleet.system_python.plugins.module_utils._runtime_fetch import Origin, fetch, is_url, shown
from ansible_collections.fleet.system_python.plugins.module_utils._runtime_proof import (
    CHECKS,
    check_at_place,
    check_runtime,
)
from ansible_collections.fleet.system_python.plugins.module_utils._runtime_users import Census, find_users
from ansible_collections.fleet.system_python.plugins.module_utils._text import json_text, printable
from ansible_collections.fleet.system_python.plugins.module_utils._unprivileged import (
    Unprivileged,
    choose_account,
    end_processes,
    processes_in,
)

__all__ = ["LOCK_PATH", "Runtime", "RuntimeSettings", "check_root", "minor_of"]

# Not the lock of repairs: a build takes minutes, and a repair must not wait for it.
LOCK_PATH = "/run/lock/fleet.system_python.runtime.lock"
LOG_FOLDER = "/var/log/fleet.system_python"
PROGRESS_FOLDER = "/run/fleet.system_python"

_VERSION = re.compile(r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?")
# Folders of operating systems, and those that are emptied.
_FORBIDDEN = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/boot", "/dev", "/proc", "/sys", "/run"),
    *("/tmp", "/var/tmp"),  # noqa: S108
    *("/var/run", "/var/cache", "/var/lib/rpm", "/var/lib/dpkg", "/var/lib/alternatives"),
)
_EXACTLY = ("/", "/var", "/opt", "/srv", "/home", "/root", "/var/lib")
_FINDING = "python_runtime"

Result = t.Dict[str, t.Any]
Action = t.Dict[str, t.Any]


class RuntimeSettings(t.NamedTuple):
    """What the user asked for. Times are in seconds; C(place) is a URL or a path on this host, empty for none.

    C(shown_place) is what the manifest and messages call it (the controller's path of an uploaded file).
    """

    state: str
    version: str
    root: str = "/opt/python"
    kind: str = "prebuilt"
    place: str = ""
    shown_place: str = ""
    sha256: str = ""
    signature: str = ""
    keyring: str = ""
    connection: Connection = Connection()
    build: BuildOptions = BuildOptions()
    account: str = ""
    checks: t.Tuple[str, ...] = CHECKS
    limits: archives.Limits = archives.Limits()
    link: bool = True
    keep: t.Optional[int] = None
    ignore_partial_census: bool = False
    destination: str = ""
    family: str = ""
    invoked_by: str = ""
    timeout: float = 7200.0
    fetch_timeout: float = 600.0
    lock_timeout: float = 0.0
    lock_path: str = LOCK_PATH
    log_folder: str = LOG_FOLDER
    progress: str = ""
    quarantine_folder: str = DEFAULT_FOLDER
    owner: int = 0

    @property
    def name_of_archive(self) -> str:
        """What the manifest and messages call the archive."""
        return self.shown_place or shown(self.place)


class _Look(t.NamedTuple):
    """What is there: the manifest (None for no runtime), deviations (None: not looked for), where the link leads."""

    exists: bool
    manifest: t.Optional[manifests.Manifest]
    damage: str
    deviations: t.Optional[t.List[manifests.Deviation]]
    link: t.Optional[str]
    leftovers: t.Tuple[str, ...]


def minor_of(version: str) -> str:
    """Return C(3.13) for C(3.13.5)."""
    return ".".join(version.split(".")[:2])


def check_root(root: str, owner: int = 0) -> None:
    """Raise UnsafeRootError unless runtimes may lie in C(root): no folder of the OS, and nobody else can change it."""
    if not os.path.isabs(root) or os.path.normpath(root) != root:
        raise _unsafe(root, "it is not an absolute, plain path")
    real = os.path.realpath(root)
    for path in (root, real):
        if path in _EXACTLY or any(path == one or path.startswith(one + "/") for one in _FORBIDDEN):
            raise _unsafe(root, "{0} belongs to the operating system".format(printable(path)))
    path = real
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    if os.statvfs(path).f_flag & os.ST_NOEXEC:
        raise _unsafe(root, "its file system is mounted noexec, so that nothing in it can be started")
    path = real
    while path != "/":
        _require_own_folder(root, path, owner)
        path = os.path.dirname(path)


def _require_own_folder(root: str, path: str, owner: int) -> None:
    if not os.path.lexists(path):
        return
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode):
        raise _unsafe(root, "{0} is not a folder".format(printable(path)))
    if found.st_uid not in (0, owner) or found.st_mode & 0o022:
        raise _unsafe(root, "{0} can be changed by others than root".format(printable(path)))
    if not found.st_mode & 0o001:
        raise _unsafe(root, "{0} is closed to ordinary users".format(printable(path)))


def _unsafe(root: str, why: str) -> UnsafeRootError:
    return UnsafeRootError(
        "Runtimes may not be installed in {0}: {1}. Choose a folder of their own that only root can change, such as "
        "/opt/python.".format(printable(root), why),
        path=json_text(root),
    )


class Runtime:
    """One run of the module on this host."""

    def __init__(
        self,
        settings: RuntimeSettings,
        census: Census,
        runner: CommandRunner = run_command,
        clock: t.Callable[[], float] = time.time,
    ) -> None:
        if not _VERSION.fullmatch(settings.version):
            raise InvalidDataError(
                "{0!r} is not a version of CPython; it must be complete, such as 3.13.5.".format(settings.version)
            )
        check_root(settings.root, settings.owner)
        self.settings = settings
        self.minor = minor_of(settings.version)
        self.path = os.path.join(settings.root, settings.version)
        self.link = os.path.join(settings.root, self.minor)
        self._census = census
        self._runner = runner
        self._clock = clock
        self._warnings: t.List[str] = []
        self._quarantined: t.Optional[str] = None

    # --- entry points

    def predict(self) -> Result:
        """Return what a real run would do. Nothing is written, nothing fetched."""
        look = self._look()
        return self._result(look, self._plan(look), None)

    def ensure(self) -> Result:
        """Do it and return what was done. Raises SystemPythonError."""
        if os.geteuid() != self.settings.owner:
            raise PrivilegeError(
                "Only root can install runtimes; this run is user id {0}. Use 'become: true'.".format(os.geteuid())
            )
        look = self._look()
        plan = self._plan(look)
        if not plan:
            return self._result(look, plan, look)
        if self._needs_archive(plan):
            return dict(self._result(look, plan, None), needs_archive=True)
        with RunLock(self.settings.lock_path, self.settings.lock_timeout, what="python_runtime " + self.path):
            # What was seen before the lock was ours may have been another run's work.
            look = self._look()
            plan = self._plan(look)
            # Hardened hosts give root 077, and everybody runs what is installed here.
            umask = os.umask(0o022)
            try:
                for action in plan:
                    self._do(action)
            finally:
                os.umask(umask)
        return self._result(look, plan, self._look())

    def _needs_archive(self, plan: t.Sequence[Action]) -> bool:
        settings = self.settings
        return bool(not settings.place and settings.shown_place) and any(one["action"] == "install" for one in plan)

    # --- looking

    def _look(self) -> _Look:
        exists, manifest, damage = os.path.lexists(self.path), None, ""
        deviations = None
        try:
            manifest = manifests.load(self.path)
        except InvalidDataError as error:
            damage = error.message
        if manifest is not None and self.settings.state == "intact":
            deviations = manifests.examine(self.path, manifest, self.settings.owner)
        link = os.readlink(self.link) if os.path.islink(self.link) else None
        leftovers = tuple(os.path.join(self.settings.root, name) for name in self._names() if name.startswith(PREFIX))
        return _Look(exists, manifest, damage, deviations, link, leftovers)

    def _names(self) -> t.List[str]:
        return sorted(os.listdir(self.settings.root)) if os.path.isdir(self.settings.root) else []

    def _ours(self) -> t.List[str]:
        """Return the versions that are installed, oldest first."""
        found = []
        for name in self._names():
            path = os.path.join(self.settings.root, name)
            if _VERSION.fullmatch(name) and os.path.isfile(os.path.join(path, manifests.MANIFEST)):
                found.append(name)
        return sorted(found, key=_order)

    # --- planning

    def _plan(self, look: _Look) -> t.List[Action]:
        plan = [{"action": "clean", "path": path} for path in look.leftovers]
        state = self.settings.state
        if state == "absent":
            return plan + self._plan_removal(look)
        if state == "packed":
            return plan + self._plan_packing(look)
        plan += self._plan_installation(look)
        plan += self._plan_link(look)
        return plan + self._plan_pruning()

    def _plan_installation(self, look: _Look) -> t.List[Action]:
        self._require_ours(look)
        reason = self._reason(look)
        if reason:
            self._require_archive(look)
        return [{"action": "install", "path": self.path, "reason": reason}] if reason else []

    def _require_ours(self, look: _Look) -> None:
        if look.exists and look.manifest is None and not look.damage:
            sums = os.path.lexists(os.path.join(self.path, manifests.SUMS))
            if not sums:
                raise ForeignRuntimeError(
                    "{0} exists and was not made by this module: it has no {1}. Move it away, or choose another "
                    "root.".format(printable(self.path), manifests.MANIFEST),
                    path=json_text(self.path),
                )
        if os.path.lexists(self.link) and not os.path.islink(self.link) and self.settings.link:
            raise ForeignRuntimeError(
                "{0} is in the way of the link of the same name. Move it away, or set link: false.".format(
                    printable(self.link)
                ),
                path=json_text(self.link),
            )

    def _reason(self, look: _Look) -> str:
        """Return why the runtime must be installed, nothing where it need not."""
        if not look.exists:
            return "it is not there"
        if look.manifest is None:
            return look.damage or "its manifest is gone"
        if look.deviations:
            shown = ["{0} ({1})".format(printable(one.path), one.what) for one in look.deviations[:3]]
            more = len(look.deviations) - len(shown)
            return "not as it was installed: {0}{1}".format(
                ", ".join(shown), " and {0} more".format(more) if more > 0 else ""
            )
        return self._other_wish(look.manifest)

    def _other_wish(self, manifest: manifests.Manifest) -> str:
        """Return in what the wish differs from the runtime that is there."""
        settings, source = self.settings, manifest.get("source") or {}
        if settings.sha256 and source.get("sha256") != settings.sha256:
            return "it came from another archive"
        if settings.sha256 and source.get("kind") != settings.kind:
            return "it came from a {0} archive".format(source.get("kind"))
        if settings.sha256 and settings.kind == "source" and manifest.get("build") != settings.build.as_dict():
            return "it was built with other options"
        return ""

    def _plan_link(self, look: _Look) -> t.List[Action]:
        if not self.settings.link or look.link == self.settings.version:
            return []
        return [{"action": "link", "path": self.link, "target": self.settings.version, "was": look.link}]

    def _plan_pruning(self) -> t.List[Action]:
        keep = self.settings.keep
        if keep is None:
            return []
        linked = os.readlink(self.link) if os.path.islink(self.link) else ""
        spared = {self.settings.version} | (set() if self.settings.link else {linked})
        # Of two entries of one minor version the older must not remove the newer.
        mine = _order(self.settings.version)
        spared |= {one for one in self._ours() if minor_of(one) == self.minor and _order(one) > mine}
        same = [version for version in self._ours() if minor_of(version) == self.minor and version not in spared]
        rest = same[: max(0, len(same) - max(0, keep - len(spared & (set(self._ours()) | {self.settings.version}))))]
        plan = []
        for version in rest:
            path = os.path.join(self.settings.root, version)
            moving = self.link if self.settings.link and linked == version else ""
            users = find_users([path], self._census, moving=moving)
            refusal = users.refusal(path, self.settings.ignore_partial_census)
            if refusal:
                self._warn(refusal.message)
            else:
                plan.append({"action": "remove", "path": path})
        return plan

    def _plan_removal(self, look: _Look) -> t.List[Action]:
        if not look.exists:
            return []
        self._require_ours(look)
        linked = look.link == self.settings.version
        places = [self.path] + ([self.link] if linked else [])
        refusal = find_users(places, self._census).refusal(self.path, self.settings.ignore_partial_census)
        if refusal:
            raise refusal
        plan: t.List[Action] = []
        if linked:
            others = [one for one in self._ours() if minor_of(one) == self.minor and one != self.settings.version]
            target = others[-1] if others else None
            plan.append({"action": "link", "path": self.link, "target": target, "was": look.link})
        return plan + [{"action": "remove", "path": self.path}]

    def _plan_packing(self, look: _Look) -> t.List[Action]:
        if look.manifest is None:
            raise AcquisitionError(
                "There is no runtime {0} that could be packed.{1}".format(
                    printable(self.path), " " + look.damage if look.damage else ""
                )
            )
        if not os.path.isdir(os.path.dirname(self.settings.destination)):
            raise AcquisitionError(
                "{0} cannot be written: its folder is not there. Make it first.".format(
                    printable(self.settings.destination)
                )
            )
        if os.path.isfile(self.settings.destination) and self._packed_note() == self._new_note():
            return []
        return [{"action": "pack", "path": self.settings.destination}]

    def _note_path(self) -> str:
        return self.settings.destination + ".packed"

    def _packed_note(self) -> str:
        """Return what C(_new_note) said when the archive was made."""
        try:
            with open(self._note_path(), encoding="ascii", errors="replace") as stream:
                return stream.read().strip()
        except FileNotFoundError:
            return ""

    def _new_note(self) -> str:
        """Return the SHA-256 of what tells the runtime's files, and that of the archive made of them."""
        return "{0} {1}".format(
            sha256_of(os.path.join(self.path, manifests.SUMS)), sha256_of(self.settings.destination)
        )

    # --- doing

    def _do(self, action: Action) -> None:
        self._tell("{0} {1}".format(action["action"], action["path"]))
        if action["action"] == "clean":
            self._clean()
        elif action["action"] == "install":
            self._install()
        elif action["action"] == "link":
            self._move_link(action["target"])
        elif action["action"] == "remove":
            self._remove(action["path"])
        else:
            self._pack(action["path"])

    def _clean(self) -> None:
        """Remove what a killed run left, and first end what it left running there."""
        folders = [os.path.join(self.settings.root, name) for name in self._names() if name.startswith(PREFIX)]
        end_processes(processes_in(folders, "cwd"))
        end_processes(processes_in(folders, "exe"))
        remove_leftovers([self.settings.root])

    def _move_link(self, target: t.Optional[str]) -> None:
        if target is None:
            os.unlink(self.link)
            sync_folder(self.settings.root)
        else:
            replace_link(self.link, target)

    def _remove(self, path: str) -> None:
        hidden = os.path.join(self.settings.root, PREFIX + "new-removed-" + os.path.basename(path))
        remove_any(hidden)
        os.rename(path, hidden)
        sync_folder(self.settings.root)
        remove_any(hidden)

    def _pack(self, destination: str) -> None:
        """The compiled files are packed too: so no host needs to compile."""
        manifest = manifests.load(self.path)
        deviations = manifests.examine(self.path, manifest or {"files": {}}, self.settings.owner)
        if deviations:
            raise ArchiveError(
                "{0} is not as it was installed, and is not packed: {1} ({2}). Use state: intact first.".format(
                    printable(self.path), printable(deviations[0].path), deviations[0].what
                ),
                archive=json_text(destination),
            )
        own = (manifests.MANIFEST, manifests.SUMS)
        known = (manifest or {})["files"]
        temporary = destination + ".new"
        remove_any(temporary)

        def skipped(path: str) -> bool:
            return path in own or (path.endswith(".pyc") and path not in known)

        archives.pack(self.path, temporary, "python", skipped)
        os.chmod(temporary, 0o644)
        os.rename(temporary, destination)
        write_durably(self._note_path(), self._new_note().encode("ascii") + b"\n", 0o644)

    def _install(self) -> None:
        settings = self.settings
        with clear_errors(settings.root):
            os.makedirs(settings.root, 0o755, exist_ok=True)
            staging = tempfile.mkdtemp(prefix=PREFIX + "new-", dir=settings.root)
        try:
            with clear_errors(settings.root):
                self._install_from(staging)
        finally:
            end_processes(processes_in([staging], "cwd"))
            remove_any(staging)
            sync_folder(settings.root)

    def _require_archive(self, look: _Look) -> None:
        """Take the archive that the user gives, else the address that the runtime once came from; else fail."""
        settings = self.settings
        if (settings.place or settings.shown_place) and settings.sha256:
            return
        source = (look.manifest or {}).get("source") or {}
        if is_url(str(source.get("place"))) and not source.get("shortened"):
            options = (look.manifest or {}).get("build") or {}
            self.settings = settings._replace(
                place=source["place"],
                sha256=source["sha256"],
                kind=source["kind"],
                build=BuildOptions.from_dict(options, settings.build.jobs),
            )
            return
        raise AcquisitionError(
            "{0} must be installed, and no archive is given{1}. Give url, path or controller_file, and its "
            "sha256.".format(
                printable(self.path),
                "; of the address that it came from, user, password and query are not kept"
                if source.get("shortened")
                else "",
            )
        )

    def _install_from(self, staging: str) -> None:
        settings = self.settings
        # Others must be able to search it: nothing in it is tried as root.
        os.chmod(staging, 0o755)  # noqa: S103
        home = os.path.join(staging, "home")
        user = Unprivileged(choose_account(settings.account), home, self._runner, caller=settings.owner)
        self._own_folder(home, user)
        self._tell("fetch {0}".format(settings.name_of_archive))
        arrived = os.path.join(staging, "arrived")
        os.mkdir(arrived, 0o700)
        if settings.kind == "source":
            builds.require_tools(settings.family)
        origin = Origin(
            settings.place,
            settings.sha256,
            settings.signature,
            settings.keyring,
            settings.connection,
            settings.fetch_timeout,
        )
        archive = fetch(origin, arrived, self._runner)
        if settings.kind == "source":
            made = self._built(staging, archive, user)
            digests: t.Dict[str, str] = {}
        else:
            made, digests = self._unpacked(staging, archive)
        remove_any(archive)
        self._finish(staging, made, digests, user)

    def _own_folder(self, path: str, user: Unprivileged) -> None:
        os.mkdir(path, 0o700)
        if self.settings.owner == 0:
            os.chown(path, user.account.uid, user.account.gid)

    def _unpacked(self, staging: str, archive: str) -> t.Tuple[str, t.Dict[str, str]]:
        self._tell("unpack")
        made = os.path.join(staging, "made")
        os.mkdir(made, 0o755)
        unpacked = archives.unpack(archive, made, self.settings.limits, name=self.settings.name_of_archive)
        preparing.find_interpreter(made, self.minor)
        return made, unpacked.digests

    def _built(self, staging: str, archive: str, user: Unprivileged) -> str:
        settings = self.settings
        self._tell("unpack")
        source, stage = os.path.join(staging, "source"), os.path.join(staging, "stage")
        os.mkdir(source, 0o755)
        archives.unpack(archive, source, settings.limits, name=settings.name_of_archive)
        version = builds.version_of(source)
        if version != settings.version:
            raise ArchiveError(
                "The archive holds the source of CPython {0}, not of {1}.".format(printable(version), settings.version)
            )
        self._own_folder(stage, user)
        if settings.owner == 0:
            _give_everything(source, user)
        os.makedirs(settings.log_folder, 0o755, exist_ok=True)
        log = os.path.join(settings.log_folder, "build-{0}.log".format(settings.version))
        write_durably(log, b"")
        built = builds.build(
            source, stage, self.path, self.minor, settings.build, user, log, settings.timeout, self._tell
        )
        remove_any(source)
        # Out of the folders that are the builder's.
        made = os.path.join(staging, "made")
        os.rename(built, made)
        return made

    def _finish(self, staging: str, made: str, digests: t.Dict[str, str], user: Unprivileged) -> None:
        settings = self.settings
        preparing.give_to_root(made, settings.owner, _group(settings))
        preparing.find_interpreter(made, self.minor)
        changed = preparing.relocate(made, self.minor, self.path)
        preparing.mark_as_managed(made, self.minor, self.path)
        self._tell("compile")
        if preparing.compile_library(made, self.minor, user, settings.timeout):
            preparing.give_to_root(made, settings.owner, _group(settings))
            digests = {}
        else:
            marks = ("lib/python{0}/EXTERNALLY-MANAGED".format(self.minor),)
            digests = {path: value for path, value in digests.items() if path not in changed and path not in marks}
        self._tell("check")
        hints = [builds.install_hint(settings.family)] if settings.kind == "source" else []
        check_runtime(made, settings.version, settings.checks, user, os.path.join(staging, "home"), hints=hints)
        user.end_all()
        manifests.write(made, manifests.new_manifest(made, self._about(), digests))
        if settings.owner == 0:
            os.chown(made, 0, 0)
        self._tell("publish")
        flush_file_system(made)
        self._publish(staging, made, user)

    def _about(self) -> t.Dict[str, t.Any]:
        settings = self.settings
        about: t.Dict[str, t.Any] = {
            "version": settings.version,
            "interpreter": "bin/python" + self.minor,
            "source": {
                "kind": settings.kind,
                "place": json_text(settings.name_of_archive),
                "sha256": settings.sha256,
                "signed": bool(settings.signature),
                "shortened": settings.name_of_archive not in (settings.shown_place, settings.place),
            },
            "installed": {
                "at": dt.datetime.fromtimestamp(int(self._clock()), dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "by": json_text(settings.invoked_by or _invoker()),
                "host": json_text(os.uname().nodename),
            },
            "checks": list(settings.checks),
        }
        if settings.kind == "source":
            about["build"] = settings.build.as_dict()
        return about

    def _publish(self, staging: str, made: str, user: Unprivileged) -> None:
        """Put it to its place, try it there, and put the old one back should it not work."""
        replaced = os.path.lexists(self.path)
        old = os.path.join(staging, "old")
        if replaced:
            # Before: whatever ends this run, nothing of the old one is deleted that is not kept.
            self._keep_evidence()
            os.rename(made, old)
            exchange(old, self.path)
        else:
            os.rename(made, self.path)
            sync_folder(self.settings.root)
        try:
            check_at_place(self.path, self.minor, user)
        except SystemPythonError:
            if replaced:
                exchange(old, self.path)
            else:
                os.rename(self.path, old)
            raise

    def _keep_evidence(self) -> None:
        """Copy to the quarantine what was altered in the runtime that is replaced, or was never a part of it."""
        old = self.path
        try:
            manifest = manifests.load(old)
        except InvalidDataError:
            manifest = None
        if manifest is None:
            paths = [""]
        else:
            found = manifests.examine(old, manifest, self.settings.owner)
            changed = [one.path for one in found if one.what in ("altered", "unexpected", "kind", "link_target")]
            paths = _tops(old, [path for path in changed if path != manifests.SUMS], manifest)
        if not paths:
            return
        quarantine = Quarantine(self.settings.quarantine_folder, new_run_id(self._clock()), clock=self._clock)
        with RunLock(self._repair_lock(), self.settings.lock_timeout, what="quarantine of python_runtime"):
            for path in paths:
                quarantine.keep(os.path.join(old, path) if path else old, "altered in a runtime", _FINDING)
        self._quarantined = os.path.join(quarantine.folder, quarantine.run_id)

    def _repair_lock(self) -> str:
        own = self.settings.lock_path
        return DEFAULT_LOCK_PATH if own == LOCK_PATH else own + ".quarantine"

    def _tell(self, text: str) -> None:
        """Add a line to the progress file."""
        path = self.settings.progress
        if path:
            moment = dt.datetime.fromtimestamp(int(self._clock()), dt.timezone.utc).strftime("%H:%M:%S")
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
            descriptor = os.open(path, flags, 0o644)
            with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as stream:
                stream.write("{0} {1}\n".format(moment, printable(text)))

    def _warn(self, text: str) -> None:
        if text not in self._warnings:
            self._warnings.append(text)

    # --- telling

    def _result(self, before: _Look, plan: t.Sequence[Action], after: t.Optional[_Look]) -> Result:
        settings = self.settings
        look = after or before
        manifest = look.manifest or {}
        there = look.manifest is not None
        return {
            "changed": bool(plan),
            "state": settings.state,
            "version": settings.version,
            "folder": self.path if there or settings.state != "absent" else None,
            "interpreter": os.path.join(self.path, "bin/python" + self.minor),
            "link": {"path": self.link, "target": look.link},
            "source": manifest.get("source"),
            "installed": manifest.get("installed"),
            "intact": None if look.deviations is None else not look.deviations,
            "deviations": [{"path": json_text(one.path), "what": one.what} for one in (before.deviations or [])],
            "actions": list(plan),
            "runtimes": self._ours(),
            "quarantine": self._quarantined,
            "warnings": self._warnings,
            "diff": self._diff(before, plan),
        }

    def _diff(self, before: _Look, plan: t.Sequence[Action]) -> t.Dict[str, str]:
        old = ["{0}{1}".format(self.path, "" if before.manifest is not None else " (absent)")]
        old += ["{0} -> {1}".format(self.link, before.link or "(absent)")]
        lines = [_said(action) for action in plan]
        if not lines:
            return {"before": "", "after": ""}
        return {"before": "\n".join(old) + "\n", "after": "\n".join(lines) + "\n"}


def _said(action: Action) -> str:
    if action["action"] == "link":
        return "{0} -> {1}".format(printable(action["path"]), action["target"] or "(absent)")
    words = {"install": "installed", "remove": "removed", "clean": "cleaned", "pack": "packed"}
    return "{0} {1}".format(printable(action["path"]), words[action["action"]])


def _order(version: str) -> t.Tuple[t.Any, ...]:
    """Sort 3.9.2 before 3.13.5, and 3.14.0rc1 before 3.14.0."""
    found = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)(?:(a|b|rc)(\d+))?", version)
    major, minor, patch, stage, number = found.groups() if found else ("0", "0", "0", None, None)
    return (int(major), int(minor), int(patch), stage or "z", int(number or 0))


def _tops(folder: str, paths: t.Sequence[str], manifest: manifests.Manifest) -> t.List[str]:
    """Return the paths, with folders for those of which nothing belongs to the runtime."""
    known = {""}
    for path in manifest["files"]:
        parent = os.path.dirname(path)
        while parent not in known:
            known.add(parent)
            parent = os.path.dirname(parent)
    tops = []
    for path in paths:
        top = path
        while os.path.dirname(top) not in known:
            top = os.path.dirname(top)
        tops.append(top)
    return [path for path in dict.fromkeys(tops) if os.path.lexists(os.path.join(folder, path))]


def _group(settings: RuntimeSettings) -> int:
    return 0 if settings.owner == 0 else os.getegid()


def _give_everything(folder: str, user: Unprivileged) -> None:
    for parent, _folders, files in os.walk(folder):
        for name in [""] + files:
            os.lchown(os.path.join(parent, name), user.account.uid, user.account.gid)


def _invoker() -> str:
    """Return who asked for it, as far as the host can know: who logged in, or called sudo."""
    given = os.environ.get("SUDO_USER")
    if given:
        return given
    return pwd.getpwuid(os.getuid()).pw_name
