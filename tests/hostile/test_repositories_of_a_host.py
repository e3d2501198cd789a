# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host answers first aid's question for its repositories: the controller reads nothing but the answer."""

from __future__ import annotations

import base64
import builtins
import io
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import HostAnswerError
from ansible_collections.fleet.system_python.plugins.module_utils._packages.repo_config import Configuration
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.repo_access import configuration_of
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid.script import Answer, Section

REPO = "/etc/yum.repos.d/a.repo"
ONE = "[a]\nbaseurl=http://h/\n"


def sent(files: dict[str, str], architecture: str = "x86_64") -> Answer:
    sections = [
        Section("file", (), f"{path}\n{base64.b64encode(text.encode('utf-8', 'surrogateescape')).decode()}\n")
        for path, text in files.items()
    ]
    return Answer((*sections, Section("architecture", (architecture,), "")))


def read(files: dict[str, str], monkeypatch: pytest.MonkeyPatch | None = None) -> Configuration:
    """Read the answer on a controller on which every look at a file, and every write, is a failure of the test."""
    with monkeypatch.context() if monkeypatch else pytest.MonkeyPatch.context() as patch:
        for module, name in (
            *((builtins, "open"), (io, "open"), (os, "open"), (os, "listdir"), (os, "scandir"), (os, "stat")),
            *((os, "lstat"), (os, "mkdir"), (os, "makedirs"), (tempfile, "mkdtemp"), (os.path, "exists")),
        ):
            patch.setattr(module, name, _touched)
        return configuration_of(sent(files))


def _touched(*arguments: object, **_options: object) -> None:
    raise AssertionError(f"the controller's own files were looked at: {arguments}")


@pytest.mark.parametrize(
    "name",
    [
        "../../../../x/authorized_keys",
        "/etc/yum.repos.d/../../root/.ssh/authorized_keys",
        "/etc/yum.repos.d/sub/a.repo",
        "/etc/yum.repos.d/..",
        "/etc/yum.repos.d/",
        "/etc/passwd",
        "etc/yum.repos.d/a.repo",
        "//etc/yum.repos.d/a.repo",
        "",
        "/etc/yum.repos.d/\x1b.repo",
    ],
)
def test_a_file_that_was_not_asked_for_is_that_hosts_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(HostAnswerError) as caught:
        read({name: "ssh-ed25519 AAAA"})
    assert caught.value.details["field"].startswith("file")
    assert list(tmp_path.iterdir()) == []


def test_no_setting_leads_to_the_controllers_files(tmp_path: Path) -> None:
    secrets = tmp_path / "vars"
    secrets.mkdir()
    (secrets / "secret").write_text("the controller's secret\n")
    (secrets / "x.repo").write_text("[secret]\nbaseurl=http://secret/\n")
    (secrets / "credentials").write_text("username=secret\npassword=secret\n")
    for up in ("", "../../../..", "/etc/../../../.."):
        folder = f"{up}{secrets}"
        found = read(
            {
                "/etc/dnf/dnf.conf": f"[main]\nvarsdir={folder}\nreposdir={folder} /etc/yum.repos.d\n",
                REPO: "[a]\nbaseurl=http://h/$secret/\n",
                "/etc/zypp/repos.d/z.repo": f"[z]\nbaseurl=http://h/?credentials={folder}/credentials\n",
            }
        )
        assert "secret" not in str(found.repositories).replace("$secret", "")


@pytest.mark.parametrize("content", ["not base64!", "AAAA\nAAAA", "A"])
def test_content_that_is_none(content: str) -> None:
    answer = Answer((Section("file", (), f"{REPO}\n{content}"), Section("architecture", ("x86_64",), "")))
    with pytest.raises(HostAnswerError):
        configuration_of(answer)


def test_more_than_a_host_has() -> None:
    with pytest.raises(HostAnswerError):
        read({REPO: "#" * (1 << 21)})
    with pytest.raises(HostAnswerError):
        read({f"/etc/yum.repos.d/{number}.repo": ONE for number in range(3000)})
    with pytest.raises(HostAnswerError):
        configuration_of(sent({REPO: ONE}, "--eval"))


@pytest.mark.parametrize(
    "text",
    [
        "[a]\nbaseurl=http://[\n",
        '[a]\nbaseurl=http://h/"\n',
        "[a]\nmirrorlist=http://h/\\x\n",
        "[a]\nmetalink=http://h/\n output = /root/.bashrc\n",
        "[a]\nbaseurl=http://h/\nproxy=http://[\nproxy_username=a\n",
        "[a]\nbaseurl=http://h/\npriority=" + "9" * 5000,
        "[a]\nbaseurl=http://h/" + "${a:-" * 20000,
        "[a]\nbaseurl=" + "${a:-" * 3000 + "}" * 3000,
        "no section\n",
        "[a\n",
        "[a]\n[a]\nx\n",
        "\0\udcff",
    ],
)
@pytest.mark.parametrize("path", [REPO, "/etc/zypp/repos.d/z.repo"])
def test_a_repository_file_that_is_none_is_a_problem_to_tell(text: str, path: str) -> None:
    found = read({path: text})
    for one in found.repositories:
        for url in (*one.baseurls, one.mirrorlist, one.metalink):
            assert not set(url) & set('"\\\n <>')


@settings(max_examples=60, deadline=1000)
@given(
    st.dictionaries(
        st.sampled_from(
            [REPO, "/etc/zypp/repos.d/z.repo", "/etc/dnf/dnf.conf", "/etc/sysconfig/proxy", "/etc/dnf/vars/v"]
        ),
        st.one_of(
            st.text(max_size=300),
            st.lists(
                st.builds(
                    "{}={}".format,
                    st.sampled_from(
                        ["[a]\nbaseurl", "metalink", "proxy", "reposdir", "varsdir", "enabled", "priority"]
                    ),
                    st.text('ab:/[]?&=$%{}-"\\\u00e9\udcff .', max_size=30),
                ),
                max_size=6,
            ).map("\n".join),
        ),
    )
)
def test_no_configuration_breaks_the_controller(files: dict[str, str]) -> None:
    read({path: text.replace("\ud800", "") for path, text in files.items() if _is_sendable(text)})


def _is_sendable(text: str) -> bool:
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True
