# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of working as another user: real users, real kills."""

import os
import pwd
import signal
import time
import typing as t

import pytest

from ansible_collections.fleet.system_python.plugins.module_utils._base.errors import (
    InvalidDataError,
    SystemPythonError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._rights.account import UserError, account_of
from ansible_collections.fleet.system_python.plugins.module_utils._rights.work import run_as

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")


def ids() -> t.List[int]:
    return list(os.getresuid()) + list(os.getresgid())


@needs_root
def test_root_is_given_up_for_good() -> None:
    nobody = pwd.getpwnam("nobody")
    assert run_as(account_of("nobody"), ids) == 3 * [nobody.pw_uid] + 3 * [nobody.pw_gid]
    assert run_as(account_of("nobody"), os.getgroups) in ([], [nobody.pw_gid])
    assert run_as(account_of(54321), ids)[:3] == 3 * [54321]
    assert os.geteuid() == 0

    def regain() -> None:
        os.setuid(0)

    with pytest.raises(SystemPythonError, match="PermissionError"):
        run_as(account_of("nobody"), regain)


def test_oneself_needs_no_other_process() -> None:
    assert run_as(account_of(os.geteuid()), os.getpid) == os.getpid()


@needs_root
def test_errors_come_back_as_they_were() -> None:
    def fail() -> None:
        raise InvalidDataError("odd", path="/x")

    with pytest.raises(SystemPythonError, match="odd") as caught:
        run_as(account_of("nobody"), fail)
    assert (caught.value.kind, caught.value.details) == ("invalid_data", {"path": "/x"})

    assert caught.value.changed_nothing == InvalidDataError.changed_nothing

    # A value that cannot be sent must not let the child go on as its parent.
    with pytest.raises(SystemPythonError, match="not JSON serializable"):
        run_as(account_of("nobody"), lambda: b"bytes")

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(SystemPythonError, match="was killed"):
        run_as(account_of("nobody"), die)


def test_an_unknown_user() -> None:
    with pytest.raises(UserError, match="no user no-such-user"):
        account_of("no-such-user")


@needs_root
def test_the_work_ends_when_its_parent_is_killed() -> None:
    reader, writer = os.pipe()
    parent = os.fork()
    if not parent:

        def work() -> None:
            os.write(writer, str(os.getpid()).encode())
            time.sleep(60)

        run_as(account_of("nobody"), work)
        os._exit(0)
    assert int(os.read(reader, 64)) > 0
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    # Nobody else has the other end now: the read ends when the worker has.
    os.close(writer)
    began = time.monotonic()
    assert os.read(reader, 1) == b""
    assert time.monotonic() - began < 30
