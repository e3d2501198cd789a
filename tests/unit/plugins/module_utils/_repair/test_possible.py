# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What packages bring right on a host whose system is not changed where it runs."""

import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._disk import host_mode as modes
from ansible_collections.fleet.system_python.plugins.module_utils._disk.host_mode import (
    IMAGE,
    HostMode,
    ImmutableHostError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._repair import possible
from ansible_collections.fleet.system_python.plugins.module_utils._repair.plan import RepairStep, StepPackage
from ansible_collections.fleet.system_python.plugins.module_utils._repair.possible import (
    exact_packages,
    require_possible,
)
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.packages import PackageId, parse_nevra

REINSTALL = RepairStep(
    action="reinstall",
    packages=[StepPackage(name="python3-libs", nevra="python3-libs-3.9.21-2.el9.x86_64")],
    keep=[],
    findings=["SP205"],
)
LINK = RepairStep(action="restore_link", path="/usr/bin/python3", target="python3.9", kind="file", findings=["SP101"])
CONFIGURED = RepairStep(action="unset_variables", path="/etc/profile", lines=["x"], findings=["SP107"])


class FakeRpm:
    """Knows who owns one link."""

    def owners(self, paths: t.Iterable[str]) -> t.Dict[str, t.List[PackageId]]:
        return {path: [parse_nevra("python3-1:3.9.21-2.el9.x86_64")] for path in paths}


def test_the_exact_packages_are_those_of_the_plan_and_the_owners_of_what_is_set_right() -> None:
    rpm: t.Any = FakeRpm()
    assert exact_packages([REINSTALL, LINK], rpm) == ["python3-libs=3.9.21-2.el9", "python3=1:3.9.21-2.el9"]
    assert exact_packages([CONFIGURED], rpm) == []


@pytest.mark.parametrize("plan", [[REINSTALL], [LINK], [CONFIGURED, LINK]])
def test_what_is_of_the_system_is_refused_before_anything_else(
    plan: t.List[RepairStep], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(possible, "host_mode", lambda: HostMode(IMAGE, ["bootc"]))
    transaction: t.Any = type("", (), {"rpm": FakeRpm()})
    with pytest.raises(ImmutableHostError) as caught:
        require_possible(plan, "/var/lib/fleet.system_python", transaction)
    assert caught.value.details["packages"]
    assert "/etc/profile" not in caught.value.details["paths"]


def test_what_is_not_of_the_system_is_repaired_there(tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (possible, modes):
        monkeypatch.setattr(module, "host_mode", lambda: HostMode(IMAGE, ["bootc"]))
    (tmp_path / "profile").write_text("x\n")
    configured = RepairStep(action="unset_variables", path=str(tmp_path / "profile"), lines=["x"], findings=["SP107"])
    transaction: t.Any = type("", (), {"rpm": FakeRpm()})
    require_possible([configured], str(tmp_path / "state"), transaction)
