# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run of the pinning: what it tells of the files that it changes."""

import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.contract import CONTRACTS
from ansible_collections.fleet.system_python.plugins.module_utils._audit.records import make_group
from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import PinImpossibleError
from ansible_collections.fleet.system_python.plugins.module_utils._disk import host_mode as modes
from ansible_collections.fleet.system_python.plugins.module_utils._disk.host_mode import (
    IMAGE,
    HostMode,
    ImmutableHostError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._pin.files import want_no_text, want_pip_option
from ansible_collections.fleet.system_python.plugins.module_utils._pin.immutable import require_attributes
from ansible_collections.fleet.system_python.plugins.module_utils._pin.plan import PinStep, changed_paths, diff_of
from ansible_collections.fleet.system_python.plugins.module_utils._pin.record import PinEntry
from ansible_collections.fleet.system_python.plugins.module_utils._pin.run import PinRun, PinSettings, _choices
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.audit_records import healthy


def test_a_diff_of_pip_conf_has_no_passwords(tmp_path: Path) -> None:
    path = tmp_path / "pip.conf"
    path.write_text("[global]\nindex-url = https://joe:Hunter2@pip.example.com/simple\ntimeout = 5\n")
    (on,) = want_pip_option(str(path), None)
    on["part"] = "pip_config"
    shown = [diff_of(on)]
    path.write_text(on["content"])
    (off,) = want_no_text(PinEntry(path=on["path"], text=on["text"], created=on["created"]))
    off["part"] = "pip_config"
    shown.append(diff_of(off))
    for one in shown:
        assert "Hunter2" not in repr(one)
        assert "pip.example.com/simple\ntimeout = 5\n" in one["before"]
        changed = set(one["before"].splitlines()) ^ set(one["after"].splitlines())
        assert changed == set(on["text"].splitlines())


@pytest.mark.parametrize("broken", ["missing", "link"])
def test_attributes_of_a_broken_binary_are_impossible_for_what_is_wrong_with_it(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "python3.9"
    if broken == "link":
        path.symlink_to("/bin/sh")
    with pytest.raises(PinImpossibleError, match="missing or no regular file"):
        require_attributes(str(path))


def test_what_is_of_an_image_is_not_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [
        PinStep(action="forget", path="/usr/bin/python"),
        PinStep(action="write_file", path="/etc/pip.conf"),
        PinStep(action="select_alternative", group="python3", target="/usr/bin/python3.11", mode="manual"),
    ]
    assert [changed_paths(step) for step in steps] == [[], ["/etc/pip.conf"], ["/usr"]]
    monkeypatch.setattr(modes, "host_mode", lambda: HostMode(IMAGE, ["bootc"]))
    seen: t.Any = type("", (), {"plan": lambda _self: steps})()
    settings = PinSettings(CONTRACTS[0], {}, {})
    with pytest.raises(ImmutableHostError, match="bootc upgrade"):
        PinRun(settings)._plan(seen)
    steps.pop()
    assert PinRun(settings)._plan(seen) == steps


def test_what_the_groups_choose_is_told_as_it_will_be() -> None:
    groups = [
        make_group("python", mode="auto", chosen="/usr/libexec/no-python", own=True),
        make_group("python3", mode="auto", chosen="/usr/bin/python3.6", own=True),
        make_group("pip", mode="auto", chosen="/usr/bin/pip3.6"),
    ]
    plan = [PinStep(action="select_alternative", group="python3", target="/usr/bin/python3.11", mode="manual")]
    assert _choices(healthy(alternatives=groups), plan) == {
        "python": {"mode": "auto", "target": "/usr/libexec/no-python"},
        "python3": {"mode": "manual", "target": "/usr/bin/python3.11"},
    }
