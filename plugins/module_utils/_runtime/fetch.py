# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Get the archive of a runtime: from the network or a path, checked against its SHA-256 and, if asked, a signature."""

import os
import shutil

from .._base.command import CommandRunner, run_command
from .._base.errors import AcquisitionError, ChecksumError, DownloadError, RepositoryError, SignatureError
from .._base.text import json_text, printable
from .._disk.files import digest_of, open_new, open_to_read
from .._disk.space import clear_errors, ensure_room
from .._packages.download import Deadline, Downloader
from .records import RuntimeSettings, is_url, shown_place

__all__ = ["fetch"]

_PROGRAMS = "/usr/bin:/bin"
# Bytes of an archive, and of a signature or a keyring.
_LARGEST = 4 << 30
_LARGEST_SIGNATURE = 16 << 20


def fetch(settings: RuntimeSettings, folder: str, runner: CommandRunner = run_command) -> str:
    """Bring the archive into C(folder), where nobody else can change it, and return its path.

    Raises ChecksumError, SignatureError, DownloadError, AcquisitionError or DiskFullError.
    """
    path = os.path.join(folder, "archive")
    found = _copy_or_download(settings.place, path, settings, _LARGEST)
    if found != settings.sha256:
        name = shown_place(settings.place)
        raise ChecksumError(
            f"{printable(name)} is not the archive that was asked for: its SHA-256 is {found}, wanted is "
            f"{settings.sha256}. Either it was damaged or replaced on its way, or the option sha256 belongs to "
            "another file.",
            file=json_text(name),
            wanted=settings.sha256,
            found=found,
        )
    if settings.signature:
        _check_signature(settings, path, folder, runner)
    return path


def _copy_or_download(place: str, path: str, settings: RuntimeSettings, largest: int) -> str:
    """Copy or download one file of at most C(largest) bytes and return its SHA-256."""
    if is_url(place):
        downloader = Downloader(settings.connection, Deadline(settings.fetch_timeout))
        try:
            return downloader.download(place, path, "sha256", largest)[1]
        except RepositoryError as error:
            raise DownloadError(
                f"It cannot be downloaded: {error.message}. Is the address right, and can this host reach it (proxy)? "
                "A file of the controller (controller_file) needs no network.",
                url=json_text(shown_place(place)),
            ) from error
    return _copy(place, path, largest)


def _copy(source: str, path: str, largest: int) -> str:
    try:
        stream = open_to_read(source, follow=True)
    except OSError as error:
        raise AcquisitionError(
            f"{printable(source)} cannot be read on this host: {error.strerror}. A file of the controller is given "
            "with controller_file.",
            path=json_text(source),
        ) from error
    with stream, clear_errors(path):
        size = os.fstat(stream.fileno()).st_size
        if size > largest:
            raise AcquisitionError(
                f"{printable(source)} has {size} bytes; no more than {largest} can be right.", path=json_text(source)
            )
        ensure_room(os.path.dirname(path), size)
        with open_new(path) as target:
            return digest_of(stream, target=target)


def _check_signature(settings: RuntimeSettings, archive: str, folder: str, runner: CommandRunner) -> None:
    signature, keyring = os.path.join(folder, "signature"), os.path.join(folder, "keyring")
    _copy_or_download(settings.signature, signature, settings, _LARGEST_SIGNATURE)
    _copy_or_download(settings.keyring, keyring, settings, _LARGEST_SIGNATURE)
    home = os.path.join(folder, "gnupg")
    os.mkdir(home, 0o700)
    with open_to_read(keyring) as stream:
        armored = b"-----BEGIN" in stream.read(4096)
    if armored:
        gpg = _program("gpg")
        plain = keyring + ".gpg"
        done = runner([gpg, "--homedir", home, "--batch", "--yes", "--output", plain, "--dearmor", keyring], timeout=60)
        if done.rc != 0:
            raise _not_signed(settings, "the keyring cannot be read: " + done.tail())
        keyring = plain
    gpgv = _program("gpgv", "gpg")
    command = [gpgv, "--homedir", home]
    if gpgv.endswith("/gpg"):
        command += ["--batch", "--no-default-keyring", "--trust-model", "always"]
    # gpgv looks for a name without a slash in the home folder.
    command += ["--status-fd", "1", "--keyring", keyring] + (["--verify"] if gpgv.endswith("/gpg") else [])
    done = runner(command + [signature, archive], timeout=120)
    if done.rc != 0 or "[GNUPG:] VALIDSIG " not in done.out:
        raise _not_signed(settings, done.err.strip() or done.tail())


def _program(*names: str) -> str:
    found = next(filter(None, (shutil.which(name, path=_PROGRAMS) for name in names)), None)
    if found:
        return found
    raise SignatureError(
        f"The signature cannot be checked: this host has no {' and no '.join(names)}. Install GnuPG (gnupg2, on SUSE "
        "gpg2), or leave the option signature out and trust in sha256 alone."
    )


def _not_signed(settings: RuntimeSettings, why: str) -> SignatureError:
    signature, archive = shown_place(settings.signature), shown_place(settings.place)
    return SignatureError(
        f"The signature {printable(signature)} does not vouch for {printable(archive)} with a key of "
        f"{printable(settings.keyring)}: {printable(why)}",
        file=json_text(archive),
    )
