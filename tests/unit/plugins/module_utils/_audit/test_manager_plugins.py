# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a package manager would load or start beside its own files."""

import os
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.contract import contract_for
from ansible_collections.fleet.system_python.plugins.module_utils._audit.manager_plugins import (
    DNF_CONF,
    interpreter_of,
    plugins_of,
)
from ansible_collections.fleet.system_python.plugins.module_utils._disk.root import Root

OWN = "/usr/lib/python3.9/site-packages/dnf-plugins"


def root_with(folder: str, files: t.Mapping[str, str]) -> Root:
    for path, text in files.items():
        real = folder + path
        os.makedirs(os.path.dirname(real), exist_ok=True)
        with open(real, "w") as stream:
            stream.write(text)
    return Root(folder)


def seen(root: Root, os_id: str = "rhel", version: str = "9.7") -> t.Dict[str, bool]:
    contract = contract_for({"ID": os_id, "VERSION_ID": version})
    return {one["path"]: one["told"] for one in plugins_of(contract, root)}


@pytest.mark.parametrize(
    ("conf", "more", "untold"),
    [
        ("", [], False),
        ("[main]\ngpgcheck=1\n", [], False),
        ("[main]\npluginpath=/a\n", ["/a/x.py"], False),
        ("[main]\npluginpath = /a, /b\n", ["/a/x.py", "/b/deep/y.so"], False),
        ("[main]\npluginpath=/c\n\t/a,\n  /b\n", ["/a/x.py", "/b/deep/y.so"], False),
        ('[main]\npluginpath="/a"\r\n', ["/a/x.py"], False),
        ("[main]\npluginpath=/a\npluginpath=/b\n", ["/a/x.py", "/b/deep/y.so"], False),
        ("[main]\n#pluginpath=/a\npluginpath_x=/b\npluginconfpath=/b\n", [], False),
        ("[main]\npluginpath=/a*\n", [], True),
        ("[main]\npluginpath=/$basearch /a\n", ["/a/x.py"], True),
        ("[main]\npluginpath=plugins\n", [], True),
        ("[main]\nplugins=1\nplugins=0\n", [], False),
    ],
)
def test_the_folders_of_dnf(tmpdir: t.Any, conf: str, more: t.List[str], untold: bool) -> None:
    files = {DNF_CONF: conf, OWN + "/copr.py": "", "/a/x.py": "", "/b/deep/y.so": ""}
    expected = dict.fromkeys([OWN + "/copr.py"] + more, True)
    if untold:
        expected[DNF_CONF] = False
    assert seen(root_with(str(tmpdir), files)) == expected


def test_dnf_without_plugins(tmpdir: t.Any) -> None:
    root = root_with(str(tmpdir), {DNF_CONF: "[main]\npluginpath=/a\nplugins = False\n", OWN + "/x.py": ""})
    assert seen(root) == {}


def test_a_setting_that_leads_to_a_whole_tree_is_not_followed_to_its_end(tmpdir: t.Any) -> None:
    files = {"/a/f{0}.py".format(number): "" for number in range(2100)}
    root = root_with(str(tmpdir), dict(files, **{DNF_CONF: "[main]\npluginpath=/a\n"}))
    found = seen(root)
    assert (len(found), found[DNF_CONF]) == (2001, False)


def test_the_programs_that_zypper_starts(tmpdir: t.Any) -> None:
    folder = "/usr/lib/zypp/plugins/"
    files = {
        folder + "urlresolver/cloud": "#!/usr/bin/python3 -s\n",
        folder + "commit/a": "#! /usr/bin/env -S perl\n",
        folder + "system/b": "\x7fELF",
    }
    root = root_with(str(tmpdir), files)
    assert seen(root, "sles", "15.7") == dict.fromkeys([*files, "/usr/bin/python3", "/usr/bin/perl"], True)


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("#!/usr/bin/python3 -s\n", "/usr/bin/python3"),
        ("#!/usr/bin/env python3\n", "/usr/bin/python3"),
        ("#!/usr/bin/env\n", "/usr/bin/env"),
        ("", None),
        ("#!\n", None),
    ],
)
def test_who_starts_a_script(tmpdir: t.Any, text: str, program: t.Optional[str]) -> None:
    assert interpreter_of("/x", root_with(str(tmpdir), {"/x": text})) == program
    assert interpreter_of("/y", Root(str(tmpdir))) is None
