# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Where a host says what it starts: units, cron tables, scripts, processes."""

import glob
import os
import re
import time
import typing as t

from .._disk.files import open_to_read, read_small
from .reading import reading_below


class Places(t.NamedTuple):
    """Where is looked: folders (C(deep) with what is below them), patterns of glob(3); a test gives its own."""

    commands: t.Tuple[str, ...] = ("/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/bin", "/sbin")
    personal: t.Tuple[str, ...] = ("/opt/bin", "/root/bin", "/root/.local/bin", "/home/*/bin", "/home/*/.local/bin")
    deep: t.Tuple[str, ...] = ("/usr/libexec",)
    units: t.Tuple[str, ...] = (
        "/etc/systemd/system",
        "/run/systemd/system",
        "/usr/local/lib/systemd/system",
        "/usr/lib/systemd/system",
        "/lib/systemd/system",
        "/etc/systemd/user",
        "/usr/lib/systemd/user",
        "/root/.config/systemd/user",
        "/home/*/.config/systemd/user",
    )
    # With a user in each line, without one, anacron's, and folders of scripts.
    crontabs: t.Tuple[str, ...] = ("/etc/crontab", "/etc/cron.d/*")
    spools: t.Tuple[str, ...] = ("/var/spool/cron/*", "/var/spool/cron/crontabs/*", "/var/spool/cron/tabs/*")
    anacrontabs: t.Tuple[str, ...] = ("/etc/anacrontab",)
    cron_scripts: t.Tuple[str, ...] = ("/etc/cron.*ly/*",)
    proc: str = "/proc"


PLACES = Places()

_UNIT = re.compile(r".*\.(?:service|socket|timer|path|conf)$")


def unit_files(patterns: t.Iterable[str]) -> t.Iterator[str]:
    """Yield the units and drop-ins in the folders of C(patterns), by folder and name; links to units are left out."""
    for folder in folders_matching(patterns):
        for name in listed(folder):
            path = os.path.join(folder, name)
            if name.endswith(".d"):
                yield from (os.path.join(path, drop_in) for drop_in in listed(path) if drop_in.endswith(".conf"))
            elif _UNIT.match(name) and not os.path.islink(path):
                yield path


def unit_of_file(path: str) -> str:
    """Return the name of the unit that a unit file, or a drop-in, is of."""
    name = os.path.basename(path)
    return os.path.basename(os.path.dirname(path))[: -len(".d")] if name.endswith(".conf") else name


def words_of_process(folder: str) -> t.List[str]:
    """Return the command line of the process with this folder in /proc, the last word being empty. Raises OSError.

    A process that just starts a program shows the program before the command line, so an empty one is read again.
    """
    pauses = [0.05, 0.01]
    while True:
        with open_to_read(os.path.join(folder, "cmdline")) as stream:
            line = stream.read(1 << 16)
        # A thread of the kernel has neither.
        if line or not pauses or not os.path.exists(os.path.join(folder, "exe")):
            return os.fsdecode(line).split("\0")
        time.sleep(pauses.pop())


def folders_matching(patterns: t.Iterable[str]) -> t.List[str]:
    """Return the real paths that fit C(patterns), each once, by pattern and name."""
    return list(dict.fromkeys(os.path.realpath(path) for pattern in patterns for path in sorted(glob.glob(pattern))))


def files_matching(patterns: t.Iterable[str]) -> t.List[str]:
    """Return what is no folder of the paths that fit C(patterns), by pattern and name."""
    return [path for pattern in patterns for path in sorted(glob.glob(pattern)) if not os.path.isdir(path)]


def text_of(path: str) -> str:
    """Return the text of a small file; an empty one for what cannot be read as one."""
    try:
        with reading_below(path):
            return read_small(path)
    except OSError:
        # Folders match the patterns too; a unit that is closed to us cannot be told.
        return ""


def listed(folder: str) -> t.List[str]:
    """Return the names in a folder, none for one that cannot be listed."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        # Most of the places need not exist.
        return []
