# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the incident reports of a run on the controller, from what its plays left in the hosts' variables."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.release import __version__ as core_version
from jinja2 import TemplateError

from ..module_utils._base.clock import new_run_id, utc_stamp
from ..module_utils._base.errors import HostAnswerError
from ..modules.python_report import ARGUMENT_SPEC
from ..plugin_utils._action.base import CollectionAction
from ..plugin_utils._report.known import KnownHost, known_of, nonsense
from ..plugin_utils._report.records import Report, RunRecord
from ..plugin_utils._report.render import file_stem, render
from ..plugin_utils._report.shape import shape
from ..plugin_utils._run.collection import parts, version
from ..plugin_utils._run.states import HostState
from ..plugin_utils._run.untyped import mapping


class ActionModule(CollectionAction):
    """Everything happens on the controller; no host is asked."""

    _requires_connection = False
    is_for_all = True

    def perform(self, result: dict[str, object]) -> None:
        """Write the reports; the result has the folder, the files and the statuses."""
        options = self.options(ARGUMENT_SPEC)
        began = time.monotonic()
        hostvars = self.variables["hostvars"]
        # raw_get gives a host's variables without templating all of them, which takes long for many hosts.
        known = [_known(host, hostvars.raw_get(host), options["kind"]) for host in options["hosts"]]
        known = [one for one in known if one.state is not HostState.NOT_APPLICABLE]
        statuses = {one.host: one.state.status for one in known}
        result.update(changed=False, folder=None, files=[], statuses=statuses)
        if options["only_found"] and all(status == "healthy" for status in statuses.values()):
            return
        run = _run_record(options, known, self._task.check_mode)
        folder = Path(options["folder"]).expanduser().absolute() / run["id"]
        result.update(folder=str(folder), run_id=run["id"])
        try:
            result["files"] = list(_write(folder, known, run, options["page"]))
            _point_at(folder)
        except OSError as error:
            raise AnsibleActionFail(
                f"The reports cannot be written to {folder} on the controller: {error}. Give another folder in "
                "python_report_folder; with an empty one no reports are written."
            ) from error
        result.update(changed=bool(known), seconds=round(time.monotonic() - began, 3))


def _run_record(options: Mapping[str, Any], known: Sequence[KnownHost], check_mode: bool) -> RunRecord:
    now = time.time()
    return RunRecord(
        id=options["run_id"] or new_run_id(now),
        kind=options["kind"],
        started=min((one.began for one in known if one.began), default=None),
        ended=utc_stamp(now),
        core=core_version,
        collection=version(),
        check_mode=bool(check_mode),
        partial=options["partial"],
    )


# What the plays of this collection leave with a host; nothing else of its variables is looked at.
_WANTED = (
    "ansible_facts",
    "group_names",
    "python_audit_result",
    "python_first_aid_result",
    "python_report_evidence",
    "python_report_first_aid",
    "python_report_result",
    "python_report_rounds",
    "python_restore_result",
    "system_python_began",
    "system_python_outcome",
)


# What is wrong with data that are not what they were taken for.
_UNFORESEEN = (ArithmeticError, AttributeError, LookupError, RecursionError, TemplateError, TypeError, ValueError)


def _known(host: str, variables: Mapping[str, object], kind: str) -> KnownHost:
    try:
        return known_of(host, _as_data(variables), kind)
    except _UNFORESEEN as error:
        return nonsense(host, _not_ours(error))


def _report_of(one: KnownHost, run: RunRecord, there: Iterable[str], page: str) -> tuple[Report, dict[str, str]]:
    """Return the report of a host and its texts: what one host answered must not keep others from theirs."""
    try:
        report = shape(one, run, there)
        return report, render(report, page)
    except _UNFORESEEN as error:
        report = shape(nonsense(one.host, _not_ours(error), one.groups), run, there)
        return report, render(report, page)


def _not_ours(error: Exception) -> HostAnswerError:
    return HostAnswerError(
        f"What the host answered cannot be used in a report ({type(error).__name__}). Look at the host itself: its "
        "shell, tools or Python may have been altered.",
        field="ansible_facts",
    )


def _as_data(variables: Mapping[str, object]) -> Mapping[str, object]:
    """Return the variables that matter as plain data: newer cores give strings of a class of their own."""
    wanted = {name: variables[name] for name in _WANTED if name in variables}
    if "ansible_facts" in wanted:
        facts = mapping(wanted["ansible_facts"])
        wanted["ansible_facts"] = {name: facts[name] for name in ("system_python",) if name in facts}
    return mapping(json.loads(json.dumps(wanted, default=str)))


def _write(folder: Path, known: Sequence[KnownHost], run: RunRecord, page: str) -> Iterator[dict[str, str]]:
    folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    there = parts()
    taken: dict[str, str] = {}
    for one in known:
        report, texts = _report_of(one, run, there, page)
        stem = file_stem(one.host, taken)
        taken[stem] = one.host
        for extension, text in texts.items():
            _write_whole(folder / f"{stem}.{extension}", text.encode("utf-8", "backslashreplace"))
        yield {"host": one.host, "status": report["status"], "stem": stem}


def _point_at(folder: Path) -> None:
    """Let C(latest), beside the folder of the run, lead to it. What others put there stays."""
    latest = folder.with_name("latest")
    if latest.is_symlink() or not latest.exists():
        temporary = folder.with_name(f".latest-{folder.name}")
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(folder.name)
        temporary.replace(latest)


def _write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is whole or not there. It is not synced to the disk: of many hosts that takes long."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".report-")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            os.fchmod(stream.fileno(), 0o640)
        temporary.replace(path)
    except BaseException:
        temporary.unlink()
        raise
