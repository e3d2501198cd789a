# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Put the files of exact packages back into a system that is not running: nothing of it is executed.

There is no transaction and no scriptlet. What deviates from the root's own database is taken out of the package,
written beside its place with all that the database says of it, and renamed there. The database is not written: name,
version, release and architecture stay what they are.
"""

import contextlib
import os
import stat
import typing as t

from .._base.command import CommandRunner, Completed, run_command
from .._base.errors import InvalidDataError, TransactionError
from .._base.text import printable
from .._disk.atomic import replace_link
from .._disk.files import digest_of, folder_of, new_hash, open_new, open_to_read
from .._disk.hidden import Checkpoint, no_checkpoint
from .._disk.kernel import sync_folder
from .._disk.links import kind_of
from .._disk.root import Root
from .._disk.space import ensure_room
from .._disk.trees import half_made
from .._rpm.capabilities import capability_bytes
from .._rpm.database import Rpm
from .._rpm.disk import Disk
from .._rpm.package_files import package_files
from .._rpm.packages import RpmFile, RpmPackage
from .._rpm.payload import Member, read_members, unpack
from .._rpm.verify_output import VerifyEntry, is_drift, is_left_out
from .transaction import Transaction

__all__ = ["Unpacking"]

_CAPABILITY_ATTRIBUTE = "security.capability"


class Unpacking(Transaction):
    """As Transaction, for the system in C(root), whose packages C(rpm) has (an OfflineRpm).

    C(written) are the paths, in the root, that were put back. C(checkpoint) is called after each.
    """

    def __init__(
        self, rpm: Rpm, root: Root, runner: CommandRunner = run_command, checkpoint: Checkpoint = no_checkpoint
    ) -> None:
        super().__init__(rpm, runner)
        self.root = root
        self.written: t.List[str] = []
        self._runner = runner
        self._checkpoint = checkpoint

    def test(self, files: t.Sequence[str]) -> None:
        """Return when all that deviates is in C(files), as the database has it, and has room; nothing is changed.

        Raises as Transaction's does, and InvalidDataError for a package that does not hold what it should.
        """
        packages = package_files(self.rpm, files)
        self.require_writable(packages)
        for file, package in zip(files, packages):
            with _Contents(file, self._runner) as contents:
                due = self._due(package)
                for record in due.files:
                    contents.require(record, due.package.digest_algorithm)
                for place in {folder_of(self.root.place(record.path)) for record in due.files}:
                    ensure_room(place, sum(record.size for record in due.files if record.kind == "file"))

    def run(self, files: t.Sequence[str]) -> Completed:
        """Put back what deviates. Raises as C(test)."""
        for file, package in zip(files, package_files(self.rpm, files)):
            with _Contents(file, self._runner) as contents:
                self._bring(self._due(package), contents)
        return Completed((), 0, "", "", False)

    def blockers(self, packages: t.Iterable[RpmPackage]) -> t.List[str]:
        """Return all that is there and will be replaced."""
        due = [self._below_root(record.path) for package in packages for record in self._due(package).files]
        found = {path for path in due if kind_of(path) not in ("missing", "directory")}
        return sorted(found.union(super().blockers(packages)))

    def _below_root(self, path: str) -> str:
        return self.root.place(path)

    @contextlib.contextmanager
    def _lock(self) -> t.Iterator[None]:
        # Nothing of the root runs, so no transaction does.
        yield

    def _due(self, package: RpmPackage) -> "_Due":
        """Return what of C(package) has to be put back."""
        found = self.rpm.query([package.id.label]).packages
        if not found:
            raise TransactionError(
                "{0} is not in the root's package database, which is not written here. Install it when the system "
                "runs again.".format(package.nevra),
                packages=[package.nevra],
            )
        installed = found[0]
        verified = self.rpm.verify([], packages=[installed])
        if verified.partial:
            raise TransactionError("The files of {0} were not compared in time.".format(package.nevra))
        entries = {entry.path: entry for entry in verified.entries}
        files = [record for record in installed.files if _is_due(record, entries.get(record.path))]
        return _Due(installed, files)

    def _bring(self, due: "_Due", contents: "_Contents") -> None:
        disk, split = Disk(self.root), contents.split(self.root)
        files = [record for record in due.package.files if record in due.files or record.path in split]
        # Folders first, and from the top.
        for record in sorted(files, key=lambda one: (one.kind != "directory", one.path)):
            if record.path in contents.done:
                continue
            owner = disk.ids(record.owner, record.group)
            place = self._below_root(record.path)
            os.makedirs(folder_of(place), 0o755, exist_ok=True)
            if record.kind == "directory":
                _make_folder(place, record, owner)
            elif record.kind == "link":
                replace_link(place, record.linkto)
                os.chown(place, *owner, follow_symlinks=False)
            else:
                contents.write(record, due.package.digest_algorithm, place, owner)
                self._link_twins(contents.twins(record.path), place, contents)
            contents.done.add(record.path)
            self.written.append(record.path)
            self._checkpoint("unpacked {0}".format(record.path))

    def _link_twins(self, twins: t.Iterable[str], first: str, contents: "_Contents") -> None:
        """Make the other names of one file; rename does nothing between two names of one file (rename(2))."""
        for path in twins:
            place = self._below_root(path)
            os.makedirs(folder_of(place), 0o755, exist_ok=True)
            with half_made(place) as temporary:
                os.link(first, temporary)
                os.rename(temporary, place)
            contents.done.add(path)
            self.written.append(path)
            self._checkpoint("unpacked {0}".format(path))


class _Due(t.NamedTuple):
    """An installed package, and those of its files that are not as it has them."""

    package: RpmPackage
    files: t.List[RpmFile]


def _is_due(record: RpmFile, entry: t.Optional[VerifyEntry]) -> bool:
    """Tell whether a file is brought back: what rpm's reinstallation would, and no documentation left out on purpose.

    A folder whose mode or owner alone differ is set right by the step that is about that.
    """
    if entry is None or record.is_ghost or record.kind == "other" or is_left_out(record.path):
        return False
    if record.kind == "directory":
        return entry.missing or "mode" in entry.altered
    # What is compiled and gone is no drift, and comes back with the rest.
    return is_drift(entry) or (entry.missing and not record.is_missingok)


def _make_folder(place: str, record: RpmFile, owner: t.Tuple[int, int]) -> None:
    if kind_of(place) not in ("missing", "directory"):
        # A copy of it is in the quarantine.
        os.unlink(place)
    if kind_of(place) == "missing":
        os.mkdir(place, 0o700)
    os.chown(place, *owner, follow_symlinks=False)
    os.chmod(place, stat.S_IMODE(record.mode))
    sync_folder(folder_of(place))


class _Contents:
    """What the package file C(file) holds, for as long as the context lasts: unpacked beside it, for root alone."""

    def __init__(self, file: str, runner: CommandRunner) -> None:
        self.done: t.Set[str] = set()
        self._file = file
        self._archive = file + ".cpio"
        self._runner = runner
        self._members: t.Dict[str, Member] = {}
        self._full: t.Dict[t.Tuple[int, ...], Member] = {}

    def __enter__(self) -> "_Contents":
        unpack(self._file, self._archive, self._runner)
        with open_to_read(self._archive) as stream:
            for member in read_members(stream, self._file):
                self._members[member.path] = member
                if member.size:
                    self._full[member.file] = member
        return self

    def __exit__(self, *_details: t.Any) -> None:
        os.unlink(self._archive)

    def twins(self, path: str) -> t.List[str]:
        """Return the other names of the file C(path)."""
        file = self._members[path].file
        return sorted(one.path for one in self._members.values() if one.file == file and one.path != path)

    def split(self, root: Root) -> t.Set[str]:
        """Return names of one file that are names of several in C(root)."""
        names: t.Dict[t.Tuple[int, ...], t.Set[t.Tuple[int, int]]] = {}
        for member in self._members.values():
            if len(member.file) > 1 and root.lexists(member.path):
                found = root.lstat(member.path)
                names.setdefault(member.file, set()).add((found.st_dev, found.st_ino))
        return {one.path for one in self._members.values() if len(names.get(one.file, ())) > 1}

    def require(self, record: RpmFile, algorithm: str) -> None:
        """Raise InvalidDataError unless the content of the file is what C(record) has."""
        if record.kind != "file":
            return
        with self._content(record) as stream:
            self._require_digest(record, digest_of(t.cast(t.BinaryIO, stream), new_hash(algorithm)))

    def write(self, record: RpmFile, algorithm: str, place: str, owner: t.Tuple[int, int]) -> None:
        """Make C(place) the file: it is written beside, with all that C(record) says of it, and renamed."""
        with self._content(record) as stream, half_made(place) as temporary:
            with open_new(temporary) as target:
                self._require_digest(record, digest_of(t.cast(t.BinaryIO, stream), new_hash(algorithm), target))
                target.flush()
                descriptor = target.fileno()
                # Owner first: chown clears the set-user-id bit and the capabilities.
                os.fchown(descriptor, *owner)
                os.fchmod(descriptor, stat.S_IMODE(record.mode))
                if record.caps:
                    os.setxattr(descriptor, _CAPABILITY_ATTRIBUTE, capability_bytes(record.caps))
                os.utime(descriptor, (record.mtime, record.mtime))
                os.fsync(descriptor)
            os.rename(temporary, place)

    def _content(self, record: RpmFile) -> "_Part":
        named = self._members.get(record.path)
        if named is None:
            raise InvalidDataError(
                "{0} does not hold {1}, which it should.".format(printable(self._file), printable(record.path)),
                file=self._file,
            )
        member = self._full.get(named.file, named)
        return _Part(open_to_read(self._archive), member)

    def _require_digest(self, record: RpmFile, digest: str) -> None:
        if record.digest and digest != record.digest:
            raise InvalidDataError(
                "{0} holds another {1} than the root's package database has, so it is not used.".format(
                    printable(self._file), printable(record.path)
                ),
                file=self._file,
            )


class _Part:
    """The content of one file of an archive, as a stream that can be read and closed."""

    def __init__(self, archive: t.BinaryIO, member: Member) -> None:
        self._archive = archive
        self._left = member.size
        archive.seek(member.offset)

    def __enter__(self) -> "_Part":
        return self

    def __exit__(self, *_details: t.Any) -> None:
        self._archive.close()

    def read(self, size: int) -> bytes:
        """Return the next bytes, at most C(size)."""
        data = self._archive.read(min(size, self._left))
        self._left -= len(data)
        return data
