# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Let a venv that was moved know where it is: its scripts, activate, pyvenv.cfg, and what its packages say of places.

Run all of this as the venv's owner. Each file is replaced by a rename, C(activate) last: by it a moved venv is known,
so that the next run finishes what a killed one began.
"""

import base64
import csv
import hashlib
import io
import os
import re
import typing as t

from .._disk.atomic import write_durably
from .._disk.files import read_bytes
from .._usage.places import listed
from .config import CONFIG_NAME
from .packages import site_folders
from .relink import require_own_folders

__all__ = ["rewrite"]

_LARGEST = 1 << 20
_Before = t.Dict[str, t.Tuple[bytes, int]]


def rewrite(venv: str, old: str, prove: t.Callable[[], t.Any]) -> t.Any:
    """Replace C(old) by C(venv) where it stands for the venv, and return what C(prove) does; undo it where that raises.

    Raises UnsafeVenvError where a folder of the venv is a link.
    """
    require_own_folders(venv)
    before: _Before = {}
    try:
        for path in _texts(venv):
            _replace(path, _pattern(old), os.fsencode(venv), before)
        for site in site_folders(venv).values():
            _update_records(site, before)
        _replace(os.path.join(venv, "bin", "activate"), _pattern(old), os.fsencode(venv), before)
        return prove()
    except BaseException:
        for path, (content, mode) in before.items():
            write_durably(path, content, mode)
        raise


def _pattern(old: str) -> "re.Pattern[bytes]":
    # Not the beginning of another name, nor the end of another path; in an address two slashes stand before it.
    return re.compile(rb"(?:(?<=file://)|(?<![\w./-]))" + re.escape(os.fsencode(old)) + rb"(?![\w.-])")


def _texts(venv: str) -> t.List[str]:
    """Return what may name the place of the venv, without C(activate)."""
    folder = os.path.join(venv, "bin")
    paths = [os.path.join(folder, name) for name in sorted(listed(folder)) if name != "activate"]
    for site in site_folders(venv).values():
        for name in sorted(listed(site)):
            if name.endswith((".pth", ".egg-link")) or name.startswith("__editable__"):
                paths.append(os.path.join(site, name))
            elif name.endswith(".dist-info"):
                paths.append(os.path.join(site, name, "direct_url.json"))
    return paths + [os.path.join(venv, CONFIG_NAME)]


def _replace(path: str, pattern: "re.Pattern[bytes]", new: bytes, before: _Before) -> None:
    # Never through a link: it leads out of the venv.
    if os.path.islink(path) or not os.path.isfile(path) or os.path.getsize(path) > _LARGEST:
        return
    content = read_bytes(path)
    changed = pattern.sub(lambda _found: new, content)
    if changed != content and b"\0" not in content:
        _write(path, changed, before)


def _write(path: str, content: bytes, before: _Before) -> None:
    mode = os.stat(path).st_mode & 0o7777
    before.setdefault(path, (read_bytes(path), mode))
    write_durably(path, content, mode)


def _update_records(site: str, before: _Before) -> None:
    """Write the checksums of the changed files into the lists of their packages."""
    changed = set(before)
    for name in sorted(listed(site)):
        path = os.path.join(site, name, "RECORD")
        if not name.endswith(".dist-info") or os.path.islink(path) or not os.path.isfile(path):
            continue
        rows = list(csv.reader(io.StringIO(os.fsdecode(read_bytes(path)), newline="")))
        named = [
            row for row in rows if len(row) > 1 and row[1] and os.path.normpath(os.path.join(site, row[0])) in changed
        ]
        for row in named:
            content = read_bytes(os.path.normpath(os.path.join(site, row[0])))
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode("ascii")
            row[1:] = ["sha256=" + digest, str(len(content))]
        if named:
            text = io.StringIO(newline="")
            csv.writer(text, lineterminator="\n").writerows(rows)
            _write(path, os.fsencode(text.getvalue()), before)
