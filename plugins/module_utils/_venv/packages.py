# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Read which distributions are installed in a folder, from their metadata alone: nothing of them is run or imported."""

import os
import re
import typing as t

from .._base.text import from_json, json_text
from .._disk.files import MOST_OF_A_USER, read_text
from .._usage.places import listed, text_of
from .records import Origin, Package

__all__ = [
    "installed_packages",
    "is_seed",
    "lines_of",
    "normalized",
    "recorded_paths",
    "site_folders",
    "top_level_modules",
]

# What tools put into a venv by themselves: nothing that anybody asked for, and importing some of it has effects.
_SEEDS = ("pip", "setuptools", "wheel", "pkg-resources", "distribute")

_LIBRARY = re.compile(r"(?:python|pypy)(\d+\.\d+)t?$")
_NAME = re.compile(r"^Name:[ \t]*(.+?)[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)
_VERSION = re.compile(r"^Version:[ \t]*(.+?)[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)
_SUFFIX = re.compile(r"(?:\.cpython-|\.abi3|\.pypy|\.so$|\.py$)")


def site_folders(venv: str) -> t.Dict[str, str]:
    """Return the site-packages folders by minor version: C({"3.11": "/srv/app/lib/python3.11/site-packages"}).

    lib64 is looked at only where it is a folder of its own.
    """
    found: t.Dict[str, str] = {}
    for name in ("lib64", "lib"):
        library = os.path.join(venv, name)
        if os.path.islink(library):
            continue
        for entry in listed(library):
            version = _LIBRARY.match(entry)
            folder = os.path.join(library, entry, "site-packages")
            if version and os.path.isdir(folder):
                found[version.group(1)] = folder
    return found


def installed_packages(site: str) -> t.List[Package]:
    """Return the distributions in the folder C(site), by name. One whose metadata cannot be read goes by its folder."""
    found = []
    for entry in listed(site):
        stem, suffix = os.path.splitext(entry)
        if suffix in (".dist-info", ".egg-info"):
            found.append(_package(os.path.join(site, entry), stem, suffix))
        elif suffix == ".egg-link":
            found.append(_egg_link(os.path.join(site, entry), stem))
    return found


def _package(path: str, stem: str, suffix: str) -> Package:
    name, _dash, version = stem.partition("-")
    folder = os.path.isdir(path) if suffix == ".egg-info" else True
    metadata = text_of(os.path.join(path, "METADATA" if suffix == ".dist-info" else "PKG-INFO") if folder else path)
    told_name, told_version = _NAME.search(metadata), _VERSION.search(metadata)
    # The version of an egg-info folder ends with the Python that it is for.
    version = re.sub(r"-py\d.*", "", version) if suffix == ".egg-info" else version
    package = Package(
        json_text(told_name.group(1) if told_name else name),
        json_text(told_version.group(1) if told_version else version),
    )
    if suffix == ".egg-info":
        return package
    installer = text_of(os.path.join(path, "INSTALLER")).strip()
    return package._replace(
        installer="" if installer == "pip" else json_text(installer),
        origin=_origin(text_of(os.path.join(path, "direct_url.json"))),
    )


def _egg_link(path: str, stem: str) -> Package:
    """Return a package that was installed with C(setup.py develop)."""
    target = text_of(path).split("\n")[0].strip()
    return Package(json_text(stem), "", origin=Origin("editable", "file://" + json_text(target)))


def _origin(text: str) -> t.Optional[Origin]:
    """Return what a direct_url.json says, None for a package of an index. Its form: PEP 610."""
    if not text:
        return None
    try:
        loaded = from_json(text)
    except ValueError:
        return Origin("unknown", "")
    if not isinstance(loaded, dict) or not isinstance(loaded.get("url"), str):
        return Origin("unknown", "")
    url = json_text(loaded["url"])
    vcs = loaded.get("vcs_info")
    if isinstance(loaded.get("dir_info"), dict):
        return Origin("editable" if loaded["dir_info"].get("editable") else "local", url)
    if isinstance(vcs, dict):
        return Origin("vcs", json_text(f"{vcs.get('vcs', '')}+{url}@{vcs.get('commit_id', '')}"))
    return Origin("archive", url)


def is_seed(name: str) -> bool:
    """Tell whether the package C(name) is one that tools put into a venv by themselves."""
    return normalized(name) in _SEEDS


def normalized(name: str) -> str:
    """Return the name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def top_level_modules(site: str) -> t.Dict[str, t.List[str]]:
    """Return what each distribution in C(site) has to import: C({name: [module, ...]}), sorted.

    From RECORD, else top_level.txt; a distribution that brings no module (only scripts or data) has an empty list.
    """
    found: t.Dict[str, t.List[str]] = {}
    for entry in listed(site):
        stem, suffix = os.path.splitext(entry)
        if suffix not in (".dist-info", ".egg-info") or not os.path.isdir(os.path.join(site, entry)):
            continue
        path = os.path.join(site, entry)
        record = recorded_paths(os.path.join(path, "RECORD")) if suffix == ".dist-info" else None
        modules = _modules_of(record or ()) | set(text_of(os.path.join(path, "top_level.txt")).split())
        there = {name for name in modules if _is_there(site, name)}
        found[_package(path, stem, suffix).name] = sorted(there)
    return found


def lines_of(path: str) -> t.Optional[t.List[str]]:
    """Return the lines of one of a package's own lists, each once; None where there is none, or one without end."""
    try:
        return list(dict.fromkeys(read_text(path, MOST_OF_A_USER).splitlines()))
    except OSError:
        # Not every tool writes it down.
        return None


def recorded_paths(path: str) -> t.Optional[t.List[str]]:
    """Return the paths that a RECORD lists; None where there is none."""
    lines = lines_of(path)
    # A name with a comma is in quotes.
    return lines and [line[1:].partition('"')[0] if line[:1] == '"' else line.partition(",")[0] for line in lines]


def _modules_of(record: t.Iterable[str]) -> t.Set[str]:
    found = set()
    for path in record:
        first, slash, rest = path.partition("/")
        if slash and rest == "__init__.py":
            found.add(first)
        elif not slash and _SUFFIX.search(first):
            found.add(first.split(".")[0])
    return {name for name in found if name.isidentifier() and not name.startswith("__")}


def _is_there(site: str, module: str) -> bool:
    if os.path.isfile(os.path.join(site, module, "__init__.py")) or os.path.isfile(os.path.join(site, module + ".py")):
        return True
    return any(name.startswith(module + ".") and name.endswith(".so") for name in listed(site))
