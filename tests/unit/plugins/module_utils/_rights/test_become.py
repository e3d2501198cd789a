# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a child process has given up, as the kernel says it, whichever way it was started."""

import os
import pwd
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._rights.account import (
    Account,
    AccountError,
    account_of,
    builder_account,
)
from ansible_collections.fleet.system_python.plugins.module_utils._rights.confined import run_confined
from ansible_collections.fleet.system_python.plugins.module_utils._rights.unprivileged import Unprivileged
from ansible_collections.fleet.system_python.plugins.module_utils._rights.work import run_as

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has something to give up")


def status(text: str) -> t.Dict[str, t.List[str]]:
    """Return /proc/PID/status by the names of its lines."""
    lines = [line.partition(":") for line in text.splitlines()]
    return {name: rest.split() for name, _colon, rest in lines}


def read_status() -> str:
    with open("/proc/self/status") as stream:
        return stream.read()


@needs_root
def test_all_ways_give_up_the_same(tmp_path: t.Any) -> None:
    nobody = account_of("nobody")
    builder = builder_account()
    said = {
        nobody: [run_as(nobody, read_status), run_confined(["cat", "/proc/self/status"], nobody, "/", {}, 20).out],
        builder: [Unprivileged(builder, str(tmp_path)).run(["cat", "/proc/self/status"], "/", 20).out],
    }
    for account, texts in said.items():
        for text in texts:
            found = status(text)
            assert found["Uid"] == 4 * [str(account.uid)]
            assert found["Gid"] == 4 * [str(account.gid)]
            assert found["Groups"] == [str(group) for group in account.groups]
            assert found["NoNewPrivs"] == ["1"]
            assert set(found["CapEff"]) == {"0000000000000000"}


@needs_root
def test_the_supplementary_groups_are_the_account_s() -> None:
    account = Account("x", 54321, 54321, "/", (54321, 4242))
    assert run_as(account, os.getgroups) == [4242, 54321]
    program = run_confined(["id", "-G"], account._replace(groups=()), "/", {"PATH": "/usr/bin:/bin"}, 20)
    assert program.out.split() == ["54321"]


def test_what_a_program_gets_and_says(tmp_path: t.Any) -> None:
    user = Unprivileged(builder_account(), str(tmp_path), caller=1)
    done = user.run(["sh", "-c", "pwd; umask; env; read line || echo none; exit 3"], "/usr", 20, {"MORE": "x"})
    assert done.rc == 3
    lines = done.out.splitlines()
    assert lines[0] == "/usr"
    assert int(lines[1], 8) == 0o022
    assert lines[-1] == "none"
    assert {"MORE=x", "LC_ALL=C", "HOME=" + str(tmp_path), "TMPDIR=" + str(tmp_path)} <= set(lines)
    assert done.argv[0] == "sh"


def test_a_log_gets_everything_in_order(tmp_path: t.Any) -> None:
    log = tmp_path / "log"
    log.write_text("before\n")
    user = Unprivileged(builder_account(), str(tmp_path), caller=1)
    done = user.run(["sh", "-c", "echo out; echo err >&2; echo out"], "/", 20, log=str(log))
    assert (done.rc, done.out, done.err) == (0, "", "")
    assert log.read_text() == "before\nout\nerr\nout\n"


def test_what_does_not_start_or_end(tmp_path: t.Any) -> None:
    user = Unprivileged(builder_account(), str(tmp_path), caller=1)
    missing = user.run(["/nowhere/tool"], "/", 20)
    assert missing.rc == 127
    assert "cannot be started" in missing.tail()
    assert user.run(["sleep", "20"], "/", 0.2).timed_out


def test_a_builder_is_nobody_or_named_and_never_root() -> None:
    free = builder_account()
    assert (free.name, free.groups) == ("", ())
    with pytest.raises(KeyError):
        pwd.getpwuid(free.uid)
    assert builder_account("nobody").uid == account_of("nobody").uid
    for name, message in (("root", "is root"), ("no-such-account", "no account")):
        with pytest.raises(AccountError, match=message):
            builder_account(name)
