# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What a runtime needs of the system: the libraries outside of its folder that it is linked with, and which are gone.

What the dynamic loader would take is worked out from the files; nothing is run.
"""

import contextlib
import os
import typing as t

from .._base.command import CommandRunner, run_command
from .._base.errors import SystemPythonError
from .._base.paths import is_in
from .._base.text import json_text, printable
from .._disk.root import HOST
from .._loader.search import Loader, Wanted, what_is_loaded
from .._rpm.asking import host_command
from .._trust.manifest import Manifest, RuntimeNeed
from .._trust.owners import package_owners
from .._usage.places import listed

__all__ = ["LostLibrary", "lost_libraries", "needs_of"]

_QUERY = 60.0
_IS_64 = 2


class LostLibrary(t.NamedTuple):
    """A library that the runtime needs and the loader does not find, or finds damaged.

    C(by) is what wants it, C(why) what is wrong with it, C(advice) how it comes back.
    """

    name: str
    by: str
    why: str
    advice: str

    def sentence(self) -> str:
        """Return it in words, without a full stop."""
        return f"{printable(self.by)} needs {printable(self.name)}, {self.why} ({printable(self.advice)})"


def needs_of(folder: str, minor: str) -> t.Dict[str, RuntimeNeed]:
    """Return the libraries outside of C(folder) that the runtime in it loads, by name."""
    needed = {one.name: one for one in _wanted(folder, minor) if one.taken and not _is_own(one.taken[0].real, folder)}
    owners: t.Mapping[str, str] = {}
    with contextlib.suppress(SystemPythonError):
        # Only an advice hangs on the name.
        owners = package_owners([one.taken[0].real for one in needed.values()])
    return {
        json_text(name): RuntimeNeed(path=json_text(one.taken[0].real), package=owners.get(one.taken[0].real, ""))
        for name, one in sorted(needed.items())
    }


def lost_libraries(
    folder: str, minor: str, manifest: Manifest, family: str, runner: CommandRunner = run_command
) -> t.List[LostLibrary]:
    """Return what the runtime could load when it was installed, and cannot any more.

    Of a runtime that was installed before this was written down, everything that it cannot load.
    """
    known = manifest.get("needs")
    lost = []
    for one in _wanted(folder, minor):
        why = _what_is_wrong(one)
        if why and (known is None or json_text(one.name) in known):
            by = os.path.relpath(one.by, os.path.realpath(folder)) if _is_own(one.by, folder) else one.by
            package = (known or {}).get(json_text(one.name), RuntimeNeed(path="", package=""))["package"]
            lost.append(LostLibrary(json_text(one.name), json_text(by), why, _advice(one, package, family, runner)))
    return lost


def _what_is_wrong(wanted: Wanted) -> str:
    if not wanted.taken:
        return "which is not there"
    damage = wanted.taken[0].damage
    return f"which is damaged: {damage}" if damage else ""


def _wanted(folder: str, minor: str) -> t.List[Wanted]:
    """Return what the interpreter and the modules that come with it load."""
    real = os.path.realpath(folder)
    modules = os.path.realpath(os.path.join(real, "lib", "python" + minor, "lib-dynload"))
    return what_is_loaded(
        Loader(HOST),
        os.path.realpath(os.path.join(real, "bin", "python" + minor)),
        [os.path.join(modules, name) for name in sorted(listed(modules)) if name.endswith(".so")],
    )


def _is_own(path: str, folder: str) -> bool:
    return is_in(path, os.path.realpath(folder))


def _advice(wanted: Wanted, package: str, family: str, runner: CommandRunner) -> str:
    """Return which command brings the library back. C(package): who owned it when the runtime was installed."""
    if family == "debian":
        return (
            f"apt-get install --reinstall {package}" if package else f"apt-file search {wanted.name} names its package"
        )
    elf = Loader(HOST).read(wanted.by)[0]
    capability = wanted.name + ("()(64bit)" if elf and elf.form[0] == _IS_64 else "")
    installed = _provider(capability, runner) if family else ""
    if installed:
        again = "zypper install --force" if family == "suse" else "dnf reinstall"
        return f"the package {installed}, which is installed, has it: {again} {installed}"
    command = {"rhel": "dnf install", "suse": "zypper install"}.get(family, "")
    was = f"it was in the package {package}" if package else ""
    how = f"{command} '{capability}'" if command else "install the package that has it"
    return f"{was}: {how}" if was else how


def _provider(capability: str, runner: CommandRunner) -> str:
    argv = [*host_command(), "-q", "--whatprovides", capability, "--qf", "%{NAME}\n"]
    done = runner(argv, timeout=_QUERY)
    return done.out.split("\n")[0].strip() if done.rc == 0 else ""
