# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The records of the wing: a venv, what is in it, what it hangs on and who uses it; and what a census looks at.

C(as_dict) gives the form in which modules return them, which docs/venvs.md describes.
"""

import typing as t

from .._disk.mounts import MOUNTINFO
from .._usage.places import PLACES, Places

__all__ = [
    "DEFAULT_EXCLUDE",
    "DEFAULT_ROOTS",
    "RUNTIMES",
    "BasePython",
    "BinPython",
    "BuildRecord",
    "Census",
    "CensusSettings",
    "InterpreterNames",
    "Origin",
    "Package",
    "Use",
    "Venv",
    "VenvBefore",
    "VenvOutcome",
    "VenvResult",
    "minor_of",
]

DEFAULT_ROOTS = (
    "/opt",
    "/srv",
    "/home",
    "/root",
    "/var/lib",
    "/var/opt",
    "/var/www",
    "/usr/local",
    "/usr/share/python",
    "/app",
    "/apps",
    "/data",
)
# Whole file systems of containers and snapshots: their venvs are not this host's.
DEFAULT_EXCLUDE = (
    "/var/lib/docker",
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/kubelet",
    "/var/lib/lxc",
    "/var/lib/machines",
)
RUNTIMES = "/opt/python"


class CensusSettings(t.NamedTuple):
    """What a census looks at. C(depth): levels below a root; C(time_limit): seconds; C(kept): also what a run keeps.

    C(network): also network file systems; those among C(roots) are left out only where these are the default ones.
    C(whole): what is left out as one makes the census partial. C(system): the system's interpreters, by default those
    that this release promises; the rest by name.
    """

    roots: t.Tuple[str, ...] = DEFAULT_ROOTS
    exclude: t.Tuple[str, ...] = DEFAULT_EXCLUDE
    depth: int = 8
    time_limit: float = 60.0
    cross_mounts: bool = True
    network: bool = False
    whole: bool = False
    packages: bool = True
    usage: bool = True
    sizes: bool = False
    kept: bool = False
    runtimes: str = RUNTIMES
    system: t.Tuple[str, ...] = ()
    places: Places = PLACES
    mountinfo: str = MOUNTINFO


class Origin(t.NamedTuple):
    """Where a package came from that came from no index. C(kind): editable, vcs, archive, local or unknown."""

    kind: str
    url: str


class Package(t.NamedTuple):
    """An installed distribution. C(installer) is empty for pip, C(origin) None for a package of an index."""

    name: str
    version: str
    installer: str = ""
    origin: t.Optional[Origin] = None

    def as_dict(self) -> t.Dict[str, object]:
        """Return C({name, version}), and C(installer) and C(origin) where they say something."""
        data = dict(self._asdict(), origin=self.origin and dict(self.origin._asdict()))
        return {key: value for key, value in data.items() if value or key in ("name", "version")}


class Use(t.NamedTuple):
    """Who uses a venv. C(kind): systemd, cron, script, link or process; C(via): the script that a unit starts."""

    kind: str
    name: str
    path: str
    via: str = ""

    def as_dict(self) -> t.Dict[str, str]:
        """Return C({kind, name, path}), and C(via) where there is one."""
        return {key: value for key, value in self._asdict().items() if value or key != "via"}


class BinPython(t.NamedTuple):
    """A name of the interpreter in a venv's bin.

    C(realpath) is None where it leads to none: then C(target) is where it leads, and C(reason) what is wrong with that.
    C(chain) has every hop, C(version) is what the file itself says.
    """

    name: str
    realpath: t.Optional[str]
    target: str
    chain: t.Tuple[str, ...] = ()
    version: t.Optional[str] = None
    reason: t.Optional[str] = None


class BasePython(t.NamedTuple):
    """The Python that a venv hangs on.
    C(kind): own (below the folder of runtimes), system, package (a parallel one), uv-managed, shim (of pyenv or asdf),
    conda, venv (that of another venv), other, gone. C(path) is its interpreter, or the folder where it was; C(package)
    the package that owns it.
    """

    kind: str
    path: str
    package: t.Optional[str] = None


class Venv(t.NamedTuple):
    """One venv. C(home), C(version), C(system_site_packages) as its pyvenv.cfg says; C(mode) is octal.

    C(state): alive; drifted, the interpreter has another minor version than the packages; dead, it is gone, or what it
    needs to start; moved, it lies elsewhere than it was made, which C(moved_from) says.

    C(packages_minor) is the minor version whose folder holds the packages; C(packages) and C(size) (bytes) are None
    where nobody looked, C(used_by) likewise. C(reasons): sentences without a full stop that tell why it is not alive.
    """

    path: str
    state: str = "alive"
    reasons: t.Tuple[str, ...] = ()
    tool: str = "venv"
    home: str = ""
    home_exists: bool = True
    version: str = ""
    system_site_packages: bool = False
    owner: str = "root"
    uid: int = 0
    gid: int = 0
    mode: str = "0755"
    pythons: t.Tuple[BinPython, ...] = ()
    site_packages: t.Tuple[str, ...] = ()
    packages_minor: t.Optional[str] = None
    packages: t.Optional[t.Tuple[Package, ...]] = None
    size: t.Optional[int] = None
    moved_from: str = ""
    runtime: BasePython = BasePython("gone", "")
    used_by: t.Optional[t.Tuple[Use, ...]] = None

    @property
    def main(self) -> t.Optional[BinPython]:
        """Return the interpreter that most scripts start: python, python3, or any other; one that works goes first."""
        return min(self.pythons, key=lambda one: (one.realpath is None, len(one.name), one.name), default=None)

    @property
    def interpreter(self) -> t.Optional[str]:
        """Return the file that runs, None where there is none."""
        return self.main.realpath if self.main else None

    @property
    def interpreter_version(self) -> t.Optional[str]:
        """Return the full version of the interpreter, None where it is not known."""
        return self.main.version if self.main else None

    @property
    def links(self) -> t.Tuple[str, ...]:
        """Return the hops from the venv's own name to the interpreter."""
        return self.main.chain if self.main else ()

    @property
    def dangling(self) -> t.Dict[str, str]:
        """Return C({name: where it leads}) of the names in bin that lead to no interpreter."""
        return {one.name: one.target for one in self.pythons if one.realpath is None}

    def as_dict(self) -> t.Dict[str, object]:
        """Return the record in plain types."""
        data: t.Dict[str, object] = dict(self._asdict())
        data.update(
            pythons={one.name: one.realpath for one in self.pythons},
            dangling=self.dangling,
            interpreter=self.interpreter,
            interpreter_version=self.interpreter_version,
            packages=None if self.packages is None else [one.as_dict() for one in self.packages],
            runtime=dict(self.runtime._asdict()),
            used_by=None if self.used_by is None else [one.as_dict() for one in self.used_by],
        )
        data.update(links=list(self.links), reasons=list(self.reasons), site_packages=list(self.site_packages))
        return data


class Census(t.NamedTuple):
    """The venvs of a host, by path. C(reasons) tell why it is partial; C(conda) are folders of conda environments.

    C(without_config): folders with a script activate and no pyvenv.cfg, as virtualenv made them before its version 20.

    C(folders): how many were read; C(seconds): how long it took.
    """

    venvs: t.Tuple[Venv, ...] = ()
    conda: t.Tuple[str, ...] = ()
    without_config: t.Tuple[str, ...] = ()
    reasons: t.Tuple[str, ...] = ()
    folders: int = 0
    seconds: float = 0.0

    @property
    def partial(self) -> bool:
        """Return whether something was not looked at."""
        return bool(self.reasons)

    def as_dict(self) -> t.Dict[str, object]:
        """Return the record in plain types."""
        data: t.Dict[str, object] = dict(self._asdict(), partial=self.partial)
        data.update(venvs=[one.as_dict() for one in self.venvs], conda=list(self.conda), reasons=list(self.reasons))
        data.update(without_config=list(self.without_config))
        return data


class BuildRecord(t.NamedTuple):
    """What python_venv wrote down in a venv about how it was made; C(requirements) is their digest."""

    interpreter: str
    minor: str
    requirements: str
    system_site_packages: bool
    packages: t.Mapping[str, str]


if t.TYPE_CHECKING:

    class InterpreterNames(t.TypedDict):
        """The interpreter of a result; C(path) is the name that the venv links to."""

        path: str
        realpath: t.Optional[str]
        version: t.Optional[str]

    class VenvBefore(t.TypedDict):
        """What was there before a run."""

        state: str
        interpreter: t.Optional[str]
        interpreter_version: t.Optional[str]
        packages_minor: t.Optional[str]
        runtime: t.Dict[str, t.Optional[str]]

    class VenvOutcome(t.TypedDict, total=False):
        """What was done, as far as it goes beyond the plan."""

        kept: t.Optional[str]
        imports: t.Dict[str, str]
        packages: t.Dict[str, str]
        foreign_scripts: t.List[str]
        undone: str

    class VenvResult(VenvOutcome):
        """What the module python_venv returns; its documentation has every key."""

        changed: bool
        path: str
        action: str
        reasons: t.List[str]
        user: str
        before: t.Optional[VenvBefore]
        interpreter: t.Optional[InterpreterNames]
        left_out: t.List[str]
        left_behind: t.List[str]

else:
    InterpreterNames = VenvBefore = VenvOutcome = VenvResult = dict


def minor_of(version: str) -> str:
    """Return C(3.13) for C(3.13.5)."""
    return ".".join(version.split(".")[:2])
