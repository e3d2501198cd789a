# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The one way in which every module of this collection begins and ends: options, work, a result or an error."""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from .errors import SystemPythonError, changing_nothing
from .run import Run
from .text import safe

__all__ = ["Result", "refuse_to_be_a_module", "run_module"]

ArgumentSpec = t.Mapping[str, object]
Result = t.Mapping[str, object]
Work = t.Callable[[AnsibleModule], t.Union[Result, Run[t.Any, t.Any, t.Any]]]


def run_module(work: Work, argument_spec: ArgumentSpec, changes: bool = True, **rules: object) -> None:
    """Run the module and end the process.

    C(work) gets the AnsibleModule and returns the result, or a Run that makes it. The result's C(warnings) become
    Ansible's, and a SystemPythonError becomes a failure. C(changes) is false for a module that never changes anything.
    C(rules) are about options that go together; AnsibleModule takes them.
    """
    module = AnsibleModule(argument_spec=argument_spec, supports_check_mode=True, **rules)
    try:
        with changing_nothing(module.check_mode or not changes):
            done = work(module)
            result: t.Dict[str, object] = dict(done.result(module.check_mode) if isinstance(done, Run) else done)
    except SystemPythonError as error:
        module.fail_json(**safe(error.as_result()))
    for warning in t.cast(t.List[str], result.pop("warnings", [])):
        module.warn(warning)
    module.exit_json(**safe(result))


def refuse_to_be_a_module(name: str, argument_spec: ArgumentSpec) -> None:
    """Fail: C(name) is an action plugin. Its module is there for the documentation."""

    def refuse(_module: AnsibleModule) -> Result:
        raise NotAModuleError(
            "{0} is an action plugin: it runs on the controller. It cannot run as a module. Call it as "
            "fleet.system_python.{0}.".format(name)
        )

    run_module(refuse, argument_spec, changes=False)


class NotAModuleError(SystemPythonError):
    """An action plugin was started as a module."""

    kind = "not_a_module"
    changed_nothing = True
