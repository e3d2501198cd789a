# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Read which distributions are installed in a folder, from their metadata alone: nothing of them is run or imported."""

import json
import os
import re
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._text import json_text
from ansible_collections.fleet.system_python.plugins.module_utils._venv_config import read_small

__all__ = ["Package", "installed_packages", "normalized", "site_folders", "top_level_modules"]

# C({name, version}), and where they say something: C(installer) (other than pip), C(origin), see C(_origin).
Package = t.Dict[str, t.Any]

_LIBRARY = re.compile(r"python(\d+\.\d+)t?$")
_PYPY_LIBRARY = re.compile(r"pypy(\d+\.\d+)$")
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
        for entry in _listed(library):
            version = _LIBRARY.match(entry) or _PYPY_LIBRARY.match(entry)
            folder = os.path.join(library, entry, "site-packages")
            if version and os.path.isdir(folder):
                found[version.group(1)] = folder
    return found


def _listed(folder: str) -> t.List[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        # Gone or closed: then nothing is known to be installed there, and the venv's other signs speak.
        return []


def installed_packages(site: str) -> t.List[Package]:
    """Return the distributions in the folder C(site), by name. One whose metadata cannot be read goes by its folder."""
    found = []
    for entry in _listed(site):
        stem, suffix = os.path.splitext(entry)
        if suffix in (".dist-info", ".egg-info"):
            found.append(_package(os.path.join(site, entry), stem, suffix))
        elif suffix == ".egg-link":
            found.append(_egg_link(os.path.join(site, entry), stem))
    return found


def _package(path: str, stem: str, suffix: str) -> Package:
    name, _dash, version = stem.partition("-")
    folder = os.path.isdir(path) if suffix == ".egg-info" else True
    metadata = _text(os.path.join(path, "METADATA" if suffix == ".dist-info" else "PKG-INFO") if folder else path)
    told_name, told_version = _NAME.search(metadata), _VERSION.search(metadata)
    # The version of an egg-info folder ends with the Python that it is for.
    version = re.sub(r"-py\d.*", "", version) if suffix == ".egg-info" else version
    package: Package = {
        "name": json_text(told_name.group(1) if told_name else name),
        "version": json_text(told_version.group(1) if told_version else version),
    }
    if suffix == ".dist-info":
        installer = _text(os.path.join(path, "INSTALLER")).strip()
        if installer not in ("", "pip"):
            package["installer"] = json_text(installer)
        origin = _origin(_text(os.path.join(path, "direct_url.json")))
        if origin:
            package["origin"] = origin
    return package


def _egg_link(path: str, stem: str) -> Package:
    """Return a package that was installed with C(setup.py develop)."""
    target = _text(path).split("\n")[0].strip()
    return {
        "name": json_text(stem),
        "version": "",
        "origin": {"kind": "editable", "url": "file://" + json_text(target)},
    }


def _text(path: str) -> str:
    try:
        return read_small(path)
    except OSError:
        # Most of these files need not be there.
        return ""


def _origin(text: str) -> t.Optional[t.Dict[str, str]]:
    """Return C({kind, url}) of a direct_url.json (editable, vcs, archive, local), None for a package of an index."""
    if not text:
        return None
    try:
        told = json.loads(text)
    except ValueError:
        return {"kind": "unknown", "url": ""}
    if not isinstance(told, dict) or not isinstance(told.get("url"), str):
        return {"kind": "unknown", "url": ""}
    url = json_text(told["url"])
    vcs = told.get("vcs_info")
    if isinstance(told.get("dir_info"), dict):
        return {"kind": "editable" if told["dir_info"].get("editable") else "local", "url": url}
    if isinstance(vcs, dict):
        url = "{0}+{1}@{2}".format(vcs.get("vcs", ""), url, vcs.get("commit_id", ""))
        return {"kind": "vcs", "url": json_text(url)}
    return {"kind": "archive", "url": url}


def normalized(name: str) -> str:
    """Return the name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def top_level_modules(site: str) -> t.Dict[str, t.List[str]]:
    """Return what each distribution in C(site) has to import: C({name: [module, ...]}), sorted.

    From RECORD, else top_level.txt; a distribution that brings no module (only scripts or data) has an empty list.
    """
    found: t.Dict[str, t.List[str]] = {}
    for entry in _listed(site):
        stem, suffix = os.path.splitext(entry)
        if suffix not in (".dist-info", ".egg-info") or not os.path.isdir(os.path.join(site, entry)):
            continue
        path = os.path.join(site, entry)
        record = _whole(os.path.join(path, "RECORD" if suffix == ".dist-info" else "SOURCES.txt"))
        told = _text(os.path.join(path, "top_level.txt")).split()
        modules = _modules_of(record) if suffix == ".dist-info" and record else set(told)
        there = {name for name in modules | set(told) if _is_there(site, name)}
        found[str(_package(path, stem, suffix)["name"])] = sorted(there)
    return found


def _whole(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read()
    except OSError:
        return ""


def _modules_of(record: str) -> t.Set[str]:
    found = set()
    for line in record.splitlines():
        path = line.lstrip('"').split(",")[0].rstrip('"')
        first, slash, rest = path.partition("/")
        if slash and rest == "__init__.py":
            found.add(first)
        elif not slash and _SUFFIX.search(first):
            found.add(first.split(".")[0])
    return {name for name in found if name.isidentifier() and not name.startswith("__")}


def _is_there(site: str, module: str) -> bool:
    if os.path.isfile(os.path.join(site, module, "__init__.py")) or os.path.isfile(os.path.join(site, module + ".py")):
        return True
    return any(name.startswith(module + ".") and name.endswith(".so") for name in _listed(site))
