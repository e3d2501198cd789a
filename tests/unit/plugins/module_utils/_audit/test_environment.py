# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Search paths and variables that are set for everyone, in real files below a root folder."""

import pathlib
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._audit.environment import (
    SOURCES,
    Everyone,
    hijacks,
    is_shell_file,
    loader_settings,
    of_connection,
    search_paths,
    set_for_everyone,
)
from ansible_collections.fleet.system_python.plugins.module_utils._disk.root import Root
from ansible_collections.fleet.system_python.tests.unit.plugins.module_utils.settings_cases import (
    INCLUDED,
    NOTHING,
    PLACES,
)


def _write(root: pathlib.Path, path: str, text: str) -> None:
    target = root / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)


def _found(root: pathlib.Path) -> t.List[Everyone]:
    return [one for one in set_for_everyone(Root(str(root))) if one.name.startswith("PYTHON")]


def test_each_search_path_names_its_place(tmp_path: pathlib.Path) -> None:
    _write(tmp_path, "/etc/profile.d/local.sh", "# PATH=/no\nexport PATH=/opt/tools/bin:$PATH\n")
    _write(tmp_path, "/etc/csh.login", "set path = ( /opt/c/bin $path )\n")
    _write(tmp_path, "/etc/sudoers", 'Defaults    secure_path = "/sbin:/bin:/usr/sbin:/usr/bin"\n')
    _write(tmp_path, "/etc/login.defs", "ENV_SUPATH PATH=/s:/b\n")
    _write(tmp_path, "/etc/systemd/system.conf", "[Manager]\nDefaultEnvironment=LANG=C PATH=/srv/bin:/usr/bin\n")
    _write(tmp_path, "/etc/crontab", "SHELL=/bin/sh\nPATH=/usr/local/bin:/usr/bin\n")
    everyone = set_for_everyone(Root(str(tmp_path)))
    found = {one["source"]: (one["who"], one["folders"]) for one in search_paths({"PATH": "/a:relative:/b"}, everyone)}
    assert found["PATH of the process"] == ("this connection", ["/a", "/b"])
    assert found["/etc/profile.d/local.sh:2"] == ("login shells", ["/opt/tools/bin"])
    assert found["/etc/csh.login:1"] == ("csh", ["/opt/c/bin"])
    assert found["/etc/sudoers:1"] == ("sudo", ["/sbin", "/bin", "/usr/sbin", "/usr/bin"])
    assert found["/etc/login.defs:1"] == ("login(1) and su(1)", ["/s", "/b"])
    assert found["/etc/systemd/system.conf:2"] == ("systemd", ["/srv/bin", "/usr/bin"])
    assert found["/etc/crontab:2"] == ("cron", ["/usr/local/bin", "/usr/bin"])


@pytest.mark.parametrize(("path", "text", "who"), PLACES, ids=[place[0] for place in PLACES])
def test_a_variable_that_is_set_for_everyone(tmp_path: pathlib.Path, path: str, text: str, who: str) -> None:
    _write(tmp_path, path, "\n" + text + "\n")
    (one,) = hijacks({}, _found(tmp_path))
    assert (one["variable"], one["value"].lstrip(":"), one["who"], one["path"]) == ("PYTHONPATH", "/x", who, path)
    assert one["source"] == "{0}:{1}".format(path, 2 + text.count("\n"))


def test_the_connection_itself_counts() -> None:
    (one,) = hijacks({"PYTHONHOME": "/opt/x", "PYTHONPATH": ""}, [])
    assert (one["variable"], one["source"]) == ("PYTHONHOME", "environment of this connection")


@pytest.mark.parametrize("files", NOTHING, ids=[" ".join(files) for files in NOTHING])
def test_what_sets_nothing(tmp_path: pathlib.Path, files: t.Dict[str, str]) -> None:
    for path, text in files.items():
        _write(tmp_path, path, text)
    assert not _found(tmp_path)


def test_what_resets_the_one_key_of_systemd_leaves_the_other(tmp_path: pathlib.Path) -> None:
    _write(tmp_path, "/etc/systemd/system.conf", "[Manager]\nManagerEnvironment=PYTHONPATH=/x\nDefaultEnvironment=\n")
    (one,) = _found(tmp_path)
    assert one.source == "/etc/systemd/system.conf:2"


def test_what_one_shell_file_sets_another_exports(tmp_path: pathlib.Path) -> None:
    _write(tmp_path, "/etc/profile.d/a.sh", "PYTHONPATH=/x\n")
    _write(tmp_path, "/etc/bashrc", "export PYTHONPATH\n")
    (one,) = _found(tmp_path)
    assert one.source == "/etc/profile.d/a.sh:1"


@pytest.mark.parametrize(("path", "text", "included"), INCLUDED)
def test_a_file_that_another_includes_is_read_and_never_edited(
    tmp_path: pathlib.Path, path: str, text: str, included: str
) -> None:
    _write(tmp_path, path, text)
    _write(tmp_path, "/opt/app/env", included)
    (one,) = _found(tmp_path)
    assert (one.source, one.line) == ("/opt/app/env:1", None)


def test_a_file_under_two_names_is_read_once(tmp_path: pathlib.Path) -> None:
    _write(tmp_path, "/etc/environment", "PYTHONPATH=/x\n")
    _write(tmp_path, "/usr/lib/environment.d/a.conf", "")
    (tmp_path / "usr/lib/environment.d/99-environment.conf").symlink_to("../../../etc/environment")
    (one,) = _found(tmp_path)
    assert one.source == "/etc/environment:1"


EDITABLE = [
    ("/etc/environment", "PYTHONPATH=/opt/app/lib"),
    ("/etc/environment", 'PYTHONPATH="/opt/a b"'),
    ("/etc/profile", "export PYTHONHOME=/opt/app # ours"),
    ("/etc/profile.d/app.sh", "  PYTHONHOME=$HOME/app; export PYTHONHOME"),
    ("/etc/profile.d/app.sh", "declare -x PYTHONPATH='/a b:/c'"),
    ("/etc/profile.d/app.csh", "setenv PYTHONPATH /a"),
    ("/etc/security/pam_env.conf", "PYTHONPATH DEFAULT=/opt/app"),
    ("/etc/systemd/system.conf", '[Manager]\nDefaultEnvironment="PYTHONPATH=/opt/app"'),
    ("/etc/crontab", "PYTHONPATH = /opt/app"),
]
NOT_EDITABLE = [
    ("/etc/profile.d/app.sh", "export PYTHONPATH=/x; umask 022"),
    ("/etc/profile.d/app.sh", "export PYTHONPATH=/x && echo yes"),
    ("/etc/profile.d/app.sh", "export PYTHONPATH=$(cat /etc/path)"),
    ("/etc/profile.d/app.sh", "export PYTHONPATH=/x FOO=1"),
    ("/etc/profile.d/app.sh", "export PYTHONPATH=/x \\"),
    ("/etc/profile.d/app.sh", "[ -d /x ] && export PYTHONPATH=/x"),
    ("/etc/profile.d/app.sh", "if true; then export PYTHONPATH=/x; fi"),
    ("/etc/profile.d/app.sh", "{ export PYTHONPATH=/x; }"),
    ("/etc/profile.d/app.csh", "if (1) setenv PYTHONPATH /a"),
    ("/etc/profile.d/app.csh", "setenv PYTHONPATH /a; umask 22"),
    ("/etc/environment", "PYTHONPATH=/x\\\n:/y"),
    ("/etc/systemd/system.conf", "[Manager]\nDefaultEnvironment=A=1 PYTHONPATH=/opt/app"),
    ("/etc/ssh/sshd_config", "SetEnv A=1 PYTHONPATH=/opt/app"),
]


@pytest.mark.parametrize(
    ("path", "text", "editable"), [(*one, True) for one in EDITABLE] + [(*one, False) for one in NOT_EDITABLE]
)
def test_only_a_line_that_does_nothing_else_can_be_taken_out(
    tmp_path: pathlib.Path, path: str, text: str, editable: bool
) -> None:
    _write(tmp_path, path, "# first\n" + text + "\n")
    (one,) = _found(tmp_path)
    assert one.line == (text.rsplit("\n", maxsplit=1)[-1] if editable else None)


def test_each_file_of_a_shell_is_known_as_one() -> None:
    examples = {source.syntax: source.patterns[-1].replace("*", "x") for source in SOURCES}
    assert {syntax for syntax, path in examples.items() if is_shell_file(path)} == {"sh", "csh"}


def test_what_a_launcher_put_aside_is_the_connections() -> None:
    environ = {
        "LD_LIBRARY_PATH": "/usr/lib64",
        "SYSTEM_PYTHON_PUT_ASIDE_LD_LIBRARY_PATH": "",
        "SYSTEM_PYTHON_PUT_ASIDE_LD_PRELOAD": "/opt/a.so",
        "HOME": "/root",
    }
    assert of_connection(environ) == {"LD_LIBRARY_PATH": "", "LD_PRELOAD": "/opt/a.so", "HOME": "/root"}
    (one,) = loader_settings(of_connection(environ), [])
    assert (one["variable"], one["value"], one["who"]) == ("LD_PRELOAD", "/opt/a.so", "this connection")


def test_the_loaders_variables_of_files(tmp_path: pathlib.Path) -> None:
    _write(tmp_path, "/etc/profile.d/app.sh", "export LD_LIBRARY_PATH=/opt/app:$LD_LIBRARY_PATH LD_DEBUG=all\n")
    _write(tmp_path, "/etc/systemd/system.conf", "[Manager]\nDefaultEnvironment=LD_PRELOAD=/opt/a.so PYTHONPATH=/x\n")
    everyone = set_for_everyone(Root(str(tmp_path)))
    assert {(one["variable"], one["who"]) for one in loader_settings({}, everyone)} == {
        ("LD_LIBRARY_PATH", "login shells"),
        ("LD_PRELOAD", "systemd"),
    }
    assert [one["variable"] for one in hijacks({}, everyone)] == ["PYTHONPATH"]
