# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The state of single files: what a package recorded, and what lies there."""

import stat
import typing as t

from .._disk.files import digest_of, new_hash, octal_mode
from .._disk.links import kind_of
from .._disk.root import Root
from .._rpm.packages import RpmFile
from .._rpm.verify_output import VerifyEntry
from .leftovers import PipRecords
from .records import BinaryName, Drift, FileFacts

__all__ = [
    "drift_of",
    "has_content",
    "has_stricter_mode",
    "is_as_recorded",
    "is_stricter",
    "name_of_binary",
    "rights_astray",
]

# By the length of the digest in rpm's record.
_ALGORITHMS = {32: "md5", 40: "sha1", 64: "sha256", 96: "sha384", 128: "sha512"}
# As rpm -V flags a file of which only the mode differs.
_MODE_ONLY = ".M......."


def drift_of(
    entry: VerifyEntry,
    package: t.Optional[str],
    record: t.Optional[RpmFile],
    taken_by: t.List[str],
    pip: PipRecords,
    root: Root,
) -> Drift:
    """Return what rpm -V says of a file, and both states of it; C(package) recorded C(record)."""
    kind = kind_of(entry.path, root)
    # Of a directory in a link's place rpm says only M.
    other_kind = record is not None and not entry.missing and record.kind != kind
    return Drift(
        path=entry.path,
        package=package,
        missing=entry.missing,
        flags=entry.flags,
        altered=list(entry.altered) + (["type"] if other_kind else []),
        unreadable=list(entry.unreadable),
        note=entry.note,
        taken_by=taken_by,
        reason=entry.reason,
        kind=kind,
        pip_record=pip.claim(entry.path),
        expected=_facts_shipped(record) if record else FileFacts(),
        actual=_facts_on_disk(entry.path, record, root),
    )


def name_of_binary(path: str, owner: t.Optional[str], drift: t.Optional[Drift], root: Root) -> BinaryName:
    """Return what lies at one name of an interpreter."""
    found = root.lstat(path) if root.lexists(path) else None
    return BinaryName(
        path=path,
        kind=kind_of(path, root),
        target=root.readlink(path) if root.islink(path) else None,
        size=found.st_size if found else None,
        mode=found.st_mode if found else None,
        inode="{0}:{1}".format(found.st_dev, found.st_ino) if found else None,
        owner=owner,
        drift=drift,
    )


def _facts_shipped(record: RpmFile) -> FileFacts:
    if record.linkto:
        return FileFacts(link_target=record.linkto, owner=record.owner, group=record.group)
    return FileFacts(
        digest=record.digest,
        size=record.size,
        mode=octal_mode(record.mode),
        owner=record.owner,
        group=record.group,
    )


def _facts_on_disk(path: str, record: t.Optional[RpmFile], root: Root) -> FileFacts:
    if not root.lexists(path):
        return FileFacts()
    found = root.lstat(path)
    if stat.S_ISLNK(found.st_mode):
        return FileFacts(link_target=root.readlink(path), uid=found.st_uid, gid=found.st_gid)
    state = FileFacts(
        size=found.st_size,
        mode=octal_mode(found.st_mode),
        uid=found.st_uid,
        gid=found.st_gid,
    )
    if stat.S_ISREG(found.st_mode):
        state["digest"] = _digest(path, len(record.digest) if record else 64, root)
    return state


def _digest(path: str, length: int, root: Root) -> t.Optional[str]:
    try:
        with root.open(path) as stream:
            return digest_of(stream, new_hash(_ALGORITHMS.get(length, "sha256")))
    except (OSError, ValueError):
        # An unprivileged audit may not read it, FIPS may forbid md5; null is how the facts say so.
        return None


def is_as_recorded(record: RpmFile, root: Root) -> bool:
    """Tell whether the file on disk is the one of the record (target of a link; size, mode and digest of a file).

    So it is with a stricter mode.
    """
    if not root.lexists(record.path) or rights_astray(record, root) not in ("", _MODE_ONLY):
        return False
    return has_stricter_mode(record, root) and has_content(record, root)


def is_stricter(mode: int, shipped: int) -> bool:
    """Tell whether C(mode) gives nothing that C(shipped) does not, and leaves the owner to read and to run it.

    Hardening does so: what differs then is who else may.
    """
    return not mode & ~shipped and not shipped & ~mode & 0o500


def has_stricter_mode(record: RpmFile, root: Root) -> bool:
    """Tell whether the mode of what lies there is that of the record, or stricter; a link has none."""
    found = root.lstat(record.path).st_mode
    return stat.S_ISLNK(found) or is_stricter(stat.S_IMODE(found), stat.S_IMODE(record.mode))


def rights_astray(record: RpmFile, root: Root) -> str:
    """Return mode and owner of what lies there, where they differ, as C(rpm -V) flags them; empty for a link."""
    found = root.lstat(record.path)
    mode, user = found.st_mode != record.mode, found.st_uid != 0
    if stat.S_ISLNK(found.st_mode) or not (mode or user):
        return ""
    return ".{0}...{1}...".format("M" if mode else ".", "U" if user else ".")


def has_content(record: RpmFile, root: Root) -> bool:
    """Tell whether what lies there is of the kind and the content of the record, whoever may read or write it."""
    try:
        found = root.lstat(record.path)
    except OSError:
        return False
    if stat.S_IFMT(found.st_mode) != stat.S_IFMT(record.mode):
        return False
    if stat.S_ISLNK(found.st_mode):
        return root.readlink(record.path) == record.linkto
    if not stat.S_ISREG(found.st_mode):
        return True
    return found.st_size == record.size and _digest(record.path, len(record.digest), root) == record.digest
