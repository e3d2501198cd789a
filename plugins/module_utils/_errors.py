# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The collection's exception tree.

Every error carries a C(kind) (a stable word that playbooks may test), a sentence that says what was wrong, where,
and what to do, and C(details) (plain data). Modules turn it into C(fail_json) once, in C(main).
"""

import typing as t

__all__ = [
    "AcquisitionError",
    "ArchiveError",
    "BuildError",
    "BuildToolsError",
    "ChecksumError",
    "CommandError",
    "ContractError",
    "DatabaseError",
    "DiskFullError",
    "DownloadError",
    "ForeignRuntimeError",
    "GuardError",
    "ImageError",
    "InUseError",
    "InvalidDataError",
    "JournalError",
    "LockedError",
    "NoServiceManagerError",
    "PinConflictError",
    "PinImpossibleError",
    "PrivilegeError",
    "ProofError",
    "QuarantineError",
    "ReadOnlyError",
    "RepositoryError",
    "SignatureError",
    "SystemPythonError",
    "TransactionError",
    "UnknownPlatformError",
    "UnsafeRootError",
    "VersionGoneError",
]


class SystemPythonError(Exception):
    """Base of all errors of this collection. C(kind) is a class attribute, C(details) is plain data."""

    kind = "error"

    def __init__(self, message: str, **details: t.Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    def as_dict(self) -> t.Dict[str, t.Any]:
        """Return C({kind, message, details}), ready for C(fail_json)."""
        return {"kind": self.kind, "message": self.message, "details": self.details}


class UnknownPlatformError(SystemPythonError):
    """No contract fits the host's os-release."""

    kind = "unknown_platform"


class ContractError(SystemPythonError):
    """A contract given by the user is not valid."""

    kind = "contract_invalid"


class CommandError(SystemPythonError):
    """An outside command failed; details: argv, rc, output (its end), timed_out."""

    kind = "command_failed"


class DatabaseError(SystemPythonError):
    """The rpm database cannot be read."""

    kind = "rpmdb_unreadable"


class InvalidDataError(SystemPythonError):
    """Data that came from outside (output, state file, metadata) is not in its documented form."""

    kind = "invalid_data"


class AcquisitionError(SystemPythonError):
    """No source can give the exact packages; details: wanted, tried (source and reason)."""

    kind = "no_source"


class VersionGoneError(AcquisitionError):
    """The installed version is gone from the repositories; details: wanted, available."""

    kind = "version_gone"


class RepositoryError(SystemPythonError):
    """A repository cannot be read (unreachable, damaged metadata, checksum mismatch)."""

    kind = "repository"


class SignatureError(SystemPythonError):
    """A package's signature or digest is wrong, or its key is not trusted."""

    kind = "signature"


class TransactionError(SystemPythonError):
    """rpm refused or broke off the transaction."""

    kind = "transaction"


class DiskFullError(SystemPythonError):
    """There is not enough room; details: path, needed, available (bytes)."""

    kind = "disk_full"


class ReadOnlyError(SystemPythonError):
    """A file system that must be written is mounted read-only."""

    kind = "read_only"


class PrivilegeError(SystemPythonError):
    """The caller is not root."""

    kind = "not_root"


class LockedError(SystemPythonError):
    """Another run holds the lock; details: pid, since, host."""

    kind = "locked"


class JournalError(SystemPythonError):
    """The journal of an earlier run cannot be read."""

    kind = "journal"


class QuarantineError(SystemPythonError):
    """A file cannot be moved to, or put back from, the quarantine."""

    kind = "quarantine"


class ProofError(SystemPythonError):
    """The repair ran but the host is not healthy afterwards; details: findings, proof."""

    kind = "not_proven"


class ArchiveError(SystemPythonError):
    """An archive is damaged, or would write where it may not; nothing of it is used. Details: archive, member."""

    kind = "archive"


class ChecksumError(SystemPythonError):
    """A file is not the one that was asked for; details: file, wanted, found (hex SHA-256)."""

    kind = "checksum"


class DownloadError(SystemPythonError):
    """A file cannot be had from the network; details: url."""

    kind = "download"


class BuildToolsError(SystemPythonError):
    """What a build needs is not installed; details: missing, install (names of packages)."""

    kind = "build_tools_missing"


class BuildError(SystemPythonError):
    """A build failed; details: step, rc, output (its end)."""

    kind = "build"


class UnsafeRootError(SystemPythonError):
    """Runtimes may not lie in this folder; details: path."""

    kind = "unsafe_root"


class ForeignRuntimeError(SystemPythonError):
    """What is in the way was not made by this collection; details: path."""

    kind = "not_ours"


class ImageError(SystemPythonError):
    """A container image cannot be had; details: image and engine, or archive."""

    kind = "image"


class InUseError(SystemPythonError):
    """A runtime cannot be removed while something uses it; details: venvs, processes, partial."""

    kind = "in_use"


class PinConflictError(SystemPythonError):
    """What a part of the pinning would write, or take away, is somebody else's or was changed; details: path."""

    kind = "pin_conflict"


class PinImpossibleError(SystemPythonError):
    """This host, or its distribution, cannot do what was asked for; details: part, possible."""

    kind = "pin_impossible"


class GuardError(SystemPythonError):
    """The guard's checker could not do its work, or its baseline is gone or altered."""

    kind = "guard"


class NoServiceManagerError(SystemPythonError):
    """Something has to be started by systemd, which does not run on this host."""

    kind = "no_service_manager"
