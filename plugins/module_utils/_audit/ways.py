# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The way to the packages' files: the folders above them, which nobody but root may change and everybody may pass.

Who may write /usr/bin can exchange /usr/bin/python3.9, whatever that file's own mode is. The program that vouches for
all is looked at like a folder.
"""

import os
import stat
import typing as t

from .._disk.files import octal_mode, open_to_others
from .._disk.root import RealPaths, Root
from .._rpm.verify_output import is_left_out
from .packaged_files import PackagedFiles
from .records import FileFacts, Observation, WayPart

__all__ = ["CLOSED", "OPEN", "STANDARD_FOLDERS", "VOUCHER", "open_ways", "parts_of_ways", "with_records"]

OPEN, CLOSED = "open", "closed"

# Below these is what runs, and what decides what runs.
_CODE = ("/usr/", "/etc/")
# What vouches for all the rest.
VOUCHER = "/usr/bin/rpm"
_EVERYBODY_READS = stat.S_IRUSR | stat.S_IXUSR | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH
# Folders that the package "filesystem" of each distribution has. Where it does not, no more is set than what is needed.
STANDARD_FOLDERS = frozenset(
    ("/", "/etc", "/usr", "/usr/bin", "/usr/lib", "/usr/lib64", "/usr/libexec", "/usr/sbin", "/usr/share")
)
_NEEDED = FileFacts(mode="0755", owner="root", group="root")


def parts_of_ways(records: t.Collection[str], root: Root) -> t.List[WayPart]:
    """Return what others than root may change, or ordinary users may not pass, of the way to the paths of C(records).

    The folders among them are left out: they are files of packages themselves.
    """
    if not root.is_host:
        return []
    found = []
    for path in sorted(_folders_above(records, root)) + [VOUCHER]:
        trouble = _trouble(path, root) if path not in records else None
        # Whether everybody may run rpm is nobody's business here.
        if trouble and (path, trouble) != (VOUCHER, CLOSED):
            status = root.lstat(path)
            actual = FileFacts(mode=octal_mode(status.st_mode), uid=status.st_uid, gid=status.st_gid)
            found.append(WayPart(path=path, trouble=trouble, package=None, expected=None, actual=actual))
    return found


def open_ways(observation: Observation) -> t.List[str]:
    """Return what others than root may change."""
    return [part["path"] for part in observation["ways"] if part["trouble"] == OPEN]


def _folders_above(paths: t.Iterable[str], root: Root) -> t.Set[str]:
    folders: t.Set[str] = set()
    real_path = RealPaths(root)
    for folder in {path.rpartition("/")[0] for path in paths if path.startswith(_CODE)}:
        if is_left_out(folder):
            continue
        real = real_path(folder)
        while real not in folders:
            folders.add(real)
            real = os.path.dirname(real)
    return folders


def _trouble(path: str, root: Root) -> t.Optional[str]:
    if not root.lexists(path):
        return None
    found = root.lstat(path)
    if open_to_others(found):
        return OPEN
    return None if found.st_mode & _EVERYBODY_READS == _EVERYBODY_READS else CLOSED


def with_records(parts: t.Iterable[WayPart], files: PackagedFiles) -> t.List[WayPart]:
    """Return those of C(parts) that their package did not ship so, each with what it recorded."""
    found = []
    for part in parts:
        package = files.shipped_by(part["path"])
        if package:
            record = files.records[part["path"]][1]
            part["package"] = package
            part["expected"] = FileFacts(mode=octal_mode(record.mode), owner=record.owner, group=record.group)
        elif part["path"] in STANDARD_FOLDERS:
            part["expected"] = _NEEDED.copy()
        if not _is_right(part["trouble"], part["expected"], part["actual"]):
            found.append(part)
    return found


def _is_right(trouble: str, expected: t.Optional[FileFacts], actual: FileFacts) -> bool:
    """Tell whether a part was shipped so, or nobody says that it is for everybody."""
    if expected is None:
        return trouble == CLOSED
    return expected["mode"] == actual["mode"] and actual["uid"] == actual["gid"] == 0
