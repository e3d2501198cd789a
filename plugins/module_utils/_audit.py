# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Observation and findings in one call: what an audit is, and what a repair does before and after."""

import os
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._command import CommandRunner, run_command
from ansible_collections.fleet.system_python.plugins.module_utils._contract import Contract, parse_os_release
from ansible_collections.fleet.system_python.plugins.module_utils._errors import UnknownPlatformError
from ansible_collections.fleet.system_python.plugins.module_utils._findings import Finding, Policy, find
from ansible_collections.fleet.system_python.plugins.module_utils._observation import Observation, observe
from ansible_collections.fleet.system_python.plugins.module_utils._rpm import Rpm

__all__ = ["audit", "read_os_release"]

_OS_RELEASE_FILES = ("/etc/os-release", "/usr/lib/os-release")


def read_os_release(files: t.Sequence[str] = _OS_RELEASE_FILES) -> t.Dict[str, str]:
    """Return the host's os-release variables; raises UnknownPlatformError when it has no such file."""
    for path in files:
        if os.path.isfile(path):
            with open(path, "rb") as stream:
                return parse_os_release(os.fsdecode(stream.read()))
    raise UnknownPlatformError(
        "This host has no os-release file ({0}), so its operating system is unknown. "
        "Give a contract of your own in the option 'contract'.".format(", ".join(files))
    )


def audit(
    contract: Contract,
    policy: Policy,
    environ: t.Mapping[str, str],
    core_version: str = "",
    timeout: float = 120,
    check_manager: bool = True,
    runner: CommandRunner = run_command,
) -> t.Tuple[Observation, t.List[Finding]]:
    """Return the observation of this host and the findings of all rules; raises SystemPythonError."""
    rpm = Rpm(runner=runner, timeout=timeout)
    observation = observe(contract, rpm, environ, core_version, runner, check_manager)
    return observation, find(observation, policy)
