# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Which interpreters are compared, and whether somebody vouches for them. Starts none of them."""

import os
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._audit import read_os_release
from ansible_collections.fleet.system_python.plugins.module_utils._command import CommandRunner, run_command
from ansible_collections.fleet.system_python.plugins.module_utils._contract import contract_for
from ansible_collections.fleet.system_python.plugins.module_utils._errors import (
    InvalidDataError,
    SystemPythonError,
    UnknownPlatformError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._interpreters import find_interpreters
from ansible_collections.fleet.system_python.plugins.module_utils._rpm import Rpm
from ansible_collections.fleet.system_python.plugins.module_utils._rpm_verify import is_drift
from ansible_collections.fleet.system_python.plugins.module_utils._runtime_manifest import examine, load
from ansible_collections.fleet.system_python.plugins.module_utils._text import printable

__all__ = ["Subject", "choose", "system_interpreter", "vouch"]

# C({path, realpath, version, owner, vouched_by, verified, note, problem}) and what its own description adds.
Subject = t.Dict[str, t.Any]

_FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin")
_USUAL = "/usr/bin/python3"


def system_interpreter() -> str:
    """Return the path of the operating system's own Python: by its contract, else /usr/bin/python3."""
    try:
        binary: str = contract_for(read_os_release())["binaries"][0]["path"]
    except UnknownPlatformError:
        # A benchmark needs no contract: every POSIX host has the name.
        return _USUAL
    return binary


def choose(
    interpreters: t.Optional[t.Sequence[str]],
    baseline: t.Optional[str],
    find: t.Callable[..., t.List[t.Dict[str, t.Any]]] = find_interpreters,
) -> t.List[Subject]:
    """Return the interpreters to compare, the baseline first.

    Without C(interpreters) these are the ones of the host, one of each version. The baseline is added where it is not
    among them. Raises InvalidDataError for a path that is not absolute or named twice.
    """
    first = baseline or system_interpreter()
    paths = list(interpreters) if interpreters else _of_each_version(first, find(_FOLDERS))
    for path in [first] + paths:
        if not path.startswith("/") or "\0" in path:
            raise InvalidDataError("Not an absolute path: {0}".format(printable(path)), path=printable(path))
    twice = sorted({path for path in paths if paths.count(path) > 1})
    if twice:
        raise InvalidDataError("Named twice: {0}".format(", ".join(map(printable, twice))), paths=twice)
    return [_subject(path) for path in [first] + [path for path in paths if path != first]]


def _of_each_version(first: str, records: t.Iterable[t.Mapping[str, t.Any]]) -> t.List[str]:
    """Return the first path of each version; the baseline stands for its own."""
    real = os.path.realpath(first)
    usable = [record for record in records if record["reason"] is None and record["version"]]
    seen = {record["version"] for record in usable if record["realpath"] == real}
    chosen = [first]
    for record in usable:
        if record["version"] not in seen:
            seen.add(record["version"])
            chosen.append(record["path"])
    return chosen


def _subject(path: str) -> Subject:
    found = os.path.isfile(path)
    return {
        "path": path,
        "realpath": os.path.realpath(path) if found else None,
        "version": None,
        "owner": None,
        "vouched_by": None,
        "verified": False,
        "note": None,
        "problem": None if found else "there is no such file",
    }


def vouch(subjects: t.Sequence[Subject], runner: CommandRunner = run_command, timeout: float = 120.0) -> None:
    """Note in each of C(subjects) who vouches for it: a package (rpm, dpkg), or the manifest of one of our runtimes.

    C(verified) is about the program file, for a runtime about all of its files. A package database that cannot be
    asked leaves all unverified; C(note) says why.
    """
    present = [subject for subject in subjects if subject["realpath"]]
    if not present:
        return
    for name, ask in (("rpm", _ask_rpm), ("dpkg", _ask_dpkg)):
        program = next((place for place in ("/usr/bin/", "/bin/") if os.access(place + name, os.X_OK)), None)
        if program is not None:
            try:
                ask(present, runner, timeout)
            except SystemPythonError as error:
                for subject in present:
                    subject["note"] = error.message
    for subject in present:
        if not subject["verified"] and subject["owner"] is None:
            _ask_manifest(subject)
        if subject["vouched_by"] is None and subject["note"] is None:
            subject["note"] = "no package owns it"


def _ask_rpm(subjects: t.Sequence[Subject], runner: CommandRunner, timeout: float) -> None:
    rpm = Rpm(runner=runner, timeout=timeout)
    owners = rpm.owners([subject["realpath"] for subject in subjects])
    packages = sorted({owner.nevra for found in owners.values() for owner in found})
    altered = {entry.path for entry in rpm.verify(packages).entries if is_drift(entry)}
    for subject in subjects:
        found = owners[subject["realpath"]]
        if found:
            _note(subject, "rpm", ", ".join(owner.nevra for owner in found), subject["realpath"] not in altered)


def _ask_dpkg(subjects: t.Sequence[Subject], runner: CommandRunner, timeout: float) -> None:
    for subject in subjects:
        if subject["vouched_by"] is not None:
            continue
        found = runner(["dpkg-query", "--search", subject["realpath"]], timeout=timeout)
        if found.rc != 0:
            continue
        package = found.out.partition(":")[0].split(",")[0].strip()
        done = runner(["dpkg", "--verify", package], timeout=timeout)
        if done.timed_out or done.rc not in (0, 1, 2):
            raise done.error("The package {0} could not be verified".format(printable(package)))
        altered = [line.split(None, 1)[-1].strip() for line in done.out.splitlines()]
        _note(subject, "dpkg", package, not any(line.endswith(subject["realpath"]) for line in altered))


def _ask_manifest(subject: Subject) -> None:
    """Look for the manifest of a runtime that this collection installed: FOLDER/bin/python3.13 belongs to FOLDER."""
    folder = os.path.dirname(os.path.dirname(subject["realpath"]))
    try:
        manifest = load(folder)
        if manifest is not None:
            _note(subject, "manifest", folder, not examine(folder, manifest))
    except (SystemPythonError, OSError) as error:
        subject["note"] = "the manifest of {0} cannot be used: {1}".format(printable(folder), error)


def _note(subject: Subject, who: str, owner: str, verified: bool) -> None:
    subject["owner"] = owner
    if verified:
        subject.update(vouched_by=who, verified=True, note=None)
    else:
        subject["note"] = "it is not as {0} ships it".format(owner)
