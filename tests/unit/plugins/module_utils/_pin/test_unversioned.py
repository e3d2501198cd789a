# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan for /usr/bin/python, from recorded answers of the package managers; tests/hosts_checks has the real ones."""

import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.contract import contract_for
from ansible_collections.fleet.system_python.plugins.module_utils._audit.records import ManagerState
from ansible_collections.fleet.system_python.plugins.module_utils._base.command import Completed
from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import (
    AcquisitionError,
    PinConflictError,
    PinImpossibleError,
    ProofError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._pin import unversioned_steps
from ansible_collections.fleet.system_python.plugins.module_utils._pin.command import CommandPlanner
from ansible_collections.fleet.system_python.plugins.module_utils._pin.plan import PinStep
from ansible_collections.fleet.system_python.plugins.module_utils._pin.record import AlternativesState, Made, PinEntry
from ansible_collections.fleet.system_python.plugins.module_utils._pin.unversioned import PinnedHost, UnversionedPlanner
from ansible_collections.fleet.system_python.plugins.module_utils._pin.unversioned_steps import (
    UnversionedSteps,
    without_what_cancels_out,
)
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.database import Query
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.audit_records import healthy

ZYPPER_FOUND = """
S  | Name        | Type       | Version             | Arch   | Repository
---+-------------+------------+---------------------+--------+-----------
   | python-base | package    | 2.7.18-150000.81.1  | x86_64 | Basesystem
v  | python-base | package    | 2.7.18-150000.78.1  | x86_64 | Basesystem
   | python-base | srcpackage | 2.7.18-150000.81.1  | noarch | Basesystem
"""
NOISY_DNF = "warning: sqlite: recovered 2 frames\npython-unversioned-command-3.9.21-1.el9\n"
UNOWNED = [{"path": "/usr/bin/python", "kind": "link", "target": "python3.11", "owner": None}]


class FakeRpm:
    """Knows which packages are installed, and nothing else."""

    def __init__(self, installed: t.Sequence[str]) -> None:
        self.installed = installed

    def query(self, names: t.Sequence[str], files: bool = True) -> Query:
        assert not files
        return Query([], [name for name in names if name not in self.installed])


def unversioned(
    system: t.Tuple[str, str],
    chain: t.Sequence[t.Mapping[str, t.Any]] = (),
    answer: t.Tuple[int, str] = (0, ""),
    installed: t.Sequence[str] = (),
    manager: str = "works",
    groups: t.Sequence[t.Mapping[str, t.Any]] = (),
) -> UnversionedPlanner:
    os_release = {"ID": system[0], "VERSION_ID": system[1]}
    contract = contract_for(os_release)
    assert contract["manager"]
    observation = healthy(
        system[0],
        system[1],
        resolution={"python": list(chain)},
        evr={"python3": "3.9.21-1.el9"},
        manager=ManagerState(name=contract["manager"]["name"], state=manager, reason="no reason", blocked=[]),
        alternatives=list(groups),
    )

    def runner(argv: t.Sequence[str], **_options: t.Any) -> Completed:
        return Completed(tuple(argv), answer[0], answer[1], "", False)

    rpm: t.Any = FakeRpm(installed)
    return UnversionedPlanner(PinnedHost(contract, observation, os_release, rpm, runner, 60))


EL9, SLES15 = ("rhel", "9.7"), ("sles", "15.7")


def test_the_package_of_the_installed_release_is_asked_for() -> None:
    (step,) = unversioned(EL9, answer=(0, NOISY_DNF)).plan("python3", None)
    assert (step["action"], step["evr"]) == ("install_packages", "3.9.21-1.el9")


def test_python2_is_what_suse_has_for_it() -> None:
    found = unversioned(SLES15, UNOWNED, answer=(0, ZYPPER_FOUND)).plan("python2", None)
    assert [step["action"] for step in found] == ["quarantine", "install_packages"]
    assert (found[1]["packages"], found[1]["evr"]) == (["python-base"], None)
    with pytest.raises(PinImpossibleError, match="do not offer python-base") as error:
        unversioned(SLES15, answer=(104, "No matching items found.")).plan("python2", None)
    assert error.value.details["available"] == []


def test_another_release_is_told_and_not_taken() -> None:
    with pytest.raises(PinImpossibleError, match=r"They offer: python-unversioned-command-3\.9\.19-8\.el9_5") as error:
        unversioned(EL9, answer=(0, "python-unversioned-command-3.9.19-8.el9_5\n")).plan("python3", None)
    assert error.value.details["wanted"] == "python-unversioned-command-3.9.21-1.el9"


def test_a_manager_that_cannot_be_trusted_or_asked() -> None:
    with pytest.raises(AcquisitionError, match="The package manager is not used: no reason"):
        unversioned(EL9, manager="not checked").plan("python3", None)
    with pytest.raises(AcquisitionError, match="cannot be asked"):
        unversioned(EL9, answer=(1, "no route")).plan("python3", None)


def test_what_another_package_owns_stays() -> None:
    theirs = [dict(UNOWNED[0], owner="vendor-python")]
    for wish in ("absent", "python3"):
        with pytest.raises(PinConflictError, match="belongs to the package vendor-python"):
            unversioned(EL9, theirs, answer=(0, NOISY_DNF)).plan(wish, None)


def test_a_package_whose_link_is_gone_is_repaired_elsewhere() -> None:
    with pytest.raises(PinConflictError, match="role python_restore"):
        unversioned(EL9, installed=["python-unversioned-command"]).plan("python3", None)


def test_what_others_need_is_not_removed() -> None:
    own = [dict(UNOWNED[0], target="./python3", owner="python-unversioned-command")]
    name = "python-unversioned-command"
    with pytest.raises(PinConflictError, match="is needed by"):
        unversioned(EL9, own, answer=(1, "python is needed by x"), installed=[name]).plan("absent", None)
    (step,) = unversioned(EL9, own, installed=[name]).plan("absent", None)
    assert step == {"action": "remove_packages", "packages": [name]}


def test_what_came_with_a_package_goes_with_it() -> None:
    own = [dict(UNOWNED[0], target="python2.7", owner="python-base")]
    names = ["libpython2_7-1_0", "python-base"]
    entry = PinEntry(made=[Made(action="install_packages", packages=names)])
    (step,) = unversioned(SLES15, own, installed=names).plan("absent", entry)
    assert step["packages"] == names
    assert unversioned(SLES15, own, installed=names).plan("original", entry) == [step]


def test_going_back_undoes_the_last_first() -> None:
    before = AlternativesState(mode="auto", target="/x")
    entry = PinEntry(
        made=[
            Made(action="quarantine", path="/usr/bin/python", run_id="r1"),
            Made(action="remove_packages", evr={"a": "1-1"}),
            Made(action="select_alternative", group="python", before=before),
        ]
    )
    group = {"name": "python", "choices": [{"target": "/x", "exists": True}]}
    found = unversioned(EL9, groups=[group]).plan("original", entry)
    assert [step["action"] for step in found] == ["select_alternative", "install_packages", "put_back"]
    assert (found[0]["mode"], found[0]["target"], found[1]["evr"]) == ("auto", "/x", "1-1")
    assert unversioned(EL9).plan("original", None) == []
    assert unversioned(EL9).plan("original", PinEntry(made=[])) == [{"action": "forget", "path": "/usr/bin/python"}]


def test_going_back_to_a_choice_that_is_gone_leaves_it_to_alternatives() -> None:
    before = AlternativesState(mode="manual", target="/x")
    entry = PinEntry(made=[Made(action="select_alternative", group="python", before=before)])
    for exists, mode in ((True, "manual"), (False, "auto")):
        group = {"name": "python", "choices": [{"target": "/x", "exists": exists}]}
        (step,) = unversioned(EL9, groups=[group]).plan("original", entry)
        assert (step["target"], step["mode"]) == ("/x", mode)
    assert unversioned(EL9).plan("original", entry) == [{"action": "forget", "path": "/usr/bin/python"}]


def group_of(name: str, mode: str, chosen: str, *others: str) -> t.Dict[str, t.Any]:
    choices = [{"target": target, "exists": True} for target in (chosen, *others)]
    return {"name": name, "mode": mode, "chosen": chosen, "choices": choices, "own": True}


EL8 = ("rhel", "8.10")
NO_PYTHON = "/usr/libexec/no-python"


@pytest.mark.parametrize(("mode", "expected"), [("auto", ["select_alternative"]), ("manual", [])])
def test_a_choice_is_pinned_although_it_is_the_right_one(mode: str, expected: t.List[str]) -> None:
    planner = unversioned(EL8, groups=[group_of("python", mode, NO_PYTHON, "/usr/bin/python3")])
    assert [step["action"] for step in planner.plan("absent", None)] == expected
    # Nothing chooses where no package made the group.
    assert unversioned(EL8).plan("absent", None) == []


@pytest.mark.parametrize(
    ("group", "wish", "target"),
    [
        (group_of("python3", "auto", "/usr/bin/python3.6", "/usr/bin/python3.11"), "3.11", "/usr/bin/python3.11"),
        (group_of("python3", "manual", "/usr/bin/python3.11", "/usr/bin/python3.6"), "system", "/usr/bin/python3.6"),
        (group_of("python3", "auto", "/usr/bin/python3.6"), "3.6", "/usr/bin/python3.6"),
        (group_of("python3", "manual", "/usr/bin/python3.6"), "system", None),
    ],
)
def test_python3_of_el8(group: t.Dict[str, t.Any], wish: str, target: t.Optional[str]) -> None:
    found = CommandPlanner(unversioned(EL8, groups=[group]).host).plan(wish, None)
    assert [(step["target"], step["mode"]) for step in found] == ([(target, "manual")] if target else [])


def test_a_python3_that_cannot_be_chosen_says_what_can() -> None:
    group = group_of("python3", "auto", "/usr/bin/python3.6", "/usr/bin/python3.11")
    with pytest.raises(PinImpossibleError, match=r"no /usr/bin/python3\.12 that exists") as caught:
        CommandPlanner(unversioned(EL8, groups=[group]).host).plan("3.12", None)
    assert caught.value.details["possible"] == ["3.6", "3.11"]
    with pytest.raises(PinImpossibleError, match="nothing chooses it"):
        CommandPlanner(unversioned(EL9).host).plan("3.9", None)
    with pytest.raises(PinImpossibleError, match="no alternatives group"):
        CommandPlanner(unversioned(EL8).host).plan("3.6", None)


def test_python3_goes_back_to_what_it_was() -> None:
    before = AlternativesState(mode="auto", target="/usr/bin/python3.6")
    entry = PinEntry(made=[Made(action="select_alternative", group="python3", before=before)])
    group = group_of("python3", "manual", "/usr/bin/python3.11", "/usr/bin/python3.6")
    (step,) = CommandPlanner(unversioned(EL8, groups=[group]).host).plan("original", entry)
    assert (step["mode"], step["target"]) == ("auto", "/usr/bin/python3.6")
    assert CommandPlanner(unversioned(EL8).host).plan("original", None) == []
    (gone,) = CommandPlanner(unversioned(EL8).host).plan("original", entry)
    assert gone["action"] == "forget"


def test_what_alternatives_chooses_by_itself_may_be_another_since(monkeypatch: pytest.MonkeyPatch) -> None:
    now = {"name": "python", "mode": "auto", "chosen": "/y"}
    monkeypatch.setattr(unversioned_steps, "python_groups", lambda: [now])
    back = PinStep(action="select_alternative", group="python", target="/x", mode="auto")
    quarantine: t.Any = None
    steps = UnversionedSteps(unversioned(EL9).host, quarantine)
    by_hand = back.copy()
    by_hand["mode"] = "manual"
    steps.carry_out(back)
    with pytest.raises(ProofError):
        steps.carry_out(by_hand)
    now["mode"] = "manual"
    with pytest.raises(ProofError):
        steps.carry_out(by_hand)


def test_going_to_and_fro_does_not_pile_up() -> None:
    removed, installed = (
        Made(action="remove_packages", evr={"a": "1-1"}),
        Made(action="install_packages", packages=["a"]),
    )
    before = AlternativesState(mode="auto", target="/x")
    select = Made(action="select_alternative", group="python", before=before)
    again = Made(action="select_alternative", group="python", before=AlternativesState(mode="manual", target="/y"))
    assert without_what_cancels_out([removed, installed]) == []
    assert without_what_cancels_out([installed, removed, installed]) == [installed]
    assert without_what_cancels_out([select, again]) == [select]
    moved = Made(action="quarantine", path="/usr/bin/python", run_id="r1")
    assert without_what_cancels_out([moved, installed]) == [moved, installed]
