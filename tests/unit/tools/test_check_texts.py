# Copyright (c) 2026, The fleet.system_python contributors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from pathlib import Path

import pytest
from check_texts import pattern, problems


@pytest.mark.parametrize(
    ("line", "forbidden"),
    [
        # Joined here, so that this file passes the check that it tests.
        ("image: " + "quay" + ".io/thing", True),
        ("image: registry" + ".suse.com/bci/bci-base", True),
        ("index: https://" + "pypi" + ".org/simple", True),
        ("log in /" + "home/alice/log", True),
        ("see /" + "data7/clone/README.md", True),
        ("see /" + "data7/other", True),
        ("package docker.io is Debian's engine", False),
        ("https://www.gnu.org/licenses/gpl-3.0.txt", False),
        ("/usr/bin/python3 and /root/.bashrc", False),
        ("${HOME}/data7/x", False),
    ],
)
def test_lines(tmp_path: Path, line: str, forbidden: bool) -> None:
    (tmp_path / "file.txt").write_text(line, encoding="utf-8")
    found = list(problems(tmp_path, [Path("file.txt")], pattern(Path("/data7/clone"))))
    assert bool(found) is forbidden


def test_a_clone_in_a_standard_folder_forbids_its_own_path_only() -> None:
    forbidden = pattern(Path("/srv/a-clone"))
    assert forbidden.search("/srv/a-clone" + "/x")
    assert not forbidden.search("/srv/www/x")


def test_files_that_are_no_text_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "file.bin").write_bytes(b"\xff\xfe\x00")
    assert not list(problems(tmp_path, [Path("file.bin")], pattern(Path("/data7/clone"))))
