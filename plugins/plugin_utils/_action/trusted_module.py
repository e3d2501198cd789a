# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The action of every module of this collection: it runs only under an interpreter that first aid trusts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ...module_utils._base.errors import changing_nothing
from .._border.answers import get_ready, module_answer
from .._border.types import HOST
from .base import CollectionAction
from .exceptions import own_waivers
from .first_aid import Trusted, trusted_interpreter, trusted_interpreter_where_rpm_is

__all__ = ["PortableModuleAction", "RootedModuleAction", "TrustedModuleAction"]

_INTERPRETER = "ansible_python_interpreter"
_FIRST_AID = "python_first_aid_result"
_REPORTED = ("interpreter", "rejected", "hazards", "trusted_by")


class TrustedModuleAction(CollectionAction):
    """Probe the host, unless first aid did so in this play, and run the module under what it found, isolated.

    The result is the module's, with the probe's C(interpreter), C(rejected), C(hazards) and C(trusted_by).
    """

    _supports_async = True
    # Null where nothing can vouch for an interpreter, and Ansible chooses.
    trusted: Trusted | None = None

    def __init_subclass__(cls) -> None:
        """Get ready in the process that Ansible's workers are forked from, of which each has one host."""
        super().__init_subclass__()
        get_ready(cls.__module__.rpartition(".")[2])

    def perform(self, result: dict[str, object]) -> None:
        """See CollectionAction."""
        self.trusted = self._established()
        if not self.trusted:
            with changing_nothing():
                self.trusted = self.choose(result)
            for key in result.keys() - set(_REPORTED):
                del result[key]
        result.update(self.execute(self.module_args()))

    def execute(self, arguments: dict[str, object]) -> dict[str, object]:
        """Run the module with C(arguments) and return its result."""
        return self.run_module(arguments, wrap_async=bool(self._task.async_val))

    def run_module(self, arguments: dict[str, object], wrap_async: bool = False) -> dict[str, object]:
        """Run the module under the trusted interpreter, isolated from everything that is not its own library."""
        try:
            answer = self._execute_module(
                module_args=arguments, task_vars=self._module_variables(), wrap_async=wrap_async
            )
        except (AttributeError, RecursionError, TypeError) as error:
            # Ansible itself reads some keys of an answer.
            raise HOST.refused(None, "the result of the module", "a mapping of the right kinds") from error
        return module_answer(type(self).__module__.rpartition(".")[2], answer, wrap_async)

    def _module_variables(self) -> dict[str, Any]:
        if not self.trusted:
            return self.variables
        chosen = {_INTERPRETER: self.trusted.isolated}
        host = self._task.delegate_to
        if not host:
            return {**self.variables, **chosen}
        delegated = self.variables["ansible_delegated_vars"]
        return {**self.variables, "ansible_delegated_vars": {**delegated, host: {**delegated[host], **chosen}}}

    def _established(self) -> Trusted | None:
        """Return what first aid chose for this play, where that still is its interpreter."""
        first_aid = self.variables.get(_FIRST_AID)
        if self._task.delegate_to or not isinstance(first_aid, Mapping):
            return None
        chosen = Trusted(first_aid.get("interpreter") or "", first_aid.get("isolated_interpreter") or "")
        return chosen if all(chosen) and self.variables.get(_INTERPRETER) == chosen.interpreter else None

    def choose(self, found: dict[str, object]) -> Trusted | None:
        """Return the interpreter for the module, null to leave it to Ansible. What was found goes into C(found)."""
        return trusted_interpreter(self.host, self._task.args.get("contract"), found)

    def module_args(self) -> dict[str, object]:
        """Return the arguments for the module, of the exceptions those that are for this host."""
        arguments: dict[str, object] = dict(self._task.args)
        if arguments.get("exceptions"):
            own = own_waivers(arguments["exceptions"], self.variables)
            arguments["exceptions"] = [one.entry() for one in own]
        return arguments


class PortableModuleAction(TrustedModuleAction):
    """For modules that also work where there is no rpm: Debian, Ubuntu and every other POSIX system.

    Nothing can vouch for an interpreter there: the module runs under the one that Ansible was given or finds, and the
    result's C(trusted_by) is C(nothing) instead of C(rpm) or C(manifest). Where there is an rpm database, of a known
    release or not, it is as TrustedModuleAction.
    """

    def choose(self, found: dict[str, object]) -> Trusted | None:
        """See TrustedModuleAction."""
        return trusted_interpreter_where_rpm_is(self.host, found)


class RootedModuleAction(TrustedModuleAction):
    """For modules with the option C(root): as PortableModuleAction where it names the folder of another system.

    The root's own interpreters are never among those to choose from.
    """

    def choose(self, found: dict[str, object]) -> Trusted | None:
        """See TrustedModuleAction."""
        root = os.path.normpath(str(self._task.args.get("root") or "/"))
        if root in ("/", "//"):
            return super().choose(found)
        return trusted_interpreter_where_rpm_is(self.host, found)
