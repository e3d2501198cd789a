# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Do a piece of work as another user: in a child process that gives up root for good before it begins."""

import contextlib
import json
import os
import select
import signal
import time
import traceback
import typing as t

from .._base.children import Family
from .._base.errors import PrivilegeError, SystemPythonError
from .._base.text import from_json, printable
from .._base.time_limit import TimeOverError
from .account import Account
from .become import become

__all__ = ["RelayedError", "run_as"]

# Seconds, for work without a limit of its own.
_LONGEST = 3600.0
# Bytes.
_MOST_ANSWER = 64 << 20

Value = t.TypeVar("Value")


class RelayedError(SystemPythonError):
    """An error of the child process. Whether anything was changed before is for this process to say."""

    def __init__(self, kind: str, message: str, details: t.Mapping[str, object]) -> None:
        super().__init__(message, **details)
        self.kind = kind


def run_as(account: Account, work: t.Callable[[], Value], timeout: float = _LONGEST) -> Value:
    """Return C(work()), done with the rights of C(account); the value must be JSON (a tuple comes back as a list).

    After C(timeout) seconds it is killed: that user may stop it, or lead it to a file that never answers. All that it
    has started ends with it. Raises PrivilegeError when this process may not become that user, TimeOverError, and what
    C(work) raised.
    """
    if account.uid == os.geteuid():
        return work()
    if os.geteuid() != 0:
        raise PrivilegeError(
            f"Only root can work as the user {printable(account.name)}; this run is user id {os.geteuid()}. Use "
            "'become: true'.",
            user=printable(account.name),
        )
    parent = os.getpid()
    family = Family()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _in_child(account, work, writer, parent)
    os.close(writer)
    try:
        answer = _read(reader, account, timeout)
    finally:
        os.close(reader)
        # Its answer was the last thing that it had to do.
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        _pid, status = os.waitpid(child, 0)
        family.end()
    if not answer:
        raise SystemPythonError(f"The process that works as {account.name} was killed (status {status}).")
    relayed = from_json(answer.decode("utf-8"))
    if "error" in relayed:
        error = relayed["error"]
        raise RelayedError(error["kind"], error["message"], error["details"])
    value: Value = relayed["value"]
    return value


def _read(reader: int, account: Account, timeout: float) -> bytes:
    """Return all that comes from C(reader). Raises TimeOverError."""
    end = time.monotonic() + timeout
    answer = bytearray()
    while len(answer) <= _MOST_ANSWER:
        if not select.select([reader], [], [], max(0.0, end - time.monotonic()))[0]:
            raise TimeOverError(
                f"The work as {printable(account.name)} did not end within {timeout:.0f} s and was stopped. Does that "
                "user hold it up, or a file system that does not answer?",
                user=printable(account.name),
                seconds=timeout,
            )
        chunk = os.read(reader, 1 << 16)
        if not chunk:
            return bytes(answer)
        answer.extend(chunk)
    raise SystemPythonError(f"The work as {printable(account.name)} answers with more than {_MOST_ANSWER} bytes.")


def _in_child(account: Account, work: t.Callable[[], object], writer: int, parent: int) -> None:
    """Work, answer and end. Nothing of the parent's stack may go on running here."""
    try:
        become(account, parent)
        answer = json.dumps({"value": work()})
    except SystemPythonError as error:
        answer = json.dumps({"error": error.as_dict()})
    # Whatever it is, the parent reports it.
    except BaseException as error:  # noqa: BLE001
        reported = SystemPythonError(f"{type(error).__name__}: {error}", traceback=traceback.format_exc()).as_dict()
        answer = json.dumps({"error": reported})
    with os.fdopen(writer, "wb") as stream:
        stream.write(answer.encode("utf-8"))
    os._exit(0)
