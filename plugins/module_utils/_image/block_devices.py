# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The volumes on disks: partitions, logical volumes, and what is in encrypted ones that somebody opened."""

import os
import re
import stat
import typing as t

from .._base.command import CommandRunner, Completed
from .._base.errors import InvalidDataError, SystemPythonError
from .._base.text import from_json, json_text, printable

__all__ = ["DiskError", "Volume", "activate", "attach", "run", "volumes_of"]

_FILE_SYSTEMS = ("ext2", "ext3", "ext4", "xfs", "btrfs")
_SECONDS = 120.0
# What blkid ends with where it knows nothing of a device.
_NOTHING = 2


class DiskError(SystemPythonError):
    """A disk has no root that can be mounted, or more than one; details say which volumes there are."""

    kind = "disk"
    changed_nothing = True


class Volume(t.NamedTuple):
    """Something that may hold a file system. C(kind) is blkid's word, C(names) the values of what fstab may call it by.

    C(mounted) is where it is mounted, empty where it is not; C(is_open): something lies in it.
    """

    device: str
    kind: str
    names: t.Mapping[str, str]
    mounted: str
    is_open: bool

    @property
    def is_file_system(self) -> bool:
        return self.kind in _FILE_SYSTEMS

    def is_called(self, name: str) -> bool:
        """Tell whether C(name), as fstab or a user has it, is one that this volume has on every machine."""
        key, sign, value = name.partition("=")
        if sign:
            return self.names.get(key) == value.strip('"')
        links = {"by-uuid": "UUID", "by-label": "LABEL", "by-partuuid": "PARTUUID"}
        match = re.fullmatch(r"/dev/disk/(by-[a-z]+)/(.+)", name)
        if match:
            return self.names.get(links.get(match.group(1), "")) == match.group(2)
        # What fstab calls /dev/sda2 is another one here.
        return self.device.startswith("/dev/mapper/") and _mapped(name) == self.device

    def is_wanted(self, name: str) -> bool:
        """Tell whether a user means this volume by C(name): its device, UUID or label."""
        return name in (self.device, self.names.get("UUID"), self.names.get("LABEL"))


def _mapped(name: str) -> str:
    """Return the one form of the name of a logical volume: /dev/group/volume is /dev/mapper/group-volume."""
    match = re.fullmatch(r"/dev/([^/]+)/([^/]+)", name)
    if match is None or match.group(1) == "mapper":
        return name
    return "/dev/mapper/{0}-{1}".format(*(word.replace("-", "--") for word in match.groups()))


def run(runner: CommandRunner, argv: t.Sequence[str], what: str) -> Completed:
    """Run a command that must succeed. Raises CommandError, which says C(what) could not be done."""
    done = runner(argv, timeout=_SECONDS)
    if done.rc != 0:
        raise done.error(what)
    return done


def attach(disk: str, runner: CommandRunner) -> str:
    """Attach the image C(disk) and return its device, nothing for what is a device already.

    Raises InvalidDataError for what is neither, DiskError for an image that is attached, CommandError.
    """
    try:
        mode = os.stat(disk).st_mode
    except OSError as error:
        raise InvalidDataError(
            "The disk {0} cannot be looked at: {1}.".format(printable(disk), error.strerror), path=json_text(disk)
        ) from error
    if stat.S_ISBLK(mode):
        return ""
    if not stat.S_ISREG(mode):
        raise InvalidDataError("{0} is no disk and no image.".format(printable(disk)), path=json_text(disk))
    about = "The image {0} cannot be attached".format(printable(disk))
    used = run(runner, ["losetup", "--associated", disk, "--noheadings", "--output", "NAME"], about).out.split()
    if used:
        raise DiskError(
            "{0} is attached to {1}. Detach it (losetup -d), and run again.".format(printable(disk), used[0]),
            path=json_text(disk),
        )
    loop = run(runner, ["losetup", "--find", "--show", "--partscan", disk], about).out.strip()
    # The kernel need not know its kind of table. It fails where there is none, and the image is one volume.
    runner(["partx", "--update", loop], timeout=_SECONDS)
    return loop


def volumes_of(devices: t.Sequence[str], runner: CommandRunner) -> t.List[Volume]:
    """Return all volumes on C(devices), those in others, too. Raises CommandError."""
    argv = ["lsblk", "--json", "--paths", "--output", "NAME,MOUNTPOINT", *devices]
    listed = from_json(run(runner, argv, "The disks cannot be looked at").out)["blockdevices"]
    found: t.Dict[str, t.Dict[str, t.Any]] = {}
    while listed:
        one = listed.pop(0)
        found.setdefault(one["name"], one)
        listed.extend(one.get("children", []))
    return [_volume(name, found[name], runner) for name in sorted(found)]


def _volume(device: str, listed: t.Mapping[str, t.Any], runner: CommandRunner) -> Volume:
    done = runner(["blkid", "-p", "-o", "export", device], timeout=_SECONDS)
    if done.rc not in (0, _NOTHING):
        raise done.error("{0} cannot be looked at".format(printable(device)))
    values = dict(re.findall(r"^(\w+)=(.*)$", done.out, re.MULTILINE))
    names = {key: values[key] for key in ("UUID", "LABEL") if key in values}
    for key, source in (("PARTUUID", "PART_ENTRY_UUID"), ("PARTLABEL", "PART_ENTRY_NAME")):
        if source in values:
            names[key] = values[source]
    return Volume(device, values.get("TYPE", ""), names, listed["mountpoint"] or "", bool(listed.get("children")))


def activate(volumes: t.Sequence[Volume], runner: CommandRunner) -> t.Iterator[str]:
    """Make the volume groups on C(volumes) active, and yield the names of those that were not.

    Raises DiskError where another group of this machine has the name of one.
    """
    members = [volume.device for volume in volumes if volume.kind == "LVM2_member"]
    if not members:
        return
    what = "The volume groups cannot be made active"
    groups = run(runner, ["pvs", "--noheadings", "-o", "vg_name", *members], what).out.split()
    known = run(runner, ["vgs", "--noheadings", "-o", "vg_name"], what).out.split()
    for group in sorted(set(groups)):
        if known.count(group) != 1:
            raise DiskError(
                "This machine has another volume group called {0}. Rename the one on the disk (vgimportclone), "
                "or attach it to another machine.".format(printable(group)),
                group=json_text(group),
            )
        states = run(runner, ["lvs", "--noheadings", "-o", "lv_active", group], what).out.split()
        run(runner, ["vgchange", "--activate", "y", group], what)
        if "active" not in states:
            yield group
