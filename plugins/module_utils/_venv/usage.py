# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Find who uses a venv: service units, cron, scripts and links into it, running processes. All by reading."""

import os
import re
import typing as t

from .._base.text import json_text
from .._usage.places import (
    PLACES,
    Places,
    files_matching,
    folders_matching,
    listed,
    text_of,
    unit_files,
    unit_of_file,
    words_of_process,
)
from .._usage.read import script_text, without_comments
from .records import Use

__all__ = ["users_of"]

_PATH = re.compile(r"/[^\s\"'`;:,|&<>(){}=\0]+")


class _VenvIndex:
    """Tells which venv a path is in, without a comparison with each of them."""

    def __init__(self, venvs: t.Iterable[str]) -> None:
        self.of: t.Dict[str, str] = {}
        for venv in venvs:
            self.of[venv] = venv
            self.of.setdefault(os.path.realpath(venv), venv)
        # Such names are torn apart by every syntax that they are written in.
        self.odd = [path for path in self.of if not _PATH.fullmatch(path)]

    def in_path(self, path: str) -> t.Optional[str]:
        current = os.path.normpath(path)
        while current not in self.of:
            parent = os.path.dirname(current)
            if parent == current:
                return None
            current = parent
        return self.of[current]

    def in_text(self, text: str) -> t.List[str]:
        found = [self.in_path(path) for path in _PATH.findall(text)]
        found += [self.of[path] for path in self.odd if path in text or path.replace(" ", "\\x20") in text]
        return sorted({venv for venv in found if venv})


def users_of(venvs: t.Sequence[str], places: Places = PLACES) -> t.Dict[str, t.List[Use]]:
    """Return for each of C(venvs) who uses it, sorted and without repeats."""
    index = _VenvIndex(venvs)
    found: t.Dict[str, t.List[Use]] = {venv: [] for venv in venvs}
    if not venvs:
        return found
    for loader in (_unit_uses, _cron_uses, _script_uses, _process_uses):
        for venv, use in loader(index, places):
            if use not in found[venv]:
                found[venv].append(use)
    for uses in found.values():
        uses.sort()
    return found


_Found = t.Iterator[t.Tuple[str, Use]]


def _make_use(kind: str, name: str, path: str, via: str = "") -> Use:
    return Use(kind, json_text(name), json_text(path), json_text(via))


def _unit_uses(index: _VenvIndex, places: Places) -> _Found:
    for path in unit_files(places.units):
        unit = unit_of_file(path)
        text = "\n".join(line for line in text_of(path).splitlines() if line[:1] not in "#;")
        for venv in index.in_text(text):
            yield venv, _make_use("systemd", unit, path)
        for script in sorted(set(_PATH.findall(text))):
            if not index.in_path(script):
                for venv in _script_venvs(index, script):
                    yield venv, _make_use("systemd", unit, path, script)


def _cron_uses(index: _VenvIndex, places: Places) -> _Found:
    for path in files_matching(places.crontabs + places.spools + places.anacrontabs + places.cron_scripts):
        text = "\n".join(line for line in text_of(path).splitlines() if line[:2] == "#!" or line[:1] != "#")
        for venv in index.in_text(text):
            yield venv, _make_use("cron", os.path.basename(path), path)


def _script_uses(index: _VenvIndex, places: Places) -> _Found:
    for folder in folders_matching(places.commands + places.personal):
        for name in listed(folder) if not index.in_path(folder) else ():
            path = os.path.join(folder, name)
            if os.path.islink(path):
                target = index.in_path(os.path.join(folder, os.readlink(path)))
                kind, venvs = "link", [target] if target else []
            else:
                kind, venvs = "script", _script_venvs(index, path)
            for venv in venvs:
                yield venv, _make_use(kind, name, path)


def _script_venvs(index: _VenvIndex, path: str) -> t.List[str]:
    """Return the venvs that a script uses; of anything else none."""
    first, _newline, rest = script_text(path).partition("\n")
    return index.in_text(first + "\n" + without_comments(rest))


def _process_uses(index: _VenvIndex, places: Places) -> _Found:
    for pid in listed(places.proc):
        if not pid.isdigit():
            continue
        folder = os.path.join(places.proc, pid)
        try:
            words = words_of_process(folder)
            venvs = {index.in_path(word) for word in words if word.startswith("/")}
            if os.path.exists(os.path.join(folder, "exe")):
                venvs.add(index.in_path(os.readlink(os.path.join(folder, "exe"))))
        except OSError:
            # It ended meanwhile, or belongs to somebody else.
            continue
        for venv in filter(None, venvs):
            yield venv, _make_use("process", pid, " ".join(words).strip()[:300])
