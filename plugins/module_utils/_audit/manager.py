# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Whether the system's Python and the package manager start: only when rpm vouches for all that would run."""

import os
import typing as t

from .._base.command import CommandRunner
from .._disk.links import kind_of, resolve
from .._disk.root import Root
from .isolated import Loaded, run_telling, start
from .packaged_files import PackagedFiles
from .records import ContractManager, ManagerState, Observation, PlantedFile, StartState
from .unseen import why_not
from .ways import open_ways

__all__ = ["MANAGER_STARTS", "STARTED", "manager_state", "not_checked", "not_started", "start_state"]

# When the package manager is started: where something differs, in any case, not at all (and no Python, either).
MANAGER_STARTS = ("if_needed", "always", "never")
# The rules that are about what is started here.
STARTED = ("SP211", "SP217", "SP218")


def not_checked(reason: str, name: t.Optional[str] = None, blocked: t.Sequence[str] = ()) -> ManagerState:
    """Return that the manager was not started, and why."""
    return ManagerState(name=name, state="not checked", reason=reason, blocked=list(blocked))


def not_started(reason: str) -> StartState:
    """Return that the system's Python was not started, and why."""
    return StartState(state="not checked", reason=reason, foreign=[])


def manager_state(
    observation: Observation, files: PackagedFiles, runner: CommandRunner, root: Root, is_needed: bool
) -> t.Tuple[ManagerState, t.Optional[Loaded]]:
    """Start the contract's package manager, where that is safe, and return how that went, and what its Python told.

    Where that is not C(is_needed), the answer is whether all that it would run verifies.
    """
    manager = observation["contract"]["manager"]
    if not manager:
        return not_checked("the contract names no package manager"), None
    state = _state_without_start(manager, observation, files, root, is_needed)
    if state:
        return state, None
    done, loaded = run_telling(runner, manager["argv"])
    works = done.rc == 0
    reason = "" if works else done.error("the package manager does not start").message
    return ManagerState(name=manager["name"], state="works" if works else "broken", reason=reason, blocked=[]), loaded


def _state_without_start(
    manager: ContractManager, observation: Observation, files: PackagedFiles, root: Root, is_needed: bool
) -> t.Optional[ManagerState]:
    """Return what is said of it where it is not started, null where it is to be."""
    command, name = manager["argv"][0], manager["name"]
    if kind_of(command, root) == "missing":
        return not_checked("{0} is not installed".format(command))
    blocked = sorted(_hazards(observation).union(_blocks(manager, observation, files, root)))
    if files.unread.issuperset(blocked) and blocked:
        return not_checked(why_not(blocked), name)
    if blocked:
        return not_checked(_do_not_verify(blocked), name, blocked)
    if not root.is_host:
        return not_checked("of this root nothing is started", name)
    if is_needed:
        return None
    reason = "all that it runs verifies, and nothing else differs: it was not started"
    return ManagerState(name=name, state="verified", reason=reason, blocked=[])


def start_state(
    observation: Observation,
    files: PackagedFiles,
    loaded: t.Optional[Loaded],
    runner: CommandRunner,
    root: Root,
) -> StartState:
    """Return how the system's Python started: C(loaded), or else it is started here, where that is safe."""
    if not root.is_host:
        return not_started("of this root nothing is started")
    interpreter = observation["contract"]["binaries"][0]["path"]
    blocked = _blocks_of_python(interpreter, set(), observation, files, root)
    blocked.update(one["path"] or one["name"] for one in observation["libraries"])
    blocked.update(open_ways(observation))
    if blocked:
        return not_started(_do_not_verify(sorted(blocked)))
    if not loaded:
        done, loaded = start(runner, interpreter)
        if not loaded:
            return StartState(state="failed", reason="it {0}: {1}".format(done.how(), done.tail()), foreign=[])
    return StartState(
        state="failed" if loaded.failure else "works", reason=loaded.failure, foreign=_foreign(loaded, files, root)
    )


def _foreign(loaded: Loaded, files: PackagedFiles, root: Root) -> t.List[str]:
    """Return what no package vouches for. Of files of the contract's packages it is known that they are as shipped."""
    strange = [path for path in loaded.files if files.name(path) not in files.records]
    if strange:
        names = {_name_in_folder(path) for path in strange}
        moved = {root.realpath(path) for path in files.records if _name_in_folder(path) in names}
        strange = [path for path in strange if root.realpath(path) not in moved]
        files.ask_owners(strange)
        files.read_owners(strange)
    return [path for path in strange if not files.verified(path)]


def _name_in_folder(path: str) -> str:
    return path.rpartition("/")[2]


def _hazards(observation: Observation) -> t.Set[str]:
    """Return what the package manager would load or obey, and folders that others than root may change."""
    foreign = [one["path"] for one in observation["libraries"] if one["path"] and one["of_manager"]]
    settings = [one["path"] for one in observation["rpm_settings"] if not one["verified"] and not one["literal"]]
    plugins = [one["path"] for one in observation["manager_plugins"] if not one["verified"]]
    return {*foreign, *settings, *plugins, *open_ways(observation)}


def _do_not_verify(blocked: t.Sequence[str]) -> str:
    return "{0} {1} not verify".format(", ".join(blocked[:5]), "does" if len(blocked) == 1 else "do")


def _blocks(manager: ContractManager, observation: Observation, files: PackagedFiles, root: Root) -> t.Set[str]:
    """Return the files that the manager would run and that rpm does not vouch for: then it is not started."""
    blocked, needed = _unverified(manager["argv"][0], files, root), set(manager["packages"])
    interpreter = manager["interpreter"] or _python_of_plugins(observation)
    if not interpreter:
        return blocked | files.drifted(needed)
    return blocked | _blocks_of_python(interpreter, needed, observation, files, root)


def _blocks_of_python(
    interpreter: str, packages: t.Set[str], observation: Observation, files: PackagedFiles, root: Root
) -> t.Set[str]:
    """Return the same of the system's Python, which imports from C(packages) as well."""
    blocked = _unverified(interpreter, files, root)
    blocked.update(files.missing())
    blocked.update(one["path"] for one in observation["planted"] if _is_imported(one))
    blocked.update(one["path"] for one in observation["astray"])
    # Of these packages it runs the library; other commands beside the interpreter do not matter to it.
    commands = os.path.dirname(interpreter) + "/"
    links = {link["path"] for link in observation["contract"]["links"]}
    drifted = files.drifted(packages.union(observation["contract"]["packages"])) - links
    return blocked.union(path for path in drifted if not path.startswith(commands))


def _python_of_plugins(observation: Observation) -> t.Optional[str]:
    """Return the name of the system's Python by which a plugin is started, null for none."""
    names = {one["path"] for one in observation["contract"]["binaries"] + observation["contract"]["links"]}
    return next((one["path"] for one in observation["manager_plugins"] if one["path"] in names), None)


def _is_imported(planted: PlantedFile) -> bool:
    """Tell whether it would run with the manager, which is started isolated: see isolated.py."""
    return planted["role"] in ("landmark", "archive", "library", "site") and (
        planted["hides"] or planted["runs_at_startup"]
    )


def _unverified(command: str, files: PackagedFiles, root: Root) -> t.Set[str]:
    return {hop["path"] for hop in resolve(command, root) if not files.verified(hop["path"])}
