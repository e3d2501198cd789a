# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Read with the rights of another user: what he leads root to by a link is then nothing that he could not read himself.

Nothing is run and nothing written like this: this process can take its rights back. For those there is run_as.
"""

import contextlib
import os
import typing as t

from .account import Account, account_of

__all__ = ["reading_as"]

_KNOWN: t.Dict[int, Account] = {}


@contextlib.contextmanager
def reading_as(uid: int) -> t.Iterator[None]:
    """Have the rights of the user C(uid) in here, where this process is root. Raises OSError where it may not."""
    if os.geteuid() != 0 or uid == 0:
        yield
        return
    if uid not in _KNOWN:
        _KNOWN[uid] = account_of(uid)
    account, group, groups = _KNOWN[uid], os.getegid(), os.getgroups()
    try:
        os.setgroups(list(account.groups))
        os.setegid(account.gid)
        os.seteuid(uid)
        try:
            yield
        finally:
            os.seteuid(0)
    finally:
        # Again, as an alarm may have come between.
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)
