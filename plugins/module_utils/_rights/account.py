# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Whom work is done as: a user of the host, one without rights, or a user id that nobody has."""

import grp
import os
import pwd
import typing as t

from .._base.errors import PrivilegeError, SystemPythonError
from .._base.text import printable
from .processes import processes

__all__ = ["NOBODY", "Account", "AccountError", "UserError", "account_of", "builder_account", "unprivileged_account"]

NOBODY = 65534

# systemd gives its dynamic users ids of the same range, and like here only those that are free.
_FREE = range(61184, 65520)


class AccountError(SystemPythonError):
    """There is no such account, or it is root, or its rights cannot be limited."""

    kind = "account"
    changed_nothing = True


class UserError(SystemPythonError):
    """The user does not exist; details: user."""

    kind = "user_unknown"
    changed_nothing = True


class Account(t.NamedTuple):
    """A user; C(name) is its number where it has no name, and empty for a user id that was taken because it was free.

    C(groups) are the supplementary groups that its processes get.
    """

    name: str
    uid: int
    gid: int
    home: str = "/"
    groups: t.Tuple[int, ...] = ()

    def environment(self) -> t.Dict[str, str]:
        """Return the variables that a login of this user would have."""
        return {"HOME": self.home, "USER": self.name, "LOGNAME": self.name}


def account_of(user: t.Union[str, int]) -> Account:
    """Return the user with this name or number, with its groups. Raises UserError; a number may have no name."""
    try:
        entry = pwd.getpwuid(user) if isinstance(user, int) else pwd.getpwnam(user)
    except KeyError:
        if isinstance(user, int):
            return Account(str(user), user, user)
        raise UserError(
            f"There is no user {printable(user)} on this host. Create it first, or name another one.",
            user=printable(user),
        ) from None
    groups = os.getgrouplist(entry.pw_name, entry.pw_gid)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir, tuple(groups))


def unprivileged_account(name: str) -> Account:
    """Return the account of the user C(name), which must not be root's; for another caller than root, his own.

    Raises PrivilegeError. A host without the user nobody still has the number that stands for it.
    """
    if os.geteuid() != 0:
        return Account(str(os.geteuid()), os.geteuid(), os.getegid())
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        if name == "nobody":
            return Account(name, NOBODY, NOBODY)
        raise PrivilegeError(
            f"There is no user '{printable(name)}' on this host; name one that exists, or leave it at nobody.",
            user=printable(name),
        ) from None
    if found.pw_uid == 0 or found.pw_gid == 0:
        raise PrivilegeError(f"'{printable(name)}' has root's rights; name an unprivileged user.", user=printable(name))
    return Account(name, found.pw_uid, found.pw_gid)


def builder_account(name: str = "", proc: str = "/proc") -> Account:
    """Return the account C(name), or a user id that no account and no process has. Raises AccountError.

    Such an id needs no entry in any user database, owns nothing on the host, and whatever still runs under it
    afterwards can be ended without asking.
    """
    if not name:
        return _free_account(proc)
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        raise AccountError(
            f"There is no account {printable(name)} on this host. Create it, or leave the option out: then an unused "
            "user id is taken."
        ) from None
    if found.pw_uid == 0 or found.pw_gid == 0:
        raise AccountError(f"{name} is root, and nothing is built or tried as root. Name another account.")
    return Account(name, found.pw_uid, found.pw_gid)


def _free_account(proc: str) -> Account:
    taken = {entry.pw_uid for entry in pwd.getpwall()} | {entry.gr_gid for entry in grp.getgrall()}
    taken |= {uid for _pid, uid in processes(proc)}
    for uid in _FREE:
        if uid not in taken:
            return Account("", uid, uid)
    raise AccountError(f"No user id from {_FREE[0]} to {_FREE[-1]} is free; name an account.")
