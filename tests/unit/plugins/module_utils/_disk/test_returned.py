# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is remembered of what was put back from the quarantine."""

import os
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._disk.quarantine import Quarantine
from ansible_collections.fleet.system_python.plugins.module_utils._disk.returned import returned_paths
from ansible_collections.fleet.system_python.plugins.module_utils._disk.trees import remove_any


class Host:
    """A folder of files, and a quarantine."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.kept = os.path.join(folder, "quarantine")

    def make(self, kind: str, text: str = "") -> str:
        path = os.path.join(self.folder, kind)
        if kind == "folder":
            os.mkdir(path)
        elif kind == "link":
            os.symlink(text or "nowhere", path)
        else:
            with open(path, "w", encoding="utf-8") as stream:
                stream.write(text)
        return path

    def run(self, number: int) -> Quarantine:
        return Quarantine(self.kept, "run-{0}".format(number), lambda: 1000.0 + number)

    def returned(self) -> t.List[str]:
        return returned_paths(self.kept)


@pytest.fixture
def host(tmp_path: t.Any) -> Host:
    return Host(str(tmp_path))


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_what_was_put_back_is_remembered_until_it_is_taken_again(host: Host, kind: str) -> None:
    path = host.make(kind)
    assert host.returned() == []
    host.run(1).take(path, "reason", "SP209")
    assert host.returned() == []
    host.run(2).put_back("run-1")
    assert host.returned() == [path]
    host.run(3).take(path, "asked for", "SP209")
    host.make(kind)
    assert host.returned() == []
    remove_any(path)
    host.run(4).put_back("run-3")
    assert host.returned() == [path]


def test_what_was_there_instead_is_a_copy_and_no_matter(host: Host) -> None:
    path = host.make("file", "first")
    host.run(1).take(path, "reason", "SP209")
    host.make("file", "second")
    host.run(2).put_back("run-1", overwrite=True)
    assert host.returned() == [path]


@pytest.mark.parametrize("kind", ["file", "link"])
def test_another_thing_in_its_place_was_not_put_back(host: Host, kind: str) -> None:
    path = host.make(kind)
    host.run(1).take(path, "reason", "SP209")
    host.run(2).put_back("run-1")
    os.unlink(path)
    assert host.returned() == []
    host.make(kind, "other")
    assert host.returned() == []


def test_a_damaged_manifest_remembers_nothing(host: Host) -> None:
    path = host.make("file")
    host.run(1).take(path, "reason", "SP209")
    host.run(2).put_back("run-1")
    with open(os.path.join(host.kept, "run-1", "manifest.json"), "w", encoding="ascii") as stream:
        stream.write("{")
    assert host.returned() == []
