# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""CPython runtimes below one folder of their own: installed, verified, rebuilt, pruned and removed.

A runtime is the folder C(ROOT/X.Y.Z), with the manifest that proves it; C(ROOT/X.Y) is a link to one of them. What is
new is made in a hidden folder of C(ROOT), proven there, and published by one rename; only then the link moves. A killed
run leaves only such a hidden folder, which the next run removes together with the processes that still work in it.
"""

import os
import time
import typing as t

from .._base.clock import utc_stamp
from .._base.command import CommandRunner, run_command
from .._base.errors import InvalidDataError
from .._base.privilege import require_root
from .._base.run import Run
from .._base.text import printable
from .._disk.atomic import remove_leftovers, replace_link
from .._disk.files import open_to_append
from .._disk.hidden import PREFIX
from .._disk.kernel import sync_folder
from .._disk.lock import RunLock
from .._disk.trees import remove_any
from .._rights.processes import end_processes, processes_in
from .install import Installation
from .look import check_root, installed_versions, leftovers_in, look
from .pack import pack
from .plan import plan_runtime
from .records import VERSION, Link, RuntimePlan, RuntimeResult, RuntimeSettings, RuntimeStep, SeenRuntime, changes_of
from .release import with_archive_of_release
from .users import TakeCensus

__all__ = ["RuntimeRun"]

_DONE = {"install": "installed", "remove": "removed", "clean": "cleaned", "pack": "packed"}


class RuntimeRun(Run[SeenRuntime, RuntimePlan, RuntimeResult]):
    """One run of the module for a runtime below C(settings.root)."""

    def __init__(self, settings: RuntimeSettings, census: TakeCensus, runner: CommandRunner = run_command) -> None:
        if not VERSION.fullmatch(settings.version):
            raise InvalidDataError(
                f"{settings.version!r} is not a version of CPython; it must be complete, such as 3.13.5."
            )
        check_root(settings.root, settings.owner)
        self.settings = settings
        self._census = census
        self._runner = runner
        self._quarantined: t.Optional[str] = None

    def _require_rights(self) -> None:
        require_root("install runtimes", self.settings.owner)

    def _look(self) -> SeenRuntime:
        return look(self.settings)

    def _plan(self, seen: SeenRuntime) -> RuntimePlan:
        return plan_runtime(self.settings, seen, self._census)

    def _predicted(self, seen: SeenRuntime, plan: RuntimePlan) -> RuntimeResult:
        return self._result(seen, plan, seen)

    def _settled(self, seen: SeenRuntime, plan: RuntimePlan) -> t.Optional[RuntimeResult]:
        if plan.steps and not plan.needs_archive:
            return None
        result = self._result(seen, plan, seen)
        if plan.needs_archive:
            result["needs_archive"] = True
        return result

    def _lock(self) -> RunLock:
        settings = self.settings
        return RunLock(settings.lock_path, settings.lock_timeout, what="python_runtime " + settings.path)

    def _act(self, seen: SeenRuntime, plan: RuntimePlan) -> RuntimeResult:
        # Hardened hosts give root 077, and everybody runs what is installed here.
        umask = os.umask(0o022)
        try:
            for step in plan.steps:
                self._carry_out(step, plan.settings)
        finally:
            os.umask(umask)
        return self._result(seen, plan, look(self.settings))

    def _carry_out(self, step: RuntimeStep, settings: RuntimeSettings) -> None:
        action, path = step["action"], step["path"]
        self._progress(f"{action} {path}")
        if action == "clean":
            _remove_leftovers(settings.root)
        elif action == "install":
            settings = with_archive_of_release(settings) if settings.mirror else settings
            self._quarantined = Installation(settings, self._progress, self._runner).run()
        elif action == "link":
            _move_link(path, step["target"])
        elif action == "remove":
            _remove(path)
        else:
            pack(settings.path, path, settings.owner)

    def _progress(self, text: str) -> None:
        """Add a line to the progress file."""
        path = self.settings.progress
        if path:
            os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
            with open_to_append(path) as stream:
                line = f"{utc_stamp(time.time())[11:19]} {printable(text)}\n"
                stream.write(line.encode("utf-8", "backslashreplace"))

    def _result(self, before: SeenRuntime, plan: RuntimePlan, after: SeenRuntime) -> RuntimeResult:
        settings, manifest = self.settings, after.manifest
        is_there = manifest is not None
        link = settings.link_path
        absent = "" if before.manifest is not None else " (absent)"
        there = [settings.path + absent, f"{link} -> {before.link or '(absent)'}"]
        return RuntimeResult(
            changed=bool(plan.steps),
            state=settings.state,
            version=settings.version,
            interpreter=os.path.join(settings.path, "bin/python" + settings.minor),
            folder=settings.path if is_there or settings.state != "absent" else None,
            link=Link(path=link, target=after.link),
            source=manifest["source"] if manifest else None,
            installed=manifest["installed"] if manifest else None,
            intact=after.is_intact,
            deviations=[dict(one._asdict()) for one in before.deviations or ()],
            actions=list(plan.steps),
            runtimes=installed_versions(settings.root),
            quarantine=self._quarantined,
            warnings=list(plan.warnings),
            diff=changes_of(plan.steps, there, [_done_line(step) for step in plan.steps]),
        )


def _done_line(step: RuntimeStep) -> str:
    path = printable(step["path"])
    if step["action"] == "link":
        return f"{path} -> {step['target'] or '(absent)'}"
    return f"{path} {_DONE[step['action']]}"


def _remove_leftovers(root: str) -> None:
    """Remove what a killed run left, and first end what it left running there."""
    folders = leftovers_in(root)
    end_processes(processes_in(folders, "cwd"))
    end_processes(processes_in(folders, "exe"))
    remove_leftovers([root])


def _move_link(link: str, target: t.Optional[str]) -> None:
    if target is None:
        os.unlink(link)
        sync_folder(os.path.dirname(link))
    else:
        replace_link(link, target)


def _remove(path: str) -> None:
    root, version = os.path.split(path)
    hidden = os.path.join(root, PREFIX + "new-removed-" + version)
    remove_any(hidden)
    os.rename(path, hidden)
    sync_folder(root)
    remove_any(hidden)
