# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Pack an installed runtime into an archive that other hosts install; beside it lies a note of what it was made of."""

import os

from .._base.errors import ArchiveError
from .._base.text import json_text, printable
from .._disk import archive
from .._disk.atomic import write_durably
from .._disk.files import read_text, sha256_of
from .._disk.trees import remove_any
from .._trust.manifest import MANIFEST, SUMS, examine, load_manifest

__all__ = ["is_packed", "pack"]


def pack(folder: str, destination: str, owner: int = 0) -> None:
    """Write the runtime in C(folder) to the archive C(destination). Raises ArchiveError when it is not intact.

    The compiled files are packed too: so no host needs to compile.
    """
    manifest = load_manifest(folder)
    known = manifest["files"] if manifest else {}
    deviations = examine(folder, manifest, owner) if manifest else []
    if deviations:
        raise ArchiveError(
            f"{printable(folder)} is not as it was installed, and is not packed: {printable(deviations[0].path)} "
            f"({deviations[0].what}). Use state: intact first.",
            archive=json_text(destination),
        )
    temporary = destination + ".new"
    remove_any(temporary)

    def is_left_out(path: str) -> bool:
        return path in (MANIFEST, SUMS) or (path.endswith(".pyc") and path not in known)

    archive.pack(folder, temporary, "python", is_left_out)
    os.chmod(temporary, 0o644)
    os.rename(temporary, destination)
    write_durably(_note_path(destination), _checksum_note(folder, destination).encode("ascii") + b"\n", 0o644)


def is_packed(folder: str, destination: str) -> bool:
    """Tell whether the archive C(destination) is the one that was made of the runtime as it is now."""
    if not os.path.isfile(destination):
        return False
    try:
        return read_text(_note_path(destination)).strip() == _checksum_note(folder, destination)
    except FileNotFoundError:
        return False


def _note_path(destination: str) -> str:
    return destination + ".packed"


def _checksum_note(folder: str, destination: str) -> str:
    """Return the SHA-256 of the list of the runtime's files, and that of the archive made of them."""
    return f"{sha256_of(os.path.join(folder, SUMS))} {sha256_of(destination)}"
