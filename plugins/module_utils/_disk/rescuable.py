# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Whether the system in a folder may be changed: that it is not running, nobody else has it, and all of it is there."""

import os
import typing as t

from .._base.errors import SystemPythonError
from .._base.paths import is_in
from .._base.text import json_text, printable
from .mounts import Mount, read_mounts
from .root import Root
from .space import is_read_only, read_only_error

__all__ = ["RootError", "require_rescuable"]

# Beside what is below /usr: volumes without which files or the package database would seem to be gone.
_NEEDED = ("/usr", "/etc", "/var", "/var/lib", "/var/lib/rpm")
_OSTREE = "/ostree/repo"
_PROC = "/proc"


class RootError(SystemPythonError):
    """The root is not one to repair; details: root, reason."""

    kind = "root_not_usable"
    changed_nothing = True


def require_rescuable(root: Root, state_folder: str) -> None:
    """Raise RootError or ReadOnlyError where the system in C(root) must not, or cannot, be repaired from here.

    C(state_folder), a path in the root, is where the repair keeps what it needs.
    """
    reason = next(filter(None, (look(root) for look in _LOOKS)), "") or _foreign_way(root, state_folder)
    if reason:
        raise RootError(
            "The root {0} is not repaired: {1}. Nothing was changed.".format(printable(root.folder), reason),
            root=json_text(root.folder),
            reason=reason,
        )
    if is_read_only(root.folder):
        raise read_only_error(root.folder)


def _this_host(root: Root) -> str:
    if root.is_host:
        return "it is this machine itself. Leave the option 'root' out to repair a running system"
    return ""


def _in_use(root: Root) -> str:
    """A container, a chroot or a virtual machine's folder: whose root directory is this one."""
    own = root.stat("/")
    for name in os.listdir(_PROC):
        try:
            found = os.stat(os.path.join(_PROC, name, "root")) if name.isdigit() else None
        except OSError:
            # It ended meanwhile, or is another user's.
            continue
        if found and (found.st_dev, found.st_ino) == (own.st_dev, own.st_ino):
            return "process {0} runs in it. Stop the system, and run again".format(name)
    return ""


def _mounted_elsewhere(root: Root) -> str:
    mounts = read_mounts()
    own = [mount for mount in mounts if mount.point == root.folder]
    for mount in mounts:
        if own and not is_in(mount.point, root.folder) and _same(own[-1], mount):
            return "its file system is mounted at {0}, too. Unmount it there, and run again".format(
                printable(mount.point)
            )
    return ""


def _same(one: Mount, other: Mount) -> bool:
    """Tell whether two mounts show the same files; subvolumes of one device need not."""
    return one.device == other.device and (is_in(one.top, other.top) or is_in(other.top, one.top))


def _not_mounted(root: Root) -> str:
    """Of the root's own fstab: what is a volume of its own, and is empty here."""
    if not root.isfile("/etc/fstab"):
        return ""
    with root.open("/etc/fstab") as stream:
        rows = [line.split() for line in stream.read().decode("utf-8", "replace").splitlines()]
    points = [row[1] for row in rows if len(row) > 2 and row[0][0] != "#" and row[1][0] == "/"]
    needed = [point.rstrip("/") for point in points if is_in(point, "/usr") or point.rstrip("/") in _NEEDED]
    empty = sorted(point for point in needed if not root.isdir(point) or not root.listdir(point))
    if empty:
        return "by its fstab {0} is a volume of its own, and it is not mounted there. Mount it, and run again".format(
            " and ".join(printable(point) for point in empty)
        )
    return ""


def _of_image(root: Root) -> str:
    if root.isdir(_OSTREE):
        return "its system comes with an image (ostree). Go back to the deployment before, or rebuild the image"
    return ""


def _foreign_way(root: Root, state_folder: str) -> str:
    """What the repair keeps must lie in the root: no link leads there."""
    folders = [state_folder, *root.glob(state_folder + "/*"), *root.glob(state_folder + "/quarantine/*")]
    folders += root.glob(state_folder + "/quarantine/*/*")
    links = [path for path in folders if root.islink(path)]
    if links:
        return "{0} in it is a link, and what is kept must not go there. Take it away, and run again".format(
            printable(links[0])
        )
    return ""


_LOOKS: t.Tuple[t.Callable[[Root], str], ...] = (_this_host, _in_use, _mounted_elsewhere, _not_mounted, _of_image)
