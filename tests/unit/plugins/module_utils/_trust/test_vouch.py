# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one answer: by packages, by manifests, and why not."""

import os
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import DatabaseError
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.verify_output import NO_FLAGS, VerifyEntry
from ansible_collections.fleet.system_python.plugins.module_utils._trust.manifest import (
    make_about,
    make_source,
    new_manifest,
    write_manifest,
)
from ansible_collections.fleet.system_python.plugins.module_utils._trust.vouch import (
    Vouched,
    altered_files,
    parts_of_python,
    vouched,
    vouched_program,
)
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.package_database import FakeDatabase

Folder = t.Any
TOOL, LIBRARY = "/usr/bin/env", "/usr/bin/id"


def entry(path: str, flags: str = "..5......", **values: t.Any) -> VerifyEntry:
    return VerifyEntry(
        **dict({"attribute": "", "missing": False, "note": "", "reason": ""}, path=path, flags=flags, **values)
    )


def test_a_package_answers() -> None:
    database = FakeDatabase({TOOL: "coreutils"})
    assert vouched([TOOL], database) == {TOOL: Vouched("dpkg", "coreutils", True)}
    assert database.verified == [["coreutils"]]


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (entry(TOOL), "its content differs"),
        # What a healthy host may have altered still is not what was shipped.
        (entry(TOOL, attribute="c"), "its content differs"),
        (entry(TOOL, "S.5....T."), "its content differs"),
        (entry(TOOL, ".M...U..."), "its mode and user differ"),
        (entry(TOOL, "..?......"), "its digest cannot be read"),
        (entry(TOOL, NO_FLAGS, missing=True), "it is missing"),
        (entry(TOOL, NO_FLAGS, note="replaced"), "a file of another package took its place"),
        (entry(TOOL, ".......T."), ""),
        (entry(LIBRARY), ""),
    ],
)
def test_an_altered_file(found: VerifyEntry, reason: str) -> None:
    answer = vouched([TOOL], FakeDatabase({TOOL: "coreutils"}, [found]))[TOOL]
    expected = "coreutils owns it, but " + reason if reason else ""
    assert answer == Vouched("dpkg", "coreutils", not reason, expected)


def test_what_nobody_answers_for() -> None:
    database = FakeDatabase({LIBRARY: "coreutils"}, objections={LIBRARY: "it only reserves the name"})
    found = vouched([TOOL, LIBRARY, "/nowhere"], database)
    assert found[TOOL] == Vouched(None, None, False, "no package owns it")
    assert found[LIBRARY] == Vouched("dpkg", "coreutils", False, "coreutils owns it, but it only reserves the name")
    assert found["/nowhere"] == Vouched(None, None, False, "there is no such file")


def test_a_database_that_cannot_be_asked_is_no_pass() -> None:
    database = FakeDatabase({TOOL: "coreutils"}, error=DatabaseError("It is damaged."))
    assert vouched([TOOL], database)[TOOL] == Vouched(None, None, False, "It is damaged.")
    assert not vouched_program([TOOL], database).intact


def test_links_are_followed_and_answer_for_where_they_lead(tmp_path: Folder) -> None:
    link = str(tmp_path / "tool")
    os.symlink(TOOL, link)
    database = FakeDatabase({TOOL: "coreutils", link: "chooser"})
    assert vouched([link], database)[link] == Vouched("dpkg", "coreutils", True)
    database = FakeDatabase({TOOL: "coreutils", link: "chooser"}, [entry(link, "....L....")])
    assert "{0}: its link differs".format(link) in vouched_program([link], database).reason


def test_a_program_needs_all_that_it_runs() -> None:
    paths = [TOOL, LIBRARY, "/usr/lib"]
    owners = {TOOL: "env", LIBRARY: "id", "/usr/lib": "library"}
    assert vouched_program(paths, FakeDatabase(owners)) == Vouched("dpkg", "env", True)
    # A folder need not have an owner.
    assert vouched_program(paths, FakeDatabase({TOOL: "env", LIBRARY: "id"})).intact
    bare = FakeDatabase(owners, objections={"/usr/lib": "dpkg has no checksums of library"})
    assert vouched_program(paths, bare).reason == "/usr/lib: library owns it, but dpkg has no checksums of library"
    unowned = vouched_program(paths, FakeDatabase({TOOL: "env"}))
    assert unowned == Vouched("dpkg", "env", False, "{0}: no package owns it".format(LIBRARY))
    altered = vouched_program(paths, FakeDatabase(owners, [entry("/usr/lib/python3.11/os.py")]))
    assert altered.reason == (
        "env owns it, but what it needs is not as it was shipped: /usr/lib/python3.11/os.py: its content differs"
    )
    harmless = [entry("/etc/x", attribute="c"), entry("/usr/share/doc/x", NO_FLAGS, missing=True)]
    assert vouched_program(paths, FakeDatabase(owners, harmless)).intact


def test_what_pip_changed_may_count_or_not() -> None:
    database = FakeDatabase({TOOL: "env"}, [entry("/usr/lib/python3/dist-packages/six.py")])
    assert vouched_program([TOOL], database, site_packages=False).intact
    assert not vouched_program([TOOL], database).intact


def test_altered_files() -> None:
    database = FakeDatabase({}, [entry("/usr/bin/a"), entry("/etc/b", attribute="c")])
    assert altered_files(database, ["x"]) == ["/usr/bin/a"]


def test_the_parts_of_what_is_no_packaged_python() -> None:
    for path in (TOOL, "/opt/python/3.13/bin/python3.13"):
        assert parts_of_python(path) == [path]


@pytest.mark.parametrize("program", ["/usr/bin/python3.6", "/usr/libexec/platform-python3.6"])
def test_the_parts_of_a_packaged_python(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    library = "/usr/lib64/python3.6"
    monkeypatch.setattr(
        "ansible_collections.fleet.system_python.plugins.module_utils._trust.vouch.glob.glob",
        lambda pattern: [library] if pattern == "/usr/lib*/python3.6" else [],
    )
    assert parts_of_python(program, site_packages=False) == [program, library]


@pytest.mark.skipif(os.geteuid() != 0, reason="only what belongs to root is vouched for")
def test_the_manifest_of_a_runtime_vouches(tmp_path: Folder) -> None:
    folder = tmp_path / "3.13.5"
    (folder / "bin").mkdir(parents=True)
    program = folder / "bin" / "python3.13"
    program.write_bytes(b"as built")
    program.chmod(0o755)
    write_manifest(str(folder), new_manifest(str(folder), make_about("3.13.5", make_source("/srv/a", "")), {}))
    path = str(program)

    def ask() -> Vouched:
        return vouched([path], FakeDatabase({}))[path]

    assert ask() == Vouched("manifest", str(folder), True)
    # A damaged package database says nothing about a runtime.
    assert vouched([path], FakeDatabase({}, error=DatabaseError("It is damaged.")))[path].intact
    program.write_bytes(b"altered!")
    assert ask().reason == "{0} is not as its manifest says: bin/python3.13 is altered".format(folder)
    (folder / ".manifest.json").write_bytes(b"{")
    assert not ask().intact
    assert "cannot be used" in ask().reason


@pytest.mark.skipif(os.geteuid() != 0, reason="only what is root's can be vouched for")
@pytest.mark.parametrize(
    ("folder", "mode", "intact"),
    [("bin", 0o755, True), ("bin", 0o775, False), ("bin", 0o777, False), ("", 0o777, False), ("", 0o1777, True)],
)
def test_who_can_exchange_a_file_answers_for_it(tmp_path: Folder, folder: str, mode: int, intact: bool) -> None:
    (tmp_path / "bin").mkdir()
    tool = tmp_path / "bin" / "tool"
    tool.write_text("#!/bin/sh\n")
    (tmp_path / folder).chmod(mode)
    answer = vouched([str(tool)], FakeDatabase({str(tool): "coreutils"}))[str(tool)]
    reason = "" if intact else "others than root may change {0}".format(tmp_path / folder)
    assert answer == Vouched("dpkg", "coreutils", intact, reason)
