# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Evidence in the histories of shells, of all users whose home is on this host."""

import os
import pwd
import re
import typing as t

from .._base.clock import utc_stamp_or_none
from .._base.paths import is_in
from .._base.redact import command_line
from .._base.text import printable
from .._disk.mounts import MOUNTINFO, is_network, read_mounts
from .._usage.reading import reading_below
from .records import ShellLine
from .sources import AbsentError, Search, Tail

__all__ = ["fewer_lines", "shell_lines"]

_MOST_SHELL = 60
_MOST_HOMES = 200
_MOST_LINKS = 40
_HISTORIES = (
    ".bash_history",
    ".zsh_history",
    ".histfile",
    ".ash_history",
    ".sh_history",
    ".ksh_history",
    ".local/share/fish/fish_history",
)
_ZSH = re.compile(r"^: (\d{1,20}):\d+;")
_FISH = re.compile(r"^- cmd: ")


def shell_lines(search: Search) -> t.List[ShellLine]:
    """Return the lines of shell histories that are about Python, alternatives, make install or pip."""
    found: t.List[ShellLine] = []
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
            with reading_below(search.path(path)):
                read = search.tail(path, 64 << 10)
            if read is None:
                continue
            asked += 1
            found.extend(_shell_entries(search, user, path, read))
            search.notes.add_file("shell_history", path, read.whole)
    if not asked:
        raise AbsentError("shell histories", f"none of {len(homes)} users has one that can be read")
    if len(found) > _MOST_SHELL:
        search.notes.add("shell_history", "all", "partial", f"{_MOST_SHELL} of {len(found)} lines are shown")
    return fewer_lines(found, _MOST_SHELL)


def fewer_lines(entries: t.Sequence[ShellLine], most: int) -> t.List[ShellLine]:
    """Return the last lines of each history, as many of one as of another, so that no user crowds out root."""
    files: t.Dict[str, t.List[ShellLine]] = {}
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
        mounts = read_mounts(search.path(MOUNTINFO))
    except OSError:
        return []
    # A root that does not answer would have stopped us long before.
    return [mount.point for mount in mounts if is_network(mount.kind) and mount.point != "/"]


def _is_remote(search: Search, folder: str, remote: t.Sequence[str]) -> bool:
    """Tell whether a folder, or what a link on the way to it leads to, is on one of these; nothing there is touched."""
    done, ahead, links = "/", [name for name in folder.split("/") if name], 0
    while ahead:
        name = ahead.pop(0)
        if name in (".", ".."):
            done = os.path.dirname(done) if name == ".." else done
            continue
        done = os.path.join(done, name)
        if is_in(done, *remote):
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


def _shell_entries(search: Search, user: str, path: str, read: Tail) -> t.List[ShellLine]:
    entries: t.List[ShellLine] = []
    moment: t.Optional[str] = None
    for number, line in enumerate(read.lines, 1):
        if re.match(r"^#\d{9,11}$", line):
            moment = utc_stamp_or_none(int(line[1:]))
            continue
        match = _ZSH.match(line)
        if match:
            moment = utc_stamp_or_none(int(match.group(1)))
        text = _FISH.sub("", line[match.end() :] if match else line)
        shown = command_line(text)
        if shown:
            search.notes.redactions += shown[1]
            entries.append(
                ShellLine(
                    time=moment,
                    user=printable(user),
                    text=search.text(shown[0]),
                    source=printable(path),
                    line=number if read.whole else 0,
                )
            )
        moment = None
    return entries
