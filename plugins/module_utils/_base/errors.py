# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The collection's exception tree.

Every error carries a C(kind) (a stable word that playbooks may test), a sentence that says what was wrong, where,
and what to do, and C(details) (plain data). Modules and actions return it in one way (C(as_result)).
"""

import contextlib
import os
import typing as t

from .text import json_text, printable

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
    "HostAnswerError",
    "ImageError",
    "InUseError",
    "InvalidDataError",
    "JournalError",
    "LockedError",
    "NoServiceManagerError",
    "NotApplicableError",
    "OperatingSystemError",
    "PinConflictError",
    "PinImpossibleError",
    "PlanError",
    "PrivilegeError",
    "ProofError",
    "QuarantineError",
    "ReadOnlyError",
    "RepositoryError",
    "SignatureError",
    "SystemPythonError",
    "TransactionError",
    "TransactionRefusedError",
    "UnknownPlatformError",
    "UnknownVariableError",
    "UnsafeLockError",
    "UnsafeRootError",
    "VersionGoneError",
    "changing_nothing",
    "clear_os_errors",
]


class SystemPythonError(Exception):
    """Base of all errors of this collection.

    C(changed_nothing): it came before anything was changed on the host. It is a class attribute of kinds that come so
    early unless a C(Run) is acting; C(changing_nothing) sets it on what goes wrong early this time. C(returned) has
    what the module returns in spite of the error.
    """

    kind = "error"
    changed_nothing = False

    def __init__(self, message: str, **details: t.Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        self.returned: t.Dict[str, object] = {}

    def as_dict(self) -> t.Dict[str, object]:
        """Return what another process needs to raise it again: C({kind, message, details, changed_nothing})."""
        return {
            "kind": self.kind,
            "message": self.message,
            "details": self.details,
            "changed_nothing": self.changed_nothing,
        }

    def as_result(self) -> t.Dict[str, object]:
        """Return the result of the module, or of the action, that failed with it."""
        result = self.as_dict()
        return dict(self.returned, failed=True, msg=result.pop("message"), **result)


@contextlib.contextmanager
def clear_os_errors(what: str = "This run") -> t.Iterator[None]:
    """Turn what the operating system refuses in here into an OperatingSystemError; C(what) is what it ended."""
    try:
        yield
    except OSError as error:
        raise OperatingSystemError(
            "{0} was ended by an error of the operating system: {1}.".format(what, printable(str(error))),
            errno=error.errno,
            path=json_text(os.fsdecode(error.filename)) if isinstance(error.filename, (str, bytes)) else None,
        ) from error


@contextlib.contextmanager
def changing_nothing(holds: bool = True) -> t.Iterator[None]:
    """Say of every error in here that it changed nothing. C(holds) is false where something was changed before."""
    try:
        with clear_os_errors():
            yield
    except SystemPythonError as error:
        error.changed_nothing = error.changed_nothing or holds
        raise


class OperatingSystemError(SystemPythonError):
    """The operating system refused an operation unexpectedly; details: errno, path."""

    kind = "os_error"


class UnknownPlatformError(SystemPythonError):
    """No contract fits the host's os-release."""

    kind = "unknown_platform"
    changed_nothing = True


class UnknownVariableError(SystemPythonError):
    """A variable is named as those of the roles are, but is none of them; details: variables."""

    kind = "unknown_variable"
    changed_nothing = True


class NotApplicableError(SystemPythonError):
    """The host has no packages of rpm, so nothing here is about it; no damage."""

    kind = "not_applicable"
    changed_nothing = True


class ContractError(SystemPythonError):
    """A contract given by the user is not valid."""

    kind = "contract_invalid"
    changed_nothing = True


class CommandError(SystemPythonError):
    """An outside command failed; details: argv, rc, output (its end), timed_out."""

    kind = "command_failed"


class DatabaseError(SystemPythonError):
    """The rpm database cannot be read."""

    kind = "rpmdb_unreadable"


class InvalidDataError(SystemPythonError):
    """Data that came from outside (output, state file, metadata) is not in its documented form."""

    kind = "invalid_data"


class HostAnswerError(InvalidDataError):
    """A host answered what no host may answer; nothing of the answer is used. Details: field."""

    kind = "host_answer_invalid"


class AcquisitionError(SystemPythonError):
    """No source can give the exact packages; details: wanted, tried (source and reason)."""

    kind = "no_source"


class VersionGoneError(AcquisitionError):
    """The installed version is gone from the repositories; details: wanted, available."""

    kind = "version_gone"
    changed_nothing = True


class RepositoryError(SystemPythonError):
    """A repository cannot be read (unreachable, damaged metadata, checksum mismatch)."""

    kind = "repository"


class SignatureError(SystemPythonError):
    """A package's signature or digest is wrong, or its key is not trusted."""

    kind = "signature"


class TransactionError(SystemPythonError):
    """rpm refused or broke off the transaction."""

    kind = "transaction"


class TransactionRefusedError(TransactionError):
    """rpm was asked whether it would carry the transaction out, and refused."""

    changed_nothing = True


class DiskFullError(SystemPythonError):
    """There is not enough room; details: path, needed, available (bytes)."""

    kind = "disk_full"


class ReadOnlyError(SystemPythonError):
    """A file system that must be written is mounted read-only."""

    kind = "read_only"


class PrivilegeError(SystemPythonError):
    """The caller is not root."""

    kind = "not_root"
    changed_nothing = True


class LockedError(SystemPythonError):
    """Another run holds the lock; details: pid, since, host."""

    kind = "locked"
    changed_nothing = True


class UnsafeLockError(SystemPythonError):
    """The lock file is not one that only its owner can have made; details: path."""

    kind = "lock_unsafe"
    changed_nothing = True


class JournalError(SystemPythonError):
    """The journal of an earlier run cannot be read."""

    kind = "journal"
    changed_nothing = True


class QuarantineError(SystemPythonError):
    """A file cannot be moved to, or put back from, the quarantine."""

    kind = "quarantine"


class PlanError(SystemPythonError):
    """Two steps of a repair do not agree about a file; details: path, steps."""

    kind = "plan"
    changed_nothing = True


class ProofError(SystemPythonError):
    """The repair ran but the host is not healthy afterwards; details: findings, proof."""

    kind = "not_proven"


class LostLibraryError(ProofError):
    """A runtime is as it was installed, but lacks what it needs of the system; details: libraries, failed."""

    kind = "library_lost"
    changed_nothing = True


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
    changed_nothing = True


class ForeignRuntimeError(SystemPythonError):
    """What is in the way was not made by this collection; details: path."""

    kind = "not_ours"
    changed_nothing = True


class ImageError(SystemPythonError):
    """A container image cannot be had; details: image and engine, or archive."""

    kind = "image"


class InUseError(SystemPythonError):
    """A runtime cannot be removed while something uses it; details: venvs, processes, partial."""

    kind = "in_use"
    changed_nothing = True


class PinConflictError(SystemPythonError):
    """What a part of the pinning would write, or take away, is somebody else's or was changed; details: path."""

    kind = "pin_conflict"
    changed_nothing = True


class PinImpossibleError(SystemPythonError):
    """This host, or its distribution, cannot do what was asked for; details: part, possible."""

    kind = "pin_impossible"
    changed_nothing = True


class GuardError(SystemPythonError):
    """The guard's checker could not do its work, or its baseline is gone or altered."""

    kind = "guard"


class NoServiceManagerError(SystemPythonError):
    """Something has to be started by systemd, which does not run on this host."""

    kind = "no_service_manager"
    changed_nothing = True
