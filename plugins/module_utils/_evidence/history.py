# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Evidence in what the host remembers: packages by time, the histories of package managers, logins."""

import os
import re
import shutil
import tempfile
import typing as t

from .._audit.records import Observation
from .._base.clock import utc_stamp
from .._base.text import printable, shortened_list
from .._disk.files import open_new, open_to_read
from .._rpm.asking import ENVIRONMENT, host_command
from .records import InstalledPackage, LoggedLine, PastTransaction
from .sources import MONTHS, AbsentError, Search, parse_time

try:
    import sqlite3
except ImportError:
    # SLES 15 has it in a package of its own, and no dnf.
    sqlite3 = None  # type: ignore[assignment]

__all__ = ["logins", "packages_by_time", "transactions"]

_MOST_PACKAGES = 30
_MOST_TRANSACTIONS = 20
_MOST_ITEMS = 12
_MOST_LOGINS = 20
_MOST_DATABASE = 64 << 20

DNF_HISTORY = "/var/lib/dnf/history.sqlite"
DNF_LOG = "/var/log/dnf.rpm.log"
ZYPP_HISTORY = "/var/log/zypp/history"


# --- packages --------------------------------------------------------------------------------------------------------


def packages_by_time(search: Search, observation: Observation) -> t.List[InstalledPackage]:
    """Return what rpm -qa --last has: the packages of the window, the newest ones, and those of the contract."""
    form = "%{INSTALLTIME}|%{NAME}|%{NAME}-%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}.%{ARCH}|%{VENDOR}\\n"
    done = search.run(*host_command(), "-qa", "--qf", form, **ENVIRONMENT)
    if done.rc != 0:
        raise done.error("rpm cannot list the packages")
    rows = [line.split("|", 3) for line in done.out.split("\n") if line.count("|") >= 3]
    rows.sort(key=lambda row: (-int(row[0]), row[1]))
    scope = set(observation["packages"])
    telling = [row for row in rows if row[1] in scope or search.since <= int(row[0]) <= search.until]
    chosen = sorted(telling[:_MOST_PACKAGES], key=lambda row: -int(row[0]))
    detail = f"{len(chosen)} of {len(rows)} packages: those of the scope, and those installed around that time"
    status = "partial" if len(telling) > len(chosen) else "complete"
    search.notes.add("packages", "rpm -qa --last", status, detail)
    return [
        InstalledPackage(time=utc_stamp(int(row[0])), nevra=row[2], vendor=None if row[3] in ("", "(none)") else row[3])
        for row in chosen
    ]


# --- the package managers' own histories -----------------------------------------------------------------------------


def transactions(search: Search) -> t.List[PastTransaction]:
    """Return the newest entries of dnf's and zypper's histories, newest first; raises AbsentError for neither."""
    found: t.List[PastTransaction] = []
    asked = 0
    for path, read in ((DNF_HISTORY, _dnf_history), (DNF_LOG, _dnf_log), (ZYPP_HISTORY, _zypp_history)):
        if not os.path.isfile(search.path(path)) or (path == DNF_LOG and found):
            continue
        asked += 1
        found.extend(read(search, path))
    if not asked:
        raise AbsentError(f"{DNF_HISTORY}, {ZYPP_HISTORY}", "neither dnf nor zypper has a history here")
    found.sort(key=lambda one: one["time"] or "", reverse=True)
    return found[:_MOST_TRANSACTIONS]


def _dnf_history(search: Search, path: str) -> t.List[PastTransaction]:
    if sqlite3 is None:
        search.notes.add("transactions", path, "partial", f"this interpreter has no sqlite3; {DNF_LOG} is read")
        return []
    if os.lstat(search.path(path)).st_size > _MOST_DATABASE:
        search.notes.add("transactions", path, "partial", f"it is bigger than {_MOST_DATABASE} bytes")
        return []
    # A copy: opening it where it is would write beside it (-shm), and what dnf wrote last is only in its -wal.
    folder = tempfile.mkdtemp(prefix="fleet-system-python-")
    try:
        for suffix in ("", "-wal"):
            if os.path.isfile(search.path(path) + suffix):
                copy = os.path.join(folder, "history" + suffix)
                with open_to_read(search.path(path) + suffix, follow=True) as source, open_new(copy) as target:
                    shutil.copyfileobj(source, target)
        entries = _query_dnf(search, os.path.join(folder, "history"), path)
    except sqlite3.Error as error:
        search.notes.add("transactions", path, "failed", f"it cannot be read: {error}")
        return []
    finally:
        shutil.rmtree(folder)
    search.notes.add("transactions", path, "complete", "" if entries else "it has no transaction")
    return entries


# dnf's TransactionItemAction, and its TransactionState: 1 is done, 2 is error.
_ACTIONS = {
    1: "Install",
    2: "Downgrade",
    3: "Downgraded",
    4: "Obsolete",
    5: "Obsoleted",
    6: "Upgrade",
    7: "Upgraded",
    8: "Removed",
    9: "Reinstall",
    10: "Reinstalled",
}


def _query_dnf(search: Search, copy: str, path: str) -> t.List[PastTransaction]:
    connection = sqlite3.connect(copy)
    try:
        rows = connection.execute(
            "SELECT id, dt_begin, user_id, cmdline, state FROM trans ORDER BY id DESC LIMIT ?", (_MOST_TRANSACTIONS,)
        ).fetchall()
        return [_dnf_entry(search, connection, row, path) for row in rows]
    finally:
        connection.close()


def _dnf_entry(search: Search, connection: t.Any, row: t.Sequence[t.Any], path: str) -> PastTransaction:
    items = connection.execute(
        "SELECT ti.action, r.name, r.version, r.release, r.arch FROM trans_item ti JOIN rpm r USING (item_id) "
        "WHERE ti.trans_id = ? ORDER BY r.name",
        (row[0],),
    ).fetchall()
    names = [
        f"{_ACTIONS.get(action, f'action {action}')} {name}-{version}-{release}.{arch}"
        for action, name, version, release, arch in items
    ]
    # Those about Python first: they are what is looked for.
    names.sort(key=lambda name: "python" not in name)
    return PastTransaction(
        time=utc_stamp(int(row[1])) if row[1] else None,
        id=str(row[0]),
        what="dnf " + search.text(str(row[3] or "(no command line)")),
        who=f"user id {row[2]}" if row[2] is not None else None,
        packages=shortened_list([printable(name) for name in names], _MOST_ITEMS),
        ok={1: True, 2: False}.get(row[4]),
        source=path,
    )


_RPM_LOG = re.compile(r"\b(Installed|Upgrade|Upgraded|Erase|Erased|Reinstalled?|Downgraded?|Obsoleted|Cleanup): (\S+)")


def _dnf_log(search: Search, path: str) -> t.List[PastTransaction]:
    """Return dnf's log of rpm, one entry per second: what the history has, for interpreters without sqlite3."""
    read = search.tail(path)
    entries: t.Dict[t.Optional[str], t.List[str]] = {}
    for line in read.lines if read else []:
        match = _RPM_LOG.search(line)
        if match:
            entries.setdefault(parse_time(line, search.now), []).append(" ".join(match.groups()))
    search.notes.add_file("transactions", path, bool(read and read.whole))
    return [
        PastTransaction(
            time=moment,
            id=None,
            what="dnf",
            who=None,
            packages=shortened_list([printable(name) for name in names], _MOST_ITEMS),
            ok=None,
            source=path,
        )
        for moment, names in entries.items()
    ]


def _zypp_history(search: Search, path: str) -> t.List[PastTransaction]:
    """Return the commands of zypper's history with the packages of each (zypp's history.5: fields between bars)."""
    read = search.tail(path)
    entries: t.List[PastTransaction] = []
    for line in read.lines if read else []:
        fields = line.split("|")
        if line.startswith("#") or len(fields) < 4:
            continue
        if fields[1] == "command":
            entries.append(_zypp_entry(search, fields, path))
        elif fields[1] in ("install", "remove"):
            if not entries:
                entries.append(_zypp_entry(search, [fields[0], "", "", "(command not in the log)"], path))
            entries[-1]["packages"].append(printable(f"{fields[1]} {fields[2]}-{fields[3]}"))
    for entry in entries:
        entry["packages"] = shortened_list(entry["packages"], _MOST_ITEMS)
    search.notes.add_file("transactions", path, bool(read and read.whole))
    return entries[-_MOST_TRANSACTIONS:]


def _zypp_entry(search: Search, fields: t.Sequence[str], path: str) -> PastTransaction:
    return PastTransaction(
        time=parse_time(fields[0], search.now),
        id=None,
        what=search.text(fields[3].replace("'", "")),
        who=printable(fields[2]) or None,
        packages=[],
        # zypper writes a package down when it was installed, and never how the whole ended.
        ok=None,
        source=path,
    )


# --- who was there ---------------------------------------------------------------------------------------------------

_LAST = re.compile(rf"\b[MTWFS][a-z][a-z] ({'|'.join(MONTHS)})\s+(\d{{1,2}}) (\d\d:\d\d:\d\d) (\d{{4}})")


def logins(search: Search) -> t.List[LoggedLine]:
    """Return the sessions of the window by last, newest first, and who is there now; raises AbsentError for neither."""
    found: t.List[LoggedLine] = []
    missing: t.List[str] = []
    for argv in (("last", "-F", "-w", "-n", "200"), ("who", "-u")):
        try:
            done = search.run(*argv)
        except AbsentError:
            missing.append(argv[0])
            continue
        for line in done.out.split("\n"):
            moment = _login_time(line, search.now)
            if line.strip() and not re.match(r"^\w*tmp\w* begins", line) and moment and search.within(moment):
                found.append(LoggedLine(time=moment, text=search.text(line), source=argv[0]))
        search.notes.add_command("logins", " ".join(argv), done)
    if len(missing) == 2:
        raise AbsentError("last, who", "neither of them is installed")
    for name in missing:
        search.notes.add("logins", name, "absent", f"{name} is not installed")
    return found[:_MOST_LOGINS]


def _login_time(line: str, now: float) -> t.Optional[str]:
    match = _LAST.search(line)
    if match is None:
        return parse_time(re.sub(r"(\d\d-\d\d-\d\d \d\d:\d\d)(?!:)", r"\1:00Z", line), now)
    month, day, time, year = match.groups()
    return f"{year}-{MONTHS.index(month) + 1:02d}-{int(day):02d}T{time}Z"
