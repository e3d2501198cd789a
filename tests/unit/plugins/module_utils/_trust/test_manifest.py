# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import os
import shutil
import subprocess
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import InvalidDataError
from ansible_collections.fleet.system_python.plugins.module_utils._trust import manifest as manifests

OWNER = os.geteuid()
ABOUT = manifests.make_about("3.13.5", manifests.make_source("/srv/a", 64 * "a"))


@pytest.fixture(name="runtime")
def runtime_fixture(tmp_path: t.Any) -> str:
    top = tmp_path / "3.13.5"
    (top / "lib/json").mkdir(parents=True)
    (top / "bin").mkdir()
    (top / "bin/python3.13").write_text("binary")
    (top / "bin/python3").symlink_to("python3.13")
    (top / "lib/json/decoder.py").write_text("text")
    (top / "lib/odd \\ \n name").write_text("odd")
    for parent, _folders, files in os.walk(str(top)):
        os.chmod(parent, 0o755)  # noqa: S103
        for name in files:
            if not os.path.islink(os.path.join(parent, name)):
                os.chmod(os.path.join(parent, name), 0o644)
    manifests.write_manifest(str(top), manifests.new_manifest(str(top), ABOUT, {}))
    return str(top)


def deviations(runtime: str) -> t.Dict[str, str]:
    manifest = manifests.load_manifest(runtime)
    assert manifest is not None
    return {one.path: one.what for one in manifests.examine(runtime, manifest, OWNER)}


def test_a_fresh_runtime_is_intact(runtime: str) -> None:
    assert deviations(runtime) == {}


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum on this machine")
def test_a_shell_can_check_it_too(runtime: str) -> None:
    argv = ["sha256sum", "--check", "--quiet", "--strict", manifests.SUMS]
    assert subprocess.call(argv, cwd=runtime) == 0
    with open(os.path.join(runtime, "lib/odd \\ \n name"), "a") as stream:
        stream.write("more")
    assert subprocess.call(argv, cwd=runtime, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) != 0


def test_every_deviation_is_found(runtime: str) -> None:
    path = os.path.join(runtime, "lib/json/decoder.py")
    with open(path, "w") as stream:
        stream.write("TEXT")
    os.chmod(os.path.join(runtime, "bin/python3.13"), 0o777)  # noqa: S103
    os.unlink(os.path.join(runtime, "bin/python3"))
    os.symlink("/usr/bin/python3", os.path.join(runtime, "bin/python3"))
    os.unlink(os.path.join(runtime, "lib/odd \\ \n name"))
    with open(os.path.join(runtime, "lib/sitecustomize.py"), "w") as stream:
        stream.write("")
    os.mkdir(os.path.join(runtime, "open"))
    os.chmod(os.path.join(runtime, "open"), 0o777)  # noqa: S103
    assert deviations(runtime) == {
        "lib/json/decoder.py": "altered",
        "bin/python3.13": "mode",
        "bin/python3": "link_target",
        "lib/odd \\ \n name": "missing",
        "lib/sitecustomize.py": "unexpected",
        "open": "mode",
    }


def test_kinds(runtime: str) -> None:
    path = os.path.join(runtime, "lib/json/decoder.py")
    os.unlink(path)
    os.mkdir(path, 0o755)
    os.unlink(os.path.join(runtime, "bin/python3"))
    with open(os.path.join(runtime, "bin/python3"), "w") as stream:
        stream.write("binary")
    assert deviations(runtime) == {"lib/json/decoder.py": "kind", "bin/python3": "kind"}


def test_files_compiled_later_are_no_deviation_but_planted_ones_are(runtime: str) -> None:
    cache = os.path.join(runtime, "lib/json/__pycache__")
    os.mkdir(cache, 0o755)
    for name in ("decoder.cpython-313.opt-1.pyc", "planted.cpython-313.pyc"):
        with open(os.path.join(cache, name), "w") as stream:
            stream.write("")
    assert deviations(runtime) == {"lib/json/__pycache__/planted.cpython-313.pyc": "unexpected"}


def test_the_manifest_itself(runtime: str) -> None:
    path = os.path.join(runtime, manifests.MANIFEST)
    with open(path) as stream:
        text = stream.read()
    with open(path, "w") as stream:
        stream.write(text.replace("3.13.5", "3.13.6"))
    assert deviations(runtime) == {manifests.SUMS: "altered"}
    os.unlink(os.path.join(runtime, manifests.SUMS))
    assert deviations(runtime) == {manifests.SUMS: "missing"}


def test_no_manifest_and_damaged_ones(runtime: str, tmp_path: t.Any) -> None:
    assert manifests.load_manifest(str(tmp_path)) is None
    assert manifests.load_manifest(str(tmp_path / "nothing")) is None
    path = os.path.join(runtime, manifests.MANIFEST)
    for text in ("{", "[]", '{"files": 1}', '{"files": {}, "format": 99}'):
        with open(path, "w") as stream:
            stream.write(text)
        with pytest.raises(InvalidDataError, match="cannot be read"):
            manifests.load_manifest(runtime)


def test_what_has_no_place_in_a_runtime(runtime: str) -> None:
    os.mkfifo(os.path.join(runtime, "fifo"))
    with pytest.raises(InvalidDataError, match="fifo"):
        manifests.new_manifest(runtime, ABOUT, {})
