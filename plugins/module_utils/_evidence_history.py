# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Evidence in what the host remembers: packages by time, histories of package managers and shells, logins, logs."""

import binascii
import os
import pwd
import re
import shutil
import tempfile
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._evidence_sources import (
    AbsentError,
    Search,
    parse_time,
    stamp,
    stamp_or_none,
)
from ansible_collections.fleet.system_python.plugins.module_utils._redact import command_line
from ansible_collections.fleet.system_python.plugins.module_utils._text import printable

try:
    import sqlite3
except ImportError:
    # SLES 15 has it in a package of its own, and no dnf.
    sqlite3 = None  # type: ignore[assignment]

__all__ = ["fewer_lines", "log_lines", "logins", "packages_by_time", "shell_lines", "transactions"]

Entry = t.Dict[str, t.Any]

_MOST_PACKAGES = 30
_MOST_TRANSACTIONS = 20
_MOST_ITEMS = 12
_MOST_LOGINS = 20
_MOST_LOG = 60
_MOST_SHELL = 60
_MOST_HOMES = 200
_MOST_LINKS = 40
_MOST_DATABASE = 64 << 20

DNF_HISTORY = "/var/lib/dnf/history.sqlite"
DNF_LOG = "/var/log/dnf.rpm.log"
ZYPP_HISTORY = "/var/log/zypp/history"


# --- packages --------------------------------------------------------------------------------------------------------


def packages_by_time(search: Search, observation: t.Mapping[str, t.Any]) -> t.List[Entry]:
    """Return what rpm -qa --last has: the packages of the window, the newest ones, and those of the contract."""
    form = "%{INSTALLTIME}|%{NAME}|%{NAME}-%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}.%{ARCH}|%{VENDOR}\\n"
    done = search.run("rpm", "-qa", "--qf", form)
    if done.rc != 0:
        raise done.error("rpm cannot list the packages")
    rows = [line.split("|", 3) for line in done.out.split("\n") if line.count("|") >= 3]
    rows.sort(key=lambda row: (-int(row[0]), row[1]))
    scope = set(observation["packages"])
    telling = [row for row in rows if row[1] in scope or search.since <= int(row[0]) <= search.until]
    chosen = sorted(telling[:_MOST_PACKAGES], key=lambda row: -int(row[0]))
    detail = "{0} of {1} packages: those of the scope, and those installed around that time".format(
        len(chosen), len(rows)
    )
    status = "partial" if len(telling) > len(chosen) else "complete"
    search.notes.add("packages", "rpm -qa --last", status, detail)
    return [
        {"time": stamp(int(row[0])), "nevra": row[2], "vendor": None if row[3] in ("", "(none)") else row[3]}
        for row in chosen
    ]


# --- the package managers' own histories -----------------------------------------------------------------------------


def transactions(search: Search) -> t.List[Entry]:
    """Return the newest entries of dnf's and zypper's histories, newest first; raises AbsentError for neither."""
    found: t.List[Entry] = []
    asked = 0
    for path, read in ((DNF_HISTORY, _dnf_history), (DNF_LOG, _dnf_log), (ZYPP_HISTORY, _zypp_history)):
        if not os.path.isfile(search.path(path)) or (path == DNF_LOG and found):
            continue
        asked += 1
        found.extend(read(search, path))
    if not asked:
        raise AbsentError("{0}, {1}".format(DNF_HISTORY, ZYPP_HISTORY), "neither dnf nor zypper has a history here")
    found.sort(key=lambda one: one["time"] or "", reverse=True)
    return found[:_MOST_TRANSACTIONS]


def _dnf_history(search: Search, path: str) -> t.List[Entry]:
    if sqlite3 is None:
        search.notes.add(
            "transactions", path, "partial", "this interpreter has no sqlite3; {0} is read".format(DNF_LOG)
        )
        return []
    if os.lstat(search.path(path)).st_size > _MOST_DATABASE:
        search.notes.add("transactions", path, "partial", "it is bigger than {0} bytes".format(_MOST_DATABASE))
        return []
    # A copy: opening it where it is would write beside it (-shm), and what dnf wrote last is only in its -wal.
    folder = tempfile.mkdtemp(prefix="fleet-system-python-")
    try:
        for suffix in ("", "-wal"):
            if os.path.isfile(search.path(path) + suffix):
                shutil.copyfile(search.path(path) + suffix, os.path.join(folder, "history" + suffix))
        entries = _query_dnf(search, os.path.join(folder, "history"), path)
    except sqlite3.Error as error:
        search.notes.add("transactions", path, "failed", "it cannot be read: {0}".format(error))
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


def _query_dnf(search: Search, copy: str, path: str) -> t.List[Entry]:
    connection = sqlite3.connect(copy)
    try:
        rows = connection.execute(
            "SELECT id, dt_begin, user_id, cmdline, state FROM trans ORDER BY id DESC LIMIT ?", (_MOST_TRANSACTIONS,)
        ).fetchall()
        return [_dnf_entry(search, connection, row, path) for row in rows]
    finally:
        connection.close()


def _dnf_entry(search: Search, connection: t.Any, row: t.Sequence[t.Any], path: str) -> Entry:
    items = connection.execute(
        "SELECT ti.action, r.name, r.version, r.release, r.arch FROM trans_item ti JOIN rpm r USING (item_id) "
        "WHERE ti.trans_id = ? ORDER BY r.name",
        (row[0],),
    ).fetchall()
    verbs = [_ACTIONS.get(one[0], "action {0}".format(one[0])) for one in items]
    names = ["{0} {1}-{2}-{3}.{4}".format(verb, *one[1:]) for verb, one in zip(verbs, items)]
    # Those about Python first: they are what is looked for.
    names.sort(key=lambda name: "python" not in name)
    return {
        "time": stamp(int(row[1])) if row[1] else None,
        "id": str(row[0]),
        "what": "dnf " + search.text(str(row[3] or "(no command line)")),
        "who": "user id {0}".format(row[2]) if row[2] is not None else None,
        "packages": [printable(name) for name in names[:_MOST_ITEMS]] + _more(len(names) - _MOST_ITEMS),
        "ok": {1: True, 2: False}.get(row[4]),
        "source": path,
    }


def _more(count: int) -> t.List[str]:
    return ["and {0} more".format(count)] if count > 0 else []


_RPM_LOG = re.compile(r"\b(Installed|Upgrade|Upgraded|Erase|Erased|Reinstalled?|Downgraded?|Obsoleted|Cleanup): (\S+)")


def _dnf_log(search: Search, path: str) -> t.List[Entry]:
    """Return dnf's log of rpm, one entry per second: what the history has, for interpreters without sqlite3."""
    read = search.tail(path)
    entries: t.Dict[t.Optional[str], t.List[str]] = {}
    for line in read[0] if read else []:
        match = _RPM_LOG.search(line)
        if match:
            entries.setdefault(parse_time(line, search.now), []).append("{0} {1}".format(*match.groups()))
    search.notes.add("transactions", path, "complete" if read and read[2] else "partial")
    return [
        {
            "time": moment,
            "id": None,
            "what": "dnf",
            "who": None,
            "packages": [printable(name) for name in names[:_MOST_ITEMS]] + _more(len(names) - _MOST_ITEMS),
            "ok": None,
            "source": path,
        }
        for moment, names in entries.items()
    ]


def _zypp_history(search: Search, path: str) -> t.List[Entry]:
    """Return the commands of zypper's history with the packages of each (zypp's history.5: fields between bars)."""
    read = search.tail(path)
    entries: t.List[Entry] = []
    for line in read[0] if read else []:
        fields = line.split("|")
        if line.startswith("#") or len(fields) < 4:
            continue
        if fields[1] == "command":
            entries.append(_zypp_entry(search, fields, path))
        elif fields[1] in ("install", "remove"):
            if not entries:
                entries.append(_zypp_entry(search, [fields[0], "", "", "(command not in the log)"], path))
            entries[-1]["packages"].append(printable("{0} {1}-{2}".format(fields[1], fields[2], fields[3])))
    for entry in entries:
        entry["packages"] = entry["packages"][:_MOST_ITEMS] + _more(len(entry["packages"]) - _MOST_ITEMS)
    search.notes.add("transactions", path, "complete" if read and read[2] else "partial")
    return entries[-_MOST_TRANSACTIONS:]


def _zypp_entry(search: Search, fields: t.Sequence[str], path: str) -> Entry:
    return {
        "time": parse_time(fields[0], search.now),
        "id": None,
        "what": search.text(fields[3].replace("'", "")),
        "who": printable(fields[2]) or None,
        "packages": [],
        # zypper writes a package down when it was installed, and never how the whole ended.
        "ok": None,
        "source": path,
    }


# --- who was there ---------------------------------------------------------------------------------------------------

_LAST = re.compile(r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([A-Z][a-z]{2})\s+(\d{1,2}) (\d\d:\d\d:\d\d) (\d{4})")


def logins(search: Search) -> t.List[Entry]:
    """Return the sessions of the window by last, newest first, and who is there now; raises AbsentError for neither."""
    found: t.List[Entry] = []
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
                found.append({"time": moment, "text": search.text(line), "source": argv[0]})
        search.notes.add(
            "logins", " ".join(argv), "complete" if done.rc == 0 else "failed", "" if done.rc == 0 else done.tail()
        )
    if len(missing) == 2:
        raise AbsentError("last, who", "neither of them is installed")
    for name in missing:
        search.notes.add("logins", name, "absent", "{0} is not installed".format(name))
    return found[:_MOST_LOGINS]


def _login_time(line: str, now: float) -> t.Optional[str]:
    match = _LAST.search(line)
    if match is None:
        return parse_time(re.sub(r"(\d\d-\d\d-\d\d \d\d:\d\d)(?!:)", r"\1:00Z", line), now)
    month = "JanFebMarAprMayJunJulAugSepOctNovDec".find(match.group(1)) // 3 + 1
    return "{0}-{1:02d}-{2:02d}T{3}Z".format(match.group(4), month, int(match.group(2)), match.group(3))


# --- logs ------------------------------------------------------------------------------------------------------------

_LOG_FILES = (
    "/var/log/secure",
    "/var/log/auth.log",
    "/var/log/sudo.log",
    "/var/log/alternatives.log",
    "/var/log/update-alternatives.log",
    "/var/log/audit/audit.log",
)
_ABOUT = re.compile(
    r"python|alternatives|\bpip\d*\b|make\b.{0,20}\binstall|\b(?:dnf|yum|zypper|rpm)\b|selinux|setenforce", re.I
)
_ACTED = re.compile(
    r"\bsudo\b|\bsu\b|alternatives|type=(?:USER_CMD|EXECVE|SYSCALL|PATH|CWD)|\bCOMMAND=|session opened|rpm|dnf|zypp"
)
_NAMED = re.compile(r"python|\bpip\d?\b|\bpydoc|\bidle\d?\b", re.I)
_DISK = re.compile(
    r"I/O error|EXT4-fs error|XFS.*(?:orrupt|error)|BTRFS.*(?:csum|error)|medium error|uncorrect|critical target error",
    re.I,
)
_AUDIT_TIME = re.compile(r"msg=audit\((\d+)\.\d+:\d+\)")
_EXECVE = re.compile(r"^(.*\btype=EXECVE\b.*?) a0=")
_EXECVE_WORD = re.compile(r"\sa\d+(?:\[\d+\])?=(\"[^\"]*\"|\S+)")
_AUDIT_HEX = re.compile(r"\b(cmd|proctitle|name|exe|a\d+)=([0-9A-F]{8,})\b")


def log_lines(search: Search) -> t.List[Entry]:
    """Return what sudo, the audit log, alternatives and the kernel's disks said in the window, oldest first."""
    found = _journal(search)
    for path in _LOG_FILES:
        read = search.tail(path)
        if read is None:
            search.notes.add("log", path, "absent", "there is no such file, or it cannot be read")
            continue
        lines = [_log_entry(search, line, path) for line in read[0] if _ABOUT.search(line) or _AUDIT_HEX.search(line)]
        found.extend(one for one in lines if one is not None)
        search.notes.add("log", path, "complete" if read[2] else "partial", "" if read[2] else "only its end was read")
    found.sort(key=lambda one: one["time"] or "")
    if len(found) > _MOST_LOG:
        search.notes.add("log", "all", "partial", "the last {0} of {1} lines are shown".format(_MOST_LOG, len(found)))
    return found[-_MOST_LOG:]


def _journal(search: Search) -> t.List[Entry]:
    since, until = "@{0}".format(int(search.since)), "@{0}".format(int(search.until) + 1)
    argv = [
        "journalctl",
        "-q",
        "--no-pager",
        "-o",
        "short-iso",
        "--utc",
        "--since",
        since,
        "--until",
        until,
        "-n",
        "2000",
    ]
    found: t.List[Entry] = []
    try:
        about = search.run(
            *(argv + ["-t", "sudo", "-t", "su", "-t", "dnf", "-t", "zypper", "-t", "rpm", "-t", "alternatives"])
        )
        kernel = search.run(*(argv + ["-k"]))
    except AbsentError as absent:
        search.notes.add("log", "journalctl", "absent", absent.detail)
        return []
    for done, wanted, name in ((about, _ABOUT, "journalctl"), (kernel, _DISK, "journalctl -k")):
        for line in done.out.split("\n"):
            if wanted.search(line):
                text = search.text(_without_arguments(search, line))
                found.append({"time": parse_time(line, search.now), "text": text, "source": name})
        search.notes.add("log", name, "complete" if done.rc == 0 else "failed", "" if done.rc == 0 else done.tail())
    return found


def _log_entry(search: Search, line: str, path: str) -> t.Optional[Entry]:
    match = _AUDIT_TIME.search(line)
    moment = stamp_or_none(int(match.group(1))) if match else parse_time(line, search.now)
    if moment is None or not search.within(moment):
        return None
    text = _executed(search, line) or _AUDIT_HEX.sub(_decoded, line)
    # In its own log every line names alternatives.
    about = _NAMED if path.endswith("alternatives.log") else _ABOUT
    if not about.search(text) or not _ACTED.search(text):
        return None
    return {"time": moment, "text": search.text(_without_arguments(search, text)), "source": path}


def _without_arguments(search: Search, text: str) -> str:
    """Return a line without what may be a secret in it: what sudo ran may be as telling as a shell's history."""
    continued = "(command continued)"
    if continued in text:
        # sudo cuts long commands; of the rest nobody can tell what it belongs to.
        search.notes.redactions += 1
        return text.partition(continued)[0] + continued + " [...]"
    head, command, rest = text.partition("COMMAND=")
    if not command:
        return text
    shown = command_line(rest)
    search.notes.redactions += shown[1] if shown else 1
    return head + command + (shown[0] if shown else "[...]")


def _executed(search: Search, line: str) -> t.Optional[str]:
    """Return an EXECVE record with its words as the command line that they were; null for any other line."""
    match = _EXECVE.match(line)
    if match is None:
        return None
    # Those without quotes are in hex, because they have blanks or quotes: a command line cannot show them as one word.
    words = [value[1:-1] if value.startswith('"') else "" for value in _EXECVE_WORD.findall(line)]
    whole = " ".join(word if re.match(r"^[\w.+~/:=@%,-]+$", word) else "[argument]" for word in words)
    shown = command_line(whole)
    search.notes.redactions += shown[1] if shown else 1
    return "{0} {1}".format(match.group(1), shown[0] if shown else "[...]")


def _decoded(match: "t.Match[str]") -> str:
    """Return a value that auditd wrote in hex, because it has blanks or quotes."""
    try:
        value = binascii.unhexlify(match.group(2)).replace(b"\0", b" ").decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return match.group(0)
    shown = command_line(value)
    return "{0}={1}".format(match.group(1), shown[0] if shown else "[...]")


# --- shell histories -------------------------------------------------------------------------------------------------

_HISTORIES = (
    ".bash_history",
    ".zsh_history",
    ".histfile",
    ".ash_history",
    ".sh_history",
    ".ksh_history",
    ".local/share/fish/fish_history",
)
_SLOW = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "autofs", "afs", "ceph", "glusterfs", "lustre", "9p")
_ZSH = re.compile(r"^: (\d{1,20}):\d+;")
_FISH = re.compile(r"^- cmd: ")


def shell_lines(search: Search) -> t.List[Entry]:
    """Return the lines of shell histories that are about Python, alternatives, make install or pip."""
    found: t.List[Entry] = []
    asked = 0
    remote = _remote_folders(search)
    homes = _homes()
    for user, home in homes[:_MOST_HOMES]:
        if search.remaining() <= 0 or _is_remote(search, home, remote):
            search.notes.add("shell_history", home, "partial", "not read: it is on a network, or the time was over")
            continue
        for name in _HISTORIES:
            path = os.path.join(home, name)
            if _is_remote(search, os.path.dirname(path), remote):
                continue
            read = search.tail(path, 64 << 10)
            if read is None:
                continue
            asked += 1
            found.extend(_shell_entries(search, user, path, read))
            search.notes.add(
                "shell_history", path, "complete" if read[2] else "partial", "" if read[2] else "only its end was read"
            )
    if not asked:
        raise AbsentError("shell histories", "none of {0} users has one that can be read".format(len(homes)))
    if len(found) > _MOST_SHELL:
        search.notes.add(
            "shell_history", "all", "partial", "{0} of {1} lines are shown".format(_MOST_SHELL, len(found))
        )
    return fewer_lines(found, _MOST_SHELL)


def fewer_lines(entries: t.Sequence[Entry], most: int) -> t.List[Entry]:
    """Return the last lines of each history, as many of one as of another, so that no user crowds out root."""
    files: t.Dict[str, t.List[Entry]] = {}
    for entry in entries:
        files.setdefault(entry["source"], []).append(entry)
    kept = dict.fromkeys(files, 0)
    left = min(most, len(entries))
    while left > 0:
        for source, lines in files.items():
            if left > 0 and kept[source] < len(lines):
                kept[source] += 1
                left -= 1
    return [entry for source, lines in files.items() for entry in lines[len(lines) - kept[source] :]]


def _homes() -> t.List[t.Tuple[str, str]]:
    """Return each home folder once, root's first."""
    homes: t.Dict[str, str] = {}
    for entry in sorted(pwd.getpwall(), key=lambda one: one.pw_uid):
        if entry.pw_dir not in ("", "/", "/nonexistent", "/dev/null"):
            homes.setdefault(os.path.normpath(entry.pw_dir), entry.pw_name)
    return [(user, home) for home, user in homes.items()]


def _remote_folders(search: Search) -> t.List[str]:
    """Return where file systems are mounted that may not answer: a read of them cannot be given up."""
    try:
        # The kernel gives a page at a time, so one read is not all of it.
        with open(search.path("/proc/self/mounts"), encoding="utf-8", errors="surrogateescape") as stream:
            rows = [line.split() for line in stream]
    except OSError:
        return []
    found = [row[1] for row in rows if len(row) > 2 and (row[2] in _SLOW or row[2].startswith("fuse."))]
    plain = [re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), one) for one in found]
    # A root that does not answer would have stopped us long before.
    return [one for one in plain if one != "/"]


def _is_remote(search: Search, folder: str, remote: t.Sequence[str]) -> bool:
    """Tell whether a folder, or what a link on the way to it leads to, is on one of these; nothing there is touched."""
    done, ahead, links = "/", [name for name in folder.split("/") if name], 0
    while ahead:
        name = ahead.pop(0)
        if name in (".", ".."):
            done = os.path.dirname(done) if name == ".." else done
            continue
        done = os.path.join(done, name)
        if any(done == one or done.startswith(one.rstrip("/") + "/") for one in remote):
            return True
        try:
            target = os.readlink(search.path(done))
        except OSError:
            continue
        links += 1
        if links > _MOST_LINKS:
            return False
        done = "/" if target.startswith("/") else os.path.dirname(done)
        ahead = [one for one in target.split("/") if one] + ahead
    return False


def _shell_entries(search: Search, user: str, path: str, read: t.Tuple[t.List[str], int, bool]) -> t.List[Entry]:
    entries: t.List[Entry] = []
    moment: t.Optional[str] = None
    for number, line in enumerate(read[0], read[1] or 1):
        if re.match(r"^#\d{9,11}$", line):
            moment = stamp_or_none(int(line[1:]))
            continue
        match = _ZSH.match(line)
        if match:
            moment = stamp_or_none(int(match.group(1)))
        text = _FISH.sub("", line[match.end() :] if match else line)
        shown = command_line(text)
        if shown:
            search.notes.redactions += shown[1]
            entries.append(
                {
                    "time": moment,
                    "user": printable(user),
                    "text": search.text(shown[0]),
                    "source": printable(path),
                    "line": number if read[2] else 0,
                }
            )
        moment = None
    return entries
