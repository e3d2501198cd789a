# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import (
    CommandError,
    DatabaseError,
    ReadOnlyError,
)
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.core import Supported, supported_minors
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.probe import (
    PARTS,
    Probe,
    probe_settings,
    read_probe,
)
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.script import script_text
from ansible_collections.fleet.system_python.tests.unit.plugins.plugin_utils._first_aid.recorded_host import answer_of

SUPPORTED: Supported = supported_minors("2.19.0")
OWNERS = "owners\npython3\tpython3-3.9.2-1.el9.x86_64\npython3-libs\tpython3-libs-3.9.2-1.el9.x86_64\n"
HEAD = ("uid 0", 'os-release\nID="rhel"\nVERSION_ID="9.7"')
INTACT = ("candidate /usr/bin/python3.9 3.9", OWNERS, "verify 0\n", "start 0\n3.9.2", "chosen")


def probe(*sections: str, accepted: Probe | None = None) -> Probe:
    return read_probe(answer_of(*HEAD, *sections), SUPPORTED, accepted.doubtful if accepted else None)


def altered(line: str, metadata: str = "") -> tuple[str, ...]:
    return (
        "candidate /usr/bin/python3.9 3.9",
        OWNERS,
        f"verify 1\n{line}",
        f"metadata\n{metadata}",
        f"altered\n{line}",
    )


def test_an_intact_interpreter_is_trusted() -> None:
    found = probe(*INTACT)
    assert found.trusted is not None
    assert (found.interpreter(), found.trusted.version, found.rejected(), found.hazards()) == (
        "/usr/bin/python3.9",
        "3.9.2",
        [],
        [],
    )
    assert [owner.name for owner in found.trusted.owners] == ["python3", "python3-libs"]
    assert found.os_release == {"ID": "rhel", "VERSION_ID": "9.7"}
    assert found.is_root


@pytest.mark.parametrize("arch", ["x86_64_v2", "aarch64", "s390x"])
def test_packages_of_every_architecture(arch: str) -> None:
    found = probe(*(section.replace("x86_64", arch) for section in INTACT))
    assert found.trusted is not None
    assert {owner.arch for owner in found.trusted.owners} == {arch}


@pytest.mark.parametrize(
    ("sections", "kind", "reason"),
    [
        (("rejected unowned\nno package owns it",), "unowned", "no package owns it"),
        (("rejected link\nit is a symbolic link to python3.15",), "link", "python3.15"),
        ((OWNERS, "altered\nS.5....T.    /usr/bin/python3.9"), "altered", "/usr/bin/python3.9 (size, digest, mtime)"),
        ((OWNERS, "altered\nmissing     /usr/lib64/python3.9/os.py"), "altered", "os.py (missing)"),
        ((OWNERS, "altered\n.........    /usr/bin/python3.9 (replaced)"), "altered", "replaced"),
        ((OWNERS, "altered\n..?......    /usr/bin/python3.9"), "altered", "digest unreadable"),
        ((OWNERS, "altered\nerror: something else"), "altered", "something else"),
        ((OWNERS, "planted\n/usr/lib64/python3.9/os\x1b.so"), "planted", "os\\x1b.so"),
        ((OWNERS, "start 127\nlibfoo.so.1: cannot open"), "does-not-start", "libfoo"),
        ((OWNERS, "start 0\n3.11.1"), "wrong-version", "3.11.1"),
        ((OWNERS,), "unknown", "ended"),
    ],
)
def test_why_an_interpreter_is_rejected(sections: tuple[str, ...], kind: str, reason: str) -> None:
    found = probe("candidate /usr/bin/python3.9 3.9", *sections)
    assert found.trusted is None
    (rejected,) = found.rejected()
    assert (rejected["path"], rejected["kind"]) == ("/usr/bin/python3.9", kind)
    assert reason in rejected["reason"]


RUNTIME = ("candidate /opt/python/3.13.5/bin/python3.13 3.13", "runtime /opt/python/3.13.5")


def test_a_runtime_is_trusted_by_its_manifest() -> None:
    found = probe(
        *altered("S.5....T.    /usr/bin/python3.9"), *RUNTIME, "verified 4711", "hooks\n", "start 0\n3.13.5", "chosen"
    )
    assert found.trusted is not None
    assert (found.interpreter(), found.trusted.runtime, found.trusted.verified_files) == (
        "/opt/python/3.13.5/bin/python3.13",
        "/opt/python/3.13.5",
        4711,
    )
    assert [one["path"] for one in found.rejected()] == ["/usr/bin/python3.9"]


@pytest.mark.parametrize(
    ("sections", "kind"),
    [
        (("rejected planted\nits manifest does not have these: ./lib/x.py",), "planted"),
        (("start 0\n3.13.5",), "unknown"),
        (("verified 4711", "start 0\n3.12.1"), "wrong-version"),
        (("verified 4711",), "unknown"),
    ],
)
def test_why_a_runtime_is_rejected(sections: tuple[str, ...], kind: str) -> None:
    found = probe(*RUNTIME, *sections, "chosen")
    assert (found.trusted, found.rejected()[0]["kind"]) == (None, kind)
    # What was planted in a runtime is not first aid's to move.
    assert found.candidates[0].planted == []


def test_the_script_cannot_choose_what_was_rejected() -> None:
    found = probe("candidate /usr/bin/python3.9 3.9", OWNERS, "planted\n/x.py", "start 0\n3.9.2", "chosen")
    assert found.trusted is None


@pytest.mark.parametrize(
    ("line", "metadata", "harmless"),
    [
        (".M.......    /usr/bin/python3.9", "700\t0\t0\t/usr/bin/python3.9", True),
        (".....UG..    /usr/bin/python3.9", "755\t0\t5\t/usr/bin/python3.9", True),
        (".M.......    /usr/bin/python3.9", "750\t0\t0\t/usr/bin/python3.9", True),
        # An access control list shows in the bits of the group.
        (".M.......    /usr/bin/python3.9", "775\t0\t0\t/usr/bin/python3.9", False),
        (".M.......    /usr/bin/python3.9", "775\t0\t5\t/usr/bin/python3.9", False),
        (".M.......    /usr/bin/python3.9", "757\t0\t0\t/usr/bin/python3.9", False),
        (".....U...    /usr/bin/python3.9", "755\t7\t0\t/usr/bin/python3.9", False),
        (".M.......    /usr/bin/python3.9", "", False),
        (".M5......    /usr/bin/python3.9", "755\t0\t0\t/usr/bin/python3.9", False),
        ("missing     /usr/bin/python3.9", "", False),
        (".........    /usr/bin/python3.9 (replaced)", "755\t0\t0\t/usr/bin/python3.9", False),
        ("garbage", "", False),
    ],
)
def test_mode_and_owner_that_let_nobody_else_in_are_harmless(line: str, metadata: str, harmless: bool) -> None:
    assert (probe(*altered(line, metadata)).doubtful is not None) == harmless


def test_a_harmless_difference_is_accepted_as_long_as_it_is_the_same() -> None:
    first = probe(*altered(".M.......    /usr/bin/python3.9", "700\t0\t0\t/usr/bin/python3.9"))
    same = (*altered(".M.......    /usr/bin/python3.9", "700\t0\t0\t/usr/bin/python3.9"), "start 0\n3.9.2", "chosen")
    other = (*altered("S.5....T.    /usr/bin/python3.9"), "start 0\n3.9.2", "chosen")
    assert probe(*same, accepted=first).interpreter() == "/usr/bin/python3.9"
    assert probe(*other, accepted=first).trusted is None


def test_many_harmless_differences_fit_on_a_command_line() -> None:
    paths = [f"/usr/lib64/python3.9/folder/module_{number}.py" for number in range(3000)]
    lines = "\n".join(f".M.......    {path}" for path in paths)
    first = probe(*altered(lines, "\n".join(f"640\t0\t0\t{path}" for path in paths)))
    assert first.doubtful
    text = script_text(PARTS, "@m@", probe_settings(SUPPORTED, None, first.doubtful))
    # Linux takes no longer argument.
    assert len(text) < 128 << 10


def test_what_would_run_beside_it() -> None:
    found = probe(
        "environment PYTHONPATH\n/srv/evil",
        *INTACT[:3],
        "foreign-library /usr/lib64\n/usr/local/lib/libpython3.9.so.1.0",
        "hooks\n/usr/lib/python3.9/site-packages/sitecustomize.py",
        "altered-hooks\nS.5....T.    /usr/lib/python3.9/site-packages/a.pth\nS.5....T.    /usr/lib/other.py",
        "launcher /run/fleet.system_python/python3.9\n#!/bin/sh",
        *INTACT[3:],
    )
    assert found.interpreter() == "/run/fleet.system_python/python3.9"
    assert [hazard["kind"] for hazard in found.hazards()] == [
        "environment",
        "site_hook",
        "site_hook",
        "foreign_library",
    ]
    assert {"kind": "site_hook", "path": "/usr/lib/python3.9/site-packages/a.pth"} in found.hazards()


@pytest.mark.parametrize("first", ["start 126\nPermission denied", "start 0\n3.11.1"])
def test_the_last_launcher_has_the_say(first: str) -> None:
    *seen, start = INTACT
    launchers = ("launcher /run/x/python3.9\n#!/bin/sh", "launcher /var/x/python3.9\n#!/bin/sh")
    assert probe(*seen, launchers[0], first, launchers[1], start).interpreter() == "/var/x/python3.9"
    assert probe(*seen, launchers[0], first, launchers[1], first).trusted is None
    assert probe(*seen, launchers[0], first, launchers[1]).trusted is None
    # What was found before anything was started stays.
    assert probe(*seen, "planted\n/usr/lib64/python3.9/os.so", launchers[0], first, launchers[1], start).trusted is None


def test_what_could_be_brought_back() -> None:
    found = probe(
        "candidate /usr/bin/python3.9 3.9",
        "rejected unowned\nno package owns it",
        "rpm\n/usr/bin/rpm",
        "installed /usr/bin/python3.11 3.11\npython3.11\tpython3.11-2:3.11.2-1.el9.x86_64",
        "package python3.11-2:3.11.2-1.el9.x86_64 1\nmissing     /usr/bin/python3.11",
        "installed /usr/libexec/platform-python3.11 3.11 link\npython3.11\tpython3.11-2:3.11.2-1.el9.x86_64",
        "installed /usr/bin/python3.6 3.6\npython36\tpython36-3.6.8-1.el9.x86_64",
        "leftover /var/cache/.fleet-system-python-aid-x",
    )
    assert [(one["path"], one["kind"]) for one in found.rejected()] == [
        ("/usr/bin/python3.9", "unowned"),
        ("/usr/bin/python3.11", "missing"),
        ("/usr/libexec/platform-python3.11", "link"),
        ("/usr/bin/python3.6", "too-old"),
    ]
    (owner,) = found.installed["3.11"]["/usr/bin/python3.11"]
    assert owner.nevra == "python3.11-2:3.11.2-1.el9.x86_64"
    assert found.verified[owner.nevra].startswith("missing")
    assert found.leftovers == ["/var/cache/.fleet-system-python-aid-x"]


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        (("rpm\n",), "rpm is not there"),
        (("rpm\n/usr/bin/rpm", "database 1\nerror: cannot open Packages database"), "cannot open Packages"),
        (("rpm\n/usr/bin/rpm", "database 0\n"), "no packages at all"),
        (("rpm\n/usr/bin/rpm", "database absent\n"), "there is no database file"),
        (("rpm\n/usr/bin/rpm", "database alias\nrpm alias -q --pipe id"), "rpm alias -q --pipe id"),
        (
            ("rpm\n/usr/bin/rpm", "database trouble\nerror: BDB0087 DB_RUNRECOVERY: Fatal error"),
            "killed left the shared",
        ),
        (("rpm\n/usr/bin/rpm", "database trouble\nrpm printed without end and was stopped"), "printed without end"),
    ],
)
def test_no_database_is_an_error_of_its_own(sections: tuple[str, ...], said: str) -> None:
    with pytest.raises(DatabaseError, match=said) as caught:
        probe("candidate /usr/bin/python3.9 3.9", "rejected unowned\nno package owns it", *sections)
    assert "Nothing was changed" in caught.value.message


LOCKED = ("rpm\n/usr/bin/rpm", "database trouble\nrpm did not answer within its time limit")


def test_a_lock_is_reported_with_its_holder_and_not_as_damage() -> None:
    with pytest.raises(DatabaseError, match=r"process 7 \(hold it\) holds a lock on /var/lib/rpm/x y\.") as caught:
        probe(*LOCKED, "lock 7 /var/lib/rpm/x y\nhold it ")
    assert "--rebuilddb" not in caught.value.message
    with pytest.raises(DatabaseError, match="run 'rpm -q rpm' on the host"):
        probe(*LOCKED)


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        (("missing-program\ntimeout", "missing-program\nhead"), "missing on the host, .*: timeout, head"),
        (("database trouble\nrpm itself cannot be run: librpm.so.9: cannot open shared object file",), "librpm.so.9"),
        (("database trouble\nthe programs that start rpm cannot be run: timeout: libc.so.6",), "timeout: libc.so.6"),
    ],
)
def test_what_cannot_be_run_is_not_blamed_on_the_database(sections: tuple[str, ...], said: str) -> None:
    with pytest.raises(CommandError, match=said) as caught:
        probe("rpm\n/usr/bin/rpm", *sections)
    assert "--rebuilddb" not in caught.value.message


def test_an_index_that_cannot_be_written_is_read_only() -> None:
    with pytest.raises(ReadOnlyError, match="remount,rw"):
        probe("rpm\n/usr/bin/rpm", "database trouble\nrpmxdbOpen: Read-only file system\nerror: cannot open Name index")


def test_the_settings_name_every_release() -> None:
    settings = probe_settings(SUPPORTED)
    assert "rhel:9:3.9:python3:/usr/bin/python3.9" in settings["platforms"]
    assert "rhel:8:3.6:platform-python:/usr/libexec/platform-python3.6" in settings["platforms"]
    assert "sles:15:3.6:python3-base:/usr/bin/python3.6" in settings["platforms"]
    assert settings["own_contract"] == ""
    assert settings["older_minors"] == ["3.6", "3.7"]
    assert not any(" " in word for words in settings.values() if not isinstance(words, str) for word in words)
