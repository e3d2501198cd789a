# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Link chains on a real file system."""

import os
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._disk.links import end_of, kind_of, resolve, which
from ansible_collections.fleet.system_python.plugins.module_utils._disk.root import HOST


def _executable(path: t.Any) -> t.Any:
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_a_chain_names_every_hop(tmp_path: t.Any) -> None:
    binary = _executable(tmp_path / "python3.9")
    (tmp_path / "entry").symlink_to(binary)
    (tmp_path / "python3").symlink_to("entry")
    hops = resolve(str(tmp_path / "python3"))
    assert [(hop["kind"], hop["target"]) for hop in hops] == [("link", "entry"), ("link", str(binary)), ("file", None)]
    assert end_of(hops) == str(binary)


def test_a_loop_ends(tmp_path: t.Any) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    hops = resolve(str(tmp_path / "a"))
    assert [hop["kind"] for hop in hops] == ["link", "link", "loop"]
    assert end_of(hops) is None


def test_a_dangling_link_ends_in_missing(tmp_path: t.Any) -> None:
    (tmp_path / "python3").symlink_to("gone")
    assert [hop["kind"] for hop in resolve(str(tmp_path / "python3"))] == ["link", "missing"]


def test_a_directory_and_a_fifo_are_told_apart(tmp_path: t.Any) -> None:
    os.mkfifo(str(tmp_path / "fifo"))
    assert kind_of(str(tmp_path)) == "directory"
    assert kind_of(str(tmp_path / "fifo")) == "other"
    assert kind_of(str(tmp_path / "fifo" / "below")) == "missing"


def test_folders_are_named_by_their_real_path(tmp_path: t.Any) -> None:
    (tmp_path / "usr").mkdir()
    (tmp_path / "bin").symlink_to("usr")
    _executable(tmp_path / "usr" / "python3")
    assert resolve(str(tmp_path / "bin" / "python3"))[0]["path"] == str(tmp_path / "usr" / "python3")


def test_which_passes_over_what_a_shell_passes_over(tmp_path: t.Any) -> None:
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
    (tmp_path / "one" / "python3").mkdir()
    (tmp_path / "two" / "python3").write_text("not executable")
    _executable(tmp_path / "three" / "python3")
    folders = [str(tmp_path / name) for name in ("gone", "one", "two", "three")]
    assert which("python3", folders) == str(tmp_path / "three" / "python3")
    assert which("python3", folders[:3]) is None


@pytest.mark.parametrize("text", ["/proc/self/exe", "/proc/thread-self/exe", "/dev/fd/0", "/dev/stdin", "link"])
def test_what_every_process_finds_elsewhere_is_no_file(tmp_path: t.Any, text: str) -> None:
    (tmp_path / "link").symlink_to("/proc/self/exe")
    (tmp_path / "python3").symlink_to(text)
    hops = resolve(str(tmp_path / "python3"))
    assert hops[-1]["kind"] == "process"
    assert end_of(hops) is None


def test_the_one_name_of_a_file(tmp_path: t.Any) -> None:
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "bin").symlink_to("usr/bin")
    (tmp_path / "deep").symlink_to("usr/bin/..")
    (tmp_path / "usr/bin/python3").symlink_to("gone")
    name = str(tmp_path / "usr/bin/python3")
    for other in ("bin/python3", "usr/bin/../bin/python3", "bin/./python3", "bin//python3", "deep/bin/python3",
                  "bin/../bin/python3", "deep/../bin/python3/"):  # fmt: skip
        assert HOST.canonical(str(tmp_path) + "/" + other) == name
    assert HOST.canonical("/../etc/./passwd") == "/etc/passwd"
    assert HOST.canonical("/") == HOST.canonical("/..") == "/"
