# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The repair of a transactional host: packages go into a snapshot, once; nothing else is touched before the boot."""

import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.contract import CONTRACTS
from ansible_collections.fleet.system_python.plugins.module_utils._audit.finding_records import Finding, QuarantineFiles
from ansible_collections.fleet.system_python.plugins.module_utils._audit.findings import Policy
from ansible_collections.fleet.system_python.plugins.module_utils._base.command import Completed
from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import TransactionError
from ansible_collections.fleet.system_python.plugins.module_utils._disk.host_mode import (
    IMAGE,
    TRANSACTIONAL,
    HostMode,
    ImmutableHostError,
    refusal,
)
from ansible_collections.fleet.system_python.plugins.module_utils._repair import run as repairs
from ansible_collections.fleet.system_python.plugins.module_utils._repair import staged
from ansible_collections.fleet.system_python.plugins.module_utils._repair.run import RepairSettings
from ansible_collections.fleet.system_python.plugins.module_utils._repair.staged import StagedRepair
from ansible_collections.fleet.system_python.plugins.module_utils._trust.vouch import Vouched
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.audit_records import finding_of, healthy

PACKAGES = ["python3-base=3.6.15-1"]
SNAPSHOTS = HostMode(TRANSACTIONAL, ["transactional-update"])
MADE = "Calling zypper install\n\nNew default snapshot is #7 (/.snapshots/7/snapshot).\ntransactional-update finished\n"


class Host:
    """A transactional host: what it was asked to run, and what it answers."""

    def __init__(self, folder: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.asked: t.List[t.List[str]] = []
        self.answer: t.Tuple[int, str] = (0, MADE)
        self.mode, self.packages, self.vouched = SNAPSHOTS, PACKAGES, True
        self.stray = folder / "python3"
        self.stray.write_text("#!/bin/sh\n")
        remedy = QuarantineFiles(action="quarantine", paths=[str(self.stray)])
        self.found: t.List[Finding] = [finding_of("SP106", path=str(self.stray), remedy=remedy)]
        monkeypatch.setattr(repairs, "require_root", lambda _what: None)
        monkeypatch.setattr(repairs, "require_possible", self._refuse)
        monkeypatch.setattr(repairs, "audit", lambda *_args, **_options: (healthy(), self.found))
        monkeypatch.setattr(staged, "vouched_program", self._vouch)
        monkeypatch.setattr(staged, "_STAGED", str(folder / "run" / "staged.json"))
        monkeypatch.setattr(staged, "_REBOOT_NEEDED", str(folder / "reboot-needed"))

    def _refuse(self, *_what: object) -> None:
        raise refusal(self.mode, ["/usr/bin/python3"], self.packages)

    def _vouch(self, *_paths: object, **_options: object) -> Vouched:
        return Vouched("rpm", "transactional-update", self.vouched, "" if self.vouched else "its content differs")

    def _run(self, argv: t.Sequence[str], **_options: t.Any) -> Completed:
        self.asked.append(list(argv))
        return Completed(tuple(argv), self.answer[0], self.answer[1], "", False)

    def repair(self) -> StagedRepair:
        contract = CONTRACTS[0].copy()
        contract["proof"], contract["manager"], contract["alternatives"] = [], None, {}
        settings = RepairSettings(
            contract, Policy(), {}, state_folder=str(self.folder / "state"), lock_path=str(self.folder / "lock")
        )
        return StagedRepair(settings, runner=self._run)


@pytest.fixture
def host(tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path, monkeypatch)


def test_the_packages_go_into_a_snapshot_once(host: Host) -> None:
    predicted = host.repair().predict()
    assert (predicted["changed"], predicted["staged"]["snapshot"], host.asked) == (True, None, [])
    done = host.repair().apply()
    assert (done["changed"], done["healthy"], done["staged"]) == (True, False, {"packages": PACKAGES, "snapshot": 7})
    assert done["summary"][0] == "repaired in snapshot 7, which the next boot starts: reboot, and run again"
    (command,) = host.asked
    assert command[0] == "/usr/sbin/transactional-update"
    assert command[-5:] == ["pkg", "install", "--force", "--oldpackage", PACKAGES[0]]
    assert "--continue" not in command
    again = host.repair().apply()
    assert (again["changed"], again["summary"][0]) == (
        False,
        "waits for the reboot: a snapshot has what is needed",
    )
    assert host.repair().predict()["changed"] is False
    assert len(host.asked) == 1
    assert host.stray.exists()


def test_a_snapshot_that_waits_is_not_lost(host: Host) -> None:
    (host.folder / "reboot-needed").write_text("")
    host.repair().apply()
    assert "--continue" in host.asked[0]


@pytest.mark.parametrize("answer", [(1, "ERROR: zypper failed"), (0, "zypper: nothing to update\n")])
def test_without_a_snapshot_nothing_was_repaired(host: Host, answer: t.Tuple[int, str]) -> None:
    host.answer = answer
    with pytest.raises(TransactionError, match="made no snapshot"):
        host.repair().apply()
    assert not (host.folder / "run").exists()


def test_a_program_that_no_package_vouches_for_is_not_run(host: Host) -> None:
    host.vouched = False
    with pytest.raises(TransactionError, match="its content differs") as caught:
        host.repair().apply()
    assert (caught.value.changed_nothing, host.asked) == (True, [])


@pytest.mark.parametrize(("mode", "packages"), [(HostMode(IMAGE, ["bootc"]), PACKAGES), (SNAPSHOTS, [])])
def test_what_no_snapshot_helps_with_is_refused(host: Host, mode: HostMode, packages: t.List[str]) -> None:
    host.mode, host.packages = mode, packages
    for run in (host.repair().predict, host.repair().apply):
        with pytest.raises(ImmutableHostError):
            run()
    assert host.asked == []
