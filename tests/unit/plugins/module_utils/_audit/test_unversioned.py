# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What /usr/bin/python is, in the words of the policy."""

import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.contract import contract_for
from ansible_collections.fleet.system_python.plugins.module_utils._audit.records import (
    LinkHop,
    Unversioned,
    UnversionedGroup,
)
from ansible_collections.fleet.system_python.plugins.module_utils._audit.unversioned import (
    actual_policy,
    described,
    target_of,
)

EL9 = contract_for({"ID": "rhel", "VERSION_ID": "9.7"})
SLES15 = contract_for({"ID": "sles", "VERSION_ID": "15.7"})
TARGETS = {"absent": "/usr/libexec/no-python", "python3": "/usr/bin/python3", "python2": "/usr/bin/python2"}
GROUP = EL9.copy()
GROUP["unversioned"] = Unversioned(
    path="/usr/bin/python", package=None, target=None, group=UnversionedGroup(name="python", targets=TARGETS)
)


def chain(*hops: t.Tuple[str, t.Optional[str], t.Optional[str]]) -> t.List[LinkHop]:
    return [LinkHop(path=path, kind="link", target=target, owner=owner, verified=None) for path, target, owner in hops]


OWN = chain(
    ("/usr/bin/python", "./python3", "python-unversioned-command"), ("/usr/bin/python3", "python3.9", "python3")
)
BY_HAND = chain(("/usr/bin/python", "./python3", None), ("/usr/bin/python3", "python3.9", "python3"))
OTHER = chain(("/usr/bin/python", "python3.11", None), ("/usr/bin/python3.11", None, "python3.11"))
PYTHON2 = chain(("/usr/bin/python", "python2.7", "python-base"), ("/usr/bin/python2.7", None, "python-base"))
GOVERNED = chain(
    ("/usr/bin/python", "/etc/alternatives/unversioned-python", "platform-python"),
    ("/etc/alternatives/unversioned-python", "/usr/bin/python3", None),
    ("/usr/bin/python3", "/etc/alternatives/python3", "python36"),
)
RELATIVELY = chain(("/usr/bin/python", "../../etc/alternatives/unversioned-python", "platform-python"))
RELATIVELY += GOVERNED[1:]
UNGOVERNED = chain(("/usr/bin/python", "/usr/bin/python3", "platform-python"), ("/usr/bin/python3", "python3.6", None))


@pytest.mark.parametrize(
    ("contract", "hops", "policy"),
    [
        (EL9, [], "absent"),
        (EL9, OWN, "python3"),
        (EL9, BY_HAND, "other"),
        (EL9, OTHER, "other"),
        (SLES15, PYTHON2, "python2"),
        (SLES15, BY_HAND, "other"),
        (GROUP, [], "absent"),
        (GROUP, GOVERNED, "python3"),
        (GROUP, RELATIVELY, "python3"),
        (GROUP, UNGOVERNED, "other"),
    ],
)
def test_the_policy_that_is_fulfilled(contract: t.Any, hops: t.Any, policy: str) -> None:
    assert actual_policy(contract, hops) == policy


def test_what_a_distribution_can_do() -> None:
    assert [target_of(EL9, policy) for policy in ("absent", "python3", "python2")] == ["absent", "./python3", None]
    assert [target_of(SLES15, policy) for policy in ("absent", "python3", "python2")] == ["absent", None, "python2.7"]
    assert [target_of(GROUP, policy) for policy in ("absent", "python2")] == ["absent", "/usr/bin/python2"]


def test_what_lies_there_in_words() -> None:
    assert described([]) == "absent"
    assert described(OTHER) == "python3.11, which no package owns"
    assert described(OWN) == "./python3"
