# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The distribution's own parallel Python (python3.12, python311): installed, verified, removed by its package manager.

It stays where its package puts it. Nothing of it is copied, linked or registered.
"""

import os
import re
import tempfile
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._command import CommandRunner, Completed, run_command
from ansible_collections.fleet.system_python.plugins.module_utils._contract import Contract, contract_for
from ansible_collections.fleet.system_python.plugins.module_utils._errors import (
    AcquisitionError,
    InUseError,
    ProofError,
    SystemPythonError,
    UnknownPlatformError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._lock import RunLock
from ansible_collections.fleet.system_python.plugins.module_utils._observation import observe
from ansible_collections.fleet.system_python.plugins.module_utils._rpm import Rpm
from ansible_collections.fleet.system_python.plugins.module_utils._rpm_verify import is_drift
from ansible_collections.fleet.system_python.plugins.module_utils._runtime_proof import check_modules
from ansible_collections.fleet.system_python.plugins.module_utils._runtime_users import Census, find_users
from ansible_collections.fleet.system_python.plugins.module_utils._sources import unvouched
from ansible_collections.fleet.system_python.plugins.module_utils._text import json_text, printable
from ansible_collections.fleet.system_python.plugins.module_utils._unprivileged import Unprivileged, choose_account
from ansible_collections.fleet.system_python.plugins.module_utils._venv_census import system_pythons

__all__ = [
    "DpkgManager",
    "Installed",
    "Manager",
    "PackagedRuntime",
    "PackagedSettings",
    "RpmManager",
    "family_of",
    "manager_for",
]

_FAMILIES = (
    ("rhel", ("rhel", "fedora", "centos")),
    ("suse", ("suse", "sles", "opensuse")),
    ("debian", ("debian", "ubuntu")),
)
_QUERY = 60.0
# The lines of dpkg --verify, which are those of rpm -V; configuration files do not count.
_ALTERED = re.compile(r"^[.?5]{3,}\S* {1,3}(?!c )(?:\w )?(/.+)$|^missing +(?!c )(/.+)$", re.MULTILINE)


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

    def __init__(self, minor: str, names: t.Sequence[str], runner: CommandRunner, timeout: float) -> None:
        self.minor = minor
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

    def _change(self, argv: t.Sequence[str], what: str) -> Completed:
        done = self._runner(argv, timeout=self._timeout, env={"DEBIAN_FRONTEND": "noninteractive"})
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
        super().__init__(minor, names or default, runner, timeout)
        self._family = family
        self._os_release = os_release
        self._contract = contract
        self._rpm = rpm or Rpm(runner=runner, timeout=_QUERY)

    def look(self) -> t.Optional[Installed]:
        found = self._rpm.query(self.names, files=False)
        if found.missing:
            return None
        # On RHEL the library is in python3.11-libs.
        related = [owner.name for owner in self._rpm.owners([self.interpreter])[self.interpreter]]
        related += self._libraries()
        names = list(dict.fromkeys(self.names + related))
        packages = self._rpm.query(names, files=False)
        entries = self._rpm.verify([package.name for package in packages.packages]).entries
        altered = [json_text(entry.path) for entry in entries if is_drift(entry)]
        return Installed(tuple(one.nevra for one in packages.packages), self.interpreter, tuple(altered))

    def _libraries(self) -> t.List[str]:
        folders = ["/usr/lib64/python" + self.minor, "/usr/lib/python" + self.minor]
        present = [folder for folder in folders if os.path.isdir(folder)]
        return [owner.name for group in self._rpm.owners(present).values() for owner in group] if present else []

    def install(self) -> Completed:
        if self._family == "suse":
            return self._install_with_zypper()
        self._require_trusted_dnf()
        options = ["-y", "-q", "--setopt=install_weak_deps=False"]
        return self._change(["/usr/bin/dnf", "install"] + options + self.names, "dnf cannot install it")

    def _install_with_zypper(self) -> Completed:
        zypper = "/usr/bin/zypper"
        reason = unvouched(self._rpm, [zypper])
        if reason:
            raise AcquisitionError(reason, wanted=self.names)
        argv = [zypper, "--non-interactive", "install", "--no-recommends"] + self.names
        return self._change(argv, "zypper cannot install it")

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
        return self._change(["/usr/bin/rpm", "-e"] + self.names, "rpm does not remove it")


class DpkgManager(Manager):
    """apt-get, and dpkg to look and to remove."""

    def __init__(
        self, minor: str, names: t.Sequence[str], runner: CommandRunner = run_command, timeout: float = 600.0
    ) -> None:
        default = ["python" + minor, "python{0}-venv".format(minor)]
        super().__init__(minor, names or default, runner, timeout)

    def look(self) -> t.Optional[Installed]:
        shape = "${Package} ${Version} ${db:Status-Status}\\n"
        done = self._runner(["/usr/bin/dpkg-query", "-W", "-f", shape] + self.names, timeout=_QUERY)
        lines = [line.split(" ") for line in done.out.splitlines()]
        present = {line[0]: line[1] for line in lines if len(line) == 3 and line[2] == "installed"}
        if not set(self.names) <= set(present):
            return None
        parts = ["python{0}-minimal", "libpython{0}-minimal", "libpython{0}-stdlib"]
        names = self.names + [part.format(self.minor) for part in parts]
        verified = self._runner(["/usr/bin/dpkg", "--verify"] + names, timeout=_QUERY)
        altered = _ALTERED.findall(verified.out)
        return Installed(
            tuple(" ".join(pair) for pair in present.items()),
            self.interpreter,
            tuple(json_text(one or other) for one, other in altered),
        )

    def install(self) -> Completed:
        options = ["-y", "-q", "--no-install-recommends"]
        return self._change(["/usr/bin/apt-get", "install"] + options + self.names, "apt-get cannot install it")

    def remove(self) -> Completed:
        return self._change(["/usr/bin/dpkg", "--remove"] + list(reversed(self.names)), "dpkg does not remove it")


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


# ---------------------------------------------------------------------------------------------------------------------
# One run of the module


class PackagedSettings(t.NamedTuple):
    """What the user asked for. C(state): present, intact or absent; C(minor): X.Y."""

    state: str
    minor: str
    checks: t.Tuple[str, ...]
    account: str
    lock_path: str
    lock_timeout: float
    ignore_partial_census: bool = False


class PackagedRuntime:
    """A parallel Python of the distribution, present, intact or absent."""

    def __init__(
        self, settings: PackagedSettings, manager: Manager, census: Census, runner: CommandRunner = run_command
    ) -> None:
        self.settings = settings
        self.manager = manager
        self._census = census
        self._runner = runner

    def predict(self) -> t.Dict[str, t.Any]:
        """Return what a real run would do."""
        found = self.manager.look()
        return self._result(found, self._plan(found))

    def ensure(self) -> t.Dict[str, t.Any]:
        """Do it and return what was done. Raises SystemPythonError."""
        found = self.manager.look()
        plan = self._plan(found)
        if not plan:
            return self._result(found, plan)
        settings = self.settings
        with RunLock(settings.lock_path, settings.lock_timeout, what="python_runtime " + self.manager.interpreter):
            found = self.manager.look()
            plan = self._plan(found)
            if plan:
                self.manager.install() if settings.state != "absent" else self.manager.remove()
        after = self.manager.look()
        if settings.state != "absent":
            self._prove(after)
        return self._result(after, plan)

    def _plan(self, found: t.Optional[Installed]) -> t.List[t.Dict[str, t.Any]]:
        names = list(self.manager.names)
        if self.settings.state != "absent":
            self._require_intact(found)
            return [] if found else [{"action": "install_packages", "packages": names}]
        if found is None:
            return []
        self.manager.require_removable()
        users = find_users([self.manager.interpreter], self._census)
        refusal = users.refusal(self.manager.interpreter, self.settings.ignore_partial_census)
        if refusal:
            raise refusal
        return [{"action": "remove_packages", "packages": names}]

    def _require_intact(self, found: t.Optional[Installed]) -> None:
        if self.settings.state == "intact" and found and found.deviations:
            raise ProofError(
                "{0} is not as its package shipped it: {1}. Bring it back with the module rpm_integrity (packages: "
                "{2}) or the package manager's reinstall.".format(
                    self.manager.interpreter,
                    ", ".join(printable(path) for path in found.deviations[:5]),
                    ", ".join(self.manager.names),
                ),
                deviations=list(found.deviations),
            )

    def _prove(self, found: t.Optional[Installed]) -> None:
        if found is None or not os.access(self.manager.interpreter, os.X_OK):
            raise ProofError(
                "The packages {0} were installed, but there is no {1}. Name the right packages in the option "
                "packages.".format(", ".join(self.manager.names), self.manager.interpreter)
            )
        with tempfile.TemporaryDirectory(prefix=".fleet-system-python-") as scratch:
            user = Unprivileged(choose_account(self.settings.account), scratch, self._runner)
            os.chown(scratch, user.account.uid, user.account.gid)
            check_modules(self.manager.interpreter, self.settings.checks, user, scratch)
            user.end_all()

    def _result(self, found: t.Optional[Installed], plan: t.List[t.Dict[str, t.Any]]) -> t.Dict[str, t.Any]:
        name = self.manager.interpreter
        before = {"present": name + " (absent)", "absent": name}
        after = {"present": name, "absent": name + " (absent)"}
        kind = "absent" if self.settings.state == "absent" else "present"
        return {
            "changed": bool(plan),
            "state": self.settings.state,
            "version": self.settings.minor,
            "folder": None,
            "interpreter": name,
            "link": None,
            "source": {"kind": "package", "packages": list(found.packages) if found else []},
            "installed": None,
            "intact": not found.deviations if found else None,
            "deviations": [{"path": path, "what": "altered"} for path in (found.deviations if found else ())],
            "actions": plan,
            "runtimes": [],
            "quarantine": None,
            "warnings": [],
            "diff": {side: text[kind] + "\n" if plan else "" for side, text in (("before", before), ("after", after))},
        }
