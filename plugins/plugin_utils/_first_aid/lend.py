# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What a healthy host lends: the exact package files, or, where it cannot have them either, single verified files.

Both hosts may be in somebody else's hands. The one that borrows says which packages it wants, and may only name those
of the system's Python; of the one that lends nothing is used that is not what the package database of the other has.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...module_utils._audit.contract import Contract, contract_for
from ...module_utils._base.errors import AcquisitionError, HostAnswerError, SystemPythonError
from ...module_utils._base.foreign import Digest
from ...module_utils._disk.os_release import parse_os_release
from ...module_utils._packages.wanted import Wanted
from ...module_utils._rpm.packages import parse_nevra
from .._border.types import HOST
from .acquire import Acquisition, AidOptions
from .records import LentContent, Loan, NeededFile
from .remote import Remote
from .script import Answer, decoded

__all__ = ["LOAN", "Lender", "is_lendable", "needed_files", "needed_of"]

# What one package file, or all single files together, may have, in bytes; and how many of each there may be.
_MOST_LENT = 256 << 20
_MOST_FILES = 50000
_MOST_PACKAGES = 50

LOAN = {"lent": "", "most_lent": str(_MOST_LENT)}
"""The settings of borrow.sh on a host that lends nothing."""

# Parallel versions, of which contracts do not tell: python3.11-libs, python39, python311-base, libpython3_11-1_0.
_PARALLEL = re.compile(r"python3\.?[0-9]{1,2}(?:-libs|-base)?|libpython3_[0-9]{1,2}m?-?1_0")


def is_lendable(name: str, contract: Contract) -> bool:
    """Tell whether a package belongs to the system's Python, to a parallel one, or to the package manager."""
    manager = contract["manager"]
    known = {*contract["packages"], *contract["optional_packages"], *(manager["packages"] if manager else ())}
    known.update(one["package"] for one in contract["binaries"])
    return name in known or bool(_PARALLEL.fullmatch(name))


def needed_of(answer: Answer) -> list[NeededFile]:
    """Return C({sha256, path}) of what C(list_needed) printed. Raises HostAnswerError."""
    return HOST.items(answer.first("needed").lines, "needed", _needed_file, _MOST_FILES)


def _needed_file(line: object, field: str) -> NeededFile:
    digest, _blanks, path = HOST.raw(line, field).partition("  ")
    return {"sha256": HOST.digest(digest, field), "path": path}


def needed_files(remote: Remote, wanted: Sequence[Wanted]) -> list[NeededFile]:
    """Return C({sha256, path}) of the files whose content is not what the host's own package database says."""
    settings = {"reinstalled": [one.id.label for one in wanted], **LOAN}
    return needed_of(remote.ask(["stage", "borrow"], settings, [["list_needed"]]))


@dataclass
class Lender:
    """One healthy host; what it gives is put into C(folder) on the controller, by names that are chosen here.

    C(contract) is the user's own, or some keys of one.
    """

    remote: Remote
    options: AidOptions
    folder: Path
    contract: Mapping[str, Any] | None = None

    def run(self, packages: Sequence[str], digests: Sequence[str]) -> Loan:
        """Return C(packages) (nevra to path) and C(content) (C({blob, mark, lacking}), or null), and C(reason).

        C(digests) are those of C(needed_files); they are looked at only where a package cannot be had. Raises
        HostAnswerError for what the host that borrows cannot have asked for, and for what this one cannot have lent.
        """
        asked = HOST.items(packages, "packages", HOST.nevra, _MOST_PACKAGES)
        wanted_digests = frozenset(HOST.items(digests, "needed_files", HOST.digest, _MOST_FILES))
        acquisition = Acquisition(self.remote, self.options, [Wanted(parse_nevra(nevra)) for nevra in asked])
        try:
            refused = self._open(acquisition)
            reason = self._acquire(acquisition)
            lent = {nevra: str(self._fetch(acquisition, nevra)) for nevra in acquisition.staged}
            content = self._lend_content(acquisition, wanted_digests) if reason and wanted_digests else None
        finally:
            acquisition.close()
        return Loan(packages=lent, content=content, reason=" ".join(filter(None, [refused, reason])))

    def _open(self, acquisition: Acquisition) -> str:
        """Make the folder, and leave out what is not lent; say of what that is so."""
        release = acquisition.open([["show_release"]]).first("os-release").body
        contract = contract_for(parse_os_release(release), self.contract)
        refused = [one.nevra for one in acquisition.wanted if not is_lendable(one.name, contract)]
        acquisition.wanted = [one for one in acquisition.wanted if one.nevra not in refused]
        if not refused:
            return ""
        return f"Not lent, because they are no packages of the Python of {contract['name']}: {', '.join(refused)}."

    def _acquire(self, acquisition: Acquisition) -> str:
        try:
            acquisition.run()
        except SystemPythonError as error:
            if not acquisition.staging or isinstance(error, HostAnswerError):
                raise
            return error.message
        return ""

    def _fetch(self, acquisition: Acquisition, nevra: str) -> Path:
        staged = acquisition.staged[nevra]
        target = self.folder / f"{staged.wanted.id.nvra}.rpm"
        target.write_bytes(self._received(acquisition, staged.path, nevra))
        return target

    def _received(self, acquisition: Acquisition, path: str, what: str) -> bytes:
        answer = acquisition.ask(["borrow"], [["send", path]], LOAN)
        if not answer.has("content"):
            raise AcquisitionError(
                f"{what} did not arrive from the lending host: it is gone there, or has more than {_MOST_LENT} bytes."
            )
        return decoded(answer.first("content").body, "content", _MOST_LENT)

    def _lend_content(self, acquisition: Acquisition, digests: frozenset[Digest]) -> LentContent | None:
        listing = self.folder / "needed"
        listing.write_text("".join(f"{one}\n" for one in sorted(digests)), encoding="ascii")
        settings = {**LOAN, "lent": sorted({one.name for one in acquisition.wanted})}
        lines = acquisition.ask(["borrow"], [["lend_files", self.remote.upload(listing)]], settings).first("lent").lines
        sizes = dict(HOST.items(lines, "lent", _lent_file, len(digests)))
        if not sizes:
            return None
        blob = self._received(acquisition, f"{acquisition.staging}/blob", "What it lent of single files")
        path, mark = self.folder / "blob", f"@{secrets.token_hex(16)}@"
        path.write_bytes(_marked(blob, sizes, digests, mark))
        return LentContent(blob=str(path), mark=mark, lacking=len(digests - sizes.keys()))


def _lent_file(line: object, field: str) -> tuple[Digest, int]:
    digest, _blank, size = HOST.raw(line, field).partition(" ")
    return HOST.digest(digest, field), HOST.number(size, field, most=_MOST_LENT)


def _marked(blob: bytes, sizes: Mapping[Digest, int], asked: frozenset[Digest], mark: str) -> bytes:
    """Return the contents, each behind a line with C(mark), and before a newline, as unpack_blob wants them.

    Raises HostAnswerError where one was not asked for, or is not what it is said to be.
    """
    parts: list[bytes] = []
    start = 0
    for digest, size in sizes.items():
        content = blob[start : start + size]
        start += size
        if digest not in asked or hashlib.sha256(content).hexdigest() != digest:
            raise HOST.refused(digest, "lent", "the digest of what was asked for and sent")
        parts += [mark.encode(), b"\n", content, b"\n"]
    if start != len(blob):
        raise HOST.refused(start, "lent", "the sizes of what was sent")
    return b"".join(parts)
