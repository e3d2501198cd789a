# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of packaged folders that became links. The database is a double; the tampering library_moved has a real one."""

import os
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._packages.moved import (
    MovedFolderError,
    require_no_moved_folder,
)
from ansible_collections.fleet.system_python.plugins.module_utils._rpm.packages import PackageId
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.file_trees import write

AGENT = PackageId("agent", 0, "1.0", "1", "noarch")
LIBRARY = "/usr/lib64/python3.9"
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


class File(t.NamedTuple):
    path: str
    kind: str


class Package(t.NamedTuple):
    files: t.List[File]


class Database:
    """Knows the owners of a few paths."""

    def __init__(self, owned: t.Iterable[str] = ()) -> None:
        self._owned = set(owned)

    def owners(self, paths: t.Iterable[str]) -> t.Dict[str, t.List[PackageId]]:
        return {path: [AGENT] if path in self._owned else [] for path in paths}


def make(path: t.Any) -> None:
    os.makedirs(os.path.dirname(str(path)), exist_ok=True)
    write(path)


@pytest.fixture
def moved(tmp_path: t.Any) -> t.Any:
    """Give a host whose library is elsewhere, behind a link of a user."""
    for name in ("os.py", "__pycache__/os.cpython-39.pyc", "site-packages/README.txt"):
        make(tmp_path / "data" / name)
    os.makedirs(str(tmp_path / "usr/lib64"))
    os.symlink(str(tmp_path / "data"), str(tmp_path) + LIBRARY)
    os.lchown(str(tmp_path) + LIBRARY, 65534, 65534)
    return tmp_path


def look(host: t.Any, database: t.Optional[Database] = None) -> None:
    own = [File(LIBRARY, "directory"), File(LIBRARY + "/site-packages", "directory")]
    own += [File(LIBRARY + "/" + name, "file") for name in ("os.py", "site-packages/README.txt")]
    rpm: t.Any = database or Database()
    packages: t.Any = [Package(own)]
    require_no_moved_folder(packages, rpm.owners, lambda path: str(host) + path)


def test_a_folder_with_nothing_else_in_it_may_be_rebuilt(moved: t.Any) -> None:
    make(moved / "data/leftover.txt")
    look(moved)


@pytest.mark.parametrize("name", ["site-packages/agent", "lib2to3/Grammar.pickle", "with\nnewline"])
def test_what_another_package_has_there(moved: t.Any, name: str) -> None:
    make(moved / "data" / name)
    with pytest.raises(MovedFolderError, match="the packages agent") as raised:
        look(moved, Database([LIBRARY + "/" + name]))
    assert raised.value.details["packages"] == ["agent"]
    assert raised.value.details["leads_to"] == str(moved / "data")
    assert raised.value.changed_nothing


def test_what_nobody_owns_among_the_modules(moved: t.Any) -> None:
    make(moved / "data/site-packages/addon/__init__.py")
    make(moved / "data/site-packages/addon/deeper.py")
    with pytest.raises(MovedFolderError, match="site-packages/addon") as raised:
        look(moved)
    assert raised.value.details["unowned"] == [LIBRARY + "/site-packages/addon"]


def test_a_link_of_root_is_written_through(moved: t.Any) -> None:
    make(moved / "data/site-packages/addon.py")
    os.lchown(str(moved) + LIBRARY, 0, 0)
    look(moved)
