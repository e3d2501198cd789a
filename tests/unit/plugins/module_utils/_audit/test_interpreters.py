# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of interpreter discovery: real interpreters, and impostors."""

import glob
import os
import platform
import shutil
import subprocess
import sys
import time
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit import interpreters
from ansible_collections.fleet.system_python.plugins.module_utils._audit.interpreters import (
    Candidate,
    find_interpreters,
    interrogate,
    parts_by_name,
    propose,
)
from ansible_collections.fleet.system_python.plugins.module_utils._audit.records import Interpreter

ROOT = os.geteuid() == 0
EXECUTABLE = 0o755
SYSTEM = "/usr/bin/python3"
HERE = "{0}.{1}.{2}".format(*sys.version_info[:3])
needs_system = pytest.mark.skipif(not os.path.exists(SYSTEM), reason="there is no {0} here".format(SYSTEM))


def known_interpreters() -> t.List[str]:
    """Real interpreters of this machine: the one that runs this, the system's, and pyenv's."""
    pyenv = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    found = [sys.executable, SYSTEM] + sorted(glob.glob(pyenv + "/versions/*/bin/python"))
    return sorted({os.path.realpath(path) for path in found if os.path.exists(path)})


def file(path: t.Any, content: bytes, mode: int = EXECUTABLE) -> str:
    os.makedirs(os.path.dirname(str(path)), exist_ok=True)
    with open(str(path), "wb") as stream:
        stream.write(content)
    os.chmod(str(path), mode)
    return str(path)


def look(path: str, root: str = "/") -> Interpreter:
    return interrogate(Candidate(path, "test"), root)


# --- where one may be


def test_candidates_come_in_order_with_their_source(tmp_path: t.Any) -> None:
    root = str(tmp_path)
    for path in (
        "usr/bin/python3",
        "usr/bin/python3.9",
        "usr/bin/python3.9-config",
        "usr/bin/python-argcomplete",
        "usr/bin/pydoc3",
        "usr/bin/python3.6m",
        "usr/bin/pypy3.10",
        "usr/libexec/platform-python3.6",
        "opt/python/cp39-cp39/bin/python",
        "opt/tool/bin/python3.13t",
        "opt/.hidden/bin/python3",
        "usr/local/python3.15/bin/python3.15",
        "srv/me/bin/python3",
    ):
        file(tmp_path / path, b"")
    os.symlink("usr/bin", str(tmp_path / "bin"))
    os.symlink("/usr/bin", str(tmp_path / "usr" / "sbin"))
    found = list(propose(["/missing", "/srv/me/bin"], root=root))
    assert found == [
        Candidate("/srv/me/bin/python3", "search path, entry 2"),
        Candidate("/usr/bin/pypy3.10", "usual place"),
        Candidate("/usr/bin/python3", "usual place"),
        Candidate("/usr/bin/python3.6m", "usual place"),
        Candidate("/usr/bin/python3.9", "usual place"),
        Candidate("/usr/libexec/platform-python3.6", "usual place"),
        Candidate("/usr/local/python3.15/bin/python3.15", "usual place /usr/local/*/bin"),
        Candidate("/opt/python/cp39-cp39/bin/python", "usual place /opt/python/*/bin"),
        Candidate("/opt/tool/bin/python3.13t", "usual place /opt/*/bin"),
    ]


def test_candidates_are_proposed_one_at_a_time(tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: t.List[str] = []
    listdir = os.listdir

    def counting(folder: str) -> t.List[str]:
        asked.append(folder)
        return listdir(folder)

    for name in ("a", "b"):
        file(tmp_path / name / "python3", b"")
    monkeypatch.setattr(os, "listdir", counting)
    folders = [str(tmp_path / "a"), str(tmp_path / "b")]
    next(propose(folders, places=[]))
    assert asked == folders[:1]


# --- what it is


@pytest.mark.parametrize("path", known_interpreters())
def test_real_interpreters(path: str) -> None:
    program = "import sys; print('.'.join(map(str, sys.version_info[:3])))"
    told = subprocess.run([path, "-E", "-s", "-c", program], stdout=subprocess.PIPE, check=True).stdout.decode().strip()
    record = look(path)
    assert (record["version"], record["version_source"], record["kind"]) == (told, "elf-string", "elf")
    assert record["executable"] is True
    assert record["reason"] is None


def test_an_impostor_cannot_lie_about_its_version(tmp_path: t.Any) -> None:
    path = str(tmp_path / "python2.7")
    os.symlink(os.path.realpath(sys.executable), path)
    assert look(path)["version"] == HERE
    copied = str(tmp_path / "copy" / "python2.7")
    os.mkdir(str(tmp_path / "copy"))
    shutil.copy(os.path.realpath(sys.executable), copied)
    record = look(copied)
    assert record["version_source"] in ("elf-string", "elf-needed")
    assert HERE.startswith(str(record["version"]))


@pytest.mark.parametrize(
    ("content", "kind", "reason"),
    [
        (b"", "empty", "it is empty"),
        (b"#!/bin/sh\nexec python3.13\n", "script", "it is a script for /bin/sh, not an interpreter"),
        (b"#!/usr/bin/env\x1b[31m bash\n", "script", "it is a script for /usr/bin/env\\x1b[31m bash, no"),
        (b"exit 0\n", "other", "it is neither a program nor a script"),
        (b"\x7fELF", "damaged", "it begins like a program, but it ends too early"),
    ],
)
def test_files_that_are_no_interpreters(tmp_path: t.Any, content: bytes, kind: str, reason: str) -> None:
    record = look(file(tmp_path / "python3.9", content))
    assert record["kind"] == kind
    assert reason in str(record["reason"])
    assert (record["version"], record["version_source"]) == ("3.9", "name")


def test_programs_that_are_no_python(tmp_path: t.Any) -> None:
    os.symlink("/bin/sh", str(tmp_path / "python3"))
    record = look(str(tmp_path / "python3"))
    assert (record["kind"], record["version"]) == ("elf", None)
    assert record["reason"] == "nothing in it identifies it as a Python"


def test_names_that_lead_nowhere(tmp_path: t.Any) -> None:
    os.symlink("nowhere/else", str(tmp_path / "python3"))
    os.symlink("python", str(tmp_path / "python"))
    os.mkdir(str(tmp_path / "python3.9"))
    os.mkfifo(str(tmp_path / "python3.11"))
    records = find_interpreters([str(tmp_path)], places=[])
    assert [(os.path.basename(one["path"]), one["kind"], one["realpath"] is None) for one in records] == [
        ("python", "loop", True),
        ("python3", "dangling", True),
        ("python3.11", "other", False),
        ("python3.9", "directory", False),
    ]
    assert "which does not exist" in str(records[1]["reason"])
    assert "in a circle" in str(records[0]["reason"])
    assert not any(one["executable"] for one in records)


def test_a_file_that_is_not_executable(tmp_path: t.Any) -> None:
    path = str(tmp_path / "python3")
    shutil.copy(os.path.realpath(sys.executable), path)
    os.chmod(path, 0o640)
    record = look(path)
    assert record["executable"] is False
    assert record["reason"] == "it is not executable (mode 0640)"


def test_a_program_for_another_processor(tmp_path: t.Any) -> None:
    with open(os.path.realpath(sys.executable), "rb") as stream:
        data = bytearray(stream.read())
    data[18:20] = b"\xf7\xf7"
    path = file(tmp_path / "python3", bytes(data))
    assert "another processor" in str(look(path)["reason"])


def test_the_library_is_found_by_the_program_s_own_search_path(
    tmp_path: t.Any, make_elf: t.Callable[..., bytes]
) -> None:
    constants = b"\0/opt/python-3.9.2\0" + b"\x003.9.18\0" + b"13.9.4\0"
    file(tmp_path / "lib" / "libpython3.9.so.1.0", make_elf(rodata=constants, needed=()), 0o644)
    path = file(tmp_path / "bin" / "python3", make_elf(machine=interpreters._MACHINES[platform.machine()]))
    record = look(path)
    assert (record["version"], record["version_source"]) == ("3.9.18", "elf-string")
    os.unlink(str(tmp_path / "lib" / "libpython3.9.so.1.0"))
    record = look("/bin/python3", root=str(tmp_path))
    assert (record["version"], record["version_source"]) == ("3.9", "elf-needed")


@pytest.mark.parametrize(
    ("constants", "version"),
    [
        (b"\0cpython-311-x86_64-linux-gnu\0003.2.0\0003.11.2\0", "3.11.2"),
        (b"\0cpython-39\0/opt/python/3.9.18\0", "3.9.18"),
        (b"\0cpython-39\0/opt/3.9.2\0003.9.18\0", "3.9.18"),
        (b"\0cpython-313\0003.13.0rc1+\0", "3.13.0rc1"),
        (b"\0cpython-39\0 13.9.1\0 3.9.1.2\0", "3.9"),
        (b"\0Python\0002.7.18\0", "2.7.18"),
        (b"\0003.40.1\0", None),
    ],
)
def test_versions_in_constants(constants: bytes, version: t.Optional[str]) -> None:
    assert interpreters._version_in(constants) == version


# --- all of them


def test_other_names_of_the_same_file_are_told(tmp_path: t.Any) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    shutil.copy(os.path.realpath(sys.executable), str(one / "python3.9"))
    os.symlink("python3.9", str(one / "python3"))
    os.link(str(one / "python3.9"), str(two / "python3.9m"))
    records = find_interpreters([str(one), str(two)], places=[])
    assert [os.path.basename(record["path"]) for record in records] == ["python3", "python3.9", "python3.9m"]
    assert records[0]["realpath"] == str(one / "python3.9")
    assert records[0]["reason"] is None
    assert records[1]["reason"] == records[2]["reason"] == "it is the same file as {0}/python3".format(one)
    assert records[2]["source"] == "search path, entry 2"
    assert len({record["version"] for record in records}) == 1


def test_links_stay_inside_the_root(tmp_path: t.Any) -> None:
    real = os.path.realpath(sys.executable)
    os.makedirs(str(tmp_path / "usr" / "bin"))
    shutil.copy(real, str(tmp_path / "usr" / "bin" / "python3.9"))
    os.symlink("/usr/bin/python3.9", str(tmp_path / "usr" / "bin" / "python3"))
    os.symlink("../../../../usr/bin/python3.9", str(tmp_path / "usr" / "bin" / "python"))
    os.symlink(real, str(tmp_path / "usr" / "bin" / "python3.13"))
    records = find_interpreters([], root=str(tmp_path))
    found = {os.path.basename(record["path"]): record for record in records}
    assert found["python3"]["realpath"] == found["python"]["realpath"] == "/usr/bin/python3.9"
    assert found["python3.13"]["kind"] == "dangling"


def test_a_file_that_vanishes_during_the_search(tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file(tmp_path / "python3", b"x")
    monkeypatch.setattr(interpreters, "follow", lambda _path, _root: (path + ".gone", "found"))
    record = look(path)
    assert record["kind"] == "unreadable"
    assert "No such file" in str(record["reason"])


@pytest.mark.skipif(ROOT, reason="root reads everything")
def test_a_file_that_may_not_be_read(tmp_path: t.Any) -> None:
    path = file(tmp_path / "python3", b"x", 0o111)
    assert look(path)["kind"] == "unreadable"


@needs_system
def test_it_is_fast_and_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("fork", "execve", "posix_spawn"):
        monkeypatch.setattr(os, name, None, raising=False)
    # What a normal host has: the system's own interpreter in its own folder.
    places = ["/usr/bin", "/usr/local/bin", "/usr/libexec"]
    best = min(_seconds(lambda: find_interpreters(["/usr/bin"], places=places)) for _round in range(5))
    assert best < 0.02, "{0:.1f} ms".format(best * 1000)


def _seconds(work: t.Callable[[], t.Any]) -> float:
    # Of the processor: other work on this machine does not count.
    began = time.process_time()
    work()
    return time.process_time() - began


def test_the_parts_of_a_python_that_need_not_be_there() -> None:
    assert parts_by_name("/usr/bin/python3.99") == [
        "/usr/bin/python3.99",
        "/usr/lib64/libpython3.99.so.1.0",
        "/usr/lib64/python3.99/os.py",
        "/usr/lib/python3.99/os.py",
    ]
    assert parts_by_name("/opt/app/bin/python") == ["/opt/app/bin/python"]
