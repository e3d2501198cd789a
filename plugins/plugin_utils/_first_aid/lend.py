# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What a healthy host lends: the exact package files, or, where it cannot have them either, single verified files."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...module_utils._base.errors import AcquisitionError, SystemPythonError
from ...module_utils._base.text import printable
from ...module_utils._packages.wanted import Wanted
from ...module_utils._rpm.packages import parse_nevra
from .acquire import Acquisition, AidOptions
from .records import LentContent, Loan, NeededFile
from .remote import Remote

__all__ = ["Lender", "needed_files"]

_SHA256 = re.compile(r"[0-9a-f]{64}")


def needed_files(remote: Remote, wanted: Sequence[Wanted]) -> list[NeededFile]:
    """Return C({sha256, path}) of the files whose content is not what the host's own package database says."""
    settings = {"reinstalled": [one.id.label for one in wanted]}
    answer = remote.ask(["stage", "borrow"], settings, [["list_needed"]])
    found: list[NeededFile] = []
    for line in answer.first("needed").lines:
        digest, _blanks, path = line.partition("  ")
        # Other algorithms are too weak to vouch for content that comes from elsewhere.
        if _SHA256.fullmatch(digest):
            found.append({"sha256": digest, "path": path})
    return found


@dataclass
class Lender:
    """One healthy host; what it gives is put into C(folder) on the controller."""

    remote: Remote
    options: AidOptions
    folder: Path

    def run(self, packages: Sequence[str], files: Sequence[NeededFile]) -> Loan:
        """Return C(packages) (nevra to path) and C(content) (C({blob, index, lacking}), or null), and C(reason).

        C(files) are what C(needed_files) returned; they are looked at only where a package cannot be had.
        """
        wanted = [Wanted(parse_nevra(nevra)) for nevra in packages]
        acquisition = Acquisition(self.remote, self.options, wanted)
        try:
            reason = self._acquire(acquisition)
            lent = {nevra: str(self._fetch(acquisition, nevra)) for nevra in acquisition.staged}
            content = self._lend_content(acquisition, files) if reason and files else None
        finally:
            acquisition.close()
        return Loan(packages=lent, content=content, reason=reason)

    def _acquire(self, acquisition: Acquisition) -> str:
        try:
            acquisition.run()
        except SystemPythonError as error:
            if not acquisition.staging:
                raise
            return error.message
        return ""

    def _fetch(self, acquisition: Acquisition, nevra: str) -> Path:
        staged = acquisition.staged[nevra]
        return self._receive(acquisition, staged.path, f"{staged.wanted.id.nvra}.rpm")

    def _receive(self, acquisition: Acquisition, path: str, name: str) -> Path:
        answer = acquisition.ask(["borrow"], [["send", path]])
        if not answer.has("content"):
            raise AcquisitionError(f"{printable(path)} did not arrive from the lending host.")
        target = self.folder / name
        target.write_bytes(base64.b64decode(answer.first("content").body))
        return target

    def _lend_content(self, acquisition: Acquisition, files: Sequence[NeededFile]) -> LentContent | None:
        listing = self.folder / "needed"
        text = "".join(f"{one['sha256']}  {one['path']}\n" for one in files)
        listing.write_text(text, encoding="utf-8", errors="surrogateescape")
        lines = acquisition.ask(["borrow"], [["lend_files", self.remote.upload(listing)]]).first("lent").lines
        if not lines:
            return None
        index = self.folder / "index"
        index.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        blob = self._receive(acquisition, f"{acquisition.staging}/blob", "blob")
        lacking = {one["sha256"] for one in files} - {line.partition(" ")[0] for line in lines}
        return LentContent(blob=str(blob), index=str(index), lacking=len(lacking))
