# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The parts of the pinning: what each needs on this host, and what has to be done for it."""

import os
import re
import typing as t

from .._audit.contract import Contract
from .._audit.imports import standard_library_folders
from .._base.errors import PinImpossibleError
from .._disk.kept import STATE_FOLDER
from .._disk.lock import DEFAULT_LOCK_PATH
from .command import CommandPlanner
from .files import HEADER, want_file, want_no_file, want_no_text, want_pip_option
from .immutable import is_immutable, require_attributes
from .plan import PinStep
from .record import Record
from .unversioned import PinnedHost, UnversionedPlanner

__all__ = ["Parts", "PinSettings"]

PIP_CONFIG = "/etc/pip.conf"
MARKER = "EXTERNALLY-MANAGED"
_PROTECTION = {
    "dnf": "/etc/dnf/protected.d/fleet.system_python.conf",
    "zypper": "/etc/zypp/systemCheck.d/fleet.system_python.check",
}
_PIP_PACKAGE = re.compile(r"^(?:platform-python|python3\d*)-pip$")
_PIP_VERSION = re.compile(r"-pip-(?:\d+:)?(\d+)\.(\d+)")
# The first pip that knows the marker.
_PIP_KNOWS_MARKER = (23, 0)
_MARKER_TEXT = """\
[externally-managed]
Error=This Python belongs to the operating system, whose tools run on it. Packages for
 it come from the system's package manager. For everything else make a virtual
 environment (python3 -m venv FOLDER) and use the pip in it.
"""


class PinSettings(t.NamedTuple):
    """What the user asked for: C(present), C(absent) or C(unmanaged) for each part; times are in seconds."""

    contract: Contract
    os_release: t.Mapping[str, str]
    environ: t.Mapping[str, str]
    core_version: str = ""
    unversioned: str = "unmanaged"
    # A minor version, C(system) or C(original), too.
    python3: str = "unmanaged"
    marker: str = "unmanaged"
    pip_config: str = "unmanaged"
    protection: str = "unmanaged"
    attributes: str = "unmanaged"
    lock_timeout: float = 0.0
    timeout: float = 120.0
    fetch_timeout: float = 600.0
    state_folder: str = STATE_FOLDER
    lock_path: str = DEFAULT_LOCK_PATH


class Parts:
    """One look at the host: what each part needs."""

    def __init__(self, settings: PinSettings, host: PinnedHost) -> None:
        self.settings = settings
        self.host = host
        self.contract = settings.contract
        self.record = Record(os.path.join(settings.state_folder, "pin.json"))

    def plan(self) -> t.List[PinStep]:
        """Return the steps of all parts, in their order: what is immutable stays so for as long as it may."""
        planners = [
            ("python3", self._plan_python3),
            ("unversioned", self._plan_unversioned),
            ("marker", self._plan_marker),
            ("pip_config", self._plan_pip_config),
            ("protection", self._plan_protection),
        ]
        attributes = ("attributes", self._plan_attributes)
        planners.insert(0 if self.settings.attributes == "absent" else len(planners), attributes)
        steps: t.List[PinStep] = []
        for part, plan in planners:
            wish: str = getattr(self.settings, part)
            if wish != "unmanaged":
                for step in plan(wish):
                    step["part"] = part
                    steps.append(step)
        return steps

    def paths(self) -> t.List[str]:
        """Return the files that the parts may write."""
        written = [PIP_CONFIG, self._marker_path()]
        written += [path for path in [_PROTECTION.get(self._manager_name())] if path]
        return [path for path in written if os.path.isdir(os.path.dirname(path))]

    def _marker_path(self) -> str:
        version = self.contract["version"]
        folders = standard_library_folders(version) or ["/usr/lib64/python" + version]
        # Where os.py is, sysconfig's path "stdlib" is; the other one of the two holds add-on modules only.
        stdlib = [folder for folder in folders if os.path.exists(os.path.join(folder, "os.py"))]
        return os.path.join((stdlib or folders)[0], MARKER)

    def _plan_unversioned(self, wish: str) -> t.List[PinStep]:
        return UnversionedPlanner(self.host).plan(wish, self.record.entry("unversioned"))

    def _plan_python3(self, wish: str) -> t.List[PinStep]:
        return CommandPlanner(self.host).plan(wish, self.record.entry("python3"))

    def _plan_marker(self, wish: str) -> t.List[PinStep]:
        entry = self.record.entry("marker")
        if wish == "absent":
            return want_no_file(entry)
        path = self._marker_path()
        if self.host.rpm.owners([path]).get(path):
            # Its package ships one, and the rules about packages watch it.
            return want_no_file(entry) if entry and entry["path"] != path else []
        return want_file(path, _MARKER_TEXT, entry, accept=lambda text: "[externally-managed]" in text)

    def _plan_pip_config(self, wish: str) -> t.List[PinStep]:
        entry = self.record.entry("pip_config")
        return want_no_text(entry) if wish == "absent" else want_pip_option(PIP_CONFIG, entry)

    def _plan_protection(self, wish: str) -> t.List[PinStep]:
        entry = self.record.entry("protection")
        if wish == "absent":
            return want_no_file(entry)
        name = self._manager_name()
        if name not in _PROTECTION:
            named = f"the package manager {name}" if name else "no package manager"
            raise PinImpossibleError(
                f"The packages of the system Python cannot be protected: the contract names {named}. Known are dnf and "
                "zypper.",
                part="protection",
                possible=[],
            )
        installed = [package for package in self.contract["packages"] if package in self.host.observation["packages"]]
        lines = "".join(f"{'requires:' if name == 'zypper' else ''}{package}\n" for package in installed)
        return want_file(_PROTECTION[name], HEADER + lines, entry)

    def _manager_name(self) -> str:
        manager = self.contract["manager"]
        return manager["name"] if manager else ""

    def _plan_attributes(self, wish: str) -> t.List[PinStep]:
        if wish == "absent":
            paths = self.record.immutable()
            steps = [PinStep(action="clear_immutable", path=path) for path in paths if is_immutable(path)]
            if not steps:
                return [PinStep(action="forget", path=path) for path in paths[:1]]
        else:
            binaries = sorted({os.path.realpath(one["path"]) for one in self.contract["binaries"]})
            steps = [PinStep(action="set_immutable", path=path) for path in binaries if not is_immutable(path)]
        for step in steps:
            require_attributes(step["path"])
        return steps

    def notes(self) -> t.List[str]:
        """Return what one has to know about the parts that are wanted, on this host."""
        found = []
        packages = [nevra for name, nevra in self.host.observation["packages"].items() if _PIP_PACKAGE.match(name)]
        pip = _PIP_VERSION.search(packages[0]) if packages else None
        if self.settings.marker == "present" and pip and (int(pip.group(1)), int(pip.group(2))) < _PIP_KNOWS_MARKER:
            found.append(
                f"pip {pip.group(1)}.{pip.group(2)} of this host does not know {MARKER} (pip 23.0 and newer do): "
                "pip_config is what keeps it out"
            )
        if self.settings.attributes == "present":
            found.append("updates of the system Python fail until attributes is absent again")
        return found
