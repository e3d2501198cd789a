# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rpm obeys in a transaction, and a package manager: what packages ship, and nothing else."""

import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import TransactionRefusedError
from ansible_collections.fleet.system_python.plugins.module_utils._packages import vouched_settings
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.database import Rpm
from ansible_collections.fleet.system_python.plugins.module_utils._trust.vouch import Vouched

BASE = "/usr/lib/rpm/macros:/usr/lib/rpm/platform/%{_target}/macros"
PACKAGED = "/usr/lib/rpm/macros.d/macros.vendor"
PLATFORM = "/usr/lib/rpm/platform/x86_64-linux/macros"
OWN = "/etc/rpm/macros"
HOME = "/root/.rpmmacros"
LUA = "/usr/lib/rpm/init.lua"
PLUGIN = "/usr/lib64/rpm-plugins/selinux.so"
VOUCHED = (PACKAGED, PLATFORM, PLUGIN)


@pytest.fixture(autouse=True)
def host(monkeypatch: pytest.MonkeyPatch) -> t.List[str]:
    """Let these files be there; OWN only gives words for names."""
    there: t.List[str] = []

    def answers(paths: t.Sequence[str], _database: object) -> t.Dict[str, Vouched]:
        known = {path: path in VOUCHED for path in paths}
        return {path: Vouched("rpm", None, intact, "" if intact else "nobody's") for path, intact in known.items()}

    monkeypatch.setattr(vouched_settings, "vouched", answers)
    monkeypatch.setattr(vouched_settings, "require_no_aliases", lambda _patterns: None)
    monkeypatch.setattr(vouched_settings, "is_literal", lambda path, _root: path == OWN)
    others = (LUA, PLUGIN, "/etc/rpmrc")
    monkeypatch.setattr(vouched_settings, "macro_files", lambda _root: [path for path in there if path not in others])
    monkeypatch.setattr(vouched_settings, "other_files", lambda _root: [path for path in there if path in others])
    return there


@pytest.mark.parametrize(
    ("there", "read", "objection"),
    [
        ([], "", ""),
        ([PACKAGED, PLATFORM, PLUGIN], ":" + PACKAGED, ""),
        ([PACKAGED, OWN], ":" + PACKAGED, ""),
        ([OWN, HOME], "", HOME),
        (["/etc/rpmrc"], "", "/etc/rpmrc"),
    ],
)
def test_what_no_package_ships_is_left_out(host: t.List[str], there: t.List[str], read: str, objection: str) -> None:
    host.extend(there)
    options = vouched_settings.transaction_options(Rpm())
    assert options == ["--rcfile", "/usr/lib/rpm/rpmrc", "--macros", BASE + read]
    said = vouched_settings.foreign_setting(Rpm())
    assert (bool(said), objection in said) == (bool(objection), True)


@pytest.mark.parametrize("path", [LUA, "/usr/lib64/rpm-plugins/evil.so"])
def test_what_cannot_be_left_out_is_refused(host: t.List[str], path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    host.append(PACKAGED)
    monkeypatch.setattr(vouched_settings, "other_files", lambda _root: [path])
    with pytest.raises(TransactionRefusedError, match="rpm would run or load " + path) as caught:
        vouched_settings.transaction_options(Rpm())
    assert caught.value.changed_nothing
    assert path in vouched_settings.foreign_setting(Rpm())


@pytest.mark.parametrize("name", ["a b", "a:b", "a*b", "%{x}", "a\nb"])
def test_a_name_that_rpm_would_take_for_more_is_left_out(
    host: t.List[str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "/usr/lib/rpm/macros.d/macros." + name
    host.append(path)
    monkeypatch.setattr(vouched_settings, "vouched", lambda paths, _: {one: Vouched("rpm", "x", True) for one in paths})
    assert vouched_settings.transaction_options(Rpm())[-1] == BASE


@pytest.mark.parametrize(
    ("text", "asked"),
    [("#!/usr/bin/python3 -s\n", "/usr/bin/python3"), ("#! /usr/bin/env perl\n", "/usr/bin/perl"), ("\x7fELF", "")],
)
def test_a_package_manager_is_not_started_with_a_plugin_of_nobody(
    monkeypatch: pytest.MonkeyPatch, tmpdir: t.Any, text: str, asked: str
) -> None:
    plugin = tmpdir.ensure("commit", "x")
    plugin.write(text)
    monkeypatch.setattr(vouched_settings, "_PLUGIN_FOLDERS", {"/usr/bin/zypper": (str(tmpdir),)})
    monkeypatch.setattr(vouched_settings, "parts_of_python", lambda path: [path])
    monkeypatch.setattr(vouched_settings, "unvouched", lambda _rpm, paths: " ".join(paths))
    said = vouched_settings.manager_obstacle(Rpm(), "/usr/bin/zypper")
    assert said == " ".join(filter(None, ["/usr/bin/zypper", str(plugin), asked]))
    assert vouched_settings.manager_obstacle(Rpm(), "/usr/bin/microdnf") == "/usr/bin/microdnf"
