# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Say what one venv is: by its pyvenv.cfg, the links in its bin, its folders of packages. Nothing of it is run."""

import contextlib
import functools
import os
import pwd
import re
import stat
import typing as t

from .._audit.contract import system_pythons
from .._audit.interpreters import Candidate, interrogate
from .._audit.records import Interpreter
from .._base.paths import is_in
from .._base.text import json_text, printable
from .._disk.files import octal_mode, read_small
from .._disk.links import resolve
from .._trust.owners import package_owners
from .._usage.places import listed
from .._usage.reading import reading_below
from .alive import Interpreters, foreign_base, moved_from
from .config import CONFIG_NAME, VenvConfig, parse_config
from .packages import installed_packages, is_seed, site_folders
from .records import BasePython, BinPython, CensusSettings, Package, Venv, minor_of
from .walk import is_hidden_venv

__all__ = ["Owners", "VenvReader", "describe_venv", "python_names"]

# Asks the package database which package owns each of the paths.
Owners = t.Callable[[t.Iterable[str]], t.Mapping[str, str]]
_Packages = t.Mapping[str, t.Sequence[Package]]

# So uv names the folders of its Pythons, wherever they are: cpython-3.12.13-linux-x86_64-gnu, 3.13.1+freethreaded.
_UV_MANAGED = re.compile(r"/(?:cpython|pypy|graalpy|pyodide)-\d+\.\d+[\w.+]*-[a-z]+-\w+-\w+/bin/[^/]+$")
_MINOR = re.compile(r"(\d+\.\d+)t?$")
_PYTHON = re.compile(r"(?:python|pypy)(?:\d+(?:\.\d+)?)?t?$")


def describe_venv(path: str, settings: t.Optional[CensusSettings] = None) -> Venv:
    """Return the record of the one venv at C(path), without who uses it; C(path) must have a pyvenv.cfg."""
    reader = VenvReader(settings or CensusSettings())
    with reading_below(path):
        described = reader.describe(path)
    return reader.with_runtimes([described], package_owners)[0]


class VenvReader:
    """Reads venvs; an interpreter that many of them hang on is looked at once."""

    def __init__(self, settings: CensusSettings) -> None:
        self.settings = settings
        self._known: t.Dict[t.Tuple[int, str], Interpreter] = {}
        self._names: t.Dict[int, str] = {}
        self._interpreters = Interpreters()
        self._foreign_base = functools.lru_cache(maxsize=None)(foreign_base)

    def describe(self, path: str) -> Venv:
        """Return the record of the venv at C(path), as yet without C(runtime)."""
        config, problem = _config(path)
        found = os.lstat(path)
        packages = {minor: tuple(installed_packages(site)) for minor, site in site_folders(path).items()}
        minor = _packages_minor(packages, config)
        venv = Venv(
            path=path,
            tool=_tool(path, config),
            home=json_text(config.home),
            home_exists=os.path.isdir(config.home),
            version=json_text(config.version),
            system_site_packages=config.system_site_packages,
            owner=self._owner(found.st_uid),
            uid=found.st_uid,
            gid=found.st_gid,
            mode=octal_mode(found.st_mode),
            pythons=tuple(self._python(path, name) for name in python_names(path)),
            site_packages=tuple(sorted(packages, key=_minor_key)),
            packages_minor=minor,
            packages=packages.get(minor or "", ()) if self.settings.packages else None,
            size=_size(path) if self.settings.sizes else None,
        )
        state, reasons = _state(venv, problem, packages)
        lack = "" if state == "dead" else self._lack(venv)
        if lack:
            state, reasons = "dead", [lack, *reasons]
        # What a run keeps beside a venv lies elsewhere on purpose.
        moved = "" if is_hidden_venv(os.path.basename(path)) else moved_from(path)
        if moved:
            reasons.append(f"it was made in {printable(moved)}, where its scripts look for their interpreter")
            state = "moved" if state == "alive" else state
        return venv._replace(state=state, reasons=tuple(reasons), moved_from=json_text(moved))

    def _lack(self, venv: Venv) -> str:
        """Return what the venv's interpreter lacks to start, nothing where it has it all, or cannot be judged."""
        real, base = venv.interpreter, _base_interpreter(venv)
        version = venv.interpreter_version or ""
        if not real or not base or self._interrogated(real)["kind"] != "elf" or "pypy" in os.path.basename(real):
            return ""
        minor = minor_of(version) if "." in version else venv.packages_minor
        lack = self._interpreters.lack(real, os.path.dirname(base), minor) if minor else ""
        return lack and f"{printable(real)} does not start: {lack}"

    def _python(self, venv: str, name: str) -> BinPython:
        hops = resolve(os.path.join(venv, "bin", name))
        last = hops[-1]
        target = json_text(last["path"])
        python = BinPython(name, None, target, tuple(json_text(hop["path"]) for hop in hops))
        if last["kind"] != "file":
            return python
        record = self._interrogated(last["path"])
        if record["kind"] in ("elf", "script") and record["executable"]:
            return python._replace(realpath=target, version=record["version"], reason=record["reason"])
        return python._replace(reason=record["reason"])

    def _interrogated(self, real: str) -> Interpreter:
        # Not everybody may read what another one may.
        key = os.geteuid(), real
        if key not in self._known:
            self._known[key] = interrogate(Candidate(real, "venv"))
        return self._known[key]

    def _owner(self, uid: int) -> str:
        if uid not in self._names:
            try:
                self._names[uid] = pwd.getpwuid(uid).pw_name
            except KeyError:
                self._names[uid] = str(uid)
        return self._names[uid]

    def with_runtimes(self, venvs: t.Sequence[Venv], owners: Owners) -> t.List[Venv]:
        """Return the venvs with the Python that each hangs on."""
        system = {os.path.realpath(path) for path in self.settings.system or system_pythons()}
        bases = [_base_interpreter(venv) for venv in venvs]
        packaged = owners({base for base in bases if base})
        return [
            venv._replace(
                runtime=BasePython(
                    self._kind(venv, base, system, packaged), base or venv.home, packaged.get(base or "")
                )
            )
            for venv, base in zip(venvs, bases)
        ]

    def _kind(self, venv: Venv, base: t.Optional[str], system: t.Set[str], packaged: t.Mapping[str, str]) -> str:
        if base is None:
            return "gone"
        if is_in(base, os.path.realpath(self.settings.runtimes)):
            return "own"
        foreign = self._foreign_base(base, venv.home)
        if foreign:
            return foreign
        if base in system:
            return "system"
        if base in packaged:
            return "package"
        return "uv-managed" if _UV_MANAGED.search(base) else "other"


def _base_interpreter(venv: Venv) -> t.Optional[str]:
    """Return the interpreter that the venv hangs on: for one with a copy of it, the one in its home."""
    real = venv.interpreter
    if real is None or not is_in(real, os.path.realpath(venv.path)):
        return real
    for name in ("python" + (venv.packages_minor or ""), "python3", "python"):
        candidate = os.path.realpath(os.path.join(venv.home, name))
        named = _MINOR.search(os.path.basename(candidate))
        # A copy runs with the library of its own version only.
        is_other = named and venv.packages_minor and named.group(1) != venv.packages_minor
        if venv.home and not is_other and os.path.isfile(candidate):
            return candidate
    return None


def python_names(venv: str) -> t.List[str]:
    """Return the names of the interpreters in a venv's bin folder, whether they lead somewhere or not."""
    # Without a bin folder it has none: the venv is dead, which is what is reported.
    return [name for name in listed(os.path.join(venv, "bin")) if _PYTHON.match(name)]


def _config(path: str) -> t.Tuple[VenvConfig, t.Optional[str]]:
    try:
        return parse_config(read_small(os.path.join(path, CONFIG_NAME))), None
    except OSError as error:
        return VenvConfig({}), f"its {CONFIG_NAME} cannot be read: {error.strerror}"


def _tool(path: str, config: VenvConfig) -> str:
    marks = (("pipx_metadata.json", "pipx"), ("uv-receipt.toml", "uv tool"))
    return next((tool for mark, tool in marks if os.path.exists(os.path.join(path, mark))), config.tool)


def _packages_minor(packages: _Packages, config: VenvConfig) -> t.Optional[str]:
    """Return the minor version whose folder holds the packages; seeds alone count only where there is no more."""
    if not packages:
        return config.minor or None
    return max(packages, key=lambda minor: (_count_wanted(packages[minor]), minor == config.minor, _minor_key(minor)))


def _count_wanted(packages: t.Iterable[Package]) -> int:
    """Return how many packages there are but those that a venv begins with."""
    return sum(not is_seed(package.name) for package in packages)


def _minor_key(minor: str) -> t.List[int]:
    return [int(part) for part in minor.split(".")]


def _state(venv: Venv, problem: t.Optional[str], packages: _Packages) -> t.Tuple[str, t.List[str]]:
    """Return the state and the reasons for it, sentences without a full stop."""
    reasons = _why_dead(venv, problem)
    if reasons:
        return "dead", reasons
    dangling = [f"bin/{name} leads to {target}, which is gone" for name, target in sorted(venv.dangling.items())]
    version = venv.interpreter_version or ""
    minor = minor_of(version) if "." in version else None
    is_seeded = minor in packages and not _count_wanted(packages[str(venv.packages_minor)])
    if minor is None or not packages or minor == venv.packages_minor or is_seeded:
        return "alive", dangling
    drift = f"its interpreter is Python {minor}, its packages are in lib/python{venv.packages_minor}"
    return "drifted", [drift] + dangling


def _why_dead(venv: Venv, problem: t.Optional[str]) -> t.List[str]:
    """Return the reasons why nothing can run in the venv, none when something can."""
    main = venv.main
    if problem or main is None:
        return [problem or "there is no python in its bin folder"]
    if main.realpath is None and main.reason:
        return [f"{main.target} is not an interpreter: {main.reason}"]
    if main.realpath is None:
        return [f"its interpreter is gone: {main.target}"]
    if venv.home and not venv.home_exists:
        return [f"the folder of its interpreter is gone: {printable(venv.home)}"]
    if _base_interpreter(venv) is None:
        return [f"it has a copy of an interpreter that is gone from {printable(venv.home)}"]
    return []


def _size(path: str) -> int:
    """Return the bytes of all files in C(path); a hard-linked file is counted once."""
    sizes: t.Dict[t.Tuple[int, int], int] = {}
    waiting = [path]
    while waiting:
        parent = waiting.pop()
        for name in listed(parent):
            # What vanished, is closed to us or too deep is left out: the size is what can be seen.
            with contextlib.suppress(OSError):
                found = os.lstat(os.path.join(parent, name))
                is_folder = stat.S_ISDIR(found.st_mode)
                sizes[found.st_dev, found.st_ino] = 0 if is_folder else found.st_size
                waiting += [os.path.join(parent, name)] if is_folder else []
    return sum(sizes.values())
