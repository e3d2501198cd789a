# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Get the archive of a runtime: from the network or a path, checked against its SHA-256 and, if asked, a signature."""

import hashlib
import os
import re
import shutil
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._command import CommandRunner, run_command
from ansible_collections.fleet.system_python.plugins.module_utils._errors import (
    AcquisitionError,
    ChecksumError,
    DownloadError,
    RepositoryError,
    SignatureError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._files import clear_errors, ensure_room
from ansible_collections.fleet.system_python.plugins.module_utils._repository import shown_url
from ansible_collections.fleet.system_python.plugins.module_utils._repository_config import Connection
from ansible_collections.fleet.system_python.plugins.module_utils._sources_download import Deadline, Downloader
from ansible_collections.fleet.system_python.plugins.module_utils._text import json_text, printable

__all__ = ["Origin", "fetch", "is_url", "shown"]

_CHUNK = 1 << 20
_PROGRAMS = "/usr/bin:/bin"


class Origin(t.NamedTuple):
    """Where an archive is and how it is known to be right.

    C(place), C(signature), C(keyring): a URL (http, https, ftp) or an absolute path on this host. C(sha256) in
    lower-case hex.
    """

    place: str
    sha256: str
    signature: str = ""
    keyring: str = ""
    connection: Connection = Connection()
    timeout: float = 600.0
    limit: int = 4 << 30


def is_url(place: str) -> bool:
    """Tell whether C(place) is a URL."""
    return re.match(r"[a-z]+://", place) is not None


def fetch(origin: Origin, folder: str, runner: CommandRunner = run_command) -> str:
    """Bring the archive into C(folder), where nobody else can change it, and return its path.

    Raises ChecksumError, SignatureError, DownloadError, AcquisitionError or DiskFullError.
    """
    path = os.path.join(folder, "archive")
    found = _bring(origin.place, path, origin)
    if found != origin.sha256:
        raise ChecksumError(
            "{0} is not the archive that was asked for: its SHA-256 is {1}, wanted is {2}. Either it was damaged or "
            "replaced on its way, or the option sha256 belongs to another file.".format(
                printable(shown(origin.place)), found, origin.sha256
            ),
            file=json_text(shown(origin.place)),
            wanted=origin.sha256,
            found=found,
        )
    if origin.signature:
        _check_signature(origin, path, folder, runner)
    return path


def shown(place: str) -> str:
    """Return a URL or path for messages and records: a URL without what may be secret in it."""
    return shown_url(place) if is_url(place) else place


def _bring(place: str, path: str, origin: Origin) -> str:
    """Copy or download one file and return its SHA-256."""
    if is_url(place):
        downloader = Downloader(origin.connection, Deadline(origin.timeout))
        try:
            return downloader.download(place, path, "sha256", origin.limit)[1]
        except RepositoryError as error:
            raise DownloadError(
                "It cannot be downloaded: {0}. Is the address right, and can this host reach it (proxy)? A file of the "
                "controller (controller_file) needs no network.".format(error.message),
                url=json_text(shown_url(place)),
            ) from error
    return _copy(place, path)


def _copy(source: str, path: str) -> str:
    digest = hashlib.sha256()
    try:
        stream = open(source, "rb")  # noqa: SIM115
    except OSError as error:
        raise AcquisitionError(
            "{0} cannot be read on this host: {1}. A file of the controller is given with controller_file.".format(
                printable(source), error.strerror
            ),
            path=json_text(source),
        ) from error
    with stream, clear_errors(path):
        ensure_room(os.path.dirname(path), os.fstat(stream.fileno()).st_size)
        with open(path, "xb") as target:
            for chunk in iter(lambda: stream.read(_CHUNK), b""):
                digest.update(chunk)
                target.write(chunk)
    return digest.hexdigest()


def _check_signature(origin: Origin, archive: str, folder: str, runner: CommandRunner) -> None:
    signature, keyring = os.path.join(folder, "signature"), os.path.join(folder, "keyring")
    _bring(origin.signature, signature, origin)
    _bring(origin.keyring, keyring, origin)
    home = os.path.join(folder, "gnupg")
    os.mkdir(home, 0o700)
    with open(keyring, "rb") as stream:
        armored = b"-----BEGIN" in stream.read(4096)
    if armored:
        gpg = _program("gpg")
        plain = keyring + ".gpg"
        done = runner([gpg, "--homedir", home, "--batch", "--yes", "--output", plain, "--dearmor", keyring], timeout=60)
        if done.rc != 0:
            raise _not_signed(origin, "the keyring cannot be read: " + done.tail())
        keyring = plain
    gpgv = _program("gpgv", "gpg")
    command = [gpgv, "--homedir", home]
    if gpgv.endswith("/gpg"):
        command += ["--batch", "--no-default-keyring", "--trust-model", "always"]
    # gpgv looks for a name without a slash in the home folder.
    command += ["--status-fd", "1", "--keyring", keyring] + (["--verify"] if gpgv.endswith("/gpg") else [])
    done = runner(command + [signature, archive], timeout=120)
    if done.rc != 0 or "[GNUPG:] VALIDSIG " not in done.out:
        raise _not_signed(origin, done.err.strip() or done.tail())


def _program(*names: str) -> str:
    for name in names:
        path = shutil.which(name, path=_PROGRAMS)
        if path:
            return path
    raise SignatureError(
        "The signature cannot be checked: this host has no {0}. Install GnuPG (gnupg2, on SUSE gpg2), or leave the "
        "option signature out and trust in sha256 alone.".format(" and no ".join(names))
    )


def _not_signed(origin: Origin, why: str) -> SignatureError:
    return SignatureError(
        "The signature {0} does not vouch for {1} with a key of {2}: {3}".format(
            printable(shown(origin.signature)),
            printable(shown(origin.place)),
            printable(origin.keyring),
            printable(why),
        ),
        file=json_text(shown(origin.place)),
    )
