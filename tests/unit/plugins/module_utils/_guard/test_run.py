# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Installing and removing the guard, in a folder, with a systemd that only answers."""

import hashlib
import os
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.contract import contract_for
from ansible_collections.fleet.system_python.plugins.module_utils._base.command import Completed
from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import GuardError, NoServiceManagerError
from ansible_collections.fleet.system_python.plugins.module_utils._disk.host_mode import (
    IMAGE,
    HostMode,
    ImmutableHostError,
    refusal,
)
from ansible_collections.fleet.system_python.plugins.module_utils._guard import config
from ansible_collections.fleet.system_python.plugins.module_utils._guard import run as guard_run
from ansible_collections.fleet.system_python.plugins.module_utils._guard import units as guard_units
from ansible_collections.fleet.system_python.plugins.module_utils._guard.config import GuardSettings
from ansible_collections.fleet.system_python.plugins.module_utils._guard.run import Baseline, Guard, GuardOptions
from ansible_collections.fleet.system_python.plugins.module_utils._guard.units import Units

CONTRACT = contract_for({"ID": "rhel", "VERSION_ID": "9.4"})
BASELINE = "link /usr/bin/python3 python3.9\n"


class Host:
    """A folder in the place of the host, and what was asked of systemd and of the checker."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.asked: t.List[t.List[str]] = []
        self.active: t.Set[str] = set()
        self.compared = (0, "")

    def run(self, argv: t.Sequence[str], **_options: t.Any) -> Completed:
        words = list(argv)
        self.asked.append(words)
        rc, out = 0, ""
        if words[0] == "sh":
            rc, out = self.compared if words[-1] == "compare" else (0, BASELINE)
        elif words[1] == "--quiet" and words[2].startswith("is-"):
            rc = 0 if words[3] in self.active else 3
        elif words[1] == "restart":
            self.active.add(words[2])
        return Completed(tuple(words), rc, out, "", False)

    def guard(self, check_mode: bool = False, booted: bool = True) -> Guard:
        running = self.folder if booted else os.path.join(self.folder, "no")
        return Guard(check_mode, self.run, Units(self.run, running))

    def options(self, **changes: t.Any) -> GuardOptions:
        settings = GuardSettings(state=os.path.join(self.folder, "var/guard"), metrics=changes.pop("metrics", None))
        return GuardOptions(settings, b"#!/bin/sh\n", **changes)

    def files(self) -> t.List[str]:
        found = [os.path.join(place, name) for place, _folders, names in os.walk(self.folder) for name in names]
        return sorted(os.path.relpath(path, self.folder) for path in found)


@pytest.fixture
def host(tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host without a guard."""
    folder = str(tmp_path)
    monkeypatch.setattr(guard_run, "CHECKER", os.path.join(folder, "libexec/ours/guard"))
    monkeypatch.setattr(guard_run, "CONFIG", os.path.join(folder, "etc/guard.conf"))
    monkeypatch.setattr(guard_units, "UNIT_FOLDER", os.path.join(folder, "units"))
    monkeypatch.setattr(guard_run, "may_be_owned", lambda *_asked: False)
    return Host(folder)


def test_a_folder_of_which_nobody_can_be_asked_stays() -> None:
    def absent(argv: t.Sequence[str], **_options: t.Any) -> Completed:
        return Completed(tuple(argv), 127, "", "cannot start rpm", False)

    assert guard_run.may_be_owned("/usr/libexec/ours", absent)


def test_a_second_installation_changes_nothing_and_absent_leaves_nothing(host: Host) -> None:
    first = host.guard().install(CONTRACT, host.options())
    assert first["changes"][-1] == "start the timer and the path of systemd"
    units = ["units/fleet-system-python-guard." + kind for kind in ("path", "service", "timer")]
    assert host.files() == ["etc/guard.conf", "libexec/ours/guard"] + units
    assert not host.guard().install(CONTRACT, host.options())["changed"]
    assert host.guard().remove()["changed"]
    assert (host.files(), os.listdir(host.folder)) == ([], ["units"])
    assert not host.guard().remove()["changed"]


def test_absent_leaves_nothing_of_a_guard_that_is_half_gone(host: Host) -> None:
    folder = os.path.join(host.folder, "metrics")
    os.mkdir(folder)
    host.guard().install(CONTRACT, host.options(metrics=folder))
    for kind in ("timer", "path"):
        link = guard_units.link_path(kind)
        os.makedirs(os.path.dirname(link))
        os.symlink(guard_units.unit_path(kind), link)
    with open(os.path.join(folder, guard_run.METRICS), "w"):
        pass
    for path in (guard_units.unit_path("timer"), guard_units.unit_path("path"), guard_run.CONFIG):
        os.unlink(path)
    host.asked = []
    assert host.guard().remove(folder)["changed"]
    assert host.files() == []
    stopped = [words[-1].rpartition(".")[2] for words in host.asked if words[:2] == ["systemctl", "stop"]]
    assert sorted(stopped) == ["path", "service", "timer"]
    assert not host.guard().remove(folder)["changed"]


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_folders_have_the_modes_that_they_need_whatever_the_umask_is(host: Host, umask: int) -> None:
    before = os.umask(umask)
    try:
        host.guard().install(CONTRACT, host.options())
    finally:
        os.umask(before)
    for folder in ("libexec", "libexec/ours", "etc"):
        assert os.stat(os.path.join(host.folder, folder)).st_mode & 0o777 == 0o755


def test_a_folder_that_is_a_link_stays(host: Host) -> None:
    os.makedirs(os.path.join(host.folder, "elsewhere"))
    os.symlink("elsewhere", os.path.join(host.folder, "libexec"))
    host.guard().install(CONTRACT, host.options())
    assert host.guard().remove()["changed"]
    assert (host.files(), os.path.islink(os.path.join(host.folder, "libexec"))) == ([], True)


def test_check_mode_says_the_same_and_does_nothing(host: Host) -> None:
    predicted = host.guard(check_mode=True).install(CONTRACT, host.options(baseline="record"))
    assert os.listdir(host.folder) == []
    done = host.guard().install(CONTRACT, host.options(baseline="record"))
    assert (predicted["changes"], predicted["diff"]) == (done["changes"], done["diff"])
    before = host.files()
    predicted = host.guard(check_mode=True).remove()
    assert host.files() == before
    assert predicted["changes"] == host.guard().remove()["changes"]


def test_without_systemd_it_is_an_error_unless_nobody_shall_start_it(host: Host) -> None:
    with pytest.raises(NoServiceManagerError):
        host.guard(booted=False).install(CONTRACT, host.options())
    assert host.files() == []
    host.guard(booted=False).install(CONTRACT, host.options(schedule="none"))
    assert host.files() == ["etc/guard.conf", "libexec/ours/guard"]


def test_a_stopped_timer_is_started_again(host: Host) -> None:
    host.guard().install(CONTRACT, host.options())
    host.active.discard("fleet-system-python-guard.timer")
    again = host.guard().install(CONTRACT, host.options())
    assert again["changes"] == ["start the timer of systemd"]


def test_metrics_that_are_no_longer_written_are_removed(host: Host) -> None:
    folder = os.path.join(host.folder, "metrics")
    os.mkdir(folder)
    host.guard().install(CONTRACT, host.options(metrics=folder))
    with open(os.path.join(folder, guard_run.METRICS), "w"):
        pass
    result = host.guard().install(CONTRACT, host.options())
    assert "remove " + os.path.join(folder, guard_run.METRICS) in result["changes"]
    assert os.listdir(folder) == []


def test_the_states_of_a_baseline(host: Host) -> None:
    def compare(**more: t.Any) -> Baseline:
        return host.guard().install(CONTRACT, host.options(baseline="compare", **more))["baseline"]

    with pytest.raises(GuardError) as none:
        compare()
    assert none.value.details["state"] == "none"
    digest = hashlib.sha256(BASELINE.encode()).hexdigest()
    recorded = host.guard().install(CONTRACT, host.options(baseline="record"))
    assert recorded["baseline"] == {"digest": digest, "state": "good"}
    # The configuration remembers the digest, so the next run without any option keeps it.
    assert host.guard().install(CONTRACT, host.options())["baseline"] == {"digest": digest, "state": "good"}
    assert compare() == {"digest": digest, "state": "good", "differences": []}
    host.compared = (1, '{"difference":"added","item":"command /usr/bin/python9"}\n')
    assert compare()["state"] == "differs"
    with pytest.raises(GuardError) as altered:
        compare(baseline_digest="0" * 64)
    assert altered.value.details["state"] == "altered"
    os.unlink(os.path.join(host.folder, "var/guard/baseline"))
    with pytest.raises(GuardError) as missing:
        compare(baseline_digest=digest)
    assert missing.value.details["state"] == "missing"
    forgotten = host.guard().install(CONTRACT, host.options(baseline="absent"))
    assert forgotten["baseline"] == {"digest": None, "state": "none"}
    with open(guard_run.CONFIG) as stream:
        assert "\nbaseline\t" not in stream.read()


def test_the_path_unit_watches_folders_that_see_a_rename() -> None:
    text = guard_units.unit_files(CONTRACT, "/checker", 900, True)[guard_units.unit_path("path")].decode()
    watched = [line.partition("=")[2] for line in text.splitlines() if line.startswith("PathChanged=")]
    assert {"/usr/bin", "/usr/libexec", "/usr/lib64/python3.9", "/etc/alternatives"} <= set(watched)
    assert config.CONFIG not in watched


def test_a_host_whose_system_is_not_changed_where_it_runs_gets_no_guard(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(paths: t.Iterable[str]) -> None:
        raise refusal(HostMode(IMAGE), paths)

    monkeypatch.setattr(guard_run, "require_mutable", refuse)
    for check_mode in (True, False):
        with pytest.raises(ImmutableHostError):
            host.guard(check_mode).install(CONTRACT, host.options())
    assert host.files() == []
