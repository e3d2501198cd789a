# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The repair of a transactional host, on request: the exact packages go into a snapshot, which the next boot starts.

What no package brings back, and what may be changed here, is left to the run after the boot.
"""

import json
import os
import re
import typing as t

from .._base.errors import TransactionError, changing_nothing
from .._base.text import from_json, printable
from .._disk.atomic import write_durably
from .._disk.files import read_text
from .._disk.host_mode import TRANSACTIONAL, TRANSACTIONAL_UPDATE, ImmutableHostError, install_command
from .._trust.database import RpmDatabase
from .._trust.vouch import vouched_program
from .plan import RepairStep
from .result import RepairResult, ShownStaged, summarize_staged
from .run import Audited, Repair

__all__ = ["StagedRepair"]

# Gone after the boot that the snapshot waits for.
_STAGED = "/run/fleet.system_python/staged.json"
# transactional-update makes it when a snapshot waits for the boot: the next one is to have what that one has.
_REBOOT_NEEDED = "/run/reboot-needed"
_PROGRAMS = (TRANSACTIONAL_UPDATE, "/usr/sbin/tukit", "/usr/bin/zypper", "/usr/bin/snapper")
_NEW_SNAPSHOT = re.compile(r"^New default snapshot is #(\d+)", re.MULTILINE)
_SECONDS = 1800.0


class StagedRepair(Repair):
    """As Repair, until something of the system has to be changed."""

    _refused: t.Optional[ImmutableHostError] = None

    def _require_possible(self, plan: t.List[RepairStep]) -> None:
        self._refused = None
        try:
            super()._require_possible(plan)
        except ImmutableHostError as error:
            if error.details["mode"] != TRANSACTIONAL or not error.details["packages"]:
                raise
            self._refused = error

    @property
    def _packages(self) -> t.List[str]:
        return list(self._refused.details["packages"]) if self._refused else []

    def _predicted(self, seen: Audited, plan: t.List[RepairStep]) -> RepairResult:
        self._require_possible(plan)
        if not self._packages:
            return super()._predicted(seen, plan)
        return self._staged(seen, plan, None, changed=not self._waits())

    def _settled(self, seen: Audited, plan: t.List[RepairStep]) -> t.Optional[RepairResult]:
        settled = super()._settled(seen, plan)
        if settled is None and self._packages and self._waits():
            return self._staged(seen, plan, None, changed=False)
        return settled

    def _act(self, seen: Audited, plan: t.List[RepairStep]) -> RepairResult:
        with changing_nothing():
            self._require_possible(plan)
            packages = self._packages
            if packages:
                self._require_vouched()
        if not packages:
            return super()._act(seen, plan)
        snapshot = self._stage(packages)
        return self._staged(seen, plan, snapshot, changed=True)

    def _waits(self) -> bool:
        """Tell whether a snapshot with these packages waits for the boot."""
        try:
            return bool(from_json(read_text(_STAGED)) == self._packages)
        except (OSError, ValueError):
            return False

    def _require_vouched(self) -> None:
        there = [path for path in _PROGRAMS if os.path.exists(path)]
        answer = vouched_program(there, RpmDatabase(self.rpm), site_packages=False)
        if not answer.intact:
            raise TransactionError(
                "{0} is not run as root: {1}. Nothing was changed. Go back to a snapshot in which it is whole "
                "(transactional-update rollback), or repair it by hand.".format(TRANSACTIONAL_UPDATE, answer.reason)
            )

    def _stage(self, packages: t.Sequence[str]) -> int:
        command = install_command(packages, TRANSACTIONAL_UPDATE, os.path.exists(_REBOOT_NEEDED))
        done = self.runner(command, timeout=_SECONDS)
        found = _NEW_SNAPSHOT.search(done.out)
        # It ends with 0, and without a snapshot, where zypper has nothing to do.
        if done.rc != 0 or found is None:
            raise TransactionError(
                "transactional-update made no snapshot, so the system is as it was: {0}".format(printable(done.tail())),
                rc=done.rc,
                output=done.tail(),
            )
        os.makedirs(os.path.dirname(_STAGED), 0o755, exist_ok=True)
        write_durably(_STAGED, json.dumps(list(packages)).encode("ascii", "surrogateescape"), 0o644)
        return int(found.group(1))

    def _staged(
        self, seen: Audited, plan: t.List[RepairStep], snapshot: t.Optional[int], changed: bool
    ) -> RepairResult:
        result = self._result(seen, plan, changed)
        result["staged"] = ShownStaged(packages=self._packages, snapshot=snapshot)
        result["summary"] = summarize_staged(result, self._packages, snapshot)
        return result
