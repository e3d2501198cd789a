# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Find every venv of a host and say what it is, what is in it, what it hangs on and who uses it.

Nothing of a venv is ever run, and no link is followed on the way to one. The walk does not go into a venv, which is
most of the files there are: a thousand venvs take seconds.
"""

import os
import pwd
import re
import stat
import time
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._contract import contract_for, parse_os_release
from ansible_collections.fleet.system_python.plugins.module_utils._errors import UnknownPlatformError
from ansible_collections.fleet.system_python.plugins.module_utils._interpreters import Candidate, Record, interrogate
from ansible_collections.fleet.system_python.plugins.module_utils._package_owners import package_owners
from ansible_collections.fleet.system_python.plugins.module_utils._resolution import resolve
from ansible_collections.fleet.system_python.plugins.module_utils._text import json_text, printable
from ansible_collections.fleet.system_python.plugins.module_utils._venv_config import (
    CONFIG_NAME,
    VenvConfig,
    parse_config,
    read_small,
)
from ansible_collections.fleet.system_python.plugins.module_utils._venv_packages import (
    installed_packages,
    site_folders,
)
from ansible_collections.fleet.system_python.plugins.module_utils._venv_usage import PLACES, Places, users_of

__all__ = [
    "DEFAULT_EXCLUDE",
    "DEFAULT_ROOTS",
    "RUNTIMES",
    "STATES",
    "CensusSettings",
    "Venv",
    "describe_venv",
    "is_hidden_venv",
    "python_names",
    "system_pythons",
    "take_census",
]

# C({path, tool, state, ...}); docs/venvs.md has every key.
Venv = t.Dict[str, t.Any]

_Packages = t.Mapping[str, t.Sequence[t.Mapping[str, t.Any]]]

# alive; drifted: the interpreter has another minor version than the packages; dead: the interpreter is gone.
STATES = ("alive", "drifted", "dead")

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

_NEVER = ("/proc", "/sys", "/dev")
_NETWORK = re.compile(
    rb"^(?:nfs\d?|cifs|smb\d?|smbfs|9p|afs|ceph|lustre|gpfs|beegfs|autofs|fuse\.(?!ext|ntfs|overlay).*)$"
)
# Of these, what holds nobody's files.
_NO_HOMES = re.compile(rb"fuse\.(?:lxcfs|portal|gvfsd-fuse|snapfuse|squashfuse)$")
# Where no venv of its own lies, and most files do.
_PRUNED = {".git", ".hg", ".svn", "__pycache__", "node_modules", "site-packages", "dist-packages", ".snapshots"}
_LIBRARY = re.compile(r"(?:python|pypy)\d+\.\d+t?$")
_INSIDE = {"bin", "include", "lib", "lib64", "share", "Scripts", "Lib"}
# What is not worth a repair by itself.
_SEEDS = {"pip", "setuptools", "wheel", "pkg-resources", "distribute"}
_PYTHON = re.compile(r"(?:python|pypy)(?:\d+(?:\.\d+)?)?t?$")
_SHOWN = 20

# Folders that a run of python_venv makes beside a venv: what it builds, and what it keeps.
_HIDDEN = re.compile(r"^\.(?:new|old|aside)-.+\.fleet\.system_python$")


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
    mountinfo: str = "/proc/self/mountinfo"


def is_hidden_venv(name: str) -> bool:
    """Tell whether a folder's name is one that the module python_venv gives what it builds or keeps."""
    return bool(_HIDDEN.match(name))


def take_census(
    settings: t.Optional[CensusSettings] = None,
    owners: t.Callable[[t.Iterable[str]], t.Dict[str, str]] = package_owners,
    clock: t.Callable[[], float] = time.monotonic,
) -> t.Dict[str, t.Any]:
    """Return C({venvs, conda, partial, reasons, seconds, folders}): C(venvs) by path, C(reasons) why it is partial.

    C(owners) asks the package database about the interpreters, once.
    """
    settings = settings or CensusSettings()
    began = clock()
    walk = _Walk(settings, clock, began + settings.time_limit)
    paths = walk.run()
    judge = _Judge(settings)
    venvs: t.List[Venv] = []
    for path in paths:
        if clock() > began + settings.time_limit:
            walk.note(
                "{0} of {1} venvs were not looked into: the time limit of {2:.0f} s was over".format(
                    len(paths) - len(venvs), len(paths), settings.time_limit
                )
            )
            break
        venvs.append(judge.describe(path))
    judge.add_runtimes(venvs, owners)
    users = users_of([venv["path"] for venv in venvs], settings.places) if settings.usage else {}
    for venv in venvs:
        venv["used_by"] = users.get(venv["path"]) if settings.usage else None
        venv["path"] = json_text(venv["path"])
    return {
        "venvs": venvs,
        "conda": [json_text(path) for path in sorted(walk.conda)],
        "partial": bool(walk.reasons),
        "reasons": walk.told(),
        "folders": walk.folders,
        "seconds": round(clock() - began, 3),
    }


def system_pythons(os_release: str = "/etc/os-release") -> t.List[str]:
    """Return the interpreters that belong to the OS: those of its contract, else what /usr/bin/python3 leads to."""
    release = {}
    if os.path.exists(os_release):
        with open(os_release, encoding="utf-8", errors="replace") as stream:
            release = parse_os_release(stream.read())
    try:
        contract = contract_for(release)
    except UnknownPlatformError:
        return [os.path.realpath("/usr/bin/python3")]
    return [path for binary in contract["binaries"] for path in [binary["path"]] + list(binary["twins"])]


def describe_venv(path: str, settings: t.Optional[CensusSettings] = None) -> Venv:
    """Return the record of the one venv at C(path), without who uses it; C(path) must have a pyvenv.cfg."""
    judge = _Judge(settings or CensusSettings())
    venv = judge.describe(path)
    judge.add_runtimes([venv], package_owners)
    return venv


# ---------------------------------------------------------------------------------------------------------------------
# The walk


class _Walk:
    def __init__(self, settings: CensusSettings, clock: t.Callable[[], float], end: float) -> None:
        self.settings = settings
        self.clock = clock
        self.end = end
        self.folders = 0
        self.conda: t.List[str] = []
        self.reasons: t.List[str] = []
        self.closed: t.List[str] = []
        self.mounts = _mounts(settings.mountinfo)
        self.excluded = {os.path.realpath(path) for path in settings.exclude + _NEVER}
        self.seen: t.Set[t.Tuple[int, int]] = set()

    def note(self, reason: str) -> None:
        self.reasons.append(reason)

    def told(self) -> t.List[str]:
        reasons = list(self.reasons)
        if len(self.closed) > _SHOWN:
            reasons.append("and {0} more folders that may not be read".format(len(self.closed) - _SHOWN))
        return reasons

    def run(self) -> t.List[str]:
        found: t.List[str] = []
        for root in _distinct(self.settings.roots):
            if root not in self.excluded and not self._is_on_network(root) and self._is_there(root):
                found += self._below(root)
        return sorted(set(found))

    def _is_on_network(self, root: str) -> bool:
        """Tell whether a root that nobody named is on a network file system, by the table of mounts alone."""
        if self.settings.roots != DEFAULT_ROOTS:
            return False
        point = root
        while point != "/" and os.fsencode(point) not in self.mounts:
            point = os.path.dirname(point)
        # Hosts without a disk have it all on the network.
        return point != "/" and self._is_left_out(point)

    def _is_left_out(self, point: str) -> bool:
        kind = self.mounts[os.fsencode(point)]
        if self.settings.network or not _NETWORK.match(kind):
            return False
        if self.settings.whole and not _NO_HOMES.match(kind):
            self.note("{0} is on the network ({1}) and was left out".format(printable(point), kind.decode("ascii")))
        return True

    def _is_there(self, root: str) -> bool:
        """Tell whether there is such a folder. One that is gone is no news, one that is closed to us is."""
        try:
            return stat.S_ISDIR(os.stat(root).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            self.note("{0} cannot be read: {1}".format(printable(root), error.strerror))
            return False

    def _below(self, root: str) -> t.List[str]:
        found: t.List[str] = []
        stack = [(root, 0)]
        while stack:
            folder, level = stack.pop()
            if self.clock() > self.end:
                self.note(
                    "the time limit of {0:.0f} s was over in {1}".format(self.settings.time_limit, printable(folder))
                )
                break
            self.folders += 1
            names = self._names(folder)
            if names is None:
                continue
            is_venv = CONFIG_NAME in names and os.path.isfile(os.path.join(folder, CONFIG_NAME))
            if is_venv and (self.settings.kept or not is_hidden_venv(os.path.basename(folder))):
                found.append(folder)
            if "conda-meta" in names:
                self.conda.append(folder)
                names = [name for name in names if name == "envs"]
            if level < self.settings.depth:
                inside = _INSIDE if is_venv else ()
                stack += [
                    (os.path.join(folder, name), level + 1)
                    for name in names
                    if name not in inside and name != CONFIG_NAME and self._is_wanted(folder, name)
                ]
        return found

    def _names(self, folder: str) -> t.Optional[t.List[str]]:
        """Return the folders in C(folder), without links, and the file that makes it a venv."""
        try:
            with os.scandir(folder) as entries:
                return [
                    entry.name for entry in entries if entry.name == CONFIG_NAME or entry.is_dir(follow_symlinks=False)
                ]
        except FileNotFoundError:
            # Somebody removed it since its name was read.
            return None
        except OSError as error:
            self.closed.append(folder)
            if len(self.closed) <= _SHOWN:
                self.note("{0} cannot be read: {1}".format(printable(folder), error.strerror))
            return None

    def _is_wanted(self, folder: str, name: str) -> bool:
        if name in _PRUNED or (_LIBRARY.match(name) and os.path.basename(folder) in ("lib", "lib64")):
            return False
        path = os.path.join(folder, name)
        if path in self.excluded:
            return False
        kind = self.mounts.get(os.fsencode(path))
        if kind is None:
            return True
        if not self.settings.cross_mounts or self._is_left_out(path):
            return False
        # A folder that is mounted below itself would be walked for ever.
        try:
            there = os.stat(path)
        except OSError as error:
            # A user's FUSE is closed to root, a dead mount to everybody.
            self.note("{0} cannot be read: {1}".format(printable(path), error.strerror))
            return False
        key = (there.st_dev, there.st_ino)
        fresh = key not in self.seen
        self.seen.add(key)
        return fresh


def _distinct(roots: t.Iterable[str]) -> t.List[str]:
    """Return the real paths of C(roots) without those that are inside of another."""
    kept: t.List[str] = []
    for root in sorted(os.path.realpath(root) for root in roots):
        if not kept or (root != kept[-1] and not root.startswith(kept[-1].rstrip("/") + "/")):
            kept.append(root)
    return kept


def _mounts(mountinfo: str) -> t.Dict[bytes, bytes]:
    """Return the kind of file system of every mount point, see proc(5)."""
    found = {}
    try:
        with open(mountinfo, "rb") as table:
            lines = table.read().splitlines()
    except OSError:
        # A host without /proc: then mount points cannot be told from folders.
        return {}
    for line in lines:
        fields = line.split(b" ")
        kind = fields[fields.index(b"-") + 1]
        point = re.sub(rb"\\([0-7]{3})", lambda octal: bytes((int(octal.group(1), 8),)), fields[4])
        found[point] = kind
    return found


# ---------------------------------------------------------------------------------------------------------------------
# One venv


class _Judge:
    def __init__(self, settings: CensusSettings) -> None:
        self.settings = settings
        self.known: t.Dict[str, Record] = {}
        self.names: t.Dict[int, str] = {}

    def describe(self, path: str) -> Venv:
        config, problem = _config(path)
        found = os.lstat(path)
        pythons = self._pythons(path)
        main = _main_of(pythons)
        sites = site_folders(path)
        packages = {minor: installed_packages(site) for minor, site in sites.items()}
        venv: Venv = {
            "path": path,
            "tool": _tool(path, config),
            "home": json_text(config.home),
            "home_exists": os.path.isdir(config.home),
            "version": json_text(config.version),
            "system_site_packages": config.system_site_packages,
            "owner": self._owner(found.st_uid),
            "uid": found.st_uid,
            "gid": found.st_gid,
            "mode": "{0:04o}".format(stat.S_IMODE(found.st_mode)),
            "pythons": {name: one["realpath"] for name, one in pythons.items()},
            "dangling": {name: one["target"] for name, one in pythons.items() if one["realpath"] is None},
            "interpreter": main["realpath"] if main else None,
            "interpreter_version": main["version"] if main else None,
            "links": main["chain"] if main else [],
            "site_packages": sorted(sites, key=_numbers),
            "packages_minor": _packages_minor(packages, config),
            "packages": None,
            "size": _size(path) if self.settings.sizes else None,
        }
        if self.settings.packages:
            venv["packages"] = packages.get(venv["packages_minor"], [])
        venv["state"], venv["reasons"] = _state(venv, problem, main, packages)
        return venv

    def _pythons(self, venv: str) -> t.Dict[str, t.Dict[str, t.Any]]:
        """Return C({name: {realpath, version, target, reason, chain}}) of bin; a dead one has no realpath."""
        found: t.Dict[str, t.Dict[str, t.Any]] = {}
        for name in python_names(venv):
            hops = resolve(os.path.join(venv, "bin", name))
            last = hops[-1]
            there = last["path"] if last["kind"] == "file" else None
            record = self._interrogated(there) if there else None
            usable = record is not None and record["kind"] in ("elf", "script") and record["executable"]
            found[name] = {
                "realpath": json_text(last["path"]) if usable else None,
                "version": record["version"] if record and usable else None,
                "target": json_text(last["path"]),
                "reason": record["reason"] if record else None,
                "chain": [json_text(hop["path"]) for hop in hops],
            }
        return found

    def _interrogated(self, real: str) -> Record:
        if real not in self.known:
            self.known[real] = interrogate(Candidate(real, "venv"))
        return self.known[real]

    def _owner(self, uid: int) -> str:
        if uid not in self.names:
            try:
                self.names[uid] = pwd.getpwuid(uid).pw_name
            except KeyError:
                self.names[uid] = str(uid)
        return self.names[uid]

    def add_runtimes(self, venvs: t.Sequence[Venv], owners: t.Callable[[t.Iterable[str]], t.Dict[str, str]]) -> None:
        """Say of each venv on what it hangs: C(runtime) is C({kind, path, package}).

        C(kind): own (below C(settings.runtimes)), system, package (a parallel one), other, gone.
        """
        system = {os.path.realpath(path) for path in self.settings.system or system_pythons()}
        packaged = owners({base for base in map(_base, venvs) if base} - {""})
        for venv in venvs:
            base = _base(venv)
            venv["runtime"] = {
                "kind": self._kind(base, system, packaged),
                "path": base or venv["home"],
                "package": packaged.get(base or ""),
            }

    def _kind(self, base: t.Optional[str], system: t.Set[str], packaged: t.Mapping[str, str]) -> str:
        if base is None:
            return "gone"
        if _is_in(base, os.path.realpath(self.settings.runtimes)):
            return "own"
        if base in system:
            return "system"
        return "package" if base in packaged else "other"


def _base(venv: Venv) -> t.Optional[str]:
    """Return the interpreter that the venv hangs on: for one with a copy of it, the one in its home."""
    real = venv["interpreter"]
    if real is None or not _is_in(real, os.path.realpath(venv["path"])):
        return t.cast(t.Optional[str], real)
    for name in ("python" + (venv["packages_minor"] or ""), "python3", "python"):
        candidate = os.path.realpath(os.path.join(venv["home"], name))
        if venv["home"] and os.path.isfile(candidate):
            return candidate
    return None


def _is_in(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip("/") + "/")


def python_names(venv: str) -> t.List[str]:
    """Return the names of the interpreters in a venv's bin folder, whether they lead somewhere or not."""
    try:
        return sorted(name for name in os.listdir(os.path.join(venv, "bin")) if _PYTHON.match(name))
    except OSError:
        # Without a bin folder it has none: the venv is dead, which is what is told.
        return []


def _config(path: str) -> t.Tuple[VenvConfig, t.Optional[str]]:
    try:
        return parse_config(read_small(os.path.join(path, CONFIG_NAME))), None
    except OSError as error:
        return VenvConfig({}), "its {0} cannot be read: {1}".format(CONFIG_NAME, error.strerror)


def _tool(path: str, config: VenvConfig) -> str:
    if os.path.exists(os.path.join(path, "pipx_metadata.json")):
        return "pipx"
    if os.path.exists(os.path.join(path, "uv-receipt.toml")):
        return "uv tool"
    return config.tool


def _main_of(pythons: t.Mapping[str, t.Dict[str, t.Any]]) -> t.Optional[t.Dict[str, t.Any]]:
    """Return the interpreter that most scripts start: python, python3, or any other; one that works goes first."""
    names = sorted(pythons, key=lambda name: (pythons[name]["realpath"] is None, len(name), name))
    return pythons[names[0]] if names else None


def _packages_minor(packages: _Packages, config: VenvConfig) -> t.Optional[str]:
    """Return the minor version whose folder holds the packages; seeds alone count only where there is no more."""
    if not packages:
        return config.minor or None
    return max(packages, key=lambda minor: (len(_own(packages[minor])), minor == config.minor, _numbers(minor)))


def _own(packages: t.Iterable[t.Mapping[str, t.Any]]) -> t.List[str]:
    return [package["name"] for package in packages if package["name"].lower() not in _SEEDS]


def _numbers(minor: str) -> t.List[int]:
    return [int(part) for part in minor.split(".")]


def _minor_of(version: t.Optional[str]) -> t.Optional[str]:
    return ".".join(version.split(".")[:2]) if version and "." in version else None


def _state(
    venv: Venv,
    problem: t.Optional[str],
    main: t.Optional[t.Dict[str, t.Any]],
    packages: _Packages,
) -> t.Tuple[str, t.List[str]]:
    """Return the state and the reasons for it, sentences without a full stop."""
    reasons = _why_dead(venv, problem, main)
    if main is None or reasons:
        return "dead", reasons
    dangling = ["bin/{0} leads to {1}, which is gone".format(*one) for one in sorted(venv["dangling"].items())]
    minor = _minor_of(main["version"])
    is_seeded = minor in packages and not _own(packages[venv["packages_minor"]])
    if minor is None or not packages or minor == venv["packages_minor"] or is_seeded:
        return "alive", dangling
    drift = "its interpreter is Python {0}, its packages are in lib/python{1}".format(minor, venv["packages_minor"])
    return "drifted", [drift] + dangling


def _why_dead(venv: Venv, problem: t.Optional[str], main: t.Optional[t.Dict[str, t.Any]]) -> t.List[str]:
    """Return the reasons why nothing can run in the venv, none when something can."""
    if problem or main is None:
        return [problem or "there is no python in its bin folder"]
    if main["realpath"] is None and main["reason"]:
        return ["{0} is no interpreter: {1}".format(main["target"], main["reason"])]
    if main["realpath"] is None:
        return ["its interpreter is gone: {0}".format(main["target"])]
    if venv["home"] and not venv["home_exists"]:
        return ["the folder of its interpreter is gone: {0}".format(printable(venv["home"]))]
    if _base(venv) is None:
        return ["it has a copy of an interpreter that is gone from {0}".format(printable(venv["home"]))]
    return []


def _size(path: str) -> int:
    """Return the bytes of all files in C(path); a hard-linked file is counted once."""
    total = 0
    seen: t.Set[int] = set()
    stack = [path]
    while stack:
        try:
            with os.scandir(stack.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        stack.append(entry.path)
                        continue
                    found = entry.stat(follow_symlinks=False)
                    # Only names of one file can repeat a number.
                    if found.st_nlink == 1:
                        total += found.st_size
                    elif found.st_ino not in seen:
                        total += found.st_size
                        seen.add(found.st_ino)
        except OSError:
            # A folder that vanished or is closed to us: the size is what can be seen.
            continue
    return total
