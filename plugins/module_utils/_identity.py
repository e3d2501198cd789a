# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Do a piece of work as another user: in a child process that gives up root for good before it begins."""

import json
import os
import pwd
import signal
import traceback
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._errors import PrivilegeError, SystemPythonError
from ansible_collections.fleet.system_python.plugins.module_utils._text import printable

# Minimal interpreters are packaged without it.
try:
    import ctypes

    _LIBC: t.Optional[t.Any] = ctypes.CDLL(None, use_errno=True)
except (ImportError, OSError):
    _LIBC = None

__all__ = ["Identity", "RelayedError", "UserError", "identity_of", "run_as"]

_PR_SET_PDEATHSIG = 1


class Identity(t.NamedTuple):
    """A user that work is done as."""

    name: str
    uid: int
    gid: int
    home: str

    def environment(self) -> t.Dict[str, str]:
        """Return the variables that a login of this user would have."""
        return {"HOME": self.home, "USER": self.name, "LOGNAME": self.name}


class UserError(SystemPythonError):
    """The user does not exist; details: user."""

    kind = "user_unknown"


class RelayedError(SystemPythonError):
    """An error of the child process: C(kind), message and details are those of the original."""

    def __init__(self, told: t.Mapping[str, t.Any]) -> None:
        super().__init__(told["message"], **told["details"])
        self.kind = told["kind"]


def identity_of(user: t.Union[str, int]) -> Identity:
    """Return the user with this name or number. Raises UserError; a number may be one that has no name."""
    try:
        entry = pwd.getpwuid(user) if isinstance(user, int) else pwd.getpwnam(user)
    except KeyError:
        if isinstance(user, int):
            return Identity(str(user), user, user, "/")
        raise UserError(
            "There is no user {0} on this host. Create it first, or name another one.".format(printable(user)),
            user=printable(user),
        ) from None
    return Identity(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir)


def run_as(identity: Identity, work: t.Callable[[], t.Any]) -> t.Any:
    """Return C(work()), done with the rights of C(identity); the value must be JSON.

    Raises PrivilegeError when this process may not become that user, and what C(work) raised.
    """
    if identity.uid == os.geteuid():
        return work()
    if os.geteuid() != 0:
        raise PrivilegeError(
            "Only root can work as the user {0}; this run is user id {1}. Use 'become: true'.".format(
                printable(identity.name), os.geteuid()
            ),
            user=printable(identity.name),
        )
    parent = os.getpid()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _in_child(identity, work, writer, parent)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        answer = stream.read()
    _pid, status = os.waitpid(child, 0)
    if not answer:
        raise SystemPythonError("The process that works as {0} was killed (status {1}).".format(identity.name, status))
    told = json.loads(answer.decode("utf-8"))
    if "error" in told:
        raise RelayedError(told["error"])
    return told["value"]


def _in_child(identity: Identity, work: t.Callable[[], t.Any], writer: int, parent: int) -> None:
    """Work, answer and end. Nothing of the parent's stack may go on running here."""
    try:
        _become(identity)
        _die_with(parent)
        answer = {"value": work()}
    except SystemPythonError as error:
        answer = {"error": error.as_dict()}
    # Whatever it is, the parent reports it.
    except BaseException as error:  # noqa: BLE001
        text = "{0}: {1}".format(type(error).__name__, error)
        answer = {"error": {"kind": "error", "message": text, "details": {"traceback": traceback.format_exc()}}}
    with os.fdopen(writer, "wb") as stream:
        stream.write(json.dumps(answer).encode("utf-8"))
    os._exit(0)


def _die_with(parent: int) -> None:
    """Let this process end when C(parent) is killed. To be called last: the kernel forgets it when the user changes."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _become(identity: Identity) -> None:
    if identity.name.isdigit():
        os.setgroups([])
    else:
        os.initgroups(identity.name, identity.gid)
    os.setgid(identity.gid)
    os.setuid(identity.uid)
    os.umask(0o022)
    os.chdir("/")
