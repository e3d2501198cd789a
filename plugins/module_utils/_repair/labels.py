# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The SELinux labels of what was changed in a system that is not running."""

import os
import re
import typing as t

from .._base.command import CommandRunner
from .._disk.atomic import write_durably
from .._disk.files import folder_of
from .._disk.kernel import sync_folder
from .._disk.root import Root

__all__ = ["RootLabels"]

_CONFIG = "/etc/selinux/config"
# systemd and the initramfs of every release with SELinux let the next boot label all files where it is there.
_AUTORELABEL = "/.autorelabel"
_SETFILES = ("/usr/sbin/setfiles", "/sbin/setfiles")
_SECONDS = 300.0


class RootLabels:
    """First the boot is asked to label everything, which a killed run leaves so; at the end that may be taken back."""

    def __init__(self, root: Root, runner: CommandRunner) -> None:
        self._root = root
        self._runner = runner
        self._type = _policy_of(root)
        self._ours = False

    def owe(self) -> None:
        """Let the next boot label all files, where SELinux is on in the root."""
        if self._type and not self._root.lexists(_AUTORELABEL):
            write_durably(self._root.place(_AUTORELABEL), b"", 0o644)
            self._ours = True

    def settle(self, paths: t.Iterable[str]) -> str:
        """Set the labels of C(paths) where this machine can, and return how the labels come right, as a sentence."""
        if not self._type:
            return "none are needed: SELinux is not on in the root"
        reason = self._set(sorted({path for path in paths if self._root.lexists(path)}))
        if reason:
            return "the next boot sets them all, by {0}, because {1}".format(_AUTORELABEL, reason)
        if not self._ours:
            return "they are set; {0} was there before, so the next boot sets all again".format(_AUTORELABEL)
        os.unlink(self._root.place(_AUTORELABEL))
        sync_folder(folder_of(self._root.place(_AUTORELABEL)))
        return "they are set, by the root's own file_contexts"

    def _set(self, paths: t.Sequence[str]) -> str:
        """Return why the labels could not be set, nothing where they are."""
        contexts = "/etc/selinux/{0}/contexts/files/file_contexts".format(self._type)
        program = next((path for path in _SETFILES if os.access(path, os.X_OK)), None)
        if program is None:
            return "this machine has no setfiles (package policycoreutils)"
        if not self._root.isfile(contexts):
            return "the root has no {0}".format(contexts)
        if not paths:
            return ""
        places = [self._root.place(path) for path in paths]
        spec = self._root.place(self._root.realpath(contexts))
        done = self._runner([program, "-F", "-r", self._root.folder, spec, *places], timeout=_SECONDS)
        return "" if done.rc == 0 else "setfiles failed: {0}".format(done.tail())


def _policy_of(root: Root) -> str:
    """Return the name of the policy in C(root), nothing where SELinux is off or is not there."""
    if not root.isfile(_CONFIG):
        return ""
    with root.open(_CONFIG) as stream:
        text = stream.read().decode("utf-8", "replace")
    words = dict(re.findall(r"(?m)^\s*(SELINUX|SELINUXTYPE)\s*=\s*(\w[\w-]*)", text))
    if words.get("SELINUX", "disabled") == "disabled":
        return ""
    return words.get("SELINUXTYPE", "targeted")
