# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""C(/usr/bin/python) by policy, by nothing but the distribution's own means: its packages, or its alternatives group.

The actions: C(quarantine) C({path}), C(install_packages) C({packages}), C(remove_packages) C({packages}),
C(select_alternative) C({group, target, mode}), C(put_back) C({run_id, path}). What was done is noted in the record's
C(made), first to last, as C({action, ...}) with what is needed to undo it; the policy C(original) undoes it.
"""

import os
import re
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._alternatives import python_groups
from ansible_collections.fleet.system_python.plugins.module_utils._command import CommandRunner
from ansible_collections.fleet.system_python.plugins.module_utils._contract import Contract
from ansible_collections.fleet.system_python.plugins.module_utils._errors import (
    AcquisitionError,
    PinConflictError,
    PinImpossibleError,
    ProofError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._quarantine import Quarantine
from ansible_collections.fleet.system_python.plugins.module_utils._rpm import Rpm
from ansible_collections.fleet.system_python.plugins.module_utils._runtime_package import RpmManager, family_of
from ansible_collections.fleet.system_python.plugins.module_utils._text import json_text, printable
from ansible_collections.fleet.system_python.plugins.module_utils._unversioned import (
    POLICIES,
    actual_policy,
    described,
    offer_of,
    target_of,
)

__all__ = ["ORIGINAL", "Unversioned"]

Action = t.Dict[str, t.Any]

ORIGINAL = "original"
FINDING = "SP108"
_PROGRAMS = ("/usr/sbin/alternatives", "/usr/sbin/update-alternatives", "/usr/bin/update-alternatives")
_NOTHING_FOUND = 104
_ROW = re.compile(r"^[^|]*\| *(?P<name>\S+) *\| *package *\| *(?P<version>\S+) *\|", re.MULTILINE)


class Unversioned:
    """What one run may do about C(/usr/bin/python). C(observation) is of this run; C(timeout) is for packages."""

    def __init__(
        self,
        contract: Contract,
        observation: t.Mapping[str, t.Any],
        os_release: t.Mapping[str, str],
        rpm: Rpm,
        runner: CommandRunner,
        timeout: float,
    ) -> None:
        self.contract = contract
        self.observation = observation
        self.path: str = contract["unversioned"]["path"]
        self.chain: t.List[t.Dict[str, t.Any]] = observation["resolution"]["python"]
        self._os_release = os_release
        self._rpm = rpm
        self._runner = runner
        self._timeout = timeout

    # --- planning: only looks, but asks the repositories what they have

    def plan(self, wish: str, entry: t.Optional[t.Dict[str, t.Any]]) -> t.List[Action]:
        """Return what has to be done. Raises PinImpossibleError, PinConflictError or AcquisitionError."""
        if wish == ORIGINAL:
            return self._undo(entry)
        if actual_policy(self.contract, self.chain) == wish:
            return []
        if target_of(self.contract, wish) is None:
            raise self._impossible(wish)
        if self.contract["unversioned"].get("group"):
            return self._select(wish)
        actions = self._clear(wish, entry)
        return actions if wish == "absent" else actions + [self._install(wish)]

    def _impossible(self, wish: str) -> PinImpossibleError:
        possible = [policy for policy in POLICIES if policy != "unmanaged" and target_of(self.contract, policy)]
        return PinImpossibleError(
            "{0} cannot be {1} on {2}: no package of the distribution ships that, and a link made by hand belongs to "
            "nobody. Possible are: {3}. Scripts can name /usr/bin/python3 instead.".format(
                self.path, wish, self.contract["name"], ", ".join(possible)
            ),
            part="unversioned",
            wanted=wish,
            possible=possible,
        )

    def _select(self, wish: str) -> t.List[Action]:
        wanted = self.contract["unversioned"]["group"]
        target = wanted["targets"][wish]
        group = next((one for one in self.observation["alternatives"] if one["name"] == wanted["name"]), None)
        registered = [choice["target"] for choice in group["choices"] if choice["exists"]] if group else []
        if group is None or target not in registered:
            possible = [name for name, path in sorted(wanted["targets"].items()) if path in registered]
            raise PinImpossibleError(
                "{0} cannot be {1}: the alternatives group {2} has no {3} that exists (it has: {4}). The package that "
                "brings it registers it; install that, or choose: {5}.".format(
                    self.path,
                    wish,
                    wanted["name"],
                    target,
                    ", ".join(printable(path) for path in registered) or "nothing",
                    ", ".join(possible) or "nothing",
                ),
                part="unversioned",
                wanted=wish,
                possible=possible,
            )
        select = {"action": "select_alternative", "group": wanted["name"], "target": target, "mode": "manual"}
        return self._out_of_the_way() + [select]

    def _out_of_the_way(self) -> t.List[Action]:
        if not self.chain or str(self.chain[0]["target"] or "").startswith("/etc/alternatives/"):
            return []
        self._require_unowned()
        return [{"action": "quarantine", "path": self.path}]

    def _require_unowned(self) -> None:
        owner = self.chain[0]["owner"]
        if owner:
            raise PinConflictError(
                "{0} ({1}) belongs to the package {2}, so nothing was changed. Remove that package first, or leave "
                "{0} unmanaged.".format(self.path, printable(described(self.chain)), owner),
                path=self.path,
                owner=owner,
            )

    def _clear(self, wish: str, entry: t.Optional[t.Dict[str, t.Any]]) -> t.List[Action]:
        """Return what takes away that which lies there now."""
        offers = [offer_of(self.contract, policy) for policy in ("python3", "python2")]
        names = [offer["package"] for offer in offers if offer]
        owner = self.chain[0]["owner"] if self.chain else None
        wanted = offer_of(self.contract, wish)
        if wanted and self._installed([wanted["package"]]):
            raise PinConflictError(
                "{0} is {1} although the package {2} is installed, so nothing was changed. Put the package's files "
                "back first (role python_restore).".format(
                    self.path, printable(described(self.chain)), wanted["package"]
                ),
                path=self.path,
                owner=owner,
            )
        if not self.chain:
            return []
        if owner in names:
            removed = self._together(str(owner), entry)
            self._require_removable(removed)
            return [{"action": "remove_packages", "packages": removed}]
        self._require_unowned()
        return [{"action": "quarantine", "path": self.path}]

    def _together(self, name: str, entry: t.Optional[t.Dict[str, t.Any]]) -> t.List[str]:
        """Return C(name) and what was installed with it by us, as far as it is there."""
        made = entry["made"] if entry else []
        mine = [one for one in made if one["action"] == "install_packages" and name in one["packages"]]
        return self._installed(mine[-1]["packages"] if mine else [name])

    def _installed(self, names: t.Sequence[str]) -> t.List[str]:
        missing = self._rpm.query(names, files=False).missing if names else []
        return [name for name in names if name not in missing]

    def _require_removable(self, names: t.Sequence[str]) -> None:
        done = self._runner(["/usr/bin/rpm", "-e", "--test"] + list(names), timeout=self._timeout)
        if done.rc != 0:
            raise PinConflictError(
                "The package {0} cannot be removed, so nothing was changed: {1}".format(
                    ", ".join(names), printable(done.tail())
                ),
                path=self.path,
                packages=list(names),
            )

    def _install(self, wish: str) -> Action:
        offer = offer_of(self.contract, wish)
        if offer is None:
            raise self._impossible(wish)
        name = offer["package"]
        # Of the same build as the system's python3: another would pull in an update of it.
        release = self.observation["evr"].get(self.contract["links"][0]["package"]) if wish == "python3" else None
        offered = self._offered(name)
        wanted = "{0}-{1}".format(name, release) if release else name
        if not offered or (release and wanted not in offered):
            raise PinImpossibleError(
                "{0} cannot be {1}: the repositories of this host do not offer {2}, so nothing was changed. "
                "They offer: {3}. Bring the package into a repository{4}.".format(
                    self.path,
                    wish,
                    wanted,
                    ", ".join(offered) or "no " + name,
                    ", or update python3 to the release that is offered" if offered else "",
                ),
                part="unversioned",
                wanted=wanted,
                possible=["absent"],
                available=offered,
            )
        return {"action": "install_packages", "packages": [name], "evr": release}

    def _offered(self, name: str) -> t.List[str]:
        """Return, as name-evr, what the repositories have. Raises AcquisitionError where they cannot be asked."""
        manager = self.observation["manager"]
        if manager["state"] != "works":
            raise AcquisitionError(
                "The package manager is not used: {0}. Repair the system Python first (role python_restore).".format(
                    manager["reason"]
                ),
                wanted=[name],
                tried=[],
            )
        if manager["name"] == "zypper":
            argv = ["/usr/bin/zypper", "--non-interactive", "--quiet", "search", "--details", "--match-exact", name]
        else:
            argv = ["/usr/bin/dnf", "--quiet", "repoquery", "--qf", "%{name}-%{evr}", name]
        done = self._runner(argv, timeout=self._timeout)
        if done.rc not in (0, _NOTHING_FOUND):
            raise AcquisitionError(
                done.error("The repositories cannot be asked for {0}".format(name)).message,
                wanted=[name],
                tried=[{"source": manager["name"], "reason": done.tail()}],
            )
        if manager["name"] == "zypper":
            return sorted({"{0}-{1}".format(*row) for row in _ROW.findall(done.out) if row[0] == name})
        # A database that dnf has to tidy up makes it print more than the answer.
        return sorted({line.strip() for line in done.out.splitlines() if line.startswith(name + "-")})

    def _undo(self, entry: t.Optional[t.Dict[str, t.Any]]) -> t.List[Action]:
        undoers: t.Dict[str, t.Callable[[t.Dict[str, t.Any]], t.List[Action]]] = {
            "install_packages": self._undo_install,
            "remove_packages": self._undo_remove,
            "select_alternative": self._undo_select,
            "quarantine": self._undo_quarantine,
        }
        actions: t.List[Action] = []
        for made in reversed(entry["made"] if entry else []):
            actions.extend(undoers[made["action"]](made))
        if entry and not actions:
            actions.append({"action": "forget", "path": self.path})
        return actions

    def _undo_install(self, made: t.Dict[str, t.Any]) -> t.List[Action]:
        names = self._installed(made["packages"])
        if names:
            self._require_removable(names)
        return [{"action": "remove_packages", "packages": names}] if names else []

    def _undo_remove(self, made: t.Dict[str, t.Any]) -> t.List[Action]:
        evr = made["evr"]
        gone = [name for name in sorted(evr) if name not in self._installed(sorted(evr))]
        return [{"action": "install_packages", "packages": [name], "evr": evr[name]} for name in gone]

    def _undo_select(self, made: t.Dict[str, t.Any]) -> t.List[Action]:
        group = next((one for one in self.observation["alternatives"] if one["name"] == made["group"]), None)
        if group is None:
            return []
        target, mode = made["before"]["target"], made["before"]["mode"]
        if target not in [choice["target"] for choice in group["choices"] if choice["exists"]]:
            # Its package is gone: then alternatives chooses by itself as well.
            mode = "auto"
        return [{"action": "select_alternative", "group": made["group"], "target": target, "mode": mode}]

    def _undo_quarantine(self, made: t.Dict[str, t.Any]) -> t.List[Action]:
        return [{"action": "put_back", "run_id": made["run_id"], "path": made["path"]}]

    # --- doing

    def intended(self, action: Action, run_id: str) -> t.List[t.Dict[str, t.Any]]:
        """Return what belongs in the record before C(action) is begun: enough to undo it, were this run killed."""
        name = action["action"]
        if name == "quarantine":
            return [{"action": name, "path": json_text(action["path"]), "run_id": run_id}]
        if name == "install_packages":
            return [{"action": name, "packages": action["packages"]}]
        if name == "remove_packages":
            packages = self._rpm.query(action["packages"], files=False).packages
            return [{"action": name, "evr": {package.name: package.evr for package in packages}}]
        return [{"action": name, "group": action["group"], "before": self._group(action["group"])}]

    def carry_out(self, action: Action, quarantine: Quarantine) -> t.List[t.Dict[str, t.Any]]:
        """Do it and return what belongs in the record's C(made) afterwards. Raises SystemPythonError."""
        steps: t.Dict[str, t.Callable[[Action, Quarantine], t.List[t.Dict[str, t.Any]]]] = {
            "install_packages": self._do_install,
            "remove_packages": self._do_remove,
            "select_alternative": self._do_select,
            "quarantine": self._do_quarantine,
            "put_back": self._do_put_back,
        }
        return steps[action["action"]](action, quarantine)

    def _do_quarantine(self, action: Action, quarantine: Quarantine) -> t.List[t.Dict[str, t.Any]]:
        intended = self.intended(action, quarantine.run_id)
        quarantine.take(action["path"], "the policy of python_pin asks for something else", FINDING)
        return intended

    def _do_put_back(self, action: Action, quarantine: Quarantine) -> t.List[t.Dict[str, t.Any]]:
        quarantine.put_back(action["run_id"], [action["path"]])
        return []

    def _do_install(self, action: Action, _quarantine: Quarantine) -> t.List[t.Dict[str, t.Any]]:
        before = self._all_packages()
        separator = "=" if self.observation["manager"]["name"] == "zypper" else "-"
        names = [name + separator + action["evr"] if action["evr"] else name for name in action["packages"]]
        self._manager(names).install()
        added = sorted(set(self._all_packages()) - set(before))
        return [{"action": "install_packages", "packages": added}]

    def _do_remove(self, action: Action, _quarantine: Quarantine) -> t.List[t.Dict[str, t.Any]]:
        intended = self.intended(action, "")
        self._manager(action["packages"]).remove()
        return intended

    def _manager(self, names: t.Sequence[str]) -> RpmManager:
        return RpmManager(
            family_of(self._os_release),
            self.contract["version"],
            names,
            self._os_release,
            self._runner,
            self._timeout,
            self._rpm,
            self.contract,
        )

    def _all_packages(self) -> t.List[str]:
        done = self._runner(["/usr/bin/rpm", "-qa", "--qf", "%{NAME}\\n"], timeout=self._timeout)
        if done.rc != 0:
            raise done.error("The installed packages cannot be listed")
        return done.out.split()

    def _do_select(self, action: Action, _quarantine: Quarantine) -> t.List[t.Dict[str, t.Any]]:
        intended = self.intended(action, "")
        program = next((path for path in _PROGRAMS if os.access(path, os.X_OK)), _PROGRAMS[0])
        auto = action["mode"] == "auto"
        argv = [program] + (["--auto", action["group"]] if auto else ["--set", action["group"], action["target"]])
        done = self._runner(argv, timeout=60)
        after = self._group(action["group"])
        # Its exit code is 0 also where it did nothing. What it chooses by itself may be another since.
        missed = after["mode"] != action["mode"] or (not auto and after["target"] != action["target"])
        if done.rc != 0 or missed:
            raise ProofError(
                "The alternatives group {0} does not choose {1} although it was told to: it is {2}, {3}. {4}".format(
                    action["group"], action["target"], after["mode"], after["target"], printable(done.tail())
                ),
                findings=[],
                proof=[],
            )
        return intended

    def _group(self, name: str) -> t.Dict[str, t.Any]:
        group = next((one for one in python_groups() if one["name"] == name), None)
        return {"mode": group["mode"] if group else None, "target": group["chosen"] if group else None}

    def settled(self, made: t.List[t.Dict[str, t.Any]]) -> t.List[t.Dict[str, t.Any]]:
        """Return C(made) without what cancels itself out, so that going to and fro does not pile up."""
        kept: t.List[t.Dict[str, t.Any]] = []
        for one in made:
            last = kept[-1] if kept else {"action": None}
            if _names(one) and _names(one) == _names(last) and one["action"] != last["action"]:
                kept.pop()
            elif one["action"] == last["action"] == "select_alternative":
                # What it was before the first of them is what counts.
                continue
            else:
                kept.append(one)
        return kept


def _names(made: t.Mapping[str, t.Any]) -> t.List[str]:
    return sorted(made.get("packages") or made.get("evr") or [])
