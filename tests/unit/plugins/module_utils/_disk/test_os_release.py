# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which operating system a root holds, in real files below it."""

import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import (
    InvalidDataError,
    UnknownPlatformError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._disk.os_release import read_os_release
from ansible_collections.fleet.system_python.plugins.module_utils._disk.root import Root


@pytest.fixture
def root(tmp_path: t.Any) -> t.Any:
    for folder in ("etc", "usr/lib"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def test_the_administrators_file_comes_before_the_vendors(root: t.Any) -> None:
    (root / "usr/lib/os-release").write_text('ID="rhel"\n')
    assert read_os_release(root=Root(str(root))) == {"ID": "rhel"}
    (root / "etc/os-release").write_text("ID=other\n")
    assert read_os_release(root=Root(str(root))) == {"ID": "other"}


def test_no_os_release(root: t.Any) -> None:
    with pytest.raises(UnknownPlatformError, match=r"there is no os-release file \(/etc/os-release, /usr/lib"):
        read_os_release(root=Root(str(root)))


def test_a_root_that_is_not_there(root: t.Any) -> None:
    with pytest.raises(InvalidDataError, match="does not exist"):
        read_os_release(root=Root(str(root / "none")))
