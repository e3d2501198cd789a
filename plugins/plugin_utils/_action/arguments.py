# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The options of a task, made once more of what its author wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.parsing.mod_args import ModuleArgsParser
from ansible.template import Templar

from ...module_utils._base.errors import HostAnswerError

__all__ = ["arguments_as_written"]

_COLLECTION = "fleet.system_python"


def arguments_as_written(task: Any, loader: Any, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the task's options with the values that C(variables) give them.

    An option of somebody's own play that needs a fact keeps its value: its author has chosen to. In our roles nothing
    does; there it raises HostAnswerError.
    """
    parser = ModuleArgsParser(task_ds=task.get_ds(), collection_list=task.collections)
    _action, written, _host = parser.parse(skip_action_validation=True)
    templar = Templar(loader=loader, variables=dict(variables))
    made = dict(task.args)
    for name, value in written.items():
        try:
            found = templar.template({name: value})
        except AnsibleError as error:
            if variables.get("ansible_collection_name") == _COLLECTION:
                raise HostAnswerError(f"A fact of the host would decide the option {name}.", field=name) from error
            continue
        made.pop(name, None)
        # An option that is left out: of newer cores it is not there, of older ones it has a value of its own.
        if name in found and found[name] != variables.get("omit"):
            made[name] = found[name]
    return made
