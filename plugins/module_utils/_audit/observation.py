# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Read what a host's Python is: one pass, read only, five rpm processes at the most.

The result is plain data (see docs/architecture.md, "The way of the data"); the rules in _audit/findings.py judge it.
"""

import functools
import typing as t

from .._base.aside import Aside
from .._base.clock import utc_stamp_or_none
from .._base.command import CommandRunner, run_command
from .._disk.host_mode import host_mode
from .._disk.links import Hop, end_of, kind_of, resolve, which
from .._disk.returned import returned_paths
from .._disk.root import HOST, Root
from .._rpm.database import Rpm, Verification
from .._rpm.releases import Releases
from .._rpm.verify_output import VerifyEntry
from .alternatives import unfinished_states
from .contract import COMMAND
from .discovery import discovered
from .environment import hijacks, loader_settings, of_connection, search_paths, selinux_config, set_for_everyone
from .file_state import drift_of, name_of_binary
from .groups import Groups
from .imports import Suspect, Suspects, astray_folders, root_user_base
from .interpreters import find_interpreters
from .leftovers import PipRecords, installation_traces, trace_of, trace_version
from .loader import Libraries, LoaderVariables, preloaded_libraries
from .manager import STARTED, manager_state, not_checked, not_started, start_state
from .manager_plugins import plugins_of
from .packaged_files import PackagedFiles
from .records import (
    AlternativesGroup,
    AnsibleChoice,
    AstrayFolder,
    Command,
    Contract,
    ContractBinary,
    ContractLink,
    Drift,
    Hijack,
    Interpreter,
    LinkHop,
    ManagerPlugin,
    Observation,
    ObservedBinary,
    ObservedLink,
    PlantedFile,
    PreloadedLibrary,
    RpmSetting,
    SearchPath,
    Shadow,
    Trace,
    UnfinishedUpgrade,
    VerificationState,
    WayPart,
)
from .rpm_settings import settings_of_rpm
from .unseen import closed_by_rule, reasons
from .ways import parts_of_ways, with_records

__all__ = ["NOT_ASKED_FOR", "observe"]

NOT_ASKED_FOR = "not asked for"
# What of the rules cannot be said of a system that is not running.
_NOT_OFFLINE = {
    "SP106": "no search path of a connection, only those in files",
    "SP107": "no variables of a connection, only those in files",
    "SP211": "the package manager is not started; only whether what it would run verifies",
    "SP215": "who owns its folders depends on who unpacked it",
    "SP216": "who owns its folders depends on who unpacked it",
    "SP217": "nothing of it is started",
    "SP218": "nothing of it is started",
    "SP501": "Ansible connects to running hosts only",
}


def observe(
    contract: Contract,
    rpm: Rpm,
    environ: t.Mapping[str, str],
    core_version: str = "",
    runner: CommandRunner = run_command,
    is_manager_needed: t.Optional[t.Callable[[Observation], bool]] = lambda _observation: True,
    root: Root = HOST,
) -> Observation:
    """Return everything that the rules need to know of this host, or of the system in the folder C(root).

    C(environ) is the environment of the connection, C(core_version) the running ansible-core's ("2.19.14", empty when
    unknown). The package manager, where C(is_manager_needed) says so of what was seen before, and the system's
    Python are started, as one process where that runs the manager, if all that they need verifies; with null, neither
    is. Of another root nothing is started, C(environ) and C(core_version)
    say nothing about it, and C(rpm) reads its database. Raises DatabaseError.
    """
    observer = _Observer(contract, rpm, root)
    observation = observer.observe(of_connection(environ) if root.is_host else {}, core_version)
    if is_manager_needed:
        needed = is_manager_needed(observation)
        observation["manager"], loaded = manager_state(observation, observer.files, runner, root, needed)
        observation["start"] = start_state(observation, observer.files, loaded, runner, root)
        observation["rpm_processes"] = rpm.calls
        for rule in STARTED:
            if observation["not_checked"][rule] == NOT_ASKED_FOR:
                del observation["not_checked"][rule]
    if not root.is_host:
        observation["not_checked"].update(_NOT_OFFLINE)
    return observation


class _Seen(t.NamedTuple):
    """What was seen before rpm was asked who owns it."""

    chains: t.Dict[str, t.List[Hop]]
    groups: Groups
    paths: t.List[SearchPath]
    settings: t.List[Hijack]
    preloaded: t.List[PreloadedLibrary]
    libraries: Libraries
    variables: LoaderVariables
    rpm_settings: t.List[RpmSetting]
    plugins: t.List[ManagerPlugin]
    interpreters: t.List[Interpreter]
    choice: t.Optional[str]
    astray: t.List[AstrayFolder]
    suspects: Suspects
    traces: t.List[str]
    ways: t.List[WayPart]


class _Observer:
    """One pass over the host; the attributes are what the steps share."""

    def __init__(self, contract: Contract, rpm: Rpm, root: Root) -> None:
        self.contract = contract
        self.rpm = rpm
        self.root = root
        self.files = PackagedFiles(contract, rpm, root)
        self.pip = PipRecords(root)

    def observe(self, environ: t.Mapping[str, str], core_version: str) -> Observation:
        """Do the pass; the package manager is not started."""
        files = self.files
        groups = Groups(self.contract, files, self.root)
        # Of what a group leads to the packages are not known yet.
        verification = None if groups.called else Aside(functools.partial(self.rpm.verify, files.labels()))
        seen = self._look(environ, core_version, groups)
        runnable = self._runnable(seen)
        movable = groups.choices().union(seen.traces, (one.path for one in seen.suspects.found))
        files.ask_owners(runnable.union(self._paths_named(seen.settings), groups.led_to()), movable)
        files.read_owners(runnable)
        files.take_in(groups.parts_called())
        verified = verification.result() if verification else self.rpm.verify(files.labels())
        files.take_verification(verified.entries)
        return self._judged(seen, verified, files.rights_astray(runnable))

    def _look(self, environ: t.Mapping[str, str], core_version: str, groups: Groups) -> _Seen:
        """Look at all that needs no answer of rpm's beyond the records of the contract's packages."""
        files, root = self.files, self.root
        everyone = set_for_everyone(root)
        paths, settings = search_paths(environ, everyone), hijacks(environ, everyone)
        libraries = Libraries(self.contract, files, root)
        astray = astray_folders(files.records, self.contract["version"], root)
        return _Seen(
            chains={name: resolve("/usr/bin/" + name, root) for name in ("python3", "python")},
            groups=groups,
            paths=paths,
            settings=settings,
            preloaded=preloaded_libraries(root),
            libraries=libraries,
            variables=LoaderVariables(loader_settings(environ, everyone), libraries, root),
            rpm_settings=settings_of_rpm(root),
            plugins=plugins_of(self.contract, root),
            interpreters=find_interpreters(_folders_of(paths), root=root.folder),
            choice=discovered(environ, core_version) if root.is_host else None,
            astray=astray,
            suspects=self._suspects(settings, [one["path"] for one in astray]),
            traces=self._named_like_parts(),
            ways=parts_of_ways(files.records, root),
        )

    def _judged(self, seen: _Seen, verified: Verification, astray: t.Iterable[VerifyEntry]) -> Observation:
        files, alternatives = self.files, seen.groups.judged()
        closed = closed_by_rule(seen.paths, sorted(files.unread), seen.suspects.closed, self.root)
        return Observation(
            contract=self.contract,
            root=self.root.folder,
            packages={name: package.nevra for name, package in sorted(files.packages.items())},
            evr={name: package.evr for name, package in files.packages.items() if name in files.scope},
            architecture=files.architecture,
            installed=files.is_due,
            missing_packages=files.missing(),
            unlinked=files.unlinked() if files.is_due else {},
            duplicate_packages={one.counts.name: one.counts.nevra for one in files.releases if _is_recorded_twice(one)},
            unfinished_upgrades=[_unfinished(one) for one in files.releases if one.is_unfinished],
            verification=VerificationState(partial=verified.partial, seconds=round(verified.elapsed, 3)),
            links=[self._link(link) for link in self.contract["links"] if self._is_expected(link)],
            binaries=[self._binary(one) for one in seen.groups.binaries()],
            drift=[self._drift(entry) for entry in [*files.drift.values(), *astray]],
            ways=with_records(seen.ways, files),
            resolution={name: self._judged_hops(chain) for name, chain in seen.chains.items()},
            command=self._command(seen.chains["python3"]),
            interpreters=self._with_owners(seen.interpreters),
            alternatives=alternatives,
            unfinished_states=unfinished_states(alternatives, root=self.root),
            search_paths=seen.paths,
            shadowing=self._shadowing(seen.paths),
            hijacks=self._owned_settings(seen.settings),
            preloaded=self._vouched_libraries(seen.preloaded),
            rpm_settings=self._vouched_settings(seen.rpm_settings),
            manager_plugins=self._vouched_plugins(seen.plugins),
            libraries=seen.libraries.unvouched(),
            loader_variables=seen.variables.judged(files.owner),
            planted=self._planted(seen.suspects.found),
            astray=seen.astray,
            traces=self._traces(seen.traces, alternatives),
            put_back=returned_paths() if self.root.is_host else [],
            ansible=self._ansible_choice(seen.choice),
            selinux=selinux_config(self.root),
            mode=host_mode() if self.root.is_host else None,
            manager=not_checked(NOT_ASKED_FOR),
            start=not_started(NOT_ASKED_FOR),
            not_checked=dict(dict.fromkeys(STARTED, NOT_ASKED_FOR), **reasons(closed)),
            unreadable=sorted(set().union(*closed.values())),
            rpm_processes=self.rpm.calls,
        )

    def _suspects(self, settings: t.Iterable[Hijack], astray: t.Iterable[str]) -> Suspects:
        bases = [one["value"] for one in settings if one["variable"] == "PYTHONUSERBASE" and one["value"][:1] == "/"]
        bases = list(dict.fromkeys([root_user_base(self.root)] + bases))
        return Suspects(self.contract["version"], self.files.owned, bases, astray, self.root, self.root.is_host)

    def _named_like_parts(self) -> t.List[str]:
        # A %ghost vouches for the name, not for what lies there.
        real = {path for path, (_package, record) in self.files.records.items() if not record.is_ghost}
        return installation_traces(real, root=self.root)

    def _runnable(self, seen: _Seen) -> t.Set[str]:
        """Return the files that may run when somebody calls Python, or decide what does."""
        runnable = {hop["path"] for chain in seen.chains.values() for hop in chain}
        runnable.update(path for one in seen.interpreters for path in (one["path"], one["realpath"]) if path)
        if seen.choice:
            runnable.update((seen.choice, self.root.realpath(seen.choice)))
        runnable.update(one["path"] for one in seen.preloaded if one["path"])
        runnable.update(one["path"] for one in seen.rpm_settings)
        runnable.update(hop["path"] for one in seen.plugins for hop in resolve(one["path"], self.root))
        runnable.update(one["path"] for one in seen.ways)
        return runnable.union(seen.libraries.paths(), seen.variables.paths(), seen.groups.runnable())

    def _paths_named(self, settings: t.Iterable[Hijack]) -> t.Set[str]:
        """Return what links and settings name."""
        named = {link["path"] for link in self.contract["links"]}
        named.update(one["path"] for one in settings if one["path"])
        return named

    def _judged_hops(self, chain: t.List[Hop]) -> t.List[LinkHop]:
        if chain[0]["kind"] == "missing":
            return []
        return [
            LinkHop(
                path=hop["path"],
                kind=hop["kind"],
                target=hop["target"],
                owner=self.files.owner(hop["path"]),
                verified=self.files.verified(hop["path"]),
            )
            for hop in chain
        ]

    def _planted(self, suspects: t.Iterable[Suspect]) -> t.List[PlantedFile]:
        # While an owner is missing from the database, its own files look as if nobody owned them.
        if self.files.missing():
            return []
        found = [self._planted_file(one) for one in suspects if not self.files.is_owned(one.path)]
        return [one for one in found if one["role"] == "site" or one["hides"] or one["runs_at_startup"]]

    def _planted_file(self, one: Suspect) -> PlantedFile:
        return PlantedFile(
            path=one.path,
            role=one.role,
            runs_at_startup=one.runs,
            hides=one.hides or any(self.files.owner(rival) for rival in one.rivals),
            by_pip=self.pip.installed(one.path),
            open_to_others=one.open,
            since=self._changed(one.path),
        )

    def _changed(self, path: str) -> t.Optional[str]:
        """Return when the inode changed last; in an image that is when somebody unpacked it."""
        if not self.root.is_host or not self.root.lexists(path):
            return None
        return utc_stamp_or_none(self.root.lstat(path).st_ctime)

    def _traces(self, paths: t.Sequence[str], groups: t.Sequence[AlternativesGroup]) -> t.List[Trace]:
        """Return what no package owns, and the ghosts that lead to a version of which no package owns anything.

        A name without a version is left out when it leads to what a package owns: what it should be is a policy.
        """
        files, unversioned = self.files, self.contract["unversioned"]["path"]
        packaged = {trace_version(path) for path in paths if files.is_owned(path) and not files.is_ghost(path)}
        packaged.add(self.contract["version"])
        found = [trace_of(path, groups, self.root) for path in paths if not files.is_owned(path)]
        foreign = {trace["version"] for trace in found} - packaged - {None}
        public = {one["path"] for group in groups for one in group["governs"]}
        ghosts = [path for path in paths if files.is_ghost(path) and path not in public]
        found = [trace for trace in found if trace["path"] != unversioned or trace["version"] in foreign]
        if files.missing() or files.unlinked():
            found = [trace for trace in found if trace["version"] in foreign]
        of_ghosts = [trace_of(path, groups, self.root) for path in ghosts]
        return found + [trace for trace in of_ghosts if trace["version"] in foreign]

    def _is_expected(self, link: ContractLink) -> bool:
        """Tell whether this host should have the link: one of an optional package only where that is installed."""
        package = self.files.package_of(link)
        return self.files.is_due and (package in self.contract["packages"] or package in self.files.packages)

    def _command(self, chain: t.List[Hop]) -> Command:
        """Return where /usr/bin/python3 leads, for a release whose packages ship no link of this name."""
        leads_to = end_of(chain)
        return Command(
            path=COMMAND,
            kind=kind_of(COMMAND, self.root),
            target=chain[0]["target"],
            leads_to=leads_to,
            owner=self.files.owner(leads_to) if leads_to else None,
        )

    def _link(self, link: ContractLink) -> ObservedLink:
        path = link["path"]
        chain = resolve(path, self.root)
        expected = self.files.shipped_target(path) or link["target"]
        return ObservedLink(
            path=path,
            package=self.files.package_of(link),
            owner=self.files.owner(path),
            expected=expected,
            kind=kind_of(path, self.root),
            target=chain[0]["target"],
            chain=chain,
            leads_to=end_of(chain),
            due=self.files.end_of_link(path, expected),
        )

    def _binary(self, binary: ContractBinary) -> ObservedBinary:
        return ObservedBinary(
            path=binary["path"],
            package=binary["package"],
            names=[
                name_of_binary(
                    path,
                    self.files.owner(path),
                    self._drift(self.files.drift[path]) if path in self.files.drift else None,
                    self.root,
                )
                for path in [binary["path"]] + binary["twins"]
            ],
        )

    def _drift(self, entry: VerifyEntry) -> Drift:
        package, record = self.files.records.get(entry.path, (None, None))
        taken_by = [owner.nevra for owner in self.files.takers(entry.path)] if entry.note == "replaced" else []
        return drift_of(entry, package, record, taken_by, self.pip, self.root)

    def _with_owners(self, interpreters: t.List[Interpreter]) -> t.List[Interpreter]:
        for one in interpreters:
            end = one["realpath"] or one["path"]
            one["owner"], one["verified"] = self.files.owner(end), self.files.verified(end)
        return interpreters

    def _owned_settings(self, settings: t.List[Hijack]) -> t.List[Hijack]:
        for one in settings:
            one["owner"] = self.files.owner(one["path"]) if one["path"] else None
        return settings

    def _vouched_libraries(self, preloaded: t.List[PreloadedLibrary]) -> t.List[PreloadedLibrary]:
        for one in preloaded:
            if one["path"]:
                one["owner"], one["verified"] = self.files.owner(one["path"]), self.files.verified(one["path"])
        return preloaded

    def _vouched_settings(self, settings: t.List[RpmSetting]) -> t.List[RpmSetting]:
        for one in settings:
            one["owner"], one["verified"] = self.files.owner(one["path"]), self.files.verified(one["path"])
        return settings

    def _vouched_plugins(self, plugins: t.List[ManagerPlugin]) -> t.List[ManagerPlugin]:
        for one in plugins:
            hops = resolve(one["path"], self.root)
            one["owner"] = self.files.owner(one["path"])
            one["verified"] = one["told"] and all(self.files.verified(hop["path"]) for hop in hops)
        return plugins

    def _shadowing(self, paths: t.Iterable[SearchPath]) -> t.List[Shadow]:
        """Return, once per file, the python3 that a search path puts before the contract's."""
        packaged = any(link["path"] == COMMAND for link in self.contract["links"])
        if kind_of(COMMAND, self.root) == "missing" and not packaged:
            # Then there is nothing that another one could come before.
            return []
        found: t.Dict[str, Shadow] = {}
        for one in paths:
            hit = which("python3", one["folders"], self.root)
            if hit is None or self.root.canonical(hit) == COMMAND:
                continue
            shadow = Shadow(path=hit, leads_to=self.root.realpath(hit), owner=self.files.owner(hit), who=[])
            found.setdefault(hit, shadow)["who"].append("{0} ({1})".format(one["who"], one["source"]))
        return list(found.values())

    def _ansible_choice(self, path: t.Optional[str]) -> AnsibleChoice:
        if path is None:
            return AnsibleChoice(path=None, realpath=None, verified=None, owner=None)
        real = self.root.realpath(path)
        return AnsibleChoice(path=path, realpath=real, verified=self.files.verified(real), owner=self.files.owner(real))


def _is_recorded_twice(releases: Releases) -> bool:
    return len(releases.packages) > 1 and not releases.is_unfinished


def _unfinished(releases: Releases) -> UnfinishedUpgrade:
    return UnfinishedUpgrade(
        package=releases.counts.name,
        recorded=[one.nevra for one in releases.found],
        on_disk=releases.on_disk.nevra if releases.on_disk else None,
        found={one.nevra: paths for one, paths in releases.found.items()},
    )


def _folders_of(paths: t.Iterable[SearchPath]) -> t.List[str]:
    folders: t.List[str] = []
    for one in paths:
        folders.extend(folder for folder in one["folders"] if folder not in folders)
    return folders
