# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""SP201 to SP204: the binaries of the contract, by each of their names."""

import typing as t

from ..._base.text import printable
from ..finding_records import Remedy
from ..records import BinaryName, Drift, Observation, ObservedBinary
from ..remedies import reinstall, set_metadata
from ..rule import Deviation, Policy, with_article

__all__ = [
    "altered",
    "content_words",
    "is_executable_file",
    "is_metadata_only",
    "is_taken_over",
    "missing",
    "names_of_binaries",
    "relinked",
    "twin",
]


def content_words(drift: Drift) -> t.Set[str]:
    """Return the words, of those that rpm has for what differs, that mean another content."""
    return set(drift["altered"]) & {"size", "digest", "link", "device", "type"}


def is_metadata_only(drift: Drift) -> bool:
    """Tell whether only mode, owner, group or the like differ."""
    return not drift["missing"] and not drift["note"] and bool(drift["altered"]) and not content_words(drift)


def is_taken_over(drift: Drift) -> bool:
    """Tell whether rpm says that another package replaced the file."""
    return drift["note"] == "replaced"


def is_executable_file(name: BinaryName) -> bool:
    """Tell whether a program may lie there."""
    return name["kind"] == "file" and bool(name["size"]) and bool((name["mode"] or 0) & 0o111)


def names_of_binaries(observation: Observation) -> t.Iterator[t.Tuple[ObservedBinary, BinaryName]]:
    """Yield each name of each contract binary, with its binary."""
    for binary in observation["binaries"]:
        for name in binary["names"]:
            yield binary, name


def _rpm_flags(name: BinaryName) -> t.Optional[str]:
    return name["drift"]["flags"] if name["drift"] else None


def altered(observation: Observation, _policy: Policy) -> t.Iterator[Deviation]:
    """SP201: the binary has another content."""
    for binary in observation["binaries"]:
        name = binary["names"][0]
        drift = name["drift"]
        if drift is None or is_taken_over(drift) or not is_executable_file(name) or not content_words(drift):
            continue
        yield Deviation(
            "{0} is not the file that the package {1} shipped".format(name["path"], binary["package"]),
            path=name["path"],
            expected=drift["expected"],
            actual=drift["actual"],
            evidence={"rpm": drift["flags"]},
            remedy=reinstall(observation, binary["package"], [name["path"]]),
        )


def missing(observation: Observation, _policy: Policy) -> t.Iterator[Deviation]:
    """SP202: no program lies at a name of the binary."""
    for binary, name in names_of_binaries(observation):
        if name["kind"] == "link" or is_executable_file(name):
            continue
        how = _what_is_there(name)
        remedy: t.Optional[Remedy] = reinstall(observation, binary["package"])
        if how == "is not executable" and name["drift"] and is_metadata_only(name["drift"]):
            remedy = set_metadata(name["drift"])
        yield Deviation(
            "{0} {1}".format(name["path"], how),
            path=name["path"],
            expected="an executable file of the package {0}".format(binary["package"]),
            actual=how,
            evidence={"rpm": _rpm_flags(name), "kind": name["kind"]},
            remedy=remedy,
        )


def _what_is_there(name: BinaryName) -> str:
    if name["kind"] == "missing":
        return "is missing"
    if name["kind"] != "file":
        return "is " + with_article(name["kind"])
    return "is not executable" if name["size"] else "is empty"


def relinked(observation: Observation, _policy: Policy) -> t.Iterator[Deviation]:
    """SP203: the binary became a link."""
    for binary, name in names_of_binaries(observation):
        if name["kind"] == "link":
            yield Deviation(
                "{0} became a link to {1}; the package {2} ships a file".format(
                    name["path"], printable(name["target"] or ""), binary["package"]
                ),
                path=name["path"],
                expected="file",
                actual=name["target"],
                evidence={"rpm": _rpm_flags(name)},
                remedy=reinstall(observation, binary["package"], [name["path"]]),
            )


def twin(observation: Observation, _policy: Policy) -> t.Iterator[Deviation]:
    """SP204: another name of the binary is another file, or was altered with it."""
    for binary in observation["binaries"]:
        first = binary["names"][0]
        for other in binary["names"][1:]:
            altered = other["drift"] is not None and bool(content_words(other["drift"])) and is_executable_file(other)
            split = bool(first["inode"] and other["inode"]) and first["inode"] != other["inode"]
            if not altered and not split:
                continue
            yield Deviation(
                "{0} and {1} {2}".format(
                    other["path"], first["path"], "are no longer one file" if split else "were altered together"
                ),
                path=other["path"],
                expected="one inode, content of the package {0}".format(binary["package"]),
                actual={"same_inode": not split, "altered": altered},
                evidence={"rpm": _rpm_flags(other)},
                remedy=reinstall(observation, binary["package"], [other["path"]]),
            )
