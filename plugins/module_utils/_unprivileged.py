# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Run programs as somebody who may do nothing: no privileges, an empty environment, no stdin, its own home folder.

Who it is: an account that the caller names, or a user id that nobody has. Such an id needs no entry in any user
database, owns nothing on the host, and whatever still runs under it afterwards can be ended without asking.
"""

import grp
import os
import pwd
import signal
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._command import CommandRunner, Completed, run_command
from ansible_collections.fleet.system_python.plugins.module_utils._errors import SystemPythonError
from ansible_collections.fleet.system_python.plugins.module_utils._text import printable

__all__ = ["Account", "AccountError", "Unprivileged", "choose_account", "end_processes", "processes_in"]

# systemd gives its dynamic users ids of the same range, and like here only those that are free.
_FREE = range(61184, 65520)
_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"
_IN_FOLDER = 'cd "$1" && shift && exec "$@"'
_WITH_LOG = 'log=$1; shift; exec "$@" >>"$log" 2>&1'


class AccountError(SystemPythonError):
    """There is no such account, or it is root, or the program that drops privileges is missing."""

    kind = "account"


class Account(t.NamedTuple):
    """Who runs it; C(name) is empty for a user id that was free."""

    uid: int
    gid: int
    name: str


def choose_account(name: str = "", proc: str = "/proc") -> Account:
    """Return the account C(name), or a user id that no account and no process has. Raises AccountError."""
    if not name:
        return _free_account(proc)
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        raise AccountError(
            "There is no account {0} on this host. Create it, or leave the option out: then a user id that nobody has "
            "is used.".format(printable(name))
        ) from None
    if found.pw_uid == 0:
        raise AccountError("{0} is root, and nothing is built or tried as root. Name another account.".format(name))
    return Account(found.pw_uid, found.pw_gid, name)


def _free_account(proc: str) -> Account:
    taken = {entry.pw_uid for entry in pwd.getpwall()} | {entry.gr_gid for entry in grp.getgrall()}
    taken |= {uid for _pid, uid in _processes(proc)}
    for uid in _FREE:
        if uid not in taken:
            return Account(uid, uid, "")
    raise AccountError("No user id from {0} to {1} is free; name an account.".format(_FREE[0], _FREE[-1]))


def _processes(proc: str) -> t.Iterator[t.Tuple[int, int]]:
    for name in os.listdir(proc):
        if name.isdigit():
            try:
                yield int(name), os.stat(os.path.join(proc, name)).st_uid
            except FileNotFoundError:
                # It ended meanwhile.
                continue


class Unprivileged:
    """Runs programs as C(account), with the home folder C(home)."""

    def __init__(
        self,
        account: Account,
        home: str,
        runner: CommandRunner = run_command,
        setpriv: str = "/usr/bin/setpriv",
        caller: t.Optional[int] = None,
    ) -> None:
        self.account = account
        self.home = home
        self._runner = runner
        self._setpriv = setpriv
        self._caller = os.geteuid() if caller is None else caller
        self._options: t.Optional[t.List[str]] = None

    def run(
        self,
        argv: t.Sequence[str],
        folder: str,
        timeout: float,
        env: t.Optional[t.Mapping[str, str]] = None,
        log: str = "",
    ) -> Completed:
        """Run C(argv) in C(folder). With C(log), output is appended to that file, which the caller of this opens."""
        environment = {"PATH": _PATH, "LC_ALL": "C", "HOME": self.home, "TMPDIR": self.home}
        environment.update(env or {})
        command = ["/usr/bin/env", "-i"] + ["{0}={1}".format(*pair) for pair in sorted(environment.items())]
        command += ["/bin/sh", "-c", _IN_FOLDER, "sh", folder] + list(argv)
        command = self._dropping() + command
        if log:
            command = ["/bin/sh", "-c", _WITH_LOG, "sh", log] + command
        done = self._runner(command, timeout=timeout)
        return done._replace(argv=tuple(argv))

    def _dropping(self) -> t.List[str]:
        if self._caller != 0:
            # Nothing to drop: only root gets here outside of tests.
            return []
        if self._options is None:
            self._options = self._known_options()
        ids = ["--reuid", str(self.account.uid), "--regid", str(self.account.gid)]
        return [self._setpriv] + ids + self._options + ["--"]

    def _known_options(self) -> t.List[str]:
        answer = self._runner([self._setpriv, "--help"], timeout=10)
        if answer.rc != 0:
            raise AccountError(
                "{0} does not run, and without it privileges cannot be dropped: {1}. Install the package "
                "util-linux.".format(self._setpriv, answer.tail())
            )
        options = ["--clear-groups", "--no-new-privs"]
        # Added in util-linux 2.33. Without it a build that lost its module ends by itself, or by the next run.
        return options + (["--pdeathsig", "KILL"] if "--pdeathsig" in answer.out else [])

    def end_all(self, proc: str = "/proc") -> t.List[int]:
        """End what still runs under a user id that is ours alone and return the process ids."""
        if self.account.name or self._caller != 0:
            return []
        return end_processes(pid for pid, uid in _processes(proc) if uid == self.account.uid)


def processes_in(folders: t.Sequence[str], link: str, proc: str = "/proc") -> t.Dict[int, str]:
    """Return the processes whose C(link), C(cwd) or C(exe), is in one of the folders, as {pid: what it points to}."""
    found = {}
    for pid, _uid in _processes(proc):
        try:
            target = os.readlink(os.path.join(proc, str(pid), link))
        except OSError:
            # It ended meanwhile, or is one of the kernel's own.
            continue
        if any(target == folder or target.startswith(folder.rstrip("/") + "/") for folder in folders):
            found[pid] = target
    return found


def end_processes(pids: t.Iterable[int]) -> t.List[int]:
    """Kill processes by their ids and return those that were there."""
    ended = []
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        ended.append(pid)
    return ended
