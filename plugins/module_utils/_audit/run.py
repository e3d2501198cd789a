# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Observation and findings in one call: what an audit is, and what a repair does before and after."""

import typing as t

from .._base.command import CommandRunner, run_command
from .._disk.root import HOST, Root
from .._rpm.database import Rpm
from .finding_records import Finding
from .findings import find
from .observation import NOT_ASKED_FOR, observe
from .records import Contract, Observation
from .rule import Policy

__all__ = ["audit"]


def audit(
    contract: Contract,
    policy: Policy,
    environ: t.Mapping[str, str],
    core_version: str = "",
    timeout: float = 120,
    check_manager: str = "always",
    runner: CommandRunner = run_command,
    root: Root = HOST,
    offline: t.Optional[Rpm] = None,
) -> t.Tuple[Observation, t.List[Finding]]:
    """Return the observation of this host, or of the system in C(root), and the findings of all rules.

    C(check_manager) is one of C(MANAGER_STARTS). C(offline) has the packages of C(root) where they were opened before
    (C(open_offline)). Raises SystemPythonError.
    """
    needed: t.Dict[str, t.Optional[t.Callable[[Observation], bool]]] = {
        "if_needed": lambda seen: bool(find(seen, policy)),
        "always": lambda _seen: True,
        "never": None,
    }
    is_needed = needed[check_manager]
    if root.is_host:
        observation = observe(contract, Rpm(runner=runner, timeout=timeout), environ, core_version, runner, is_needed)
    elif offline is not None:
        observation = observe(contract, offline, {}, "", runner, is_needed, root)
    else:
        # Here, so that the audit of a running host, which is to be fast, does not load it.
        from .._rpm.offline import open_offline  # noqa: PLC0415

        with open_offline(root, runner, timeout) as rpm:
            observation = observe(contract, rpm, {}, "", runner, is_needed, root)
    if policy.unversioned == Policy().unversioned:
        observation["not_checked"]["SP108"] = NOT_ASKED_FOR
    return observation, find(observation, policy)
