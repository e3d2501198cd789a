# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What every action plugin of the collection has: its host, its options, and one way to fail."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ...module_utils._base.errors import SystemPythonError, UnknownVariableError, changing_nothing
from ...module_utils._base.text import lines_for_people
from .._run.settings import covered, require_own_variables, without_facts
from .._run.untyped import strings
from .._run.variables import mistyped
from .arguments import arguments_as_written
from .host import TaskHost

__all__ = ["CollectionAction"]


class CollectionAction(ActionBase):
    """A subclass gives C(perform)."""

    # A temporary folder costs a round trip, so it is made when something is to be uploaded.
    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False
    # Whether the task is about all hosts, so that the one at which it happens to run must not keep it from the others.
    is_for_all = False
    # Those of the task, as Ansible's own methods want them.
    variables: dict[str, Any]

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of C(perform); that of a failure is C(SystemPythonError.as_result)."""
        super().run(tmp, task_vars)
        self.variables = dict(task_vars or {})
        result: dict[str, object] = {}
        try:
            with changing_nothing():
                self._forget_facts()
            doubtful = self._variables_in_doubt()
            with changing_nothing(self._task.check_mode):
                self.perform(result)
            if doubtful:
                result["warnings"] = [*doubtful, *strings(result.get("warnings"))]
        except SystemPythonError as error:
            if result.get("changed") and not self._task.check_mode:
                error.changed_nothing = False
            result.update(error.as_result())
        # Ansible prints them: what a host had in them must do nothing to a terminal.
        if isinstance(result.get("msg"), str):
            result["msg"] = lines_for_people(str(result["msg"]))
        if isinstance(result.get("summary"), list):
            result["summary"] = [lines_for_people(line) for line in strings(result["summary"])]
        return result

    @abstractmethod
    def perform(self, result: dict[str, object]) -> None:
        """Do the work and write into C(result), which is the task's even when this raises a SystemPythonError."""

    def _forget_facts(self) -> None:
        """Take variables and options as they were if the host had no facts. Raises HostAnswerError."""
        if not self.is_for_all:
            require_own_variables(self.variables)
        if covered(self.variables):
            self.variables = without_facts(self.variables, self._loader, self._task)
            self._task.args = arguments_as_written(self._task, self._loader, self.variables)

    def _variables_in_doubt(self) -> list[str]:
        """Return what is to be said of variables that may be meant for us; raises where one certainly is mistyped."""
        found = mistyped(self.variables, self.variables.get("system_python_own_variables") or ())
        certain = [one.sentence for one in found if one.certain]
        if certain:
            raise UnknownVariableError(" ".join(certain), variables=[one.name for one in found if one.certain])
        return [one.sentence for one in found]

    @cached_property
    def host(self) -> TaskHost:
        """The task's host, or the one that the task is delegated to."""
        return TaskHost(
            self._low_level_execute_command,
            self._compute_environment_string,
            self._make_tmp_path,
            self._transfer_file,
        )

    def options(self, spec: Mapping[str, Mapping[str, object]]) -> dict[str, Any]:
        """Return the task's arguments, judged by Ansible and with their defaults."""
        _validation, options = self.validate_argument_spec(argument_spec=spec)
        return dict(options)

    def local_file(self, name: str) -> Path:
        """Return the path of a file of the controller, looked for as C(copy) does."""
        return Path(self._find_needle("files", name))
