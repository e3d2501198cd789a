# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""What would stop a plan is found out before its first step, and in check mode: obstacles, room, owners."""

import os
import typing as t

from .._base.errors import QuarantineError, SystemPythonError
from .._base.text import json_text, printable
from .._disk.files import is_directory, size_of, walk
from .._disk.host_mode import PACKAGES, SYSTEM, host_mode, require_mutable
from .._disk.obstacles import Changes, require_changeable
from .._disk.root import HOST, Root
from .._disk.space import ensure_room
from .._packages.transaction import Transaction
from .._packages.wanted import Wanted, wanted_of
from .._rpm.database import Rpm
from .._rpm.disk import Disk
from .._rpm.packages import parse_nevra
from .plan import RepairStep

__all__ = [
    "SELINUX_CONFIG",
    "UnknownOwnerError",
    "changes_of",
    "exact_packages",
    "ids_of_owner",
    "refuse_owned",
    "require_possible",
    "wanted_packages",
]

SELINUX_CONFIG = "/etc/selinux/config"

# What a transaction needs beside its packages: the database grows, and rpm writes a file before it removes the old one.
_MARGIN_BYTES = 16 << 20


class UnknownOwnerError(SystemPythonError):
    """A packaged file belongs to a user or group that this host does not have."""

    kind = "unknown_owner"


def require_possible(
    plan: t.Sequence[RepairStep], state_folder: str, transaction: Transaction, root: Root = HOST
) -> None:
    """Raise an error when the plan, about paths in C(root), could not be carried out to its end.

    That is ImmutableHostError, ReadOnlyError, UnknownOwnerError or DiskFullError.
    """
    changes = changes_of(plan, state_folder, root)
    if root.is_host:
        _require_mutable(plan, changes, transaction.rpm)
    require_changeable(changes)
    for step in plan:
        if step["action"] == "set_metadata":
            ids_of_owner(step, root)
    labels = [parse_nevra(one["nevra"]).label for step in plan for one in step.get("packages", [])]
    if labels:
        transaction.require_writable(transaction.rpm.query(labels).packages)
    ensure_room(state_folder, _MARGIN_BYTES + sum(size_of(path) for path in _paths_to_keep(plan, root)))


def _require_mutable(plan: t.Sequence[RepairStep], changes: Changes, rpm: Rpm) -> None:
    mode = host_mode()
    if mode.kind != PACKAGES:
        paths = {*changes.replaced, *changes.touched, *changes.moved}
        if any(step["action"] == "reinstall" for step in plan):
            paths.add(SYSTEM)
        require_mutable(paths, exact_packages(plan, rpm), mode)


def exact_packages(plan: t.Sequence[RepairStep], rpm: Rpm) -> t.List[str]:
    """Return, as name=version-release, the packages whose installation brings right what they own."""
    named = {parse_nevra(one["nevra"]) for step in plan for one in step.get("packages", [])}
    paths = [step["path"] for step in plan if step["action"] in ("restore_link", "set_metadata")]
    owners = rpm.owners(paths).values() if paths else []
    return sorted({"{0}={1}".format(one.name, one.evr) for one in named.union(*owners)})


def changes_of(plan: t.Sequence[RepairStep], state_folder: str, root: Root = HOST) -> Changes:
    """Return what the plan does to which paths; what its packages hold is the transaction's business.

    They are named as this process finds them, and so is C(state_folder).
    """
    replaced: t.Set[str] = set()
    touched: t.Set[str] = set()
    moved: t.Set[str] = set()
    for step in plan:
        if step["action"] == "set_metadata":
            touched.add(root.place(step["path"]))
        elif step["action"] == "quarantine":
            moved.update(map(root.place, step["paths"]))
        elif step["action"] in ("unset_variables", "selinux_config"):
            replaced.add(root.place(root.realpath(step.get("path", SELINUX_CONFIG))))
        else:
            replaced.update(map(root.place, _names_of(step)))
    replaced.update(os.path.join(state_folder, *names) for names in (("journal.json",), ("quarantine", "run")))
    return Changes(replaced, touched, moved.union(filter(is_directory, replaced)))


def _names_of(step: RepairStep) -> t.Iterator[str]:
    """Yield the names that a step makes, renames over or takes away."""
    yield from step.get("keep", [])
    yield from step.get("entries", [])
    for key in ("path", "state_file"):
        if key in step:
            yield str(step.get(key))
    for link in step.get("links", []):
        yield link["path"]


def ids_of_owner(step: RepairStep, root: Root = HOST) -> t.Tuple[int, int]:
    """Return the numbers of the user and the group of a step. Raises UnknownOwnerError."""
    try:
        return Disk(root).ids(step["owner"], step["group"])
    except KeyError:
        raise UnknownOwnerError(
            "{0} belongs to {1}:{2}, and {3} does not have both. Make the user and the group that are lacking "
            "(their package does), and run again.".format(
                printable(step["path"]),
                step["owner"],
                step["group"],
                "this host" if root.is_host else "the root " + printable(root.folder),
            ),
            path=json_text(step["path"]),
            owner=step["owner"],
            group=step["group"],
        ) from None


def _paths_to_keep(plan: t.Sequence[RepairStep], root: Root) -> t.Set[str]:
    paths: t.Set[str] = set()
    for step in plan:
        if step["action"] == "reinstall":
            paths.update(step["keep"])
        elif step["action"] == "quarantine":
            paths.update(step["paths"])
        elif step["action"] == "drop_choices":
            paths.add(step["state_file"])
        elif step["action"] == "unset_variables":
            paths.add(step["path"])
    return {root.place(path) for path in paths if root.lexists(path)}


def refuse_owned(plan: t.Sequence[RepairStep], rpm: Rpm, root: Root = HOST) -> None:
    """Raise QuarantineError when the plan would move a file that a package ships, itself or with its folder.

    A %ghost is only a name. The rules never ask for that; this is the second lock on the same door.
    """
    moved = [path for step in plan if step["action"] == "quarantine" for path in step["paths"]]
    tops = [root.place(top) for top in moved if root.lexists(top)]
    paths = [root.inside(path) for top in tops for path, _relative in walk(top)]
    owners = {path: owned for path, owned in rpm.owners(paths).items() if owned} if paths else {}
    names = sorted({owner.name for owned in owners.values() for owner in owned})
    shipped = {file.path for package in rpm.query(names).packages for file in package.files if not file.is_ghost}
    refused = sorted(path for path in owners if path in shipped)
    if refused:
        raise QuarantineError(
            "{0} belongs to the package {1}, so it is not moved and nothing was changed. The rules are mistaken; "
            "please report it.".format(printable(refused[0]), owners[refused[0]][0].nevra),
            paths=[json_text(path) for path in refused],
        )


def wanted_packages(plan: t.Sequence[RepairStep], rpm: Rpm) -> t.List[Wanted]:
    """Return the packages of the plan's transaction."""
    wanted: t.List[Wanted] = []
    for step in plan:
        if step["action"] == "reinstall":
            named = [parse_nevra(one["nevra"]) for one in step["packages"]]
            installed = rpm.query([one.label for one in named]).packages
            wanted.extend(wanted_of(installed))
            wanted.extend(Wanted(one) for one in named if one not in [package.id for package in installed])
    return wanted
