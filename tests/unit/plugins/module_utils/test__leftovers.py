# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What no package put there, in real folders."""

import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._leftovers import (
    installation_traces,
    is_startup_file,
    pip_installed,
    pip_record,
    site_folders,
    suspects,
    trace_version,
)


def _file(path: t.Any, text: t.Any = "") -> t.Any:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def test_unowned_modules_are_found_at_every_depth_of_the_library(tmp_path: t.Any) -> None:
    library = tmp_path / "python3.9"
    owned = {str(library / "json"), _file(library / "os.py"), _file(library / "json" / "decoder.py")}
    planted = [
        _file(library / "json" / "evil.py"),
        _file(library / "a b\n\x1b[31m.py"),
        _file(library / "new" / "__init__.py"),
    ]
    _file(library / "__pycache__" / "os.cpython-39.pyc")
    _file(library / "site-packages" / "x.py")
    _file(library / "README.txt")
    found = suspects([str(library)], [], owned)
    assert sorted(found) == sorted([planted[0], planted[1], str(library / "new")])


def test_site_folders_are_looked_at_at_their_top(tmp_path: t.Any) -> None:
    site = tmp_path / "site-packages"
    owned = {str(site / "dnf")}
    _file(site / "dnf" / "extra.py")
    expected = [_file(site / "evil.pth"), _file(site / "sitecustomize.py"), str(site / "thing-1.0.dist-info")]
    _file(site / "thing-1.0.dist-info" / "RECORD")
    assert sorted(suspects([], [str(site)], owned)) == sorted(expected)


def test_site_folders_of_the_packages_count_too(tmp_path: t.Any) -> None:
    library = tmp_path / "python3.9"
    (library / "site-packages").mkdir(parents=True)
    assert site_folders([], [str(library)]) == [str(library / "site-packages")]


@pytest.mark.parametrize(
    "name",
    [
        "python3.15",
        "python3.15-config",
        "python3",
        "pip3.15",
        "pydoc3",
        "idle3.15",
        "2to3-3.15",
        "libpython3.15.a",
        "libpython3.15.so.1.0",
        "libpython3.so",
        "python-3.15-embed.pc",
        "python3.pc",
        "python3.15.1",
        "python3.6m",
        "2to3",
        "python3-config",
        "python",
    ],
)
def test_names_that_make_install_leaves(tmp_path: t.Any, name: t.Any) -> None:
    path = _file(tmp_path / name)
    assert installation_traces(set(), [str(tmp_path)]) == [path]
    assert installation_traces({path}, [str(tmp_path)]) == []


@pytest.mark.parametrize(
    "name", ["pythonista", "python-argcomplete-check", "pipewire", "pip-audit", "lib2to3x", "perl"]
)
def test_names_of_other_programs(tmp_path: t.Any, name: t.Any) -> None:
    _file(tmp_path / name)
    assert installation_traces(set(), [str(tmp_path)]) == []


def test_the_version_of_a_trace(tmp_path: t.Any) -> None:
    (tmp_path / "idle3").symlink_to("idle3.15")
    assert trace_version(str(tmp_path / "idle3")) == "3.15"
    (tmp_path / "python3.1").symlink_to("python3.15.1")
    assert trace_version(str(tmp_path / "python3.1")) == "3.15"
    assert trace_version(_file(tmp_path / "pip3", "#!/usr/bin/python3.14\n")) == "3.14"
    assert trace_version(_file(tmp_path / "pip3.13", "#!/usr/bin/python3\n")) == "3.13"
    assert trace_version(_file(tmp_path / "pydoc", "binary")) is None


def test_what_python_runs_by_itself() -> None:
    assert is_startup_file("/x/evil.pth")
    assert is_startup_file("/x/sitecustomize.py")
    assert is_startup_file("/x/usercustomize.cpython-39-x86_64-linux-gnu.so")
    assert not is_startup_file("/x/mysitecustomize.py")


def test_what_pip_claims(tmp_path: t.Any) -> None:
    site = tmp_path / "site-packages"
    module = _file(site / "six.py")
    info = site / "six-1.16.dist-info"
    _file(info / "RECORD", "six.py,sha256=abc,1\n")
    assert pip_record(module) is None
    _file(info / "INSTALLER", "pip\n")
    assert pip_record(module) == str(info)
    assert pip_installed(module)
    assert pip_installed(str(info))
    assert not pip_installed(_file(site / "other.py"))
