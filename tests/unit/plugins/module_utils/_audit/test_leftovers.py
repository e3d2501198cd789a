# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What make install and pip leave, in real folders."""

import os
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.leftovers import (
    PipRecords,
    installation_traces,
    trace_version,
)


def _file(path: t.Any, text: t.Any = "") -> t.Any:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


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


def test_what_pip_claims(tmp_path: t.Any) -> None:
    site = tmp_path / "site-packages"
    module = _file(site / "six.py")
    info = site / "six-1.16.dist-info"
    _file(info / "RECORD", 'six.py,sha256=abc,1\n"a,b.py",,\n')
    assert PipRecords().claim(module) is None
    _file(info / "INSTALLER", "pip\n")
    pip = PipRecords()
    assert pip.claim(module) == str(info)
    assert pip.installed(module)
    assert pip.installed(str(info))
    assert pip.claim(_file(site / "a,b.py")) == str(info)
    assert not pip.installed(_file(site / "other.py"))
    assert not pip.installed(_file(tmp_path / "six.py"))


def test_what_pip_wrote_down_is_read_once(tmp_path: t.Any) -> None:
    info = tmp_path / "site-packages" / "six-1.16.dist-info"
    _file(info / "INSTALLER", "pip\n")
    record = _file(info / "RECORD", "six.py,,\n")
    pip = PipRecords()
    assert pip.installed(str(tmp_path / "site-packages" / "six.py"))
    os.unlink(record)
    assert pip.installed(str(tmp_path / "site-packages" / "six.py"))
