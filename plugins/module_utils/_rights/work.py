# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Do a piece of work as another user: in a child process that gives up root for good before it begins."""

import json
import os
import traceback
import typing as t

from .._base.errors import PrivilegeError, SystemPythonError
from .._base.text import printable
from .account import Account
from .become import become

__all__ = ["RelayedError", "run_as"]


Value = t.TypeVar("Value")


class RelayedError(SystemPythonError):
    """An error of the child process. Whether anything was changed before is for this process to say."""

    def __init__(self, kind: str, message: str, details: t.Mapping[str, object]) -> None:
        super().__init__(message, **details)
        self.kind = kind


def run_as(account: Account, work: t.Callable[[], Value]) -> Value:
    """Return C(work()), done with the rights of C(account); the value must be JSON (a tuple comes back as a list).

    Raises PrivilegeError when this process may not become that user, and what C(work) raised.
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
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _in_child(account, work, writer, parent)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        answer = stream.read()
    _pid, status = os.waitpid(child, 0)
    if not answer:
        raise SystemPythonError(f"The process that works as {account.name} was killed (status {status}).")
    relayed = json.loads(answer.decode("utf-8"))
    if "error" in relayed:
        error = relayed["error"]
        raise RelayedError(error["kind"], error["message"], error["details"])
    value: Value = relayed["value"]
    return value


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
