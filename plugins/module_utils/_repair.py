# Copyright (c) 2026, the fleet.system_python contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no other collection may import this file.

"""Carry a plan out, step by step. What was wrong before the first step is reported before the first step is taken.

Every step can be done again: a run that was killed is finished by making a new plan from what the host then is.
"""

import grp
import os
import pwd
import re
import stat
import typing as t

from ansible_collections.fleet.system_python.plugins.module_utils._acquisition import (
    Acquired,
    Source,
    Wanted,
    acquire,
    wanted_of,
)
from ansible_collections.fleet.system_python.plugins.module_utils._alternatives import without_choices
from ansible_collections.fleet.system_python.plugins.module_utils._command import CommandRunner, run_command
from ansible_collections.fleet.system_python.plugins.module_utils._environment import is_shell_file
from ansible_collections.fleet.system_python.plugins.module_utils._errors import (
    PrivilegeError,
    ProofError,
    QuarantineError,
    ReadOnlyError,
    SystemPythonError,
)
from ansible_collections.fleet.system_python.plugins.module_utils._files import (
    ensure_room,
    is_read_only,
    replace_link,
    rewrite_durably,
    size_of,
    write_durably,
)
from ansible_collections.fleet.system_python.plugins.module_utils._plan import Action
from ansible_collections.fleet.system_python.plugins.module_utils._quarantine import Quarantine
from ansible_collections.fleet.system_python.plugins.module_utils._resolution import kind_of
from ansible_collections.fleet.system_python.plugins.module_utils._rpm import Rpm
from ansible_collections.fleet.system_python.plugins.module_utils._text import json_text, printable
from ansible_collections.fleet.system_python.plugins.module_utils._transaction import Transaction

__all__ = ["Workshop", "carry_out", "fetch_packages", "refuse_owned", "require_possible", "require_root"]

SELINUX_CONFIG = "/etc/selinux/config"
_SELINUX_ENFORCE = "/sys/fs/selinux/enforce"
_RESTORECON = ("/usr/sbin/restorecon", "/sbin/restorecon")

# What a transaction needs beside its packages: the database grows, and rpm writes a file before it removes the old one.
_MARGIN_BYTES = 16 << 20


class Workshop(t.NamedTuple):
    """What the steps work with."""

    rpm: Rpm
    quarantine: Quarantine
    transaction: Transaction
    package_files: t.Sequence[str] = ()
    runner: CommandRunner = run_command


# --- before anything is changed --------------------------------------------------------------------------------------


def require_root() -> None:
    """Raise PrivilegeError when this is not root."""
    if os.geteuid() != 0:
        raise PrivilegeError(
            "Only root can repair the system Python; this run is user id {0}, so nothing was changed. "
            "Use 'become: true'.".format(os.geteuid())
        )


def require_possible(plan: t.Sequence[Action], quarantine_folder: str) -> None:
    """Raise ReadOnlyError or DiskFullError when the plan could not be carried out to its end."""
    for folder in _written_folders(plan):
        if is_read_only(folder):
            raise ReadOnlyError(
                "{0} is on a file system that is mounted read-only, so nothing was changed. Mount it read-write "
                "(mount -o remount,rw ...) and run again; on an image-based system repair the image.".format(folder),
                path=folder,
            )
    ensure_room(quarantine_folder, _MARGIN_BYTES + sum(size_of(path) for path in _kept(plan)))


def refuse_owned(plan: t.Sequence[Action], rpm: Rpm) -> None:
    """Raise QuarantineError when the plan would move a file that a package ships, itself or with its folder.

    A %ghost is only a name. The rules never ask for that; this is the second lock on the same door.
    """
    moved = [path for action in plan if action["action"] == "quarantine" for path in action["paths"]]
    paths = [path for top in moved for path in _with_all_below(top)]
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


def _with_all_below(top: str) -> t.Iterator[str]:
    yield top
    if os.path.isdir(top) and not os.path.islink(top):
        for folder, folders, files in os.walk(top):
            for name in folders + files:
                yield os.path.join(folder, name)


def _written_folders(plan: t.Sequence[Action]) -> t.List[str]:
    folders: t.Set[str] = set()
    for action in plan:
        if action["action"] == "reinstall":
            folders.update(("/usr", "/usr/bin", "/var/lib/rpm"))
        elif action["action"] == "selinux_config":
            folders.add(os.path.dirname(SELINUX_CONFIG))
        for path in [action["path"]] if "path" in action else action.get("paths", []):
            folders.add(os.path.dirname(path))
        folders.update(os.path.dirname(link["path"]) for link in action.get("links", []))
        if "state_file" in action:
            folders.add(os.path.dirname(action["state_file"]))
    return sorted(folder for folder in folders if os.path.isdir(folder))


def _kept(plan: t.Sequence[Action]) -> t.Set[str]:
    paths: t.Set[str] = set()
    for action in plan:
        if action["action"] == "reinstall":
            paths.update(action["keep"])
        elif action["action"] == "quarantine":
            paths.update(action["paths"])
        elif action["action"] == "drop_choices":
            paths.add(action["state_file"])
        elif action["action"] == "unset_variables":
            paths.add(action["path"])
    return {path for path in paths if os.path.lexists(path)}


def fetch_packages(
    plan: t.Sequence[Action], sources: t.Sequence[Source], staging: str, rpm: Rpm, check_signatures: bool
) -> t.Optional[Acquired]:
    """Bring the packages of the plan's transaction into C(staging), checked; null when the plan has none.

    Raises AcquisitionError, VersionGoneError, SignatureError, RepositoryError or DiskFullError.
    """
    wanted: t.List[Wanted] = []
    for action in plan:
        if action["action"] == "reinstall":
            names = [one["name"] for one in action["packages"] if one["nevra"]]
            installed = {package.name: package for package in rpm.query(names).packages}
            wanted.extend(wanted_of(installed[name] for name in names))
            wanted.extend(Wanted(one["name"], one["evr"], "") for one in action["packages"] if not one["nevra"])
    if not wanted:
        return None
    return acquire(wanted, staging, sources, rpm, check_signatures)


# --- the steps -------------------------------------------------------------------------------------------------------


def carry_out(action: Action, workshop: Workshop) -> t.Dict[str, t.Any]:
    """Do one action of the plan and return what it did, as plain data. Raises SystemPythonError."""
    return _STEPS[action["action"]](action, workshop)


def _reason(action: Action) -> str:
    return ", ".join(action["findings"]) or action["action"]


def _restore_link(action: Action, workshop: Workshop) -> t.Dict[str, t.Any]:
    return _put_link_back(action["path"], action["target"], _reason(action), workshop)


def _put_link_back(path: str, target: str, reason: str, workshop: Workshop) -> t.Dict[str, t.Any]:
    """Make C(path) the link it was shipped as; what lay there goes to the quarantine. It is never missing."""
    kind = kind_of(path)
    if kind == "link" and os.readlink(path) == target:
        return {"path": path, "already": True}
    if kind == "missing":
        replace_link(path, target)
    else:
        workshop.quarantine.replace(path, target, "replaced by the packaged link", reason)
    if kind_of(path) != "link" or os.readlink(path) != target:
        raise ProofError("{0} is not the link to {1} although it was just made. Who changes it?".format(path, target))
    return {"path": path, "target": target, "was": kind}


def _drop_group(action: Action, workshop: Workshop) -> t.Dict[str, t.Any]:
    """Put the packaged links back, then take the group's records away.

    C(alternatives --remove-all) deletes the public link even after it was put back, so the program is not asked.
    """
    reason = _reason(action)
    moved: t.List[str] = []
    for link in action["links"]:
        if link["packaged_target"]:
            _put_link_back(link["path"], link["packaged_target"], reason, workshop)
        elif not link["package"] and _leads_to(link["path"], link["entry"]):
            moved.append(link["path"])
    moved.extend([action["state_file"]] + [link["entry"] for link in action["links"]])
    for path in moved:
        if os.path.lexists(path):
            workshop.quarantine.take(path, "part of a foreign alternatives group", reason)
    for link in action["links"]:
        if link["packaged_target"] and not _leads_to(link["path"], link["packaged_target"]):
            raise ProofError("{0} changed while its alternatives group was dropped.".format(link["path"]))
    return {"name": action["name"], "moved": moved}


def _leads_to(path: str, target: str) -> bool:
    return os.path.islink(path) and os.readlink(path) == target


def _drop_choices(action: Action, workshop: Workshop) -> t.Dict[str, t.Any]:
    """Take choices out of the state file, of which a copy is kept, and make the links agree with what is left."""
    state_file = action["state_file"]
    with open(state_file, "rb") as stream:
        before = os.fsdecode(stream.read())
    after = without_choices(action["name"], before, action["targets"])
    if after != before:
        workshop.quarantine.keep(state_file, "foreign choices taken out of an alternatives group", _reason(action))
        write_durably(state_file, os.fsencode(after), stat.S_IMODE(os.stat(state_file).st_mode))
    _relink_group(action, workshop)
    return {"name": action["name"], "targets": action["targets"], "links": action["links"]}


def _relink_group(action: Action, workshop: Workshop) -> t.Dict[str, t.Any]:
    # The entry first: the public link must not lead to a wrong target, however short.
    for link in reversed(action["links"]):
        _put_link_back(link["path"], link["target"], _reason(action), workshop)
    return {"name": action["name"], "links": action["links"]}


def _quarantine(action: Action, workshop: Workshop) -> t.Dict[str, t.Any]:
    moved = []
    for path in action["paths"]:
        if os.path.lexists(path):
            workshop.quarantine.take(path, "no package owns it", action["reasons"][path])
            moved.append(path)
    return {"moved": moved}


def _unset_variables(action: Action, workshop: Workshop) -> t.Dict[str, t.Any]:
    """Make comments of the lines, and leave every other byte as it is. A shell's block must not become empty."""
    path, wanted = action["path"], set(action["lines"])
    with open(path, "rb") as stream:
        before = os.fsdecode(stream.read())
    mark = ": # " if is_shell_file(path) else "# "
    lines = before.splitlines(True)
    changed = [mark + line if line.rstrip("\r\n") in wanted else line for line in lines]
    if changed != lines:
        workshop.quarantine.keep(path, "lines that set a variable for everyone became comments", _reason(action))
        rewrite_durably(path, os.fsencode("".join(changed)))
    return {"path": path, "lines": len([line for line in lines if line.rstrip("\r\n") in wanted])}


def _reinstall(action: Action, workshop: Workshop) -> t.Dict[str, t.Any]:
    reason = _reason(action)
    for path in action["keep"]:
        kind = kind_of(path)
        if kind == "directory":
            # rpm cannot unpack a file where a directory is.
            workshop.quarantine.take(path, "in the way of a packaged file", reason)
        elif kind != "missing":
            workshop.quarantine.keep(path, "altered; overwritten by the package's own", reason)
    workshop.transaction.run(workshop.package_files, replace_files=bool(action["replaceable"]))
    return {"packages": [one["nevra"] or one["name"] for one in action["packages"]]}


def _set_metadata(action: Action, _workshop: Workshop) -> t.Dict[str, t.Any]:
    path = action["path"]
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        # Owner first: chown clears the set-user-id bit that chmod may have to set.
        os.fchown(descriptor, _user_id(action["owner"]), _group_id(action["group"]))
        os.fchmod(descriptor, int(action["mode"], 8))
        found = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    return {"path": path, "mode": "{0:04o}".format(stat.S_IMODE(found.st_mode))}


def _user_id(name: str) -> int:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        raise SystemPythonError("The user {0} that owns a packaged file does not exist.".format(name)) from None


def _group_id(name: str) -> int:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise SystemPythonError("The group {0} that owns a packaged file does not exist.".format(name)) from None


def _selinux_config(action: Action, workshop: Workshop) -> t.Dict[str, t.Any]:
    with open(SELINUX_CONFIG, "rb") as stream:
        before = os.fsdecode(stream.read())
    after = re.sub(r"(?m)^(\s*SELINUX\s*=\s*)\w+", r"\g<1>" + action["mode"], before)
    if after != before:
        workshop.quarantine.keep(SELINUX_CONFIG, "SELINUX= changed on request", _reason(action))
        write_durably(SELINUX_CONFIG, os.fsencode(after), stat.S_IMODE(os.stat(SELINUX_CONFIG).st_mode))
    return {"path": SELINUX_CONFIG, "mode": action["mode"], "effective": "after the next boot or setenforce"}


def _relabel(action: Action, workshop: Workshop) -> t.Dict[str, t.Any]:
    program = next((path for path in _RESTORECON if os.access(path, os.X_OK)), None)
    if program is None or not os.path.exists(_SELINUX_ENFORCE):
        return {"relabelled": [], "reason": "SELinux is not active on this host"}
    paths = [path for path in action["paths"] if os.path.lexists(path)]
    done = workshop.runner([program, "-F"] + paths, timeout=60)
    if done.rc != 0:
        raise done.error("The SELinux labels of restored files cannot be set")
    return {"relabelled": paths}


_STEPS: t.Dict[str, t.Callable[[Action, Workshop], t.Dict[str, t.Any]]] = {
    "restore_link": _restore_link,
    "drop_group": _drop_group,
    "drop_choices": _drop_choices,
    "relink_group": _relink_group,
    "quarantine": _quarantine,
    "unset_variables": _unset_variables,
    "reinstall": _reinstall,
    "set_metadata": _set_metadata,
    "selinux_config": _selinux_config,
    "relabel": _relabel,
}
