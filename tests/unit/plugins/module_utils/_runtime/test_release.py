# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Releases with the names and the layout of python-build-standalone."""

import functools
import hashlib
import io
import os
import shutil
import tarfile
import tempfile
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import AcquisitionError, InvalidDataError
from ansible_collections.fleet.system_python.plugins.module_utils._runtime import run as runtime_run
from ansible_collections.fleet.system_python.plugins.module_utils._runtime.records import RuntimeSettings
from ansible_collections.fleet.system_python.plugins.module_utils._runtime.release import (
    check_mirror,
    with_archive_of_release,
)
from ansible_collections.fleet.system_python.plugins.module_utils._runtime.run import RuntimeRun
from ansible_collections.fleet.system_python.plugins.module_utils._trust.manifest import load_manifest
from ansible_collections.fleet.system_python.plugins.module_utils._venv.records import Census

MACHINE = os.uname().machine
NAME = "cpython-{0}+{1}-{2}-install_only.tar.gz"
GNU = MACHINE + "-unknown-linux-gnu"

# It says what a working Python says to each of the trials.
PYTHON = """#!/bin/sh
case "$*" in
*EnvBuilder*) echo '{"version": "3.12.13", "failed": {}}' ;;
*) here=$(dirname "$(dirname "$0")"); echo "[\\"$here\\", \\"$here\\"]" ;;
esac
"""
PIP = """#!/bin/sh
'''exec' "$(dirname -- "$(realpath -- "$0")")/python3.12" "$0" "$@"
' '''
"""
FILES = {
    "python/bin/python3.12": PYTHON,
    "python/bin/pip3.12": PIP,
    "python/lib/libpython3.12.so.1.0": "library",
    "python/lib/python3.12/lib-dynload/.keep": "",
    f"python/lib/python3.12/config-3.12-{MACHINE}-linux-gnu/Makefile": "prefix=/install\n",
    "python/share/man/man1/python3.12.1": "manual",
}
LINKS = {
    "python/bin/python": "python3.12",
    "python/bin/python3": "python3.12",
    "python/bin/pip3": "pip3.12",
    "python/lib/libpython3.12.so": "libpython3.12.so.1.0",
}


def archive(path: Path, more: t.Mapping[str, str]) -> str:
    with tarfile.open(str(path), "w:gz") as tar:
        for name, content in {**FILES, **more}.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o755
            tar.addfile(member, io.BytesIO(content.encode()))
        for name, target in LINKS.items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            tar.addfile(member)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def release(folder: Path, tag: str = "20260610", note: str = "") -> str:
    """Make a release with one archive for this machine; return the SHA-256 of that."""
    folder.mkdir(0o755, exist_ok=True)
    name = NAME.format("3.12.13", tag, GNU)
    digest = archive(folder / name, {"python/share/note": note})
    others = [NAME.format("3.12.13", tag, "sparc-sun-solaris"), name.replace(".tar.gz", "_stripped.tar.gz")]
    others += [NAME.format("3.12.13", tag, MACHINE + "-unknown-linux-musl"), NAME.format("3.11.15", tag, GNU)]
    lines = [f"{digest}  {name}\n"] + [f"{'b' * 64}  {other}\n" for other in others]
    (folder / "SHA256SUMS").write_text("".join(lines))
    return digest


@pytest.fixture(name="place")
def place_fixture(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[Path]:
    monkeypatch.setattr(runtime_run, "check_root", lambda *_arguments: None)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def asked(place: Path, mirror: str, version: str = "3.12.13", **more: t.Any) -> RuntimeSettings:
    root, lock = str(place / "python"), str(place / "lock")
    quarantine = str(place / "quarantine")
    return RuntimeSettings(
        state=more.pop("state", "present"),
        version=version,
        root=root,
        mirror=mirror,
        owner=os.geteuid(),
        lock_path=lock,
        quarantine_folder=quarantine,
        **more,
    )


def run(settings: RuntimeSettings) -> t.Dict[str, t.Any]:
    return t.cast(t.Dict[str, t.Any], RuntimeRun(settings, Census).apply())


def test_the_archive_is_found_by_the_version(place: Path) -> None:
    digest = release(place / "20260610")
    for mirror in (str(place / "20260610"), (place / "20260610").as_uri()):
        found = with_archive_of_release(asked(place, mirror))
        assert found.sha256 == digest
        assert found.place.startswith(f"{mirror}/cpython-3.12.13")
    assert with_archive_of_release(asked(place, str(place / "20260610"), sha256="c" * 64)).sha256 == "c" * 64


@pytest.mark.parametrize(("version", "said"), [("3.12.12", "of 3.12 it has 3.12.13"), ("3.14.0", "Name a version")])
def test_a_version_that_the_release_lacks(place: Path, version: str, said: str) -> None:
    release(place / "20260610")
    with pytest.raises(AcquisitionError, match=said):
        with_archive_of_release(asked(place, str(place / "20260610"), version))


def test_of_several_releases_in_one_folder_the_newest_is_taken(place: Path) -> None:
    release(place / "all")
    lines = (place / "all/SHA256SUMS").read_text()
    newer = NAME.format("3.12.13", "20270101", GNU)
    (place / "all/SHA256SUMS").write_text(f"{'d' * 64}  {newer}\n{lines}")
    assert with_archive_of_release(asked(place, str(place / "all"))).sha256 == "d" * 64


@pytest.mark.parametrize(
    "line", ["{0} {1}\n", "{0}  ../{1}\n", "{0}  /etc/{1}\n", "{0}  {1}/../x\n", "{1}  {0}\n", "\0"]
)
def test_lines_that_are_none(place: Path, line: str) -> None:
    release(place / "odd")
    text = line.format("e" * 64, NAME.format("3.12.12", "20260610", GNU))
    (place / "odd/SHA256SUMS").write_text(text)
    found = line == "{0} {1}\n"
    if found:
        assert with_archive_of_release(asked(place, str(place / "odd"), "3.12.12")).sha256 == "e" * 64
    else:
        with pytest.raises(AcquisitionError):
            with_archive_of_release(asked(place, str(place / "odd"), "3.12.12"))


def test_two_checksums_of_one_archive_are_refused(place: Path) -> None:
    release(place / "two")
    with (place / "two/SHA256SUMS").open("a") as stream:
        stream.write(f"{'e' * 64}  {NAME.format('3.12.13', '20260610', GNU)}\n")
    with pytest.raises(InvalidDataError, match="more than one checksum"):
        with_archive_of_release(asked(place, str(place / "two")))


@pytest.mark.parametrize(
    ("mirror", "sha256", "verify", "is_taken"),
    [
        ("https://example.com/20260610", "", True, True),
        ("https://example.com/20260610", "", False, False),
        ("http://example.com/20260610", "", True, False),
        ("ftp://example.com/20260610", "", True, False),
        ("http://example.com/20260610", "a" * 64, False, True),
        ("", "", False, True),
    ],
)
def test_who_could_change_the_checksums_on_their_way(mirror: str, sha256: str, verify: bool, is_taken: bool) -> None:
    if is_taken:
        check_mirror(mirror, sha256, verify)
    else:
        with pytest.raises(InvalidDataError, match="sha256"):
            check_mirror(mirror, sha256, verify)


@pytest.mark.skipif(os.geteuid() != 0, reason="what is another user's is open to that user")
def test_a_folder_that_others_can_change(place: Path) -> None:
    release(place / "open")
    (place / "open").chmod(0o777)
    for mirror in (str(place / "open"), (place / "open").as_uri()):
        with pytest.raises(InvalidDataError, match="can be changed"):
            check_mirror(mirror, "", True)
        check_mirror(mirror, "a" * 64, True)
    (place / "open").chmod(0o755)
    check_mirror(str(place / "open"), "", True)
    (place / "open/SHA256SUMS").chmod(0o666)
    with pytest.raises(InvalidDataError, match="can be changed"):
        check_mirror(str(place / "open"), "", True)


def test_a_release_is_installed_once_and_replaced_by_another_one(place: Path) -> None:
    mirror, newer = place / "20260610", place / "20260701"
    digest = release(mirror)
    done = run(asked(place, str(mirror)))
    assert (done["changed"], done["source"]["sha256"]) == (True, digest)
    folder = place / "python/3.12.13"
    assert (folder / "bin/pip3.12").read_text() == PIP
    manifest = load_manifest(str(folder))
    assert manifest is not None
    assert manifest["files"]["bin/python3"]["link"] == "python3.12"
    (mirror / "SHA256SUMS").unlink()
    for state in ("present", "intact"):
        assert run(asked(place, str(mirror), state=state))["changed"] is False
    release(newer, "20260701", "another")
    replaced = run(asked(place, str(newer)))
    assert [step["action"] for step in replaced["actions"]] == ["install"]
    assert "another release" in replaced["actions"][0]["reason"]
    assert (folder / "share/note").read_text() == "another"


def killed_before(number: int, settings: RuntimeSettings) -> bool:
    """Run it in a process that ends before its rename or link of this number; tell whether there is one."""
    child = os.fork()
    if child:
        return os.WEXITSTATUS(os.waitpid(child, 0)[1]) == 9
    calls = iter(range(number + 1))

    def counted(real: t.Callable[..., None], *arguments: t.Any, **options: t.Any) -> None:
        if next(calls, number) == number:
            os._exit(9)
        real(*arguments, **options)

    for name in ("rename", "symlink"):
        setattr(os, name, functools.partial(counted, getattr(os, name)))
    try:
        run(settings)
    finally:
        os._exit(0)


def test_killed_before_each_rename_it_has_all_of_a_runtime_or_nothing(place: Path) -> None:
    release(place / "20260610")
    settings = asked(place, str(place / "20260610"), link=True)
    root, number = place / "python", 0
    while killed_before(number, settings):
        names = {name for name in os.listdir(str(root)) if not name.startswith(".fleet-system-python-new-")}
        assert names in (set(), {"3.12.13"}), number
        assert run(settings._replace(state="intact"))["changed"]
        assert sorted(os.listdir(str(root))) == ["3.12", "3.12.13"]
        assert not run(settings._replace(state="intact"))["changed"]
        shutil.rmtree(str(root))
        number += 1
    # The files of the archive, the manifest, the runtime itself and its link are put in place by one each.
    assert number > 3
