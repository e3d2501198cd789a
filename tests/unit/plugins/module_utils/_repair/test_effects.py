# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two steps of one plan never undo each other."""

import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import PlanError
from ansible_collections.fleet.system_python.plugins.module_utils._repair.effects import require_agreement
from ansible_collections.fleet.system_python.plugins.module_utils._repair.plan import RepairStep, StepLink

ENTRY = "/etc/alternatives/python3"


def _restore(path: str = "/usr/bin/python3", target: str = "python3.9") -> RepairStep:
    return RepairStep(action="restore_link", path=path, target=target, kind="link", findings=["SP101"])


def _relink(path: str = "/usr/bin/python3", target: str = ENTRY) -> RepairStep:
    links = [StepLink(path=path, target=target), StepLink(path=ENTRY, target="/usr/bin/python3.11")]
    return RepairStep(
        action="relink_group",
        name="python3",
        state_file="/var/lib/alternatives/python3",
        links=links,
        findings=["SP105"],
    )


def _drop(packaged: t.Optional[str], path: str = "/usr/bin/python3") -> RepairStep:
    link = StepLink(path=path, entry=ENTRY, package="python3" if packaged else None, packaged_target=packaged)
    return RepairStep(
        action="drop_group",
        name="python3",
        state_file="/var/lib/alternatives/python3",
        entries=[ENTRY],
        links=[link],
        findings=["SP104"],
    )


def _move(*paths: str) -> RepairStep:
    return RepairStep(action="quarantine", paths=list(paths), reasons={}, findings=["SP210"])


def _set(path: str) -> RepairStep:
    return RepairStep(action="set_metadata", path=path, mode="0755", owner="root", group="root", findings=["SP207"])


@pytest.mark.parametrize(
    "plan",
    [
        [_restore(), _drop("python3.9")],
        [_restore(), _drop("/usr/bin/python3.9")],
        [_restore(), _restore("/usr/bin/python"), _set("/usr/bin/python3.9")],
        [_relink(), _move("/usr/bin/python3.1", "/usr/bin/python3.11-config")],
        [_drop("python3.9"), _move("/var/lib/alternatives/python3")],
    ],
)
def test_steps_that_agree(plan: t.List[RepairStep]) -> None:
    require_agreement(plan, lambda folder: folder)


@pytest.mark.parametrize(
    ("plan", "path"),
    [
        # The foreign group that is not seen as one: it would lead python3 back, in every run.
        ([_restore(), _relink()], "/usr/bin/python3"),
        ([_restore(), _restore(target="python3.11")], "/usr/bin/python3"),
        ([_restore(), _drop(None)], "/usr/bin/python3"),
        ([_drop("python3.9"), _relink("/usr/local/bin/python3")], ENTRY),
        ([_relink(), _move("/usr/bin/python3.11")], "/usr/bin/python3.11"),
        ([_restore(), _move("/usr/bin")], "/usr/bin/python3"),
        ([_move("/usr/lib/python3.15"), _set("/usr/lib/python3.15/os.py")], "/usr/lib/python3.15/os.py"),
    ],
)
def test_steps_that_undo_each_other(plan: t.List[RepairStep], path: str) -> None:
    for order in (plan, plan[::-1]):
        with pytest.raises(PlanError, match="do not agree about") as caught:
            require_agreement(order, lambda folder: folder)
        assert caught.value.details["path"] == path
        assert caught.value.changed_nothing


def test_two_names_of_one_file_are_one(tmp_path: Path) -> None:
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "bin").symlink_to("usr/bin")
    names = [str(tmp_path / name) for name in ("usr/bin/python3", "bin/python3", "bin/../bin/python3")]
    require_agreement([_restore(name) for name in names])
    for name in names[1:]:
        with pytest.raises(PlanError):
            require_agreement([_restore(names[0]), _relink(name)])
        with pytest.raises(PlanError):
            require_agreement([_restore(names[0]), _move(name)])
