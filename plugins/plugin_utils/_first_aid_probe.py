# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What the probe script answered, read and judged: which interpreter is trusted, why the others are not."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ansible_collections.fleet.system_python.plugins.module_utils._contract import Contract, parse_os_release
from ansible_collections.fleet.system_python.plugins.module_utils._errors import DatabaseError
from ansible_collections.fleet.system_python.plugins.module_utils._rpm_verify import VerifyEntry, is_drift, parse_verify
from ansible_collections.fleet.system_python.plugins.module_utils._text import printable
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_core import Supported
from ansible_collections.fleet.system_python.plugins.plugin_utils._first_aid_script import Answer, Section

__all__ = [
    "PARTS",
    "STAGING_PARENT",
    "STAGING_PREFIX",
    "Candidate",
    "Owner",
    "Probe",
    "is_without_rpm",
    "probe_settings",
    "read_probe",
]

# Variables that make Python, or the dynamic loader, run something else. Those that only change output are not here.
_ENVIRONMENT = (
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "PYTHONUSERBASE",
    "PYTHONPLATLIBDIR",
    "PYTHONWARNINGS",
    "PYTHONPYCACHEPREFIX",
    "PYTHONINSPECT",
    "PYTHONBREAKPOINT",
    "PYTHONCASEOK",
    "PYTHON_PRESITE",
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "LD_AUDIT",
)

# The second is for hosts whose /run is mounted noexec.
_LAUNCHER_FOLDERS = ("/run/fleet.system_python", "/var/lib/fleet.system_python/run")

# The probe's scripts, in their order.
PARTS = ("runtimes", "probe")

# Its own prefix: the modules' staging folders begin alike, and each kind is tidied up by those who made it.
STAGING_PARENT = "/var/cache"
STAGING_PREFIX = ".fleet-system-python-aid-"

# Where python_runtime installs by default.
_RUNTIME_ROOT = "/opt/python"

_OLDEST_KNOWN = 6

# Words of ID and ID_LIKE. On the first, rpm is the authority even where it is gone or its database is damaged; on the
# second it is never more than a tool for foreign packages.
_RPM_FAMILY = {"rhel", "fedora", "centos", "suse", "opensuse", "sles", "sled", "amzn", "ol", "rocky", "almalinux"}
_DPKG_FAMILY = {"debian", "ubuntu"}

_METADATA = {"mode", "user", "group", "mtime"}
_SHOWN = 3


@dataclass(frozen=True)
class Owner:
    """A package that owns part of an interpreter."""

    name: str
    nevra: str

    @property
    def nvra(self) -> str:
        """Return the form without the epoch, which every version of rpm takes as an argument."""
        return re.sub(r"-\d+:([^-]*-[^-]*)$", r"-\1", self.nevra)


@dataclass
class Candidate:
    """One interpreter found on the host. C(reason) is empty while nothing speaks against it."""

    path: str
    minor: str
    owners: list[Owner] = field(default_factory=list)
    reason: str = ""
    kind: str = ""
    version: str = ""
    altered: str = ""
    metadata: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    entries: list[VerifyEntry] = field(default_factory=list)
    planted: list[str] = field(default_factory=list)
    astray: list[str] = field(default_factory=list)
    foreign_libraries: list[str] = field(default_factory=list)
    library_folder: str = ""
    hooks: list[str] = field(default_factory=list)
    launcher: str = ""
    runtime: str = ""
    verified_files: int = 0

    def reject(self, kind: str, reason: str) -> None:
        """Note the first thing that speaks against it."""
        if not self.reason:
            self.kind, self.reason = kind, reason

    @property
    def may_be_harmless(self) -> bool:
        """Return whether what differs is only mode and owner, in a way that lets nobody but root change the file."""
        lines = [line for line in self.altered.split("\n") if line]
        return (
            self.kind == "altered"
            and bool(lines)
            and len(self.entries) == len(lines)
            and all(self._is_harmless(entry) for entry in self.entries)
        )

    def _is_harmless(self, entry: VerifyEntry) -> bool:
        if not is_drift(entry):
            return True
        if entry.missing or entry.note or entry.unreadable or not set(entry.altered) <= _METADATA:
            return False
        mode, user, group = self.metadata.get(entry.path, (0o777, -1, -1))
        writable_by_others = mode & 0o002 or (mode & 0o020 and group != 0)
        return user == 0 and not writable_by_others


@dataclass
class Probe:
    """The judged answer of one probe."""

    os_release: dict[str, str]
    is_root: bool
    trusted: Candidate | None
    candidates: list[Candidate]
    environment: dict[str, str]
    installed: dict[str, dict[str, list[Owner]]]
    verified: dict[str, str]
    leftovers: list[str]
    supported: Supported

    @property
    def doubtful(self) -> Candidate | None:
        """Return the first candidate that only the controller can clear (second round trip), or None."""
        return next((candidate for candidate in self.candidates if candidate.may_be_harmless), None)

    def rejected(self) -> list[dict[str, str]]:
        """Return path and reason of what was looked at and not taken, gone ones too."""
        seen = [
            {"path": candidate.path, "kind": candidate.kind, "reason": candidate.reason}
            for candidate in self.candidates
            if candidate is not self.trusted
        ]
        paths = {candidate.path for candidate in self.candidates}
        for minor, binaries in self.installed.items():
            seen += [self._not_probed(path, minor, owners) for path, owners in binaries.items() if path not in paths]
        return seen

    def _not_probed(self, path: str, minor: str, owners: Sequence[Owner]) -> dict[str, str]:
        if minor in self.supported.minors or minor in self.supported.newer:
            return {"path": path, "kind": "missing", "reason": f"it is gone; {_names(owners)} should have it"}
        reason = f"this ansible-core needs Python {self.supported.oldest} or newer"
        return {"path": path, "kind": "too-old", "reason": reason}

    def hazards(self) -> list[dict[str, str]]:
        """Return what would run beside the trusted interpreter: variables, site hooks, libraries."""
        found = [
            {"kind": "environment", "name": name, "value": printable(value)}
            for name, value in sorted(self.environment.items())
        ]
        if self.trusted:
            found += [{"kind": "site_hook", "path": printable(path)} for path in self.trusted.hooks]
            found += [{"kind": "foreign_library", "path": printable(path)} for path in self.trusted.foreign_libraries]
        return found

    def interpreter(self) -> str | None:
        """Return the value for ansible_python_interpreter: a launcher where something unowned would run otherwise."""
        if self.trusted is None:
            return None
        return self.trusted.launcher or self.trusted.path


def probe_settings(
    supported: Supported,
    contracts: Sequence[Contract],
    override: Contract | None = None,
    accepted: Candidate | None = None,
) -> dict[str, str | Sequence[str]]:
    """Return the settings of the probe script.

    C(override) is a contract of the user's own, or some keys of one.
    C(accepted) is a candidate whose differences the controller judged as harmless: the script goes on with it as long
    as rpm still reports exactly these.
    """
    platforms = [
        f"{os_id}:{match['major']}:{_system_of(contract)}"
        for contract in contracts
        for match in contract["match"]
        for os_id in match["ids"]
    ]
    return {
        "minors": supported.minors if accepted is None else (accepted.minor,),
        "newer_minors": supported.newer if accepted is None else (),
        "platforms": platforms,
        "own_contract": _system_of(override or {}),
        "environment": _ENVIRONMENT,
        "launcher_folders": _LAUNCHER_FOLDERS,
        "accepted_binary": accepted.path if accepted else "",
        "accepted_digest": _digest_of(accepted.altered) if accepted else "",
        "older_minors": _older(supported) if accepted is None else (),
        "runtime_root": _RUNTIME_ROOT if accepted is None else "",
        "staging_parent": STAGING_PARENT,
        "staging_prefix": STAGING_PREFIX,
    }


def _digest_of(lines: str) -> str:
    """Return what stands for C(lines) in the script: after a chmod -R they are longer than a command line may be."""
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()


def _system_of(contract: Contract) -> str:
    """Return C(minor:package:binary) of the system's own Python, empty where the contract does not say all of it."""
    binaries = contract.get("binaries")
    if not contract.get("version") or not binaries:
        return ""
    return f"{contract['version']}:{binaries[0].get('package', '')}:{binaries[0].get('path', '')}"


def _older(supported: Supported) -> Sequence[str]:
    oldest = int(supported.oldest.partition(".")[2])
    return [f"3.{minor}" for minor in range(_OLDEST_KNOWN, oldest)]


def read_probe(answer: Answer, supported: Supported, accepted: Candidate | None = None) -> Probe:
    """Return the judged answer; C(accepted) as for C(probe_settings).

    Raises DatabaseError when rpm is not there or its database cannot be read.
    """
    _check_database(answer)
    candidates: list[Candidate] = []
    for section in answer.sections:
        if section.name == "candidate":
            candidates.append(Candidate(section.words[0], section.words[1]))
        elif candidates and section.name in _READERS:
            _READERS[section.name](candidates[-1], section)
            _forgive(candidates[-1], accepted)
    chosen = answer.first("chosen") is not None and candidates
    for candidate in candidates:
        _judge(candidate)
    trusted = candidates[-1] if chosen and not candidates[-1].reason else None
    return Probe(
        os_release=parse_os_release(_body(answer, "os-release")),
        is_root=_words(answer, "uid") == ("0",),
        trusted=trusted,
        candidates=candidates,
        environment={section.words[0]: section.body for section in answer.named("environment")},
        installed=_installed(answer),
        verified={section.words[0]: section.body for section in answer.named("package")},
        leftovers=[section.words[0] for section in answer.named("leftover")],
        supported=supported,
    )


def is_without_rpm(answer: Answer) -> bool:
    """Tell whether the probed host has no rpm database that could vouch for anything, as Debian has none.

    A host of an rpm family always has one, be it gone or damaged. Elsewhere a database with packages in it counts as
    one, unless all that it could say is that the host's interpreters are not its own and the family is dpkg's.
    """
    release = parse_os_release(_body(answer, "os-release"))
    words = {word.lower() for key in ("ID", "ID_LIKE") for word in release.get(key, "").split()}
    if words & _RPM_FAMILY or any(word.startswith("opensuse") for word in words):
        return False
    rpm = answer.first("rpm")
    if rpm is None:
        return False
    if not rpm.lines:
        return True
    trouble = answer.first("database")
    if trouble and not trouble.body.strip():
        return True
    is_foreign = not answer.first("owners") and not answer.first("installed")
    return bool(words & _DPKG_FAMILY) and is_foreign


def _forgive(candidate: Candidate, accepted: Candidate | None) -> None:
    if (
        accepted
        and candidate.kind == "altered"
        and (candidate.path, candidate.altered)
        == (
            accepted.path,
            accepted.altered,
        )
    ):
        candidate.kind = candidate.reason = ""


def _check_database(answer: Answer) -> None:
    rpm = answer.first("rpm")
    if rpm and not rpm.lines:
        raise DatabaseError(
            "The command rpm is not there, so nothing can be verified. Nothing was changed. Install rpm from a "
            "rescue system, then run again."
        )
    trouble = answer.first("database")
    if trouble:
        empty = "there is no database file" if trouble.words == ("absent",) else "no packages at all"
        said = printable(trouble.body.strip()) or empty
        raise DatabaseError(
            f"The rpm database cannot be read, so no interpreter can be trusted. Nothing was changed. "
            f"rpm says: {said}. Repair it first (for example with rpm --rebuilddb, or from a backup), then run again.",
            output=said,
        )


def _read_owners(candidate: Candidate, section: Section) -> None:
    candidate.owners = _owners(section.lines)


def _owners(lines: Sequence[str]) -> list[Owner]:
    found: list[Owner] = []
    for line in lines:
        name, _tab, nevra = line.partition("\t")
        if Owner(name, nevra) not in found:
            found.append(Owner(name, nevra))
    return found


def _read_rejected(candidate: Candidate, section: Section) -> None:
    candidate.reject(section.words[0], printable(section.body.strip()))


def _read_altered(candidate: Candidate, section: Section) -> None:
    candidate.altered = section.body
    candidate.entries = parse_verify(section.body)
    candidate.reject("altered", _altered_reason(candidate))


def _altered_reason(candidate: Candidate) -> str:
    drifted = [entry for entry in candidate.entries if is_drift(entry)]
    shown = [f"{printable(entry.path)} ({_difference(entry)})" for entry in drifted[:_SHOWN]]
    if not shown:
        return f"rpm -V says: {printable(candidate.altered.strip()[:300])}"
    more = len(drifted) - len(shown)
    return "rpm -V reports " + ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _difference(entry: VerifyEntry) -> str:
    if entry.missing:
        return entry.reason or "missing"
    words = [*entry.altered, *(f"{word} unreadable" for word in entry.unreadable)]
    return ", ".join([*words, *([entry.note] if entry.note else [])])


def _read_metadata(candidate: Candidate, section: Section) -> None:
    for line in section.lines:
        fields = line.split("\t", 3)
        if len(fields) == 4:
            mode, user, group, path = fields
            candidate.metadata[path] = (int(mode, 8), int(user), int(group))


def _read_astray(candidate: Candidate, section: Section) -> None:
    candidate.astray = section.lines
    shown = ", ".join(printable(path) for path in candidate.astray[:_SHOWN])
    candidate.reject("astray", f"it is a link that leads through folders that others than root may write: {shown}")


def _read_planted(candidate: Candidate, section: Section) -> None:
    candidate.planted = section.lines
    shown = ", ".join(printable(path) for path in candidate.planted[:_SHOWN])
    candidate.reject("planted", f"no package owns what it would import: {shown} ({len(candidate.planted)} in all)")


def _read_foreign_library(candidate: Candidate, section: Section) -> None:
    candidate.library_folder = section.words[0]
    candidate.foreign_libraries += section.lines


def _read_hooks(candidate: Candidate, section: Section) -> None:
    candidate.hooks += section.lines


def _read_altered_hooks(candidate: Candidate, section: Section) -> None:
    candidate.hooks += [entry.path for entry in parse_verify(section.body) if is_drift(entry) and _is_hook(entry.path)]


def _is_hook(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.endswith(".pth") or name.startswith(("sitecustomize", "usercustomize"))


def _read_runtime(candidate: Candidate, section: Section) -> None:
    candidate.runtime = section.words[0]


def _read_verified(candidate: Candidate, section: Section) -> None:
    candidate.verified_files = int(section.words[0])


def _read_launcher(candidate: Candidate, section: Section) -> None:
    candidate.launcher = section.words[0]


def _read_start(candidate: Candidate, section: Section) -> None:
    said = section.body.strip()
    if section.words != ("0",):
        candidate.reject("does-not-start", f"it is intact but does not start: {printable(said[-500:])}")
    elif candidate.runtime and not candidate.verified_files:
        candidate.reject("unknown", "it was started before its manifest was compared")
    elif not said.startswith(candidate.minor + "."):
        candidate.reject("wrong-version", f"it says that its version is {printable(said[:40])}")
    else:
        candidate.version = said


def _judge(candidate: Candidate) -> None:
    if not candidate.version:
        candidate.reject("unknown", "the probe ended before it was found intact")


_READERS = {
    "owners": _read_owners,
    "rejected": _read_rejected,
    "altered": _read_altered,
    "metadata": _read_metadata,
    "astray": _read_astray,
    "planted": _read_planted,
    "foreign-library": _read_foreign_library,
    "hooks": _read_hooks,
    "altered-hooks": _read_altered_hooks,
    "launcher": _read_launcher,
    "runtime": _read_runtime,
    "verified": _read_verified,
    "start": _read_start,
}


def _installed(answer: Answer) -> dict[str, dict[str, list[Owner]]]:
    found: dict[str, dict[str, list[Owner]]] = {}
    for section in answer.named("installed"):
        binary, minor = section.words
        found.setdefault(minor, {})[binary] = _owners(section.lines)
    return found


def _names(owners: Sequence[Owner]) -> str:
    return owners[0].nevra if owners else "a package"


def _body(answer: Answer, name: str) -> str:
    section = answer.first(name)
    return section.body if section else ""


def _words(answer: Answer, name: str) -> tuple[str, ...]:
    section = answer.first(name)
    return section.words if section else ()
