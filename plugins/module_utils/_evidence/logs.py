# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Evidence in logs: the journal, and the files of syslog and of audit."""

import binascii
import re
import typing as t

from .._base.clock import utc_stamp_or_none
from .._base.redact import command_line
from .records import LoggedLine
from .sources import AbsentError, Search, parse_time

__all__ = ["ALTERNATIVES_LOGS", "log_lines"]

_MOST_LOG = 60
ALTERNATIVES_LOGS = ("/var/log/alternatives.log", "/var/log/update-alternatives.log")
_LOG_FILES = (
    "/var/log/secure",
    "/var/log/auth.log",
    "/var/log/sudo.log",
    *ALTERNATIVES_LOGS,
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


def log_lines(search: Search) -> t.List[LoggedLine]:
    """Return what sudo, the audit log, alternatives and the kernel's disks said in the window, oldest first."""
    found = _journal(search)
    for path in _LOG_FILES:
        read = search.tail(path)
        if read is None:
            search.notes.add("log", path, "absent", "there is no such file, or it cannot be read")
            continue
        lines = [line for line in read.lines if _ABOUT.search(line) or _AUDIT_HEX.search(line)]
        found.extend(filter(None, (_log_entry(search, line, path) for line in lines)))
        search.notes.add_file("log", path, read.whole)
    found.sort(key=lambda one: one["time"] or "")
    if len(found) > _MOST_LOG:
        search.notes.add("log", "all", "partial", f"the last {_MOST_LOG} of {len(found)} lines are shown")
    return found[-_MOST_LOG:]


def _journal(search: Search) -> t.List[LoggedLine]:
    window = ["--since", f"@{int(search.since)}", "--until", f"@{int(search.until) + 1}"]
    argv = ["journalctl", "-q", "--no-pager", "-o", "short-iso", "--utc", "-n", "2000", *window]
    programs = [word for name in ("sudo", "su", "dnf", "zypper", "rpm", "alternatives") for word in ("-t", name)]
    found: t.List[LoggedLine] = []
    try:
        about = search.run(*argv, *programs)
        kernel = search.run(*argv, "-k")
    except AbsentError as absent:
        search.notes.add("log", "journalctl", "absent", absent.detail)
        return []
    for done, wanted, name in ((about, _ABOUT, "journalctl"), (kernel, _DISK, "journalctl -k")):
        for line in done.out.split("\n"):
            if wanted.search(line):
                text = search.text(_without_arguments(search, line))
                found.append(LoggedLine(time=parse_time(line, search.now), text=text, source=name))
        search.notes.add_command("log", name, done)
    return found


def _log_entry(search: Search, line: str, path: str) -> t.Optional[LoggedLine]:
    match = _AUDIT_TIME.search(line)
    moment = utc_stamp_or_none(int(match.group(1))) if match else parse_time(line, search.now)
    if moment is None or not search.within(moment):
        return None
    text = _command_of_execve(search, line) or _AUDIT_HEX.sub(_decoded, line)
    # In its own log every line names alternatives.
    about = _NAMED if path.endswith("alternatives.log") else _ABOUT
    if not about.search(text) or not _ACTED.search(text):
        return None
    return LoggedLine(time=moment, text=search.text(_without_arguments(search, text)), source=path)


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


def _command_of_execve(search: Search, line: str) -> t.Optional[str]:
    """Return an EXECVE record with its words as the command line that they were; null for any other line."""
    match = _EXECVE.match(line)
    if match is None:
        return None
    # Those without quotes are in hex, because they have blanks or quotes: a command line cannot show them as one word.
    words = [value[1:-1] if value.startswith('"') else "" for value in _EXECVE_WORD.findall(line)]
    whole = " ".join(word if re.match(r"^[\w.+~/:=@%,-]+$", word) else "[argument]" for word in words)
    shown = command_line(whole)
    search.notes.redactions += shown[1] if shown else 1
    return f"{match.group(1)} {shown[0] if shown else '[...]'}"


def _decoded(match: "t.Match[str]") -> str:
    """Return a value that auditd wrote in hex, because it has blanks or quotes."""
    try:
        value = binascii.unhexlify(match.group(2)).replace(b"\0", b" ").decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return match.group(0)
    shown = command_line(value)
    return f"{match.group(1)}={shown[0] if shown else '[...]'}"
