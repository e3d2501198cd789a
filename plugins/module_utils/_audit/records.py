# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What an audit looks at and sees: the contract and the observation, as dicts with named keys.

Each record is made by calling its type, C(Shadow(path=..., leads_to=..., owner=..., who=[])), so that mypy sees a key
that is missing; a group, whose links come after its state file, by C(make_group). Tests make them in the same way.
Paths are absolute, inside the audited root; null is how a record says that something is not there, or not known.
"""

import typing as t

from .._disk.host_mode import HostMode
from .._disk.links import Hop

if t.TYPE_CHECKING:
    # --- the contract (see contract.py) ---

    class ContractMatch(t.TypedDict):
        """The values of ID, and the major version in VERSION_ID, that an os-release of this system may have."""

        ids: t.List[str]
        major: str

    class ContractBinary(t.TypedDict):
        """An interpreter; C(twins) are the other names of the same inode."""

        path: str
        package: str
        twins: t.List[str]

    class ContractLink(t.TypedDict):
        """A link that C(package) ships, or in later updates of the release a package of its own, C(later)."""

        path: str
        target: str
        package: str
        later: t.NotRequired[str]

    class UnversionedOffer(t.TypedDict):
        """The package that ships /usr/bin/python as a link to C(target)."""

        package: str
        target: str

    class UnversionedGroup(t.TypedDict):
        """The alternatives group that makes /usr/bin/python: its target for absent, python3 and python2."""

        name: str
        targets: t.Dict[str, str]

    class Unversioned(t.TypedDict):
        """What the release has for /usr/bin/python; C(package) ships it as Python 3, null where none does."""

        path: str
        package: t.Optional[str]
        target: t.Optional[str]
        python2: t.NotRequired[UnversionedOffer]
        group: t.NotRequired[UnversionedGroup]

    class ContractManager(t.TypedDict):
        """The package manager; C(interpreter) is null where it is no Python program."""

        name: str
        argv: t.List[str]
        interpreter: t.Optional[str]
        packages: t.List[str]

    class ProofCommand(t.TypedDict):
        """A command that must exit with 0 and print what matches C(expect), a regular expression."""

        argv: t.List[str]
        expect: str

    class Contract(t.TypedDict):
        """What a release promises of its own Python; contract.py describes every key."""

        id: str
        name: str
        match: t.List[ContractMatch]
        version: str
        binaries: t.List[ContractBinary]
        links: t.List[ContractLink]
        alternatives: t.Dict[str, t.Dict[str, str]]
        unversioned: Unversioned
        packages: t.List[str]
        optional_packages: t.List[str]
        manager: t.Optional[ContractManager]
        proof: t.List[ProofCommand]
        selinux: t.Optional[str]

    # --- the observation (see observation.py) ---

    class LinkHop(Hop):
        """A hop of the way of a command name: C(verified) is whether rpm vouches for it, null where none owns it."""

        owner: t.Optional[str]
        verified: t.Optional[bool]

    class ObservedLink(t.TypedDict):
        """A link of the contract: C(due) is the file that it would run as packaged, C(leads_to) the one that runs."""

        path: str
        package: str
        owner: t.Optional[str]
        expected: str
        kind: str
        target: t.Optional[str]
        chain: t.List[Hop]
        leads_to: t.Optional[str]
        due: t.Optional[str]

    class FileFacts(t.TypedDict, total=False):
        """What of a file is promised or found, as far as it is known; modes are octal texts, C(size) is in bytes."""

        digest: t.Optional[str]
        size: int
        mode: str
        owner: str
        group: str
        uid: int
        gid: int
        link_target: str

    class Drift(t.TypedDict):
        """A file that is not as its package shipped it, as rpm -V says it: its flags, and the words for them.

        C(taken_by) are the packages whose file lies there, where the note is V(replaced).
        """

        path: str
        package: t.Optional[str]
        missing: bool
        flags: str
        altered: t.List[str]
        unreadable: t.List[str]
        note: str
        taken_by: t.List[str]
        reason: str
        kind: str
        pip_record: t.Optional[str]
        expected: FileFacts
        actual: FileFacts

    class WayPart(t.TypedDict):
        """A folder above the packages' files, or rpm: "open" to changes of others, or "closed" to ordinary users.

        C(package) recorded C(expected), which is null where nobody says how it should be.
        """

        path: str
        trouble: str
        package: t.Optional[str]
        expected: t.Optional[FileFacts]
        actual: FileFacts

    class BinaryName(t.TypedDict):
        """One of the names of a binary of the contract; C(mode) is st_mode, C(inode) is "DEVICE:INODE"."""

        path: str
        kind: str
        target: t.Optional[str]
        size: t.Optional[int]
        mode: t.Optional[int]
        inode: t.Optional[str]
        owner: t.Optional[str]
        drift: t.Optional[Drift]

    class ObservedBinary(t.TypedDict):
        """A binary of the contract; the twins come after its own name."""

        path: str
        package: str
        names: t.List[BinaryName]

    class Command(t.TypedDict):
        """Where /usr/bin/python3 leads."""

        path: str
        kind: str
        target: t.Optional[str]
        leads_to: t.Optional[str]
        owner: t.Optional[str]

    class Interpreter(t.TypedDict):
        """A name of a Python on the host, see find_interpreters; C(verified) as in a LinkHop."""

        path: str
        realpath: t.Optional[str]
        source: str
        version: t.Optional[str]
        version_source: t.Optional[str]
        kind: str
        executable: bool
        reason: t.Optional[str]
        owner: t.Optional[str]
        verified: t.Optional[bool]

    class AlternativesSlave(t.TypedDict):
        """A link that follows the group's own."""

        name: str
        link: str

    class AlternativesChoice(t.TypedDict):
        """What a group may lead to: C(target) as it is registered, C(place) its one name.

        C(slaves) maps the names of slaves to their targets; C(astray) are those whose links are others although their
        targets exist. C(chosen): the group's entry leads to it.
        """

        target: str
        place: str
        priority: int
        family: t.Optional[str]
        slaves: t.Dict[str, t.Optional[str]]
        chosen: bool
        exists: bool
        astray: t.List[str]
        owner: t.Optional[str]

    class GovernedLink(t.TypedDict):
        """A public link of a group, and what really lies there.

        C(entry) is its name in /etc/alternatives, to which it leads where it is C(governed); C(owner) owns what runs.
        The name itself belongs to C(package), which has it as a link to C(expected) and would have it run C(due).
        """

        name: str
        path: str
        kind: str
        entry: str
        target: t.Optional[str]
        governed: bool
        leads_to: t.Optional[str]
        owner: t.Optional[str]
        package: t.Optional[str]
        expected: t.Optional[str]
        due: t.Optional[str]

    class AlternativesGroup(t.TypedDict):
        """An alternatives group; of a state file that cannot be parsed C(mode) is null and C(choices) is empty.

        C(own): the contract promises it. C(makers) are the packages that have its names as %ghosts, and register
        themselves when they are installed; C(chosen_owner) owns what the entry leads to.
        """

        name: str
        own: bool
        makers: t.List[str]
        mode: t.Optional[str]
        link: t.Optional[str]
        slaves: t.List[AlternativesSlave]
        choices: t.List[AlternativesChoice]
        state_file: str
        entry: str
        chosen: t.Optional[str]
        chosen_owner: t.Optional[str]
        governs: t.List[GovernedLink]
        problems: t.List[str]

    class SearchPath(t.TypedDict):
        """A search path, who uses it, and where it is set."""

        who: str
        source: str
        folders: t.List[str]

    class Shadow(t.TypedDict):
        """A python3 that comes before the system's, on the search paths of C(who)."""

        path: str
        leads_to: str
        owner: t.Optional[str]
        who: t.List[str]

    class Hijack(t.TypedDict):
        """A variable that leads astray each Python of those whom C(who) means. Of a connection's own, C(path) is null.

        C(line) is the line that sets it, where it does nothing else, else null.
        """

        variable: str
        value: str
        who: str
        source: str
        path: t.Optional[str]
        line: t.Optional[str]
        owner: t.Optional[str]

    class PreloadedLibrary(t.TypedDict):
        """A library of /etc/ld.so.preload; C(path) is null where there is none. See Interpreter for the rest.

        C(writable) is what others than root may change of it or of the folders above it, null when nothing.
        """

        name: str
        path: t.Optional[str]
        writable: t.Optional[str]
        owner: t.Optional[str]
        verified: t.Optional[bool]

    class RpmSetting(t.TypedDict):
        """A file that rpm reads, runs or loads at its start; C(literal): it only gives words for names.

        See Interpreter for the rest.
        """

        path: str
        literal: bool
        owner: t.Optional[str]
        verified: t.Optional[bool]

    class ManagerPlugin(t.TypedDict):
        """What the package manager would load or start beside its own files; see Interpreter for the rest.

        C(told) is false of what leads to plugins that cannot be told: a setting, or a folder that others may change.
        """

        path: str
        told: bool
        owner: t.Optional[str]
        verified: t.Optional[bool]

    class LoadedLibrary(t.TypedDict):
        """A library of the system's Python, or of the package manager, that no package vouches for.

        C(needed_by) wants it under C(name), and C(of_manager) is whether the manager does. C(path) is null where there
        is none. C(found_by) says how the loader comes to it, C(configured) is the line of ldconfig's configuration
        ("FILE:LINE"), C(damage) why it cannot be loaded, C(instead) what a package has of that name. See Interpreter
        for the rest.
        """

        name: str
        needed_by: str
        of_manager: bool
        path: t.Optional[str]
        found_by: t.Optional[str]
        configured: t.Optional[str]
        damage: t.Optional[str]
        owner: t.Optional[str]
        verified: t.Optional[bool]
        instead: t.Optional[str]

    class LoaderVariable(t.TypedDict):
        """A variable that every program's loader obeys, for those whom C(who) means; see Hijack.

        C(unvouched) are libraries that it puts into the system's Python and that no package vouches for, C(writable) is
        what of its folders or files others than root may change, null when nothing.
        """

        variable: str
        value: str
        who: str
        source: str
        path: t.Optional[str]
        owner: t.Optional[str]
        unvouched: t.List[str]
        writable: t.Optional[str]

    class PlantedFile(t.TypedDict):
        """Something on the import path of the system's Python that no package owns.

        C(role) is that of the place, see import_path.py; C(hides): Python takes it for a module of the system, or, of
        a path configuration file, something in what it adds; C(open_to_others): others than root may change it.
        C(since): when its inode changed last, of a running host.
        """

        path: str
        role: str
        runs_at_startup: bool
        hides: bool
        by_pip: bool
        open_to_others: bool
        since: t.Optional[str]

    class AstrayFolder(t.TypedDict):
        """A link in the place of a packaged folder; others than root may write C(open_folder) on its way."""

        path: str
        package: str
        leads_to: str
        open_folder: str

    class Trace(t.TypedDict):
        """A part of an installed Python in a folder of the system that no package owns."""

        path: str
        version: t.Optional[str]
        governed: bool

    class AnsibleChoice(t.TypedDict):
        """The interpreter that ansible-core's discovery would choose."""

        path: t.Optional[str]
        realpath: t.Optional[str]
        verified: t.Optional[bool]
        owner: t.Optional[str]

    class SelinuxConfig(t.TypedDict):
        """The mode that the configuration asks for; C(source) is "FILE:LINE"."""

        configured: t.Optional[str]
        source: t.Optional[str]

    class ManagerState(t.TypedDict):
        """Whether the package manager starts: works, broken or not checked; C(blocked) are the files against it.

        It is "verified" where it was not started because nothing differs.
        """

        name: t.Optional[str]
        state: str
        reason: str
        blocked: t.List[str]

    class StartState(t.TypedDict):
        """Whether the system's Python starts and imports what it must: works, failed or not checked.

        C(foreign) is what it loaded and no package vouches for.
        """

        state: str
        reason: str
        foreign: t.List[str]

    class VerificationState(t.TypedDict):
        """Whether the verification was broken off, and how long it took."""

        partial: bool
        seconds: float

    class UnfinishedUpgrade(t.TypedDict):
        """A package that is recorded in several releases; C(on_disk) is the one whose files are there, if one is.

        C(found) has the files that tell, by the release that they are of.
        """

        package: str
        recorded: t.List[str]
        on_disk: t.Optional[str]
        found: t.Dict[str, t.List[str]]

    class Observation(t.TypedDict):
        """All that the rules know of a host; _audit/observation.py makes it."""

        contract: Contract
        root: str
        packages: t.Dict[str, str]
        evr: t.Dict[str, str]
        architecture: str
        # Whether there is, or should be, a Python of the system's own.
        installed: bool
        missing_packages: t.List[str]
        # The packages of a link each (ContractLink's C(later)) that are not installed, with that link.
        unlinked: t.Dict[str, str]
        duplicate_packages: t.Dict[str, str]
        unfinished_upgrades: t.List[UnfinishedUpgrade]
        verification: VerificationState
        links: t.List[ObservedLink]
        binaries: t.List[ObservedBinary]
        drift: t.List[Drift]
        ways: t.List[WayPart]
        resolution: t.Dict[str, t.List[LinkHop]]
        command: Command
        interpreters: t.List[Interpreter]
        alternatives: t.List[AlternativesGroup]
        # New states of groups that a killed program left.
        unfinished_states: t.List[str]
        search_paths: t.List[SearchPath]
        shadowing: t.List[Shadow]
        hijacks: t.List[Hijack]
        preloaded: t.List[PreloadedLibrary]
        rpm_settings: t.List[RpmSetting]
        manager_plugins: t.List[ManagerPlugin]
        libraries: t.List[LoadedLibrary]
        loader_variables: t.List[LoaderVariable]
        planted: t.List[PlantedFile]
        astray: t.List[AstrayFolder]
        traces: t.List[Trace]
        put_back: t.List[str]
        ansible: AnsibleChoice
        selinux: SelinuxConfig
        # Null for another root.
        mode: t.Optional[HostMode]
        manager: ManagerState
        start: StartState
        # Rules with the reason, and what they should have read and could not.
        not_checked: t.Dict[str, str]
        unreadable: t.List[str]
        rpm_processes: int

else:
    ContractMatch = ContractBinary = ContractLink = ContractManager = ProofCommand = Contract = dict
    UnversionedOffer = UnversionedGroup = Unversioned = dict
    LinkHop = ObservedLink = FileFacts = Drift = WayPart = BinaryName = ObservedBinary = Command = Interpreter = dict
    AlternativesSlave = AlternativesChoice = GovernedLink = AlternativesGroup = dict
    SearchPath = Shadow = Hijack = PreloadedLibrary = LoadedLibrary = LoaderVariable = RpmSetting = dict
    ManagerPlugin = dict
    PlantedFile = AstrayFolder = Trace = dict
    AnsibleChoice = SelinuxConfig = dict
    ManagerState = StartState = VerificationState = UnfinishedUpgrade = Observation = dict


def make_group(
    name: str,
    mode: t.Optional[str] = None,
    link: t.Optional[str] = None,
    slaves: t.Sequence[AlternativesSlave] = (),
    choices: t.Sequence[AlternativesChoice] = (),
    state_file: str = "",
    entry: str = "",
    chosen: t.Optional[str] = None,
    governs: t.Sequence[GovernedLink] = (),
    problems: t.Sequence[str] = (),
    own: bool = False,
    makers: t.Sequence[str] = (),
    chosen_owner: t.Optional[str] = None,
) -> AlternativesGroup:
    """Return an alternatives group; what only its links tell may be added later."""
    return AlternativesGroup(
        name=name,
        mode=mode,
        link=link,
        slaves=list(slaves),
        choices=list(choices),
        state_file=state_file,
        entry=entry,
        chosen=chosen,
        chosen_owner=chosen_owner,
        governs=list(governs),
        problems=list(problems),
        own=own,
        makers=list(makers),
    )
