# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import errno
import os
import stat
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.environment import selinux_config
from ansible_collections.fleet.system_python.plugins.module_utils._audit.leftovers import PipRecords, trace_version
from ansible_collections.fleet.system_python.plugins.module_utils._disk.links import resolve, which
from ansible_collections.fleet.system_python.plugins.module_utils._disk.root import HOST, RealPaths, Root


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A root whose links would lead out of it if this host followed them."""
    (tmp_path / "outside").write_text("of this host")
    root = tmp_path / "root"
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin/python3.9").write_text("inside")
    (root / "usr/bin/python3.9").chmod(0o755)
    (root / "bin").symlink_to("/usr/bin")
    (root / "usr/bin/python3").symlink_to("/bin/python3.9")
    (root / "up").symlink_to("../../../../../usr/bin/python3.9")
    (root / "leak").symlink_to(str(tmp_path / "outside"))
    (root / "loop").symlink_to("/loop")
    (root / "usr/bin/self").symlink_to("self")
    os.mkfifo(str(root / "pipe"))
    return root


def test_an_absolute_link_begins_at_the_root_again(folder: Path) -> None:
    root = Root(str(folder))
    assert root.realpath("/bin/python3") == "/usr/bin/python3.9"
    with root.open("/usr/bin/python3") as stream:
        assert stream.read() == b"inside"
    assert root.readlink("/bin/python3") == "/bin/python3.9"
    assert [hop["path"] for hop in resolve("/bin/python3", root)] == ["/usr/bin/python3", "/usr/bin/python3.9"]
    assert which("python3", ["/nowhere", "/bin"], root) == "/bin/python3"


def test_no_number_of_dots_leads_out(folder: Path) -> None:
    root = Root(str(folder))
    assert root.realpath("/up") == "/usr/bin/python3.9"
    assert root.exists("/../../../usr/bin/python3.9")
    assert not root.exists("/../outside")


def test_a_link_to_a_file_of_this_host_leads_nowhere(folder: Path) -> None:
    root = Root(str(folder))
    assert root.lexists("/leak")
    assert not root.exists("/leak")
    assert not root.isfile("/leak")
    with pytest.raises(FileNotFoundError):
        root.open("/leak")
    with pytest.raises(FileNotFoundError):
        root.listdir("/leak")


def test_a_loop_is_an_error_that_the_kernel_never_sees(folder: Path) -> None:
    root = Root(str(folder))
    assert root.islink("/loop")
    assert not root.exists("/loop")
    with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
        root.stat("/loop")
    assert [hop["kind"] for hop in resolve("/usr/bin/self", root)] == ["link", "loop"]


def test_a_pipe_is_not_opened(folder: Path) -> None:
    with pytest.raises(OSError, match="not a regular file"):
        Root(str(folder)).open("/pipe")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("/usr/bin/python*", ["/usr/bin/python3", "/usr/bin/python3.9"]),
        ("/bin/python*", ["/bin/python3", "/bin/python3.9"]),
        ("/*/python3", ["/bin/python3"]),
        ("/usr/bin/python3", ["/usr/bin/python3"]),
        ("/leak", ["/leak"]),
        ("/leak/*", []),
        ("/nowhere/*", []),
        ("/pipe/*", []),
    ],
)
def test_names_that_fit_a_pattern(folder: Path, pattern: str, expected: t.List[str]) -> None:
    assert Root(str(folder)).glob(pattern) == expected


def test_this_host_is_the_operating_system_itself(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "b").symlink_to("a")
    path = str(tmp_path / "b")
    assert HOST.is_host
    assert HOST.realpath(path) == os.path.realpath(path)
    assert HOST.islink(path)
    assert stat.S_ISREG(HOST.stat(path).st_mode)
    assert HOST.glob(str(tmp_path / "*")) == [str(tmp_path / "a"), str(tmp_path / "b")]


def test_leftovers_are_read_inside_the_root(folder: Path) -> None:
    site = folder / "usr/lib/python3.9/site-packages"
    (site / "demo-1.dist-info").mkdir(parents=True)
    (site / "demo-1.dist-info/INSTALLER").write_text("pip\n")
    (site / "demo-1.dist-info/RECORD").write_text("demo.py,,\n")
    (folder / "usr/bin/pip3").write_text("#!/usr/bin/python3.12\n")
    root = Root(str(folder))
    path = "/usr/lib/python3.9/site-packages/demo.py"
    assert PipRecords(root).claim(path) == "/usr/lib/python3.9/site-packages/demo-1.dist-info"
    assert PipRecords().claim(path) is None
    assert trace_version("/bin/pip3", root) == "3.12"


def test_a_pipe_in_the_place_of_the_configuration_of_selinux_is_none(folder: Path) -> None:
    (folder / "etc/selinux").mkdir(parents=True)
    config = folder / "etc/selinux/config"
    os.mkfifo(str(config))
    assert selinux_config(Root(str(folder)))["configured"] is None
    config.unlink()
    config.write_text("SELINUX=Permissive\n")
    assert selinux_config(Root(str(folder)))["configured"] == "permissive"


@pytest.mark.parametrize("inside", [False, True])
def test_real_paths_are_those_that_are_looked_up_each_time(tmp_path: t.Any, inside: bool) -> None:
    for folder in ("usr/lib64/python", "etc"):
        (tmp_path / folder).mkdir(parents=True)
    links = {"lib64": "usr/lib64", "usr/lib": "/usr/lib64", "usr/up": "..", "loop": "loop", "usr/gone": "/none/x"}
    for name, target in dict(links, self="/proc/self").items():
        (tmp_path / name).symlink_to(target)
    (tmp_path / "usr/lib64/python/os.py").touch()
    root, top = (Root(str(tmp_path)), "") if inside else (HOST, str(tmp_path))
    real_path = RealPaths(root)
    for name in (
        "lib64/python/os.py",
        "usr/lib/python",
        "usr/up/usr/../lib64",
        "loop",
        "usr/gone/y",
        "self/exe",
        "no/z",
    ):
        for path in (top + "/" + name, top + "/" + name + "/", "//" + top + "//" + name):
            assert real_path(path) == root.realpath(path)
    # The loader takes folders as they stand in a variable: $LD_LIBRARY_PATH, or nothing at all.
    for path in ("", ".", "$LD_LIBRARY_PATH/x", "usr", "/", "//", "/" + "x/" * 2000):
        assert real_path(path) == root.realpath(path)


def test_where_what_is_not_there_yet_will_be(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "way").symlink_to("/real")
    (tmp_path / "dangling").symlink_to("/gone/deep")
    (tmp_path / "circle").symlink_to("/circle")
    root = Root(str(tmp_path))
    for path, place in (
        ("/way/new", "/real/new"),
        ("/way/no/such/../new", "/real/no/new"),
        ("/dangling/new", "/gone/deep/new"),
        ("/way", "/way"),
        ("/way/../../../etc/passwd", "/etc/passwd"),
    ):
        assert (root.place(path), root.inside(root.place(path))) == (str(tmp_path) + place, place)
    with pytest.raises(OSError, match="circle"):
        root.place("/circle/new")
    assert (HOST.place("/x/../y"), HOST.inside("/y"), root.inside(str(tmp_path))) == ("/x/../y", "/y", "/")
