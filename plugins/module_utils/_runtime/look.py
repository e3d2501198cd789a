# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Where runtimes may lie, and what is there now. Nothing is changed."""

import os
import stat
import typing as t

from .._base.errors import InvalidDataError, ProofError, UnsafeRootError
from .._base.paths import is_in
from .._base.text import json_text, printable
from .._disk.hidden import PREFIX
from .._rights.unprivileged import unprivileged_in_scratch
from .._trust.manifest import MANIFEST, SUMS, Manifest, examine, load_manifest
from .._usage.places import listed
from .needs import lost_libraries
from .pack import is_packed
from .proof import failing_checks
from .records import VERSION, RuntimeSettings, SeenRuntime, Tried, version_key

__all__ = ["check_root", "installed_versions", "leftovers_in", "look"]

# Folders of operating systems, and those that are emptied.
_FORBIDDEN = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/boot", "/dev", "/proc", "/sys", "/run"),
    *("/tmp", "/var/tmp"),  # noqa: S108
    *("/var/run", "/var/cache", "/var/lib/rpm", "/var/lib/dpkg", "/var/lib/alternatives"),
)
_EXACTLY = ("/", "/var", "/opt", "/srv", "/home", "/root", "/var/lib")


def check_root(root: str, owner: int = 0) -> None:
    """Raise UnsafeRootError unless runtimes may lie in C(root): no folder of the OS, and nobody else can change it."""
    if not os.path.isabs(root) or os.path.normpath(root) != root:
        raise _unsafe(root, "it is not an absolute, plain path")
    real = os.path.realpath(root)
    for path in (root, real):
        if path in _EXACTLY or is_in(path, *_FORBIDDEN):
            raise _unsafe(root, f"{printable(path)} belongs to the operating system")
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
        raise _unsafe(root, f"{printable(path)} is not a folder")
    if found.st_uid not in (0, owner) or found.st_mode & 0o022:
        raise _unsafe(root, f"{printable(path)} can be changed by others than root")
    if not found.st_mode & 0o001:
        raise _unsafe(root, f"{printable(path)} is closed to ordinary users")


def _unsafe(root: str, why: str) -> UnsafeRootError:
    return UnsafeRootError(
        f"Runtimes may not be installed in {printable(root)}: {why}. Choose a folder of their own that only root can "
        "change, such as /opt/python.",
        path=json_text(root),
    )


def look(settings: RuntimeSettings) -> SeenRuntime:
    """Return what is at the place of the runtime; only for the state intact its files are compared, and it is tried."""
    path, link = settings.path, settings.link_path
    manifest, damage, deviations, tried = None, "", None, Tried()
    try:
        manifest = load_manifest(path)
    except InvalidDataError as error:
        damage = error.message
    if manifest is not None and settings.state == "intact":
        deviations = tuple(examine(path, manifest, settings.owner))
        # What was altered is not run.
        tried = Tried() if deviations else _tried(settings, manifest)
    return SeenRuntime(
        exists=os.path.lexists(path),
        manifest=manifest,
        damage=damage,
        has_sums=os.path.lexists(os.path.join(path, SUMS)),
        deviations=deviations,
        tried=tried,
        link=os.readlink(link) if os.path.islink(link) else None,
        link_is_blocked=os.path.lexists(link) and not os.path.islink(link),
        leftovers=tuple(leftovers_in(settings.root)),
        installed=tuple(installed_versions(settings.root)),
        is_packed=settings.state == "packed" and is_packed(path, settings.destination),
    )


def _tried(settings: RuntimeSettings, manifest: Manifest) -> Tried:
    """Try again, without privileges, what was tried when the runtime was installed, and look for what it links to."""
    interpreter = os.path.join(settings.path, "bin/python" + settings.minor)
    lost = tuple(lost_libraries(settings.path, settings.minor, manifest, settings.family))
    try:
        with unprivileged_in_scratch(settings.account, settings.owner) as user:
            failed = failing_checks(interpreter, manifest.get("checks", []), user)
    except ProofError as error:
        return Tried({"python": error.message}, lost)
    # What it could never load counts only where something does not work.
    return Tried(failed, lost if failed or "needs" in manifest else ())


def installed_versions(root: str) -> t.List[str]:
    """Return the versions of the runtimes in C(root), oldest first."""
    found = filter(VERSION.fullmatch, listed(root))
    return sorted((one for one in found if os.path.isfile(os.path.join(root, one, MANIFEST))), key=version_key)


def leftovers_in(root: str) -> t.List[str]:
    """Return the hidden folders that killed runs left in C(root)."""
    return [os.path.join(root, name) for name in listed(root) if name.startswith(PREFIX)]
