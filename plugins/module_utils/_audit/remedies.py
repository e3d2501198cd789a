# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""The remedies that several rules name."""

import typing as t

from .finding_records import (
    DropChoices,
    DropGroup,
    DroppedLink,
    LinkTarget,
    QuarantineFiles,
    Reinstall,
    RelinkGroup,
    RemakeGroup,
    RestoreLink,
    SetMetadata,
)
from .records import AlternativesChoice, AlternativesGroup, Drift, FileFacts, GovernedLink, Observation, ObservedLink

__all__ = [
    "drop_choices",
    "drop_group",
    "reinstall",
    "relink",
    "restore_link",
    "set_metadata",
    "set_recorded",
    "set_right",
]


def reinstall(
    observation: Observation, package: t.Optional[str], overwritten: t.Iterable[str] = ()
) -> t.Optional[Reinstall]:
    """Return the remedy, of which C(overwritten) are the altered files that the transaction overwrites.

    It is null where the package is not in the database: SP301 reports that, with its own remedy.
    """
    nevra = observation["packages"].get(package or "")
    if not package or not nevra:
        return None
    return Reinstall(action="reinstall", package=package, nevra=nevra, keep=list(overwritten))


def restore_link(link: ObservedLink) -> RestoreLink:
    """Return how to put a packaged link back."""
    return RestoreLink(action="restore_link", path=link["path"], target=link["expected"], kind=link["kind"])


def set_metadata(drift: Drift) -> t.Optional[SetMetadata]:
    """Return how to set mode, owner and group as shipped; null where no package recorded them."""
    return set_recorded(drift["path"], drift["expected"])


def set_recorded(path: str, recorded: t.Optional[FileFacts]) -> t.Optional[SetMetadata]:
    """Return how to set mode, owner and group of C(path) as C(recorded); null where that does not have them."""
    if not recorded or "owner" not in recorded or "group" not in recorded:
        return None
    return SetMetadata(
        action="set_metadata",
        path=path,
        mode=recorded.get("mode"),
        owner=recorded["owner"],
        group=recorded["group"],
    )


def drop_group(group: AlternativesGroup, observation: Observation) -> DropGroup:
    """Return how to take a foreign group away; an entry that a group of the release has, too, stays."""
    links = [
        DroppedLink(path=one["path"], entry=one["entry"], package=one["package"], packaged_target=one["expected"])
        for one in group["governs"]
    ]
    others = [other for other in observation["alternatives"] if other["own"]]
    kept = {one["entry"] for other in others for one in other["governs"]}
    entries = dict.fromkeys([group["entry"]] + [link["entry"] for link in links])
    return DropGroup(
        action="drop_group",
        name=group["name"],
        state_file=group["state_file"],
        entries=[entry for entry in entries if entry not in kept],
        links=links,
    )


def drop_choices(
    group: AlternativesGroup, observation: Observation, targets: t.List[str], slaves: t.Sequence[GovernedLink] = ()
) -> t.Union[DropChoices, RemakeGroup, None]:
    """Return how to take foreign choices and slaves out of a group of the release itself.

    Where no packaged choice would be left, its packages make it again.
    """
    left = [choice for choice in group["choices"] if choice["owner"] and choice["target"] not in targets]
    if not left:
        return remake_group(group, observation)
    follow = relink(group, left)
    links = follow["links"] if follow else []
    return DropChoices(
        action="drop_choices",
        name=group["name"],
        state_file=group["state_file"],
        targets=targets,
        slaves=[one["name"] for one in slaves],
        entries=[one["entry"] for one in slaves],
        links=links + [LinkTarget(path=one["path"], target=one["expected"]) for one in slaves if one["expected"]],
    )


def set_right(
    group: AlternativesGroup, observation: Observation
) -> t.Union[RelinkGroup, RemakeGroup, QuarantineFiles, None]:
    """Return how to make the links of a group and its state file agree; null where nothing is to be done, or can be.

    The links follow the state file. One that cannot be read, or that has lost what the links lead to, is made again by
    the packages that register themselves there. A target that a package owns goes before one that none owns.
    """
    if not group["choices"]:
        unreadable = QuarantineFiles(action="quarantine", paths=[group["state_file"]])
        return remake_group(group, observation) if group["makers"] else unreadable
    registered = any(choice["chosen"] for choice in group["choices"])
    if group["chosen_owner"] in group["makers"] and not registered:
        return remake_group(group, observation, [group["chosen_owner"]])
    owned = [choice for choice in group["choices"] if choice["owner"]]
    if group["own"] and not owned:
        return remake_group(group, observation)
    return relink(group, owned or [choice for choice in group["choices"] if choice["exists"]])


def remake_group(
    group: AlternativesGroup, observation: Observation, makers: t.Optional[t.Sequence[str]] = None
) -> t.Optional[RemakeGroup]:
    """Return how its packages make a group again, null where there are none; C(makers) add themselves to it."""
    nevras = observation["packages"]
    packages = {name: nevras[name] for name in makers or group["makers"] if name in nevras}
    if not packages:
        return None
    return RemakeGroup(
        action="remake_group",
        name=group["name"],
        state_file=group["state_file"],
        cleared=[] if makers else [group["state_file"]],
        packages=packages,
        links=[path for one in group["governs"] for path in (one["path"], one["entry"])],
    )


def relink(group: AlternativesGroup, living: t.Sequence[AlternativesChoice]) -> t.Optional[RelinkGroup]:
    """Return how to make the links of a group lead to what it chooses among C(living), null where they do."""
    if not living:
        return None
    chosen = [choice for choice in living if group["mode"] == "manual" and choice["chosen"]]
    best = chosen[0] if chosen else max(living, key=lambda choice: choice["priority"])
    master = group["governs"][0]
    targets = {name: target for name, target in best["slaves"].items() if target and name in best["astray"]}
    slaves = [one for one in group["governs"][1:] if one["name"] in targets]
    if best["chosen"] and master["governed"] and not slaves:
        # Only a registered target is gone: dropping the registration is its package's business.
        return None
    links = [LinkTarget(path=one["path"], target=one["entry"]) for one in [master] + slaves]
    links.append(LinkTarget(path=group["entry"], target=best["target"]))
    links += [LinkTarget(path=one["entry"], target=targets[one["name"]]) for one in slaves]
    return RelinkGroup(action="relink_group", name=group["name"], state_file=group["state_file"], links=links)
