# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Find the archive of a version in a release of python-build-standalone, by the release's own list of checksums.

A release is a folder with a file SHA256SUMS and archives whose names say version, release, machine and flavour:
C(cpython-3.12.13+20260610-x86_64-unknown-linux-gnu-install_only.tar.gz).
"""

import os
import re
import typing as t
import urllib.parse

from .._base.errors import AcquisitionError, DownloadError, InvalidDataError, RepositoryError
from .._base.text import json_text, printable, shortened
from .._disk.files import open_to_read
from .._disk.root import writable_by_others
from .._packages.download import Deadline, Downloader
from .records import RuntimeSettings, is_url, shown_place

__all__ = ["check_mirror", "is_of_release", "with_archive_of_release"]

SUMS = "SHA256SUMS"
_LARGEST = 4 << 20
# By the machine that the kernel names; all others are called as it calls them.
_TARGETS = {"armv7l": "armv7-unknown-linux-gnueabihf"}
_LINE = re.compile(r"([0-9a-f]{64})[ \t]+\*?(?:\./)?(cpython-(\d[\w.]*)\+(\d{8})-([\w-]+)-install_only\.tar\.gz)")


class _Archive(t.NamedTuple):
    release: str
    name: str
    sha256: str


def check_mirror(mirror: str, sha256: str, verify: bool) -> None:
    """Raise InvalidDataError where somebody else could change the list of checksums and the archive with it."""
    if not mirror or sha256:
        return
    if not is_url(mirror) or mirror.startswith("file:///"):
        _require_roots_alone(mirror)
    elif not (verify and mirror.startswith("https://")):
        raise InvalidDataError(
            f"{printable(shown_place(mirror))} can be changed on its way, and its list of checksums with it. Take an "
            "https address whose certificate is checked, or say which archive is right with sha256."
        )


def _require_roots_alone(mirror: str) -> None:
    folder = (
        os.fsdecode(urllib.parse.unquote_to_bytes(urllib.parse.urlsplit(mirror).path)) if is_url(mirror) else mirror
    )
    if not os.path.isabs(folder):
        raise InvalidDataError(f"mirror is {printable(mirror)}; it must be an address or an absolute path.")
    try:
        place = writable_by_others(os.path.join(folder, SUMS))
    except OSError as error:
        raise _unreadable(folder, error) from error
    if place is not None:
        raise InvalidDataError(
            f"{printable(place)} can be changed by others than root, and the checksums of the release with it. Take "
            "that right from them, or say which archive is right with sha256."
        )


def is_of_release(place: str, mirror: str) -> bool:
    """Tell whether an archive, as the manifest has it, came from this release."""
    return os.path.dirname(place) == shown_place(mirror)


def with_archive_of_release(settings: RuntimeSettings, machine: str = "") -> RuntimeSettings:
    """Return the settings with place and SHA-256 of the archive; C(machine) is by default this one's.

    A SHA-256 that the user gave stays. Raises AcquisitionError where the release has no such archive, DownloadError.
    """
    machine = machine or os.uname().machine
    target = _TARGETS.get(machine, machine + "-unknown-linux-gnu")
    found = _archives(_read_sums(settings), target)
    if settings.version not in found:
        others = sorted(version for version in found if version.startswith(settings.minor + "."))
        raise AcquisitionError(
            f"The release {printable(shown_place(settings.mirror))} has no CPython {settings.version} for {target}"
            + (f"; of {settings.minor} it has {shortened(map(printable, others), 5)}" if others else "")
            + ". Name a version that it has, or the release that has this one.",
            wanted=[settings.version],
        )
    newest = max(found[settings.version])
    if len({one.sha256 for one in found[settings.version] if one.name == newest.name}) > 1:
        raise InvalidDataError(f"{SUMS} has more than one checksum of {newest.name}.")
    name = urllib.parse.quote(newest.name) if is_url(settings.mirror) else newest.name
    return settings._replace(place=f"{settings.mirror}/{name}", sha256=settings.sha256 or newest.sha256)


def _archives(sums: str, target: str) -> t.Dict[str, t.List[_Archive]]:
    """Return the archives for this kind of machine, by version."""
    found: t.Dict[str, t.List[_Archive]] = {}
    for line in sums.splitlines():
        match = _LINE.fullmatch(line.strip())
        if match and match.group(5) == target:
            found.setdefault(match.group(3), []).append(_Archive(match.group(4), match.group(2), match.group(1)))
    return found


def _read_sums(settings: RuntimeSettings) -> str:
    place = f"{settings.mirror}/{SUMS}"
    try:
        if is_url(place):
            data = Downloader(settings.connection, Deadline(settings.fetch_timeout)).read(place, _LARGEST)
        else:
            with open_to_read(place, follow=True) as stream:
                data = stream.read(_LARGEST)
    except RepositoryError as error:
        raise DownloadError(
            f"The checksums of the release cannot be downloaded: {error.message}. Is mirror the folder of one release, "
            "and can this host reach it (proxy)?",
            url=json_text(shown_place(place)),
        ) from error
    except OSError as error:
        raise _unreadable(place, error) from error
    return data.decode("utf-8", "replace")


def _unreadable(place: str, error: OSError) -> AcquisitionError:
    return AcquisitionError(
        f"{printable(place)} cannot be read on this host: {error.strerror}. mirror must be the folder of a release of "
        "python-build-standalone.",
        path=json_text(place),
    )
