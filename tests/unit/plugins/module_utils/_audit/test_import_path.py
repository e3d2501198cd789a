# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The model of the import path, compared with what CPython itself says, on every version that the tests run under."""

import os
import site
import sys
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.import_path import (
    CORE,
    import_path,
    paths_of,
    place_templates,
)

VERSION = "{0}.{1}".format(*sys.version_info[:2])


def test_the_running_python_reads_what_the_model_says() -> None:
    """Prefix and library folder are those of this build; what the vendors add under /usr/local is not in it."""

    def as_packaged(path: str) -> str:
        return path.replace(sys.base_prefix + "/", "/usr/", 1)

    expected = paths_of(VERSION, "archive", "library")
    found = [as_packaged(path) for path in sys.path if path.startswith(sys.base_prefix + "/")]
    assert [path for path in found if not path.endswith(("-packages", "lib-dynload"))] == [
        path for path in expected if path in found
    ]
    assert as_packaged(os.path.dirname(os.__file__)) in paths_of(VERSION, "library")
    for folder in site.getsitepackages([sys.base_prefix]):
        assert as_packaged(folder) in paths_of(VERSION, "site", "local")


def test_the_user_s_folder_is_the_one_of_site() -> None:
    base = site.getuserbase()
    (user,) = [path for role, path in import_path(VERSION, [base]) if role == "user"]
    assert user == site.getusersitepackages()


@pytest.mark.parametrize(
    ("version", "role", "path"),
    [
        ("3.6", "archive", "/usr/lib/python36.zip"),
        ("3.9", "archive", "/usr/lib64/python39.zip"),
        ("3.12", "archive", "/usr/lib64/python312.zip"),
        ("3.14", "library", "/usr/lib64/python3.14"),
        ("3.6", "landmark", "/usr/libexec/lib64/python3.6"),
        ("3.9", "landmark", "/usr/pyvenv.cfg"),
        ("3.12", "landmark", "/usr/bin/python3.12._pth"),
        ("3.12", "local", "/usr/local/lib/python3.12/site-packages"),
        ("3.9", "user", "/root/.local/lib/python3.9/site-packages"),
        ("3.9", "script", "/usr/bin"),
    ],
)
def test_places_of_a_version(version: str, role: str, path: str) -> None:
    assert (role, path) in import_path(version)


def test_what_came_with_3_11_is_not_of_3_10() -> None:
    newer = set(paths_of("3.11", "landmark")) - {
        path.replace("3.10", "3.11").replace("310", "311") for path in paths_of("3.10", "landmark")
    }
    assert newer
    assert all(path.endswith(("._pth", ".zip")) for path in newer)


def test_two_bases_are_two_folders_and_none_is_none() -> None:
    def users(bases: t.Sequence[str]) -> t.List[str]:
        return [path for role, path in import_path("3.9", bases) if role == "user"]

    assert users(["/root/.local", "/srv/base"]) == [
        "/root/.local/lib/python3.9/site-packages",
        "/srv/base/lib/python3.9/site-packages",
    ]
    assert users([]) == []


def test_what_no_option_takes_away_comes_before_what_site_adds() -> None:
    roles = [role for role, _path in import_path("3.9")]
    assert max(roles.index(role) for role in CORE) < roles.index("user") < roles.index("local") < roles.index("site")


def test_a_shell_can_take_the_templates_as_words() -> None:
    for place in place_templates():
        assert not set(" :|&\n'\"") & set(place.role + place.template)
