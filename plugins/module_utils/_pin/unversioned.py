# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The unversioned command, /usr/bin/python: what has to be done so that it is what the policy asks for.

What was done is noted in the record's C(made), first to last; the policy C(original) undoes it.
"""

import re
import typing as t

from .._audit.contract import Contract
from .._audit.isolated import run_isolated
from .._audit.records import Observation
from .._audit.unversioned import POLICIES, actual_policy, described, is_governed, offer_of, target_of
from .._base.command import CommandRunner
from .._base.errors import AcquisitionError, PinConflictError, PinImpossibleError
from .._base.text import printable
from .._rpm.database import Rpm
from .plan import PinStep
from .record import Made, PinEntry

__all__ = ["ORIGINAL", "PinnedHost", "UnversionedPlanner", "installed", "registered_choices", "undo_selections"]

ORIGINAL = "original"
_NOTHING_FOUND = 104
_ZYPPER = ["/usr/bin/zypper", "--non-interactive", "--quiet", "search", "--details", "--match-exact"]
_DNF = ["/usr/bin/dnf", "--quiet", "repoquery", "--qf", "%{name}-%{evr}"]
_ROW = re.compile(r"^[^|]*\| *(?P<name>\S+) *\| *package *\| *(?P<version>\S+) *\|", re.MULTILINE)


class PinnedHost(t.NamedTuple):
    """What is known of the host; C(timeout) is in seconds, and for packages."""

    contract: Contract
    observation: Observation
    os_release: t.Mapping[str, str]
    rpm: Rpm
    runner: CommandRunner
    timeout: float


def installed(rpm: Rpm, names: t.Sequence[str]) -> t.List[str]:
    """Return those of the packages that are installed."""
    missing = rpm.query(names, files=False).missing if names else []
    return [name for name in names if name not in missing]


def registered_choices(observation: Observation, name: str) -> t.List[str]:
    """Return what the alternatives group of this name may choose."""
    groups = [one for one in observation["alternatives"] if one["name"] == name]
    return [choice["target"] for group in groups for choice in group["choices"] if choice["exists"]]


def undo_selections(observation: Observation, entry: t.Optional[PinEntry], path: str) -> t.List[PinStep]:
    """Return what makes the choices again what they were, where nothing but choices was made of C(path)."""
    steps = [step for made in reversed(entry["made"] if entry else []) for step in _undo_selection(observation, made)]
    return steps or ([PinStep(action="forget", path=path)] if entry else [])


def _undo_selection(observation: Observation, made: Made) -> t.List[PinStep]:
    if not any(one["name"] == made["group"] for one in observation["alternatives"]):
        return []
    target, mode = made["before"]["target"], made["before"]["mode"]
    if target not in registered_choices(observation, made["group"]):
        # Its package is gone: then alternatives chooses by itself as well.
        mode = "auto"
    return [PinStep(action="select_alternative", group=made["group"], target=target, mode=mode)]


class UnversionedPlanner:
    """What has to be done about C(/usr/bin/python). It only looks, but asks the repositories what they have."""

    def __init__(self, host: PinnedHost) -> None:
        self.host = host
        self.contract = host.contract
        self.observation = host.observation
        self.path: str = host.contract["unversioned"]["path"]
        self.chain = host.observation["resolution"]["python"]

    def plan(self, wish: str, entry: t.Optional[PinEntry]) -> t.List[PinStep]:
        """Return what has to be done. Raises PinImpossibleError, PinConflictError or AcquisitionError."""
        if wish == ORIGINAL:
            return self._plan_undoing(entry)
        if actual_policy(self.contract, self.chain) == wish and not self._may_choose_another(wish):
            return []
        if target_of(self.contract, wish) is None:
            raise self._unknown(wish)
        if self.contract["unversioned"].get("group"):
            return self._plan_alternative(wish)
        steps = self._plan_clearing(wish, entry)
        return steps if wish == "absent" else steps + [self._plan_installation(wish)]

    def _impossible(self, wish: str, why: str, possible: t.Sequence[str], **details: object) -> PinImpossibleError:
        details = {"part": "unversioned", "wanted": wish, "possible": list(possible), **details}
        return PinImpossibleError(f"{self.path} cannot be {wish}{why}", **details)

    def _unknown(self, wish: str) -> PinImpossibleError:
        possible = [policy for policy in POLICIES if policy != "unmanaged" and target_of(self.contract, policy)]
        why = (
            f" on {self.contract['name']}: no package of the distribution ships that, and a link made by hand has "
            f"no owner. Possible are: {', '.join(possible)}. Scripts can name /usr/bin/python3 instead."
        )
        return self._impossible(wish, why, possible)

    def _plan_alternative(self, wish: str) -> t.List[PinStep]:
        wanted = self.contract["unversioned"]["group"]
        target = wanted["targets"][wish]
        registered = self._registered(wanted["name"])
        if target not in registered:
            possible = [name for name, path in sorted(wanted["targets"].items()) if path in registered]
            why = (
                f": the alternatives group {wanted['name']} has no {target} that exists (it has: "
                f"{', '.join(printable(path) for path in registered) or 'nothing'}). The package that brings it "
                f"registers it; install that, or choose: {', '.join(possible) or 'nothing'}."
            )
            raise self._impossible(wish, why, possible)
        select = PinStep(action="select_alternative", group=wanted["name"], target=target, mode="manual")
        return self._plan_clearing_for_alternative() + [select]

    def _may_choose_another(self, wish: str) -> bool:
        """Tell whether alternatives chooses what is wished by itself: another package changes that."""
        wanted = self.contract["unversioned"].get("group")
        automatic = [one["name"] for one in self.observation["alternatives"] if one["mode"] == "auto"]
        if not wanted or wanted["name"] not in automatic:
            return False
        return wanted["targets"].get(wish) in self._registered(wanted["name"])

    def _registered(self, name: str) -> t.List[str]:
        return registered_choices(self.observation, name)

    def _plan_clearing_for_alternative(self) -> t.List[PinStep]:
        if not self.chain or is_governed(self.chain):
            return []
        self._require_unowned()
        return [PinStep(action="quarantine", path=self.path)]

    def _require_unowned(self) -> None:
        owner = self.chain[0]["owner"]
        if owner:
            raise PinConflictError(
                f"{self.path} ({printable(described(self.chain))}) belongs to the package {owner}, so nothing was "
                f"changed. Remove that package first, or leave {self.path} unmanaged.",
                path=self.path,
                owner=owner,
            )

    def _plan_clearing(self, wish: str, entry: t.Optional[PinEntry]) -> t.List[PinStep]:
        """Return what takes away that which lies there now."""
        offers = [offer_of(self.contract, policy) for policy in ("python3", "python2")]
        names = [offer["package"] for offer in offers if offer]
        owner = self.chain[0]["owner"] if self.chain else None
        wanted = offer_of(self.contract, wish)
        if wanted and installed(self.host.rpm, [wanted["package"]]):
            raise PinConflictError(
                f"{self.path} is {printable(described(self.chain))} although the package {wanted['package']} is "
                "installed, so nothing was changed. Put the package's files back first (role python_restore).",
                path=self.path,
                owner=owner,
            )
        if not self.chain:
            return []
        if owner in names:
            removed = self._installed_together(str(owner), entry)
            self._require_removable(removed)
            return [PinStep(action="remove_packages", packages=removed)]
        self._require_unowned()
        return [PinStep(action="quarantine", path=self.path)]

    def _installed_together(self, name: str, entry: t.Optional[PinEntry]) -> t.List[str]:
        """Return C(name) and what was installed with it by us, as far as it is there."""
        made = entry["made"] if entry else []
        mine = [one for one in made if one["action"] == "install_packages" and name in one["packages"]]
        return installed(self.host.rpm, mine[-1]["packages"] if mine else [name])

    def _require_removable(self, names: t.Sequence[str]) -> None:
        done = self.host.runner(["/usr/bin/rpm", "-e", "--test", "--"] + list(names), timeout=self.host.timeout)
        if done.rc != 0:
            raise PinConflictError(
                f"The package {', '.join(names)} cannot be removed, so nothing was changed: {printable(done.tail())}",
                path=self.path,
                packages=list(names),
            )

    def _plan_installation(self, wish: str) -> PinStep:
        offer = offer_of(self.contract, wish)
        if offer is None:
            raise self._unknown(wish)
        name = offer["package"]
        # Of the same build as the system's python3: another would pull in an update of it.
        release = self.observation["evr"].get(self.contract["links"][0]["package"]) if wish == "python3" else None
        offered = self._offered_releases(name)
        wanted = f"{name}-{release}" if release else name
        if not offered or (release and wanted not in offered):
            why = (
                f": the repositories of this host do not offer {wanted}, so nothing was changed. They offer: "
                f"{', '.join(offered) or 'no ' + name}. Bring the package into a repository"
                f"{', or update python3 to the release that is offered' if offered else ''}."
            )
            raise self._impossible(wish, why, ["absent"], wanted=wanted, available=offered)
        return PinStep(action="install_packages", packages=[name], evr=release)

    def _offered_releases(self, name: str) -> t.List[str]:
        """Return, as name-evr, what the repositories have. Raises AcquisitionError where they cannot be asked."""
        manager = self.observation["manager"]
        if manager["state"] != "works":
            raise AcquisitionError(
                f"The package manager is not used: {manager['reason']}. Repair the system Python first (role "
                "python_restore).",
                wanted=[name],
                tried=[],
            )
        is_zypper = manager["name"] == "zypper"
        argv = (_ZYPPER if is_zypper else _DNF) + [name]
        done = run_isolated(self.host.runner, argv, timeout=self.host.timeout)
        if done.rc not in (0, _NOTHING_FOUND):
            raise AcquisitionError(
                done.error(f"The repositories cannot be asked for {name}").message,
                wanted=[name],
                tried=[{"source": manager["name"], "reason": done.tail()}],
            )
        if is_zypper:
            return sorted({f"{name}-{version}" for found, version in _ROW.findall(done.out) if found == name})
        # A database that dnf has to tidy up makes it print more than the answer.
        return sorted({line.strip() for line in done.out.splitlines() if line.startswith(name + "-")})

    def _plan_undoing(self, entry: t.Optional[PinEntry]) -> t.List[PinStep]:
        undoers: t.Dict[str, t.Callable[[Made], t.List[PinStep]]] = {
            "install_packages": self._undo_install,
            "remove_packages": self._undo_remove,
            "select_alternative": self._undo_select,
            "quarantine": self._undo_quarantine,
        }
        steps: t.List[PinStep] = []
        for made in reversed(entry["made"] if entry else []):
            steps.extend(undoers[made["action"]](made))
        if entry and not steps:
            steps.append(PinStep(action="forget", path=self.path))
        return steps

    def _undo_install(self, made: Made) -> t.List[PinStep]:
        names = installed(self.host.rpm, made["packages"])
        if names:
            self._require_removable(names)
        return [PinStep(action="remove_packages", packages=names)] if names else []

    def _undo_remove(self, made: Made) -> t.List[PinStep]:
        evr = made["evr"]
        gone = [name for name in sorted(evr) if name not in installed(self.host.rpm, sorted(evr))]
        return [PinStep(action="install_packages", packages=[name], evr=evr[name]) for name in gone]

    def _undo_select(self, made: Made) -> t.List[PinStep]:
        return _undo_selection(self.observation, made)

    def _undo_quarantine(self, made: Made) -> t.List[PinStep]:
        return [PinStep(action="put_back", run_id=made["run_id"], path=made["path"])]
