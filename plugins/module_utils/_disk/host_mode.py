# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""How the system's own files change on this host: by packages, with an image, or in a snapshot for the next boot.

The one place that decides what cannot be changed here, and says what the right way is. docs/supported.md has sources.
"""

import os
import typing as t

from .._base.errors import SystemPythonError
from .._base.paths import is_in
from .._base.text import json_text, printable, shortened
from .root import HOST
from .space import is_read_only

__all__ = [
    "IMAGE",
    "OSTREE",
    "OSTREE_BOOTED",
    "PACKAGES",
    "READ_ONLY",
    "SYSTEM",
    "TOOLS",
    "TRANSACTIONAL",
    "TRANSACTIONAL_UPDATE",
    "HostMode",
    "ImmutableHostError",
    "host_mode",
    "install_command",
    "mode_of",
    "refusal",
    "require_mutable",
]

PACKAGES, IMAGE, TRANSACTIONAL = "packages", "image", "transactional"
TRANSACTIONAL_UPDATE = "/usr/sbin/transactional-update"
TOOLS = ("/usr/bin/bootc", "/usr/bin/rpm-ostree", TRANSACTIONAL_UPDATE)
OSTREE_BOOTED = "/run/ostree-booted"
OSTREE, READ_ONLY = "ostree", "read-only"
SYSTEM = "/usr"
_MOST_SHOWN = 5
_WAYS = {
    "bootc": ["bootc upgrade", "bootc rollback"],
    "rpm-ostree": ["rpm-ostree upgrade", "rpm-ostree rollback", "rpm-ostree reset"],
}

_BY_IMAGE = (
    "The system of this host comes with an image, so nothing was changed: here a change{about} is refused, or gone "
    "with the next deployment. Rebuild the image, check it with the playbook image_check and bring it to the host, or "
    "go back to the deployment before ({commands}), and reboot. What was changed in an overlay of /usr is gone then."
)
_BY_PACKAGES = (
    "The system of this host changes in a snapshot that the next boot starts, so nothing was changed here{about}. Run: "
    "{commands}; then reboot. The role python_restore does that with python_restore_transactional=reboot."
)
_BY_SNAPSHOT = (
    "The system of this host changes in a snapshot that the next boot starts, so nothing was changed here{about}. "
    "Change it in a snapshot, or go back to one ({commands}), and reboot."
)


class ImmutableHostError(SystemPythonError):
    """The system's files of this host change with an image, or in a snapshot; details: mode, tools, paths, commands."""

    kind = "immutable_host"
    changed_nothing = True


class HostMode(t.NamedTuple):
    """C(kind) is one of the three; C(tools) are the programs that change the system, as far as they are there."""

    kind: str
    tools: t.Sequence[str] = ()

    def is_fixed(self, path: str) -> bool:
        """Tell whether C(path), which need not exist, is of the system, and so not to be changed here.

        An overlay makes /usr of an image writable until the next boot: what is changed there is lost.
        """
        if self.kind == PACKAGES:
            return False
        return (self.kind == IMAGE and is_in(HOST.canonical(path), SYSTEM)) or is_read_only(path)


def host_mode() -> HostMode:
    """Return the mode of this host."""
    found = [os.path.basename(path) for path in TOOLS if os.access(path, os.X_OK)]
    if os.path.exists(OSTREE_BOOTED):
        found.append(OSTREE)
    # The look at a writable file system is more than a call, and most hosts have none of them.
    if found and is_read_only(SYSTEM):
        found.append(READ_ONLY)
    return mode_of(found)


def mode_of(found: t.Collection[str]) -> HostMode:
    """Return the mode of a host with these of C(TOOLS), OSTREE where it was booted so, READ_ONLY where /usr is that."""
    tools = [name for name in _WAYS if name in found]
    # Not every backend of bootc makes the file.
    if OSTREE in found or ("bootc" in found and READ_ONLY in found):
        return HostMode(IMAGE, tools)
    # It works on hosts with a writable system, too; what is changed there stays.
    if "transactional-update" in found and READ_ONLY in found:
        return HostMode(TRANSACTIONAL, ["transactional-update"])
    return HostMode(PACKAGES)


def require_mutable(paths: t.Iterable[str], packages: t.Sequence[str] = (), mode: t.Optional[HostMode] = None) -> None:
    """Raise ImmutableHostError when one of C(paths) is not to be changed here.

    C(packages), as name=version-release, would bring right what is wrong.
    """
    mode = mode or host_mode()
    fixed = [path for path in paths if mode.is_fixed(path)]
    if fixed:
        raise refusal(mode, fixed, packages)


def refusal(mode: HostMode, paths: t.Iterable[str] = (), packages: t.Sequence[str] = ()) -> ImmutableHostError:
    """Return the error that says what the right way is on such a host; C(packages) as for C(require_mutable)."""
    fixed = sorted(set(paths))
    if mode.kind == IMAGE:
        text, commands = _BY_IMAGE, _image_commands(mode)
    elif packages:
        text, commands = _BY_PACKAGES, [" ".join(install_command(packages))]
    else:
        text, commands = _BY_SNAPSHOT, ["transactional-update shell", "transactional-update rollback"]
    about = " ({0})".format(shortened(map(printable, fixed), _MOST_SHOWN)) if fixed else ""
    return ImmutableHostError(
        text.format(about=about, commands=", ".join(commands)),
        mode=mode.kind,
        tools=list(mode.tools),
        paths=[json_text(path) for path in fixed],
        packages=list(packages),
        commands=commands,
    )


def _image_commands(mode: HostMode) -> t.List[str]:
    """Return what brings another image here; what two programs do alike is said once."""
    commands = [command for tool in mode.tools for command in _WAYS[tool]]
    if "bootc" in mode.tools and "rpm-ostree" in mode.tools:
        commands = [*_WAYS["bootc"], "rpm-ostree reset"]
    return commands or ["ostree admin upgrade"]


def install_command(
    packages: t.Sequence[str], program: str = "transactional-update", continues: bool = False
) -> t.List[str]:
    """Return the command that installs exactly these packages again, in a snapshot.

    C(continues): of the last one, which waits for the boot, and not of the running system.
    """
    options = ["--non-interactive", "--no-selfupdate", *(["--continue"] if continues else [])]
    return [program, *options, "pkg", "install", "--force", "--oldpackage", *packages]
