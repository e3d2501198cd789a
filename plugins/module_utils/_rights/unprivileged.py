# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Run programs as somebody who may do nothing: no privileges, an empty environment, no stdin, its own home folder."""

import contextlib
import os
import tempfile
import typing as t

from .._base.command import Completed
from .account import Account, AccountError, builder_account
from .become import USUAL, can_forbid_new_rights
from .confined import run_confined
from .processes import end_processes, processes

__all__ = ["Unprivileged", "unprivileged_in_scratch"]

_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"


class Unprivileged:
    """Runs programs as C(account), with the home folder C(home); for another caller than root, as himself."""

    def __init__(self, account: Account, home: str, caller: t.Optional[int] = None) -> None:
        self.account = account
        self.home = home
        self.is_root = (os.geteuid() if caller is None else caller) == 0

    def run(
        self,
        argv: t.Sequence[str],
        folder: str,
        timeout: float,
        env: t.Optional[t.Mapping[str, str]] = None,
        log: str = "",
    ) -> Completed:
        """Run C(argv) in C(folder). With C(log), output is appended to that file, which the caller of this opens.

        Raises AccountError where it could gain rights.
        """
        if not can_forbid_new_rights():
            raise AccountError(
                "The Python that runs this module has no ctypes, and without it a program cannot be kept from gaining "
                "rights. Use another interpreter (ansible_python_interpreter)."
            )
        environment = {"PATH": _PATH, "LC_ALL": "C", "HOME": self.home, "TMPDIR": self.home}
        environment.update(env or {})
        account = self.account if self.is_root else Account("", os.geteuid(), os.getegid())
        ended = run_confined(argv, account, folder, environment, timeout, USUAL, log)
        return Completed(tuple(argv), ended.rc, ended.out, ended.err, ended.timed_out)

    def end_all(self, proc: str = "/proc") -> t.List[int]:
        """End what still runs under a user id that is ours alone and return the process ids."""
        if self.account.name or not self.is_root:
            return []
        return end_processes(pid for pid, uid in processes(proc) if uid == self.account.uid)


@contextlib.contextmanager
def unprivileged_in_scratch(name: str = "", caller: t.Optional[int] = None) -> t.Iterator[Unprivileged]:
    """Give who runs as C(name), else under a user id that nobody has, in a temporary folder that goes afterwards."""
    with tempfile.TemporaryDirectory(prefix=".fleet-system-python-") as scratch:
        user = Unprivileged(builder_account(name), scratch, caller)
        if user.is_root:
            os.chown(scratch, user.account.uid, user.account.gid)
        try:
            yield user
        finally:
            user.end_all()
