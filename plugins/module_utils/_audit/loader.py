# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What the dynamic loader puts into the system's Python: what is preloaded into every program, and its libraries.

Source: ld.so(8).
"""

import os
import re
import typing as t

from .._disk.root import Root, writable_by_others
from .._loader.cache import ConfiguredFolder, configured_folders
from .._loader.search import Library, Loader, Wanted, c_libraries, what_is_loaded
from .packaged_files import PackagedFiles
from .records import Contract, Hijack, LoadedLibrary, LoaderVariable, PreloadedLibrary

__all__ = ["PRELOAD", "Libraries", "LoaderVariables", "preloaded_libraries"]

PRELOAD = "/etc/ld.so.preload"
# A name without a folder is looked for where the loader looks without its cache; so is what $LIB stands for.
_FOLDERS = ("/lib64", "/usr/lib64", "/lib", "/usr/lib")
_SEARCH_PATH = "LD_LIBRARY_PATH"
_LIBRARY_NAME = re.compile(r"\.so(?:\.|$)")


def preloaded_libraries(root: Root) -> t.List[PreloadedLibrary]:
    """Return what /etc/ld.so.preload names, in its order, without the owners.

    Names are separated by blanks, line ends or colons; C(#) begins a comment (glibc, elf/rtld.c).
    """
    if not root.isfile(PRELOAD):
        return []
    with root.open(PRELOAD) as stream:
        text = re.sub("#.*", "", os.fsdecode(stream.read()))
    return [_library(name, root) for name in re.split(r"[ \t\n:]+", text) if name]


def _library(name: str, root: Root) -> PreloadedLibrary:
    candidates = _candidates(name)
    found = next((path for path in candidates if root.isfile(path)), None)
    open_to_others = next(filter(None, (writable_by_others(path, root) for path in candidates)), None)
    return PreloadedLibrary(
        name=name,
        path=root.realpath(found) if found else None,
        writable=open_to_others,
        owner=None,
        verified=None,
    )


def _candidates(name: str) -> t.List[str]:
    """Return where the library may be; $LIB is lib64 or lib (ld.so(8), dynamic string tokens)."""
    if "/" not in name:
        return [os.path.join(folder, name) for folder in _FOLDERS]
    return [re.sub(r"\$LIB(?=/)|\$\{LIB\}", lib, name) for lib in ("lib64", "lib")]


class Libraries:
    """The libraries of the system's Python, of its modules, and of the package manager."""

    def __init__(self, contract: Contract, files: PackagedFiles, root: Root) -> None:
        self._files = files
        self._root = root
        loader = Loader(root)
        self._real_path = loader.real_path
        self._program = root.realpath(contract["binaries"][0]["path"])
        manager = contract["manager"]
        packages = set(contract["packages"]).union(manager["packages"] if manager else ())
        libraries = {
            path: files.records[path] for path in files.records if ".so" in path and _LIBRARY_NAME.search(path)
        }
        self._modules = [
            path for path, (package, record) in libraries.items() if package in packages and record.kind == "file"
        ]
        self._promised = {os.path.basename(path) for path in libraries}
        self._wanted = what_is_loaded(loader, self._program, self._modules)
        self._of_manager = self._wanted
        if manager and not manager["interpreter"]:
            self._of_manager = what_is_loaded(loader, root.realpath(manager["argv"][0]))

    def paths(self) -> t.Set[str]:
        """Return all files that may be loaded, by the names under which they are found and by their own."""
        wanted = self._wanted + self._of_manager
        return {path for each in wanted for one in each.found for path in (one.path, one.real)}

    def unvouched(self) -> t.List[LoadedLibrary]:
        """Return what is nowhere, or is no package's file as that shipped it."""
        found = {(one["name"], one["path"]): one for one in self._judged(self._wanted)}
        is_same = self._of_manager is self._wanted
        for one in list(found.values()) if is_same else self._judged(self._of_manager):
            found.setdefault((one["name"], one["path"]), one)["of_manager"] = True
        return list(found.values())

    def brought_by(self, variable: str, value: str) -> t.List[str]:
        """Return the files that the system's Python loads because of one of LOADER_VARIABLES."""
        loader = Loader(self._root, value if variable == _SEARCH_PATH else "")
        if variable == _SEARCH_PATH:
            wanted = what_is_loaded(loader, self._program, self._modules)
            return [one.real for each in wanted for one in each.taken if one.where == _SEARCH_PATH]
        main = loader.read(self._program)[0]
        names = [path for name in re.split("[ :]+", value) if name for path in _candidates(name)]
        found = [loader.find(name, self._program, main) for name in names] if main else []
        return list(dict.fromkeys(several[0].real for several in found if several))

    def is_vouched(self, path: str) -> bool:
        """Tell whether a package vouches for a library, or the host's base, which is no package's, has it."""
        return bool(self._files.verified(path)) or (
            self._files.owner(path) is None and os.path.dirname(path) in self._base(self._wanted)
        )

    def _base(self, wanted: t.Iterable[Wanted]) -> t.Set[str]:
        return {os.path.dirname(one) for one in c_libraries(wanted) if not self._files.owner(one)}

    def _judged(self, wanted: t.Sequence[Wanted]) -> t.List[LoadedLibrary]:
        """Return the records of what speaks against itself.

        What is wrong with the files of the contract's packages is for other rules. Where no package owns even the C
        library, the host is not made of packages: then its folder is taken as it is, but not what comes before a
        package's library.
        """
        # While an owner is missing from the database, its own files look as if nobody owned them.
        if self._files.missing():
            return []
        base, real_path = self._base(wanted), self._real_path
        folders = [one._replace(folder=real_path(one.folder)) for one in configured_folders(self._root)]
        found = []
        for each in wanted:
            if not each.taken and each.name not in self._promised:
                found.append(_nowhere(each))
            for one in each.taken:
                if self._files.owner(one.real) in self._files.scope or self._files.verified(one.real):
                    continue
                record = _judged(each, one, self._files, folders, real_path)
                is_base = record["owner"] is None and record["instead"] is None and os.path.dirname(one.real) in base
                if record["damage"] or not is_base:
                    found.append(record)
        return found


class LoaderVariables:
    """Settings of LOADER_VARIABLES, and what they put into the system's Python."""

    def __init__(self, settings: t.Sequence[Hijack], libraries: Libraries, root: Root) -> None:
        self._settings = settings
        self._libraries = libraries
        self._root = root
        self._brought = {
            (one["variable"], one["value"]): libraries.brought_by(one["variable"], one["value"]) for one in settings
        }

    def paths(self) -> t.Set[str]:
        """Return the libraries and the files of the settings."""
        found = {path for brought in self._brought.values() for path in brought}
        return found.union(one["path"] for one in self._settings if one["path"])

    def judged(self, owner: t.Callable[[str], t.Optional[str]]) -> t.List[LoaderVariable]:
        """Return the records; the owners of the files are known by now."""
        return [
            LoaderVariable(
                variable=one["variable"],
                value=one["value"],
                who=one["who"],
                source=one["source"],
                path=one["path"],
                owner=owner(one["path"]) if one["path"] else None,
                unvouched=[
                    path
                    for path in self._brought[one["variable"], one["value"]]
                    if not self._libraries.is_vouched(path)
                ],
                writable=self._open_to_others(one),
            )
            for one in self._settings
        ]

    def _open_to_others(self, setting: Hijack) -> t.Optional[str]:
        places = re.split("[:; ]", setting["value"])
        found = (writable_by_others(place, self._root) for place in places if place.startswith("/"))
        return next(filter(None, found), None)


def _nowhere(wanted: Wanted) -> LoadedLibrary:
    return LoadedLibrary(
        name=wanted.name,
        needed_by=wanted.by,
        of_manager=False,
        path=None,
        found_by=None,
        configured=None,
        damage=None,
        owner=None,
        verified=None,
        instead=None,
    )


def _judged(
    wanted: Wanted,
    library: Library,
    files: PackagedFiles,
    folders: t.Sequence[ConfiguredFolder],
    real_path: t.Callable[[str], str],
) -> LoadedLibrary:
    others = [one.real for one in wanted.found if one.real != library.real and files.owner(one.real)]
    folder = real_path(os.path.dirname(library.path))
    return LoadedLibrary(
        name=wanted.name,
        needed_by=wanted.by,
        of_manager=False,
        path=library.real,
        found_by=library.where,
        configured=_configured(folder, folders),
        damage=library.damage or None,
        owner=files.owner(library.real),
        verified=files.verified(library.real),
        instead=others[0] if others else files.shipped_file(os.path.join(folder, os.path.basename(library.path))),
    )


def _configured(folder: str, folders: t.Sequence[ConfiguredFolder]) -> t.Optional[str]:
    """Return the line that made ldconfig look in C(folder)."""
    for one in folders:
        if (folder + "/").startswith(one.folder + "/"):
            return "{0}:{1}".format(one.file, one.line)
    return None
