# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""SP205 to SP208: files of packages other than the binaries and links of the contract."""

import typing as t

from ..._base.text import printable
from ..file_state import is_stricter
from ..finding_records import Remedy
from ..records import Drift, Observation
from ..remedies import reinstall, set_metadata
from ..rule import Deviation, Policy, listed, shown
from .alternatives import packaged_names
from .binaries import content_words, is_executable_file, is_metadata_only, is_taken_over, names_of_binaries

__all__ = ["altered", "metadata_altered", "overwritten_by_pip", "taken_over"]


def _other_drift(observation: Observation) -> t.Iterator[Drift]:
    """Yield the drift that no rule about a link, a foreign group or a binary of the contract reports."""
    reported = {link["path"] for link in observation["links"]}
    reported.update(
        one["path"] for group in observation["alternatives"] for one in packaged_names(group) if one["governed"]
    )
    reported.update(name["path"] for _binary, name in names_of_binaries(observation))
    for drift in observation["drift"]:
        if drift["path"] not in reported and not is_taken_over(drift) and not is_metadata_only(drift):
            yield drift


def _by_package(drifts: t.Iterable[Drift]) -> t.Iterator[t.Tuple[str, t.List[Drift], t.List[str]]]:
    """Yield each package with its drifts and their paths."""
    grouped: t.Dict[str, t.List[Drift]] = {}
    for drift in drifts:
        grouped.setdefault(drift["package"] or "", []).append(drift)
    for package, members in sorted(grouped.items()):
        yield package, members, [drift["path"] for drift in members]


def _existing_paths(drifts: t.Iterable[Drift]) -> t.List[str]:
    return [drift["path"] for drift in drifts if not drift["missing"]]


def altered(observation: Observation, _policy: Policy) -> t.Iterator[Deviation]:
    """SP205: a file of the library, or of the package manager, has another content or is missing."""
    other = (drift for drift in _other_drift(observation) if drift["missing"] or content_words(drift))
    for package, drifts, paths in _by_package(drift for drift in other if not drift["pip_record"]):
        one = len(paths) == 1
        yield Deviation(
            "{0} of the package {1} {2} not as shipped: {3}".format(
                "1 file" if one else "{0} files".format(len(paths)), package, "is" if one else "are", shown(paths)
            ),
            path=paths[0],
            expected="as in the rpm database",
            actual=_altered_words(drifts),
            evidence=listed(paths, package=package, rpm="missing" if drifts[0]["missing"] else drifts[0]["flags"]),
            remedy=reinstall(observation, package, _existing_paths(drifts)),
            # Python does not read this one, pip does; images and people delete it.
            severity="minor" if all(path.endswith("/EXTERNALLY-MANAGED") for path in paths) else None,
        )


def _altered_words(drifts: t.Iterable[Drift]) -> str:
    words: t.Set[str] = set()
    for drift in drifts:
        words.update(["missing"] if drift["missing"] else drift["altered"])
    return ", ".join(sorted(words))


def taken_over(observation: Observation, _policy: Policy) -> t.Iterator[Deviation]:
    """SP206: another package replaced files."""
    for package, drifts, paths in _by_package(drift for drift in observation["drift"] if is_taken_over(drift)):
        takers = sorted({taker for drift in drifts for taker in drift["taken_by"]})
        names = ", ".join(takers)
        yield Deviation(
            "{0} replaced {1} of the package {2}{3}".format(
                "the package " + names if takers else "another package",
                shown(paths),
                package,
                ". Remove it after the repair (rpm -e {0}), or its next update does so again".format(" ".join(takers))
                if takers
                else "",
            ),
            path=paths[0],
            expected=package,
            actual=names or "replaced",
            evidence=listed(paths, package=package, taken_by=takers),
            remedy=reinstall(observation, package, _existing_paths(drifts)),
        )


def metadata_altered(observation: Observation, policy: Policy) -> t.Iterator[Deviation]:
    """SP207: mode, owner, group or capabilities of a file are not as shipped.

    It is critical where others than root may change it, or get the rights of root by it, and major where ordinary users
    can no longer read it. A mode that is only stricter is left alone, but on request.
    """
    not_executable = {name["path"] for _binary, name in names_of_binaries(observation) if not is_executable_file(name)}
    for drift in observation["drift"]:
        if not is_metadata_only(drift) or drift["path"] in not_executable:
            continue
        remedy: t.Optional[Remedy] = set_metadata(drift)
        if "capabilities" in drift["altered"]:
            remedy = reinstall(observation, drift["package"], [drift["path"]]) or remedy
        stricter = _is_only_stricter(drift)
        yield Deviation(
            "{0} of {1} {2} {3} the package {4} shipped it".format(
                " and ".join(drift["altered"]),
                printable(drift["path"]),
                "is" if len(drift["altered"]) == 1 else "are",
                "stricter than" if stricter else "not as",
                drift["package"],
            ),
            path=drift["path"],
            expected=drift["expected"],
            actual=drift["actual"],
            evidence={"rpm": drift["flags"], "stricter": stricter},
            remedy=remedy if policy.stricter_modes or not stricter else None,
            severity=None if stricter else _severity_of_metadata(drift),
        )


def _is_only_stricter(drift: Drift) -> bool:
    if drift["kind"] == "link" or set(drift["altered"]) - {"mtime"} != {"mode"}:
        return False
    return "mode" in drift["actual"] and is_stricter(*_modes(drift))


def _modes(drift: Drift) -> t.Tuple[int, int]:
    """Return the mode that is there, and the one that was shipped."""
    return int(drift["actual"]["mode"], 8), int(drift["expected"]["mode"], 8)


def _severity_of_metadata(drift: Drift) -> t.Optional[str]:
    if drift["kind"] == "link" or "mode" not in drift["actual"] or "mode" not in drift["expected"]:
        return None
    mode, shipped = _modes(drift)
    given = mode & ~shipped
    # Whoever starts such a program has its owner's rights, or its group's; of a folder, new files get its group.
    lends = drift["kind"] == "file" and (given & 0o6000 or "capabilities" in drift["altered"])
    if (drift["actual"]["uid"] != 0 and drift["expected"]["owner"] == "root") or given & 0o022 or lends:
        return "critical"
    return "major" if shipped & ~mode & 0o044 else None


def overwritten_by_pip(observation: Observation, _policy: Policy) -> t.Iterator[Deviation]:
    """SP208: pip replaced files of a package."""
    for package, drifts, paths in _by_package(one for one in _other_drift(observation) if one["pip_record"]):
        yield Deviation(
            "pip replaced {0} of the package {1}".format(shown(paths), package),
            path=paths[0],
            expected="as in the rpm database",
            actual="installed by pip",
            evidence=listed(paths, package=package, installed_by=drifts[0]["pip_record"]),
            remedy=reinstall(observation, package, _existing_paths(drifts)),
        )
