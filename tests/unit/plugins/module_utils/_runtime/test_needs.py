# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A runtime whose program and modules are small programs of this machine, which want libraries of it."""

import os
import shutil
import tempfile
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.command import Completed
from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import LostLibraryError
from ansible_collections.fleet.system_python.plugins.module_utils._disk.root import HOST
from ansible_collections.fleet.system_python.plugins.module_utils._loader.search import Loader
from ansible_collections.fleet.system_python.plugins.module_utils._runtime.look import look
from ansible_collections.fleet.system_python.plugins.module_utils._runtime.needs import lost_libraries, needs_of
from ansible_collections.fleet.system_python.plugins.module_utils._runtime.plan import plan_runtime
from ansible_collections.fleet.system_python.plugins.module_utils._runtime.records import RuntimeSettings
from ansible_collections.fleet.system_python.plugins.module_utils._trust.manifest import (
    Manifest,
    RuntimeNeed,
    make_about,
    make_source,
    new_manifest,
    write_manifest,
)
from ansible_collections.fleet.system_python.plugins.module_utils._venv.records import Census

SHA = "a" * 64
PROGRAM = os.path.realpath("/bin/true")
LIBRARY, LOST = b"libc.so.6", b"libx.so.6"
NEED = {LOST.decode(): RuntimeNeed(path="/usr/lib64/libx.so.6", package="x-libs")}

pytestmark = pytest.mark.skipif(
    LIBRARY.decode() not in (Loader(HOST).read(PROGRAM)[0] or Loader(HOST).read("/bin/sh")[0]).needed,  # type: ignore[union-attr]
    reason="the programs of this machine are linked in another way",
)


def copy_of(target: str, lacks: bool) -> None:
    """Put a small program there; one that lacks a library wants one that nobody has."""
    os.makedirs(os.path.dirname(target), 0o755, exist_ok=True)
    shutil.copyfile(PROGRAM, target)
    if lacks:
        with open(target, "rb+") as stream:
            data = stream.read()
            stream.seek(0)
            stream.write(data.replace(LIBRARY + b"\0", LOST + b"\0"))
    Path(target).chmod(0o755)


def runtime(
    folder: str, kind: str = "prebuilt", lacks: bool = False, module: bool = False, known: bool = True
) -> Manifest:
    copy_of(os.path.join(folder, "bin/python3.13"), lacks)
    copy_of(os.path.join(folder, "lib/python3.13/lib-dynload/_ssl.so"), module)
    about = make_about("3.13.5", make_source("https://example.com/a", SHA, kind))
    if kind == "source":
        about["build"] = {"optimize": False, "lto": False, "tests": False, "configure": [], "environment": {}}
    if known:
        about["needs"] = NEED
    manifest = new_manifest(folder, about, {})
    write_manifest(folder, manifest)
    return manifest


@pytest.fixture(name="root")
def root_fixture() -> t.Iterator[str]:
    with tempfile.TemporaryDirectory() as parent:
        Path(parent).chmod(0o755)
        yield parent


def asked(root: str, **more: t.Any) -> RuntimeSettings:
    return RuntimeSettings(state="intact", version="3.13.5", root=root, owner=os.geteuid(), link=False, **more)


def test_what_is_outside_of_the_folder_is_needed(root: str) -> None:
    copy_of(os.path.join(root, "bin/python3.13"), lacks=False)
    found = needs_of(root, "3.13")
    assert os.path.isfile(found[LIBRARY.decode()]["path"])
    assert not [one for one in found.values() if one["path"].startswith(root)]


@pytest.mark.parametrize("known", [True, False])
def test_a_module_that_lost_its_library_is_named(root: str, known: bool) -> None:
    manifest = runtime(root, module=True, known=known)
    (lost,) = lost_libraries(root, "3.13", manifest, "")
    assert (lost.name, lost.by) == (LOST.decode(), "lib/python3.13/lib-dynload/_ssl.so")
    assert ("x-libs" in lost.advice) is known


def test_what_was_never_there_was_not_lost(root: str) -> None:
    manifest = runtime(root, module=True)
    manifest["needs"] = {}
    assert lost_libraries(root, "3.13", manifest, "") == []


@pytest.mark.parametrize(
    ("family", "provider", "said"),
    [
        ("rhel", "", "x-libs: dnf install 'libx.so.6()(64bit)'"),
        ("suse", "", "x-libs: zypper install 'libx.so.6()(64bit)'"),
        ("rhel", "x-new", "dnf reinstall x-new"),
        ("suse", "x-new", "zypper install --force x-new"),
        ("debian", "", "apt-get install --reinstall x-libs"),
    ],
)
def test_the_advice_is_the_one_of_the_distribution(root: str, family: str, provider: str, said: str) -> None:
    def runner(argv: t.Sequence[str], **_options: t.Any) -> Completed:
        return Completed(tuple(argv), 0 if provider else 1, provider + "\n", "", False)

    (lost,) = lost_libraries(root, "3.13", runtime(root, module=True), family, runner)
    assert said in lost.advice


@pytest.mark.parametrize("part", ["lacks", "module"])
def test_it_is_not_called_intact_and_the_same_archive_is_not_tried_again(root: str, part: str) -> None:
    runtime(os.path.join(root, "3.13.5"), lacks=part == "lacks", module=part == "module")
    seen = look(asked(root))
    assert (seen.deviations, seen.is_intact) == ((), False)
    with pytest.raises(LostLibraryError, match=r"libx\.so\.6") as caught:
        plan_runtime(asked(root, place="https://example.com/a", sha256=SHA), seen, Census)
    assert caught.value.details["libraries"][0]["name"] == LOST.decode()


def test_one_that_was_built_here_is_built_again_and_another_archive_replaces_it(root: str) -> None:
    runtime(os.path.join(root, "3.13.5"), "source", lacks=True)
    (step,) = plan_runtime(asked(root), look(asked(root)), Census).steps
    assert step["action"] == "install"
    assert LOST.decode() in step["reason"]
    shutil.rmtree(os.path.join(root, "3.13.5"))
    runtime(os.path.join(root, "3.13.5"), lacks=True)
    other = asked(root, place="https://example.com/b", sha256="b" * 64)
    assert [step["action"] for step in plan_runtime(other, look(other), Census).steps] == ["install"]


def test_what_was_altered_is_not_run(root: str) -> None:
    folder = os.path.join(root, "3.13.5")
    runtime(folder)
    ran = os.path.join(root, "ran")
    with open(os.path.join(folder, "bin/python3.13"), "w") as stream:
        stream.write(f"#!/bin/sh\ntouch {ran}\n")
    Path(root).chmod(0o777)
    assert look(asked(root)).is_intact is False
    assert not os.path.exists(ran)
