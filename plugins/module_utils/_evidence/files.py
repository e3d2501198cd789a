# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Evidence in the files themselves: digests, times, what the bytes are, link chains, alternatives' state files."""

import math
import os
import stat
import typing as t

from .._audit.findings import SEVERITIES, Finding, ids_of, named_files, number_of_files
from .._audit.records import Drift, Observation
from .._base.clock import utc_stamp_or_none
from .._base.text import json_text
from .._disk.files import octal_mode, open_to_read, sha256_of
from .._disk.links import Hop, kind_of, resolve
from .._loader.elf import ElfError, read_elf
from .records import EvidenceFile, EvidenceHop, EvidenceLink, FileRecord, StateFile
from .sources import Search

__all__ = [
    "MOST_FILES",
    "altered_files",
    "alternatives_states",
    "content_of",
    "files_named_by",
    "kind_of_data",
    "link_chains",
]

MOST_FILES = 40
_MOST_BYTES = 64 << 20
_SAMPLE = 64 << 10
_MOST_STATE = 4096

_ABOUT_FILES = ids_of(lambda rule: rule.files)


def altered_files(search: Search, observation: Observation, findings: t.Sequence[Finding]) -> t.List[EvidenceFile]:
    """Return the files that the findings name, the worst first: what is expected, what is there, since when."""
    named = files_named_by(findings)
    drift = {one["path"]: one for one in observation["drift"]}
    known = _interpreters(observation)
    digests: t.Dict[str, t.Optional[str]] = {}
    files = [_file(search, path, finding, drift.get(path), known, digests) for path, finding in named[:MOST_FILES]]
    owners = {one.get("path"): one.get("owner") for one in observation["interpreters"]}
    for file in files:
        # What shadows the system's may belong to a package outside the scope.
        file["package"] = file["package"] or owners.get(file["path"])
    count = sum(number_of_files(one) for one in findings if one["id"] in _ABOUT_FILES)
    partial = len(named) > MOST_FILES or count > len(named)
    detail = f"{len(files)} of at least {max(count, len(named))} files are shown" if partial else ""
    search.notes.add("files", "lstat, SHA-256, ELF", "partial" if partial else "complete", detail)
    return files


def files_named_by(findings: t.Sequence[Finding]) -> t.List[t.Tuple[str, str]]:
    """Return each file once with the finding that names it, those of the worst findings first."""
    named: t.Dict[str, str] = {}
    for finding in sorted(findings, key=lambda one: -SEVERITIES.index(one["severity"])):
        if finding["id"] in _ABOUT_FILES:
            for path in named_files(finding):
                named.setdefault(path, finding["id"])
    return list(named.items())


def _interpreters(observation: Observation) -> t.Dict[str, t.Optional[str]]:
    """Return the real files of all interpreters with their versions."""
    return {one["realpath"]: one["version"] for one in observation["interpreters"] if one["realpath"]}


def _file(
    search: Search,
    path: str,
    finding: str,
    drift: t.Optional[Drift],
    known: t.Mapping[str, t.Optional[str]],
    digests: t.Dict[str, t.Optional[str]],
) -> EvidenceFile:
    entry: EvidenceFile = EvidenceFile(
        path=path,
        kind=kind_of(search.path(path)),
        package=drift["package"] if drift else None,
        finding=finding,
        expected=_expected(drift),
        actual={},
        mtime=None,
        ctime=None,
        content=None,
        version=None,
        same_as=[],
    )
    if entry["kind"] == "missing":
        return entry
    place = search.path(path)
    found = os.lstat(place)
    entry["mtime"], entry["ctime"] = utc_stamp_or_none(found.st_mtime), utc_stamp_or_none(found.st_ctime)
    if entry["kind"] == "link":
        entry["actual"] = {"link_target": os.readlink(place)}
        return entry
    entry["actual"] = {
        "size": found.st_size,
        "mode": octal_mode(found.st_mode),
        "uid": found.st_uid,
        "gid": found.st_gid,
        "links": found.st_nlink,
    }
    if entry["kind"] == "file":
        entry["actual"]["digest"] = digest = _digest(search, path, digests)
        entry["content"] = content_of(place)
        entry["same_as"] = _with_same_content(search, path, found.st_size, digest, known, digests)
        versions = [known.get(name) for name in [path] + entry["same_as"] if known.get(name)]
        entry["version"] = versions[0] if versions and entry["content"] == "elf" else None
    return entry


def _expected(drift: t.Optional[Drift]) -> FileRecord:
    """Return what of a file was shipped, as far as the evidence tells it."""
    shipped = drift["expected"] if drift else {}
    told = {key: value for key, value in shipped.items() if key in ("digest", "size", "link_target")}
    return t.cast(FileRecord, told)


def _with_same_content(
    search: Search,
    path: str,
    size: int,
    digest: t.Optional[str],
    known: t.Mapping[str, t.Optional[str]],
    digests: t.Dict[str, t.Optional[str]],
) -> t.List[str]:
    """Return the other interpreters with the same content."""
    if not digest or not size:
        return []
    same = []
    for other in sorted(known):
        try:
            found = os.lstat(search.path(other))
        except OSError:
            # It went away since the observation; then it is nothing to compare with.
            continue
        alike = other != path and stat.S_ISREG(found.st_mode) and found.st_size == size
        if alike and _digest(search, other, digests) == digest:
            same.append(other)
    return same


def _digest(search: Search, path: str, digests: t.Dict[str, t.Optional[str]]) -> t.Optional[str]:
    """Return the SHA-256 of a regular file; null where it is too big or cannot be read."""
    if path not in digests:
        digests[path] = _sha256(search.path(path)) if search.remaining() > 0 else None
    return digests[path]


def _sha256(place: str) -> t.Optional[str]:
    try:
        return sha256_of(place) if os.lstat(place).st_size <= _MOST_BYTES else None
    except OSError:
        # An unprivileged audit may not read it; null is how the evidence says so.
        return None


def content_of(place: str) -> t.Optional[str]:
    """Return what a file's bytes are: elf, damaged (begins as ELF), script, text, empty, zeros, random or data."""
    try:
        stream = open_to_read(place)
    except OSError:
        return None
    with stream:
        data = stream.read(_SAMPLE)
        if data.startswith(b"\x7fELF"):
            return _elf(stream.fileno(), place)
    return kind_of_data(data)


def kind_of_data(data: bytes) -> str:
    """Return what the first bytes of a file that is no program are."""
    if not data or data.startswith(b"#!"):
        return "script" if data else "empty"
    if not data.strip(b"\0"):
        return "zeros"
    if b"\0" not in data and sum(32 <= byte < 127 or byte in (9, 10, 13) for byte in data) > 0.95 * len(data):
        return "text"
    return "random" if len(data) >= 1024 and _entropy(data) > 7.3 + (0.4 if len(data) > 8192 else 0.0) else "data"


def _elf(descriptor: int, place: str) -> str:
    try:
        read_elf(descriptor, place)
    except ElfError:
        return "damaged"
    return "elf"


def _entropy(data: bytes) -> float:
    """Return bits per byte."""
    counts = [data.count(bytes([value])) for value in range(256)]
    return -sum(count / len(data) * math.log(count / len(data), 2) for count in counts if count)


def link_chains(search: Search, observation: Observation) -> t.List[EvidenceLink]:
    """Return the chain of each link of the contract, of python3 and of the unversioned name, with each hop's times."""
    paths = [link["path"] for link in observation["links"]]
    named = [chain[0]["path"] for chain in observation["resolution"].values() if chain]
    paths.extend(path for path in named if path not in paths)
    search.notes.add("links", "readlink, lstat", "complete")
    chains = []
    for path in paths:
        hops = resolve(path) if search.root == "/" else [Hop(path=path, kind=kind_of(search.path(path)), target=None)]
        chains.append(EvidenceLink(path=path, hops=[_hop(search, hop) for hop in hops]))
    return chains


def _hop(search: Search, hop: Hop) -> EvidenceHop:
    entry: EvidenceHop = EvidenceHop(path=hop["path"], kind=hop["kind"], target=hop["target"], mtime=None, ctime=None)
    if hop["kind"] != "missing" and os.path.lexists(search.path(hop["path"])):
        found = os.lstat(search.path(hop["path"]))
        entry["mtime"], entry["ctime"] = utc_stamp_or_none(found.st_mtime), utc_stamp_or_none(found.st_ctime)
    return entry


def alternatives_states(search: Search, observation: Observation) -> t.List[StateFile]:
    """Return the text of the state file of each group about Python commands."""
    states = []
    for group in observation["alternatives"]:
        path = group.get("state_file")
        read = search.tail(path, _MOST_STATE) if path else None
        if read is None:
            continue
        found = os.lstat(search.path(path))
        states.append(
            StateFile(
                path=path,
                text=json_text("\n".join(read[0])),
                mtime=utc_stamp_or_none(found.st_mtime),
                ctime=utc_stamp_or_none(found.st_ctime),
            )
        )
    search.notes.add("alternatives", "state files", "complete", "" if states else "no group is about Python commands")
    return states
