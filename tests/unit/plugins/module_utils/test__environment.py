# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Search paths and variables that are set for everyone, in real files below a root folder."""

import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._environment import hijacks, search_paths


def _write(root: t.Any, path: t.Any, text: t.Any) -> None:
    target = root / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)


def test_each_search_path_names_its_place(tmp_path: t.Any) -> None:
    _write(tmp_path, "/etc/profile.d/local.sh", "# PATH=/no\nexport PATH=/opt/tools/bin:$PATH\n")
    _write(tmp_path, "/etc/sudoers", 'Defaults    secure_path = "/sbin:/bin:/usr/sbin:/usr/bin"\n')
    _write(tmp_path, "/etc/systemd/system.conf", "[Manager]\nDefaultEnvironment=LANG=C PATH=/srv/bin:/usr/bin\n")
    _write(tmp_path, "/etc/crontab", "SHELL=/bin/sh\nPATH=/usr/local/bin:/usr/bin\n")
    found = {one["source"]: one["folders"] for one in search_paths({"PATH": "/a:relative:/b"}, str(tmp_path))}
    assert found["PATH of the process"] == ["/a", "/b"]
    assert found["/etc/profile.d/local.sh:2"] == ["/opt/tools/bin"]
    assert found["/etc/sudoers:1"] == ["/sbin", "/bin", "/usr/sbin", "/usr/bin"]
    assert found["/etc/systemd/system.conf:2"] == ["/srv/bin", "/usr/bin"]
    assert found["/etc/crontab:2"] == ["/usr/local/bin", "/usr/bin"]


@pytest.mark.parametrize(
    ("path", "line", "variable", "value"),
    [
        ("/etc/environment", "PYTHONPATH=/srv/lib", "PYTHONPATH", "/srv/lib"),
        ("/etc/profile.d/python.sh", "export PYTHONHOME=/opt/python", "PYTHONHOME", "/opt/python"),
        ("/etc/profile", "PYTHONSTARTUP=/etc/start.py; export PYTHONSTARTUP", "PYTHONSTARTUP", "/etc/start.py"),
        ("/etc/profile.d/if.sh", '[ -d /x ] && export PYTHONPATH="/x"', "PYTHONPATH", "/x"),
        ("/etc/security/pam_env.conf", "PYTHONPATH DEFAULT=/pam", "PYTHONPATH", "/pam"),
        ("/etc/systemd/system.conf", 'DefaultEnvironment="PYTHONPATH=/sd"', "PYTHONPATH", "/sd"),
    ],
)
def test_a_variable_that_is_set_for_everyone(
    tmp_path: t.Any, path: t.Any, line: t.Any, variable: t.Any, value: t.Any
) -> None:
    _write(tmp_path, path, "first\n" + line + "\n")
    (one,) = hijacks({}, str(tmp_path))
    assert (one["variable"], one["value"], one["source"], one["path"]) == (variable, value, path + ":2", path)


@pytest.mark.parametrize(
    "line", ["# PYTHONPATH=/srv", "unset PYTHONPATH", "export PYTHONPATH=", "MYPYTHONPATH=/x", "echo nothing"]
)
def test_lines_that_set_nothing(tmp_path: t.Any, line: t.Any) -> None:
    _write(tmp_path, "/etc/profile", line + "\n")
    assert hijacks({}, str(tmp_path)) == []


def test_the_connection_itself_counts() -> None:
    (one,) = hijacks({"PYTHONHOME": "/opt/x", "PYTHONPATH": ""}, "/nonexistent")
    assert (one["variable"], one["source"]) == ("PYTHONHOME", "environment of this connection")


EDITABLE = [
    ("etc/environment", "PYTHONPATH=/opt/app/lib"),
    ("etc/environment", 'PYTHONPATH="/opt/a b"'),
    ("etc/profile", "export PYTHONHOME=/opt/app # ours"),
    ("etc/profile.d/app.sh", "  PYTHONHOME=$HOME/app; export PYTHONHOME"),
    ("etc/profile.d/app.sh", "declare -x PYTHONPATH='/a b:/c'"),
    ("etc/security/pam_env.conf", "PYTHONPATH DEFAULT=/opt/app"),
    ("etc/systemd/system.conf", 'DefaultEnvironment="PYTHONPATH=/opt/app"'),
    ("etc/crontab", "PYTHONPATH = /opt/app"),
]
NOT_EDITABLE = [
    ("etc/profile.d/app.sh", "PYTHONPATH=/x sh -c true"),
    ("etc/profile.d/app.sh", "PYTHONPATH=/x; umask 022"),
    ("etc/profile.d/app.sh", "PYTHONPATH=/x && echo yes"),
    ("etc/profile.d/app.sh", "export PYTHONPATH=$(cat /etc/path)"),
    ("etc/profile.d/app.sh", "export PYTHONPATH=/x FOO=1"),
    ("etc/profile.d/app.sh", "export PYTHONPATH=/x \\"),
    ("etc/profile.d/app.sh", "[ -d /x ] && export PYTHONPATH=/x"),
    ("etc/systemd/system.conf", "DefaultEnvironment=A=1 PYTHONPATH=/opt/app"),
]


@pytest.mark.parametrize(
    ("path", "line", "editable"), [(*one, True) for one in EDITABLE] + [(*one, False) for one in NOT_EDITABLE]
)
def test_only_a_line_that_does_nothing_else_can_be_taken_out(
    tmp_path: t.Any, path: t.Any, line: t.Any, editable: t.Any
) -> None:
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text("# first\n" + line + "\n")
    (one,) = hijacks({}, str(tmp_path))
    assert one["line"] == (line if editable else None)
