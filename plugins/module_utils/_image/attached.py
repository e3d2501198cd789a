# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Find the root of a machine on its attached disks and mount it, with what its fstab has below /usr, /etc and /var.

Nothing of the disks is written before all of it is found. Each file system is first mounted from a read-only loop
device: there the kernel refuses one whose journal has to be replayed.
"""

import contextlib
import json
import os
import re
import stat
import tempfile
import typing as t

from .._base.command import CommandRunner, run_command
from .._base.errors import InvalidDataError, SystemPythonError
from .._base.paths import is_in
from .._base.privilege import require_root
from .._base.text import from_json, json_text, printable
from .._disk.atomic import write_durably
from .._disk.files import read_text
from .._disk.mounts import mount_points_in
from .._disk.root import HOST, Root
from .block_devices import DiskError, Volume, activate, attach, run, volumes_of

__all__ = ["AttachedRoot", "mount_root", "unmount_root"]

_PREFIX = "fleet-system-python-rescue-"
_SAFE = ["nodev", "nosuid", "noexec"]
_NEEDED = ("/usr", "/etc", "/var")

if t.TYPE_CHECKING:

    class AttachedRoot(t.TypedDict):
        """Where the root is, and what is mounted there: C(device at /path) for each, in their order."""

        root: str
        mounts: t.List[str]

else:
    AttachedRoot = dict


class _Found(t.NamedTuple):
    """A root: the volume, and the subvolume of btrfs if it is not what a plain mount shows."""

    volume: Volume
    subvolume: str = ""


def mount_root(
    disks: t.Sequence[str], wanted: str = "", parent: str = "/run", runner: CommandRunner = run_command
) -> AttachedRoot:
    """Mount the root that is on C(disks), block devices or images, in a new folder in C(parent).

    C(wanted) is the device, UUID or label of its volume, where there are several. Raises DiskError, CommandError or
    PrivilegeError; then nothing is mounted, attached or active that was not before.
    """
    require_root("mount a disk")
    folder = tempfile.mkdtemp(prefix=_PREFIX, dir=parent)
    root = os.path.join(folder, "root")
    os.mkdir(root, 0o700)
    try:
        note = _Note(folder)
        for disk in disks:
            note.add("loops", attach(disk, runner))
        names = [*note.content["loops"], *(disk for disk in disks if not os.path.isfile(disk))]
        for group in activate(volumes_of(names, runner), runner):
            note.add("groups", group)
        return AttachedRoot(root=root, mounts=_Mounting(root, volumes_of(names, runner), runner).mount(wanted))
    except BaseException:
        unmount_root(root, runner)
        raise


def unmount_root(root: str, runner: CommandRunner = run_command, check_mode: bool = False) -> bool:
    """Unmount what C(mount_root) mounted, the last first, and detach what it attached; tell whether it was there.

    Raises InvalidDataError for a folder of somebody else, CommandError where it is in use; then it can be called again.
    """
    folder = os.path.dirname(HOST.canonical(root))
    if not os.path.lexists(folder):
        return False
    found = os.lstat(folder)
    is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
    if not is_ours or not os.path.basename(folder).startswith(_PREFIX):
        raise InvalidDataError(
            "{0} was not mounted by this collection and is left alone.".format(printable(root)), path=json_text(root)
        )
    if check_mode:
        return True
    for point in sorted(mount_points_in(folder), reverse=True):
        run(runner, ["umount", point], "{0} cannot be unmounted".format(printable(point)))
    note = _Note(folder)
    for group in note.content["groups"]:
        run(runner, ["vgchange", "--activate", "n", group], "A volume group cannot be put away")
    for loop in note.content["loops"]:
        run(runner, ["losetup", "--detach", loop], "An image cannot be detached")
    note.remove()
    for path in (os.path.join(folder, "root"), folder):
        os.rmdir(path)
    return True


class _Note:
    """What was attached and made active, beside the mount point: it is put away again."""

    def __init__(self, folder: str) -> None:
        self._path = os.path.join(folder, "attached.json")
        self.content: t.Dict[str, t.List[str]] = {"loops": [], "groups": []}
        if os.path.exists(self._path):
            self.content = from_json(read_text(self._path))

    def add(self, key: str, name: str) -> None:
        """Note a name, which may be empty: then there is nothing to note."""
        if name:
            self.content[key].append(name)
            write_durably(self._path, json.dumps(self.content).encode("ascii"))

    def remove(self) -> None:
        if os.path.exists(self._path):
            os.unlink(self._path)


class _Mounting:
    """Mounts one root to C(root); C(volumes) are all there are."""

    def __init__(self, root: str, volumes: t.Sequence[Volume], runner: CommandRunner) -> None:
        self._root = root
        self._volumes = volumes
        self._runner = runner
        self._problems: t.List[str] = []
        self._done: t.List[str] = []

    def mount(self, wanted: str) -> t.List[str]:
        """Find the root, mount it and what belongs to it, and return what was mounted where."""
        self._require_unmounted()
        chosen = self._choose([found for volume in self._volumes for found in self._roots_on(volume)], wanted)
        options = ["subvol=" + chosen.subvolume] if chosen.subvolume else []
        with self._looking_at(chosen.volume, options):
            parts = self._parts()
        # All of it is looked at before the first is mounted to be written.
        for volume in {one[2].device: one[2] for one in parts}.values():
            with self._looking_at(volume, []):
                pass
        self._mount(chosen.volume, "/", options)
        for point, own, volume in parts:
            self._mount(volume, point, own)
        return self._done

    def _require_unmounted(self) -> None:
        for volume in self._volumes:
            if volume.mounted:
                raise DiskError(
                    "{0} is mounted at {1}. Unmount it, and run again.".format(
                        printable(volume.device), printable(volume.mounted)
                    ),
                    device=json_text(volume.device),
                )

    def _roots_on(self, volume: Volume) -> t.List[_Found]:
        if not volume.is_file_system:
            return []
        try:
            with self._looking_at(volume, []):
                if _is_root(self._root):
                    return [_Found(volume)]
                names = sorted(os.listdir(self._root)) if volume.kind == "btrfs" else []
                return [_Found(volume, "/" + name) for name in names if _is_root(os.path.join(self._root, name))]
        except SystemPythonError as error:
            self._problems.append(error.message)
            return []

    def _choose(self, found: t.Sequence[_Found], wanted: str) -> _Found:
        left = [one for one in found if not wanted or one.volume.is_wanted(wanted)]
        if len(left) == 1:
            return left[0]
        listed = ", ".join("{0}{1}".format(one.volume.device, one.subvolume) for one in found) or "none"
        locked = [one.device for one in self._volumes if one.kind == "crypto_LUKS" and not one.is_open]
        reasons = self._problems + ["{0} is encrypted, open it (cryptsetup open)".format(one) for one in locked]
        raise DiskError(
            "{0} root on these disks{1}. Roots found: {2}.{3}".format(
                "There is more than one" if left else "There is no",
                " that is called " + printable(wanted) if wanted else "",
                printable(listed),
                " " + " ".join(reasons) if reasons else " Name the one in the option 'volume'." if left else "",
            ),
            roots=json_text(listed),
            problems=[json_text(reason) for reason in reasons],
        )

    def _parts(self) -> t.List[t.Tuple[str, t.List[str], Volume]]:
        """Return mount point, options and volume of what the root's fstab has below the folders that are needed."""
        root = Root(self._root)
        if not root.isfile("/etc/fstab"):
            return []
        with root.open("/etc/fstab") as stream:
            rows = [line.split() for line in stream.read().decode("utf-8", "surrogateescape").splitlines()]
        parts = []
        for row in rows:
            if len(row) < 3 or row[0].startswith("#") or not is_in(row[1], *_NEEDED):
                continue
            if not _is_volume(row):
                continue
            options = re.findall(r"subvol(?:id)?=[^,\s]+", row[3] if len(row) > 3 else "")
            parts.append((row[1].rstrip("/"), options, self._volume_called(row[0], row[1])))
        return sorted(parts, key=lambda part: part[0])

    def _volume_called(self, name: str, point: str) -> Volume:
        found = [volume for volume in self._volumes if volume.is_called(name)]
        if len(found) != 1 or not found[0].is_file_system:
            raise DiskError(
                "By the root's fstab {0} lies on {1}, which is not on these disks, or not by a name that stays the "
                "same (UUID, LABEL, PARTUUID, a logical volume). Give the disk that it is on, too.".format(
                    printable(point), printable(name)
                ),
                point=json_text(point),
                name=json_text(name),
            )
        return found[0]

    @contextlib.contextmanager
    def _looking_at(self, volume: Volume, options: t.Sequence[str]) -> t.Iterator[None]:
        """Have it mounted while the context lasts, so that nothing of it can be written."""
        argv = ["losetup", "--read-only", "--find", "--show", volume.device]
        loop = run(self._runner, argv, "{0} cannot be read".format(printable(volume.device))).out.strip()
        try:
            self._mount_device(loop, self._root, volume, ["ro", *options])
            try:
                yield
            finally:
                run(self._runner, ["umount", self._root], "{0} cannot be unmounted".format(self._root))
        finally:
            run(self._runner, ["losetup", "--detach", loop], "{0} cannot be detached".format(loop))

    def _mount(self, volume: Volume, point: str, options: t.Sequence[str]) -> None:
        place = self._root if point == "/" else Root(self._root).place(Root(self._root).realpath(point))
        self._mount_device(volume.device, place, volume, options)
        self._done.append("{0} at {1}".format(printable(volume.device), printable(point)))

    def _mount_device(self, device: str, place: str, volume: Volume, options: t.Sequence[str]) -> None:
        # Disks that were copied from one image have one UUID, and XFS refuses the second.
        own = ["nouuid"] if volume.kind == "xfs" else []
        argv = ["mount", "-t", volume.kind, "-o", ",".join([*_SAFE, *own, *options]), device, place]
        what = (
            "{0} cannot be mounted. If its journal has to be replayed, start its system once or run fsck (xfs_repair)"
        )
        run(self._runner, argv, what.format(printable(volume.device)))


def _is_root(folder: str) -> bool:
    root = Root(folder)
    return root.lexists("/etc/os-release") and root.isdir("/etc")


def _is_volume(row: t.Sequence[str]) -> bool:
    """Tell whether a line of fstab is about a volume: not of the kernel or the network, and no bind mount."""
    options = row[3].split(",") if len(row) > 3 else []
    is_device = row[0].startswith(("/dev/", "UUID=", "LABEL=", "PARTUUID=", "PARTLABEL="))
    return is_device and "bind" not in options and "rbind" not in options
