# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Observation and findings in one call: what an audit is, and what a repair does before and after."""

import os
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._command import CommandRunner, run_command
from ansible_collections.fleet.system_python.plugins.module_utils._contract import Contract, parse_os_release
from ansible_collections.fleet.system_python.plugins.module_utils._errors import InvalidDataError, UnknownPlatformError
from ansible_collections.fleet.system_python.plugins.module_utils._findings import Finding, Policy, find
from ansible_collections.fleet.system_python.plugins.module_utils._observation import Observation, observe
from ansible_collections.fleet.system_python.plugins.module_utils._root import HOST, Root
from ansible_collections.fleet.system_python.plugins.module_utils._rpm import Rpm
from ansible_collections.fleet.system_python.plugins.module_utils._text import json_text, printable

__all__ = ["audit", "read_os_release"]

_OS_RELEASE_FILES = ("/etc/os-release", "/usr/lib/os-release")


def read_os_release(files: t.Sequence[str] = _OS_RELEASE_FILES, root: Root = HOST) -> t.Dict[str, str]:
    """Return the os-release variables of the host, or of C(root); raises UnknownPlatformError without such a file.

    A root that does not exist is InvalidDataError.
    """
    if not root.is_host and not root.isdir("/"):
        raise InvalidDataError(
            "The root folder {0} does not exist.".format(printable(root.folder)), path=json_text(root.folder)
        )
    for path in files:
        if root.isfile(path):
            with root.open(path) as stream:
                return parse_os_release(os.fsdecode(stream.read()))
    raise UnknownPlatformError(
        "{0} no os-release file ({1}), so the operating system is unknown. "
        "Give a contract of your own in the option 'contract'.".format(
            "This host has" if root.is_host else "In {0} there is".format(printable(root.folder)), ", ".join(files)
        )
    )


def audit(
    contract: Contract,
    policy: Policy,
    environ: t.Mapping[str, str],
    core_version: str = "",
    timeout: float = 120,
    check_manager: bool = True,
    runner: CommandRunner = run_command,
    root: Root = HOST,
) -> t.Tuple[Observation, t.List[Finding]]:
    """Return the observation of this host, or of the system in C(root), and the findings of all rules.

    Raises SystemPythonError.
    """
    if root.is_host:
        observation = observe(
            contract, Rpm(runner=runner, timeout=timeout), environ, core_version, runner, check_manager
        )
    else:
        # Here, so that the audit of a running host, which is to be fast, does not load it.
        from ansible_collections.fleet.system_python.plugins.module_utils._offline import open_offline  # noqa: PLC0415

        with open_offline(root, runner, timeout) as rpm:
            observation = observe(contract, rpm, {}, "", runner, check_manager, root)
    return observation, find(observation, policy)
