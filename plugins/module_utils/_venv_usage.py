# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Find who uses a venv: service units, cron, scripts and links into it, running processes. All by reading."""

import glob
import os
import re
import stat
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._text import json_text
from ansible_collections.fleet.system_python.plugins.module_utils._venv_config import read_small

__all__ = ["PLACES", "Places", "Use", "listed", "text_of", "unit_files", "users_of"]

# C({kind, name, path}) and for a script that a unit starts C(via): systemd, cron, script, link or process.
Use = t.Dict[str, str]


class Places(t.NamedTuple):
    """Where users of venvs are looked for, as patterns of glob(3); a test gives its own."""

    units: t.Tuple[str, ...] = (
        "/etc/systemd/system",
        "/run/systemd/system",
        "/usr/local/lib/systemd/system",
        "/usr/lib/systemd/system",
        "/lib/systemd/system",
        "/etc/systemd/user",
        "/usr/lib/systemd/user",
        "/root/.config/systemd/user",
        "/home/*/.config/systemd/user",
    )
    cron: t.Tuple[str, ...] = (
        "/etc/crontab",
        "/etc/cron.*/*",
        "/var/spool/cron/*",
        "/var/spool/cron/crontabs/*",
        "/var/spool/cron/tabs/*",
    )
    scripts: t.Tuple[str, ...] = (
        "/usr/local/bin",
        "/usr/local/sbin",
        "/usr/bin",
        "/usr/sbin",
        "/opt/bin",
        "/root/bin",
        "/root/.local/bin",
        "/home/*/bin",
        "/home/*/.local/bin",
    )
    proc: str = "/proc"


PLACES = Places()

_PATH = re.compile(r"/[^\s\"'`;:,|&<>(){}=\0]+")
_UNIT = re.compile(r".*\.(?:service|socket|timer|path|conf)$")


class _Index:
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
    index = _Index(venvs)
    found: t.Dict[str, t.List[Use]] = {venv: [] for venv in venvs}
    if not venvs:
        return found
    for loader in (_unit_uses, _cron_uses, _script_uses, _process_uses):
        for venv, use in loader(index, places):
            if use not in found[venv]:
                found[venv].append(use)
    for uses in found.values():
        uses.sort(key=lambda use: (use["kind"], use["name"], use["path"]))
    return found


_Found = t.Iterator[t.Tuple[str, Use]]


def _use(kind: str, name: str, path: str, via: str = "") -> Use:
    use = {"kind": kind, "name": json_text(name), "path": json_text(path)}
    if via:
        use["via"] = json_text(via)
    return use


def _unit_uses(index: _Index, places: Places) -> _Found:
    for path in unit_files(places.units):
        unit = os.path.basename(path)
        if unit.endswith(".conf"):
            unit = os.path.basename(os.path.dirname(path))[: -len(".d")]
        text = "\n".join(line for line in text_of(path).splitlines() if line[:1] not in "#;")
        for venv in index.in_text(text):
            yield venv, _use("systemd", unit, path)
        for script in sorted(set(_PATH.findall(text))):
            if not index.in_path(script):
                for venv in _script_venvs(index, script):
                    yield venv, _use("systemd", unit, path, script)


def unit_files(patterns: t.Iterable[str]) -> t.Iterator[str]:
    """Yield the units and drop-ins in the folders of C(patterns), by folder and name; links to units are left out."""
    seen = set()
    for pattern in patterns:
        for folder in sorted(glob.glob(pattern)):
            real = os.path.realpath(folder)
            if real in seen:
                continue
            seen.add(real)
            for name in listed(real):
                path = os.path.join(real, name)
                if name.endswith(".d"):
                    for drop_in in listed(path):
                        if drop_in.endswith(".conf"):
                            yield os.path.join(path, drop_in)
                elif _UNIT.match(name) and not os.path.islink(path):
                    yield path


def _cron_uses(index: _Index, places: Places) -> _Found:
    for pattern in places.cron:
        for path in sorted(glob.glob(pattern)):
            text = "\n".join(line for line in text_of(path).splitlines() if line[:2] == "#!" or line[:1] != "#")
            for venv in index.in_text(text):
                yield venv, _use("cron", os.path.basename(path), path)


def _script_uses(index: _Index, places: Places) -> _Found:
    seen = set()
    for pattern in places.scripts:
        for folder in sorted(glob.glob(pattern)):
            real = os.path.realpath(folder)
            if real in seen or index.in_path(real):
                continue
            seen.add(real)
            for name in listed(real):
                path = os.path.join(real, name)
                if os.path.islink(path):
                    venv = index.in_path(os.path.join(real, os.readlink(path)))
                    if venv:
                        yield venv, _use("link", name, path)
                else:
                    for venv in _script_venvs(index, path):
                        yield venv, _use("script", name, path)


def _script_venvs(index: _Index, path: str) -> t.List[str]:
    """Return the venvs that a script uses; of anything else none."""
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode) or not found.st_mode & 0o111:
            return []
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        # A path in a unit need not exist, and one that is closed to us cannot be told.
        return []
    try:
        if os.pread(descriptor, 2, 0) != b"#!":
            return []
        text = os.pread(descriptor, 1 << 16, 0).decode("utf-8", "surrogateescape")
    finally:
        os.close(descriptor)
    lines = text.splitlines()
    return index.in_text("\n".join(lines[:1] + [line for line in lines[1:] if not line.lstrip().startswith("#")]))


def _process_uses(index: _Index, places: Places) -> _Found:
    for pid in listed(places.proc):
        if not pid.isdigit():
            continue
        folder = os.path.join(places.proc, pid)
        try:
            with open(os.path.join(folder, "cmdline"), "rb") as stream:
                words = os.fsdecode(stream.read(1 << 16)).split("\0")
            venvs = {index.in_path(word) for word in words if word.startswith("/")}
            if os.path.exists(os.path.join(folder, "exe")):
                venvs.add(index.in_path(os.readlink(os.path.join(folder, "exe"))))
        except OSError:
            # It ended meanwhile, or belongs to somebody else.
            continue
        for venv in venvs:
            if venv:
                yield venv, _use("process", pid, " ".join(words).strip()[:300])


def text_of(path: str) -> str:
    """Return the text of a small file; an empty one for what cannot be read as one."""
    try:
        return read_small(path)
    except OSError:
        # Folders match the patterns too; a unit that is closed to us cannot be told.
        return ""


def listed(folder: str) -> t.List[str]:
    """Return the names in a folder, none for one that cannot be listed."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        # Most of the places need not exist.
        return []
