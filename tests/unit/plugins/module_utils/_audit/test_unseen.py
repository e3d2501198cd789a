# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an audit without root could not look at is named, by the rules that it matters to."""

import os
import pathlib
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.facts import shape_facts, summarize
from ansible_collections.fleet.system_python.plugins.module_utils._audit.manager_plugins import DNF_CONF, plugins_of
from ansible_collections.fleet.system_python.plugins.module_utils._audit.records import Contract, SearchPath
from ansible_collections.fleet.system_python.plugins.module_utils._audit.unseen import closed_by_rule
from ansible_collections.fleet.system_python.plugins.module_utils._disk.root import Root
from ansible_collections.fleet.system_python.plugins.module_utils._rights.account import unprivileged_account
from ansible_collections.fleet.system_python.plugins.module_utils._rights.work import run_as
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.audit_records import healthy

SETTINGS = ("SP106", "SP107", "SP111")


def seen_by_nobody(tmp_path: pathlib.Path, look: t.Callable[[Root], t.Any]) -> t.Any:
    """Return what an ordinary user sees below the folder."""
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)
    if os.geteuid() != 0:
        return look(Root(str(tmp_path)))
    return run_as(unprivileged_account("nobody"), lambda: look(Root(str(tmp_path))))


def closed(root: Root) -> t.Dict[str, t.List[str]]:
    paths = [SearchPath(who="sudo", source="/etc/sudoers:1", folders=["/usr/bin", "/srv/tools/bin"])]
    return closed_by_rule(paths, [], [], root)


@pytest.mark.parametrize(
    ("path", "mode", "named", "rules"),
    [
        ("/etc/sudoers", 0, "/etc/sudoers", SETTINGS),
        ("/etc/cron.d/backup", 0, "/etc/cron.d/backup", SETTINGS),
        ("/etc/sudoers.d", 0, "/etc/sudoers.d", SETTINGS),
        # Names can be listed, but nothing of them can be read.
        ("/etc/sudoers.d", 0o444, "/etc/sudoers.d", SETTINGS),
        ("/var/spool", 0, "/var/spool", SETTINGS),
        ("/var/spool/cron", 0, "/var/spool/cron", SETTINGS),
        ("/root", 0, "/root", (*SETTINGS, "SP304")),
        ("/etc/rpm/macros.own", 0, "/etc/rpm/macros.own", ("SP304",)),
        ("/srv/tools", 0, "/srv/tools", ("SP106",)),
        ("/etc/ld.so.preload", 0, "/etc/ld.so.preload", ("SP109",)),
        (DNF_CONF, 0, DNF_CONF, ("SP211",)),
        ("/usr/bin", 0o711, None, ()),
        ("/etc/profile", 0o644, None, ()),
    ],
)
def test_what_is_closed_is_named(
    tmp_path: pathlib.Path, path: str, mode: int, named: t.Optional[str], rules: t.Sequence[str]
) -> None:
    files = ["/etc/sudoers", "/etc/sudoers.d/a", "/etc/cron.d/backup", "/var/spool/cron/root", "/etc/rpm/macros.own"]
    files += ["/srv/tools/bin/python3", "/etc/ld.so.preload", DNF_CONF, "/usr/bin/python3", "/etc/profile", "/root/.b"]
    for one in files:
        (tmp_path / one[1:]).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / one[1:]).touch()
    before = seen_by_nobody(tmp_path, closed)
    (tmp_path / path[1:]).chmod(mode)
    try:
        assert (before, seen_by_nobody(tmp_path, closed)) == ({}, {rule: [named] for rule in rules})
    finally:
        (tmp_path / path[1:]).chmod(0o755)


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user may not read it")
def test_root_reads_everything(tmp_path: pathlib.Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/sudoers").touch(mode=0)
    assert closed(Root(str(tmp_path))) == {}


def test_a_closed_configuration_of_dnf_ends_no_audit(tmp_path: pathlib.Path) -> None:
    (tmp_path / "etc/dnf").mkdir(parents=True)
    (tmp_path / DNF_CONF[1:]).touch(mode=0)
    contract = t.cast(Contract, dict(healthy()["contract"]))
    assert seen_by_nobody(tmp_path, lambda root: plugins_of(contract, root)) == []


def test_files_of_packages_that_could_not_be_read_count_for_their_rules(tmp_path: pathlib.Path) -> None:
    path = "/usr/lib64/python3.9/os.py"
    found = closed_by_rule([], [path], ["/root/x"], Root(str(tmp_path)))
    assert found["SP205"] == found["SP201"] == found["SP207"] == [path]
    assert found["SP209"] == found["SP213"] == ["/root/x"]


def test_the_host_is_not_called_healthy() -> None:
    seen = healthy()
    seen["unreadable"] = ["/etc/sudoers", "/root"]
    facts = shape_facts(seen, [], {})
    assert (facts["healthy"], facts["unreadable"]) == (False, ["/etc/sudoers", "/root"])
    assert summarize(seen, []) == [
        "partial: nothing was found in what could be read",
        "not everything could be read, use -b: not readable: /etc/sudoers, /root",
    ]
