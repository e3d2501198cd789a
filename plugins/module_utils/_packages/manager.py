# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The package manager that has the distribution's parallel Pythons: what is installed, and what would be."""

import os
import typing as t

from .._audit.contract import Contract, contract_for, system_pythons
from .._audit.isolated import run_isolated
from .._audit.observation import observe
from .._base.command import CommandRunner, Completed, run_command
from .._base.errors import AcquisitionError, InUseError, SystemPythonError, UnknownPlatformError
from .._base.text import json_text, printable
from .._rpm.database import Rpm
from .._trust.database import DpkgDatabase, PackageDatabase, RpmDatabase
from .._trust.vouch import altered_files, parts_of_python
from .vouched_settings import manager_obstacle

_FAMILIES = (
    ("rhel", ("rhel", "fedora", "centos")),
    ("suse", ("suse", "sles", "opensuse")),
    ("debian", ("debian", "ubuntu")),
)


_QUERY = 60.0


class Installed(t.NamedTuple):
    """A parallel Python that is there: its packages (with versions), interpreter, and paths that were altered."""

    packages: t.Tuple[str, ...]
    interpreter: str
    deviations: t.Tuple[str, ...]


def family_of(os_release: t.Mapping[str, str]) -> str:
    """Return rhel, suse, debian, or an empty string."""
    words = [os_release.get("ID", "")] + os_release.get("ID_LIKE", "").split()
    for family, names in _FAMILIES:
        if any(word.startswith(names) for word in words):
            return family
    return ""


class Manager:
    """What the package managers have in common."""

    def __init__(
        self, minor: str, names: t.Sequence[str], runner: CommandRunner, timeout: float, database: PackageDatabase
    ) -> None:
        self.minor = minor
        self._database = database
        self.names = list(names)
        self._runner = runner
        self._timeout = timeout

    @property
    def interpreter(self) -> str:
        """The interpreter that the packages bring."""
        return "/usr/bin/python" + self.minor

    def look(self) -> t.Optional[Installed]:
        """Return what is installed, None when one of the packages is missing."""
        raise NotImplementedError

    def install(self) -> Completed:
        """Install the packages."""
        raise NotImplementedError

    def remove(self) -> Completed:
        """Remove exactly these packages; refused by the package manager when others need them."""
        raise NotImplementedError

    def _owners_of_parts(self) -> t.List[str]:
        """Return the packages of the interpreter, its library and its standard library."""
        real = [os.path.realpath(path) for path in parts_of_python(self.interpreter, site_packages=False)]
        return sorted({name for one in self._database.owners(real).values() for name in one.packages})

    def _installed(self, shown: t.Iterable[str], packages: t.Sequence[str]) -> Installed:
        altered = altered_files(self._database, list(dict.fromkeys(packages)))
        return Installed(tuple(shown), self.interpreter, tuple(map(json_text, altered)))

    def require_removable(self) -> None:
        """Raise InUseError when this is the operating system's own Python."""
        real = os.path.realpath(self.interpreter)
        if real in [os.path.realpath(path) for path in system_pythons()]:
            raise InUseError(
                "{0} is the operating system's own Python ({1}); it is not removed.".format(
                    printable(self.interpreter), printable(real)
                ),
                venvs=[],
                processes=[],
                partial=False,
            )

    def _run_or_fail(self, argv: t.Sequence[str], what: str) -> Completed:
        done = run_isolated(self._runner, argv, timeout=self._timeout, env={"DEBIAN_FRONTEND": "noninteractive"})
        if done.rc != 0:
            raise AcquisitionError(
                "{0}: {1} ended with exit code {2}. Its output ends with: {3}".format(
                    what, " ".join(argv), done.rc, printable(done.tail()) or "(nothing)"
                ),
                wanted=self.names,
                output=done.tail(),
                timed_out=done.timed_out,
            )
        return done


class RpmManager(Manager):
    """dnf and zypper; rpm to look and to remove."""

    def __init__(
        self,
        family: str,
        minor: str,
        names: t.Sequence[str],
        os_release: t.Mapping[str, str],
        runner: CommandRunner = run_command,
        timeout: float = 600.0,
        rpm: t.Optional[Rpm] = None,
        contract: t.Optional[Contract] = None,
    ) -> None:
        short = "python" + minor.replace(".", "")
        # On SUSE the interpreter is in the second; the first alone would leave it behind when it is removed.
        default = [short, short + "-base"] if family == "suse" else ["python" + minor]
        self._rpm = rpm or Rpm(runner=runner, timeout=_QUERY)
        super().__init__(minor, names or default, runner, timeout, RpmDatabase(self._rpm))
        self._family = family
        self._os_release = os_release
        self._contract = contract

    def look(self) -> t.Optional[Installed]:
        found = self._rpm.query(self.names, files=False)
        if found.missing:
            return None
        # On RHEL the library is in python3.11-libs.
        names = [package.id.label for package in found.packages] + self._owners_of_parts()
        packages = self._rpm.query(list(dict.fromkeys(names)), files=False).packages
        return self._installed([package.nevra for package in packages], [package.id.label for package in packages])

    def install(self) -> Completed:
        if self._family == "suse":
            return self._install_with_zypper()
        self._require_trusted_dnf()
        options = ["-y", "-q", "--setopt=install_weak_deps=False", "--"]
        return self._run_or_fail(["/usr/bin/dnf", "install"] + options + self.names, "dnf cannot install it")

    def _install_with_zypper(self) -> Completed:
        zypper = "/usr/bin/zypper"
        reason = manager_obstacle(self._rpm, zypper)
        if reason:
            raise AcquisitionError(reason, wanted=self.names)
        argv = [zypper, "--non-interactive", "install", "--no-recommends", "--"] + self.names
        return self._run_or_fail(argv, "zypper cannot install it")

    def _require_trusted_dnf(self) -> None:
        """dnf is a Python program: it runs only where everything that it would run verifies."""
        contract = self._contract or contract_for(self._os_release, None)
        manager = observe(contract, self._rpm, os.environ, runner=self._runner)["manager"]
        if manager["state"] != "works":
            raise AcquisitionError(
                "dnf is not used: {0}. Repair the system Python first (role python_restore).".format(manager["reason"]),
                wanted=self.names,
            )

    def require_removable(self) -> None:
        super().require_removable()
        try:
            contract = contract_for(self._os_release, None)
        except UnknownPlatformError:
            return
        needed = sorted(set(self.names) & set(contract["packages"]))
        if needed:
            raise InUseError(
                "The operating system depends on {0}; it is not removed.".format(", ".join(needed)),
                venvs=[],
                processes=[],
                partial=False,
            )

    def remove(self) -> Completed:
        return self._run_or_fail(["/usr/bin/rpm", "-e", "--"] + self.names, "rpm does not remove it")


class DpkgManager(Manager):
    """apt-get, and dpkg to look and to remove."""

    def __init__(
        self, minor: str, names: t.Sequence[str], runner: CommandRunner = run_command, timeout: float = 600.0
    ) -> None:
        default = ["python" + minor, "python{0}-venv".format(minor)]
        super().__init__(minor, names or default, runner, timeout, DpkgDatabase(runner, _QUERY))

    def look(self) -> t.Optional[Installed]:
        shape = "${Package} ${Version} ${db:Status-Status}\\n"
        done = self._runner(["/usr/bin/dpkg-query", "-W", "-f", shape, "--"] + self.names, timeout=_QUERY)
        if done.timed_out or done.rc not in (0, 1):
            raise done.error("Cannot ask which packages are installed")
        lines = [line.split(" ") for line in done.out.splitlines()]
        present = {line[0]: line[1] for line in lines if len(line) == 3 and line[2] == "installed"}
        if not set(self.names) <= set(present):
            return None
        return self._installed([" ".join(pair) for pair in present.items()], self.names + self._owners_of_parts())

    def install(self) -> Completed:
        options = ["-y", "-q", "--no-install-recommends", "--"]
        return self._run_or_fail(["/usr/bin/apt-get", "install"] + options + self.names, "apt-get cannot install it")

    def remove(self) -> Completed:
        return self._run_or_fail(
            ["/usr/bin/dpkg", "--remove", "--"] + list(reversed(self.names)), "dpkg does not remove it"
        )


def manager_for(
    os_release: t.Mapping[str, str],
    minor: str,
    names: t.Sequence[str],
    runner: CommandRunner = run_command,
    timeout: float = 600.0,
) -> Manager:
    """Return the host's package manager. Raises SystemPythonError for a family that is not known."""
    family = family_of(os_release)
    if family == "debian":
        return DpkgManager(minor, names, runner, timeout)
    if family:
        return RpmManager(family, minor, names, os_release, runner, timeout)
    raise SystemPythonError(
        "The package manager of this operating system ({0}) is not known; use the sources prebuilt or source.".format(
            printable(os_release.get("ID", "no ID in os-release"))
        )
    )
