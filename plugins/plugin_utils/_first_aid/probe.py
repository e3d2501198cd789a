# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What the probe script answered, read and judged: which interpreter is trusted, why the others are not."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...module_utils._audit.contract import CONTRACTS
from ...module_utils._audit.import_path import ASKED_FOR, HIJACKING_VARIABLES, place_templates
from ...module_utils._base.text import printable
from ...module_utils._disk.host_mode import OSTREE_BOOTED, PACKAGES, SYSTEM, TOOLS, HostMode, mode_of
from ...module_utils._disk.os_release import parse_os_release
from ...module_utils._rpm.packages import PackageId, parse_nevra
from .._border.types import HOST
from .candidate import ProbedInterpreter, parse_owners, read_section
from .core import Supported
from .database import require_database
from .records import Hazard, Rejected
from .script import Answer, Settings

__all__ = [
    "PARTS",
    "STAGING_PARENT",
    "STAGING_PREFIX",
    "Probe",
    "is_without_rpm",
    "probe_settings",
    "read_probe",
    "staging_folder",
]

# Variables that make Python, or the dynamic loader, run something else. Those that only change output are not here.
_ENVIRONMENT = (
    *HIJACKING_VARIABLES,
    "PYTHONWARNINGS",
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
PARTS = ("runtimes", "loader", "evidence", "probe")

# Its own prefix: the modules' staging folders begin alike, and each kind is tidied up by those who made it.
STAGING_PARENT = "/var/cache"
STAGING_PREFIX = ".fleet-system-python-aid-"

# Where python_runtime installs by default.
_RUNTIME_ROOT = "/opt/python"

# The minor version of the oldest Python 3 that a supported release has.
_OLDEST_KNOWN = 6

# Words of ID and ID_LIKE. On the first, rpm is the authority even where it is gone or its database is damaged; on the
# second it is never more than a tool for foreign packages.
_RPM_FAMILY = {"rhel", "fedora", "centos", "suse", "opensuse", "sles", "sled", "amzn", "ol", "rocky", "almalinux"}
_DPKG_FAMILY = {"debian", "ubuntu"}

_BY_PACKAGES = HostMode(PACKAGES)


@dataclass
class Probe:
    """The judged answer of one probe."""

    os_release: dict[str, str]
    is_root: bool
    trusted: ProbedInterpreter | None
    candidates: list[ProbedInterpreter]
    environment: dict[str, str]
    installed: dict[str, dict[str, list[PackageId]]]
    verified: dict[str, str]
    leftovers: list[str]
    supported: Supported
    mode: HostMode = _BY_PACKAGES
    # Names of installed interpreters that are only links.
    linked: frozenset[str] = frozenset()

    @property
    def doubtful(self) -> ProbedInterpreter | None:
        """Return the first candidate that only the controller can clear (second round trip), or None."""
        return next((candidate for candidate in self.candidates if candidate.may_be_harmless), None)

    def rejected(self) -> list[Rejected]:
        """Return path and reason of what was looked at and not taken, and of what is gone or only another name."""
        seen = [
            Rejected(path=candidate.path, kind=candidate.kind, reason=candidate.reason)
            for candidate in self.candidates
            if candidate is not self.trusted
        ]
        paths = {candidate.path for candidate in self.candidates}
        for minor, binaries in self.installed.items():
            seen += [self._not_probed(path, minor, owners) for path, owners in binaries.items() if path not in paths]
        return seen

    def _not_probed(self, path: str, minor: str, owners: Sequence[PackageId]) -> Rejected:
        if self.supported.includes(minor):
            if path in self.linked:
                return Rejected(path=path, kind="link", reason="it is a link; what it leads to has its own line")
            owner = owners[0].nevra if owners else "a package"
            return Rejected(path=path, kind="missing", reason=f"it is gone; {owner} should have it")
        reason = f"this ansible-core needs Python {self.supported.oldest} or newer"
        return Rejected(path=path, kind="too-old", reason=reason)

    @property
    def reasons(self) -> str:
        """Return why each interpreter is not taken, for a sentence."""
        return "; ".join(f"{one['path']}: {one['reason']}" for one in self.rejected())

    def hazards(self) -> list[Hazard]:
        """Return what would run beside the trusted interpreter: variables, site hooks, libraries."""
        found: list[Hazard] = [
            {"kind": "environment", "name": name, "value": printable(value)}
            for name, value in sorted(self.environment.items())
        ]
        if self.trusted:
            found += [{"kind": "site_hook", "path": printable(path)} for path in self.trusted.hooks]
            found += [{"kind": "foreign_library", "path": printable(path)} for path in self.trusted.foreign_libraries]
        return found

    def interpreter(self) -> str | None:
        """Return the interpreter for the play: a launcher where something unowned would run otherwise."""
        if self.trusted is None:
            return None
        return self.trusted.launcher or self.trusted.path

    def isolated_interpreter(self) -> str | None:
        """Return the interpreter for modules of this collection: root's is a launcher that keeps all else out."""
        if self.trusted is None:
            return None
        return self.trusted.isolated or self.trusted.path


def probe_settings(
    supported: Supported, override: Mapping[str, Any] | None = None, accepted: ProbedInterpreter | None = None
) -> Settings:
    """Return the settings of the probe script.

    C(override) is a contract of the user's own, or some keys of one.
    C(accepted) is a candidate whose differences the controller judged as harmless: the script goes on with it as long
    as rpm still reports exactly these.
    """
    platforms = [
        f"{os_id}:{match['major']}:{_system_of(contract)}"
        for contract in CONTRACTS
        for match in contract["match"]
        for os_id in match["ids"]
    ]
    return {
        "minors": supported.minors if accepted is None else (accepted.minor,),
        "newer_minors": supported.newer if accepted is None else (),
        "platforms": platforms,
        "own_contract": _system_of(override or {}),
        "environment": _ENVIRONMENT,
        "import_path": [f"{place.since}:{place.role}:{place.template}" for place in place_templates()],
        "asked_for": ASKED_FOR,
        "launcher_folders": _LAUNCHER_FOLDERS,
        "system_folder": SYSTEM,
        "mode_tools": TOOLS,
        "ostree_booted": OSTREE_BOOTED,
        "accepted_binary": accepted.path if accepted else "",
        "accepted_digest": _digest_of(accepted.altered) if accepted else "",
        "older_minors": _older_minors(supported) if accepted is None else (),
        "runtime_root": _RUNTIME_ROOT if accepted is None else "",
        "staging_parent": STAGING_PARENT,
        "staging_prefix": STAGING_PREFIX,
        **dict.fromkeys(("evidence_packages", "evidence_paths", "evidence_states", "evidence_logs"), ""),
    }


def _digest_of(lines: str) -> str:
    """Return what stands for C(lines) in the script: after a chmod -R they are longer than a command line may be."""
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()


def _system_of(contract: Mapping[str, Any]) -> str:
    """Return C(minor:package:binary) of the system's own Python, empty where the contract does not say all of it."""
    binaries = contract.get("binaries")
    if not contract.get("version") or not binaries:
        return ""
    return f"{contract['version']}:{binaries[0].get('package', '')}:{binaries[0].get('path', '')}"


def _older_minors(supported: Supported) -> Sequence[str]:
    oldest = int(supported.oldest.partition(".")[2])
    return [f"3.{minor}" for minor in range(_OLDEST_KNOWN, oldest)]


def read_probe(answer: Answer, supported: Supported, accepted: ProbedInterpreter | None = None) -> Probe:
    """Return the judged answer; C(accepted) as for C(probe_settings).

    Raises DatabaseError when rpm is not there or its database cannot be read.
    """
    require_database(answer)
    candidates: list[ProbedInterpreter] = []
    for section in answer.sections:
        if section.name == "candidate":
            path, minor = section.fields(2)
            candidates.append(ProbedInterpreter(HOST.absolute_path(path, "candidate"), _minor(minor)))
        elif candidates:
            read_section(candidates[-1], section)
            candidates[-1].accept_difference(accepted)
    for candidate in candidates:
        if not candidate.version:
            candidate.reject("unknown", "the probe ended before it was found intact")
    chosen = candidates[-1] if answer.has("chosen") and candidates else None
    return Probe(
        os_release=parse_os_release(answer.first("os-release").body),
        is_root=answer.first("uid").word == "0",
        trusted=chosen if chosen and not chosen.reason else None,
        candidates=candidates,
        environment={section.word: section.body for section in answer.named("environment")},
        installed=_installed(answer),
        verified={
            parse_nevra(HOST.nevra(section.word, "package")).nevra: section.body for section in answer.named("package")
        },
        leftovers=[staging_folder(section.word, "leftover") for section in answer.named("leftover")],
        supported=supported,
        mode=mode_of([section.word for section in answer.named("mode")]),
        linked=frozenset(section.word for section in answer.named("installed") if "link" in section.words[2:]),
    )


def _minor(text: str) -> str:
    if not re.fullmatch(r"3\.[0-9]{1,2}", text):
        raise HOST.refused(text, "candidate", "a version such as 3.9")
    return text


def staging_folder(text: str, field: str) -> str:
    """Return a folder that make_staging made, or may have made. Raises HostAnswerError for any other."""
    parent, _slash, name = HOST.absolute_path(text, field).rpartition("/")
    if parent != STAGING_PARENT or not name.startswith(STAGING_PREFIX):
        raise HOST.refused(text, field, f"a folder {STAGING_PARENT}/{STAGING_PREFIX}*")
    return text


def _installed(answer: Answer) -> dict[str, dict[str, list[PackageId]]]:
    found: dict[str, dict[str, list[PackageId]]] = {}
    for section in answer.named("installed"):
        binary, minor = section.fields(3 if "link" in section.words[2:] else 2)[:2]
        owners = parse_owners(section.lines)
        found.setdefault(_minor(minor), {})[HOST.absolute_path(binary, "installed")] = owners
    return found


def is_without_rpm(answer: Answer) -> bool:
    """Tell whether the probed host has no rpm database that could vouch for anything, as Debian has none.

    A host of an rpm family always has one, be it gone or damaged. Elsewhere a database with packages in it counts as
    one, unless all that it could say is that the host's interpreters are not its own and the family is dpkg's.
    """
    release = parse_os_release(answer.first("os-release").body)
    words = {word.lower() for key in ("ID", "ID_LIKE") for word in release.get(key, "").split()}
    if words & _RPM_FAMILY or any(word.startswith("opensuse") for word in words):
        return False
    if not answer.has("rpm"):
        return False
    if not answer.first("rpm").lines or (answer.has("database") and not answer.first("database").text):
        return True
    is_foreign = not answer.has("owners") and not answer.has("installed")
    return bool(words & _DPKG_FAMILY) and is_foreign
