# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tell in a few lines what a run found and did."""

from __future__ import annotations

DOCUMENTATION = r"""
name: summary
type: aggregate
short_description: A short summary of the system Python at the end of a run
version_added: 0.1.0
description:
  - Prints, when a run has ended, how many hosts are in which state, each finding with its hosts, what to do next, and
    where the page of the fleet is.
  - Prints nothing after a run in which no task of this collection took part.
  - It never prints the message of a task or its arguments, so it prints no secrets either. The messages are in the
    output of the other callbacks, and in the reports.
  - It comes after the output of the usual callback. To see nothing but the summary, make it the callback for
    standard output (C(stdout_callback=fleet.system_python.summary)).
requirements:
  - enabling it in the configuration (C(callbacks_enabled))
options:
  hosts:
    description: How many hosts are named in one line.
    type: int
    default: 10
    ini:
      - section: fleet_system_python
        key: summary_hosts
    env:
      - name: FLEET_SYSTEM_PYTHON_SUMMARY_HOSTS
author:
  - The fleet.system_python contributors (@fleet-system-python)
"""

EXAMPLES = r"""
# ansible.cfg, after the usual output
# [defaults]
# callbacks_enabled = fleet.system_python.summary

# ansible.cfg, instead of the usual output
# [defaults]
# stdout_callback = fleet.system_python.summary
"""

from typing import Protocol

from ansible.plugins.callback import CallbackBase

from ..plugin_utils._fleet.summary import RunSummary


class NamedHost(Protocol):
    """A host."""

    def get_name(self) -> str:
        """Return its name in the inventory."""


class RunTask(Protocol):
    """A task, by the name that was written and the full one, which is null where it was not looked up."""

    action: str
    resolved_action: str | None


class TaskResult(Protocol):
    """What ansible-core 2.16 to 2.19 both give of a task that ran."""

    _host: NamedHost
    _task: RunTask
    _result: dict[str, object]


class CallbackModule(CallbackBase):
    """Hands what tasks returned to RunSummary."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "fleet.system_python.summary"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_start(self, playbook: object) -> None:
        """Begin."""
        self._summary = RunSummary(self.get_option("hosts"))

    def v2_runner_on_ok(self, result: TaskResult) -> None:
        """Note what a task returned."""
        self._summary.ok(result._host.get_name(), _action(result), result._result)

    def v2_runner_on_failed(self, result: TaskResult, ignore_errors: bool = False) -> None:
        """Note what failed, unless the play goes on as if it had not."""
        if not ignore_errors:
            self._summary.failed(result._host.get_name(), _action(result), result._result)

    def v2_runner_on_unreachable(self, result: TaskResult) -> None:
        """Note who cannot be reached."""
        self._summary.unreachable(result._host.get_name(), _action(result))

    def v2_playbook_on_stats(self, stats: object) -> None:
        """Print the summary."""
        lines = self._summary.lines()
        if lines:
            self._display.banner("SYSTEM PYTHON")
            for line in lines:
                self._display.display(line)


def _action(result: TaskResult) -> str:
    return result._task.resolved_action or result._task.action
