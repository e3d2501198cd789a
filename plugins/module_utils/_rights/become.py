# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The one way to give up privileges: what a child process does before it does anything else."""

import errno
import os
import resource
import signal
import typing as t

from .._base.libc import LIBC
from .account import Account

__all__ = ["USUAL", "ResourceLimits", "become", "can_forbid_new_rights"]

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38


class ResourceLimits(t.NamedTuple):
    """What a child process may do. C(file_bytes) is the size of the largest file that it may write, null: any."""

    umask: int = 0o022
    niceness: int = 0
    file_bytes: t.Optional[int] = None


USUAL = ResourceLimits()


def can_forbid_new_rights() -> bool:
    """Tell whether a child process can be kept from gaining rights by a set-user-id program."""
    return LIBC is not None


def become(account: Account, parent: int, limits: ResourceLimits = USUAL) -> None:
    """Turn this child of the process C(parent) into C(account) for good. Raises OSError when that cannot be done.

    It cannot gain rights again, leaves no core, and ends when its parent does. Its folder is C(/).
    """
    if limits.niceness:
        os.nice(limits.niceness)
    _lower_limit(resource.RLIMIT_CORE, 0)
    if limits.file_bytes is not None:
        _lower_limit(resource.RLIMIT_FSIZE, limits.file_bytes)
    if LIBC is not None and LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise PermissionError(errno.EPERM, "the kernel does not keep it from gaining rights")
    if account.uid != os.geteuid():
        os.setgroups(list(account.groups))
        os.setresgid(account.gid, account.gid, account.gid)
        os.setresuid(account.uid, account.uid, account.uid)
        if os.getresuid() + os.getresgid() != 3 * (account.uid,) + 3 * (account.gid,):
            raise PermissionError(errno.EPERM, "the rights that it had are still there")
    if LIBC is not None:
        # After the change of user, which takes it away.
        LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        raise ProcessLookupError(errno.ESRCH, "the process that started it is gone")
    os.umask(limits.umask)
    os.chdir("/")


def _lower_limit(what: int, value: int) -> None:
    _soft, hard = resource.getrlimit(what)
    lowered = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(what, (lowered, lowered))
