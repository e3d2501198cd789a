# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What lies on the import path of the system's Python and may be nobody's: the places are those of import_path.py."""

import os
import stat
import typing as t

from .._disk.files import open_to_others
from .._disk.root import HOST, Root, follow, writable_by_others
from .._rpm.packages import RpmFile
from .import_path import ASKED_FOR, ROOT_USER_BASE, SITE_NAMES, import_path, paths_of
from .path_files import read_path_file
from .records import AstrayFolder

__all__ = [
    "Suspect",
    "Suspects",
    "astray_folders",
    "root_user_base",
    "standard_library_folders",
]

_MODULES = (".py", ".so", ".pyc")
_IMPORTABLE = _MODULES + (".pth", ".egg-link")
# What setuptools installs as a file or a folder: the description of a project, and a project in an archive.
_DESCRIBING = (".egg-info", ".egg")
_STARTUP_MODULES = ("sitecustomize", "usercustomize")
# Where the modules are that the system's own would be: those of these roles come after what is in the first.
_COMES_BEFORE = {"script": ("library", "site"), "user": ("site",), "local": ("site",), "site": ("site",)}
_PARTS = {"library": ("", "/lib-dynload")}


class Suspect(t.NamedTuple):
    """Something that no package of the contract owns, in a place of that role.

    C(hides): Python takes it for a module of the system; it does so, too, if a package owns one of C(rivals).
    C(runs): Python runs it by itself when it starts, or others than root decide what it finds there.
    C(open): others than root may change it.
    """

    path: str
    role: str
    hides: bool
    rivals: t.Tuple[str, ...] = ()
    runs: bool = False
    open: bool = False


class _Likeness(t.NamedTuple):
    """Of which modules something has the name: of one that is asked for, and of C(rivals)."""

    asked_for: bool
    rivals: t.Tuple[str, ...]


def standard_library_folders(version: str, root: Root = HOST) -> t.List[str]:
    """Return the folders of the system's standard library: those that exist under the two library folders of /usr."""
    return [path for path in paths_of(version, "library") if root.isdir(path) and not root.islink(path)]


def root_user_base(root: Root = HOST) -> str:
    """Return where root's own modules are: below the home folder that /etc/passwd gives root."""
    if root.isfile("/etc/passwd"):
        with root.open("/etc/passwd") as stream:
            for line in os.fsdecode(stream.read()).splitlines():
                fields = line.split(":")
                if len(fields) > 5 and fields[2] == "0" and fields[5].startswith("/"):
                    return fields[5].rstrip("/") + "/.local"
    return ROOT_USER_BASE


def astray_folders(
    records: t.Mapping[str, t.Tuple[str, RpmFile]], version: str, root: Root = HOST
) -> t.List[AstrayFolder]:
    """Return the folders of packaged modules that became links which others than root can lead elsewhere.

    rpm takes a link to a folder for the folder, and looks at what is there at that moment.
    """
    places = paths_of(version, "library", "site")
    found = []
    for path, (package, record) in records.items():
        if record.kind == "directory" and _is_in(path, places) and root.islink(path) and root.isdir(path):
            open_folder = writable_by_others(path, root)
            if open_folder:
                leads_to = root.realpath(path)
                found.append(AstrayFolder(path=path, package=package, leads_to=leads_to, open_folder=open_folder))
    return sorted(found, key=lambda one: one["path"])


def _is_in(path: str, places: t.Iterable[str]) -> bool:
    return any(path == place or path.startswith(place + "/") for place in places)


class Suspects:
    """All that a look at the places finds; C(owned) are the paths of the contract's packages.

    Whether another package owns a suspect is for the caller to ask. C(closed) are the places that could not be read.
    C(rights): whether owners and modes say who may change a file; in an image they say who unpacked it.
    """

    def __init__(
        self,
        version: str,
        owned: t.Container[str],
        user_bases: t.Sequence[str] = (ROOT_USER_BASE,),
        astray: t.Iterable[str] = (),
        root: Root = HOST,
        rights: bool = True,
    ) -> None:
        self._owned = owned
        self._root = root
        self._rights = rights
        self._bytecode = ".cpython-{0}.pyc".format(version.replace(".", ""))
        self._places = import_path(version, user_bases)
        self._order = {path: number for number, (_role, path) in enumerate(self._places)}
        # What is behind these is as it is until somebody changes it; the link itself is the finding.
        self._entered = {root.realpath(path) for path in astray}
        self._names: t.Dict[str, t.Dict[str, t.List[str]]] = {}
        self.closed: t.List[str] = []
        self.found = [suspect for role, path in self._places for suspect in self._at(role, path)]

    def _at(self, role: str, path: str) -> t.Iterator[Suspect]:
        if role in ("landmark", "archive"):
            if self._root.lexists(path):
                yield Suspect(path, role, True)
        elif role in ("library", "site"):
            yield from self._below(path, role, role == "library")
        else:
            yield from self._beside(path, role)

    def _below(self, folder: str, role: str, inside: bool) -> t.Iterator[Suspect]:
        """Yield what is importable in a folder of packages, and in those folders below it that packages own.

        C(inside): it would be imported as a part of what packages have there.
        """
        real = self._root.realpath(folder)
        if real in self._entered:
            return
        self._entered.add(real)
        for path in self._paths_in(folder):
            name = os.path.basename(path)
            if name == "__pycache__":
                if role == "library":
                    yield from (Suspect(one, role, True) for one in self._paths_in(path) if self._is_bytecode(one))
            elif name in SITE_NAMES and role == "library":
                continue
            elif path not in self._owned:
                if name.endswith(_IMPORTABLE if inside else _IMPORTABLE + _DESCRIBING) or self._root.isdir(path):
                    yield Suspect(path, role, True) if inside else self._with_rights(self._judged(path, role))
            elif not name.endswith(_MODULES) and self._root.isdir(path):
                yield from self._below(path, role, True)

    def _is_bytecode(self, path: str) -> bool:
        """Tell whether this Python would read it."""
        return path.endswith(self._bytecode) and path not in self._owned

    def _beside(self, folder: str, role: str) -> t.Iterator[Suspect]:
        """Yield what comes before the packaged modules, or runs at the start, of a folder that is not the packages'."""
        for path in self._paths_in(folder):
            if path not in self._owned:
                suspect = self._judged(path, role)
                if suspect.hides or suspect.rivals or suspect.runs:
                    yield self._with_rights(suspect)

    def _with_rights(self, suspect: Suspect) -> Suspect:
        return suspect._replace(open=self._is_open(suspect.path))

    def _judged(self, path: str, role: str) -> Suspect:
        name = os.path.basename(path)
        if role != "script" and name.endswith(".pth"):
            return self._path_file(path, role)
        like = self._likeness(path, role)
        runs = role != "script" and name.split(".")[0] in _STARTUP_MODULES
        return Suspect(path, role, like.asked_for, like.rivals, runs)

    def _path_file(self, path: str, role: str) -> Suspect:
        """What it adds to the path comes behind its own folder, and before the next."""
        file = read_path_file(path, self._root)
        site = os.path.dirname(path)
        added = [one for folder in file.adds if folder != site for one in self._paths_in(folder)]
        found = [self._likeness(one, role, site) for one in added]
        led_away = self._rights and any(writable_by_others(folder, self._root) for folder in file.adds)
        rivals = tuple(rival for like in found for rival in like.rivals)
        hides = any(like.asked_for for like in found)
        return Suspect(path, role, hides, rivals, file.runs or led_away or self._is_open(path))

    def _is_open(self, path: str) -> bool:
        """Tell whether others than root may change it; the way to it is a matter of its own."""
        if not self._rights or not self._root.lexists(path):
            return False
        found = self._root.lstat(path)
        if stat.S_ISLNK(found.st_mode):
            return writable_by_others(path, self._root) is not None
        return open_to_others(found)

    def _likeness(self, path: str, role: str, behind: t.Optional[str] = None) -> _Likeness:
        """C(behind): the folder that it is on the path behind, if not in."""
        name = os.path.basename(path)
        module = name.split(".")[0]
        known = [other for one in _COMES_BEFORE[role] for other in self._modules(one).get(module, ()) if other != path]
        rivals = tuple(other for other in known if not behind or self._rank(other) > self._order[behind])
        asked_for = module in ASKED_FOR and len(rivals) == len(known)
        if (rivals or asked_for) and (name.endswith(_MODULES) or (name == module and self._is_package(path))):
            return _Likeness(asked_for, rivals)
        return _Likeness(False, ())

    def _rank(self, path: str) -> int:
        return self._order.get(os.path.dirname(path), len(self._order))

    def _is_package(self, path: str) -> bool:
        """A folder without C(__init__) hides nothing, but answers for what nobody else has."""
        if not self._root.isdir(path):
            return False
        return os.path.basename(path) in ASKED_FOR or any(
            os.path.basename(one).startswith("__init__.") for one in self._paths_in(path)
        )

    def _modules(self, role: str) -> t.Dict[str, t.List[str]]:
        """Return what is in the folders of a role by the names that it would be imported by."""
        if role not in self._names:
            self._names[role] = {}
            folders = {self._root.realpath(path): path for one, path in self._places if one == role}
            for folder in [path + rest for path in folders.values() for rest in _PARTS.get(role, ("",))]:
                for path in self._paths_in(folder):
                    name = os.path.basename(path)
                    if name.endswith(_MODULES) or name.isidentifier():
                        self._names[role].setdefault(name.split(".")[0], []).append(path)
        return self._names[role]

    def _paths_in(self, folder: str) -> t.List[str]:
        if not self._root.isdir(folder):
            if follow(folder, self._root.folder)[1] == "closed":
                self.closed.append(folder)
            return []
        try:
            return [folder.rstrip("/") + "/" + name for name in sorted(self._root.listdir(folder))]
        except OSError:
            self.closed.append(folder)
            return []
