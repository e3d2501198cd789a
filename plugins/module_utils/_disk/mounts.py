# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The kernel's table of mounts (/proc/self/mountinfo, see proc(5)), and which file systems are on a network."""

import os
import re
import typing as t

from .._base.paths import is_in
from .files import open_to_read
from .root import HOST

__all__ = ["MOUNTINFO", "Mount", "is_network", "mount_points_in", "read_mounts"]

MOUNTINFO = "/proc/self/mountinfo"

# Kinds whose server may not answer; a read of them cannot be given up.
_NETWORK = frozenset("9p afs autofs beegfs ceph cifs glusterfs gpfs lustre nfs nfs4 smb3 smbfs".split())
# A FUSE file system may be anything; these are local.
_LOCAL_FUSE = ("fuse.ext", "fuse.ntfs", "fuse.overlay")


class Mount(t.NamedTuple):
    """Where something is mounted, undecodable bytes as surrogates, and the kind of its file system (nfs4, xfs).

    C(device) is the number of its device (C(8:1)), C(top) the path in the file system that is seen at C(point).
    """

    point: str
    kind: str
    device: str = ""
    top: str = "/"


def read_mounts(mountinfo: str = MOUNTINFO) -> t.List[Mount]:
    """Return all mounts in the kernel's order, so of one point the last counts. Raises OSError without /proc."""
    # The kernel gives a page at a time, so one read is not all of it.
    with open_to_read(mountinfo) as table:
        rows = [line.split() for line in table]
    return [
        Mount(_unescape(row[4]), os.fsdecode(row[row.index(b"-") + 1]), os.fsdecode(row[2]), _unescape(row[3]))
        for row in rows
    ]


def _unescape(field: bytes) -> str:
    return os.fsdecode(re.sub(rb"\\([0-7]{3})", lambda octal: bytes((int(octal.group(1), 8),)), field))


def is_network(kind: str) -> bool:
    """Tell whether a kind of file system is, or may be, on a network."""
    return kind in _NETWORK or (kind.startswith("fuse.") and not kind.startswith(_LOCAL_FUSE))


def mount_points_in(path: str, mountinfo: str = MOUNTINFO) -> t.List[str]:
    """Return the mount points at and below C(path), whose last name may be a link. Raises OSError without /proc."""
    wanted = HOST.canonical(path)
    points = (mount.point for mount in read_mounts(mountinfo))
    return sorted(point for point in points if is_in(point, wanted))
