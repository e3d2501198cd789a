# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make one page of a run's reports, on the controller, once per run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail

from ..modules.python_fleet_page import ARGUMENT_SPEC
from ..plugin_utils._action.base import CollectionAction
from ..plugin_utils._fleet.build import PageRequest, build
from ..plugin_utils._run.collection import version


class ActionModule(CollectionAction):
    """All of the work is in _fleet/build.py."""

    # A page is made of all hosts, so it is made once.
    BYPASS_HOST_LOOP = True
    _requires_connection = False
    is_for_all = True

    def perform(self, result: dict[str, object]) -> None:
        """Make the files."""
        built = build(_request(self.options(ARGUMENT_SPEC), check_mode=self._task.check_mode))
        result.update(built)
        if built["faults"]:
            result["warnings"] = [f"{fault['file']} {fault['reason']}" for fault in built["faults"]]


def _request(arguments: Mapping[str, Any], check_mode: bool) -> PageRequest:
    reports = Path(arguments["reports"]).absolute()
    history = arguments["history"]
    return PageRequest(
        reports=reports,
        dest=Path(arguments["dest"]).absolute() if arguments["dest"] else reports,
        history=Path(history).absolute() if history else None,
        formats=tuple(dict.fromkeys(arguments["formats"])),
        mode=_mode(arguments["mode"]),
        version=version(),
        check_mode=check_mode,
    )


def _mode(text: str) -> int:
    try:
        mode = int(text, 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o777:
        raise AnsibleActionFail(f"mode is {text!r}; give the permissions of the files as octal digits, such as '0640'")
    return mode
