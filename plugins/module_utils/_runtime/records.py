# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The records of the wing: what is asked for, what is there, the steps of a plan, and the result of a run."""

import os
import re
import typing as t

from .._base.text import printable
from .._disk.archive import ArchiveLimits
from .._disk.kept import DEFAULT_FOLDER
from .._packages.addresses import shown_url
from .._packages.repo_config import Connection
from .._trust.manifest import FileDeviation, Manifest, RuntimeBuild, RuntimeOrigin, RuntimeSource
from .._venv.records import minor_of
from .needs import LostLibrary
from .proof import CHECKS

__all__ = [
    "LOCK_PATH",
    "VERSION",
    "BuildOptions",
    "Link",
    "PackageSource",
    "RuntimePlan",
    "RuntimeResult",
    "RuntimeSettings",
    "RuntimeStep",
    "SeenRuntime",
    "Tried",
    "changes_of",
    "is_url",
    "shown_place",
    "version_key",
]

# Not the lock of repairs: a build takes minutes, and a repair must not wait for it.
LOCK_PATH = "/run/lock/fleet.system_python.runtime.lock"
LOG_FOLDER = "/var/log/fleet.system_python"

VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:(a|b|rc)(\d+))?")


def is_url(place: str) -> bool:
    """Tell whether C(place) is a URL."""
    return re.match(r"[a-z]+://", place) is not None


def shown_place(place: str) -> str:
    """Return a URL or path for messages and records: a URL without what may be secret in it."""
    return shown_url(place) if is_url(place) else place


def version_key(version: str) -> t.Tuple[int, int, int, str, int]:
    """Return what sorts 3.9.2 before 3.13.5, and 3.14.0rc1 before 3.14.0."""
    found = VERSION.fullmatch(version)
    major, minor, patch, stage, number = found.groups() if found else ("0", "0", "0", None, None)
    return (int(major), int(minor), int(patch), stage or "z", int(number or 0))


class BuildOptions(t.NamedTuple):
    """How to build. C(jobs) 0: as many as there are processors. C(configure): further options of configure."""

    jobs: int = 0
    optimize: bool = False
    lto: bool = False
    tests: bool = False
    configure: t.Tuple[str, ...] = ()
    environment: t.Tuple[t.Tuple[str, str], ...] = ()

    def as_record(self) -> RuntimeBuild:
        """Return what decides about the result, for the manifest."""
        return RuntimeBuild(
            optimize=self.optimize,
            lto=self.lto,
            tests=self.tests,
            configure=list(self.configure),
            environment=dict(self.environment),
        )

    def like(self, record: RuntimeBuild) -> "BuildOptions":
        """Return these options with what C(as_record) once gave."""
        return BuildOptions(
            jobs=self.jobs,
            optimize=record["optimize"],
            lto=record["lto"],
            tests=record["tests"],
            configure=tuple(record["configure"]),
            environment=tuple(sorted(record["environment"].items())),
        )


class RuntimeSettings(t.NamedTuple):
    """What the user asked for. Times are in seconds; C(place) is a URL or a path on this host, empty for none.

    C(mirror): folder or URL of a release, without a slash at its end.
    C(shown_place) is what the manifest and messages call it (the controller's path of an uploaded file).
    """

    state: str
    version: str
    root: str = "/opt/python"
    kind: str = "prebuilt"
    place: str = ""
    shown_place: str = ""
    mirror: str = ""
    sha256: str = ""
    signature: str = ""
    keyring: str = ""
    connection: Connection = Connection()
    build: BuildOptions = BuildOptions()
    account: str = ""
    checks: t.Tuple[str, ...] = CHECKS
    limits: ArchiveLimits = ArchiveLimits()
    link: bool = True
    keep: t.Optional[int] = None
    ignore_partial_census: bool = False
    destination: str = ""
    family: str = ""
    invoked_by: str = ""
    timeout: float = 7200.0
    fetch_timeout: float = 600.0
    lock_timeout: float = 0.0
    lock_path: str = LOCK_PATH
    log_folder: str = LOG_FOLDER
    progress: str = ""
    quarantine_folder: str = DEFAULT_FOLDER
    owner: int = 0

    @property
    def minor(self) -> str:
        """Return the version as C(3.13)."""
        return minor_of(self.version)

    @property
    def path(self) -> str:
        """Return the folder of the runtime."""
        return os.path.join(self.root, self.version)

    @property
    def link_path(self) -> str:
        """Return the link of the minor version that leads to one of its runtimes."""
        return os.path.join(self.root, self.minor)

    @property
    def archive_name(self) -> str:
        """Return what the manifest and messages call the archive."""
        return self.shown_place or shown_place(self.place)

    @property
    def must_be_uploaded(self) -> bool:
        """Return whether the archive is on the controller, and was not brought here yet."""
        return bool(self.shown_place and not self.place)


class Tried(t.NamedTuple):
    """How a runtime did that is as it was installed: the checks that failed, with the reason, and what it lacks."""

    failed: t.Mapping[str, str] = {}
    lost: t.Tuple[LostLibrary, ...] = ()

    def problem(self) -> str:
        """Return in words what does not work, nothing where all does."""
        failed = [f"{name} ({printable(why)})" for name, why in sorted(self.failed.items())]
        return "; ".join([one.sentence() for one in self.lost] + ["these fail: " + ", ".join(failed)] * bool(failed))


class SeenRuntime(t.NamedTuple):
    """What is at the place of a runtime.

    C(manifest) is None for no runtime, C(damage) why it cannot be read; C(deviations) are None where nobody looked,
    C(tried) is only of what has none.
    C(link) is where the link of the minor version leads, C(link_is_blocked) whether something else has its name.
    C(installed): the versions below the root, oldest first. C(is_packed): the archive is the one that was made of it.
    """

    exists: bool = False
    manifest: t.Optional[Manifest] = None
    damage: str = ""
    has_sums: bool = False
    deviations: t.Optional[t.Tuple[FileDeviation, ...]] = None
    tried: Tried = Tried()
    link: t.Optional[str] = None
    link_is_blocked: bool = False
    leftovers: t.Tuple[str, ...] = ()
    installed: t.Tuple[str, ...] = ()
    is_packed: bool = False

    @property
    def is_foreign(self) -> bool:
        """Return whether something is there that was not made by this module."""
        return self.exists and self.manifest is None and not self.damage and not self.has_sums

    @property
    def is_intact(self) -> t.Optional[bool]:
        """Return whether it is as it was installed and works, None where nobody looked."""
        return None if self.deviations is None else not self.deviations and not self.tried.problem()


if t.TYPE_CHECKING:

    class RuntimeStep(t.TypedDict):
        """A step of a run.

        C(action): clean (what a killed run left), install, link, remove, pack; for packages of the distribution
        install_packages and remove_packages. C(was) is where the link led before.
        """

        action: str
        path: t.NotRequired[str]
        reason: t.NotRequired[str]
        target: t.NotRequired[t.Optional[str]]
        was: t.NotRequired[t.Optional[str]]
        packages: t.NotRequired[t.List[str]]

    class Link(t.TypedDict):
        """The link of a minor version, and the version that it leads to."""

        path: str
        target: t.Optional[str]

    class PackageSource(t.TypedDict):
        """The packages of the distribution (with versions) that a parallel Python came from; C(kind) is package."""

        kind: str
        packages: t.List[str]

    class RuntimeResult(t.TypedDict):
        """What the module returns; its documentation has every key."""

        changed: bool
        state: str
        version: str
        folder: t.Optional[str]
        interpreter: str
        link: t.Optional[Link]
        source: t.Optional[t.Union[RuntimeSource, PackageSource]]
        installed: t.Optional[RuntimeOrigin]
        intact: t.Optional[bool]
        deviations: t.List[t.Dict[str, str]]
        actions: t.List[RuntimeStep]
        runtimes: t.List[str]
        quarantine: t.Optional[str]
        warnings: t.List[str]
        diff: t.Dict[str, str]
        needs_archive: t.NotRequired[bool]
        archive: t.NotRequired[t.Dict[str, t.Optional[str]]]

else:
    RuntimeStep = Link = PackageSource = RuntimeResult = dict


class RuntimePlan(t.NamedTuple):
    """What is to be done, and what of what was asked for is not done. C(settings) have the archive that is used."""

    settings: RuntimeSettings
    steps: t.Tuple[RuntimeStep, ...] = ()
    warnings: t.Tuple[str, ...] = ()

    @property
    def needs_archive(self) -> bool:
        """Return whether the archive must be brought from the controller first."""
        return self.settings.must_be_uploaded and any(step["action"] == "install" for step in self.steps)


def changes_of(steps: t.Sequence[RuntimeStep], before: t.Sequence[str], after: t.Sequence[str]) -> t.Dict[str, str]:
    """Return the difference that Ansible shows of a run with these steps: lines of before and after."""
    sides = {"before": before, "after": after}
    return {side: "".join(line + "\n" for line in lines) if steps else "" for side, lines in sides.items()}
