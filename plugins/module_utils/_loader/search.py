# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Which files the dynamic loader would take for the libraries that a program wants. Nothing is run.

The order is that of ld.so(8): DT_RPATH, LD_LIBRARY_PATH, DT_RUNPATH, the cache, its own folders; in each folder first
the subfolders for certain processors. What is of another form (32 bit) is passed over; what is damaged is taken, and
the program does not start (glibc, elf/dl-load.c, open_verify).
"""

import os
import re
import typing as t

from .._disk.files import open_regular
from .._disk.root import RealPaths, Root, outside
from .cache import CACHE, read_cache
from .elf import Elf, ElfError, read_elf

__all__ = ["OWN_FOLDERS", "Library", "Loader", "Wanted", "c_libraries", "what_is_loaded"]

# The loader's own, where the cache has nothing: of 64 bit, of 32 bit.
OWN_FOLDERS = ("/lib64", "/usr/lib64", "/lib", "/usr/lib")
# Below each folder, what is for certain processors.
_SUBFOLDERS = "glibc-hwcaps"
_C_LIBRARY = re.compile(r"libc\.so\.[0-9]+$")


class Library(t.NamedTuple):
    """A file that the loader finds under a name.

    C(path) is how it comes to it, C(real) where that leads; C(where) is what names the folder; C(for_some): it is taken
    on processors with certain abilities only. Of what is damaged there is no C(elf), and C(damage) says why.
    """

    path: str
    real: str
    where: str
    for_some: bool
    elf: t.Optional[Elf]
    damage: str = ""


class Wanted(t.NamedTuple):
    """A library by its name, the first file that wants it, and all that the loader finds, the one that it takes first.

    Where that is C(for_some), the next one may be taken as well.
    """

    name: str
    by: str
    found: t.List[Library]

    @property
    def taken(self) -> t.List[Library]:
        """Return what may be taken: none where nothing is found."""
        sure = next((number for number, one in enumerate(self.found) if not one.for_some), len(self.found))
        return self.found[: sure + 1]


class _Place(t.NamedTuple):
    path: str
    where: str
    for_some: bool = False


class Loader:
    """The loader of the system in C(root), where LD_LIBRARY_PATH is C(library_path)."""

    def __init__(self, root: Root, library_path: str = "") -> None:
        self._root = root
        self.real_path = RealPaths(root)
        self._library_path = [folder for folder in re.split("[:;]", library_path) if folder]
        self._cache = read_cache(root)
        self._files: t.Dict[str, t.Tuple[t.Optional[Elf], str]] = {}
        self._below: t.Dict[str, t.List[str]] = {}

    def read(self, path: str) -> t.Tuple[t.Optional[Elf], str]:
        """Return what the file is, null for what is no ELF file, and what is wrong with it."""
        if path not in self._files:
            self._files[path] = self._read(path)
        return self._files[path]

    def _read(self, path: str) -> t.Tuple[t.Optional[Elf], str]:
        try:
            descriptor = open_regular(outside(self.real_path(path), self._root.folder))
        except OSError as error:
            return None, "it cannot be read: {0}".format(error.strerror)
        try:
            return read_elf(descriptor, path, constants=False), ""
        except ElfError as error:
            return None, str(error.details["reason"])
        finally:
            os.close(descriptor)

    def find(self, name: str, by: str, program: Elf, inherited: t.Sequence[str] = ()) -> t.List[Library]:
        """Return all files of C(name), the first one first, for the file C(by) in a process of C(program)."""
        found: t.Dict[str, Library] = {}
        for place in self._places(name, by, inherited):
            real = self.real_path(place.path)
            if real in found or not self._root.isfile(real):
                continue
            elf, damage = self.read(real)
            if elf is None or elf.goes_with(program):
                found[real] = Library(place.path, real, place.where, place.for_some, elf, damage)
        return list(found.values())

    def _places(self, name: str, by: str, inherited: t.Sequence[str]) -> t.Iterator[_Place]:
        if "/" in name:
            yield _Place(name, "its own name")
            return
        elf = self.read(by)[0]
        own = _expanded(elf.runpath, by) if elf else []
        if elf and elf.runpath and not elf.is_rpath:
            yield from self._in_folders(self._library_path, name, "LD_LIBRARY_PATH")
            yield from self._in_folders(own, name, "RUNPATH of " + by)
        else:
            yield from self._in_folders(own + list(inherited), name, "RPATH of " + by)
            yield from self._in_folders(self._library_path, name, "LD_LIBRARY_PATH")
        # Of some processors the entries stand before the others, but the loader looks for the best, wherever it is.
        cached = sorted(self._cache.get(name, []), key=lambda one: not one.for_some)
        for one in cached:
            yield _Place(one.path, CACHE, one.for_some)
        yield from self._in_folders(OWN_FOLDERS, name, "the loader's own folders")

    def _in_folders(self, folders: t.Iterable[str], name: str, where: str) -> t.Iterator[_Place]:
        for folder in folders:
            for below in self._subfolders(folder):
                yield _Place(os.path.join(below, name), where, True)
            yield _Place(os.path.join(folder, name), where)

    def _subfolders(self, folder: str) -> t.List[str]:
        if folder not in self._below:
            top = os.path.join(folder, _SUBFOLDERS)
            names = sorted(self._root.listdir(top)) if self._root.isdir(top) else []
            self._below[folder] = [os.path.join(top, name) for name in names]
        return self._below[folder]


def _expanded(folders: t.Sequence[str], by: str) -> t.List[str]:
    """Return the folders with the tokens of ld.so(8) filled in; $LIB is lib64 or lib."""
    if not folders:
        return []
    words = {"ORIGIN": os.path.dirname(by), "PLATFORM": os.uname().machine}
    found = []
    for lib in ("lib64", "lib"):
        words["LIB"] = lib
        found += [re.sub(r"\$(?:(\w+)|\{(\w+)\})", lambda token: _filled(token, words), folder) for folder in folders]
    return list(dict.fromkeys(found))


def _filled(token: "t.Match[str]", words: t.Mapping[str, str]) -> str:
    return words.get(token.group(1) or token.group(2), token.group())


def what_is_loaded(loader: Loader, program: str, more: t.Sequence[str] = ()) -> t.List[Wanted]:
    """Return every library that the file C(program) loads at its start, then what C(more), which it loads later, want.

    Of C(more), what is no library for this kind of process is passed over. The first one that wants a name decides, as
    in the loader, which goes breadth first.
    """
    main = loader.read(program)[0]
    if main is None:
        return []
    wanted: t.Dict[str, Wanted] = {}
    if main.interpreter:
        # The C library wants it by its name alone; it is there by then.
        name = os.path.basename(main.interpreter)
        wanted[name] = Wanted(name, program, loader.find(main.interpreter, program, main))
    queue: t.List[t.Tuple[str, t.List[str]]] = [(path, []) for path in (program, *more)]
    for by, inherited in queue:
        elf = loader.read(by)[0]
        if elf is None or not elf.goes_with(main):
            continue
        for name in elf.needed:
            if name not in wanted:
                wanted[name] = Wanted(name, by, loader.find(name, by, main, inherited))
                below = inherited + (_expanded(elf.runpath, by) if elf.is_rpath else [])
                queue += [(one.real, below) for one in wanted[name].taken]
    # A module may want another one by name, which is loaded before it.
    loaded = {elf.soname for elf in (loader.read(path)[0] for path in more) if elf}
    return [one for one in wanted.values() if one.found or one.name not in loaded]


def c_libraries(wanted: t.Iterable[Wanted]) -> t.List[str]:
    """Return the files of the C library, in whose folders those of the operating system are."""
    return [one.real for each in wanted if _C_LIBRARY.match(each.name) for one in each.taken]
