# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What an incident report needs of a repair, noted as far as the run came: an error does not take it away."""

import time
import typing as t

from .._audit.facts import healthy, shape_facts
from .._audit.findings import Finding
from .._audit.records import Observation
from .._base.clock import utc_stamp
from .._base.command import CommandRunner, run_command
from .._base.text import safe
from .._disk.quarantine import Quarantine
from .._evidence.run import boot_record, collect
from .proof import ProofLine

__all__ = ["RepairNotes"]

_KEPT = ("path", "kind", "action", "finding", "sha256", "size")


class RepairNotes:
    """The notes of one run; C(os_release) is null where nobody wants them, and then there are none."""

    def __init__(
        self,
        os_release: t.Optional[t.Mapping[str, str]],
        runner: CommandRunner = run_command,
        clock: t.Callable[[], float] = time.time,
        always: bool = False,
    ) -> None:
        self._always = always
        self.content: t.Dict[str, object] = {}
        self._os_release = os_release
        self._runner = runner
        self._clock = clock

    def before(self, run_id: str, observation: Observation, findings: t.Sequence[Finding]) -> None:
        """Note what the host is before anything is changed, and collect the evidence of it."""
        if self._os_release is None:
            return
        self.content.update(
            run_id=run_id,
            started=utc_stamp(self._clock()),
            boot=boot_record(),
            facts=shape_facts(observation, findings, self._os_release),
        )
        if self._always or not healthy(findings):
            evidence = collect(observation, findings, "before the repair", self._runner, self._clock)
            self.content["evidence"] = evidence

    def after(self, quarantine: Quarantine, observation: Observation, findings: t.Sequence[Finding]) -> None:
        """Note what the host is afterwards, and what is kept."""
        if self._os_release is None:
            return
        kept = [run["entries"] for run in quarantine.list_runs() if run["run_id"] == quarantine.run_id]
        self.content["facts_after"] = shape_facts(observation, findings, self._os_release)
        self.content["quarantine"] = [
            safe({key: entry.get(key) for key in _KEPT}) for entries in kept for entry in entries
        ]

    def proved(self, proof: t.Sequence[ProofLine]) -> None:
        """Note what proves that the host is healthy, or that it is not."""
        if self._os_release is not None:
            self.content.update(proof=list(proof), proved=utc_stamp(self._clock()))
