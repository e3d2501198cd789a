# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The units of systemd that start the guard's checker, and what systemd knows of them."""

import os
import typing as t

from .._audit.alternatives import ADMIN_FOLDERS, ENTRIES_FOLDER
from .._audit.contract import Contract
from .._base.command import CommandRunner
from .._base.errors import NoServiceManagerError

__all__ = ["UNIT", "UNIT_FOLDER", "Units", "link_path", "unit_files", "unit_path"]

UNIT = "fleet-system-python-guard"
UNIT_FOLDER = "/etc/systemd/system"
_HEADER = "# Written by the role fleet.system_python.python_guard.\n"

# ExecStartPre lets the many events of one change become one check; without a start limit such events cannot switch
# the path unit off. What the checker finds is no failure of the service.
_SERVICE = """[Unit]
Description=Check the system's Python
StartLimitIntervalSec=0

[Service]
Type=oneshot
ExecStartPre=/usr/bin/sleep 1
ExecStart={checker} check
SuccessExitStatus=1 3
IgnoreSIGPIPE=no
SyslogIdentifier={unit}
TimeoutStartSec=15min
Nice=10
IOSchedulingClass=idle
"""

# A boot that lies more than the given time in the past means at once: so the first check follows the installation.
_TIMER = """[Unit]
Description=Check the system's Python every {period} seconds

[Timer]
OnBootSec=30s
OnUnitInactiveSec={period}s
RandomizedDelaySec={delay}s
AccuracySec=1s

[Install]
WantedBy=timers.target
"""

_PATH = """[Unit]
Description=Check the system's Python when something changes beside it

[Path]
{paths}

[Install]
WantedBy=paths.target
"""


def unit_files(contract: Contract, checker: str, period: int, path_units: bool) -> t.Dict[str, bytes]:
    """Return the files of the units, path to content; C(period) is in seconds."""
    texts = {
        "service": _SERVICE.format(checker=checker, unit=UNIT),
        "timer": _TIMER.format(period=period, delay=period // 10),
    }
    if path_units:
        # Folders: the rename of a new link over the old one is an event of its folder, and none of the link itself.
        texts["path"] = _PATH.format(paths="\n".join("PathChanged=" + folder for folder in _folders(contract)))
    return {unit_path(kind): (_HEADER + text).encode() for kind, text in texts.items()}


def unit_path(kind: str) -> str:
    """Return the file of the unit of this kind."""
    return os.path.join(UNIT_FOLDER, "{0}.{1}".format(UNIT, kind))


def link_path(kind: str) -> str:
    """Return the link by which the unit of this kind is enabled; a service has none, and its path does not exist."""
    return os.path.join(UNIT_FOLDER, "{0}s.target.wants".format(kind), "{0}.{1}".format(UNIT, kind))


def _folders(contract: Contract) -> t.List[str]:
    named = [entry["path"] for entry in contract["links"] + contract["binaries"]]
    folders = {os.path.dirname(path) for path in named}
    for library in ("/usr/lib64/python", "/usr/lib/python"):
        folders.update((library + contract["version"], library + contract["version"] + "/site-packages"))
    folders.update((ADMIN_FOLDERS[0], ENTRIES_FOLDER, "/usr/local/bin", "/etc/profile.d"))
    return sorted(folders)


class Units:
    """The units, as systemd knows them."""

    def __init__(self, runner: CommandRunner, running: str = "/run/systemd/system") -> None:
        self._runner = runner
        self._running = running

    def require(self) -> None:
        """Raise NoServiceManagerError where systemd does not run."""
        if not self.available():
            raise NoServiceManagerError(
                "systemd does not run on this host, so nothing would start the checker. With the option schedule set "
                "to none only the checker is installed; start it by what this host has instead.",
                missing=self._running,
            )

    def available(self) -> bool:
        """Tell whether systemd runs here (sd_booted(3))."""
        return os.path.isdir(self._running)

    def active(self, kind: str) -> bool:
        """Tell whether the unit is enabled and active."""
        name = "{0}.{1}".format(UNIT, kind)
        return not any(self._runner(["systemctl", "--quiet", word, name]).rc for word in ("is-enabled", "is-active"))

    def start(self, kinds: t.Sequence[str]) -> None:
        """Load the files anew, and enable and start the units of these kinds."""
        self._systemctl(["daemon-reload"])
        for kind in kinds:
            name = "{0}.{1}".format(UNIT, kind)
            self._systemctl(["--quiet", "enable", name])
            self._systemctl(["restart", name])

    def stop(self, kinds: t.Sequence[str]) -> None:
        """Disable and stop the units of these kinds, and a check that runs."""
        for kind in kinds:
            name = "{0}.{1}".format(UNIT, kind)
            if not os.path.lexists(unit_path(kind)):
                # Its file is gone. It may still run, or not be known, which systemd takes for an error.
                self._runner(["systemctl", "stop", name], timeout=120)
                continue
            words = ["stop"] if kind == "service" else ["--quiet", "--now", "disable"]
            self._systemctl(words + [name])

    def forget(self) -> None:
        """Let systemd forget the units, whose files are gone."""
        self._systemctl(["daemon-reload"])
        # Without a unit that failed there is nothing to forget, which systemd takes for an error.
        self._runner(["systemctl", "reset-failed", UNIT + ".*"])

    def _systemctl(self, words: t.Sequence[str]) -> None:
        done = self._runner(["systemctl"] + list(words), timeout=120)
        if done.rc:
            raise done.error("systemd does not do what the guard needs")
