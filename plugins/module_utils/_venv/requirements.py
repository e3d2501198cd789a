# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What shall be installed in a venv: lines and files, and the digest that tells whether they have changed."""

import hashlib
import json
import os
import re
import typing as t

from .._base.errors import InvalidDataError
from .._base.text import printable
from .._disk.files import open_new, read_bytes
from .._usage.places import listed

__all__ = ["Requirements"]

_WHEEL = re.compile(r"\.(?:whl|tar\.gz|zip)$")
_NESTED = re.compile(r"^\s*(?:-r|--requirement|-c|--constraint)[ =]?\s*(\S+)", re.MULTILINE)


class Requirements(t.NamedTuple):
    """C(lines) and C(constraints) as in a requirements file; the files are on the host."""

    lines: t.Tuple[str, ...] = ()
    file: t.Optional[str] = None
    constraints: t.Tuple[str, ...] = ()
    constraints_file: t.Optional[str] = None
    require_hashes: bool = False
    wheelhouse: t.Optional[str] = None
    index_url: t.Optional[str] = None
    dependencies: bool = True

    @property
    def is_empty(self) -> bool:
        """Return whether nothing is to be installed."""
        return not self.lines and not self.file

    def digest(self) -> str:
        """Return the SHA-256 of all that decides what gets installed, files by their content. Raises InvalidDataError.

        The wheelhouse and the index are not part of it: they are where packages come from, not which.
        """
        data = {
            "lines": [line.strip() for line in self.lines],
            "constraints": [line.strip() for line in self.constraints],
            "files": [_content(path, set()) for path in (self.file, self.constraints_file) if path],
            "require_hashes": self.require_hashes,
            "dependencies": self.dependencies,
        }
        return hashlib.sha256(json.dumps(data, sort_keys=True).encode("utf-8")).hexdigest()

    def check(self) -> None:
        """Raise InvalidDataError when a file or the wheelhouse cannot be used."""
        self.digest()
        if self.wheelhouse is not None and not any(map(_WHEEL.search, listed(self.wheelhouse))):
            raise InvalidDataError(
                f"The wheelhouse {printable(self.wheelhouse)} has no package in it, or is no folder.",
                path=printable(self.wheelhouse),
            )

    def arguments(self, folder: str) -> t.List[str]:
        """Return the arguments for pip and uv; the lines are written to files in C(folder)."""
        found: t.List[str] = []
        for lines, option in ((self.lines, "-r"), (self.constraints, "-c")):
            if lines:
                path = os.path.join(folder, f"lines{option}.txt")
                with open_new(path) as stream:
                    stream.write(("\n".join(lines) + "\n").encode("utf-8"))
                found += [option, path]
        for file, option in ((self.file, "-r"), (self.constraints_file, "-c")):
            found += [option, file] if file else []
        found += ["--require-hashes"] if self.require_hashes else []
        found += [] if self.dependencies else ["--no-deps"]
        found += ["--no-index", "--find-links", self.wheelhouse] if self.wheelhouse else []
        found += ["--index-url", self.index_url] if self.index_url else []
        return found


def _content(path: str, seen: t.Set[str]) -> t.List[str]:
    """Return the text of a requirements file and of those that it names."""
    if path in seen:
        return []
    seen.add(path)
    try:
        text = read_bytes(path, follow=True).decode("utf-8", "replace")
    except OSError as error:
        raise InvalidDataError(
            f"The requirements {printable(path)} cannot be read: {error.strerror}.", path=printable(path)
        ) from error
    found = [text]
    for nested in _NESTED.findall(text):
        if "://" not in nested:
            found += _content(os.path.join(os.path.dirname(path), nested), seen)
    return found
