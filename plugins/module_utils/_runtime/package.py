# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The distribution's own parallel Python (python3.12, python311): installed, verified, removed by its package manager.

It stays where its package puts it. Nothing of it is copied, linked or registered.
"""

import os
import typing as t

from .._base.errors import ProofError
from .._base.run import Run
from .._base.text import printable
from .._disk.lock import RunLock
from .._packages.manager import Installed, Manager
from .._rights.unprivileged import unprivileged_in_scratch
from .proof import check_modules
from .records import PackageSource, RuntimeResult, RuntimeStep, changes_of
from .users import TakeCensus, find_users

__all__ = ["PackageRun", "PackageSettings"]


class PackageSettings(t.NamedTuple):
    """What the user asked for. C(state): present, intact or absent; C(minor): X.Y."""

    state: str
    minor: str
    checks: t.Tuple[str, ...]
    account: str
    lock_path: str
    lock_timeout: float
    ignore_partial_census: bool = False


_Plan = t.List[RuntimeStep]


class PackageRun(Run[t.Optional[Installed], _Plan, RuntimeResult]):
    """A parallel Python of the distribution, present, intact or absent."""

    def __init__(self, settings: PackageSettings, manager: Manager, census: TakeCensus) -> None:
        self.settings = settings
        self.manager = manager
        self._census = census

    def _look(self) -> t.Optional[Installed]:
        return self.manager.look()

    def _plan(self, seen: t.Optional[Installed]) -> _Plan:
        if self.settings.state != "absent":
            self._require_intact(seen)
            return [] if seen else [RuntimeStep(action="install_packages", packages=list(self.manager.names))]
        if seen is None:
            return []
        self.manager.require_removable()
        users = find_users([self.manager.interpreter], self._census)
        refusal = users.refusal(self.manager.interpreter, self.settings.ignore_partial_census)
        if refusal:
            raise refusal
        return [RuntimeStep(action="remove_packages", packages=list(self.manager.names))]

    def _settled(self, seen: t.Optional[Installed], plan: _Plan) -> t.Optional[RuntimeResult]:
        return None if plan else self._predicted(seen, plan)

    def _lock(self) -> RunLock:
        settings = self.settings
        return RunLock(settings.lock_path, settings.lock_timeout, what="python_runtime " + self.manager.interpreter)

    def _act(self, seen: t.Optional[Installed], plan: _Plan) -> RuntimeResult:
        is_wanted = self.settings.state != "absent"
        after = seen
        if plan:
            self.manager.install() if is_wanted else self.manager.remove()
            after = self.manager.look()
        if is_wanted:
            self._prove(after)
        return self._predicted(after, plan)

    def _require_intact(self, found: t.Optional[Installed]) -> None:
        if self.settings.state == "intact" and found and found.deviations:
            raise ProofError(
                f"{self.manager.interpreter} is not as its package shipped it: "
                f"{', '.join(printable(path) for path in found.deviations[:5])}. Bring it back with the module "
                f"rpm_integrity (packages: {', '.join(self.manager.names)}) or the package manager's reinstall.",
                deviations=list(found.deviations),
            )

    def _prove(self, found: t.Optional[Installed]) -> None:
        if found is None or not os.access(self.manager.interpreter, os.X_OK):
            raise ProofError(
                f"The packages {', '.join(self.manager.names)} were installed, but there is no "
                f"{self.manager.interpreter}. Name the right packages in the option packages."
            )
        with unprivileged_in_scratch(self.settings.account) as user:
            check_modules(self.manager.interpreter, self.settings.checks, user)

    def _predicted(self, seen: t.Optional[Installed], plan: _Plan) -> RuntimeResult:
        name = self.manager.interpreter
        texts = [name + " (absent)", name]
        before, after = texts if self.settings.state != "absent" else reversed(texts)
        return RuntimeResult(
            changed=bool(plan),
            state=self.settings.state,
            version=self.settings.minor,
            folder=None,
            interpreter=name,
            link=None,
            source=PackageSource(kind="package", packages=list(seen.packages) if seen else []),
            installed=None,
            intact=not seen.deviations if seen else None,
            deviations=[{"path": path, "what": "altered"} for path in (seen.deviations if seen else ())],
            actions=plan,
            runtimes=[],
            quarantine=None,
            warnings=[],
            diff=changes_of(plan, [before], [after]),
        )
