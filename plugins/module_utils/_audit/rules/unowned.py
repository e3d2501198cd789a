# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""SP209, SP210, SP213 and SP214: what no package owns, where the system's Python or its users find it."""

import typing as t

from ..._base.text import printable
from ..finding_records import QuarantineFiles
from ..records import Observation, PlantedFile
from ..rule import ADD_ON, MOST_LISTED, Deviation, Policy, listed, project_of, shown

__all__ = ["astray", "interpreter", "modules_shadowed", "planted"]

_EXPECTED = "only files of packages"
# Folders of administrators and users.
_OUTSIDE = ("user", "local")


def planted(observation: Observation, policy: Policy) -> t.Iterator[Deviation]:
    """SP209: in the system's folders; what only lies there is somebody's add-on, reported and left where it is."""
    found = [one for one in observation["planted"] if one["role"] not in _OUTSIDE]
    in_effect = [one for one in found if one["runs_at_startup"] or (one["hides"] and not one["by_pip"])]
    beside = [one for one in found if not one["runs_at_startup"]]
    installed = [one for one in beside if one["by_pip"]]
    add_ons = [one for one in beside if not one["by_pip"] and not one["hides"]]
    for several, deviation in ((in_effect, _in_effect), (add_ons, _add_ons), (installed, _installed)):
        if several:
            yield deviation(several, policy)


def _in_effect(found: t.List[PlantedFile], _policy: Policy) -> Deviation:
    paths = [one["path"] for one in found]
    startup = [one["path"] for one in found if one["runs_at_startup"]]
    return Deviation(
        "no package owns {0}, which the system's Python finds{1}".format(
            shown(paths), " and runs whenever it starts" if startup else ""
        ),
        path=paths[0],
        expected=_EXPECTED,
        actual="unowned",
        evidence=listed(paths, run_at_startup=startup[:MOST_LISTED]),
        remedy=QuarantineFiles(action="quarantine", paths=paths),
    )


def _add_ons(found: t.List[PlantedFile], policy: Policy) -> Deviation:
    paths = [one["path"] for one in found]
    names = sorted(filter(None, map(project_of, paths)))
    open_paths = [one["path"] for one in found if one["open_to_others"]]
    since = min((one["since"] for one in found if one["since"]), default=None)
    text = "no package owns {0}: an add-on to the system's Python{1}"
    if open_paths:
        text += ", of which others than root may change {2}"
    if since:
        text += ", since {3}"
    return Deviation(
        text.format(shown(paths), " ({0})".format(shown(names)) if names else "", shown(open_paths), since),
        path=paths[0],
        expected=_EXPECTED,
        actual=ADD_ON,
        evidence=listed(paths, add_ons=names[:MOST_LISTED], open_to_others=open_paths[:MOST_LISTED], since=since),
        remedy=QuarantineFiles(action="quarantine", paths=paths) if policy.quarantine_all else None,
        severity=None if open_paths else "minor",
    )


def _installed(found: t.List[PlantedFile], _policy: Policy) -> Deviation:
    paths = [one["path"] for one in found]
    hiding = any(one["hides"] for one in found)
    return Deviation(
        "pip installed {0} into the folders of the system's Python{1}".format(
            shown(paths), ", in the place of its own modules" if hiding else ""
        ),
        path=paths[0],
        expected=_EXPECTED,
        actual="installed by pip",
        evidence=listed(paths),
        severity=None if hiding else "minor",
    )


def modules_shadowed(observation: Observation, _policy: Policy) -> t.Iterator[Deviation]:
    """SP213: in folders that the system's Python reads beside those of packages."""
    found = [one for one in observation["planted"] if one["role"] in _OUTSIDE]
    for by_pip in (False, True):
        several = [one for one in found if one["by_pip"] is by_pip]
        if not several:
            continue
        paths = [one["path"] for one in several]
        startup = [one["path"] for one in several if one["runs_at_startup"]]
        hiding = [one["path"] for one in several if one["hides"] and not one["runs_at_startup"]]
        yield Deviation(
            "{0} {1}, and {2}".format(
                "the system's Python runs whenever it starts" if startup else "programs of the system would import",
                shown(startup + hiding),
                "pip installed it" if by_pip else "no package owns it",
            ),
            path=paths[0],
            expected="packaged modules only",
            actual="installed by pip" if by_pip else "unowned",
            evidence=listed(paths, run_at_startup=startup[:MOST_LISTED], hiding=hiding[:MOST_LISTED]),
            # With pip, a whole package goes: pip uninstall.
            remedy=None if by_pip else QuarantineFiles(action="quarantine", paths=paths),
            severity=None if hiding or not by_pip else "minor",
        )


def astray(observation: Observation, _policy: Policy) -> t.Iterator[Deviation]:
    """SP214: a folder of packaged modules leads where others than root may put something else in its place."""
    for one in observation["astray"]:
        yield Deviation(
            "{0} of the package {1} is a link to {2}, and others than root may write {3}: they decide what the "
            "system's Python imports".format(
                printable(one["path"]), one["package"], printable(one["leads_to"]), printable(one["open_folder"])
            ),
            path=one["path"],
            expected="a folder",
            actual="a link to {0}".format(one["leads_to"]),
            evidence={key: one[key] for key in ("package", "leads_to", "open_folder")},
        )


def interpreter(observation: Observation, _policy: Policy) -> t.Iterator[Deviation]:
    """SP210: parts of another Python in folders of the operating system."""
    by_version: t.Dict[str, t.List[str]] = {}
    for trace in observation["traces"]:
        if not trace["governed"]:
            by_version.setdefault(trace["version"] or "", []).append(trace["path"])
    for version, paths in sorted(by_version.items()):
        yield Deviation(
            "no package owns {0} in folders of the operating system{1}".format(
                shown(paths), ": parts of a Python {0}".format(version) if version else ""
            ),
            path=paths[0],
            expected=_EXPECTED,
            actual="unowned",
            evidence=listed(paths, version=version or None),
            remedy=QuarantineFiles(action="quarantine", paths=paths),
        )
