# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Which package counts where several of one name are recorded: for several architectures, or in several releases.

A second architecture is a matter of taste (a 32-bit product pulls it in). A second release of the same is an upgrade
that was broken off: rpm records the new package before it takes the record of the old one away. The order of the
database says nothing then; what lies on the disk does.
"""

import typing as t

from .packages import PackageId, RpmFile, RpmPackage

__all__ = ["NOARCH", "Releases", "architecture_at", "by_name", "compare_releases", "of_architecture"]

NOARCH = "noarch"
# Directories have no content, and of a configuration file another content says nothing.
_TELLING = ("file", "link")


class Releases(t.NamedTuple):
    """The packages of one name, and which of them the files on the disk are of: C(on_disk), null where they do not say.

    C(found) has, for each package, the files that it records otherwise than another one and that lie there as it does.
    """

    packages: t.Tuple[RpmPackage, ...]
    on_disk: t.Optional[RpmPackage]
    found: t.Dict[PackageId, t.List[str]]

    @property
    def counts(self) -> RpmPackage:
        """Return the package that is looked at: the one on the disk, or else the one that was installed last."""
        return self.on_disk or max(self.packages, key=lambda package: package.install_time)

    @property
    def is_unfinished(self) -> bool:
        """Tell whether these are different packages; the same one may be recorded twice by a killed reinstallation."""
        return len({package.id for package in self.packages}) > 1

    def rivals(self, path: str) -> t.List[RpmFile]:
        """Return what the packages other than C(counts) record of C(path)."""
        others = (package for package in self.packages if package.id != self.counts.id)
        return [file for package in others for file in package.files if file.path == path]


def by_name(packages: t.Iterable[RpmPackage]) -> t.Dict[str, t.List[RpmPackage]]:
    """Return the packages under their names, in their order."""
    found: t.Dict[str, t.List[RpmPackage]] = {}
    for package in packages:
        found.setdefault(package.name, []).append(package)
    return found


def of_architecture(packages: t.Iterable[RpmPackage], arch: str) -> t.List[RpmPackage]:
    """Return the packages that are made for C(arch), or for all."""
    return [package for package in packages if package.arch in (arch, NOARCH)]


def architecture_at(path: str, packages: t.Iterable[RpmPackage]) -> str:
    """Return the architecture of the package whose file C(path) is; empty where it cannot be told.

    Where nobody has the file, it is that of all the packages.
    """
    arches: t.Dict[str, bool] = {}
    for package in packages:
        if package.arch != NOARCH:
            # Of two architectures that have the file, rpm puts one on the disk and marks the other's.
            has_file = any(file.path == path and file.state != "wrong color" for file in package.files)
            arches[package.arch] = arches.get(package.arch, False) or has_file
    owning = [arch for arch, has_file in arches.items() if has_file]
    candidates = owning or list(arches)
    return candidates[0] if len(candidates) == 1 else ""


def compare_releases(packages: t.Sequence[RpmPackage], lies_there: t.Callable[[RpmFile], bool]) -> Releases:
    """Return which of C(packages), all of one name, is on the disk; C(lies_there) tells whether a file's content is.

    It is the one that has every file that is any one's. Files that are nobody's were altered and tell nothing.
    """
    ids = list(dict.fromkeys(package.id for package in packages))
    told_apart = _told_apart(packages) if len(ids) > 1 else {}
    found: t.Dict[PackageId, t.List[str]] = {one: [] for one in ids}
    possible = set(ids)
    for path, records in sorted(told_apart.items()):
        owners = {one for one, file in records.items() if lies_there(file)}
        possible &= owners or possible
        for one in owners:
            found[one].append(path)
    return Releases(
        tuple(packages),
        next((package for package in packages if {package.id} == possible), None),
        found,
    )


def _told_apart(packages: t.Iterable[RpmPackage]) -> t.Dict[str, t.Dict[PackageId, RpmFile]]:
    """Return what the packages record of the files that all of them have, and not all of them alike."""
    records: t.Dict[str, t.Dict[PackageId, RpmFile]] = {}
    ids = set()
    for package in packages:
        ids.add(package.id)
        for file in package.files:
            if file.kind in _TELLING and not (file.is_ghost or file.is_config):
                records.setdefault(file.path, {})[package.id] = file
    return {
        path: files
        for path, files in records.items()
        if set(files) == ids and len({_content(file) for file in files.values()}) > 1
    }


def _content(file: RpmFile) -> t.Tuple[str, int, str, str]:
    return file.kind, file.size if file.kind == "file" else 0, file.digest, file.linkto
